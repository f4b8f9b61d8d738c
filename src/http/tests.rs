use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_graphql::{EmptySubscription, Object, Schema};
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, request::Builder},
};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    client_address::ClientAddress,
    error::AuthenticationError,
    rates::{Left, RateSettings, Rates},
    request_log::{LoggedSubject, RequestId},
    *,
};
use crate::clock::SystemClock;

struct Query;

#[Object]
impl Query {
    async fn hello(&self, name: Option<String>) -> String {
        format!("hello {}", name.unwrap_or_default())
    }

    async fn request_id(&self, context: &async_graphql::Context<'_>) -> async_graphql::Result<String> {
        Ok(context.data::<RequestId>()?.0.to_string())
    }

    async fn client(&self, context: &async_graphql::Context<'_>) -> async_graphql::Result<String> {
        Ok(context.data::<ClientAddress>()?.0.to_string())
    }

    async fn hang(&self) -> bool {
        std::future::pending().await
    }

    async fn panic(&self) -> Option<bool> {
        None::<bool>.or_else(|| panic!("secret text"))
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn change(&self) -> bool {
        true
    }
}

pub(super) struct Toy {
    schema: Schema<Query, Mutation, EmptySubscription>,
    rates: Rates,
}

impl Toy {
    pub(super) fn new() -> Self {
        Self::with_rates(&RateSettings { points_a_second: 0, ..RateSettings::default() })
    }

    fn with_rates(settings: &RateSettings) -> Self {
        Self { schema: Schema::new(Query, Mutation, EmptySubscription), rates: Rates::new(settings) }
    }
}

impl Executor for Toy {
    type Session = Option<Left>;

    async fn authenticate(
        &self,
        headers: &HeaderMap,
        _: ClientAddress,
    ) -> Result<Option<Left>, AuthenticationError> {
        match headers.get("authorization").map(HeaderValue::as_bytes) {
            Some(b"Bearer good") => self.charge(&None, NonZeroU32::MIN),
            Some(b"Bearer often") => Err(AuthenticationError::RateLimited {
                subject: "often-1".into(),
                retry_after: Duration::from_secs(7),
            }),
            Some(_) => Err(AuthenticationError::InvalidToken("expired".into())),
            None => Err(AuthenticationError::MissingToken),
        }
    }

    fn subject(_: &Option<Left>) -> Arc<str> {
        "analyst-1".into()
    }

    fn left(session: &Option<Left>) -> Option<Left> {
        *session
    }

    fn charge(&self, _: &Option<Left>, points: NonZeroU32) -> Result<Option<Left>, AuthenticationError> {
        self.rates.charge("issuer", "analyst-1", points)
    }

