//! Single tokens that are accepted no more.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Single tokens that are accepted no more.
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
                    .table("denied_token")
                    .col(uuid("id"))
                    .col(blob("token_hash"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        // Asked for at every request whose token has an id.
        manager.create_index(crate::index("denied_token", &["token_hash"]).unique().take()).await?;
        manager.create_index(crate::index("denied_token", &["expires_at"]).take()).await
    }
}
