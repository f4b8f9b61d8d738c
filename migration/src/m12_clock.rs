//! Corrections of when an incident was learned of belong to its decision, clocks without a date are told of, and events
//! follow a new policy and a changed channel.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Corrections of when an incident was learned of belong to its decision, clocks without a date are told of, and events
/// follow a new policy and a changed channel.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What is corrected of the incidents that a kind of decision declares.
const INCIDENTS: [(&str, &str); 2] =
    [("LEARNED_SEVERE_INCIDENT", "SEVERE_INCIDENT"), ("LEARNED_NETWORK_INCIDENT", "NETWORK_INCIDENT")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let of = Table::alter().table("clock_fact").add_column(uuid_null("decision_id")).take();
        manager.alter_table(of).await?;
        for (corrected, declared) in INCIDENTS {
            // Until now it was of all of an event's incidents: it stays with the one that was asked about first.
            let first = Query::select()
                .column("id")
                .from("decision")
                .and_where(Expr::col(("decision", "event_id")).equals(("clock_fact", "event_id")))
                .and_where(Expr::col(("decision", "kind")).eq(declared))
                .and_where(Expr::col(("decision", "granted")).eq(true))
                .order_by(("decision", "asked_at"), Order::Asc)
                .order_by(("decision", "id"), Order::Asc)
                .limit(1)
                .take();
            let mut update = Query::update();
            update.table("clock_fact").value("decision_id", Expr::from(first));
            manager.execute(update.and_where(Expr::col("kind").eq(corrected)).take()).await?;
        }
        for table in ["channel", "deadline_policy"] {
            manager
                .alter_table(Table::alter().table(table).add_column(uuid_null("replan_after")).take())
                .await?;
            manager.create_index(crate::index(table, &["replan_after"]).take()).await?;
        }
        // What a policy asked for when it was introduced was not asked of events without a clock.
        let newest = Query::select().expr(Expr::col("number").max()).from("deadline_policy").take();
        let mut in_force = Query::update();
        in_force
            .table("deadline_policy")
            .value("replan_after", sea_orm::prelude::Uuid::nil())
            .and_where(Expr::col("number").in_subquery(newest));
        manager.execute(in_force).await?;
        // Those of long ago are found to be deleted.
        manager.create_index(crate::index("digest", &["day"]).take()).await?;
        let mut undated = Query::update();
        undated
            .table("deadline")
            .value("next_notice_at", Expr::col("opened_at"))
            .and_where(Expr::col("state").eq("OPEN"))
            .and_where(Expr::col("none_reason").is_in(["NO_NOTICE_DATE", "CALENDAR_WITHOUT_YEAR"]));
        manager.execute(undated).await
    }
}
