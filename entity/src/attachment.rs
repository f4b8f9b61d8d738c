//! A file that came with a report; its bytes stand in `attachment_content`.

use sea_orm::entity::prelude::*;

use crate::vocabulary::AttachmentKind;

/// A file that came with a report; its bytes stand in `attachment_content`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attachment")]
pub struct Model {
    /// Identifies the attachment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The report it came with.
    pub report_id: Uuid,
    /// The mail it came in.
    pub mail_id: Uuid,
    /// What it is.
    pub kind: AttachmentKind,
    /// Name as its sender gave it, without what no file system takes.
    pub name: String,
    /// Media type as its sender gave it; nobody looked inside.
    pub media_type: String,
    /// Number of bytes.
    pub size: i64,
    /// SHA-256 of the bytes.
    pub sha256: Vec<u8>,
    /// Whether the report's reporter and its channel's service may have it.
    pub public_side: bool,
    /// When it was received.
    pub received_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
