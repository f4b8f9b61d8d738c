//! What the world knows or does, whatever we do.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::WorldFactKind;

/// What the world knows or does, whatever we do.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "world_fact")]
pub struct Model {
    /// Identifies the fact.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// What became so.
    pub kind: WorldFactKind,
    /// When it happened, if known.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub occurred_at: Option<DateTimeUtc>,
    /// When we learned of it: the anchor of clocks.
    #[serde(deserialize_with = "instant::read")]
    pub learned_at: DateTimeUtc,
    /// Where it was learned.
    pub source: String,
    /// Subject who recorded it.
    pub recorded_by: String,
    /// When it was recorded.
    #[serde(deserialize_with = "instant::read")]
    pub recorded_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
