//! Links under which calendar programs read what a person has to do.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Links under which calendar programs read what a person has to do.
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
                    .table("calendar_feed")
                    .col(uuid("id"))
                    .col(uuid("principal_id"))
                    .col(text("name"))
                    .col(blob("secret_hash"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("calendar_feed", &["secret_hash"]).unique().take()).await?;
        // No foreign key: a principal can be forgotten, and its feed then answers nobody.
        manager.create_index(crate::index("calendar_feed", &["principal_id"]).unique().take()).await
    }
}
