//! Finding trackers and tickets, and claiming tickets for a worker.

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{RemediationState, TicketState, TrackerState};
use entity::{event, remediation, ticket, tracker};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, UpdateStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    RelationDef,
};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::visibility::visible_ticket;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// How long a claim holds: longer than the longest conversation.
const LEASE: TimeDelta = TimeDelta::minutes(3);

/// The tracker.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn tracker(app: &App, id: Uuid) -> Result<tracker::Model> {
    tracker::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// A page of trackers by name.
///
/// # Errors
/// Those of the page.
pub async fn trackers(app: &App, input: &PageInput) -> Result<Page<tracker::Model>> {
    let keyset = Keyset { column: tracker::Column::Name, id: tracker::Column::Id, descending: false };
    page::read(&app.database, tracker::Entity::find(), keyset, input).await
}

/// All trackers.
///
/// # Errors
/// Of the database.
pub async fn all_trackers(app: &App) -> Result<Vec<tracker::Model>> {
    Ok(tracker::Entity::find().order_by_asc(tracker::Column::Id).all(app.database.reader()).await?)
}

/// The ticket, if the actor may see it.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<ticket::Model> {
    ticket::Entity::find_by_id(id)
        .filter(visible_ticket(actor))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// A page of the tickets that the actor may see, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn tickets(app: &App, actor: &Actor, input: &PageInput) -> Result<Page<ticket::Model>> {
    let keyset = Keyset { column: ticket::Column::CreatedAt, id: ticket::Column::Id, descending: true };
    page::read(&app.database, ticket::Entity::find().filter(visible_ticket(actor)), keyset, input).await
}

/// The kept ticket of a fix in a tracker.
///
/// # Errors
/// Of the database.
pub async fn kept(app: &App, fix: Uuid, tracker: Uuid) -> Result<Option<ticket::Model>> {
    let select = ticket::Entity::find()
        .filter(ticket::Column::RemediationId.eq(fix))
        .filter(ticket::Column::TrackerId.eq(tracker))
        .filter(ticket::Column::State.ne(TicketState::Unlinked));
    Ok(select.one(app.database.reader()).await?)
}

/// The kept ticket that a tracker knows by this id, where it now is.
///
/// # Errors
/// Of the database.
pub async fn by_external_id(app: &App, tracker: &tracker::Model, id: &str) -> Result<Option<ticket::Model>> {
    Ok(ticket::Entity::find().filter(is_kept_as(tracker, id)).one(app.database.reader()).await?)
}

/// The same, if the actor may see it.
///
/// # Errors
/// Of the database.
pub async fn seen_by_external_id(
    app: &App,
    actor: &Actor,
    tracker: &tracker::Model,
    id: &str,
) -> Result<Option<ticket::Model>> {
    let select = ticket::Entity::find().filter(is_kept_as(tracker, id)).filter(visible_ticket(actor));
    Ok(select.one(app.database.reader()).await?)
}

fn is_kept_as(tracker: &tracker::Model, id: &str) -> Condition {
    Condition::all()
        .add(ticket::Column::TrackerId.eq(tracker.id))
        .add(ticket::Column::PlaceId.eq(tracker.place_id))
        .add(ticket::Column::ExternalId.eq(id))
        .add(ticket::Column::State.ne(TicketState::Unlinked))
}

