//! An issuer that runs in the test.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::auth::test_keys::SigningKey;

/// An issuer on the loopback whose answers a test sets.
pub(super) struct Issuer {
    pub(super) url: String,
    answers: Arc<Mutex<Answers>>,
    seen: Arc<Seen>,
}

#[derive(Clone)]
struct Answers {
    discovery: Value,
    keys: Answer,
}

#[derive(Clone)]
pub(super) enum Answer {
    Document(Value),
    Redirect,
    Down,
    /// Tells when it was asked, and waits to be released.
    Held(Value, Arc<Hold>),
}

#[derive(Default)]
pub(super) struct Hold {
    pub(super) asked: Notify,
    pub(super) release: Notify,
}

#[derive(Default)]
struct Seen {
    keys: AtomicUsize,
    elsewhere: AtomicUsize,
}

impl Issuer {
    pub(super) async fn start(keys: &[&SigningKey]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let answers = Arc::new(Mutex::new(Answers { discovery, keys: documents(keys) }));
        let seen = Arc::new(Seen::default());
        let router = axum::Router::new().fallback(answer).with_state((answers.clone(), seen.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, answers, seen }
    }

    pub(super) fn answer(&self, keys: Answer) {
        self.answers.lock().unwrap().keys = keys;
    }

    pub(super) fn discovery(&self, document: Value) {
        self.answers.lock().unwrap().discovery = document;
    }

    /// How often the keys were asked for.
    pub(super) fn fetches(&self) -> usize {
        self.seen.keys.load(Ordering::SeqCst)
    }

    /// How often anything but the two documents was asked for.
    pub(super) fn asked_elsewhere(&self) -> usize {
        self.seen.elsewhere.load(Ordering::SeqCst)
    }
}

/// A key document with the public parts of `keys`.
pub(super) fn documents(keys: &[&SigningKey]) -> Answer {
    Answer::Document(json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}))
}

async fn answer(
    State((answers, seen)): State<(Arc<Mutex<Answers>>, Arc<Seen>)>,
    request: Request,
) -> Response {
    let answers = answers.lock().unwrap().clone();
    match request.uri().path() {
        "/.well-known/openid-configuration" => axum::Json(answers.discovery).into_response(),
        "/keys" => {
            seen.keys.fetch_add(1, Ordering::SeqCst);
            match answers.keys {
                Answer::Document(document) => axum::Json(document).into_response(),
                Answer::Redirect => Redirect::temporary("/elsewhere").into_response(),
                Answer::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                Answer::Held(document, hold) => {
                    hold.asked.notify_one();
                    hold.release.notified().await;
                    axum::Json(document).into_response()
                }
            }
        }
        _ => {
            seen.elsewhere.fetch_add(1, Ordering::SeqCst);
            StatusCode::NOT_FOUND.into_response()
        }
    }
}
