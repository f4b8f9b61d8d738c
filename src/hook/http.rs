//! The HTTP side of hooks: which gate comes when, and the one answer for everybody who is not let in.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use entity::vocabulary::HookSourceKind;

use super::inbox::{self, Answer};
use super::proof::Proof;
use super::rules::Claim;
use super::secrets;
use super::source::Source;
use crate::app::App;
use crate::auth::Origin;
use crate::error::Error;
use crate::graphql::errors::ErrorCode;
use crate::http::body;
use crate::http::client_address::ClientAddress;
use crate::http::error::{HttpError, RETRY_AFTER};
use crate::http::request_log::{LoggedSubject, RequestId};
use crate::webhook::sign::secret_text;

struct Hooks {
    app: Arc<App>,
    body_timeout: Duration,
}

type Name = Result<Path<String>, PathRejection>;

/// The routes of hooks.
pub fn routes(app: Arc<App>, body_timeout: Duration) -> Router {
    let hooks = Arc::new(Hooks { app, body_timeout });
    let of = |kind| {
        let take = move |State(hooks): State<Arc<Hooks>>, name: Name, request: Request| async move {
            hooks.take(kind, name.ok().map(|Path(name)| name), request).await
        };
        post(take)
    };
    Router::new()
        .route("/hooks/src/{channel}", of(HookSourceKind::Channel))
        .route("/hooks/tickets/{tracker}", of(HookSourceKind::Tracker))
        .with_state(hooks)
}

/// Nobody learns whether it was the sender, the secret, the proof or the time.
fn not_let_in(kind: HookSourceKind) -> HttpError {
    let message = match kind {
        HookSourceKind::Channel => {
            "Sign the hook by Standard Webhooks with a secret of this channel, at the present time."
        }
        HookSourceKind::Tracker => {
            "Prove the hook as docs/HOOKS.md says for this tracker, with a secret of it, at the present time."
        }
    };
    HttpError::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, message)
}

/// It stands in the inbox and is carried out without the sender; sent again with the same id it gets its answer.
fn later() -> HttpError {
    let message =
        "The hook is kept and will be carried out. Send it again with the same webhook-id for its answer.";
    HttpError::unavailable(message, RETRY_AFTER)
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
    async fn take(&self, kind: HookSourceKind, name: Option<String>, request: Request) -> Response {
        let id = request.extensions().get::<RequestId>().cloned();
        match self.receive(kind, name, request).await {
            Ok((source, answer)) => {
                let mut response = match answer {
                    Some(Answer { status, body }) => {
                        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
                    }
                    None => later().into_response(),
                };
                response.extensions_mut().insert(LoggedSubject(source.subject().into()));
                response
            }
            Err(Refused::Http(error)) => error.into_response(),
            Err(Refused::Ours(error)) => {
                tracing::error!(?error, "a hook could not be taken");
                HttpError::ours(&error, id.as_ref().map_or("", |id| &*id.0)).into_response()
            }
        }
    }

    async fn receive(
        &self,
        kind: HookSourceKind,
        name: Option<String>,
        request: Request,
    ) -> Result<(Source, Option<Answer>), Refused> {
        let (parts, body) = request.into_parts();
        let app = &*self.app;
        // A platform's headers are known, so nothing of a body is read without them. Those of a tracker are its own:
        // to look at them first would tell which trackers there are.
        if kind == HookSourceKind::Channel && Claim::read(&parts.headers, app.clock.now()).is_none() {
            return Err(not_let_in(kind).into());
        }
        let limit = app.hooks.body_bytes;
        body::check_declared_length(&parts.headers, limit)?;
        let body = body::read(body, limit, self.body_timeout).await?;
        let source = match name {
            Some(name) => Source::named(app, kind, &name).await?,
            None => None,
        };
        let mut known = Vec::new();
        if let Some(source) = &source {
            known = secrets::in_force(app, source.id()).await?;
        }
        let proof = match &source {
            Some(source) => source.proof()?,
            None => None,
        };
        let let_in = source.is_some() && proof.is_some() && !known.is_empty();
        if known.is_empty() {
            // Verified all the same, so that a missing sender takes as long as a wrong proof.
            known.push(secret_text(&[0; 32]).into());
        }
        let proven =
            proof.unwrap_or(Proof::StandardWebhooks).proven(&parts.headers, &body, &known, app.clock.now());
        let (Some(source), Some(hook_id)) = (source.filter(|_| let_in), proven) else {
            return Err(not_let_in(kind).into());
        };
        let origin = Origin {
            address: parts.extensions.get::<ClientAddress>().map(|client| client.0.to_string()),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.to_string()),
        };
        let answer = inbox::take(app, &source, &hook_id, body, origin).await?;
        Ok((source, answer))
    }
}
