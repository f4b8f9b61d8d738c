//! A file that the folder or store of files keeps, once for all rows that name its content.

use sea_orm::entity::prelude::*;

/// A file that is kept, once for all rows that name its content.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stored_file")]
pub struct Model {
    /// Its name where it is kept; used once.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of its bytes; no other row has it.
    pub sha256: Vec<u8>,
    /// Number of bytes.
    pub size: i64,
    /// When it was kept.
    pub stored_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
