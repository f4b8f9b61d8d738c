//! Who wants to be named on leaderboards, and the instants that figures of a period are found by.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Who wants to be named on leaderboards, and the instants that figures of a period are found by.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table, the instant by which a figure finds its rows, and which rows have one.
const INSTANTS: [(&str, &str, &str); 7] = [
    ("verdict", "given_at", "given_at IS NOT NULL"),
    ("status_change", "changed_at", "to_status = 'REPLYING'"),
    ("obligation", "met_at", "met_at IS NOT NULL"),
    ("deadline", "met_at", "met_at IS NOT NULL"),
    ("deadline", "breached_at", "breached_at IS NOT NULL"),
    ("payout", "approved_at", "approved_at IS NOT NULL"),
    ("payout", "paid_at", "paid_at IS NOT NULL"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Nobody is named who did not say so.
        let named = boolean("named").default(false).take();
        manager.alter_table(Table::alter().table("reporter").add_column(named).take()).await?;
        for (table, instant, condition) in INSTANTS {
            let index =
                format!("CREATE INDEX {table}_figures_{instant} ON {table} ({instant}) WHERE {condition}");
            manager.get_connection().execute_unprepared(&index).await?;
        }
        Ok(())
    }
}
