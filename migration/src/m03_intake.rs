//! Reporters, reports and what was said about them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Reporters, reports and what was said about them.
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
                    .table("reporter")
                    .col(uuid("id"))
                    .col(uuid_null("channel_id"))
                    .col(text_null("subject"))
                    .col(text_null("name"))
                    .col(text_null("email"))
                    .col(boolean("staff"))
                    .col(timestamp_with_time_zone_null("erased_at"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("reporter", "channel_id").to("channel", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("reporter", &["subject"]).take()).await?;
        manager.create_index(crate::index("reporter", &["channel_id", "name"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("report")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid("channel_id"))
                    .col(text_null("channel_number"))
                    .col(text("identity_key"))
                    .col(uuid_null("reporter_id"))
                    .col(text("origin"))
                    .col(timestamp_with_time_zone("received_at"))
                    .col(timestamp_with_time_zone("recorded_at"))
                    .col(text("recorded_by"))
                    .col(integer("current_version"))
                    .col(boolean("history"))
                    .col(uuid_null("part_of"))
                    .col(integer_null("part_number"))
                    .col(boolean("split"))
                    .col(text_null("severity"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("report", "event_id").to("event", "id"))
                    .foreign_key(ForeignKey::create().from("report", "channel_id").to("channel", "id"))
                    .foreign_key(ForeignKey::create().from("report", "reporter_id").to("reporter", "id"))
                    .foreign_key(ForeignKey::create().from("report", "part_of").to("report", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("report", &["channel_id", "identity_key"]).unique().take()).await?;
        manager.create_index(crate::index("report", &["event_id"]).take()).await?;
        manager.create_index(crate::index("report", &["channel_number"]).take()).await?;
        manager.create_index(crate::index("report", &["reporter_id"]).take()).await?;
        manager.create_index(crate::index("report", &["received_at", "id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("report_version")
                    .col(uuid("id"))
                    .col(uuid("report_id"))
                    .col(integer("number"))
                    .col(text("title"))
                    .col(text("text"))
                    .col(blob("content_hash"))
                    .col(json_binary("source"))
                    .col(timestamp_with_time_zone("received_at"))
                    .col(text("recorded_by"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("report_version", "report_id").to("report", "id"))
                    .take(),
            )
            .await?;
        manager
            .create_index(crate::index("report_version", &["report_id", "number"]).unique().take())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("indicator")
                    .col(uuid("id"))
                    .col(uuid("report_id"))
                    .col(text("kind"))
                    .col(text("value"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("indicator", "report_id").to("report", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("indicator", &["report_id"]).take()).await?;
        manager.create_index(crate::index("indicator", &["kind", "value"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("comment")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid_null("report_id"))
                    .col(text("visibility"))
                    .col(text("body"))
                    .col(text("author"))
                    .col(boolean("from_reporter"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("comment", "event_id").to("event", "id"))
                    .foreign_key(ForeignKey::create().from("comment", "report_id").to("report", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("comment", &["event_id", "created_at"]).take()).await?;
        manager.create_index(crate::index("comment", &["report_id", "created_at"]).take()).await?;
        Ok(())
    }
}
