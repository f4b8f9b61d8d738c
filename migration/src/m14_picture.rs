//! What is kept of pictures to find the same one among others.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// What is kept of pictures to find the same one among others.
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
                    .table("picture")
                    .col(uuid("attachment_id"))
                    .col(text("verdict"))
                    .col(integer_null("width"))
                    .col(integer_null("height"))
                    .col(blob("hashes"))
                    .col(timestamp_with_time_zone("looked_at"))
                    .primary_key(Index::create().col("attachment_id"))
                    .foreign_key(ForeignKey::create().from("picture", "attachment_id").to("attachment", "id"))
                    .take(),
            )
            .await?;
        // Each row is nothing but its key, and goes with its picture.
        let rows = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => {
                "attachment_id uuid_text NOT NULL, PRIMARY KEY (band, attachment_id)) WITHOUT ROWID"
            }
            _ => "attachment_id uuid NOT NULL, PRIMARY KEY (band, attachment_id))",
        };
        let table = format!("CREATE TABLE picture_band (band bigint NOT NULL, {rows}");
        manager.get_connection().execute_unprepared(&table).await?;
        manager.create_index(crate::index("picture_band", &["attachment_id"]).take()).await
    }
}
