//! The API of events.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{Level, ObligationState, Status, Tlp, Verdict};
use entity::{event, status_change};

use super::filter::{EventFilter, EventOrder};
use super::rules;
use super::{AskReporter, DescribeEvent, EventMove, LinkEvents, store};
use crate::affected::graphql::{AffectedCustomer, AffectedProduct};
use crate::attachment::graphql::Attachment;
use crate::auth::policy::{Action, allows, require};
use crate::comment::graphql::Comment;
use crate::decision::graphql::Decision;
use crate::graphql::ahead::{self, Plan};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::{self, Decimal};
use crate::graphql::{actor, app, loaders, sensitive};
use crate::intake::graphql::Report;
use crate::outbox::retrying;
use crate::protection::graphql::WorldFact;
use crate::remediation::graphql::{Remediation, Verification};
use crate::reply::graphql::{Obligation, Reply};
use crate::review::graphql::{ActionItem, Review};
use crate::score::graphql::{Score, TechnicalSeverity};
use crate::team::graphql::{Assignment, TeamMember};
use crate::ticket::graphql::Ticket;
use crate::verdict::graphql::GivenVerdict;

/// A vulnerability event: what the team handles. 漏洞事件。
pub struct Event(pub event::Model);

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self(row)
    }
}

ahead::selected! {
    // By number and sharing, reads of sensitive events are recorded.
    event, always [Id, Number, Tlp, EmbargoUntil] {
        "id": [];
        "number": [];
        "title": [Title, Described];
        "description": [Description];
        "steps": [Steps];
        "status": [Status];
        "verdict": [Verdict];
        "level": [Level];
        "highestLevel": [HighestLevel];
        "total": [Score];
        "tlp": [];
        "embargoUntil": [];
        "receivedAt": [ReceivedAt];
        "createdAt": [CreatedAt];
        "changedAt": [ChangedAt];
        "closedAt": [ClosedAt];
        "history": [History];
        "pass": [Pass];
        "version": [Version];
        "affectedProducts": [] => many(affected_product);
        "verdicts": [] => many(verdict);
        "scores": [] => many(score);
        "currentScore": [] => many(score);
        "technicalSeverities": [] => many(technical_severity);
        "worldFacts": [] => many(world_fact);
        "team": [] => many(team_member);
        "assignments": [] => many(assignment);
        "remediations": [] => many(remediation);
        "tickets": [] => many(ticket);
        "verifications": [] => many(verification);
        "reviews": [] => many(review);
        "actionItems": [] => many(action_item);
        "affectedCustomers": [] => many(affected_customer) if ReadCustomers;
        "decisions": [] => many(decision) if ReadDecisions;
        "reports": [] => many(report) if ReadRawReports;
        "obligations": [] => many(obligation) if ReadReplies;
        "deadlines": [] => many(deadline) if ReadDeadlines;
        "replies": [] => many(reply) if ReadReplies;
        "statusChanges": [] => many(status_change);
        "comments": [];
        "releasedAttachments": [];
        "relatedEvents": [];
        "duplicateCandidates": [];
        "duplicates": [];
        "duplicateOf": [DuplicateOf];
        "askedAt": [AskedAt];
        // All but what is long.
        "allowedMoves": [
            Title, Described, Status, Verdict, Level, HighestLevel, LevelRank, Score, ReceivedAt, History, Pass, DuplicateOf,
            AskedReportId, AskedAt, ClosedAt, Version, Revision, CreatedAt, ChangedAt
        ];
    }
}

ahead::selected! {
    status_change, always [EventId] {}
}

crate::payload! {
    /// An event after a change. 变更后的事件。
    EventPayload {
        /// The event as it now is; null when the change was refused. 变更后的事件；被拒绝时为空。
        event: Event
    }
}

/// A move that the procedure knows from the present status. 当前状态下允许的流转。
#[derive(SimpleObject)]
pub struct AllowedMove {
    /// Where it leads. 目标状态。
    to: Status,
    /// The mutation that makes it; null where it follows by itself. 触发该流转的操作；自动流转为空。
    mutation: Option<&'static str>,
    /// Whether your roles may make it. 您的角色是否可执行。
    viewer_can: bool,
    /// What is missing or has to happen first; empty when it may be made now. 尚缺的条件或须先发生的事；可立即执行时为空。
    missing: Vec<String>,
}

