//! One arrival through one channel; never edited.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{NoticeType, Origin, Severity};

/// One arrival through one channel; never edited.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "report")]
pub struct Model {
    /// Identifies the report.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event it belongs to.
    pub event_id: Uuid,
    /// The channel it came through.
    pub channel_id: Uuid,
    /// The channel's own number.
    pub channel_number: Option<String>,
    /// What recognises it again: number, Message-ID or content hash.
    pub identity_key: String,
    /// Who reported.
    pub reporter_id: Option<Uuid>,
    /// Internal or external, by its reporter.
    pub origin: Origin,
    /// When it was received.
    #[serde(deserialize_with = "instant::read")]
    pub received_at: DateTimeUtc,
    /// When it was recorded here.
    #[serde(deserialize_with = "instant::read")]
    pub recorded_at: DateTimeUtc,
    /// Subject who recorded it.
    pub recorded_by: String,
    /// Number of the newest version.
    pub current_version: i32,
    /// Imported as history.
    pub history: bool,
    /// The report this is a part of.
    pub part_of: Option<Uuid>,
    /// Number of the part.
    pub part_number: Option<i32>,
    /// Whether it was split into parts.
    pub split: bool,
    /// Severity told to the reporter.
    pub severity: Option<Severity>,
    /// What the database that sent it calls the vulnerability; none when it does not say.
    pub notice_type: Option<NoticeType>,
    /// When its finder withdrew it.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub withdrawn_at: Option<DateTimeUtc>,
    /// Why, in their words.
    pub withdrawal_reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
