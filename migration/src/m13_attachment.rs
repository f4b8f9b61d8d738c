//! What one sender added lately is counted at each upload.

use sea_orm_migration::prelude::*;

/// What one sender added lately is found by an index.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(crate::index("attachment", &["added_by", "received_at"]).take()).await
    }
}
