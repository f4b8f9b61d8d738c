//! What keeps lists and sweeps as quick when there is much.

use sea_orm_migration::prelude::*;

/// What keeps lists and sweeps as quick when there is much: reporters in the order of their list, and what is little among much:
/// what was declined, what was not delivered, what waits to be acknowledged, and the events that repeat another. Of these
/// alone there is an index now: nearly all repeat none, and where SQLite has counted them it takes a look for an event's
/// duplicates for one at all events.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const PARTIAL: [&str; 4] = [
    "CREATE INDEX assignment_declined ON assignment (event_id, line) WHERE state = 'DECLINED' AND function = 'R_AND_D'",
    "CREATE INDEX delivery_undelivered ON delivery (endpoint_id, created_at, id) WHERE state IN ('DEAD', 'CANCELLED')",
    "CREATE INDEX obligation_unacknowledged ON obligation (channel_id, id) WHERE state = 'OPEN' AND kind = 'ACKNOWLEDGEMENT'",
    "CREATE INDEX event_duplicate_of ON event (duplicate_of) WHERE duplicate_of IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(crate::index("reporter", &["created_at", "id"]).take()).await?;
        manager.get_connection().execute_unprepared("DROP INDEX event_duplicate_of").await?;
        for statement in PARTIAL {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
