//! The server around the API.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};

#[tokio::test]
async fn nothing_is_read_without_a_token() {
    let app = TestApp::sqlite().await;
    let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = Request::post("/graphql").header("content-type", "application/json").body(body).unwrap();
    let (status, body) = app.send(request).await;
    assert_eq!(status, 401);
    assert!(body.contains("UNAUTHENTICATED"), "{body}");
}

#[tokio::test]
async fn health_and_page_need_no_token() {
    let app = TestApp::sqlite().await;
    for path in ["/healthz", "/readyz", "/"] {
        let (status, _) = app.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, 200, "{path}");
    }
}

#[tokio::test]
async fn ill_formed_requests_are_told_apart_and_name_the_remedy() {
    on_both(|app| async move {
        let analyst = app.token(Role::Analyst, "analyst-1");
        let reporter = app.token(Role::Reporter, "reporter-1");
        let cases = [
            (&analyst, "{ events(first: -1) { nodes { id } } }", "BAD_USER_INPUT"),
            (&analyst, "{ events(first: 101) { nodes { id } } }", "BAD_USER_INPUT"),
            (&analyst, "{ events(after: \"x\") { nodes { id } } }", "BAD_USER_INPUT"),
            (
                &analyst,
                "{ events(filter: { status: [GONE] }) { nodes { id } } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (&analyst, "{ events", "GRAPHQL_PARSE_FAILED"),
            (&analyst, "{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (&reporter, "{ events { nodes { id } } }", "FORBIDDEN"),
        ];
        for (token, document, code) in cases {
            let answer = app.graphql(token, document, Value::Null).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{document}: {answer}");
        }
    })
    .await;
}
