//! The API of reviews and action items.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{ActionItemState, ReviewPhase};
use entity::{action_item, review};

use super::{AddActionItem, RecordReview, SkipReview, UpdateActionItem, store};
use crate::auth::policy::{Action, require};
use crate::event::graphql::EventPayload;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

ahead::selected! {
    review, always [EventId] {}
}

ahead::selected! {
    action_item, always [EventId] {}
}

/// What an event taught.
pub struct Review(pub review::Model);

impl From<review::Model> for Review {
    fn from(row: review::Model) -> Self {
        Self(row)
    }
}

/// What an event taught, or why its review was skipped. 复盘记录。
#[Object]
impl Review {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<review::Entity>(self.0.id)
    }

    /// Pass through the procedure. 处置轮次。
    async fn pass(&self) -> i32 {
        self.0.pass
    }

    /// Root cause; null when it was skipped. 根本原因。
    async fn root_cause(&self) -> Option<&str> {
        self.0.root_cause.as_deref()
    }

    /// Phase that should have caught it; null when it was skipped. 本应发现漏洞的阶段。
    async fn missed_phase(&self) -> Option<ReviewPhase> {
        self.0.missed_phase
    }

    /// What changes in standards; null when nothing does. 规范改进。
    async fn standard_changes(&self) -> Option<&str> {
        self.0.standard_changes.as_deref()
    }

    /// What changes in the process; null when nothing does. 流程改进。
    async fn process_changes(&self) -> Option<&str> {
        self.0.process_changes.as_deref()
    }

    /// Why it was skipped; null when it was not. 跳过原因。
    async fn skipped_reason(&self) -> Option<&str> {
        self.0.skipped_reason.as_deref()
    }

    /// Subject who recorded it. 记录人。
    async fn recorded_by(&self) -> &str {
        &self.0.recorded_by
    }

    /// When. 记录时间。
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }
}

/// Work that outlives the event's closing.
pub struct ActionItem(pub action_item::Model);

impl From<action_item::Model> for ActionItem {
    fn from(row: action_item::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// An action item after a change. 变更后的改进项。
    ActionItemPayload {
        /// The item as it now is; null when the change was refused. 变更后的改进项；被拒绝时为空。
        action_item: ActionItem
    }
}

/// Work that outlives the event's closing. 改进项。
#[Object]
impl ActionItem {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<action_item::Entity>(self.0.id)
    }

    /// What is to be done. 内容。
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Subject who does it. 责任人。
    async fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Day it is due. 截止日期。
    async fn due_on(&self) -> NaiveDate {
        self.0.due_on
    }

    /// Where it stands. 状态。
    async fn state(&self) -> ActionItemState {
        self.0.state
    }

    /// How it ended; null when nothing was said. 说明。
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// When it was done; null until then. 完成时间。
    async fn done_at(&self) -> Option<DateTime<Utc>> {
        self.0.done_at
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Queries of action items.
#[derive(Default)]
pub struct ReviewQuery;

/// Queries of action items. 改进项查询。
#[Object]
impl ReviewQuery {
    /// The action items that are yours to end, of any event, the newest first. 由您负责的改进项（不限事件），最新的在前。
    async fn my_action_items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that stand like this; all when left out. 仅该状态；缺省为全部。")]
        state: Option<ActionItemState>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<ActionItem>> {
        require(actor(ctx), Action::UpdateActionItem)?;
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(store::own(app(ctx), actor(ctx), state, &input).await?))
    }
}

/// Changes of reviews and action items.
#[derive(Default)]
pub struct ReviewMutation;

/// Changes of reviews and action items. 复盘与改进项变更。
#[Object]
impl ReviewMutation {
    /// REVIEWING to CLOSED with the review. 记录复盘并关闭事件。
    async fn record_review(&self, ctx: &Context<'_>, input: RecordReview) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::record(app(ctx), actor(ctx), &input)).await)
    }

    /// REVIEWING to CLOSED without a review, below YELLOW only. 跳过复盘并关闭事件（仅限黄级以下）。
    async fn skip_review(&self, ctx: &Context<'_>, input: SkipReview) -> ApiResult<EventPayload> {
        EventPayload::of(retrying(|| super::skip(app(ctx), actor(ctx), &input)).await)
    }

    /// Adds an action item, from REVIEWING on. 添加改进项。
    async fn add_action_item(&self, ctx: &Context<'_>, input: AddActionItem) -> ApiResult<ActionItemPayload> {
        ActionItemPayload::of(retrying(|| super::add_item(app(ctx), actor(ctx), &input)).await)
    }

    /// Finishes or drops an action item. 完成或取消改进项。
    async fn update_action_item(
        &self,
        ctx: &Context<'_>,
        input: UpdateActionItem,
    ) -> ApiResult<ActionItemPayload> {
        ActionItemPayload::of(retrying(|| super::end_item(app(ctx), actor(ctx), &input)).await)
    }
}
