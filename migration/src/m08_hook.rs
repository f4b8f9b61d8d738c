//! Inbound hooks: the secrets that sign them and the inbox that they wait in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Inbound hooks: the secrets that sign them and the inbox that they wait in.
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
                    .table("hook_secret")
                    .col(uuid("id"))
                    .col(uuid("channel_id"))
                    .col(blob("sealed"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("hook_secret", "channel_id").to("channel", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("hook_secret", &["channel_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("hook_inbox")
                    .col(uuid("id"))
                    .col(text("source_kind"))
                    .col(uuid("source_id"))
                    .col(text("hook_id"))
                    .col(blob_null("body"))
                    .col(blob("body_hash"))
                    .col(text_null("address"))
                    .col(text_null("request_id"))
                    .col(timestamp_with_time_zone("received_at"))
                    .col(text("state"))
                    .col(integer("attempts"))
                    .col(timestamp_with_time_zone("due_at"))
                    .col(integer_null("status"))
                    .col(text_null("answer"))
                    .col(timestamp_with_time_zone_null("processed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        let one = ["source_kind", "source_id", "hook_id"];
        manager.create_index(crate::index("hook_inbox", &one).unique().take()).await?;
        let pending = Expr::col("state").eq("PENDING");
        manager.create_index(crate::index("hook_inbox", &["due_at", "id"]).and_where(pending).take()).await?;
        manager.create_index(crate::index("hook_inbox", &["processed_at"]).take()).await?;
        Ok(())
    }
}
