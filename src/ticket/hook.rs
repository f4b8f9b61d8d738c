//! A tracker's hook: which ticket to look at.

use entity::tracker;
use serde_json::Value;

use super::store;
use super::tracker::profile_of;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::outbox::{Bump, ChangeSet, retrying};

/// What became of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// The ticket that it names is looked at next.
    Taken,
    /// It names no ticket of ours: nothing changes.
    NotOurs,
}

/// Takes a hook's body. It says which ticket changed and is believed in nothing else: the status is read from the
/// tracker itself. So a hook that comes twice, late, or from somebody else changes nothing.
///
/// # Errors
/// Of the database.
pub async fn take_hook(app: &App, tracker: &tracker::Model, body: &Value) -> Result<HookOutcome> {
    let profile = profile_of(tracker)?;
    let named = profile.hooks.iter().find_map(|pointer| match body.pointer(pointer) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    });
    let Some(id) = named else { return Ok(HookOutcome::NotOurs) };
    retrying(|| look_now(app, tracker, &id)).await
}

async fn look_now(app: &App, tracker: &entity::tracker::Model, id: &str) -> Result<HookOutcome> {
    let Some(before) = store::by_external_id(app, tracker, id).await? else {
        return Ok(HookOutcome::NotOurs);
    };
    let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::SyncTicket);
    let after = entity::ticket::Model { due_at: Some(changes.at()), ..before.clone() };
    // Its revision too: a worker that has just read the status before this change must not settle over it.
    changes.revise(app, &before, after, Some(before.event_id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(HookOutcome::Taken)
}
