//! Payouts know their share, their attempt and what was approved of them, and accounts who set them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Payouts know their share, their attempt and what was approved of them, and accounts who set them.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ("payout", integer_null("share")),
            ("payout", text_null("split_by")),
            ("payout", big_integer_null("approved_amount")),
            ("payout", text_null("approved_severity")),
            ("payout", integer("attempt").default(1).take()),
            ("payout_change", boolean("approved").default(false).take()),
            ("reporter", text_null("payee_account_set_by")),
        ];
        // SQLite adds one column at a time.
        for (table, column) in columns {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        let approved = Query::update()
            .table("payout")
            .value("approved_amount", Expr::col("amount"))
            .value("approved_severity", Expr::col("severity"))
            .and_where(Expr::col("approved_by").is_not_null())
            .take();
        manager.execute(approved).await?;
        let of_approved = Query::select()
            .column("id")
            .from("payout")
            .and_where(Expr::col("approved_at").is_not_null())
            .take();
        let public = Query::update()
            .table("payout_change")
            .value("approved", true)
            .and_where(Expr::col("payout_id").in_subquery(of_approved))
            .and_where(Expr::col("from_state").is_not_null())
            .and_where(Expr::col("kind").ne("SPLIT"))
            .take();
        manager.execute(public).await
    }
}
