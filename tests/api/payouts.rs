//! Payouts from proposal to payment, with their budgets, races and what each role sees of them.

use chrono::TimeDelta;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};

pub(crate) const FIELDS: &str = "payout { id number version state amount }";

/// A payout as its caller last saw it.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) id: Value,
    pub(crate) version: Value,
}

impl Seen {
    pub(crate) fn of(payload: &Value) -> Self {
        let payout = &payload["payout"];
        assert!(payout["id"].is_string(), "{payload}");
        Self { id: payout["id"].clone(), version: payout["version"].clone() }
    }

    pub(crate) fn with(&self, mut more: Value) -> Value {
        more["payout"] = self.id.clone();
        more["expectedVersion"] = self.version.clone();
        more
    }
}

/// The company with a grid for core assets (HIGH 1 to 800, CRITICAL 801 to 5,000) and a budget for the quarter.
pub(crate) async fn with_money(app: &TestApp, budget: &str) {
    app.with_company().await;
    let admin = app.token(Role::Admin, "admin-1");
    let cells = json!([
        { "assetTier": "CORE", "severity": "HIGH", "minimum": "1.00", "maximum": "800" },
        { "assetTier": "CORE", "severity": "CRITICAL", "minimum": "801", "maximum": "5000" },
    ]);
    let grid = json!({ "currency": "CNY", "cells": cells });
    app.done(&admin, "createRewardGrid", "CreateRewardGrid", grid, "rewardGrid { id }").await;
    let finance = app.token(Role::Finance, "finance-1");
    let input = json!({ "period": "2026-Q1", "currency": "CNY", "amount": budget });
    app.done(&finance, "createBudget", "CreateBudget", input, "budget { id }").await;
}

/// A report of `subject` that analyst-1 confirmed as HIGH; answers its id and its event's.
pub(crate) async fn confirmed(
    app: &TestApp,
    channel: &str,
    number: &str,
    subject: &str,
    tlp: &str,
) -> (Value, Value) {
    let reporter = json!({ "name": format!("name of {subject}"), "subject": subject });
    confirmed_by(app, "analyst-1", channel, number, reporter, tlp).await
}

/// The same, received by this analyst from whomever is described.
pub(crate) async fn confirmed_by(
    app: &TestApp,
    analyst: &str,
    channel: &str,
    number: &str,
    reporter: Value,
    tlp: &str,
) -> (Value, Value) {
    let analyst = app.token(Role::Analyst, analyst);
    let input = json!({
        "channel": channel, "number": number, "title": format!("A hole {number}"), "tlp": tlp, "reporter": reporter,
    });
    let fields = "report { id event { id version } }";
    let report = app.done(&analyst, "receiveReport", "ReceiveReport", input, fields).await["report"].clone();
    let event = &report["event"];
    let triage = json!({ "event": event["id"], "expectedVersion": event["version"] });
    let moved = app.done(&analyst, "startTriage", "EventMove", triage, "event { version }").await;
    let verdict = json!({
        "event": event["id"], "expectedVersion": moved["event"]["version"], "verdict": "CONFIRMED",
        "severity": "HIGH", "rationale": "Reproduced",
    });
    app.done(&analyst, "giveVerdict", "GiveVerdict", verdict, "event { version }").await;
    (report["id"].clone(), event["id"].clone())
}

pub(crate) async fn call(app: &TestApp, who: (Role, &str), mutation: &str, input: Value) -> Value {
    let token = app.token_in_scope(who.0, who.1);
    let kind = match mutation {
        "rejectPayout" | "holdPayout" | "releasePayout" | "cancelPayout" | "retryPayout"
        | "reversePayout" => "PayoutMove".to_owned(),
        other => format!("{}{}", other[..1].to_uppercase(), &other[1..]),
    };
    app.change(&token, mutation, &kind, input, FIELDS).await
}

pub(crate) async fn propose(app: &TestApp, report: &Value, amount: &str) -> Seen {
    let input = json!({
        "kind": "BOUNTY", "report": report, "amount": amount, "currency": "CNY", "assetTier": "CORE",
        "rationale": "As the grid says",
    });
    Seen::of(&call(app, (Role::Analyst, "analyst-1"), "proposePayout", input).await)
}

pub(crate) async fn approve(app: &TestApp, who: (Role, &str), payout: &Seen) -> Seen {
    Seen::of(&call(app, who, "approvePayout", payout.with(json!({}))).await)
}

pub(crate) fn code(payload: &Value) -> &str {
    let refused = payload["userErrors"][0]["code"].as_str();
    refused.or(payload["errors"][0]["extensions"]["code"].as_str()).unwrap_or("DONE")
}

