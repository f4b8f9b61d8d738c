//! Deliveries are numbered when they leave, and decisions say how much may go abroad.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Deliveries are numbered when they leave, and decisions say how much may go abroad.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rename = Table::alter().table("delivery").rename_column("sequence", "position").take();
        manager.alter_table(rename).await?;
        let add = Table::alter().table("delivery").add_column(big_integer_null("sequence")).take();
        manager.alter_table(add).await?;
        // A receiver that has seen a number goes on seeing it.
        let seen = Query::update()
            .table("delivery")
            .value("sequence", Expr::col("position"))
            .and_where(Expr::col("attempts").gt(0))
            .take();
        manager.execute(seen).await?;
        let tests = crate::index("delivery", &["endpoint_id", "due_at", "id"])
            .name("delivery_waiting_tests")
            .and_where(Expr::col("state").eq("PENDING"))
            .and_where(Expr::col("kind").eq("webhook.test"))
            .take();
        manager.create_index(tests).await?;
        let extent = Table::alter().table("decision").add_column(text_null("extent")).take();
        manager.alter_table(extent).await?;
        // Nobody said that all may go abroad, so what was granted is the least of it.
        for (granted, extent) in [(true, "ALLOW_REDUCED"), (false, "REFUSE")] {
            let decided = Query::update()
                .table("decision")
                .value("extent", extent)
                .and_where(Expr::col("kind").eq("REPORT_ABROAD"))
                .and_where(Expr::col("granted").eq(granted))
                .take();
            manager.execute(decided).await?;
        }
        Ok(())
    }
}
