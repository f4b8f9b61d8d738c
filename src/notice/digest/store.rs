//! Daily e-mails: for whom there is none yet, who has one, what is lost.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::DigestState;
use entity::{digest, principal};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::Action;
use crate::error::Result;

use digest::Column as C;

/// Rows that wait, of those that are looked at once.
const WAITING: u64 = 1_000;

/// People with an address who want the e-mail and have none of this day yet, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn without(app: &App, day: NaiveDate, after: Uuid, limit: u64) -> Result<Vec<principal::Model>> {
    let has = Query::select()
        .column(C::PrincipalId)
        .from(digest::Entity)
        .and_where(Expr::col(C::Day).eq(day))
        .take();
    let select = principal::Entity::find()
        .filter(principal::Column::Email.is_not_null())
        .filter(principal::Column::DigestOff.eq(false))
        .filter(principal::Column::Denied.eq(false))
        .filter(crate::notice::store::has_role(Action::ReadNotices.roles()))
        .filter(principal::Column::Id.not_in_subquery(has))
        .filter(principal::Column::Id.gt(after))
        .order_by_asc(principal::Column::Id)
        .limit(limit);
    Ok(select.all(app.database.reader()).await?)
}

/// The person whose e-mail it is.
///
/// # Errors
/// Of the database.
pub async fn person(app: &App, id: Uuid) -> Result<Option<principal::Model>> {
    Ok(principal::Entity::find_by_id(id).one(app.database.reader()).await?)
}

/// The newest e-mail of a person.
///
/// # Errors
/// Of the database.
pub async fn last(app: &App, principal: Uuid) -> Result<Option<digest::Model>> {
    let select = digest::Entity::find().filter(C::PrincipalId.eq(principal)).order_by_desc(C::Day);
    Ok(select.one(app.database.reader()).await?)
}

/// Writes the row of a person's day; false when there is one.
///
/// # Errors
/// Of the database.
pub async fn claim_new(app: &App, row: digest::Model) -> Result<bool> {
    let mut insert = digest::Entity::insert(row.into_active_model()).into_query();
    insert.on_conflict(OnConflict::columns([C::PrincipalId, C::Day]).do_nothing().to_owned());
    Ok(app.database.writer().execute(&insert).await?.rows_affected() == 1)
}

