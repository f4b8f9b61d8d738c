//! The one appeal against a payout's severity.

use sea_orm::entity::prelude::*;

use crate::vocabulary::Severity;

/// The one appeal against a payout's severity.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_appeal")]
pub struct Model {
    /// Identifies the appeal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The payout.
    pub payout_id: Uuid,
    /// What the white hat says.
    pub grounds: String,
    /// Subject who passed it on.
    pub appealed_by: String,
    /// When.
    pub appealed_at: DateTimeUtc,
    /// Severity appealed against.
    pub severity_before: Severity,
    /// Severity after it; none until it is resolved.
    pub severity_after: Option<Severity>,
    /// Why it was resolved so.
    pub resolution: Option<String>,
    /// Subject who resolved it.
    pub resolved_by: Option<String>,
    /// When.
    pub resolved_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
