//! One attempt: sign, send, read the answer, say what it means.

use entity::delivery;
use entity::vocabulary::WebhookPreset;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::attempt::Attempt;
use super::receiver::Receiver;
use super::schedule::Outcome;
use super::{preset, schedule, sign};
use crate::app::App;
use crate::outbound::{Client, readable};

/// Bytes of an answer that are kept.
const ANSWER_BYTES: usize = 4 * 1024;

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
) -> (Outcome, Attempt) {
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
            let hidden = receiver.hidden.iter().map(ExposeSecret::expose_secret);
            let text = readable(&answer.body, hidden, ANSWER_BYTES);
            (outcome, Some(answer.status.into()), None, Some(text).filter(|text| !text.is_empty()))
        }
        Err(failure) => (Outcome::Failed, None, Some(failure.to_string()), None),
    };
    let duration_ms = i32::try_from(duration).unwrap_or(i32::MAX);
    (outcome, Attempt { at, duration_ms, status, error, answer })
}
