//! Three questions to a submitted fix, each with evidence.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;

/// Three questions to a submitted fix, each with evidence.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "verification")]
pub struct Model {
    /// Identifies the verification.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The remediation verified.
    pub remediation_id: Uuid,
    /// Is it fully fixed?
    pub fully_fixed: bool,
    /// Evidence.
    pub fully_fixed_evidence: String,
    /// Can the fix be bypassed?
    pub bypassable: bool,
    /// Evidence.
    pub bypass_evidence: String,
    /// Does the fix bring a new security problem?
    pub new_problem: bool,
    /// Evidence.
    pub new_problem_evidence: String,
    /// Yes, no, no only.
    pub passed: bool,
    /// The event opened for a new problem.
    pub new_event_id: Option<Uuid>,
    /// Subject; never the fixer.
    pub verified_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub verified_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
