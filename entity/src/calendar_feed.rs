//! A person's link under which calendar programs read what they have to do.

use sea_orm::entity::prelude::*;

/// A person's link under which calendar programs read what they have to do.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_feed")]
pub struct Model {
    /// Identifies the feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is; each has one.
    pub principal_id: Uuid,
    /// Name that calendar programs show.
    pub name: String,
    /// SHA-256 of the secret in the link, which is kept nowhere.
    pub secret_hash: Vec<u8>,
    /// From when on it answers nobody; none while it lives.
    pub revoked_at: Option<DateTimeUtc>,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("calendar_feed");
