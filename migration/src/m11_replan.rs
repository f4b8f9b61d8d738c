//! How far the events of a changed product have been planned anew.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// How far the events of a changed product have been planned anew.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let after = uuid_null("replan_after");
        manager.alter_table(Table::alter().table("product").add_column(after).take()).await?;
        // The sweep asks which products wait.
        manager.create_index(crate::index("product", &["replan_after"]).take()).await
    }
}
