//! A receiver of webhooks on the loopback.

use std::future::Future;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::Notify;

/// One request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) headers: HeaderMap,
    pub(crate) query: String,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn sequence(&self) -> i64 {
        self.json()["sequence"].as_i64().unwrap()
    }
}

/// A receiver with what it has seen.
pub(crate) struct Receiver {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: Arc<Notify>,
}

impl Receiver {
    /// Listens, and answers as `answer` says, which is given the requests before this one and this one.
    pub(crate) async fn start<A: Future<Output = Response> + Send + 'static>(
        answer: impl Fn(usize, Seen) -> A + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (seen, arrived) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::new(Notify::new()));
        let (list, bell) = (Arc::clone(&seen), Arc::clone(&arrived));
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let query = uri.query().unwrap_or_default().to_owned();
            let one = Seen { headers, query, body };
            let before = {
                let mut list = list.lock().unwrap();
                list.push(one.clone());
                list.len() - 1
            };
            bell.notify_waiters();
            answer(before, one)
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen, arrived }
    }

    /// A receiver that takes everything.
    pub(crate) async fn willing() -> Self {
        Self::start(|_, _| async { StatusCode::NO_CONTENT.into_response() }).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until this many have arrived.
    pub(crate) async fn has_seen(&self, count: usize) {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.seen.lock().unwrap().len() >= count {
                return;
            }
            arrived.await;
        }
    }
}
