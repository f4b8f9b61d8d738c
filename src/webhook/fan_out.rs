//! From messages to deliveries: which endpoints are told, and as which in their sequence.
//!
//! Runs in the transaction that gives messages their positions, so each message is fanned out exactly once and in
//! order. It looks at types only. Whether an endpoint may know of an event is decided when the delivery leaves:
//! between the two, an event may be raised or a grant taken away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::vocabulary::{EndpointState, GrantState};
use entity::{message, webhook_endpoint};
use sea_orm::DatabaseTransaction;
use serde_json::json;
use uuid::Uuid;

use super::{queue, rules};
use crate::app::App;
use crate::database::given_time;
use crate::error::Result;

/// The endpoints as this process last read them.
#[derive(Debug, Default)]
pub struct Routes(Mutex<Option<(i64, Arc<[webhook_endpoint::Model]>)>>);

/// Writes the deliveries of `messages`, which have just been positioned, and answers how many.
///
/// # Errors
/// Of the database.
pub async fn fan_out(
    app: &App,
    transaction: &DatabaseTransaction,
    messages: &[message::Model],
) -> Result<u64> {
    if messages.is_empty() {
        return Ok(0);
    }
    let endpoints = current(&app.routes, transaction).await?;
    let routed: Vec<(&webhook_endpoint::Model, &message::Model)> = messages
        .iter()
        .flat_map(|message| {
            endpoints
                .iter()
                .filter(|endpoint| is_told(endpoint, message))
                .map(move |endpoint| (endpoint, message))
        })
        .collect();
    if routed.is_empty() {
        return Ok(0);
    }
    let mut counts: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for (endpoint, message) in &routed {
        *counts.entry(place(endpoint, message)).or_default() += 1;
    }
    let mut next = queue::advance_sequences(transaction, &counts).await?;
    let now = app.clock.now();
    let rows = routed.iter().map(|(endpoint, message)| {
        let sequence = next.entry(place(endpoint, message)).or_insert(1);
        let row = row(app.ids.next(), endpoint, message, *sequence, now);
        *sequence += 1;
        row
    });
    queue::insert(transaction, rows.collect()).await?;
    Ok(routed.len() as u64)
}

/// Whose sequence a delivery counts in: the endpoint's, for the event or for all that is about none.
fn place(endpoint: &webhook_endpoint::Model, message: &message::Model) -> (Uuid, Uuid) {
    (endpoint.id, message.event_id.unwrap_or(Uuid::nil()))
}

fn row(
    id: Uuid,
    endpoint: &webhook_endpoint::Model,
    message: &message::Model,
    sequence: i64,
    now: DateTime<Utc>,
) -> serde_json::Value {
    json!({
        "id": id, "endpoint_id": endpoint.id, "message_id": message.id, "event_id": message.event_id,
        "kind": message.kind, "sequence": sequence, "at": given_time(now),
    })
}

/// Whether a message becomes a delivery of an endpoint. What a paused endpoint misses waits for it.
fn is_told(endpoint: &webhook_endpoint::Model, message: &message::Model) -> bool {
    if endpoint.deleted_at.is_some() || endpoint.state == EndpointState::Disabled {
        return false;
    }
    match message.endpoint_id {
        Some(addressee) => addressee == endpoint.id,
        None => {
            endpoint.grant_state == GrantState::Confirmed
                && rules::subscribes(&endpoint.message_types.0, &message.kind)
        }
    }
}

/// The endpoints as they are in this transaction. Any change of one raises the sum of their revisions.
async fn current(
    routes: &Routes,
    transaction: &DatabaseTransaction,
) -> Result<Arc<[webhook_endpoint::Model]>> {
    let version = queue::endpoints_version(transaction).await?;
    let known = routes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((_, endpoints)) = known.filter(|(known, _)| *known == version) {
        return Ok(endpoints);
    }
    let endpoints: Arc<[_]> = queue::endpoints(transaction).await?.into();
    *routes.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, Arc::clone(&endpoints)));
    Ok(endpoints)
}
