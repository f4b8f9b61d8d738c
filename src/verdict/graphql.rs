//! The API of verdicts.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{Severity, Verdict as Conclusion};
use entity::{event, verdict};

use super::{GiveVerdict, give_verdict};
use crate::event::graphql::{Event, EventPayload};
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, loaders, scalars};
use crate::outbox::retrying;

ahead::selected! {
    verdict, always [EventId] {}
}

/// A verdict with the facts that it rests on.
pub struct GivenVerdict(pub verdict::Model);

impl From<verdict::Model> for GivenVerdict {
    fn from(row: verdict::Model) -> Self {
        Self(row)
    }
}

/// A verdict with the facts that it rests on. 研判结论及其依据。
#[Object]
impl GivenVerdict {
    /// Identifies the verdict. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<verdict::Entity>(self.0.id)
    }

    /// Pass through the procedure in which it was given. 处置轮次。
    async fn pass(&self) -> i32 {
        self.0.pass
    }

    /// The conclusion. 结论。
    async fn verdict(&self) -> Conclusion {
        self.0.verdict
    }

    /// Severity told to the reporter; null unless CONFIRMED. 严重程度；仅确认时有值。
    async fn severity(&self) -> Option<Severity> {
        self.0.severity
    }

    /// Why. 理由。
    async fn rationale(&self) -> &str {
        &self.0.rationale
    }

    /// The event that this one repeats; null unless DUPLICATE, and when you may not see it.
    /// 原始事件；非重复或无权查看时为空。
    async fn original_event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        let Some(id) = self.0.original_event_id else { return Ok(None) };
        Ok(loaders::lookup::<event::Entity>(ctx, id).await?.map(Event::from))
    }

    /// The event that fixes it; null unless KNOWN_INTERNALLY and fixed by another event, and when you may not see it.
    /// 修复该漏洞的事件；非内部已知、由本事件修复或无权查看时为空。
    async fn fixing_event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        let Some(id) = self.0.fixing_event_id else { return Ok(None) };
        Ok(loaders::lookup::<event::Entity>(ctx, id).await?.map(Event::from))
    }

    /// The internal finding; null unless KNOWN_INTERNALLY. 内部发现编号。
    async fn internal_finding(&self) -> Option<&str> {
        self.0.internal_finding.as_deref()
    }

    /// The day it was first known; null unless KNOWN_INTERNALLY or ALREADY_FIXED. 首次获知日期。
    async fn first_known_on(&self) -> Option<NaiveDate> {
        self.0.first_known_on
    }

    /// The published advisory; null unless ALREADY_FIXED. 已发布的公告。
    async fn advisory(&self) -> Option<&str> {
        self.0.advisory.as_deref()
    }

    /// The version with the fix; null unless ALREADY_FIXED. 修复版本。
    async fn fixed_version(&self) -> Option<&str> {
        self.0.fixed_version.as_deref()
    }

    /// The notice of the product's end; null unless END_OF_LIFE. 退市公告。
    async fn end_of_life_notice(&self) -> Option<&str> {
        self.0.end_of_life_notice.as_deref()
    }

    /// The last supported version; null unless END_OF_LIFE. 最后支持的版本。
    async fn last_supported_version(&self) -> Option<&str> {
        self.0.last_supported_version.as_deref()
    }

    /// What replaces the product; null unless END_OF_LIFE. 替代产品。
    async fn successor(&self) -> Option<&str> {
        self.0.successor.as_deref()
    }

    /// To whom it was forwarded; null unless OTHER_VENDOR. 转交对象。
    async fn forwarded_to(&self) -> Option<&str> {
        self.0.forwarded_to.as_deref()
    }

    /// Subject who gave it. 作出结论的人。
    async fn given_by(&self) -> &str {
        &self.0.given_by
    }

    /// When it was given. 作出时间。
    async fn given_at(&self) -> DateTime<Utc> {
        self.0.given_at
    }

    /// When the next one replaced it; null while it holds. 被取代的时间；有效期间为空。
    async fn superseded_at(&self) -> Option<DateTime<Utc>> {
        self.0.superseded_at
    }
}

/// Mutations of verdicts.
#[derive(Default)]
pub struct VerdictMutation;

/// Mutations of verdicts. 研判结论相关操作。
#[Object]
impl VerdictMutation {
    /// Gives the verdict with the facts that belong to it. 作出研判结论。
    async fn give_verdict(&self, ctx: &Context<'_>, input: GiveVerdict) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| give_verdict(app, actor, &input)).await)
    }
}
