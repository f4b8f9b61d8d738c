//! The API of calendar feeds.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::calendar_feed;

use super::{CreateCalendarFeed, RevokeCalendarFeed};
use crate::auth::policy::{Action, allows};
use crate::graphql::errors::{ApiResult, UserError, settle};
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

/// A person's feed for calendar programs.
pub struct CalendarFeed(calendar_feed::Model);

impl From<calendar_feed::Model> for CalendarFeed {
    fn from(row: calendar_feed::Model) -> Self {
        Self(row)
    }
}

/// A person's feed for calendar programs, without its link. 日历订阅（不含链接）。
#[Object]
impl CalendarFeed {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<calendar_feed::Entity>(self.0.id)
    }

    /// Name that calendar programs show. 日历程序中显示的名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When its present link was made, or it was ended. 当前链接的生成时间，或撤销时间。
    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }

    /// Whether it was ended: its link answers nobody. 是否已撤销。
    async fn revoked(&self) -> bool {
        self.0.revoked_at.is_some()
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A feed with the link that was just made. 日历订阅及新生成的链接。
#[derive(SimpleObject)]
pub struct NewCalendarFeedPayload {
    /// The feed as it now is; null when it was refused. 日历订阅；被拒绝时为空。
    feed: Option<CalendarFeed>,
    /// The path of the link below the address of this API, shown this once: who has it reads the feed. Null when it was
    /// refused. 链接路径（接于本 API 地址之后），仅显示这一次，持有者即可读取；被拒绝时为空。
    path: Option<String>,
    /// Why it was refused; empty when it was done. 被拒绝的原因；成功时为空。
    user_errors: Vec<UserError>,
}

crate::payload! {
    /// A feed after a change. 变更后的日历订阅。
    CalendarFeedPayload {
        /// The feed as it now is; null when the change was refused. 变更后的日历订阅；被拒绝时为空。
        feed: CalendarFeed
    }
}

/// Queries of calendar feeds.
#[derive(Default)]
pub struct FeedQuery;

/// Queries of calendar feeds. 日历订阅查询。
#[Object]
impl FeedQuery {
    /// Your own feed; null when you never made one, or cannot have one. 本人的日历订阅；未创建或无权创建时为空。
    async fn calendar_feed(&self, ctx: &Context<'_>) -> ApiResult<Option<CalendarFeed>> {
        if !allows(actor(ctx), Action::CreateCalendarFeed) {
            return Ok(None);
        }
        Ok(super::own(app(ctx), actor(ctx)).await?.map(CalendarFeed))
    }
}

/// Changes of calendar feeds.
#[derive(Default)]
pub struct FeedMutation;

/// Changes of calendar feeds. 日历订阅变更。
#[Object]
impl FeedMutation {
    /// Makes your own feed of what you have to do, for calendar programs, or gives it a new link in place of the one
    /// before. The link is shown this once. 创建本人的日历订阅，或更换其链接（旧链接即失效）；链接仅显示这一次。
    async fn create_calendar_feed(
        &self,
        ctx: &Context<'_>,
        input: CreateCalendarFeed,
    ) -> ApiResult<NewCalendarFeedPayload> {
        let (done, user_errors) = settle(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)?;
        let (feed, path) = done.map(|new| (new.row.into(), super::shown(&new.path))).unzip();
        Ok(NewCalendarFeedPayload { feed, path, user_errors })
    }

    /// Ends your own feed: its link answers nobody from now on. 撤销本人的日历订阅，链接立即失效。
    async fn revoke_calendar_feed(
        &self,
        ctx: &Context<'_>,
        input: RevokeCalendarFeed,
    ) -> ApiResult<CalendarFeedPayload> {
        CalendarFeedPayload::of(retrying(|| super::revoke(app(ctx), actor(ctx), &input)).await)
    }
}
