//! What a report's channel is owed.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{ObligationState, Regime, ReplyKind};

/// What a report's channel is owed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
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
    pub opened_at: DateTimeUtc,
    /// When a sent reply met it.
    pub met_at: Option<DateTimeUtc>,
    /// The reply.
    pub met_by_reply_id: Option<Uuid>,
    /// Subject who waived it.
    pub waived_by: Option<String>,
    /// When.
    pub waived_at: Option<DateTimeUtc>,
    /// Why.
    pub waive_reason: Option<String>,
    /// Legal ground, toward databases and regulators.
    pub legal_ground: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
