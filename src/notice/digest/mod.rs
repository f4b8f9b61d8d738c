//! The daily e-mail: what a person has not read, what is overdue and what is due next.
//!
//! One e-mail a person and day, whoever sends it and however often it is started: the row of the day is unique, and who
//! writes it first has it. What leaves is made at that moment, for the rights that the person then has. As with replies
//! it is written down before the content goes out; a process that ends after that leaves the row UNCERTAIN, and nobody
//! sends it again. What surely did not leave is tried again until the next day's turn. A day on which nothing ran is
//! made up for once ([`rules::day`]). Where there is nothing to say, nothing is sent.
//!
//! Mail is read and kept in many places: it says numbers, kinds and times, and of TLP:RED events how many.

mod forget;
pub mod store;
pub mod worker;

pub use forget::Forgetting;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use entity::vocabulary::{DigestState, ReplyFormat, Tlp};
use entity::{digest, principal};
use uuid::Uuid;

use super::rules::{AHEAD, Digest, Line};
use super::{Hour, rules};
use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, Origin};
use crate::error::Result;
use crate::graphql::sensitive::SensitiveReads;
use crate::outbox::outlasting;
use crate::principal::acting;
use crate::reply::files::File;
use crate::reply::handover::{Outcome, mail, next_attempt, smtp};
use crate::reply::settings::Smtp;
use crate::reply::to_reporter::rules::Thread;

/// People that are looked up at once.
const BATCH: u64 = 100;
/// Most notices that are counted, and most clocks.
const MOST: u64 = 500;
/// What a lease has beyond the time that the mail server may take.
const MARGIN: Duration = Duration::from_secs(15);

/// What a daily e-mail is sent with.
struct Sender<'a> {
    hour: Hour,
    smtp: &'a Smtp,
    from: &'a str,
}

/// What the installation sends daily e-mails with; none when it sends none.
fn sender(app: &App) -> Option<Sender<'_>> {
    let smtp = app.replies.smtp.as_ref()?;
    Some(Sender { hour: app.digest?, smtp, from: smtp.from.as_deref()? })
}

/// Whether this installation sends daily e-mails at all.
pub fn is_sent(app: &App) -> bool {
    sender(app).is_some()
}

/// Sends once what is due at the clock's present instant, and answers how many e-mails left.
///
/// # Errors
/// Of the database. What is wrong with one person's stays with it.
pub async fn pass(app: &App) -> Result<usize> {
    let Some(sender) = sender(app) else { return Ok(0) };
    let day = rules::day(app.clock.now(), sender.hour);
    store::give_up(app, day, app.clock.now()).await?;
    let mut sent = 0;
    for row in store::waiting(app, day, app.clock.now()).await? {
        sent += attempt(app, &sender, row).await;
    }
    let mut after = Uuid::nil();
    loop {
        let people = store::without(app, day, after, BATCH).await?;
        let Some(last) = people.last() else { return Ok(sent) };
        after = last.id;
        for person in &people {
            if reader(app, person).is_none() {
                continue;
            }
            let row = new_row(app, person.id, day);
            if store::claim_new(app, row.clone()).await? {
                sent += attempt(app, &sender, row).await;
            }
        }
    }
}

/// For whom the e-mail is: a person who may act and reads notices.
fn reader(app: &App, person: &principal::Model) -> Option<Actor> {
    acting(app, person, Origin::default()).filter(|actor| allows(actor, Action::ReadNotices))
}

fn new_row(app: &App, principal: Uuid, day: NaiveDate) -> digest::Model {
    let now = app.clock.now();
    digest::Model {
        id: app.ids.next(),
        principal_id: principal,
        day,
        state: DigestState::Claimed,
        attempts: 0,
        due_at: Some(now),
        lease_by: None,
        lease_until: None,
        answer: None,
        created_at: now,
        settled_at: None,
    }
}

/// Attempts one, and answers how many left.
async fn attempt(app: &App, sender: &Sender<'_>, row: digest::Model) -> usize {
    match send(app, sender, &row).await {
        Ok(sent) => usize::from(sent),
        Err(error) => {
            tracing::error!(digest = %row.id, ?error, "a daily e-mail was not sent");
            0
        }
    }
}

