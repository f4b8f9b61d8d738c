//! Adding and changing endpoints.

use async_graphql::InputObject;
use entity::vocabulary::{
    DeliveryOrder, EndpointState, GrantState, Level, Tlp, WebhookPayload, WebhookPreset,
};
use entity::{channel, product, webhook_endpoint};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::rules::{self, SecretSource};
use super::{Endpoint, SHORT, sealed, sign, store, tell};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet};
use crate::secret::Confidential;

/// Most requests at once that an endpoint may be given.
const MAX_CONCURRENCY: i32 = 32;

/// A custom header. 自定义请求头。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct WebhookHeaderInput {
    /// Its name. 名称。
    pub name: String,
    /// Its value; kept sealed and never shown again. 值；加密保存，不再显示。
    pub value: Confidential,
}

/// The grant under which an endpoint receives; a LEADER has to confirm it. 端点授权，须经领导小组确认。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct WebhookGrantInput {
    /// Role that it reads as. 授权角色。
    pub role: Role,
    /// Products in its scope: for ENGINEER, and for nobody else. 范围内的产品，仅限 ENGINEER。
    #[graphql(default)]
    pub products: Vec<Id<product::Entity>>,
    /// Channel of its scope: for SRC, and for nobody else. 范围内的渠道，仅限 SRC。
    pub channel: Option<Id<channel::Entity>>,
    /// Highest TLP level that may be sent, at most AMBER_STRICT. 允许外发的最高共享级别，不超过 AMBER_STRICT。
    pub tlp_ceiling: Tlp,
    /// Whether the receiver is outside the company's own jurisdiction: what is not public goes there only after a
    /// decision. 接收方是否在境外；未公开内容须经决策方可外发。
    pub abroad: bool,
}

/// A new webhook endpoint. 新 Webhook 端点。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateWebhookEndpoint {
    /// Name shown to people. 名称。
    pub name: String,
    /// Where deliveries go: https. 接收地址（https）。
    pub url: Confidential,
    /// How the receiver wants to be spoken to. 接收方类型。
    #[graphql(default_with = "WebhookPreset::Standard")]
    pub preset: WebhookPreset,
    /// Message types: names, or `event.*`, or `*`. 消息类型，可用通配符，如 event.*。
    pub message_types: Vec<String>,
    /// Only events with a report through one of these channels; all when empty. 仅限这些渠道的事件；为空则不限。
    #[graphql(default)]
    pub channels: Vec<Id<channel::Entity>>,
    /// Only events that touch one of these product lines; all when empty. 仅限涉及这些产品线的事件；为空则不限。
    #[graphql(default)]
    pub lines: Vec<String>,
    /// Only events of at least this level; all when left out. 最低事件等级；未提供则不限。
    pub min_level: Option<Level>,
    /// Above this TLP level, nothing is sent; the grant's ceiling when left out.
    /// 高于该共享级别不推送；未提供时取授权的上限。
    pub tlp_ceiling: Option<Tlp>,
    /// How much a delivery says. 推送内容的详略。
    #[graphql(default_with = "WebhookPayload::Thin")]
    pub payload: WebhookPayload,
    /// In which order deliveries leave. 推送顺序。
    #[graphql(default_with = "DeliveryOrder::Any")]
    pub delivery_order: DeliveryOrder,
    /// Most requests at once of each worker process, 1 to 32. 每个推送进程的最大并发数，1 至 32。
    #[graphql(default = 4)]
    pub max_concurrency: i32,
    /// Custom headers. 自定义请求头。
    #[graphql(default)]
    pub headers: Vec<WebhookHeaderInput>,
    /// The bot's signing secret: for FEISHU and DINGTALK, and for nobody else. 机器人签名密钥，仅限飞书与钉钉。
    pub secret: Option<Confidential>,
    /// Subject who is told of trouble; you when left out. 故障联系人；未提供时为您本人。
    pub owner: Option<String>,
    /// The grant that is proposed. 拟申请的授权。
    pub grant: WebhookGrantInput,
    /// Sent again with the same input, it answers the first endpoint, without its secret.
    /// 幂等键；相同输入返回首次结果，但不再显示密钥。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Changes to a webhook endpoint; what is left out stays. Another address, a wider grant or full content have to be
