//! What came of one try of a delivery.

use chrono::{DateTime, Utc};
use entity::{delivery, delivery_attempt};

/// What came of one try of a delivery. Of each delivery the last stands in its own row, since nearly all have no other; those
/// before it, and what a worker sent whose lease had ended, are rows of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// HTTP status of the answer.
    pub status: Option<i32>,
    /// Why there was no answer, or none that counts.
    pub error: Option<String>,
    /// Beginning of the answer, at most 4 kB, without what looks like a secret.
    pub answer: Option<String>,
}

impl Attempt {
    /// The last try of a delivery; none before the first.
    pub fn last_of(delivery: &delivery::Model) -> Option<Self> {
        Some(Self {
            at: delivery.last_tried_at?,
            duration_ms: delivery.last_duration_ms.unwrap_or_default(),
            status: delivery.last_status,
            error: delivery.last_error.clone(),
            answer: delivery.last_answer.clone(),
        })
    }
}

impl From<&delivery_attempt::Model> for Attempt {
    fn from(row: &delivery_attempt::Model) -> Self {
        let delivery_attempt::Model { at, duration_ms, status, error, answer, .. } = row.clone();
        Self { at, duration_ms, status, error, answer }
    }
}
