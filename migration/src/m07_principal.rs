//! Principals are denied and allowed with an audit trail, also before they are first seen.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Principals are denied and allowed with an audit trail, also before they are first seen.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns that stay as they were.
const KEPT: [&str; 10] =
    ["id", "issuer", "subject", "email", "roles", "products", "teams", "channel", "last_seen_at", "denied"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    // SQLite cannot make a column nullable, so the table is made anew on both. Nothing refers to it.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("principal_new")
                    .col(uuid("id"))
                    .col(text("issuer"))
                    .col(text("subject"))
                    .col(text_null("email"))
                    .col(json_binary("roles"))
                    .col(json_binary("products"))
                    .col(json_binary("teams"))
                    .col(text_null("channel"))
                    .col(timestamp_with_time_zone_null("last_seen_at"))
                    .col(boolean("denied"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .take(),
            )
            .await?;
        let rows = Query::select()
            .columns(KEPT)
            .expr(Expr::val(1))
            .expr(Expr::val(0_i64))
            .expr(Expr::val(Vec::<u8>::new()))
            .column("last_seen_at")
            .from("principal")
            .take();
        let mut copy = Query::insert();
        copy.into_table("principal_new");
        copy.columns(KEPT.into_iter().chain(["version", "revision", "audit_head", "changed_at"]));
        copy.select_from(rows).map_err(|error| DbErr::Migration(error.to_string()))?;
        manager.execute(copy).await?;
        manager.drop_table(Table::drop().table("principal").take()).await?;
        manager.rename_table(Table::rename().table("principal_new", "principal").take()).await?;
        manager.create_index(crate::index("principal", &["issuer", "subject"]).unique().take()).await?;
        manager.create_index(crate::index("principal", &["subject", "id"]).take()).await
    }
}
