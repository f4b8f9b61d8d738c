//! The API of clocks and policies.

mod objects;
mod policies;

pub use objects::{Deadline, DeadlineForecast, DeadlinePause, DutyNow, ForecastDeadline};
pub use policies::{DeadlinePolicy, DeadlineRule};

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::{DeadlineKind, DeadlineState};
use entity::{channel, deadline, event};
use uuid::Uuid;

use super::{CorrectLearnedAt, CreateDeadlinePolicy, Forecast, RecordFollowUpQuestion, SetNoticeDate, store};
use crate::auth::policy::{Action, allows, require};
use crate::event::graphql::EventPayload;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::Id;
use crate::graphql::{actor, app, loaders, sensitive};
use crate::outbox::retrying;

crate::payload! {
    /// A version of the deadline policy after it was introduced. 新引入的时限规则。
    DeadlinePolicyPayload {
        /// The version; null when it was refused. 规则版本；被拒绝时为空。
        deadline_policy: DeadlinePolicy
    }
}

/// Which clocks; what is left out narrows nothing. 时限筛选条件；未提供的不作限制。
#[derive(Clone, Debug, Default, InputObject)]
pub struct DeadlineFilter {
    /// Where they stand. 状态。
    pub state: Option<DeadlineState>,
    /// Whether their due instant passed before what they waited for happened. 是否已逾期。
    pub breached: Option<bool>,
    /// What they wait for. 时限对象。
    pub kinds: Option<Vec<DeadlineKind>>,
    /// Whom they concern. 渠道。
    pub channel: Option<Id<channel::Entity>>,
    /// The event. 事件。
    pub event: Option<Id<event::Entity>>,
    /// Due before this instant. 在此时刻之前到期。
    pub due_before: Option<DateTime<Utc>>,
    /// For which this person answers: on events where they have work that is not done or which they are named on the team
    /// of, and while nobody has the work, those of functions that they are on duty for now, as deputy too; `me` is yourself.
    /// 由该人员负责的时限：其有未完成任务或为响应小组成员的事件，以及尚无人承担、由其当前值守（含代理）的职能；me 表示本人。
    pub person: Option<String>,
}

/// The clocks of an event whose content the caller may see, oldest first; `None` when their role may not read them.
///
/// # Errors
/// Of the database.
pub async fn deadlines_of(ctx: &Context<'_>, event: Uuid) -> ApiResult<Option<Vec<Deadline>>> {
    if !allows(actor(ctx), Action::ReadDeadlines) {
        return Ok(None);
    }
    let rows = loaders::children::<deadline::Entity>(ctx, event).await?;
    let rows = crate::reply::graphql::readable_or_own(ctx, &rows, |row| row.channel_id).await?;
    Ok(Some(rows.into_iter().map(Deadline).collect()))
}

/// Queries of clocks.
#[derive(Default)]
pub struct DeadlineQuery;

/// Queries of clocks. 时限查询。
#[Object]
impl DeadlineQuery {
    /// Clocks of the events you may see, the next due first; those without a due instant come last.
    /// 您可见事件的时限，最近到期者在前，暂无期限者在后。
    #[allow(clippy::too_many_arguments, reason = "a page's arguments")]
    async fn deadlines(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all when left out. 筛选条件；省略时为全部。")] filter: Option<
            DeadlineFilter,
        >,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Deadline>> {
        let (app, actor) = (app(ctx), actor(ctx));
        require(actor, Action::ReadDeadlines)?;
        let filter = filter.unwrap_or_default();
        let asked = store::Asked {
            state: filter.state,
            breached: filter.breached,
            kinds: filter.kinds.unwrap_or_default(),
            channel: filter.channel.map(|id| id.0),
            event: filter.event.map(|id| id.0),
            due_before: filter.due_before,
            person: filter
                .person
                .map(|person| if person == "me" { actor.subject.to_string() } else { person }),
            at: app.clock.now(),
        };
        let input = PageInput { first, after, last, before };
        let page = store::page(app, actor, &asked, &input).await?;
        if sensitive::lists_items(ctx) {
            page.rows.iter().for_each(|(row, _)| sensitive::touch(ctx, row.event_id));
        }
        Ok(Connection::new(page))
    }

    /// What would start if this verdict were given now, and who is on duty for it; nothing is written. Null when the
    /// event is hidden or absent. 假设现在给出该结论，将产生哪些时限、由谁值守；不写入任何数据。事件不可见或不存在时为空。
    async fn deadline_forecast(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is assumed. 假设。")] input: Forecast,
    ) -> ApiResult<Option<DeadlineForecast>> {
        require(actor(ctx), Action::ReadDeadlines)?;
        match Box::pin(super::forecast(app(ctx), actor(ctx), &input)).await {
            Ok((clocks, on_duty)) => {
                sensitive::touch(ctx, input.event.0);
                Ok(Some(DeadlineForecast::new(ctx, clocks, on_duty).await?))
            }
            Err(crate::error::Error::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Versions of the deadline policy, the newest first: it is the one in force.
    /// 时限规则版本，由新到旧，最新者生效。
    async fn deadline_policies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<DeadlinePolicy>> {
        require(actor(ctx), Action::ReadDeadlinePolicies)?;
        Ok(Connection::new(store::policies(app(ctx), &PageInput { first, after, last, before }).await?))
    }
}

/// Changes of clocks.
#[derive(Default)]
pub struct DeadlineMutation;

/// Changes of clocks. 时限变更。
#[Object]
impl DeadlineMutation {
    /// Records the dates that a notice names or that were agreed with its channel; its clocks follow.
    /// 录入通知载明或与渠道约定的日期，相关时限随之重新计算。
    async fn set_notice_date(&self, ctx: &Context<'_>, input: SetNoticeDate) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::set_notice_date(app(ctx), actor(ctx), &input)).await)
    }

    /// Corrects when something was learned of; to a later instant only a LEADER may.
    /// 更正获知时间；推迟须由领导小组操作。
    async fn correct_learned_at(
        &self,
        ctx: &Context<'_>,
        input: CorrectLearnedAt,
    ) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::correct_learned_at(app(ctx), actor(ctx), &input)).await)
    }

    /// Records a follow-up question of a channel, which opens an obligation of its own.
    /// 记录渠道的追问，并产生单独的回复义务。
    async fn record_follow_up_question(
        &self,
        ctx: &Context<'_>,
        input: RecordFollowUpQuestion,
    ) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::record_follow_up_question(app(ctx), actor(ctx), &input)).await)
    }

    /// Introduces a version of the deadline policy, in force at once: what is open is counted anew by it.
    /// 引入新版本时限规则，立即生效；未完成的时限按新规则重新计算。
    async fn create_deadline_policy(
        &self,
        ctx: &Context<'_>,
        input: CreateDeadlinePolicy,
    ) -> ApiResult<DeadlinePolicyPayload> {
        DeadlinePolicyPayload::of(retrying(|| super::create_policy(app(ctx), actor(ctx), &input)).await)
    }
}