/// The quarter's accounts: granted, available, reserved, spent, overrun. They and the ledger have to balance.
pub(crate) async fn accounts(app: &TestApp) -> [String; 5] {
    let finance = app.token(Role::Finance, "finance-1");
    let document = "{ budgets { nodes { granted available reserved spent overrun } } }";
    let answer = app.graphql(&finance, document, Value::Null).await;
    let node = &answer["data"]["budgets"]["nodes"][0];
    let shown = ["granted", "available", "reserved", "spent", "overrun"]
        .map(|account| node[account].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned());

    let db = app.app.database.reader();
    let entries = entity::budget_entry::Entity::find().all(db).await.unwrap();
    let mut postings = std::collections::HashMap::<_, i64>::new();
    let mut sums = std::collections::HashMap::<_, i64>::new();
    for entry in &entries {
        *postings.entry(entry.posting_id).or_default() += entry.amount;
        *sums.entry(entry.account.as_str()).or_default() += entry.amount;
    }
    assert!(postings.values().all(|sum| *sum == 0), "a posting does not balance");
    let budget = entity::budget::Entity::find().one(db).await.unwrap().unwrap();
    let sum = |account: &str| sums.get(account).copied().unwrap_or_default();
    let found = [-sum("GRANTED"), sum("AVAILABLE"), sum("RESERVED"), sum("SPENT")];
    assert_eq!([budget.granted, budget.available, budget.reserved, budget.spent], found);
    shown
}

/// Gives the messages written so far their positions, as the sequencer does after their commits.
pub(crate) async fn sequence(app: &TestApp) {
    use entity::message::{Column, Entity};
    let db = app.app.database.writer();
    let last = Entity::find().order_by_desc(Column::Position).filter(Column::Position.is_not_null());
    let mut position = last.one(db).await.unwrap().and_then(|row| row.position).unwrap_or(0);
    for row in Entity::find().filter(Column::Position.is_null()).all(db).await.unwrap() {
        position += 1;
        let update = Entity::update_many().col_expr(Column::Position, Expr::value(position));
        update.filter(Column::Id.eq(row.id)).exec(db).await.unwrap();
    }
}

