//! A file that came with a report, or was added to it.

use sea_orm::entity::prelude::*;

use crate::vocabulary::AttachmentKind;

/// A file that came with a report, or was added to it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attachment")]
pub struct Model {
    /// Identifies the attachment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The report it came with.
    pub report_id: Uuid,
    /// The mail it came in; none when it was uploaded.
    pub mail_id: Option<Uuid>,
    /// Its bytes; none once they are removed or erased.
    pub file_id: Option<Uuid>,
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
    /// Subject who added it; of a reporter, what stands for them.
    pub added_by: String,
    /// The event whose team may have it.
    pub released_event_id: Option<Uuid>,
    /// Since when.
    pub released_at: Option<DateTimeUtc>,
    /// Subject who let them.
    pub released_by: Option<String>,
    /// When it was removed.
    pub removed_at: Option<DateTimeUtc>,
    /// Subject who removed it.
    pub removed_by: Option<String>,
    /// Counts changes, for the caller to have seen the newest.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
