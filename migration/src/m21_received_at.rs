//! When an event was received stands beside what its list is looked for by.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::timestamp_with_time_zone;

/// When an event was received stands beside its products and work: what of a product, a line or a person is listed then stands
/// in the order of the list, and a page is read from its beginning. Reports of a channel do so by themselves. Where a report that
/// had been received before was joined to an event, grants of the event kept the old instant: they are given the right one.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const BESIDE: [(&str, &[&str]); 2] =
    [("affected_product", &["product_id", "line"]), ("assignment", &["subject"])];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for (table, lists) in BESIDE {
            // What an event that is not there would have: no row keeps it.
            let column = timestamp_with_time_zone("received_at").default("1970-01-01T00:00:00+00:00").take();
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
            let taken = format!(
                "UPDATE {table} SET received_at = \
                 (SELECT received_at FROM event WHERE event.id = {table}.event_id)"
            );
            connection.execute_unprepared(&taken).await?;
            for list in lists {
                manager.create_index(crate::index(table, &[*list, "received_at", "event_id"]).take()).await?;
            }
        }
        connection.execute_unprepared("DROP INDEX affected_product_product_id_state").await?;
        manager.create_index(crate::index("report", &["channel_id", "received_at", "id"]).take()).await?;
        connection
            .execute_unprepared(
                "UPDATE event_access SET received_at = event.received_at FROM event \
                 WHERE event.id = event_access.event_id AND event.received_at <> event_access.received_at",
            )
            .await?;
        Ok(())
    }
}
