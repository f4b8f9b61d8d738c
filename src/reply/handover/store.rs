//! Dispatches: who has them, what is due, what is lost.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::vocabulary::DispatchState;
use entity::{channel, event, reply, reply_dispatch, reply_file, reply_route, report};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;

use reply_dispatch::Column as C;

/// The route to a channel.
///
/// # Errors
/// Of the database.
pub async fn route(app: &App, channel: Uuid) -> Result<Option<reply_route::Model>> {
    let select = reply_route::Entity::find().filter(reply_route::Column::ChannelId.eq(channel));
    Ok(select.one(app.database.reader()).await?)
}

/// Channels whose route has a secret.
///
/// # Errors
/// Of the database.
pub async fn channels_with_secrets(app: &App) -> Result<Vec<Uuid>> {
    let select = reply_route::Entity::find()
        .select_only()
        .column(reply_route::Column::ChannelId)
        .filter(reply_route::Column::Sealed.is_not_null())
        .order_by_asc(reply_route::Column::ChannelId);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// The channel's own numbers of its reports on an event, or of those of them that are answered.
///
/// # Errors
/// Of the database.
pub async fn report_numbers(app: &App, event: Uuid, channel: Uuid, answered: &[Uuid]) -> Result<Vec<String>> {
    let mut select = report::Entity::find()
        .filter(report::Column::EventId.eq(event))
        .filter(report::Column::ChannelId.eq(channel))
        .order_by_asc(report::Column::ReceivedAt);
    if !answered.is_empty() {
        select =
            select.filter(is_one_of(app.database.backend(), report::Column::Id, answered.iter().copied()));
    }
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().filter_map(|row| row.channel_number).collect())
}

/// A reply with its event and channel's row, for the product itself.
///
/// # Errors
/// Of the database.
pub async fn reply(app: &App, id: Uuid) -> Result<Option<(event::Model, reply::Model)>> {
    let db = app.database.reader();
    let Some(row) = reply::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    // The event is read first: its revision then guards what is read after it.
    let Some(event) = event::Entity::find_by_id(row.event_id).one(db).await? else { return Ok(None) };
    let row = reply::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| (event, row)))
}

/// The channel that a reply goes to.
///
/// # Errors
/// Of the database.
pub async fn channel_of_reply(app: &App, id: Uuid) -> Result<Option<channel::Model>> {
    let of_reply = Query::select()
        .column(reply::Column::ChannelId)
        .from(reply::Entity)
        .and_where(reply::Column::Id.eq(id))
        .take();
    let select = channel::Entity::find().filter(channel::Column::Id.in_subquery(of_reply));
    Ok(select.one(app.database.reader()).await?)
}

/// The dispatch with this id.
///
/// # Errors
/// Of the database.
pub async fn dispatch(app: &App, id: Uuid) -> Result<Option<reply_dispatch::Model>> {
    Ok(reply_dispatch::Entity::find_by_id(id).one(app.database.writer()).await?)
}

/// The dispatch of which nobody knows.
///
/// # Errors
/// Of the database.
pub async fn uncertain(app: &App, reply: Uuid) -> Result<Option<reply_dispatch::Model>> {
    let select = reply_dispatch::Entity::find()
        .filter(C::ReplyId.eq(reply))
        .filter(C::State.eq(DispatchState::Uncertain))
        .order_by_desc(C::RequestedAt);
    Ok(select.one(app.database.reader()).await?)
}

/// The dispatch whose e-mail had this `Message-ID`.
///
/// # Errors
/// Of the database.
pub async fn by_message_id(app: &App, message_id: &str) -> Result<Option<reply_dispatch::Model>> {
    let select = reply_dispatch::Entity::find().filter(C::MessageId.eq(message_id));
    Ok(select.one(app.database.reader()).await?)
}

/// What a dispatch hands over, to the byte.
///
/// # Errors
/// Of the database.
pub async fn envelope(app: &App, dispatch: &reply_dispatch::Model) -> Result<Option<reply_file::Model>> {
    let select = reply_file::Entity::find()
        .filter(reply_file::Column::DispatchId.eq(dispatch.id))
        .filter(reply_file::Column::Sha256.eq(dispatch.sha256.clone()));
    Ok(select.one(app.database.reader()).await?)
}

/// Files of a reply that left, in the order in which they were made, with the dispatch whose content went out; those that
/// a person sent have none.
///
/// # Errors
/// Of the database.
pub async fn left_files(
    app: &App,
    reply: Uuid,
) -> Result<Vec<(reply_file::Model, Option<reply_dispatch::Model>)>> {
    let db = app.database.reader();
    let files = reply_file::Entity::find()
        .filter(reply_file::Column::ReplyId.eq(reply))
        .order_by_asc(reply_file::Column::Id)
        .all(db);
    let dispatches =
        reply_dispatch::Entity::find().filter(C::ReplyId.eq(reply)).filter(C::DataAt.is_not_null()).all(db);
    let (files, dispatches) = tokio::try_join!(files, dispatches)?;
    let of = |id: Uuid| dispatches.iter().find(|row| row.id == id).cloned();
    let left = |file: reply_file::Model| match file.dispatch_id {
        None => Some((file, None)),
        Some(id) => of(id).map(|dispatch| (file, Some(dispatch))),
    };
    Ok(files.into_iter().filter_map(left).collect())
}

