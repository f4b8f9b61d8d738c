//! What the reach of an event's content follows from.

use entity::vocabulary::{ChannelKind, DecisionKind, WorldFactKind};
use entity::{affected_customer, channel, customer, decision, event, report, world_fact};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::rules::{Reach, is_disclosed, is_embargoed};
use crate::app::App;
use crate::error::Result;

/// How far an event's content may go to a channel at the clock's present instant.
///
/// # Errors
/// Of the database.
pub async fn reach(app: &App, event: &event::Model, channel: &channel::Model) -> Result<Reach> {
    let (db, now) = (app.database.reader(), app.clock.now());
    let known = world_fact::Entity::find()
        .filter(world_fact::Column::EventId.eq(event.id))
        .filter(world_fact::Column::Kind.eq(WorldFactKind::PubliclyKnown))
        .one(db);
    let decided = decision::Entity::find()
        .filter(decision::Column::EventId.eq(event.id))
        .filter(decision::Column::Kind.is_in([DecisionKind::Disclose, DecisionKind::ReportAbroad]))
        .filter(decision::Column::DecidedAt.is_not_null())
        .order_by_asc(decision::Column::DecidedAt)
        .order_by_asc(decision::Column::Id)
        .all(db);
    let reported = report::Entity::find()
        .filter(report::Column::EventId.eq(event.id))
        .filter(report::Column::ChannelId.eq(channel.id))
        .one(db);
    let (known, decided, reported) = tokio::try_join!(known, decided, reported)?;
    let granted = |kind| {
        let newest = decided.iter().rev().find(|row| row.kind == kind);
        newest.is_some_and(|row| row.granted == Some(true))
    };
    let abroad = channel.abroad || is_for_customers_abroad(app, event, channel).await?;
    let may_go = if abroad && granted(DecisionKind::ReportAbroad) {
        crate::webhook::store::abroad(app, &[event.id].into()).await?.remove(&event.id)
    } else {
        None
    };
    Ok(Reach {
        tlp: event.tlp,
        embargoed: is_embargoed(event.embargo_until, now),
        disclosed: is_disclosed(event, known.is_some(), granted(DecisionKind::Disclose), now),
        abroad,
        may_go,
        reported: reported.is_some(),
    })
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
