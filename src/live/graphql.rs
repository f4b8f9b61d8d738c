//! The API of subscriptions: what each tells, and for whom.

use std::sync::Arc;

use async_graphql::{Context, Object, Subscription};
use chrono::{DateTime, Utc};
use entity::vocabulary::Facet;
use entity::{deadline, event, payout, report, tracker, webhook_endpoint};
use futures_util::stream::{self, Iter};
use serde_json::Value;

use super::{Interest, Occasion, turn};
use crate::auth::policy::{Action, require};
use crate::deadline::graphql::Deadline;
use crate::error::Error;
use crate::event::graphql::Event;
use crate::graphql::errors::{ApiError, ApiResult};
use crate::graphql::scalars::Id;
use crate::graphql::{actor, app, loaders, sensitive};
use crate::ids::Kind;
use crate::intake::graphql::Report;
use crate::outbox::MessageKind;
use crate::outbox::audience::{self, Readable, may_receive, named};
use crate::payout::graphql::Payout;
use crate::ticket::graphql::Tracker;
use crate::webhook::graphql::WebhookEndpoint;
use crate::webhook::rules::{message_types, subscribes};

/// One thing to tell, or nothing.
type Told<T> = Iter<std::option::IntoIter<T>>;

/// Types of messages that are about an event, but not about money.
fn event_kinds() -> impl Iterator<Item = MessageKind> {
    let about_event = |kind: &MessageKind| {
        let sides = kind.audiences().iter().filter_map(|audience| audience.facet);
        sides.into_iter().any(|facet| matches!(facet, Facet::Content | Facet::Public))
    };
    MessageKind::ALL.iter().copied().filter(about_event).filter(|kind| !is_payout(*kind))
}

fn is_payout(kind: MessageKind) -> bool {
    kind.as_str().starts_with("payout.")
}

/// On which side of its event a message finds its hearer at this moment.
struct Found {
    /// The event, where its content is theirs to see and the message is told on that side.
    event: Option<event::Model>,
    /// Their own reports that it is about, where it is told on the public side.
    reports: Vec<report::Model>,
}

/// Looks on which sides of its event `occasion` may be told now; none when on none.
async fn find(ctx: &Context<'_>, occasion: &Occasion) -> ApiResult<Option<Found>> {
    let (app, actor) = (app(ctx), actor(ctx));
    let Some(id) = occasion.event else { return Ok(None) };
    let mut found = Found { event: None, reports: Vec::new() };
    if may_receive(actor, occasion.kind, Some(Facet::Content))
        && Readable::among(app, actor, std::iter::once(&occasion.data)).await?.lets(&occasion.data)
    {
        found.event = match crate::event::store::find(app, actor, id).await {
            Ok(event) => Some(event),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
    }
    if may_receive(actor, occasion.kind, Some(Facet::Public)) && !audience::is_no_promise(&occasion.data) {
        let own = crate::webhook::store::visible_reports(app, actor, &[id].into()).await?;
        found.reports = own.into_iter().filter(|row| audience::is_about(&occasion.data, row)).collect();
    }
    if found.event.is_none() && found.reports.is_empty() {
        return Ok(None);
    }
    // That something happens on it is a read of it too.
    match &found.event {
        Some(event) => sensitive::note(ctx, event),
        None => sensitive::touch(ctx, id),
    }
    Ok(Some(found))
}

/// Something happened on an event.
pub struct EventChange {
    occasion: Arc<Occasion>,
    found: Found,
}

/// Something happened on an event, which is shown as it is when you are told. 事件上发生的变更；事件以推送时的状态呈现。
#[Object]
impl EventChange {
    /// What happened: a type of message, as webhooks name it. 变更类型，与 Webhook 消息类型同名。
    #[graphql(name = "type")]
    async fn kind(&self) -> &'static str {
        self.occasion.kind.as_str()
    }

    /// When. 发生时间。
    async fn at(&self) -> DateTime<Utc> {
        self.occasion.at
    }

    /// The event; null for reporters and platforms. 事件；报告人与平台不可见，为空。
    async fn event(&self) -> Option<Event> {
        self.found.event.clone().map(Event)
    }

    /// For reporters and platforms: their own reports that it is about; empty for others.
    /// 报告人与平台：相关的本方报告；其他角色为空。
    async fn reports(&self) -> Vec<Report> {
        self.found.reports.iter().cloned().map(Report).collect()
    }
}

