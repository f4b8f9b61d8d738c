//! Finding reports by what they have in common.

mod decided;
mod upkeep;

use std::collections::{HashMap, HashSet};

use entity::vocabulary::{AttachmentKind, Facet};
use entity::{attachment, event, indicator, report, report_profile, report_version};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select,
    Statement, Value,
};
use uuid::Uuid;

use super::features::{Compared, LOOKED_UP, Posting, Profile};
use super::indexing::BY_HAND;
use super::{Material, VERSIONS};
use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::given::{self, Given};
use crate::database::{found_under, is_one_of};
use crate::error::{Error, Result};

pub(super) use decided::{decision, decisions_of, figures, settled};
pub(super) use upkeep::{
    count, newest_generation, newest_weights, open_reports, profile_rows, rewrite, sample, segments,
    unindexed, unpost, without_profile,
};

/// What of a report is looked at.
pub(super) async fn material(app: &App, report: &report::Model) -> Result<Material> {
    let db = app.database.reader();
    let versions = report_version::Entity::find()
        .filter(report_version::Column::ReportId.eq(report.id))
        .order_by_desc(report_version::Column::Number)
        .limit(VERSIONS as u64)
        .all(db);
    let files = attachment::Entity::find()
        .select_only()
        .column(attachment::Column::Sha256)
        .filter(attachment::Column::ReportId.eq(report.id))
        .filter(attachment::Column::Kind.eq(AttachmentKind::File))
        .filter(attachment::Column::FileId.is_not_null())
        .order_by_asc(attachment::Column::Id)
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
pub(super) async fn hidden(app: &App, actor: &Actor) -> Result<Vec<Uuid>> {
    if visibility::sees_all(actor) {
        return Ok(Vec::new());
    }
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

/// What is taken of the reports that share something with one.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Most reports that are taken of those which share one feature, the newest first.
    pub sharing_one: u16,
    /// Most of which the features are compared.
    pub compared: u16,
}

/// Reports that one feature may find before each of them finds less in it. What many share says little, however rare it was when
/// weights were made: a channel's new form is in all that comes through it.
const FEW: u16 = 20;

/// Reports received before `report` that share most of what is telling. What is left out is left out before anything is cut
/// off, and every cut has an order, so that what remains follows from the reports alone.
pub(super) async fn sharing(
    app: &App,
    report: &report::Model,
    segments: i64,
    left_out: impl Iterator<Item = Uuid>,
    looked_up: &[Posting],
    cut: Cut,
) -> Result<Vec<Uuid>> {
    if looked_up.is_empty() {
        return Ok(Vec::new());
    }
    let backend = app.database.backend();
    let (features, ids) =
        (Given([given::number("feature"), given::number("telling")]), Given([given::id("report")]));
    let looked_up =
        looked_up.iter().map(|posting| [posting.feature.into(), i64::from(posting.telling).into()]);
    let mut values: Vec<Value> = vec![segments.into(), report.received_at.into(), report.id.into()];
    values.extend(features.bind(backend, looked_up));
    let left_out_from = values.len() + 1;
    // How many are left out is not said: then plans, and times, would tell how many are hidden.
    values.extend(ids.bind(backend, left_out.map(|id| [id.into()])));
    // Which of them were received before is looked up in the order of what they share, until there are enough. What has a
    // limit stays as it is, and keeps its order: this one is no less than there can be.
    let sql = format!(
        "WITH left_out AS (SELECT report FROM {}), \
         shared AS (SELECT report_id, SUM(telling * 1000 / (found + {FEW})) AS telling FROM {} GROUP BY report_id \
         ORDER BY telling DESC, report_id DESC LIMIT {}) \
         SELECT report_id FROM shared WHERE (SELECT r.received_at < $2 OR (r.received_at = $2 AND r.id < $3) \
         FROM report r WHERE r.id = shared.report_id) LIMIT {}",
        ids.source(backend, left_out_from),
        found_under(backend, &features.source(backend, 4), "$1", "left_out", cut.sharing_one),
        usize::from(cut.sharing_one) * LOOKED_UP,
        cut.compared
    );
    let rows =
        app.database.reader().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(rows.iter().map(|row| row.try_get::<Uuid>("", "report_id")).collect::<std::result::Result<_, _>>()?)
}

/// Those of these reports that the actor may see, with what of them is compared.
pub(super) async fn compared(
    app: &App,
    actor: &Actor,
    ids: Vec<Uuid>,
) -> Result<Vec<(report::Model, Compared)>> {
    let reports = report::Entity::find()
        .filter(is_one_of(app.database.backend(), report::Column::Id, ids.iter().copied()))
        .filter(visibility::visible_report(actor))
        .all(app.database.reader());
    let reports = async { Ok::<_, Error>(reports.await?) };
    let (reports, mut profiles) = tokio::try_join!(reports, profiles(app, &ids))?;
    let with =
        reports.into_iter().filter_map(|report| profiles.remove(&report.id).map(|kept| (report, kept)));
    Ok(with.collect())
}

/// What is compared of a report, whoever may see it.
pub(super) async fn compared_of(app: &App, report: Uuid) -> Result<Compared> {
    Ok(profiles(app, &[report]).await?.remove(&report).unwrap_or_default())
}

/// What is compared of each of these reports: of its newest versions, and of what came beside them.
async fn profiles(app: &App, ids: &[Uuid]) -> Result<HashMap<Uuid, Compared>> {
    let select = newest_profiles().filter(is_one_of(
        app.database.backend(),
        report_profile::Column::ReportId,
        ids.iter().copied(),
    ));
    let mut profiles: HashMap<Uuid, Vec<Profile>> = HashMap::new();
    for row in select.all(app.database.reader()).await? {
        profiles.entry(row.report_id).or_default().push(Profile::decode(&row.features));
    }
    Ok(profiles.into_iter().map(|(report, kept)| (report, Compared::of(kept))).collect())
}

/// What is kept of the newest versions of reports, and of what came beside them, in the order of the versions.
fn newest_profiles() -> Select<report_profile::Entity> {
    use report_profile::Column::Number;
    let oldest = Expr::col((report::Entity, report::Column::CurrentVersion)).sub(VERSIONS as i64);
    let newest = Expr::col((report_profile::Entity, Number)).gt(oldest);
    report_profile::Entity::find()
        .join(JoinType::InnerJoin, report_of_profile())
        .filter(Condition::any().add(Number.eq(BY_HAND)).add(newest))
        .order_by_asc(Number)
}

fn report_of_profile() -> sea_orm::RelationDef {
    report_profile::Entity::belongs_to(report::Entity)
        .from(report_profile::Column::ReportId)
        .to(report::Column::Id)
        .into()
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
