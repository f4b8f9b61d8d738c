//! One report that was sent to several platforms, and what payouts wait for it; with which reasons pairs were shown.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// One report that was sent to several platforms, and what payouts wait for it; with which reasons pairs were shown.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let to_report = |column: &'static str| {
            ForeignKey::create().from("multi_platform", column).to("report", "id").take()
        };
        manager
            .create_table(
                Table::create()
                    .table("multi_platform")
                    .col(uuid("id"))
                    .col(uuid("report_id"))
                    .col(uuid("other_report_id"))
                    .col(text("evidence"))
                    .col(json("found"))
                    .col(json("finder"))
                    .col(integer("score"))
                    .col(text("proposed_by"))
                    .col(timestamp_with_time_zone("proposed_at"))
                    .col(timestamp_with_time_zone("held_until"))
                    .col(timestamp_with_time_zone_null("hold_ended_at"))
                    .col(text_null("outcome"))
                    .col(text_null("rationale"))
                    .col(text_null("decided_by"))
                    .col(timestamp_with_time_zone_null("decided_at"))
                    .col(timestamp_with_time_zone_null("appeal_by"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(&mut to_report("report_id"))
                    .foreign_key(&mut to_report("other_report_id"))
                    .take(),
            )
            .await?;
        let pair = crate::index("multi_platform", &["report_id", "other_report_id"]).unique().take();
        manager.create_index(pair).await?;
        manager.create_index(crate::index("multi_platform", &["other_report_id"]).take()).await?;
        manager.create_index(crate::index("multi_platform", &["proposed_at", "id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("multi_platform_appeal")
                    .col(uuid("id"))
                    .col(uuid("multi_platform_id"))
                    .col(uuid("payout_id"))
                    .col(text("grounds"))
                    .col(text("appealed_by"))
                    .col(timestamp_with_time_zone("appealed_at"))
                    .col(boolean_null("upheld"))
                    .col(text_null("resolution"))
                    .col(text_null("resolved_by"))
                    .col(timestamp_with_time_zone_null("resolved_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("multi_platform_appeal", "multi_platform_id")
                            .to("multi_platform", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create().from("multi_platform_appeal", "payout_id").to("payout", "id"),
                    )
                    .take(),
            )
            .await?;
        let once = crate::index("multi_platform_appeal", &["multi_platform_id", "payout_id"]).unique().take();
        manager.create_index(once).await?;
        manager.create_index(crate::index("multi_platform_appeal", &["payout_id"]).take()).await?;
        manager.alter_table(Table::alter().table("payout").add_column(uuid_null("held_for")).take()).await?;
        manager.create_index(crate::index("payout", &["held_for"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("duplicate_decision_reason")
                    .col(uuid("decision_id"))
                    .col(text("code"))
                    .primary_key(Index::create().col("decision_id").col("code"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("duplicate_decision_reason", "decision_id")
                            .to("duplicate_decision", "id"),
                    )
                    .take(),
            )
            .await
    }
}
