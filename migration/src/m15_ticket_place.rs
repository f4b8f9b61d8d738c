//! At which place of its tracker a ticket is.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// A tracker's place, and that at which a ticket was asked for. None for those that were there before.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["tracker", "ticket"] {
            manager.alter_table(Table::alter().table(table).add_column(uuid_null("place_id")).take()).await?;
        }
        Ok(())
    }
}
