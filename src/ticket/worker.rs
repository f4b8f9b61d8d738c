//! Keeps tickets in step: looks for what is due after every commit and in intervals.
//!
//! Each tracker is served for itself, one ticket after the other. When one fails in a way that may pass, the rest of
//! its tickets wait for the next look.

use std::sync::Arc;
use std::time::Duration;

use entity::tracker;
use entity::vocabulary::TrackerState;
use tokio_util::sync::CancellationToken;

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

/// Keeps tickets in step until `stop`.
///
/// # Errors
/// When the HTTP client cannot be made.
pub async fn run(app: Arc<App>, stop: CancellationToken) -> std::result::Result<(), ClientError> {
    let client = Client::new(app.outbound.clone())?;
    let mut committed = app.wake.anywhere();
    loop {
        if let Err(error) = pass(&app, &client).await {
            tracing::error!(?error, "tickets were not kept in step");
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = committed.roused() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(SWEEP) => {}
        }
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
