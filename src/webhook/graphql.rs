//! The API of webhooks.

mod objects;

pub use objects::{
    WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookGrant, WebhookMessageType, WebhookSecret,
};

use async_graphql::{Context, Object, SimpleObject};
use entity::vocabulary::{DeliveryState, EndpointState};
use entity::{event, webhook_endpoint};
use secrecy::ExposeSecret;

use super::store::{self, DeliveryFilter};
use super::{
    ConfirmWebhookGrant, CreateWebhookEndpoint, DeleteWebhookEndpoint, Endpoint, PauseWebhookEndpoint,
    ReplayDeliveries, ReplayDelivery, Replayed, ResumeWebhookEndpoint, RevokeWebhookGrant,
    RotateWebhookSecret, TestWebhookEndpoint, UpdateWebhookEndpoint,
};
use crate::auth::policy::{Action, require};
use crate::graphql::errors::{ApiResult, UserError, settle};
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::Id;
use crate::graphql::{actor, app};
use crate::outbox::{MessageKind, retrying};
use crate::payload;

payload! {
    /// A webhook endpoint after a change. 变更后的 Webhook 端点。
    WebhookEndpointPayload {
        /// The endpoint as it now is; null when the change was refused. 变更后的端点；被拒绝时为空。
        endpoint: WebhookEndpoint
    }
}

payload! {
    /// A delivery that was put back. 已重新排队的推送记录。
    WebhookDeliveryPayload {
        /// The delivery as it now is; null when it was refused. 推送记录；被拒绝时为空。
        delivery: WebhookDelivery
    }
}

/// A webhook endpoint with the secret that was just made. Webhook 端点及新生成的密钥。
#[derive(SimpleObject)]
pub struct WebhookSecretPayload {
    /// The endpoint as it now is; null when the change was refused. 变更后的端点；被拒绝时为空。
    endpoint: Option<WebhookEndpoint>,
    /// The secret that signs deliveries, shown this once: keep it. Null when none was made.
    /// 签名密钥，仅显示这一次，请妥善保存；未生成时为空。
    secret: Option<String>,
    /// Why it was refused; empty when it was done. 被拒绝的原因；成功时为空。
    user_errors: Vec<UserError>,
}

impl WebhookSecretPayload {
    fn of(result: crate::error::Result<Endpoint>) -> ApiResult<Self> {
        let (done, user_errors) = settle(result)?;
        let (row, secret) = done.map(|endpoint| (endpoint.row, endpoint.secret)).unzip();
        let secret = secret.flatten().map(|secret| secret.expose_secret().to_owned());
        Ok(Self { endpoint: row.map(WebhookEndpoint::from), secret, user_errors })
    }
}

/// Deliveries that were put back. 已重新排队的推送记录。
#[derive(SimpleObject)]
pub struct ReplayDeliveriesPayload {
    /// The endpoint; null when it was refused. 端点；被拒绝时为空。
    endpoint: Option<WebhookEndpoint>,
    /// How many were put back, at most 1000. Null when it was refused, or the key came before.
    /// 重新排队的条数，每次最多一千条；被拒绝或键已用过时为空。
    count: Option<i32>,
    /// What to send as `after` to go on; null when these were all, it was refused, or the key came before.
    /// 继续时作为 after 传入；已全部完成、被拒绝或键已用过时为空。
    next_cursor: Option<String>,
    /// Why it was refused; empty when it was done. 被拒绝的原因；成功时为空。
    user_errors: Vec<UserError>,
}

/// Reading webhooks.
#[derive(Default)]
pub struct WebhookQuery;

/// Reading webhooks. 查询 Webhook。
#[Object]
impl WebhookQuery {
    /// Webhook endpoints by name, without deleted ones. ADMIN, LEADER, AUDITOR. Webhook 端点列表，不含已删除的。
    async fn webhook_endpoints(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in this state. 端点状态。")] state: Option<EndpointState>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<WebhookEndpoint>> {
        require(actor(ctx), Action::ReadWebhooks)?;
        let page = store::page(app(ctx), state, &PageInput { first, after, last, before }).await?;
        Ok(Connection::new(page))
    }

    /// Deliveries to an endpoint, the newest first. LEADER and AUDITOR see all of them; ADMIN sees those that left,
    /// since what waits or was withheld would tell of events.
    /// 端点的推送记录，最新的在前。领导小组与审计可见全部；系统管理员仅可见已外发的记录。
    #[allow(clippy::too_many_arguments, reason = "a filter and a page, as the schema names them")]
    async fn webhook_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint. 端点。")] endpoint: Id<webhook_endpoint::Entity>,
        #[graphql(desc = "Only in this state. 推送状态。")] state: Option<DeliveryState>,
        #[graphql(desc = "Only of this message type. 消息类型。")] kind: Option<String>,
        #[graphql(
            desc = "Only about this event; only for who may read events. 相关事件，须有事件读取权限。"
        )]
        event: Option<Id<event::Entity>>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<WebhookDelivery>> {
        let (app, actor) = (app(ctx), actor(ctx));
        require(actor, Action::ReadWebhooks)?;
        if event.is_some() {
            require(actor, Action::ReadEvents)?;
        }
        let filter = DeliveryFilter { state, event: event.map(|event| event.0), kind };
        let page = PageInput { first, after, last, before };
        Ok(Connection::new(store::deliveries(app, actor, endpoint.0, &filter, &page).await?))
    }

    /// Every message type that a webhook can carry. ADMIN, ANALYST, LEADER, AUDITOR, TICKETING, SRC.
    /// 可订阅的全部消息类型。
    async fn webhook_message_types(&self, ctx: &Context<'_>) -> ApiResult<Vec<WebhookMessageType>> {
        require(actor(ctx), Action::ReadMessageTypes)?;
        Ok(MessageKind::ALL.iter().copied().map(WebhookMessageType).collect())
    }
}

