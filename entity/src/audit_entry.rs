//! One change, chained by digest to the aggregate's previous one.

use sea_orm::entity::prelude::*;

/// One change, chained by digest to the aggregate's previous one.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    /// Identifies the entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What was changed (`event`, `channel` ...).
    pub aggregate_kind: String,
    /// Which one.
    pub aggregate_id: Uuid,
    /// The event whose readers may read this entry.
    pub event_id: Option<Uuid>,
    /// The aggregate's revision that this change made.
    pub revision: i64,
    /// When.
    pub at: DateTimeUtc,
    /// Subject who did it.
    pub actor: String,
    /// Roles the actor had, separated by spaces.
    pub roles: String,
    /// Client address.
    pub address: Option<String>,
    /// Request it came by.
    pub request_id: Option<String>,
    /// What was done, as the policy table names it.
    pub action: String,
    /// Why.
    pub reason: Option<String>,
    /// Canonical JSON: what was inserted and what went from what to what.
    pub details: String,
    /// Digest of the previous entry of this aggregate; empty for the first.
    pub previous: Vec<u8>,
    /// SHA-256 over all of the above in canonical form.
    pub digest: Vec<u8>,
    /// Place in the instance chain, given after commit.
    pub position: Option<i64>,
    /// SHA-256 over the seal before, the position and the digest: the link of the instance chain, given with the
    /// position.
    pub seal: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
