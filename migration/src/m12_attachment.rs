//! Files leave the database: rows name them, a folder or a store keeps them. Who attached a file, whether the team may
//! have it, whether it was removed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Files leave the database.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("attachment_content").take()).await?;
        manager.drop_table(Table::drop().table("attachment").take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("stored_file")
                    .col(uuid("id"))
                    .col(blob("sha256"))
                    .col(big_integer("size"))
                    .col(timestamp_with_time_zone("stored_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("stored_file", &["sha256"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("attachment")
                    .col(uuid("id"))
                    .col(uuid("report_id"))
                    .col(uuid_null("mail_id"))
                    .col(uuid_null("file_id"))
                    .col(text("kind"))
                    .col(text("name"))
                    .col(text("media_type"))
                    .col(big_integer("size"))
                    .col(blob("sha256"))
                    .col(boolean("public_side"))
                    .col(timestamp_with_time_zone("received_at"))
                    .col(text("added_by"))
                    .col(uuid_null("released_event_id"))
                    .col(timestamp_with_time_zone_null("released_at"))
                    .col(text_null("released_by"))
                    .col(timestamp_with_time_zone_null("removed_at"))
                    .col(text_null("removed_by"))
                    .col(integer("version"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("attachment", "report_id").to("report", "id"))
                    .foreign_key(ForeignKey::create().from("attachment", "mail_id").to("inbound_mail", "id"))
                    .foreign_key(ForeignKey::create().from("attachment", "file_id").to("stored_file", "id"))
                    .foreign_key(
                        ForeignKey::create().from("attachment", "released_event_id").to("event", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("attachment", &["report_id", "received_at"]).take()).await?;
        manager.create_index(crate::index("attachment", &["mail_id"]).take()).await?;
        manager.create_index(crate::index("attachment", &["file_id"]).take()).await?;
        manager.create_index(crate::index("attachment", &["released_event_id", "received_at"]).take()).await
    }
}
