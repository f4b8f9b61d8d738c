//! Numbers for Prometheus at `/metrics`. Labels come from closed sets: no path, subject or address.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Upper bounds in seconds.
const DURATION_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// All metrics of the process: those of HTTP, and what other modules register.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("vulndesk");
        let requests = Family::default();
        let durations =
            Family::new_with_constructor((|| Histogram::new(DURATION_BUCKETS)) as fn() -> Histogram);
        let in_flight = Gauge::default();
        registry.register("http_requests", "Requests by method, route and status", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time until the head of the response, by route",
            durations.clone(),
        );
        registry.register("http_requests_in_flight", "Requests being answered", in_flight.clone());
        Self { registry: Mutex::new(registry), requests, durations, in_flight }
    }
}

impl Metrics {
    /// Lets a module add metrics of its own. Labels must come from closed sets and hold nothing secret.
    pub fn register<T>(&self, add: impl FnOnce(&mut Registry) -> T) -> T {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a request as in flight until the returned value is dropped.
    pub(super) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts an answered request. `route` is the pattern that matched, never the path.
    pub(super) fn record(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let route = route.to_owned();
        self.durations.get_or_create(&RouteLabels { route: route.clone() }).observe(took.as_secs_f64());
        let labels = RequestLabels { method: method_label(method), route, status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

/// A request that is being answered; also ends when the client goes away.
pub(super) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Clients may invent methods: each would be a new time series.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

pub(super) async fn serve(State(metrics): State<Arc<Metrics>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::default();
        let open = metrics.begin();
        let invented = Method::from_bytes(b"BREW").unwrap();
        metrics.record(&Method::POST, "/graphql", StatusCode::OK, Duration::from_millis(7));
        metrics.record(&invented, "unmatched", StatusCode::NOT_FOUND, Duration::ZERO);
        let text = metrics.text().unwrap();
        for line in [
            r#"vulndesk_http_requests_total{method="POST",route="/graphql",status="200"} 1"#,
            r#"vulndesk_http_requests_total{method="other",route="unmatched",status="404"} 1"#,
            r#"vulndesk_http_request_duration_seconds_bucket{le="0.01",route="/graphql"} 1"#,
            "vulndesk_http_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        drop(open);
        assert!(metrics.text().unwrap().contains("in_flight 0"));
    }

    #[test]
    fn other_modules_register_theirs() {
        let metrics = Metrics::default();
        let counter = metrics.register(|registry| {
            let counter = Counter::<u64>::default();
            registry.register("deliveries", "Deliveries", counter.clone());
            counter
        });
        counter.inc();
        assert!(metrics.text().unwrap().contains("vulndesk_deliveries_total 1"));
    }
}
