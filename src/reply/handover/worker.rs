//! Hands over what is due: looks after every commit and in intervals.

use std::sync::Arc;
use std::time::Duration;

use entity::reply_dispatch;
use entity::vocabulary::{DispatchState, ReplyState, ReplyVia};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Outcome, mail, platform, settle, smtp, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::outbound::{Client, ClientError};
use crate::outbox::{outlasting, retrying};
use crate::reply::{files, sending, to_reporter};

/// How often a reply is judged anew while its event changes.
const LOOKS: usize = 5;
/// When to look although nobody signalled.
const SWEEP: Duration = Duration::from_secs(5);
/// How soon a signal is followed by a look: nearly all commits hand over nothing, and many share one.
const GATHER: Duration = Duration::from_millis(100);
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
            () = committed.roused() => tokio::time::sleep(GATHER).await,
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
        // What is wrong with one stays with it.
        if let Err(error) = finish(app, *id, None, Outcome::Uncertain(words.to_owned())).await {
            tracing::error!(dispatch = %id, ?error, "a reply that was cut off was not settled");
        }
    }
    let due = store::due(app, now, BATCH).await?;
    let attempts = due.iter().map(|id| hand_over(app, client, *id));
    let done = futures_util::future::join_all(attempts).await;
    let mut count = lost.len();
    for (id, outcome) in due.iter().zip(done) {
        match outcome {
            Ok(attempted) => count += usize::from(attempted),
            Err(error) => tracing::error!(dispatch = %id, ?error, "a reply was not handed over"),
        }
    }
    Ok(count)
}

/// Attempts one dispatch; false when somebody else has it.
async fn hand_over(app: &App, client: &Client, id: Uuid) -> Result<bool> {
    let me = app.ids.next();
    // Read before it is claimed: however long that takes, no lease runs out meanwhile.
    let Some(waiting) = store::dispatch(app, id).await? else { return Ok(false) };
    let envelope = read(app, &waiting).await?;
    // Longer than each half may take, with its writing down: no lease runs out under who holds it.
    let lease = app.replies.smtp.as_ref().map_or(PLATFORM, |smtp| PLATFORM.max(smtp.timeout)) + MARGIN;
    let Some(dispatch) = store::claim(app, id, me, app.clock.now(), lease).await? else { return Ok(false) };
    let attempted = match envelope {
        Ok(bytes) => attempt(app, client, &dispatch, bytes, me).await?,
        Err(outcome) => Some(outcome),
    };
    let outcome = match attempted {
        Some(outcome) => outcome,
        // Nothing went out; whoever has it by now settles it.
        None => return Ok(false),
    };
    finish(app, id, Some(me), outcome).await?;
    Ok(true)
}

/// What is to be handed over, or what comes of it that this cannot be had.
async fn read(app: &App, dispatch: &reply_dispatch::Model) -> Result<std::result::Result<Vec<u8>, Outcome>> {
    let Some(envelope) = store::envelope(app, dispatch).await? else {
        return Ok(Err(Outcome::Refused("what was to be handed over is not there".to_owned())));
    };
    Ok(files::bytes(app, envelope).await.map_err(|error| {
        tracing::error!(dispatch = %dispatch.id, ?error, "an envelope cannot be read");
        Outcome::Later("what is to be handed over cannot be read".to_owned())
    }))
}

