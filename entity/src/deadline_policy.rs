//! A version of the rules by which clocks run; never changed, only followed by the next.

use sea_orm::entity::prelude::*;

/// A version of the rules by which clocks run; never changed, only followed by the next.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deadline_policy")]
pub struct Model {
    /// Identifies the version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Counts up from 1; the highest is in force.
    pub number: i32,
    /// The rules.
    pub rules: Json,
    /// Subject who introduced it.
    pub created_by: String,
    /// From when it is used.
    pub created_at: DateTimeUtc,
    /// The last of the open events that was planned by it; none when all were.
    pub replan_after: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
