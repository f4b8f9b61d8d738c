//! A reply as a signed request to the channel's platform (Standard Webhooks 1.0).

use base64::{Engine, engine::general_purpose::STANDARD};
use entity::vocabulary::ReplyFormat;
use entity::{channel, reply, reply_dispatch, reply_route};
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
use crate::reply::route;
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
) -> Result<Vec<u8>> {
    let text = |format| {
        let file = files.iter().find(|file| file.format == format)?;
        Some(String::from_utf8_lossy(&file.bytes).into_owned())
    };
    let attached = files.iter().filter(|file| matches!(file.format, ReplyFormat::Docx | ReplyFormat::Pdf));
    let files: Vec<_> = attached
        .map(|file| json!({ "name": file.name, "format": file.format, "base64": STANDARD.encode(&file.bytes) }))
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
                match answer.status {
                    200..=299 => Outcome::Taken(words),
                    408 | 425 | 429 | 500..=599 => Outcome::Later(words),
                    _ => Outcome::Refused(words),
                }
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