#[tokio::test]
async fn a_bounty_goes_from_proposal_to_payment_with_four_eyes_and_is_confirmed_once() {
    on_both(|app| async move {
        with_money(&app, "1000.00").await;
        let (report, event) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let payout = propose(&app, &report, "500.50").await;
        let second = json!({ "kind": "BOUNTY", "report": report, "amount": "1", "currency": "CNY", "assetTier": "CORE", "rationale": "Again" });
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "proposePayout", second).await), "ALREADY_EXISTS");

        let by_proposer = call(&app, (Role::Analyst, "analyst-1"), "approvePayout", payout.with(json!({}))).await;
        assert_eq!(code(&by_proposer), "FOUR_EYES");
        let by_payee = call(&app, (Role::Analyst, "reporter-1"), "approvePayout", payout.with(json!({}))).await;
        assert_eq!(code(&by_payee), "FOUR_EYES");
        let mine = "{ payouts { totalCount nodes { amount state proposedBy eventNumber history { kind changedBy } } } }";
        let reporter = app.token(Role::Reporter, "reporter-1");
        let hidden = app.graphql(&reporter, mine, Value::Null).await;
        assert_eq!(hidden["data"]["payouts"]["totalCount"], 0, "a proposal is no promise");

        let payout = approve(&app, (Role::Analyst, "analyst-2"), &payout).await;
        assert_eq!(accounts(&app).await, ["1000.00", "499.50", "500.50", "0.00", "0.00"]);
        let seen = app.graphql(&reporter, mine, Value::Null).await;
        assert_eq!(seen["data"]["payouts"]["nodes"], json!([{
            "amount": "500.50", "state": "APPROVED", "proposedBy": null, "eventNumber": null,
            "history": [{ "kind": "APPROVED", "changedBy": null }],
        }]));

        let src = (Role::Src, "src-1");
        let sync = json!({ "payout": payout.id, "attempt": 1, "platformReference": "P-1" });
        assert_eq!(code(&call(&app, src, "markPayoutSynced", sync.clone()).await), "MISSING_FACT");
        let accepted = call(&app, (Role::Reporter, "reporter-1"), "acceptPayout", json!({ "payout": payout.id })).await;
        assert_eq!(code(&accepted), "DONE");
        let appeal = json!({ "payout": payout.id, "grounds": "It is worse" });
        assert_eq!(code(&call(&app, (Role::Reporter, "reporter-1"), "appealPayout", appeal).await), "FROZEN");
        let synced = call(&app, src, "markPayoutSynced", sync.clone()).await;
        assert_eq!(synced["payout"]["state"], "SYNCED", "{synced}");
        let again = call(&app, src, "markPayoutSynced", sync).await;
        assert_eq!(again["payout"]["version"], synced["payout"]["version"], "the same again changes nothing");

        let paid = |amount: &str, reference: &str| json!({
            "payout": payout.id, "externalReference": reference, "paidAt": app.now(), "amount": amount, "currency": "CNY",
        });
        assert_eq!(code(&call(&app, src, "confirmPayout", paid("500.51", "T-1")).await), "CONTRADICTION");
        assert_eq!(code(&call(&app, src, "confirmPayout", paid("500.501", "T-1")).await), "BAD_USER_INPUT");
        let first = call(&app, src, "confirmPayout", paid("500.50", "T-1")).await;
        assert_eq!(first["payout"]["state"], "PAID", "{first}");
        let again = call(&app, src, "confirmPayout", paid("500.5", "T-1")).await;
        assert_eq!(again["payout"], first["payout"], "the same confirmation changes nothing");
        assert_eq!(code(&call(&app, src, "confirmPayout", paid("500.50", "T-2")).await), "CONTRADICTION");
        assert_eq!(accounts(&app).await, ["1000.00", "499.50", "0.00", "500.50", "0.00"]);

        let stored = entity::payout::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
        let seen = Seen { version: json!(stored.version), ..Seen::of(&first) };
        let reverse = seen.with(json!({ "reason": "Paid to a wrong account" }));
        assert_eq!(code(&call(&app, (Role::Finance, "finance-1"), "reversePayout", reverse.clone()).await), "FORBIDDEN");
        let reversed = call(&app, (Role::Leader, "leader-1"), "reversePayout", reverse).await;
        assert_eq!(reversed["payout"]["state"], "PAID", "{reversed}");
        assert_eq!(accounts(&app).await, ["1000.00", "1000.00", "0.00", "0.00", "0.00"]);
        let twice = Seen::of(&reversed).with(json!({ "reason": "Again" }));
        assert_eq!(code(&call(&app, (Role::Leader, "leader-1"), "reversePayout", twice).await), "MOVE_NOT_ALLOWED");
        propose(&app, &report, "500").await;

        let leader = app.token(Role::Leader, "leader-1");
        let status = "query($id: ID!) { node(id: $id) { ... on Event { status } } }";
        let answer = app.graphql(&leader, status, json!({ "id": event })).await;
        assert_eq!(answer["data"]["node"]["status"], "RATING", "payouts move no event");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn twenty_approvals_at_once_do_not_overdraw_a_budget() {
    on_both(|app| async move {
        with_money(&app, "1000.00").await;
        let mut payouts = Vec::new();
        for index in 0..20 {
            let (report, _) = confirmed(&app, "src", &format!("SRC-{index}"), "reporter-1", "AMBER").await;
            payouts.push(propose(&app, &report, "100.00").await);
        }
        let approvals = payouts
            .iter()
            .map(|payout| call(&app, (Role::Analyst, "analyst-2"), "approvePayout", payout.with(json!({}))));
        let answers = futures_util::future::join_all(approvals).await;
        let count = |wanted: &str| answers.iter().filter(|answer| code(answer) == wanted).count();
        assert_eq!((count("DONE"), count("NEEDS_LEADER")), (10, 10), "{answers:?}");
        assert_eq!(accounts(&app).await, ["1000.00", "0.00", "1000.00", "0.00", "0.00"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_over_budget_or_out_of_range_needs_a_leader_and_comes_back() {
    on_both(|app| async move {
        with_money(&app, "100").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let payout = propose(&app, &report, "900").await;
        let refused = call(&app, (Role::Finance, "finance-1"), "approvePayout", payout.with(json!({}))).await;
        let texts: Vec<_> = refused["userErrors"].as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap()).collect();
        assert_eq!(texts.len(), 2, "{refused}");
        assert!(texts[0].contains("range of 1.00 to 800.00 CNY") && texts[1].contains("over budget by 800.00 CNY"), "{texts:?}");
        let payout = approve(&app, (Role::Leader, "leader-1"), &payout).await;
        assert_eq!(accounts(&app).await, ["100.00", "-800.00", "900.00", "0.00", "800.00"]);
        let finance = app.token(Role::Finance, "finance-1");
        let document = "{ budgets { nodes { id version } } }";
        let budget = app.graphql(&finance, document, Value::Null).await["data"]["budgets"]["nodes"][0].clone();
        let less = json!({ "budget": budget["id"], "expectedVersion": budget["version"], "decrease": "1", "reason": "Cut" });
        let refused = app.change(&finance, "adjustBudget", "AdjustBudget", less, "budget { id }").await;
        assert_eq!(code(&refused), "CONTRADICTION");
        let hold = call(&app, (Role::Analyst, "analyst-2"), "holdPayout", payout.with(json!({ "reason": "Looks like another" }))).await;
        assert_eq!(hold["payout"]["state"], "ON_HOLD");
        let cancel = Seen::of(&hold).with(json!({ "reason": "It is another's" }));
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "cancelPayout", cancel).await), "DONE");
        assert_eq!(accounts(&app).await, ["100.00", "100.00", "0.00", "0.00", "0.00"]);
    })
    .await;
}

#[tokio::test]
async fn of_confirmations_cancellations_and_failures_at_once_one_wins() {
    on_both(|app| async move {
        with_money(&app, "1000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let payout = approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &report, "300").await).await;
        app.advance(TimeDelta::days(7));
        let synced = call(&app, (Role::Src, "src-1"), "markPayoutSynced", json!({ "payout": payout.id, "attempt": 1 })).await;
        assert_eq!(synced["payout"]["state"], "SYNCED", "silence accepted: {synced}");
        let app = &app;
        let id = &payout.id;
        let acts = (0..12).map(|index| async move {
            let fail = json!({ "payout": id, "attempt": 1, "reason": "No account" });
            let paid = json!({
                "payout": id, "externalReference": format!("T-{}", index % 4), "paidAt": app.now(), "amount": "300", "currency": "CNY",
            });
            match index % 3 {
                0 => call(app, (Role::Finance, "finance-1"), "failPayout", fail).await,
                _ => call(app, (Role::Src, "src-1"), "confirmPayout", paid).await,
            }
        });
        let answers = futures_util::future::join_all(acts).await;
        let stored = entity::payout::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
        assert_eq!(stored.state.as_str(), "PAID", "what failed first was paid all the same: {answers:?}");
        assert_eq!(accounts(app).await[2..4], ["0.00", "300.00"]);
        let steps = entity::payout_change::Entity::find().all(app.app.database.reader()).await.unwrap();
        let paid = steps.iter().filter(|step| step.kind.as_str() == "PAID").count();
        assert_eq!(paid, 1, "it was paid once: {steps:?}");
    })
    .await;
}

#[tokio::test]
async fn an_appeal_gets_a_new_severity_from_somebody_else_and_a_new_approval() {
    on_both(|app| async move {
        with_money(&app, "2000").await;
        let (report, event) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let payout = approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &report, "500").await).await;
        let appeal = json!({ "payout": payout.id, "grounds": "It gives root" });
        assert_eq!(code(&call(&app, (Role::Reporter, "reporter-2"), "appealPayout", appeal.clone()).await), "NOT_FOUND");
        let held = call(&app, (Role::Reporter, "reporter-1"), "appealPayout", appeal.clone()).await;
        assert_eq!(held["payout"]["state"], "ON_HOLD", "{held}");
        let again = call(&app, (Role::Src, "src-1"), "appealPayout", appeal).await;
        assert_eq!(again["payout"], held["payout"], "passed on again it changes nothing");
        let held = Seen::of(&held);
        assert_eq!(code(&call(&app, (Role::Leader, "leader-1"), "releasePayout", held.with(json!({ "reason": "Go on" }))).await), "MISSING_FACT");
        let upheld = held.with(json!({ "severity": "CRITICAL", "amount": "1500.00", "resolution": "Root it is" }));
        let own = call(&app, (Role::Analyst, "analyst-1"), "resolvePayoutAppeal", upheld.clone()).await;
        assert_eq!(code(&own), "FOUR_EYES", "who gave the severity does not judge it");
        let anew = call(&app, (Role::Analyst, "analyst-2"), "resolvePayoutAppeal", upheld).await;
        assert_eq!((&anew["payout"]["state"], &anew["payout"]["amount"]), (&json!("PROPOSED"), &json!("1500.00")), "{anew}");
        assert_eq!(accounts(&app).await, ["2000.00", "2000.00", "0.00", "0.00", "0.00"]);
        let anew = Seen::of(&anew);
        let own = call(&app, (Role::Analyst, "analyst-2"), "approvePayout", anew.with(json!({}))).await;
        assert_eq!(code(&own), "FOUR_EYES", "who proposed it anew does not approve it");
        let payout = approve(&app, (Role::Finance, "finance-1"), &anew).await;
        let second = json!({ "payout": payout.id, "grounds": "More" });
        assert_eq!(code(&call(&app, (Role::Reporter, "reporter-1"), "appealPayout", second).await), "FROZEN");
        let leader = app.token(Role::Leader, "leader-1");
        let document = "query($id: ID!) { node(id: $id) { ... on Event { status } } reports { nodes { severity payouts { severity } } } }";
        let answer = app.graphql(&leader, document, json!({ "id": event })).await;
        assert_eq!(answer["data"]["node"]["status"], "RATING");
        assert_eq!(answer["data"]["reports"]["nodes"], json!([{ "severity": "CRITICAL", "payouts": [{ "severity": "CRITICAL" }] }]));
    })
    .await;
}

