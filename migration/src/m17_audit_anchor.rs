//! Where the instance chain was anchored, and how keys that were kept long enough are found.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Where the instance chain was anchored, and how keys that were kept long enough are found.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("audit_anchor")
                    .col(big_integer("position"))
                    .col(blob("seal"))
                    .col(timestamp_with_time_zone("at"))
                    .primary_key(Index::create().col("position"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("idempotency", &["created_at"]).take()).await
    }
}
