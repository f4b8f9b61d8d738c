//! Being told of changes: who hears what, until when, and what becomes of who does not listen.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, Response, header};
use chrono::{DateTime, TimeDelta, Utc};
use entity::message;
use futures_util::{SinkExt, StreamExt};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;
use vulndesk::app::App;
use vulndesk::auth::{Actor, DEVELOPMENT_ISSUER, Role};
use vulndesk::graphql::guard::GuardLimits;
use vulndesk::http::rates::{RateSettings, Rates};
use vulndesk::http::serve::Server;
use vulndesk::http::settings::HttpSettings;
use vulndesk::live::{Hub, Occasion, Operation, Room, Subscription};
use vulndesk::outbox::{MessageKind, sequencer};
use vulndesk::{executor, graphql};

use crate::generate::Schema;
use crate::harness::{TestApp, on_both};
use crate::sequencer::{replica, sequence_all};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const CHANGES: &str = "subscription { eventChanged { type event { number } reports { id } } }";

/// An event stream as its client reads it.
struct Ear {
    body: BodyDataStream,
    read: String,
}

impl Ear {
    fn of(response: Response<Body>) -> Self {
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    /// The next event's name and data; none once the stream has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let line = |name: &str| {
                    let of = event.lines().find_map(|line| line.strip_prefix(name));
                    of.map(|value| value.trim_start().to_owned())
                };
                let found = line("event:").map(|name| (name, line("data:").unwrap_or_default()));
                self.read = rest.to_owned();
                if let Some((name, data)) = found {
                    return Some((name, serde_json::from_str(&data).unwrap_or_default()));
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("something is told")?;
            self.read.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// What the next event tells, of a stream whose subscription is `field`.
    async fn told(&mut self, field: &str) -> Value {
        let (name, data) = self.next().await.expect("the stream goes on");
        assert_eq!((name.as_str(), &data["errors"]), ("next", &Value::Null), "{data}");
        data["data"][field].clone()
    }
}

fn sse(method: &str, path: &str, token: &str, body: Option<Value>) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT, "text/event-stream")
        .header(header::CONTENT_TYPE, "application/json");
    request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()
}

/// The request for the stream of this name.
fn on_stream(name: &str, mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert("x-graphql-event-stream-token", name.parse().unwrap());
    request
}

impl TestApp {
    /// Subscribes, and waits until it is: to what is committed from now on.
    async fn hear(&self, token: &str, query: &str, variables: Value) -> Ear {
        sequence_all(&self.app).await;
        let before = self.live.hub.subscribers();
        let body = json!({ "query": query, "variables": variables });
        let response = self.respond(sse("POST", "/graphql/stream", token, Some(body))).await;
        assert_eq!(response.status(), 200);
        let heard = Ear::of(response);
        let subscribed = async {
            while self.live.hub.subscribers() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, subscribed).await.expect("it subscribes");
        heard
    }

    /// Gives what was committed its place, and has subscribers told.
    async fn tell(&self) {
        sequence_all(&self.app).await;
        self.live.hub.pass().await.unwrap();
    }

    async fn version(&self, event: &str) -> Value {
        let leader = self.token(Role::Leader, "leader-1");
        self.node(&leader, event, "Event", "version").await["version"].clone()
    }

    async fn say(&self, event: &str, body: &str) {
        // An instant of its own, which is the order that messages have.
        self.advance(TimeDelta::seconds(1));
        let analyst = self.token(Role::Analyst, "analyst-1");
        self.made(&analyst, "comment", json!({ "event": event, "body": body }), "id").await;
    }

    /// Lets somebody act no more.
    async fn deny(&self, subject: &str) {
        let input = json!({ "issuer": DEVELOPMENT_ISSUER, "subject": subject, "reason": "left" });
        let admin = self.token(Role::Admin, "admin-1");
        self.done(&admin, "denyPrincipal", "DenyPrincipal", input, "principal { denied }").await;
    }

    /// Gives `engineer-1` work on an event.
    async fn assign(&self, event: &str) {
        self.advance(TimeDelta::seconds(1));
        let analyst = self.token(Role::Analyst, "analyst-1");
        let input = json!({
            "event": event, "expectedVersion": self.version(event).await, "function": "SECURITY", "subject": "engineer-1",
        });
        self.done(&analyst, "assign", "Assign", input, "event { id }").await;
    }
}

