//! The fix of one product line.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::RemediationState;

/// The fix of one product line.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "remediation")]
pub struct Model {
    /// Identifies the remediation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The product line.
    pub line: String,
    /// Where it stands.
    pub state: RemediationState,
    /// Plan of the fix.
    pub fix_plan: Option<String>,
    /// Planned fix date.
    pub planned_for: Option<Date>,
    /// Reference of the patch submitted.
    pub patch: Option<String>,
    /// Mitigation, when there is one before the fix.
    pub mitigation: Option<String>,
    /// When the mitigation was available.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub mitigation_available_at: Option<DateTimeUtc>,
    /// Subject who submitted the fix.
    pub submitted_by: Option<String>,
    /// When.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub submitted_at: Option<DateTimeUtc>,
    /// Decision that accepted the risk.
    pub risk_decision_id: Option<Uuid>,
    /// Versions that carry the fix.
    pub release_versions: Option<String>,
    /// Advisory of the release.
    pub advisory: Option<String>,
    /// When the fix was available: an anchor of clocks.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub available_at: Option<DateTimeUtc>,
    /// Counts changes, for the caller to have seen the newest.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
