//! What deliveries cost on PostgreSQL: draining a long queue, beside a plain loop that claims as many rows and posts the same
//! bodies, and the way of one message from commit to receiver.
//!
//! `VULNDESK_BENCH_POSTGRES=postgres://.../empty cargo bench --bench webhooks`. Signing, the attempt log and the guard
//! around the client are on; the receiver is in this process, on the loopback, and takes everything.
//! `VULNDESK_BENCH_DELIVERIES` sets the length of the queue (default 40,000), `VULNDESK_BENCH_ROUNDS` how often product and
//! loop drain one in turns (default 3).

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use entity::vocabulary::{DeliveryOrder, EndpointState, GrantState, Tlp, WebhookPayload, WebhookPreset};
use entity::{message, webhook_endpoint, webhook_secret};
use futures_util::{StreamExt as _, stream};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vulndesk::app::App;
use vulndesk::auth::policy::Action;
use vulndesk::auth::visibility::{AccessFacts, regrant};
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::database::Database;
use vulndesk::outbound::{OutboundSettings, Policy};
use vulndesk::outbox::{ChangeSet, sequencer};
use vulndesk::secret::{Column, Key, KeyRing};
use vulndesk::webhook::{sign, worker};
use vulndesk::{event, migrate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Endpoints among which the queue is spread.
const ENDPOINTS: usize = 4;
/// Requests at once for each of them.
const CONCURRENCY: usize = 16;
/// Events that the messages are about.
const EVENTS: usize = 500;
/// Messages that follow each other at 100 a second, to measure the way of one.
const PACED: usize = 500;

/// Rows that the plain loop claims at once.
const CLAIMED: i64 = 1_000;

/// Counts what arrives, keeps what came last, and when which message was first there.
#[derive(Default)]
struct Arrivals {
    count: AtomicUsize,
    last: Mutex<Bytes>,
    at: Mutex<HashMap<String, Instant>>,
}

#[tokio::main]
async fn main() {
    let Ok(url) = std::env::var("VULNDESK_BENCH_POSTGRES") else {
        println!("skipped: VULNDESK_BENCH_POSTGRES names no empty PostgreSQL database");
        return;
    };
    let set = |name: &str| std::env::var(name).ok().and_then(|count| count.parse::<usize>().ok());
    let deliveries = set("VULNDESK_BENCH_DELIVERIES").unwrap_or(40_000);
    let rounds = set("VULNDESK_BENCH_ROUNDS").unwrap_or(3);
    let arrivals = Arc::new(Arrivals::default());
    let port = receiver(Arc::clone(&arrivals)).await;
    let app = Arc::new(product(&url, port).await);
    for kind in KINDS {
        endpoint(&app, port, &format!("event.{kind}")).await;
    }
    let events = events(&app).await;
    let (mut product, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        product.push(drained(&app, &arrivals, &events, deliveries).await);
        floor.push(looped(&app, &arrivals, port, deliveries).await);
    }
    println!("of the loop {:>7} %", median(product) * 100 / median(floor));
    paced(&app, &arrivals, &events).await;
}

const KINDS: [&str; ENDPOINTS] = ["scored", "verdict_given", "status_changed", "affected_changed"];

async fn receiver(arrivals: Arc<Arrivals>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().fallback(move |body: Bytes| {
        arrivals.count.fetch_add(1, Ordering::Relaxed);
        *arrivals.last.lock().unwrap() = body.clone();
        // Only paced messages carry a mark.
        if let Some(mark) =
            serde_json::from_slice::<serde_json::Value>(&body).unwrap()["data"]["mark"].as_str()
        {
            arrivals.at.lock().unwrap().entry(mark.to_owned()).or_insert_with(Instant::now);
        }
        async { StatusCode::NO_CONTENT }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

async fn product(url: &str, port: u16) -> App {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::connect(url, 16).await.unwrap();
    migrate::run(&database, &SystemClock, &Ids::new(Arc::clone(&clock))).await.unwrap();
    let outbound = Policy::new(&OutboundSettings {
        http_hosts: vec!["127.0.0.1".to_owned()],
        networks: vec!["127.0.0.1/32".parse().unwrap()],
        ports: vec![port],
    });
    let app = App::new(database, Arc::clone(&clock), Ids::new(clock)).await.unwrap();
    app.with_secrets(KeyRing::new([Key::new([7; 32])])).with_outbound(outbound)
}

async fn endpoint(app: &App, port: u16, kind: &str) {
    let now = app.clock.now();
    let row = webhook_endpoint::Model {
        id: app.ids.next(),
        name: kind.to_owned(),
        url: format!("http://127.0.0.1:{port}/hook"),
        sealed_url: None,
        preset: WebhookPreset::Standard,
        message_types: vec![kind.to_owned()].into(),
        channel_ids: Vec::new().into(),
        lines: Vec::new().into(),
        min_level: None,
        tlp_ceiling: Tlp::Amber,
        payload: WebhookPayload::Thin,
        delivery_order: DeliveryOrder::Any,
        max_concurrency: i32::try_from(CONCURRENCY).unwrap(),
        headers: None,
        owner: "admin-1".into(),
        state: EndpointState::Active,
        state_reason: None,
        failing_since: None,
        grant_role: "ANALYST".into(),
        grant_products: Vec::new().into(),
        grant_channel: None,
        grant_tlp_ceiling: Tlp::Amber,
        grant_abroad: false,
        grant_state: GrantState::Confirmed,
        grant_proposed_by: "admin-1".into(),
        grant_confirmed_by: Some("leader-1".into()),
        grant_confirmed_at: Some(now),
        deleted_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    let id = app.ids.next();
    let place = Column::WebhookSecret.of(id);
    let secret = webhook_secret::Model {
        id,
        endpoint_id: row.id,
        sealed: app.secrets.seal(&app.ids, place, sign::secret_text(&[1; 32]).as_bytes()).unwrap(),
        created_at: now,
        expires_at: None,
    };
    let writer = app.database.writer();
    webhook_endpoint::Entity::insert(row.into_active_model()).exec_without_returning(writer).await.unwrap();
    webhook_secret::Entity::insert(secret.into_active_model()).exec_without_returning(writer).await.unwrap();
}

async fn events(app: &App) -> Vec<Uuid> {
    let analyst = Actor::operator("analyst-1", [Role::Analyst]);
    let mut made = Vec::new();
    for _ in 0..EVENTS {
        let row = event::new(app, "A hole", app.clock.now(), Tlp::Green).await.unwrap();
        let mut changes = ChangeSet::new(app, &analyst, Action::ReceiveReport);
        regrant(&mut changes, None, &AccessFacts::new(row.clone()));
        let row = changes.create(app, row.clone(), Some(row.id));
        app.commit(changes).await.unwrap();
        made.push(row.id);
    }
    made
}

fn message(app: &App, kind: usize, event: Uuid, data: serde_json::Value) -> message::ActiveModel {
    let row = message::Model {
        id: app.ids.next(),
        kind: format!("event.{}", KINDS[kind % ENDPOINTS]),
        endpoint_id: None,
        event_id: Some(event),
        data,
        created_at: app.clock.now(),
        position: None,
    };
    row.into_active_model()
}

/// Drains a queue as the product does, and answers how many a second.
async fn drained(app: &Arc<App>, arrivals: &Arrivals, events: &[Uuid], deliveries: usize) -> u128 {
    arrivals.count.store(0, Ordering::Relaxed);
    let all: Vec<usize> = (0..deliveries).collect();
    for part in all.chunks(1_000) {
        let rows = part
            .iter()
            .map(|number| message(app, *number, events[number % EVENTS], json!({ "level": "RED" })));
        message::Entity::insert_many(rows).exec_without_returning(app.database.writer()).await.unwrap();
    }
    let started = Instant::now();
    while sequencer::sequence(app).await.unwrap().more {}
    println!("fan-out    {:>8} a second", per_second(deliveries, started.elapsed()));
    let started = Instant::now();
    worker::drain(Arc::clone(app)).await.unwrap();
    let took = started.elapsed();
    assert_eq!(arrivals.count.load(Ordering::Relaxed), deliveries);
    println!("deliveries {:>8} a second ({deliveries} in {took:.1?})", per_second(deliveries, took));
    per_second(deliveries, took)
}

/// Drains as many rows by what one would write without this product: claim some, post each one's body, as many at once as the
/// product does, mark them, and go on. Nothing is signed, written down, looked up or guarded.
async fn looped(app: &App, arrivals: &Arrivals, port: u16, deliveries: usize) -> u128 {
    arrivals.count.store(0, Ordering::Relaxed);
    let pool = app.database.postgres().unwrap();
    let body = String::from_utf8(arrivals.last.lock().unwrap().to_vec()).unwrap();
    for sql in [
        "DROP TABLE IF EXISTS plain",
        "CREATE TABLE plain (id bigint PRIMARY KEY, body text NOT NULL, state text NOT NULL)",
        "CREATE INDEX plain_waiting ON plain (id) WHERE state = 'WAITING'",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    let fill = "INSERT INTO plain SELECT id, $2, 'WAITING' FROM generate_series(1, $1) AS id";
    sqlx::query(fill).bind(i64::try_from(deliveries).unwrap()).bind(body).execute(pool).await.unwrap();
    let client = reqwest::Client::new();
    let url = format!("http://127.0.0.1:{port}/hook");
    let started = Instant::now();
    loop {
        let claim = "UPDATE plain SET state = 'SENDING' WHERE id IN (SELECT id FROM plain WHERE state = 'WAITING' \
                     ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, body";
        let claimed: Vec<(i64, String)> = sqlx::query_as(claim).bind(CLAIMED).fetch_all(pool).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        let posts = claimed.into_iter().map(|(id, body)| {
            let post = client.post(&url).header("content-type", "application/json").body(body).send();
            async move {
                assert!(post.await.unwrap().status().is_success());
                id
            }
        });
        let sent: Vec<i64> = stream::iter(posts).buffer_unordered(ENDPOINTS * CONCURRENCY).collect().await;
        let mark = "UPDATE plain SET state = 'DELIVERED' WHERE id = ANY($1)";
        sqlx::query(mark).bind(sent).execute(pool).await.unwrap();
    }
    let took = started.elapsed();
    assert_eq!(arrivals.count.load(Ordering::Relaxed), deliveries);
    println!("plain loop {:>8} a second ({deliveries} in {took:.1?})", per_second(deliveries, took));
    per_second(deliveries, took)
}

fn median(mut of: Vec<u128>) -> u128 {
    of.sort_unstable();
    of[of.len() / 2]
}

fn per_second(count: usize, took: Duration) -> u128 {
    count as u128 * 1_000 / took.as_millis().max(1)
}

/// From the commit of a message to its arrival, with everything running as in `serve`.
async fn paced(app: &Arc<App>, arrivals: &Arrivals, events: &[Uuid]) {
    let stop = CancellationToken::new();
    let sequencing = tokio::spawn(sequencer::run(Arc::clone(app), stop.clone()));
    let working = tokio::spawn(worker::run(Arc::clone(app), stop.clone()));
    let mut committed = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    for number in 0..PACED {
        tick.tick().await;
        let row = message(app, number, events[number % EVENTS], json!({ "mark": number.to_string() }));
        message::Entity::insert(row).exec_without_returning(app.database.writer()).await.unwrap();
        app.wake.committed();
        committed.push(Instant::now());
    }
    while arrivals.at.lock().unwrap().len() < PACED {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    sequencing.await.unwrap();
    working.await.unwrap().unwrap();
    let at = arrivals.at.lock().unwrap();
    let mut waits: Vec<Duration> = (0..PACED)
        .map(|number| at[&number.to_string()].saturating_duration_since(committed[number]))
        .collect();
    waits.sort_unstable();
    println!(
        "at 100/s   p50 {:.1?}, p99 {:.1?}, longest {:.1?}",
        waits[PACED / 2],
        waits[PACED * 99 / 100],
        waits[PACED - 1]
    );
}
