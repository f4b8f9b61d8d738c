//! A small SRC platform: the other side of vulndesk's hooks, webhooks and payouts, to start an integration from.
//!
//! `submit` sends a report by a signed hook. `status` shows what the platform may tell its white hat. `run` receives
//! webhooks, pulls the changes of payouts after its cursor, accepts and takes what was approved, pays it, and confirms.
//!
//! Money leaves once: a payment gets its reference and is on disk before anything else happens, a payout that has one
//! is never paid under another, and what was not surely confirmed is confirmed again under the same reference. So it
//! may be killed anywhere and started again.

#![allow(clippy::print_stdout, reason = "its output is what the operator reads")]

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use clap::{Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::webhook::sign::{Key, sign, verify};

/// How often it pulls when no webhook rouses it.
const PULL_EVERY: Duration = Duration::from_secs(1);

#[derive(Parser)]
struct Cli {
    /// Where vulndesk is, for example http://127.0.0.1:8080.
    #[arg(long)]
    vulndesk: String,
    /// Key of this platform's channel.
    #[arg(long)]
    channel: String,
    /// File with the access token of this platform's service (role SRC, this channel).
    #[arg(long)]
    token: PathBuf,
    /// File with the secret that signs hooks to vulndesk (rotateHookSecret).
    #[arg(long)]
    hook_secret: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends a report.
    Submit {
        /// Our number for it.
        #[arg(long)]
        number: String,
        /// Its title.
        #[arg(long)]
        title: String,
        /// Its text.
        #[arg(long)]
        text: String,
        /// The white hat's subject.
        #[arg(long)]
        finder: String,
    },
    /// Shows what the white hat may know of a report.
    Status {
        /// The report's id, as `submit` printed it.
        report: String,
    },
    /// Receives webhooks, pulls payouts, pays and confirms, until it is stopped.
    Run {
        /// Where webhooks are received.
        #[arg(long)]
        listen: SocketAddr,
        /// File with the secret that signs vulndesk's webhooks (createWebhookEndpoint).
        #[arg(long)]
        webhook_secret: PathBuf,
        /// Folder with what has to be known after a restart, and the ledger of payments.
        #[arg(long)]
        state: PathBuf,
    },
}

/// What vulndesk will not do however often it is asked: a person has to look, and the others go on.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Goes on after what was refused for good, and with a word of it; not after what may do better later.
fn go_on(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.is::<Refused>() => {
            println!("refused {error}");
            Ok(())
        }
        other => other,
    }
}

/// vulndesk, as this platform speaks to it.
struct Desk {
    http: reqwest::Client,
    url: String,
    channel: String,
    token: SecretString,
    hook_key: Key,
    ids: Ids,
}

impl Desk {
    /// Signs a hook, sends it, and answers what vulndesk said.
    async fn hook(&self, kind: &str, data: Value) -> Result<Value> {
        let body = json!({ "type": kind, "data": data }).to_string();
        let (id, now) = (format!("msg_{}", self.ids.next().simple()), SystemClock.now());
        let response = self
            .http
            .post(format!("{}/hooks/src/{}", self.url, self.channel))
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", sign([&self.hook_key], &id, now, body.as_bytes()))
            .body(body)
            .send()
            .await?;
        let status = response.status();
        let answer = response.text().await?;
        if matches!(status.as_u16(), 400 | 403 | 404 | 409 | 422) {
            return Err(Refused(format!("{kind}: {status} {answer}")).into());
        }
        if !status.is_success() {
            bail!("{kind}: {status} {answer}");
        }
        Ok(serde_json::from_str(&answer)?)
    }

    async fn graphql(&self, query: &str, variables: Value) -> Result<Value> {
        let request = self
            .http
            .post(format!("{}/graphql", self.url))
            .bearer_auth(self.token.expose_secret())
            .json(&json!({ "query": query, "variables": variables }));
        let mut answer: Value = request.send().await?.json().await?;
        if !answer["errors"].is_null() {
            bail!("{}", answer["errors"]);
        }
        Ok(answer["data"].take())
    }
}

/// What has to be known after a restart.
#[derive(Default, Serialize, Deserialize)]
struct Known {
    /// Position up to which changes were looked at.
    cursor: Option<String>,
    /// Payments by payout.
    payments: BTreeMap<String, Payment>,
}

/// A payment, decided once.
#[derive(Clone, Serialize, Deserialize)]
struct Payment {
    number: String,
    reference: String,
    paid_at: String,
    amount: String,
    currency: String,
    confirmed: bool,
}

/// The platform's memory on disk.
struct Memory {
    folder: PathBuf,
    state: Known,
}

impl Memory {
    fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let state = match std::fs::read(folder.join("state.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Known::default(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { folder: folder.to_owned(), state })
    }

    /// Writes the state whole, or not at all.
    fn save(&self) -> Result<()> {
        let (draft, kept) = (self.folder.join("state.json.new"), self.folder.join("state.json"));
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(&self.state)?)?;
        file.sync_all()?;
        std::fs::rename(draft, kept)?;
        std::fs::File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    /// Hands a payment to the bank, which here is a ledger that takes each reference once.
    fn transfer(&self, payment: &Payment) -> Result<()> {
        let path = self.folder.join("ledger.txt");
        let ledger = std::fs::read_to_string(&path).unwrap_or_default();
        if ledger.lines().any(|line| line.starts_with(&format!("{} ", payment.reference))) {
            return Ok(());
        }
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
        let Payment { number, reference, amount, currency, .. } = payment;
        file.write_all(format!("{reference} {number} {amount} {currency}\n").as_bytes())?;
        Ok(file.sync_all()?)
    }
}

const CHANGES: &str = "query($after: String) { payoutChanges(after: $after) {
    nextPosition hasMore changes { payout { id number state attempt amount currency accepted } } } }";
