//! Hooks of trackers: secrets belong to a channel or a tracker, and a ticket knows what it has still to be told.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Hooks of trackers: secrets belong to a channel or a tracker, and a ticket knows what it has still to be told.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // An embedded database cannot loosen a column's foreign key, so the table is made anew.
        manager
            .create_table(
                Table::create()
                    .table("hook_secret_of_source")
                    .col(uuid("id"))
                    .col(text("source_kind"))
                    .col(uuid("source_id"))
                    .col(blob("sealed"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager
            .get_connection()
            .execute_unprepared(
                "INSERT INTO hook_secret_of_source (id, source_kind, source_id, sealed, created_at, expires_at) \
                 SELECT id, 'CHANNEL', channel_id, sealed, created_at, expires_at FROM hook_secret",
            )
            .await?;
        manager.drop_table(Table::drop().table("hook_secret").take()).await?;
        manager.rename_table(Table::rename().table("hook_secret_of_source", "hook_secret").take()).await?;
        manager.create_index(crate::index("hook_secret", &["source_id"]).take()).await?;
        manager.alter_table(Table::alter().table("ticket").add_column(text_null("remark")).take()).await
    }
}
