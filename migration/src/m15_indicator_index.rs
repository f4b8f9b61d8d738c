//! An index that nothing is looked up by.

use sea_orm_migration::prelude::*;

/// Indicators are read by their report; reports that share one are found by their features.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX indicator_kind_value").await.map(|_| ())
    }
}
