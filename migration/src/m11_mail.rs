//! Mails that reports came by, the files that came with them, and who reads a mailbox.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Mails that reports came by, the files that came with them, and who reads a mailbox.
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
                    .table("inbound_mail")
                    .col(uuid("id"))
                    .col(uuid("channel_id"))
                    .col(text("identity"))
                    .col(text_null("message_id"))
                    .col(blob("content_hash"))
                    .col(uuid("report_id"))
                    .col(uuid_null("comment_id"))
                    .col(text("subject"))
                    .col(text_null("text"))
                    .col(text_null("sender"))
                    .col(boolean("from_reporter"))
                    .col(text("verification"))
                    .col(timestamp_with_time_zone("received_at"))
                    .col(timestamp_with_time_zone("recorded_at"))
                    .col(text("recorded_by"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("inbound_mail", "channel_id").to("channel", "id"))
                    .foreign_key(ForeignKey::create().from("inbound_mail", "report_id").to("report", "id"))
                    .foreign_key(ForeignKey::create().from("inbound_mail", "comment_id").to("comment", "id"))
                    .take(),
            )
            .await?;
        manager
            .create_index(crate::index("inbound_mail", &["channel_id", "identity"]).unique().take())
            .await?;
        manager.create_index(crate::index("inbound_mail", &["message_id"]).take()).await?;
        manager.create_index(crate::index("inbound_mail", &["report_id", "received_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("attachment")
                    .col(uuid("id"))
                    .col(uuid("report_id"))
                    .col(uuid("mail_id"))
                    .col(text("kind"))
                    .col(text("name"))
                    .col(text("media_type"))
                    .col(big_integer("size"))
                    .col(blob("sha256"))
                    .col(boolean("public_side"))
                    .col(timestamp_with_time_zone("received_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("attachment", "report_id").to("report", "id"))
                    .foreign_key(ForeignKey::create().from("attachment", "mail_id").to("inbound_mail", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("attachment", &["report_id", "received_at"]).take()).await?;
        manager.create_index(crate::index("attachment", &["mail_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("attachment_content")
                    .col(uuid("attachment_id"))
                    .col(blob("bytes"))
                    .primary_key(Index::create().col("attachment_id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("attachment_content", "attachment_id")
                            .to("attachment", "id"),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("mailbox_lease")
                    .col(text("mailbox"))
                    .col(uuid("lease_by"))
                    .col(timestamp_with_time_zone("lease_until"))
                    .primary_key(Index::create().col("mailbox"))
                    .take(),
            )
            .await
    }
}
