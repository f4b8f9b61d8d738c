//! Templates, and the rows that facts are drawn from.

pub(crate) mod record;

use chrono::{DateTime, Utc};
use entity::vocabulary::{AffectedState, ClockFactKind, Facet};
use entity::{channel, event, indicator, reply_template, reply_template_text, report, report_version};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use self::record::{Record, cves, record};

use super::To;
use super::facts::Extent;
use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};

/// Every stored template, by key.
///
/// # Errors
/// Of the database.
pub async fn all(app: &App) -> Result<Vec<reply_template::Model>> {
    let select = reply_template::Entity::find().order_by_asc(reply_template::Column::Key);
    Ok(select.all(app.database.reader()).await?)
}

/// The stored template with this key.
///
/// # Errors
/// Of the database.
pub async fn by_key(app: &App, key: &str) -> Result<Option<reply_template::Model>> {
    let select = reply_template::Entity::find().filter(reply_template::Column::Key.eq(key));
    Ok(select.one(app.database.reader()).await?)
}

/// The stored template with this id.
///
/// # Errors
/// NOT_FOUND.
pub async fn by_id(app: &App, id: Uuid) -> Result<reply_template::Model> {
    reply_template::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The texts that the template with this key had, newest first.
///
/// # Errors
/// Of the database.
pub async fn texts(app: &App, key: &str) -> Result<Vec<reply_template_text::Model>> {
    let template = Query::select()
        .column(reply_template::Column::Id)
        .from(reply_template::Entity)
        .and_where(reply_template::Column::Key.eq(key))
        .take();
    let select = reply_template_text::Entity::find()
        .filter(reply_template_text::Column::TemplateId.in_subquery(template))
        .order_by_desc(reply_template_text::Column::Number);
    Ok(select.all(app.database.reader()).await?)
}

/// What an event's facts for one channel are drawn from.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What is recorded of the vulnerability: products that are affected or fixed, and what the world knows by when it was
    /// learned of.
    pub(crate) record: Record,
    /// The channel.
    pub channel: channel::Model,
    /// The channel's own reports on the event, or those of them that are answered, oldest first, each with its newest version.
    pub reports: Vec<(report::Model, Option<report_version::Model>)>,
    /// Parts of those reports with the verdict of their event; no verdict at all where the reader may not see each of
    /// these events.
    pub parts: Vec<(i32, Option<entity::vocabulary::Verdict>)>,
    /// CVE numbers that the channel's own reports are about and nobody dismissed; any of the event's reports where all of it
    /// may leave.
    pub cves: Vec<String>,
    /// When the vulnerability was learned of, as its clocks count; none while it was not.
    pub learned_at: Option<DateTime<Utc>>,
    /// When exploitation was learned of, in the same way.
    pub exploitation_learned_at: Option<DateTime<Utc>>,
}

/// Reads what facts are drawn from. Where they answer some of the channel's reports, its others say nothing; where they are
/// for the reporter of one, no other report does.
///
/// # Errors
/// Of the database.
pub async fn rows(
    app: &App,
    reader: Option<&Actor>,
    event: &event::Model,
    to: &To<'_>,
    extent: Extent,
) -> Result<Rows> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let reports = report::Entity::find()
        .filter(report::Column::EventId.eq(event.id))
        .order_by_asc(report::Column::ReceivedAt)
        .order_by_asc(report::Column::Id)
        .all(db);
    let reports = async { Ok::<_, Error>(reports.await?) };
    let (reports, mut record) = tokio::try_join!(reports, record(app, event))?;
    record.products.retain(|(row, _)| matches!(row.state, AffectedState::Affected | AffectedState::Fixed));
    record.world.sort_by_key(|row| row.learned_at);

    let is_answered = |row: &report::Model| {
        let named = |id: Uuid| to.reports.contains(&id);
        to.reports.is_empty() || named(row.id) || row.part_of.is_some_and(named)
    };
    let is_own = |row: &report::Model| row.channel_id == to.channel.id && is_answered(row);
    let told = |row: &&report::Model| (extent == Extent::Full && !to.reporter) || is_own(row);
    let ids = reports.iter().filter(told).map(|row| row.id).collect::<Vec<_>>();
    let cves = cves(app, is_one_of(backend, indicator::Column::ReportId, ids)).await?;
    let own: Vec<_> = reports.into_iter().filter(is_own).collect();
    let wholes: Vec<_> = own.iter().map(|row| row.part_of.unwrap_or(row.id)).collect();
    let versions = report_version::Entity::find()
        .filter(is_one_of(backend, report_version::Column::ReportId, own.iter().map(|row| row.id)))
        .all(db);
    let parts = report::Entity::find()
        .filter(is_one_of(backend, report::Column::PartOf, wholes))
        .order_by_asc(report::Column::PartNumber)
        .all(db);
    let (versions, parts) = tokio::try_join!(versions, parts)?;
    let mut events = event::Entity::find().filter(is_one_of(
        backend,
        event::Column::Id,
        parts.iter().map(|row| row.event_id),
    ));
    if let Some(reader) = reader {
        events = events.filter(visibility::visible(reader, Facet::Content, event::Column::Id));
    }
    let events = events.all(db).await?;
    let seen = |id: Uuid| events.iter().find(|row| row.id == id);
    let sees_all = parts.iter().all(|row| seen(row.event_id).is_some());
    let verdict_of = |id: Uuid| seen(id).filter(|_| sees_all).and_then(|row| row.verdict);
    let clocks = crate::deadline::store::facts(app, event).await?;
    let newest = |row: &report::Model| {
        versions.iter().find(|text| text.report_id == row.id && text.number == row.current_version).cloned()
    };
    Ok(Rows {
        record,
        channel: to.channel.clone(),
        parts: parts.iter().filter_map(|row| Some((row.part_number?, verdict_of(row.event_id)))).collect(),
        reports: own.into_iter().map(|row| (row.clone(), newest(&row))).collect(),
        cves,
        exploitation_learned_at: clocks.learned_at(ClockFactKind::LearnedExploitation),
        learned_at: clocks.learned_at(ClockFactKind::LearnedVulnerability),
    })
}
