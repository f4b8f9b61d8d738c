//! Files that prove that a reply was sent: outside the database, as all files.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Files that prove that a reply was sent.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let to = |column: &'static str, table: &'static str| {
            ForeignKey::create().from("reply_proof", column).to(table, "id").take()
        };
        manager
            .create_table(
                Table::create()
                    .table("reply_proof")
                    .col(uuid("id"))
                    .col(uuid("reply_id"))
                    .col(uuid("file_id"))
                    .col(text("name"))
                    .col(text("media_type"))
                    .col(big_integer("size"))
                    .col(blob("sha256"))
                    .col(text("added_by"))
                    .col(timestamp_with_time_zone("added_at"))
                    .col(timestamp_with_time_zone_null("proves_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(&mut to("reply_id", "reply"))
                    .foreign_key(&mut to("file_id", "stored_file"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("reply_proof", &["reply_id"]).take()).await?;
        manager.create_index(crate::index("reply_proof", &["file_id"]).take()).await
    }
}
