//! Setting and ending the embargo.

use async_graphql::InputObject;
use chrono::{DateTime, SubsecRound, Utc};
use entity::event;

use super::rules;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::deadline::Clocks;
use crate::error::{Error, Result};
use crate::event::{self as events, optional_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};

/// Longest reason, in characters.
const SHORT: usize = 2_000;

/// An embargo on an event. 设置保密期。
#[derive(Clone, Debug, InputObject)]
pub struct SetEmbargo {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// When it ends; null ends it now. 结束时间；为空则立即结束。
    pub until: Option<DateTime<Utc>>,
    /// Why; asked for when it ends earlier than it was to. 原因；提前结束时必填。
    pub reason: Option<String>,
}

/// Sets the embargo's end, or ends it now.
///
/// # Errors
/// By policy, visibility and version; refusals when the end is past, or it ends earlier without a reason.
pub async fn set_embargo(app: &App, actor: &Actor, input: &SetEmbargo) -> Result<event::Model> {
    require(actor, Action::SetEmbargo)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), SHORT)?;
    let until = input.until.map(|until| until.trunc_subsecs(6));
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let before = clocks.facts.event.clone();
    events::expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, Action::SetEmbargo).because(reason.as_deref());
    let refusals = rules::check_embargo(before.embargo_until, until, reason.as_deref(), changes.at());
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    let mut after = event::Model { embargo_until: until, ..before.clone() };
    super::tell(app, &mut changes, &after);
    // What is public needs no decision about going abroad, and what no longer is needs one.
    clocks.replan(app, &mut changes, &mut after)?;
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
