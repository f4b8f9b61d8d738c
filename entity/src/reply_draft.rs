//! A version of a reply's text.

use sea_orm::entity::prelude::*;

/// A version of a reply's text.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_draft")]
pub struct Model {
    /// Identifies the draft.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The reply.
    pub reply_id: Uuid,
    /// Counts up from 1.
    pub number: i32,
    /// Subject line.
    pub subject: String,
    /// Body.
    pub body: String,
    /// Subject.
    pub author: String,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
