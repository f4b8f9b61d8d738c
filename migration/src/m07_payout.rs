//! Reward grids, payouts, budgets with their ledger, and where a reporter's money goes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Reward grids, payouts, budgets with their ledger, and where a reporter's money goes.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("reporter").add_column(text_null("payee_account")).take())
            .await?;
        grids(manager).await?;
        budgets(manager).await?;
        payouts(manager).await?;
        records(manager).await
    }
}

async fn grids(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("reward_grid")
                .col(uuid("id"))
                .col(integer("number"))
                .col(uuid_null("channel_id"))
                .col(text("currency"))
                .col(text("created_by"))
                .col(timestamp_with_time_zone("created_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("reward_grid", "channel_id").to("channel", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("reward_grid", &["number"]).unique().take()).await?;
    manager.create_index(crate::index("reward_grid", &["channel_id", "number"]).take()).await?;
    manager
        .create_table(
            Table::create()
                .table("reward_grid_cell")
                .col(uuid("id"))
                .col(uuid("grid_id"))
                .col(text("asset_tier"))
                .col(text("severity"))
                .col(big_integer("minimum"))
                .col(big_integer("maximum"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("reward_grid_cell", "grid_id").to("reward_grid", "id"))
                .take(),
        )
        .await?;
    manager
        .create_index(
            crate::index("reward_grid_cell", &["grid_id", "asset_tier", "severity"]).unique().take(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("bonus_run")
                .col(uuid("id"))
                .col(text("kind"))
                .col(uuid("channel_id"))
                .col(text("period"))
                .col(text("currency"))
                .col(json_binary("policy"))
                .col(blob("input_hash"))
                .col(integer("counted"))
                .col(text("computed_by"))
                .col(timestamp_with_time_zone("computed_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("bonus_run", "channel_id").to("channel", "id"))
                .take(),
        )
        .await?;
    manager
        .create_index(
            crate::index("bonus_run", &["kind", "channel_id", "period", "input_hash"]).unique().take(),
        )
        .await?;
    Ok(())
}

async fn budgets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("budget")
                .col(uuid("id"))
                .col(text("period"))
                .col(date("starts_on"))
                .col(date("ends_on"))
                .col(text("currency"))
                .col(big_integer("granted"))
                .col(big_integer("available"))
                .col(big_integer("reserved"))
                .col(big_integer("spent"))
                .col(big_integer("overrun"))
                .col(integer("version"))
                .col(big_integer("revision"))
                .col(blob("audit_head"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone("changed_at"))
                .primary_key(Index::create().col("id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("budget", &["period", "currency"]).unique().take()).await?;
    manager.create_index(crate::index("budget", &["starts_on", "id"]).take()).await?;
    Ok(())
}

async fn payouts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("payout")
                .col(uuid("id"))
                .col(text("number"))
                .col(text("kind"))
                .col(uuid("channel_id"))
                .col(uuid_null("report_id"))
                .col(uuid("reporter_id"))
                .col(text_null("period"))
                .col(uuid_null("bonus_run_id"))
                .col(big_integer("amount"))
                .col(text("currency"))
                .col(big_integer("priced"))
                .col(uuid_null("grid_id"))
                .col(text_null("asset_tier"))
                .col(text_null("severity"))
                .col(big_integer_null("range_minimum"))
                .col(big_integer_null("range_maximum"))
                .col(text("state"))
                .col(text_null("held_from"))
                .col(text_null("live_key"))
                .col(text("proposed_by"))
                .col(timestamp_with_time_zone("proposed_at"))
                .col(text("rationale"))
                .col(text_null("approved_by"))
                .col(timestamp_with_time_zone_null("approved_at"))
                .col(timestamp_with_time_zone_null("answer_by"))
                .col(timestamp_with_time_zone_null("accepted_at"))
                .col(boolean("appealed"))
                .col(uuid_null("budget_id"))
                .col(big_integer("over_budget"))
                .col(timestamp_with_time_zone_null("synced_at"))
                .col(text_null("platform_reference"))
                .col(timestamp_with_time_zone_null("paid_at"))
                .col(text_null("paid_by"))
                .col(text_null("paid_reference"))
                .col(text_null("paid_proof"))
                .col(timestamp_with_time_zone_null("reversed_at"))
                .col(integer("version"))
                .col(big_integer("revision"))
                .col(blob("audit_head"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone("changed_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("payout", "channel_id").to("channel", "id"))
                .foreign_key(ForeignKey::create().from("payout", "report_id").to("report", "id"))
                .foreign_key(ForeignKey::create().from("payout", "reporter_id").to("reporter", "id"))
                .foreign_key(ForeignKey::create().from("payout", "grid_id").to("reward_grid", "id"))
                .foreign_key(ForeignKey::create().from("payout", "budget_id").to("budget", "id"))
                .foreign_key(ForeignKey::create().from("payout", "bonus_run_id").to("bonus_run", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("payout", &["number"]).unique().take()).await?;
    manager.create_index(crate::index("payout", &["live_key"]).unique().take()).await?;
    manager.create_index(crate::index("payout", &["channel_id", "paid_reference"]).unique().take()).await?;
    manager.create_index(crate::index("payout", &["report_id"]).take()).await?;
    manager.create_index(crate::index("payout", &["reporter_id"]).take()).await?;
    manager.create_index(crate::index("payout", &["proposed_at", "id"]).take()).await?;
    manager.create_index(crate::index("payout", &["state", "proposed_at", "id"]).take()).await?;
    manager.create_index(crate::index("payout", &["channel_id", "proposed_at", "id"]).take()).await?;
    Ok(())
}

async fn records(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("payout_change")
                .col(uuid("id"))
                .col(uuid("payout_id"))
                .col(text("kind"))
                .col(text_null("from_state"))
                .col(text("to_state"))
                .col(text_null("reason"))
                .col(text("changed_by"))
                .col(timestamp_with_time_zone("changed_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("payout_change", "payout_id").to("payout", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("payout_change", &["payout_id", "changed_at"]).take()).await?;
    manager
        .create_table(
            Table::create()
                .table("payout_appeal")
                .col(uuid("id"))
                .col(uuid("payout_id"))
                .col(text("grounds"))
                .col(text("appealed_by"))
                .col(timestamp_with_time_zone("appealed_at"))
                .col(text("severity_before"))
                .col(text_null("severity_after"))
                .col(text_null("resolution"))
                .col(text_null("resolved_by"))
                .col(timestamp_with_time_zone_null("resolved_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("payout_appeal", "payout_id").to("payout", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("payout_appeal", &["payout_id"]).unique().take()).await?;
    manager
        .create_table(
            Table::create()
                .table("budget_entry")
                .col(uuid("id"))
                .col(uuid("posting_id"))
                .col(uuid("budget_id"))
                .col(uuid_null("payout_id"))
                .col(text("account"))
                .col(big_integer("amount"))
                .col(text("recorded_by"))
                .col(timestamp_with_time_zone("recorded_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("budget_entry", "budget_id").to("budget", "id"))
                .foreign_key(ForeignKey::create().from("budget_entry", "payout_id").to("payout", "id"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("budget_entry", &["budget_id", "recorded_at"]).take()).await?;
    manager.create_index(crate::index("budget_entry", &["payout_id"]).take()).await?;
    Ok(())
}
