//! GraphQL over HTTP, as the specification of that name draws it.
//!
//! The order of steps is a promise: authenticate, negotiate the answer's type, bound and type the body, read
//! it, parse and guard the document, execute. Nothing of the body and of the query string is looked at for a
//! caller without a valid token.

use std::{net::Ipv4Addr, num::NonZeroU32, sync::Arc, time::Duration};

use async_graphql::parser::types::OperationType;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    accept::{self, ResponseType},
    body,
    client_address::ClientAddress,
    error::{AuthenticationError, HttpError},
    graphql_response,
    parameters::Parameters,
    persisted::Documents,
    rates::{self, Left},
    request_log::{LoggedSubject, RequestId},
};
use crate::graphql::errors::ErrorCode;
use crate::graphql::guard::{self, GuardLimits};
use crate::graphql::loaders::ObjectLimit;
use crate::graphql::places;

/// What the endpoint needs from the rest: who calls, and what a request answers.
pub trait Executor: Send + Sync + 'static {
    /// An authenticated caller.
    type Session: Send + 'static;

    /// Finds the caller by the headers alone.
    fn authenticate(
        &self,
        headers: &HeaderMap,
        client: ClientAddress,
    ) -> impl Future<Output = Result<Self::Session, AuthenticationError>> + Send;

    /// The caller's name for the access log; never a token.
    fn subject(session: &Self::Session) -> Arc<str>;

    /// What was left of the caller's points when they were let in; none where points are not counted.
    fn left(session: &Self::Session) -> Option<Left>;

    /// Takes more of the caller's points and answers what is left.
    ///
    /// # Errors
    /// [`AuthenticationError::RateLimited`] when there are fewer.
    fn charge(
        &self,
        session: &Self::Session,
        points: NonZeroU32,
    ) -> Result<Option<Left>, AuthenticationError>;

    /// Validates and runs a request that the guard has let through. The request's data hold [`RequestId`] and
    /// [`ClientAddress`]. Dropped when the time limit passes or the client goes away.
    fn execute(
        &self,
        session: Self::Session,
        request: async_graphql::Request,
    ) -> impl Future<Output = async_graphql::Response> + Send;

    /// Answers a request to upgrade to a WebSocket.
    fn upgrade(&self, _: Request) -> impl Future<Output = Response> + Send {
        async { no_sockets() }
    }
}

/// The answer to who wants a socket where there are none.
pub(crate) fn no_sockets() -> Response {
    HttpError::bad_request("This server opens no sockets.").into_response()
}

