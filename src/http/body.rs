//! Reads a request's body within a bound of bytes and time.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use futures_util::StreamExt;

use super::error::HttpError;
use crate::graphql::errors::ErrorCode;

/// Refuses a body that declares itself longer than `limit` bytes, before any of it is read.
pub(crate) fn check_declared_length(headers: &HeaderMap, limit: usize) -> Result<(), HttpError> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) { Err(too_large(limit)) } else { Ok(()) }
}

/// The whole body, however it is framed.
pub(crate) async fn read(body: Body, limit: usize, timeout: Duration) -> Result<Vec<u8>, HttpError> {
    let reading = async {
        let mut chunks = body.into_data_stream();
        let mut whole = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk: Bytes = chunk.map_err(|_| HttpError::bad_request("The request's body broke off."))?;
            if whole.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    };
    tokio::time::timeout(timeout, reading).await.unwrap_or_else(|_| {
        let message = format!("The request's body did not arrive within {} s.", timeout.as_secs());
        Err(HttpError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::Timeout, message))
    })
}

fn too_large(limit: usize) -> HttpError {
    let message = format!("The request's body is too large: at most {limit} bytes are allowed.");
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput, message)
}