#[tokio::test]
async fn a_dismissed_appeal_lets_the_payout_go_on() {
    let app = TestApp::sqlite().await;
    with_money(&app, "2000").await;
    let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
    let payout = approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &report, "500").await).await;
    let appeal = json!({ "payout": payout.id, "grounds": "It gives root" });
    let held = Seen::of(&call(&app, (Role::Reporter, "reporter-1"), "appealPayout", appeal).await);
    let dismiss = held.with(json!({ "severity": "HIGH", "resolution": "It does not" }));
    let dismissed = call(&app, (Role::Leader, "leader-1"), "resolvePayoutAppeal", dismiss).await;
    assert_eq!(dismissed["payout"]["state"], "APPROVED", "{dismissed}");
    let synced =
        call(&app, (Role::Src, "src-1"), "markPayoutSynced", json!({ "payout": payout.id, "attempt": 1 }))
            .await;
    assert_eq!(synced["payout"]["state"], "SYNCED", "{synced}");
}

#[tokio::test]
async fn everybody_sees_of_payouts_what_is_theirs() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (open, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let (red, _) = confirmed(&app, "src", "SRC-2", "reporter-2", "RED").await;
        let (other, _) = confirmed(&app, "cnvd", "CNVD-1", "reporter-1", "AMBER").await;
        for (report, amount) in [(&open, "101"), (&red, "102"), (&other, "103")] {
            let payout = propose(&app, report, amount).await;
            approve(&app, (Role::Finance, "finance-1"), &payout).await;
        }
        let document = "{ payouts { totalCount nodes { amount eventNumber eventLevel rationale payee { id } report { id } } } }";
        let amounts = |role: Role, subject: &'static str| {
            let token = app.token_in_scope(role, subject);
            let app = &app;
            async move {
                let answer = app.graphql(&token, document, Value::Null).await;
                let nodes = answer["data"]["payouts"]["nodes"].as_array().cloned().unwrap_or_default();
                let mut amounts: Vec<_> =
                    nodes.iter().map(|node| node["amount"].as_str().unwrap().to_owned()).collect();
                amounts.sort();
                (amounts.join(" "), nodes)
            }
        };
        assert_eq!(amounts(Role::Analyst, "analyst-1").await.0, "101.00 102.00 103.00");
        assert_eq!(amounts(Role::Analyst, "analyst-2").await.0, "101.00 103.00", "not among the named people");
        assert_eq!(amounts(Role::Leader, "leader-1").await.0, "101.00 102.00 103.00");
        assert_eq!(amounts(Role::Auditor, "auditor-1").await.0, "101.00 102.00 103.00");
        assert_eq!(amounts(Role::Src, "src-1").await.0, "101.00 102.00", "its channel's, TLP:RED too");
        assert_eq!(amounts(Role::Reporter, "reporter-1").await.0, "101.00 103.00");
        assert_eq!(amounts(Role::Reporter, "reporter-2").await.0, "102.00");
        assert_eq!(amounts(Role::Reporter, "reporter-3").await.0, "");
        for role in [Role::Admin, Role::Engineer, Role::Support, Role::Legal, Role::Ticketing] {
            assert_eq!(amounts(role, "somebody").await.0, "", "{role}");
        }
        let trail = "{ audit(first: 100) { nodes { aggregateKind } } }";
        for (role, reads) in [(Role::Admin, false), (Role::Auditor, true)] {
            let answer = app.graphql(&app.token(role, "reader-1"), trail, Value::Null).await;
            let kinds = answer["data"]["audit"]["nodes"].as_array().unwrap();
            let found = kinds.iter().any(|entry| ["payout", "budget"].contains(&entry["aggregateKind"].as_str().unwrap()));
            assert_eq!(found, reads, "{role}: {answer}");
        }
        let (found, nodes) = amounts(Role::Finance, "finance-1").await;
        assert_eq!(found, "101.00 102.00 103.00");
        for node in nodes {
            assert!(node["eventNumber"].is_string() && node["eventLevel"] == "NONE", "{node}");
            assert!(node["report"].is_null() && node["payee"].is_null(), "number and level only: {node}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_account_is_for_finance_and_the_payee_and_goes_with_an_erasure() {
    let app = TestApp::sqlite().await;
    with_money(&app, "5000").await;
    let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
    let payout = approve(&app, (Role::Finance, "finance-1"), &propose(&app, &report, "500").await).await;
    let set = |version: i64, account: &str| json!({ "payout": payout.id, "expectedVersion": version, "account": account });
    let payee = (Role::Reporter, "reporter-1");
    assert_eq!(code(&call(&app, payee, "setPayeeAccount", set(1, "wallet 7781")).await), "DONE");
    assert_eq!(
        code(&call(&app, payee, "setPayeeAccount", set(1, "wallet 7781")).await),
        "DONE",
        "the same, heard of or not"
    );
    let stale = call(&app, (Role::Finance, "finance-1"), "setPayeeAccount", set(1, "wallet 1187")).await;
    assert_eq!(code(&stale), "CONFLICT", "who did not see the payee's own change: {stale}");
    let document = "{ payouts { nodes { payeeAccount payee { id version } } } }";
    let account = |role: Role, subject: &'static str| {
        let (app, token) = (&app, app.token_in_scope(role, subject));
        async move { app.graphql(&token, document, Value::Null).await["data"]["payouts"]["nodes"][0].clone() }
    };
    for (role, subject, expected) in [
        (Role::Finance, "finance-1", json!("wallet 7781")),
        (Role::Reporter, "reporter-1", json!("wallet 7781")),
        (Role::Analyst, "analyst-1", Value::Null),
        (Role::Src, "src-1", Value::Null),
        (Role::Auditor, "auditor-1", Value::Null),
    ] {
        assert_eq!(account(role, subject).await["payeeAccount"], expected, "{role}");
    }
    let trail = entity::audit_entry::Entity::find().all(app.app.database.reader()).await.unwrap();
    assert!(
        trail.iter().all(|entry| !entry.details.contains("7781")),
        "an account stands in the audit trail"
    );
    let payee = account(Role::Leader, "leader-1").await["payee"].clone();
    let erase =
        json!({ "reporter": payee["id"], "expectedVersion": payee["version"], "reason": "They asked" });
    let leader = app.token(Role::Leader, "leader-1");
    app.done(&leader, "eraseReporter", "EraseReporter", erase, "reporter { id }").await;
    assert_eq!(account(Role::Finance, "finance-1").await["payeeAccount"], Value::Null);
}

