//! What figures of a period find reversed payouts and clocks that were met in time by.

use sea_orm_migration::prelude::*;

/// What figures of a period find reversed payouts and clocks that were met in time by.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in [
            "CREATE INDEX payout_figures_reversed_at ON payout (reversed_at) WHERE reversed_at IS NOT NULL",
            // All that is read of a clock that was met in time: there are many, and their rows are wide. It is written once a
            // clock is met.
            "DROP INDEX deadline_figures_met_at",
            "CREATE INDEX deadline_figures_met_in_time
                 ON deadline (met_at, event_id, kind, regime, channel_id, state, breached_at)
                 WHERE met_at IS NOT NULL AND breached_at IS NULL",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
