//! One attempt: sign, send, read the answer, say what it means.

use entity::vocabulary::WebhookPreset;
use entity::{delivery, delivery_attempt};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::receiver::Receiver;
use super::schedule::Outcome;
use super::{preset, schedule, sign};
use crate::app::App;
use crate::outbound::Client;

/// Bytes of an answer that are kept.
const ANSWER_BYTES: usize = 4 * 1024;
/// What stands in an answer where a secret of ours was.
const HIDDEN: &str = "[hidden]";

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The `webhook-id` of a delivery: the same over its retries and replays.
pub fn message_id(delivery: &delivery::Model) -> String {
    format!("msg_{}", delivery.id.simple())
}

/// Sends `body` and answers what came of it, with the attempt as it is recorded.
pub(super) async fn attempt(
    app: &App,
    client: &Client,
    receiver: &Receiver,
    delivery: &delivery::Model,
    body: Vec<u8>,
) -> (Outcome, delivery_attempt::Model) {
    let at = app.clock.now();
    let started = tokio::time::Instant::now();
    let mut headers = receiver.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let kind = receiver.row.preset;
    let (url, body) = if kind == WebhookPreset::Standard {
        let id = message_id(delivery);
        let signature = sign::sign(&receiver.keys, &id, at, &body);
        for (name, value) in [(ID, id), (TIMESTAMP, at.timestamp().to_string()), (SIGNATURE, signature)] {
            // All three are ASCII without control characters.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        (receiver.url.clone(), body)
    } else {
        let text = preset::text(&body, &app.event_link);
        let secret = receiver.bot_secret.as_ref().map(ExposeSecret::expose_secret);
        preset::request(kind, &receiver.url, &text, secret, at)
    };
    let answer = client.post(&url, headers, body, ANSWER_BYTES).await;
    let duration = started.elapsed().as_millis();
    let (outcome, status, error, answer) = match answer {
        Ok(answer) => {
            let mut outcome =
                schedule::outcome(answer.status, answer.retry_after.as_deref(), app.clock.now());
            if outcome == Outcome::Delivered {
                outcome = preset::outcome(kind, &answer.body);
            }
            let text = readable(&answer.body, receiver.hidden.iter().map(ExposeSecret::expose_secret));
            (outcome, Some(answer.status.into()), None, Some(text).filter(|text| !text.is_empty()))
        }
        Err(failure) => (Outcome::Failed, None, Some(failure.to_string()), None),
    };
    let attempt = delivery_attempt::Model {
        id: app.ids.next(),
        delivery_id: delivery.id,
        endpoint_id: delivery.endpoint_id,
        at,
        duration_ms: i32::try_from(duration).unwrap_or(i32::MAX),
        status,
        error,
        answer,
    };
    (outcome, attempt)
}

/// An answer for people to read: our own secrets taken out, no control characters, within the bound.
fn readable<'a>(body: &[u8], hidden: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in hidden.filter(|secret| secret.len() > 1) {
        text = text.replace(secret, HIDDEN);
    }
    text.retain(|letter| matches!(letter, '\n' | '\t') || !letter.is_control());
    let end = (0..=ANSWER_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_short_clean_and_without_our_secrets() {
        let read = |body: &[u8]| readable(body, ["Bearer abc", ""].into_iter());
        assert_eq!(read(b"you sent Bearer abc, Bearer abc"), "you sent [hidden], [hidden]");
        assert_eq!(read(b"a\0b\x1b[31mc\r\n\td\x7f"), "ab[31mc\n\td");
        assert_eq!(read("中文".as_bytes()), "中文");
        assert!(read(&[0xff; ANSWER_BYTES]).len() <= ANSWER_BYTES);
        let long = "漏".repeat(2_000);
        assert_eq!(read(long.as_bytes()).len(), 4_095, "cut between characters");
    }
}