/// Whether a request asks to be upgraded to a WebSocket.
fn wants_socket(request: &Request) -> bool {
    let upgrade = request.headers().get(header::UPGRADE);
    request.method() == Method::GET
        && upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The endpoint and its bounds.
pub(super) struct Endpoint<E> {
    pub(super) executor: Arc<E>,
    pub(super) limits: GuardLimits,
    pub(super) parsed: guard::Parsed,
    pub(super) documents: Arc<Documents>,
    pub(super) body_bytes: usize,
    pub(super) body_timeout: Duration,
    pub(super) execution_timeout: Duration,
}

/// Answers GET (queries only, and sockets) and POST.
pub(super) async fn handle<E: Executor>(
    State(endpoint): State<Arc<Endpoint<E>>>,
    request: Request,
) -> Response {
    if wants_socket(&request) {
        return endpoint.executor.upgrade(request).await;
    }
    let (parts, body) = request.into_parts();
    let session = match endpoint.executor.authenticate(&parts.headers, client(&parts)).await {
        Ok(session) => session,
        Err(error) => return HttpError::from(error).into_response(),
    };
    let subject = E::subject(&session);
    let mut left = E::left(&session);
    let mut response = match endpoint.answer(session, &mut left, parts, body).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if let Some(left) = left {
        left.tell(response.headers_mut());
    }
    response.extensions_mut().insert(LoggedSubject(subject));
    response
}

impl<E: Executor> Endpoint<E> {
    async fn answer(
        &self,
        session: E::Session,
        left: &mut Option<Left>,
        parts: Parts,
        body: Body,
    ) -> Result<Response, HttpError> {
        let media = ResponseType::negotiate(&parts.headers).ok_or_else(|| {
            let message = "Accept application/graphql-response+json or application/json.";
            HttpError::new(StatusCode::NOT_ACCEPTABLE, ErrorCode::BadUserInput, message)
        })?;
        let text = self.body(&parts, body).await?;
        let mut parameters = parameters_of(&parts, &text)?;
        let (query, keep) = match self.documents.find(&mut parameters) {
            Ok(found) => found,
            Err(why) => return graphql_response::no_document(media, why),
        };
        let document = match self.parsed.parse(&query, &self.limits) {
            Ok(document) => document,
            Err(error) => return Ok(graphql_response::parse_error(media, error)),
        };
        let operation_name = parameters.operation_name.as_deref();
        let operation = guard::selected_operation(&document, operation_name).map(|operation| operation.ty);
        if parts.method != Method::POST
            && operation.is_some_and(|operation| operation != OperationType::Query)
        {
            let message = "GET runs queries only: send this operation by POST.";
            return Err(HttpError::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
                .with_header(header::ALLOW, HeaderValue::from_static("POST")));
        }
        let cost = match guard::check(&document, &parameters.variables, operation_name, &self.limits) {
            Ok(cost) => cost,
            Err(error) => return Ok(graphql_response::guard_error(media, &error)),
        };
        if let Some(digest) = keep {
            self.documents.keep(digest, &query);
        }
        if let Some(points) = NonZeroU32::new(rates::points(&cost)) {
            *left = self.executor.charge(&session, points)?;
        }

        let mut request = parameters.into_request(document);
        request.data.insert(client(&parts));
        request.data.insert(ObjectLimit(self.limits.objects));
        if let Some(id) = parts.extensions.get::<RequestId>() {
            request.data.insert(id.clone());
        }
        let executing = self.executor.execute(session, request);
        match tokio::time::timeout(self.execution_timeout, executing).await {
            Ok(mut response) => {
                if places::concern_values(&response.errors) {
                    // What the request was made of has gone into the engine.
                    let sent = parameters_of(&parts, &text)?;
                    if let Ok(document) = guard::parse(&query, &self.limits) {
                        let operation = sent.operation_name.as_deref();
                        places::name_values(&mut response.errors, &document, operation, &sent.variables);
                    }
                }
                Ok(graphql_response::render(media, response))
            }
            Err(_) => {
                let seconds = self.execution_timeout.as_secs();
                let message = format!(
                    "The request took longer than {seconds} s. Ask for less; repeat a change with its idempotencyKey."
                );
                Err(HttpError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Timeout, message))
            }
        }
    }

    /// The body of a POST; nothing of a GET, whose parameters stand in its address.
    async fn body(&self, parts: &Parts, body: Body) -> Result<Vec<u8>, HttpError> {
        if parts.method != Method::POST {
            return Ok(Vec::new());
        }
        body::check_declared_length(&parts.headers, self.body_bytes)?;
        if !accept::is_json_body(&parts.headers) {
            let message = "Send the request as uncompressed application/json in UTF-8.";
            return Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message));
        }
        body::read(body, self.body_bytes, self.body_timeout).await
    }
}

fn parameters_of(parts: &Parts, text: &[u8]) -> Result<Parameters, HttpError> {
    if parts.method == Method::POST {
        Parameters::from_json(text)
    } else {
        Parameters::from_query_string(parts.uri.query().unwrap_or_default())
    }
}

/// Put there by the middleware around all routes.
fn client(parts: &Parts) -> ClientAddress {
    parts.extensions.get().copied().unwrap_or(ClientAddress(Ipv4Addr::UNSPECIFIED.into()))
}
