//! Carries out what requests left in the inbox, and forgets what was answered long ago.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::hook_inbox;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{inbox, rules, store};
use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;
use crate::schedule::Due;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// Hooks that are looked up at once.
const BATCH: u64 = 100;

/// Carries out all that waits and is due; answers how many hooks got their answer. Two replicas that carry out the
/// same one have one effect, as has one that comes again.
///
/// # Errors
/// When what waits cannot be read.
pub async fn sweep(app: &App) -> Result<usize> {
    let mut answered = 0;
    loop {
        let rows = store::due(app, app.clock.now(), BATCH).await?;
        let mut moved = false;
        for row in &rows {
            match inbox::carry_out_left(app, row).await {
                Ok(done) => {
                    answered += usize::from(done);
                    moved = true;
                }
                Err(error) => {
                    tracing::error!(hook = %row.id, ?error, "a hook was not carried out");
                    put_off(app, row).await;
                }
            }
        }
        if rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) || !moved {
            return Ok(answered);
        }
    }
}

/// Puts off a hook that cannot even be looked at, so that it does not stand before the others. What is wrong with it may
/// be wrong with the database too.
async fn put_off(app: &App, row: &hook_inbox::Model) {
    let attempts = row.attempts.saturating_add(1);
    let until = app.clock.now() + rules::wait(attempts);
    if let Err(error) = store::put_off(app, row.id, attempts, until).await {
        tracing::error!(hook = %row.id, ?error, "a hook was not put off");
    }
}

/// Sweeps again and again, until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        match sweep(&app).await {
            Ok(0) => {}
            Ok(answered) => tracing::info!(answered, "carried out hooks that were left behind"),
            Err(error) => tracing::error!(?error, "the inbox of hooks cannot be read"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Forgetting hooks that nobody sends again.
pub struct Forgetting;

impl Due for Forgetting {
    const NAME: &'static str = "forgetting answered hooks";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        let kept = TimeDelta::days(app.hooks.kept_days.into());
        store::answered_before(app, at - kept, after, limit).await
    }

    async fn carry_out(app: &App, _: &Actor, piece: Uuid) -> Result<()> {
        store::forget(app, piece).await
    }
}
