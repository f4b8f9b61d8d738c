//! How reporters stand.

use chrono::{DateTime, Utc};
use entity::vocabulary::{Facet, LeaderboardOrder, PayoutState, Tlp, Verdict};
use entity::{channel, event, payout, report, reporter};
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, Order, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::read;
use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::Result;
use crate::figures::rules::Span;
use crate::intake;
use crate::money::Unit;

/// Which board.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Of reports that were received then.
    pub span: Span,
    /// Of this channel alone.
    pub channel: Option<Uuid>,
    /// What places follow from.
    pub order: LeaderboardOrder,
    /// How many.
    pub first: u64,
}

/// From which side a board is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The team's: all reports of events that the actor sees.
    Inside,
    /// A reporter's or platform's: reports of their channels, without what is for named people or under embargo.
    Public,
}

/// A place. One person is one place, whatever channels they are known by.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Place {
    /// Their subject, once linked.
    pub subject: Option<String>,
    /// The reporter, while linked to no subject.
    pub unlinked: Option<Uuid>,
    /// From 1; those who are equal share it.
    pub place: i64,
    /// Accepted reports.
    pub accepted: i64,
    /// Points.
    pub points: i64,
    /// Their name, where they chose to be named.
    pub name: Option<String>,
}

/// A report that counts: of a confirmed event, and the first valid one there, as it earns a bounty.
fn accepted() -> Condition {
    use report::Column::{ReporterId, Severity, Split};
    Condition::all()
        .add(event::Column::Verdict.eq(Verdict::Confirmed))
        .add(ReporterId.is_not_null())
        .add(Severity.is_not_null())
        .add(Split.eq(false))
        .add(Expr::exists(crate::payout::store::an_earlier_valid()).not())
}

/// Points that were approved for a report, and neither taken back nor reversed.
fn points() -> SelectStatement {
    use payout::Column as C;
    let amount = Func::coalesce([C::ApprovedAmount.into_expr(), C::Amount.into_expr()]);
    Query::select()
        .expr(Func::coalesce([Func::sum(amount).into(), Expr::val(0)]))
        .from(payout::Entity)
        .and_where(C::ReportId.into_expr().eq(report::Column::Id.into_expr()))
        .and_where(C::Currency.eq(Unit::Points.code()))
        .and_where(C::ApprovedAt.is_not_null())
        .and_where(C::ReversedAt.is_null())
        .and_where(C::State.is_not_in([PayoutState::Rejected, PayoutState::Cancelled]))
        .take()
}

/// What is read of from this side.
fn readable(actor: &Actor, side: Side, now: DateTime<Utc>) -> Condition {
    if side == Side::Inside {
        return visibility::visible(actor, Facet::Content, event::Column::Id);
    }
    let over = event::Column::EmbargoUntil.is_null().or(event::Column::EmbargoUntil.lte(now));
    let known = Query::select()
        .column(reporter::Column::ChannelId)
        .from_as(reporter::Entity, "known")
        .and_where(Expr::col(("known", reporter::Column::Subject)).eq(&*actor.subject))
        .and_where(Expr::col(("known", reporter::Column::ChannelId)).is_not_null())
        .take();
    let mut theirs = Condition::any();
    if actor.is(crate::auth::Role::Reporter) {
        theirs = theirs.add(report::Column::ChannelId.in_subquery(known));
    }
    if let Some(key) = actor.channel.as_deref().filter(|_| actor.is(crate::auth::Role::Src)) {
        let own = Query::select()
            .column(channel::Column::Id)
            .from(channel::Entity)
            .and_where(channel::Column::Key.eq(key))
            .take();
        theirs = theirs.add(report::Column::ChannelId.in_subquery(own));
    }
    if theirs.is_empty() {
        theirs = theirs.add(Expr::val(1).eq(0));
    }
    Condition::all().add(event::Column::Tlp.ne(Tlp::Red)).add(over).add(theirs)
}

/// The places of a board. Own staff have none.
///
/// # Errors
/// Of the database.
pub async fn places(
    app: &App,
    actor: &Actor,
    side: Side,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Vec<Place>> {
    use reporter::Column as R;
    let unlinked = CaseStatement::new().case(R::Subject.is_null(), R::Id.into_expr());
    let name = CaseStatement::new().case(R::Named.eq(true), R::Name.into_expr());
    let mut rows = Query::select();
    rows.expr_as(R::Subject.into_expr(), "subject")
        .expr_as(unlinked, "unlinked")
        .expr_as(name, "name")
        .expr_as(Expr::SubQuery(None, Box::new(points().into())), "points")
        .from(report::Entity)
        .inner_join(event::Entity, report::Column::EventId.into_expr().eq(event::Column::Id.into_expr()))
        .inner_join(reporter::Entity, report::Column::ReporterId.into_expr().eq(R::Id.into_expr()))
        .and_where(R::Staff.eq(false))
        .and_where(report::Column::ReceivedAt.gte(asked.span.from))
        .and_where(report::Column::ReceivedAt.lt(asked.span.until))
        .cond_where(accepted())
        .cond_where(readable(actor, side, now));
    if let Some(channel) = asked.channel {
        rows.and_where(report::Column::ChannelId.eq(channel));
    }
    let by = match asked.order {
        LeaderboardOrder::Accepted => "COUNT(*)",
        LeaderboardOrder::Points => "SUM(points)",
    };
    let mut board = Query::select();
    board
        .columns(["subject", "unlinked"])
        .expr_as(Expr::cust(format!("RANK() OVER (ORDER BY {by} DESC)")), "place")
        .expr_as(Expr::cust("COUNT(*)"), "accepted")
        .expr_as(Expr::cust("CAST(SUM(points) AS bigint)"), "points")
        .expr_as(Expr::cust("MAX(name)"), "name")
        .from_subquery(rows, "counted")
        .group_by_columns(["subject", "unlinked"]);
    // Nobody has a place by points without any.
    if asked.order == LeaderboardOrder::Points {
        board.and_having(Expr::cust("SUM(points) > 0"));
    }
    let board = Query::select()
        .columns(["subject", "unlinked", "place", "accepted", "points", "name"])
        .from_subquery(board, "board")
        .order_by("place", Order::Asc)
        .order_by_expr(Expr::col("name").is_null(), Order::Asc)
        .order_by("name", Order::Asc)
        .order_by("subject", Order::Asc)
        .order_by("unlinked", Order::Asc)
        .limit(asked.first)
        .take();
    read(app, &board).await
}

/// The reporters behind places, of those whom the actor may know.
///
/// # Errors
/// Of the database.
pub async fn reporters(app: &App, actor: &Actor, places: &[Place]) -> Result<Vec<reporter::Model>> {
    let subjects = places.iter().filter_map(|place| place.subject.as_deref());
    let unlinked = places.iter().filter_map(|place| place.unlinked);
    let theirs = Condition::any().add(reporter::Column::Subject.is_in(subjects)).add(is_one_of(
        app.database.backend(),
        reporter::Column::Id,
        unlinked,
    ));
    let select = reporter::Entity::find()
        .filter(theirs)
        .filter(intake::store::visible_reporter(actor))
        .order_by_asc(reporter::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Whether the actor chose to be named; none for who is no reporter.
///
/// # Errors
/// Of the database.
pub async fn chosen(app: &App, actor: &Actor) -> Result<Option<bool>> {
    let rows = intake::store::reporters_of(app, &actor.subject).await?;
    Ok((!rows.is_empty()).then(|| rows.iter().any(|row| row.named)))
}