#[tokio::test]
async fn each_hears_of_what_they_see_and_of_nothing_else() {
    on_both(|app| async move {
        app.with_company().await;
        let [analyst, leader] = [(Role::Analyst, "analyst-2"), (Role::Leader, "leader-1")];
        let mut analyst = app.hear(&app.token(analyst.0, analyst.1), CHANGES, Value::Null).await;
        let mut leader = app.hear(&app.token(leader.0, leader.1), CHANGES, Value::Null).await;
        let mut engineer =
            app.hear(&app.token_in_scope(Role::Engineer, "engineer-1"), CHANGES, Value::Null).await;
        let platform = |channel: &str| app.mint(&[Role::Src], &format!("src-{channel}"), &[], Some(channel));
        let mut own = app.hear(&platform("src"), CHANGES, Value::Null).await;
        let mut other = app.hear(&platform("cnvd"), CHANGES, Value::Null).await;
        let red = app.receive("analyst-1", "src", "RED-1", "RED").await;
        app.advance(TimeDelta::seconds(1));
        let open = app.receive("analyst-1", "src", "OPEN-1", "AMBER").await;
        app.advance(TimeDelta::seconds(1));
        let theirs = app.receive("analyst-1", "cnvd", "OPEN-2", "AMBER").await;
        app.assign(&theirs.event).await;
        app.tell().await;

        let number = |told: &Value| told["event"]["number"].clone();
        assert_eq!(
            number(&analyst.told("eventChanged").await),
            open.number,
            "the red one is for named people"
        );
        assert_eq!(number(&leader.told("eventChanged").await), red.number);
        let told = engineer.told("eventChanged").await;
        assert_eq!(
            number(&told),
            theirs.number,
            "the first that they hear of is what lets them see it: {told}"
        );
        let heard = [
            own.told("eventChanged").await,
            own.told("eventChanged").await,
            other.told("eventChanged").await,
        ];
        for (told, report) in heard.into_iter().zip([&red.report, &open.report, &theirs.report]) {
            let expected = json!({ "type": "report.received", "event": null, "reports": [{ "id": report }] });
            assert_eq!(told, expected, "their own alone, and the public side");
        }
        let records = entity::access_record::Entity::find().all(app.app.database.reader()).await.unwrap();
        let of_leader: Vec<_> = records.iter().filter(|row| row.actor == "leader-1").collect();
        assert!(!of_leader.is_empty() && of_leader.iter().all(|row| row.event_ids.0 == [red.number.clone()]));
        assert!(records.iter().all(|row| row.actor != "analyst-2" && row.actor != "engineer-1"));
    })
    .await;
}

