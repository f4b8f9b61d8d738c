//! More is kept of each picture.

use sea_orm_migration::prelude::*;

/// More is kept of each picture than could be made of what was: all are looked at anew, by the worker that looks at new ones.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DELETE FROM picture_band").await?;
        db.execute_unprepared("DELETE FROM picture").await.map(|_| ())
    }
}
