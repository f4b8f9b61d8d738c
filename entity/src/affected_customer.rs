//! A customer touched by an event.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;

/// A customer touched by an event.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "affected_customer")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The customer.
    pub customer_id: Uuid,
    /// What is known of the effect there.
    pub note: Option<String>,
    /// Subject who added it.
    pub added_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub added_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
