//! The outcome of a creation, by the caller's key.

use sea_orm::entity::prelude::*;

/// The outcome of a creation, by the caller's key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// Who created.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// Which mutation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub operation: String,
    /// The caller's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 of the input.
    pub input_hash: Vec<u8>,
    /// What was created.
    pub result_id: Uuid,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
