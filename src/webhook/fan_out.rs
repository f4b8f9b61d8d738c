//! From messages to deliveries: which endpoints are told.
//!
//! Deliveries are written with the positions of their messages, so each message is fanned out exactly once and in
//! order. It looks at types only. Whether an endpoint may know of an event is decided when the delivery leaves:
//! between the two, an event may be raised or a grant taken away. The number that a receiver sees is given then, so
//! that no gap tells of what it may not know.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::webhook_endpoint;
use uuid::Uuid;

use super::{queue, rules};
use crate::app::App;
use crate::error::Result;
use crate::outbox::{MessageKind, Waiting};

/// The endpoints as this process last read them.
#[derive(Debug, Default)]
pub struct Routes(Mutex<Option<(i64, Arc<[webhook_endpoint::Model]>)>>);

/// The deliveries of `messages`, which are about to get these positions, as [`queue::QUEUED`] has them. `version` is
/// the sum of the endpoints' revisions when the messages were read.
///
/// # Errors
/// Of the database.
pub async fn fan_out(app: &App, version: i64, messages: &[(Waiting, i64)]) -> Result<Vec<queue::Queued>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let endpoints = current(app, version).await?;
    let now = app.clock.now();
    let rows = messages.iter().flat_map(|(message, position)| {
        endpoints
            .iter()
            .filter(|endpoint| is_told(endpoint, message, now))
            .map(|endpoint| row(app.ids.next(), endpoint, message, *position, now))
    });
    Ok(rows.collect())
}

fn row(
    id: Uuid,
    endpoint: &webhook_endpoint::Model,
    message: &Waiting,
    position: i64,
    now: DateTime<Utc>,
) -> queue::Queued {
    [
        id.into(),
        endpoint.id.into(),
        message.id.into(),
        message.event_id.into(),
        message.kind.as_str().into(),
        position.into(),
        now.into(),
    ]
}

/// Whether a message becomes a delivery of an endpoint.
fn is_told(endpoint: &webhook_endpoint::Model, message: &Waiting, now: DateTime<Utc>) -> bool {
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

/// The endpoints as they were at `version` or later: any change of one raises it.
async fn current(app: &App, version: i64) -> Result<Arc<[webhook_endpoint::Model]>> {
    let known = app.routes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((_, endpoints)) = known.filter(|(known, _)| *known == version) {
        return Ok(endpoints);
    }
    let endpoints: Arc<[_]> = queue::endpoints(app.database.reader()).await?.into();
    *app.routes.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, Arc::clone(&endpoints)));
    Ok(endpoints)
}
