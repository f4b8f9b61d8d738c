//! The order in which clocks are listed, whatever their state.

use sea_orm_migration::prelude::*;

/// The order in which clocks are listed, whatever their state.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(crate::index("deadline", &["sort_at", "id"]).take()).await
    }
}
