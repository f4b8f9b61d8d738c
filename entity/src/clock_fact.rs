//! What a person enters for clocks: a notice's own date, a question, when something was learned of.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::ClockFactKind;

/// What a person enters for clocks: a notice's own date, a question, when something was learned of.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "clock_fact")]
pub struct Model {
    /// Identifies the fact.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The report that it belongs to.
    pub report_id: Option<Uuid>,
    /// The decision that declared the incident of which it says when it was learned of.
    pub decision_id: Option<Uuid>,
    /// What it is.
    pub kind: ClockFactKind,
    /// The instant; none where the question names no date.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub at: Option<DateTimeUtc>,
    /// The question, or why the instant is corrected.
    pub note: String,
    /// When the question was asked, else when it was recorded.
    #[serde(deserialize_with = "instant::read")]
    pub since: DateTimeUtc,
    /// Subject who recorded it.
    pub recorded_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub recorded_at: DateTimeUtc,
    /// When another one took its place.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub superseded_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
