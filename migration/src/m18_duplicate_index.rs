//! The index by which an event's duplicates are found.

use sea_orm_migration::prelude::*;

/// The index by which an event's duplicates are found, without the events that repeat none: those are nearly all, and where
/// SQLite counts them it takes every look for duplicates for one at all events.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("DROP INDEX event_duplicate_of").await?;
        let found = "CREATE INDEX event_duplicate_of ON event (duplicate_of) WHERE duplicate_of IS NOT NULL";
        connection.execute_unprepared(found).await?;
        Ok(())
    }
}
