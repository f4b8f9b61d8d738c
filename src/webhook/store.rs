//! Finding endpoints, their secrets and deliveries.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::vocabulary::{
    AbroadExtent, AffectedState, ChannelKind, DecisionKind, DeliveryState, EndpointState, Facet, ReplyKind,
    ReplyState, Tlp,
};
use entity::{
    affected_product, channel, decision, delivery, delivery_attempt, event, event_access, message, payout,
    principal, reply, report, webhook_endpoint, webhook_secret,
};
use sea_orm::sea_query::{Condition, DeleteStatement, Expr, ExprTrait, Query, SimpleExpr, UpdateStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::rules::{self, Abroad};
use crate::app::App;
use crate::auth::visibility::{of_each, visible, visible_payout};
use crate::auth::{Actor, Role};
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::ahead;
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The endpoint, unless it was deleted.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, id: Uuid) -> Result<webhook_endpoint::Model> {
    webhook_endpoint::Entity::find_by_id(id)
        .filter(webhook_endpoint::Column::DeletedAt.is_null())
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// Which of these payouts the actor may see.
///
/// # Errors
/// Of the database.
pub async fn visible_payouts(app: &App, actor: &Actor, ids: HashSet<Uuid>) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(ids);
    }
    let select = payout::Entity::find()
        .select_only()
        .column(payout::Column::Id)
        .filter(is_one_of(app.database.backend(), payout::Column::Id, ids))
        .filter(visible_payout(actor));
    Ok(select.into_tuple().all(app.database.reader()).await?.into_iter().collect())
}

/// The endpoint as its row now is, deleted or not.
///
/// # Errors
/// Of the database.
pub async fn present(app: &App, id: Uuid) -> Result<Option<webhook_endpoint::Model>> {
    Ok(webhook_endpoint::Entity::find_by_id(id).one(app.database.reader()).await?)
}

/// A page of endpoints by name; deleted ones are left out.
///
/// # Errors
/// Those of the page.
pub async fn page(
    app: &App,
    state: Option<EndpointState>,
    input: &PageInput,
) -> Result<Page<webhook_endpoint::Model>> {
    use webhook_endpoint::{Column, Entity};
    let mut select = Entity::find().filter(Column::DeletedAt.is_null());
    if let Some(state) = state {
        select = select.filter(Column::State.eq(state));
    }
    let keyset = Keyset { column: Column::Name, id: Column::Id, descending: false };
    page::read(&app.database, select, keyset, input).await
}

/// Every endpoint that is not deleted, a batch after `after`.
///
/// # Errors
/// Of the database.
pub async fn batch(app: &App, after: Uuid, size: u64) -> Result<Vec<webhook_endpoint::Model>> {
    use webhook_endpoint::{Column, Entity};
    let select = Entity::find().filter(Column::DeletedAt.is_null()).filter(Column::Id.gt(after));
    Ok(select.order_by_asc(Column::Id).limit(size).all(app.database.reader()).await?)
}

