//! Errors that are answered before or instead of a GraphQL result, in the shape of one.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::request_log::LoggedSubject;
use crate::error::{Error, passes};
use crate::graphql::errors::ErrorCode;

/// Seconds after which to ask again for what cannot be had at present.
pub const RETRY_AFTER: u64 = 30;

/// One error with an HTTP status of its own.
#[derive(Debug, Clone)]
pub struct HttpError {
    status: StatusCode,
    code: ErrorCode,
    message: String,
    request_id: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    subject: Option<Arc<str>>,
}

impl HttpError {
    /// An error answered with `status`; `message` names the remedy.
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), request_id: None, headers: Vec::new(), subject: None }
    }

    /// An ill-formed request.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadUserInput, message)
    }

    /// Our fault: nothing but the id under which the log holds the cause.
    pub fn internal(request_id: &str) -> Self {
        let message = "Internal error. Please report the request id.";
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, message);
        error.request_id = Some(request_id.to_owned());
        error
    }

    /// What is needed cannot be had at present; it may be asked for again after so many seconds.
    pub fn unavailable(message: &str, retry_after: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message)
            .with_header(header::RETRY_AFTER, retry_after.into())
    }

    /// Our fault, told from one that passes.
    pub fn ours(error: &Error, request_id: &str) -> Self {
        match error {
            Error::Internal(cause) if passes(cause) => {
                Self::unavailable("It cannot be had at present. Please try again later.", RETRY_AFTER)
            }
            _ => Self::internal(request_id),
        }
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Names who is refused in the access log: their token was valid.
    fn of(mut self, subject: Arc<str>) -> Self {
        self.subject = Some(subject);
        self
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut extensions = json!({ "code": self.code.as_str() });
        if let Some(id) = self.request_id {
            extensions["requestId"] = id.into();
        }
        let body = json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let mut response = (self.status, axum::Json(body)).into_response();
        response.headers_mut().extend(self.headers);
        if let Some(subject) = self.subject {
            response.extensions_mut().insert(LoggedSubject(subject));
        }
        response
    }
}

/// Why a caller was not let in. Every variant is answered without reading the request's body or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// The request carries no bearer token.
    #[error("Send an access token in the header `Authorization: Bearer …`.")]
    MissingToken,
    /// The token does not hold. The reason is fixed text, free of quotes and of the token's content.
    #[error("The access token is not valid: {0}.")]
    InvalidToken(std::borrow::Cow<'static, str>),
    /// The token holds, and its subject or it itself was denied. Whoever has a stolen one need not know which of the two was
    /// found out.
    #[error("The access token is not valid: {}.", DENIED)]
    Denied {
        /// Whose it is.
        subject: Arc<str>,
    },
    /// The caller sends too much.
    #[error("Too many requests. Please wait {} s.", whole_seconds(.retry_after))]
    RateLimited {
        /// Who it is.
        subject: Arc<str>,
        /// When to try again.
        retry_after: Duration,
    },
    /// The issuer's keys or who may act cannot be had at present.
    #[error("Tokens cannot be checked at present. Please try again later.")]
    Unavailable,
}

const DENIED: &str = "it may no longer be used: ask an administrator, or the issuer for another one";

/// Whole seconds that are not too few.
fn whole_seconds(wait: &Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn invalid_token(message: String, reason: &str) -> HttpError {
    let challenge =
        format!("Bearer error=\"invalid_token\", error_description=\"{reason}\", realm=\"vulndesk\"");
    let challenge = HeaderValue::try_from(challenge)
        .unwrap_or(HeaderValue::from_static("Bearer error=\"invalid_token\""));
    HttpError::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, message)
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

impl From<AuthenticationError> for HttpError {
    fn from(error: AuthenticationError) -> Self {
        let message = error.to_string();
        match error {
            AuthenticationError::MissingToken => {
                Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, message).with_header(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"vulndesk\""),
                )
            }
            // RFC 6750, section 3: the error attribute tells a wrong token from a missing one.
            AuthenticationError::InvalidToken(reason) => invalid_token(message, &reason),
            AuthenticationError::Denied { subject } => invalid_token(message, DENIED).of(subject),
            AuthenticationError::RateLimited { subject, retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message)
                    .with_header(header::RETRY_AFTER, whole_seconds(&retry_after).into())
                    .of(subject)
            }
            AuthenticationError::Unavailable => Self::unavailable(&message, RETRY_AFTER),
        }
    }
}
