//! Events, their assessment, team and remediation.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

/// Events, their assessment, team and remediation.
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
                    .table("event_number_block")
                    .col(integer("year"))
                    .col(big_integer("next"))
                    .primary_key(Index::create().col("year"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("event")
                    .col(uuid("id"))
                    .col(text("number"))
                    .col(text("title"))
                    .col(boolean("described"))
                    .col(text("description"))
                    .col(text("steps"))
                    .col(text("status"))
                    .col(text_null("verdict"))
                    .col(text("level"))
                    .col(text("highest_level"))
                    .col(integer("level_rank"))
                    .col(integer("score"))
                    .col(text("tlp"))
                    .col(timestamp_with_time_zone_null("embargo_until"))
                    .col(timestamp_with_time_zone("received_at"))
                    .col(boolean("history"))
                    .col(integer("pass"))
                    .col(uuid_null("duplicate_of"))
                    .col(uuid_null("asked_report_id"))
                    .col(timestamp_with_time_zone_null("asked_at"))
                    .col(timestamp_with_time_zone_null("closed_at"))
                    .col(integer("version"))
                    .col(big_integer("revision"))
                    .col(blob("audit_head"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("event", "duplicate_of").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("event", &["number"]).unique().take()).await?;
        manager.create_index(crate::index("event", &["changed_at", "id"]).take()).await?;
        manager.create_index(crate::index("event", &["received_at", "id"]).take()).await?;
        manager.create_index(crate::index("event", &["level_rank", "id"]).take()).await?;
        manager.create_index(crate::index("event", &["score", "id"]).take()).await?;
        manager.create_index(crate::index("event", &["status", "changed_at"]).take()).await?;
        manager.create_index(crate::index("event", &["duplicate_of"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("event_access")
                    .col(uuid("event_id"))
                    .col(text("facet"))
                    .col(text("principal"))
                    .col(uuid("report_id"))
                    .col(timestamp_with_time_zone("received_at"))
                    .primary_key(
                        Index::create().col("event_id").col("facet").col("principal").col("report_id"),
                    )
                    .foreign_key(ForeignKey::create().from("event_access", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                crate::index("event_access", &["principal", "facet", "received_at", "event_id"]).take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("status_change")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(integer("pass"))
                    .col(text_null("from_status"))
                    .col(text("to_status"))
                    .col(text_null("reason"))
                    .col(text("changed_by"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("status_change", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("status_change", &["event_id", "changed_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("verdict")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(integer("pass"))
                    .col(text("verdict"))
                    .col(text_null("severity"))
                    .col(text("rationale"))
                    .col(uuid_null("original_event_id"))
                    .col(text_null("internal_finding"))
                    .col(date_null("first_known_on"))
                    .col(text_null("advisory"))
                    .col(text_null("fixed_version"))
                    .col(text_null("end_of_life_notice"))
                    .col(text_null("last_supported_version"))
                    .col(text_null("successor"))
                    .col(text_null("forwarded_to"))
                    .col(text("given_by"))
                    .col(timestamp_with_time_zone("given_at"))
                    .col(timestamp_with_time_zone_null("superseded_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("verdict", "event_id").to("event", "id"))
                    .foreign_key(ForeignKey::create().from("verdict", "original_event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("verdict", &["event_id", "given_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("score")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(integer("pass"))
                    .col(integer("product_importance"))
                    .col(integer("product_reach"))
                    .col(integer("public_opinion"))
                    .col(integer("exploit_conditions"))
                    .col(integer("actual_impact"))
                    .col(integer("total"))
                    .col(integer("rounded"))
                    .col(text("level"))
                    .col(uuid("policy_id"))
                    .col(json_binary("evidence"))
                    .col(text_null("reason"))
                    .col(text_null("consented_by"))
                    .col(text("scored_by"))
                    .col(timestamp_with_time_zone("scored_at"))
                    .col(timestamp_with_time_zone_null("superseded_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("score", "event_id").to("event", "id"))
                    .foreign_key(ForeignKey::create().from("score", "policy_id").to("rating_policy", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("score", &["event_id", "scored_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("technical_severity")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(text("source"))
                    .col(text("source_name"))
                    .col(text("cvss_version"))
                    .col(text("vector"))
                    .col(integer("base"))
                    .col(integer("score"))
                    .col(text("band"))
                    .col(json_binary("cwe"))
                    .col(text("assessed_by"))
                    .col(timestamp_with_time_zone("assessed_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(
                        ForeignKey::create().from("technical_severity", "event_id").to("event", "id"),
                    )
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("technical_severity", &["event_id", "assessed_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("world_fact")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(text("kind"))
                    .col(timestamp_with_time_zone_null("occurred_at"))
                    .col(timestamp_with_time_zone("learned_at"))
                    .col(text("source"))
                    .col(text("recorded_by"))
                    .col(timestamp_with_time_zone("recorded_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("world_fact", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("world_fact", &["event_id", "recorded_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("affected_product")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid("product_id"))
                    .col(text("line"))
                    .col(text("state"))
                    .col(text_null("reason"))
                    .col(text_null("affected_versions"))
                    .col(text_null("fixed_versions"))
                    .col(integer("version"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("affected_product", "event_id").to("event", "id"))
                    .foreign_key(
                        ForeignKey::create().from("affected_product", "product_id").to("product", "id"),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(crate::index("affected_product", &["event_id", "product_id"]).unique().take())
            .await?;
        manager.create_index(crate::index("affected_product", &["product_id", "state"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("affected_customer")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid("customer_id"))
                    .col(text_null("note"))
                    .col(text("added_by"))
                    .col(timestamp_with_time_zone("added_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("affected_customer", "event_id").to("event", "id"))
                    .foreign_key(
                        ForeignKey::create().from("affected_customer", "customer_id").to("customer", "id"),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(crate::index("affected_customer", &["event_id", "customer_id"]).unique().take())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("team_member")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(text_null("subject"))
                    .col(text_null("team"))
                    .col(text_null("function"))
                    .col(text("team_group"))
                    .col(text("source"))
                    .col(text("added_by"))
                    .col(timestamp_with_time_zone("added_at"))
                    .col(text_null("removed_by"))
                    .col(timestamp_with_time_zone_null("removed_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("team_member", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("team_member", &["event_id", "removed_at"]).take()).await?;
        manager.create_index(crate::index("team_member", &["subject", "removed_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("assignment")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(text("function"))
                    .col(text_null("subject"))
                    .col(text_null("team"))
                    .col(text_null("line"))
                    .col(timestamp_with_time_zone_null("due_at"))
                    .col(text("state"))
                    .col(text_null("note"))
                    .col(text_null("decline_reason"))
                    .col(text("assigned_by"))
                    .col(timestamp_with_time_zone("assigned_at"))
                    .col(integer("version"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("assignment", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("assignment", &["event_id"]).take()).await?;
        manager.create_index(crate::index("assignment", &["subject", "state"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("remediation")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(text("line"))
                    .col(text("state"))
                    .col(text_null("fix_plan"))
                    .col(date_null("planned_for"))
                    .col(text_null("patch"))
                    .col(text_null("mitigation"))
                    .col(timestamp_with_time_zone_null("mitigation_available_at"))
                    .col(text_null("submitted_by"))
                    .col(timestamp_with_time_zone_null("submitted_at"))
                    .col(uuid_null("risk_decision_id"))
                    .col(text_null("release_versions"))
                    .col(text_null("advisory"))
                    .col(timestamp_with_time_zone_null("available_at"))
                    .col(integer("version"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("remediation", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("remediation", &["event_id", "line"]).unique().take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("verification")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid("remediation_id"))
                    .col(boolean("fully_fixed"))
                    .col(text("fully_fixed_evidence"))
                    .col(boolean("bypassable"))
                    .col(text("bypass_evidence"))
                    .col(boolean("new_problem"))
                    .col(text("new_problem_evidence"))
                    .col(boolean("passed"))
                    .col(uuid_null("new_event_id"))
                    .col(text("verified_by"))
                    .col(timestamp_with_time_zone("verified_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("verification", "event_id").to("event", "id"))
                    .foreign_key(
                        ForeignKey::create().from("verification", "remediation_id").to("remediation", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("verification", "new_event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("verification", &["event_id", "verified_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("decision")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(text("kind"))
                    .col(text("question"))
                    .col(json_binary("options"))
                    .col(text_null("line"))
                    .col(text("asked_by"))
                    .col(timestamp_with_time_zone("asked_at"))
                    .col(timestamp_with_time_zone_null("due_at"))
                    .col(json_binary("participants"))
                    .col(text_null("outcome"))
                    .col(boolean_null("granted"))
                    .col(text_null("decided_by"))
                    .col(timestamp_with_time_zone_null("decided_at"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .col(integer("version"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("decision", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("decision", &["event_id", "asked_at"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("review")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(integer("pass"))
                    .col(text_null("root_cause"))
                    .col(text_null("missed_phase"))
                    .col(text_null("standard_changes"))
                    .col(text_null("process_changes"))
                    .col(text_null("skipped_reason"))
                    .col(text("recorded_by"))
                    .col(timestamp_with_time_zone("recorded_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("review", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("review", &["event_id"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("action_item")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(text("title"))
                    .col(text("owner"))
                    .col(date("due_on"))
                    .col(text("state"))
                    .col(text_null("note"))
                    .col(timestamp_with_time_zone_null("done_at"))
                    .col(text("created_by"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(integer("version"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("action_item", "event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("action_item", &["event_id"]).take()).await?;
        manager.create_index(crate::index("action_item", &["owner", "state"]).take()).await?;
        manager
            .create_table(
                Table::create()
                    .table("event_link")
                    .col(uuid("id"))
                    .col(uuid("event_id"))
                    .col(uuid("other_event_id"))
                    .col(text("kind"))
                    .col(text("linked_by"))
                    .col(timestamp_with_time_zone("linked_at"))
                    .primary_key(Index::create().col("id"))
                    .foreign_key(ForeignKey::create().from("event_link", "event_id").to("event", "id"))
                    .foreign_key(ForeignKey::create().from("event_link", "other_event_id").to("event", "id"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("event_link", &["event_id"]).take()).await?;
        manager.create_index(crate::index("event_link", &["other_event_id"]).take()).await?;
        Ok(())
    }
}
