//! Files that go with replies, and envelopes that hold them: outside the database, as all files.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Files that go with replies.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let to = |column: &'static str, table: &'static str| {
            ForeignKey::create().from("reply_attachment", column).to(table, "id").take()
        };
        manager
            .create_table(
                Table::create()
                    .table("reply_attachment")
                    .col(uuid("id"))
                    .col(uuid("reply_id"))
                    .col(uuid("file_id"))
                    .col(uuid_null("attachment_id"))
                    .col(text("name"))
                    .col(text("media_type"))
                    .col(big_integer("size"))
                    .col(blob("sha256"))
                    .col(text("added_by"))
                    .col(timestamp_with_time_zone("added_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(&mut to("reply_id", "reply"))
                    .foreign_key(&mut to("file_id", "stored_file"))
                    .foreign_key(&mut to("attachment_id", "attachment"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("reply_attachment", &["reply_id"]).take()).await?;
        manager.create_index(crate::index("reply_attachment", &["file_id"]).take()).await?;
        for column in [uuid_null("file_id"), big_integer("size").default(0).take()] {
            manager.alter_table(Table::alter().table("reply_file").add_column(column).take()).await?;
        }
        manager.create_index(crate::index("reply_file", &["file_id"]).take()).await
    }
}
