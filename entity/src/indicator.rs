//! Something that identifies what a report is about.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{IndicatorKind, IndicatorSource};

/// Something that identifies what a report is about.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "indicator")]
pub struct Model {
    /// Identifies the indicator.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The report.
    pub report_id: Uuid,
    /// What it is.
    pub kind: IndicatorKind,
    /// Value as given.
    pub value: String,
    /// Where it comes from.
    pub source: IndicatorSource,
    /// Subject of the analyst who added it.
    pub added_by: Option<String>,
    /// Subject of the analyst who said that it does not identify what the report is about.
    pub dismissed_by: Option<String>,
    /// When.
    pub dismissed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
