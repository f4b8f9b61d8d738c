//! What else of an event goes into its package: what was said to and by reporters, and how it was handled.

use entity::vocabulary::CommentVisibility;
use entity::{comment, event, remediation, report, score, verification, world_fact};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;
use crate::graphql::scalars;

/// Messages between the team and reporters, oldest first. A reporter stands there by the report alone.
///
/// # Errors
/// Of the database.
pub(super) async fn messages(app: &App, event: &event::Model) -> Result<Value> {
    let rows = comment::Entity::find()
        .filter(comment::Column::EventId.eq(event.id))
        .filter(comment::Column::Visibility.eq(CommentVisibility::Reporter))
        .order_by_asc(comment::Column::CreatedAt)
        .order_by_asc(comment::Column::Id)
        .all(app.database.reader())
        .await?;
    let message = |row: &comment::Model| {
        json!({
            "report": row.report_id.map(|id| scalars::id::<report::Entity>(id).to_string()),
            "body": row.body,
            "fromReporter": row.from_reporter,
            "author": (!row.from_reporter).then_some(&row.author),
            "at": row.created_at,
        })
    };
    Ok(rows.iter().map(message).collect())
}

/// What the world knows, how the event was scored, and fixes with their verification and release.
///
/// # Errors
/// Of the database.
pub(super) async fn handling(app: &App, event: &event::Model) -> Result<Value> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let world = world_fact::Entity::find()
        .filter(world_fact::Column::EventId.eq(event.id))
        .order_by_asc(world_fact::Column::RecordedAt)
        .order_by_asc(world_fact::Column::Id)
        .all(db);
    let scores = score::Entity::find()
        .filter(score::Column::EventId.eq(event.id))
        .order_by_asc(score::Column::ScoredAt)
        .order_by_asc(score::Column::Id)
        .all(db);
    let fixes = remediation::Entity::find()
        .filter(remediation::Column::EventId.eq(event.id))
        .order_by_asc(remediation::Column::Line)
        .all(db);
    let (world, scores, fixes) = tokio::try_join!(world, scores, fixes)?;
    let of_fixes = is_one_of(backend, verification::Column::RemediationId, fixes.iter().map(|row| row.id));
    let checks = verification::Entity::find()
        .filter(of_fixes)
        .order_by_asc(verification::Column::VerifiedAt)
        .order_by_asc(verification::Column::Id)
        .all(db)
        .await?;
    let tenths = |value: i32| scalars::Decimal::from_tenths(value).0;
    Ok(json!({
        "worldFacts": world.iter().map(|row| json!({
            "kind": row.kind, "occurredAt": row.occurred_at, "learnedAt": row.learned_at, "source": row.source,
            "recordedBy": row.recorded_by, "recordedAt": row.recorded_at,
        })).collect::<Vec<_>>(),
        "scores": scores.iter().map(|row| json!({
            "pass": row.pass, "level": row.level, "rounded": tenths(row.rounded),
            "factors": {
                "productImportance": tenths(row.product_importance), "productReach": tenths(row.product_reach),
                "publicOpinion": tenths(row.public_opinion), "exploitConditions": tenths(row.exploit_conditions),
                "actualImpact": tenths(row.actual_impact),
            },
            "policy": row.policy_id, "evidence": row.evidence, "reason": row.reason,
            "consentedBy": row.consented_by, "scoredBy": row.scored_by, "scoredAt": row.scored_at,
            "supersededAt": row.superseded_at,
        })).collect::<Vec<_>>(),
        "fixes": fixes.iter().map(|row| json!({
            "line": row.line, "state": row.state, "fixPlan": row.fix_plan, "plannedFor": row.planned_for,
            "patch": row.patch, "mitigation": row.mitigation,
            "mitigationAvailableAt": row.mitigation_available_at, "submittedBy": row.submitted_by,
            "submittedAt": row.submitted_at, "releaseVersions": row.release_versions,
            "advisory": row.advisory, "availableAt": row.available_at,
            "verifications": checks.iter().filter(|check| check.remediation_id == row.id).map(|check| json!({
                "fullyFixed": check.fully_fixed, "fullyFixedEvidence": check.fully_fixed_evidence,
                "bypassable": check.bypassable, "bypassEvidence": check.bypass_evidence,
                "newProblem": check.new_problem, "newProblemEvidence": check.new_problem_evidence,
                "passed": check.passed, "verifiedBy": check.verified_by, "verifiedAt": check.verified_at,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    }))
}
