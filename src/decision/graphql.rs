//! The API of decisions.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::{AbroadExtent, DecisionKind};
use entity::{decision, event};

use super::{AskDecision, RecordDecision};
use crate::auth::policy::{Action, allows};
use crate::event::graphql::Event;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::{self, loaders, scalars};
use crate::outbox::retrying;
use crate::payload;

ahead::selected! {
    decision, always [EventId] {}
}

/// A question to the leading group and its answer.
pub struct Decision(pub decision::Model);

impl From<decision::Model> for Decision {
    fn from(row: decision::Model) -> Self {
        Self(row)
    }
}

/// A question to the leading group and its answer. 提请领导小组的决策及其结论。
#[Object]
impl Decision {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<decision::Entity>(self.0.id)
    }

    /// The event; null when you may no longer see it. 所属事件；不再可见时为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        Ok(loaders::lookup::<event::Entity>(ctx, self.0.event_id).await?.map(Event::from))
    }

    /// What is to be decided. 决策事项。
    async fn kind(&self) -> DecisionKind {
        self.0.kind
    }

    /// The question. 问题。
    async fn question(&self) -> &str {
        &self.0.question
    }

    /// Options to choose from; empty when the outcome is free text. 可选方案；为空时结论为自由文本。
    async fn options(&self) -> &[String] {
        &self.0.options.0
    }

    /// The product line; never null for ACCEPT_RISK. 产品线；接受风险时必有。
    async fn line(&self) -> Option<&str> {
        self.0.line.as_deref()
    }

    /// Subject of who asked. 提请人。
    async fn asked_by(&self) -> &str {
        &self.0.asked_by
    }

    /// When it was asked for. 提请时间。
    async fn asked_at(&self) -> DateTime<Utc> {
        self.0.asked_at
    }

    /// When an answer is due; null when no time was given. 答复期限；未指定时为空。
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        self.0.due_at
    }

    /// Subjects of who took part; empty until it is decided. 参与人；未决定时为空。
    async fn participants(&self) -> &[String] {
        &self.0.participants.0
    }

    /// What was decided; null until it is. 结论；未决定时为空。
    async fn outcome(&self) -> Option<&str> {
        self.0.outcome.as_deref()
    }

    /// Whether what was asked for may be done; null until it is decided. 是否批准；未决定时为空。
    async fn granted(&self) -> Option<bool> {
        self.0.granted
    }

    /// How much may go abroad; null unless REPORT_ABROAD was decided. 允许向境外提供的范围；未就向境外报送作出决策时为空。
    async fn extent(&self) -> Option<AbroadExtent> {
        self.0.extent
    }

    /// Subject of the LEADER who recorded it; null until it is decided. 决策记录人；未决定时为空。
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    /// When it was decided; null until it is. 决定时间；未决定时为空。
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    /// When an accepted risk ends; null unless one was accepted. 接受风险的到期时间；未接受风险时为空。
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// When the leading group was told that the accepted risk is about to end; null until then. 到期提醒时间；未提醒时为空。
    async fn expiry_told_at(&self) -> Option<DateTime<Utc>> {
        self.0.expiry_told_at
    }

    /// Send it back as `expectedVersion` when recording. 版本；记录决策时作为 expectedVersion 传回。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Whether it waits for you to decide: a LEADER who did not ask for it. 是否可由您决定。
    async fn viewer_can_decide(&self, ctx: &Context<'_>) -> bool {
        let actor = graphql::actor(ctx);
        self.0.decided_at.is_none()
            && allows(actor, Action::RecordDecision)
            && *self.0.asked_by != *actor.subject
    }
}

payload! {
    /// The decision after the change. 变更后的决策。
    DecisionPayload {
        /// The decision; null when the change was refused. 决策；变更被拒绝时为空。
        decision: Decision
    }
}

/// Changes of decisions.
#[derive(Default)]
pub struct DecisionMutation;

/// Changes of decisions. 决策的变更。
#[Object]
impl DecisionMutation {
    /// Ask the leading group for a decision. ANALYST, ENGINEER, LEGAL, PUBLIC_RELATIONS.
    /// 提请领导小组决策（安全运营、研发、法务、公关）。
    async fn ask_decision(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The question. 问题。")] input: AskDecision,
    ) -> ApiResult<DecisionPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        DecisionPayload::of(retrying(|| super::ask(app, actor, &input)).await)
    }

    /// Record what was decided, once. LEADER, another than who asked. 记录决策，仅一次（领导小组，且非提请人）。
    async fn record_decision(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was decided. 决策内容。")] input: RecordDecision,
    ) -> ApiResult<DecisionPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        DecisionPayload::of(retrying(|| super::record(app, actor, &input)).await)
    }
}
