//! Payouts approved, accepted, handed over and confirmed while the process is killed: nothing is paid twice, and every
//! budget holds what its payouts say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::Datelike;
use entity::vocabulary::{BudgetAccount, PayoutChangeKind, PayoutState};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;
use vulndesk::clock::{Clock, SystemClock};
use vulndesk::database::Database;

use super::{CALLERS, ROUNDS, ask, call, command, create_channel, postgres, row, serve, token, token_of};

/// Payouts that are on their way at once.
const PAYOUTS: usize = 40;
/// Acknowledged steps after which it is killed.
const STEPS: usize = 30;
/// What each pays, in minor units, and what is granted for all of them.
const AMOUNT: i64 = 30_000;
const GRANTED: i64 = 100_000_000;

/// Who does what.
struct People {
    proposer: String,
    approver: String,
    platform: String,
}

/// A payout on its way: its id, and the reference of the payment that its platform makes.
#[derive(Clone)]
struct Owed {
    payout: Value,
    reference: String,
}

/// A step that the caller was told of.
struct Done {
    payout: Uuid,
    state: String,
}

const PAYOUT: &str = "payout { id version state acceptedAt } userErrors { code message }";

fn document(mutation: &str) -> String {
    let kind = format!("{}{}", mutation[..1].to_uppercase(), &mutation[1..]);
    format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {PAYOUT} }} }}")
}

/// A reward grid, a budget for the year, and payouts that are proposed.
async fn prepare(folder: &Path, url: &str, address: &str, people: &People) -> Vec<Owed> {
    let client = reqwest::Client::new();
    let admin = token(folder, url, "ADMIN", "admin-1");
    create_channel(address, &admin).await;
    let grid = json!({ "currency": "CNY", "cells": [{ "assetTier": "CORE", "severity": "HIGH", "minimum": "1", "maximum": "800" }] });
    let made = "mutation($input: CreateRewardGrid!) { createRewardGrid(input: $input) { rewardGrid { id } userErrors { message } } }";
    call(&client, address, &admin, made, &grid).await.unwrap();
    // A year's budget holds whenever the test runs, but for the moment in which a year ends.
    let year = SystemClock.now().with_timezone(&chrono_tz::Asia::Shanghai).year();
    let budget =
        json!({ "period": year.to_string(), "currency": "CNY", "amount": (GRANTED / 100).to_string() });
    let made = "mutation($input: CreateBudget!) { createBudget(input: $input) { budget { id } userErrors { message } } }";
    call(&client, address, &token(folder, url, "FINANCE", "finance-1"), made, &budget).await.unwrap();
    let mut all = Vec::new();
    for number in 0..PAYOUTS {
        let report = json!({
            "channel": "src", "number": number.to_string(), "title": format!("A hole {number}"),
            "reporter": { "subject": format!("reporter-{number}") },
        });
        let made = "mutation($input: ReceiveReport!) { receiveReport(input: $input) { report { id event { id version } } userErrors { message } } }";
        let report = call(&client, address, &people.proposer, made, &report).await.unwrap()["report"].clone();
        let event = &report["event"];
        let moved = "mutation($input: EventMove!) { startTriage(input: $input) { event { version } userErrors { message } } }";
        let input = json!({ "event": event["id"], "expectedVersion": event["version"] });
        let triaged = call(&client, address, &people.proposer, moved, &input).await.unwrap();
        let verdict = json!({
            "event": event["id"], "expectedVersion": triaged["event"]["version"], "verdict": "CONFIRMED",
            "severity": "HIGH", "rationale": "Reproduced",
        });
        let given = "mutation($input: GiveVerdict!) { giveVerdict(input: $input) { event { version } userErrors { message } } }";
        call(&client, address, &people.proposer, given, &verdict).await.unwrap();
        let proposal = json!({
            "kind": "BOUNTY", "report": report["id"], "amount": (AMOUNT / 100).to_string(), "currency": "CNY",
            "assetTier": "CORE", "rationale": "As the grid says",
        });
        let proposed =
            call(&client, address, &people.proposer, &document("proposePayout"), &proposal).await.unwrap();
        all.push(Owed { payout: proposed["payout"]["id"].clone(), reference: format!("T-{number}") });
    }
    all
}

