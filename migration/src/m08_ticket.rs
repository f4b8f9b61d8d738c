//! Ticketing systems and the tickets in them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Ticketing systems and the tickets in them.
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
                    .table("tracker")
                    .col(uuid("id"))
                    .col(text("name"))
                    .col(text("preset"))
                    .col(text("base_url"))
                    .col(json_binary("parameters"))
                    .col(json_binary_null("profile"))
                    .col(json_binary("statuses"))
                    .col(json_binary("ready_statuses"))
                    .col(blob("credentials"))
                    .col(text("tlp_ceiling"))
                    .col(boolean("abroad"))
                    .col(json_binary("lines"))
                    .col(integer_null("poll_seconds"))
                    .col(text("state"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("tracker", &["name", "id"]).take()).await?;
        let key = |column: &'static str, table: &'static str| {
            ForeignKey::create().from("ticket", column).to(table, "id").take()
        };
        manager
            .create_table(
                Table::create()
                    .table("ticket")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid("remediation_id"))
                    .col(uuid("tracker_id"))
                    .col(text_null("external_id"))
                    .col(text_null("url"))
                    .col(text("state"))
                    .col(text_null("pushed_state"))
                    .col(text_null("seen_status"))
                    .col(text_null("proposal"))
                    .col(text_null("note"))
                    .col(integer("attempts"))
                    .col(timestamp_with_time_zone_null("due_at"))
                    .col(timestamp_with_time_zone_null("lease_until"))
                    .col(text("opened_by"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(&mut key("event_id", "event"))
                    .foreign_key(&mut key("remediation_id", "remediation"))
                    .foreign_key(&mut key("tracker_id", "tracker"))
                    .take(),
            )
            .await?;
        let kept = || Expr::col("state").ne("UNLINKED");
        for columns in [["tracker_id", "external_id"], ["remediation_id", "tracker_id"]] {
            manager.create_index(crate::index("ticket", &columns).unique().and_where(kept()).take()).await?;
        }
        manager.create_index(crate::index("ticket", &["event_id", "created_at", "id"]).take()).await?;
        manager.create_index(crate::index("ticket", &["created_at", "id"]).take()).await
    }
}
