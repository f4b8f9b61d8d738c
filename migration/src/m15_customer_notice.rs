//! Customers who did not report are owed notices of their own, and incidents of central organs have a term of their own.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Customers who did not report are owed notices of their own, and incidents of central organs have a term of their own.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["product_id", "customer_id"] {
            let add = Table::alter().table("obligation").add_column(uuid_null(column)).take();
            manager.alter_table(add).await?;
        }
        let add = Table::alter().table("product").add_column(boolean("central_organ").default(false)).take();
        manager.alter_table(add).await?;
        let add = Table::alter().table("customer").add_column(uuid_null("replan_after")).take();
        manager.alter_table(add).await?;
        // The sweep asks which customers wait.
        manager.create_index(crate::index("customer", &["replan_after"]).take()).await
    }
}
