//! A question to the leading group and its answer.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::texts::Texts;
use crate::vocabulary::{AbroadExtent, DecisionKind};

/// A question to the leading group and its answer.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "decision")]
pub struct Model {
    /// Identifies the decision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// What is to be decided.
    pub kind: DecisionKind,
    /// The question.
    pub question: String,
    /// Options to choose from.
    pub options: Texts,
    /// Product line, for accepting a risk.
    pub line: Option<String>,
    /// Subject who asked.
    pub asked_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub asked_at: DateTimeUtc,
    /// When an answer is due.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub due_at: Option<DateTimeUtc>,
    /// Subjects who took part.
    pub participants: Texts,
    /// What was decided.
    pub outcome: Option<String>,
    /// Whether what was asked for may be done.
    pub granted: Option<bool>,
    /// How much may go abroad: of every decided REPORT_ABROAD, and of nothing else.
    pub extent: Option<AbroadExtent>,
    /// Leader who recorded it.
    pub decided_by: Option<String>,
    /// When.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub decided_at: Option<DateTimeUtc>,
    /// When an accepted risk ends.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub expires_at: Option<DateTimeUtc>,
    /// When the leading group was told that the accepted risk is about to end.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub expiry_told_at: Option<DateTimeUtc>,
    /// Counts changes, for the caller to have seen the newest.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
