//! HTTP: what answers on the socket, and in which order.
//!
//! Around every route stand the request's id, the access log with metrics and the catching of panics
//! ([`request_log`]), then the security headers. [`graphql`] is the endpoint of the API, and [`live`] what stays
//! open to be told of changes; [`health`] and [`metrics`] serve operators; [`serve`] bounds connections and ends them at shutdown.

mod accept;
pub(crate) mod body;
pub mod client_address;
pub mod download;
pub mod error;
pub mod graphql;
mod graphql_response;
pub mod health;
mod linger;
pub mod live;
pub mod metrics;
pub mod page;
mod parameters;
pub mod persisted;
pub mod rates;
pub mod request_log;
pub mod serve;
pub mod settings;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{from_fn_with_state, map_response},
    response::Response,
    routing::get,
};

use self::{
    client_address::TrustedProxies,
    error::HttpError,
    graphql::{Endpoint, Executor},
    health::Health,
    metrics::Metrics,
    persisted::Documents,
    request_log::RequestLog,
    settings::HttpSettings,
};
use crate::clock::Ids;
use crate::graphql::errors::ErrorCode;
use crate::graphql::guard::{self, GuardLimits};

/// What the routes need from the rest of the process.
pub struct Services<E> {
    /// Authenticates callers and runs GraphQL requests.
    pub executor: Arc<E>,
    /// Documents that can be named.
    pub documents: Arc<Documents>,
    /// Makes request ids.
    pub ids: Arc<Ids>,
    /// Answers `/readyz`.
    pub health: Arc<Health>,
    /// Answers `/metrics`.
    pub metrics: Arc<Metrics>,
}

/// All routes: `/graphql`, `/healthz`, `/readyz`, `/metrics`, and `more` of other modules behind the same
/// request log and security headers.
pub fn router<E: Executor>(
    settings: &HttpSettings,
    limits: GuardLimits,
    services: Services<E>,
    more: Router,
) -> Router {
    let endpoint = Arc::new(Endpoint {
        executor: services.executor,
        limits,
        parsed: guard::Parsed::default(),
        documents: services.documents,
        body_bytes: settings.body_bytes,
        body_timeout: Duration::from_secs(settings.body_seconds),
        execution_timeout: Duration::from_secs(settings.execution_seconds),
    });
    let log = RequestLog {
        ids: services.ids,
        proxies: Arc::new(TrustedProxies::new(settings.trusted_proxies.clone())),
        metrics: services.metrics.clone(),
    };
    Router::new()
        .route("/graphql", get(graphql::handle::<E>).post(graphql::handle::<E>).with_state(endpoint))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready).with_state(services.health))
        .route("/metrics", get(metrics::serve).with_state(services.metrics))
        .merge(more)
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(map_response(add_security_headers))
        .layer(from_fn_with_state(log, request_log::record))
}

async fn no_such_route() -> HttpError {
    HttpError::new(
        StatusCode::NOT_FOUND,
        ErrorCode::NotFound,
        "There is no such route. The API is at /graphql.",
    )
}

async fn no_such_method() -> HttpError {
    let message = "This route does not take this method; the header Allow names those it takes.";
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
}

/// Headers for answers that no browser should show, keep or embed. A route may set its own instead.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

async fn add_security_headers(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
