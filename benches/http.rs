//! The hot requests over HTTP, beside a floor: what the database itself gives, one statement behind a bare handler.
//!
//! `scripts/bench` starts PostgreSQL and calls this. The real binary serves with all it has on: tokens, visibility, field rules,
//! guard, log, metrics, workers. Floor and product are measured in turns, over the same rows, by the same client with 32
//! connections; all of them, and PostgreSQL, share the machine. R1 is a page of 20 events with products, current score,
//! assignments and replies, R2 one event the same way, W1 one status move with its audit entry and message. The table is
//! written to docs/PERFORMANCE.md, with the machine.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use sea_orm::ConnectionTrait;
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;
use vulndesk::app::App;
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::database::Database;
use vulndesk::ids;

#[path = "common/data.rs"]
mod data;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 32;
/// Requests of one measurement of a read and of a move.
const READS: usize = 6_000;
const MOVES: usize = 4_000;

/// Between what the table stands in docs/PERFORMANCE.md.
const BEGINS: &str = "<!-- scripts/bench -->";
const ENDS: &str = "<!-- /scripts/bench -->";

const FIELDS: &str = "id number title status level affectedProducts { state product { name } } currentScore { rounded } \
                      assignments { function subject state } replies { kind state }";

/// The same as one statement: what a row of a page, or one event, is answered with.
const ROW: &str = "json_build_object('id', e.id, 'number', e.number, 'title', e.title, 'status', e.status, 'level', e.level, \
 'affectedProducts', (SELECT json_agg(json_build_object('state', a.state, 'product', json_build_object('name', p.name)) ORDER BY a.id) \
   FROM affected_product a JOIN product p ON p.id = a.product_id WHERE a.event_id = e.id), \
 'currentScore', (SELECT json_build_object('rounded', s.rounded) FROM score s WHERE s.event_id = e.id AND s.superseded_at IS NULL), \
 'assignments', (SELECT json_agg(json_build_object('function', w.function, 'subject', w.subject, 'state', w.state) \
   ORDER BY w.assigned_at, w.id) FROM assignment w WHERE w.event_id = e.id), \
 'replies', (SELECT json_agg(json_build_object('kind', r.kind, 'state', r.state) ORDER BY r.created_at, r.id) \
   FROM reply r WHERE r.event_id = e.id))";

