//! Whether the process lives (`/healthz`) and whether it can serve (`/readyz`).

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use futures_util::future::{BoxFuture, join_all};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Time that one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

type Check = Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// The checks behind `/readyz`. Their causes go to the log; the answer names the check only.
pub struct Health {
    leaving: CancellationToken,
    check_timeout: Duration,
    checks: Vec<(&'static str, Check)>,
}

impl Health {
    /// Ready until the process is `leaving`.
    pub fn new(leaving: CancellationToken) -> Self {
        Self { leaving, check_timeout: CHECK_TIMEOUT, checks: Vec::new() }
    }

    /// Adds a check, which fails by its error or after one second.
    #[must_use]
    pub fn with_check<F>(mut self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.checks.push((name, Box::new(move || Box::pin(check()))));
        self
    }

    /// The names of all checks and whether each passes.
    async fn run(&self) -> Vec<(&'static str, bool)> {
        let running = join_all(self.checks.iter().map(|(name, check)| async move {
            let outcome = match tokio::time::timeout(self.check_timeout, check()).await {
                Ok(outcome) => outcome,
                Err(elapsed) => Err(elapsed.into()),
            };
            if let Err(cause) = &outcome {
                tracing::warn!(check = name, cause = format!("{cause:#}"), "readiness check failed");
            }
            (*name, outcome.is_ok())
        }));
        let mut results = running.await;
        results.push(("accepting", !self.leaving.is_cancelled()));
        results
    }
}

pub(super) async fn live() -> impl IntoResponse {
    Json(json!({ "alive": true }))
}

pub(super) async fn ready(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let results = health.run().await;
    let ready = results.iter().all(|(_, passed)| *passed);
    let checks: Vec<_> =
        results.iter().map(|(name, passed)| json!({ "name": name, "passed": passed })).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "checks": checks })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failing_and_hanging_checks_are_named() {
        let mut health = Health::new(CancellationToken::new())
            .with_check("database", async || Ok(()))
            .with_check("keys", async || anyhow::bail!("no keys"))
            .with_check("worker", std::future::pending);
        health.check_timeout = Duration::from_millis(1);
        let expected = [("database", true), ("keys", false), ("worker", false), ("accepting", true)];
        assert_eq!(health.run().await, expected);
    }

    #[tokio::test]
    async fn who_leaves_is_not_ready() {
        let leaving = CancellationToken::new();
        let health = Health::new(leaving.clone());
        leaving.cancel();
        assert_eq!(health.run().await, [("accepting", false)]);
    }
}
