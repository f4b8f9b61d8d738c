//! The real binary, killed again and again while events arrive and move on: whatever was committed is delivered,
//! whatever was not is not, a message keeps its id, and where order was asked for it is kept.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../api/receiver.rs"]
#[allow(dead_code, reason = "the API's tests look closer at what arrives")]
mod receiver;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, TimeDelta};
use entity::vocabulary::{
    DeliveryOrder, DeliveryState, EndpointState, GrantState, Tlp, WebhookPayload, WebhookPreset,
};
use entity::{delivery, message, report, status_change, verdict, webhook_endpoint, webhook_secret};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;
use vulndesk::app::App;
use vulndesk::auth::{AuthSettings, DevelopmentSecret, MintRequest, Role, mint};
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::database::Database;
use vulndesk::ids::{Kind, encode};
use vulndesk::migrate;
use vulndesk::secret::{Column, SecretSettings};
use vulndesk::webhook::message_id;
use vulndesk::webhook::sign::{Key, secret_text, verify};

use receiver::Receiver;

/// How often the processes are killed.
const KILLS: usize = 8;
/// How long the load goes on between two kills, and how many changes have to be accepted in that time at least.
const BETWEEN: (Duration, usize) = (Duration::from_secs(1), 500);
/// How many events are on their way at once.
const SENDERS: usize = 8;
/// What endpoints subscribe to: each change of the load tells of at least one of these.
const KINDS: [&str; 3] = ["report.received", "event.status_changed", "event.verdict_given"];
/// Of how many events one gets its verdict, which is the dearest of the changes.
const JUDGED: usize = 4;
/// How many posts the failing receiver takes before it fails the next.
const TAKES: usize = 10;
/// The tests' own bound: nothing here waits for long unless it fails.
const PATIENCE: Duration = Duration::from_secs(480);

/// An installation on disk, with the settings of the processes that run it.
struct Installation {
    folder: TempDir,
    database: String,
    listen: std::net::SocketAddr,
}

