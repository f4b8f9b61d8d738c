//! Webhook endpoints, their secrets, deliveries and attempts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Webhook endpoints, their secrets, deliveries and attempts.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("message").add_column(uuid_null("endpoint_id")).take())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("webhook_endpoint")
                    .col(uuid("id"))
                    .col(text("name"))
                    .col(text("url"))
                    .col(blob_null("sealed_url"))
                    .col(text("preset"))
                    .col(json_binary("message_types"))
                    .col(json_binary("channel_ids"))
                    .col(json_binary("lines"))
                    .col(text_null("min_level"))
                    .col(text("tlp_ceiling"))
                    .col(text("payload"))
                    .col(text("delivery_order"))
                    .col(integer("max_concurrency"))
                    .col(blob_null("headers"))
                    .col(text("owner"))
                    .col(text("state"))
                    .col(text_null("state_reason"))
                    .col(timestamp_with_time_zone_null("failing_since"))
                    .col(text("grant_role"))
                    .col(json_binary("grant_products"))
                    .col(text_null("grant_channel"))
                    .col(text("grant_tlp_ceiling"))
                    .col(boolean("grant_abroad"))
                    .col(text("grant_state"))
                    .col(text("grant_proposed_by"))
                    .col(text_null("grant_confirmed_by"))
                    .col(timestamp_with_time_zone_null("grant_confirmed_at"))
                    .col(timestamp_with_time_zone_null("deleted_at"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("webhook_endpoint", &["name", "id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("webhook_secret")
                    .col(uuid("id"))
                    .col(uuid("endpoint_id"))
                    .col(blob("sealed"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("webhook_secret", "endpoint_id")
                            .to("webhook_endpoint", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("webhook_secret", &["endpoint_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("delivery")
                    .col(uuid("id"))
                    .col(uuid("endpoint_id"))
                    .col(uuid("message_id"))
                    .col(uuid_null("event_id"))
                    .col(text("kind"))
                    .col(big_integer("sequence"))
                    .col(text("state"))
                    .col(timestamp_with_time_zone("due_at"))
                    .col(integer("attempts"))
                    .col(uuid_null("lease_owner"))
                    .col(timestamp_with_time_zone_null("lease_until"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("finished_at"))
                    .col(text_null("note"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("delivery", "endpoint_id").to("webhook_endpoint", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("delivery", "message_id").to("message", "id"))
                    .take(),
            )
            .await?;
        let pending = || Expr::col("state").eq("PENDING");
        manager.create_index(crate::index("delivery", &["due_at", "id"]).and_where(pending()).take()).await?;
        manager
            .create_index(
                crate::index("delivery", &["endpoint_id", "event_id", "sequence"])
                    .and_where(pending())
                    .take(),
            )
            .await?;
        manager
            .create_index(
                crate::index("delivery", &["endpoint_id", "due_at", "id"]).and_where(pending()).take(),
            )
            .await?;
        manager
            .create_index(crate::index("delivery", &["endpoint_id", "message_id"]).unique().take())
            .await?;
        manager.create_index(crate::index("delivery", &["endpoint_id", "created_at", "id"]).take()).await?;
        manager.create_index(crate::index("delivery", &["message_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("delivery_attempt")
                    .col(uuid("id"))
                    .col(uuid("delivery_id"))
                    .col(uuid("endpoint_id"))
                    .col(timestamp_with_time_zone("at"))
                    .col(integer("duration_ms"))
                    .col(integer_null("status"))
                    .col(text_null("error"))
                    .col(text_null("answer"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("delivery_attempt", "delivery_id").to("delivery", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("delivery_attempt", &["delivery_id", "at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("delivery_sequence")
                    .col(uuid("endpoint_id"))
                    .col(uuid("event_id"))
                    .col(big_integer("next"))
                    .primary_key(Index::create().col("endpoint_id").col("event_id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("delivery_sequence", "endpoint_id")
                            .to("webhook_endpoint", "id"),
                    )
                    .take(),
            )
            .await?;
        Ok(())
    }
}
