//! Calling a reply back while nothing of it went out, and taking back that it arrived when it came back.

use async_graphql::InputObject;
use entity::vocabulary::{DispatchState, ObligationState, ReplyState};
use entity::{obligation, reply, reply_dispatch};

use super::handover::store as dispatches;
use super::{SHORT, rules, save, save_with, store, tell_obligation};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::deadline::{self, Clocks};
use crate::error::{Error, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::ChangeSet;

/// A reply to be called back. 撤回发送。
#[derive(Clone, Debug, InputObject)]
pub struct CancelReply {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen. 所见的回复版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

/// Calls back a reply that is SENDING, while it waits: it is FAILED then, and may be revised or sent again.
///
/// # Errors
/// By policy, visibility and version; a refusal when it is not waiting.
pub async fn cancel_reply(app: &App, actor: &Actor, input: &CancelReply) -> Result<reply::Model> {
    require(actor, Action::CancelReply)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    expect_version(before.version, input.expected_version)?;
    let dispatch = dispatches::newest(app, before.id).await?;
    let mut changes = ChangeSet::new(app, actor, Action::CancelReply).because(Some(reason));
    rules::may_cancel(before.state, dispatch.as_ref(), changes.at())
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    if let Some(dispatch) = dispatch {
        let settled = reply_dispatch::Model {
            state: DispatchState::Refused,
            due_at: None,
            lease_by: None,
            lease_until: None,
            answer: Some("called back before anything of it went out".to_owned()),
            settled_at: Some(changes.at()),
            ..dispatch.clone()
        };
        // A worker that took it meanwhile goes first.
        changes.update_where(&dispatch, &settled, dispatches::as_held(&dispatch));
    }
    let after = reply::Model { state: ReplyState::Failed, content_hash: None, ..before.clone() };
    save(app, changes, &event, &before, after, false).await
}

/// That a reply which came back did not arrive. 确认退信的回复未送达。
#[derive(Clone, Debug, InputObject)]
pub struct ConfirmNonDelivery {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen. 所见的回复版本。
    pub expected_version: i32,
    /// How that was found out. 查明方式。
    pub reason: String,
}

/// Says that a reply which was SENT and came back did not arrive: it is FAILED then, what it met is owed again, and the
/// clocks of that run on as if it had never been met.
///
/// # Errors
/// By policy, visibility and version; a refusal when it is not SENT or nothing of it came back.
pub async fn confirm_non_delivery(
    app: &App,
    actor: &Actor,
    input: &ConfirmNonDelivery,
) -> Result<reply::Model> {
    require(actor, Action::ConfirmNonDelivery)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    expect_version(before.version, input.expected_version)?;
    let dispatch = dispatches::newest(app, before.id).await?;
    rules::may_confirm_loss(before.state, dispatch.as_ref())
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    let mut changes = ChangeSet::new(app, actor, Action::ConfirmNonDelivery).because(Some(reason));
    if let Some(dispatch) = dispatch {
        let settled = reply_dispatch::Model { state: DispatchState::Refused, ..dispatch.clone() };
        changes.update(&dispatch, &settled);
    }
    let mut clocks = Clocks::load(app, &event).await?;
    let met: Vec<_> = clocks
        .facts
        .obligations
        .iter()
        .filter(|row| row.met_by_reply_id == Some(before.id))
        .cloned()
        .collect();
    for row in &met {
        let open = obligation::Model {
            state: ObligationState::Open,
            met_at: None,
            met_by_reply_id: None,
            ..row.clone()
        };
        changes.update(row, &open);
        tell_obligation(app, &mut changes, &open);
        clocks.facts.obligation_changed(&open);
    }
    let mut moved = event.clone();
    clocks.replan(app, &mut changes, &mut moved)?;
    if !met.is_empty() {
        deadline::call_back(app, &mut changes, &mut moved)?;
    }
    let after = reply::Model {
        state: ReplyState::Failed,
        sent_by: None,
        sent_at: None,
        sent_via: None,
        receipt_number: None,
        proof: None,
        content_hash: None,
        ..before.clone()
    };
    save_with(app, changes, (&event, moved), &before, after, false).await
}
