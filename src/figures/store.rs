//! Figures, one statement each: rows of what the caller sees are given the key of their group inside, and are counted
//! outside. No row is read by itself.
//!
//! Every statement has the visibility of its caller in it, the same conditions as in the finders of what is counted.

pub mod board;
mod group;

use chrono::{DateTime, Utc};
use entity::vocabulary::{
    DeadlineKind, DeadlineState, ObligationState, Origin, PayoutStage, ReplyKind, Status, TimeMeasure,
    Verdict,
};
use entity::{deadline, event, obligation, payout, report, status_change, verdict};
use sea_orm::sea_query::{
    CaseStatement, Condition, Expr, ExprTrait, Func, IntoCondition, Query, SelectStatement, UnionType,
};
use sea_orm::{ColumnTrait, FromQueryResult, JoinType, Order};
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

/// How many rows a row stands for.
const SEVERAL: &str = "several";

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

/// How many rows there are in all, of several each for which the condition holds.
fn sum_if(condition: impl IntoCondition) -> Expr {
    let several = CaseStatement::new().case(condition, Expr::col(SEVERAL)).finally(Expr::val(0));
    Func::cast_as(Func::sum(several), "bigint").into()
}

fn within(column: impl ColumnTrait, span: &Span) -> Condition {
    Condition::all().add(column.gte(span.from)).add(column.lt(span.until))
}

/// Events that the actor sees and that are asked about, by the column that names them.
fn seen(actor: &Actor, asked: &Asked, event: impl ColumnTrait) -> Condition {
    asked.filter.iter().cloned().fold(visibility::visible_of_many(actor, event), Condition::add)
}

