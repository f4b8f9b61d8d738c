//! A ticketing system outside.

use sea_orm::entity::prelude::*;

use crate::texts::Texts;
use crate::vocabulary::{Tlp, TrackerPreset, TrackerState};

/// A ticketing system outside.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tracker")]
pub struct Model {
    /// Identifies the tracker.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name shown to people.
    pub name: String,
    /// Which system it is.
    pub preset: TrackerPreset,
    /// Where it is: every request goes below this URL.
    pub base_url: String,
    /// Which place that is, among all that it had: of its tickets at another one nothing is heard. None for what was recorded before places were.
    pub place_id: Option<Uuid>,
    /// Values by name that its requests need: project, queue and the like.
    pub parameters: Json,
    /// How it is spoken to; only of a custom one, since that of a preset comes with the product.
    pub profile: Option<Json>,
    /// Which status stands for which state of a fix, where it differs from the profile's.
    pub statuses: Json,
    /// Statuses that propose that the fix is submitted; those of the profile when empty.
    pub ready_statuses: Texts,
    /// Credentials by name, sealed JSON.
    pub credentials: Vec<u8>,
    /// Above this, nothing is sent.
    pub tlp_ceiling: Tlp,
    /// Outside the company's own jurisdiction.
    pub abroad: bool,
    /// Product lines whose tickets it takes; empty for all.
    pub lines: Texts,
    /// Seconds between two looks at a ticket; none where hooks tell of changes.
    pub poll_seconds: Option<i32>,
    /// Whether it is spoken to.
    pub state: TrackerState,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("tracker");
