//! How a product stands to an event.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{AffectedState, Justification};

/// How a product stands to an event.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "affected_product")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The product.
    pub product_id: Uuid,
    /// The product's line when it was added.
    pub line: String,
    /// Never confuse not looked yet with not affected.
    pub state: AffectedState,
    /// Why it is not affected.
    pub reason: Option<String>,
    /// The same for machines, where somebody said it.
    pub justification: Option<Justification>,
    /// Affected versions.
    pub affected_versions: Option<String>,
    /// Fixed versions.
    pub fixed_versions: Option<String>,
    /// Counts changes, for the caller to have seen the newest.
    pub version: i32,
    /// When the event was received, by which its product's events are listed.
    #[serde(deserialize_with = "instant::read")]
    pub received_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
