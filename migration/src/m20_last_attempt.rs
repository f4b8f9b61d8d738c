//! A delivery holds its last attempt itself.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer_null, text_null, timestamp_with_time_zone_null};

/// A delivery holds its last attempt itself, and those before it stand in the log: nearly all come through at once, and a
/// row of its own for their one attempt, with two indexes and a reference, cost as much as all else that was written of it.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The last attempt of each delivery.
const NEWEST: &str = "(SELECT *, ROW_NUMBER() OVER (PARTITION BY delivery_id ORDER BY at DESC, id DESC) AS place \
    FROM delivery_attempt) AS newest";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            timestamp_with_time_zone_null("last_tried_at"),
            integer_null("last_duration_ms"),
            integer_null("last_status"),
            text_null("last_error"),
            text_null("last_answer"),
        ];
        for column in columns {
            manager.alter_table(Table::alter().table("delivery").add_column(column).take()).await?;
        }
        let taken = format!(
            "UPDATE delivery SET last_tried_at = newest.at, last_duration_ms = newest.duration_ms, \
             last_status = newest.status, last_error = newest.error, last_answer = newest.answer \
             FROM {NEWEST} WHERE newest.place = 1 AND newest.delivery_id = delivery.id"
        );
        let left =
            format!("DELETE FROM delivery_attempt WHERE id IN (SELECT id FROM {NEWEST} WHERE place = 1)");
        for statement in [taken, left] {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
