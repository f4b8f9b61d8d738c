//! Positions after commit, and the chain over the whole installation.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Positions after commit, and the chain over the whole installation.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("audit_entry").add_column(blob_null("seal")).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("sequence_head")
                    .col(integer("id"))
                    .col(big_integer("message_position"))
                    .col(big_integer("entry_position"))
                    .col(blob("entry_seal"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        let head = Query::insert()
            .into_table("sequence_head")
            .columns(["id", "message_position", "entry_position", "entry_seal"])
            .values_panic([1.into(), 0_i64.into(), 0_i64.into(), Vec::<u8>::new().into()])
            .take();
        manager.execute(head).await?;
        for (table, time) in [("message", "created_at"), ("audit_entry", "at")] {
            // What waits is found without looking at what has its place, and a new row is entered in one of the two.
            let whole = format!("{table}_position");
            let mut drop = Index::drop();
            drop.name(&whole).table(table);
            manager.drop_index(drop).await?;
            let placed = crate::index(table, &["position"])
                .unique()
                .cond_where(Expr::col("position").is_not_null())
                .take();
            manager.create_index(placed).await?;
            let waiting = Index::create()
                .name(format!("{table}_waiting"))
                .table(table)
                .col(time)
                .col("id")
                .cond_where(Expr::col("position").is_null())
                .take();
            manager.create_index(waiting).await?;
        }
        Ok(())
    }
}
