//! Setting the Traffic Light Protocol level.

use std::collections::BTreeSet;

use async_graphql::InputObject;
use entity::event;
use entity::vocabulary::{Function, MemberSource, Tlp};

use super::rules;
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::deadline::Clocks;
use crate::error::{Error, Result};
use crate::escalation;
use crate::event::{self as events, optional_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};

/// Longest reason, in characters.
const SHORT: usize = 2_000;

/// A TLP level for an event. 设置 TLP 级别。
#[derive(Clone, Debug, InputObject)]
pub struct SetTlp {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// The level. 级别。
    pub tlp: Tlp,
    /// Why. 原因。
    pub reason: Option<String>,
}

/// Sets the TLP level. Raising to RED puts the actor and who is on duty for SECURITY on the team, whose members are
/// then the only ones beside LEADER and AUDITOR who see the event.
///
/// # Errors
/// By policy, visibility and version; NEEDS_LEADER for lowering RED.
pub async fn set_tlp(app: &App, actor: &Actor, input: &SetTlp) -> Result<event::Model> {
    require(actor, Action::SetTlp)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), SHORT)?;
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let before = clocks.facts.event.clone();
    events::expect_version(before.version, input.expected_version)?;
    if let Some(refusal) = rules::check_tlp(before.tlp, input.tlp, actor.is(Role::Leader)) {
        return Err(Error::Refused(vec![refusal]));
    }
    let mut changes = ChangeSet::new(app, actor, Action::SetTlp).because(reason);
    let mut after = event::Model { tlp: input.tlp, ..before.clone() };
    let access = AccessFacts::load(app, &before).await?;
    let mut granted = AccessFacts { event: after.clone(), ..access.clone() };
    if input.tlp == Tlp::Red {
        escalation::bring(app, &mut changes, &mut granted, &BTreeSet::from([Function::Security])).await?;
        escalation::join(app, &mut changes, &mut granted, None, Some(&actor.subject), MemberSource::Actor);
    }
    regrant(&mut changes, Some(&access), &granted);
    super::tell(app, &mut changes, &after);
    // What is public needs no decision about going abroad, and what no longer is needs one.
    clocks.replan(app, &mut changes, &mut after)?;
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
