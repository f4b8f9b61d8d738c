//! A reply as a signed request to the channel's platform (Standard Webhooks 1.0).

use base64::{Engine, engine::general_purpose::STANDARD};
use entity::vocabulary::ReplyFormat;
use entity::{channel, reply, reply_attachment, reply_dispatch, reply_route};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::Outcome;
use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::scalars;
use crate::outbound::{Client, Failure, readable};
use crate::reply::files::File;
use crate::reply::{destination, route};
use crate::webhook::sign;

/// Bytes of an answer that are kept.
const ANSWER_BYTES: usize = 4 * 1024;

/// The `webhook-id` of a dispatch: the same over all attempts, so that the platform knows it again.
pub fn message_id(dispatch: Uuid) -> String {
    format!("rpl_{}", dispatch.simple())
}

/// The host of a platform, for people: its path may be a secret.
pub fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// The body of the request.
///
/// # Errors
/// When it cannot be written.
pub fn assemble(
    channel: &channel::Model,
    reply: &reply::Model,
    numbers: &[String],
    files: &[File],
    with: &[reply_attachment::Model],
) -> Result<Vec<u8>> {
    let text = |format| {
        let file = files.iter().find(|file| file.format == format)?;
        Some(String::from_utf8_lossy(&file.bytes).into_owned())
    };
    let attached = files.iter().filter(|file| matches!(file.format, ReplyFormat::Docx | ReplyFormat::Pdf));
    let files: Vec<_> = attached
        .map(|file| json!({ "name": file.name, "format": file.format, "base64": STANDARD.encode(&file.bytes) }))
        .collect();
    // Their bytes are fetched by who wants them, with a token of the channel's service.
    let attachments: Vec<_> = with
        .iter()
        .map(|row| {
            json!({
                "name": row.name, "mediaType": row.media_type, "size": row.size,
                "sha256": hex::encode(&row.sha256), "path": crate::reply::path(row),
            })
        })
        .collect();
    let body = json!({
        "type": "reply",
        "reply": scalars::id::<reply::Entity>(reply.id).as_str(),
        "channel": channel.key,
        "kind": reply.kind,
        "language": reply.language,
        "reportNumbers": numbers,
        "subject": reply.subject,
        "text": text(ReplyFormat::Text),
        "html": text(ReplyFormat::Html),
        "files": files,
        "attachments": attachments,
    });
    serde_json::to_vec(&body).map_err(|error| Error::Internal(error.into()))
}

/// A request that is ready to leave.
pub struct Ready {
    url: Url,
    headers: HeaderMap,
}

/// Signs the request, and asks the policy whether it may leave.
///
/// # Errors
/// What came of it: nothing left.
pub fn prepare(
    app: &App,
    client: &Client,
    route: Option<&reply_route::Model>,
    dispatch: &reply_dispatch::Model,
    body: &[u8],
) -> std::result::Result<Ready, Outcome> {
    let no = |words: &str| Outcome::Refused(words.to_owned());
    let route = route.ok_or_else(|| no("the channel has no route any more"))?;
    let url = route.url.as_deref().and_then(|url| Url::parse(url).ok());
    let url = url.ok_or_else(|| no("the channel's platform has no URL any more"))?;
    // It was approved for the address that the platform had, and what is secret about that is its path.
    if dispatch.url_sha256.as_deref() != Some(destination::url_sha256(url.as_str()).as_slice()) {
        return Err(no("the platform's URL is another than when it was sent: look at it and send it again"));
    }
    client.policy().check_url(&url).map_err(|refusal| no(&format!("not sent: {refusal}")))?;
    let key = route::key(app, route).map_err(|error| {
        tracing::error!(route = %route.id, ?error, "a route's secret does not open");
        Outcome::Later("the secret of the channel's route does not open".to_owned())
    })?;
    let at = app.clock.now();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("webhook-id", dispatch.message_id.clone()),
        ("webhook-timestamp", at.timestamp().to_string()),
        ("webhook-signature", sign::sign([&key], &dispatch.message_id, at, body)),
    ] {
        // All three are ASCII without control characters.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(Ready { url, headers })
}

impl Ready {
    /// Sends the request and hears what becomes of it.
    pub async fn send(self, client: &Client, body: Vec<u8>) -> Outcome {
        match client.post(&self.url, self.headers, body, ANSWER_BYTES).await {
            Ok(answer) => {
                let words = readable(&answer.body, std::iter::empty(), ANSWER_BYTES);
                let words = format!("{} {words}", answer.status);
                outcome(answer.status, answer.retry_after.is_some(), words)
            }
            Err(failure @ (Failure::Refused(_) | Failure::Name | Failure::Connect(_))) => {
                Outcome::Later(failure.to_string())
            }
            Err(failure @ (Failure::Deadline(_) | Failure::Broken(_))) => {
                Outcome::Uncertain(failure.to_string())
            }
        }
    }
}

/// What an answer means for content that went out. It was surely not taken only where the platform says that it did
/// nothing yet; of an error of its own nobody knows what it did before.
fn outcome(status: u16, asks_again: bool, words: String) -> Outcome {
    match status {
        200..=299 => Outcome::Taken(words),
        425 | 429 => Outcome::Later(words),
        503 if asks_again => Outcome::Later(words),
        408 | 500..=599 => Outcome::Uncertain(words),
        _ => Outcome::Refused(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_no_is_tried_again() {
        let of = |status, asks_again| outcome(status, asks_again, "x".to_owned());
        let x = || "x".to_owned();
        for status in [200, 202, 204] {
            assert_eq!(of(status, false), Outcome::Taken(x()));
        }
        for (status, asks_again) in [(425, false), (429, false), (429, true), (503, true)] {
            assert_eq!(of(status, asks_again), Outcome::Later(x()), "{status}");
        }
        for (status, asks_again) in
            [(408, false), (408, true), (500, true), (502, false), (503, false), (504, true), (599, false)]
        {
            assert_eq!(of(status, asks_again), Outcome::Uncertain(x()), "{status}");
        }
        for status in [301, 400, 401, 404, 409, 410, 422] {
            assert_eq!(of(status, true), Outcome::Refused(x()), "{status}");
        }
    }
}