#[tokio::test]
async fn who_loses_an_event_hears_no_more_of_it() {
    on_both(|app| async move {
        app.with_company().await;
        let mine = app.receive("analyst-1", "src", "1", "AMBER").await;
        let next = app.receive("analyst-1", "src", "2", "AMBER").await;
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        let mut engineer = app.hear(&engineer, CHANGES, Value::Null).await;
        let mut analyst = app.hear(&app.token(Role::Analyst, "analyst-2"), CHANGES, Value::Null).await;
        app.assign(&mine.event).await;
        app.tell().await;
        assert_eq!(engineer.told("eventChanged").await["event"]["number"], mine.number);

        // Committed before they are told of it, and hence not to be told of any more.
        app.say(&mine.event, "what the engineer may have read a moment ago").await;
        let leader = app.token(Role::Leader, "leader-1");
        let team = app.node(&leader, &mine.event, "Event", "version team { id subject }").await;
        let members = team["team"].as_array().unwrap();
        let member = members.iter().find(|member| member["subject"] == "engineer-1").unwrap();
        let input = json!({ "member": member["id"], "expectedVersion": team["version"], "reason": "another takes it" });
        app.done(&leader, "removeTeamMember", "RemoveTeamMember", input, "event { id }").await;
        let input = json!({
            "event": mine.event, "expectedVersion": app.version(&mine.event).await, "tlp": "RED", "reason": "worse",
        });
        app.done(&leader, "setTlp", "SetTlp", input, "event { id }").await;
        app.assign(&next.event).await;
        app.tell().await;
        loop {
            let told = engineer.told("eventChanged").await;
            if told["event"]["number"] == next.number {
                break;
            }
            assert_ne!(told["type"], "event.comment_added", "{told}");
            assert_ne!(told["type"], "event.protection_changed", "{told}");
        }
        loop {
            let told = analyst.told("eventChanged").await;
            assert_ne!(told["type"], "event.protection_changed", "it is for named people now: {told}");
            assert_ne!(told["type"], "event.comment_added", "{told}");
            if told["event"]["number"] == next.number {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_denied_and_whose_token_is_over_hears_nothing_more_and_is_let_go() {
    on_both(|app| async move {
        app.with_company().await;
        let event = app.receive("analyst-1", "src", "1", "AMBER").await;
        let mut denied = app.hear(&app.token(Role::Analyst, "analyst-2"), CHANGES, Value::Null).await;
        let mut over = app.hear(&app.token(Role::Analyst, "analyst-3"), CHANGES, Value::Null).await;
        app.deny("analyst-2").await;
        app.say(&event.event, "for who is still here").await;
        app.tell().await;
        assert_eq!(denied.next().await, None);
        assert_eq!(over.told("eventChanged").await["type"], "event.comment_added");
        app.advance(TimeDelta::hours(2));
        app.say(&event.event, "for nobody").await;
        app.tell().await;
        assert_eq!(over.next().await, None);
    })
    .await;
}

#[tokio::test]
async fn intervals_let_go_whom_no_change_tells_of() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let stop = CancellationToken::new();
    let hub = tokio::spawn(Arc::clone(&app.live.hub).run(stop.clone()));
    let mut over = app.hear(&app.token(Role::Analyst, "analyst-1"), CHANGES, Value::Null).await;
    app.advance(TimeDelta::hours(2));
    assert_eq!(over.next().await, None);
    stop.cancel();
    hub.await.unwrap();
}

#[tokio::test]
async fn who_does_not_listen_is_let_go_and_nobody_waits_for_them() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let event = app.receive("analyst-1", "src", "1", "AMBER").await;
    let token = app.token(Role::Analyst, "analyst-2");
    let mut deaf = app.hear(&token, CHANGES, Value::Null).await;
    let mut awake = app.hear(&token, CHANGES, Value::Null).await;
    let many = 6;
    for round in 0..many {
        for word in 0..20 {
            app.say(&event.event, &format!("{round}.{word}")).await;
        }
        app.tell().await;
        for _ in 0..20 {
            assert_eq!(awake.told("eventChanged").await["type"], "event.comment_added");
        }
    }
    let mut heard = 0;
    while let Some((name, _)) = deaf.next().await {
        assert_eq!(name, "next", "a stream that broke off is not complete");
        heard += 1;
    }
    assert!(heard < many * 20, "{heard}");
    let (_, metrics) = app.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert!(metrics.lines().any(|line| line == "vulndesk_live_fell_behind_total 1"), "{metrics}");
}

#[tokio::test]
async fn filters_narrow_and_a_hidden_event_is_as_silent_as_an_absent_one() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let one = app.receive("analyst-1", "src", "1", "AMBER").await;
    let other = app.receive("analyst-1", "src", "2", "AMBER").await;
    let hidden = app.receive("analyst-1", "src", "3", "RED").await;
    let token = app.token(Role::Analyst, "analyst-2");
    let query = "subscription($event: ID, $types: [String!]) { eventChanged(event: $event, types: $types) {
        type event { number } } }";
    let mut of_one = app.hear(&token, query, json!({ "event": one.event })).await;
    let mut typed = app.hear(&token, query, json!({ "types": ["assignment.*"] })).await;
    let absent = vulndesk::ids::encode(vulndesk::ids::Kind::Event, uuid::Uuid::from_u128(7));
    let mut silent = Vec::new();
    for event in [&hidden.event, &absent] {
        silent.push(app.hear(&token, query, json!({ "event": event })).await);
    }
    app.say(&other.event, "not this").await;
    app.say(&hidden.event, "nor this").await;
    app.say(&one.event, "but this").await;
    app.assign(&other.event).await;
    app.tell().await;
    assert_eq!(
        of_one.told("eventChanged").await,
        json!({ "type": "event.comment_added", "event": { "number": one.number } })
    );
    assert_eq!(typed.told("eventChanged").await["event"]["number"], other.number);
    app.shutdown.token.cancel();
    for ear in &mut silent {
        assert_eq!(ear.next().await, None, "neither told anything before it ended with the process");
    }
}

