//! Money or points for a reporter.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{AssetTier, PayoutKind, PayoutState, Severity};

/// Money or points for a reporter.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout")]
pub struct Model {
    /// Identifies the payout.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Number people and platforms use; random, so that it tells no count.
    pub number: String,
    /// What it is for.
    pub kind: PayoutKind,
    /// The channel that pays it out.
    pub channel_id: Uuid,
    /// The report that earned it; none for bonuses and gifts.
    pub report_id: Option<Uuid>,
    /// Whom it is paid to.
    pub reporter_id: Uuid,
    /// The period of a bonus or gift (`2026-Q1`).
    pub period: Option<String>,
    /// The run that computed it.
    pub bonus_run_id: Option<Uuid>,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code, or POINTS.
    pub currency: String,
    /// What the range prices, in minor units: the amount before a split.
    pub priced: i64,
    /// The grid's version that gave the range.
    pub grid_id: Option<Uuid>,
    /// Tier by which it was priced.
    pub asset_tier: Option<AssetTier>,
    /// Severity by which it was priced.
    pub severity: Option<Severity>,
    /// Least of the range, in minor units.
    pub range_minimum: Option<i64>,
    /// Most of the range, in minor units.
    pub range_maximum: Option<i64>,
    /// Where it stands.
    pub state: PayoutState,
    /// State to which a released one returns.
    pub held_from: Option<PayoutState>,
    /// What it waits for: whether its finder sent one report to several platforms.
    pub held_for: Option<Uuid>,
    /// Which share of a split payout it is, from 1; none while it is whole.
    pub share: Option<i32>,
    /// What it is the only live payout for; none once it ended without payment or was reversed.
    pub live_key: Option<String>,
    /// Subject who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: DateTimeUtc,
    /// Why.
    pub rationale: String,
    /// Subject who split it.
    pub split_by: Option<String>,
    /// Subject who approved it.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<DateTimeUtc>,
    /// What was last approved, in minor units: what those outside see.
    pub approved_amount: Option<i64>,
    /// Severity of what was last approved.
    pub approved_severity: Option<Severity>,
    /// Until when the white hat may accept or appeal; then silence accepts.
    pub answer_by: Option<DateTimeUtc>,
    /// When the white hat accepted.
    pub accepted_at: Option<DateTimeUtc>,
    /// Whether the one appeal was made.
    pub appealed: bool,
    /// The budget that it is reserved in or was paid from.
    pub budget_id: Option<Uuid>,
    /// Part approved beyond the budget, in minor units.
    pub over_budget: i64,
    /// Counts from 1 how often it was offered to the platform: what is said of an earlier attempt changes nothing.
    pub attempt: i32,
    /// When the platform took it.
    pub synced_at: Option<DateTimeUtc>,
    /// The platform's own reference.
    pub platform_reference: Option<String>,
    /// When it was paid, as confirmed.
    pub paid_at: Option<DateTimeUtc>,
    /// Subject who confirmed the payment.
    pub paid_by: Option<String>,
    /// Reference of the payment; once in a channel.
    pub paid_reference: Option<String>,
    /// Proof of a payment by hand.
    pub paid_proof: Option<String>,
    /// When the payment was reversed.
    pub reversed_at: Option<DateTimeUtc>,
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

crate::aggregate!("payout");
