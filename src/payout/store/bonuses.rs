//! Finding bonus runs, what they are computed from, and the bonuses that came of them.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use entity::vocabulary::{PayoutKind, Tlp, Verdict};
use entity::{bonus_run, event, payout, report};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::{an_earlier_valid, reporters};
use crate::app::App;
use crate::error::{Error, Result};
use crate::payout::payee::Person;

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

/// The channel's reports of named reporters that were received in a span, on CONFIRMED events that are not TLP:RED:
/// a bonus must not tell of an event among named people. Of an event only the first valid report counts.
///
/// # Errors
/// Of the database.
pub async fn confirmed_reports(
    app: &App,
    channel: Uuid,
    span: Range<DateTime<Utc>>,
) -> Result<Vec<report::Model>> {
    let confirmed = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(event::Column::Verdict.eq(Verdict::Confirmed))
        .and_where(event::Column::Tlp.ne(Tlp::Red))
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
