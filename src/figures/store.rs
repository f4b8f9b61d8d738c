//! Figures, one statement each: rows of what the caller sees are given the key of their group inside, and are counted
//! outside. No row is read by itself.
//!
//! Every statement has the visibility of its caller in it, the same conditions as in the finders of what is counted.

pub mod board;
mod group;

use chrono::{DateTime, Utc};
use entity::vocabulary::{
    DeadlineKind, DeadlineState, Facet, ObligationState, Origin, PayoutStage, ReplyKind, Status, TimeMeasure,
    Verdict,
};
use entity::{deadline, event, obligation, payout, report, status_change, verdict};
use sea_orm::sea_query::{
    CaseStatement, Condition, Expr, ExprTrait, Func, IntoCondition, Query, SelectStatement, UnionType,
};
use sea_orm::{ColumnTrait, FromQueryResult, Order};
use tokio::sync::Semaphore;

use self::group::{KEY, LABEL, Source};
use super::rules::{Grouping, Span};
use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::database::seconds;
use crate::error::Result;
use crate::{deadline as clocks, reply};

/// Most rows of one figure; those with the most stay.
pub const MOST_ROWS: u64 = 1_000;

/// Figures look at many rows: however many are asked for at once, most connections stay free for others.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Of which time.
    pub span: Span,
    /// Of which events; of all where there is none.
    pub filter: Option<Condition>,
    /// How it is put together.
    pub by: Grouping,
}

/// Events of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct EventRow {
    /// The group; none for what belongs to no group.
    pub group_key: Option<String>,
    /// What people call the group, where that is something else.
    pub label: Option<String>,
    /// Events.
    pub events: i64,
    /// With a verdict.
    pub judged: i64,
    /// With the verdict that they repeat another.
    pub duplicates: i64,
    /// Vulnerabilities of ours.
    pub ours: i64,
    /// Of these, known inside and not published.
    pub known_internally: i64,
    /// Of these, known inside and fixed before.
    pub already_fixed: i64,
    /// Of these, first reported by own staff; 0 for who may not read where reports come from.
    pub found_by_staff: i64,
    /// Of these, known inside or first reported by own staff.
    pub found_by_us: i64,
}

/// Spans of time of a group, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct TimeRow {
    /// The group.
    pub group_key: Option<String>,
    /// What people call it.
    pub label: Option<String>,
    /// How many were measured.
    pub count: i64,
    /// Their median.
    pub median: i64,
    /// Their ninetieth percentile.
    pub p90: i64,
}

/// Clocks of a group.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct DeadlineRow {
    /// The group.
    pub group_key: Option<String>,
    /// What people call it.
    pub label: Option<String>,
    /// What they wait for.
    pub kind: DeadlineKind,
    /// Under which promise or law they run.
    pub regime: entity::vocabulary::Regime,
    /// Met in time.
    pub met: i64,
    /// Not met in time.
    pub breached: i64,
    /// Of these, met later.
    pub met_late: i64,
    /// Of these, still open.
    pub overdue: i64,
}

/// Payouts of a group.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct PayoutRow {
    /// The group.
    pub group_key: Option<String>,
    /// What people call it.
    pub label: Option<String>,
    /// ISO 4217 code, or POINTS.
    pub currency: String,
    /// What they are for.
    pub kind: entity::vocabulary::PayoutKind,
    /// What happened to them.
    pub stage: String,
    /// How many.
    pub count: i64,
    /// Their sum, in minor units.
    pub amount: i64,
}

/// Runs a figure's statement.
async fn read<T: FromQueryResult>(app: &App, select: &SelectStatement) -> Result<Vec<T>> {
    let _turn = TURNS.acquire().await.map_err(anyhow::Error::from)?;
    let statement = app.database.backend().build(select);
    Ok(T::find_by_statement(statement).all(app.database.reader()).await?)
}

/// How many rows the condition holds for.
fn count_if(condition: impl IntoCondition) -> Expr {
    Func::count(CaseStatement::new().case(condition, Expr::val(1))).into()
}

fn within(column: impl ColumnTrait, span: &Span) -> Condition {
    Condition::all().add(column.gte(span.from)).add(column.lt(span.until))
}

/// Events that the actor sees and that are asked about.
fn seen(actor: &Actor, asked: &Asked) -> Condition {
    let seen = visibility::visible(actor, Facet::Content, event::Column::Id);
    asked.filter.iter().cloned().fold(seen, Condition::add)
}

