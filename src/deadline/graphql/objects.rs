//! What a client sees of clocks and forecasts.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{DeadlineAnchor, DeadlineKind, DeadlineState, Function, NoDeadline, Regime};
use entity::{channel, deadline, event, obligation, report};

use crate::auth::policy::{Action, allows};
use crate::channel::graphql::Channel;
use crate::deadline::{ForecastClock, OnDuty, evidence};
use crate::event::graphql::Event;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::lookup;
use crate::graphql::{actor, app, scalars};
use crate::intake::graphql::Report;
use crate::reply::graphql::Obligation;

ahead::selected! {
    deadline, always [EventId] {}
}

ahead::selected! {
    clock_fact, always [EventId] {}
}

/// A clock of an event.
pub struct Deadline(pub deadline::Model);

impl From<deadline::Model> for Deadline {
    fn from(row: deadline::Model) -> Self {
        Self(row)
    }
}

/// Time that a clock did not count. 中止计时的时段。
#[derive(SimpleObject)]
pub struct DeadlinePause {
    /// First instant that did not count. 中止起始时刻。
    from: DateTime<Utc>,
    /// First instant that counted again. 恢复时刻。
    to: DateTime<Utc>,
}

/// A clock of an event: what is to happen, counted from when, and until when. 事件的时限。
#[Object]
impl Deadline {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<deadline::Entity>(self.0.id)
    }

    /// Its event; null when you no longer see it. 所属事件；不再可见时为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        Ok(lookup::<event::Entity>(ctx, self.0.event_id).await?.map(Event::from))
    }

    /// What it waits for. 时限对象。
    async fn kind(&self) -> DeadlineKind {
        self.0.kind
    }

    /// Promise or law. 依据。
    async fn regime(&self) -> Regime {
        self.0.regime
    }

    /// Rule of the policy; null for a clock of the procedure itself. 适用规则；流程自身的时限为空。
    async fn rule(&self) -> Option<&str> {
        self.0.rule.as_deref()
    }

    /// The reply that is owed, of a REPLY; null for anything else and when your role may not read replies.
    /// 应履行的回复义务；非回复类时限或无权查看回复时为空。
    async fn obligation(&self, ctx: &Context<'_>) -> ApiResult<Option<Obligation>> {
        let may = allows(actor(ctx), Action::ReadReplies);
        let Some(id) = self.0.obligation_id.filter(|_| may) else { return Ok(None) };
        Ok(lookup::<obligation::Entity>(ctx, id).await?.map(Obligation::from))
    }

    /// The report that it is about; null where it is about none and when you may not read the report.
    /// 相关报告；无关报告或无权查看时为空。
    async fn report(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        let Some(id) = self.0.report_id else { return Ok(None) };
        Ok(lookup::<report::Entity>(ctx, id).await?.map(Report::from))
    }

    /// Whom it concerns outside; null for what is ours alone and when your role may not read channels.
    /// 相关渠道；仅内部时限或无权查看渠道时为空。
    async fn channel(&self, ctx: &Context<'_>) -> ApiResult<Option<Channel>> {
        channel_for(ctx, self.0.channel_id).await
    }

    /// The product line, of a fix; null for anything else and while no line is known. 产品线；非修复时限或未知时为空。
    async fn line(&self) -> Option<&str> {
        self.0.line.as_deref()
    }

    /// Where it stands. 状态。
    async fn state(&self) -> DeadlineState {
        self.0.state
    }

    /// From what it counts. 起算点。
    async fn anchor(&self) -> DeadlineAnchor {
        self.0.anchor
    }

    /// When that was; null while it has not happened. 起算时间；尚未发生时为空。
    async fn anchor_at(&self) -> Option<DateTime<Utc>> {
        self.0.anchor_at
    }

    /// First instant at which it is over; null with the reason in `noneReason`. 到期时刻；暂无时见 noneReason。
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        self.0.due_at
    }

    /// Why there is no due instant; null when there is one. 暂无期限的原因；已有期限时为空。
    async fn none_reason(&self) -> Option<NoDeadline> {
        self.0.none_reason
    }

    /// The year whose days the calendar lacks, with CALENDAR_WITHOUT_YEAR; null otherwise. 日历缺少数据的年份；其他情况为空。
    async fn missing_year(&self, ctx: &Context<'_>) -> ApiResult<Option<i32>> {
        if self.0.none_reason != Some(NoDeadline::CalendarWithoutYear) {
            return Ok(None);
        }
        Ok(Box::pin(evidence::missing_year(app(ctx), &self.0)).await?)
    }

    /// Whether its due instant passed before what it waited for happened. 是否已逾期。
    async fn breached(&self, ctx: &Context<'_>) -> bool {
        let passed = self.0.due_at.is_some_and(|due| due <= app(ctx).clock.now());
        self.0.breached_at.is_some() || (self.0.state == DeadlineState::Open && passed)
    }

    /// Since when it stands still, waiting for the reporter; its due instant supposes the longest pause. Null when it runs.
    /// 中止计时的起始时刻（期限按最长中止时间推算）；正常计时时为空。
    async fn paused_since(&self) -> Option<DateTime<Utc>> {
        self.0.paused_since
    }

    /// Time that it did not count. 已中止的时段。
    async fn pauses(&self) -> Vec<DeadlinePause> {
        self.0.pauses.0.iter().map(|span| DeadlinePause { from: span.from, to: span.to }).collect()
    }

    /// When it was opened. 产生时间。
    async fn opened_at(&self) -> DateTime<Utc> {
        self.0.opened_at
    }

    /// When what it waited for happened; null while it has not. 完成时间；未完成为空。
    async fn met_at(&self) -> Option<DateTime<Utc>> {
        self.0.met_at
    }

    /// When it ceased to count; null when it did not. 免除时间；未免除为空。
    async fn waived_at(&self) -> Option<DateTime<Utc>> {
        self.0.waived_at
    }

    /// Why it ceased to count; null when it did not. 免除原因；未免除为空。
    async fn waive_reason(&self) -> Option<&str> {
        self.0.waive_reason.as_deref()
    }

    /// Highest share of its time at which people were told, in percent; 100 is the breach. 已提醒的时间比例，100 表示逾期。
    async fn told_percent(&self) -> i32 {
        self.0.told_percent
    }

    /// When people are told next; null when nothing more is told. 下次提醒时间；不再提醒时为空。
    async fn next_notice_at(&self) -> Option<DateTime<Utc>> {
        self.0.next_notice_at
    }
}

