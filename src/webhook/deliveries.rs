//! Delivering again what a receiver missed.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use entity::vocabulary::DeliveryState;
use entity::{delivery, webhook_endpoint};
use serde::Serialize;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet};

/// Most deliveries that are put back at once.
const MOST: usize = 1_000;

/// A delivery to send again. 待重新推送的记录。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct ReplayDelivery {
    /// The delivery. 推送记录。
    pub delivery: Id<delivery::Entity>,
    /// Sent again with the same key, it is done once. 幂等键；相同的键只执行一次。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// What to send again. 待批量重新推送的范围。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct ReplayDeliveries {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// Made at or after this instant. 起始时间（含）。
    pub since: DateTime<Utc>,
    /// Where the last call ended: its `nextCursor`. The same range goes on from there. 上次返回的 nextCursor，从该处继续。
    pub after: Option<String>,
    /// Those that were delivered as well as those given up. 是否包含已送达的记录。
    #[graphql(default)]
    pub delivered_too: bool,
    /// Those that were withheld as well: what may leave is decided anew. 是否包含被拦截的记录；能否外发将重新判定。
    #[graphql(default)]
    pub withheld_too: bool,
    /// Sent again with the same key, it is done once. 幂等键；相同的键只执行一次。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Puts a delivery back to be sent, with its id and sequence. What was withheld is decided anew.
///
/// # Errors
/// By policy; NOT_FOUND when it is hidden or absent; a refusal when it is not finished.
pub async fn replay(app: &App, actor: &Actor, input: &ReplayDelivery) -> Result<delivery::Model> {
    require(actor, Action::ReplayDelivery)?;
    let row = store::find_delivery(app, actor, input.delivery.0).await?;
    let endpoint = store::find(app, row.endpoint_id).await?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::ReplayDelivery, key, input).await? {
        Replay::Done(_) => return Ok(row),
        Replay::First(key) => key,
    };
    if row.state == DeliveryState::Pending {
        let message = "it waits to be sent already";
        return Err(Error::refused(RefusalCode::MoveNotAllowed, message));
    }
    let mut changes = ChangeSet::new(app, actor, Action::ReplayDelivery)
        .because(Some(crate::ids::encode(crate::ids::Kind::Delivery, row.id)));
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    changes.write_update(store::replay(app, [row.id], changes.at()));
    changes.revise(app, &endpoint, endpoint.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    store::find_delivery(app, actor, row.id).await
}

/// What was put back.
pub struct Replayed {
    /// The endpoint.
    pub endpoint: webhook_endpoint::Model,
    /// How many; not kept for a key that came before.
    pub count: Option<usize>,
    /// Where there are more; not kept either.
    pub next: Option<String>,
}

/// Puts deliveries of an endpoint back to be sent, at most a thousand.
///
/// # Errors
/// By policy; NOT_FOUND; BAD_USER_INPUT on a cursor that is none.
pub async fn replay_since(app: &App, actor: &Actor, input: &ReplayDeliveries) -> Result<Replayed> {
    require(actor, Action::ReplayDeliveries)?;
    let endpoint = store::find(app, input.endpoint.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::ReplayDeliveries, key, input).await? {
        Replay::Done(_) => return Ok(Replayed { endpoint, count: None, next: None }),
        Replay::First(key) => key,
    };
    let states: Vec<DeliveryState> = [
        (DeliveryState::Dead, true),
        (DeliveryState::Delivered, input.delivered_too),
        (DeliveryState::Cancelled, input.withheld_too),
    ]
    .into_iter()
    .filter_map(|(state, wanted)| wanted.then_some(state))
    .collect();
    let after = input.after.as_deref();
    let (ids, next) = store::finished(app, actor, endpoint.id, &states, input.since, after, MOST).await?;
    if ids.is_empty() {
        return Ok(Replayed { endpoint, count: Some(0), next });
    }
    let count = ids.len();
    let mut changes = ChangeSet::new(app, actor, Action::ReplayDeliveries)
        .because(Some(format!("{count} made since {}", input.since.to_rfc3339())));
    if let Some(key) = &key {
        changes.remember(key, endpoint.id);
    }
    changes.write_update(store::replay(app, ids, changes.at()));
    let endpoint = changes.revise(app, &endpoint, endpoint.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(Replayed { endpoint, count: Some(count), next })
}
