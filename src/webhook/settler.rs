//! Writes what came of attempts, a hundred at a time, and watches how endpoints fare.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::DeliveryState;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::queue::Settled;
use super::receiver::Receiver;
use super::schedule::{self, Outcome};
use super::{queue, trouble};
use crate::app::App;
use crate::error::Result;
use crate::outbox::outlasting;

/// Most outcomes written at once.
const BATCH: usize = 100;
/// How long an endpoint counts as well without that being written again.
const WELL_FOR: TimeDelta = TimeDelta::minutes(1);

/// What is to be written. All that one worker writes of the deliveries it holds goes through here, one after the
/// other, so that its statements never wait for each other's rows.
pub(super) enum Work {
    /// A delivery is no longer held.
    Settle(Box<Settlement>),
    /// These are held on.
    Renew(Vec<Uuid>),
}

/// What came of one delivery.
pub(super) struct Settlement {
    pub(super) settled: Settled,
    /// The attempt's outcome and where it went; none when nothing was sent.
    pub(super) tried: Option<(Outcome, Arc<Receiver>)>,
}

/// Writes as the work comes, and answers which deliveries are no longer held. Ends with the sender.
pub(super) async fn run(
    app: Arc<App>,
    owner: Uuid,
    mut work: mpsc::UnboundedReceiver<Work>,
    written: impl Fn(Vec<Uuid>),
) {
    let mut watch = Watch::default();
    let mut batch = Vec::with_capacity(BATCH);
    while work.recv_many(&mut batch, BATCH).await > 0 {
        let (mut settled, mut tried, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for work in batch.drain(..) {
            match work {
                Work::Settle(one) => {
                    settled.push(one.settled);
                    tried.push(one.tried);
                }
                Work::Renew(ids) => held.extend(ids),
            }
        }
        if !held.is_empty() {
            // Without it the leases end, and another worker sends again: more than once, but never not.
            if let Err(error) = queue::renew(&app.database, owner, held, app.clock.now()).await {
                tracing::warn!(%error, "leases of webhook deliveries were not renewed");
            }
        }
        if settled.is_empty() {
            continue;
        }
        // What is not written now is sent again when its lease has ended.
        let settling =
            async || Ok(queue::settle(&app.database, &app.ids, owner, &settled, app.clock.now()).await?);
        if let Err(error) = outlasting(settling).await {
            tracing::error!(?error, deliveries = settled.len(), "outcomes of deliveries were not written");
        }
        if let Err(error) = watch.see(&app, &settled, &tried).await {
            tracing::error!(?error, "the state of webhook endpoints was not written");
        }
        written(settled.into_iter().map(|settled| settled.id).collect());
    }
}

/// When it was last written that endpoints are well. Other workers write too, so none of it holds for long.
#[derive(Default)]
struct Watch(HashMap<Uuid, DateTime<Utc>>);

/// How an endpoint fared in one batch.
#[derive(Default)]
struct Fared {
    delivered: bool,
    failed: bool,
    gone: bool,
    dead: i32,
}

impl Watch {
    async fn see(
        &mut self,
        app: &App,
        settled: &[Settled],
        tried: &[Option<(Outcome, Arc<Receiver>)>],
    ) -> Result<()> {
        let mut endpoints: HashMap<Uuid, (Arc<Receiver>, Fared)> = HashMap::new();
        for (settled, tried) in settled.iter().zip(tried) {
            let Some((outcome, receiver)) = tried else { continue };
            let entry = endpoints.entry(receiver.row.id);
            let (_, fared) = entry.or_insert_with(|| (Arc::clone(receiver), Fared::default()));
            match outcome {
                Outcome::Delivered => fared.delivered = true,
                Outcome::Gone => fared.gone = true,
                Outcome::Busy(_) | Outcome::Failed => fared.failed = true,
            }
            fared.dead += i32::from(settled.state == DeliveryState::Dead);
        }
        for (receiver, fared) in endpoints.into_values() {
            self.note(app, &receiver, &fared).await?;
        }
        Ok(())
    }

    async fn note(&mut self, app: &App, receiver: &Receiver, fared: &Fared) -> Result<()> {
        let (row, now) = (&receiver.row, app.clock.now());
        let mut failing_since = None;
        if fared.delivered {
            if self.0.get(&row.id).is_none_or(|at| now.signed_duration_since(*at) >= WELL_FOR) {
                queue::set_well(&app.database, row.id).await?;
                self.0.insert(row.id, now);
            }
        } else if fared.failed {
            self.0.remove(&row.id);
            failing_since = Some(queue::failing_since(&app.database, row.id, now).await?);
        }
        if fared.dead > 0 {
            trouble::tell_of_dead(app, row, fared.dead).await?;
        }
        if fared.gone {
            trouble::disable(app, row.id, "the receiver answered 410: it wants no more").await?;
        } else if failing_since.is_some_and(|since| schedule::is_given_up(since, now)) {
            trouble::disable(app, row.id, "the receiver took nothing for five days").await?;
        }
        Ok(())
    }
}
