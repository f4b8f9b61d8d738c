//! Where reports come from and replies go to.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::texts::Texts;
use crate::vocabulary::{Acknowledgement, ChannelKind};

/// Where reports come from and replies go to.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "channel")]
pub struct Model {
    /// Identifies the channel.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Stable short name, for tokens and imports (`cnvd`).
    pub key: String,
    /// Name shown to people.
    pub name: String,
    /// What it asks for follows from its kind.
    pub kind: ChannelKind,
    /// ISO 3166 country code, or EU.
    pub jurisdiction: String,
    /// Outside the company's own jurisdiction: undisclosed content needs a decision to go there.
    pub abroad: bool,
    /// Whether each of its reports opens an obligation to reply.
    pub reply_required: bool,
    /// IANA zone in which its working days end.
    pub time_zone: String,
    /// Which days are worked; none for the built-in calendar of its jurisdiction.
    pub calendar_id: Option<Uuid>,
    /// BCP 47 tag of its replies.
    pub language: String,
    /// People and addresses to reach it.
    pub contacts: Texts,
    /// False when no new report is accepted through it.
    pub active: bool,
    /// How its reports are acknowledged.
    pub acknowledgement: Acknowledgement,
    /// The last of the open events about it that was planned anew after it changed; none when all were.
    pub replan_after: Option<Uuid>,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    #[serde(deserialize_with = "instant::read")]
    pub created_at: DateTimeUtc,
    /// When it last changed.
    #[serde(deserialize_with = "instant::read")]
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("channel");
