//! Reads the mailbox that is set, again and again.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::imap::{Fetched, Mailbox};
use super::settings::Imap;
use super::{Outcome, reader, store, take, trouble};
use crate::app::App;
use crate::error::Error;

/// Who reads the mailbox, for the audit trail.
const SUBJECT: &str = "mail";
/// Mails that one look takes at most; the next one goes on.
const BATCH: usize = 500;
/// What the lease of a mailbox has beyond the time for a mail's steps.
const MARGIN: i64 = 60;
/// Steps that a mail takes at most.
const STEPS: i32 = 6;

/// Reads the mailbox until `stop`; returns at once where none is set.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let Some(imap) = &app.mailroom.imap else { return };
    let me = app.ids.next();
    loop {
        match pass(&app, imap, me, &stop).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "took mails"),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the mailbox cannot be read"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(imap.poll) => {}
        }
    }
}

/// Takes once what waits, unless another process is at it; answers how many mails were done with.
///
/// # Errors
/// Of the server or the database: what was not marked by then is found again.
pub async fn pass(app: &App, imap: &Imap, me: Uuid, stop: &CancellationToken) -> anyhow::Result<usize> {
    let name = format!("{}@{}:{}/{}", imap.user, imap.host, imap.port, imap.folder);
    let claim = async || {
        let now = app.clock.now();
        let steps = TimeDelta::from_std(imap.timeout)? * STEPS + TimeDelta::seconds(MARGIN);
        store::claim_mailbox(app, &name, me, now, now + steps).await.map_err(Error::told)
    };
    if !claim().await? {
        return Ok(0);
    }
    // Without it, what cannot be taken would be marked as done and nobody told.
    let channel = crate::channel::store::by_key(app, &imap.channel).await.map_err(Error::told)?;
    anyhow::ensure!(channel.is_some(), "there is no channel `{}`: make it, the mails wait", imap.channel);
    let mut mailbox = Mailbox::open(imap).await?;
    let actor = reader(SUBJECT, &imap.channel);
    let mut count = 0;
    for uid in mailbox.waiting().await?.into_iter().take(BATCH) {
        // Renewed before each mail, so that it does not run out under who holds it.
        if stop.is_cancelled() || !claim().await? {
            break;
        }
        let outcome = match mailbox.fetch(uid, app.mailroom.message_bytes).await? {
            Fetched::Gone => continue,
            Fetched::TooLarge => super::too_large(app.mailroom.message_bytes),
            Fetched::Mail(mail) => match take(app, &actor, &imap.channel, &mail, false).await {
                Ok(outcome) => outcome,
                // What is wrong with one stays with it: it is tried again at the next look.
                Err(error) => {
                    tracing::error!(uid, ?error, "a mail was not taken");
                    trouble::tell(app, &imap.channel).await;
                    continue;
                }
            },
        };
        match &outcome {
            Outcome::Refused(words) => {
                tracing::warn!(uid, words, "a mail was left out");
                trouble::tell(app, &imap.channel).await;
            }
            Outcome::Automatic(reason) => {
                tracing::info!(uid, reason = reason.as_str(), "a mail was left alone")
            }
            other => tracing::info!(uid, outcome = ?other, "a mail was taken"),
        }
        mailbox.done(uid, matches!(outcome, Outcome::Refused(_))).await?;
        count += 1;
    }
    mailbox.leave().await;
    store::release_mailbox(app, &name, me, app.clock.now()).await.map_err(Error::told)?;
    Ok(count)
}
