//! What the hot requests cost: a page of events with what hangs on them, one event by number, one move; and what an
//! import of records costs.
//!
//! `cargo bench --bench requests` runs on a temporary SQLite file; with `VULNDESK_BENCH_POSTGRES` (the URL of an
//! empty database) on PostgreSQL too. `VULNDESK_BENCH_EVENTS` sets the number of events (default 10,000).
//! Each line is one run of the whole stack below HTTP: parse, validate, visibility, SQL, answer. An import's requests are
//! its records, from the table's text to the commit.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_graphql::{Request, Variables};
use sea_orm::ConnectionTrait;
use serde_json::json;
use vulndesk::app::App;
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::database::Database;
use vulndesk::graphql::Schema;
use vulndesk::intake::import::{Mapping, TableFormat, TableReader};
use vulndesk::intake::importer::{ChannelSpec, ImportOptions, import};
use vulndesk::{executor, graphql, ids};

#[path = "common/data.rs"]
mod data;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONCURRENCY: usize = 16;
const REQUESTS: usize = 4_000;

const PAGE: &str = "{ events(first: 20) { nodes { id number title status level affectedProducts { state product { name } }
    currentScore { rounded } assignments { function subject state } replies { kind state } } pageInfo { endCursor } } }";
const ONE: &str = "query($number: String!) { event(number: $number) { id number title status level
    affectedProducts { state product { name } } currentScore { rounded } assignments { function subject state }
    replies { kind state } } }";
const MOVE: &str =
    "mutation($input: EventMove!) { startTriage(input: $input) { event { version } userErrors { code } } }";

#[tokio::main]
async fn main() {
    let events = std::env::var("VULNDESK_BENCH_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    println!(
        "{:<10} {:<6} {:>10} {:>9} {:>9} {:>9}",
        "database", "what", "requests/s", "p50 ms", "p99 ms", "RSS MB"
    );
    let file = std::env::temp_dir().join(format!("vulndesk-bench-{}.sqlite", std::process::id()));
    measure("sqlite", &format!("sqlite://{}", file.display()), events).await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    if let Ok(url) = std::env::var("VULNDESK_BENCH_POSTGRES") {
        measure("postgresql", &url, events).await;
    }
}

async fn measure(name: &str, url: &str, events: usize) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::connect(url, 16).await.unwrap();
    let ids = Ids::new(Arc::clone(&clock));
    vulndesk::migrate::run(&database, clock.as_ref(), &ids).await.unwrap();
    let app = Arc::new(App::new(database, clock, ids).await.unwrap());
    let actor = Actor::operator("analyst-1", [Role::Analyst]);
    let made = data::fill(&app, &actor, events).await;
    // As the database does by itself on an installation that has been running for some minutes.
    app.database.writer().execute_unprepared("ANALYZE").await.unwrap();
    let schema = graphql::schema();
    let numbers: Vec<String> = made.iter().map(|(_, number)| number.clone()).collect();
    let pages = run(&schema, &app, &actor, |_| Request::new(PAGE)).await;
    report(name, "page", pages);
    let one = run(&schema, &app, &actor, |index| {
        let number = &numbers[index * 7 % numbers.len()];
        Request::new(ONE).variables(Variables::from_json(json!({ "number": number })))
    });
    report(name, "event", one.await);
    let moves = run(&schema, &app, &actor, |index| {
        let id = ids::encode(ids::Kind::Event, made[index % made.len()].0);
        let input = json!({ "input": { "event": id, "expectedVersion": 1 } });
        Request::new(MOVE).variables(Variables::from_json(input))
    });
    report(name, "move", moves.await);
    imported(name, &app, &actor, events).await;
}

/// Imports as many records as there are events, in a table of a bounty platform.
async fn imported(name: &str, app: &App, actor: &Actor, records: usize) {
    let mut table = String::from("link,title,program,bounty,weakness\n");
    for index in 0..records {
        let _ = writeln!(
            table,
            "https://example.com/reports/{index},Hole {index} in the login of product {},program-{},{}.85,XSS",
            index % 97,
            index % 50,
            index % 1_000
        );
    }
    let mapping = ["number=link", "title=title", "product=program", "bounty=bounty", "weakness=weakness"];
    let mapping = Mapping::from_arguments(mapping).unwrap();
    let reader = TableReader::new(table.as_bytes(), TableFormat::default(), &mapping).unwrap();
    let begun = Instant::now();
    let spec = ChannelSpec::platform("src", "CN", false).unwrap();
    let summary = import(app, actor, &spec, reader, &ImportOptions::default(), |_| {}).await.unwrap();
    assert_eq!(summary.received, records as u64);
    let took = begun.elapsed();
    report(name, "import", (vec![took / u32::try_from(records).unwrap(); records], took));
}

/// Runs the requests with a fixed concurrency and answers each one's duration with the whole's.
async fn run(
    schema: &Schema,
    app: &Arc<App>,
    actor: &Actor,
    request: impl Fn(usize) -> Request,
) -> (Vec<Duration>, Duration) {
    let requests: Arc<Vec<_>> =
        Arc::new((0..REQUESTS).map(&request).map(|request| std::sync::Mutex::new(Some(request))).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (schema, app, actor) = (schema.clone(), Arc::clone(app), actor.clone());
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        workers.spawn(async move {
            let mut durations = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(slot) = requests.get(index) else { return durations };
                let request = slot.lock().unwrap().take().unwrap();
                let begun = Instant::now();
                let response = executor::execute(&schema, &app, actor.clone(), request).await;
                durations.push(begun.elapsed());
                assert!(response.errors.is_empty(), "{:?}", response.errors);
            }
        });
    }
    let durations = workers.join_all().await.into_iter().flatten().collect();
    (durations, begun.elapsed())
}

fn report(database: &str, what: &str, (mut durations, whole): (Vec<Duration>, Duration)) {
    durations.sort();
    let at = |share: usize| durations[(durations.len() - 1) * share / 100].as_micros();
    let per_second = durations.len() as u128 * 1_000_000 / whole.as_micros().max(1);
    let (p50, p99) = (at(50), at(99));
    println!(
        "{database:<10} {what:<6} {per_second:>10} {:>5}.{:03} {:>5}.{:03} {:>9}",
        p50 / 1000,
        p50 % 1000,
        p99 / 1000,
        p99 % 1000,
        resident_megabytes()
    );
}

fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}
