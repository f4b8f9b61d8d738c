//! Messages are looked for by event nowhere.

use sea_orm_migration::prelude::*;

/// Messages are looked for by event nowhere: each was written into an index of them when it was made and again when it got its
/// position.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX message_event_id").await?;
        Ok(())
    }
}
