//! Why a product is not affected, as machines read it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Why a product is not affected, as machines read it.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = text_null("justification");
        manager.alter_table(Table::alter().table("affected_product").add_column(column).take()).await
    }
}
