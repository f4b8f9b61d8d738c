//! Obligations and replies.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Obligations and replies.
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
                    .table("obligation")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid_null("report_id"))
                    .col(uuid("channel_id"))
                    .col(text("kind"))
                    .col(text("trigger"))
                    .col(text("state"))
                    .col(timestamp_with_time_zone("opened_at"))
                    .col(timestamp_with_time_zone_null("met_at"))
                    .col(uuid_null("met_by_reply_id"))
                    .col(text_null("waived_by"))
                    .col(timestamp_with_time_zone_null("waived_at"))
                    .col(text_null("waive_reason"))
                    .col(text_null("legal_ground"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("obligation", "event_id").to("event", "id"))
                    .foreign_key(ForeignKey::create().from("obligation", "report_id").to("report", "id"))
                    .foreign_key(ForeignKey::create().from("obligation", "channel_id").to("channel", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("obligation", &["event_id", "state"]).take()).await?;
        manager.create_index(crate::index("obligation", &["report_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("reply")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid("channel_id"))
                    .col(text("kind"))
                    .col(text("state"))
                    .col(text("language"))
                    .col(text("subject"))
                    .col(text("body"))
                    .col(integer("draft_number"))
                    .col(text("drafted_by"))
                    .col(timestamp_with_time_zone("drafted_at"))
                    .col(text_null("approved_by"))
                    .col(timestamp_with_time_zone_null("approved_at"))
                    .col(text_null("sent_by"))
                    .col(timestamp_with_time_zone_null("sent_at"))
                    .col(text_null("sent_via"))
                    .col(text_null("receipt_number"))
                    .col(text_null("proof"))
                    .col(blob_null("content_hash"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(integer("version"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("reply", "event_id").to("event", "id"))
                    .foreign_key(ForeignKey::create().from("reply", "channel_id").to("channel", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("reply", &["event_id", "created_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("reply_obligation")
                    .col(uuid("reply_id"))
                    .col(uuid("obligation_id"))
                    .primary_key(Index::create().col("reply_id").col("obligation_id"))
                    .foreign_key(ForeignKey::create().from("reply_obligation", "reply_id").to("reply", "id"))
                    .foreign_key(
                        ForeignKey::create().from("reply_obligation", "obligation_id").to("obligation", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("reply_obligation", &["obligation_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("reply_draft")
                    .col(uuid("id"))
                    .col(uuid("reply_id"))
                    .col(integer("number"))
                    .col(text("subject"))
                    .col(text("body"))
                    .col(text("author"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("reply_draft", "reply_id").to("reply", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("reply_draft", &["reply_id", "number"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("reply_review")
                    .col(uuid("id"))
                    .col(uuid("reply_id"))
                    .col(text("reviewer"))
                    .col(text("requested_by"))
                    .col(timestamp_with_time_zone("requested_at"))
                    .col(text_null("outcome"))
                    .col(text_null("note"))
                    .col(timestamp_with_time_zone_null("answered_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("reply_review", "reply_id").to("reply", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("reply_review", &["reply_id"]).take()).await?;
        manager.create_index(crate::index("reply_review", &["reviewer", "outcome"]).take()).await?;
        Ok(())
    }
}