/// Takes payouts on from where they stand, each from several callers at once, until no answer comes any more or all are
/// paid. What was cut off is done again from what the product then says, and a payment is confirmed again.
async fn work(
    address: String,
    people: Arc<People>,
    owed: Arc<Mutex<Vec<Owed>>>,
    done: mpsc::UnboundedSender<Done>,
) {
    let client = reqwest::Client::new();
    let present = "query($id: ID!) { node(id: $id) { ... on Payout { version state acceptedAt } } }";
    loop {
        let next = {
            let mut owed = owed.lock().unwrap();
            // The next in turn, which others take up too.
            match owed.len() {
                0 => None,
                _ => {
                    owed.rotate_left(1);
                    owed.last().cloned()
                }
            }
        };
        let Some(Owed { payout, reference }) = next else { return };
        let variables = json!({ "id": payout });
        let Some(answer) = ask(&client, &address, &people.approver, present, &variables).await else {
            return;
        };
        let now = &answer["data"]["node"];
        let version = &now["version"];
        let confirm = json!({
            "payout": payout, "externalReference": reference, "paidAt": "2026-03-02T01:00:00Z",
            "amount": (AMOUNT / 100).to_string(), "currency": "CNY",
        });
        let (who, mutation, input) = match (now["state"].as_str().unwrap(), now["acceptedAt"].is_null()) {
            ("PROPOSED", _) => {
                (&people.approver, "approvePayout", json!({ "payout": payout, "expectedVersion": version }))
            }
            ("APPROVED", true) => (&people.platform, "acceptPayout", json!({ "payout": payout })),
            ("APPROVED", false) => {
                (&people.platform, "markPayoutSynced", json!({ "payout": payout, "attempt": 1 }))
            }
            // Also what is paid: the platform may not have heard of it.
            ("SYNCED" | "PAID", _) => (&people.platform, "confirmPayout", confirm),
            (other, _) => panic!("nobody brought it to {other}"),
        };
        let variables = json!({ "input": input });
        let Some(answer) = ask(&client, &address, who, &document(mutation), &variables).await else { return };
        // Of those who do the same at once, the others are told of a conflict, or that it stands elsewhere by now.
        let payload = &answer["data"][mutation];
        if payload["payout"].is_null() {
            let refused = payload["userErrors"][0]["code"] == "MOVE_NOT_ALLOWED";
            assert!(
                refused || answer["errors"][0]["extensions"]["code"] == "CONFLICT",
                "{mutation}: {answer}"
            );
            continue;
        }
        let state = payload["payout"]["state"].as_str().unwrap().to_owned();
        if now["state"] == "PAID" {
            assert_eq!(state, "PAID", "{answer}");
            owed.lock().unwrap().retain(|owed| owed.payout != payout);
            continue;
        }
        let _ = done.send(Done { payout: row(&payout), state });
    }
}

async fn pays_once(url: &str, folder: &Path) {
    std::fs::write(folder.join("secret"), "a secret for tests that is long enough").unwrap();
    let people = Arc::new(People {
        proposer: token(folder, url, "ANALYST", "analyst-1"),
        approver: token(folder, url, "ANALYST", "analyst-2"),
        platform: token_of(folder, url, &["--role", "SRC", "--subject", "src-1", "--channel", "src"]),
    });
    let (mut acknowledged, mut owed) = (Vec::new(), None);
    // The last round brings what is left to its end.
    for round in 0..=ROUNDS {
        let (mut child, address) = serve(folder, url);
        let owed = match &owed {
            Some(owed) => Arc::clone(owed),
            None => {
                let prepared = prepare(folder, url, &address, &people).await;
                Arc::clone(owed.insert(Arc::new(Mutex::new(prepared))))
            }
        };
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                tokio::spawn(work(address.clone(), Arc::clone(&people), Arc::clone(&owed), sender.clone()))
            })
            .collect();
        drop(sender);
        if round < ROUNDS {
            for _ in 0..STEPS {
                acknowledged.push(receiver.recv().await.expect("callers go on until it is killed"));
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        while let Some(done) = receiver.recv().await {
            acknowledged.push(done);
        }
        for caller in callers {
            caller.await.unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        holds(url, &acknowledged, round == ROUNDS).await;
    }
    let verified = command(folder, url).args(["audit", "verify"]).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains(" 0 faults"), "{said}");
}

