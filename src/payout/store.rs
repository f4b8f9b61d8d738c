//! Finding payouts, grids and budgets, and reading what decisions about them follow from.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use entity::vocabulary::{
    AffectedState, AssetTier, PayoutChangeKind, PayoutKind, PayoutState, Severity, Verdict,
};
use entity::{
    affected_product, bonus_run, budget, budget_entry, channel, event, message, payout, payout_appeal,
    payout_change, product, report, reporter, reward_grid, reward_grid_cell, verdict,
};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::payee::Person;
use super::period::Period;
use super::rules::Sibling;
use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

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

async fn loaded(app: &App, select: sea_orm::Select<payout::Entity>) -> Result<Vec<Loaded>> {
    let mut all = Vec::new();
    for payout in select.order_by_asc(payout::Column::Id).all(app.database.reader()).await? {
        all.push(with_what_it_hangs_on(app, payout).await?);
    }
    Ok(all)
}

/// The other reports of the report's event, as they matter for who earns.
///
/// # Errors
/// Of the database.
pub async fn siblings(app: &App, report: &report::Model) -> Result<Vec<Sibling>> {
    let others = report::Entity::find()
        .filter(report::Column::EventId.eq(report.event_id))
        .filter(report::Column::Id.ne(report.id));
    let others = others.all(app.database.reader()).await?;
    let live = payout::Entity::find()
        .filter(is_one_of(app.database.backend(), payout::Column::ReportId, others.iter().map(|row| row.id)))
        .filter(payout::Column::LiveKey.is_not_null());
    let live: HashSet<_> =
        live.all(app.database.reader()).await?.into_iter().filter_map(|row| row.report_id).collect();
    let sibling = |other: report::Model| Sibling {
        earlier: (other.received_at, other.id) < (report.received_at, report.id),
        valid: other.severity.is_some() && !other.split,
        live: live.contains(&other.id),
    };
    Ok(others.into_iter().map(sibling).collect())
}

/// Payments for the event's reports that nobody expected: the payout's number, and when it was told.
///
/// # Errors
/// Of the database.
pub async fn unexpected_payments(
    app: &App,
    event: Uuid,
) -> Result<Vec<(String, chrono::DateTime<chrono::Utc>)>> {
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::EventId.eq(event))
        .take();
    let select = payout_change::Entity::find()
        .join(
            JoinType::InnerJoin,
            payout_change::Entity::belongs_to(payout::Entity)
                .from(payout_change::Column::PayoutId)
                .to(payout::Column::Id)
                .into(),
        )
        .select_only()
        .column(payout::Column::Number)
        .column(payout_change::Column::ChangedAt)
        .filter(payout_change::Column::Kind.eq(PayoutChangeKind::UnexpectedPayment))
        .filter(payout::Column::ReportId.in_subquery(reports))
        .order_by_asc(payout_change::Column::Id);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Whether the payout's record has such a payment by these words.
