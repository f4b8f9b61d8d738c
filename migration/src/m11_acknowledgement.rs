//! Whether a channel's reports are acknowledged without a person.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Whether a channel's reports are acknowledged without a person.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut mode = text("acknowledgement");
        mode.default("BY_HAND");
        manager.alter_table(Table::alter().table("channel").add_column(mode).take()).await
    }
}