/// Whether an event was found by own staff: its first report came from them.
fn first_reported_inside() -> Expr {
    use report::Column::{EventId, Id, Origin as Whose, ReceivedAt};
    let first = Query::select()
        .column((report::Entity, Whose))
        .from(report::Entity)
        .and_where(EventId.into_expr().eq(event::Column::Id.into_expr()))
        .order_by((report::Entity, ReceivedAt), Order::Asc)
        .order_by((report::Entity, Id), Order::Asc)
        .limit(1)
        .take();
    Expr::SubQuery(None, Box::new(first.into())).eq(Origin::Internal)
}

/// Events that were received in the period.
///
/// # Errors
/// Of the database.
pub async fn events(app: &App, actor: &Actor, asked: &Asked) -> Result<Vec<EventRow>> {
    const OURS: [Verdict; 3] = [Verdict::Confirmed, Verdict::KnownInternally, Verdict::AlreadyFixed];
    let found = if allows(actor, Action::ReadRawReports) {
        let ours = Condition::all().add(event::Column::Verdict.is_in(OURS)).add(first_reported_inside());
        CaseStatement::new().case(ours, Expr::val(1)).finally(Expr::val(0)).into()
    } else {
        Expr::val(0)
    };
    let mut rows = Query::select();
    rows.expr_as(event::Column::Verdict.into_expr(), "verdict")
        .expr_as(found, "inside")
        .from(event::Entity)
        .cond_where(within(event::Column::ReceivedAt, &asked.span))
        .cond_where(seen(actor, asked));
    group::put(&mut rows, &asked.by, &Source::event(event::Column::ReceivedAt.into_expr()));
    let verdict = || Expr::col("verdict");
    let known = || verdict().is_in([Verdict::KnownInternally, Verdict::AlreadyFixed]);
    let ours = || verdict().is_in(OURS);
    let inside = || Expr::col("inside").eq(1);
    let mut counted = group::counted(rows);
    counted
        .expr_as(Expr::cust("COUNT(*)"), "events")
        .expr_as(count_if(verdict().is_not_null()), "judged")
        .expr_as(count_if(verdict().eq(Verdict::Duplicate)), "duplicates")
        .expr_as(count_if(ours()), "ours")
        .expr_as(count_if(verdict().eq(Verdict::KnownInternally)), "known_internally")
        .expr_as(count_if(verdict().eq(Verdict::AlreadyFixed)), "already_fixed")
        .expr_as(count_if(ours().and(inside())), "found_by_staff")
        .expr_as(count_if(known().or(ours().and(inside()))), "found_by_us");
    group::ordered(&mut counted, &asked.by, "events");
    read(app, &counted).await
}