/// Whether an event was found by own staff: a report came from them, and none before it.
fn first_reported_inside() -> Expr {
    use report::Column::{EventId, Id, Origin as Whose, ReceivedAt};
    let earlier = |column: report::Column| Expr::col(("earlier", column));
    let before = earlier(ReceivedAt)
        .lt(ReceivedAt.into_expr())
        .or(earlier(ReceivedAt).eq(ReceivedAt.into_expr()).and(earlier(Id).lt(Id.into_expr())));
    let an_earlier = Query::select()
        .expr(Expr::val(1))
        .from_as(report::Entity, "earlier")
        .and_where(earlier(EventId).eq(EventId.into_expr()))
        .and_where(before)
        .take();
    let theirs = Query::select()
        .expr(Expr::val(1))
        .from(report::Entity)
        .and_where(EventId.into_expr().eq(event::Column::Id.into_expr()))
        .and_where(Whose.eq(Origin::Internal))
        .and_where(Expr::exists(an_earlier).not())
        .take();
    Expr::exists(theirs)
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
        .cond_where(seen(actor, asked, event::Column::Id));
    group::put(&mut rows, &asked.by, &Source::event(event::Column::ReceivedAt.into_expr()));
    // Those that are alike are counted first: else who found each would be looked up once for every figure that asks.
    let alike = [KEY, LABEL, "verdict", "inside"];
    let rows = Query::select()
        .columns(alike)
        .expr_as(Expr::cust("COUNT(*)"), SEVERAL)
        .from_subquery(rows, "each")
        .group_by_columns(alike)
        .take();
    let verdict = || Expr::col("verdict");
    let known = || verdict().is_in([Verdict::KnownInternally, Verdict::AlreadyFixed]);
    let ours = || verdict().is_in(OURS);
    let inside = || Expr::col("inside").eq(1);
    let mut counted = group::counted(rows);
    counted
        .expr_as(Expr::cust("CAST(SUM(several) AS bigint)"), "events")
        .expr_as(sum_if(verdict().is_not_null()), "judged")
        .expr_as(sum_if(verdict().eq(Verdict::Duplicate)), "duplicates")
        .expr_as(sum_if(ours()), "ours")
        .expr_as(sum_if(verdict().eq(Verdict::KnownInternally)), "known_internally")
        .expr_as(sum_if(verdict().eq(Verdict::AlreadyFixed)), "already_fixed")
        .expr_as(sum_if(ours().and(inside())), "found_by_staff")
        .expr_as(sum_if(known().or(ours().and(inside()))), "found_by_us");
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
            (from, at.clone(), Source { channel: Some(C::ChannelId.into_expr()), ..Source::event(at) })
        }
    };
    rows.expr_as(seconds(backend, from, until), "seconds")
        .and_where(event::Column::History.eq(false))
        .cond_where(seen(actor, asked, event::Column::Id));
    group::put(&mut rows, &asked.by, &source);
    // Spans that are equal are put in order as one; `place` is that of the last of them. So a percentile is the least span whose
    // place is no less than the rank that `rules::rank` names.
    let spans = Query::select()
        .columns([KEY, LABEL, "seconds"])
        .expr_as(Expr::cust("COUNT(*)"), SEVERAL)
        .from_subquery(rows, "measured")
        .group_by_columns([KEY, LABEL, "seconds"])
        .take();
    let ranked = Query::select()
        .columns([KEY, LABEL, "seconds", SEVERAL])
        .expr_as(Expr::cust("SUM(several) OVER (PARTITION BY group_key ORDER BY seconds)"), "place")
        .expr_as(Expr::cust("SUM(several) OVER (PARTITION BY group_key)"), "of_all")
        .from_subquery(spans, "spans")
        .take();
    let mut counted = group::counted(ranked);
    counted
        .expr_as(Expr::cust("CAST(SUM(several) AS bigint)"), "count")
        .expr_as(Expr::cust("MIN(CASE WHEN place * 100 >= of_all * 50 THEN seconds END)"), "median")
        .expr_as(Expr::cust("MIN(CASE WHEN place * 100 >= of_all * 90 THEN seconds END)"), "p90");
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
    // Each way to be settled is found by its own instant; no clock is settled in two.
    let of = |at: C, late: i32, which: Condition| {
        let mut rows = Query::select();
        rows.columns([
            (deadline::Entity, C::Kind),
            (deadline::Entity, C::Regime),
            (deadline::Entity, C::State),
        ])
        .expr_as(Expr::val(late), "late")
        .from(deadline::Entity)
        .cond_where(within(at, &asked.span))
        .cond_where(which)
        .and_where(C::Kind.ne(DeadlineKind::Publication))
        .cond_where(clocks::store::readable(actor))
        .cond_where(seen(actor, asked, C::EventId));
        let source = Source {
            channel: Some(C::ChannelId.into_expr()),
            event: C::EventId.into_expr(),
            ..Source::event(at.into_expr())
        };
        if asked.filter.is_some() || group::reads_event(&asked.by) {
            rows.inner_join(event::Entity, C::EventId.into_expr().eq(event::Column::Id.into_expr()));
        }
        group::put(&mut rows, &asked.by, &source);
        rows
    };
    let not_late = || Condition::all().add(C::BreachedAt.is_null());
    let overdue = not_late().add(C::State.eq(DeadlineState::Open)).add(C::SortAt.lte(now));
    let mut rows = of(C::BreachedAt, 1, Condition::all());
    rows.union(UnionType::All, of(C::MetAt, 0, not_late()));
    rows.union(UnionType::All, of(C::SortAt, 1, overdue));
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
    let stages = [
        (PayoutStage::Approved, C::ApprovedAt),
        (PayoutStage::Paid, C::PaidAt),
        (PayoutStage::Reversed, C::ReversedAt),
    ];
    let stage =
        |stage: PayoutStage| Query::select().expr_as(Expr::cust(format!("'{stage}'")), "stage").take();
    let [mut each, others @ ..] = stages.map(|(name, _)| stage(name));
    for other in others {
        each.union(UnionType::All, other);
    }
    let its = |name: PayoutStage| Expr::col(("of_stage", "stage")).eq(name.as_str());
    let at = stages
        .into_iter()
        .fold(CaseStatement::new(), |at, (name, column)| at.case(its(name), column.into_expr()));
    let at: Expr = at.into();
    // By the instants themselves, which are what rows are found by, and then by that of the stage.
    let any =
        stages.into_iter().fold(Condition::any(), |any, (_, column)| any.add(within(column, &asked.span)));
    let amount = Func::coalesce([C::ApprovedAmount.into_expr(), C::Amount.into_expr()]);
    let mut rows = Query::select();
    rows.columns([(payout::Entity, C::Currency), (payout::Entity, C::Kind)])
        .column(("of_stage", "stage"))
        .expr_as(amount, "amount")
        .from(payout::Entity)
        // Each payout with each stage.
        .join_subquery(JoinType::InnerJoin, each, "of_stage", Condition::all())
        .cond_where(any)
        .and_where(at.clone().gte(asked.span.from))
        .and_where(at.clone().lt(asked.span.until))
        .cond_where(visibility::visible_payout(actor));
    if asked.filter.is_some() {
        let about = Query::select()
            .column((report::Entity, report::Column::Id))
            .from(report::Entity)
            .inner_join(event::Entity, report::Column::EventId.into_expr().eq(event::Column::Id.into_expr()))
            .cond_where(seen(actor, asked, event::Column::Id))
            .take();
        rows.and_where(C::ReportId.into_expr().in_subquery(about));
    }
    let source = Source {
        channel: Some(C::ChannelId.into_expr()),
        report: Some(C::ReportId.into_expr()),
        ..Source::event(at)
    };
    group::of_payout(&mut rows, actor, &asked.by, &source);
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