/// A clock's time is nearly over, or over.
pub struct DeadlineDue {
    occasion: Arc<Occasion>,
    deadline: deadline::Model,
}

/// A clock's time is nearly over, or over. 时限即将到期或已逾期。
#[Object]
impl DeadlineDue {
    /// `deadline.due_soon` or `deadline.breached`. 即将到期或已逾期。
    #[graphql(name = "type")]
    async fn kind(&self) -> &'static str {
        self.occasion.kind.as_str()
    }

    /// When. 发生时间。
    async fn at(&self) -> DateTime<Utc> {
        self.occasion.at
    }

    /// The clock, with its event. 时限及其事件。
    async fn deadline(&self) -> Deadline {
        Deadline(self.deadline.clone())
    }
}

/// A payout moved.
pub struct PayoutNews {
    occasion: Arc<Occasion>,
    payout: payout::Model,
}

/// A payout moved. 奖励变更。
#[Object]
impl PayoutNews {
    /// What happened: a type of message, as webhooks name it. 变更类型，与 Webhook 消息类型同名。
    #[graphql(name = "type")]
    async fn kind(&self) -> &'static str {
        self.occasion.kind.as_str()
    }

    /// When. 发生时间。
    async fn at(&self) -> DateTime<Utc> {
        self.occasion.at
    }

    /// The payout. 奖励。
    async fn payout(&self) -> Payout {
        Payout(self.payout.clone())
    }
}

/// What goes outside does not arrive.
pub struct DeliveryFailure {
    occasion: Arc<Occasion>,
    endpoint: Option<webhook_endpoint::Model>,
    tracker: Option<tracker::Model>,
}

/// What goes outside does not arrive, again and again. 对外推送或工单同步持续失败。
#[Object]
impl DeliveryFailure {
    /// `webhook.endpoint_failing` or `tracker.failing`. 端点推送失败或工单系统失败。
    #[graphql(name = "type")]
    async fn kind(&self) -> &'static str {
        self.occasion.kind.as_str()
    }

    /// When. 发生时间。
    async fn at(&self) -> DateTime<Utc> {
        self.occasion.at
    }

    /// The endpoint of which deliveries were given up; null for a ticketing system. 推送被放弃的端点；工单系统为空。
    async fn endpoint(&self) -> Option<WebhookEndpoint> {
        self.endpoint.clone().map(WebhookEndpoint)
    }

    /// How many deliveries were given up; null for a ticketing system. 放弃的推送数量；工单系统为空。
    async fn given_up(&self) -> Option<i64> {
        self.occasion.data.get("givenUp").and_then(Value::as_i64)
    }

    /// The ticketing system; null for an endpoint. 工单系统；端点为空。
    async fn tracker(&self) -> Option<Tracker> {
        self.tracker.clone().map(Tracker)
    }
}

/// What one may be told of.
#[derive(Default)]
pub struct Subscription;