    async fn execute(&self, _: Option<Left>, request: async_graphql::Request) -> async_graphql::Response {
        self.schema.execute(request).await
    }
}

pub(super) fn services<E>(executor: E) -> Services<E> {
    Services {
        executor: Arc::new(executor),
        documents: Arc::new(Documents::read(None).unwrap()),
        ids: Arc::new(Ids::seeded(Arc::new(SystemClock), 1)),
        health: Arc::new(Health::new(CancellationToken::new())),
        metrics: Arc::new(Metrics::default()),
    }
}

async fn send_with(settings: &HttpSettings, request: Request<Body>) -> Response {
    let app = router(settings, GuardLimits::default(), services(Toy::new()), Router::new());
    app.oneshot(request).await.unwrap()
}

async fn send(request: Request<Body>) -> Response {
    send_with(&HttpSettings::default(), request).await
}

fn post() -> Builder {
    Request::post("/graphql")
        .header("authorization", "Bearer good")
        .header("content-type", "application/json")
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("authorization", "Bearer good").body(Body::empty()).unwrap()
}

fn query(text: &str) -> Body {
    Body::from(json!({ "query": text }).to_string())
}

async fn json_of(response: Response) -> Json {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

async fn code_of(response: Response) -> String {
    let body = json_of(response).await;
    assert!(body.get("data").is_none(), "{body}");
    body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
}

async fn assert_refused(request: Request<Body>, status: u16, code: &str) {
    let response = send(request).await;
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(code_of(response).await, code);
}

#[tokio::test]
async fn a_query_is_answered_with_safe_headers_and_an_id() {
    let response = send(post().body(query("{ hello(name: \"世界\") requestId }")).unwrap()).await;
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    let id = headers["x-request-id"].to_str().unwrap();
    assert_eq!(json_of(response).await, json!({"data": {"hello": "hello 世界", "requestId": id}}));
}

#[tokio::test]
async fn no_body_is_read_without_a_valid_token() {
    for (token, error) in [(None, None), (Some("Bearer bad"), Some("invalid_token"))] {
        let polled = Arc::new(AtomicBool::new(false));
        let seen = polled.clone();
        let body = Body::from_stream(futures_util::stream::poll_fn(move |_| {
            seen.store(true, Ordering::SeqCst);
            std::task::Poll::Ready(None::<Result<Bytes, std::io::Error>>)
        }));
        let mut request = Request::post("/graphql");
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        let response = send(request.body(body).unwrap()).await;
        assert_eq!(response.status(), 401);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert_eq!(challenge.contains("error=\"invalid_token\""), error.is_some(), "{challenge}");
        assert_eq!(code_of(response).await, "UNAUTHENTICATED");
        assert!(!polled.load(Ordering::SeqCst));
    }
}

#[tokio::test]
async fn authentication_comes_before_every_other_complaint() {
    let request = Request::get("/graphql?query=%FF&query=b").header("accept", "text/html");
    assert_refused(request.body(Body::empty()).unwrap(), 401, "UNAUTHENTICATED").await;
    let request = Request::post("/graphql").header("content-length", "999999999");
    assert_refused(request.body(Body::empty()).unwrap(), 401, "UNAUTHENTICATED").await;
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_return() {
    let request = Request::post("/graphql").header("authorization", "Bearer often");
    let response = send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let logged = response.extensions().get::<LoggedSubject>().map(|subject| subject.0.to_string());
    assert_eq!(logged.as_deref(), Some("often-1"), "who it is stands in the access log");
    assert_eq!(code_of(response).await, "RATE_LIMITED");
}

#[tokio::test]
async fn what_a_request_costs_is_taken_and_told() {
    let rates = RateSettings { points_a_second: 1, points: 11 };
    let app = router(
        &HttpSettings::default(),
        GuardLimits::default(),
        services(Toy::with_rates(&rates)),
        Router::new(),
    );
    let ask = async |text: &str| app.clone().oneshot(post().body(query(text)).unwrap()).await.unwrap();
    let told = |response: &Response| {
        let text = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        (text("ratelimit-policy"), text("ratelimit"))
    };
    let policy = || r#""principal";q=11;w=11"#.to_owned();
    let response = ask("{ hello }").await;
    assert_eq!(told(&response), (policy(), r#""principal";r=10"#.to_owned()));
    assert_eq!(told(&ask("{").await), (policy(), r#""principal";r=9"#.to_owned()), "a wrong document counts");
    assert_eq!(told(&ask("mutation { change }").await), (policy(), r#""principal";r=3"#.to_owned()));
    // Let in for one point, and then two are left where five are needed.
    let response = ask("mutation { change }").await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "4", "three more points, and one to be let in");
    assert_eq!(code_of(response).await, "RATE_LIMITED");
    assert_eq!(ask("{ hello }").await.status(), 200);
    assert_eq!(ask("{ hello }").await.status(), 200);
    assert_eq!(ask("{ hello }").await.status(), 429);
}

#[tokio::test]
async fn a_document_is_sent_once_and_named_from_then_on() {
    use sha2::Digest as _;
    let hash = hex::encode(sha2::Sha256::digest("{ hello }"));
    let named = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let app = router(&HttpSettings::default(), GuardLimits::default(), services(Toy::new()), Router::new());
    let ask = async |body: Json| {
        let response = app.clone().oneshot(post().body(Body::from(body.to_string())).unwrap()).await.unwrap();
        (response.status().as_u16(), json_of(response).await)
    };
    let unknown = json!({"errors": [{
        "message": "PersistedQueryNotFound",
        "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
    }]});
    assert_eq!(ask(json!({ "extensions": named })).await, (200, unknown.clone()));
    let hello = json!({"data": {"hello": "hello "}});
    assert_eq!(ask(json!({ "query": "{ hello }", "extensions": named })).await, (200, hello.clone()));
    assert_eq!(ask(json!({ "extensions": named })).await, (200, hello.clone()));
    let response = app.clone().oneshot(get(&format!("/graphql?documentId=sha256:{hash}"))).await.unwrap();
    assert_eq!(json_of(response).await, hello);
    let (status, error) = ask(json!({ "query": "{ client }", "extensions": named })).await;
    assert_eq!((status, &error["errors"][0]["extensions"]["code"]), (400, &json!("BAD_USER_INPUT")));
    // What the guard refuses is not kept.
    let bad = "{ hello ";
    let id = format!("sha256:{}", hex::encode(sha2::Sha256::digest(bad)));
    let (_, error) = ask(json!({ "query": bad, "documentId": id })).await;
    assert_eq!(error["errors"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
    assert_eq!(ask(json!({ "documentId": id })).await, (200, unknown));
    assert_eq!(ask(json!({})).await.0, 400);
}

#[tokio::test]
async fn bodies_are_bounded_declared_or_not() {
    let declared = post().header("content-length", "1048577").body(Body::empty()).unwrap();
    assert_refused(declared, 413, "BAD_USER_INPUT").await;
    let chunks = (0..33).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 32 * 1024])));
    let chunked = post().body(Body::from_stream(futures_util::stream::iter(chunks))).unwrap();
    assert_refused(chunked, 413, "BAD_USER_INPUT").await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let settings = HttpSettings { body_seconds: 0, ..HttpSettings::default() };
    let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    let response = send_with(&settings, post().body(Body::from_stream(never)).unwrap()).await;
    assert_eq!(response.status(), 408);
    assert_eq!(code_of(response).await, "TIMEOUT");
}

#[tokio::test]
async fn forms_batches_and_wrong_types_are_refused() {
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let request = Request::post("/graphql")
            .header("authorization", "Bearer good")
            .header("content-type", content_type)
            .body(query("mutation { change }"));
        assert_refused(request.unwrap(), 415, "BAD_USER_INPUT").await;
    }
    let batch = json!([{ "query": "{ hello }" }]).to_string();
    assert_refused(post().body(batch.into()).unwrap(), 400, "BAD_USER_INPUT").await;
    let accept = post().header("accept", "text/html").body(query("{ hello }"));
    assert_refused(accept.unwrap(), 406, "BAD_USER_INPUT").await;
}

#[tokio::test]
async fn get_runs_queries_only() {
    let answer = json_of(send(get("/graphql?query=%7Bhello%7D")).await).await;
    assert_eq!(answer, json!({"data": {"hello": "hello "}}));
    for text in ["mutation%7Bchange%7D", "query%20A%7Bhello%7D%20mutation%20B%7Bchange%7D&operationName=B"] {
        let response = send(get(&format!("/graphql?query={text}"))).await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "POST");
    }
    let put = Request::put("/graphql").body(Body::empty()).unwrap();
    let response = send(put).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"GET,HEAD,POST".parse().unwrap())
    );
    assert_eq!(code_of(response).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn request_errors_have_codes_and_no_data() {
    let chain: String =
        (0..60).map(|n| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }} ", n + 1)).collect();
    let bomb = format!("{{ ...F0 }} {chain} fragment F60 on Query {{ hello }}");
    for (text, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { hello } query B { hello }", "GRAPHQL_VALIDATION_FAILED"),
        (bomb.as_str(), "QUERY_TOO_COMPLEX"),
        ("{ a: hello ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        assert_refused(post().body(query(text)).unwrap(), 200, code).await;
        let modern = post().header("accept", "application/graphql-response+json").body(query(text)).unwrap();
        assert_refused(modern, 400, code).await;
    }
}

#[tokio::test]
async fn nothing_large_is_echoed() {
    let declared: String = (0..50).map(|n| format!("${}{n}: Int ", "v".repeat(1_000))).collect();
    let response = send(post().body(query(&format!("query({declared}) {{ hello }}"))).unwrap()).await;
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert!(bytes.len() < 20 * 500, "{}", bytes.len());
}

#[tokio::test]
async fn execution_has_a_time_limit() {
    let settings = HttpSettings { execution_seconds: 0, ..HttpSettings::default() };
    let response = send_with(&settings, post().body(query("{ hang }")).unwrap()).await;
    assert_eq!(response.status(), 503);
    assert_eq!(code_of(response).await, "TIMEOUT");
}

#[tokio::test]
async fn a_panic_answers_nothing_but_the_id() {
    let response = send(post().body(query("{ panic }")).unwrap()).await;
    assert_eq!(response.status(), 500);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(
        json_of(response).await,
        json!({"errors": [{
            "message": "Internal error. Please report the request id.",
            "extensions": {"code": "INTERNAL", "requestId": id},
        }]})
    );
}

#[tokio::test]
async fn only_trusted_proxies_name_the_request_and_the_client() {
    let ask = |peer: &str, id: &str| {
        let mut request = post()
            .header("x-request-id", id)
            .header("x-forwarded-for", "198.51.100.1")
            .body(query("{ requestId client }"))
            .unwrap();
        request.extensions_mut().insert(client_address::PeerAddress(peer.parse().unwrap()));
        request
    };
    let settings =
        HttpSettings { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..HttpSettings::default() };
    let trusted = json_of(send_with(&settings, ask("10.0.0.1:9", "edge-1.7")).await).await;
    assert_eq!(trusted["data"], json!({"requestId": "edge-1.7", "client": "198.51.100.1"}));
    let stranger = json_of(send_with(&settings, ask("203.0.113.7:9", "edge-1.7")).await).await;
    assert_ne!(stranger["data"]["requestId"], "edge-1.7");
    assert_eq!(stranger["data"]["client"], "203.0.113.7");
    let odd = json_of(send_with(&settings, ask("10.0.0.1:9", "two words")).await).await;
    assert_ne!(odd["data"]["requestId"], "two words");
}

#[tokio::test]
async fn unknown_routes_and_operators_routes_answer_json() {
    assert_refused(get("/nothing"), 404, "NOT_FOUND").await;
    assert_eq!(json_of(send(get("/healthz")).await).await, json!({"alive": true}));
    let ready = json_of(send(get("/readyz")).await).await;
    assert_eq!(ready, json!({"ready": true, "checks": [{"name": "accepting", "passed": true}]}));
}

#[tokio::test]
async fn metrics_name_routes_and_not_paths() {
    let app = router(&HttpSettings::default(), GuardLimits::default(), services(Toy::new()), Router::new());
    for request in [get("/secret-path?token=s"), get("/graphql?query=%7Bhello%7D")] {
        app.clone().oneshot(request).await.unwrap();
    }
    let response = app.oneshot(get("/metrics")).await.unwrap();
    let text = String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(text.contains(r#"requests_total{method="GET",route="unmatched",status="404"} 1"#), "{text}");
    assert!(text.contains(r#"requests_total{method="GET",route="/graphql",status="200"} 1"#), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn other_modules_routes_stand_behind_the_same_headers() {
    let page = Router::new()
        .route("/page", axum::routing::get(async || ([("cache-control", "max-age=60")], "page")));
    let app = router(&HttpSettings::default(), GuardLimits::default(), services(Toy::new()), page);
    let response = app.oneshot(get("/page")).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "max-age=60");
    assert_eq!(response.headers()["x-frame-options"], "DENY");
}
