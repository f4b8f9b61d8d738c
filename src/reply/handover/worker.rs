//! Hands over what is due: looks after every commit and in intervals.

use std::sync::Arc;
use std::time::Duration;

use entity::vocabulary::ReplyVia;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Outcome, platform, settle, smtp, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::outbound::{Client, ClientError};
use crate::outbox::retrying;

/// When to look although nobody signalled.
const SWEEP: Duration = Duration::from_secs(5);
/// Dispatches handed over at once.
const BATCH: u64 = 8;
/// How long an exchange with a platform takes at most (`outbound`).
const PLATFORM: Duration = Duration::from_secs(15);
/// What a lease has beyond that.
const MARGIN: Duration = Duration::from_secs(15);

/// Hands over until `stop`.
///
/// # Errors
/// When the HTTP client cannot be made.
pub async fn run(app: Arc<App>, stop: CancellationToken) -> std::result::Result<(), ClientError> {
    let client = Client::new(app.outbound.clone())?;
    let mut committed = app.wake.anywhere();
    loop {
        // What is being handed over when it is stopped is settled first.
        if let Err(error) = pass(&app, &client).await {
            tracing::error!(?error, "replies were not handed over");
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = committed.roused() => {}
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

/// Does once what is due at the clock's present instant, and answers how many dispatches were attempted or found lost.
///
/// # Errors
/// Of the database.
pub async fn pass(app: &App, client: &Client) -> Result<usize> {
    let now = app.clock.now();
    let lost = store::lost(app, now, BATCH).await?;
    for id in &lost {
        let words = "the process that handed it over ended while its content went out";
        finish(app, *id, Outcome::Uncertain(words.to_owned())).await?;
    }
    let due = store::due(app, now, BATCH).await?;
    let attempts = due.iter().map(|id| hand_over(app, client, *id));
    let done = futures_util::future::join_all(attempts).await;
    let mut count = lost.len();
    for (id, outcome) in due.iter().zip(done) {
        match outcome {
            Ok(attempted) => count += usize::from(attempted),
            // What is wrong with one stays with it.
            Err(error) => tracing::error!(dispatch = %id, ?error, "a reply was not handed over"),
        }
    }
    Ok(count)
}

/// Attempts one dispatch; false when somebody else has it.
async fn hand_over(app: &App, client: &Client, id: Uuid) -> Result<bool> {
    let me = app.ids.next();
    // Longer than each half may take, with its writing down: no lease runs out under who holds it.
    let lease = app.replies.smtp.as_ref().map_or(PLATFORM, |smtp| PLATFORM.max(smtp.timeout)) + MARGIN;
    let Some(dispatch) = store::claim(app, id, me, app.clock.now(), lease).await? else { return Ok(false) };
    let Some(envelope) = store::envelope(app, &dispatch).await? else {
        finish(app, id, Outcome::Refused("what was to be handed over is not there".to_owned())).await?;
        return Ok(true);
    };
    let begin = || store::begin(app, id, me, app.clock.now(), lease);
    let outcome = if dispatch.via == ReplyVia::Email {
        let Some(smtp) = app.replies.smtp.as_ref() else {
            finish(app, id, Outcome::Later("this process has no mail server (replies.smtp.host)".to_owned()))
                .await?;
            return Ok(true);
        };
        let from = dispatch.sender.as_deref().unwrap_or_default();
        match smtp::prepare(smtp, from, &dispatch.recipient).await {
            Err(outcome) => outcome,
            Ok(ready) if begin().await? => ready.send(&envelope.bytes).await,
            Ok(ready) => {
                ready.leave().await;
                return Ok(false);
            }
        }
    } else {
        let channel = store::channel_of_reply(app, dispatch.reply_id).await?.ok_or(Error::NotFound)?;
        let route = store::route(app, channel.id).await?;
        match platform::prepare(app, client, route.as_ref(), &dispatch, &envelope.bytes) {
            Err(outcome) => outcome,
            Ok(ready) if begin().await? => ready.send(client, envelope.bytes).await,
            Ok(_) => return Ok(false),
        }
    };
    finish(app, id, outcome).await?;
    Ok(true)
}

async fn finish(app: &App, id: Uuid, outcome: Outcome) -> Result<()> {
    match &outcome {
        Outcome::Taken(words) => tracing::info!(dispatch = %id, words, "a reply was handed over"),
        Outcome::Later(words) => tracing::warn!(dispatch = %id, words, "a reply is tried again"),
        Outcome::Refused(words) => tracing::warn!(dispatch = %id, words, "a reply was refused"),
        Outcome::Uncertain(words) => {
            tracing::error!(dispatch = %id, words, "nobody knows whether a reply arrived");
        }
    }
    retrying(|| settle(app, id, &outcome)).await
}
