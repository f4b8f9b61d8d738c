//! What the reach of an event's content follows from.

use std::collections::{HashMap, HashSet};

use entity::vocabulary::{AffectedState, ChannelKind, DecisionKind, WorldFactKind};
use entity::{
    affected_customer, affected_product, channel, customer, decision, event, obligation, product_customer,
    report, world_fact,
};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::rules::{Reach, is_disclosed, is_embargoed};
use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;

/// How far an event's content may go to a channel at the clock's present instant.
///
/// # Errors
/// Of the database.
pub async fn reach(app: &App, event: &event::Model, channel: &channel::Model) -> Result<Reach> {
    let reported = report::Entity::find()
        .filter(report::Column::EventId.eq(event.id))
        .filter(report::Column::ChannelId.eq(channel.id));
    let reported = reported.one(app.database.reader()).await?.is_some();
    let abroad = channel.abroad || is_for_customers_abroad(app, event, channel, reported).await?;
    let may_go = if abroad {
        crate::webhook::store::abroad(app, &[event.id].into()).await?.remove(&event.id)
    } else {
        None
    };
    Ok(Reach {
        tlp: event.tlp,
        embargoed: is_embargoed(event.embargo_until, app.clock.now()),
        disclosed: disclosed(app, std::slice::from_ref(event)).await?.contains(&event.id),
        abroad,
        may_go,
        reported,
    })
}

/// Those of `events` that are public at the clock's present instant ([`is_disclosed`]): the one answer to what may leave
/// without a decision about going abroad, for replies, webhooks and tickets.
///
/// # Errors
/// Of the database.
pub async fn disclosed(app: &App, events: &[event::Model]) -> Result<HashSet<Uuid>> {
    let (db, now) = (app.database.reader(), app.clock.now());
    let (backend, ids) = (app.database.backend(), || events.iter().map(|event| event.id));
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let known = world_fact::Entity::find()
        .filter(is_one_of(backend, world_fact::Column::EventId, ids()))
        .filter(world_fact::Column::Kind.eq(WorldFactKind::PubliclyKnown))
        .all(db);
    let decided = decision::Entity::find()
        .filter(is_one_of(backend, decision::Column::EventId, ids()))
        .filter(decision::Column::Kind.eq(DecisionKind::Disclose))
        .filter(decision::Column::DecidedAt.is_not_null())
        .order_by_asc(decision::Column::DecidedAt)
        .order_by_asc(decision::Column::Id)
        .all(db);
    let (known, decided) = tokio::try_join!(known, decided)?;
    let known: HashSet<Uuid> = known.into_iter().map(|fact| fact.event_id).collect();
    // The newest of each event stands.
    let granted: HashMap<Uuid, bool> =
        decided.into_iter().map(|row| (row.event_id, row.granted == Some(true))).collect();
    let is_public = |event: &&event::Model| {
        let granted = granted.get(&event.id).copied().unwrap_or_default();
        is_disclosed(event, known.contains(&event.id), granted, now)
    };
    Ok(events.iter().filter(is_public).map(|event| event.id).collect())
}

/// Whether what goes through a channel of customers reaches one abroad. Which of an event's customers it is for is not on
/// record, so one abroad is enough; unless the event owes its customers notices through the channel, which are for those
/// where the channel is, and nobody reported through it.
async fn is_for_customers_abroad(
    app: &App,
    event: &event::Model,
    channel: &channel::Model,
    reported: bool,
) -> Result<bool> {
    if channel.kind != ChannelKind::Customer {
        return Ok(false);
    }
    let db = app.database.reader();
    let of_customers = Condition::any()
        .add(obligation::Column::ProductId.is_not_null())
        .add(obligation::Column::CustomerId.is_not_null());
    let owed = obligation::Entity::find()
        .filter(obligation::Column::EventId.eq(event.id))
        .filter(obligation::Column::ChannelId.eq(channel.id))
        .filter(of_customers);
    if !reported && owed.one(db).await?.is_some() {
        return Ok(false);
    }
    let recorded = Query::select()
        .column(affected_customer::Column::CustomerId)
        .from(affected_customer::Entity)
        .and_where(affected_customer::Column::EventId.eq(event.id))
        .take();
    let touched = Query::select()
        .column(affected_product::Column::ProductId)
        .from(affected_product::Entity)
        .and_where(affected_product::Column::EventId.eq(event.id))
        .and_where(affected_product::Column::State.is_in([AffectedState::Affected, AffectedState::Fixed]))
        .take();
    let using = Query::select()
        .column(product_customer::Column::CustomerId)
        .from(product_customer::Entity)
        .and_where(product_customer::Column::ProductId.in_subquery(touched))
        .take();
    let theirs = Condition::any()
        .add(customer::Column::Id.in_subquery(recorded))
        .add(customer::Column::Id.in_subquery(using));
    let abroad = customer::Entity::find().filter(customer::Column::Abroad.eq(true)).filter(theirs);
    Ok(abroad.one(db).await?.is_some())
}
