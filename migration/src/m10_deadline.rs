//! Clocks, the policies by which they run, what people enter for them, and what people are told of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Clocks, the policies by which they run, what people enter for them, and what people are told of them.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [text_null("slot"), text_null("regime"), text_null("stage")] {
            let table = Table::alter().table("obligation").add_column(column).take();
            manager.alter_table(table).await?;
        }
        let told = Table::alter().table("platform_account").add_column(date_null("lapse_told_for")).take();
        manager.alter_table(told).await?;
        manager
            .create_table(
                Table::create()
                    .table("deadline_policy")
                    .col(uuid("id"))
                    .col(integer("number"))
                    .col(json_binary("rules"))
                    .col(text("created_by"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("deadline_policy", &["number"]).unique().take()).await?;
        deadline(manager).await?;
        clock_fact(manager).await?;
        notice(manager).await
    }
}

fn key(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(to, "id").take()
}

async fn deadline(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("deadline")
                .col(uuid("id"))
                .col(uuid("event_id"))
                .col(text("slot"))
                .col(integer("pass"))
                .col(uuid_null("obligation_id"))
                .col(uuid_null("report_id"))
                .col(uuid_null("channel_id"))
                .col(text_null("line"))
                .col(text("kind"))
                .col(text("regime"))
                .col(text_null("rule"))
                .col(uuid_null("policy_id"))
                .col(text("state"))
                .col(text("anchor"))
                .col(timestamp_with_time_zone_null("anchor_at"))
                .col(timestamp_with_time_zone_null("due_at"))
                .col(text_null("none_reason"))
                .col(json_binary("pauses"))
                .col(timestamp_with_time_zone_null("paused_since"))
                .col(uuid_null("calendar_id"))
                .col(integer("calendar_version"))
                .col(integer("channel_version"))
                .col(timestamp_with_time_zone("opened_at"))
                .col(timestamp_with_time_zone_null("met_at"))
                .col(timestamp_with_time_zone_null("breached_at"))
                .col(timestamp_with_time_zone_null("waived_at"))
                .col(text_null("waive_reason"))
                .col(integer("told_percent"))
                .col(timestamp_with_time_zone_null("next_notice_at"))
                .col(timestamp_with_time_zone("sort_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(&mut key("deadline", "event_id", "event"))
                .foreign_key(&mut key("deadline", "obligation_id", "obligation"))
                .foreign_key(&mut key("deadline", "report_id", "report"))
                .foreign_key(&mut key("deadline", "channel_id", "channel"))
                .foreign_key(&mut key("deadline", "policy_id", "deadline_policy"))
                .take(),
        )
        .await?;
    for columns in [
        &["event_id", "opened_at"][..],
        &["obligation_id"],
        &["report_id"],
        &["state", "next_notice_at"],
        &["state", "sort_at", "id"],
        &["channel_id", "state"],
    ] {
        manager.create_index(crate::index("deadline", columns).take()).await?;
    }
    // One clock runs for one thing, whoever opens it.
    let open = Expr::col("state").eq("OPEN");
    manager
        .create_index(crate::index("deadline", &["event_id", "slot"]).unique().and_where(open).take())
        .await
}

async fn clock_fact(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("clock_fact")
                .col(uuid("id"))
                .col(uuid("event_id"))
                .col(uuid_null("report_id"))
                .col(text("kind"))
                .col(timestamp_with_time_zone_null("at"))
                .col(text("note"))
                .col(timestamp_with_time_zone("since"))
                .col(text("recorded_by"))
                .col(timestamp_with_time_zone("recorded_at"))
                .col(timestamp_with_time_zone_null("superseded_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(&mut key("clock_fact", "event_id", "event"))
                .foreign_key(&mut key("clock_fact", "report_id", "report"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("clock_fact", &["event_id", "recorded_at"]).take()).await
}

async fn notice(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("notice")
                .col(uuid("id"))
                .col(text("subject"))
                .col(text("kind"))
                .col(integer("percent"))
                .col(uuid("event_id"))
                .col(uuid("deadline_id"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone_null("read_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(&mut key("notice", "event_id", "event"))
                .foreign_key(&mut key("notice", "deadline_id", "deadline"))
                .take(),
        )
        .await?;
    manager.create_index(crate::index("notice", &["subject", "created_at", "id"]).take()).await
}
