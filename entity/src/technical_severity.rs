//! A CVSS assessment, ours or another's.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::texts::Texts;
use crate::vocabulary::{CvssBand, SeveritySource};

/// A CVSS assessment, ours or another's.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "technical_severity")]
pub struct Model {
    /// Identifies the assessment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Ours or another's.
    pub source: SeveritySource,
    /// Who assessed.
    pub source_name: String,
    /// 2.0, 3.0, 3.1 or 4.0.
    pub cvss_version: String,
    /// The vector as given.
    pub vector: String,
    /// Base score in tenths.
    pub base: i32,
    /// Score with temporal and environmental metrics, in tenths.
    pub score: i32,
    /// Qualitative band.
    pub band: CvssBand,
    /// CWE identifiers.
    pub cwe: Texts,
    /// Subject who recorded it.
    pub assessed_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub assessed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
