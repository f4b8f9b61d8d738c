//! Finding reports by what they have in common.

use std::collections::{HashMap, HashSet};

use entity::vocabulary::{AttachmentKind, Facet, Tlp};
use entity::{
    attachment, duplicate_decision, event, indicator, report, report_profile, report_version, term_weights,
};
use sea_orm::sea_query::{Condition, DeleteStatement, Expr, ExprTrait, Query, UpdateStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, Order, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
};
use serde_json::json;
use uuid::Uuid;

use super::Material;
use super::features::Profile;
use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::{Database, Given, given, is_one_of};
use crate::error::Result;

/// Versions of a report that are looked at.
const VERSIONS: u64 = 3;
/// Most reports that are taken of those which share one feature, the newest first.
const SHARING_ONE: i64 = 600;
/// Most features by which reports are looked for.
const FEATURES: usize = 80;
/// Segments of which reports are sampled, and how many of each.
const SAMPLED_SEGMENTS: i64 = 16;
const SAMPLED_OF_EACH: u64 = 256;

/// Segments of the index, and the newest weights.
pub(super) async fn head(database: &Database) -> Result<(i64, Option<term_weights::Model>)> {
    let newest = report_profile::Entity::find()
        .select_only()
        .column(report_profile::Column::Segment)
        .order_by_desc(report_profile::Column::Segment)
        .into_tuple::<i64>()
        .one(database.reader());
    let weights =
        term_weights::Entity::find().order_by_desc(term_weights::Column::Generation).one(database.reader());
    let (newest, weights) = tokio::try_join!(newest, weights)?;
    Ok((newest.map_or(0, |segment| segment + 1), weights))
}

/// Versions of reports in a segment.
pub(super) async fn count(database: &Database, segment: i64) -> Result<i64> {
    use sea_orm::PaginatorTrait;
    let select = report_profile::Entity::find().filter(report_profile::Column::Segment.eq(segment));
    Ok(i64::try_from(select.count(database.reader()).await?).unwrap_or(i64::MAX))
}

/// Profiles of a sample of reports out of all segments, none of an event that is for named people alone.
pub(super) async fn sample(app: &App, segments: i64) -> Result<Vec<Vec<u8>>> {
    let mut sampled = Vec::new();
    // Few segments give more each, so that the sample is as large.
    let taken = segments.clamp(1, SAMPLED_SEGMENTS);
    let of_each = SAMPLED_OF_EACH * u64::try_from(SAMPLED_SEGMENTS / taken).unwrap_or(1);
    for place in 0..std::cmp::Ord::min(taken, segments) {
        let segment = place * segments / taken;
        let select = report_profile::Entity::find()
            .select_only()
            .column(report_profile::Column::Features)
            .join(JoinType::InnerJoin, report_of_profile())
            .join(JoinType::InnerJoin, event_of_report())
            .filter(report_profile::Column::Segment.eq(segment))
            .filter(event::Column::Tlp.ne(Tlp::Red))
            .order_by_asc(report_profile::Column::ReportId)
            .limit(of_each);
        sampled.extend(select.into_tuple::<Vec<u8>>().all(app.database.reader()).await?);
    }
    Ok(sampled)
}

fn report_of_profile() -> sea_orm::RelationDef {
    report_profile::Entity::belongs_to(report::Entity)
        .from(report_profile::Column::ReportId)
        .to(report::Column::Id)
        .into()
}

fn event_of_report() -> sea_orm::RelationDef {
    report::Entity::belongs_to(event::Entity).from(report::Column::EventId).to(event::Column::Id).into()
}

/// What of a report is looked at.
pub(super) async fn material(app: &App, report: &report::Model) -> Result<Material> {
    let db = app.database.reader();
    let versions = report_version::Entity::find()
        .filter(report_version::Column::ReportId.eq(report.id))
        .order_by_desc(report_version::Column::Number)
        .limit(VERSIONS)
        .all(db);
    let files = attachment::Entity::find()
        .select_only()
        .column(attachment::Column::Sha256)
        .filter(attachment::Column::ReportId.eq(report.id))
        .filter(attachment::Column::Kind.eq(AttachmentKind::File))
        .into_tuple::<Vec<u8>>()
        .all(db);
    let (versions, files) = tokio::try_join!(versions, files)?;
    Ok(Material { versions, indicators: indicators(app, report.id).await?, files })
}

