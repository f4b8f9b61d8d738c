//! From messages to deliveries: which endpoints are told.
//!
//! Runs in the transaction that gives messages their positions, so each message is fanned out exactly once and in
//! order. It looks at types only. Whether an endpoint may know of an event is decided when the delivery leaves:
//! between the two, an event may be raised or a grant taken away. The number that a receiver sees is given then, so
//! that no gap tells of what it may not know.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::{message, webhook_endpoint};
use sea_orm::DatabaseTransaction;
use serde_json::json;
use uuid::Uuid;

use super::{queue, rules};
use crate::app::App;
use crate::database::given_time;
use crate::error::Result;
use crate::outbox::MessageKind;

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
    let now = app.clock.now();
    let rows: Vec<_> = messages
        .iter()
        .flat_map(|message| {
            endpoints
                .iter()
                .filter(|endpoint| is_told(endpoint, message, now))
                .map(|endpoint| row(app.ids.next(), endpoint, message, now))
        })
        .collect();
    let written = rows.len() as u64;
    if written > 0 {
        queue::insert(transaction, rows).await?;
    }
    Ok(written)
}

fn row(
    id: Uuid,
    endpoint: &webhook_endpoint::Model,
    message: &message::Model,
    now: DateTime<Utc>,
) -> serde_json::Value {
    json!({
        "id": id, "endpoint_id": endpoint.id, "message_id": message.id, "event_id": message.event_id,
        "kind": message.kind, "position": message.position, "at": given_time(now),
    })
}

/// Whether a message becomes a delivery of an endpoint.
fn is_told(endpoint: &webhook_endpoint::Model, message: &message::Model, now: DateTime<Utc>) -> bool {
    if endpoint.deleted_at.is_some() {
        return false;
    }
    match message.endpoint_id {
        Some(addressee) => addressee == endpoint.id,
        None => {
            rules::gathers(endpoint, now)
                && rules::subscribes(&endpoint.message_types.0, &message.kind)
                && MessageKind::parse(&message.kind).is_some_and(|kind| {
                    endpoint.grant_role.parse().is_ok_and(|role| rules::may_be_told(role, kind))
                })
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
