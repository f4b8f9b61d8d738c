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
use entity::vocabulary::{
    AffectedState, AssignmentState, Function, Level, ReplyKind, ReplyState, Tlp, Verdict,
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Set};
use serde_json::json;
use vulndesk::app::App;
use vulndesk::auth::policy::Action;
use vulndesk::auth::visibility::{AccessFacts, regrant};
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::database::Database;
use vulndesk::graphql::Schema;
use vulndesk::intake::import::{Mapping, TableFormat, TableReader};
use vulndesk::intake::importer::{ChannelSpec, ImportOptions, import};
use vulndesk::outbox::{ChangeSet, retrying};
use vulndesk::{event, executor, graphql, ids};

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
    let made = fill(&app, &actor, events).await;
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

/// Events with a product, a score, two assignments and a reply each.
async fn fill(app: &Arc<App>, actor: &Actor, events: usize) -> Vec<(uuid::Uuid, String)> {
    let db = app.database.writer();
    let policy = entity::rating_policy::Entity::find().one(db).await.unwrap().unwrap();
    let now = app.clock.now();
    let product = entity::product::Model {
        id: app.ids.next(),
        key: "edge-gateway".into(),
        name: "Edge Gateway".into(),
        line: "gateway".into(),
        owner_team: "gateway-team".into(),
        provider_entity: "Example Networks".into(),
        kind: entity::vocabulary::ProductKind::Product,
        importance: 90,
        reach: 90,
        customer_coverage: String::new(),
        asset_tier: entity::vocabulary::AssetTier::Core,
        lifecycle: entity::vocabulary::Lifecycle::Supported,
        end_of_life_notice: None,
        last_supported_version: None,
        successor: None,
        rmsv_library: None,
        cra_in_scope: false,
        cra_member_states: entity::texts::Texts::default(),
        cra_support_until: None,
        critical_infrastructure: false,
        central_organ: false,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    let product = product.into_active_model().insert(db).await.unwrap();
    let channel = entity::channel::ActiveModel {
        replan_after: Set(None),
        id: Set(app.ids.next()),
        key: Set("cnvd".into()),
        name: Set("CNVD".into()),
        kind: Set(entity::vocabulary::ChannelKind::NationalDatabase),
        jurisdiction: Set("CN".into()),
        abroad: Set(false),
        reply_required: Set(true),
        time_zone: Set("Asia/Shanghai".into()),
        calendar_id: Set(None),
        language: Set("zh-CN".into()),
        contacts: Set(entity::texts::Texts::default()),
        active: Set(true),
        acknowledgement: Set(entity::vocabulary::Acknowledgement::ByHand),
        version: Set(1),
        revision: Set(1),
        audit_head: Set(Vec::new()),
        created_at: Set(now),
        changed_at: Set(now),
    };
    let channel = channel.insert(db).await.unwrap();
    let mut made = Vec::with_capacity(events);
    while made.len() < events {
        let changes = retrying(|| async {
            let mut changes = ChangeSet::new(app, actor, Action::ReceiveReport);
            let mut batch = Vec::new();
            for index in 0..100 {
                let received = now - chrono::Duration::minutes(i64::try_from(made.len() + index).unwrap());
                let mut row = event::new(app, "A hole in the gateway 网关漏洞", received, Tlp::Amber).await?;
                row.verdict = Some(Verdict::Confirmed);
                row.level = Level::Red;
                event::record_first_status(app, &mut changes, &row);
                let mut facts = AccessFacts::new(row.clone());
                let affected = entity::affected_product::Model {
                    id: app.ids.next(),
                    event_id: row.id,
                    product_id: product.id,
                    line: product.line.clone(),
                    state: AffectedState::Affected,
                    reason: None,
                    justification: None,
                    affected_versions: None,
                    fixed_versions: None,
                    version: 1,
                };
                changes.write_row(&affected);
                facts.products.push((affected, product.key.clone()));
                changes.write_row(&entity::score::Model {
                    id: app.ids.next(),
                    event_id: row.id,
                    pass: 1,
                    product_importance: 90,
                    product_reach: 90,
                    public_opinion: 90,
                    exploit_conditions: 85,
                    actual_impact: 90,
                    total: 89_500,
                    rounded: 90,
                    level: Level::Red,
                    policy_id: policy.id,
                    evidence: json!({}),
                    reason: None,
                    consented_by: None,
                    scored_by: "analyst-1".into(),
                    scored_at: now,
                    superseded_at: None,
                });
                for function in [Function::RAndD, Function::TechnicalService] {
                    changes.write_row(&entity::assignment::Model {
                        id: app.ids.next(),
                        event_id: row.id,
                        function,
                        subject: Some("engineer-1".into()),
                        team: None,
                        line: Some("gateway".into()),
                        due_at: None,
                        state: AssignmentState::Open,
                        note: None,
                        decline_reason: None,
                        assigned_by: "analyst-1".into(),
                        assigned_at: now,
                        version: 1,
                    });
                }
                changes.write_row(&entity::reply::Model {
                    id: app.ids.next(),
                    event_id: row.id,
                    report_id: None,
                    comment_id: None,
                    reporter_version: None,
                    channel_id: channel.id,
                    kind: ReplyKind::Verdict,
                    state: ReplyState::Draft,
                    language: "zh-CN".into(),
                    subject: "Verdict".into(),
                    body: "Confirmed".into(),
                    draft_number: 1,
                    drafted_by: "analyst-1".into(),
                    drafted_at: now,
                    approved_by: None,
                    approved_at: None,
                    sent_by: None,
                    sent_at: None,
                    sent_via: None,
                    receipt_number: None,
                    proof: None,
                    content_hash: None,
                    template: None,
                    template_number: None,
                    required: None,
                    supplied: None,
                    formats: None,
                    as_made: false,
                    verdict_id: None,
                    extent: None,
                    via: None,
                    recipient: None,
                    url_sha256: None,
                    created_at: now,
                    version: 1,
                });
                regrant(&mut changes, None, &facts);
                let row = changes.create(app, row.clone(), Some(row.id));
                batch.push((row.id, row.number));
            }
            app.commit(changes).await?;
            Ok(batch)
        });
        made.extend(changes.await.unwrap());
    }
    made
}
