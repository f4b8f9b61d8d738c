//! Finding payouts, and what they hang on.

mod bonuses;
mod budgets;
mod changes;
mod earning;
mod grids;

use std::collections::HashMap;

use entity::vocabulary::{Level, PayoutKind, PayoutState};
use entity::{channel, event, payout, payout_appeal, report, reporter};
use sea_orm::{ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};
pub use bonuses::{confirmed_reports, live_bonuses, live_bonuses_of, run, same_run};
pub use budgets::{budget, budget_of, budget_on, budgets, entries};
pub use changes::{Placed, changes_after, is_recorded, unexpected_payments};
pub use earning::{an_earlier_valid, decides_for, severity_author, siblings, tier};
pub use grids::{cell, grid, grid_for, grids, newest_grid_number};

/// A payout with what it hangs on.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The payout.
    pub payout: payout::Model,
    /// The channel that pays it out.
    pub channel: channel::Model,
    /// Whom it is paid to.
    pub reporter: reporter::Model,
    /// The report that earned it, with its event.
    pub earned_by: Option<(report::Model, event::Model)>,
}

impl Loaded {
    /// The event that the report belongs to.
    pub fn event_id(&self) -> Option<Uuid> {
        self.earned_by.as_ref().map(|(_, event)| event.id)
    }
}

/// The payout, if the actor may see it, with what it hangs on, whoever may see that.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<Loaded> {
    let db = app.database.reader();
    let select = payout::Entity::find_by_id(id).filter(visibility::visible_payout(actor));
    with_what_it_hangs_on(app, select.one(db).await?.ok_or(Error::NotFound)?).await
}

async fn with_what_it_hangs_on(app: &App, payout: payout::Model) -> Result<Loaded> {
    let db = app.database.reader();
    let channel = channel::Entity::find_by_id(payout.channel_id).one(db).await?.ok_or(Error::NotFound)?;
    let reporter = reporter::Entity::find_by_id(payout.reporter_id).one(db).await?.ok_or(Error::NotFound)?;
    let earned_by = match payout.report_id {
        Some(report) => Some(earned_by(app, report).await?),
        None => None,
    };
    Ok(Loaded { payout, channel, reporter, earned_by })
}

async fn earned_by(app: &App, id: Uuid) -> Result<(report::Model, event::Model)> {
    let db = app.database.reader();
    let report = report::Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)?;
    let event = event::Entity::find_by_id(report.event_id).one(db).await?.ok_or(Error::NotFound)?;
    Ok((report, event))
}

/// The event of a report that the actor has found.
///
/// # Errors
/// NOT_FOUND when it is gone.
pub async fn event(app: &App, report: &report::Model) -> Result<event::Model> {
    Ok(earned_by(app, report.id).await?.1)
}

