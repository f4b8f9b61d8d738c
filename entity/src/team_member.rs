//! A person, team or function on an event's response team.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{Function, MemberSource, TeamGroup};

/// A person, team or function on an event's response team.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "team_member")]
pub struct Model {
    /// Identifies the membership.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The person; none while nobody is found for the function.
    pub subject: Option<String>,
    /// The team, when a team was assigned.
    pub team: Option<String>,
    /// The function on this event.
    pub function: Option<Function>,
    /// Working group executes, leading group decides.
    pub team_group: TeamGroup,
    /// What brought them here.
    pub source: MemberSource,
    /// Subject who added them.
    pub added_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub added_at: DateTimeUtc,
    /// Subject who removed them.
    pub removed_by: Option<String>,
    /// When; access ends at once.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub removed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