/// confirmed anew. Webhook 端点变更；未提供的保持不变。变更地址、扩大授权或改为完整内容须重新确认。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateWebhookEndpoint {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// Where deliveries go: https. On another host, the custom headers go unless they are sent anew: they were meant for
    /// the old one. 接收地址（https）；更换主机时，未重新提供的自定义请求头将被清除。
    pub url: Option<Confidential>,
    /// Message types: names, or `event.*`, or `*`. 消息类型，可用通配符，如 event.*。
    pub message_types: Option<Vec<String>>,
    /// Only events with a report through one of these channels; all when empty. 仅限这些渠道的事件；为空则不限。
    pub channels: Option<Vec<Id<channel::Entity>>>,
    /// Only events that touch one of these product lines; all when empty. 仅限涉及这些产品线的事件；为空则不限。
    pub lines: Option<Vec<String>>,
    /// Only events of at least this level; NONE for all. 最低事件等级；NONE 为不限。
    pub min_level: Option<Level>,
    /// Above this TLP level, nothing is sent. 高于该共享级别不推送。
    pub tlp_ceiling: Option<Tlp>,
    /// How much a delivery says. 推送内容的详略。
    pub payload: Option<WebhookPayload>,
    /// In which order deliveries leave. 推送顺序。
    pub delivery_order: Option<DeliveryOrder>,
    /// Most requests at once of each worker process, 1 to 32. 每个推送进程的最大并发数，1 至 32。
    pub max_concurrency: Option<i32>,
    /// Custom headers, all of them anew. 自定义请求头，整体替换。
    pub headers: Option<Vec<WebhookHeaderInput>>,
    /// Subject who is told of trouble. 故障联系人。
    pub owner: Option<String>,
    /// Another grant; it is proposed anew, also after one was taken away. 新的授权申请，撤销后亦可重新提出。
    pub grant: Option<WebhookGrantInput>,
}

fn url(app: &App, text: &Confidential) -> Result<Url> {
    const FIELD: &str = "input.url";
    let url = Url::parse(text.expose()).map_err(|_| Error::bad_input(FIELD, "send an absolute https URL"))?;
    app.outbound.check_url(&url).map_err(|refusal| Error::bad_input(FIELD, refusal.to_string()))?;
    if url.fragment().is_some() {
        return Err(Error::bad_input(FIELD, "send a URL without a fragment: it never reaches the receiver"));
    }
    Ok(url)
}

fn concurrency(number: i32) -> Result<i32> {
    if (1..=MAX_CONCURRENCY).contains(&number) {
        Ok(number)
    } else {
        Err(Error::bad_input("input.maxConcurrency", format!("send 1 to {MAX_CONCURRENCY}")))
    }
}

fn lines(lines: &[String]) -> Result<Vec<String>> {
    if lines.len() > rules::MOST {
        return Err(Error::bad_input("input.lines", format!("send at most {}", rules::MOST)));
    }
    lines.iter().map(|line| require_text("input.lines", line, SHORT)).collect()
}

async fn channels(app: &App, channels: &[Id<channel::Entity>]) -> Result<Vec<String>> {
    let mut ids: Vec<_> = channels.iter().map(|channel| channel.0).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > rules::MOST {
        return Err(Error::bad_input("input.channels", format!("send at most {}", rules::MOST)));
    }
    if store::known_channels(app, &ids).await? != ids.len() {
        let refusal = Refusal::on(RefusalCode::UnknownReference, "channels", "there is no such channel");
        return Err(Error::Refused(vec![refusal]));
    }
    Ok(ids.iter().map(ToString::to_string).collect())
}

