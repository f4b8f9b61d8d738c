//! Handing a reply over: to a mail server or a platform, once.
//!
//! `sendReply` commits the frozen bytes and a *dispatch* first. The [`worker`] then claims it under a lease, goes as
//! far as it can without saying anything of the reply, writes down that the content is about to go out (HANDING), and
//! only then lets it go. So it is always known on which side of that line an attempt ended:
//!
//! * before it, or with a clear no: surely not taken. Tried again for a while, then FAILED, and a person is told.
//! * with a clear yes: SENT, and the obligations are met.
//! * cut off in between, or a process that ended there: UNCERTAIN. Nothing tries again; a person finds out and says so
//!   (`resolveUncertainReply`).
//!
//! A second e-mail of one approval therefore needs a person's word. An e-mail that comes back later is recorded by
//! [`bounce`].

pub mod bounce;
pub mod mail;
pub mod platform;
pub mod smtp;
pub mod store;
pub mod worker;

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{DispatchState, NoticeKind, ReplyState};
use entity::{event, reply, reply_dispatch};
use uuid::Uuid;

use super::sending;
use super::to_reporter::rules::without_address;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::notice;
use crate::outbox::ChangeSet;

/// Pauses after attempts that surely failed, in seconds: over eight hours, in which a mail server is mended.
const PAUSES: [i64; 6] = [30, 120, 600, 1_800, 7_200, 21_600];
/// Longest answer that is kept, in characters.
const ANSWER: usize = 500;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Taken(String),
    /// It was surely not taken, and that may change.
    Later(String),
    /// It was surely not taken, and will not be.
    Refused(String),
    /// It was cut off after its content began to go out.
    Uncertain(String),
}

impl Outcome {
    /// The same, without this address in its words.
    #[must_use]
    fn without(self, address: &str) -> Self {
        let kept = |words: String| without_address(&words, address);
        match self {
            Self::Taken(words) => Self::Taken(kept(words)),
            Self::Later(words) => Self::Later(kept(words)),
            Self::Refused(words) => Self::Refused(kept(words)),
            Self::Uncertain(words) => Self::Uncertain(kept(words)),
        }
    }
}

/// When the next attempt is due after `attempts`, if there is one.
pub fn next_attempt(attempts: i32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let number = usize::try_from(attempts).unwrap_or_default().saturating_sub(1);
    PAUSES.get(number).map(|seconds| now + TimeDelta::seconds(*seconds))
}

/// Writes down what came of the attempt of `by`, unless it is somebody else's by now; without one, of an attempt whose
/// process is gone.
///
/// # Errors
/// Of the database; that somebody else changed the event at the same moment.
async fn settle(app: &App, id: Uuid, by: Option<Uuid>, outcome: &Outcome) -> Result<()> {
    let Some(before) = store::dispatch(app, id).await? else { return Ok(()) };
    // Under another's lease it is another attempt, of which this outcome says nothing.
    let is_ours = match by {
        Some(by) => before.lease_by == Some(by),
        None => store::is_lost(&before, app.clock.now()),
    };
    if before.settled_at.is_some() || !is_ours {
        return Ok(());
    }
    let now = app.clock.now();
    let words = match outcome {
        Outcome::Taken(words)
        | Outcome::Later(words)
        | Outcome::Refused(words)
        | Outcome::Uncertain(words) => Some(words.chars().take(ANSWER).collect::<String>()),
    };
    let free = reply_dispatch::Model { lease_by: None, lease_until: None, answer: words, ..before.clone() };
    let again = match outcome {
        Outcome::Later(_) => next_attempt(before.attempts, now),
        _ => None,
    };
    if let Some(due) = again {
        return store::put_back(app, &before, free.answer, due).await;
    }
    let (state, reply_state) = match outcome {
        Outcome::Taken(_) => (DispatchState::Taken, ReplyState::Sent),
        Outcome::Later(_) | Outcome::Refused(_) => (DispatchState::Refused, ReplyState::Failed),
        Outcome::Uncertain(_) => (DispatchState::Uncertain, ReplyState::Uncertain),
    };
    let Some((event, row)) = store::reply(app, before.reply_id).await? else { return Ok(()) };
    if row.state != ReplyState::Sending {
        return Ok(());
    }
    let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::HandOverReply);
    let settled = reply_dispatch::Model { state, due_at: None, settled_at: Some(now), ..free };
    changes.update_where(&before, &settled, store::as_held(&before));
    let mut after = reply::Model { state: reply_state, ..row.clone() };
    if reply_state == ReplyState::Failed {
        after.content_hash = None;
    }
    if reply_state == ReplyState::Sent {
        after.sent_by = Some(before.requested_by.clone());
        after.sent_at = Some(now);
        after.sent_via = Some(before.via);
        sending::save_sent(app, changes, &event, &row, after, now).await?;
        return Ok(());
    }
    let kind =
        if state == DispatchState::Refused { NoticeKind::ReplyFailed } else { NoticeKind::ReplyUncertain };
    tell(app, &mut changes, &event, &row, id, kind).await?;
    super::save(app, changes, &event, &row, after, false).await?;
    Ok(())
}

/// Tells who wrote a reply, and who answers for its event, that it needs a person.
async fn tell(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    reply: &reply::Model,
    dispatch: Uuid,
    kind: NoticeKind,
) -> Result<()> {
    let people = notice::answerable(app, event, Some(&reply.drafted_by)).await?;
    let told = notice::Told {
        kind,
        percent: None,
        event: Some(event.id),
        about: reply.id,
        once: Some(format!("dispatch:{}:{kind}", dispatch.simple())),
    };
    notice::tell_once(app, changes, people, &told).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end_after_a_working_day() {
        let now = crate::testing::now();
        let mut at = now;
        let mut attempts = 1;
        while let Some(next) = next_attempt(attempts, at) {
            assert!(next > at);
            (at, attempts) = (next, attempts + 1);
        }
        assert_eq!((attempts, (at - now).num_hours()), (7, 8));
    }
}