const MOVE: &str = "WITH moved AS (UPDATE event SET status = 'TRIAGING', version = version + 1, revision = revision + 1, changed_at = now() \
   WHERE id = $1 AND version = 1 RETURNING id, revision), \
 changed AS (INSERT INTO status_change (id, event_id, pass, from_status, to_status, reason, changed_by, changed_at) \
   SELECT gen_random_uuid(), id, 1, 'RECEIVED', 'TRIAGING', NULL, 'analyst-1', now() FROM moved), \
 audited AS (INSERT INTO audit_entry (id, aggregate_kind, aggregate_id, event_id, revision, at, actor, roles, action, details, previous, digest) \
   SELECT gen_random_uuid(), 'event', id, id, revision, now(), 'analyst-1', 'ANALYST', 'startTriage', '[]', '\\x00', '\\x00' FROM moved), \
 told AS (INSERT INTO message (id, kind, event_id, data, created_at) \
   SELECT gen_random_uuid(), 'event.status_changed', id, '{}', now() FROM moved) \
 SELECT revision::text FROM moved";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, floor, url] = arguments.as_slice()
        && floor == "floor"
    {
        serve_floor(url).await;
        return;
    }
    let server =
        std::env::var("VULNDESK_TEST_POSTGRES").expect("scripts/bench starts PostgreSQL and names it");
    let events = std::env::var("VULNDESK_BENCH_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let rounds = std::env::var("VULNDESK_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let folder = tempfile::tempdir().unwrap();

    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    let _ = admin.writer().execute_unprepared("CREATE DATABASE vulndesk_bench").await;
    let url = format!("{server}/vulndesk_bench");
    let made = filled(&url, events).await;
    let numbers: Arc<[String]> = made.iter().map(|(_, number)| number.clone()).collect();
    let floor = Server::floor(&url);
    let product = Server::product(folder.path(), &url);

    let mut measured: BTreeMap<(&str, &str), Vec<Measured>> = BTreeMap::new();
    let mut next_move = 0;
    for _ in 0..rounds {
        for (what, count) in [("R1", READS), ("R2", READS), ("W1", MOVES)] {
            for (name, server) in [("floor", &floor), ("product", &product)] {
                let requests: Arc<[Vec<u8>]> = match what {
                    "R1" => [server.page()].into(),
                    "R2" => (0..count).map(|index| server.one(&numbers[index * 7 % numbers.len()])).collect(),
                    _ => {
                        let ids = &made[next_move..next_move + count];
                        next_move += count;
                        ids.iter().map(|(id, _)| server.start_triage(*id)).collect()
                    }
                };
                let outcome = load(server, requests, count).await;
                measured.entry((what, name)).or_default().push(outcome);
            }
        }
    }
    let mut table = format!(
        "{}, PostgreSQL on the same; {events} events, {CONNECTIONS} connections, medians of {rounds} rounds in turns. \
         It serves {} ms after its start on PostgreSQL",
        machine(),
        product.started.as_millis()
    );
    let mut rows = String::new();
    let rate = |of: &[Measured]| median(of.iter().map(|of| of.per_second));
    for name in ["product", "floor"] {
        for what in ["R1", "R2", "W1"] {
            let of = &measured[&(what, name)];
            let share =
                (name == "product").then(|| rate(of) * 100 / rate(&measured[&(what, "floor")]).max(1));
            let name = if name == "floor" { "floor" } else { "PostgreSQL" };
            rows.push_str(&Measured::row(&format!("{what}, {name}"), of, share));
        }
    }
    drop(product);

    let url = format!("sqlite://{}", folder.path().join("bench.sqlite").display());
    let made = filled(&url, events).await;
    let product = Server::product(folder.path(), &url);
    let mut measured: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
    for round in 0..rounds {
        for (what, count) in [("R1", READS), ("R2", READS), ("W1", MOVES)] {
            let requests: Arc<[Vec<u8>]> = match what {
                "R1" => [product.page()].into(),
                "R2" => made.iter().step_by(7).take(count).map(|(_, number)| product.one(number)).collect(),
                _ => made[round * count..(round + 1) * count]
                    .iter()
                    .map(|(id, _)| product.start_triage(*id))
                    .collect(),
            };
            measured.entry(what).or_default().push(load(&product, requests, count).await);
        }
    }
    for what in ["R1", "R2", "W1"] {
        rows.push_str(&Measured::row(&format!("{what}, SQLite"), &measured[what], None));
    }
    let _ = write!(
        table,
        ", {} on SQLite.\n\n| | a second | p50 ms | p99 ms | server us | database us | of the floor | resident MB |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n{rows}",
        product.started.as_millis()
    );
    println!("{table}");
    keep(&table);
}

/// Puts the table in the place of the last one.
fn keep(table: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PERFORMANCE.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGINS).expect("where the table begins");
    let (_, after) = rest.split_once(ENDS).expect("where the table ends");
    std::fs::write(path, format!("{before}{BEGINS}\n{table}{ENDS}{after}")).unwrap();
}

/// What it ran on: processors, memory.
fn machine() -> String {
    let field = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.unwrap_or_default().trim_start_matches(['\t', ':', ' ']).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kib: u64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    format!("{cores} cores of {}, {} GB", field("/proc/cpuinfo", "model name"), kib / 1_000_000)
}

/// Migrates the database and fills it, unless it is filled: ids and numbers of its events.
async fn filled(url: &str, events: usize) -> Vec<(Uuid, String)> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::connect(url, 8).await.unwrap();
    let ids = Ids::new(Arc::clone(&clock));
    vulndesk::migrate::run(&database, clock.as_ref(), &ids).await.unwrap();
    let app = Arc::new(App::new(database, clock, ids).await.unwrap());
    let made = data::fill(&app, &Actor::operator("analyst-1", [Role::Analyst]), events).await;
    // As PostgreSQL does by itself on an installation that has been running for some minutes. SQLite does not.
    if app.database.postgres().is_some() {
        app.database.writer().execute_unprepared("VACUUM ANALYZE").await.unwrap();
    }
    made
}

