//! A file that proves that a reply was sent.

use sea_orm::entity::prelude::*;

/// A file that proves that a reply was sent; never changed but by the sending that it is named for.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_proof")]
pub struct Model {
    /// Identifies it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The reply.
    pub reply_id: Uuid,
    /// Its bytes.
    pub file_id: Uuid,
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
    /// When the reply was sent, by the record that names it; none while no record does.
    pub proves_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
