//! Replies and messages that go to the reporter of a report by e-mail. Whose address that is stands with the reporter alone.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Whom a reply reaches, and the message that it carries.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uuid = match manager.get_database_backend() {
            DbBackend::Postgres => "uuid",
            _ => "uuid_text",
        };
        let db = manager.get_connection();
        for (column, table) in [("report_id", "report"), ("comment_id", "comment")] {
            let statement =
                format!("ALTER TABLE reply ADD COLUMN {column} {uuid} NULL REFERENCES {table} (id)");
            db.execute_unprepared(&statement).await?;
        }
        manager
            .alter_table(Table::alter().table("reply").add_column(integer_null("reporter_version")).take())
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("reply_route")
                    .add_column(boolean("to_reporter").default(false).take())
                    .take(),
            )
            .await?;
        manager
            .alter_table(Table::alter().table("comment").add_column(text_null("not_mailed")).take())
            .await?;
        manager.create_index(crate::index("reply", &["report_id"]).take()).await?;
        manager.create_index(crate::index("reply", &["comment_id"]).take()).await
    }
}
