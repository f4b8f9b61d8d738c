//! Endpoints, deliveries and message types as the API shows them.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{
    DeliveryOrder, DeliveryState, EndpointState, GrantState, Level, Tlp, WebhookPayload, WebhookPreset,
};
use entity::{channel, delivery, delivery_attempt, event, webhook_endpoint, webhook_secret};

use super::super::attempt::Attempt;
use super::super::{document, rules, sealed};
use crate::auth::Role;
use crate::auth::policy::{Action, allows};
use crate::channel::graphql::Channel;
use crate::event::graphql::Event;
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, loaders, scalars};
use crate::outbox::MessageKind;

/// A receiver of messages outside.
pub struct WebhookEndpoint(pub webhook_endpoint::Model);

impl From<webhook_endpoint::Model> for WebhookEndpoint {
    fn from(row: webhook_endpoint::Model) -> Self {
        Self(row)
    }
}

/// A receiver of messages outside, and the grant under which it receives. Webhook 端点及其授权。
#[Object]
impl WebhookEndpoint {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<webhook_endpoint::Entity>(self.0.id)
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where deliveries go; of a chat bot only scheme and host, since the rest is its secret.
    /// 接收地址；聊天机器人仅显示协议与主机，其余部分为机密。
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// How the receiver wants to be spoken to. 接收方类型。
    async fn preset(&self) -> WebhookPreset {
        self.0.preset
    }

    /// Message types subscribed to: names, or wildcards. 订阅的消息类型，可含通配符。
    async fn message_types(&self) -> &[String] {
        &self.0.message_types.0
    }

    /// Only events with a report through one of these channels; empty for all. 渠道筛选；为空则不限。
    async fn channels(&self, ctx: &Context<'_>) -> ApiResult<Vec<Channel>> {
        let ids = self.0.channel_ids.0.iter().filter_map(|id| id.parse().ok());
        let found = ids.map(|id| loaders::lookup::<channel::Entity>(ctx, id));
        let found = futures_util::future::try_join_all(found).await?;
        Ok(found.into_iter().flatten().map(Channel).collect())
    }

    /// Only events that touch one of these product lines; empty for all. 产品线筛选；为空则不限。
    async fn lines(&self) -> &[String] {
        &self.0.lines.0
    }

    /// Only events of at least this level; null for all. 最低事件等级；为空则不限。
    async fn min_level(&self) -> Option<Level> {
        self.0.min_level
    }

    /// Above this TLP level nothing is sent; the grant's own ceiling counts besides. 共享级别上限，与授权上限取较低者。
    async fn tlp_ceiling(&self) -> Tlp {
        self.0.tlp_ceiling
    }

    /// How much a delivery says. 推送内容的详略。
    async fn payload(&self) -> WebhookPayload {
        self.0.payload
    }

    /// In which order deliveries leave. 推送顺序。
    async fn delivery_order(&self) -> DeliveryOrder {
        self.0.delivery_order
    }

    /// Most requests at once of each worker process. 每个推送进程的最大并发数。
    async fn max_concurrency(&self) -> i32 {
        self.0.max_concurrency
    }

    /// Names of its custom headers, whose values are never shown; null when no key at hand opens them.
    /// 自定义请求头名称，值不予显示；密钥不可用时为空。
    async fn header_names(&self, ctx: &Context<'_>) -> Option<Vec<String>> {
        sealed::header_names(app(ctx), &self.0)
    }

    /// Signing secrets in force, without the secrets: several while one is being replaced.
    /// 有效的签名密钥（不含密钥本身）；轮换期间可有多个。
    async fn secrets(&self, ctx: &Context<'_>) -> ApiResult<Vec<WebhookSecret>> {
        let now = app(ctx).clock.now();
        let rows = loaders::children::<webhook_secret::Entity>(ctx, self.0.id).await?;
        let valid = rows.iter().filter(|row| row.expires_at.is_none_or(|at| at > now));
        Ok(valid
            .map(|row| WebhookSecret { created_at: row.created_at, expires_at: row.expires_at })
            .collect())
    }

    /// Subject who is told of trouble. 故障联系人。
    async fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Whether it is delivered to. 端点状态。
    async fn state(&self) -> EndpointState {
        self.0.state
    }

