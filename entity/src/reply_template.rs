//! A text that replies are made from, with places for facts of the event.

use sea_orm::entity::prelude::*;

use crate::texts::Texts;
use crate::vocabulary::{ChannelKind, ReplyKind, Verdict};

/// A text that replies are made from.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_template")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Stable short name; one that a built-in template has takes that one's place.
    pub key: String,
    /// Name shown to people.
    pub name: String,
    /// For this channel only.
    pub channel_id: Option<Uuid>,
    /// For channels of this kind only.
    pub channel_kind: Option<ChannelKind>,
    /// What it answers.
    pub kind: ReplyKind,
    /// For this regime only.
    pub regime: Option<String>,
    /// For this stage of the regime only.
    pub stage: Option<String>,
    /// For this verdict only.
    pub verdict: Option<Verdict>,
    /// BCP 47 tag.
    pub language: String,
    /// Subject line, a template.
    pub subject: String,
    /// Body, a template in Markdown.
    pub body: String,
    /// Names of the facts without which the reply is not approved.
    pub required: Texts,
    /// Formats that the reply is rendered to.
    pub formats: Texts,
    /// False when it is no longer offered.
    pub active: bool,
    /// Number of its present text; counts up from 1.
    pub number: i32,
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

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("reply_template");