/// Those of the files that were sent: of the dispatch that was taken, or by a person's hand.
pub fn sent(
    files: Vec<(reply_file::Model, Option<reply_dispatch::Model>)>,
) -> impl Iterator<Item = reply_file::Model> {
    files.into_iter().filter_map(|(file, dispatch)| {
        dispatch.is_none_or(|row| row.state == DispatchState::Taken).then_some(file)
    })
}

fn is_free(now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(C::State.eq(DispatchState::Waiting))
        .add(C::DueAt.lte(now))
        .add(Condition::any().add(C::LeaseUntil.is_null()).add(C::LeaseUntil.lte(now)))
}

/// Dispatches whose attempt is due and that nobody has.
///
/// # Errors
/// Of the database.
pub async fn due(app: &App, now: DateTime<Utc>, limit: u64) -> Result<Vec<Uuid>> {
    let select = reply_dispatch::Entity::find().select_only().column(C::Id).filter(is_free(now));
    let select = select.order_by_asc(C::DueAt).order_by_asc(C::Id).limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Dispatches whose content began to go out under a lease that has run out: who had them is gone.
///
/// # Errors
/// Of the database.
pub async fn lost(app: &App, now: DateTime<Utc>, limit: u64) -> Result<Vec<Uuid>> {
    let select = reply_dispatch::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::DueAt.is_not_null())
        .filter(C::State.eq(DispatchState::Handing))
        .filter(C::LeaseUntil.lte(now))
        .order_by_asc(C::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Takes a dispatch for `lease`; none when somebody else has it.
///
/// # Errors
/// Of the database.
pub async fn claim(
    app: &App,
    id: Uuid,
    by: Uuid,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<Option<reply_dispatch::Model>> {
    let claim = reply_dispatch::Entity::update_many()
        .col_expr(C::LeaseBy, Expr::value(by))
        .col_expr(C::LeaseUntil, Expr::value(now + lease))
        .col_expr(C::Attempts, Expr::col(C::Attempts).add(1))
        .filter(C::Id.eq(id))
        .filter(is_free(now));
    if app.database.writer().execute(claim.as_query()).await?.rows_affected() != 1 {
        return Ok(None);
    }
    dispatch(app, id).await
}

/// Writes down that the content is about to go out; false when somebody else has it by now, or the event is no longer as
/// it was judged.
///
/// # Errors
/// Of the database.
pub async fn begin(
    app: &App,
    id: Uuid,
    by: Uuid,
    judged: &event::Model,
    now: DateTime<Utc>,
    lease: Duration,
) -> Result<bool> {
    let as_judged = Query::select()
        .expr(Expr::value(1))
        .from(event::Entity)
        .and_where(event::Column::Id.eq(judged.id))
        .and_where(event::Column::Revision.eq(judged.revision))
        .take();
    let update = reply_dispatch::Entity::update_many()
        .col_expr(C::State, Expr::value(DispatchState::Handing))
        .col_expr(C::DataAt, Expr::value(now))
        .col_expr(C::LeaseUntil, Expr::value(now + lease))
        .filter(C::Id.eq(id))
        .filter(C::LeaseBy.eq(by))
        .filter(C::LeaseUntil.gt(now))
        .filter(C::State.eq(DispatchState::Waiting))
        .filter(Expr::exists(as_judged));
    Ok(app.database.writer().execute(update.as_query()).await?.rows_affected() == 1)
}

/// Puts a dispatch that was surely not taken back, for an attempt at `due`, unless it is in other hands than `held` says.
///
/// # Errors
/// Of the database.
pub async fn put_back(
    app: &App,
    held: &reply_dispatch::Model,
    answer: Option<String>,
    due: DateTime<Utc>,
) -> Result<()> {
    let update = reply_dispatch::Entity::update_many()
        .col_expr(C::State, Expr::value(DispatchState::Waiting))
        .col_expr(C::DueAt, Expr::value(due))
        .col_expr(C::DataAt, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(C::LeaseBy, Expr::value(Option::<Uuid>::None))
        .col_expr(C::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(C::Answer, Expr::value(answer))
        .filter(C::Id.eq(held.id))
        .filter(as_held(held));
    app.database.writer().execute(update.as_query()).await?;
    Ok(())
}

/// The dispatch is still in the hands in which it was read, and as far.
pub fn as_held(held: &reply_dispatch::Model) -> Condition {
    let by = match held.lease_by {
        Some(by) => C::LeaseBy.eq(by),
        None => C::LeaseBy.is_null(),
    };
    Condition::all()
        .add(by)
        .add(C::State.eq(held.state))
        .add(C::Attempts.eq(held.attempts))
        .add(C::SettledAt.is_null())
}

/// Whether its content began to go out under a lease that has run out: who had it is gone.
pub fn is_lost(row: &reply_dispatch::Model, now: DateTime<Utc>) -> bool {
    row.state == DispatchState::Handing && row.lease_until.is_none_or(|until| until <= now)
}

/// The newest dispatch of a reply.
///
/// # Errors
/// Of the database.
pub async fn newest(app: &App, reply: Uuid) -> Result<Option<reply_dispatch::Model>> {
    let select = reply_dispatch::Entity::find()
        .filter(C::ReplyId.eq(reply))
        .order_by_desc(C::RequestedAt)
        .order_by_desc(C::Id);
    Ok(select.one(app.database.writer()).await?)
}
