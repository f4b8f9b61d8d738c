//! Work that is due at an instant, and the one task that carries it out.
//!
//! A [`Due`] says from the rows alone what is due at an instant and does one piece of it in one commit. The rows
//! remember what was done, not this process: after a restart, or a week of standing still, the next sweep finds the
//! same work and does it then. Every replica sweeps. Two that do the same piece meet at the revision of its aggregate;
//! the one that lost finds on its next look that nothing is left to do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;
use crate::outbox::retrying;

/// Pause between two sweeps. What is due is measured in hours and days.
const PAUSE: Duration = Duration::from_secs(60);
/// Pieces that are looked up at once.
const BATCH: u64 = 100;

/// Work of one kind that is due at an instant.
pub trait Due {
    /// Its name in the log.
    const NAME: &'static str;

    /// Up to `limit` pieces that are due at `at`, by id, with ids after `after`.
    fn due(
        app: &App,
        at: DateTime<Utc>,
        after: Uuid,
        limit: u64,
    ) -> impl Future<Output = Result<Vec<Uuid>>> + Send;

    /// Does one piece, or nothing where it is no longer due.
    fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> impl Future<Output = Result<()>> + Send;
}

/// What a sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Pieces that were looked at and are done.
    pub done: usize,
    /// Pieces that failed, each with its cause in the log; the next sweep tries them again.
    pub failed: usize,
}

/// Carries out all that is due at the clock's instant. A piece that fails holds up no other.
///
/// # Errors
/// When what is due cannot be read.
pub async fn sweep(app: &App) -> Result<Swept> {
    let mut swept = Swept::default();
    carry_out_all::<crate::remediation::RiskExpiry>(app, &mut swept).await?;
    carry_out_all::<crate::channel::AccountLapse>(app, &mut swept).await?;
    carry_out_all::<crate::deadline::Recounting>(app, &mut swept).await?;
    carry_out_all::<crate::deadline::OfProducts>(app, &mut swept).await?;
    carry_out_all::<crate::deadline::OfCustomers>(app, &mut swept).await?;
    carry_out_all::<crate::deadline::OfChannels>(app, &mut swept).await?;
    carry_out_all::<crate::deadline::OfPolicies>(app, &mut swept).await?;
    carry_out_all::<crate::deadline::Telling>(app, &mut swept).await?;
    carry_out_all::<crate::reply::Acknowledging>(app, &mut swept).await?;
    carry_out_all::<crate::notice::OwnersGone>(app, &mut swept).await?;
    carry_out_all::<crate::hook::worker::Forgetting>(app, &mut swept).await?;
    carry_out_all::<crate::notice::digest::Forgetting>(app, &mut swept).await?;
    carry_out_all::<crate::principal::token::Forgetting>(app, &mut swept).await?;
    carry_out_all::<crate::attachment::content::Unnamed>(app, &mut swept).await?;
    carry_out_all::<crate::attachment::content::Orphans>(app, &mut swept).await?;
    carry_out_all::<crate::multi_platform::HoldsOver>(app, &mut swept).await?;
    carry_out_all::<crate::duplicate::Unindexed>(app, &mut swept).await?;
    carry_out_all::<crate::search::Unfound>(app, &mut swept).await?;
    crate::duplicate::keep_up(app).await?;
    crate::retention::keep_up(app).await?;
    crate::audit::anchor::keep_up(app).await?;
    Ok(swept)
}

/// Carries out all of one kind that is due at the clock's instant.
///
/// # Errors
/// When what is due cannot be read.
pub async fn carry_out_all<W: Due>(app: &App, swept: &mut Swept) -> Result<()> {
    let (actor, at, mut after) = (Actor::schedule(), app.clock.now(), Uuid::nil());
    loop {
        let pieces = W::due(app, at, after, BATCH).await?;
        let Some(last) = pieces.last() else { return Ok(()) };
        after = *last;
        for piece in pieces {
            // Apart from this future: those of all kinds would make one that fills a thread's stack.
            match retrying(|| Box::pin(W::carry_out(app, &actor, piece))).await {
                Ok(()) => swept.done += 1,
                Err(error) => {
                    swept.failed += 1;
                    tracing::error!(work = W::NAME, %piece, ?error, "what was due was not done");
                }
            }
        }
    }
}

/// Sweeps at once and then again and again, until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        match sweep(&app).await {
            Ok(Swept { done: 0, failed: 0 }) => {}
            Ok(swept) => tracing::info!(done = swept.done, failed = swept.failed, "carried out what was due"),
            Err(error) => tracing::error!(?error, "what is due cannot be read"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
