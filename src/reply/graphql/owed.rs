//! What a client sees of an obligation.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::{ObligationState, Regime, ReplyKind};
use entity::{clock_fact, customer, obligation, product, report};

use super::{channel_for, event_of};
use crate::auth::policy::{Action, allows};
use crate::channel::graphql::Channel;
use crate::customer::graphql::Customer;
use crate::deadline::graphql::Deadline;
use crate::deadline::rules::question_of;
use crate::event::graphql::Event;
use crate::graphql::actor;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::lookup;
use crate::graphql::scalars;
use crate::intake::graphql::Report;
use crate::product::graphql::Product;

ahead::selected! {
    // By its channel is said who reads it.
    obligation, always [EventId, ChannelId] {
        "channel": [ChannelId] => one(channel by ChannelId) if ReadChannels;
    }
}

/// What a channel is owed.
pub struct Obligation(pub obligation::Model);

impl From<obligation::Model> for Obligation {
    fn from(row: obligation::Model) -> Self {
        Self(row)
    }
}

/// What a report's channel is owed: a reply of one kind. 对渠道的回复义务：应作出的某类回复。
#[Object]
impl Obligation {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<obligation::Entity>(self.0.id)
    }

    /// Its event; the version that its waiver expects is the event's. 所属事件；豁免时的版本以事件为准。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        event_of(ctx, self.0.event_id).await
    }

    /// Whom it is owed to; null when your roles may not read channels. 对应渠道；无渠道读取权限时为空。
    async fn channel(&self, ctx: &Context<'_>) -> ApiResult<Option<Channel>> {
        channel_for(ctx, self.0.channel_id).await
    }

    /// The report that asked for it; null for a duty of the event itself and when you may not read the report.
    /// 引起义务的报告；属事件自身义务或无权查看报告时为空。
    async fn report(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        let Some(id) = self.0.report_id else { return Ok(None) };
        Ok(lookup::<report::Entity>(ctx, id).await?.map(Report::from))
    }

    /// The product whose customers are to be told, whoever reported it; null for what is owed otherwise.
    /// 应告知其客户的产品；其他义务为空。
    async fn product(&self, ctx: &Context<'_>) -> ApiResult<Option<Product>> {
        match self.0.product_id.filter(|_| allows(actor(ctx), Action::ReadProducts)) {
            Some(id) => Ok(lookup::<product::Entity>(ctx, id).await?.map(Product::from)),
            None => Ok(None),
        }
    }

    /// The customer who is recorded as affected and to be told; null for what is owed otherwise, and when your role may not
    /// read customers. 应告知的受影响客户；其他义务或无权读取客户时为空。
    async fn customer(&self, ctx: &Context<'_>) -> ApiResult<Option<Customer>> {
        match self.0.customer_id.filter(|_| allows(actor(ctx), Action::ReadCustomers)) {
            Some(id) => Ok(lookup::<customer::Entity>(ctx, id).await?.map(Customer::from)),
            None => Ok(None),
        }
    }

    /// Which reply is owed. 应作出的回复类型。
    async fn kind(&self) -> ReplyKind {
        self.0.kind
    }

    /// Open, met or waived. 状态。
    async fn state(&self) -> ObligationState {
        self.0.state
    }

    /// What was asked, where it is the answer to a follow-up question; null for what is owed otherwise.
    /// 所追问的内容；其他义务为空。
    async fn question(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let Some(id) = question_of(&self.0) else { return Ok(None) };
        Ok(lookup::<clock_fact::Entity>(ctx, id).await?.map(|row| row.note))
    }

    /// What opened it. 触发原因。
    async fn trigger(&self) -> &str {
        &self.0.trigger
    }

    /// Promise or law that asks for it; null where only the channel does. 依据；仅渠道要求时为空。
    async fn regime(&self) -> Option<Regime> {
        self.0.regime
    }

    /// Stage of the regime, as the rule of the deadline policy is called; null where no rule asks for it.
    /// 所处阶段（时限规则标识）；无对应规则时为空。
    async fn stage(&self) -> Option<&str> {
        self.0.stage.as_deref()
    }

    /// Its clock; null where nothing sets a time and when your role may not read clocks. 时限；未规定时限或无权查看时为空。
    async fn deadline(&self, ctx: &Context<'_>) -> ApiResult<Option<Deadline>> {
        let all = crate::deadline::graphql::deadlines_of(ctx, self.0.event_id).await?.unwrap_or_default();
        Ok(all.into_iter().find(|row| row.0.obligation_id == Some(self.0.id)))
    }

    /// When it was opened. 产生时间。
    async fn opened_at(&self) -> DateTime<Utc> {
        self.0.opened_at
    }

    /// When the reply that met it was sent; null when none did. 履行时间；未履行为空。
    async fn met_at(&self) -> Option<DateTime<Utc>> {
        self.0.met_at
    }

    /// Subject who waived it; null when nobody did. 豁免人；未豁免为空。
    async fn waived_by(&self) -> Option<&str> {
        self.0.waived_by.as_deref()
    }

    /// When it was waived; null when it was not. 豁免时间；未豁免为空。
    async fn waived_at(&self) -> Option<DateTime<Utc>> {
        self.0.waived_at
    }

    /// Why it was waived. 豁免原因。
    async fn waive_reason(&self) -> Option<&str> {
        self.0.waive_reason.as_deref()
    }

    /// Legal ground of the waiver, toward databases and regulators. 豁免的法律依据。
    async fn legal_ground(&self) -> Option<&str> {
        self.0.legal_ground.as_deref()
    }
}
