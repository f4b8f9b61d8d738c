//! Words on an event: among its team, and between the team and a report's reporter.
//!
//! A comment is internal: everybody who sees the event's content reads it. A message belongs to one report and
//! is read by its reporter too, so of the team only those read it who may know the report. To a database or regulator
//! nobody writes here: what they are told leaves as a reply with its approval. Neither makes a
//! version stale that somebody else holds: what was said does not decide what may be done next. Where the channel's mail goes
//! to reporters, a message goes out as an e-mail of its own too ([`crate::reply::to_reporter`]).

pub mod graphql;
pub mod store;

use async_graphql::InputObject;
use entity::vocabulary::CommentVisibility;
use entity::{comment, event, report};
use serde::Serialize;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::event::require_text;
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::protection;
use crate::reply::{self, rules::is_official};

/// Longest comment or message, in characters.
const LONG: usize = 100_000;

/// A comment for the team. 内部评论。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CommentOnEvent {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The words. 内容。
    pub body: String,
    /// Sent again with the same input, it answers the first comment. 幂等键；相同输入返回首次结果。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// A message to a reporter. 致报告人的消息。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct MessageReporter {
    /// The report whose reporter reads it. 报告，其报告人可见。
    pub report: Id<report::Entity>,
    /// The words. 内容。
    pub body: String,
    /// Sent again with the same input, it answers the first message. 幂等键；相同输入返回首次结果。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Writes a comment for everybody who sees the event's content.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on a blank or overlong body.
pub async fn comment(app: &App, actor: &Actor, input: &CommentOnEvent) -> Result<comment::Model> {
    require(actor, Action::Comment)?;
    let body = require_text("input.body", &input.body, LONG)?;
    let event = crate::event::store::find(app, actor, input.event.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::Comment, key, input).await? {
        Replay::Done(id) => return store::find(app, actor, id).await,
        Replay::First(key) => key,
    };
    let mut changes = ChangeSet::new(app, actor, Action::Comment);
    let row = written(app, &changes, &event, None, &body);
    changes.insert(&row);
    changes.message(app, Some(event.id), &message::EventCommentAdded { comment: Opaque::new(row.id) });
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(row)
}

/// Writes to the reporter of a report.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on a blank or overlong body; a refusal where the report came from a database
/// or regulator, and by [`expect_reach`].
pub async fn message_reporter(app: &App, actor: &Actor, input: &MessageReporter) -> Result<comment::Model> {
    require(actor, Action::MessageReporter)?;
    let body = require_text("input.body", &input.body, LONG)?;
    let report = crate::intake::store::find(app, actor, input.report.0).await?;
    let event = crate::event::store::find(app, actor, report.event_id).await?;
    let channel = crate::channel::store::find(app, report.channel_id).await?;
    if is_official(channel.kind) {
        let message = "what is said to a database or regulator leaves as a reply that somebody approved: \
                       draft one (draftReply, for example FOLLOW_UP or THANKS)";
        return Err(Error::refused(RefusalCode::FourEyes, message));
    }
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::MessageReporter, key, input).await? {
        Replay::Done(id) => return store::find(app, actor, id).await,
        Replay::First(key) => key,
    };
    expect_reach(app, &event, &report).await?;
    let mut changes = ChangeSet::new(app, actor, Action::MessageReporter);
    let row = send_to_reporter(app, &mut changes, &event, &report, &body).await?;
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(row)
}

/// Demands that a person's words to a report's reporter may go to where the report came from.
///
/// # Errors
/// A refusal while undisclosed content may not go there.
pub async fn expect_reach(app: &App, event: &event::Model, report: &report::Model) -> Result<()> {
    let channel = crate::channel::store::find(app, report.channel_id).await?;
    let reach = protection::store::reach(app, event, &channel).await?;
    match protection::rules::free_words(&reach) {
        Some(refusal) => Err(Error::Refused(vec![refusal])),
        None => Ok(()),
    }
}

/// Writes a message that the report's reporter reads, inside the caller's change. A person's words are for
/// [`expect_reach`] first.
///
/// # Errors
/// Of the database.
pub async fn write_to_reporter(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    report: &report::Model,
    body: &str,
) -> Result<()> {
    send_to_reporter(app, changes, event, report, body).await?;
    Ok(())
}

/// Writes what a report's reporter says to the team, inside the caller's change.
pub fn write_from_reporter(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    report: &report::Model,
    body: String,
) -> comment::Model {
    let row = comment::Model { from_reporter: true, ..written(app, changes, event, Some(report), &body) };
    changes.insert(&row);
    let told = message::ReporterMessage {
        comment: Opaque::new(row.id),
        report: Opaque::new(report.id),
        from_reporter: true,
    };
    changes.message(app, Some(event.id), &told);
    row
}

/// A message to the reporter, which goes out by e-mail too where the channel's mail goes to reporters.
async fn send_to_reporter(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    report: &report::Model,
    body: &str,
) -> Result<comment::Model> {
    let mut row = written(app, changes, event, Some(report), body);
    row.not_mailed = reply::mail_message(app, changes, event, report, &row).await?;
    changes.insert(&row);
    let told = message::ReporterMessage {
        comment: Opaque::new(row.id),
        report: Opaque::new(report.id),
        from_reporter: false,
    };
    changes.message(app, Some(event.id), &told);
    Ok(row)
}

/// A comment of the team; with a report, its reporter reads it too.
fn written(
    app: &App,
    changes: &ChangeSet,
    event: &event::Model,
    report: Option<&report::Model>,
    body: &str,
) -> comment::Model {
    comment::Model {
        id: app.ids.next(),
        event_id: event.id,
        report_id: report.map(|report| report.id),
        visibility: report.map_or(CommentVisibility::Internal, |_| CommentVisibility::Reporter),
        body: body.to_owned(),
        author: changes.actor().to_owned(),
        from_reporter: false,
        not_mailed: None,
        created_at: changes.at(),
    }
}