#[tokio::test]
async fn what_is_refused_is_said_on_the_stream_and_by_the_status_of_what_is_no_operation() {
    let app = TestApp::sqlite().await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let finance = app.token(Role::Finance, "finance-1");
    let deep = format!(
        "subscription {{ eventChanged {{ event {} }} }}",
        "{ duplicates ".repeat(12) + "{ id }" + &"}".repeat(12)
    );
    for (token, query, code) in [
        (&finance, "subscription { eventChanged { type } }", "FORBIDDEN"),
        (&analyst, "subscription { deliveryFailed { type } }", "FORBIDDEN"),
        (&analyst, "subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (&analyst, "subscription {", "GRAPHQL_PARSE_FAILED"),
        (&analyst, &deep, "QUERY_TOO_COMPLEX"),
        (&analyst, "subscription { eventChanged { type } deadlineDue { type } }", "BAD_USER_INPUT"),
        (&analyst, "subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        (
            &analyst,
            "subscription { ...F } fragment F on Subscription { eventChanged { type } }",
            "BAD_USER_INPUT",
        ),
        (&analyst, "subscription { eventChanged(types: [\"payout.*\"]) { type } }", "BAD_USER_INPUT"),
        (&analyst, "subscription { eventChanged(types: [\"none\"]) { type } }", "BAD_USER_INPUT"),
        (&analyst, "subscription { eventChanged(event: \"x\") { type } }", "INVALID_ID"),
    ] {
        let body = json!({ "query": query });
        let response = app.respond(sse("POST", "/graphql/stream", token, Some(body))).await;
        let mut ear = Ear::of(response);
        let (name, data) = ear.next().await.unwrap();
        assert_eq!(
            (name.as_str(), &data["errors"][0]["extensions"]["code"]),
            ("next", &json!(code)),
            "{query}: {data}"
        );
        assert_eq!(ear.next().await.unwrap().0, "complete");
        assert_eq!(ear.next().await, None);
    }
    assert_eq!(app.live.hub.subscribers(), 0);
    let query = json!({ "query": "{ viewer { subject } }" });
    let mut ear = {
        let response = app.respond(sse("POST", "/graphql/stream", &analyst, Some(query.clone()))).await;
        Ear::of(response)
    };
    assert_eq!(ear.next().await.unwrap().1["data"]["viewer"]["subject"], "analyst-1");
    assert_eq!(ear.next().await.unwrap().0, "complete");

    let status = async |request: Request<Body>| app.respond(request).await.status().as_u16();
    let mut plain = sse("POST", "/graphql/stream", &analyst, Some(query.clone()));
    plain.headers_mut().insert(header::ACCEPT, "application/json".parse().unwrap());
    assert_eq!(status(plain).await, 406);
    let mut form = sse("POST", "/graphql/stream", &analyst, Some(query.clone()));
    form.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(status(form).await, 415);
    assert_eq!(status(sse("POST", "/graphql/stream", &analyst, Some(json!([])))).await, 400);
    assert_eq!(status(sse("PATCH", "/graphql/stream", &analyst, None)).await, 405);
    let change = "/graphql/stream?query=mutation%20%7B%20markNoticeRead%20%7B%20userErrors%20%7B%20code%20%7D%20%7D%20%7D";
    assert_eq!(status(sse("GET", change, &analyst, None)).await, 405);
    for method in ["GET", "POST", "PUT", "DELETE"] {
        assert_eq!(
            status(sse(method, "/graphql/stream", "none", Some(query.clone()))).await,
            401,
            "{method}"
        );
    }
    let answer = app.graphql(&analyst, CHANGES, Value::Null).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
}

#[tokio::test]
async fn a_clients_one_stream_is_its_own_and_carries_what_it_asks() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let event = app.receive("analyst-1", "src", "1", "AMBER").await;
    let mine = app.token(Role::Analyst, "analyst-2");
    let theirs = app.token(Role::Analyst, "analyst-3");
    sequence_all(&app.app).await;
    let (status, name) = app.send(sse("PUT", "/graphql/stream", &mine, None)).await;
    assert_eq!((status, name.len()), (201, 64));
    let with = |method: &str, path: &str, token: &str, body: Option<Value>| {
        on_stream(&name, sse(method, path, token, body))
    };
    let status = async |request: Request<Body>| app.respond(request).await.status().as_u16();
    let asked = |id: &str| json!({ "query": CHANGES, "extensions": { "operationId": id } });
    let stream = "/graphql/stream";
    for request in [with("GET", stream, &theirs, None), with("POST", stream, &theirs, Some(asked("1")))] {
        assert_eq!(status(request).await, 404, "it is another's");
    }
    let response = app.respond(with("GET", stream, &mine, None)).await;
    assert_eq!(response.status(), 200);
    let mut ear = Ear::of(response);
    assert_eq!(status(with("GET", stream, &mine, None)).await, 409);
    assert_eq!(status(with("POST", stream, &mine, Some(json!({ "query": CHANGES })))).await, 400);
    let broken = json!({ "query": "{", "extensions": { "operationId": "0" } });
    assert_eq!(status(with("POST", stream, &mine, Some(broken))).await, 400);
    assert_eq!(status(with("POST", stream, &mine, Some(asked("1")))).await, 202);
    assert_eq!(status(with("POST", stream, &mine, Some(asked("1")))).await, 409);
    let once = json!({ "query": "{ viewer { subject } }", "extensions": { "operationId": "2" } });
    assert_eq!(status(with("POST", stream, &mine, Some(once))).await, 202);
    let (name, data) = ear.next().await.unwrap();
    let expected = json!({ "id": "2", "payload": { "data": { "viewer": { "subject": "analyst-2" } } } });
    assert_eq!((name.as_str(), data), ("next", expected));
    assert_eq!(ear.next().await.unwrap(), ("complete".to_owned(), json!({ "id": "2" })));
    while app.live.hub.subscribers() == 0 {
        tokio::task::yield_now().await;
    }
    app.say(&event.event, "to all").await;
    app.tell().await;
    let (_, data) = ear.next().await.unwrap();
    assert_eq!(
        (&data["id"], &data["payload"]["data"]["eventChanged"]["type"]),
        (&json!("1"), &json!("event.comment_added"))
    );
    assert_eq!(status(with("DELETE", "/graphql/stream?operationId=1", &mine, None)).await, 200);
    while app.live.hub.subscribers() > 0 {
        tokio::task::yield_now().await;
    }
    drop(ear);
    assert_eq!(
        status(with("POST", stream, &mine, Some(asked("3")))).await,
        404,
        "it went with its connection"
    );
}

#[tokio::test]
async fn an_operation_on_a_clients_one_stream_ends_with_its_own_token() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let event = app.receive("analyst-1", "src", "1", "AMBER").await;
    let first = app.token(Role::Analyst, "analyst-2");
    app.advance(TimeDelta::minutes(30));
    let second = app.token(Role::Analyst, "analyst-2");
    let (_, name) = app.send(sse("PUT", "/graphql/stream", &second, None)).await;
    let with = |method: &str, token: &str, body: Option<Value>| {
        on_stream(&name, sse(method, "/graphql/stream", token, body))
    };
    let response = app.respond(with("GET", &second, None)).await;
    let mut ear = Ear::of(response);
    let asked = |id: &str| json!({ "query": CHANGES, "extensions": { "operationId": id } });
    assert_eq!(app.respond(with("POST", &first, Some(asked(&"x".repeat(257))))).await.status(), 400);
    assert_eq!(app.respond(with("POST", &first, Some(asked("1")))).await.status(), 202);
    while app.live.hub.subscribers() == 0 {
        tokio::task::yield_now().await;
    }
    app.advance(TimeDelta::minutes(31));
    app.say(&event.event, "for whose token is over").await;
    app.tell().await;
    assert_eq!(ear.next().await, None);
}