/// Reads the database as it was left: the ledger balances, and says of each payout what its state says.
async fn holds(url: &str, acknowledged: &[Done], is_last: bool) {
    let database = Database::connect(url, 2).await.unwrap();
    let db = database.reader();
    let payouts = entity::payout::Entity::find().all(db).await.unwrap();
    assert_eq!(payouts.len(), PAYOUTS);
    let by_id: BTreeMap<Uuid, _> = payouts.iter().map(|payout| (payout.id, payout)).collect();
    const ORDER: [PayoutState; 4] =
        [PayoutState::Proposed, PayoutState::Approved, PayoutState::Synced, PayoutState::Paid];
    let rank = |state: &str| ORDER.iter().position(|known| known.as_str() == state).unwrap();
    for done in acknowledged {
        let now = by_id[&done.payout].state;
        assert!(rank(now.as_str()) >= rank(&done.state), "it was said to be {} and is {now}", done.state);
    }
    let entries = entity::budget_entry::Entity::find().all(db).await.unwrap();
    let mut postings: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut held: BTreeMap<(Option<Uuid>, &str), i64> = BTreeMap::new();
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in &entries {
        *postings.entry(entry.posting_id).or_default() += entry.amount;
        *held.entry((entry.payout_id, entry.account.as_str())).or_default() += entry.amount;
        *sums.entry(entry.account.as_str()).or_default() += entry.amount;
    }
    assert!(postings.values().all(|sum| *sum == 0), "a posting does not balance");
    let changes = entity::payout_change::Entity::find().all(db).await.unwrap();
    for payout in &payouts {
        let of = |account: BudgetAccount| {
            held.get(&(Some(payout.id), account.as_str())).copied().unwrap_or_default()
        };
        let (reserved, spent) = match payout.state {
            PayoutState::Proposed => (0, 0),
            PayoutState::Approved | PayoutState::Synced => (AMOUNT, 0),
            PayoutState::Paid => (0, AMOUNT),
            other => panic!("nobody brought it to {other}"),
        };
        let number = &payout.number;
        assert_eq!((of(BudgetAccount::Reserved), of(BudgetAccount::Spent)), (reserved, spent), "{number}");
        assert_eq!(of(BudgetAccount::Available), -(reserved + spent), "{number}");
        let steps =
            |kind| changes.iter().filter(|row| row.payout_id == payout.id && row.kind == kind).count();
        let at_least = |state| usize::from(rank(payout.state.as_str()) >= rank(state));
        let found = [PayoutChangeKind::Approved, PayoutChangeKind::Synced, PayoutChangeKind::Paid].map(steps);
        assert_eq!(found, ["APPROVED", "SYNCED", "PAID"].map(at_least), "each step once: {number}");
        assert_eq!(payout.paid_reference.is_some(), payout.state == PayoutState::Paid, "{number}");
    }
    let paid = payouts.iter().filter(|payout| payout.state == PayoutState::Paid).count();
    assert!(!is_last || paid == PAYOUTS, "all are paid in the end: {paid}");
    let budget = entity::budget::Entity::find().one(db).await.unwrap().unwrap();
    let sum = |account: BudgetAccount| sums.get(account.as_str()).copied().unwrap_or_default();
    let found = [BudgetAccount::Available, BudgetAccount::Reserved, BudgetAccount::Spent].map(sum);
    assert_eq!([budget.available, budget.reserved, budget.spent], found, "the row holds the ledger's sums");
    assert_eq!((budget.granted, budget.overrun, found.iter().sum::<i64>()), (GRANTED, 0, GRANTED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_pays_once_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payouts.sqlite");
    pays_once(&format!("sqlite://{}", file.display()), folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_pays_once_on_postgres() {
    let folder = tempfile::tempdir().unwrap();
    pays_once(&postgres("payouts").await, folder.path()).await;
}
