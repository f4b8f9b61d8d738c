//! A hook as it was received, and what came of it.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{HookSourceKind, HookState};

/// A hook as it was received, and what came of it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hook_inbox")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What kind of thing sent it.
    pub source_kind: HookSourceKind,
    /// Which one sent it.
    pub source_id: Uuid,
    /// The sender's own id of it: the same over its retries.
    pub hook_id: String,
    /// Its body, until it was carried out or refused: it may hold personal data, which then stand elsewhere.
    pub body: Option<Vec<u8>>,
    /// SHA-256 of the body.
    pub body_hash: Vec<u8>,
    /// Where it came from.
    pub address: Option<String>,
    /// Id of the request that brought it.
    pub request_id: Option<String>,
    /// When it was received.
    pub received_at: DateTimeUtc,
    /// Where it stands.
    pub state: HookState,
    /// How often it could not be carried out for a fault of ours.
    pub attempts: i32,
    /// When somebody other than the request that brought it carries it out.
    pub due_at: DateTimeUtc,
    /// HTTP status of the answer, once there is one.
    pub status: Option<i32>,
    /// The answer, JSON.
    pub answer: Option<String>,
    /// When it was carried out or refused.
    pub processed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
