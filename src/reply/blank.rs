//! A reply before anything is written.

use chrono::{DateTime, Utc};
use entity::reply;
use entity::vocabulary::{ReplyKind, ReplyState};
use uuid::Uuid;

/// A reply of which nothing is written yet.
pub fn blank(
    id: Uuid,
    event: Uuid,
    channel: Uuid,
    kind: ReplyKind,
    by: &str,
    at: DateTime<Utc>,
) -> reply::Model {
    reply::Model {
        id,
        event_id: event,
        channel_id: channel,
        kind,
        state: ReplyState::Draft,
        language: String::new(),
        subject: String::new(),
        body: String::new(),
        draft_number: 1,
        drafted_by: by.to_owned(),
        drafted_at: at,
        approved_by: None,
        approved_at: None,
        sent_by: None,
        sent_at: None,
        sent_via: None,
        receipt_number: None,
        proof: None,
        content_hash: None,
        template: None,
        template_number: None,
        required: None,
        supplied: None,
        formats: None,
        as_made: false,
        verdict_id: None,
        extent: None,
        via: None,
        recipient: None,
        url_sha256: None,
        report_id: None,
        reporter_version: None,
        comment_id: None,
        created_at: at,
        version: 1,
    }
}
