//! An answer to a channel, from draft to proof.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::texts::Texts;
use crate::vocabulary::{ReplyExtent, ReplyKind, ReplyState, ReplyVia};

/// An answer to a channel, from draft to proof.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "reply")]
pub struct Model {
    /// Identifies the reply.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The channel.
    pub channel_id: Uuid,
    /// What it answers.
    pub kind: ReplyKind,
    /// Where it stands.
    pub state: ReplyState,
    /// BCP 47 tag.
    pub language: String,
    /// Subject line.
    pub subject: String,
    /// Body of the current draft.
    pub body: String,
    /// Number of the current draft.
    pub draft_number: i32,
    /// Author of the current draft.
    pub drafted_by: String,
    /// When.
    #[serde(deserialize_with = "instant::read")]
    pub drafted_at: DateTimeUtc,
    /// Subject who approved.
    pub approved_by: Option<String>,
    /// When.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub approved_at: Option<DateTimeUtc>,
    /// Subject who sent or recorded the sending.
    pub sent_by: Option<String>,
    /// When it left.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub sent_at: Option<DateTimeUtc>,
    /// How it left.
    pub sent_via: Option<ReplyVia>,
    /// Receipt number of the channel.
    pub receipt_number: Option<String>,
    /// Reference of the proof.
    pub proof: Option<String>,
    /// SHA-256 of what was sent.
    pub content_hash: Option<Vec<u8>>,
    /// Key of the template that it was made from.
    pub template: Option<String>,
    /// Number of the template's text.
    pub template_number: Option<i32>,
    /// Names of the facts without which it is not approved.
    pub required: Option<Texts>,
    /// Facts that its drafter supplied, by name.
    pub supplied: Option<Json>,
    /// Formats that it is rendered to; text and HTML when there are none.
    pub formats: Option<Texts>,
    /// Whether subject and body are still as the template made them.
    pub as_made: bool,
    /// The verdict in force when the body was written.
    pub verdict_id: Option<Uuid>,
    /// How much could leave to the channel when the body was written.
    pub extent: Option<ReplyExtent>,
    /// By which way it is to go; none when a person carries it.
    pub via: Option<ReplyVia>,
    /// Address that it is to go to, or host of the platform.
    pub recipient: Option<String>,
    /// SHA-256 of the platform's whole URL, whose path may be a secret.
    pub url_sha256: Option<Vec<u8>>,
    /// The report whose reporter the e-mail goes to; their address stands with them alone.
    pub report_id: Option<Uuid>,
    /// The reporter's version that was meant: another may have another address.
    pub reporter_version: Option<i32>,
    /// The message between team and reporter that it carries.
    pub comment_id: Option<Uuid>,
    /// When the first draft was made.
    #[serde(deserialize_with = "instant::read")]
    pub created_at: DateTimeUtc,
    /// Counts changes, for the caller to have seen the newest.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}