/// Changes of webhooks.
#[derive(Default)]
pub struct WebhookMutation;

/// Changes of webhooks. Webhook 变更。
#[Object]
impl WebhookMutation {
    /// Adds an endpoint with the grant that it needs; it receives nothing until a LEADER has confirmed it. The secret
    /// is shown this once. ADMIN. 新增 Webhook 端点，授权经领导小组确认后方可接收；密钥仅显示一次（系统管理员）。
    async fn create_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        input: CreateWebhookEndpoint,
    ) -> ApiResult<WebhookSecretPayload> {
        WebhookSecretPayload::of(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Changes an endpoint; what would send more or elsewhere has to be confirmed anew. ADMIN.
    /// 修改端点；扩大范围或更换地址须重新确认授权（系统管理员）。
    async fn update_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        input: UpdateWebhookEndpoint,
    ) -> ApiResult<WebhookEndpointPayload> {
        WebhookEndpointPayload::of(retrying(|| super::update(app(ctx), actor(ctx), &input)).await)
    }

    /// Replaces an endpoint's secret; the new one is shown this once, the old one goes on signing beside it for a
    /// while. ADMIN. 轮换端点密钥；新密钥仅显示一次，旧密钥在重叠期内继续签名（系统管理员）。
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        input: RotateWebhookSecret,
    ) -> ApiResult<WebhookSecretPayload> {
        WebhookSecretPayload::of(retrying(|| super::rotate_secret(app(ctx), actor(ctx), &input)).await)
    }

    /// Pauses deliveries to an endpoint; what happens meanwhile waits. ADMIN.
    /// 暂停推送，期间的消息排队等待（系统管理员）。
    async fn pause_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        input: PauseWebhookEndpoint,
    ) -> ApiResult<WebhookEndpointPayload> {
        WebhookEndpointPayload::of(retrying(|| super::pause(app(ctx), actor(ctx), &input)).await)
    }

    /// Lets deliveries go on after a pause or a failure. ADMIN. 恢复推送（系统管理员）。
    async fn resume_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        input: ResumeWebhookEndpoint,
    ) -> ApiResult<WebhookEndpointPayload> {
        WebhookEndpointPayload::of(retrying(|| super::resume(app(ctx), actor(ctx), &input)).await)
    }

    /// Sends a test message to this endpoint alone. ADMIN. 向该端点发送测试消息（系统管理员）。
    async fn test_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        input: TestWebhookEndpoint,
    ) -> ApiResult<WebhookEndpointPayload> {
        WebhookEndpointPayload::of(retrying(|| super::test(app(ctx), actor(ctx), &input)).await)
    }

    /// Deletes an endpoint: its secrets go, the record of its deliveries stays. ADMIN.
    /// 删除端点：清除密钥，保留推送记录（系统管理员）。
    async fn delete_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        input: DeleteWebhookEndpoint,
    ) -> ApiResult<WebhookEndpointPayload> {
        WebhookEndpointPayload::of(retrying(|| super::delete(app(ctx), actor(ctx), &input)).await)
    }

    /// Confirms an endpoint's grant as it was seen. LEADER, another than who proposed it.
    /// 确认端点授权（领导小组，且非提出人）。
    async fn confirm_webhook_grant(
        &self,
        ctx: &Context<'_>,
        input: ConfirmWebhookGrant,
    ) -> ApiResult<WebhookEndpointPayload> {
        WebhookEndpointPayload::of(retrying(|| super::confirm(app(ctx), actor(ctx), &input)).await)
    }

    /// Takes an endpoint's grant away: nothing is sent any more. LEADER. 撤销端点授权，立即停止推送（领导小组）。
    async fn revoke_webhook_grant(
        &self,
        ctx: &Context<'_>,
        input: RevokeWebhookGrant,
    ) -> ApiResult<WebhookEndpointPayload> {
        WebhookEndpointPayload::of(retrying(|| super::revoke(app(ctx), actor(ctx), &input)).await)
    }

    /// Sends a delivery again, with its id and sequence. ADMIN. 重新推送一条记录，标识与序号不变（系统管理员）。
    async fn replay_delivery(
        &self,
        ctx: &Context<'_>,
        input: ReplayDelivery,
    ) -> ApiResult<WebhookDeliveryPayload> {
        WebhookDeliveryPayload::of(retrying(|| super::replay(app(ctx), actor(ctx), &input)).await)
    }

    /// Sends what an endpoint missed again, with ids and sequences. ADMIN.
    /// 批量重新推送，标识与序号不变（系统管理员）。
    async fn replay_deliveries(
        &self,
        ctx: &Context<'_>,
        input: ReplayDeliveries,
    ) -> ApiResult<ReplayDeliveriesPayload> {
        let done = retrying(|| super::replay_since(app(ctx), actor(ctx), &input)).await;
        let (done, user_errors) = settle(done)?;
        let Some(Replayed { endpoint, count, next }) = done else {
            return Ok(ReplayDeliveriesPayload {
                endpoint: None,
                count: None,
                next_cursor: None,
                user_errors,
            });
        };
        let count = count.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        let endpoint = Some(endpoint.into());
        Ok(ReplayDeliveriesPayload { endpoint, count, next_cursor: next, user_errors })
    }
}
