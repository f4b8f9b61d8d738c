//! Files to be saved: who asks, what they may have, and how it leaves.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::HttpError;
use super::request_log::{LoggedSubject, RequestId};
use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::executor::Api;
use crate::files::{Kept, Opened};
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
    /// What it says.
    pub content: Content,
}

/// The bytes of a file to be saved.
#[derive(Debug)]
pub enum Content {
    /// At hand.
    Whole(Vec<u8>),
    /// As they are read.
    Streamed(Opened),
    /// Of a file that is kept, as far as they were asked for; none of a part that it does not have.
    Kept {
        /// The file.
        file: Kept,
        /// What of it.
        range: Range,
        /// Its bytes.
        opened: Option<Opened>,
    },
}

impl Content {
    /// What the headers ask for of a file that is kept.
    ///
    /// # Errors
    /// Our own fault when it is not there, or a part is asked for of what is not what was kept.
    pub async fn asked(app: &App, headers: &HeaderMap, file: Kept) -> Result<Self> {
        let range = Range::asked(headers, &file);
        let opened = match &range {
            Range::Whole => Some(app.files.open(&file).await?),
            // Asked for as a part, the whole is checked as the whole.
            Range::Part(part) if *part == (0..file.size) => Some(app.files.open(&file).await?),
            Range::Part(part) => Some(app.files.open_part(&file, part.clone()).await?),
            Range::Unsatisfiable => None,
        };
        Ok(Self::Kept { file, range, opened })
    }
}

/// Which part of a file is asked for (RFC 9110, section 14). Several at once are answered with the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of it.
    Whole,
    /// From a byte up to and without another.
    Part(std::ops::Range<u64>),
    /// One that the file does not have.
    Unsatisfiable,
}

impl Range {
    /// What the headers ask for of a file.
    pub fn asked(headers: &HeaderMap, file: &Kept) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(ranges) = text(header::RANGE) else { return Self::Whole };
        // A part of something else would be put together with what the client has of it.
        if text(header::IF_RANGE).is_some_and(|tag| tag != etag(file)) {
            return Self::Whole;
        }
        let Ok(parsed) = http_range_header::parse_range_header(ranges) else { return Self::Whole };
        match parsed.validate(file.size) {
            Ok(ranges) => match ranges.as_slice() {
                [range] => Self::Part(*range.start()..*range.end() + 1),
                _ => Self::Whole,
            },
            Err(_) => Self::Unsatisfiable,
        }
    }
}

/// Two files with the same tag have the same bytes.
fn etag(file: &Kept) -> String {
    format!("\"{}\"", hex::encode(&file.sha256))
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
    let mut response = body(download.content);
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    response
}

fn body(content: Content) -> Response {
    match content {
        Content::Whole(bytes) => bytes.into_response(),
        Content::Streamed(opened) => streamed(opened),
        Content::Kept { file, range, opened } => {
            let (status, says) = match range {
                Range::Whole => (StatusCode::OK, None),
                Range::Part(part) => {
                    let says = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), file.size);
                    (StatusCode::PARTIAL_CONTENT, Some(says))
                }
                Range::Unsatisfiable => {
                    (StatusCode::RANGE_NOT_SATISFIABLE, Some(format!("bytes */{}", file.size)))
                }
            };
            let mut response = opened.map_or_else(|| Body::empty().into_response(), streamed);
            *response.status_mut() = status;
            let headers = response.headers_mut();
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            for (name, value) in [(header::ETAG, Some(etag(&file))), (header::CONTENT_RANGE, says)] {
                if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                    headers.insert(name, value);
                }
            }
            response
        }
    }
}

/// The bytes as they are read. What goes wrong on the way breaks the answer off, short of its length.
fn streamed(opened: Opened) -> Response {
    let bytes = opened.bytes.inspect_err(|fault| tracing::error!(error = %fault, "a download broke off"));
    ([(header::CONTENT_LENGTH, opened.size)], Body::from_stream(bytes)).into_response()
}

/// How an error is answered that is no GraphQL's.
pub(crate) fn refused(error: Error, parts: &Parts) -> HttpError {
    let id = parts.extensions.get::<RequestId>();
    match &error {
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
            let words: Vec<_> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
            HttpError::bad_request(words.join("; "))
        }
        Error::TooComplex { .. } => HttpError::bad_request("it holds more than one answer may"),
        Error::Conflict | Error::Race => {
            let message = "it is being changed: ask again";
            HttpError::new(StatusCode::CONFLICT, ErrorCode::Conflict, message)
        }
        Error::Internal(_) => {
            tracing::error!(?error, "a file was not handed over");
            HttpError::ours(&error, id.map_or("", |id| &*id.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Range {
        let file = Kept { name: uuid::Uuid::nil(), size: 10, sha256: vec![0xab; 2] };
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        Range::asked(&headers, &file)
    }

    #[test]
    fn one_range_is_a_part_and_all_else_the_whole() {
        assert_eq!(asked("bytes=0-3", None), Range::Part(0..4));
        assert_eq!(asked("bytes=4-", None), Range::Part(4..10));
        assert_eq!(asked("bytes=-3", None), Range::Part(7..10));
        assert_eq!(asked("bytes=5-99", None), Range::Part(5..10));
        assert_eq!(asked("bytes=10-", None), Range::Unsatisfiable);
        assert_eq!(asked("bytes=0-1,4-5", None), Range::Whole);
        assert_eq!(asked("lines=1-2", None), Range::Whole);
        assert_eq!(asked("bytes=0-3", Some("\"abab\"")), Range::Part(0..4));
        assert_eq!(asked("bytes=0-3", Some("\"other\"")), Range::Whole);
        assert_eq!(
            Range::asked(&HeaderMap::new(), &Kept { name: uuid::Uuid::nil(), size: 0, sha256: vec![] }),
            Range::Whole
        );
    }
}
