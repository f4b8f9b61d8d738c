//! What an approval of a reply is of: its recipient, and what its text was written from.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// What an approval of a reply is of.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            boolean("as_made").default(false).take(),
            uuid_null("verdict_id"),
            text_null("extent"),
            text_null("via"),
            text_null("recipient"),
            blob_null("url_sha256"),
        ] {
            manager.alter_table(Table::alter().table("reply").add_column(column).take()).await?;
        }
        let url = blob_null("url_sha256");
        manager.alter_table(Table::alter().table("reply_dispatch").add_column(url).take()).await
    }
}
