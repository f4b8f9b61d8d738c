//! Gives messages and audit entries their positions, after commit.
//!
//! Rows commit in another order than they are written in, so a cursor over ids or times would pass over those that
//! commit late. Positions are given by one sequencer at a time, in a transaction of its own: whoever reads on from a
//! position has seen everything before it. The same pass seals audit entries into one chain over the whole
//! installation, which no change has to wait for.
//!
//! Commits wake it; a look every two seconds covers a crash between a commit and its signal.

use std::sync::Arc;
use std::time::Duration;

use entity::{message, sequence_head};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::positions::{self, Sealed};
use crate::app::App;
use crate::audit::chain;
use crate::error::Result;
use crate::webhook::fan_out::fan_out;

/// Most messages and most entries that one pass takes.
pub const BATCH: u64 = 1_000;
/// How soon a pass may begin after another did. The first commit after a rest has its pass at once; under load, a pass
/// takes longer than this, and many commits share one.
const GATHER: Duration = Duration::from_millis(2);
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

/// What [`sequence_in`] positioned.
#[derive(Clone, Debug, Default)]
pub struct Positioned {
    /// The messages, in order, with their positions.
    pub messages: Vec<message::Model>,
    /// How many audit entries were sealed.
    pub entries: u64,
}

/// Runs one pass. With nothing to do it costs one read.
///
/// # Errors
/// Of the database; then nothing was positioned.
pub async fn sequence(app: &App) -> Result<Sequenced> {
    if is_waiting(app).await? { pass(app).await } else { Ok(Sequenced::default()) }
}

async fn pass(app: &App) -> Result<Sequenced> {
    let transaction = app.database.begin_write().await?;
    let Some(positioned) = sequence_in(&transaction).await? else {
        transaction.rollback().await?;
        return Ok(Sequenced { more: true, ..Sequenced::default() });
    };
    // In this transaction, so that each message is fanned out exactly once.
    fan_out(app, &transaction, &positioned.messages).await?;
    transaction.commit().await?;
    let messages = positioned.messages.len() as u64;
    if messages > 0 {
        app.wake.placed();
    }
    Ok(Sequenced {
        messages,
        entries: positioned.entries,
        more: messages == BATCH || positioned.entries == BATCH,
    })
}

/// Positions what waits, at most a batch of each. None when another replica is at it: the head's row is the lock.
///
/// # Errors
/// Of the database.
pub async fn sequence_in(transaction: &DatabaseTransaction) -> Result<Option<Positioned>> {
    let head = sequence_head::Entity::find_by_id(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(transaction)
        .await?;
    let Some(mut head) = head else { return Ok(None) };
    // What waits is read after the lock is taken, so no row is seen as another replica has just left it behind.
    let messages = waiting_messages(transaction, &mut head).await?;
    let entries = waiting_entries(transaction, &mut head).await?;
    let sealed = entries.len() as u64;
    if sealed > 0 || !messages.is_empty() {
        let placed: Vec<_> =
            messages.iter().map(|message| (message.id, message.position.unwrap_or_default())).collect();
        positions::write(transaction, head, &placed, &entries).await?;
    }
    Ok(Some(Positioned { messages, entries: sealed }))
}

/// The messages that wait, each with its position.
async fn waiting_messages(
    transaction: &DatabaseTransaction,
    head: &mut sequence_head::Model,
) -> Result<Vec<message::Model>> {
    use message::{Column, Entity};
    let waiting = Entity::find().filter(Column::Position.is_null()).order_by_asc(Column::CreatedAt);
    let mut messages = waiting.order_by_asc(Column::Id).limit(BATCH).all(transaction).await?;
    for message in &mut messages {
        head.message_position += 1;
        message.position = Some(head.message_position);
    }
    Ok(messages)
}

/// The audit entries that wait, each with its position and its seal.
async fn waiting_entries(
    transaction: &DatabaseTransaction,
    head: &mut sequence_head::Model,
) -> Result<Vec<Sealed>> {
    use entity::audit_entry::{Column, Entity};
    let waiting = Entity::find().select_only().columns([Column::Id, Column::Digest]);
    let waiting =
        waiting.filter(Column::Position.is_null()).order_by_asc(Column::At).order_by_asc(Column::Id);
    let entries: Vec<(Uuid, Vec<u8>)> = waiting.limit(BATCH).into_tuple().all(transaction).await?;
    let sealed = entries.into_iter().map(|(id, digest)| {
        head.entry_position += 1;
        head.entry_seal = chain::seal(&head.entry_seal, head.entry_position, &digest);
        Sealed { id, position: head.entry_position, seal: head.entry_seal.clone() }
    });
    Ok(sealed.collect())
}

/// Whether any row has no position yet.
async fn is_waiting(app: &App) -> Result<bool> {
    let waits = |table: &'static str| {
        let row =
            Query::select().expr(Expr::val(1)).from(table).and_where(Expr::col("position").is_null()).take();
        Expr::exists(row)
    };
    let query = Query::select().expr_as(waits("message").or(waits("audit_entry")), "waiting").take();
    let row = app.database.reader().query_one(&query).await?;
    Ok(row.map(|row| row.try_get("", "waiting")).transpose()?.unwrap_or(false))
}

/// Runs passes until `stop`, then a last one. Failures are logged and tried again.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut committed = app.wake.anywhere();
    let signals = super::replicas::exchange(&app, &stop);
    let passes = async {
        let (mut roused, mut busy) = (false, false);
        while !stop.is_cancelled() {
            let begun = Instant::now();
            let pause = drain(&app, roused).await;
            // Who follows may have looked too early while another replica was at it.
            if roused || busy {
                app.wake.sequenced();
            }
            busy = pause == BUSY;
            roused = tokio::select! {
                () = committed.roused() => {
                    tokio::time::sleep_until(begun + GATHER).await;
                    true
                }
                () = tokio::time::sleep(pause) => false,
                () = stop.cancelled() => false,
            };
        }
        drain(&app, false).await;
    };
    tokio::join!(passes, signals);
}

/// Runs passes until nothing waits or this process cannot go on now, and answers when to look again. Who was told
/// that something waits need not ask first.
async fn drain(app: &App, mut told: bool) -> Duration {
    loop {
        let done = if std::mem::take(&mut told) { pass(app).await } else { sequence(app).await };
        match done {
            Ok(Sequenced { messages: 0, entries: 0, more: true }) => return BUSY,
            Ok(done) if done.more => {}
            Ok(_) => return SWEEP,
            Err(error) => {
                tracing::error!(?error, "messages and audit entries were not positioned");
                return SWEEP;
            }
        }
    }
}