    /// Why it is paused or disabled; null when nobody said so, or it is active. 暂停或停用原因；无则为空。
    async fn state_reason(&self) -> Option<&str> {
        self.0.state_reason.as_deref()
    }

    /// Since when every try has failed; null when the last one did not. 持续失败的起始时间；未失败时为空。
    async fn failing_since(&self) -> Option<DateTime<Utc>> {
        self.0.failing_since
    }

    /// The grant under which it receives. 授权。
    async fn grant(&self) -> WebhookGrant {
        WebhookGrant(self.0.clone())
    }

    /// When it was deleted; null unless it was. 删除时间；未删除时为空。
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }

    /// When it was recorded. 创建时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Whether its grant waits for you: a LEADER who did not propose it. 授权是否可由您确认。
    async fn viewer_can_confirm(&self, ctx: &Context<'_>) -> bool {
        let actor = actor(ctx);
        self.0.deleted_at.is_none()
            && allows(actor, Action::ConfirmWebhookGrant)
            && rules::may_confirm(&self.0, &actor.subject).is_none()
    }
}

/// A signing secret, without the secret. 签名密钥的有效期信息。
#[derive(SimpleObject)]
pub struct WebhookSecret {
    /// When it was made. 生成时间。
    created_at: DateTime<Utc>,
    /// When it stops signing; null for the newest. 失效时间；最新的密钥为空。
    expires_at: Option<DateTime<Utc>>,
}

/// The grant of an endpoint.
pub struct WebhookGrant(webhook_endpoint::Model);

/// The grant under which an endpoint receives. 端点授权。
#[Object]
impl WebhookGrant {
    /// Where it stands; deliveries leave only while it is CONFIRMED. 授权状态；仅在已确认时推送。
    async fn state(&self) -> GrantState {
        self.0.grant_state
    }

    /// Role that it reads as. 授权角色。
    async fn role(&self) -> Option<Role> {
        self.0.grant_role.parse().ok()
    }

    /// Keys of the products in its scope. 范围内产品的短名。
    async fn products(&self) -> &[String] {
        &self.0.grant_products.0
    }

    /// Key of the channel of its scope; null unless it is an SRC's. 范围内渠道的短名；非 SRC 时为空。
    async fn channel(&self) -> Option<&str> {
        self.0.grant_channel.as_deref()
    }

    /// Highest TLP level that may be sent. 允许外发的最高共享级别。
    async fn tlp_ceiling(&self) -> Tlp {
        self.0.grant_tlp_ceiling
    }

    /// Whether the receiver is outside the company's own jurisdiction. 接收方是否在境外。
    async fn abroad(&self) -> bool {
        self.0.grant_abroad
    }

    /// Subject who proposed it. 提出人。
    async fn proposed_by(&self) -> &str {
        &self.0.grant_proposed_by
    }

    /// LEADER who confirmed it; null unless it is confirmed. 确认人；未确认时为空。
    async fn confirmed_by(&self) -> Option<&str> {
        self.0.grant_confirmed_by.as_deref()
    }

    /// When it was confirmed; null unless it is. 确认时间；未确认时为空。
    async fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.0.grant_confirmed_at.filter(|_| self.0.grant_state == GrantState::Confirmed)
    }
}

/// A message on its way to one endpoint.
pub struct WebhookDelivery(pub delivery::Model);

impl From<delivery::Model> for WebhookDelivery {
    fn from(row: delivery::Model) -> Self {
        Self(row)
    }
}

/// Whether the viewer reads what happened besides how it went.
fn reads_all(ctx: &Context<'_>) -> bool {
    actor(ctx).has_any(&[Role::Leader, Role::Auditor])
}

/// A message on its way to one endpoint; what it says is never shown here. 推送记录，不含推送内容。
#[Object]
impl WebhookDelivery {
    /// Identifies it; stays over retries and replays. 标识，重试与重新推送时不变。
    pub async fn id(&self) -> ID {
        scalars::id::<delivery::Entity>(self.0.id)
    }

    /// Where it goes. 端点。
    async fn endpoint(&self, ctx: &Context<'_>) -> ApiResult<Option<WebhookEndpoint>> {
        let row = loaders::lookup::<webhook_endpoint::Entity>(ctx, self.0.endpoint_id).await?;
        Ok(row.map(WebhookEndpoint))
    }

