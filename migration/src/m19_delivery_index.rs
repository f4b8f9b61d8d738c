//! Fewer indexes over deliveries, of which each one is written at every fan-out and again when a delivery comes to its end.

use sea_orm_migration::prelude::*;

/// Fewer indexes over deliveries, of which each one is written at every fan-out and again when a delivery comes to its end.
/// The one that keeps a message from going to an endpoint twice also finds the deliveries of a message, as a second one did
/// before; and what is due is looked for by endpoint alone.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const DROPPED: [&str; 3] = ["delivery_due_at_id", "delivery_message_id", "delivery_endpoint_id_message_id"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(crate::index("delivery", &["message_id", "endpoint_id"]).unique().take())
            .await?;
        for index in DROPPED {
            manager.get_connection().execute_unprepared(&format!("DROP INDEX {index}")).await?;
        }
        Ok(())
    }
}
