//! What a person was told: of a clock, or of trouble that needs somebody.

use sea_orm::entity::prelude::*;

use crate::vocabulary::NoticeKind;

/// What a person was told.
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
    /// How much of a clock's time was over, in percent; none for what is about no clock.
    pub percent: Option<i32>,
    /// The event; none for what is about none.
    pub event_id: Option<Uuid>,
    /// What it is about: a row of the table that its kind says.
    pub about_id: Uuid,
    /// What a subject is told of once; none where what it is about remembers that by itself.
    pub once_key: Option<String>,
    /// When.
    pub created_at: DateTimeUtc,
    /// When it was marked as read.
    pub read_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