/// Spans of time that ended in the period; none of what is imported as history, whose instants are the import's.
///
/// # Errors
/// Of the database.
pub async fn times(app: &App, actor: &Actor, asked: &Asked, measure: TimeMeasure) -> Result<Vec<TimeRow>> {
    let backend = app.database.backend();
    let mut rows = Query::select();
    let (from, until, source) = match measure {
        TimeMeasure::Verdict => {
            use verdict::Column as C;
            let earlier = |column: C| Expr::col(("earlier", column));
            let before = earlier(C::GivenAt)
                .lt(C::GivenAt.into_expr())
                .or(earlier(C::GivenAt).eq(C::GivenAt.into_expr()).and(earlier(C::Id).lt(C::Id.into_expr())));
            let an_earlier = Query::select()
                .expr(Expr::val(1))
                .from_as(verdict::Entity, "earlier")
                .and_where(earlier(C::EventId).eq(C::EventId.into_expr()))
                .and_where(earlier(C::Pass).eq(C::Pass.into_expr()))
                .and_where(before)
                .take();
            rows.from(verdict::Entity)
                .inner_join(event::Entity, C::EventId.into_expr().eq(event::Column::Id.into_expr()))
                .cond_where(within(C::GivenAt, &asked.span))
                .and_where(Expr::exists(an_earlier).not());
            let at = C::GivenAt.into_expr();
            (begun(C::EventId, C::Pass), at.clone(), Source::event(at))
        }
        TimeMeasure::Fix => {
            use status_change::Column as C;
            let earlier = |column: C| Expr::col(("earlier", column));
            let of = |column: fn(C) -> Expr| {
                Condition::all()
                    .add(column(C::ToStatus).eq(Status::Replying))
                    .add(column(C::FromStatus).is_in([Status::Remediating, Status::Verifying]))
            };
            let before = earlier(C::ChangedAt).lt(C::ChangedAt.into_expr()).or(earlier(C::ChangedAt)
                .eq(C::ChangedAt.into_expr())
                .and(earlier(C::Id).lt(C::Id.into_expr())));
            let an_earlier = Query::select()
                .expr(Expr::val(1))
                .from_as(status_change::Entity, "earlier")
                .and_where(earlier(C::EventId).eq(C::EventId.into_expr()))
                .and_where(earlier(C::Pass).eq(C::Pass.into_expr()))
                .cond_where(of(|column| Expr::col(("earlier", column))))
                .and_where(before)
                .take();
            rows.from(status_change::Entity)
                .inner_join(event::Entity, C::EventId.into_expr().eq(event::Column::Id.into_expr()))
                .cond_where(of(|column| column.into_expr()))
                .cond_where(within(C::ChangedAt, &asked.span))
                .and_where(Expr::exists(an_earlier).not());
            let at = C::ChangedAt.into_expr();
            (begun(C::EventId, C::Pass), at.clone(), Source::event(at))
        }
        TimeMeasure::Acknowledgement | TimeMeasure::Reply => {
            use obligation::Column as C;
            let acknowledgement = C::Kind.eq(ReplyKind::Acknowledgement);
            let is_one = measure == TimeMeasure::Acknowledgement;
            rows.from(obligation::Entity)
                .inner_join(event::Entity, C::EventId.into_expr().eq(event::Column::Id.into_expr()))
                .and_where(if is_one { acknowledgement } else { acknowledgement.not() })
                .and_where(C::State.eq(ObligationState::Met))
                .cond_where(within(C::MetAt, &asked.span))
                .cond_where(reply::store::readable(actor, C::ChannelId))
                .and_where(Expr::value(allows(actor, Action::ReadReplies)));
            let from = if is_one {
                rows.left_join(report::Entity, C::ReportId.into_expr().eq(report::Column::Id.into_expr()));
                Func::coalesce([report::Column::ReceivedAt.into_expr(), C::OpenedAt.into_expr()]).into()
            } else {
                C::OpenedAt.into_expr()
            };
            let at = C::MetAt.into_expr();
            (from, at.clone(), Source { at, channel: Some(C::ChannelId.into_expr()), event: None })
        }
    };
    rows.expr_as(seconds(backend, from, until), "seconds")
        .and_where(event::Column::History.eq(false))
        .cond_where(seen(actor, asked));
    group::put(&mut rows, &asked.by, &source);
    // The same ranks as `rules::rank` names.
    let ranked = Query::select()
        .columns([KEY, LABEL, "seconds"])
        .expr_as(Expr::cust("ROW_NUMBER() OVER (PARTITION BY group_key ORDER BY seconds)"), "place")
        .expr_as(Expr::cust("COUNT(*) OVER (PARTITION BY group_key)"), "several")
        .from_subquery(rows, "measured")
        .take();
    let mut counted = group::counted(ranked);
    counted
        .expr_as(Expr::cust("COUNT(*)"), "count")
        .expr_as(Expr::cust("MAX(CASE WHEN place = (several * 50 + 99) / 100 THEN seconds END)"), "median")
        .expr_as(Expr::cust("MAX(CASE WHEN place = (several * 90 + 99) / 100 THEN seconds END)"), "p90");
    group::ordered(&mut counted, &asked.by, "count");
    read(app, &counted).await
}

/// When a pass began: with the event for the first one, else with the step back to the analysis.
fn begun(event_id: impl ColumnTrait, pass: impl ColumnTrait) -> Expr {
    let step = |column: status_change::Column| Expr::col(("step", column));
    let back = Query::select()
        .expr(Func::min(step(status_change::Column::ChangedAt)))
        .from_as(status_change::Entity, "step")
        .and_where(step(status_change::Column::EventId).eq(event_id.into_expr()))
        .and_where(step(status_change::Column::Pass).eq(pass.into_expr()))
        .take();
    CaseStatement::new()
        .case(pass.into_expr().eq(1), event::Column::ReceivedAt.into_expr())
        .finally(Expr::SubQuery(None, Box::new(back.into())))
        .into()
}

