//! What a person was told about a clock.

use sea_orm::entity::prelude::*;

use crate::vocabulary::NoticeKind;

/// What a person was told about a clock.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub struct Model {
    /// Identifies the notice.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whom it is for.
    pub subject: String,
    /// What it tells.
    pub kind: NoticeKind,
    /// How much of the clock's time was over, in percent.
    pub percent: i32,
    /// The event.
    pub event_id: Uuid,
    /// The clock.
    pub deadline_id: Uuid,
    /// When.
    pub created_at: DateTimeUtc,
    /// When it was marked as read.
    pub read_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
