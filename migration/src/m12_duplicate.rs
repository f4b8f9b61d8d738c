//! Where indicators come from; what reports are found by; what was decided of pairs of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// Where indicators come from; what reports are found by; what was decided of pairs of them.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            text("source").default("GIVEN").take(),
            text_null("added_by"),
            text_null("dismissed_by"),
            timestamp_with_time_zone_null("dismissed_at"),
        ];
        for column in columns {
            manager.alter_table(Table::alter().table("indicator").add_column(column).take()).await?;
        }
        // Each row is nothing but its key, and is kept in the key's order: a segment is written while it is small, and
        // read by one look for each feature. No foreign key: it would cost a look for each row, and reports stay.
        let rows = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => {
                "report_id uuid_text NOT NULL, PRIMARY KEY (segment, feature, report_id)) WITHOUT ROWID"
            }
            _ => "report_id uuid NOT NULL, PRIMARY KEY (segment, feature, report_id))",
        };
        let table =
            format!("CREATE TABLE report_feature (segment bigint NOT NULL, feature bigint NOT NULL, {rows}");
        manager.get_connection().execute_unprepared(&table).await?;
        // What is for named people alone is looked up before anything is compared.
        let red = "CREATE INDEX event_red ON event (id) WHERE tlp = 'RED'";
        manager.get_connection().execute_unprepared(red).await?;
        manager
            .create_table(
                Table::create()
                    .table("report_profile")
                    .col(uuid("report_id"))
                    .col(integer("number"))
                    .col(big_integer("segment"))
                    .col(blob("features"))
                    .primary_key(Index::create().col("report_id").col("number"))
                    .foreign_key(ForeignKey::create().from("report_profile", "report_id").to("report", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("report_profile", &["segment", "report_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("term_weights")
                    .col(big_integer("generation"))
                    .col(big_integer("indexed"))
                    .col(blob("terms"))
                    .col(timestamp_with_time_zone("made_at"))
                    .primary_key(Index::create().col("generation"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("duplicate_decision")
                    .col(uuid("id"))
                    .col(uuid("report_id"))
                    .col(uuid("other_report_id"))
                    .col(text("outcome"))
                    .col(text("rationale"))
                    .col(integer_null("score"))
                    .col(text("decided_by"))
                    .col(timestamp_with_time_zone("decided_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("duplicate_decision", "report_id").to("report", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create().from("duplicate_decision", "other_report_id").to("report", "id"),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                crate::index("duplicate_decision", &["report_id", "other_report_id"]).unique().take(),
            )
            .await?;
        manager.create_index(crate::index("duplicate_decision", &["other_report_id"]).take()).await
    }
}