/// Clocks that were settled in the period: met in time then, or not met when their due instant passed then. What is the
/// channel's own to keep is not among them.
///
/// # Errors
/// Of the database.
pub async fn deadlines(
    app: &App,
    actor: &Actor,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Vec<DeadlineRow>> {
    use deadline::Column as C;
    let open = || C::State.eq(DeadlineState::Open);
    let overdue = || C::BreachedAt.is_null().and(open()).and(C::SortAt.lte(now));
    let settled = Condition::any()
        .add(within(C::BreachedAt, &asked.span))
        .add(within(C::MetAt, &asked.span).add(C::BreachedAt.is_null()))
        .add(within(C::SortAt, &asked.span).add(overdue()));
    let at = CaseStatement::new()
        .case(overdue(), C::SortAt.into_expr())
        .finally(Func::coalesce([C::BreachedAt.into_expr(), C::MetAt.into_expr()]));
    let late = Condition::any().add(C::BreachedAt.is_not_null()).add(overdue());
    let mut rows = Query::select();
    rows.columns([(deadline::Entity, C::Kind), (deadline::Entity, C::Regime), (deadline::Entity, C::State)])
        .expr_as(CaseStatement::new().case(late, Expr::val(1)).finally(Expr::val(0)), "late")
        .from(deadline::Entity)
        .inner_join(event::Entity, C::EventId.into_expr().eq(event::Column::Id.into_expr()))
        .cond_where(settled)
        .and_where(C::Kind.ne(DeadlineKind::Publication))
        .cond_where(clocks::store::readable(actor))
        .cond_where(seen(actor, asked));
    let source = Source { at: at.into(), channel: Some(C::ChannelId.into_expr()), event: None };
    group::put(&mut rows, &asked.by, &source);
    let late = || Expr::col("late").eq(1);
    let state = |state: DeadlineState| Expr::col("state").eq(state);
    let mut counted = group::counted(rows);
    counted
        .columns(["kind", "regime"])
        .expr_as(count_if(late().not()), "met")
        .expr_as(count_if(late()), "breached")
        .expr_as(count_if(late().and(state(DeadlineState::Met))), "met_late")
        .expr_as(count_if(late().and(state(DeadlineState::Open))), "overdue")
        .group_by_columns(["kind", "regime"]);
    group::ordered(&mut counted, &asked.by, "breached");
    counted.order_by("kind", Order::Asc).order_by("regime", Order::Asc);
    read(app, &counted).await
}

/// Payouts that were approved, paid or reversed in the period, each sum in its own currency.
///
/// # Errors
/// Of the database.
pub async fn payouts(app: &App, actor: &Actor, asked: &Asked) -> Result<Vec<PayoutRow>> {
    use payout::Column as C;
    let of = |stage: PayoutStage, at: C| {
        let amount = Func::coalesce([C::ApprovedAmount.into_expr(), C::Amount.into_expr()]);
        let mut rows = Query::select();
        rows.columns([(payout::Entity, C::Currency), (payout::Entity, C::Kind)])
            .expr_as(Expr::cust(format!("'{stage}'")), "stage")
            .expr_as(amount, "amount")
            .from(payout::Entity)
            .cond_where(within(at, &asked.span))
            .cond_where(visibility::visible_payout(actor));
        if asked.filter.is_some() {
            let about = Query::select()
                .column((report::Entity, report::Column::Id))
                .from(report::Entity)
                .inner_join(
                    event::Entity,
                    report::Column::EventId.into_expr().eq(event::Column::Id.into_expr()),
                )
                .cond_where(seen(actor, asked))
                .take();
            rows.and_where(C::ReportId.into_expr().in_subquery(about));
        }
        let source = Source {
            at: at.into_expr(),
            channel: Some(C::ChannelId.into_expr()),
            event: Some(C::ReportId.into_expr()),
        };
        group::of_payout(&mut rows, actor, &asked.by, &source);
        rows
    };
    let mut rows = of(PayoutStage::Approved, C::ApprovedAt);
    rows.union(UnionType::All, of(PayoutStage::Paid, C::PaidAt));
    rows.union(UnionType::All, of(PayoutStage::Reversed, C::ReversedAt));
    let mut counted = group::counted(rows);
    counted
        .columns(["currency", "kind", "stage"])
        .expr_as(Expr::cust("COUNT(*)"), "count")
        .expr_as(Expr::cust("CAST(SUM(amount) AS bigint)"), "amount")
        .group_by_columns(["currency", "kind", "stage"]);
    group::ordered(&mut counted, &asked.by, "count");
    for column in ["currency", "kind", "stage"] {
        counted.order_by(column, Order::Asc);
    }
    read(app, &counted).await
}