/// Puts what is proposed into `row`.
async fn propose(app: &App, row: &mut webhook_endpoint::Model, grant: &WebhookGrantInput) -> Result<()> {
    if grant.products.len() > rules::MOST {
        return Err(Error::bad_input("input.grant.products", format!("send at most {}", rules::MOST)));
    }
    let known = crate::product::keys(app, grant.products.iter().map(|product| product.0)).await?;
    let mut keys = Vec::new();
    for product in &grant.products {
        let key = known.get(&product.0).cloned().ok_or_else(|| {
            let refusal =
                Refusal::on(RefusalCode::UnknownReference, "grant.products", "there is no such product");
            Error::Refused(vec![refusal])
        })?;
        keys.push(key);
    }
    keys.sort_unstable();
    keys.dedup();
    let channel = match grant.channel {
        Some(id) => Some(crate::channel::store::find(app, id.0).await?.key),
        None => None,
    };
    row.grant_role = grant.role.name().to_owned();
    row.grant_products = keys.into();
    row.grant_channel = channel;
    row.grant_tlp_ceiling = grant.tlp_ceiling;
    row.grant_abroad = grant.abroad;
    Ok(())
}

/// Demands that the endpoint is one that can be.
fn check(row: &webhook_endpoint::Model) -> Result<()> {
    let role = row.grant_role.parse().map_err(anyhow::Error::from)?;
    let refusals = rules::check(row, role);
    if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
}

fn put_url(app: &App, row: &mut webhook_endpoint::Model, url: &Url) -> Result<()> {
    if rules::has_secret_url(row.preset) {
        row.sealed_url = Some(sealed::seal_url(app, row.id, url)?);
        row.url = url.origin().ascii_serialization();
    } else {
        row.url = url.to_string();
    }
    Ok(())
}

fn put_headers(app: &App, row: &mut webhook_endpoint::Model, headers: &[WebhookHeaderInput]) -> Result<()> {
    rules::headers(headers.iter().map(|header| (header.name.as_str(), header.value.expose())))?;
    row.headers = sealed::seal_headers(app, row.id, headers)?;
    Ok(())
}

/// The text of a new secret, or the one given; none where there is none.
pub(super) fn new_secret(
    app: &App,
    source: SecretSource,
    given: Option<&Confidential>,
) -> Option<SecretString> {
    match source {
        SecretSource::Made => Some(sign::new_secret(&app.ids)),
        SecretSource::Given => given.map(|secret| secret.expose().to_owned().into()),
        SecretSource::None => None,
    }
}

