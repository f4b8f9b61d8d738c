//! Business calendars, and which one a channel has.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Business calendars, and which one a channel has.
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
                    .table("calendar")
                    .col(uuid("id"))
                    .col(text("key"))
                    .col(text("name"))
                    .col(text("time_zone"))
                    .col(json_binary("weekend"))
                    .col(boolean("by_year"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("calendar", &["key"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("calendar_day")
                    .col(uuid("id"))
                    .col(uuid("calendar_id"))
                    .col(date("date"))
                    .col(text("kind"))
                    .col(text("name"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("calendar_day", "calendar_id").to("calendar", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("calendar_day", &["calendar_id", "date"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("calendar_year")
                    .col(uuid("id"))
                    .col(uuid("calendar_id"))
                    .col(integer("year"))
                    .col(text_null("source"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("calendar_year", "calendar_id").to("calendar", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("calendar_year", &["calendar_id", "year"]).unique().take()).await?;
        // Calendars are never deleted, and SQLite adds no foreign key to a table that is there.
        let calendar = Table::alter().table("channel").add_column(uuid_null("calendar_id")).take();
        manager.alter_table(calendar).await
    }
}
