//! What surrounds every request: its id, the access log, metrics, and the catching of panics.
//!
//! Logged are method, the route's pattern, status, duration, request id, client address and subject. Never the
//! query string, headers, bodies or tokens, and no path, since it can hold a secret, one that matched no route as well.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    client_address::{self, TrustedProxies},
    error::HttpError,
    metrics::Metrics,
};
use crate::clock::Ids;

const REQUEST_ID: &str = "x-request-id";
const MAX_REQUEST_ID_BYTES: usize = 64;
/// Stands for the path's pattern where no route matched.
const UNMATCHED: &str = "unmatched";

/// The id that joins an answer to its log lines; in every request's extensions and GraphQL data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// Put into a response's extensions by whoever authenticated the caller, for the access log.
#[derive(Debug, Clone)]
pub struct LoggedSubject(pub Arc<str>);

/// What [`record`] needs.
#[derive(Clone)]
pub(super) struct RequestLog {
    pub(super) ids: Arc<Ids>,
    pub(super) proxies: Arc<TrustedProxies>,
    pub(super) metrics: Arc<Metrics>,
}

/// Middleware around all routes.
pub(super) async fn record(State(log): State<RequestLog>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let in_flight = log.metrics.begin();
    let peer = client_address::peer(request.extensions());
    let client = log.proxies.client(peer, request.headers());
    let forwarded_id = log.proxies.contains(peer).then(|| inbound_id(request.headers())).flatten();
    let id: Arc<str> = forwarded_id.unwrap_or_else(|| log.ids.next().to_string()).into();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(RequestId(id.clone()));

    let span = tracing::info_span!("request", id = %id);
    let answering = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span);
    // The panic's own text went to the panic hook; the answer holds nothing but the id.
    let mut response = answering.await.unwrap_or_else(|_| {
        tracing::error!(request_id = %id, "a handler panicked");
        HttpError::internal(&id).into_response()
    });

    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    drop(in_flight);
    let took = began.elapsed();
    let status = response.status();
    log.metrics.record(&method, &path, status, took);
    tracing::info!(
        target: "vulndesk::access",
        %method,
        path,
        status = status.as_u16(),
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        request_id = %id,
        client = %client.0,
        subject = response.extensions().get::<LoggedSubject>().map(|subject| &*subject.0),
        "request"
    );
    response
}

/// An id that a trusted proxy gave, if it is short and plain enough for logs and headers.
fn inbound_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let sane = (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.bytes().all(plain);
    sane.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Mutex, PoisonError},
    };

    use axum::{Router, body::Body, middleware::from_fn_with_state, routing::get};
    use tower::ServiceExt;

    use super::*;
    use crate::clock::SystemClock;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_access_log_names_the_caller_and_nothing_secret() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        let logging = tracing::subscriber::set_default(subscriber);
        let log = RequestLog {
            ids: Arc::new(Ids::seeded(Arc::new(SystemClock), 1)),
            proxies: Arc::default(),
            metrics: Arc::default(),
        };
        let handler = async || {
            let mut response = "secret-answer".into_response();
            response.extensions_mut().insert(LoggedSubject("analyst-1".into()));
            response
        };
        let app = Router::new().route("/hooks/{key}", get(handler)).layer(from_fn_with_state(log, record));
        let request = Request::get("/hooks/secret-key?token=secret-token")
            .header("authorization", "Bearer secret-bearer")
            .body(Body::from("secret-body"));
        app.clone().oneshot(request.unwrap()).await.unwrap();
        let mistyped = Request::get("//feeds/secret-feed.ics").body(Body::empty());
        app.oneshot(mistyped.unwrap()).await.unwrap();
        drop(logging);

        let bytes = lines.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[1]["fields"]["path"], UNMATCHED, "a secret in a path that matches no route");
        let fields = &lines[0]["fields"];
        assert_eq!(
            (&fields["method"], &fields["path"], &fields["status"], &fields["subject"]),
            (&"GET".into(), &"/hooks/{key}".into(), &200.into(), &"analyst-1".into())
        );
        assert!(!text.contains("secret"), "{text}");
    }
}
