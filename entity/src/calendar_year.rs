//! A year whose days are entered.

use sea_orm::entity::prelude::*;

/// A year whose days are entered.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_year")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The calendar.
    pub calendar_id: Uuid,
    /// The year, once in a calendar.
    pub year: i32,
    /// Where its days come from, for example the notice that announced them.
    pub source: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