/// Secrets of an endpoint, the newest first, expired ones included.
///
/// # Errors
/// Of the database.
pub async fn secrets(app: &App, endpoint: Uuid) -> Result<Vec<webhook_secret::Model>> {
    use webhook_secret::{Column, Entity};
    let select = Entity::find().filter(Column::EndpointId.eq(endpoint));
    let select = select.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Deletes secrets.
pub fn delete_secrets(ids: &[Uuid]) -> DeleteStatement {
    Query::delete()
        .from_table(webhook_secret::Entity)
        .and_where(webhook_secret::Column::Id.is_in(ids.iter().copied()))
        .take()
}

/// How many of these channels there are.
///
/// # Errors
/// Of the database.
pub async fn known_channels(app: &App, ids: &[Uuid]) -> Result<usize> {
    let known = is_one_of(app.database.backend(), channel::Column::Id, ids.iter().copied());
    let rows: Vec<Uuid> = channel::Entity::find()
        .select_only()
        .column(channel::Column::Id)
        .filter(known)
        .into_tuple()
        .all(app.database.reader())
        .await?;
    Ok(rows.len())
}

/// The delivery was tried: who configures endpoints sees what left, and nothing of what was held back.
fn has_left() -> Condition {
    let attempts = Query::select()
        .expr(Expr::val(1))
        .from(delivery_attempt::Entity)
        .and_where(
            Expr::col((delivery_attempt::Entity, delivery_attempt::Column::DeliveryId))
                .equals((delivery::Entity, delivery::Column::Id)),
        )
        .take();
    // One whose worker lost its lease has no last attempt yet.
    Condition::any().add(delivery::Column::LastTriedAt.is_not_null()).add(of_each(attempts))
}

/// Deliveries that the actor may see. LEADER and AUDITOR see all that happens; an ADMIN sees only what left, since
/// what waits or was withheld would tell of events.
pub fn visible_deliveries(actor: &Actor) -> Condition {
    let all = Condition::all();
    if actor.has_any(&[Role::Leader, Role::Auditor]) {
        return all;
    }
    if actor.is(Role::Admin) {
        return all.add(has_left());
    }
    all.add(Expr::val(1).eq(0))
}

/// The delivery is in one of `states`. They stand in the statement itself: a plan for whatever state goes through all of an
/// endpoint's deliveries, and not by the index of the few that did not come through.
fn is_in(states: &[DeliveryState]) -> SimpleExpr {
    let states: Vec<String> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
    Expr::cust(format!("\"delivery\".\"state\" IN ({})", states.join(", ")))
}

/// Which deliveries of an endpoint.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// About this event.
    pub event: Option<Uuid>,
    /// Of this type.
    pub kind: Option<String>,
}

