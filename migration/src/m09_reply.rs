//! Templates of replies, and their handing over.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Templates of replies, and their handing over.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            text_null("template"),
            integer_null("template_number"),
            json_binary_null("required"),
            json_binary_null("supplied"),
            json_binary_null("formats"),
        ] {
            manager.alter_table(Table::alter().table("reply").add_column(column).take()).await?;
        }
        templates(manager).await?;
        dispatches(manager).await
    }
}

async fn templates(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("reply_template")
                .col(uuid("id"))
                .col(text("key"))
                .col(text("name"))
                .col(uuid_null("channel_id"))
                .col(text_null("channel_kind"))
                .col(text("kind"))
                .col(text_null("regime"))
                .col(text_null("stage"))
                .col(text_null("verdict"))
                .col(text("language"))
                .col(text("subject"))
                .col(text("body"))
                .col(json_binary("required"))
                .col(json_binary("formats"))
                .col(boolean("active"))
                .col(integer("number"))
                .col(integer("version"))
                .col(big_integer("revision"))
                .col(blob("audit_head"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone("changed_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("reply_template", "channel_id").to("channel", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("reply_template", &["key"]).unique().take()).await?;
    manager
        .create_table(
            Table::create()
                .table("reply_template_text")
                .col(uuid("id"))
                .col(uuid("template_id"))
                .col(integer("number"))
                .col(text("subject"))
                .col(text("body"))
                .col(json_binary("required"))
                .col(json_binary("formats"))
                .col(text("author"))
                .col(timestamp_with_time_zone("created_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(
                    ForeignKey::create()
                        .from("reply_template_text", "template_id")
                        .to("reply_template", "id"),
                )
                .take(),
        )
        .await?;
    let numbers = crate::index("reply_template_text", &["template_id", "number"]).unique().take();
    manager.create_index(numbers).await
}

async fn dispatches(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("reply_route")
                .col(uuid("id"))
                .col(uuid("channel_id"))
                .col(text_null("email"))
                .col(text_null("from_email"))
                .col(text_null("url"))
                .col(blob_null("sealed"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("reply_route", "channel_id").to("channel", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("reply_route", &["channel_id"]).unique().take()).await?;
    manager
        .create_table(
            Table::create()
                .table("reply_dispatch")
                .col(uuid("id"))
                .col(uuid("reply_id"))
                .col(text("via"))
                .col(text("recipient"))
                .col(text_null("sender"))
                .col(text("message_id"))
                .col(blob("sha256"))
                .col(text("state"))
                .col(text("requested_by"))
                .col(timestamp_with_time_zone("requested_at"))
                .col(integer("attempts"))
                .col(timestamp_with_time_zone_null("due_at"))
                .col(uuid_null("lease_by"))
                .col(timestamp_with_time_zone_null("lease_until"))
                .col(timestamp_with_time_zone_null("data_at"))
                .col(text_null("answer"))
                .col(timestamp_with_time_zone_null("settled_at"))
                .col(timestamp_with_time_zone_null("bounced_at"))
                .col(text_null("bounce_status"))
                .col(text_null("bounce_words"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("reply_dispatch", "reply_id").to("reply", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("reply_dispatch", &["reply_id"]).take()).await?;
    manager.create_index(crate::index("reply_dispatch", &["message_id"]).unique().take()).await?;
    // Those that are not settled: few, whatever was sent before.
    let open = Expr::col("due_at").is_not_null();
    manager.create_index(crate::index("reply_dispatch", &["due_at"]).and_where(open).take()).await?;
    manager
        .create_table(
            Table::create()
                .table("reply_file")
                .col(uuid("id"))
                .col(uuid("reply_id"))
                .col(uuid_null("dispatch_id"))
                .col(text("format"))
                .col(text("name"))
                .col(blob("bytes"))
                .col(blob("sha256"))
                .col(timestamp_with_time_zone("created_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("reply_file", "reply_id").to("reply", "id"))
                .foreign_key(
                    ForeignKey::create().from("reply_file", "dispatch_id").to("reply_dispatch", "id"),
                )
                .take(),
        )
        .await?;
    manager.create_index(crate::index("reply_file", &["reply_id"]).take()).await?;
    manager.create_index(crate::index("reply_file", &["dispatch_id"]).take()).await
}
