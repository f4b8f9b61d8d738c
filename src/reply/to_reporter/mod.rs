//! E-mails to who reported: answers and messages, in the thread of the mails by which they did.
//!
//! A channel's route says whether answers go there (`setReplyRoute`, `toReporter`). The reply then names the report whose
//! reporter gets it, and which version of what is known of them was meant: one who has another address since is written to
//! only after somebody looked. The address itself stands with the reporter alone, to be erased there. So what is frozen
//! has no `To`, that line is put before it as it goes out, and what a mail server says is kept without the address.
//!
//! Such an e-mail answers one report: it meets no obligation of another's, and carries no file of another's. A message of
//! the team to a reporter goes the same way, as its words stand; who may not read the messages does not read that reply.

pub mod rules;
pub mod store;

use entity::vocabulary::{MailVerification, NotMailed, ReplyKind};
use entity::{channel, comment, event, obligation, reply, reply_route, report};
use uuid::Uuid;

use self::rules::{Letter, Thread};
use super::destination::{self, Named};
use super::draft::{Basis, Text, new_reply, write};
use super::{channel_of, handover, send, sending, store as replies, tell};
use crate::app::App;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::outbox::ChangeSet;
use crate::{protection, template};

/// A report's reporter, as somebody to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The report.
    pub report: Uuid,
    /// Version of what is known of its reporter.
    pub version: i32,
}

/// The reporter of a report, if an address of theirs is known.
///
/// # Errors
/// Of the database.
pub async fn addressee(app: &App, report: Uuid) -> Result<Option<Addressee>> {
    let Some((_, Some(reporter))) = store::reported(app, report).await? else { return Ok(None) };
    Ok(rules::address(&reporter).map(|_| Addressee { report, version: reporter.version }))
}

/// The address that an e-mail to a report's reporter goes to.
///
/// # Errors
/// Of the database.
pub(super) async fn address(app: &App, report: Uuid) -> Result<Option<String>> {
    let Some((_, Some(reporter))) = store::reported(app, report).await? else { return Ok(None) };
    Ok(rules::address(&reporter))
}

/// Who gets what answers these obligations where the channel's mail goes to reporters: who wrote by mail, and all of
/// whose report they are.
///
/// # Errors
/// Of the database.
pub(super) async fn by_default(app: &App, owed: &[obligation::Model]) -> Result<Option<Addressee>> {
    let Some(report) = owed.first().and_then(|row| row.report_id) else { return Ok(None) };
    if owed.iter().any(|row| row.report_id != Some(report)) {
        return Ok(None);
    }
    who_wrote(app, report).await
}

/// A report's reporter who wrote by mail.
///
/// # Errors
/// Of the database.
pub(super) async fn who_wrote(app: &App, report: Uuid) -> Result<Option<Addressee>> {
    let Some((row, _)) = store::reported(app, report).await? else { return Ok(None) };
    if store::mails(app, whole(&row)).await?.is_empty() {
        return Ok(None);
    }
    addressee(app, report).await
}

/// Whether a mail server that is trusted vouched for who sent a report by mail; of what did not come by mail, its channel has.
///
/// # Errors
/// Of the database.
pub(super) async fn is_vouched(app: &App, report: Uuid) -> Result<bool> {
    let Some((row, _)) = store::reported(app, report).await? else { return Ok(false) };
    let mails = store::mails(app, whole(&row)).await?;
    Ok(mails.first().is_none_or(|first| first.verification == MailVerification::Verified))
}

/// The reporter whom a reply is for, as they are known by now; of one that is for nobody yet, who gets it by default.
///
/// # Errors
/// Of the database.
pub(super) async fn meant(app: &App, reply: &reply::Model) -> Result<Option<Addressee>> {
    match reply.report_id {
        Some(report) => addressee(app, report).await,
        None => by_default(app, &replies::obligations_of(app, reply.id).await?).await,
    }
}

/// The report as it arrived: mails are about that, and not about a part that was split from it.
fn whole(report: &report::Model) -> Uuid {
    report.part_of.unwrap_or(report.id)
}

/// The reporter whom a caller names by their report.
///
/// # Errors
/// Refusals when it is no report of the event through the channel, nobody has an address there, or it is not theirs alone
/// that is answered.
pub(super) async fn named(
    app: &App,
    event: &event::Model,
    channel: &channel::Model,
    report: Uuid,
    owed: &[obligation::Model],
) -> Result<Addressee> {
    let refuse = |code, message| Err(Error::Refused(vec![Refusal::on(code, "toReporter", message)]));
    let Some(row) = store::through(app, report, event.id, channel.id).await? else {
        return refuse(RefusalCode::UnknownReference, "name a report of this event through this channel");
    };
    if owed.iter().any(|owed| owed.report_id != Some(row.id)) {
        let message = "an e-mail to a reporter answers their report alone: draft one for each (obligations)";
        return refuse(RefusalCode::Contradiction, message);
    }
    match addressee(app, row.id).await? {
        Some(found) => Ok(found),
        None => refuse(
            RefusalCode::MissingFact,
            "no address of its reporter is known that mail goes to: enter it (updateReporter), or send by another way",
        ),
    }
}