/// Tickets of a tracker that should be in step with their fix, by id: all but those that were unlinked or wait for
/// their first moment.
///
/// # Errors
/// Of the database.
pub async fn kept_in(app: &App, tracker: Uuid) -> Result<Vec<ticket::Model>> {
    let select = ticket::Entity::find()
        .filter(ticket::Column::TrackerId.eq(tracker))
        .filter(ticket::Column::State.is_not_in([TicketState::Unlinked, TicketState::Pending]))
        .order_by_asc(ticket::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

fn of_fix() -> RelationDef {
    ticket::Entity::belongs_to(remediation::Entity)
        .from(ticket::Column::RemediationId)
        .to(remediation::Column::Id)
        .into()
}

/// Up to `limit` tickets of a tracker that have something to be done about them at `now`, the longest waiting first:
/// those whose time has come, and those whose fix is in another state than the tracker was told.
///
/// # Errors
/// Of the database.
pub async fn due(app: &App, tracker: Uuid, now: DateTime<Utc>, limit: u64) -> Result<Vec<Uuid>> {
    use ticket::Column;
    let told = || Expr::col((ticket::Entity, Column::PushedState));
    let state = Expr::col((remediation::Entity, remediation::Column::State));
    let news = Condition::all()
        .add(Column::State.is_in([TicketState::Pending, TicketState::Linked]))
        .add(Column::Attempts.eq(0))
        .add(told().is_null().or(told().ne(state)));
    let timely = Condition::all()
        .add(Column::State.is_in([TicketState::Pending, TicketState::Linked, TicketState::Withheld]))
        .add(Column::DueAt.lte(now));
    let select = ticket::Entity::find()
        .select_only()
        .column(Column::Id)
        .join(JoinType::InnerJoin, of_fix())
        .filter(Column::TrackerId.eq(tracker))
        .filter(Condition::any().add(news).add(timely))
        .filter(free(now))
        .order_by_asc(Column::ChangedAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

fn free(now: DateTime<Utc>) -> Condition {
    Condition::any().add(ticket::Column::LeaseUntil.is_null()).add(ticket::Column::LeaseUntil.lte(now))
}

/// A ticket that a worker holds, with all that it is about.
#[derive(Clone, Debug)]
pub struct Held {
    /// The ticket.
    pub ticket: ticket::Model,
    /// Its tracker.
    pub tracker: tracker::Model,
    /// Its fix.
    pub fix: remediation::Model,
    /// Its event.
    pub event: event::Model,
}

/// Claims a ticket; none when another worker has it, or its tracker is paused.
///
/// # Errors
/// Of the database.
pub async fn claim(app: &App, id: Uuid, now: DateTime<Utc>) -> Result<Option<Held>> {
    let claim = ticket::Entity::update_many()
        .col_expr(ticket::Column::LeaseUntil, Expr::value(now + LEASE))
        .filter(ticket::Column::Id.eq(id))
        .filter(ticket::Column::State.ne(TicketState::Unlinked))
        .filter(free(now));
    if app.database.writer().execute(claim.as_query()).await?.rows_affected() != 1 {
        return Ok(None);
    }
    let db = app.database.writer();
    let Some(ticket) = ticket::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    let tracker = tracker::Entity::find_by_id(ticket.tracker_id).one(db);
    let fix = remediation::Entity::find_by_id(ticket.remediation_id).one(db);
    let event = event::Entity::find_by_id(ticket.event_id).one(db);
    let (tracker, fix, event) = tokio::try_join!(tracker, fix, event)?;
    match (tracker.filter(|tracker| tracker.state == TrackerState::Active), fix, event) {
        (Some(tracker), Some(fix), Some(event)) => Ok(Some(Held { ticket, tracker, fix, event })),
        _ => Ok(None),
    }
}

/// A ticket's event as it now is.
///
/// # Errors
/// NOT_FOUND when there is none; of the database.
pub async fn event(app: &App, id: Uuid) -> Result<event::Model> {
    event::Entity::find_by_id(id).one(app.database.writer()).await?.ok_or(Error::NotFound)
}

/// A ticket as it now is.
///
/// # Errors
/// NOT_FOUND when there is none; of the database.
pub async fn present(app: &App, id: Uuid) -> Result<ticket::Model> {
    ticket::Entity::find_by_id(id).one(app.database.writer()).await?.ok_or(Error::NotFound)
}

/// Gives a ticket that was claimed at `claimed_at` back without any word about it, unless another worker has claimed it
/// since.
///
/// # Errors
/// Of the database.
pub async fn give_back(app: &App, id: Uuid, claimed_at: DateTime<Utc>) -> Result<()> {
    let update = ticket::Entity::update_many()
        .col_expr(ticket::Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(ticket::Column::Id.eq(id))
        .filter(ticket::Column::LeaseUntil.eq(claimed_at + LEASE));
    app.database.writer().execute(update.as_query()).await?;
    Ok(())
}

/// Lets what is kept at one place of a tracker be at another.
pub fn moved(tracker: Uuid, from: Option<Uuid>, to: Option<Uuid>) -> UpdateStatement {
    let update = ticket::Entity::update_many()
        .col_expr(ticket::Column::PlaceId, Expr::value(to))
        .filter(ticket::Column::TrackerId.eq(tracker))
        .filter(ticket::Column::PlaceId.eq(from));
    update.into_query()
}

/// The fix, as it stands.
///
/// # Errors
/// Of the database.
pub async fn fix_state(app: &App, fix: Uuid) -> Result<Option<RemediationState>> {
    let fix = remediation::Entity::find_by_id(fix).one(app.database.reader()).await?;
    Ok(fix.map(|fix| fix.state))
}
