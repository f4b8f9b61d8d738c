//! Audit, messages and idempotency.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Audit, messages and idempotency.
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
                    .table("audit_entry")
                    .col(uuid("id"))
                    .col(text("aggregate_kind"))
                    .col(uuid("aggregate_id"))
                    .col(uuid_null("event_id"))
                    .col(big_integer("revision"))
                    .col(timestamp_with_time_zone("at"))
                    .col(text("actor"))
                    .col(text("roles"))
                    .col(text_null("address"))
                    .col(text_null("request_id"))
                    .col(text("action"))
                    .col(text_null("reason"))
                    .col(text("details"))
                    .col(blob("previous"))
                    .col(blob("digest"))
                    .col(big_integer_null("position"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager
            .create_index(crate::index("audit_entry", &["aggregate_id", "revision"]).unique().take())
            .await?;
        manager.create_index(crate::index("audit_entry", &["position"]).unique().take()).await?;
        manager.create_index(crate::index("audit_entry", &["event_id", "at"]).take()).await?;
        manager.create_index(crate::index("audit_entry", &["at", "id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("access_record")
                    .col(uuid("id"))
                    .col(timestamp_with_time_zone("at"))
                    .col(text("actor"))
                    .col(text("roles"))
                    .col(text_null("address"))
                    .col(text_null("request_id"))
                    .col(json_binary("event_ids"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("access_record", &["at", "id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("message")
                    .col(uuid("id"))
                    .col(text("kind"))
                    .col(uuid_null("event_id"))
                    .col(json_binary("data"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(big_integer_null("position"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("message", &["position"]).unique().take()).await?;
        manager.create_index(crate::index("message", &["event_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("idempotency")
                    .col(text("subject"))
                    .col(text("operation"))
                    .col(text("key"))
                    .col(blob("input_hash"))
                    .col(uuid("result_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("subject").col("operation").col("key"))
                    .take(),
            )
            .await?;
        Ok(())
    }
}
