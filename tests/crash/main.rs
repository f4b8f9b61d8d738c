//! The real binary, killed in the middle of its work: what was acknowledged is there afterwards, and nothing is
//! there by half.

#![allow(clippy::unwrap_used, missing_docs)]

mod payouts;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use entity::vocabulary::Status;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;
use vulndesk::database::Database;

/// How often it is killed.
const ROUNDS: usize = 4;
/// Callers at one time.
const CALLERS: usize = 6;
/// Acknowledged changes after which it is killed.
const CHANGES: usize = 40;

/// A change that the caller was told of.
enum Done {
    Received { event: Uuid, title: String },
    Triaged { event: Uuid },
    Commented { event: Uuid, comment: Uuid },
}

fn command(folder: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vulndesk"));
    command
        .env("VULNDESK_DATABASE_URL", url)
        .env("VULNDESK_AUTH__HS256_SECRET_FILE", folder.join("secret"))
        .env("VULNDESK_HTTP__RATES__POINTS_A_SECOND", "0")
        .env("RUST_LOG", "info")
        .current_dir(folder);
    command
}

/// Serves on a free port; answers the process and its address once it says that it serves.
fn serve(folder: &Path, url: &str) -> (Child, String) {
    let mut child = command(folder, url)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let address = loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {said}")).unwrap();
        if let Some((_, address)) = line.split_once("serving address=") {
            break address.trim().to_owned();
        }
        said.push_str(&line);
    };
    // Nobody else reads its log, and a full pipe would stop it.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

fn token(folder: &Path, url: &str, role: &str, subject: &str) -> String {
    token_of(folder, url, &["--role", role, "--subject", subject])
}

fn token_of(folder: &Path, url: &str, who: &[&str]) -> String {
    let output = command(folder, url).arg("token").args(who).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What is answered; `None` when no answer came.
async fn ask(
    client: &reqwest::Client,
    address: &str,
    token: &str,
    document: &str,
    variables: &Value,
) -> Option<Value> {
    let request = client
        .post(format!("http://{address}/graphql"))
        .bearer_auth(token)
        .json(&json!({ "query": document, "variables": variables }));
    request.send().await.ok()?.json().await.ok()
}

/// Calls a mutation; `None` when no answer came, an error when it was not done.
async fn call(
    client: &reqwest::Client,
    address: &str,
    token: &str,
    document: &str,
    input: &Value,
) -> Option<Value> {
    let answer = ask(client, address, token, document, &json!({ "input": input })).await?;
    assert!(answer["errors"].is_null(), "{answer}");
    let payload = answer["data"].as_object().unwrap().values().next().unwrap().clone();
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    Some(payload)
}

fn row(id: &Value) -> Uuid {
    vulndesk::ids::decode_any(id.as_str().unwrap()).unwrap().1
}

const RECEIVE: &str = "mutation($input: ReceiveReport!) { receiveReport(input: $input) {
    report { event { id version } } userErrors { message } } }";
const TRIAGE: &str =
    "mutation($input: EventMove!) { startTriage(input: $input) { event { id } userErrors { message } } }";
const COMMENT: &str =
    "mutation($input: CommentOnEvent!) { comment(input: $input) { comment { id } userErrors { message } } }";

/// Receives, triages and comments until no answer comes any more.
async fn work(
    address: String,
    token: String,
    caller: usize,
    round: usize,
    done: mpsc::UnboundedSender<Done>,
) {
    let client = reqwest::Client::new();
    for turn in 0.. {
        // What was cut off in the last round is sent again under its key, and may have been done or not.
        let retried = turn == 0 && round > 0;
        let title =
            if retried { format!("{}-{caller}-cut", round - 1) } else { format!("{round}-{caller}-{turn}") };
        let input = json!({ "channel": "src", "title": title, "text": "Steps", "idempotencyKey": title });
        let Some(payload) = call(&client, &address, &token, RECEIVE, &input).await else { return };
        let event = payload["report"]["event"].clone();
        let _ = done.send(Done::Received { event: row(&event["id"]), title });
        let input = json!({ "event": event["id"], "expectedVersion": event["version"] });
        if event["version"] == 1 {
            let Some(_) = call(&client, &address, &token, TRIAGE, &input).await else { return };
            let _ = done.send(Done::Triaged { event: row(&event["id"]) });
        }
        let input = json!({ "event": event["id"], "body": "Looks real" });
        let Some(payload) = call(&client, &address, &token, COMMENT, &input).await else { return };
        let _ =
            done.send(Done::Commented { event: row(&event["id"]), comment: row(&payload["comment"]["id"]) });
        let input = json!({ "channel": "src", "title": format!("{round}-{caller}-cut"), "text": "Steps", "idempotencyKey": format!("{round}-{caller}-cut") });
        let Some(payload) = call(&client, &address, &token, RECEIVE, &input).await else { return };
        let event = row(&payload["report"]["event"]["id"]);
        let _ = done.send(Done::Received { event, title: format!("{round}-{caller}-cut") });
    }
}

