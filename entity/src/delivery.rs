//! A message on its way to one endpoint.

use sea_orm::entity::prelude::*;

use crate::vocabulary::DeliveryState;

/// A message on its way to one endpoint.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// Identifies the delivery; the `webhook-id` is made from it and stays over retries and replays.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Where it goes.
    pub endpoint_id: Uuid,
    /// What it tells.
    pub message_id: Uuid,
    /// The event.
    pub event_id: Option<Uuid>,
    /// Message type (`event.status_changed`).
    pub kind: String,
    /// Where its message stands among all: the order in which deliveries leave. Never told to anybody.
    pub position: i64,
    /// Its number among those that left to one endpoint about one event, from 1; none before the first attempt.
    pub sequence: Option<i64>,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it is tried next.
    pub due_at: DateTimeUtc,
    /// Tries so far.
    pub attempts: i32,
    /// Worker that holds it.
    pub lease_owner: Option<Uuid>,
    /// Until when.
    pub lease_until: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was delivered, given up or cancelled.
    pub finished_at: Option<DateTimeUtc>,
    /// Why it was given up or cancelled.
    pub note: Option<String>,
    /// When its last try began; none before the first. Those before the last are `delivery_attempt`s.
    pub last_tried_at: Option<DateTimeUtc>,
    /// How long the last try took, in milliseconds.
    pub last_duration_ms: Option<i32>,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// Why there was no answer to the last try, or none that counts.
    pub last_error: Option<String>,
    /// Beginning of the last answer, at most 4 kB, without what looks like a secret.
    pub last_answer: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
