//! A ticket that somebody links is ours only once its tracker has shown it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// A ticket that somebody links is ours only once its tracker has shown it.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = text_null("asked_id");
        manager.alter_table(Table::alter().table("ticket").add_column(column).take()).await
    }
}
