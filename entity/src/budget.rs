//! Money or points for the payouts approved in a period: the sums of its ledger.

use sea_orm::entity::prelude::*;

/// Money or points for the payouts approved in a period: the sums of its ledger.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "budget")]
pub struct Model {
    /// Identifies the budget.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// A year, quarter or month: `2026`, `2026-Q1`, `2026-03`.
    pub period: String,
    /// First day.
    pub starts_on: Date,
    /// Last day.
    pub ends_on: Date,
    /// ISO 4217 code, or POINTS.
    pub currency: String,
    /// Granted, in minor units.
    pub granted: i64,
    /// May still be approved, in minor units; below zero by overruns only.
    pub available: i64,
    /// Approved and not paid, in minor units.
    pub reserved: i64,
    /// Paid, in minor units.
    pub spent: i64,
    /// Approved beyond the budget and not given back, in minor units.
    pub overrun: i64,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("budget");
