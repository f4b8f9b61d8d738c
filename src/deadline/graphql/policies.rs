//! What a client sees of policies.

use async_graphql::{ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::deadline_policy;
use entity::vocabulary::{
    ChannelKind, DeadlineAnchor, DeadlineKind, DeadlineTrigger, Level, Regime, ReplyKind, SpanUnit,
};

use crate::deadline::rules::Rule;
use crate::deadline::store;
use crate::graphql::errors::ApiResult;
use crate::graphql::scalars;

/// A version of the rules by which clocks run.
pub struct DeadlinePolicy(pub deadline_policy::Model);

impl From<deadline_policy::Model> for DeadlinePolicy {
    fn from(row: deadline_policy::Model) -> Self {
        Self(row)
    }
}

/// A version of the rules by which clocks run; never changed, only followed by the next. 时限规则版本；不可修改，仅可由新版本取代。
#[Object]
impl DeadlinePolicy {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<deadline_policy::Entity>(self.0.id)
    }

    /// Counts up from 1; the highest is in force. 版本号，最大者生效。
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// The rules, in the order in which they are tried. 规则，按适用顺序。
    async fn rules(&self) -> ApiResult<Vec<DeadlineRule>> {
        Ok(store::policy_of(&self.0)?.rules.into_iter().map(DeadlineRule).collect())
    }

    /// Subject who introduced it. 引入人。
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// From when it is used. 启用时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A rule by which clocks run.
pub struct DeadlineRule(Rule);

/// A rule by which clocks run. 时限规则。
#[Object]
impl DeadlineRule {
    /// Stable short name. 规则标识。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Promise or law. 依据。
    async fn regime(&self) -> Regime {
        self.0.regime
    }

    /// What opens it. 触发条件。
    async fn trigger(&self) -> DeadlineTrigger {
        self.0.trigger
    }

    /// What it waits for. 时限对象。
    async fn kind(&self) -> DeadlineKind {
        self.0.kind
    }

    /// Which reply is owed; null for what is no REPLY. 应作出的回复类型；非回复类为空。
    async fn reply(&self) -> Option<ReplyKind> {
        self.0.reply
    }

    /// Only for reports through channels of these kinds; any when empty. 仅适用的渠道类型；为空则不限。
    async fn channel_kinds(&self) -> &[ChannelKind] {
        &self.0.channel_kinds
    }

    /// Only for reports through these channels, by key; any when empty. 仅适用的渠道标识；为空则不限。
    async fn channels(&self) -> &[String] {
        &self.0.channels
    }

    /// Only at these levels; any when empty. 仅适用的事件等级；为空则不限。
    async fn levels(&self) -> &[Level] {
        &self.0.levels
    }

    /// Only where a product for critical infrastructure is affected, or only where none is; null when it does not matter.
    /// 是否仅涉及（或不涉及）关键信息基础设施；不区分时为空。
    async fn critical_infrastructure(&self) -> Option<bool> {
        self.0.critical_infrastructure
    }

    /// Only where a product of a central organ of the state is affected, or only where none is; null when it does not matter.
    /// 是否仅涉及（或不涉及）中央和国家机关及其管理的单位；不区分时为空。
    async fn central_organ(&self) -> Option<bool> {
        self.0.central_organ
    }

    /// Key of the channel that a duty of the event is owed to; null for what a report opens.
    /// 事件自身义务的接收渠道标识；由报告产生者为空。
    async fn recipient(&self) -> Option<&str> {
        self.0.recipient.as_deref()
    }

    /// From what it counts. 起算点。
    async fn anchor(&self) -> DeadlineAnchor {
        self.0.anchor
    }

    /// The earlier rule whose reply has to be submitted first; null where there is none. 须先提交的上一阶段规则；没有则为空。
    async fn after(&self) -> Option<&str> {
        self.0.after.as_deref()
    }

    /// Unit of its length; null where nothing sets a time. 时限单位；未规定为空。
    async fn unit(&self) -> Option<SpanUnit> {
        self.0.term.map(|term| term.unit)
    }

    /// Its length; null where nothing sets a time. 时限长度；未规定为空。
    async fn amount(&self) -> Option<i32> {
        self.0.term.map(|term| term.amount.into())
    }

    /// Whether it stands still while the reporter is asked. 向报告人询问期间是否中止。
    async fn pauses(&self) -> bool {
        self.0.pauses
    }

    /// Whether days and months that end on a day that is not worked go on to the next that is. 末日为非工作日时是否顺延。
    async fn rolls_over(&self) -> bool {
        self.0.rolls_over
    }

    /// Whether it opens only once its anchor has happened. 是否在起算点发生后才产生。
    async fn waits_for_anchor(&self) -> bool {
        self.0.waits_for_anchor
    }

    /// Only for what is learned of from this day on; null when it does not matter. 仅适用于该日及以后获知的事项；不限时为空。
    async fn since(&self) -> Option<NaiveDate> {
        self.0.since
    }
}
