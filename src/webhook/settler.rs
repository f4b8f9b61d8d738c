//! Writes what came of attempts, a hundred at a time, and watches how endpoints fare.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::vocabulary::DeliveryState;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::queue::Settled;
use super::receiver::Receiver;
use super::schedule::{self, Outcome};
use super::{queue, trouble};
use crate::app::App;
use crate::error::Result;

/// Most outcomes written at once.
const BATCH: usize = 100;

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
        if let Err(error) = queue::settle(&app.database, owner, &settled, app.clock.now()).await {
            tracing::error!(%error, deliveries = settled.len(), "outcomes of deliveries were not written");
        }
        if let Err(error) = watch.see(&app, &settled, &tried).await {
            tracing::error!(?error, "the state of webhook endpoints was not written");
        }
        written(settled.into_iter().map(|settled| settled.id).collect());
    }
}

/// Since when endpoints have failed, as last written, under the revision that was read.
#[derive(Default)]
struct Watch(HashMap<Uuid, (i64, Option<DateTime<Utc>>)>);

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
        let known = self.0.entry(row.id).or_insert((row.revision, row.failing_since));
        if known.0 != row.revision {
            *known = (row.revision, row.failing_since);
        }
        let since = match known.1 {
            _ if fared.delivered => None,
            None if fared.failed => Some(now),
            since => since,
        };
        if since != known.1 {
            queue::set_failing_since(&app.database, row.id, since).await?;
            known.1 = since;
        }
        if fared.dead > 0 {
            trouble::tell_of_dead(app, row, fared.dead).await?;
        }
        if fared.gone {
            trouble::disable(app, row.id, "the receiver answered 410: it wants no more").await?;
        } else if fared.failed && schedule::is_given_up(since, now) {
            trouble::disable(app, row.id, "the receiver took nothing for five days").await?;
        }
        Ok(())
    }
}
