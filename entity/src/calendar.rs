//! Which days are worked: the weekend, and beside it the days of `calendar_day`.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::vocabulary::Weekday;

/// Which days are worked: the weekend, and beside it the days of `calendar_day`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar")]
pub struct Model {
    /// Identifies the calendar.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Stable short name (`china`).
    pub key: String,
    /// Name shown to people.
    pub name: String,
    /// IANA zone in which its days begin and end.
    pub time_zone: String,
    /// Days of the week that are not worked.
    pub weekend: Weekdays,
    /// Hours in which a working day is worked; none where nobody entered them.
    pub working_hours: WorkingHours,
    /// Whether nothing is known of a year that `calendar_year` does not have.
    pub by_year: bool,
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

/// Hours of a working day in one JSON column: in order, without overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct WorkingHours(pub Vec<Hours>);

/// A stretch of a working day, in minutes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Its first minute.
    pub from: u16,
    /// The first minute after it; 1440 is the end of the day.
    pub to: u16,
}

/// Days of the week in one JSON column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Weekdays(pub Vec<Weekday>);

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("calendar");
