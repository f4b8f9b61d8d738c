//! A mail that became a report or belongs to one; never changed but by the erasure of its sender.

use sea_orm::entity::prelude::*;

use crate::vocabulary::MailVerification;

/// A mail that became a report or belongs to one; never changed but by the erasure of its sender.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbound_mail")]
pub struct Model {
    /// Identifies the mail.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The channel whose mailbox it came to.
    pub channel_id: Uuid,
    /// What recognises it again in that channel: its Message-ID, else a digest of its bytes.
    pub identity: String,
    /// Its Message-ID in angle brackets, where it has one that is plausible.
    pub message_id: Option<String>,
    /// SHA-256 over subject, text and files.
    pub content_hash: Vec<u8>,
    /// The report that it became or belongs to.
    pub report_id: Uuid,
    /// The message between team and reporter that it became.
    pub comment_id: Option<Uuid>,
    /// Subject as received.
    pub subject: String,
    /// Text as received, where it became neither report nor message.
    pub text: Option<String>,
    /// Address in its From; none once it is erased.
    pub sender: Option<String>,
    /// Whether it names the report's reporter as its sender.
    pub from_reporter: bool,
    /// Whether its sender is who it says.
    pub verification: MailVerification,
    /// When it was received.
    pub received_at: DateTimeUtc,
    /// When it was recorded here.
    pub recorded_at: DateTimeUtc,
    /// Subject who recorded it.
    pub recorded_by: String,
}

impl ActiveModelBehavior for ActiveModel {}
