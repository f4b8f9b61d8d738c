//! The secrets with which a channel's platform or a tracker proves its hooks: made here, sealed at rest, shown once.

use async_graphql::InputObject;
use chrono::TimeDelta;
use entity::vocabulary::HookSourceKind;
use entity::{Aggregate, channel, hook_secret, tracker};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::channel::store as channels;
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, retrying};
use crate::secret::{Column, Place};
use crate::ticket::store as trackers;
use crate::ticket::tracker::profile_of;
use crate::webhook::sign::new_secret;

/// Longest time for which a replaced secret is still accepted, in hours.
const MAX_OVERLAP_HOURS: i32 = 168;
/// Longest reason, in characters.
const NOTE: usize = 2_000;

/// A sender of hooks, with the secret that was just made for it: the only time that it is shown.
#[derive(Debug)]
pub struct Rotated<M> {
    /// The sender as it now is.
    pub row: M,
    /// The secret just made.
    pub secret: SecretString,
}

/// The channel whose platform is to sign its hooks with a new secret. 更换渠道平台回调的签名密钥。
#[derive(Clone, Debug, InputObject)]
pub struct RotateHookSecret {
    /// The channel. 渠道。
    pub channel: Id<channel::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Hours for which the secret before is still accepted, 0 to 168. 旧密钥继续有效的小时数，0 至 168。
    #[graphql(default = 24)]
    pub overlap_hours: i32,
}

