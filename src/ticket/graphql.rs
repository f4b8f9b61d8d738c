//! The API of trackers and tickets.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{RemediationState, TicketProposal, TicketState, Tlp, TrackerPreset, TrackerState};
use entity::{hook_secret, remediation, ticket, tracker};

use super::tracker::{CreateTracker, UpdateTracker, profile_of};
use super::{LinkTicket, OpenTicket, TicketMove, store};
use crate::auth::Role;
use crate::auth::policy::{Action, allows, require};
use crate::event::graphql::Event;
use crate::graphql::ahead;
use crate::graphql::errors::{ApiError, ApiResult};
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, loaders, scalars};
use crate::hook::graphql::HookSecret;
use crate::ids::{Kind, encode};
use crate::outbox::retrying;

ahead::selected! {
    ticket, always [EventId] {}
}

/// A ticketing system.
pub struct Tracker(pub tracker::Model);

impl From<tracker::Model> for Tracker {
    fn from(row: tracker::Model) -> Self {
        Self(row)
    }
}

/// A product line's fix as a ticket.
pub struct Ticket(pub ticket::Model);

impl From<ticket::Model> for Ticket {
    fn from(row: ticket::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A tracker after a change. 变更后的工单系统。
    TrackerPayload {
        /// It as it now is; null when the change was refused. 变更后的工单系统；被拒绝时为空。
        tracker: Tracker
    }
}

crate::payload! {
    /// A ticket after a change. 变更后的工单。
    TicketPayload {
        /// It as it now is; null when the change was refused. 变更后的工单；被拒绝时为空。
        ticket: Ticket
    }
}

/// Which of a tracker's statuses stands for a state of a fix. 修复状态对应的工单状态。
#[derive(SimpleObject)]
pub struct TrackerStatus {
    /// The state of the fix. 修复状态。
    state: RemediationState,
    /// What a request writes. 写入值。
    write: String,
    /// What an answer says afterwards. 读回值。
    read: String,
}

/// A ticketing system. 工单系统。
#[Object]
impl Tracker {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<tracker::Entity>(self.0.id)
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Which system it is. 系统类型。
    async fn preset(&self) -> TrackerPreset {
        self.0.preset
    }

    /// Where it is. 基础地址。
    async fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// How it is spoken to, as JSON: the preset's profile, or a custom tracker's own. 接口描述（JSON）。
    async fn profile(&self) -> ApiResult<String> {
        let profile = profile_of(&self.0)?;
        let text = serde_json::to_string(&profile);
        Ok(text.map_err(|error| ApiError::from(crate::error::Error::from(anyhow::Error::from(error))))?)
    }

    /// Which of its statuses stands for which state of a fix. 状态对应关系。
    async fn statuses(&self) -> ApiResult<Vec<TrackerStatus>> {
        let statuses = profile_of(&self.0)?.statuses.into_iter();
        let all =
            statuses.map(|(state, status)| TrackerStatus { state, write: status.write, read: status.read });
        Ok(all.collect())
    }

    /// Statuses that propose that the fix is submitted. 表示修复已提交的工单状态。
    async fn ready_statuses(&self) -> ApiResult<Vec<String>> {
        Ok(profile_of(&self.0)?.ready_statuses)
    }

    /// Above this level nothing is sent. 允许发送的最高共享级别。
    async fn tlp_ceiling(&self) -> Tlp {
        self.0.tlp_ceiling
    }

    /// Outside the company's own jurisdiction. 是否境外。
    async fn abroad(&self) -> bool {
        self.0.abroad
    }

    /// Product lines whose tickets it takes; empty for all. 适用产品线；为空表示全部。
    async fn lines(&self) -> &[String] {
        &self.0.lines.0
    }

    /// Seconds between two looks at a ticket; null where hooks tell of changes. 轮询间隔秒数；由回调通知变更时为空。
    async fn poll_seconds(&self) -> ApiResult<Option<i32>> {
        Ok(super::tracker::poll_seconds(&self.0, &profile_of(&self.0)?))
    }

    /// Where its hooks go, on this host; null when it sends none. 回调地址路径；不发送回调时为空。
    async fn hook_path(&self) -> ApiResult<Option<String>> {
        let path = || format!("/hooks/tickets/{}", encode(Kind::Tracker, self.0.id));
        Ok(profile_of(&self.0)?.hook.map(|_| path()))
    }