/// The channel, for who may read channels.
async fn channel_for(ctx: &Context<'_>, id: Option<uuid::Uuid>) -> ApiResult<Option<Channel>> {
    let may = allows(actor(ctx), Action::ReadChannels);
    let Some(id) = id.filter(|_| may) else { return Ok(None) };
    Ok(lookup::<channel::Entity>(ctx, id).await?.map(Channel::from))
}

/// A clock that would start or change. 预计产生或变更的时限。
#[derive(SimpleObject)]
pub struct ForecastDeadline {
    /// Whether it would be opened; else it runs already and would change. 是否新产生；否则为已有时限的变更。
    opens: bool,
    /// What it waits for. 时限对象。
    kind: DeadlineKind,
    /// Promise or law. 依据。
    regime: Regime,
    /// Rule of the policy; null for a clock of the procedure itself. 适用规则；流程自身的时限为空。
    rule: Option<String>,
    /// Whom it concerns outside; null for what is ours alone, and when your role may not read channels.
    /// 相关渠道；仅内部时限或无权查看时为空。
    channel: Option<Channel>,
    /// The product line, of a fix; null for anything else. 产品线；非修复时限为空。
    line: Option<String>,
    /// Where it would stand. 状态。
    state: DeadlineState,
    /// From what it would count. 起算点。
    anchor: DeadlineAnchor,
    /// When that was; null while it has not happened. 起算时间；尚未发生时为空。
    anchor_at: Option<DateTime<Utc>>,
    /// First instant at which it would be over; null with the reason. 到期时刻；暂无时见 noneReason。
    due_at: Option<DateTime<Utc>>,
    /// Why there is no due instant; null when there is one. 暂无期限的原因；已有期限时为空。
    none_reason: Option<NoDeadline>,
}

/// Who is responsible for a function now. 当前值守。
#[derive(SimpleObject)]
pub struct DutyNow {
    /// The function. 职能。
    function: Function,
    /// Subject on duty; null where nobody is. 值守人；无人值守为空。
    subject: Option<String>,
    /// Their deputy; null where there is none. 代理人；没有则为空。
    deputy: Option<String>,
}

/// What would start, and who answers for it. 时限预测。
#[derive(SimpleObject)]
pub struct DeadlineForecast {
    /// The clocks that would start or change, the next due first. 将产生或变更的时限，最近到期者在前。
    deadlines: Vec<ForecastDeadline>,
    /// Who is on duty for them now. 相应职能的当前值守。
    on_duty: Vec<DutyNow>,
}

impl DeadlineForecast {
    pub(super) async fn new(
        ctx: &Context<'_>,
        clocks: Vec<ForecastClock>,
        on_duty: Vec<OnDuty>,
    ) -> ApiResult<Self> {
        let clocks =
            crate::reply::graphql::readable_or_own(ctx, &clocks, |row: &ForecastClock| row.clock.channel_id)
                .await?;
        let mut deadlines = Vec::new();
        for ForecastClock { clock, opens } in clocks {
            deadlines.push(ForecastDeadline {
                opens,
                kind: clock.kind,
                regime: clock.regime,
                rule: clock.rule,
                channel: channel_for(ctx, clock.channel_id).await?,
                line: clock.line,
                state: clock.state,
                anchor: clock.anchor,
                anchor_at: clock.anchor_at,
                due_at: clock.due_at,
                none_reason: clock.none_reason,
            });
        }
        let on_duty = on_duty.into_iter().map(|row| DutyNow {
            function: row.function,
            subject: row.duty.as_ref().map(|duty| duty.subject.clone()),
            deputy: row.duty.and_then(|duty| duty.deputy),
        });
        Ok(Self { deadlines, on_duty: on_duty.collect() })
    }
}
