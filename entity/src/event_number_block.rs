//! Next free sequence of a year; taken in blocks outside the change.

use sea_orm::entity::prelude::*;

/// Next free sequence of a year; taken in blocks outside the change.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_number_block")]
pub struct Model {
    /// Calendar year.
    #[sea_orm(primary_key, auto_increment = false)]
    pub year: i32,
    /// First sequence not handed out yet.
    pub next: i64,
}

impl ActiveModelBehavior for ActiveModel {}
