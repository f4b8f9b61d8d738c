//! What of a version of a report is compared with other reports.

use sea_orm::entity::prelude::*;

/// What of a version of a report is compared with other reports.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "report_profile")]
pub struct Model {
    /// The report.
    #[sea_orm(primary_key, auto_increment = false)]
    pub report_id: Uuid,
    /// Number of the version; 0 for what came beside the versions.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// Part of the index in which the report is found.
    pub segment: i64,
    /// Facts and terms, as fingerprints.
    pub features: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
