//! What people decided.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::vocabulary::{DuplicateOutcome, DuplicateReasonCode};
use entity::{duplicate_decision, duplicate_decision_reason, event, event_link, report};
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::Result;

/// Reports of which nobody is asked whether they are the same as `report`: those of its own event, the whole that it is
/// part of and the other parts, and those of every event of which somebody said already what it has to do with its own: by
/// deciding of a report of each, by a verdict DUPLICATE, or by a link. What was decided of the whole holds for its parts.
pub(in super::super) async fn settled(app: &App, report: &report::Model) -> Result<Vec<Uuid>> {
    use report::Column::{EventId, Id, PartOf};
    let (db, backend) = (app.database.reader(), app.database.backend());
    let whole = report.part_of.unwrap_or(report.id);
    let ids = || report::Entity::find().select_only().column(Id);
    let own: Vec<Uuid> = ids().filter(EventId.eq(report.event_id)).into_tuple().all(db).await?;
    let own: HashSet<Uuid> = own.into_iter().chain([whole, report.id]).collect();
    let (decided, same_original, linked) =
        tokio::try_join!(others(app, &own), of_one_original(app, report.event_id), linked(app, report))?;
    let events_of_decided: Vec<Uuid> = report::Entity::find()
        .select_only()
        .column(EventId)
        .filter(is_one_of(backend, Id, decided.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    let events: HashSet<Uuid> =
        [report.event_id].into_iter().chain(same_original).chain(linked).chain(events_of_decided).collect();
    let of_events = ids().filter(is_one_of(backend, EventId, events)).into_tuple::<Uuid>().all(db);
    let wholes = decided.iter().copied().chain([whole]);
    let parts = ids().filter(is_one_of(backend, PartOf, wholes)).into_tuple::<Uuid>().all(db);
    let (of_events, parts) = tokio::try_join!(of_events, parts)?;
    Ok(of_events.into_iter().chain(parts).chain(decided).chain(own).collect())
}

/// What stands beside these reports in decided pairs.
async fn others(app: &App, reports: &HashSet<Uuid>) -> Result<Vec<Uuid>> {
    use duplicate_decision::Column::{OtherReportId, ReportId};
    let ids: Vec<Uuid> = reports.iter().copied().collect();
    let select = duplicate_decision::Entity::find()
        .select_only()
        .columns([ReportId, OtherReportId])
        .filter(of(app, &ids))
        .into_tuple::<(Uuid, Uuid)>();
    let pairs = select.all(app.database.reader()).await?;
    Ok(pairs.into_iter().flat_map(|(one, other)| [one, other]).filter(|id| !reports.contains(id)).collect())
}

/// The original of an event, and all that repeat it.
async fn of_one_original(app: &App, event: Uuid) -> Result<Vec<Uuid>> {
    use event::Column::{DuplicateOf, Id};
    let db = app.database.reader();
    let original: Option<Option<Uuid>> =
        event::Entity::find_by_id(event).select_only().column(DuplicateOf).into_tuple().one(db).await?;
    let original = original.flatten().unwrap_or(event);
    let select = event::Entity::find()
        .select_only()
        .column(Id)
        .filter(Condition::any().add(Id.eq(original)).add(DuplicateOf.eq(original)));
    Ok(select.into_tuple().all(db).await?)
}

/// Events that somebody linked to the report's. A link that came with the report itself is nobody's judgement.
async fn linked(app: &App, report: &report::Model) -> Result<Vec<Uuid>> {
    use event_link::Column::{EventId, LinkedAt, OtherEventId};
    let select = event_link::Entity::find()
        .select_only()
        .columns([EventId, OtherEventId])
        .filter(Condition::any().add(EventId.eq(report.event_id)).add(OtherEventId.eq(report.event_id)))
        .filter(LinkedAt.ne(report.recorded_at));
    let links: Vec<(Uuid, Uuid)> = select.into_tuple().all(app.database.reader()).await?;
    Ok(links.into_iter().flat_map(|(one, other)| [one, other]).collect())
}

/// The pair has one of these reports.
fn of(app: &App, reports: &[Uuid]) -> Condition {
    use duplicate_decision::Column::{OtherReportId, ReportId};
    let is = |column| is_one_of(app.database.backend(), column, reports.iter().copied());
    Condition::any().add(is(ReportId)).add(is(OtherReportId))
}

/// What was decided of pairs with one of these reports, the newest first.
pub(in super::super) async fn decisions_of(
    app: &App,
    reports: &[Uuid],
) -> Result<Vec<duplicate_decision::Model>> {
    use duplicate_decision::Column::{DecidedAt, Id};
    let select = duplicate_decision::Entity::find()
        .filter(of(app, reports))
        .order_by_desc(DecidedAt)
        .order_by_desc(Id);
    Ok(select.all(app.database.reader()).await?)
}

/// What was decided of a pair, whichever of them was the later one then.
pub(in super::super) async fn decision(
    app: &App,
    report: &report::Model,
    other: &report::Model,
) -> Result<Option<duplicate_decision::Model>> {
    let is = |one: Uuid, other: Uuid| {
        Condition::all()
            .add(duplicate_decision::Column::ReportId.eq(one))
            .add(duplicate_decision::Column::OtherReportId.eq(other))
    };
    let select = duplicate_decision::Entity::find()
        .filter(Condition::any().add(is(report.id, other.id)).add(is(other.id, report.id)));
    Ok(select.one(app.database.reader()).await?)
}

/// How many decided pairs there are of one outcome, with one score or shown with one reason.
pub(in super::super) type Counted<T> = (T, DuplicateOutcome, i64);

/// The decided pairs that were shown as candidates, and of which the actor may see both reports, decided within a span: how many
/// by score, and how many by each reason with which they were shown.
pub(in super::super) async fn figures(
    app: &App,
    actor: &Actor,
    (from, until): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<(Vec<Counted<i32>>, Vec<Counted<DuplicateReasonCode>>)> {
    use duplicate_decision::Column::{DecidedAt, Id, OtherReportId, Outcome, ReportId, Score};
    let visible = |column| visibility::of_report(column, visibility::visible_report(actor));
    let mut shown = duplicate_decision::Entity::find()
        .select_only()
        .filter(Score.is_not_null())
        .filter(visible(ReportId))
        .filter(visible(OtherReportId));
    if let Some(from) = from {
        shown = shown.filter(DecidedAt.gte(from));
    }
    if let Some(until) = until {
        shown = shown.filter(DecidedAt.lt(until));
    }
    let by_score = shown
        .clone()
        .column(Score)
        .column(Outcome)
        .column_as(Id.count(), "pairs")
        .group_by(Score)
        .group_by(Outcome)
        .into_tuple();
    let with_reason = duplicate_decision::Entity::belongs_to(duplicate_decision_reason::Entity)
        .from(Id)
        .to(duplicate_decision_reason::Column::DecisionId);
    let by_reason = shown
        .join(JoinType::InnerJoin, with_reason.into())
        .column(duplicate_decision_reason::Column::Code)
        .column(Outcome)
        .column_as(Id.count(), "pairs")
        .group_by(duplicate_decision_reason::Column::Code)
        .group_by(Outcome)
        .into_tuple();
    let db = app.database.reader();
    Ok(tokio::try_join!(by_score.all(db), by_reason.all(db))?)
}
