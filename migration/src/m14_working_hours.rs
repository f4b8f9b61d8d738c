//! The hours of a calendar's working days.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// The hours of a calendar's working days; none where nobody entered them.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = json_binary("working_hours").default("[]").take();
        manager.alter_table(Table::alter().table("calendar").add_column(column).take()).await
    }
}
