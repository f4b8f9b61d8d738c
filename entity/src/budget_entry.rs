//! One side of a posting in a budget's ledger; the sides of a posting sum to zero.

use sea_orm::entity::prelude::*;

use crate::vocabulary::BudgetAccount;

/// One side of a posting in a budget's ledger; the sides of a posting sum to zero.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "budget_entry")]
pub struct Model {
    /// Identifies the entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The posting it is a side of.
    pub posting_id: Uuid,
    /// The budget.
    pub budget_id: Uuid,
    /// The payout; none for a grant.
    pub payout_id: Option<Uuid>,
    /// The account.
    pub account: BudgetAccount,
    /// Minor units, with sign.
    pub amount: i64,
    /// Subject who caused it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