/// What can be followed as it happens, over WebSocket or server-sent events at `/graphql/stream`; one field a
/// subscription. 订阅入口：经 WebSocket，或 `/graphql/stream` 的服务器推送；每个订阅只选一个字段。
#[Subscription]
impl Subscription {
    /// What happens on the events that you see, or on the public side of your own reports. An event that you come to see is
    /// told by the change that lets you see it; one that you see no more falls silent.
    /// 您可见事件（或本方报告公开侧）上的变更；新近可见的事件由使其可见的变更告知，不再可见的事件不再推送。
    async fn event_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "This event alone; all that you see when left out. 仅此事件；省略则为全部可见事件。"
        )]
        event: Option<Id<event::Entity>>,
        #[graphql(desc = "Types of messages, or wildcards such as event.*, at most 50; all when left out. \
                          消息类型或通配符（如 event.*），最多五十个；省略则为全部。")]
        types: Option<Vec<String>>,
    ) -> Result<Told<EventChange>, ApiError> {
        require(actor(ctx), Action::FollowEvents)?;
        let patterns = types.map(|types| message_types("types", &types)).transpose()?;
        let wanted =
            |kind: &MessageKind| patterns.as_ref().is_none_or(|patterns| subscribes(patterns, kind.as_str()));
        let interest =
            Interest { kinds: event_kinds().filter(wanted).collect(), event: event.map(|id| id.0) };
        if interest.kinds.is_empty() {
            let message = "these types are told of by other subscriptions, or by webhooks alone";
            return Err(Error::bad_input("types", message).into());
        }
        let Some(occasion) = turn(ctx, interest)? else { return Ok(nothing()) };
        Ok(match find(ctx, &occasion).await? {
            Some(found) => one(EventChange { occasion, found }),
            None => nothing(),
        })
    }

    /// Clocks whose time is nearly over, or over, on the events that you see. 您可见事件上即将到期或已逾期的时限。
    async fn deadline_due(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Of this event alone; of all that you see when left out. 仅此事件；省略则为全部可见事件。"
        )]
        event: Option<Id<event::Entity>>,
    ) -> Result<Told<DeadlineDue>, ApiError> {
        require(actor(ctx), Action::ReadDeadlines)?;
        let kinds = [MessageKind::DeadlineDueSoon, MessageKind::DeadlineBreached].into();
        let interest = Interest { kinds, event: event.map(|id| id.0) };
        let Some(occasion) = turn(ctx, interest)? else { return Ok(nothing()) };
        let Some(id) = named(&occasion.data, Kind::Deadline) else { return Ok(nothing()) };
        // It is found only where the event's content is theirs to see.
        let deadline = loaders::lookup::<deadline::Entity>(ctx, id).await?;
        Ok(deadline.map_or_else(nothing, |deadline| one(DeadlineDue { occasion, deadline })))
    }

    /// Payouts that move, of those that you see. 您可见奖励的变更。
    async fn payout_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this event alone; of all when left out. 仅此事件；省略则不限。")] event: Option<
            Id<event::Entity>,
        >,
    ) -> Result<Told<PayoutNews>, ApiError> {
        require(actor(ctx), Action::ReadPayouts)?;
        let kinds = MessageKind::ALL.iter().copied().filter(|kind| is_payout(*kind)).collect();
        let interest = Interest { kinds, event: event.map(|id| id.0) };
        let Some(occasion) = turn(ctx, interest)? else { return Ok(nothing()) };
        let hears = |facet| may_receive(actor(ctx), occasion.kind, facet);
        // Whoever pays sees every payout, on whatever event; one for no event is its payee's too. The finder tells whose.
        let may_hear = match occasion.event {
            None => hears(None) || (hears(Some(Facet::Public)) && !audience::is_no_promise(&occasion.data)),
            Some(_) => hears(Some(Facet::Money)) || find(ctx, &occasion).await?.is_some(),
        };
        let id = named(&occasion.data, Kind::Payout).filter(|_| may_hear);
        let Some(id) = id else { return Ok(nothing()) };
        let payout = loaders::lookup::<payout::Entity>(ctx, id).await?;
        Ok(payout.map_or_else(nothing, |payout| one(PayoutNews { occasion, payout })))
    }

    /// Webhook endpoints of which deliveries were given up, and ticketing systems that fail again and again.
    /// 推送被放弃的 Webhook 端点，以及持续失败的工单系统。
    async fn delivery_failed(&self, ctx: &Context<'_>) -> Result<Told<DeliveryFailure>, ApiError> {
        require(actor(ctx), Action::ReadWebhooks)?;
        let kinds = [MessageKind::WebhookEndpointFailing, MessageKind::TrackerFailing].into();
        let Some(occasion) = turn(ctx, Interest { kinds, event: None })? else { return Ok(nothing()) };
        if !may_receive(actor(ctx), occasion.kind, None) {
            return Ok(nothing());
        }
        let endpoint = match named(&occasion.data, Kind::WebhookEndpoint) {
            Some(id) => loaders::lookup::<webhook_endpoint::Entity>(ctx, id).await?,
            None => None,
        };
        let tracker = match named(&occasion.data, Kind::Tracker) {
            Some(id) => loaders::lookup::<tracker::Entity>(ctx, id).await?,
            None => None,
        };
        Ok(one(DeliveryFailure { occasion, endpoint, tracker }))
    }
}

fn one<T>(told: T) -> Told<T> {
    stream::iter(Some(told))
}

fn nothing<T>() -> Told<T> {
    stream::iter(None)
}
