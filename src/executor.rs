//! From a verified token to an answer: what the HTTP layer calls.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use async_graphql::{Request, Response};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tracing::Instrument as _;

use crate::app::App;
use crate::auth::{Actor, Identity, Origin, Verifier};
use crate::graphql::Schema;
use crate::graphql::errors::{ApiError, name_request};
use crate::graphql::guard::GuardLimits;
use crate::graphql::loaders::{ObjectLimit, Reader};
use crate::graphql::sensitive::SensitiveReads;
use crate::http::client_address::ClientAddress;
use crate::http::error::AuthenticationError;
use crate::http::graphql::Executor;
use crate::http::rates::{Left, Rates};
use crate::http::request_log::RequestId;
use crate::principal;
use crate::search::Budget;

/// Answers requests over one schema and one running product.
pub struct Api {
    /// The running product.
    pub app: Arc<App>,
    /// The schema.
    pub schema: Schema,
    /// Verifies tokens.
    pub verifier: Arc<Verifier>,
    /// How much each caller may ask for.
    pub rates: Rates,
}

/// A verified caller.
#[derive(Debug)]
pub struct Session {
    identity: Identity,
    client: ClientAddress,
    left: Option<Left>,
}

impl Api {
    /// The caller of a request that is no GraphQL, by its headers alone.
    ///
    /// # Errors
    /// Why they are not let in.
    pub async fn caller(&self, parts: &Parts) -> Result<Actor, AuthenticationError> {
        let client = parts.extensions.get().copied().unwrap_or(ClientAddress(Ipv4Addr::UNSPECIFIED.into()));
        let session = self.authenticate(&parts.headers, client).await?;
        let origin = Origin {
            address: Some(client.0.to_string()),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.to_string()),
        };
        Ok(Actor::new(session.identity, origin))
    }
}

impl Executor for Api {
    type Session = Session;

    async fn authenticate(
        &self,
        headers: &HeaderMap,
        client: ClientAddress,
    ) -> Result<Session, AuthenticationError> {
        let identity = identify(&self.verifier, &self.app, headers).await?;
        let left = self.rates.charge(&identity.issuer, &identity.subject, NonZeroU32::MIN)?;
        // Refused whatever the token says; an unknown state is no permission.
        match principal::store::is_denied(&self.app, &identity).await {
            Ok(false) => {}
            Ok(true) => {
                // Whoever has a stolen token need not know which of the two was found out.
                let reason = "it may no longer be used: ask an administrator, or the issuer for another one";
                return Err(AuthenticationError::InvalidToken(reason.into()));
            }
            Err(error) => {
                tracing::error!(?error, "principals cannot be read");
                return Err(AuthenticationError::Unavailable);
            }
        }
        if let Err(error) = principal::seen(&self.app, &identity).await {
            tracing::warn!(?error, "a principal was not recorded as seen");
        }
        Ok(Session { identity, client, left })
    }

    fn subject(session: &Session) -> Arc<str> {
        session.identity.subject.as_str().into()
    }

    fn left(session: &Session) -> Option<Left> {
        session.left
    }

    fn charge(&self, session: &Session, points: NonZeroU32) -> Result<Option<Left>, AuthenticationError> {
        self.rates.charge(&session.identity.issuer, &session.identity.subject, points)
    }

    async fn execute(&self, session: Session, request: Request) -> Response {
        let request_id = request
            .data
            .get(&std::any::TypeId::of::<RequestId>())
            .and_then(|id| id.downcast_ref::<RequestId>());
        let origin = Origin {
            address: Some(session.client.0.to_string()),
            request_id: request_id.map(|id| id.0.to_string()),
        };
        execute(&self.schema, &self.app, Actor::new(session.identity, origin), request).await
    }
}

/// Finds who a request's bearer token speaks for.
///
/// # Errors
/// When there is no token, it is not valid, or its key cannot be had at present.
pub async fn identify(
    verifier: &Verifier,
    app: &App,
    headers: &HeaderMap,
) -> Result<Identity, AuthenticationError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(AuthenticationError::MissingToken);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(AuthenticationError::MissingToken)?;
    verifier.verify(token, app.clock.now()).await.map_err(|error| match error {
        error if error.is_unavailable() => AuthenticationError::Unavailable,
        error => AuthenticationError::InvalidToken(error.to_string().into()),
    })
}

/// Runs one request as `actor`. Reads of sensitive events are recorded before the answer leaves.
pub fn execute<'a>(
    schema: &'a Schema,
    app: &'a Arc<App>,
    actor: Actor,
    request: Request,
) -> BoxFuture<'a, Response> {
    // Boxed, so that all resolvers are compiled here and not again with each program and test that runs a request.
    run(schema, app, actor, request).boxed()
}

async fn run(schema: &Schema, app: &Arc<App>, actor: Actor, request: Request) -> Response {
    let bound = request.data.get(&std::any::TypeId::of::<ObjectLimit>());
    let bound = bound.and_then(|bound| bound.downcast_ref::<ObjectLimit>());
    let objects = bound.map_or_else(|| GuardLimits::default().objects, |bound| bound.0);
    let reader = Reader::new(Arc::clone(app), actor.clone(), objects);
    let loader = DataLoader::new(reader, TokioSpawner::current(), TokioTimer::default())
        .delay(std::time::Duration::ZERO);
    let reads = Arc::new(SensitiveReads::new(app.clock.now()));
    let request = request
        .data(Arc::clone(app))
        .data(actor.clone())
        .data(loader)
        .data(Arc::clone(&reads))
        .data(Budget::default());
    let request_id = actor.origin.request_id.clone();
    let answered = async {
        let response = schema.execute(request).await;
        match reads.record(app, &actor).await {
            Ok(()) => response,
            // An unrecorded read of a secret is worse than no answer.
            Err(error) => {
                let error = async_graphql::Error::from(ApiError::from(error));
                Response::from_errors(vec![error.into_server_error(async_graphql::Pos::default())])
            }
        }
    };
    // The log has the cause of an error of ours beside the id that its caller is told.
    let mut response = answered.instrument(tracing::error_span!("request", request_id)).await;
    if let Some(id) = request_id {
        name_request(&mut response.errors, &id);
    }
    response
}