async fn create_channel(address: &str, admin: &str) {
    let document = "mutation($input: CreateChannel!) { createChannel(input: $input) { channel { id } userErrors { message } } }";
    let input = json!({
        "key": "src", "name": "SRC", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false, "replyRequired": true,
    });
    call(&reqwest::Client::new(), address, admin, document, &input).await.unwrap();
}

async fn survives(url: &str, folder: &Path) {
    std::fs::write(folder.join("secret"), "a secret for tests that is long enough").unwrap();
    let analyst = token(folder, url, "ANALYST", "analyst-1");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let (mut child, address) = serve(folder, url);
        if round == 0 {
            create_channel(&address, &token(folder, url, "ADMIN", "admin-1")).await;
        }
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| tokio::spawn(work(address.clone(), analyst.clone(), caller, round, sender.clone())))
            .collect();
        drop(sender);
        for _ in 0..CHANGES {
            acknowledged.push(receiver.recv().await.expect("callers go on until it is killed"));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(done) = receiver.recv().await {
            acknowledged.push(done);
        }
        for caller in callers {
            caller.await.unwrap();
        }
    }
    let verified = command(folder, url).args(["audit", "verify"]).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains(" 0 faults"), "{said}");
    is_whole(url, &acknowledged).await;
}

/// Reads the database as it was left.
async fn is_whole(url: &str, acknowledged: &[Done]) {
    let database = Database::connect(url, 2).await.unwrap();
    let db = database.reader();
    let events = entity::event::Entity::find().all(db).await.unwrap();
    let by_id: BTreeMap<Uuid, _> = events.iter().map(|event| (event.id, event)).collect();
    let comments = entity::comment::Entity::find().all(db).await.unwrap();
    for done in acknowledged {
        match done {
            Done::Received { event, title } => assert_eq!(&by_id[event].title, title),
            Done::Triaged { event } => assert_eq!(by_id[event].status, Status::Triaging),
            Done::Commented { event, comment } => {
                assert!(comments.iter().any(|row| row.id == *comment && row.event_id == *event));
            }
        }
    }
    let titles: BTreeSet<&str> = events.iter().map(|event| event.title.as_str()).collect();
    assert_eq!(titles.len(), events.len(), "what was sent again under its key was done once");

    let count = |ids: Vec<Option<Uuid>>| {
        let mut counted: BTreeMap<Uuid, usize> = BTreeMap::new();
        for id in ids.into_iter().flatten() {
            assert!(by_id.contains_key(&id), "a row of an event that is not there");
            *counted.entry(id).or_default() += 1;
        }
        counted
    };
    let audit = entity::audit_entry::Entity::find().all(db).await.unwrap();
    let audited = count(audit.iter().map(|row| row.event_id).collect());
    let changes = entity::status_change::Entity::find().all(db).await.unwrap();
    let changed = count(changes.iter().map(|row| Some(row.event_id)).collect());
    let messages = entity::message::Entity::find().all(db).await.unwrap();
    let of_kind =
        |kind: &str| count(messages.iter().filter(|row| row.kind == kind).map(|row| row.event_id).collect());
    let (received, moved) = (of_kind("report.received"), of_kind("event.status_changed"));
    let reports = entity::report::Entity::find().all(db).await.unwrap();
    let reported = count(reports.iter().map(|row| Some(row.event_id)).collect());
    let access = entity::event_access::Entity::find().all(db).await.unwrap();
    let readable = access.iter().filter(|row| row.principal == "readers:open");
    let readable = count(readable.map(|row| Some(row.event_id)).collect());
    let commented = count(comments.iter().map(|row| Some(row.event_id)).collect());
    for event in &events {
        let moves = usize::from(event.status == Status::Triaging);
        let at = |rows: &BTreeMap<Uuid, usize>| rows.get(&event.id).copied().unwrap_or_default();
        let number = &event.number;
        assert_eq!(
            at(&audited),
            usize::try_from(event.revision).unwrap(),
            "an audit entry a revision: {number}"
        );
        assert_eq!(at(&changed), 1 + moves, "a row a status: {number}");
        assert_eq!(at(&moved), moves, "a message a move: {number}");
        assert_eq!((at(&received), at(&reported), at(&readable)), (1, 1, 1), "{number}");
        assert_eq!(at(&commented) + 1 + moves, usize::try_from(event.revision).unwrap(), "{number}");
    }
    let versions = entity::report_version::Entity::find().all(db).await.unwrap();
    let versioned: BTreeSet<Uuid> = versions.iter().map(|row| row.report_id).collect();
    assert_eq!(versioned, reports.iter().map(|row| row.id).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_and_halves_nothing_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crash.sqlite");
    survives(&format!("sqlite://{}", file.display()), folder.path()).await;
}

/// A database of its own for `what`.
async fn postgres(what: &str) -> String {
    let server = std::env::var("VULNDESK_TEST_POSTGRES")
        .expect("VULNDESK_TEST_POSTGRES names a PostgreSQL server to make databases on: run scripts/test");
    let name = format!("test_{what}_{}", std::process::id());
    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    admin.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{server}/{name}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_and_halves_nothing_on_postgres() {
    let folder = tempfile::tempdir().unwrap();
    survives(&postgres("crash").await, folder.path()).await;
}
