//! Finding reports and reporters.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::vocabulary::{Facet, Function, IndicatorKind};
use entity::{
    channel, comment, duty, event, indicator, obligation, reply_obligation, report, report_version, reporter,
};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, Role, visibility};
use crate::channel::store as channels;
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The report, if it is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<report::Model> {
    report::Entity::find_by_id(id)
        .filter(visibility::visible_report(actor))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// The report, for who sees its event from inside: one's own report is not enough.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find_inside(app: &App, actor: &Actor, id: Uuid) -> Result<report::Model> {
    report::Entity::find_by_id(id)
        .filter(visibility::visible(actor, Facet::Content, report::Column::EventId))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// An event's reports, with the channel's key and the reporter's subject: what access to their public side
/// follows from.
///
/// # Errors
/// Of the database.
pub async fn access_facts(app: &App, event: Uuid) -> Result<Vec<(report::Model, String, Option<String>)>> {
    let db = app.database.reader();
    let reports = report::Entity::find().filter(report::Column::EventId.eq(event)).all(db).await?;
    let backend = app.database.backend();
    let channels = channel::Entity::find()
        .filter(is_one_of(backend, channel::Column::Id, reports.iter().map(|report| report.channel_id)))
        .all(db);
    let reporters = reporter::Entity::find()
        .filter(is_one_of(
            backend,
            reporter::Column::Id,
            reports.iter().filter_map(|report| report.reporter_id),
        ))
        .all(db);
    let (channels, reporters) = tokio::try_join!(channels, reporters)?;
    let keys: HashMap<Uuid, String> = channels.into_iter().map(|row| (row.id, row.key)).collect();
    let subjects: HashMap<Uuid, Option<String>> =
        reporters.into_iter().map(|row| (row.id, row.subject)).collect();
    Ok(reports
        .into_iter()
        .map(|report| {
            let key = keys.get(&report.channel_id).cloned().unwrap_or_default();
            let subject = report.reporter_id.and_then(|id| subjects.get(&id).cloned().flatten());
            (report, key, subject)
        })
        .collect())
}

/// Keys of the reports' channels, by id.
pub(super) async fn channel_keys(app: &App, reports: &[report::Model]) -> Result<HashMap<Uuid, String>> {
    let ids = reports.iter().map(|report| report.channel_id);
    let rows = channel::Entity::find()
        .filter(is_one_of(app.database.backend(), channel::Column::Id, ids))
        .all(app.database.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.key)).collect())
}

/// The first report of a channel that is recognised by this key, whoever may see it.
///
/// # Errors
/// Of the database.
pub async fn by_identity(app: &App, channel: Uuid, key: &str) -> Result<Option<report::Model>> {
    let select = report::Entity::find()
        .filter(report::Column::ChannelId.eq(channel))
        .filter(report::Column::IdentityKey.eq(key));
    Ok(select.one(app.database.reader()).await?)
}

/// The report that the actor sees of the arrivals of `first`: itself, or one that was acknowledged to people who
/// may not see it.
pub(super) async fn seen_arrival(
    app: &App,
    actor: &Actor,
    first: &report::Model,
) -> Result<Option<report::Model>> {
    let arrivals = Condition::any()
        .add(report::Column::Id.eq(first.id))
        .add(report::Column::IdentityKey.starts_with(super::rules::unseen_prefix(first)));
    let select = report::Entity::find()
        .filter(report::Column::ChannelId.eq(first.channel_id))
        .filter(arrivals)
        .filter(visibility::visible_report(actor))
        .order_by_asc(report::Column::RecordedAt);
    let found = select.all(app.database.reader()).await?;
    Ok(found.iter().find(|report| report.id == first.id).or(found.first()).cloned())
}

/// Whether a version of the report has this content.
pub(super) async fn has_content(app: &App, report: Uuid, hash: &[u8]) -> Result<bool> {
    let found = report_version::Entity::find()
        .filter(report_version::Column::ReportId.eq(report))
        .filter(report_version::Column::ContentHash.eq(hash.to_vec()))
        .one(app.database.reader())
        .await?;
    Ok(found.is_some())
}

/// The newest version of a report.
pub(super) async fn current_version(app: &App, report: &report::Model) -> Result<report_version::Model> {
    report_version::Entity::find()
        .filter(report_version::Column::ReportId.eq(report.id))
        .filter(report_version::Column::Number.eq(report.current_version))
        .one(app.database.reader())
        .await?
        .ok_or(Error::Race)
}

