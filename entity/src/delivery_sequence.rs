//! Which number the next delivery that leaves to an endpoint about an event gets.

use sea_orm::entity::prelude::*;

/// Which number the next delivery that leaves to an endpoint about an event gets.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_sequence")]
pub struct Model {
    /// The endpoint.
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: Uuid,
    /// The event; nil for messages about none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// The next number.
    pub next: i64,
}

impl ActiveModelBehavior for ActiveModel {}
