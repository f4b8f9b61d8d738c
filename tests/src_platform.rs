//! The real binary and the sample SRC platform: reports come in by hook, money goes out once, whoever is killed.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use entity::vocabulary::HookState;
use entity::{hook_inbox, report};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tempfile::TempDir;
use vulndesk::clock::{Clock, SystemClock};
use vulndesk::database::Database;
use vulndesk::webhook::sign::{Key, sign};

/// The tests' own bound: nothing here waits for long unless it fails.
const PATIENCE: Duration = Duration::from_secs(300);

/// An installation of vulndesk with a platform beside it.
struct Place {
    folder: TempDir,
    desk: std::net::SocketAddr,
    platform: std::net::SocketAddr,
    http: reqwest::Client,
}

/// A process that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // SIGKILL: nothing is written, nothing is said.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The sample platform's program, built if it is not.
fn sample() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--example", "src_platform"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success());
    Path::new(env!("CARGO_BIN_EXE_vulndesk")).parent().unwrap().join("examples/src_platform")
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (desk, platform) = (free_port(), free_port());
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(15)).build().unwrap();
        let place = Self { folder, desk, platform, http };
        let secret = place.file("token.secret", &"s".repeat(40));
        let key = place.file("seal.key", &"0a".repeat(32));
        let database = place.path("vulndesk.sqlite");
        place.file(
            "vulndesk.toml",
            &format!(
                "database_url = \"sqlite://{}\"\n[http]\nlisten = \"{desk}\"\n[auth]\nhs256_secret_file = {secret:?}\n\
                 [secrets]\nkeys = [{key:?}]\n[outbound]\nhttp_hosts = [\"127.0.0.1\"]\nnetworks = [\"127.0.0.1/32\"]\n\
                 ports = [{}]\n",
                database.display(),
                platform.port(),
            ),
        );
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    fn vulndesk(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vulndesk"));
        command.args(arguments).arg("--config").arg(self.path("vulndesk.toml")).env("RUST_LOG", "error");
        command
    }

    async fn serve(&self) -> Running {
        let running = Running(self.vulndesk(&["serve"]).stdout(Stdio::null()).spawn().unwrap());
        while self.http.get(format!("http://{}/healthz", self.desk)).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        running
    }

    fn token(&self, role: &str, subject: &str, more: &[&str]) -> String {
        let mut command = self.vulndesk(&["token", "--role", role, "--subject", subject]);
        let output = command.args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn graphql(&self, token: &str, query: &str, variables: Value) -> Value {
        let request = self
            .http
            .post(format!("http://{}/graphql", self.desk))
            .bearer_auth(token)
            .json(&json!({ "query": query, "variables": variables }));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// Calls a mutation that has to be done, and answers its payload.
    async fn done(&self, who: (&str, &str), mutation: &str, kind: &str, input: Value, fields: &str) -> Value {
        let token = self.token(who.0, who.1, &[]);
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code message }} }} }}"
        );
        let payload = self.graphql(&token, &query, json!({ "input": input })).await[mutation].clone();
        assert_eq!(payload["userErrors"], json!([]), "{mutation}: {payload}");
        payload
    }

    /// The sample platform with what it needs to speak to vulndesk.
    fn sample(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .args(["--vulndesk", &format!("http://{}", self.desk), "--channel", "src"])
            .arg("--token")
            .arg(self.path("src.token"))
            .arg("--hook-secret")
            .arg(self.path("hook.secret"));
        command
    }

    fn answer_of(&self, program: &Path, arguments: &[&str]) -> Value {
        let output = self.sample(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn run(&self, program: &Path) -> (Running, Lines<BufReader<ChildStdout>>) {
        let mut child = self
            .sample(program)
            .args(["run", "--listen", &self.platform.to_string(), "--webhook-secret"])
            .arg(self.path("webhook.secret"))
            .arg("--state")
            .arg(self.path("platform"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (Running(child), lines)
    }
}

/// Reads what the platform says until it says a line that begins so; answers all that it said.
fn until(lines: &mut Lines<BufReader<ChildStdout>>, start: &str) -> Vec<String> {
    let mut said = Vec::new();
    loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {said:?}")).unwrap();
        said.push(line);
        if said.last().is_some_and(|line| line.starts_with(start)) {
            return said;
        }
    }
}

async fn story(program: PathBuf) {
    let place = Place::new();
    let mut desk = place.serve().await;
    let admin = ("ADMIN", "admin-1");
    let channel = json!({
        "key": "src", "name": "src", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false, "replyRequired": true,
    });
    let channel =
        place.done(admin, "createChannel", "CreateChannel", channel, "channel { id version }").await;
    let channel = channel["channel"].clone();
    let rotate = json!({ "channel": channel["id"], "expectedVersion": channel["version"] });
    let made = place.done(admin, "rotateHookSecret", "RotateHookSecret", rotate, "secret").await;
    place.file("hook.secret", made["secret"].as_str().unwrap());
    place.file("src.token", &place.token("SRC", "src-1", &["--channel", "src"]));
    let endpoint = json!({
        "name": "platform", "url": format!("http://{}/webhooks", place.platform), "messageTypes": ["*"],
        "grant": { "role": "SRC", "channel": channel["id"], "tlpCeiling": "AMBER", "abroad": false },
    });
    let fields = "secret endpoint { id version }";
    let endpoint =
        place.done(admin, "createWebhookEndpoint", "CreateWebhookEndpoint", endpoint, fields).await;
    place.file("webhook.secret", endpoint["secret"].as_str().unwrap());
    let confirm =
        json!({ "endpoint": endpoint["endpoint"]["id"], "expectedVersion": endpoint["endpoint"]["version"] });
    let leader = ("LEADER", "leader-1");
    place.done(leader, "confirmWebhookGrant", "ConfirmWebhookGrant", confirm, "endpoint { id }").await;
    let cells = json!([{ "assetTier": "CORE", "severity": "HIGH", "minimum": "1", "maximum": "800" }]);
    let grid = json!({ "currency": "CNY", "cells": cells });
    place.done(admin, "createRewardGrid", "CreateRewardGrid", grid, "rewardGrid { id }").await;
    let year = SystemClock.now().format("%Y").to_string();
    let budget = json!({ "period": year, "currency": "CNY", "amount": "1000" });
    let finance = ("FINANCE", "finance-1");
    place.done(finance, "createBudget", "CreateBudget", budget, "budget { id }").await;

    let (running, mut lines) = place.run(&program);
    until(&mut lines, "running");
    let words =
        ["submit", "--number", "S-1", "--title", "A hole", "--text", "Steps", "--finder", "reporter-1"];
    let received = place.answer_of(&program, &words);
    assert!(received["event"].as_str().unwrap().starts_with("VE-"), "{received}");
    assert_eq!(place.answer_of(&program, &words), received, "the same number is the same report");
    let report = received["report"].as_str().unwrap();
    until(&mut lines, "told report.received");

    let analyst = ("ANALYST", "analyst-1");
    let find = "query($number: String!) { event(number: $number) { id version } }";
    let number = json!({ "number": received["event"] });
    let event = place.graphql(&place.token(analyst.0, analyst.1, &[]), find, number).await["event"].clone();
    let input = json!({ "event": event["id"], "expectedVersion": event["version"] });
    let event =
        place.done(analyst, "startTriage", "EventMove", input, "event { id version }").await["event"].clone();
    let verdict = json!({
        "event": event["id"], "expectedVersion": event["version"], "verdict": "CONFIRMED", "severity": "HIGH",
        "rationale": "Reproduced",
    });
    place.done(analyst, "giveVerdict", "GiveVerdict", verdict, "event { id }").await;
    let proposal = json!({
        "kind": "BOUNTY", "report": report, "amount": "500.50", "currency": "CNY", "assetTier": "CORE",
        "rationale": "As the grid says",
    });
    let payout =
        place.done(analyst, "proposePayout", "ProposePayout", proposal, "payout { id version }").await;
    let approve = json!({ "payout": payout["payout"]["id"], "expectedVersion": payout["payout"]["version"] });
    let second = ("ANALYST", "analyst-2");
    place.done(second, "approvePayout", "ApprovePayout", approve, "payout { id }").await;
    let payout = payout["payout"]["id"].clone();

    // Killed when the money has left, then when vulndesk was told, perhaps before it remembers that.
    until(&mut lines, "paid ");
    drop(running);
    let known = std::fs::read(place.path("platform/state.json")).unwrap();
    let (running, mut lines) = place.run(&program);
    until(&mut lines, "confirmed ");
    drop(running);
    // As if it had been killed before it remembered anything since the payment, and vulndesk was killed too.
    std::fs::write(place.path("platform/state.json"), known).unwrap();
    drop(desk);
    desk = place.serve().await;
    let (running, mut lines) = place.run(&program);
    until(&mut lines, "confirmed ");
    drop(running);

    let status = place.answer_of(&program, &["status", report]);
    assert_eq!(status["channelNumber"], "S-1", "{status}");
    assert_eq!(status["severity"], "HIGH", "{status}");
    assert_eq!(status["payouts"][0]["state"], "PAID", "{status}");
    let ledger = std::fs::read_to_string(place.path("platform/ledger.txt")).unwrap();
    assert_eq!(ledger.lines().count(), 1, "money left once: {ledger}");
    let reference = ledger.split(' ').next().unwrap();
    let auditor = place.token("AUDITOR", "auditor-1", &[]);
    let history =
        "query($id: ID!) { node(id: $id) { ... on Payout { state paidReference history { kind } } } }";
    let seen = place.graphql(&auditor, history, json!({ "id": payout })).await["node"].clone();
    assert_eq!((&seen["state"], &seen["paidReference"]), (&json!("PAID"), &json!(reference)), "{seen}");
    let kinds: Vec<_> =
        seen["history"].as_array().unwrap().iter().map(|step| step["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["PROPOSED", "APPROVED", "ACCEPTED", "SYNCED", "PAID"]);
    let budget = "{ budgets { nodes { reserved spent } } }";
    let budget = place.graphql(&auditor, budget, Value::Null).await["budgets"]["nodes"][0].clone();
    assert_eq!(budget, json!({ "reserved": "0.00", "spent": "500.50" }));
    drop(desk);
}

/// How often the server is killed under load, and after how many more answered hooks each time.
const KILLS: (usize, usize) = (5, 25);
/// How many hooks are on their way at once.
const SENDERS: usize = 6;

/// Sends hooks until it is stopped, each with its id until it gets an answer; answers what each number got.
async fn send_on(
    (desk, http): (std::net::SocketAddr, reqwest::Client),
    secret: String,
    sender: usize,
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> Vec<(String, String)> {
    let key = Key::parse(&secret).unwrap();
    let mut got = Vec::new();
    for turn in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let number = format!("{sender}-{turn}");
        let data = json!({ "number": number, "title": format!("A hole {number}"), "text": "Steps" });
        let body = json!({ "type": "report.submitted", "data": data }).to_string();
        let id = format!("msg_{number}");
        loop {
            let now = SystemClock.now();
            let request = http
                .post(format!("http://{desk}/hooks/src/src"))
                .header("webhook-id", &id)
                .header("webhook-timestamp", now.timestamp())
                .header("webhook-signature", sign([&key], &id, now, body.as_bytes()))
                .body(body.clone());
            let answer = match request.send().await {
                Ok(response) if response.status() == 200 => response.text().await.ok(),
                Ok(response) => {
                    assert_eq!(response.status(), 503, "{number}");
                    None
                }
                Err(_) => None,
            };
            if let Some(answer) = answer {
                got.push((number, answer));
                answered.fetch_add(1, Ordering::SeqCst);
                break;
            }
            // The server is down, or another request is just carrying it out: it comes again.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    got
}

async fn killed_under_load() {
    let place = Place::new();
    let mut desk = place.serve().await;
    let admin = ("ADMIN", "admin-1");
    let channel = json!({
        "key": "src", "name": "src", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false, "replyRequired": true,
    });
    let channel =
        place.done(admin, "createChannel", "CreateChannel", channel, "channel { id version }").await;
    let rotate =
        json!({ "channel": channel["channel"]["id"], "expectedVersion": channel["channel"]["version"] });
    let made = place.done(admin, "rotateHookSecret", "RotateHookSecret", rotate, "secret").await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    let (answered, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let there = (place.desk, place.http.clone());
            tokio::spawn(send_on(there, secret.clone(), sender, Arc::clone(&answered), Arc::clone(&stop)))
        })
        .collect();
    let load = async || {
        let enough = answered.load(Ordering::SeqCst) + KILLS.1;
        while answered.load(Ordering::SeqCst) < enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for _ in 0..KILLS.0 {
        load().await;
        drop(desk);
        desk = place.serve().await;
    }
    load().await;
    stop.store(true, Ordering::SeqCst);
    let mut got = Vec::new();
    for sender in senders {
        got.extend(sender.await.unwrap());
    }
    let url = format!("sqlite://{}", place.path("vulndesk.sqlite").display());
    let database = Database::connect(&url, 2).await.unwrap();
    loop {
        let hooks = hook_inbox::Entity::find().all(database.reader()).await.unwrap();
        if hooks.iter().all(|hook| hook.state == HookState::Done) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(desk);
    let hooks = hook_inbox::Entity::find().all(database.reader()).await.unwrap();
    let reports = report::Entity::find().all(database.reader()).await.unwrap();
    assert_eq!(got.len(), answered.load(Ordering::SeqCst));
    let numbers: BTreeSet<_> = reports.iter().filter_map(|report| report.channel_number.clone()).collect();
    assert_eq!(numbers.len(), reports.len(), "each number is one report");
    assert_eq!(numbers, got.iter().map(|(number, _)| number.clone()).collect(), "none is lost or invented");
    for (number, answer) in &got {
        let hook = hooks.iter().find(|hook| hook.hook_id == format!("msg_{number}")).unwrap();
        assert_eq!(hook.answer.as_ref(), Some(answer), "{number}");
    }
    eprintln!("{} hooks, {} kills", got.len(), KILLS.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hook_is_lost_or_done_twice_although_the_server_is_killed_under_load() {
    tokio::time::timeout(PATIENCE, killed_under_load()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_comes_in_by_hook_and_is_paid_once_although_the_platform_is_killed_and_confirms_thrice() {
    // Not within the bound: a build waits for another in the same folder.
    let program = tokio::task::spawn_blocking(sample).await.unwrap();
    tokio::time::timeout(PATIENCE, story(program)).await.unwrap();
}

#[tokio::test]
async fn what_an_operator_compares_and_renews_at_the_command_line() {
    let place = Place::new();
    let ran = |arguments: &[&str]| {
        let output = place.vulndesk(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let running = place.serve().await;
    let channel = json!({
        "key": "src", "name": "SRC", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false, "replyRequired": true,
    });
    let admin = ("ADMIN", "admin-1");
    let made = place.done(admin, "createChannel", "CreateChannel", channel, "channel { id version }").await;
    let rotate = json!({ "channel": made["channel"]["id"], "expectedVersion": made["channel"]["version"] });
    place.done(admin, "rotateHookSecret", "RotateHookSecret", rotate, "secret").await;
    let tracker = json!({
        "name": "engineering", "preset": "GITHUB", "baseUrl": format!("http://{}", place.platform), "tlpCeiling": "AMBER", "abroad": false,
        "parameters": [{ "name": "owner", "value": "team" }, { "name": "repository", "value": "product" }],
        "credentials": [{ "name": "token", "value": "a-secret-key" }],
    });
    place.done(admin, "createTracker", "CreateTracker", tracker, "tracker { id }").await;
    let portal = json!({
        "name": "Chat", "preset": "WECOM", "url": format!("http://{}/send?key=url-secret", place.platform), "messageTypes": ["*"],
        "grant": { "role": "ANALYST", "tlpCeiling": "AMBER", "abroad": false },
    });
    let fields = "endpoint { id }";
    place.done(admin, "createWebhookEndpoint", "CreateWebhookEndpoint", portal, fields).await;
    drop(running);

    let statement = |text: &str| place.file("statement.csv", text);
    for (text, succeeds, words) in [
        ("number,amount,currency,reference\n", true, "0 agree, 0 do not"),
        (
            "number,amount,currency\nP-1, 1.00 ,CNY\n",
            false,
            "extra P-1: 1.00 CNY is in the statement, not paid here",
        ),
        ("number,amount,currency\n\"P-1\",\"1,000\",CNY\n", false, "line 2"),
        ("number,amount,currency\nP-1,0.001,CNY\n", false, "line 2"),
        ("number,amount,currency\nP-1,1,XAU\n", false, "line 2"),
        ("number,currency\nP-1,CNY\n", false, "missing field `amount`"),
    ] {
        let file = statement(text);
        let span = ["--from", "2026-01-01T00:00:00Z", "--until", "2026-04-01T00:00:00Z"];
        let compare = ["reconcile", "payouts", "--channel", "src", &file];
        let (done, said) = ran(&[&compare[..], &span].concat());
        assert_eq!(done, succeeds, "{text}: {said}");
        assert!(said.contains(words), "{text}: {said}");
    }
    let file = statement("number,amount,currency\n");
    let (done, said) = ran(&["reconcile", "payouts", "--channel", "nothing", &file]);
    assert!(!done && said.contains("there is no channel nothing"), "{said}");
    let (done, said) = ran(&["reconcile", "tickets"]);
    assert!(done && said.contains("all tickets agree"), "{said}");

    // A new key before the old one: what it seals is renewed once, and then the old key is needed no more.
    let (old, new) = (place.path("seal.key"), place.file("new.key", &"0b".repeat(32)));
    let settings = std::fs::read_to_string(place.path("vulndesk.toml")).unwrap();
    let with_keys = |keys: &str| {
        let lines = settings.lines().map(|line| if line.starts_with("keys = ") { keys } else { line });
        place.file("vulndesk.toml", &lines.collect::<Vec<_>>().join("\n"));
    };
    with_keys(&format!("keys = [{new:?}, {:?}]", old.display().to_string()));
    let (done, said) = ran(&["secrets", "rotate"]);
    assert!(done && said.starts_with("1 endpoints, 1 senders of hooks, 1 trackers"), "{said}");
    with_keys(&format!("keys = [{new:?}]"));
    let (done, said) = ran(&["secrets", "rotate"]);
    assert!(done && said.starts_with("0 endpoints, 0 senders of hooks, 0 trackers"), "{said}");
    with_keys(&format!("keys = [{:?}]", old.display().to_string()));
    let (done, said) = ran(&["secrets", "rotate"]);
    assert!(!done, "what the new key sealed, the old one does not open: {said}");
}
