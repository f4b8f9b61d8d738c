//! One ticket brought in step: told what the product says, asked what it says.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ticket;
use entity::vocabulary::{NoticeKind, RemediationState, TicketProposal, TicketState};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::engine::{Session, Trouble};
use super::profile::Profile;
use super::rules::{self, Heard};
use super::store::{self, Held};
use super::{tell, tracker};
use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::{Actor, Role};
use crate::error::{Error, Result};
use crate::notice;
use crate::notice::rules::{FAILING, daily};
use crate::outbound::Client;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::webhook::schedule::{self, Next};

/// When it is asked again whether a withheld ticket may be sent: levels fall seldom.
const WITHHELD: TimeDelta = TimeDelta::hours(1);

/// Hooks that may come while one conversation is written down.
const HOOKS: usize = 10;

/// Why a ticket is not linked that is not there, and as well why one is not that stands for another fix: who asked may not
/// be allowed to know of it.
const NOT_LINKED: &str =
    "it cannot be linked: the tracker shows our account no ticket of this id, or it stands for a fix already";

/// Why a ticket is refused whose tracker is at another place by now.
pub(super) const ELSEWHERE: &str = "its tracker was said to be at another place with other tickets: unlink it, and open or link one there; \
     if the system has moved with its tickets, an ADMIN sets the former place again, then the new one with sameTickets: true";

/// How it went with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Synced {
    /// Nothing was to be done, or another worker has it.
    Nothing,
    /// It was settled.
    Settled,
    /// The tracker may do better later: its other tickets had better wait too.
    Later,
}

/// Claims a ticket, brings it in step, and writes what came of it. No transaction is open while the tracker is asked.
///
/// # Errors
/// Of the database. What a tracker does stands on the ticket.
pub(super) async fn sync(app: &App, client: &Client, id: Uuid) -> Result<Synced> {
    let now = app.clock.now();
    let Some(held) = store::claim(app, id, now).await? else { return Ok(Synced::Nothing) };
    let settled = settle(app, client, &held, now).await;
    if settled.is_err() {
        store::give_back(app, id, now).await?;
    }
    match settled {
        // Somebody changed it meanwhile: what they want is done next, and finds what was done now.
        Err(Error::Race) => Ok(Synced::Nothing),
        other => other,
    }
}

async fn settle(app: &App, client: &Client, held: &Held, now: DateTime<Utc>) -> Result<Synced> {
    let before = &held.ticket;
    let mut after = ticket::Model { lease_until: None, ..before.clone() };
    let mut synced = Synced::Settled;
    let may_go = super::may_go_abroad(app, held.event.id).await?;
    let (tlp, ceiling) = (held.event.tlp, held.tracker.tlp_ceiling);
    if let Some(reason) = rules::withheld(tlp, ceiling, held.tracker.abroad, may_go) {
        after.state = TicketState::Withheld;
        after.note = Some(reason.to_owned());
        after.due_at = Some(now + WITHHELD);
    } else if before.place_id != held.tracker.place_id {
        (after.state, after.note, after.due_at) = (TicketState::Refused, Some(ELSEWHERE.to_owned()), None);
    } else {
        let profile = tracker::profile_of(&held.tracker)?;
        match converse(app, client, held, &profile, &mut after).await? {
            Ok(()) => {
                after.state = TicketState::Linked;
                after.attempts = 0;
                let poll = tracker::poll_seconds(&held.tracker, &profile);
                after.due_at = poll.map(|seconds| now + TimeDelta::seconds(seconds.into()));
            }
            Err(Trouble::Refused(words)) => {
                (after.state, after.note, after.due_at) = (TicketState::Refused, Some(words), None);
            }
            Err(Trouble::Later { outcome, words }) => {
                synced = Synced::Later;
                let mut random = [0; 4];
                app.ids.fill(&mut random);
                after.attempts += 1;
                after.note = Some(words);
                match schedule::next(outcome, after.attempts, now, u32::from_ne_bytes(random)) {
                    Next::Again(due) => after.due_at = Some(due),
                    Next::Delivered | Next::Dead => {
                        (after.state, after.due_at) = (TicketState::Failed, None);
                    }
                }
            }
        }
    }
    keep(app, before, after).await?;
    Ok(synced)
}