/// Adds an endpoint with the grant that it needs; it receives nothing until a LEADER has confirmed that.
///
/// # Errors
/// By policy; BAD_USER_INPUT on ill-formed values; refusals when the grant cannot be, or there is no key to keep
/// secrets with.
pub async fn create(app: &App, actor: &Actor, input: &CreateWebhookEndpoint) -> Result<Endpoint> {
    require(actor, Action::CreateWebhookEndpoint)?;
    let url = url(app, &input.url)?;
    let source = rules::secret_source(input.preset, input.secret.as_ref().map(Confidential::expose))?;
    let now = app.clock.now();
    let mut row = webhook_endpoint::Model {
        id: app.ids.next(),
        name: require_text("input.name", &input.name, SHORT)?,
        url: String::new(),
        sealed_url: None,
        preset: input.preset,
        message_types: rules::message_types("input.messageTypes", &input.message_types)?.into(),
        channel_ids: Vec::new().into(),
        lines: lines(&input.lines)?.into(),
        min_level: input.min_level.filter(|level| *level != Level::None),
        tlp_ceiling: input.tlp_ceiling.unwrap_or(input.grant.tlp_ceiling),
        payload: input.payload,
        delivery_order: input.delivery_order,
        max_concurrency: concurrency(input.max_concurrency)?,
        headers: None,
        owner: match &input.owner {
            Some(owner) => require_text("input.owner", owner, SHORT)?,
            None => actor.subject.to_string(),
        },
        state: EndpointState::Active,
        state_reason: None,
        failing_since: None,
        grant_role: String::new(),
        grant_products: Vec::new().into(),
        grant_channel: None,
        grant_tlp_ceiling: input.grant.tlp_ceiling,
        grant_abroad: input.grant.abroad,
        grant_state: GrantState::Proposed,
        grant_proposed_by: actor.subject.to_string(),
        grant_confirmed_by: None,
        grant_confirmed_at: None,
        deleted_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    put_url(app, &mut row, &url)?;
    put_headers(app, &mut row, &input.headers)?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::CreateWebhookEndpoint, key, input).await? {
        Replay::Done(id) => return Ok(Endpoint { row: store::find(app, id).await?, secret: None }),
        Replay::First(key) => key,
    };
    row.channel_ids = channels(app, &input.channels).await?.into();
    propose(app, &mut row, &input.grant).await?;
    check(&row)?;
    let mut changes = ChangeSet::new(app, actor, Action::CreateWebhookEndpoint);
    let secret = new_secret(app, source, input.secret.as_ref());
    if let Some(secret) = &secret {
        changes.insert(&sealed::secret_row(app, &changes, row.id, secret.expose_secret())?);
    }
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    tell(app, &mut changes, &row);
    let row = changes.create(app, row, None);
    app.commit(changes).await?;
    Ok(Endpoint { row, secret: secret.filter(|_| source == SecretSource::Made) })
}

/// Changes an endpoint; what needs a leader's consent goes back to PROPOSED.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on ill-formed values; refusals when the grant cannot be.
pub async fn update(
    app: &App,
    actor: &Actor,
    input: &UpdateWebhookEndpoint,
) -> Result<webhook_endpoint::Model> {
    require(actor, Action::UpdateWebhookEndpoint)?;
    let before = store::find(app, input.endpoint.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = require_text("input.name", name, SHORT)?;
    }
    if let Some(text) = &input.url {
        let url = url(app, text)?;
        put_url(app, &mut after, &url)?;
        if Url::parse(&before.url).map_or(true, |before| before.origin() != url.origin()) {
            after.headers = None;
        }
    }
    if let Some(types) = &input.message_types {
        after.message_types = rules::message_types("input.messageTypes", types)?.into();
    }
    if let Some(list) = &input.channels {
        after.channel_ids = channels(app, list).await?.into();
    }
    if let Some(list) = &input.lines {
        after.lines = lines(list)?.into();
    }
    if let Some(level) = input.min_level {
        after.min_level = Some(level).filter(|level| *level != Level::None);
    }
    if let Some(number) = input.max_concurrency {
        after.max_concurrency = concurrency(number)?;
    }
    if let Some(headers) = &input.headers {
        put_headers(app, &mut after, headers)?;
    }
    if let Some(owner) = &input.owner {
        after.owner = require_text("input.owner", owner, SHORT)?;
    }
    after.tlp_ceiling = input.tlp_ceiling.unwrap_or(before.tlp_ceiling);
    after.payload = input.payload.unwrap_or(before.payload);
    after.delivery_order = input.delivery_order.unwrap_or(before.delivery_order);
    if let Some(grant) = &input.grant {
        propose(app, &mut after, grant).await?;
    }
    check(&after)?;
    let renewed = input.grant.is_some() && before.grant_state == GrantState::Revoked;
    let widened = before.grant_state != GrantState::Revoked && rules::needs_confirmation(&before, &after);
    if renewed || widened {
        after.grant_state = GrantState::Proposed;
        after.grant_proposed_by = actor.subject.to_string();
        after.grant_confirmed_by = None;
        // What was confirmed before goes on gathering what happens until it is confirmed anew (rules::gathers).
        if renewed {
            after.grant_confirmed_at = None;
        }
    }
    let mut changes = ChangeSet::new(app, actor, Action::UpdateWebhookEndpoint);
    tell(app, &mut changes, &after);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
