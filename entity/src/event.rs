//! A vulnerability event: what the team handles.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{Level, Status, Tlp, Verdict};

/// A vulnerability event: what the team handles.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Identifies the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Number people use, `VE-2026-004711`.
    pub number: String,
    /// Title written by an analyst; its first report's until then.
    pub title: String,
    /// Whether an analyst has written the title.
    pub described: bool,
    /// Description written by an analyst.
    pub description: String,
    /// Steps to reproduce, written by an analyst.
    pub steps: String,
    /// Handling status of the procedure.
    pub status: Status,
    /// Current verdict.
    pub verdict: Option<Verdict>,
    /// Level of the current score.
    pub level: Level,
    /// Highest level it ever had.
    pub highest_level: Level,
    /// Rank of the level, for ordering and bounds.
    pub level_rank: i32,
    /// Rounded total of the current score in tenths; -1 when there is none.
    pub score: i32,
    /// Traffic Light Protocol 2.0.
    pub tlp: Tlp,
    /// When the embargo ends.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub embargo_until: Option<DateTimeUtc>,
    /// When its first report was received.
    #[serde(deserialize_with = "instant::read")]
    pub received_at: DateTimeUtc,
    /// Imported as history: no obligations, clocks or messages.
    pub history: bool,
    /// Counts reopenings and returns to triage, from 1.
    pub pass: i32,
    /// The original, when this is a duplicate; never itself a duplicate.
    pub duplicate_of: Option<Uuid>,
    /// The report whose reporter was asked.
    pub asked_report_id: Option<Uuid>,
    /// When the reporter was asked for information.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub asked_at: Option<DateTimeUtc>,
    /// When it was last closed.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub closed_at: Option<DateTimeUtc>,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    #[serde(deserialize_with = "instant::read")]
    pub created_at: DateTimeUtc,
    /// When it last changed.
    #[serde(deserialize_with = "instant::read")]
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("event");
