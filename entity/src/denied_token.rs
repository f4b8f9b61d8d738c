//! A token that is accepted no more, until it would have expired.

use sea_orm::entity::prelude::*;

/// A token that is accepted no more, until it would have expired.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "denied_token")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the token's `jti`, which is kept nowhere.
    pub token_hash: Vec<u8>,
    /// When the token ends, as the administrator said; the row goes some time after it.
    pub expires_at: DateTimeUtc,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was denied, or denied for longer.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("denied_token");
