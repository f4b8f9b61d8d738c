//! A customer who uses products.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;

/// A customer who uses products.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    /// Identifies the customer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Stable short name.
    pub key: String,
    /// Name shown to people.
    pub name: String,
    /// How to reach it.
    pub contact: Option<String>,
    /// Outside the company's own jurisdiction.
    pub abroad: bool,
    /// Subject of the account manager.
    pub account_manager: Option<String>,
    /// The last of its open events that was planned anew after it changed; none when all were.
    pub replan_after: Option<Uuid>,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    #[serde(deserialize_with = "instant::read")]
    pub created_at: DateTimeUtc,
    /// When it last changed.
    #[serde(deserialize_with = "instant::read")]
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("customer");