/// E-mails that came to an end and are of a day before `day`, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn settled_before(app: &App, day: NaiveDate, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = digest::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::Day.lt(day))
        .filter(C::SettledAt.is_not_null())
        .filter(C::Id.gt(after))
        .order_by_asc(C::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Deletes what became of an e-mail.
///
/// # Errors
/// Of the database.
pub async fn forget(app: &App, id: Uuid) -> Result<()> {
    digest::Entity::delete_by_id(id).exec(app.database.writer()).await?;
    Ok(())
}

fn is_free(now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(C::State.eq(DigestState::Claimed))
        .add(C::DueAt.lte(now))
        .add(Condition::any().add(C::LeaseUntil.is_null()).add(C::LeaseUntil.lte(now)))
}

/// Rows of a day that surely did not leave yet, and that nobody has.
///
/// # Errors
/// Of the database.
pub async fn waiting(app: &App, day: NaiveDate, now: DateTime<Utc>) -> Result<Vec<digest::Model>> {
    let select = digest::Entity::find().filter(C::Day.eq(day)).filter(is_free(now));
    Ok(select.order_by_asc(C::Id).limit(WAITING).all(app.database.reader()).await?)
}

/// Takes a row for `lease`; none when somebody else has it.
///
/// # Errors
/// Of the database.
pub async fn claim(
    app: &App,
    id: Uuid,
    by: Uuid,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<Option<digest::Model>> {
    let update = digest::Entity::update_many()
        .col_expr(C::LeaseBy, Expr::value(by))
        .col_expr(C::LeaseUntil, Expr::value(now + lease))
        .col_expr(C::Attempts, Expr::col(C::Attempts).add(1))
        .filter(C::Id.eq(id))
        .filter(is_free(now));
    if app.database.writer().execute(update.as_query()).await?.rows_affected() != 1 {
        return Ok(None);
    }
    Ok(digest::Entity::find_by_id(id).one(app.database.writer()).await?)
}

/// Writes down that the content is about to go out; false when somebody else has it by now.
///
/// # Errors
/// Of the database.
pub async fn begin(app: &App, id: Uuid, by: Uuid, now: DateTime<Utc>, lease: Duration) -> Result<bool> {
    let update = digest::Entity::update_many()
        .col_expr(C::State, Expr::value(DigestState::Handing))
        .col_expr(C::LeaseUntil, Expr::value(now + lease))
        .filter(C::Id.eq(id))
        .filter(C::LeaseBy.eq(by))
        .filter(C::LeaseUntil.gt(now))
        .filter(C::State.eq(DigestState::Claimed));
    Ok(app.database.writer().execute(update.as_query()).await?.rows_affected() == 1)
}

/// Puts one that was surely not taken back, for an attempt at `due`.
///
/// # Errors
/// Of the database.
pub async fn put_back(app: &App, id: Uuid, by: Uuid, answer: &str, due: DateTime<Utc>) -> Result<()> {
    let update = digest::Entity::update_many()
        .col_expr(C::State, Expr::value(DigestState::Claimed))
        .col_expr(C::DueAt, Expr::value(due))
        .col_expr(C::LeaseBy, Expr::value(Option::<Uuid>::None))
        .col_expr(C::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(C::Answer, Expr::value(answer))
        .filter(C::Id.eq(id))
        .filter(C::LeaseBy.eq(by));
    app.database.writer().execute(update.as_query()).await?;
    Ok(())
}

/// Writes down what came of it.
///
/// # Errors
/// Of the database.
pub async fn settle(
    app: &App,
    id: Uuid,
    by: Uuid,
    state: DigestState,
    answer: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let update = settled(state, now).col_expr(C::Answer, Expr::value(answer.map(str::to_owned)));
    let update = update.filter(C::Id.eq(id)).filter(C::LeaseBy.eq(by)).filter(C::SettledAt.is_null());
    app.database.writer().execute(update.as_query()).await?;
    Ok(())
}

fn settled(state: DigestState, now: DateTime<Utc>) -> sea_orm::UpdateMany<digest::Entity> {
    digest::Entity::update_many()
        .col_expr(C::State, Expr::value(state))
        .col_expr(C::SettledAt, Expr::value(now))
        .col_expr(C::DueAt, Expr::value(Option::<DateTime<Utc>>::None))
}

/// Gives up what nobody can bring to an end: whose content was going out when its process ended, and what did not
/// leave before the next day's turn.
///
/// # Errors
/// Of the database.
pub async fn give_up(app: &App, day: NaiveDate, now: DateTime<Utc>) -> Result<()> {
    let lost = settled(DigestState::Uncertain, now)
        .filter(C::DueAt.is_not_null())
        .filter(C::State.eq(DigestState::Handing))
        .filter(C::LeaseUntil.lte(now));
    let count = app.database.writer().execute(lost.as_query()).await?.rows_affected();
    if count > 0 {
        tracing::error!(
            count,
            "nobody knows whether daily e-mails arrived: the process that sent them ended"
        );
    }
    let late = settled(DigestState::Refused, now)
        .filter(C::DueAt.is_not_null())
        .filter(C::Day.lt(day))
        .filter(is_free(now));
    // One that waits for a later attempt is free too: its day is over all the same.
    let waits = settled(DigestState::Refused, now)
        .filter(C::DueAt.gt(now))
        .filter(C::Day.lt(day))
        .filter(C::State.eq(DigestState::Claimed));
    for update in [late, waits] {
        app.database.writer().execute(update.as_query()).await?;
    }
    Ok(())
}