/// What keeps a reply from leaving to the reporter whom it is for.
///
/// # Errors
/// Of the database.
pub(super) async fn refusals(app: &App, reply: &reply::Model) -> Result<Vec<Refusal>> {
    let Some(report) = reply.report_id else { return Ok(Vec::new()) };
    let mut refusals = Vec::new();
    let mut refuse = |code, message: &str| refusals.push(Refusal::new(code, message));
    let found = store::reported(app, report).await?;
    if found.as_ref().is_none_or(|(row, _)| row.event_id != reply.event_id) {
        refuse(
            RefusalCode::Contradiction,
            "its report went to another event: draft the reply there (draftReply)",
        );
    }
    let (about, reporter) = found.unzip();
    let reporter = reporter.flatten();
    match reporter.as_ref().filter(|reporter| rules::address(reporter).is_some()) {
        None => refuse(
            RefusalCode::MissingFact,
            "no address of its reporter is known that mail goes to: enter it (updateReporter), or send by another way",
        ),
        Some(reporter) if reply.reporter_version != Some(reporter.version) => refuse(
            RefusalCode::Contradiction,
            "what is known of its reporter is another than when that was chosen: look at it and say again where it goes \
             (reviseReply, toReporter)",
        ),
        Some(_) => {}
    }
    let whole = about.as_ref().map_or(report, whole);
    for file in store::of_others(app, reply.id, [report, whole]).await? {
        let message = format!("{} came with another's report: take it out (reviseReply, detach)", file.name);
        refuse(RefusalCode::Contradiction, &message);
    }
    Ok(refusals)
}

/// The thread of a report's mails.
///
/// # Errors
/// Of the database.
pub(super) async fn thread(app: &App, report: Uuid) -> Result<Thread> {
    let about = store::reported(app, report).await?;
    let whole = about.as_ref().map_or(report, |(report, _)| whole(report));
    let theirs = store::mails(app, whole)
        .await?
        .into_iter()
        .filter_map(|row| Some(Letter { at: row.received_at, ours: false, message_id: row.message_id? }));
    let mut letters: Vec<Letter> = theirs.collect();
    letters.extend(store::written(app, [report, whole]).await?);
    Ok(rules::thread(letters))
}

/// Sends a message of the team to a report's reporter by e-mail too, inside the caller's change, where the channel's mail
/// goes to reporters. Answers why not.
///
/// # Errors
/// Of the database.
pub(crate) async fn mail_message(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    report: &report::Model,
    message: &comment::Model,
) -> Result<Option<NotMailed>> {
    let channel = channel_of(app, report.channel_id).await?;
    let route = handover::store::route(app, channel.id).await?;
    let Some(route) = route.filter(|route| route.to_reporter) else { return Ok(None) };
    // The first one made the report; in later ones somebody else may have written.
    let mails = store::mails(app, whole(report)).await?;
    let Some(first) = mails.first() else { return Ok(Some(NotMailed::NotByMail)) };
    let Some(addressee) = addressee(app, report.id).await? else { return Ok(Some(NotMailed::NoAddress)) };
    if send::sender(app, Some(&route)).is_err() {
        return Ok(Some(NotMailed::NoMailServer));
    }
    let named = Named { reporter: Some(addressee), ..Named::default() };
    let reply =
        message_reply(app, changes, (event, &channel), &route, &named, message, &first.subject).await?;
    match sending::expect_sendable(app, None, event, &channel, &reply, changes.at()).await {
        Ok(()) => {}
        Err(Error::Refused(refusals)) => {
            let words: Vec<_> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
            tracing::info!(comment = %message.id, ?words, "a message is not e-mailed");
            return Ok(Some(NotMailed::Withheld));
        }
        Err(other) => return Err(other),
    }
    let to = template::To::new(&channel, Some(report.id), &[]);
    let reply = send::freeze(app, changes, event, &to, Some(&route), reply).await?;
    write(app, changes, &reply, &[]);
    tell(app, changes, &reply, false);
    Ok(None)
}

/// The reply that carries a message.
async fn message_reply(
    app: &App,
    changes: &ChangeSet,
    (event, channel): (&event::Model, &channel::Model),
    route: &reply_route::Model,
    named: &Named,
    message: &comment::Model,
    subject: &str,
) -> Result<reply::Model> {
    let reach = protection::store::reach(app, event, channel).await?;
    let text = Text {
        kind: ReplyKind::FollowUp,
        language: channel.language.clone(),
        subject: rules::answer_to(subject),
        body: message.body.clone(),
        template: None,
        supplied: std::collections::BTreeMap::new(),
    };
    let basis = Basis {
        as_made: false,
        verdict: replies::verdict_in_force(app, event.id).await?,
        extent: template::facts::extent(channel.kind, &reach),
        destination: destination::choose(channel, Some(route), named)?,
    };
    let reply = new_reply(app, changes, event, channel, text, basis)?;
    let formats = Some(vec![entity::vocabulary::ReplyFormat::Text.to_string()].into());
    Ok(reply::Model { comment_id: Some(message.id), formats, ..reply })
}