/// What identifies what a report is about, as far as nobody dismissed it.
pub(super) async fn indicators(
    app: &App,
    report: Uuid,
) -> Result<Vec<(entity::vocabulary::IndicatorKind, String)>> {
    let select = indicator::Entity::find()
        .filter(indicator::Column::ReportId.eq(report))
        .filter(indicator::Column::DismissedAt.is_null())
        .order_by_asc(indicator::Column::Id);
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// Reports of named people's events that the actor may not see. Everything else is for all who are shown candidates.
async fn hidden(app: &App, actor: &Actor) -> Result<Vec<Uuid>> {
    // A literal, so that the index of such events is used.
    let red = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(Expr::cust("tlp = 'RED'"))
        .take();
    let select = report::Entity::find()
        .select_only()
        .column(report::Column::Id)
        .filter(report::Column::EventId.in_subquery(red))
        .filter(Condition::not(visibility::visible(actor, Facet::Content, report::Column::EventId)));
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

#[derive(FromQueryResult)]
struct Shared {
    report_id: Uuid,
}

/// Reports before `report` that share most of what is telling, at most `most`. What the actor may not see is left out
/// before anything is cut off.
pub(super) async fn sharing(
    app: &App,
    actor: &Actor,
    report: &report::Model,
    postings: &[(i64, u32)],
    most: usize,
) -> Result<Vec<Uuid>> {
    let postings = &postings[..postings.len().min(FEATURES)];
    if postings.is_empty() {
        return Ok(Vec::new());
    }
    let hidden = hidden(app, actor).await?;
    let (segments, _) = head(&app.database).await?;
    let backend = app.database.backend();
    // All of both lists; the limits say how long they are, else PostgreSQL takes them for long and compiles the statement.
    let (of_segments, of_hidden) = (segments, hidden.len() + 1);
    let segments: serde_json::Value =
        (0..segments).rev().map(|segment| json!({ "segment": segment })).collect();
    let hidden: serde_json::Value =
        hidden.iter().map(|id| json!({ "report": id.simple().to_string() })).collect();
    let mut values: Vec<Value> =
        vec![segments.to_string().into(), hidden.to_string().into(), report.id.into()];
    let mut arms = Vec::new();
    for (feature, telling) in postings {
        values.extend([(*feature).into(), i64::from(*telling).into()]);
        let (feature, telling) = (values.len() - 1, values.len());
        arms.push(format!(
            "SELECT report_id, CAST(${telling} AS bigint) AS telling FROM (SELECT f.report_id FROM segments \
             CROSS JOIN report_feature f WHERE f.segment = segments.segment AND f.feature = ${feature} \
             AND f.report_id < $3 AND f.report_id NOT IN (SELECT report FROM hidden) LIMIT {SHARING_ONE}) AS one"
        ));
    }
    let sql = format!(
        "WITH segments AS (SELECT segment FROM {} LIMIT {of_segments}), \
         hidden AS (SELECT report FROM {} LIMIT {of_hidden}) \
         SELECT report_id FROM ({}) AS shared GROUP BY report_id ORDER BY SUM(telling) DESC, report_id DESC LIMIT {most}",
        given(backend, "$1", &[("segment", Given::Number)]),
        given(backend, "$2", &[("report", Given::Id)]),
        arms.join(" UNION ALL "),
    );
    let rows =
        app.database.reader().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let shared = rows.iter().map(|row| Shared::from_query_result(row, "").map(|row| row.report_id));
    Ok(shared.collect::<std::result::Result<_, _>>()?)
}

/// Those of these reports that the actor may see, with what of them is compared.
pub(super) async fn profiles(
    app: &App,
    actor: &Actor,
    ids: Vec<Uuid>,
) -> Result<Vec<(report::Model, Profile)>> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let reports = report::Entity::find()
        .filter(is_one_of(backend, report::Column::Id, ids.iter().copied()))
        .filter(visibility::visible_report(actor))
        .all(db);
    let rows = report_profile::Entity::find()
        .filter(is_one_of(backend, report_profile::Column::ReportId, ids.iter().copied()))
        .order_by(report_profile::Column::Number, Order::Desc)
        .all(db);
    let (reports, rows) = tokio::try_join!(reports, rows)?;
    let mut profiles: HashMap<Uuid, Profile> = HashMap::new();
    for row in rows {
        profiles.entry(row.report_id).or_default().add(&row.features);
    }
    let with =
        reports.into_iter().filter_map(|report| profiles.remove(&report.id).map(|profile| (report, profile)));
    Ok(with.collect())
}

/// What is kept of a report.
pub(super) async fn profile_rows(app: &App, report: Uuid) -> Result<Vec<report_profile::Model>> {
    let select = report_profile::Entity::find()
        .filter(report_profile::Column::ReportId.eq(report))
        .order_by_asc(report_profile::Column::Number);
    Ok(select.all(app.database.reader()).await?)
}

/// Writes what is kept of a version anew.
pub(super) fn rewrite(row: &report_profile::Model) -> UpdateStatement {
    use report_profile::Column::{Features, Number, ReportId};
    Query::update()
        .table(report_profile::Entity)
        .value(Features, row.features.clone())
        .and_where(Expr::col(ReportId).eq(row.report_id))
        .and_where(Expr::col(Number).eq(row.number))
        .take()
}

/// Takes a report out of these segments under these features.
pub(super) fn unpost(
    report: Uuid,
    segments: impl Iterator<Item = i64>,
    features: impl Iterator<Item = i64>,
) -> DeleteStatement {
    Query::delete()
        .from_table("report_feature")
        .and_where(Expr::col("segment").is_in(segments))
        .and_where(Expr::col("feature").is_in(features))
        .and_where(Expr::col("report_id").eq(report))
        .take()
}

/// An event's reports, the newest first.
pub(super) async fn reports_of(
    app: &App,
    actor: &Actor,
    event: Uuid,
    most: usize,
) -> Result<Vec<report::Model>> {
    let select = report::Entity::find()
        .filter(report::Column::EventId.eq(event))
        .filter(visibility::visible_report(actor))
        .order_by_desc(report::Column::Id)
        .limit(u64::try_from(most).unwrap_or(u64::MAX));
    Ok(select.all(app.database.reader()).await?)
}

/// What stands beside a report in decided pairs.
pub(super) async fn decided(app: &App, report: Uuid) -> Result<HashSet<Uuid>> {
    let rows = decisions_of(app, &[report]).await?;
    let other = |row: duplicate_decision::Model| {
        if row.report_id == report { row.other_report_id } else { row.report_id }
    };
    Ok(rows.into_iter().map(other).collect())
}

/// What was decided of pairs with one of these reports, the newest first.
pub(super) async fn decisions_of(app: &App, reports: &[Uuid]) -> Result<Vec<duplicate_decision::Model>> {
    use duplicate_decision::Column::{DecidedAt, Id, OtherReportId, ReportId};
    let backend = app.database.backend();
    let either = Condition::any().add(is_one_of(backend, ReportId, reports.iter().copied())).add(is_one_of(
        backend,
        OtherReportId,
        reports.iter().copied(),
    ));
    let select = duplicate_decision::Entity::find().filter(either).order_by_desc(DecidedAt).order_by_desc(Id);
    Ok(select.all(app.database.reader()).await?)
}

/// What was decided of a pair.
pub(super) async fn decision(
    app: &App,
    report: &report::Model,
    other: &report::Model,
) -> Result<Option<duplicate_decision::Model>> {
    let select = duplicate_decision::Entity::find()
        .filter(duplicate_decision::Column::ReportId.eq(report.id))
        .filter(duplicate_decision::Column::OtherReportId.eq(other.id));
    Ok(select.one(app.database.reader()).await?)
}

/// Of the decided pairs of which the actor may see both reports: how many were shown as candidates, and how many of
/// those were decided to be duplicates.
pub(super) async fn shown_and_right(app: &App, actor: &Actor) -> Result<(u64, u64)> {
    use duplicate_decision::Column::{OtherReportId, Outcome, ReportId, Score};
    use sea_orm::PaginatorTrait;
    let visible = || {
        Query::select()
            .column(report::Column::Id)
            .from(report::Entity)
            .cond_where(visibility::visible_report(actor))
            .take()
    };
    let shown = duplicate_decision::Entity::find()
        .filter(Score.is_not_null())
        .filter(ReportId.in_subquery(visible()))
        .filter(OtherReportId.in_subquery(visible()));
    let right = shown.clone().filter(Outcome.eq(entity::vocabulary::DuplicateOutcome::Duplicate));
    let db = app.database.reader();
    Ok(tokio::try_join!(shown.count(db), right.count(db))?)
}

/// Which of these reports the actor may see.
pub(super) async fn visible(
    app: &App,
    actor: &Actor,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashSet<Uuid>> {
    let select = report::Entity::find()
        .select_only()
        .column(report::Column::Id)
        .filter(is_one_of(app.database.backend(), report::Column::Id, ids))
        .filter(visibility::visible_report(actor));
    Ok(select.into_tuple::<Uuid>().all(app.database.reader()).await?.into_iter().collect())
}
