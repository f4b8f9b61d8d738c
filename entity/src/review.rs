//! What an event taught, or why it was skipped.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::ReviewPhase;

/// What an event taught, or why it was skipped.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "review")]
pub struct Model {
    /// Identifies the review.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Pass through the procedure.
    pub pass: i32,
    /// Root cause.
    pub root_cause: Option<String>,
    /// Phase that should have caught it.
    pub missed_phase: Option<ReviewPhase>,
    /// What changes in standards.
    pub standard_changes: Option<String>,
    /// What changes in the process.
    pub process_changes: Option<String>,
    /// Why it was skipped.
    pub skipped_reason: Option<String>,
    /// Subject.
    pub recorded_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub recorded_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
