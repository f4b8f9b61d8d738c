//! Who is responsible for a function between two instants.

use sea_orm::entity::prelude::*;

use crate::vocabulary::Function;

/// Who is responsible for a function between two instants.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "duty")]
pub struct Model {
    /// Identifies the entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What the person is on duty for.
    pub function: Function,
    /// The person on duty.
    pub subject: String,
    /// Who stands in.
    pub deputy: Option<String>,
    /// First instant of the duty.
    pub starts_at: DateTimeUtc,
    /// First instant after it.
    pub ends_at: DateTimeUtc,
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

crate::aggregate!("duty");