impl Installation {
    fn new(database: String, folder: TempDir, receivers: &[&Receiver]) -> Self {
        let port = |address: &str| std::net::TcpListener::bind(address).unwrap().local_addr().unwrap();
        let listen = port("127.0.0.1:0");
        let ports: Vec<_> =
            receivers.iter().map(|one| url::Url::parse(&one.url).unwrap().port().unwrap()).collect();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let secret = file("token.secret", &"s".repeat(40));
        let key = file("seal.key", &"0a".repeat(32));
        let settings = format!(
            "database_url = {database:?}\n[http]\nlisten = \"{listen}\"\n[http.rates]\npoints_a_second = 0\n[auth]\nhs256_secret_file = {secret:?}\n\
             [secrets]\nkeys = [{key:?}]\n[outbound]\nhttp_hosts = [\"127.0.0.2\"]\nnetworks = [\"127.0.0.2/32\"]\n\
             ports = {ports:?}\n"
        );
        file("vulndesk.toml", &settings);
        Self { folder, database, listen }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Starts one of the product's processes.
    fn start(&self, command: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_vulndesk"))
            .args([command, "--config"])
            .arg(self.path("vulndesk.toml"))
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// The product in this process, to look at what the others do.
    async fn app(&self) -> App {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let database = Database::connect(&self.database, 4).await.unwrap();
        migrate::run(&database, &SystemClock, &Ids::new(Arc::clone(&clock))).await.unwrap();
        let keys = SecretSettings { keys: vec![self.path("seal.key")] }.read().unwrap();
        App::new(database, Arc::clone(&clock), Ids::new(clock)).await.unwrap().with_secrets(keys)
    }

    fn token(&self, role: Role) -> String {
        let secret = DevelopmentSecret::read(Path::new(&self.path("token.secret"))).unwrap();
        let request = MintRequest {
            subject: format!("{}-1", role.name().to_lowercase()),
            roles: vec![role],
            products: Vec::new(),
            teams: Vec::new(),
            channel: None,
            email: None,
            now: SystemClock.now(),
            lifetime: TimeDelta::hours(1),
        };
        mint(&secret, &AuthSettings::default(), &request).unwrap()
    }

    /// Calls a mutation; none when the server could not be asked or did not answer, or did not do it.
    async fn call(&self, http: &reqwest::Client, token: &str, query: &str, input: Value) -> Option<Value> {
        let request = http
            .post(format!("http://{}/graphql", self.listen))
            .bearer_auth(token)
            .json(&json!({ "query": query, "variables": { "input": input } }));
        let answer: Value = request.send().await.ok()?.json().await.ok()?;
        let payload = answer["data"].as_object()?.values().next()?;
        (payload["userErrors"] == json!([])).then(|| payload.clone())
    }
}

/// Processes of the product, which end with this, also when a test fails.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // SIGKILL: nothing is written, nothing is said. One that ended by itself is found out by what lacks.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An endpoint for the load's messages, active and with a confirmed grant.
async fn endpoint(app: &App, url: &str, delivery_order: DeliveryOrder) -> Uuid {
    let now = app.clock.now();
    let row = webhook_endpoint::Model {
        id: app.ids.next(),
        name: "portal".into(),
        url: url.to_owned(),
        sealed_url: None,
        preset: WebhookPreset::Standard,
        message_types: KINDS.map(str::to_owned).to_vec().into(),
        channel_ids: Vec::new().into(),
        lines: Vec::new().into(),
        min_level: None,
        tlp_ceiling: Tlp::AmberStrict,
        payload: WebhookPayload::Thin,
        delivery_order,
        max_concurrency: 8,
        headers: None,
        owner: "admin-1".into(),
        state: EndpointState::Active,
        state_reason: None,
        failing_since: None,
        grant_role: "ANALYST".into(),
        grant_products: Vec::new().into(),
        grant_channel: None,
        grant_tlp_ceiling: Tlp::AmberStrict,
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
        sealed: app.secrets.seal(&app.ids, place, secret_text(&[1; 32]).as_bytes()).unwrap(),
        created_at: now,
        expires_at: None,
    };
    let (writer, endpoint) = (app.database.writer(), row.id);
    webhook_endpoint::Entity::insert(row.into_active_model()).exec_without_returning(writer).await.unwrap();
    webhook_secret::Entity::insert(secret.into_active_model()).exec_without_returning(writer).await.unwrap();
    endpoint
}

/// A receiver that fails one post after every ten that it takes, but none a second time: that would be tried again only
/// after minutes.
async fn failing() -> Receiver {
    let failed = Arc::<Mutex<HashSet<String>>>::default();
    Receiver::start(move |before, seen| {
        let id = seen.header("webhook-id").to_owned();
        let fails = (before + 1).is_multiple_of(TAKES + 1) && failed.lock().unwrap().insert(id);
        let status = if fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT };
        async move { status.into_response() }
    })
    .await
}

const CREATE_CHANNEL: &str = "mutation($input: CreateChannel!) { createChannel(input: $input) { channel { id } userErrors { message } } }";
const RECEIVE: &str = "mutation($input: ReceiveReport!) { receiveReport(input: $input) {
    report { event { id version } } userErrors { message } } }";
const TRIAGE: &str = "mutation($input: EventMove!) { startTriage(input: $input) {
    event { id version } userErrors { message } } }";
const JUDGE: &str = "mutation($input: GiveVerdict!) { giveVerdict(input: $input) {
    event { id version } userErrors { message } } }";

/// How many changes of each kind were accepted: reports, moves, verdicts.
type Accepted = [AtomicUsize; 3];

/// Receives one report and takes its event as far as answers come. The server may be down: it comes back.
async fn send(
    place: &Installation,
    http: &reqwest::Client,
    token: &str,
    number: usize,
    accepted: &Accepted,
) -> Option<()> {
    let count = |kind: usize| accepted[kind].fetch_add(1, Ordering::SeqCst);
    let report = json!({
        "channel": "src", "number": number.to_string(), "title": format!("A hole {number}"), "text": "Steps",
        "tlp": "AMBER",
    });
    let event = place.call(http, token, RECEIVE, report).await?["report"]["event"].clone();
    count(0);
    let triage = json!({ "event": event["id"], "expectedVersion": event["version"] });
    let event = place.call(http, token, TRIAGE, triage).await?["event"].clone();
    count(1);
    if !number.is_multiple_of(JUDGED) {
        return Some(());
    }
    let verdict = json!({
        "event": event["id"], "expectedVersion": event["version"], "verdict": "CONFIRMED", "severity": "HIGH",
        "rationale": "Reproduced",
    });
    place.call(http, token, JUDGE, verdict).await?;
    count(2);
    Some(())
}

