//! The log names requests and what went wrong with them, and nothing that a request carried.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use axum::body::Body;
use axum::http::{Request, header};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use vulndesk::auth::Role;

use crate::harness::TestApp;

thread_local! {
    /// What is logged on this thread: a test's whole runtime is on its own.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is logged.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Has what is logged from now on kept, for all threads: what others reach first would else be taken for what nobody
/// listens to.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"))
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
}

/// What was logged on this thread since the last look.
pub(crate) fn heard() -> String {
    String::from_utf8(LOG.take()).unwrap()
}

async fn post(app: &TestApp, token: &str, document: &str, variables: Value) -> String {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let request = Request::post("/graphql?secret-in-query=1")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    app.send(request).await.1
}

#[tokio::test]
async fn the_log_holds_no_token_and_no_word_of_a_report_whatever_happens() {
    listen();
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let analyst =
        app.mint_with_email(&[Role::Analyst], "analyst-1", &[], None, Some("analyst-1@mail.example"));
    let report = json!({
        "channel": "src", "number": "secret-number", "title": "secret-title", "text": "secret-text",
        "reporter": { "name": "secret-name", "email": "secret-mail@mail.example" },
        "indicators": [{ "kind": "URL", "value": "https://secret-indicator.example" }],
    });
    let receive = "mutation($input: ReceiveReport!) { receiveReport(input: $input) { report { id } userErrors { code } } }";
    let done = post(&app, &analyst, receive, json!({ "input": report })).await;
    assert!(done.contains("\"report\""), "{done}");
    post(&app, &analyst, "{ events { nodes { title reports { text reporter { email } } } } }", json!({}))
        .await;
    post(&app, &analyst, "{ secretField(secret: \"secret-argument\") }", json!({})).await;
    post(&app, &format!("{analyst}x"), "{ viewer { subject } }", json!({})).await;
    // From here on our own fault.
    app.owner().execute_unprepared("DROP TABLE indicator").await.unwrap();
    let mut second = report;
    second["number"] = json!("secret-number-2");
    let failed = post(&app, &analyst, receive, json!({ "input": second })).await;
    let failed: Value = serde_json::from_str(&failed).unwrap();
    let error = &failed["errors"][0];
    assert_eq!(error["extensions"]["code"], "INTERNAL", "{failed}");
    assert!(!error["message"].as_str().unwrap().contains("indicator"), "{failed}");

    let text = heard();
    assert!(text.matches("vulndesk::access").count() >= 5, "each request has its line:\n{text}");
    let cause = text.lines().find(|line| line.contains("no such table"));
    let id = error["extensions"]["requestId"].as_str().unwrap();
    assert!(cause.is_some_and(|line| line.contains(id)), "the cause does not stand beside {id}:\n{text}");
    let parts: Vec<_> = analyst.split('.').collect();
    for secret in ["secret-", "analyst-1@mail.example", parts[1], parts[2]] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}
