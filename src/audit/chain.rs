//! The digest that chains audit entries, and what of a value they keep.

use chrono::SecondsFormat;
use entity::audit_entry;
use sea_orm::Value;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::secret::Column;

/// Longest text that an entry quotes; longer ones stand there by their digest.
const QUOTED_CHARS: usize = 200;

/// How a column with an event's id ends: it may be another event than the entry's, and one that its reader may not see.
const EVENT: &str = "event_id";

/// Columns with a person's data: they stand in one erasable place and never in the audit trail.
const PERSONAL: [(&str, &[&str]); 7] = [
    ("reporter", &["name", "email", "subject", "payee_account"]),
    ("inbound_mail", &["sender"]),
    ("reply", &["recipient"]),
    ("reply_dispatch", &["recipient"]),
    ("reply_route", &["email"]),
    // Whoever knows a subject can tell whether a key is theirs.
    ("payout", &["live_key"]),
    ("platform_account", &["registered_contact", "registered_email"]),
];

/// Columns with text as received, or that name an event to who may not see it: proven by digest, kept in one place, as all that
/// is sealed is ([`Column`]).
const RAW: &[(&str, &[&str])] = &[
    ("event", &["duplicate_of"]),
    ("multi_platform", &["report_id", "other_report_id"]),
    ("payout", &["held_for"]),
    ("duplicate_decision", &["report_id", "other_report_id"]),
    ("attachment", &["name"]),
    ("reply_attachment", &["name"]),
    ("reply_proof", &["name"]),
    ("calendar_feed", &["secret_hash"]),
    ("inbound_mail", &["identity", "message_id", "subject", "text"]),
    ("report_version", &["title", "text", "source", "content_hash"]),
    ("indicator", &["value"]),
    ("report", &["withdrawal_reason", "part_of"]),
    ("reply_route", &["url"]),
    ("product", &["replan_after"]),
    ("customer", &["replan_after"]),
    ("channel", &["replan_after"]),
    ("deadline_policy", &["replan_after"]),
];

/// SHA-256 over every field of an entry but the digest and the position, each preceded by its length, so
/// that no two different entries have the same bytes.
pub fn digest(entry: &audit_entry::Model) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(&entry.previous);
    field(entry.id.as_bytes());
    field(entry.aggregate_kind.as_bytes());
    field(entry.aggregate_id.as_bytes());
    field(entry.event_id.as_ref().map_or(&[][..], |id| id.as_bytes()));
    field(&entry.revision.to_be_bytes());
    field(&entry.at.timestamp_micros().to_be_bytes());
    field(entry.actor.as_bytes());
    field(entry.roles.as_bytes());
    for optional in [&entry.address, &entry.request_id, &entry.reason] {
        field(&[u8::from(optional.is_some())]);
        field(optional.as_deref().unwrap_or_default().as_bytes());
    }
    field(entry.action.as_bytes());
    field(entry.details.as_bytes());
    hash.finalize().to_vec()
}

/// The seal of an entry with `digest` at `position`: SHA-256 over the seal before it (empty before the first), the
/// position and the digest.
pub fn seal(previous: &[u8], position: i64, digest: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [previous, &position.to_be_bytes(), digest] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// A column's value as an entry keeps it.
pub fn audited_value(table: &str, column: &str, value: &Value) -> serde_json::Value {
    let listed =
        |list: &[(&str, &[&str])]| list.iter().any(|(t, columns)| *t == table && columns.contains(&column));
    let plain = match value {
        Value::Bytes(Some(bytes)) => json!(hex::encode(bytes)),
        Value::ChronoDateTimeUtc(Some(at)) => json!(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        other => sea_orm::sea_query::sea_value_to_json_value(other),
    };
    if plain.is_null() {
        return plain;
    }
    if listed(&PERSONAL) {
        return json!("[personal]");
    }
    let text = plain.as_str().map_or_else(|| plain.to_string(), str::to_owned);
    let sealed = || Column::all().any(|one| one.names() == (table, column));
    if listed(RAW) || sealed() || column.ends_with(EVENT) || text.chars().count() > QUOTED_CHARS {
        return json!(format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))));
    }
    plain
}
