//! Work of one function given to a person or team, with a due time.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{AssignmentState, Function};

/// Work of one function given to a person or team, with a due time.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "assignment")]
pub struct Model {
    /// Identifies the assignment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Which function.
    pub function: Function,
    /// The person.
    pub subject: Option<String>,
    /// The team.
    pub team: Option<String>,
    /// Product line, for R_AND_D.
    pub line: Option<String>,
    /// When it is due.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub due_at: Option<DateTimeUtc>,
    /// Open, accepted, done or declined.
    pub state: AssignmentState,
    /// What is asked.
    pub note: Option<String>,
    /// Why it was declined.
    pub decline_reason: Option<String>,
    /// Subject who assigned it.
    pub assigned_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub assigned_at: DateTimeUtc,
    /// Counts changes, for the caller to have seen the newest.
    pub version: i32,
    /// When the event was received, by which its assignee's events are listed.
    #[serde(deserialize_with = "instant::read")]
    pub received_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
