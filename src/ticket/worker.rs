//! Keeps tickets in step: looks for what is due after every commit and in intervals.
//!
//! Each tracker is served for itself, one ticket after the other, so a slow one delays nobody but itself. When one
//! fails in a way that may pass, the rest of its tickets wait for the next look.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use entity::tracker;
use entity::vocabulary::TrackerState;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store;
use super::sync::{Synced, sync};
use crate::app::App;
use crate::error::Result;
use crate::outbound::{Client, ClientError};

/// When to look although nobody signalled.
const SWEEP: Duration = Duration::from_secs(10);
/// How soon a signal is followed by a look, so that many commits share one.
const GATHER: Duration = Duration::from_millis(200);
/// Tickets of one tracker that one pass takes.
const BATCH: u64 = 20;
/// Trackers that are spoken to at once.
const MOST: usize = 16;

/// Keeps tickets in step until `stop`; what is being said then is said to its end.
///
/// # Errors
/// When the HTTP client cannot be made.
pub async fn run(app: Arc<App>, stop: CancellationToken) -> std::result::Result<(), ClientError> {
    let client = Client::new(app.outbound.clone())?;
    keep(app, client, stop).await;
    Ok(())
}

async fn keep(app: Arc<App>, client: Client, stop: CancellationToken) {
    let mut committed = app.wake.anywhere();
    let mut rounds = Rounds { app, client, tasks: JoinSet::new(), busy: HashMap::new() };
    loop {
        if let Err(error) = rounds.begin().await {
            tracing::error!(?error, "tickets were not kept in step");
        }
        let next = tokio::time::sleep(SWEEP);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    rounds.tasks.join_all().await;
                    return;
                }
                () = committed.roused() => {
                    tokio::time::sleep(GATHER).await;
                    break;
                }
                () = &mut next => break,
                // Its tracker may have something more, or one waits for its place.
                Some(again) = rounds.ended() => if again { break },
            }
        }
    }
}

/// The trackers that are being served.
struct Rounds {
    app: Arc<App>,
    client: Client,
    tasks: JoinSet<()>,
    /// By task: whose it is, and whether somebody asked for another look meanwhile.
    busy: HashMap<Id, (Uuid, bool)>,
}

impl Rounds {
    /// Serves every active tracker that is not being served.
    async fn begin(&mut self) -> Result<()> {
        for tracker in store::all_trackers(&self.app).await? {
            if tracker.state != TrackerState::Active {
                continue;
            }
            if let Some((_, again)) = self.busy.values_mut().find(|(served, _)| *served == tracker.id) {
                *again = true;
                continue;
            }
            if self.busy.len() >= MOST {
                // The next one that ends makes place.
                self.busy.values_mut().for_each(|(_, again)| *again = true);
                return Ok(());
            }
            let (app, client, id) = (Arc::clone(&self.app), self.client.clone(), tracker.id);
            let task = self.tasks.spawn(async move {
                if let Err(error) = serve(&app, &client, &tracker).await {
                    tracing::error!(tracker = %tracker.id, ?error, "tickets were not kept in step");
                }
            });
            self.busy.insert(task.id(), (id, false));
        }
        Ok(())
    }

    /// Waits for one that ends, and answers whether another look was asked for meanwhile; none when none is served.
    async fn ended(&mut self) -> Option<bool> {
        let task = match self.tasks.join_next_with_id().await? {
            Ok((task, ())) => task,
            Err(error) => error.id(),
        };
        Some(self.busy.remove(&task).is_some_and(|(_, again)| again))
    }
}

/// Does once what is due at the clock's present instant, and answers how many tickets were settled.
///
/// # Errors
/// Of the database.
pub async fn pass(app: &App, client: &Client) -> Result<usize> {
    let trackers = store::all_trackers(app).await?;
    let active = trackers.iter().filter(|tracker| tracker.state == TrackerState::Active);
    let settled = futures_util::future::join_all(active.map(|tracker| serve(app, client, tracker))).await;
    settled.into_iter().sum()
}

async fn serve(app: &App, client: &Client, tracker: &tracker::Model) -> Result<usize> {
    let mut settled = 0;
    for id in store::due(app, tracker.id, app.clock.now(), BATCH).await? {
        match sync(app, client, id).await {
            Ok(Synced::Nothing) => {}
            Ok(Synced::Settled) => settled += 1,
            Ok(Synced::Later) => return Ok(settled + 1),
            // What is wrong with one ticket stays with it.
            Err(error) => tracing::error!(ticket = %id, ?error, "a ticket was not kept in step"),
        }
    }
    Ok(settled)
}
