//! Who may see which side of an event: written with every change that moves it.

use sea_orm::entity::prelude::*;

use crate::vocabulary::Facet;

/// Who may see which side of an event: written with every change that moves it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_access")]
pub struct Model {
    /// The event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// Which side.
    #[sea_orm(primary_key, auto_increment = false)]
    pub facet: Facet,
    /// Whom: `readers:open`, `readers:red`, `subject:S`, `product:K`, `team:T`, `channel:ID`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub principal: String,
    /// The report for the public side; nil otherwise.
    #[sea_orm(primary_key, auto_increment = false)]
    pub report_id: Uuid,
    /// The event's, so that a narrow reader pages in order.
    pub received_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
