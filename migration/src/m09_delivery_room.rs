//! Room in the pages of what is rewritten three times and then rests.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Room in the pages of what is rewritten three times and then rests.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            // A delivery is claimed, numbered and settled. With room beside it, a new version of the row needs no new
            // entry in any index.
            manager.get_connection().execute_unprepared("ALTER TABLE delivery SET (fillfactor = 40)").await?;
        }
        Ok(())
    }
}