#[tokio::test]
async fn a_follower_of_changes_misses_none_that_commits_late() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (first, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let (second, _) = confirmed(&app, "src", "SRC-2", "reporter-1", "AMBER").await;
        let (other, _) = confirmed(&app, "cnvd", "CNVD-1", "reporter-2", "AMBER").await;
        let late = propose(&app, &first, "101").await;
        let early = propose(&app, &second, "102").await;
        propose(&app, &other, "103").await;
        let early = approve(&app, (Role::Finance, "finance-1"), &early).await;
        let late = approve(&app, (Role::Finance, "finance-1"), &late).await;

        // The later written change commits first: it alone has a position when the platform first asks.
        let writer = app.app.database.writer();
        let approvals = entity::payout_change::Entity::find()
            .filter(entity::payout_change::Column::Kind.eq(entity::vocabulary::PayoutChangeKind::Approved));
        let newest = approvals.order_by_desc(entity::payout_change::Column::Id).all(writer).await.unwrap();
        let late_id = newest.iter().find(|row| encoded(row.payout_id) == late.id).unwrap().id;
        let update = entity::message::Entity::update_many().col_expr(entity::message::Column::Position, Expr::value(1_i64));
        update.filter(entity::message::Column::Id.eq(late_id)).exec(writer).await.unwrap();

        let src = app.token_in_scope(Role::Src, "src-1");
        let document = "query($after: String, $first: Int) { payoutChanges(after: $after, first: $first) {
            nextPosition hasMore changes { position kind payout { id state proposedBy } } } }";
        let ask = |after: Value, first: i32| {
            let (app, src) = (&app, &src);
            async move { app.graphql(src, document, json!({ "after": after, "first": first })).await["data"]["payoutChanges"].clone() }
        };
        let answer = ask(Value::Null, 10).await;
        assert_eq!(answer["changes"], json!([{ "position": answer["nextPosition"], "kind": "APPROVED",
            "payout": { "id": late.id, "state": "APPROVED", "proposedBy": null } }]));
        sequence(&app).await;
        let next = ask(answer["nextPosition"].clone(), 10).await;
        let changes = next["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 1, "what committed later comes later, and nothing of another channel: {next}");
        assert_eq!((&changes[0]["payout"]["id"], &next["hasMore"]), (&early.id, &json!(false)));
        let after = next["nextPosition"].clone();
        let none = ask(after.clone(), 10).await;
        assert_eq!((&none["changes"], &none["nextPosition"]), (&json!([]), &after));

        let finance = app.token(Role::Finance, "finance-1");
        let mut seen = 0;
        let mut after = Value::Null;
        loop {
            let variables = json!({ "after": after, "first": 2 });
            let answer = app.graphql(&finance, document, variables).await["data"]["payoutChanges"].clone();
            seen += answer["changes"].as_array().unwrap().len();
            after = answer["nextPosition"].clone();
            if answer["hasMore"] == false {
                break;
            }
        }
        assert_eq!(seen, 5, "three proposals and two approvals");
        let wrong = app.graphql(&finance, document, json!({ "after": "x" })).await;
        assert_eq!(code(&wrong), "BAD_USER_INPUT");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_miss_nothing_while_many_commit() {
    const PAYOUTS: usize = 12;
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let mut reports = Vec::new();
        for number in 0..PAYOUTS {
            reports.push(confirmed(&app, "src", &format!("SRC-{number}"), "reporter-1", "AMBER").await.0);
        }
        let document = "query($after: String) { payoutChanges(after: $after, first: 3) {
            nextPosition hasMore changes { kind payout { id } } } }";
        let done = std::sync::atomic::AtomicBool::new(false);
        let follow = async |token: String| {
            let (mut seen, mut after) = (Vec::new(), Value::Null);
            loop {
                let last = done.load(std::sync::atomic::Ordering::SeqCst);
                vulndesk::outbox::sequencer::sequence(&app.app).await.unwrap();
                let answer = app.graphql(&token, document, json!({ "after": after })).await;
                let page = &answer["data"]["payoutChanges"];
                let changes = page["changes"].as_array().unwrap_or_else(|| panic!("{answer}"));
                seen.extend(changes.iter().map(ToString::to_string));
                after = page["nextPosition"].clone();
                if last && changes.is_empty() {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
        };
        let each = async |report: &Value| {
            let payout = propose(&app, report, "100").await;
            approve(&app, (Role::Finance, "finance-1"), &payout).await;
            app.graphql(
                &app.token_in_scope(Role::Src, "src-1"),
                "mutation($input: AcceptPayout!) { acceptPayout(input: $input) { userErrors { code } } }",
                json!({ "input": { "payout": payout.id } }),
            )
            .await;
        };
        let all = async {
            futures_util::future::join_all(reports.iter().map(each)).await;
            vulndesk::outbox::sequencer::sequence(&app.app).await.unwrap();
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        };
        let (finance, src) = (app.token(Role::Finance, "finance-1"), app.token_in_scope(Role::Src, "src-1"));
        let ((), of_finance, of_platform) = tokio::join!(all, follow(finance), follow(src));
        for (seen, each) in [(of_finance, 3), (of_platform, 2)] {
            let once: std::collections::BTreeSet<_> = seen.iter().collect();
            assert_eq!((seen.len(), once.len()), (each * PAYOUTS, each * PAYOUTS), "{seen:?}");
        }
    })
    .await;
}

