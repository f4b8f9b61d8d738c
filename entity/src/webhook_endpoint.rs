//! A receiver of messages outside, and the grant under which it receives.

use sea_orm::entity::prelude::*;

use crate::texts::Texts;
use crate::vocabulary::{
    DeliveryOrder, EndpointState, GrantState, Level, Tlp, WebhookPayload, WebhookPreset,
};

/// A receiver of messages outside, and the grant under which it receives.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoint")]
pub struct Model {
    /// Identifies the endpoint.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name shown to people.
    pub name: String,
    /// Where deliveries go; of a URL that is itself a secret, only scheme and host.
    pub url: String,
    /// The whole URL, sealed, where it is itself a secret (chat bots).
    pub sealed_url: Option<Vec<u8>>,
    /// How the receiver wants to be spoken to.
    pub preset: WebhookPreset,
    /// Types subscribed to: names, or `event.*`, or `*`.
    pub message_types: Texts,
    /// Only events with a report through one of these channels (ids as text); empty for all.
    pub channel_ids: Texts,
    /// Only events that touch one of these product lines; empty for all.
    pub lines: Texts,
    /// Only events of at least this level.
    pub min_level: Option<Level>,
    /// Above this, nothing is sent.
    pub tlp_ceiling: Tlp,
    /// Thin or full.
    pub payload: WebhookPayload,
    /// In which order deliveries leave.
    pub delivery_order: DeliveryOrder,
    /// Most requests at once.
    pub max_concurrency: i32,
    /// Custom headers, sealed JSON.
    pub headers: Option<Vec<u8>>,
    /// Subject who is told of trouble.
    pub owner: String,
    /// Whether it is delivered to.
    pub state: EndpointState,
    /// Why it is paused or disabled.
    pub state_reason: Option<String>,
    /// Since when every try has failed.
    pub failing_since: Option<DateTimeUtc>,
    /// Role it reads as.
    pub grant_role: String,
    /// Product keys in its scope.
    pub grant_products: Texts,
    /// Channel key of its scope.
    pub grant_channel: Option<String>,
    /// Above this, nothing is granted.
    pub grant_tlp_ceiling: Tlp,
    /// Whether the receiver is outside the company's own jurisdiction.
    pub grant_abroad: bool,
    /// Where the grant stands.
    pub grant_state: GrantState,
    /// Subject who proposed it as it now is.
    pub grant_proposed_by: String,
    /// Leader who confirmed it.
    pub grant_confirmed_by: Option<String>,
    /// When.
    pub grant_confirmed_at: Option<DateTimeUtc>,
    /// When it was deleted: the row stays for the record, nothing is sent.
    pub deleted_at: Option<DateTimeUtc>,
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

crate::aggregate!("webhook_endpoint");
