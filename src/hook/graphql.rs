//! The API of the secrets that prove hooks.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::hook_secret;
use secrecy::ExposeSecret;

use super::{RemoveHookSecrets, RemoveTrackerHookSecrets, RotateHookSecret, RotateTrackerHookSecret};
use crate::channel::graphql::{Channel, ChannelPayload};
use crate::graphql::errors::{ApiResult, UserError, settle};
use crate::graphql::{actor, app};
use crate::outbox::retrying;
use crate::ticket::graphql::{Tracker, TrackerPayload};

/// A secret with which a channel's platform or a tracker proves its hooks; never the secret itself.
/// 渠道平台或工单系统回调的密钥（不含密钥本身）。
#[derive(SimpleObject)]
pub struct HookSecret {
    /// When it was made. 生成时间。
    created_at: DateTime<Utc>,
    /// When it stops to be accepted; null for the newest. 失效时间；最新的密钥为空。
    expires_at: Option<DateTime<Utc>>,
}

impl From<&hook_secret::Model> for HookSecret {
    fn from(row: &hook_secret::Model) -> Self {
        Self { created_at: row.created_at, expires_at: row.expires_at }
    }
}

/// A channel with the secret that was just made. 渠道及新生成的回调密钥。
#[derive(SimpleObject)]
pub struct HookSecretPayload {
    /// The channel as it now is; null when the change was refused. 变更后的渠道；被拒绝时为空。
    channel: Option<Channel>,
    /// The secret that signs hooks, shown this once: keep it. Null when the change was refused.
    /// 回调签名密钥，仅显示这一次，请妥善保存；被拒绝时为空。
    secret: Option<String>,
    /// Why it was refused; empty when it was done. 被拒绝的原因；成功时为空。
    user_errors: Vec<UserError>,
}

/// A tracker with the secret that was just made. 工单系统及新生成的回调密钥。
#[derive(SimpleObject)]
pub struct TrackerHookSecretPayload {
    /// The tracker as it now is; null when the change was refused. 变更后的工单系统；被拒绝时为空。
    tracker: Option<Tracker>,
    /// The secret that proves hooks, shown this once: keep it. Null when the change was refused.
    /// 回调密钥，仅显示这一次，请妥善保存；被拒绝时为空。
    secret: Option<String>,
    /// Why it was refused; empty when it was done. 被拒绝的原因；成功时为空。
    user_errors: Vec<UserError>,
}

/// Changes of hooks.
#[derive(Default)]
pub struct HookMutation;

/// Inbound hooks. 入站回调操作。
#[Object]
impl HookMutation {
    /// Makes the secret with which a channel's platform signs its hooks, or replaces it; it is shown this once, and
    /// the one before is accepted beside it for a while. ADMIN.
    /// 生成或更换渠道平台回调的签名密钥；仅显示一次，旧密钥在重叠期内继续有效（系统管理员）。
    async fn rotate_hook_secret(
        &self,
        ctx: &Context<'_>,
        input: RotateHookSecret,
    ) -> ApiResult<HookSecretPayload> {
        let (done, user_errors) = settle(retrying(|| super::rotate(app(ctx), actor(ctx), &input)).await)?;
        let (row, secret) = done.map(|channel| (channel.row, channel.secret)).unzip();
        let secret = secret.map(|secret| secret.expose_secret().to_owned());
        Ok(HookSecretPayload { channel: row.map(Channel::from), secret, user_errors })
    }

    /// Removes the secrets of a channel: its hooks are refused from now on. ADMIN.
    /// 移除渠道的回调密钥，此后拒收其回调（系统管理员）。
    async fn remove_hook_secrets(
        &self,
        ctx: &Context<'_>,
        input: RemoveHookSecrets,
    ) -> ApiResult<ChannelPayload> {
        ChannelPayload::of(retrying(|| super::remove(app(ctx), actor(ctx), &input)).await)
    }

    /// Makes the secret with which a tracker proves its hooks, or replaces it; it is shown this once, and the one
    /// before is accepted beside it for a while. ADMIN.
    /// 生成或更换工单系统回调的密钥；仅显示一次，旧密钥在重叠期内继续有效（系统管理员）。
    async fn rotate_tracker_hook_secret(
        &self,
        ctx: &Context<'_>,
        input: RotateTrackerHookSecret,
    ) -> ApiResult<TrackerHookSecretPayload> {
        let (done, user_errors) =
            settle(retrying(|| super::rotate_of_tracker(app(ctx), actor(ctx), &input)).await)?;
        let (row, secret) = done.map(|tracker| (tracker.row, tracker.secret)).unzip();
        let secret = secret.map(|secret| secret.expose_secret().to_owned());
        Ok(TrackerHookSecretPayload { tracker: row.map(Tracker::from), secret, user_errors })
    }

    /// Removes the secrets of a tracker: its hooks are refused from now on. ADMIN.
    /// 移除工单系统的回调密钥，此后拒收其回调（系统管理员）。
    async fn remove_tracker_hook_secrets(
        &self,
        ctx: &Context<'_>,
        input: RemoveTrackerHookSecrets,
    ) -> ApiResult<TrackerPayload> {
        TrackerPayload::of(retrying(|| super::remove_of_tracker(app(ctx), actor(ctx), &input)).await)
    }
}