fn encoded(id: uuid::Uuid) -> Value {
    json!(vulndesk::ids::encode(vulndesk::ids::Kind::Payout, id))
}

#[tokio::test]
async fn finance_pays_by_hand_with_proof_where_no_platform_does() {
    let app = TestApp::sqlite().await;
    with_money(&app, "5000").await;
    let (report, _) = confirmed(&app, "cnvd", "CNVD-1", "reporter-1", "AMBER").await;
    let payout = approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &report, "500").await).await;
    app.advance(TimeDelta::days(7));
    let paid =
        payout.with(json!({ "externalReference": "BANK-1", "paidAt": app.now(), "proof": "Receipt 1" }));
    assert_eq!(
        code(&call(&app, (Role::Analyst, "analyst-2"), "markPayoutPaid", paid.clone()).await),
        "FORBIDDEN"
    );
    let done = call(&app, (Role::Finance, "finance-1"), "markPayoutPaid", paid).await;
    assert_eq!(done["payout"]["state"], "PAID", "{done}");

    let (report, _) = confirmed(&app, "cnvd", "CNVD-2", "reporter-1", "AMBER").await;
    let next = approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &report, "500").await).await;
    app.advance(TimeDelta::days(7));
    let same = next.with(json!({ "externalReference": "BANK-1", "paidAt": app.now(), "proof": "Receipt 1" }));
    assert_eq!(
        code(&call(&app, (Role::Finance, "finance-1"), "markPayoutPaid", same).await),
        "CONTRADICTION"
    );

    let finance = app.token(Role::Finance, "finance-1");
    let number = &done["payout"]["number"];
    let document = "query($statement: [StatementLine!]!) { payoutReconciliation(channel: \"cnvd\", statement: $statement) {
        agreed missing different extra } }";
    let statement = |amount: &str| json!({ "statement": [{ "number": number, "amount": amount, "currency": "CNY", "reference": "BANK-1" }] });
    let agreed = app.graphql(&finance, document, statement("500.00")).await;
    assert_eq!(
        agreed["data"]["payoutReconciliation"],
        json!({ "agreed": 1, "missing": [], "different": [], "extra": [] })
    );
    let differs = app.graphql(&finance, document, statement("500.01")).await;
    assert_eq!(
        differs["data"]["payoutReconciliation"]["different"].as_array().map(Vec::len),
        Some(1),
        "{differs}"
    );
}

