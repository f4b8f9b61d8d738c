//! The parts of a report are looked up by their whole.

use sea_orm_migration::prelude::*;

/// The parts of a report are looked up by their whole.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let parts = "CREATE INDEX report_part_of ON report (part_of) WHERE part_of IS NOT NULL";
        manager.get_connection().execute_unprepared(parts).await?;
        Ok(())
    }
}
