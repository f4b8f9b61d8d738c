//! Obligations and replies: what a report's channel is owed, and the answers that pay it.
//!
//! An *obligation* says which kind of reply is owed to which channel, and why. It is opened by what a report
//! or the law asks for, and ends MET by a reply that was sent or WAIVED by a person ([`waive_obligation`]).
//!
//! A *reply* goes from draft to proof: DRAFT, IN_REVIEW, APPROVED, SENDING, SENT, or FAILED, or UNCERTAIN. A person
//! carries it and records that ([`record_reply_sent`]), or it is handed over by e-mail or to the channel's platform
//! ([`send_reply`], [`handover`]). What left is kept to the byte ([`files`]). Its text may change until it leaves,
//! and every change of it takes an approval away; what left is frozen with its hash. Who may approve, and
//! which replies need it, is [`rules::may_approve`]'s; what the content still lacks is
//! [`rules::missing_facts`]'s, which blocks the approval and the sending alike, as does what its files cannot show
//! ([`files::refusals`]). Where it goes is part of what is
//! approved ([`destination`]), and so are the files that go with it. An approval is judged again when the reply is sent and once more when it leaves, since
//! the event's level, verdict or reach may have changed meanwhile ([`gate`]).
//!
//! Replies and obligations hang on their event: its revision guards them and its audit chain records them. A
//! reply has a version of its own, so that two people at two replies do not get in each other's way.

pub mod destination;
pub mod gate;
pub mod graphql;
pub mod rules;
pub mod settings;
pub mod store;

mod acknowledge;
mod attach;
mod blank;
mod call_back;
mod draft;
mod evidence;
pub mod files;
pub mod handover;
pub mod http;
mod obligation;
pub mod package;
mod proof;
mod review;
mod route;
mod send;
mod sending;
pub mod to_reporter;

pub use acknowledge::Acknowledging;
pub(crate) use attach::take_out;
pub use attach::{attach, attached, expect_attachable, kept, path};
pub use blank::blank;
pub use call_back::{CancelReply, ConfirmNonDelivery, cancel_reply, confirm_non_delivery};
pub use draft::{DraftReply, ReviseReply, draft_reply, revise_reply};
pub(crate) use draft::{Preview, draft_question, preview};
pub use obligation::{WaiveObligation, waive_obligation};
pub use proof::{add_proof, expect_provable, proof, proof_file, proof_path};
pub use review::{RequestReplyReview, ReviewReply, request_reply_review, review_reply};
pub use route::{SetReplyRoute, reseal, set_reply_route};
pub use rules::needs_approval;
pub use send::{ResolveUncertainReply, SendReply, resolve_uncertain_reply, send_reply};
pub use sending::{RecordReplySent, record_reply_sent};
pub(crate) use to_reporter::mail_message;

use entity::vocabulary::{ReplyKind, ReplyState};
use entity::{channel, event, reply};

use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, Result};
use crate::event::require_text;
use crate::outbox::{Bump, ChangeSet, Opaque, message};

/// Longest subject line, note, reason or reference, in characters.
const SHORT: usize = 2_000;
/// Longest body, in characters.
const LONG: usize = 100_000;

/// Demands that the actor may write replies of this kind: PUBLIC_RELATIONS writes statements only.
pub(crate) fn require_author(actor: &Actor, action: Action, kind: ReplyKind) -> Result<()> {
    require(actor, action)?;
    if actor.is(Role::Analyst) || kind == ReplyKind::Statement {
        return Ok(());
    }
    Err(Error::Forbidden { action: action.name() })
}

/// A text on one line.
fn require_line(field: &str, text: &str) -> Result<String> {
    let text = require_text(field, text, SHORT)?;
    if text.contains(['\n', '\r']) {
        return Err(Error::bad_input(field, "send it on one line"));
    }
    Ok(text)
}

/// The channel that a reply or obligation refers to; that it is there is the database's promise.
async fn channel_of(app: &App, id: uuid::Uuid) -> Result<channel::Model> {
    let found = store::channel(app, id).await?;
    found.ok_or_else(|| Error::Internal(anyhow::anyhow!("channel {id} is referred to and missing")))
}

/// Writes a reply's change, tells of it and closes the event's audit entry over it.
async fn save(
    app: &App,
    changes: ChangeSet,
    event: &event::Model,
    before: &reply::Model,
    after: reply::Model,
    approved_on_duty: bool,
) -> Result<reply::Model> {
    save_with(app, changes, (event, event.clone()), before, after, approved_on_duty).await
}

/// The same where the event changes with it.
async fn save_with(
    app: &App,
    mut changes: ChangeSet,
    (event, moved): (&event::Model, event::Model),
    before: &reply::Model,
    mut after: reply::Model,
    approved_on_duty: bool,
) -> Result<reply::Model> {
    after.version = before.version + 1;
    changes.update(before, &after);
    tell(app, &mut changes, &after, approved_on_duty);
    changes.revise(app, event, moved, Some(event.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Tells of a reply as it now is, and the leading group when only the duty roster entitled its approver.
fn tell(app: &App, changes: &mut ChangeSet, reply: &reply::Model, approved_on_duty: bool) {
    let id = || Opaque::new(reply.id);
    let (kind, state) = (reply.kind, reply.state);
    changes.message(
        app,
        Some(reply.event_id),
        &message::ReplyChanged { reply: id(), kind, state, approved_on_duty },
    );
    if state == ReplyState::Sent {
        let channel = Opaque::new(reply.channel_id);
        changes.message(app, Some(reply.event_id), &message::ReplySent { reply: id(), channel, kind });
    }
}

/// Tells of an obligation as it now is.
pub(crate) fn tell_obligation(app: &App, changes: &mut ChangeSet, obligation: &entity::obligation::Model) {
    let told = message::ObligationChanged {
        obligation: Opaque::new(obligation.id),
        kind: obligation.kind,
        state: obligation.state,
    };
    changes.message(app, Some(obligation.event_id), &told);
}

#[cfg(test)]
mod tests;
