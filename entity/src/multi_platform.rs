//! Two reports of which somebody says that one finder sent them to several platforms.

use sea_orm::entity::prelude::*;

use crate::texts::Texts;
use crate::vocabulary::MultiPlatformOutcome;

/// Two reports of which somebody says that one finder sent them to several platforms.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "multi_platform")]
pub struct Model {
    /// Identifies the case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The report that was received later.
    pub report_id: Uuid,
    /// The report that was received earlier.
    pub other_report_id: Uuid,
    /// What speaks for it, in the words of who proposed it.
    pub evidence: String,
    /// What the reports had in common then, as codes.
    pub found: Texts,
    /// What their reporters had in common then, as codes: no personal data.
    pub finder: Texts,
    /// How much the reports had in common then, 0 to 100.
    pub score: i32,
    /// Subject who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: DateTimeUtc,
    /// Until when unpaid payouts are on hold at most.
    pub held_until: DateTimeUtc,
    /// When their hold ended without a decision.
    pub hold_ended_at: Option<DateTimeUtc>,
    /// What was decided; none until then.
    pub outcome: Option<MultiPlatformOutcome>,
    /// Why.
    pub rationale: Option<String>,
    /// Subject who decided it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTimeUtc>,
    /// Until when a finder may appeal against the decision.
    pub appeal_by: Option<DateTimeUtc>,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("multi_platform");
