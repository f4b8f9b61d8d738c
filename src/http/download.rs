//! Files to be saved: who asks, what they may have, and how it leaves.

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::HttpError;
use super::request_log::{LoggedSubject, RequestId};
use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::executor::Api;
use crate::graphql::errors::ErrorCode;

/// What stands in an extended header value as it is (RFC 8187).
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// A file to be saved.
#[derive(Debug)]
pub struct Download {
    /// Name to save it under.
    pub name: String,
    /// Its media type.
    pub kind: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Answers a verified caller with the file that `work` finds for them.
pub async fn answer(
    api: &Api,
    parts: &Parts,
    work: impl AsyncFnOnce(&App, &Actor) -> Result<Download>,
) -> Response {
    let actor = match api.caller(parts).await {
        Ok(actor) => actor,
        Err(error) => return HttpError::from(error).into_response(),
    };
    let mut response = match work(&api.app, &actor).await {
        Ok(download) => attachment(download),
        Err(error) => refused(error, parts).into_response(),
    };
    response.extensions_mut().insert(LoggedSubject(actor.subject.clone()));
    response
}

fn attachment(download: Download) -> Response {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._- ".contains(character);
    // Programs that know only the short form get a name without what would need quoting.
    let short: String = download.name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut disposition = format!("attachment; filename=\"{short}\"");
    if short != download.name {
        let full = utf8_percent_encode(&download.name, QUOTED);
        disposition.push_str(&format!("; filename*=UTF-8''{full}"));
    }
    let disposition = HeaderValue::try_from(disposition).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(download.kind)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, download.bytes).into_response()
}

fn refused(error: Error, parts: &Parts) -> HttpError {
    let id = parts.extensions.get::<RequestId>();
    match error {
        Error::Forbidden { action } => {
            let message = format!("your roles do not allow {action}");
            HttpError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message)
        }
        Error::NotFound | Error::InvalidId { .. } => {
            let message = "there is no such thing, or none that you may see";
            HttpError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, message)
        }
        Error::BadInput { field, message } => HttpError::bad_request(format!("{field}: {message}")),
        Error::Refused(refusals) => {
            let words: Vec<_> = refusals.into_iter().map(|refusal| refusal.message).collect();
            HttpError::bad_request(words.join("; "))
        }
        Error::Conflict | Error::Race => {
            let message = "it is being changed: ask again";
            HttpError::new(StatusCode::CONFLICT, ErrorCode::Conflict, message)
        }
        Error::Internal(cause) => {
            tracing::error!(error = ?cause, "a download failed");
            HttpError::internal(id.map_or("", |id| &*id.0))
        }
    }
}
