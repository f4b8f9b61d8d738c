//! One step of an event through the procedure.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::Status;

/// One step of an event through the procedure.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "status_change")]
pub struct Model {
    /// Identifies the step.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// Pass through the procedure it belongs to.
    pub pass: i32,
    /// None for the first.
    pub from_status: Option<Status>,
    /// Where it went.
    pub to_status: Status,
    /// Why, where a reason is asked for.
    pub reason: Option<String>,
    /// Subject who caused it.
    pub changed_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