/// The reporter, if the actor sees a report of theirs.
///
/// # Errors
/// NOT_FOUND when they are hidden or absent.
pub async fn find_reporter(app: &App, actor: &Actor, id: Uuid) -> Result<reporter::Model> {
    let select = reporter::Entity::find_by_id(id).filter(crate::intake::store::visible_reporter(actor));
    select.one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The reporter of a report that the actor has found.
///
/// # Errors
/// NOT_FOUND when they are gone.
pub async fn reporter(app: &App, id: Uuid) -> Result<reporter::Model> {
    reporter::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The payouts of a report that are live: not ended unpaid, not reversed. Several only where it was split.
///
/// # Errors
/// Of the database.
pub async fn live_of(app: &App, report: Uuid) -> Result<Vec<payout::Model>> {
    let select = payout::Entity::find()
        .filter(payout::Column::ReportId.eq(report))
        .filter(payout::Column::LiveKey.is_not_null());
    Ok(select.all(app.database.reader()).await?)
}

/// The payouts of these reports that are live and not paid, with what they hang on.
///
/// # Errors
/// Of the database.
pub async fn unpaid_of(app: &App, reports: &[Uuid]) -> Result<Vec<Loaded>> {
    let select = payout::Entity::find()
        .filter(is_one_of(app.database.backend(), payout::Column::ReportId, reports.iter().copied()))
        .filter(payout::Column::LiveKey.is_not_null())
        .filter(payout::Column::State.ne(PayoutState::Paid));
    loaded(app, select).await
}

/// The payouts that wait for what is decided of a case, with what they hang on.
///
/// # Errors
/// Of the database.
pub async fn held_for(app: &App, case: Uuid) -> Result<Vec<Loaded>> {
    loaded(app, payout::Entity::find().filter(payout::Column::HeldFor.eq(case))).await
}

async fn loaded(app: &App, select: Select<payout::Entity>) -> Result<Vec<Loaded>> {
    let mut all = Vec::new();
    for payout in select.order_by_asc(payout::Column::Id).all(app.database.reader()).await? {
        all.push(with_what_it_hangs_on(app, payout).await?);
    }
    Ok(all)
}

/// The payout of the channel that a payment's reference confirms.
///
/// # Errors
/// Of the database.
pub async fn by_payment(app: &App, channel: Uuid, reference: &str) -> Result<Option<payout::Model>> {
    let select = payout::Entity::find()
        .filter(payout::Column::ChannelId.eq(channel))
        .filter(payout::Column::PaidReference.eq(reference));
    Ok(select.one(app.database.reader()).await?)
}

/// The appeal against a payout.
///
/// # Errors
/// Of the database.
pub async fn appeal(app: &App, payout: Uuid) -> Result<Option<payout_appeal::Model>> {
    let select = payout_appeal::Entity::find().filter(payout_appeal::Column::PayoutId.eq(payout));
    Ok(select.one(app.database.reader()).await?)
}

/// Reporters, by id.
///
/// # Errors
/// Of the database.
pub async fn reporters(
    app: &App,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, reporter::Model>> {
    let select =
        reporter::Entity::find().filter(is_one_of(app.database.backend(), reporter::Column::Id, ids));
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Which payouts are asked for.
#[derive(Clone, Debug, Default)]
pub struct PayoutFilter {
    /// In one of these states; any when empty.
    pub states: Vec<PayoutState>,
    /// Of one of these kinds; any when empty.
    pub kinds: Vec<PayoutKind>,
    /// Paid out by this channel.
    pub channel: Option<Uuid>,
    /// Of this period.
    pub period: Option<String>,
    /// To this reporter.
    pub reporter: Option<Uuid>,
    /// For this report.
    pub report: Option<Uuid>,
    /// Computed by this run.
    pub run: Option<Uuid>,
}

/// A page of the payouts that the actor may see and asked for, newest proposal first.
///
/// # Errors
/// Those of the page.
pub async fn page(
    app: &App,
    actor: &Actor,
    filter: &PayoutFilter,
    input: &PageInput,
) -> Result<Page<payout::Model>> {
    use payout::Column;
    let mut wanted = Condition::all();
    if !filter.states.is_empty() {
        wanted = wanted.add(Column::State.is_in(filter.states.iter().copied()));
    }
    if !filter.kinds.is_empty() {
        wanted = wanted.add(Column::Kind.is_in(filter.kinds.iter().copied()));
    }
    if let Some(period) = &filter.period {
        wanted = wanted.add(Column::Period.eq(period.as_str()));
    }
    let ids = [
        (Column::ChannelId, filter.channel),
        (Column::ReporterId, filter.reporter),
        (Column::ReportId, filter.report),
        (Column::BonusRunId, filter.run),
    ];
    for (column, id) in ids.into_iter().filter_map(|(column, id)| id.map(|id| (column, id))) {
        wanted = wanted.add(column.eq(id));
    }
    let select = payout::Entity::find().filter(visibility::visible_payout(actor)).filter(wanted);
    let keyset = Keyset { column: Column::ProposedAt, id: Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// The payouts of a channel, whatever their state, that the actor may see.
///
/// # Errors
/// Of the database.
pub async fn of_channel(app: &App, actor: &Actor, channel: Uuid) -> Result<Vec<payout::Model>> {
    let select = payout::Entity::find()
        .filter(visibility::visible_payout(actor))
        .filter(payout::Column::ChannelId.eq(channel))
        .order_by_asc(payout::Column::Number);
    Ok(select.all(app.database.reader()).await?)
}

/// The payouts of several reports that the actor may see, oldest first.
///
/// # Errors
/// Of the database.
pub async fn of_reports(
    app: &App,
    actor: &Actor,
    reports: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Vec<payout::Model>>> {
    let select = payout::Entity::find()
        .filter(is_one_of(app.database.backend(), payout::Column::ReportId, reports))
        .filter(visibility::visible_payout(actor))
        .order_by_asc(payout::Column::ProposedAt)
        .order_by_asc(payout::Column::Id);
    let mut grouped: HashMap<Uuid, Vec<payout::Model>> = HashMap::new();
    for row in select.all(app.database.reader()).await? {
        if let Some(report) = row.report_id {
            grouped.entry(report).or_default().push(row);
        }
    }
    Ok(grouped)
}

/// Number and level of the events of payouts that the actor has found, by report.
///
/// # Errors
/// Of the database.
pub async fn events_of_reports(
    app: &App,
    reports: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, (String, Level)>> {
    let rows: Vec<(Uuid, String, Level)> = report::Entity::find()
        .join(
            JoinType::InnerJoin,
            report::Entity::belongs_to(event::Entity)
                .from(report::Column::EventId)
                .to(event::Column::Id)
                .into(),
        )
        .select_only()
        .column(report::Column::Id)
        .column(event::Column::Number)
        .column(event::Column::Level)
        .filter(is_one_of(app.database.backend(), report::Column::Id, reports))
        .into_tuple()
        .all(app.database.reader())
        .await?;
    Ok(rows.into_iter().map(|(report, number, level)| (report, (number, level))).collect())
}
