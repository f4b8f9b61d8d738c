//! Rejecting, holding, releasing, cancelling, retrying and reversing.

use async_graphql::InputObject;
use entity::payout;
use entity::vocabulary::PayoutChangeKind;

use super::ledger::Posting;
use super::rules::{self, Cause};
use super::store::Loaded;
use super::{SHORT, give_back, require_impartial, step, store, target};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::ChangeSet;

/// A move of a payout. 奖励流转。
#[derive(Clone, Debug, InputObject)]
pub struct PayoutMove {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

/// A move that was looked at: what it moves, and the change to write it in.
struct Begun {
    loaded: Loaded,
    changes: ChangeSet,
    reason: String,
}

async fn begin(app: &App, actor: &Actor, action: Action, input: &PayoutMove) -> Result<Begun> {
    require(actor, action)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    expect_version(loaded.payout.version, input.expected_version)?;
    require_impartial(app, actor, &loaded).await?;
    let changes = ChangeSet::new(app, actor, action).because(Some(reason.as_str()));
    Ok(Begun { loaded, changes, reason })
}

impl Begun {
    async fn end(mut self, app: &App, after: payout::Model, kind: PayoutChangeKind) -> Result<payout::Model> {
        let after = step(app, &mut self.changes, &self.loaded, after, kind, Some(&self.reason));
        app.commit(self.changes).await?;
        Ok(after)
    }
}

/// Rejects a proposal.
///
/// # Errors
/// By policy, visibility, version and the move table; FOUR_EYES for the payee and the reporter.
pub async fn reject(app: &App, actor: &Actor, input: &PayoutMove) -> Result<payout::Model> {
    let begun = begin(app, actor, Action::RejectPayout, input).await?;
    let state = target(app, &begun.loaded, Cause::Reject).await?;
    let after = payout::Model { state, live_key: None, ..begun.loaded.payout.clone() };
    begun.end(app, after, PayoutChangeKind::Rejected).await
}

/// Stops a payout where it is.
///
/// # Errors
/// By policy, visibility, version and the move table; FOUR_EYES for the payee and the reporter.
pub async fn hold(app: &App, actor: &Actor, input: &PayoutMove) -> Result<payout::Model> {
    let begun = begin(app, actor, Action::HoldPayout, input).await?;
    let state = target(app, &begun.loaded, Cause::Hold).await?;
    let before = &begun.loaded.payout;
    let after = payout::Model { state, held_from: Some(before.state), ..before.clone() };
    begun.end(app, after, PayoutChangeKind::OnHold).await
}

/// Lets a held payout go on where it was. The time to answer stood still meanwhile.
///
/// # Errors
/// By policy, visibility, version and the move table; a refusal while an appeal is open.
pub async fn release(app: &App, actor: &Actor, input: &PayoutMove) -> Result<payout::Model> {
    let begun = begin(app, actor, Action::ReleasePayout, input).await?;
    let state = target(app, &begun.loaded, Cause::Release).await?;
    let before = &begun.loaded.payout;
    let answer_by = rules::answer_after_hold(before, before.changed_at, begun.changes.at());
    let after = payout::Model { state, held_from: None, answer_by, ..before.clone() };
    begun.end(app, after, PayoutChangeKind::Released).await
}

/// Takes a payout back before it is paid, and gives its budget back.
///
/// # Errors
/// By policy, visibility, version and the move table; a refusal while the platform may pay it, or an appeal is open.
pub async fn cancel(app: &App, actor: &Actor, input: &PayoutMove) -> Result<payout::Model> {
    let mut begun = begin(app, actor, Action::CancelPayout, input).await?;
    let state = target(app, &begun.loaded, Cause::Cancel).await?;
    let payout = begun.loaded.payout.clone();
    let mut after = payout::Model { state, live_key: None, held_from: None, held_for: None, ..payout };
    give_back(app, &mut begun.changes, &mut after, Posting::give_back).await?;
    begun.end(app, after, PayoutChangeKind::Cancelled).await
}

/// Offers a failed payout to the platform again.
///
/// # Errors
/// By policy, visibility, version and the move table; FOUR_EYES for the payee and the reporter.
pub async fn retry(app: &App, actor: &Actor, input: &PayoutMove) -> Result<payout::Model> {
    let begun = begin(app, actor, Action::RetryPayout, input).await?;
    let state = target(app, &begun.loaded, Cause::Retry).await?;
    let before = &begun.loaded.payout;
    let after = payout::Model {
        state,
        attempt: before.attempt.saturating_add(1),
        synced_at: None,
        platform_reference: None,
        ..before.clone()
    };
    begun.end(app, after, PayoutChangeKind::Released).await
}

/// Undoes a payment by a reversing entry in the budget's ledger. The payout stays PAID, marked as reversed; what it
/// was for may then be paid anew.
///
/// # Errors
/// By policy, visibility and version; refusals unless it is PAID and not reversed; FOUR_EYES for the payee.
pub async fn reverse(app: &App, actor: &Actor, input: &PayoutMove) -> Result<payout::Model> {
    let mut begun = begin(app, actor, Action::ReversePayout, input).await?;
    let before = begun.loaded.payout.clone();
    if !rules::may_reverse(&before) {
        let message = format!("only a PAID payout is reversed, once; it is {}", before.state);
        return Err(Error::refused(RefusalCode::MoveNotAllowed, message));
    }
    let mut after = payout::Model { reversed_at: Some(begun.changes.at()), live_key: None, ..before.clone() };
    give_back(app, &mut begun.changes, &mut after, Posting::reverse).await?;
    // Where it was paid from stays on record.
    after.budget_id = before.budget_id;
    begun.end(app, after, PayoutChangeKind::Reversed).await
}