/// Writes what came of it. A hook that came meanwhile is no reason to do all of it again: our own writes bring hooks
/// about, so it might never end. What it asks for, another look, is left due.
async fn keep(app: &App, before: &ticket::Model, mut after: ticket::Model) -> Result<()> {
    let mut stands = before.clone();
    for _ in 0..HOOKS {
        match keep_over(app, &stands, after.clone()).await {
            Err(Error::Race) => {}
            other => return other,
        }
        stands = store::present(app, before.id).await?;
        if stands.version != before.version || stands.state != before.state {
            return Err(Error::Race);
        }
        if after.state == TicketState::Linked {
            after.due_at = stands.due_at;
        }
    }
    Err(Error::Race)
}

async fn keep_over(app: &App, before: &ticket::Model, after: ticket::Model) -> Result<()> {
    let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::SyncTicket);
    let news = |row: &ticket::Model| {
        (row.state, row.external_id.clone(), row.seen_status.clone(), row.note.clone(), row.proposal)
    };
    let bump = if news(before) == news(&after) { Bump::RevisionOnly } else { Bump::Version };
    if before.state != after.state {
        tell(app, &mut changes, &after);
    }
    if after.state == TicketState::Refused && before.state != TicketState::Refused {
        let told = notice::Told {
            kind: NoticeKind::TicketRefused,
            percent: None,
            event: Some(after.event_id),
            about: after.id,
            once: Some(format!("ticket:{}:{}", after.id.simple(), before.version)),
        };
        let event = store::event(app, after.event_id).await?;
        let people = notice::answerable(app, &event, Some(&after.opened_by)).await?;
        notice::tell_once(app, &mut changes, people, &told).await?;
    }
    let given_up = after.state == TicketState::Failed && before.state != TicketState::Failed;
    if given_up || (after.attempts >= FAILING && after.attempts > before.attempts) {
        let told = notice::Told {
            kind: NoticeKind::TrackerFailing,
            percent: None,
            event: None,
            about: after.tracker_id,
            once: Some(daily("tracker", after.tracker_id, changes.at())),
        };
        let people = notice::keepers(app, &[Role::Admin]).await?;
        if notice::tell_once(app, &mut changes, people, &told).await? {
            let failing = message::TrackerFailing { tracker: Opaque::new(after.tracker_id) };
            changes.message(app, None, &failing);
        }
    }
    changes.revise(app, before, after, Some(before.event_id), bump);
    app.commit(changes).await
}

