//! The very bytes of a reply that was sent.

use sea_orm::entity::prelude::*;

use crate::vocabulary::ReplyFormat;

/// The very bytes of a reply that was sent; never changed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_file")]
pub struct Model {
    /// Identifies the file.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The reply.
    pub reply_id: Uuid,
    /// The handing over that it belongs to; none when a person sent it.
    pub dispatch_id: Option<Uuid>,
    /// Its form.
    pub format: ReplyFormat,
    /// Name to save it under.
    pub name: String,
    /// The bytes; none when they are kept as a file.
    pub bytes: Vec<u8>,
    /// The file of an envelope that holds files itself.
    pub file_id: Option<Uuid>,
    /// Number of bytes.
    pub size: i64,
    /// SHA-256 of the bytes.
    pub sha256: Vec<u8>,
    /// When it was rendered.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
