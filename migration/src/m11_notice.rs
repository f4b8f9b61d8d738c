//! Notices about more than clocks, each once, and the daily e-mail of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Notices about more than clocks, each once, and the daily e-mail of them.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns of a notice as it was.
const KEPT: [&str; 8] =
    ["id", "subject", "kind", "percent", "event_id", "deadline_id", "created_at", "read_at"];
/// The same as it is now.
const NOW: [&str; 8] = ["id", "subject", "kind", "percent", "event_id", "about_id", "created_at", "read_at"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        notice(manager).await?;
        digest(manager).await?;
        let mut wanted = boolean("digest_off");
        wanted.default(false);
        manager.alter_table(Table::alter().table("principal").add_column(wanted).take()).await
    }
}

/// SQLite cannot make a column nullable, so the table is made anew on both. Nothing refers to it.
async fn notice(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("notice_new")
                .col(uuid("id"))
                .col(text("subject"))
                .col(text("kind"))
                .col(integer_null("percent"))
                .col(uuid_null("event_id"))
                .col(uuid("about_id"))
                .col(text_null("once_key"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone_null("read_at"))
                .primary_key(Index::create().col("id"))
                .foreign_key(ForeignKey::create().from("notice_new", "event_id").to("event", "id"))
                .take(),
        )
        .await?;
    let mut copy = Query::insert();
    copy.into_table("notice_new").columns(NOW);
    copy.select_from(Query::select().columns(KEPT).from("notice").take())
        .map_err(|error| DbErr::Migration(error.to_string()))?;
    manager.execute(copy).await?;
    manager.drop_table(Table::drop().table("notice").take()).await?;
    manager.rename_table(Table::rename().table("notice_new", "notice").take()).await?;
    manager.create_index(crate::index("notice", &["subject", "created_at", "id"]).take()).await?;
    manager.create_index(crate::index("notice", &["once_key", "subject"]).unique().take()).await
}

async fn digest(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("digest")
                .col(uuid("id"))
                .col(uuid("principal_id"))
                .col(date("day"))
                .col(text("state"))
                .col(integer("attempts"))
                .col(timestamp_with_time_zone_null("due_at"))
                .col(uuid_null("lease_by"))
                .col(timestamp_with_time_zone_null("lease_until"))
                .col(text_null("answer"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone_null("settled_at"))
                .primary_key(Index::create().col("id"))
                // No foreign key: who is forgotten as a reporter may have been told things before.
                .take(),
        )
        .await?;
    // Whoever writes the row first writes the e-mail.
    manager.create_index(crate::index("digest", &["principal_id", "day"]).unique().take()).await?;
    manager.create_index(crate::index("digest", &["due_at"]).take()).await
}