    /// The secrets with which it proves its hooks, without the secrets themselves; null unless you are ADMIN or
    /// AUDITOR. 回调密钥（不含密钥本身）；仅 ADMIN、AUDITOR 可见，否则为空。
    async fn hook_secrets(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<HookSecret>>> {
        if !actor(ctx).has_any(&[Role::Admin, Role::Auditor]) {
            return Ok(None);
        }
        let rows = loaders::children::<hook_secret::Entity>(ctx, self.0.id).await?;
        Ok(Some(rows.iter().map(HookSecret::from).collect()))
    }

    /// Whether it is spoken to. 是否启用。
    async fn state(&self) -> TrackerState {
        self.0.state
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A product line's fix as a ticket in a tracker. 产品线修复在工单系统中的工单。
#[Object]
impl Ticket {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<ticket::Entity>(self.0.id)
    }

    /// The event; null to who may see its tickets alone. 漏洞事件；仅可见工单者为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        Ok(loaders::lookup::<entity::event::Entity>(ctx, self.0.event_id).await?.map(Into::into))
    }

    /// The fix that it stands for. 对应的产品线修复。
    async fn remediation(&self) -> ID {
        scalars::id::<remediation::Entity>(self.0.remediation_id)
    }

    /// The product line of the fix. 产品线。
    async fn line(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        Ok(loaders::lookup::<remediation::Entity>(ctx, self.0.remediation_id).await?.map(|fix| fix.line))
    }

    /// Where the fix stands. 修复状态。
    async fn remediation_state(&self, ctx: &Context<'_>) -> ApiResult<Option<RemediationState>> {
        Ok(loaders::lookup::<remediation::Entity>(ctx, self.0.remediation_id).await?.map(|fix| fix.state))
    }

    /// The tracker; null to roles that may not read trackers. 工单系统；角色无权读取时为空。
    async fn tracker(&self, ctx: &Context<'_>) -> ApiResult<Option<Tracker>> {
        if !allows(actor(ctx), Action::ReadTrackers) {
            return Ok(None);
        }
        Ok(loaders::lookup::<tracker::Entity>(ctx, self.0.tracker_id).await?.map(Into::into))
    }

    /// The tracker's own id of it; null until it is made. 工单系统中的编号；创建前为空。
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref().or(self.0.asked_id.as_deref())
    }

    /// Where people find it; null until it is made, or when the tracker does not say. 工单地址；未知时为空。
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Where it stands. 工单状态。
    async fn state(&self) -> TicketState {
        self.0.state
    }

    /// The state of the fix that the tracker was last told; null until then. 最近一次告知工单系统的修复状态；此前为空。
    async fn told_state(&self) -> Option<RemediationState> {
        self.0.pushed_state
    }

    /// The tracker's status when it was last looked at; null until then. 最近一次读到的工单系统状态；此前为空。
    async fn seen_status(&self) -> Option<&str> {
        self.0.seen_status.as_deref()
    }

    /// What became of the tracker's last change; null when it made none. 对工单系统最近一次变更的处理结果；无变更时为空。
    async fn proposal(&self) -> Option<TicketProposal> {
        self.0.proposal
    }

    /// Why it is withheld, failing or refused, or why its proposal was, in the tracker's or the rule's words; null when
    /// all is well. 受阻、失败或被拒绝的原因；正常时为空。
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Failures in a row. 连续失败次数。
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// Subject who opened it. 创建人。
    async fn opened_by(&self) -> &str {
        &self.0.opened_by
    }

    /// When it was opened. 创建时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Queries of trackers and tickets.
#[derive(Default)]
pub struct TicketQuery;

/// Queries of trackers and tickets. 工单查询。
#[Object]
impl TicketQuery {
    /// Trackers by name. 工单系统列表。
    async fn trackers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Tracker>> {
        require(actor(ctx), Action::ReadTrackers)?;
        Ok(Connection::new(store::trackers(app(ctx), &PageInput { first, after, last, before }).await?))
    }

    /// The tickets that you may see, the newest first. 可见的工单，由新到旧。
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Ticket>> {
        require(actor(ctx), Action::ReadTickets)?;
        let page = PageInput { first, after, last, before };
        Ok(Connection::new(store::tickets(app(ctx), actor(ctx), &page).await?))
    }
}

/// Changes of trackers and tickets.
#[derive(Default)]
pub struct TicketMutation;

/// Changes of trackers and tickets. 工单变更。
#[Object]
impl TicketMutation {
    /// Adds a ticketing system. 新增工单系统。
    async fn create_tracker(&self, ctx: &Context<'_>, input: CreateTracker) -> ApiResult<TrackerPayload> {
        TrackerPayload::of(retrying(|| super::tracker::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Changes a ticketing system. 修改工单系统。
    async fn update_tracker(&self, ctx: &Context<'_>, input: UpdateTracker) -> ApiResult<TrackerPayload> {
        TrackerPayload::of(retrying(|| super::tracker::update(app(ctx), actor(ctx), &input)).await)
    }

    /// Opens a ticket for a line's fix; it is made in the tracker a moment later. 为产品线修复创建工单，随后在工单系统中生成。
    async fn open_ticket(&self, ctx: &Context<'_>, input: OpenTicket) -> ApiResult<TicketPayload> {
        TicketPayload::of(retrying(|| super::open(app(ctx), actor(ctx), &input)).await)
    }

    /// Links a ticket that is there to a line's fix; that it is there, and free, is found out a moment later: one that is not
    /// becomes REFUSED. 将已有工单关联到产品线修复；随后核实其存在且未被占用，否则变为 REFUSED。
    async fn link_ticket(&self, ctx: &Context<'_>, input: LinkTicket) -> ApiResult<TicketPayload> {
        TicketPayload::of(retrying(|| super::link(app(ctx), actor(ctx), &input)).await)
    }

    /// Tries a ticket again that was refused or given up, or looks at one now. 重试被拒绝或失败的工单，或立即查看。
    async fn retry_ticket(&self, ctx: &Context<'_>, input: TicketMove) -> ApiResult<TicketPayload> {
        TicketPayload::of(retrying(|| super::retry(app(ctx), actor(ctx), &input)).await)
    }

    /// Keeps a ticket in step no longer; in the tracker it stays as it is. 解除工单关联；工单系统中的工单保持原样。
    async fn unlink_ticket(&self, ctx: &Context<'_>, input: TicketMove) -> ApiResult<TicketPayload> {
        TicketPayload::of(retrying(|| super::unlink(app(ctx), actor(ctx), &input)).await)
    }
}
