//! What analysis concluded; superseded by the next, never changed.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{Severity, Verdict};

/// What analysis concluded; superseded by the next, never changed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "verdict")]
pub struct Model {
    /// Identifies the verdict.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Pass through the procedure.
    pub pass: i32,
    /// The conclusion.
    pub verdict: Verdict,
    /// Severity for the reporter, with CONFIRMED.
    pub severity: Option<Severity>,
    /// Why.
    pub rationale: String,
    /// With DUPLICATE.
    pub original_event_id: Option<Uuid>,
    /// With KNOWN_INTERNALLY.
    pub internal_finding: Option<String>,
    /// With KNOWN_INTERNALLY, when another event fixes it.
    pub fixing_event_id: Option<Uuid>,
    /// With KNOWN_INTERNALLY and ALREADY_FIXED.
    pub first_known_on: Option<Date>,
    /// With ALREADY_FIXED.
    pub advisory: Option<String>,
    /// With ALREADY_FIXED.
    pub fixed_version: Option<String>,
    /// With END_OF_LIFE.
    pub end_of_life_notice: Option<String>,
    /// With END_OF_LIFE.
    pub last_supported_version: Option<String>,
    /// With END_OF_LIFE.
    pub successor: Option<String>,
    /// With OTHER_VENDOR.
    pub forwarded_to: Option<String>,
    /// Subject who gave it.
    pub given_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub given_at: DateTimeUtc,
    /// When the next one replaced it.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub superseded_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
