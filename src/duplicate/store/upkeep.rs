//! The index and its weights as they are kept.

use std::collections::BTreeSet;

use entity::vocabulary::Tlp;
use entity::{event, report, report_profile, term_weights};
use sea_orm::sea_query::{DeleteStatement, Expr, ExprTrait, Query, SimpleExpr, UpdateStatement};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{newest_profiles, profiles, report_of_profile};
use crate::app::App;
use crate::database::Database;
use crate::duplicate::features::Compared;
use crate::error::Result;

/// Segments of which reports are sampled, and how many of each.
const SAMPLED_SEGMENTS: i64 = 16;
const SAMPLED_OF_EACH: usize = 256;
/// Reports of a sample that are read in one statement.
const BATCH: usize = 500;

/// Segments of the index.
pub(in super::super) async fn segments(database: &Database) -> Result<i64> {
    let newest = report_profile::Entity::find()
        .select_only()
        .column(report_profile::Column::Segment)
        .order_by_desc(report_profile::Column::Segment)
        .limit(1)
        .into_tuple::<i64>()
        .one(database.reader());
    Ok(newest.await?.map_or(0, |segment| segment + 1))
}

/// Versions of reports in a segment.
pub(in super::super) async fn count(database: &Database, segment: i64) -> Result<i64> {
    let select = report_profile::Entity::find().filter(report_profile::Column::Segment.eq(segment));
    Ok(i64::try_from(select.count(database.reader()).await?).unwrap_or(i64::MAX))
}

/// The newest weights.
pub(in super::super) async fn newest_weights(database: &Database) -> Result<Option<term_weights::Model>> {
    let select = term_weights::Entity::find().order_by_desc(term_weights::Column::Generation);
    Ok(select.one(database.reader()).await?)
}

/// The number of the newest weights, and how many reports there were when they were made.
pub(in super::super) async fn newest_generation(database: &Database) -> Result<Option<(i64, i64)>> {
    let select = term_weights::Entity::find()
        .select_only()
        .columns([term_weights::Column::Generation, term_weights::Column::Indexed])
        .order_by_desc(term_weights::Column::Generation)
        .limit(1);
    Ok(select.into_tuple().one(database.reader()).await?)
}

/// How many reports are on events that are not for named people alone.
pub(in super::super) async fn open_reports(app: &App) -> Result<i64> {
    // A literal, so that the index of such events is used.
    let red = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(Expr::cust("tlp = 'RED'"))
        .take();
    let all = report::Entity::find();
    let hidden = report::Entity::find().filter(report::Column::EventId.in_subquery(red));
    let db = app.database.reader();
    let (all, hidden) = tokio::try_join!(all.count(db), hidden.count(db))?;
    Ok(i64::try_from(all.saturating_sub(hidden)).unwrap_or(i64::MAX))
}

/// What is compared of a sample of reports out of all segments, each report once, none of an event that is for named people
/// alone.
pub(in super::super) async fn sample(app: &App) -> Result<Vec<Compared>> {
    let segments = segments(&app.database).await?;
    // Few segments give more each, so that the sample is as large.
    let taken = segments.clamp(1, SAMPLED_SEGMENTS);
    let of_each = SAMPLED_OF_EACH * usize::try_from(SAMPLED_SEGMENTS / taken).unwrap_or(1);
    let mut sampled: BTreeSet<Uuid> = BTreeSet::new();
    for place in 0..taken {
        let select = report_profile::Entity::find()
            .select_only()
            .column(report_profile::Column::ReportId)
            .distinct()
            .join(JoinType::InnerJoin, report_of_profile())
            .join(JoinType::InnerJoin, event_of_report())
            .filter(report_profile::Column::Segment.eq(place * segments / taken))
            .filter(event::Column::Tlp.ne(Tlp::Red))
            .order_by_asc(report_profile::Column::ReportId);
        let reports: Vec<Uuid> = select.into_tuple().all(app.database.reader()).await?;
        let of_it = reports.len().min(of_each);
        sampled.extend((0..of_it).map(|place| reports[place * reports.len() / of_it]));
    }
    let sampled: Vec<Uuid> = sampled.into_iter().collect();
    let mut sample = Vec::new();
    for batch in sampled.chunks(BATCH) {
        sample.extend(profiles(app, batch).await?.into_values());
    }
    Ok(sample)
}

fn event_of_report() -> sea_orm::RelationDef {
    report::Entity::belongs_to(event::Entity).from(report::Column::EventId).to(event::Column::Id).into()
}

/// Nothing is kept of the report.
fn has_no_profile() -> SimpleExpr {
    let profile = Query::select()
        .expr(Expr::val(1))
        .from(report_profile::Entity)
        .and_where(
            Expr::col((report_profile::Entity, report_profile::Column::ReportId))
                .equals((report::Entity, report::Column::Id)),
        )
        .take();
    Expr::exists(profile).not()
}

/// Reports of which nothing is kept, with ids after `after`.
pub(in super::super) async fn unindexed(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = report::Entity::find()
        .select_only()
        .column(report::Column::Id)
        .filter(report::Column::Id.gt(after))
        .filter(has_no_profile())
        .order_by_asc(report::Column::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// The report, if nothing is kept of it.
pub(in super::super) async fn without_profile(app: &App, report: Uuid) -> Result<Option<report::Model>> {
    Ok(report::Entity::find_by_id(report).filter(has_no_profile()).one(app.database.reader()).await?)
}

/// What is kept of a report's newest versions and of what came beside them, in the order of the versions.
pub(in super::super) async fn profile_rows(
    app: &App,
    report: &report::Model,
) -> Result<Vec<report_profile::Model>> {
    let select = newest_profiles().filter(report_profile::Column::ReportId.eq(report.id));
    Ok(select.all(app.database.reader()).await?)
}

/// Writes what is kept of a version anew.
pub(in super::super) fn rewrite(row: &report_profile::Model) -> UpdateStatement {
    use report_profile::Column::{Features, Number, ReportId};
    Query::update()
        .table(report_profile::Entity)
        .value(Features, row.features.clone())
        .and_where(Expr::col(ReportId).eq(row.report_id))
        .and_where(Expr::col(Number).eq(row.number))
        .take()
}

/// Takes a report out of these segments under these features, if there are any.
pub(in super::super) fn unpost(
    report: Uuid,
    segments: impl Iterator<Item = i64>,
    features: impl Iterator<Item = i64>,
) -> Option<DeleteStatement> {
    let features: Vec<i64> = features.collect();
    let statement = Query::delete()
        .from_table("report_feature")
        .and_where(Expr::col("segment").is_in(segments))
        .and_where(Expr::col("feature").is_in(features.iter().copied()))
        .and_where(Expr::col("report_id").eq(report))
        .take();
    (!features.is_empty()).then_some(statement)
}
