//! What a report's channel is owed.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{ObligationState, Regime, ReplyKind};

/// What a report's channel is owed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "obligation")]
pub struct Model {
    /// Identifies the obligation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The report; none for a duty of the event itself.
    pub report_id: Option<Uuid>,
    /// Whom it is owed to.
    pub channel_id: Uuid,
    /// The product whose customers are owed it, where it is they.
    pub product_id: Option<Uuid>,
    /// The customer who is owed it, where it is one alone.
    pub customer_id: Option<Uuid>,
    /// Which reply is owed.
    pub kind: ReplyKind,
    /// What opened it.
    pub trigger: String,
    /// For what of the event it is owed, as the clocks' planner names it.
    pub slot: Option<String>,
    /// Promise or law that asks for it; none where only the channel does.
    pub regime: Option<Regime>,
    /// Stage of the regime, as the rule of the policy is called.
    pub stage: Option<String>,
    /// Open, met or waived.
    pub state: ObligationState,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub opened_at: DateTimeUtc,
    /// When a sent reply met it.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub met_at: Option<DateTimeUtc>,
    /// The reply.
    pub met_by_reply_id: Option<Uuid>,
    /// Subject who waived it.
    pub waived_by: Option<String>,
    /// When.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub waived_at: Option<DateTimeUtc>,
    /// Why.
    pub waive_reason: Option<String>,
    /// Legal ground, toward databases and regulators.
    pub legal_ground: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether customers are owed it whom an event is about, whether or not one of them reported it.
    pub fn is_of_customers(&self) -> bool {
        self.product_id.is_some() || self.customer_id.is_some()
    }
}
