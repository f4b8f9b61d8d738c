//! Words are found together with the blocks of places that entries stand in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// Words are found together with the blocks of places that entries stand in, so that PostgreSQL looks for common words among the
/// newest entries: it reads all that the index has of a word before it gives the first. SQLite reads them in their order.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const POSTGRES: [&str; 2] = [
    "DROP INDEX search_entry_words",
    "CREATE INDEX search_entry_placed ON search_entry USING gin ((words || array_to_tsvector(ARRAY[\
     's:' || (place >> 10)::text, 'm:' || (place >> 14)::text, 'l:' || (place >> 18)::text])))",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            for statement in POSTGRES {
                manager.get_connection().execute_unprepared(statement).await?;
            }
        }
        Ok(())
    }
}
