//! What happened, for those outside; written with the change.

use sea_orm::entity::prelude::*;

/// What happened, for those outside; written with the change.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    /// Identifies the message.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Message type (`event.status_changed`).
    pub kind: String,
    /// The only endpoint that it is for; none when it is for all that subscribe to its type.
    pub endpoint_id: Option<Uuid>,
    /// The event.
    pub event_id: Option<Uuid>,
    /// Ids and states, never content.
    pub data: Json,
    /// When.
    pub created_at: DateTimeUtc,
    /// Place in the stream, given after commit.
    pub position: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
