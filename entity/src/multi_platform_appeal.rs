//! What a payee says against being taken for a finder who sent one report to several platforms.

use sea_orm::entity::prelude::*;

/// What a payee says against being taken for a finder who sent one report to several platforms.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "multi_platform_appeal")]
pub struct Model {
    /// Identifies the appeal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it is against.
    pub multi_platform_id: Uuid,
    /// The payout that was put on hold or taken back.
    pub payout_id: Uuid,
    /// What the payee says.
    pub grounds: String,
    /// Subject who passed it on; of a reporter, what stands for them.
    pub appealed_by: String,
    /// When.
    pub appealed_at: DateTimeUtc,
    /// Whether it was upheld; none until it is resolved.
    pub upheld: Option<bool>,
    /// Why, for the payee to read.
    pub resolution: Option<String>,
    /// Subject who resolved it.
    pub resolved_by: Option<String>,
    /// When.
    pub resolved_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
