//! Reports that their finder withdrew.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Reports that their finder withdrew.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [timestamp_with_time_zone_null("withdrawn_at"), text_null("withdrawal_reason")] {
            manager.alter_table(Table::alter().table("report").add_column(column).take()).await?;
        }
        Ok(())
    }
}
