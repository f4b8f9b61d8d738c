//! Which event fixes what was known inside, and when the end of an accepted risk was announced.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Which event fixes what was known inside, and when the end of an accepted risk was announced.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds a foreign key to a table only together with its column.
        let mut fixing_event = uuid_null("fixing_event_id");
        fixing_event.extra("REFERENCES \"event\" (\"id\")");
        manager.alter_table(Table::alter().table("verdict").add_column(fixing_event).take()).await?;
        let told = timestamp_with_time_zone_null("expiry_told_at");
        manager.alter_table(Table::alter().table("decision").add_column(told).take()).await?;
        manager.create_index(crate::index("decision", &["expires_at"]).take()).await?;
        manager.create_index(crate::index("remediation", &["risk_decision_id"]).take()).await
    }
}