/// The channel whose hooks are no longer taken. 停止接收回调的渠道。
#[derive(Clone, Debug, InputObject)]
pub struct RemoveHookSecrets {
    /// The channel. 渠道。
    pub channel: Id<channel::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

/// The tracker that is to prove its hooks with a new secret. 更换工单系统回调的密钥。
#[derive(Clone, Debug, InputObject)]
pub struct RotateTrackerHookSecret {
    /// The tracker. 工单系统。
    pub tracker: Id<tracker::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Hours for which the secret before is still accepted, 0 to 168. 旧密钥继续有效的小时数，0 至 168。
    #[graphql(default = 24)]
    pub overlap_hours: i32,
}

/// The tracker whose hooks are no longer taken. 停止接收回调的工单系统。
#[derive(Clone, Debug, InputObject)]
pub struct RemoveTrackerHookSecrets {
    /// The tracker. 工单系统。
    pub tracker: Id<tracker::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

fn place(row: Uuid) -> Place {
    Column::HookSecret.of(row)
}

fn delete(changes: &mut ChangeSet, ids: &[Uuid]) {
    if !ids.is_empty() {
        changes.delete(store::delete_secrets(ids), json!({ "hook_secret": ids }));
    }
}

/// Makes a channel's first secret, or replaces it; the one before is accepted beside it for a while.
///
/// # Errors
/// By policy and version; a refusal without a key to keep the secret with.
pub async fn rotate(app: &App, actor: &Actor, input: &RotateHookSecret) -> Result<Rotated<channel::Model>> {
    require(actor, Action::RotateHookSecret)?;
    overlap(input.overlap_hours)?;
    let before = channels::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let changes = ChangeSet::new(app, actor, Action::RotateHookSecret);
    replace(app, changes, HookSourceKind::Channel, &before, input.overlap_hours).await
}

/// Makes a tracker's first secret, or replaces it; the one before is accepted beside it for a while.
///
/// # Errors
/// By policy and version; refusals without a key to keep the secret with, and of a tracker that sends no hooks.
pub async fn rotate_of_tracker(
    app: &App,
    actor: &Actor,
    input: &RotateTrackerHookSecret,
) -> Result<Rotated<tracker::Model>> {
    require(actor, Action::RotateTrackerHookSecret)?;
    overlap(input.overlap_hours)?;
    let before = trackers::tracker(app, input.tracker.0).await?;
    expect_version(before.version, input.expected_version)?;
    if profile_of(&before)?.hook.is_none() {
        let message = "this tracker sends no hooks that could be proven: it is looked at in intervals";
        return Err(Error::refused(RefusalCode::Contradiction, message));
    }
    let changes = ChangeSet::new(app, actor, Action::RotateTrackerHookSecret);
    replace(app, changes, HookSourceKind::Tracker, &before, input.overlap_hours).await
}

fn overlap(hours: i32) -> Result<()> {
    if (0..=MAX_OVERLAP_HOURS).contains(&hours) {
        return Ok(());
    }
    Err(Error::bad_input("input.overlapHours", format!("send 0 to {MAX_OVERLAP_HOURS}")))
}

async fn replace<M: Aggregate>(
    app: &App,
    mut changes: ChangeSet,
    source_kind: HookSourceKind,
    before: &M,
    overlap_hours: i32,
) -> Result<Rotated<M>> {
    let until = changes.at() + TimeDelta::hours(overlap_hours.into());
    let (ended, valid): (Vec<_>, Vec<_>) = store::secrets(app, before.id())
        .await?
        .into_iter()
        .partition(|row| row.expires_at.unwrap_or(until).min(until) <= changes.at());
    delete(&mut changes, &ended.iter().map(|row| row.id).collect::<Vec<_>>());
    for row in &valid {
        let expires_at = Some(row.expires_at.map_or(until, |at| at.min(until)));
        changes.update(row, &hook_secret::Model { expires_at, ..row.clone() });
    }
    let (id, secret) = (app.ids.next(), new_secret(&app.ids));
    changes.insert(&hook_secret::Model {
        id,
        source_kind,
        source_id: before.id(),
        sealed: app.secrets.seal(&app.ids, place(id), secret.expose_secret().as_bytes())?,
        created_at: changes.at(),
        expires_at: None,
    });
    let row = changes.revise(app, before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(Rotated { row, secret })
}

/// Removes a channel's secrets: its hooks are no longer taken.
///
/// # Errors
/// By policy and version.
pub async fn remove(app: &App, actor: &Actor, input: &RemoveHookSecrets) -> Result<channel::Model> {
    require(actor, Action::RemoveHookSecrets)?;
    let reason = require_text("input.reason", &input.reason, NOTE)?;
    let before = channels::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let changes = ChangeSet::new(app, actor, Action::RemoveHookSecrets).because(Some(reason));
    remove_all(app, changes, before).await
}

/// Removes a tracker's secrets: its hooks are no longer taken.
///
/// # Errors
/// By policy and version.
pub async fn remove_of_tracker(
    app: &App,
    actor: &Actor,
    input: &RemoveTrackerHookSecrets,
) -> Result<tracker::Model> {
    require(actor, Action::RemoveTrackerHookSecrets)?;
    let reason = require_text("input.reason", &input.reason, NOTE)?;
    let before = trackers::tracker(app, input.tracker.0).await?;
    expect_version(before.version, input.expected_version)?;
    let changes = ChangeSet::new(app, actor, Action::RemoveTrackerHookSecrets).because(Some(reason));
    remove_all(app, changes, before).await
}

async fn remove_all<M: Aggregate>(app: &App, mut changes: ChangeSet, before: M) -> Result<M> {
    let ids: Vec<_> = store::secrets(app, before.id()).await?.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(before);
    }
    delete(&mut changes, &ids);
    let after = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// The texts of a sender's secrets that are in force. One that does not open is left out and logged: to the sender it
/// is as if it were not there.
///
/// # Errors
/// Of the database.
pub(super) async fn in_force(app: &App, source: Uuid) -> Result<Vec<SecretString>> {
    let now = app.clock.now();
    let mut texts = Vec::new();
    for row in store::secrets(app, source).await? {
        if row.expires_at.is_some_and(|at| at <= now) {
            continue;
        }
        match open(app, &row) {
            Ok(text) => texts.push(text),
            Err(error) => tracing::error!(secret = %row.id, ?error, "a hook's secret does not open"),
        }
    }
    Ok(texts)
}

fn open(app: &App, row: &hook_secret::Model) -> anyhow::Result<SecretString> {
    let opened = app.secrets.open(place(row.id), &row.sealed)?;
    Ok(std::str::from_utf8(opened.expose_secret())?.into())
}

/// Seals every sender's secrets with the first key; answers how many senders were changed.
///
/// # Errors
/// By policy; when there is no key or one is missing that sealed something; of the database.
pub async fn reseal(app: &App, actor: &Actor) -> Result<usize> {
    require(actor, Action::RotateSecretKey)?;
    let mut changed = 0;
    for (kind, source) in store::sources_with_secrets(app).await? {
        changed += usize::from(
            retrying(|| async {
                match kind {
                    HookSourceKind::Channel => {
                        reseal_one(app, actor, channels::find(app, source).await?).await
                    }
                    HookSourceKind::Tracker => {
                        reseal_one(app, actor, trackers::tracker(app, source).await?).await
                    }
                }
            })
            .await?,
        );
    }
    Ok(changed)
}

async fn reseal_one<M: Aggregate>(app: &App, actor: &Actor, before: M) -> Result<bool> {
    let mut changes = ChangeSet::new(app, actor, Action::RotateSecretKey);
    let mut any = false;
    for row in store::secrets(app, before.id()).await? {
        if let Some(sealed) = app.secrets.reseal(&app.ids, place(row.id), &row.sealed)? {
            changes.update(&row, &hook_secret::Model { sealed, ..row.clone() });
            any = true;
        }
    }
    if any {
        changes.revise(app, &before, before.clone(), None, Bump::RevisionOnly);
        app.commit(changes).await?;
    }
    Ok(any)
}