#[tokio::test]
async fn a_split_keeps_its_sum_and_each_share_is_its_finders() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        confirmed(&app, "src", "SRC-2", "reporter-2", "AMBER").await;
        confirmed(&app, "src", "SRC-3", "reporter-3", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let listed = app.graphql(&analyst, "{ reporters { nodes { id subject } } }", Value::Null).await;
        let id = |subject: &str| {
            let nodes = listed["data"]["reporters"]["nodes"].as_array().unwrap();
            nodes.iter().find(|node| node["subject"] == subject).unwrap()["id"].clone()
        };
        let payout = propose(&app, &report, "100.00").await;
        let input = payout.with(json!({ "among": [id("reporter-2"), id("reporter-3")] }));
        let split = call(&app, (Role::Analyst, "analyst-1"), "splitPayout", input.clone()).await;
        assert_eq!(split["payout"]["amount"], "33.34", "{split}");
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-1"), "splitPayout", input).await), "CONFLICT");
        let document = "{ payouts { nodes { id version amount pricedAmount payee { subject } } } }";
        let shares = app.graphql(&analyst, document, Value::Null).await;
        let mut found = Vec::new();
        for share in shares["data"]["payouts"]["nodes"].as_array().unwrap() {
            assert_eq!(share["pricedAmount"], "100.00");
            found.push(format!("{} {}", share["payee"]["subject"].as_str().unwrap(), share["amount"].as_str().unwrap()));
            let share = Seen { id: share["id"].clone(), version: share["version"].clone() };
            approve(&app, (Role::Analyst, "analyst-2"), &share).await;
        }
        found.sort();
        assert_eq!(found, ["reporter-1 33.34", "reporter-2 33.33", "reporter-3 33.33"]);
        assert_eq!(accounts(&app).await[2], "100.00");
        let second = json!({ "kind": "BOUNTY", "report": report, "amount": "1", "currency": "CNY", "assetTier": "CORE", "rationale": "Again" });
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "proposePayout", second).await), "ALREADY_EXISTS");
    })
    .await;
}

