//! Work that outlives the event's closing.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::ActionItemState;

/// Work that outlives the event's closing.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "action_item")]
pub struct Model {
    /// Identifies the item.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// What is to be done.
    pub title: String,
    /// Subject who does it.
    pub owner: String,
    /// Day it is due.
    pub due_on: Date,
    /// Open, done or dropped.
    pub state: ActionItemState,
    /// How it ended.
    pub note: Option<String>,
    /// When it was done.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub done_at: Option<DateTimeUtc>,
    /// Subject.
    pub created_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub created_at: DateTimeUtc,
    /// Counts changes, for the caller to have seen the newest.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
