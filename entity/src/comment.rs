//! Words on an event: internal, or between team and reporter.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{CommentVisibility, NotMailed};

/// Words on an event: internal, or between team and reporter.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "comment")]
pub struct Model {
    /// Identifies the comment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The report whose reporter reads or wrote it.
    pub report_id: Option<Uuid>,
    /// Who reads it.
    pub visibility: CommentVisibility,
    /// The words.
    pub body: String,
    /// Subject.
    pub author: String,
    /// Written by the reporter.
    pub from_reporter: bool,
    /// Why it did not go out by e-mail, of a message through a channel whose messages do.
    pub not_mailed: Option<NotMailed>,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
