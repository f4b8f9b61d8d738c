//! What a bonus run came to beside bonuses that were live.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Live bonuses of other amounts than a run came to; none for runs that did not look.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = json_binary("differing").default("[]").take();
        manager.alter_table(Table::alter().table("bonus_run").add_column(column).take()).await
    }
}