/// A server in a process of its own.
struct Server {
    child: Child,
    address: String,
    token: Option<String>,
    /// How long it took to serve.
    started: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn floor(url: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["floor", url])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().to_owned(), token: None, started: Duration::ZERO }
    }

    fn product(folder: &std::path::Path, url: &str) -> Self {
        let secret = folder.join("token.secret");
        std::fs::write(&secret, "s".repeat(40)).unwrap();
        let settings = folder.join("settings.toml");
        let text = format!("[auth]\nhs256_secret_file = {secret:?}\n[http.rates]\npoints_a_second = 0\n");
        std::fs::write(&settings, text).unwrap();
        let log = folder.join("log.json");
        let binary = env!("CARGO_BIN_EXE_vulndesk");
        let command = |name: &str| {
            let mut command = Command::new(binary);
            command.arg(name).env("VULNDESK_CONFIG", &settings).env("VULNDESK_DATABASE_URL", url);
            command
                .env("VULNDESK_LISTEN", "127.0.0.1:0")
                .env("VULNDESK_LOG_FORMAT", "json")
                .env("RUST_LOG", "info");
            command
        };
        let token = command("token").args(["--role", "ANALYST", "--subject", "analyst-1"]).output().unwrap();
        let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
        let file = std::fs::File::create(&log).unwrap();
        let child = command("serve").stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let begun = Instant::now();
        let address = loop {
            let text = std::fs::read_to_string(&log).unwrap();
            let serving = text.lines().find(|line| line.contains("\"serving\""));
            if let Some(line) = serving {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let fields = line.get("fields").unwrap_or(&line);
                break fields["address"].as_str().unwrap().to_owned();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not serve: {text}");
            std::thread::sleep(Duration::from_millis(2));
        };
        Self { child, address, token: Some(token), started: begun.elapsed() }
    }

    fn request(&self, path: &str, body: &str) -> Vec<u8> {
        let mut head =
            format!("POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n", self.address);
        if let Some(token) = &self.token {
            let _ = write!(head, "authorization: Bearer {token}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n{body}", body.len());
        head.into_bytes()
    }

    fn page(&self) -> Vec<u8> {
        if self.token.is_none() {
            return self.request("/r1", "");
        }
        let query = format!("{{ events(first: 20) {{ nodes {{ {FIELDS} }} pageInfo {{ endCursor }} }} }}");
        self.request("/graphql", &json!({ "query": query }).to_string())
    }

    fn one(&self, number: &str) -> Vec<u8> {
        if self.token.is_none() {
            return self.request("/r2", number);
        }
        let query = format!("query($number: String!) {{ event(number: $number) {{ {FIELDS} }} }}");
        self.request("/graphql", &json!({ "query": query, "variables": { "number": number } }).to_string())
    }

    fn start_triage(&self, id: Uuid) -> Vec<u8> {
        if self.token.is_none() {
            return self.request("/w1", &id.to_string());
        }
        let query = "mutation($input: EventMove!) { startTriage(input: $input) { event { version } userErrors { code } } }";
        let input = json!({ "event": ids::encode(ids::Kind::Event, id), "expectedVersion": 1 });
        self.request("/graphql", &json!({ "query": query, "variables": { "input": input } }).to_string())
    }
}

async fn serve_floor(url: &str) {
    let pool = PgPoolOptions::new().max_connections(16).connect(url).await.unwrap();
    let router = Router::new()
        .route("/r1", post(|State(pool): State<PgPool>| async move {
            let sql = format!("SELECT json_agg(row)::text FROM (SELECT {ROW} AS row FROM event e ORDER BY e.received_at DESC, e.id DESC LIMIT 20) page");
            text(&pool, sqlx::AssertSqlSafe(sql), None::<String>).await
        }))
        .route("/r2", post(|State(pool): State<PgPool>, number: String| async move {
            text(&pool, sqlx::AssertSqlSafe(format!("SELECT {ROW}::text FROM event e WHERE e.number = $1")), Some(number)).await
        }))
        .route("/w1", post(|State(pool): State<PgPool>, id: String| async move {
            text(&pool, sqlx::AssertSqlSafe(MOVE.to_owned()), Some(Uuid::parse_str(&id).unwrap())).await
        }))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

async fn text<T>(pool: &PgPool, sql: sqlx::AssertSqlSafe<String>, bound: Option<T>) -> String
where
    T: for<'q> sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + 'static,
{
    let query = sqlx::query_scalar::<sqlx::Postgres, String>(sql);
    let query = match bound {
        Some(bound) => query.bind(bound),
        None => query,
    };
    query.fetch_one(pool).await.unwrap()
}

/// Sends `count` requests, in turn from `requests`, over a fixed number of connections.
async fn load(server: &Server, requests: Arc<[Vec<u8>]>, count: usize) -> Measured {
    let cpu = || (cpu_of(server.child.id()), database_cpu());
    let next = Arc::new(AtomicUsize::new(0));
    let before = cpu();
    let begun = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (next, requests, address) = (Arc::clone(&next), Arc::clone(&requests), server.address.clone());
        connections.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut took, mut answer) = (Vec::new(), Vec::with_capacity(64 * 1024));
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return took;
                }
                let begun = Instant::now();
                stream.write_all(&requests[index % requests.len()]).await.unwrap();
                ask(&mut stream, &mut answer).await;
                took.push(begun.elapsed());
            }
        });
    }
    let mut took: Vec<Duration> = connections.join_all().await.into_iter().flatten().collect();
    let whole = begun.elapsed();
    let after = cpu();
    took.sort();
    let each = |spent: Duration| spent.as_micros() as u64 / count as u64;
    Measured {
        per_second: count as u64 * 1_000_000 / whole.as_micros() as u64,
        p50: took[took.len() / 2].as_micros() as u64,
        p99: took[took.len() * 99 / 100].as_micros() as u64,
        server: each(after.0.saturating_sub(before.0)),
        database: each(after.1.saturating_sub(before.1)),
        resident: resident(server.child.id()),
    }
}

