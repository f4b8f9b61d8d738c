//! How far the instance chain had come when its newest seal was kept elsewhere.

use sea_orm::entity::prelude::*;

/// How far the instance chain had come when its newest seal was kept elsewhere.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_anchor")]
pub struct Model {
    /// Position of the entry that was the newest one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// Its seal.
    pub seal: Vec<u8>,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