#[tokio::test]
async fn what_happens_while_nobody_is_there_is_not_told_later() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let missed = app.receive("analyst-1", "src", "1", "AMBER").await;
    let next = app.receive("analyst-1", "src", "2", "AMBER").await;
    let token = app.token(Role::Analyst, "analyst-2");
    drop(app.hear(&token, CHANGES, Value::Null).await);
    while app.live.hub.subscribers() > 0 {
        tokio::task::yield_now().await;
    }
    app.tell().await;
    app.say(&missed.event, "to nobody").await;
    let mut ear = app.hear(&token, CHANGES, Value::Null).await;
    app.say(&next.event, "to who is here").await;
    app.tell().await;
    assert_eq!(ear.told("eventChanged").await["event"]["number"], next.number);
}

/// A hub with nobody connected.
fn hub_of(app: &Arc<App>, rates: RateSettings) -> Arc<Hub> {
    let room = Room { all: 9, per_address: 9, per_principal: 9 };
    Hub::new(Arc::clone(app), graphql::schema(), Arc::new(Rates::new(&rates)), room, PATIENCE)
}

async fn follow(hub: &Arc<Hub>, subject: &str, query: &str) -> Result<Subscription, Value> {
    let actor = Actor::operator(subject, [Role::Analyst]);
    let limits = GuardLimits::default();
    let operation = Operation::new(query.to_owned(), None, Default::default(), &limits).unwrap();
    hub.subscribe("issuer", actor, operation).await.map_err(|errors| json!(errors))
}

