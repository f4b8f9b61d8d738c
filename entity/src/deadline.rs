//! A clock of an event: what is to happen, counted from when, and until when.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::instant;
use crate::vocabulary::{DeadlineAnchor, DeadlineKind, DeadlineState, NoDeadline, Regime};

/// A clock of an event: what is to happen, counted from when, and until when.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "deadline")]
pub struct Model {
    /// Identifies the clock.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// For what of the event it runs: the same thing has the same slot whatever the policy says of it.
    pub slot: String,
    /// Pass of the procedure in which it was opened.
    pub pass: i32,
    /// The reply that is owed, of a REPLY.
    pub obligation_id: Option<Uuid>,
    /// The report that it is about.
    pub report_id: Option<Uuid>,
    /// Whom it concerns outside; none for what is ours alone.
    pub channel_id: Option<Uuid>,
    /// The product line, of a fix.
    pub line: Option<String>,
    /// What it waits for.
    pub kind: DeadlineKind,
    /// Promise or law.
    pub regime: Regime,
    /// Rule of the policy; none for a clock of the procedure itself.
    pub rule: Option<String>,
    /// Version of the policy by which it was computed.
    pub policy_id: Option<Uuid>,
    /// Where it stands.
    pub state: DeadlineState,
    /// From what it counts.
    pub anchor: DeadlineAnchor,
    /// When that was; none while it has not happened.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub anchor_at: Option<DateTimeUtc>,
    /// First instant at which it is over; none with the reason beside it.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub due_at: Option<DateTimeUtc>,
    /// Why there is none.
    pub none_reason: Option<NoDeadline>,
    /// Time that was not counted.
    pub pauses: Pauses,
    /// Since when it stands still, waiting for the reporter.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub paused_since: Option<DateTimeUtc>,
    /// Calendar by which it was computed.
    pub calendar_id: Option<Uuid>,
    /// The calendar's version then.
    pub calendar_version: i32,
    /// The channel's version then.
    pub channel_version: i32,
    /// When it was opened.
    #[serde(deserialize_with = "instant::read")]
    pub opened_at: DateTimeUtc,
    /// When what it waited for happened.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub met_at: Option<DateTimeUtc>,
    /// The due instant that passed before.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub breached_at: Option<DateTimeUtc>,
    /// When it ceased to count.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub waived_at: Option<DateTimeUtc>,
    /// Why.
    pub waive_reason: Option<String>,
    /// Highest percentage of its time at which people were told; 100 is the breach.
    pub told_percent: i32,
    /// When people are to be told next.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub next_notice_at: Option<DateTimeUtc>,
    /// The due instant, or the end of time without one: what lists are ordered by.
    #[serde(deserialize_with = "instant::read")]
    pub sort_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// Spans of time in one JSON column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Pauses(pub Vec<PausedSpan>);

/// Time that a clock did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedSpan {
    /// First instant that did not count.
    pub from: DateTimeUtc,
    /// First instant that counted again.
    pub to: DateTimeUtc,
}