/// A step of an event through the procedure. 事件的一次状态变更。
#[derive(SimpleObject)]
pub struct StatusChange {
    /// Pass through the procedure, from 1. 处置轮次。
    pass: i32,
    /// Status before; null for the first. 变更前状态。
    from_status: Option<Status>,
    /// Status after. 变更后状态。
    to_status: Status,
    /// Why, where a reason is asked for. 原因。
    reason: Option<String>,
    /// Subject who caused it. 操作人。
    changed_by: String,
    /// When. 时间。
    changed_at: DateTime<Utc>,
}

impl From<&status_change::Model> for StatusChange {
    fn from(row: &status_change::Model) -> Self {
        Self {
            pass: row.pass,
            from_status: row.from_status,
            to_status: row.to_status,
            reason: row.reason.clone(),
            changed_by: row.changed_by.clone(),
            changed_at: row.changed_at,
        }
    }
}

impl Event {
    /// What the moves from the present status depend on, through the loaders, so that a list of events costs no more
    /// than one.
    async fn move_facts(&self, ctx: &Context<'_>) -> ApiResult<rules::MoveFacts> {
        let id = self.0.id;
        match self.0.status {
            Status::Triaging => {
                let reports = loaders::children::<entity::report::Entity>(ctx, id).await?;
                Ok(rules::MoveFacts { reports: reports.len(), ..rules::MoveFacts::default() })
            }
            Status::Rating | Status::Remediating | Status::Verifying => {
                let (affected, remediations, assignments) = futures_util::try_join!(
                    loaders::children::<entity::affected_product::Entity>(ctx, id),
                    loaders::children::<entity::remediation::Entity>(ctx, id),
                    loaders::children::<entity::assignment::Entity>(ctx, id),
                )?;
                Ok(store::gather(&affected, &remediations, &assignments))
            }
            Status::Replying => {
                let owed = loaders::children::<entity::obligation::Entity>(ctx, id).await?;
                let open = owed.iter().filter(|obligation| obligation.state == ObligationState::Open);
                Ok(rules::MoveFacts { open_obligations: open.count(), ..rules::MoveFacts::default() })
            }
            _ => Ok(rules::MoveFacts::default()),
        }
    }
}

