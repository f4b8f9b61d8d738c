//! A computation of bonuses from what a period's reports were.

use sea_orm::entity::prelude::*;

use crate::vocabulary::PayoutKind;

/// A computation of bonuses from what a period's reports were.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bonus_run")]
pub struct Model {
    /// Identifies the run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Quarterly or annual.
    pub kind: PayoutKind,
    /// The channel whose reports count.
    pub channel_id: Uuid,
    /// The period.
    pub period: String,
    /// ISO 4217 code, or POINTS.
    pub currency: String,
    /// Amount by severity, threshold and cap, in minor units.
    pub policy: Json,
    /// SHA-256 over policy and counted reports.
    pub input_hash: Vec<u8>,
    /// Reports that counted.
    pub counted: i32,
    /// Live bonuses of other amounts than it came to, with those.
    pub differing: Json,
    /// Subject who computed it.
    pub computed_by: String,
    /// When.
    pub computed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