const CONFIRM: &str = "mutation($input: ConfirmPayout!) { confirmPayout(input: $input) {
    payout { state } userErrors { code field message } } }";
const STATUS: &str = "query($id: ID!) { node(id: $id) { ... on Report {
    channelNumber publicStatus verdict severity payouts { number state amount currency } } } }";

/// Looks at what changed, and brings each payout on by what it now needs.
async fn pull(desk: &Desk, memory: &mut Memory) -> Result<()> {
    loop {
        let answer = desk.graphql(CHANGES, json!({ "after": memory.state.cursor })).await?;
        let page = &answer["payoutChanges"];
        for change in page["changes"].as_array().into_iter().flatten() {
            go_on(bring_on(desk, memory, &change["payout"]).await)?;
        }
        // Only now: what was not finished is seen again after a restart.
        let next = page["nextPosition"].as_str().map(str::to_owned);
        if next != memory.state.cursor {
            memory.state.cursor = next;
            memory.save()?;
        }
        if page["hasMore"] != json!(true) {
            return Ok(());
        }
    }
}

async fn bring_on(desk: &Desk, memory: &mut Memory, payout: &Value) -> Result<()> {
    let text = |field: &str| payout[field].as_str().unwrap_or_default().to_owned();
    let (id, state) = (text("id"), text("state"));
    if state == "APPROVED" {
        // Here the white hat accepts at once.
        desk.hook("payout.accepted", json!({ "payout": id })).await?;
        let reference = format!("P-{}", text("number"));
        desk.hook(
            "payout.synced",
            json!({ "payout": id, "attempt": payout["attempt"], "platformReference": reference }),
        )
        .await?;
        println!("synced {}", text("number"));
    }
    if state != "APPROVED" && state != "SYNCED" {
        return Ok(());
    }
    if !memory.state.payments.contains_key(&id) {
        let payment = Payment {
            number: text("number"),
            reference: format!("T-{}", desk.ids.next().simple()),
            paid_at: SystemClock.now().to_rfc3339(),
            amount: text("amount"),
            currency: text("currency"),
            confirmed: false,
        };
        memory.state.payments.insert(id.clone(), payment);
        memory.save()?;
    }
    let payment = memory.state.payments.get(&id).cloned().context("it was just put there")?;
    memory.transfer(&payment)?;
    println!("paid {} {}", payment.number, payment.reference);
    confirm(desk, memory, &id, payment).await
}

/// Tells vulndesk of a payment; as often as need be, under the one reference.
async fn confirm(desk: &Desk, memory: &mut Memory, id: &str, payment: Payment) -> Result<()> {
    let Payment { reference, paid_at, amount, currency, .. } = &payment;
    let input = json!({
        "payout": id, "externalReference": reference, "paidAt": paid_at, "amount": amount, "currency": currency,
    });
    let answer = desk.graphql(CONFIRM, json!({ "input": input })).await?;
    let answer = &answer["confirmPayout"];
    if answer["userErrors"] != json!([]) {
        return Err(Refused(format!("{}: {}", payment.number, answer["userErrors"])).into());
    }
    println!("confirmed {} {}", payment.number, payment.reference);
    memory.state.payments.insert(id.to_owned(), Payment { confirmed: true, ..payment });
    memory.save()
}

/// Confirms what was paid and perhaps not confirmed before a restart.
async fn confirm_rest(desk: &Desk, memory: &mut Memory) -> Result<()> {
    let known = memory.state.payments.clone();
    for (id, payment) in known.into_iter().filter(|(_, payment)| !payment.confirmed) {
        memory.transfer(&payment)?;
        go_on(confirm(desk, memory, &id, payment).await)?;
    }
    Ok(())
}

/// Takes a webhook of vulndesk: verified, answered at once, and only a hint that there is something to pull.
async fn told(State((key, bell)): State<(Key, Arc<Notify>)>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    if verify([&key], signed, &body, SystemClock.now()).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    println!("told {}", message["type"].as_str().unwrap_or_default());
    bell.notify_one();
    StatusCode::NO_CONTENT
}

fn secret(file: &Path) -> Result<SecretString> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(text.trim().to_owned().into())
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let desk = Desk {
        http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(15)).build()?,
        url: cli.vulndesk,
        channel: cli.channel,
        token: secret(&cli.token)?,
        hook_key: Key::parse(secret(&cli.hook_secret)?.expose_secret())?,
        ids: Ids::new(Arc::new(SystemClock)),
    };
    match cli.command {
        Command::Submit { number, title, text, finder } => {
            let reporter = json!({ "name": finder, "subject": finder });
            let data = json!({ "number": number, "title": title, "text": text, "reporter": reporter });
            println!("{}", desk.hook("report.submitted", data).await?);
        }
        Command::Status { report } => {
            println!("{}", desk.graphql(STATUS, json!({ "id": report })).await?["node"]);
        }
        Command::Run { listen, webhook_secret, state } => {
            let (key, bell) =
                (Key::parse(secret(&webhook_secret)?.expose_secret())?, Arc::new(Notify::new()));
            let listener = tokio::net::TcpListener::bind(listen).await?;
            let routes =
                axum::Router::new().route("/webhooks", post(told)).with_state((key, Arc::clone(&bell)));
            tokio::spawn(async move { axum::serve(listener, routes).await });
            let mut memory = Memory::open(&state)?;
            println!("running");
            loop {
                let done = async {
                    confirm_rest(&desk, &mut memory).await?;
                    pull(&desk, &mut memory).await
                };
                if let Err(error) = done.await {
                    println!("failed {error:#}");
                }
                let _ = tokio::time::timeout(PULL_EVERY, bell.notified()).await;
            }
        }
    }
    Ok(())
}