/// A vulnerability event: what the team handles, whatever channels it was heard of through.
/// 漏洞事件：团队处置的对象，可来自多个渠道。
#[Object]
impl Event {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<event::Entity>(self.0.id)
    }

    /// Number that people use; it tells no count. 事件编号。
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Title written by an analyst. Until then it is the report's as received for those who may read that, and the
    /// number for others. 标题；分析员撰写前，有权查看原始报告者见报告标题，其他人见事件编号。
    async fn title(&self, ctx: &Context<'_>) -> &str {
        super::title(actor(ctx), &self.0)
    }

    /// Description written by an analyst. 描述。
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Steps to reproduce, written by an analyst. 复现步骤。
    async fn steps(&self) -> &str {
        &self.0.steps
    }

    /// Handling status. 处置状态。
    async fn status(&self) -> Status {
        self.0.status
    }

    /// Current verdict; null before the first. 当前研判结论。
    async fn verdict(&self) -> Option<Verdict> {
        self.0.verdict
    }

    /// Level of the current score. 当前等级。
    async fn level(&self) -> Level {
        self.0.level
    }

    /// Highest level it ever had. 历史最高等级。
    async fn highest_level(&self) -> Level {
        self.0.highest_level
    }

    /// Rounded total of the current score; null before the first. 当前评分；未评分为空。
    async fn total(&self) -> Option<Decimal> {
        (self.0.score >= 0).then(|| Decimal::from_tenths(self.0.score))
    }

    /// Traffic Light Protocol level. 信息共享级别（TLP）。
    async fn tlp(&self) -> Tlp {
        self.0.tlp
    }

    /// When the embargo ends; null when there is none. 保密期截止时间。
    async fn embargo_until(&self) -> Option<DateTime<Utc>> {
        self.0.embargo_until
    }

    /// When its first report was received. 首次接收时间。
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// When it was recorded here. 录入时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed. 最近变更时间。
    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }

    /// When it was closed; null while it is not. 关闭时间。
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.closed_at
    }

    /// Imported as history: no obligations, clocks or messages. 是否为历史导入。
    async fn history(&self) -> bool {
        self.0.history
    }

    /// Pass through the procedure, from 1. 处置轮次。
    async fn pass(&self) -> i32 {
        self.0.pass
    }

    /// Version to send as `expectedVersion`. 版本号，变更时作为 `expectedVersion` 提交。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The original that it duplicates; null when it is none, or one that you may not see.
    /// 所重复的原始事件；无或不可见时为空。
    async fn duplicate_of(&self, ctx: &Context<'_>) -> ApiResult<Option<Box<Event>>> {
        let Some(original) = self.0.duplicate_of else { return Ok(None) };
        let found = Box::pin(loaders::lookup::<event::Entity>(ctx, original)).await?;
        Ok(found.map(|row| Box::new(Event(row))))
    }

    /// The events that repeat it, of those that you may see, oldest first. 重复该事件的事件（仅限您可见的），从早到晚。
    async fn duplicates(&self, ctx: &Context<'_>) -> ApiResult<Vec<Event>> {
        let found =
            loaders::light_children::<event::Entity>(ctx, self.0.id, &["description", "steps"]).await?;
        found.iter().for_each(|event| sensitive::note(ctx, event));
        Ok(found.iter().cloned().map(Event).collect())
    }

    /// When the reporter was last asked for information. 最近一次向报告人提问的时间。
    async fn asked_at(&self) -> Option<DateTime<Utc>> {
        self.0.asked_at
    }

    /// The moves that the procedure knows from here, with what each still needs. What a mutation's own input has to
    /// name (a reason, a verdict's facts) is not among it. 当前允许的流转及所缺条件，不含操作输入本身须提供的内容。
    async fn allowed_moves(&self, ctx: &Context<'_>) -> ApiResult<Vec<AllowedMove>> {
        let (facts, now) = (Box::pin(self.move_facts(ctx)).await?, app(ctx).clock.now());
        let actor = actor(ctx);
        let moves = rules::moves_from(self.0.status).map(|entry| {
            let mutation = entry.cause.mutation();
            AllowedMove {
                to: entry.to,
                mutation: mutation.map(Action::name),
                viewer_can: mutation.is_some_and(|action| allows(actor, action)),
                missing: rules::missing(&self.0, entry, &facts, now)
                    .into_iter()
                    .map(|need| need.message)
                    .collect(),
            }
        });
        Ok(moves.collect())
    }

    /// How products stand to it. 产品受影响情况。
    async fn affected_products(&self, ctx: &Context<'_>) -> ApiResult<Vec<AffectedProduct>> {
        let rows = loaders::selected_children::<entity::affected_product::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// Verdicts, the newest first; the first that is not superseded is current. 研判结论，由新到旧。
    async fn verdicts(&self, ctx: &Context<'_>) -> ApiResult<Vec<GivenVerdict>> {
        let rows = loaders::children::<entity::verdict::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// Scores, the newest first. 评分记录，由新到旧。
    async fn scores(&self, ctx: &Context<'_>) -> ApiResult<Vec<Score>> {
        let rows = loaders::selected_children::<entity::score::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// CVSS assessments, ours and others', the newest first. CVSS 评分，由新到旧。
    async fn technical_severities(&self, ctx: &Context<'_>) -> ApiResult<Vec<TechnicalSeverity>> {
        let rows = loaders::children::<entity::technical_severity::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// What the world knows or does. 外部事实。
    async fn world_facts(&self, ctx: &Context<'_>) -> ApiResult<Vec<WorldFact>> {
        let rows = loaders::children::<entity::world_fact::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// The response team, past members included. 响应小组（含已移除成员）。
    async fn team(&self, ctx: &Context<'_>) -> ApiResult<Vec<TeamMember>> {
        let rows = loaders::children::<entity::team_member::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// Work given to people and teams. 任务分派。
    async fn assignments(&self, ctx: &Context<'_>) -> ApiResult<Vec<Assignment>> {
        let rows = loaders::selected_children::<entity::assignment::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// The fixes of the affected lines. 各产品线的修复。
    async fn remediations(&self, ctx: &Context<'_>) -> ApiResult<Vec<Remediation>> {
        let rows = loaders::children::<entity::remediation::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// Tickets of the fixes in ticketing systems, the newest first. 各修复的工单，由新到旧。
    async fn tickets(&self, ctx: &Context<'_>) -> ApiResult<Vec<Ticket>> {
        let rows = loaders::children::<entity::ticket::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// Verifications of fixes, the newest first. 修复验证，由新到旧。
    async fn verifications(&self, ctx: &Context<'_>) -> ApiResult<Vec<Verification>> {
        let rows = loaders::children::<entity::verification::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// Reviews, the newest first. 复盘记录，由新到旧。
    async fn reviews(&self, ctx: &Context<'_>) -> ApiResult<Vec<Review>> {
        let rows = loaders::children::<entity::review::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// Action items; they outlive its closing. 改进项。
    async fn action_items(&self, ctx: &Context<'_>) -> ApiResult<Vec<ActionItem>> {
        let rows = loaders::children::<entity::action_item::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// The score that is current; null before the first. 当前评分；未评分为空。
    async fn current_score(&self, ctx: &Context<'_>) -> ApiResult<Option<Score>> {
        crate::score::graphql::current_of(ctx, self.0.id).await
    }

    /// Customers touched by it; null when your role may not read customers. 受影响客户；无权读取时为空。
    async fn affected_customers(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<AffectedCustomer>>> {
        if !allows(actor(ctx), Action::ReadCustomers) {
            return Ok(None);
        }
        let rows = loaders::selected_children::<entity::affected_customer::Entity>(ctx, self.0.id).await?;
        Ok(Some(rows.iter().cloned().map(Into::into).collect()))
    }

    /// Decisions asked for and made, the newest first; null when your role may not read them. 决策；无权读取时为空。
    async fn decisions(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Decision>>> {
        if !allows(actor(ctx), Action::ReadDecisions) {
            return Ok(None);
        }
        let rows = loaders::children::<entity::decision::Entity>(ctx, self.0.id).await?;
        Ok(Some(rows.iter().cloned().map(Into::into).collect()))
    }

    /// Its reports as received; null when your role may not read them. 原始报告；无权读取时为空。
    async fn reports(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Report>>> {
        if !allows(actor(ctx), Action::ReadRawReports) {
            return Ok(None);
        }
        let rows = loaders::selected_children::<entity::report::Entity>(ctx, self.0.id).await?;
        Ok(Some(rows.iter().cloned().map(Into::into).collect()))
    }

    /// What its reports' channels are owed; null when your role may not read replies. 回复义务；无权读取时为空。
    async fn obligations(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Obligation>>> {
        crate::reply::graphql::obligations_of(ctx, self.0.id).await
    }

    /// Its clocks, oldest first; null when your role may not read clocks. 时限，从早到晚；无权读取时为空。
    async fn deadlines(
        &self,
        ctx: &Context<'_>,
    ) -> ApiResult<Option<Vec<crate::deadline::graphql::Deadline>>> {
        crate::deadline::graphql::deadlines_of(ctx, self.0.id).await
    }

    /// Replies to its channels; null when your role may not read them. 回复；无权读取时为空。
    async fn replies(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Reply>>> {
        crate::reply::graphql::replies_of(ctx, self.0.id).await
    }

    /// What is said on it, oldest first. 评论，从早到晚。
    async fn comments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Comment>> {
        let input = PageInput { first, after, last, before };
        Box::pin(crate::comment::graphql::comments_connection(ctx, self.0.id, input)).await
    }

    /// Files of its reports that an analyst let the team have, oldest first. 已向团队开放的报告文件，最早在前。
    async fn released_attachments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Attachment>> {
        let input = PageInput { first, after, last, before };
        Box::pin(crate::attachment::graphql::released_on(ctx, self.0.id, input)).await
    }

    /// Events related to it that you may see. 相关事件（仅限您可见的）。
    async fn related_events(&self, ctx: &Context<'_>) -> ApiResult<Vec<Event>> {
        Ok(Box::pin(loaders::linked_events(ctx, self.0.id)).await?.into_iter().map(Event).collect())
    }

    /// Earlier reports that may be the same as one of its newest five and of which nobody decided yet, the likeliest
    /// first; null when you are not shown them. 可能与其最新五份报告重复且尚未判定的较早报告；无权查看时为空。
    async fn duplicate_candidates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 50; 10 when left out. 条数，1 到 50，默认 10。")] first: Option<i32>,
    ) -> ApiResult<Option<Vec<crate::duplicate::graphql::DuplicateCandidate>>> {
        Box::pin(crate::duplicate::graphql::of_event(ctx, self.0.id, first)).await
    }

    /// Its way through the procedure, oldest first. 状态变更历史，从早到晚。
    async fn status_changes(&self, ctx: &Context<'_>) -> ApiResult<Vec<StatusChange>> {
        Ok(loaders::children::<status_change::Entity>(ctx, self.0.id).await?.iter().map(Into::into).collect())
    }
}

/// Queries of events.
#[derive(Default)]
pub struct EventQuery;

/// Queries of events. 事件查询。
#[Object]
impl EventQuery {
    /// The event with this number; null when there is none that you may see. 按编号查询事件；不存在或不可见时为空。
    async fn event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Event number. 事件编号。")] number: String,
    ) -> ApiResult<Option<Event>> {
        require(actor(ctx), Action::ReadEvents)?;
        let plan = Plan::of(&ctx.look_ahead(), actor(ctx));
        let found = store::by_number(app(ctx), actor(ctx), &number, &plan, loaders::ahead(ctx)).await?;
        if let Some(event) = &found {
            sensitive::note(ctx, event);
        }
        Ok(found.map(Event))
    }

    /// The events that you may see, newest first unless ordered otherwise. 您可见的事件列表，默认按接收时间倒序。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events; all when left out. 筛选条件；缺省为全部。")] filter: Option<
            EventFilter,
        >,
        #[graphql(desc = "Order; newest received first when left out. 排序；缺省按接收时间倒序。")]
        order: Option<EventOrder>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Event>> {
        require(actor(ctx), Action::ReadEvents)?;
        let input = PageInput { first, after, last, before };
        let (filter, order) = (filter.unwrap_or_default(), order.unwrap_or_default());
        let plan = Plan::of_items(ctx);
        let ahead = loaders::ahead(ctx);
        let page = store::page(app(ctx), actor(ctx), &filter, order, &input, plan, ahead).await?;
        if sensitive::lists_items(ctx) {
            page.rows.iter().for_each(|(event, _)| sensitive::note(ctx, event));
        }
        Ok(Connection::new(page))
    }
}

/// Changes of events.
#[derive(Default)]
pub struct EventMutation;

/// Changes of events. 事件变更。
#[Object]
impl EventMutation {
    /// RECEIVED to TRIAGING. 开始研判：已接收 → 分析研判。
    async fn start_triage(&self, ctx: &Context<'_>, input: EventMove) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::start_triage(app(ctx), actor(ctx), &input)).await)
    }

    /// TRIAGING to NEEDS_INFORMATION, with a question that the reporter reads. 向报告人提问：分析研判 → 待补充。
    async fn ask_reporter(&self, ctx: &Context<'_>, input: AskReporter) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::ask_reporter(app(ctx), actor(ctx), &input)).await)
    }

    /// NEEDS_INFORMATION to TRIAGING. 继续研判：待补充 → 分析研判。
    async fn resume_triage(&self, ctx: &Context<'_>, input: EventMove) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::resume_triage(app(ctx), actor(ctx), &input)).await)
    }

    /// RATING to REMEDIATING. 开始修复：风险定级 → 修复。
    async fn start_remediation(&self, ctx: &Context<'_>, input: EventMove) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::start_remediation(app(ctx), actor(ctx), &input)).await)
    }

    /// REPLYING to REVIEWING. 开始复盘：处置反馈 → 复盘总结。
    async fn start_review(&self, ctx: &Context<'_>, input: EventMove) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::start_review(app(ctx), actor(ctx), &input)).await)
    }

    /// Back to TRIAGING, with a reason. 退回分析研判（须说明原因）。
    async fn return_to_triage(&self, ctx: &Context<'_>, input: EventMove) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::return_to_triage(app(ctx), actor(ctx), &input)).await)
    }

    /// CLOSED to TRIAGING, with a reason. 重新打开：已关闭 → 分析研判（须说明原因）。
    async fn reopen_event(&self, ctx: &Context<'_>, input: EventMove) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::reopen(app(ctx), actor(ctx), &input)).await)
    }

    /// Writes title, description and steps. 编写标题、描述与复现步骤。
    async fn describe_event(&self, ctx: &Context<'_>, input: DescribeEvent) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::describe(app(ctx), actor(ctx), &input)).await)
    }

    /// Relates two events. 关联两个事件。
    async fn link_events(&self, ctx: &Context<'_>, input: LinkEvents) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::link(app(ctx), actor(ctx), &input)).await)
    }
}