/// Goes as far as it comes; none when somebody else has the dispatch by now.
async fn attempt(
    app: &App,
    client: &Client,
    dispatch: &reply_dispatch::Model,
    bytes: Vec<u8>,
    me: Uuid,
) -> Result<Option<Outcome>> {
    Ok(Some(if dispatch.via == ReplyVia::Email {
        let Some(smtp) = app.replies.smtp.as_ref() else {
            return Ok(Some(Outcome::Later(
                "this process has no mail server (replies.smtp.host)".to_owned(),
            )));
        };
        let from = dispatch.sender.as_deref().unwrap_or_default();
        let (to, bytes, is_reporter) = match recipient(app, dispatch).await? {
            Some(To::Named(to)) => (to, bytes, false),
            Some(To::Reporter(to)) => (to.clone(), mail::addressed(&to, &bytes), true),
            None => {
                let words = "no address of its reporter is known that mail goes to".to_owned();
                return Ok(Some(Outcome::Refused(words)));
            }
        };
        // What a server says often repeats the address.
        let kept = |outcome: Outcome| if is_reporter { outcome.without(&to) } else { outcome };
        let ready = match smtp::prepare(smtp, from, &to).await {
            Err(outcome) => return Ok(Some(kept(outcome))),
            Ok(ready) => ready,
        };
        let time = smtp::time_for(smtp.timeout, bytes.len());
        match begin(app, dispatch, me, time + MARGIN).await? {
            Begun::Yes => kept(ready.send(&bytes).await),
            not => {
                ready.leave().await;
                return Ok(not.outcome());
            }
        }
    } else {
        let channel = store::channel_of_reply(app, dispatch.reply_id).await?.ok_or(Error::NotFound)?;
        let route = store::route(app, channel.id).await?;
        let ready = match platform::prepare(app, client, route.as_ref(), dispatch, &bytes) {
            Err(outcome) => return Ok(Some(outcome)),
            Ok(ready) => ready,
        };
        match begin(app, dispatch, me, PLATFORM + MARGIN).await? {
            Begun::Yes => ready.send(client, bytes).await,
            not => return Ok(not.outcome()),
        }
    }))
}

/// To whom an e-mail goes.
enum To {
    /// Whom it was frozen for.
    Named(String),
    /// The reporter of the reply's report, who is named as it goes out.
    Reporter(String),
}

/// To whom a dispatch's e-mail goes; none when it is for a reporter of whom no address is known.
async fn recipient(app: &App, dispatch: &reply_dispatch::Model) -> Result<Option<To>> {
    let reply = store::reply(app, dispatch.reply_id).await?;
    match reply.and_then(|(_, reply)| reply.report_id) {
        None => Ok(Some(To::Named(dispatch.recipient.clone()))),
        Some(report) => Ok(to_reporter::address(app, report).await?.map(To::Reporter)),
    }
}

/// Whether content may go out now.
enum Begun {
    /// It may, and that is written down.
    Yes,
    /// Somebody else has the dispatch by now.
    Lost,
    /// It may not, or not now.
    No(Outcome),
}

impl Begun {
    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::No(outcome) => Some(outcome),
            Self::Yes | Self::Lost => None,
        }
    }
}

/// Judges once more, a moment before it goes out, whether the reply may leave: what was decided since it was sent counts.
async fn begin(app: &App, dispatch: &reply_dispatch::Model, me: Uuid, lease: Duration) -> Result<Begun> {
    for _ in 0..LOOKS {
        let Some((event, reply)) = store::reply(app, dispatch.reply_id).await? else {
            return Ok(Begun::No(Outcome::Refused("the reply is not there".to_owned())));
        };
        if reply.state != ReplyState::Sending {
            return Ok(Begun::Lost);
        }
        let channel = store::channel_of_reply(app, reply.id).await?.ok_or(Error::NotFound)?;
        match sending::expect_sendable(app, None, &event, &channel, &reply, app.clock.now()).await {
            Ok(()) => {}
            Err(Error::Refused(refusals)) => {
                let words: Vec<_> = refusals.into_iter().map(|refusal| refusal.message).collect();
                return Ok(Begun::No(Outcome::Refused(format!("it may not leave: {}", words.join("; ")))));
            }
            Err(other) => return Err(other),
        }
        if store::begin(app, dispatch.id, me, &event, app.clock.now(), lease).await? {
            return Ok(Begun::Yes);
        }
        match store::dispatch(app, dispatch.id).await? {
            // The event moved on meanwhile: judged anew.
            Some(row) if row.lease_by == Some(me) && row.state == DispatchState::Waiting => {}
            _ => return Ok(Begun::Lost),
        }
    }
    Ok(Begun::No(Outcome::Later("its event changes all the time".to_owned())))
}

async fn finish(app: &App, id: Uuid, by: Option<Uuid>, outcome: Outcome) -> Result<()> {
    match &outcome {
        Outcome::Taken(words) => tracing::info!(dispatch = %id, words, "a reply was handed over"),
        Outcome::Later(words) => tracing::warn!(dispatch = %id, words, "a reply is tried again"),
        Outcome::Refused(words) => tracing::warn!(dispatch = %id, words, "a reply was refused"),
        Outcome::Uncertain(words) => {
            tracing::error!(dispatch = %id, words, "nobody knows whether a reply arrived");
        }
    }
    outlasting(|| retrying(|| settle(app, id, by, &outcome))).await
}
