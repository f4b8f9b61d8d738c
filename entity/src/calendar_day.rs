//! A day that is not what its day of the week says.

use sea_orm::entity::prelude::*;

use crate::vocabulary::CalendarDayKind;

/// A day that is not what its day of the week says.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_day")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The calendar.
    pub calendar_id: Uuid,
    /// The day, once in a calendar.
    pub date: Date,
    /// Holiday or make-up working day.
    pub kind: CalendarDayKind,
    /// What the day is called.
    pub name: String,
}

impl ActiveModelBehavior for ActiveModel {}