    /// Message type. 消息类型。
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The event; null when it is about none, or about one that you may not see. 相关事件；无或不可见时为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        let Some(event) = self.0.event_id else { return Ok(None) };
        Ok(loaders::lookup::<event::Entity>(ctx, event).await?.map(Event::from))
    }

    /// Its number among those that left to the endpoint about one event; null before the first attempt, and unless
    /// you are LEADER or AUDITOR. 同一端点同一事件内已发送记录的序号；首次发送前为空，且仅领导小组与审计可见。
    async fn sequence(&self, ctx: &Context<'_>) -> Option<i64> {
        self.0.sequence.filter(|_| reads_all(ctx))
    }

    /// Where it stands. 状态。
    async fn state(&self) -> DeliveryState {
        self.0.state
    }

    /// When it is tried next; null when it is finished. 下次尝试时间；已结束时为空。
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        Some(self.0.due_at).filter(|_| self.0.finished_at.is_none())
    }

    /// Tries since it was made or put back. 自创建或重新排队以来的尝试次数。
    async fn attempt_count(&self) -> i32 {
        self.0.attempts
    }

    /// When it was made. 创建时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was delivered, given up or cancelled; null until then. 结束时间；未结束时为空。
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// Why it was given up or cancelled; null otherwise, and unless you are LEADER or AUDITOR.
    /// 放弃或取消的原因；仅领导小组与审计可见，否则为空。
    async fn note(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.note.as_deref().filter(|_| reads_all(ctx))
    }

    /// Its tries, the newest first. 尝试记录，最新的在前。
    async fn attempts(&self, ctx: &Context<'_>) -> ApiResult<Vec<WebhookAttempt>> {
        let earlier = loaders::children::<delivery_attempt::Entity>(ctx, self.0.id).await?;
        let all = Attempt::last_of(&self.0).into_iter().chain(earlier.iter().map(Attempt::from));
        let mut all: Vec<_> = all.map(WebhookAttempt).collect();
        all.sort_by_key(|attempt| std::cmp::Reverse(attempt.0.at));
        Ok(all)
    }
}

/// One try of a delivery.
pub struct WebhookAttempt(Attempt);

/// One try of a delivery. 一次推送尝试。
#[Object]
impl WebhookAttempt {
    /// When it began. 开始时间。
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// How long it took, in milliseconds. 耗时（毫秒）。
    async fn duration_ms(&self) -> i32 {
        self.0.duration_ms
    }

    /// HTTP status of the answer; null when there was none. 响应状态码；无响应时为空。
    async fn status(&self) -> Option<i32> {
        self.0.status
    }

    /// Why there was no answer, or none that counts; null otherwise. 失败原因；成功时为空。
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// Beginning of the answer; null when there was none, and unless you are LEADER or AUDITOR: a receiver may repeat
    /// what it was sent. 响应开头；接收方可能回显内容，仅领导小组与审计可见，否则为空。
    async fn answer(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.answer.as_deref().filter(|_| reads_all(ctx))
    }
}

/// A type of message.
pub struct WebhookMessageType(pub MessageKind);

/// A type of message that a webhook can carry. 可订阅的消息类型。
#[Object]
impl WebhookMessageType {
    /// Its dotted name. 名称。
    async fn name(&self) -> &str {
        self.0.as_str()
    }

    /// What it tells. 说明。
    async fn description(&self) -> &str {
        self.0.description()
    }

    /// Roles whose grant may receive it. 可接收该类型的授权角色。
    async fn roles(&self) -> Vec<Role> {
        document::granted_roles(self.0)
    }

    /// JSON Schema of a thin delivery, as text. 精简推送的 JSON Schema（文本）。
    async fn schema(&self) -> String {
        self.0.schema().to_string()
    }

    /// JSON Schema of `data.content` in a full delivery, as text; null when it has none. With two alternatives, the second is
    /// what a channel gets. 完整推送中 data.content 的 JSON Schema（文本）；没有时为空；有两种形式时，第二种发往渠道。
    async fn content_schema(&self) -> Option<String> {
        self.0.content_schema().map(|schema| schema.to_string())
    }

    /// A thin delivery as it may look, as JSON text. 精简推送示例（JSON 文本）。
    async fn example(&self) -> String {
        self.0.example().to_string()
    }
}