/// What the report is known by.
pub(super) async fn indicators(app: &App, report: Uuid) -> Result<Vec<(IndicatorKind, String)>> {
    let rows = indicator::Entity::find()
        .filter(indicator::Column::ReportId.eq(report))
        .all(app.database.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// The event of a report that the caller has found: who may add to a report need not see its event.
///
/// # Errors
/// Of the database.
pub async fn event_of(app: &App, report: &report::Model) -> Result<event::Model> {
    event::Entity::find_by_id(report.event_id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// Events by id, whoever may see them.
pub(super) async fn events(app: &App, ids: impl IntoIterator<Item = Uuid>) -> Result<Vec<event::Model>> {
    let select = event::Entity::find().filter(is_one_of(app.database.backend(), event::Column::Id, ids));
    Ok(select.all(app.database.reader()).await?)
}

/// Who is on duty for a function.
pub(super) async fn on_duty(app: &App, function: Function, at: DateTime<Utc>) -> Result<Option<String>> {
    let select = duty::Entity::find()
        .filter(duty::Column::Function.eq(function))
        .filter(duty::Column::StartsAt.lte(at))
        .filter(duty::Column::EndsAt.gt(at))
        .order_by_asc(duty::Column::StartsAt);
    Ok(select.one(app.database.reader()).await?.map(|row| row.subject))
}

/// A reporter by id.
pub(super) async fn reporter(app: &App, id: Uuid) -> Result<reporter::Model> {
    reporter::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// A reporter of whom the actor sees a report.
///
/// # Errors
/// NOT_FOUND when there is none.
pub(super) async fn find_reporter(app: &App, actor: &Actor, id: Uuid) -> Result<reporter::Model> {
    reporter::Entity::find_by_id(id)
        .filter(visible_reporter(actor))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// The reporter is one of whom the actor, whose role may read reporters, sees a report from inside.
pub fn visible_reporter(actor: &Actor) -> Condition {
    if !allows(actor, Action::ReadReporters) {
        return Condition::all().add(Expr::val(1).eq(0));
    }
    let reports = Query::select()
        .expr(Expr::val(1))
        .from(report::Entity)
        .and_where(
            Expr::col((report::Entity, report::Column::ReporterId))
                .eq(Expr::col((reporter::Entity, reporter::Column::Id))),
        )
        .cond_where(visibility::visible(actor, Facet::Content, report::Column::EventId))
        .take();
    Condition::all().add(Expr::exists(reports))
}

/// The reporters who are this subject, in whatever channels.
///
/// # Errors
/// Of the database.
pub async fn reporters_of(app: &App, subject: &str) -> Result<Vec<reporter::Model>> {
    let select = reporter::Entity::find()
        .filter(reporter::Column::Subject.eq(subject))
        .filter(reporter::Column::ErasedAt.is_null())
        .order_by_asc(reporter::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The reporter whom `wanted` means, if they are among the known: by subject, else by name and address among the unlinked.
pub(super) async fn same_reporter(
    app: &App,
    wanted: &reporter::Model,
    known: Condition,
) -> Result<Option<reporter::Model>> {
    use reporter::Column;
    let same = |column: Column, value: &Option<String>| match value {
        Some(value) => column.eq(value.as_str()),
        None => column.is_null(),
    };
    let mut select = reporter::Entity::find()
        .filter(Column::ChannelId.eq(wanted.channel_id))
        .filter(Column::Staff.eq(wanted.staff))
        .filter(Column::ErasedAt.is_null())
        .filter(same(Column::Subject, &wanted.subject))
        .filter(known)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id);
    if wanted.subject.is_none() {
        select = select.filter(same(Column::Name, &wanted.name)).filter(same(Column::Email, &wanted.email));
    }
    Ok(select.one(app.database.reader()).await?)
}

/// The reports of these reporters, at most `limit`.
pub(super) async fn reports_of(
    app: &App,
    reporters: impl IntoIterator<Item = Uuid>,
    limit: u64,
) -> Result<Vec<report::Model>> {
    let of = is_one_of(app.database.backend(), report::Column::ReporterId, reporters);
    Ok(report::Entity::find().filter(of).limit(limit).all(app.database.reader()).await?)
}

/// The other rows of a person with this subject, whoever may see them.
pub(super) async fn others_of(app: &App, row: Uuid, subject: &str) -> Result<Vec<reporter::Model>> {
    use reporter::Column::{Id, Subject};
    let select = reporter::Entity::find().filter(Subject.eq(subject)).filter(Id.ne(row)).order_by_asc(Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The reporter that the actor is, when they are the one who reported.
pub(crate) async fn as_reporter(app: &App, actor: &Actor, report: &report::Model) -> Result<Option<Uuid>> {
    let Some(id) = report.reporter_id.filter(|_| actor.is(Role::Reporter)) else { return Ok(None) };
    let same = reporter(app, id).await?.subject.as_deref() == Some(&*actor.subject);
    Ok(same.then_some(id))
}

/// Demands that the actor handles the report: an analyst as part of an event that they see from inside, a service as one of
/// its channel.
///
/// # Errors
/// NOT_FOUND.
pub(crate) async fn require_handler(app: &App, actor: &Actor, report: &report::Model) -> Result<()> {
    if actor.is(Role::Analyst) {
        return crate::event::store::find(app, actor, report.event_id).await.map(|_| ());
    }
    let channel = channels::find(app, report.channel_id).await?;
    if actor.speaks_for(&channel.key) { Ok(()) } else { Err(Error::NotFound) }
}

/// What is owed for a report.
pub(super) async fn obligations_of(app: &App, report: Uuid) -> Result<Vec<obligation::Model>> {
    let select = obligation::Entity::find().filter(obligation::Column::ReportId.eq(report));
    Ok(select.all(app.database.reader()).await?)
}

/// Whether a reply to any of these exists.
pub(super) async fn has_reply(app: &App, obligations: &[obligation::Model]) -> Result<bool> {
    let ids = obligations.iter().map(|row| row.id);
    let select = reply_obligation::Entity::find().filter(is_one_of(
        app.database.backend(),
        reply_obligation::Column::ObligationId,
        ids,
    ));
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// What was written between team and reporter about a report.
pub(super) async fn messages_of(app: &App, report: Uuid) -> Result<Vec<comment::Model>> {
    let select = comment::Entity::find().filter(comment::Column::ReportId.eq(report));
    Ok(select.all(app.database.reader()).await?)
}

/// The channel's reporters of these names who are linked to no subject.
pub(super) async fn unlinked_reporters(
    app: &App,
    channel: Uuid,
    names: &[&str],
) -> Result<Vec<reporter::Model>> {
    let select = reporter::Entity::find()
        .filter(reporter::Column::ChannelId.eq(channel))
        .filter(reporter::Column::Name.is_in(names.iter().copied()))
        .filter(reporter::Column::Email.is_null())
        .filter(reporter::Column::Subject.is_null())
        .order_by_asc(reporter::Column::CreatedAt);
    Ok(select.all(app.database.reader()).await?)
}

/// Which reports are asked for.
#[derive(Clone, Debug, Default)]
pub struct ReportFilter {
    /// Of this channel.
    pub channel: Option<Uuid>,
    /// With exactly this channel number.
    pub number: Option<String>,
    /// With a channel number that begins so.
    pub number_prefix: Option<String>,
    /// Received at or after.
    pub received_from: Option<DateTime<Utc>>,
    /// Received before.
    pub received_to: Option<DateTime<Utc>>,
}

/// A page of the reports that the actor may see and asked for, newest first.
///
/// # Errors
/// Those of the page.
pub async fn page(
    app: &App,
    actor: &Actor,
    filter: &ReportFilter,
    input: &PageInput,
) -> Result<Page<report::Model>> {
    use report::Column;
    let mut select = report::Entity::find().filter(visibility::listed_report(actor));
    if let Some(channel) = filter.channel {
        select = select.filter(Column::ChannelId.eq(channel));
    }
    if let Some(number) = &filter.number {
        select = select.filter(Column::ChannelNumber.eq(number.as_str()));
    }
    if let Some(prefix) = &filter.number_prefix {
        let column = Expr::col(Column::ChannelNumber.as_column_ref());
        select = select.filter(crate::database::begins(column, prefix));
    }
    if let Some(from) = filter.received_from {
        select = select.filter(Column::ReceivedAt.gte(from));
    }
    if let Some(to) = filter.received_to {
        select = select.filter(Column::ReceivedAt.lt(to));
    }
    let keyset = Keyset { column: Column::ReceivedAt, id: Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// A page of the reporters of whom the actor sees a report, newest first.
///
/// # Errors
/// Those of the page.
pub async fn reporters_page(app: &App, actor: &Actor, input: &PageInput) -> Result<Page<reporter::Model>> {
    let select = reporter::Entity::find().filter(visible_reporter(actor));
    let keyset = Keyset { column: reporter::Column::CreatedAt, id: reporter::Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}
