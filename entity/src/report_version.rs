//! Title and text as they arrived.

use sea_orm::entity::prelude::*;

/// Title and text as they arrived.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "report_version")]
pub struct Model {
    /// Identifies the version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The report.
    pub report_id: Uuid,
    /// Counts up from 1.
    pub number: i32,
    /// Title as received.
    pub title: String,
    /// Text as received.
    pub text: String,
    /// SHA-256 over title, text and source.
    pub content_hash: Vec<u8>,
    /// Fields as received, by their own names.
    pub source: Json,
    /// When this version was received.
    pub received_at: DateTimeUtc,
    /// Subject who recorded it.
    pub recorded_by: String,
}

impl ActiveModelBehavior for ActiveModel {}
