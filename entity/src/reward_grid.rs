//! A version of what reports of each severity earn; never changed, only followed by the next.

use sea_orm::entity::prelude::*;

/// A version of what reports of each severity earn; never changed, only followed by the next.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reward_grid")]
pub struct Model {
    /// Identifies the version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Counts up from 1.
    pub number: i32,
    /// The channel it is for; none for all that have no grid of their own.
    pub channel_id: Option<Uuid>,
    /// ISO 4217 code, or POINTS.
    pub currency: String,
    /// Subject who introduced it.
    pub created_by: String,
    /// From when it is used.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
