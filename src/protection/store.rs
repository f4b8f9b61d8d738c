//! What the reach of an event's content follows from.

use std::collections::{HashMap, HashSet};

use entity::vocabulary::{ChannelKind, DecisionKind, WorldFactKind};
use entity::{affected_customer, channel, customer, decision, event, report, world_fact};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
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
    let reported = reported.one(app.database.reader()).await?;
    let abroad = channel.abroad || is_for_customers_abroad(app, event, channel).await?;
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
        reported: reported.is_some(),
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

/// Whether what goes through a channel of customers reaches one abroad: which of an event's customers it is for is not
/// on record, so one abroad is enough.
async fn is_for_customers_abroad(app: &App, event: &event::Model, channel: &channel::Model) -> Result<bool> {
    if channel.kind != ChannelKind::Customer {
        return Ok(false);
    }
    let affected = Query::select()
        .column(affected_customer::Column::CustomerId)
        .from(affected_customer::Entity)
        .and_where(affected_customer::Column::EventId.eq(event.id))
        .take();
    let abroad = customer::Entity::find()
        .filter(customer::Column::Abroad.eq(true))
        .filter(customer::Column::Id.in_subquery(affected));
    Ok(abroad.one(app.database.reader()).await?.is_some())
}
