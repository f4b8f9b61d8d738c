//! Someone asked to approve a reply.

use sea_orm::entity::prelude::*;

use crate::vocabulary::ReviewOutcome;

/// Someone asked to approve a reply.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_review")]
pub struct Model {
    /// Identifies the request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The reply.
    pub reply_id: Uuid,
    /// Subject who was asked.
    pub reviewer: String,
    /// Subject who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: DateTimeUtc,
    /// What came of it.
    pub outcome: Option<ReviewOutcome>,
    /// Reviewer's words.
    pub note: Option<String>,
    /// When.
    pub answered_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