///
/// # Errors
/// Of the database.
pub async fn is_recorded(app: &App, payout: Uuid, kind: PayoutChangeKind, reason: &str) -> Result<bool> {
    let select = payout_change::Entity::find()
        .filter(payout_change::Column::PayoutId.eq(payout))
        .filter(payout_change::Column::Kind.eq(kind))
        .filter(payout_change::Column::Reason.eq(reason));
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// Whether the subject takes part in deciding a live payout of the reporter.
///
/// # Errors
/// Of the database.
pub async fn decides_for(app: &App, reporter: Uuid, subject: &str) -> Result<bool> {
    use payout::Column::{ApprovedBy, Id, LiveKey, ProposedBy, ReporterId, SplitBy};
    let resolved = Query::select()
        .column(payout_appeal::Column::PayoutId)
        .from(payout_appeal::Entity)
        .and_where(payout_appeal::Column::ResolvedBy.eq(subject))
        .take();
    let select = payout::Entity::find().filter(ReporterId.eq(reporter)).filter(LiveKey.is_not_null()).filter(
        Condition::any()
            .add(ProposedBy.eq(subject))
            .add(SplitBy.eq(subject))
            .add(ApprovedBy.eq(subject))
            .add(Id.in_subquery(resolved)),
    );
    Ok(select.one(app.database.reader()).await?.is_some())
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

/// Who gave the severity that the report has: who upheld the last appeal since the verdict that holds, else who gave
/// that verdict.
///
/// # Errors
/// Of the database.
pub async fn severity_author(app: &App, report: &report::Model) -> Result<Option<String>> {
    let db = app.database.reader();
    let select = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(report.event_id))
        .filter(verdict::Column::SupersededAt.is_null());
    let verdict = select.one(db).await?;
    let payouts = Query::select()
        .column(payout::Column::Id)
        .from(payout::Entity)
        .and_where(payout::Column::ReportId.eq(report.id))
        .take();
    use payout_appeal::Column::{PayoutId, ResolvedAt, SeverityAfter, SeverityBefore};
    let mut upheld = payout_appeal::Entity::find()
        .filter(PayoutId.in_subquery(payouts))
        .filter(Expr::col(SeverityAfter).ne(Expr::col(SeverityBefore)))
        .order_by_desc(ResolvedAt);
    if let Some(verdict) = &verdict {
        upheld = upheld.filter(ResolvedAt.gte(verdict.given_at));
    }
    let upheld = upheld.one(db).await?.and_then(|appeal| appeal.resolved_by);
    Ok(upheld.or(verdict.map(|verdict| verdict.given_by)))
}

/// The highest tier among the products that the event affects; none while none is recorded.
///
/// # Errors
/// Of the database.
pub async fn tier(app: &App, event: Uuid) -> Result<Option<AssetTier>> {
    let affected = Query::select()
        .column(affected_product::Column::ProductId)
        .from(affected_product::Entity)
        .and_where(affected_product::Column::EventId.eq(event))
        .and_where(affected_product::Column::State.is_in([AffectedState::Affected, AffectedState::Fixed]))
        .take();
    let select = product::Entity::find().filter(product::Column::Id.in_subquery(affected));
    let products = select.all(app.database.reader()).await?;
    // Tiers are ordered from the core outwards.
    Ok(products.into_iter().map(|product| product.asset_tier).min())
}

/// The newest grid in `currency` for the channel, else for all channels.
///
/// # Errors
/// Of the database.
pub async fn grid_for(app: &App, channel: Uuid, currency: &str) -> Result<Option<reward_grid::Model>> {
    let of = |condition: sea_orm::sea_query::SimpleExpr| {
        reward_grid::Entity::find()
            .filter(reward_grid::Column::Currency.eq(currency))
            .filter(condition)
            .order_by_desc(reward_grid::Column::Number)
            .one(app.database.reader())
    };
    match of(reward_grid::Column::ChannelId.eq(channel)).await? {
        Some(own) => Ok(Some(own)),
        None => Ok(of(reward_grid::Column::ChannelId.is_null()).await?),
    }
}

/// The range of a severity in a tier by this version of the grid.
///
/// # Errors
/// Of the database.
pub async fn cell(
    app: &App,
    grid: Uuid,
    tier: AssetTier,
    severity: Severity,
) -> Result<Option<reward_grid_cell::Model>> {
    let select = reward_grid_cell::Entity::find()
        .filter(reward_grid_cell::Column::GridId.eq(grid))
        .filter(reward_grid_cell::Column::AssetTier.eq(tier))
        .filter(reward_grid_cell::Column::Severity.eq(severity));
    Ok(select.one(app.database.reader()).await?)
}

/// Number of the newest grid.
///
/// # Errors
/// Of the database.
pub async fn newest_grid_number(app: &App) -> Result<i32> {
    let select = reward_grid::Entity::find().order_by_desc(reward_grid::Column::Number);
    Ok(select.one(app.database.reader()).await?.map_or(0, |grid| grid.number))
}

/// The grid with this id.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn grid(app: &App, id: Uuid) -> Result<reward_grid::Model> {
    reward_grid::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The narrowest budget of a currency whose period has the day.
///
/// # Errors
/// Of the database.
pub async fn budget_on(app: &App, currency: &str, day: NaiveDate) -> Result<Option<budget::Model>> {
    let select = budget::Entity::find()
        .filter(budget::Column::Currency.eq(currency))
        .filter(budget::Column::StartsOn.lte(day))
        .filter(budget::Column::EndsOn.gte(day));
    let budgets = select.all(app.database.reader()).await?;
    let length = |budget: &budget::Model| budget.period.parse::<Period>().map(Period::length).ok();
    Ok(budgets.into_iter().min_by_key(length))
}

/// The budget with this id.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn budget(app: &App, id: Uuid) -> Result<budget::Model> {
    budget::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The budget of a period and currency.
///
/// # Errors
/// Of the database.
pub async fn budget_of(app: &App, period: Period, currency: &str) -> Result<Option<budget::Model>> {
    let select = budget::Entity::find()
        .filter(budget::Column::Period.eq(period.to_string()))
        .filter(budget::Column::Currency.eq(currency));
    Ok(select.one(app.database.reader()).await?)
}

/// A run over the same input.
///
/// # Errors
/// Of the database.
pub async fn same_run(app: &App, run: &bonus_run::Model) -> Result<Option<bonus_run::Model>> {
    let select = bonus_run::Entity::find()
        .filter(bonus_run::Column::Kind.eq(run.kind))
        .filter(bonus_run::Column::ChannelId.eq(run.channel_id))
        .filter(bonus_run::Column::Period.eq(run.period.as_str()))
        .filter(bonus_run::Column::InputHash.eq(run.input_hash.clone()));
    Ok(select.one(app.database.reader()).await?)
}

/// The run with this id.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn run(app: &App, id: Uuid) -> Result<bonus_run::Model> {
    bonus_run::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// A valid report of the same event as a report that was received before it: the first one earns.
pub fn an_earlier_valid() -> SelectStatement {
    use report::Column::{EventId, Id, ReceivedAt, Severity, Split};
    let earlier = |column: report::Column| Expr::col(("earlier", column));
    let this = |column: report::Column| Expr::col((report::Entity, column));
    let before = earlier(ReceivedAt)
        .lt(this(ReceivedAt))
        .or(earlier(ReceivedAt).eq(this(ReceivedAt)).and(earlier(Id).lt(this(Id))));
    Query::select()
        .expr(Expr::val(1))
        .from_as(report::Entity, "earlier")
        .and_where(earlier(EventId).eq(this(EventId)))
        .and_where(earlier(Severity).is_not_null())
        .and_where(earlier(Split).eq(false))
        .and_where(before)
        .take()
}

/// The channel's reports of named reporters that were received in a span, on CONFIRMED events that are not TLP:RED:
/// a bonus must not tell of an event among named people. Of an event only the first valid report counts.
///
/// # Errors
/// Of the database.
pub async fn confirmed_reports(
    app: &App,
    channel: Uuid,
    span: std::ops::Range<chrono::DateTime<chrono::Utc>>,
) -> Result<Vec<report::Model>> {
    let confirmed = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(event::Column::Verdict.eq(Verdict::Confirmed))
        .and_where(event::Column::Tlp.ne(entity::vocabulary::Tlp::Red))
        .take();
    let select = report::Entity::find()
        .filter(Expr::exists(an_earlier_valid()).not())
        .filter(report::Column::ChannelId.eq(channel))
        .filter(report::Column::ReceivedAt.gte(span.start))
        .filter(report::Column::ReceivedAt.lt(span.end))
        .filter(report::Column::ReporterId.is_not_null())
        .filter(report::Column::Severity.is_not_null())
        .filter(report::Column::Split.eq(false))
        .filter(report::Column::EventId.in_subquery(confirmed))
        .order_by_asc(report::Column::Id);
    Ok(select.all(app.database.reader()).await?)
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

/// Live bonuses of a kind for a period in a channel, by the person who gets them.
///
/// # Errors
/// Of the database.
pub async fn live_bonuses(
    app: &App,
    channel: Uuid,
    kind: PayoutKind,
    period: &str,
) -> Result<HashMap<Person, payout::Model>> {
    let select = payout::Entity::find()
        .filter(payout::Column::ChannelId.eq(channel))
        .filter(payout::Column::Kind.eq(kind))
        .filter(payout::Column::Period.eq(period))
        .filter(payout::Column::LiveKey.is_not_null());
    let payouts = select.all(app.database.reader()).await?;
    let rows = reporters(app, payouts.iter().map(|payout| payout.reporter_id)).await?;
    let person = |payout: &payout::Model| rows.get(&payout.reporter_id).map(Person::of);
    Ok(payouts.into_iter().filter_map(|payout| Some((person(&payout)?, payout))).collect())
}

/// Live bonuses that name this row.
///
/// # Errors
/// Of the database.
pub async fn live_bonuses_of(app: &App, reporter: Uuid) -> Result<Vec<payout::Model>> {
    let select = payout::Entity::find()
        .filter(payout::Column::ReporterId.eq(reporter))
        .filter(payout::Column::Kind.is_in([PayoutKind::QuarterlyBonus, PayoutKind::AnnualBonus]))
        .filter(payout::Column::LiveKey.is_not_null());
    Ok(select.order_by_asc(payout::Column::Id).all(app.database.reader()).await?)
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

/// A change of a payout with its place in the stream.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its place, from 1.
    pub position: i64,
    /// The change.
    pub change: payout_change::Model,
    /// The payout as it now is.
    pub payout: payout::Model,
}

/// Up to `limit` changes after `after`, of payouts that the actor may see, in the order of the stream.
///
/// # Errors
/// Of the database.
pub async fn changes_after(app: &App, actor: &Actor, after: i64, limit: u64) -> Result<Vec<Placed>> {
    let mut visible = Condition::all().add(visibility::visible_payout(actor));
    if !allows(actor, Action::ReadPayoutDecisions) {
        // The same as `rules::is_public`.
        visible = visible.add(payout_change::Column::Approved.eq(true)).add(
            payout_change::Column::Kind
                .is_not_in([PayoutChangeKind::Split, PayoutChangeKind::UnexpectedPayment]),
        );
    }
    let db = app.database.reader();
    // A change has the id of its message, and a message its position from after the commit on.
    let rows: Vec<(Uuid, i64)> = payout_change::Entity::find()
        .join(
            JoinType::InnerJoin,
            payout_change::Entity::belongs_to(payout::Entity)
                .from(payout_change::Column::PayoutId)
                .to(payout::Column::Id)
                .into(),
        )
        .join(
            JoinType::InnerJoin,
            payout_change::Entity::belongs_to(message::Entity)
                .from(payout_change::Column::Id)
                .to(message::Column::Id)
                .into(),
        )
        .select_only()
        .column(payout_change::Column::Id)
        .column(message::Column::Position)
        .filter(message::Column::Position.gt(after))
        .filter(visible)
        .order_by_asc(message::Column::Position)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    let backend = app.database.backend();
    let ids = rows.iter().map(|(id, _)| *id);
    let changes = payout_change::Entity::find().filter(is_one_of(backend, payout_change::Column::Id, ids));
    let changes: HashMap<_, _> = changes.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let ids = changes.values().map(|change| change.payout_id).collect::<HashSet<_>>();
    let payouts = payout::Entity::find()
        .filter(is_one_of(backend, payout::Column::Id, ids))
        .filter(visibility::visible_payout(actor));
    let payouts: HashMap<_, _> = payouts.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let placed = rows.into_iter().filter_map(|(id, position)| {
        let change = changes.get(&id)?.clone();
        let payout = payouts.get(&change.payout_id)?.clone();
        Some(Placed { position, change, payout })
    });
    Ok(placed.collect())
}

/// A page of grids, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn grids(app: &App, channel: Option<Uuid>, input: &PageInput) -> Result<Page<reward_grid::Model>> {
    let mut select = reward_grid::Entity::find();
    if let Some(channel) = channel {
        select = select.filter(reward_grid::Column::ChannelId.eq(channel));
    }
    let keyset =
        Keyset { column: reward_grid::Column::Number, id: reward_grid::Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// A page of budgets, the latest recorded first.
///
/// # Errors
/// Those of the page.
pub async fn budgets(
    app: &App,
    period: Option<&str>,
    currency: Option<&str>,
    input: &PageInput,
) -> Result<Page<budget::Model>> {
    let mut select = budget::Entity::find();
    if let Some(period) = period {
        select = select.filter(budget::Column::Period.eq(period));
    }
    if let Some(currency) = currency {
        select = select.filter(budget::Column::Currency.eq(currency));
    }
    let keyset = Keyset { column: budget::Column::CreatedAt, id: budget::Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// A page of a budget's ledger, oldest first.
///
/// # Errors
/// Those of the page.
pub async fn entries(app: &App, budget: Uuid, input: &PageInput) -> Result<Page<budget_entry::Model>> {
    let select = budget_entry::Entity::find().filter(budget_entry::Column::BudgetId.eq(budget));
    let keyset =
        Keyset { column: budget_entry::Column::RecordedAt, id: budget_entry::Column::Id, descending: false };
    page::read(&app.database, select, keyset, input).await
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
) -> Result<HashMap<Uuid, (String, entity::vocabulary::Level)>> {
    let rows: Vec<(Uuid, String, entity::vocabulary::Level)> = report::Entity::find()
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
