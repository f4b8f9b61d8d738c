//! What held when a file was attached to a reply: it leaves on that alone. Of files from before nobody knows, so they have
//! to be attached again before they leave.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// What held when a file was attached to a reply.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [uuid_null("verdict_id"), text_null("extent")] {
            manager.alter_table(Table::alter().table("reply_attachment").add_column(column).take()).await?;
        }
        manager.create_index(crate::index("reply_attachment", &["attachment_id"]).take()).await
    }
}