#[tokio::test]
async fn a_bonus_run_over_the_same_reports_is_the_same_run() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        for (number, subject, tlp) in [
            ("SRC-1", "reporter-1", "AMBER"),
            ("SRC-2", "reporter-1", "AMBER"),
            ("SRC-3", "reporter-2", "AMBER"),
            ("SRC-4", "reporter-3", "RED"),
        ] {
            confirmed(&app, "src", number, subject, tlp).await;
        }
        let input = json!({
            "kind": "QUARTERLY_BONUS", "channel": app.channel("src").await, "period": "2026-Q1", "currency": "CNY", "rationale": "First quarter",
            "policy": { "critical": "500", "high": "200.10", "medium": "50", "low": "10", "cap": "400" },
        });
        let fields = "bonusRun { id counted inputHash payouts { nodes { amount payee { subject } } } }";
        let run = || async {
            let token = app.token(Role::Analyst, "analyst-2");
            app.change(&token, "computeBonusRun", "ComputeBonusRun", input.clone(), fields).await
        };
        assert_eq!(code(&run().await), "BAD_USER_INPUT", "the quarter has not ended");
        app.advance(TimeDelta::days(40));
        let runs = futures_util::future::join_all((0..5).map(|_| run())).await;
        assert!(runs.iter().all(|answer| answer["bonusRun"] == runs[0]["bonusRun"]), "{runs:?}");
        let first = &runs[0]["bonusRun"];
        assert_eq!(first["counted"], 3, "TLP:RED does not count: {first}");
        let mut bonuses: Vec<_> = first["payouts"]["nodes"].as_array().unwrap().iter()
            .map(|node| format!("{} {}", node["payee"]["subject"].as_str().unwrap(), node["amount"].as_str().unwrap()))
            .collect();
        bonuses.sort();
        assert_eq!(bonuses, ["reporter-1 400.00", "reporter-2 200.10"]);
    })
    .await;
}
