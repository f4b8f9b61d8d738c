//! The API of the audit trail.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::{audit_entry, event};

use super::store;
use crate::event::graphql::Event;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::Id;
use crate::graphql::{actor, app, loaders, scalars, sensitive};

/// One change: who, when, from where, what, why. 一次变更：何人、何时、何处、何事、何故。
pub struct AuditEntry(pub audit_entry::Model);

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        Self(row)
    }
}

/// One change: who, when, from where, what, why. 一次变更：何人、何时、何处、何事、何故。
#[Object]
impl AuditEntry {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<audit_entry::Entity>(self.0.id)
    }

    /// What was changed, for example "event" or "channel". 变更对象类别。
    async fn aggregate_kind(&self) -> &str {
        &self.0.aggregate_kind
    }

    /// Which one, as the chain names it. 变更对象在审计链中的标识。
    async fn aggregate_id(&self) -> String {
        self.0.aggregate_id.to_string()
    }

    /// The event it belongs to; null for the configuration and for reporters. 所属事件；配置与报告人变更为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        let Some(id) = self.0.event_id else { return Ok(None) };
        Ok(loaders::lookup::<event::Entity>(ctx, id).await?.map(Event))
    }

    /// Its place in the chain of what was changed, from 1; as text, since it may exceed an Int.
    /// 在变更对象审计链中的序号，从 1 起；以文本表示。
    async fn revision(&self) -> String {
        self.0.revision.to_string()
    }

    /// When. 时间。
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Subject who did it; "reporter:" and the reporter's id for what a reporter did.
    /// 操作人的主体标识；报告人的操作为 "reporter:" 加报告人标识。
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// Roles the actor had. 操作人当时的角色。
    async fn roles(&self) -> Vec<&str> {
        self.0.roles.split_whitespace().collect()
    }

    /// Client address; null for what a reporter did. 来源地址；报告人的操作为空。
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// Request it came by. 请求标识。
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What was done, by the name of the mutation. 操作名称。
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// Why. 原因。
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// JSON, exactly as the digest covers it: what was inserted and what went from what to what.
    /// 变更内容（JSON 原文，即摘要所覆盖的文本）。
    async fn details(&self) -> &str {
        &self.0.details
    }

    /// Digest of the chain's previous entry, in hexadecimal; empty for the first. 上一条记录的摘要；首条为空。
    async fn previous(&self) -> String {
        hex::encode(&self.0.previous)
    }

    /// SHA-256 over the entry and the previous digest, in hexadecimal. 本条记录的 SHA-256 摘要。
    async fn digest(&self) -> String {
        hex::encode(&self.0.digest)
    }
}

/// Reading the audit trail.
#[derive(Default)]
pub struct AuditQuery;

/// Reading the audit trail. 查询审计记录。
#[Object]
impl AuditQuery {
    /// Audit entries that you may read, the newest first. 您可查看的审计记录，最新的在前。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn audit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100. 从前往后的条数。")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
        #[graphql(desc = "Only of this event. 仅该事件。")] event: Option<Id<event::Entity>>,
        #[graphql(desc = "Only of things of this kind, for example \"channel\". 仅该类对象。")]
        aggregate_kind: Option<String>,
    ) -> ApiResult<Connection<AuditEntry>> {
        let input = PageInput { first, after, last, before };
        let event = event.map(|event| event.0);
        let page = store::page(app(ctx), actor(ctx), event, aggregate_kind.as_deref(), &input).await?;
        if sensitive::lists_items(ctx) {
            let events = page.rows.iter().filter_map(|(entry, _)| entry.event_id);
            events.for_each(|event| sensitive::touch(ctx, event));
        }
        Ok(Connection::new(page))
    }
}
