//! Keeping an endpoint: its secret, its rest, its test, its end.

use async_graphql::InputObject;
use chrono::TimeDelta;
use entity::vocabulary::EndpointState;
use entity::{webhook_endpoint, webhook_secret};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::rules::{self, SecretSource};
use super::{Endpoint, SHORT, endpoint, sealed, store, tell};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, optional_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::secret::Confidential;

/// Longest time for which a replaced secret goes on signing, in hours.
const MAX_OVERLAP_HOURS: i32 = 168;

/// A secret to replace. 待轮换的密钥。
#[derive(Clone, Debug, InputObject)]
pub struct RotateWebhookSecret {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Hours for which the old secret goes on signing beside the new one, 0 to 168. 新旧密钥并用的小时数，0 至 168。
    #[graphql(default = 24)]
    pub overlap_hours: i32,
    /// The bot's new signing secret: for FEISHU and DINGTALK, and for nobody else. 机器人新密钥，仅限飞书与钉钉。
    pub secret: Option<Confidential>,
}

/// An endpoint to pause. 待暂停的端点。
#[derive(Clone, Debug, InputObject)]
pub struct PauseWebhookEndpoint {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: Option<String>,
}

/// An endpoint to deliver to again. 待恢复的端点。
#[derive(Clone, Debug, InputObject)]
pub struct ResumeWebhookEndpoint {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
}

/// An endpoint to test. 待测试的端点。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct TestWebhookEndpoint {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// Sent again with the same key, it is done once. 幂等键；相同的键只执行一次。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// An endpoint to delete. 待删除的端点。
#[derive(Clone, Debug, InputObject)]
pub struct DeleteWebhookEndpoint {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: Option<String>,
}

fn delete_secrets(changes: &mut ChangeSet, secrets: &[Uuid]) {
    if !secrets.is_empty() {
        changes.delete(store::delete_secrets(secrets), json!({ "webhook_secret": secrets }));
    }
}

/// Replaces the secret; the old one goes on signing beside it for a while.
///
/// # Errors
/// By policy and version; a refusal for a receiver that has no secret, or without a key to keep it with.
pub async fn rotate_secret(app: &App, actor: &Actor, input: &RotateWebhookSecret) -> Result<Endpoint> {
    require(actor, Action::RotateWebhookSecret)?;
    if !(0..=MAX_OVERLAP_HOURS).contains(&input.overlap_hours) {
        return Err(Error::bad_input("input.overlapHours", format!("send 0 to {MAX_OVERLAP_HOURS}")));
    }
    let before = store::find(app, input.endpoint.0).await?;
    expect_version(before.version, input.expected_version)?;
    let source = rules::secret_source(before.preset, input.secret.as_ref().map(Confidential::expose))?;
    let Some(secret) = endpoint::new_secret(app, source, input.secret.as_ref()) else {
        let message =
            "there is no secret to replace: send the bot's new secret, or change the URL that is one";
        return Err(Error::refused(RefusalCode::MissingFact, message));
    };
    let mut changes = ChangeSet::new(app, actor, Action::RotateWebhookSecret);
    let until = changes.at() + TimeDelta::hours(input.overlap_hours.into());
    let (expired, valid): (Vec<_>, Vec<_>) = store::secrets(app, before.id)
        .await?
        .into_iter()
        .partition(|row| row.expires_at.is_some_and(|at| at <= changes.at()) || until == changes.at());
    delete_secrets(&mut changes, &expired.iter().map(|row| row.id).collect::<Vec<_>>());
    for row in &valid {
        let expires_at = Some(row.expires_at.map_or(until, |at| at.min(until)));
        changes.update(row, &webhook_secret::Model { expires_at, ..row.clone() });
    }
    changes.insert(&sealed::secret_row(app, &changes, before.id, secret.expose_secret())?);
    let row = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(Endpoint { row, secret: Some(secret).filter(|_| source == SecretSource::Made) })
}