/// Finds or makes the ticket, hears what it says, and tells it what the product says. What was achieved stands in
/// `after` also when it then failed.
async fn converse(
    app: &App,
    client: &Client,
    held: &Held,
    profile: &Profile,
    after: &mut ticket::Model,
) -> Result<std::result::Result<(), Trouble>> {
    let credentials = tracker::credentials(app, &held.tracker)?;
    let marker = rules::marker(held.ticket.id);
    let about = about(app, held, &marker);
    let session = Session::open(app, client, &held.tracker, profile, credentials, about).await;
    let mut session = match session {
        Ok(session) => session,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let known = held.ticket.external_id.as_ref();
    let asked = held.ticket.asked_id.as_ref().filter(|_| known.is_none());
    let id = match known.or(asked) {
        Some(id) => id.clone(),
        None => match find_or_create(&session, &marker).await {
            Ok(id) => id,
            Err(trouble) => return Ok(Err(trouble)),
        },
    };
    if asked.is_none() {
        after.external_id = Some(id.clone());
    }
    let mut seen = match session.read(&id).await {
        Ok(seen) => seen,
        Err(Trouble::Refused(_)) if asked.is_some() => return Ok(Err(Trouble::Refused(NOT_LINKED.into()))),
        Err(trouble) => return Ok(Err(trouble)),
    };
    if asked.is_some() && store::by_external_id(app, &held.tracker, &id).await?.is_some() {
        return Ok(Err(Trouble::Refused(NOT_LINKED.into())));
    }
    after.external_id = Some(id.clone());
    after.url.clone_from(&seen.url);
    after.note = None;
    // One that was made a moment ago. Who tries a ticket again takes it as it is, but for who may see it.
    let made = known.is_none() && asked.is_none();
    let checked = session.check_confidential(&seen);
    let checked = checked.and_then(|()| if made { session.check_written(&seen) } else { Ok(()) });
    if let Err(trouble) = checked {
        after.seen_status = Some(seen.status);
        return Ok(Err(trouble));
    }
    let told = held.ticket.pushed_state;
    if told == Some(held.fix.state) {
        let before = held.ticket.seen_status.as_deref();
        match rules::heard(&seen.status, before, told, &profile.statuses, &profile.ready_statuses) {
            Heard::Echo => {
                if held.ticket.proposal == Some(TicketProposal::Refused) && before == Some(&*seen.status) {
                    after.note.clone_from(&held.ticket.note);
                }
            }
            Heard::Unknown => after.proposal = Some(TicketProposal::Unknown),
            Heard::Proposes(state) => {
                propose(app, held, state, after).await?;
                if after.proposal == Some(TicketProposal::Refused) {
                    // The version is raised only when this is settled, so trying again makes the same mark.
                    after.remark = Some(format!("{marker}-refused-{}", held.ticket.version));
                }
            }
        }
    } else if let Some(status) = profile.statuses.get(&held.fix.state)
        && seen.status != status.read
    {
        after.seen_status = Some(seen.status.clone());
        seen = match session.write(&id, &seen, status).await {
            Ok(seen) => seen,
            Err(trouble) => return Ok(Err(trouble)),
        };
    }
    if held.fix.state == RemediationState::Failed && told.is_some_and(|told| told != held.fix.state) {
        after.remark = Some(format!("{marker}-failed-{}", held.fix.version));
    }
    after.pushed_state = Some(held.fix.state);
    after.seen_status = Some(seen.status);
    if let Some(mark) = after.remark.clone() {
        match session.remark(&id, &mark).await {
            Ok(()) => {}
            // Said or not, it changes nothing about the ticket: a person there may do without.
            Err(Trouble::Refused(words)) => {
                after.note.get_or_insert(format!("the tracker takes no comment: {words}"));
            }
            Err(Trouble::Later { outcome, words }) => {
                let words = after.note.iter().cloned().chain([words]).collect::<Vec<_>>().join("; ");
                return Ok(Err(Trouble::Later { outcome, words }));
            }
        }
        after.remark = None;
    }
    Ok(Ok(()))
}

async fn find_or_create(session: &Session<'_>, marker: &str) -> std::result::Result<String, Trouble> {
    match session.find(marker).await? {
        Some(id) => Ok(id),
        None => session.create().await,
    }
}

/// Puts the tracker's word before the rules of the remediation.
async fn propose(app: &App, held: &Held, state: RemediationState, after: &mut ticket::Model) -> Result<()> {
    if let Some(reason) = rules::never_by_tracker(state) {
        after.proposal = Some(TicketProposal::Refused);
        after.note = Some(reason.to_owned());
        return Ok(());
    }
    let patch = after.url.clone().or_else(|| after.external_id.clone()).unwrap_or_default();
    let by = format!("tracker {}", held.tracker.name);
    match crate::remediation::submit_by_tracker(app, held.fix.id, &by, &patch).await {
        Ok(_) => after.proposal = Some(TicketProposal::Accepted),
        Err(Error::Refused(refusals)) => {
            after.proposal = Some(TicketProposal::Refused);
            let words: Vec<_> = refusals.into_iter().map(|refusal| refusal.message).collect();
            after.note = Some(words.join("; "));
        }
        Err(other) => return Err(other),
    }
    Ok(())
}

/// What templates may name: the subject, and a text that leads back to the event. No more of its content leaves.
fn about(app: &App, held: &Held, marker: &str) -> Map<String, Value> {
    let (event, fix) = (&held.event, &held.fix);
    // A report as received stays inside: until an analyst has written a title, the number stands for it.
    let title = crate::event::title(&Actor::schedule(), event);
    let link = app.event_link.replace("{number}", &event.number);
    let text = if link.is_empty() { event.number.clone() } else { format!("{}\n{link}", event.number) };
    [
        ("marker", marker.to_owned()),
        ("subject", rules::subject(&event.number, &fix.line, title, marker)),
        ("text", text),
        ("number", event.number.clone()),
        ("line", fix.line.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect()
}