/// Reads one answer to its end, and demands that it is a good one.
async fn ask(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    loop {
        assert_ne!(stream.read_buf(answer).await.unwrap(), 0, "the server hung up");
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).unwrap();
        let length = text.lines().find_map(|line| {
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        });
        let length: usize = length.unwrap().1.parse().unwrap();
        if answer.len() < head + 4 + length {
            continue;
        }
        let body = String::from_utf8_lossy(&answer[head + 4..]);
        let good = text.starts_with("HTTP/1.1 200")
            && !body.contains("\"errors\"")
            && !body.contains("\"code\"")
            && !body.is_empty();
        assert!(good, "{text}\n{body}");
        return;
    }
}

/// Processor time of a process so far.
fn cpu_of(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 = ticks.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Processor time of all of PostgreSQL's processes that there are.
fn database_cpu() -> Duration {
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_postgres = |process: &u32| {
        std::fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "postgres")
    };
    processes.filter(is_postgres).map(cpu_of).sum()
}

fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// What one measurement gave; times in microseconds.
struct Measured {
    per_second: u64,
    p50: u64,
    p99: u64,
    /// Processor time of a request.
    server: u64,
    database: u64,
    resident: u64,
}

impl Measured {
    fn row(what: &str, of: &[Self], share: Option<u64>) -> String {
        let all = |value: fn(&Self) -> u64| median(of.iter().map(value));
        let milliseconds = |micros: u64| format!("{}.{}", micros / 1_000, micros % 1_000 / 100);
        format!(
            "| {what} | {} | {} | {} | {} | {} | {} | {} |\n",
            all(|of| of.per_second),
            milliseconds(all(|of| of.p50)),
            milliseconds(all(|of| of.p99)),
            all(|of| of.server),
            all(|of| of.database),
            share.map_or_else(String::new, |share| format!("{share} %")),
            all(|of| of.resident)
        )
    }
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}