async fn turn(
    app: &App,
    mut changes: ChangeSet,
    before: &webhook_endpoint::Model,
    to: EndpointState,
    reason: Option<String>,
) -> Result<webhook_endpoint::Model> {
    if let Some(refusal) = rules::may_turn(before, to) {
        return Err(Error::Refused(vec![refusal]));
    }
    let after =
        webhook_endpoint::Model { state: to, state_reason: reason, failing_since: None, ..before.clone() };
    tell(app, &mut changes, &after);
    let after = changes.revise(app, before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Pauses deliveries; what happens meanwhile waits.
///
/// # Errors
/// By policy and version; a refusal when it is not active.
pub async fn pause(
    app: &App,
    actor: &Actor,
    input: &PauseWebhookEndpoint,
) -> Result<webhook_endpoint::Model> {
    require(actor, Action::PauseWebhookEndpoint)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), SHORT)?;
    let before = store::find(app, input.endpoint.0).await?;
    expect_version(before.version, input.expected_version)?;
    let changes = ChangeSet::new(app, actor, Action::PauseWebhookEndpoint).because(reason.clone());
    turn(app, changes, &before, EndpointState::Paused, reason).await
}

/// Lets deliveries go on, after a pause or a failure.
///
/// # Errors
/// By policy and version; a refusal when it is active.
pub async fn resume(
    app: &App,
    actor: &Actor,
    input: &ResumeWebhookEndpoint,
) -> Result<webhook_endpoint::Model> {
    require(actor, Action::ResumeWebhookEndpoint)?;
    let before = store::find(app, input.endpoint.0).await?;
    expect_version(before.version, input.expected_version)?;
    let changes = ChangeSet::new(app, actor, Action::ResumeWebhookEndpoint);
    turn(app, changes, &before, EndpointState::Active, None).await
}

/// Sends a message to this endpoint alone.
///
/// # Errors
/// By policy; NOT_FOUND; a refusal when it is not active.
pub async fn test(app: &App, actor: &Actor, input: &TestWebhookEndpoint) -> Result<webhook_endpoint::Model> {
    require(actor, Action::TestWebhookEndpoint)?;
    let before = store::find(app, input.endpoint.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::TestWebhookEndpoint, key, input).await? {
        Replay::Done(_) => return Ok(before),
        Replay::First(key) => key,
    };
    if before.state != EndpointState::Active {
        let message = format!("it is {}: resume it first (resumeWebhookEndpoint)", before.state);
        return Err(Error::refused(RefusalCode::MoveNotAllowed, message));
    }
    let mut changes = ChangeSet::new(app, actor, Action::TestWebhookEndpoint);
    if let Some(key) = &key {
        changes.remember(key, before.id);
    }
    changes.message_to(app, before.id, &message::WebhookTest { endpoint: Opaque::new(before.id) });
    let after = changes.revise(app, &before, before.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}

/// Deletes an endpoint: its secrets go, what waits is cancelled, the record of deliveries stays.
///
/// # Errors
/// By policy and version.
pub async fn delete(
    app: &App,
    actor: &Actor,
    input: &DeleteWebhookEndpoint,
) -> Result<webhook_endpoint::Model> {
    require(actor, Action::DeleteWebhookEndpoint)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), SHORT)?;
    let before = store::find(app, input.endpoint.0).await?;
    expect_version(before.version, input.expected_version)?;
    let secrets: Vec<_> = store::secrets(app, before.id).await?.into_iter().map(|row| row.id).collect();
    let mut changes = ChangeSet::new(app, actor, Action::DeleteWebhookEndpoint).because(reason);
    let after = webhook_endpoint::Model {
        headers: None,
        sealed_url: None,
        deleted_at: Some(changes.at()),
        ..before.clone()
    };
    delete_secrets(&mut changes, &secrets);
    changes.write_update(store::cancel_pending(before.id, changes.at(), "the endpoint was deleted"));
    tell(app, &mut changes, &after);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
