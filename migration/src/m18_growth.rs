use sea_orm_migration::prelude::*;

/// What keeps lists and sweeps as quick when there is much: reporters in the order of their list, and what is little among much:
/// what was declined, what was not delivered, what waits to be acknowledged.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const PARTIAL: [&str; 3] = [
    "CREATE INDEX assignment_declined ON assignment (event_id, line) WHERE state = 'DECLINED' AND function = 'R_AND_D'",
    "CREATE INDEX delivery_undelivered ON delivery (endpoint_id, created_at, id) WHERE state IN ('DEAD', 'CANCELLED')",
    "CREATE INDEX obligation_unacknowledged ON obligation (channel_id, id) WHERE state = 'OPEN' AND kind = 'ACKNOWLEDGEMENT'",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(crate::index("reporter", &["created_at", "id"]).take()).await?;
        for statement in PARTIAL {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
