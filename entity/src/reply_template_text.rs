//! One text that a reply template had.

use sea_orm::entity::prelude::*;

use crate::texts::Texts;

/// One text that a reply template had; never changed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_template_text")]
pub struct Model {
    /// Identifies the text.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The template.
    pub template_id: Uuid,
    /// Counts up from 1.
    pub number: i32,
    /// Subject line, a template.
    pub subject: String,
    /// Body, a template in Markdown.
    pub body: String,
    /// Names of the facts without which the reply is not approved.
    pub required: Texts,
    /// Formats that the reply is rendered to.
    pub formats: Texts,
    /// Subject who wrote it.
    pub author: String,
    /// When.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
