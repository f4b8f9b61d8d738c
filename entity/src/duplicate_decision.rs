//! What a person decided of two reports.

use sea_orm::entity::prelude::*;

use crate::vocabulary::DuplicateOutcome;

/// What a person decided of two reports.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "duplicate_decision")]
pub struct Model {
    /// Identifies the decision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The report that came later.
    pub report_id: Uuid,
    /// The report that came earlier.
    pub other_report_id: Uuid,
    /// What was decided.
    pub outcome: DuplicateOutcome,
    /// Why.
    pub rationale: String,
    /// With which score the pair was shown, 0 to 100; none when a person named it.
    pub score: Option<i32>,
    /// Subject.
    pub decided_by: String,
    /// When.
    pub decided_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
