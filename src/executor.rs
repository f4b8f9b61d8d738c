//! From a verified token to an answer: what the HTTP layer calls.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use async_graphql::{Request, Response};
use axum::extract::Request as HttpRequest;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response as HttpResponse;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use tracing::Instrument as _;

use crate::app::App;
use crate::auth::{Actor, Identity, Origin, Verifier};
use crate::error::Error;
use crate::graphql::Schema;
use crate::graphql::errors::{ApiError, name_request};
use crate::graphql::guard::GuardLimits;
use crate::graphql::loaders::{ObjectLimit, Reader};
use crate::graphql::sensitive::SensitiveReads;
use crate::http::client_address::ClientAddress;
use crate::http::error::AuthenticationError;
use crate::http::graphql::{Executor, no_sockets};
use crate::http::live::Live;
use crate::http::rates::{Left, Rates};
use crate::http::request_log::RequestId;
use crate::live::{Interest, Occasion, Turn};
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
    pub rates: Arc<Rates>,
    /// Open connections that are told of changes; none where there are only requests.
    pub live: Option<Arc<Live>>,
}

/// A verified caller.
#[derive(Clone, Debug)]
pub struct Session {
    identity: Identity,
    client: ClientAddress,
    left: Option<Left>,
}

impl Session {
    /// Who calls.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Who acts, in a request with this id.
    pub fn actor(&self, request_id: Option<&RequestId>) -> Actor {
        let origin = Origin {
            address: Some(self.client.0.to_string()),
            request_id: request_id.map(|id| id.0.to_string()),
        };
        Actor::new(self.identity.clone(), origin)
    }
}

impl Api {
    /// The caller of a request that is no GraphQL, by its headers alone.
    ///
    /// # Errors
    /// Why they are not let in.
    pub async fn caller(&self, parts: &Parts) -> Result<Actor, AuthenticationError> {
        let client = parts.extensions.get().copied().unwrap_or(ClientAddress(Ipv4Addr::UNSPECIFIED.into()));
        let session = self.authenticate(&parts.headers, client).await?;
        Ok(session.actor(parts.extensions.get()))
    }
}

impl Executor for Api {
    type Session = Session;

    async fn authenticate(
        &self,
        headers: &HeaderMap,
        client: ClientAddress,
    ) -> Result<Session, AuthenticationError> {
        authenticate(&self.verifier, &self.app, &self.rates, headers, client).await
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
        let actor = session.actor(request_id);
        execute(&self.schema, &self.app, actor, request).await
    }

    async fn upgrade(&self, request: HttpRequest) -> HttpResponse {
        match &self.live {
            Some(live) => live.upgrade(request).await,
            None => no_sockets(),
        }
    }
}

/// Finds who calls by a request's headers, and lets in who may act.
///
/// # Errors
/// Why they are not let in.
pub async fn authenticate(
    verifier: &Verifier,
    app: &App,
    rates: &Rates,
    headers: &HeaderMap,
    client: ClientAddress,
) -> Result<Session, AuthenticationError> {
    let identity = identify(verifier, app, headers).await?;
    let left = admit(app, rates, &identity).await?;
    if let Err(error) = principal::seen(app, &identity).await {
        tracing::warn!(?error, "a principal was not recorded as seen");
    }
    Ok(Session { identity, client, left })
}

/// Takes the point that it costs to be let in, and refuses a subject that may no longer act and a token that is accepted no
/// more, whatever it says; an unknown state is no permission. Answers what is left of its points.
///
/// # Errors
/// That it asks for too much, that it may not act, or that this cannot be told.
pub async fn admit(
    app: &App,
    rates: &Rates,
    identity: &Identity,
) -> Result<Option<Left>, AuthenticationError> {
    let left = rates.charge(&identity.issuer, &identity.subject, NonZeroU32::MIN)?;
    match principal::admission::is_denied(app, identity).await {
        Ok(false) => Ok(left),
        Ok(true) => Err(AuthenticationError::Denied { subject: identity.subject.as_str().into() }),
        Err(error) => {
            tracing::error!(?error, "principals cannot be read");
            Err(AuthenticationError::Unavailable)
        }
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
    run_as(schema, app, actor, request, How::Once).map(Option::unwrap_or_default).boxed()
}

/// What a subscription wants to hear of. Its document is executed, and says it instead of anything else.
///
/// # Errors
/// Why the document is refused, or its subscriber.
pub async fn enrol(
    schema: &Schema,
    app: &Arc<App>,
    actor: Actor,
    request: Request,
) -> Result<Interest, Response> {
    let turn = Turn::enrol();
    let request = request.data(Arc::clone(&turn));
    let answer = run_as(schema, app, actor, request, How::First).boxed().await;
    match (answer, turn.interest()) {
        (None, Some(interest)) => Ok(interest),
        (Some(answer), _) if !answer.errors.is_empty() => Err(answer),
        // It selects nothing that could ever be told.
        _ => {
            let error = Error::bad_input("subscription", "select exactly one field, and not in a fragment");
            Err(refused(error))
        }
    }
}

/// What a subscription says to `occasion`, as a request of its subscriber would at this moment; none where it is not for
/// them. Reads of sensitive events are recorded before the answer leaves.
pub async fn tell(
    schema: &Schema,
    app: &Arc<App>,
    actor: Actor,
    request: Request,
    occasion: Arc<Occasion>,
) -> Option<Response> {
    let request = request.data(Arc::new(Turn::Tell(occasion)));
    run_as(schema, app, actor, request, How::First).boxed().await
}

fn refused(error: Error) -> Response {
    let error = async_graphql::Error::from(ApiError::from(error));
    Response::from_errors(vec![error.into_server_error(async_graphql::Pos::default())])
}

/// How much of an operation is executed.
#[derive(Clone, Copy)]
enum How {
    /// A query or mutation, once.
    Once,
    /// What a subscription has to tell at first, if anything.
    First,
}

/// Runs `request` with all that its resolvers need as `actor`, and for this one answer.
async fn run_as(
    schema: &Schema,
    app: &Arc<App>,
    actor: Actor,
    request: Request,
    how: How,
) -> Option<Response> {
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
        let response = match how {
            How::Once => schema.execute(request).await,
            How::First => schema.execute_stream(request).next().await?,
        };
        match reads.record(app, &actor).await {
            Ok(()) => Some(response),
            // An unrecorded read of a secret is worse than no answer.
            Err(error) => Some(refused(error)),
        }
    };
    // The log has the cause of an error of ours beside the id that its caller is told.
    let mut response = answered.instrument(tracing::error_span!("request", request_id)).await?;
    if let Some(id) = request_id {
        name_request(&mut response.errors, &id);
    }
    Some(response)
}