/// Runs the product in `processes`, kills them all again and again under load, and compares what arrived with what
/// was committed.
async fn survives(database: String, folder: TempDir, processes: &[&str]) {
    let (willing, failing) = (Receiver::willing().await, failing().await);
    let place = Arc::new(Installation::new(database, folder, &[&willing, &failing]));
    let app = place.app().await;
    let any = endpoint(&app, &willing.url, DeliveryOrder::Any).await;
    let strict = endpoint(&app, &failing.url, DeliveryOrder::PerEvent).await;
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let start = || Processes(processes.iter().map(|command| place.start(command)).collect());
    let mut running = start();
    let (admin, analyst) = (place.token(Role::Admin), place.token(Role::Analyst));
    let channel = json!({
        "key": "src", "name": "src", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false,
        "replyRequired": true,
    });
    while place.call(&http, &admin, CREATE_CHANNEL, channel.clone()).await.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (accepted, next) = (Arc::<Accepted>::default(), Arc::new(AtomicUsize::new(0)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (place, http, token) = (Arc::clone(&place), http.clone(), analyst.clone());
            let (accepted, next) = (Arc::clone(&accepted), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if send(&place, &http, &token, number, &accepted).await.is_none() {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            })
        })
        .collect();
    let counted = || accepted.each_ref().map(|count| count.load(Ordering::SeqCst));
    let load = async || {
        let enough = counted().iter().sum::<usize>() + BETWEEN.1;
        tokio::time::sleep(BETWEEN.0).await;
        while counted().iter().sum::<usize>() < enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for _ in 0..KILLS {
        load().await;
        drop(running);
        running = start();
    }
    load().await;
    for sender in senders {
        sender.abort();
    }
    // Aborted requests may still be carried out: all is still once nothing waits for a position or a receiver.
    let reader = app.database.reader();
    let waiting = async || {
        let unplaced =
            message::Entity::find().filter(message::Column::Position.is_null()).count(reader).await;
        let pending = delivery::Entity::find().filter(delivery::Column::State.eq(DeliveryState::Pending));
        unplaced.unwrap() + pending.count(reader).await.unwrap()
    };
    let mut still = 0;
    while still < 5 {
        still = if waiting().await == 0 { still + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(running);
    let messages = committed(&app, counted()).await;
    compare(&app, &messages, any, &willing).await;
    compare(&app, &messages, strict, &failing).await;
    is_in_order(&app, strict, &failing).await;
}

/// The messages that endpoints subscribe to: at least those of what was accepted, and none but of what was done.
async fn committed(app: &App, accepted: [usize; 3]) -> HashSet<Uuid> {
    let reader = app.database.reader();
    let messages = message::Entity::find().filter(message::Column::Kind.is_in(KINDS));
    let messages = messages.all(reader).await.unwrap();
    let moves = status_change::Entity::find().all(reader).await.unwrap();
    let (mut reports, mut moved, mut judged) = (0, HashMap::<_, usize>::new(), 0);
    for message in &messages {
        match message.kind.as_str() {
            "report.received" => reports += 1,
            "event.status_changed" => *moved.entry(message.event_id.unwrap()).or_default() += 1,
            _ => judged += 1,
        }
    }
    // A verdict moves the event as well.
    let all = [reports, moved.values().sum(), judged];
    assert!(
        all[0] >= accepted[0] && all[1] >= accepted[1] + accepted[2] && all[2] >= accepted[2],
        "{accepted:?} accepted, {all:?} committed"
    );
    let rows = [report::Entity::find().count(reader).await, verdict::Entity::find().count(reader).await];
    assert_eq!(rows.map(|count| usize::try_from(count.unwrap()).unwrap()), [reports, judged]);
    let mut done = HashMap::<_, usize>::new();
    // The first status is told by the report.
    for change in moves.iter().filter(|change| change.from_status.is_some()) {
        *done.entry(change.event_id).or_default() += 1;
    }
    assert_eq!(moved, done, "a move without its message, or a message without its move");
    eprintln!("{accepted:?} reports, moves and verdicts accepted, {all:?} messages");
    messages.into_iter().map(|row| row.id).collect()
}

/// What arrived at an endpoint is what was committed.
async fn compare(app: &App, messages: &HashSet<Uuid>, endpoint: Uuid, receiver: &Receiver) {
    let rows = deliveries(app, endpoint).await;
    let by_message: HashSet<_> = rows.iter().map(|row| row.message_id).collect();
    assert_eq!((by_message.len(), &by_message), (rows.len(), messages), "one delivery for each message");
    assert!(rows.iter().all(|row| row.state == DeliveryState::Delivered), "all are delivered");
    let expected: HashSet<String> = rows.iter().map(message_id).collect();
    let key = Key::parse(&secret_text(&[1; 32])).unwrap();
    let mut bodies: HashMap<String, Vec<u8>> = HashMap::new();
    let seen = receiver.seen();
    for one in &seen {
        let id = one.header("webhook-id").to_owned();
        let headers = (id.as_str(), one.header("webhook-timestamp"), one.header("webhook-signature"));
        // As it was received then, which on a busy machine is long ago.
        let received = DateTime::from_timestamp(headers.1.parse().unwrap(), 0).unwrap();
        verify([&key], headers, &one.body, received).unwrap();
        let body = bodies.entry(id).or_insert_with(|| one.body.to_vec());
        assert_eq!(*body, one.body.to_vec(), "a message that comes again says the same");
    }
    let arrived: HashSet<String> = bodies.into_keys().collect();
    let missing = expected.difference(&arrived).count();
    let invented = arrived.difference(&expected).count();
    assert_eq!((missing, invented), (0, 0), "{} committed, {} arrivals", expected.len(), seen.len());
    eprintln!("{} deliveries, {} arrivals, {KILLS} kills", expected.len(), seen.len());
}

async fn deliveries(app: &App, endpoint: Uuid) -> Vec<delivery::Model> {
    let rows = delivery::Entity::find().filter(delivery::Column::EndpointId.eq(endpoint));
    rows.order_by_asc(delivery::Column::Position).all(app.database.reader()).await.unwrap()
}

/// Of each event, the receiver saw one message after the other: one came again at most until the next one came, and they
/// came in the order in which they were committed, numbered from 1 without a gap.
async fn is_in_order(app: &App, endpoint: Uuid, receiver: &Receiver) {
    let mut committed: HashMap<String, Vec<String>> = HashMap::new();
    for row in deliveries(app, endpoint).await {
        let event = encode(Kind::Event, row.event_id.unwrap());
        let of = committed.entry(event).or_default();
        of.push(message_id(&row));
        assert_eq!(row.sequence, i64::try_from(of.len()).ok(), "numbered in order");
    }
    let mut arrived: HashMap<String, Vec<String>> = HashMap::new();
    let mut again = 0;
    for one in receiver.seen() {
        let of = arrived.entry(one.json()["data"]["event"].as_str().unwrap().to_owned()).or_default();
        let id = one.header("webhook-id").to_owned();
        if of.last() == Some(&id) {
            again += 1;
        } else {
            of.push(id);
            assert_eq!(i64::try_from(of.len()), Ok(one.sequence()), "in order: {of:?}");
        }
    }
    assert_eq!(arrived, committed);
    assert!(again >= receiver.seen().len() / (TAKES + 1) / 2, "{again} came again, of those that failed");
}

async fn postgres() -> String {
    let server = std::env::var("VULNDESK_TEST_POSTGRES")
        .expect("VULNDESK_TEST_POSTGRES names a PostgreSQL server to make databases on: run scripts/test");
    let name = format!("crash_{}", std::process::id());
    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    admin.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{server}/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_committed_is_lost_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("vulndesk.sqlite").display());
    tokio::time::timeout(PATIENCE, survives(database, folder, &["serve"])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_committed_is_lost_on_postgresql_with_two_workers() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres().await;
    tokio::time::timeout(PATIENCE, survives(database, folder, &["serve", "worker"])).await.unwrap();
}
