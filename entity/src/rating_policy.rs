//! A version of weights and bands; never changed, only followed by the next.

use sea_orm::entity::prelude::*;

/// A version of weights and bands; never changed, only followed by the next.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rating_policy")]
pub struct Model {
    /// Identifies the version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Counts up from 1.
    pub number: i32,
    /// Weights in tenths of a percent, by factor.
    pub weights: Json,
    /// Levels with their first and last tenth.
    pub bands: Json,
    /// Subject who introduced it.
    pub created_by: String,
    /// From when it is used.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
