//! The HTTP side of hooks: which gate comes when, and the one answer for everybody who is not let in.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use entity::channel;

use super::inbox::{self, Answer};
use super::rules::Claim;
use super::{message, secrets};
use crate::app::App;
use crate::auth::Origin;
use crate::channel::store as channels;
use crate::error::Error;
use crate::graphql::errors::ErrorCode;
use crate::http::body;
use crate::http::client_address::ClientAddress;
use crate::http::error::HttpError;
use crate::http::request_log::{LoggedSubject, RequestId};
use crate::webhook::sign::{Key, secret_text};

/// When to send again what could not be carried out.
const RETRY_AFTER_SECONDS: u64 = 30;

/// Verified against where there is no secret, so that a missing channel takes as long as a wrong signature.
static NOBODYS_KEY: LazyLock<Option<Key>> = LazyLock::new(|| Key::parse(&secret_text(&[0; 32])).ok());

struct Hooks {
    app: Arc<App>,
    body_timeout: Duration,
}

/// The routes of hooks.
pub fn routes(app: Arc<App>, body_timeout: Duration) -> Router {
    let hooks = Arc::new(Hooks { app, body_timeout });
    Router::new().route("/hooks/src/{channel}", post(receive)).with_state(hooks)
}

/// Nobody learns whether it was the channel, the secret, the signature or the time.
fn not_let_in() -> HttpError {
    let message = "Sign the hook by Standard Webhooks with a secret of this channel, at the present time.";
    HttpError::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, message)
}

async fn receive(
    State(hooks): State<Arc<Hooks>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    match hooks.receive(path.ok().map(|Path(key)| key), request).await {
        Ok((channel, answer)) => {
            let mut response = match answer {
                Some(Answer { status, body }) => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
                }
                None => later().into_response(),
            };
            let subject = message::service(&channel, Origin::default()).subject;
            response.extensions_mut().insert(LoggedSubject(subject));
            response
        }
        Err(Refused::Http(error)) => error.into_response(),
        Err(Refused::Ours(error)) => {
            tracing::error!(?error, "a hook could not be taken");
            HttpError::internal(id.as_ref().map_or("", |id| &*id.0)).into_response()
        }
    }
}

/// It stands in the inbox and is carried out without the sender; sent again with the same id it gets its answer.
fn later() -> HttpError {
    let message =
        "The hook is kept and will be carried out. Send it again with the same webhook-id for its answer.";
    HttpError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Internal, message)
        .with_header(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into())
}

enum Refused {
    Http(HttpError),
    Ours(Error),
}

impl From<HttpError> for Refused {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl Hooks {
    async fn receive(
        &self,
        key: Option<String>,
        request: Request,
    ) -> Result<(channel::Model, Option<Answer>), Refused> {
        let (parts, body) = request.into_parts();
        let app = &*self.app;
        let claim = Claim::read(&parts.headers, app.clock.now()).ok_or_else(not_let_in)?;
        let limit = app.hooks.body_bytes;
        body::check_declared_length(&parts.headers, limit)?;
        let body = body::read(body, limit, self.body_timeout).await?;
        let channel = match key {
            Some(key) => channels::by_key(app, &key).await?,
            None => None,
        };
        let mut keys = match &channel {
            Some(channel) => secrets::keys(app, channel.id).await?,
            None => Vec::new(),
        };
        let known = !keys.is_empty();
        if !known {
            keys.extend(NOBODYS_KEY.clone());
        }
        let signed = claim.is_signed(&keys, &body, app.clock.now()) && known;
        let channel = channel.filter(|_| signed).ok_or_else(not_let_in)?;
        let origin = Origin {
            address: parts.extensions.get::<ClientAddress>().map(|client| client.0.to_string()),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.to_string()),
        };
        let answer = inbox::take(app, &channel, &claim.id, body, origin).await?;
        Ok((channel, answer))
    }
}
