//! A five-factor rating; superseded by the next, never changed.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::Level;

/// A five-factor rating; superseded by the next, never changed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "score")]
pub struct Model {
    /// Identifies the score.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Pass through the procedure.
    pub pass: i32,
    /// Tenths, 0 to 100.
    pub product_importance: i32,
    /// Tenths, 0 to 100.
    pub product_reach: i32,
    /// Tenths, 0 to 100.
    pub public_opinion: i32,
    /// Tenths, 0 to 100.
    pub exploit_conditions: i32,
    /// Tenths, 0 to 100.
    pub actual_impact: i32,
    /// Exact weighted sum in 1/10,000.
    pub total: i32,
    /// Total rounded half up to tenths.
    pub rounded: i32,
    /// Level by the policy's bands.
    pub level: Level,
    /// The policy version it was made with.
    pub policy_id: Uuid,
    /// Evidence by factor.
    pub evidence: Json,
    /// Why it was scored again.
    pub reason: Option<String>,
    /// Leader who consented to leave RED or ORANGE.
    pub consented_by: Option<String>,
    /// Author.
    pub scored_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub scored_at: DateTimeUtc,
    /// When the next one replaced it.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub superseded_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
