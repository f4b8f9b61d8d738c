//! Gives messages and audit entries their positions, after commit.
//!
//! Rows commit in another order than they are written in, so a cursor over ids or times would pass over those that
//! commit late. Positions are given by one sequencer after the other, in a write of their own: whoever reads on from a
//! position has seen everything before it. The same pass seals audit entries into one chain over the whole
//! installation, which no change has to wait for.
//!
//! Commits wake it; a look every two seconds covers a crash between a commit and its signal.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::positions::{self, Look, Pass, Sealed, Waiting};
use crate::app::App;
use crate::audit::chain;
use crate::error::Result;
use crate::webhook::fan_out::fan_out;
use crate::webhook::queue::Pulse;

/// Most messages and most entries that one pass takes.
pub const BATCH: u64 = 1_000;
/// How soon a pass may begin after another did: after this, and after so many times as long as that took, so that the busier
/// the database is the more commits share a pass. The first commit after a rest has its pass at once.
const GATHER: Duration = Duration::from_millis(2);
const SPARING: u32 = 5;
const LONGEST_GATHER: Duration = Duration::from_millis(50);
/// When to look although nobody signalled, and how long to wait after a failure.
const SWEEP: Duration = Duration::from_secs(2);
/// When to try again after another replica was at it.
const BUSY: Duration = Duration::from_millis(100);

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequenced {
    /// Messages that got a position.
    pub messages: u64,
    /// Audit entries that got a position and a seal.
    pub entries: u64,
    /// More rows may wait: a batch was full, or another replica was at it.
    pub more: bool,
}

/// Runs one pass. With nothing to do it costs one read.
///
/// # Errors
/// Of the database; then nothing was positioned.
pub async fn sequence(app: &App) -> Result<Sequenced> {
    pass(app).await.map(|(done, _)| done)
}

/// One pass, and how the queue of deliveries is, but where it queued some. Nothing is locked while it is decided: that it is
/// written only where the head is still as it was read makes positions unique, and what is read with the head is all that
/// waits then.
async fn pass(app: &App) -> Result<(Sequenced, Option<Pulse>)> {
    let Look { head, messages, entries, pulse } = positions::look(&app.database).await?;
    let (placed, sealed) = (messages.len() as u64, entries.len() as u64);
    if placed + sealed == 0 {
        return Ok((Sequenced::default(), Some(pulse)));
    }
    let mut after = head.clone();
    let messages: Vec<(Waiting, i64)> = messages
        .into_iter()
        .map(|message| {
            after.message_position += 1;
            (message, after.message_position)
        })
        .collect();
    let entries = entries
        .into_iter()
        .map(|(id, digest)| {
            after.entry_position += 1;
            after.entry_seal = chain::seal(&after.entry_seal, after.entry_position, &digest);
            Sealed { id, position: after.entry_position, seal: after.entry_seal.clone() }
        })
        .collect();
    let deliveries = fan_out(app, pulse.version, &messages).await?;
    let pulse = deliveries.is_empty().then_some(pulse);
    let pass = Pass {
        before: head,
        after,
        messages: messages.iter().map(|(message, position)| (message.id, *position)).collect(),
        entries,
        deliveries,
    };
    if !pass.write(&app.database).await? {
        return Ok((Sequenced { more: true, ..Sequenced::default() }, pulse));
    }
    if placed > 0 {
        app.wake.placed();
    }
    let more = placed == BATCH || sealed == BATCH;
    Ok((Sequenced { messages: placed, entries: sealed, more }, pulse))
}

/// Runs passes until `stop`, then a last one. Failures are logged and tried again.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut committed = app.wake.anywhere();
    let signals = super::replicas::exchange(&app, &stop);
    let passes = async {
        let mut tells = false;
        while !stop.is_cancelled() {
            let begun = Instant::now();
            let pause = drain(&app, tells).await;
            let gather = (begun.elapsed() * SPARING).clamp(GATHER, LONGEST_GATHER);
            tells = tokio::select! {
                () = committed.roused() => {
                    tokio::time::sleep_until(begun + gather).await;
                    true
                }
                // What the other replica positioned is news to who follows here.
                () = tokio::time::sleep(pause) => pause == BUSY,
                () = stop.cancelled() => false,
            };
        }
        drain(&app, false).await;
    };
    tokio::join!(passes, signals);
}

/// Runs passes until nothing waits or this process cannot go on now, and answers when to look again. Who follows is told
/// where it `tells` or anything moved; who delivers, where deliveries were queued, else how their queue is, so that a worker
/// with nothing to do need not ask.
async fn drain(app: &App, tells: bool) -> Duration {
    let (mut moved, mut queued) = (tells, false);
    loop {
        match pass(app).await {
            Ok((Sequenced { messages: 0, entries: 0, more: true }, _)) => return BUSY,
            Ok((done, pulse)) => {
                moved |= done.messages + done.entries > 0;
                queued |= pulse.is_none();
                if done.more {
                    continue;
                }
                if moved {
                    app.wake.sequenced();
                }
                match pulse {
                    Some(pulse) if !queued => app.wake.looked(pulse),
                    _ => app.wake.queued(),
                }
                return SWEEP;
            }
            Err(error) => {
                tracing::error!(?error, "messages and audit entries were not positioned");
                return SWEEP;
            }
        }
    }
}
