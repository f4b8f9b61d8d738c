//! The range that one severity in one asset tier earns.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{AssetTier, Severity};

/// The range that one severity in one asset tier earns.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reward_grid_cell")]
pub struct Model {
    /// Identifies the cell.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The grid's version.
    pub grid_id: Uuid,
    /// Tier of the asset.
    pub asset_tier: AssetTier,
    /// Severity told to the reporter.
    pub severity: Severity,
    /// Least, in minor units.
    pub minimum: i64,
    /// Most, in minor units.
    pub maximum: i64,
}

impl ActiveModelBehavior for ActiveModel {}
