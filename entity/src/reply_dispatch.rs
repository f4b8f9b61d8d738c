//! The handing over of a reply to a mail server or a platform.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{DispatchState, ReplyVia};

/// The handing over of a reply to a mail server or a platform.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_dispatch")]
pub struct Model {
    /// Identifies it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The reply.
    pub reply_id: Uuid,
    /// E-mail or webhook.
    pub via: ReplyVia,
    /// Address that the e-mail goes to, or host of the platform.
    pub recipient: String,
    /// SHA-256 of the platform's whole URL: it is asked there and nowhere else.
    pub url_sha256: Option<Vec<u8>>,
    /// Address that the e-mail comes from.
    pub sender: Option<String>,
    /// The same over all attempts: `Message-ID` of the e-mail, `webhook-id` of the request.
    pub message_id: String,
    /// SHA-256 of what is handed over.
    pub sha256: Vec<u8>,
    /// Where it stands.
    pub state: DispatchState,
    /// Subject who sent it.
    pub requested_by: String,
    /// When.
    pub requested_at: DateTimeUtc,
    /// Attempts begun.
    pub attempts: i32,
    /// When the next attempt is due; none once it is settled.
    pub due_at: Option<DateTimeUtc>,
    /// Who attempts it at present.
    pub lease_by: Option<Uuid>,
    /// Until when.
    pub lease_until: Option<DateTimeUtc>,
    /// When its content began to go out.
    pub data_at: Option<DateTimeUtc>,
    /// What the other side said last, or why it could not be asked.
    pub answer: Option<String>,
    /// When it was settled.
    pub settled_at: Option<DateTimeUtc>,
    /// When it came back.
    pub bounced_at: Option<DateTimeUtc>,
    /// Enhanced status of the bounce (RFC 3463), for example 5.1.1.
    pub bounce_status: Option<String>,
    /// What the bounce said.
    pub bounce_words: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
