//! GraphQL over open connections: graphql-transport-ws on WebSockets ([`socket`]), graphql-sse in both modes ([`stream`]).
//!
//! Both run operations of every kind under the same guard and time limits as a request, and are told of changes by the
//! [`Hub`]. A connection has its place by address before anything is read, and by principal once the token is verified;
//! it ends when the token is over, when its subject may no longer act, and when the process stops. Nothing that a client
//! sends is looked at before its token, but for the message that carries it.

mod metrics;
mod protocol;
mod reserved;
mod settings;
mod socket;
mod stream;
mod upgrade;

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use serde::Serialize;

use self::metrics::LiveMetrics;
pub use self::settings::{LiveSettings, LiveSettingsError};
pub use self::stream::routes;
use super::client_address::ClientAddress;
use super::error::{AuthenticationError, HttpError};
use super::graphql_response;
use super::metrics::Metrics;
use super::parameters::Parameters;
use super::persisted::Documents;
use super::rates::{self, Rates};
use super::request_log::RequestId;
use super::serve::Shutdown;
use super::settings::HttpSettings;
use crate::app::App;
use crate::auth::Verifier;
use crate::executor::{self, Session};
use crate::graphql::Schema;
use crate::graphql::answer;
use crate::graphql::errors::ErrorCode;
use crate::graphql::guard::GuardLimits;
use crate::live::{Answer, Hub, Operation, Seat};

/// What open connections need of the process.
pub struct Process {
    /// The running product.
    pub app: Arc<App>,
    /// The schema.
    pub schema: Schema,
    /// Verifies tokens.
    pub verifier: Arc<Verifier>,
    /// How much each caller may ask for.
    pub rates: Arc<Rates>,
    /// Documents that can be named.
    pub documents: Arc<Documents>,
    /// Its end.
    pub shutdown: Shutdown,
}

/// The open connections of a process.
pub struct Live {
    app: Arc<App>,
    verifier: Arc<Verifier>,
    rates: Arc<Rates>,
    documents: Arc<Documents>,
    /// Has subscribers told. Its [`run`](Hub::run) has to be running.
    pub hub: Arc<Hub>,
    bounds: Bounds,
    shutdown: Shutdown,
    metrics: LiveMetrics,
    reserved: reserved::Reserved,
}

/// Who is connected: the session, and the request that opened the connection.
#[derive(Clone, Debug)]
struct Caller {
    session: Session,
    request_id: Option<RequestId>,
}

/// An operation that may run, or why it may not.
type Sent = Result<Operation, Vec<ServerError>>;

/// The bounds of a connection and of what runs on it.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Of connections.
    pub live: LiveSettings,
    /// Of requests.
    pub http: HttpSettings,
    /// Of documents.
    pub limits: GuardLimits,
}

impl Live {
    /// Connections within these bounds, until `shutdown`.
    pub fn new(process: Process, bounds: Bounds, metrics: &Metrics) -> Arc<Self> {
        let Process { app, schema, verifier, rates, documents, shutdown } = process;
        let execution_timeout = Duration::from_secs(bounds.http.execution_seconds);
        Arc::new(Self {
            hub: Hub::new(
                Arc::clone(&app),
                schema,
                Arc::clone(&rates),
                bounds.live.room(),
                execution_timeout,
            ),
            app,
            verifier,
            rates,
            documents,
            bounds,
            shutdown,
            metrics: LiveMetrics::registered(metrics),
            reserved: reserved::Reserved::default(),
        })
    }

    /// A place for a connection from where this request comes.
    fn seat(&self, parts: &Parts) -> Result<Seat, HttpError> {
        self.hub.guests.arrive(client(parts).0).map_err(|_| no_room())
    }

    /// Who calls, by a request's headers.
    async fn caller(&self, parts: &Parts) -> Result<Caller, AuthenticationError> {
        self.caller_with(&parts.headers, client(parts), parts.extensions.get()).await
    }

    async fn caller_with(
        &self,
        headers: &HeaderMap,
        client: ClientAddress,
        request_id: Option<&RequestId>,
    ) -> Result<Caller, AuthenticationError> {
        let session = executor::authenticate(&self.verifier, &self.app, &self.rates, headers, client).await?;
        Ok(Caller { session, request_id: request_id.cloned() })
    }

    /// Lets in one more operation of a caller: it is asked for anew and charged for, as a request would be.
    async fn admit(&self, caller: &Caller) -> Result<(), AuthenticationError> {
        if self.is_over(caller) {
            return Err(AuthenticationError::InvalidToken("it is over".into()));
        }
        executor::admit(&self.app, &self.rates, caller.session.identity()).await.map(drop)
    }

    /// Whether a caller's token is over.
    fn is_over(&self, caller: &Caller) -> bool {
        caller.session.identity().expires_at <= self.app.clock.now()
    }

    /// Time until a caller's token is over.
    fn time_left(&self, caller: &Caller) -> Duration {
        let left = caller.session.identity().expires_at.signed_duration_since(self.app.clock.now());
        left.to_std().unwrap_or_default()
    }

    /// The operation that a client sent, or why it does not run. It is charged for as a request would be, beyond what it
    /// costs to be let in.
    ///
    /// # Errors
    /// Where it is no request at all.
    fn operation(&self, caller: &Caller, mut parameters: Parameters) -> Result<Sent, HttpError> {
        let (query, keep) = match self.documents.find(&mut parameters) {
            Ok(found) => found,
            Err(why) => return Ok(Err(graphql_response::no_document_errors(why)?)),
        };
        let Parameters { operation_name, variables, .. } = parameters;
        let operation = match Operation::new(query, operation_name, variables, &self.bounds.limits) {
            Ok(operation) => operation,
            Err(errors) => return Ok(Err(errors)),
        };
        if let Some(digest) = keep {
            self.documents.keep(digest, operation.query());
        }
        let identity = caller.session.identity();
        let charged = match NonZeroU32::new(rates::points(&operation.cost)) {
            Some(points) => self.rates.charge(&identity.issuer, &identity.subject, points).map(drop),
            None => Ok(()),
        };
        Ok(charged.map(|()| operation).map_err(|error| too_many(&error)))
    }
}

/// Put there by the middleware around all routes.
fn client(parts: &Parts) -> ClientAddress {
    parts.extensions.get().copied().unwrap_or(ClientAddress(Ipv4Addr::UNSPECIFIED.into()))
}

/// Why an operation waits until its caller has points again.
fn too_many(error: &AuthenticationError) -> Vec<ServerError> {
    answer::refusal(ErrorCode::RateLimited, ServerError::new(error.to_string(), None))
}

fn no_room() -> HttpError {
    let message = "There are too many open connections: close some, or try again later.";
    HttpError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message)
        .with_header(header::RETRY_AFTER, 30_u64.into())
}

/// Errors as JSON.
fn errors_json(errors: &[ServerError]) -> Answer {
    json(errors)
}

fn json(value: &(impl Serialize + ?Sized)) -> Answer {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned()).into()
}
