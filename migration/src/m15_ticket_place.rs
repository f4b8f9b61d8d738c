//! At which place of its tracker a ticket is.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// A tracker's place, and that at which a ticket was asked for: only there its id is its own.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, place) in [("tracker", "id"), ("ticket", "tracker_id")] {
            let column = uuid_null("place_id").take();
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
            // Those that were there before are all at one place.
            let update = format!("UPDATE {table} SET place_id = {place}");
            manager.get_connection().execute_unprepared(&update).await?;
        }
        let mut index = crate::index("ticket", &["tracker_id", "place_id", "external_id"]);
        let kept = Expr::col("state").ne("UNLINKED");
        manager.get_connection().execute_unprepared("DROP INDEX ticket_tracker_id_external_id").await?;
        manager.create_index(index.unique().and_where(kept).take()).await
    }
}