/// A page of an endpoint's deliveries, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn deliveries(
    app: &App,
    actor: &Actor,
    endpoint: Uuid,
    filter: &DeliveryFilter,
    input: &PageInput,
) -> Result<Page<delivery::Model>> {
    use delivery::{Column, Entity};
    let mut select = Entity::find().filter(Column::EndpointId.eq(endpoint)).filter(visible_deliveries(actor));
    if let Some(state) = filter.state {
        select = select.filter(is_in(&[state]));
    }
    if let Some(event) = filter.event {
        select =
            select.filter(Column::EventId.eq(event)).filter(visible(actor, Facet::Content, Column::EventId));
    }
    if let Some(kind) = &filter.kind {
        select = select.filter(Column::Kind.eq(kind.as_str()));
    }
    let keyset = Keyset { column: Column::CreatedAt, id: Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// The delivery, if it is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find_delivery(app: &App, actor: &Actor, id: Uuid) -> Result<delivery::Model> {
    delivery::Entity::find_by_id(id)
        .filter(visible_deliveries(actor))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// Deliveries of an endpoint that ended in one of `states` and were made at or after `since`, oldest first; those after
/// the cursor `after` alone. With them the cursor after which there are more; none when these are all.
///
/// # Errors
/// BAD_USER_INPUT when `after` is no such cursor; of the database.
pub async fn finished(
    app: &App,
    actor: &Actor,
    endpoint: Uuid,
    states: &[DeliveryState],
    since: DateTime<Utc>,
    after: Option<&str>,
    most: usize,
) -> Result<(Vec<Uuid>, Option<String>)> {
    use delivery::{Column, Entity};
    let keyset = Keyset { column: Column::CreatedAt, id: Column::Id, descending: false };
    let mut select: Select<Entity> = Entity::find()
        .filter(Column::EndpointId.eq(endpoint))
        .filter(is_in(states))
        .filter(Column::CreatedAt.gte(since))
        .filter(visible_deliveries(actor))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(most as u64 + 1);
    if let Some(after) = after {
        select = select.filter(keyset.beyond("input.after", after, true)?);
    }
    let mut rows = select.all(app.database.reader()).await?;
    let more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| more).map(|last| keyset.cursor(last)).transpose()?;
    Ok((rows.into_iter().map(|row| row.id).collect(), next))
}

/// Puts deliveries back to be tried from the start; their ids stay, so a receiver recognises them.
pub fn replay(app: &App, ids: impl IntoIterator<Item = Uuid>, at: DateTime<Utc>) -> UpdateStatement {
    use delivery::Column;
    Query::update()
        .table(delivery::Entity)
        .value(Column::State, DeliveryState::Pending.as_str())
        .value(Column::DueAt, at)
        .value(Column::Attempts, 0)
        .value(Column::LeaseOwner, Option::<Uuid>::None)
        .value(Column::LeaseUntil, Option::<DateTime<Utc>>::None)
        .value(Column::FinishedAt, Option::<DateTime<Utc>>::None)
        .value(Column::Note, Option::<String>::None)
        .and_where(is_one_of(app.database.backend(), Column::Id, ids))
        .and_where(Column::State.ne(DeliveryState::Pending))
        .take()
}

/// Cancels what an endpoint still has to be sent.
pub fn cancel_pending(endpoint: Uuid, at: DateTime<Utc>, note: &str) -> UpdateStatement {
    use delivery::Column;
    Query::update()
        .table(delivery::Entity)
        .value(Column::State, DeliveryState::Cancelled.as_str())
        .value(Column::FinishedAt, at)
        .value(Column::Note, note)
        .and_where(Column::EndpointId.eq(endpoint))
        .and_where(Column::State.eq(DeliveryState::Pending))
        .take()
}

/// Messages by id.
///
/// # Errors
/// Of the database.
pub async fn messages(
    app: &App,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, message::Model>> {
    let wanted = is_one_of(app.database.backend(), message::Column::Id, ids);
    let rows = message::Entity::find().filter(wanted).all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// What was seen of a subject, by each issuer.
///
/// # Errors
/// Of the database.
pub async fn principals(app: &App, subject: &str) -> Result<Vec<principal::Model>> {
    let select = principal::Entity::find().filter(principal::Column::Subject.eq(subject));
    Ok(select.all(app.database.reader()).await?)
}

/// Endpoints that are delivered to, by id after `after`.
///
/// # Errors
/// Of the database.
pub async fn active(app: &App, after: Uuid) -> Result<Vec<webhook_endpoint::Model>> {
    use webhook_endpoint::{Column, Entity};
    let select = Entity::find()
        .filter(Column::State.eq(EndpointState::Active))
        .filter(Column::DeletedAt.is_null())
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Those of `events` whose `facet` the actor may see, as they now are, without their long texts where `light`: one statement.
///
/// # Errors
/// Of the database.
pub async fn visible_events(
    app: &App,
    actor: &Actor,
    facet: Facet,
    events: &HashSet<Uuid>,
    light: bool,
) -> Result<HashMap<Uuid, event::Model>> {
    if events.is_empty() || actor.keys(facet).is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = is_one_of(app.database.backend(), event::Column::Id, events.iter().copied());
    let long = [event::Column::Description, event::Column::Steps];
    let select = if light { ahead::without::<event::Entity>(&long) } else { event::Entity::find() };
    let select = select.filter(wanted).filter(visible(actor, facet, event::Column::Id));
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The reports of `events` whose public side the actor may see, with their channel.
///
/// # Errors
/// Of the database.
pub async fn visible_reports(app: &App, actor: &Actor, events: &HashSet<Uuid>) -> Result<Vec<report::Model>> {
    let keys = actor.keys(Facet::Public);
    if events.is_empty() || keys.is_empty() {
        return Ok(Vec::new());
    }
    let own = Query::select()
        .column(event_access::Column::ReportId)
        .from(event_access::Entity)
        .and_where(event_access::Column::Facet.eq(Facet::Public))
        .and_where(Expr::col(event_access::Column::Principal).is_in(keys))
        .and_where(is_one_of(app.database.backend(), event_access::Column::EventId, events.iter().copied()))
        .take();
    let select = report::Entity::find().filter(report::Column::Id.in_subquery(own));
    Ok(select.order_by_asc(report::Column::Id).all(app.database.reader()).await?)
}

/// Channels through which reports of each event came.
///
/// # Errors
/// Of the database.
pub async fn channels_of(app: &App, events: &HashSet<Uuid>) -> Result<HashSet<(Uuid, Uuid)>> {
    let wanted = is_one_of(app.database.backend(), report::Column::EventId, events.iter().copied());
    let rows: Vec<(Uuid, Uuid)> = report::Entity::find()
        .select_only()
        .columns([report::Column::EventId, report::Column::ChannelId])
        .filter(wanted)
        .into_tuple()
        .all(app.database.reader())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Products on each event that are not found unaffected.
///
/// # Errors
/// Of the database.
pub async fn products_of(app: &App, events: &HashSet<Uuid>) -> Result<Vec<affected_product::Model>> {
    let wanted = is_one_of(app.database.backend(), affected_product::Column::EventId, events.iter().copied());
    let select = affected_product::Entity::find()
        .filter(wanted)
        .filter(affected_product::Column::State.ne(AffectedState::NotAffected));
    Ok(select.order_by_asc(affected_product::Column::Id).all(app.database.reader()).await?)
}

/// What of `events` may go abroad: what is public whole, as replies do, and else what the newest decision about it lets
/// go. Those of which nothing may are left out.
///
/// # Errors
/// Of the database.
pub async fn abroad(app: &App, events: &HashSet<Uuid>) -> Result<HashMap<Uuid, Abroad>> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let open = event::Entity::find()
        .filter(is_one_of(backend, event::Column::Id, events.iter().copied()))
        .filter(event::Column::Tlp.eq(Tlp::Clear))
        .all(db);
    let decided = decision::Entity::find()
        .filter(is_one_of(backend, decision::Column::EventId, events.iter().copied()))
        .filter(decision::Column::Kind.eq(DecisionKind::ReportAbroad))
        .filter(decision::Column::DecidedAt.is_not_null())
        .order_by_asc(decision::Column::DecidedAt)
        .order_by_asc(decision::Column::Id)
        .all(db);
    let (open, decided) = tokio::try_join!(open, decided)?;
    let newest: HashMap<Uuid, Option<AbroadExtent>> =
        decided.into_iter().map(|row| (row.event_id, row.extent)).collect();
    let asks_home = newest.values().any(|extent| *extent == Some(AbroadExtent::AllowAfterDomesticReport));
    let reported = if asks_home { reported_at_home(app, events).await? } else { HashSet::new() };
    let decided = newest
        .into_iter()
        .filter_map(|(id, extent)| Some((id, rules::abroad(extent, reported.contains(&id))?)));
    let mut may: HashMap<Uuid, Abroad> = decided.collect();
    may.extend(
        crate::protection::store::disclosed(app, &open).await?.into_iter().map(|id| (id, Abroad::Full)),
    );
    Ok(may)
}

/// Those of `events` of which a regulator or database at home has a report, sent to it.
async fn reported_at_home(app: &App, events: &HashSet<Uuid>) -> Result<HashSet<Uuid>> {
    use ReplyKind::{Acknowledgement, Thanks};
    let home = Query::select()
        .column(channel::Column::Id)
        .from(channel::Entity)
        .and_where(channel::Column::Abroad.eq(false))
        .and_where(channel::Column::Kind.is_in([ChannelKind::Regulator, ChannelKind::NationalDatabase]))
        .take();
    let sent: Vec<Uuid> = reply::Entity::find()
        .select_only()
        .column(reply::Column::EventId)
        .filter(is_one_of(app.database.backend(), reply::Column::EventId, events.iter().copied()))
        .filter(reply::Column::State.eq(ReplyState::Sent))
        .filter(reply::Column::Kind.is_not_in([Acknowledgement, Thanks]))
        .filter(reply::Column::ChannelId.in_subquery(home))
        .into_tuple()
        .all(app.database.reader())
        .await?;
    Ok(sent.into_iter().collect())
}
