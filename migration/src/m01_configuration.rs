//! Channels, products, customers, rosters and rating policies.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Channels, products, customers, rosters and rating policies.
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
                    .table("instance")
                    .col(integer("id"))
                    .col(blob("number_key"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("principal")
                    .col(uuid("id"))
                    .col(text("issuer"))
                    .col(text("subject"))
                    .col(text_null("email"))
                    .col(json_binary("roles"))
                    .col(json_binary("products"))
                    .col(json_binary("teams"))
                    .col(text_null("channel"))
                    .col(timestamp_with_time_zone("last_seen_at"))
                    .col(boolean("denied"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("principal", &["issuer", "subject"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("channel")
                    .col(uuid("id"))
                    .col(text("key"))
                    .col(text("name"))
                    .col(text("kind"))
                    .col(text("jurisdiction"))
                    .col(boolean("abroad"))
                    .col(boolean("reply_required"))
                    .col(text("time_zone"))
                    .col(text("language"))
                    .col(json_binary("contacts"))
                    .col(boolean("active"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("channel", &["key"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("platform_account")
                    .col(uuid("id"))
                    .col(uuid("channel_id"))
                    .col(text("login"))
                    .col(text("registered_contact"))
                    .col(text("registered_email"))
                    .col(text_null("licence_document"))
                    .col(date_null("valid_until"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("platform_account", "channel_id").to("channel", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("platform_account", &["channel_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("product")
                    .col(uuid("id"))
                    .col(text("key"))
                    .col(text("name"))
                    .col(text("line"))
                    .col(text("owner_team"))
                    .col(text("provider_entity"))
                    .col(text("kind"))
                    .col(integer("importance"))
                    .col(integer("reach"))
                    .col(text("customer_coverage"))
                    .col(text("asset_tier"))
                    .col(text("lifecycle"))
                    .col(text_null("end_of_life_notice"))
                    .col(text_null("last_supported_version"))
                    .col(text_null("successor"))
                    .col(text_null("rmsv_library"))
                    .col(boolean("cra_in_scope"))
                    .col(json_binary("cra_member_states"))
                    .col(date_null("cra_support_until"))
                    .col(boolean("critical_infrastructure"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("product", &["key"]).unique().take()).await?;
        manager.create_index(crate::index("product", &["line"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("customer")
                    .col(uuid("id"))
                    .col(text("key"))
                    .col(text("name"))
                    .col(text_null("contact"))
                    .col(boolean("abroad"))
                    .col(text_null("account_manager"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("customer", &["key"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("product_customer")
                    .col(uuid("product_id"))
                    .col(uuid("customer_id"))
                    .primary_key(Index::create().col("product_id").col("customer_id"))
                    .foreign_key(
                        ForeignKey::create().from("product_customer", "product_id").to("product", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create().from("product_customer", "customer_id").to("customer", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("product_customer", &["customer_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("duty")
                    .col(uuid("id"))
                    .col(text("function"))
                    .col(text("subject"))
                    .col(text_null("deputy"))
                    .col(timestamp_with_time_zone("starts_at"))
                    .col(timestamp_with_time_zone("ends_at"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("duty", &["function", "starts_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("rating_policy")
                    .col(uuid("id"))
                    .col(integer("number"))
                    .col(json_binary("weights"))
                    .col(json_binary("bands"))
                    .col(text("created_by"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("rating_policy", &["number"]).unique().take()).await?;
        Ok(())
    }
}
