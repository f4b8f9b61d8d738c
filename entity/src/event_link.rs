//! Two events that have to do with each other.

use sea_orm::entity::prelude::*;

use crate::vocabulary::EventLinkKind;

/// Two events that have to do with each other.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_link")]
pub struct Model {
    /// Identifies the link.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The other event.
    pub other_event_id: Uuid,
    /// How they relate.
    pub kind: EventLinkKind,
    /// Subject.
    pub linked_by: String,
    /// When.
    pub linked_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