async fn send(app: &App, sender: &Sender<'_>, row: &digest::Model) -> Result<bool> {
    let me = app.ids.next();
    let lease = sender.smtp.timeout * 2 + MARGIN;
    let Some(row) = store::claim(app, row.id, me, app.clock.now(), lease).await? else { return Ok(false) };
    let person = store::person(app, row.principal_id).await?.filter(|person| !person.digest_off);
    let reader = person.as_ref().and_then(|person| reader(app, person));
    let to = person.as_ref().and_then(|person| person.email.clone());
    let (Some(actor), Some(to)) = (reader, to) else {
        store::settle(app, row.id, me, DigestState::Nothing, None, app.clock.now()).await?;
        return Ok(false);
    };
    let (content, reads) = content(app, &actor).await?;
    if content.is_empty() {
        store::settle(app, row.id, me, DigestState::Nothing, None, app.clock.now()).await?;
        return Ok(false);
    }
    let letter = mail::Letter {
        from: sender.from,
        to: Some(&to),
        message_id: &mail::message_id(row.id, sender.from),
        subject: &content.subject(),
        at: app.clock.now(),
        thread: &Thread::default(),
        automatic: Some(mail::Automatic::Notice),
    };
    let text = content.text(sender.hour.zone).into_bytes();
    let files = [File { format: ReplyFormat::Text, name: String::new(), bytes: text }];
    let bytes = match mail::assemble(&letter, row.id, &files, &[]) {
        Ok(bytes) => bytes,
        // The address is what the person's token said. Trying again would make nothing else of it.
        Err(error) => {
            tracing::warn!(digest = %row.id, ?error, "a daily e-mail cannot be put together");
            let words = "their token's e-mail claim is no single address: have the issuer correct it";
            return settle(app, &row, me, Outcome::Refused(words.to_owned())).await;
        }
    };
    let outcome = match smtp::prepare(sender.smtp, sender.from, &to).await {
        Err(outcome) => outcome,
        Ok(ready) => {
            // What may be read by somebody is on record before it leaves.
            reads.record(app, &actor).await?;
            if !store::begin(app, row.id, me, app.clock.now(), lease).await? {
                ready.leave().await;
                return Ok(false);
            }
            ready.send(&bytes).await
        }
    };
    settle(app, &row, me, outcome).await
}

async fn settle(app: &App, row: &digest::Model, me: Uuid, outcome: Outcome) -> Result<bool> {
    let now = app.clock.now();
    let (state, words) = match outcome {
        Outcome::Taken(words) => (DigestState::Sent, words),
        Outcome::Uncertain(words) => (DigestState::Uncertain, words),
        Outcome::Refused(words) => (DigestState::Refused, words),
        Outcome::Later(words) => match next_attempt(row.attempts, now) {
            Some(due) => {
                tracing::warn!(digest = %row.id, words, "a daily e-mail is tried again");
                store::put_back(app, row.id, me, &words, due).await?;
                return Ok(false);
            }
            None => (DigestState::Refused, words),
        },
    };
    if state != DigestState::Sent {
        tracing::warn!(digest = %row.id, %state, words, "a daily e-mail did not arrive for sure");
    }
    outlasting(|| store::settle(app, row.id, me, state, Some(&words), now)).await?;
    Ok(state == DigestState::Sent)
}

/// What a person is told, with the reads that this is.
async fn content(app: &App, actor: &Actor) -> Result<(Digest, SensitiveReads)> {
    let now = app.clock.now();
    let notices = super::store::unread(app, actor, MOST).await?;
    let clocks = crate::deadline::store::of_person(app, actor, Some(now + AHEAD), MOST).await?;
    let ids = notices.iter().filter_map(|row| row.event_id).chain(clocks.iter().map(|row| row.event_id));
    let events = super::store::events(app, actor, ids.collect::<BTreeSet<_>>()).await?;
    let reads = SensitiveReads::new(now);
    events.values().for_each(|event| reads.note(event));
    let mut digest = Digest::default();
    for row in notices {
        let is_red = row.event_id.and_then(|id| events.get(&id)).is_some_and(|event| event.tlp == Tlp::Red);
        if is_red {
            digest.red += 1;
        } else {
            *digest.unread.entry(row.kind).or_default() += 1;
        }
    }
    for row in clocks {
        let (Some(event), Some(due_at)) = (events.get(&row.event_id), row.due_at) else { continue };
        let line = Line { number: event.number.clone(), kind: row.kind, due_at };
        match event.tlp {
            Tlp::Red => digest.red += 1,
            _ if due_at <= now => digest.breached.push(line),
            _ => digest.next.push(line),
        }
    }
    Ok((digest, reads))
}