#[tokio::test]
async fn who_is_told_more_than_they_may_ask_for_is_told_later_and_others_are_not() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let event = app.receive("analyst-1", "src", "1", "AMBER").await;
    sequence_all(&app.app).await;
    let hub = hub_of(&app.app, RateSettings { points_a_second: 1, points: 2 });
    let mut much = [
        follow(&hub, "analyst-2", CHANGES).await.unwrap(),
        follow(&hub, "analyst-2", "subscription { eventChanged { type } }").await.unwrap(),
        follow(&hub, "analyst-2", "subscription { eventChanged { at } }").await.unwrap(),
    ];
    let mut little = follow(&hub, "analyst-3", CHANGES).await.unwrap();
    let began = std::time::Instant::now();
    app.say(&event.event, "to all").await;
    sequence_all(&app.app).await;
    hub.pass().await.unwrap();
    little.next().await.unwrap();
    for subscription in &mut much {
        tokio::time::timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
    }
    assert!(began.elapsed() >= Duration::from_millis(500), "the third has to wait for its point");
}

#[tokio::test]
async fn what_one_principals_subscriptions_keep_is_bounded() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let event = app.receive("analyst-1", "src", "1", "AMBER").await;
    sequence_all(&app.app).await;
    let hub = hub_of(&app.app, RateSettings::default());
    let mut kept = Vec::new();
    for length in [60_000, 6_000, 600, 1] {
        loop {
            let query = format!("{CHANGES}#{}{}", kept.len(), "x".repeat(length));
            match follow(&hub, "analyst-2", &query).await {
                Ok(subscription) => kept.push(subscription),
                Err(errors) => {
                    assert_eq!(errors[0]["extensions"]["code"], "RATE_LIMITED", "{errors}");
                    break;
                }
            }
        }
    }
    let mut other = follow(&hub, "analyst-3", CHANGES).await.unwrap();
    app.say(&event.event, "to all").await;
    sequence_all(&app.app).await;
    hub.pass().await.unwrap();
    other.next().await.unwrap();
    // What nobody takes leaves no room for more, until some are told no more.
    let all = kept.len();
    let given_up = async {
        while hub.subscribers() > all {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, given_up).await.unwrap();
    let mut behind = 0;
    for mut subscription in kept {
        behind += usize::from(subscription.next().await.is_err());
    }
    assert!(behind > 0 && behind < all, "{behind} of {all}");
    assert!(follow(&hub, "analyst-2", CHANGES).await.is_ok(), "what is over is given back");
}

