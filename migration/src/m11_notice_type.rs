//! What a database calls the vulnerability that it notifies of.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// What a database calls the vulnerability that it notifies of.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = text_null("notice_type");
        manager.alter_table(Table::alter().table("report").add_column(column).take()).await
    }
}
