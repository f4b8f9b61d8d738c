//! The secrets with which a channel's platform signs its hooks: made here, sealed at rest, shown once.

use async_graphql::InputObject;
use chrono::TimeDelta;
use entity::{channel, hook_secret};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::channel::store as channels;
use crate::error::{Error, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, retrying};
use crate::secret::Place;
use crate::webhook::sign::{Key, secret_text};

/// Longest time for which a replaced secret is still accepted, in hours.
const MAX_OVERLAP_HOURS: i32 = 168;
/// Longest reason, in characters.
const NOTE: usize = 2_000;

/// A channel, with the secret that was just made for it: the only time that it is shown.
#[derive(Debug)]
pub struct Channel {
    /// The channel as it now is.
    pub row: channel::Model,
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

fn place(row: Uuid) -> Place {
    Place { purpose: "hook_secret.sealed", row }
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
pub async fn rotate(app: &App, actor: &Actor, input: &RotateHookSecret) -> Result<Channel> {
    require(actor, Action::RotateHookSecret)?;
    if !(0..=MAX_OVERLAP_HOURS).contains(&input.overlap_hours) {
        return Err(Error::bad_input("input.overlapHours", format!("send 0 to {MAX_OVERLAP_HOURS}")));
    }
    let before = channels::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, Action::RotateHookSecret);
    let until = changes.at() + TimeDelta::hours(input.overlap_hours.into());
    let (ended, valid): (Vec<_>, Vec<_>) = store::secrets(app, before.id)
        .await?
        .into_iter()
        .partition(|row| row.expires_at.unwrap_or(until).min(until) <= changes.at());
    delete(&mut changes, &ended.iter().map(|row| row.id).collect::<Vec<_>>());
    for row in &valid {
        let expires_at = Some(row.expires_at.map_or(until, |at| at.min(until)));
        changes.update(row, &hook_secret::Model { expires_at, ..row.clone() });
    }
    let mut bytes = [0; 32];
    app.ids.fill(&mut bytes);
    let (id, secret) = (app.ids.next(), SecretString::from(secret_text(&bytes)));
    changes.insert(&hook_secret::Model {
        id,
        channel_id: before.id,
        sealed: app.secrets.seal(&app.ids, place(id), secret.expose_secret().as_bytes())?,
        created_at: changes.at(),
        expires_at: None,
    });
    let row = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(Channel { row, secret })
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
    let ids: Vec<_> = store::secrets(app, before.id).await?.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::RemoveHookSecrets).because(Some(reason));
    delete(&mut changes, &ids);
    let after = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// The keys of a channel's secrets that are in force. One that does not open is left out and logged: to the sender
/// it is as if it were not there.
///
/// # Errors
/// Of the database.
pub(super) async fn keys(app: &App, channel: Uuid) -> Result<Vec<Key>> {
    let now = app.clock.now();
    let mut keys = Vec::new();
    for row in store::secrets(app, channel).await? {
        if row.expires_at.is_some_and(|at| at <= now) {
            continue;
        }
        match open(app, &row) {
            Ok(key) => keys.push(key),
            Err(error) => tracing::error!(secret = %row.id, ?error, "a hook's secret does not open"),
        }
    }
    Ok(keys)
}

fn open(app: &App, row: &hook_secret::Model) -> anyhow::Result<Key> {
    let opened = app.secrets.open(place(row.id), &row.sealed)?;
    Ok(Key::parse(std::str::from_utf8(opened.expose_secret())?)?)
}

/// Seals every channel's secrets with the first key; answers how many channels were changed.
///
/// # Errors
/// By policy; when there is no key or one is missing that sealed something; of the database.
pub async fn reseal(app: &App, actor: &Actor) -> Result<usize> {
    require(actor, Action::RotateSecretKey)?;
    let mut changed = 0;
    for channel in store::channels_with_secrets(app).await? {
        changed += usize::from(retrying(|| reseal_one(app, actor, channel)).await?);
    }
    Ok(changed)
}

async fn reseal_one(app: &App, actor: &Actor, channel: Uuid) -> Result<bool> {
    let before = channels::find(app, channel).await?;
    let mut changes = ChangeSet::new(app, actor, Action::RotateSecretKey);
    let mut any = false;
    for row in store::secrets(app, channel).await? {
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