#[tokio::test]
async fn another_replica_tells_its_own_subscribers() {
    let here = TestApp::postgres().await;
    here.with_company().await;
    let event = here.receive("analyst-1", "src", "1", "AMBER").await;
    let there = Arc::new(replica(&here).await);
    let stop = CancellationToken::new();
    let loops = [
        tokio::spawn(sequencer::run(Arc::clone(&here.app), stop.clone())),
        tokio::spawn(sequencer::run(Arc::clone(&there), stop.clone())),
    ];
    let hub = hub_of(&there, RateSettings::default());
    let following = async {
        let mut sequenced = there.wake.behind_the_sequencer();
        loop {
            hub.pass().await.unwrap();
            sequenced.roused().await;
        }
    };
    let hearing = async {
        let mut subscription = follow(&hub, "analyst-2", CHANGES).await.unwrap();
        here.say(&event.event, "here").await;
        loop {
            let told: Value = serde_json::from_str(&subscription.next().await.unwrap()).unwrap();
            if told["data"]["eventChanged"]["type"] == "event.comment_added" {
                return;
            }
        }
    };
    let heard = async {
        tokio::select! {
            () = hearing => {}
            () = following => {}
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("it is told of");
    stop.cancel();
    for task in loops {
        task.await.unwrap();
    }
}

/// What `actor` is told by each subscription of the messages that are there, two of each type, and of an endpoint and a
/// tracker that fail.
pub(crate) async fn every_told(
    app: &TestApp,
    schema: &Schema,
    actor: &Actor,
    [endpoint, tracker]: &[&String; 2],
) -> Vec<Value> {
    let rows = message::Entity::find().all(app.app.database.reader()).await.unwrap();
    let mut occasions: Vec<Occasion> = Vec::new();
    for occasion in rows.into_iter().filter_map(Occasion::of) {
        if occasions.iter().filter(|known| known.kind == occasion.kind).count() < 2 {
            occasions.push(occasion);
        }
    }
    for (kind, data) in [
        (MessageKind::WebhookEndpointFailing, json!({ "endpoint": endpoint, "givenUp": 3 })),
        (MessageKind::TrackerFailing, json!({ "tracker": tracker })),
    ] {
        let data = data.as_object().unwrap().clone();
        occasions.push(Occasion { kind, event: None, data, at: app.now() });
    }
    let (api, mut told) = (graphql::schema(), Vec::new());
    for field in schema.fields_of("Subscription") {
        let (document, _) = schema.operation("subscription", &field, 1);
        told.extend(told_of(app, &api, actor, &document, &occasions).await.unwrap_or_default());
    }
    told
}

/// What happened at or after this instant.
pub(crate) async fn occasions_since(app: &TestApp, since: DateTime<Utc>) -> Vec<Occasion> {
    let rows = message::Entity::find().filter(message::Column::CreatedAt.gte(since));
    let rows = rows.order_by_asc(message::Column::CreatedAt).order_by_asc(message::Column::Id);
    rows.all(app.app.database.reader()).await.unwrap().into_iter().filter_map(Occasion::of).collect()
}

/// What `actor` is told of these by one subscription; none when it is not theirs to make.
pub(crate) async fn told_of(
    app: &TestApp,
    api: &graphql::Schema,
    actor: &Actor,
    document: &str,
    occasions: &[Occasion],
) -> Option<Vec<Value>> {
    let interest = executor::enrol(api, &app.app, actor.clone(), document.into()).await.ok()?;
    let mut told = Vec::new();
    for occasion in occasions.iter().filter(|occasion| interest.kinds.contains(&occasion.kind)) {
        let occasion = Arc::new(occasion.clone());
        let answer = executor::tell(api, &app.app, actor.clone(), document.into(), occasion).await;
        let Some(answer) = answer.map(|answer| serde_json::to_value(answer).unwrap()) else { continue };
        assert!(answer["errors"].is_null(), "{answer}");
        told.push(answer);
    }
    Some(told)
}

/// A WebSocket as its client sees it.
struct Wire(WebSocketStream<TcpStream>);

impl Wire {
    async fn open(address: std::net::SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    /// The next message, or the code that closes the socket.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something comes");
            match frame.expect("a close frame comes first").unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => return Err(frame.expect("a code").code.into()),
                _ => {}
            }
        }
    }

    async fn init(&mut self, token: &str) -> Result<Value, u16> {
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
        self.next().await
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }
}

