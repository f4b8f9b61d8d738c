//! A step of a payout; its id is that of the message that tells of it.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{PayoutChangeKind, PayoutState};

/// A step of a payout; its id is that of the message that tells of it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_change")]
pub struct Model {
    /// Identifies the step, and the message.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The payout.
    pub payout_id: Uuid,
    /// What happened.
    pub kind: PayoutChangeKind,
    /// State before; none for the first.
    pub from_state: Option<PayoutState>,
    /// State after.
    pub to_state: PayoutState,
    /// Whether the payout had been approved by then: before that nobody outside learns of it.
    pub approved: bool,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// Subject who did it.
    pub changed_by: String,
    /// When.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
