//! A file that goes with a reply.

use sea_orm::entity::prelude::*;

use crate::vocabulary::ReplyExtent;

/// A file that goes with a reply.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_attachment")]
pub struct Model {
    /// Identifies it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The reply.
    pub reply_id: Uuid,
    /// Its bytes.
    pub file_id: Uuid,
    /// The attachment of a report that was chosen; none when it was uploaded for the reply.
    pub attachment_id: Option<Uuid>,
    /// Name that it goes under.
    pub name: String,
    /// Media type as its sender gave it.
    pub media_type: String,
    /// Number of bytes.
    pub size: i64,
    /// SHA-256 of the bytes.
    pub sha256: Vec<u8>,
    /// Subject who added it.
    pub added_by: String,
    /// When.
    pub added_at: DateTimeUtc,
    /// The verdict in force when it was attached.
    pub verdict_id: Option<Uuid>,
    /// How much could leave to the channel when it was attached; none of one from before that was kept.
    pub extent: Option<ReplyExtent>,
}

impl ActiveModelBehavior for ActiveModel {}