#[tokio::test]
async fn a_socket_is_told_what_its_caller_sees_and_closed_when_they_may_hear_no_more() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let event = app.receive("analyst-1", "src", "1", "AMBER").await;
    let settings = HttpSettings { listen: "127.0.0.1:0".parse().unwrap(), ..HttpSettings::default() };
    let server = Server::bind(&settings).await.unwrap();
    let address = server.address();
    let serving = tokio::spawn(server.run(app.router.clone(), app.shutdown.clone()));
    let token = app.token(Role::Analyst, "analyst-2");
    sequence_all(&app.app).await;

    assert_eq!(Wire::open(address, &[("authorization", "Bearer none")]).await.err(), Some(401));
    assert_eq!(Wire::open(address, &[("origin", "https://elsewhere.example")]).await.err(), Some(403));
    let own = format!("http://{address}");
    let mut socket = Wire::open(address, &[("origin", own.as_str())]).await.unwrap();
    assert_eq!(socket.init("none").await, Err(4403));
    let mut socket = Wire::open(address, &[]).await.unwrap();
    socket.subscribe("1", CHANGES).await;
    assert_eq!(socket.next().await, Err(4401));

    let bearer = format!("Bearer {token}");
    let mut by_header = Wire::open(address, &[("authorization", bearer.as_str())]).await.unwrap();
    by_header.send(json!({ "type": "connection_init" })).await;
    assert_eq!(by_header.next().await.unwrap()["type"], "connection_ack");
    let mut socket = Wire::open(address, &[]).await.unwrap();
    assert_eq!(socket.init(&token).await.unwrap()["type"], "connection_ack");
    socket.subscribe("q", "{ viewer { subject } }").await;
    let answered =
        json!({ "id": "q", "type": "next", "payload": { "data": { "viewer": { "subject": "analyst-2" } } } });
    assert_eq!(socket.next().await, Ok(answered));
    assert_eq!(socket.next().await, Ok(json!({ "id": "q", "type": "complete" })));
    socket.subscribe("e", "{ nothing }").await;
    let refused = socket.next().await.unwrap();
    assert_eq!(
        (&refused["type"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("GRAPHQL_VALIDATION_FAILED"))
    );
    let subscribed = async |socket: &mut Wire, before: usize| {
        socket.subscribe("s", CHANGES).await;
        while app.live.hub.subscribers() == before {
            tokio::task::yield_now().await;
        }
    };
    subscribed(&mut socket, 0).await;
    subscribed(&mut by_header, 1).await;
    app.say(&event.event, "to all").await;
    app.tell().await;
    for socket in [&mut socket, &mut by_header] {
        let told = socket.next().await.unwrap();
        assert_eq!(
            (&told["id"], &told["payload"]["data"]["eventChanged"]["type"]),
            (&json!("s"), &json!("event.comment_added"))
        );
    }
    // Completed by the client: its id may be used again, and nothing comes for it.
    by_header.send(json!({ "id": "s", "type": "complete" })).await;
    while app.live.hub.subscribers() == 2 {
        tokio::task::yield_now().await;
    }
    app.deny("analyst-2").await;
    app.say(&event.event, "for who is still here").await;
    app.tell().await;
    assert_eq!(socket.next().await, Err(4403));

    let mut idle = Wire::open(address, &[]).await.unwrap();
    assert_eq!(idle.init(&app.token(Role::Analyst, "analyst-3")).await.unwrap()["type"], "connection_ack");
    app.tell().await;
    app.deny("analyst-3").await;
    app.tell().await;
    assert_eq!(idle.next().await, Err(4403), "who follows nothing is let go as well");

    let mut last = Wire::open(address, &[]).await.unwrap();
    assert_eq!(last.init(&app.token(Role::Analyst, "analyst-4")).await.unwrap()["type"], "connection_ack");
    app.shutdown.token.cancel();
    assert_eq!(last.next().await, Err(1012));
    serving.await.unwrap();
}
