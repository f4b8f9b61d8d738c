//! Which pictures are being looked at.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Which pictures are being looked at.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("picture_look")
                    .col(uuid("attachment_id"))
                    .col(uuid("lease_by"))
                    .col(timestamp_with_time_zone("lease_until"))
                    .primary_key(Index::create().col("attachment_id"))
                    .foreign_key(
                        ForeignKey::create().from("picture_look", "attachment_id").to("attachment", "id"),
                    )
                    .take(),
            )
            .await
    }
}
