//! What would pay for one vulnerability twice, or let who is paid decide it.

use chrono::TimeDelta;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::payouts::{Seen, accounts, approve, call, code, confirmed, propose, with_money};

/// Two reports of one vulnerability, by reporter-1 and later by reporter-2.
async fn two_of_one(app: &TestApp, second_channel: &str) -> (Value, Value) {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let fields = "report { id event { id version } }";
    let mut input = json!({
        "channel": "src", "number": "SRC-1", "title": "A hole", "tlp": "AMBER",
        "reporter": { "name": "First", "subject": "reporter-1" },
    });
    let first =
        app.done(&analyst, "receiveReport", "ReceiveReport", input.clone(), fields).await["report"].clone();
    app.advance(TimeDelta::hours(1));
    input["channel"] = json!(second_channel);
    input["number"] = json!("OTHER-2");
    input["reporter"] = json!({ "name": "Second", "subject": "reporter-2" });
    input["joinEvent"] = first["event"]["id"].clone();
    let second = app.done(&analyst, "receiveReport", "ReceiveReport", input, fields).await["report"].clone();
    let event = &second["event"];
    let triage = json!({ "event": event["id"], "expectedVersion": event["version"] });
    app.done(&analyst, "startTriage", "EventMove", triage, "event { version }").await;
    (first["id"].clone(), second["id"].clone())
}

/// The event of a report: its id and version.
async fn event_of(app: &TestApp, report: &Value) -> Value {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let document = "query($id: ID!) { node(id: $id) { ... on Report { event { id version } } } }";
    app.graphql(&analyst, document, json!({ "id": report })).await["data"]["node"]["event"].clone()
}

/// Confirms the event of a report as HIGH: for the report alone, or for all of them.
async fn judge(app: &TestApp, report: &Value, alone: bool) {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let event = event_of(app, report).await;
    let mut verdict = json!({
        "event": event["id"], "expectedVersion": event["version"], "verdict": "CONFIRMED",
        "severity": "HIGH", "rationale": "Reproduced",
    });
    if alone {
        verdict["report"] = report.clone();
    }
    app.done(&analyst, "giveVerdict", "GiveVerdict", verdict, "event { version }").await;
}

fn proposal(report: &Value, amount: &str) -> Value {
    json!({
        "kind": "BOUNTY", "report": report, "amount": amount, "currency": "CNY", "assetTier": "CORE",
        "rationale": "As the grid says",
    })
}

/// A payout that the platform took in its first attempt.
async fn synced(app: &TestApp, report: &Value, amount: &str) -> Seen {
    let payout = approve(app, (Role::Analyst, "analyst-2"), &propose(app, report, amount).await).await;
    app.advance(TimeDelta::days(7));
    let taken = json!({ "payout": payout.id, "attempt": 1 });
    Seen::of(&call(app, (Role::Src, "src-1"), "markPayoutSynced", taken).await)
}

fn paid(app: &TestApp, payout: &Seen, reference: &str) -> Value {
    json!({
        "payout": payout.id, "externalReference": reference, "paidAt": app.now(), "amount": "300", "currency": "CNY",
    })
}

const SRC: (Role, &str) = (Role::Src, "src-1");

#[tokio::test]
async fn of_two_reports_of_one_vulnerability_the_first_alone_earns() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (first, second) = two_of_one(&app, "cnvd").await;
        judge(&app, &first, false).await;
        let late = call(&app, (Role::Analyst, "analyst-2"), "proposePayout", proposal(&second, "300")).await;
        assert_eq!(code(&late), "CONTRADICTION", "{late}");
        let both = [&first, &second, &first, &second]
            .map(|report| call(&app, (Role::Analyst, "analyst-2"), "proposePayout", proposal(report, "300")));
        let answers = futures_util::future::join_all(both).await;
        assert_eq!(answers.iter().filter(|answer| code(answer) == "DONE").count(), 1, "{answers:?}");
        let stored = entity::payout::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert_eq!(stored.len(), 1, "one vulnerability is paid once");
    })
    .await;
}

#[tokio::test]
async fn a_later_report_is_paid_no_more_once_an_earlier_one_is_valid() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (first, second) = two_of_one(&app, "src").await;
        judge(&app, &second, true).await;
        let other = approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &second, "300").await).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let event = event_of(&app, &first).await;
        let again = json!({ "event": event["id"], "expectedVersion": event["version"], "reason": "The first one, too" });
        app.done(&analyst, "returnToTriage", "EventMove", again, "event { version }").await;
        judge(&app, &first, false).await;
        let refused =
            call(&app, (Role::Analyst, "analyst-1"), "proposePayout", proposal(&first, "300")).await;
        assert_eq!(code(&refused), "CONTRADICTION", "the later one is live still: {refused}");
        app.advance(TimeDelta::days(8));
        let sync = call(&app, SRC, "markPayoutSynced", json!({ "payout": other.id, "attempt": 1 })).await;
        assert_eq!(code(&sync), "CONTRADICTION", "a later report earns nothing: {sync}");
        let cancel = other.with(json!({ "reason": "The first report earns" }));
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "cancelPayout", cancel).await), "DONE");
        approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &first, "300").await).await;
    })
    .await;
}

#[tokio::test]
async fn a_late_confirmation_pays_what_failed_and_an_old_failure_hits_no_later_attempt() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let payout = synced(&app, &report, "300").await;
        let failure = json!({ "payout": payout.id, "attempt": 1, "reason": "Timed out" });
        let failed = Seen::of(&call(&app, SRC, "failPayout", failure.clone()).await);
        let again = failed.with(json!({ "reason": "Try again" }));
        call(&app, (Role::Analyst, "analyst-2"), "retryPayout", again).await;
        let stale = json!({ "payout": payout.id, "attempt": 1 });
        assert_eq!(code(&call(&app, SRC, "markPayoutSynced", stale).await), "CONTRADICTION");
        let second = call(&app, SRC, "markPayoutSynced", json!({ "payout": payout.id, "attempt": 2 })).await;
        assert_eq!(second["payout"]["state"], "SYNCED", "{second}");
        assert_eq!(code(&call(&app, SRC, "failPayout", failure).await), "CONTRADICTION");

        let failure = json!({ "payout": payout.id, "attempt": 2, "reason": "Timed out" });
        assert_eq!(code(&call(&app, SRC, "failPayout", failure).await), "DONE");
        let late = call(&app, SRC, "confirmPayout", paid(&app, &payout, "T-1")).await;
        assert_eq!(late["payout"]["state"], "PAID", "the money went out: {late}");
        assert_eq!(accounts(&app).await[3], "300.00");
    })
    .await;
}

#[tokio::test]
async fn a_payment_of_what_was_cancelled_is_on_record_and_the_next_needs_a_leader() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let payout = synced(&app, &report, "300").await;
        let failure = json!({ "payout": payout.id, "attempt": 1, "reason": "Timed out" });
        let failed = Seen::of(&call(&app, SRC, "failPayout", failure).await);
        let cancel = failed.with(json!({ "reason": "Propose anew" }));
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "cancelPayout", cancel).await), "DONE");
        let next = approve(&app, (Role::Analyst, "analyst-2"), &propose(&app, &report, "300").await).await;
        app.advance(TimeDelta::days(7));
        for _ in 0..2 {
            let late = call(&app, SRC, "confirmPayout", paid(&app, &payout, "T-1")).await;
            assert_eq!(code(&late), "CONTRADICTION", "{late}");
            app.advance(TimeDelta::zero());
        }
        let sync = call(&app, SRC, "markPayoutSynced", json!({ "payout": next.id, "attempt": 1 })).await;
        assert_eq!(code(&sync), "CONTRADICTION", "it may be paid already: {sync}");
        let cancel = next.with(json!({ "reason": "It may be paid" }));
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "cancelPayout", cancel).await), "DONE");
        let anew = propose(&app, &report, "300").await;
        let refused = call(&app, (Role::Analyst, "analyst-2"), "approvePayout", anew.with(json!({}))).await;
        assert_eq!(code(&refused), "NEEDS_LEADER", "{refused}");
        approve(&app, (Role::Leader, "leader-1"), &anew).await;
        assert_eq!(accounts(&app).await[3], "0.00");
    })
    .await;
}

#[tokio::test]
async fn who_decides_a_payout_is_not_its_payee_and_who_splits_it_does_not_approve_it() {
    let app = TestApp::sqlite().await;
    with_money(&app, "5000").await;
    let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
    let (other, _) = confirmed(&app, "cnvd", "CNVD-2", "reporter-2", "AMBER").await;
    confirmed(&app, "src", "SRC-3", "reporter-3", "AMBER").await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let listed = app.graphql(&analyst, "{ reporters { nodes { id subject } } }", Value::Null).await;
    let id = |subject: &str| {
        let nodes = listed["data"]["reporters"]["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["subject"] == subject).unwrap()["id"].clone()
    };
    let payout = propose(&app, &report, "300").await;
    let link = |report: &Value, subject: &str| json!({ "report": report, "subject": subject });
    for (who, subject) in [("analyst-2", "analyst-2"), ("analyst-2", "analyst-1")] {
        let token = app.token(Role::Analyst, who);
        let linked = app
            .change(&token, "linkReporter", "LinkReporter", link(&report, subject), "reporter { id }")
            .await;
        assert_eq!(code(&linked), "FOUR_EYES", "{who} links {subject}: {linked}");
    }
    let elsewhere = payout.with(json!({ "among": [id("reporter-2")] }));
    let refused = call(&app, (Role::Analyst, "analyst-2"), "splitPayout", elsewhere).await;
    assert_eq!(code(&refused), "CONTRADICTION", "another channel's finder: {refused}");
    let input = payout.with(json!({ "among": [id("reporter-3")] }));
    let split = Seen::of(&call(&app, (Role::Analyst, "analyst-2"), "splitPayout", input).await);
    let own = call(&app, (Role::Analyst, "analyst-2"), "approvePayout", split.with(json!({}))).await;
    assert_eq!(code(&own), "FOUR_EYES", "{own}");
    approve(&app, (Role::Finance, "finance-1"), &split).await;

    let payout = approve(&app, (Role::Finance, "finance-1"), &propose(&app, &other, "300").await).await;
    let account = json!({ "payout": payout.id, "expectedVersion": 1, "account": "wallet 1" });
    assert_eq!(code(&call(&app, (Role::Finance, "finance-1"), "setPayeeAccount", account).await), "DONE");
    app.advance(TimeDelta::days(8));
    let by_hand =
        payout.with(json!({ "externalReference": "BANK-1", "paidAt": app.now(), "proof": "Receipt 1" }));
    let own = call(&app, (Role::Finance, "finance-1"), "markPayoutPaid", by_hand.clone()).await;
    assert_eq!(code(&own), "FOUR_EYES", "who set the account does not pay to it: {own}");
    let done = call(&app, (Role::Finance, "finance-2"), "markPayoutPaid", by_hand).await;
    assert_eq!(done["payout"]["state"], "PAID", "{done}");
}

#[tokio::test]
async fn one_shares_fate_holds_up_no_other_and_an_ended_share_is_proposed_anew() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        confirmed(&app, "src", "SRC-2", "reporter-2", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let listed = app.graphql(&analyst, "{ reporters { nodes { id subject } } }", Value::Null).await;
        let nodes = listed["data"]["reporters"]["nodes"].as_array().unwrap();
        let finder = nodes.iter().find(|node| node["subject"] == "reporter-2").unwrap()["id"].clone();
        let payout = propose(&app, &report, "600").await;
        call(&app, (Role::Analyst, "analyst-1"), "splitPayout", payout.with(json!({ "among": [finder] })))
            .await;
        let document = "{ payouts { nodes { id version share payee { subject } } } }";
        let shares = app.graphql(&analyst, document, Value::Null).await;
        let mut approved = std::collections::BTreeMap::new();
        for share in shares["data"]["payouts"]["nodes"].as_array().unwrap() {
            let seen = Seen { id: share["id"].clone(), version: share["version"].clone() };
            let seen = approve(&app, (Role::Analyst, "analyst-2"), &seen).await;
            approved.insert(share["share"].as_i64().unwrap(), seen);
        }
        let appeal = json!({ "payout": approved[&1].id, "grounds": "It gives root" });
        let held = Seen::of(&call(&app, (Role::Reporter, "reporter-1"), "appealPayout", appeal).await);
        let cancel = held.with(json!({ "reason": "No" }));
        let refused = call(&app, (Role::Analyst, "analyst-1"), "cancelPayout", cancel).await;
        assert_eq!(code(&refused), "MISSING_FACT", "an appeal is not cancelled away: {refused}");
        let upheld =
            held.with(json!({ "severity": "CRITICAL", "amount": "900", "resolution": "Root it is" }));
        let anew = call(&app, (Role::Leader, "leader-1"), "resolvePayoutAppeal", upheld).await;
        assert_eq!(anew["payout"]["state"], "PROPOSED", "{anew}");
        let reporter = app.token(Role::Reporter, "reporter-1");
        let mine = "{ payouts { nodes { amount severity } } }";
        let seen = app.graphql(&reporter, mine, Value::Null).await;
        assert_eq!(
            seen["data"]["payouts"]["nodes"],
            json!([{ "amount": "300.00", "severity": "HIGH" }]),
            "nobody approved more"
        );
        app.advance(TimeDelta::days(8));
        let other =
            call(&app, SRC, "markPayoutSynced", json!({ "payout": approved[&2].id, "attempt": 1 })).await;
        assert_eq!(other["payout"]["state"], "SYNCED", "the other share goes on: {other}");
        let reject = Seen::of(&anew).with(json!({ "reason": "Too much" }));
        assert_eq!(code(&call(&app, (Role::Finance, "finance-1"), "rejectPayout", reject).await), "DONE");
        let whole = call(&app, (Role::Analyst, "analyst-2"), "proposePayout", proposal(&report, "900")).await;
        assert_eq!(code(&whole), "ALREADY_EXISTS");
        let mut share = proposal(&report, "700");
        share["replaces"] = approved[&1].id.clone();
        let first = Seen::of(&call(&app, (Role::Analyst, "analyst-2"), "proposePayout", share.clone()).await);
        assert_eq!(
            code(&call(&app, (Role::Analyst, "analyst-2"), "proposePayout", share).await),
            "ALREADY_EXISTS"
        );
        let taken = call(&app, (Role::Leader, "leader-2"), "approvePayout", first.with(json!({}))).await;
        assert_eq!(taken["payout"]["state"], "APPROVED", "{taken}");
    })
    .await;
}

#[tokio::test]
async fn a_bonus_run_counts_one_vulnerability_once() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (first, _) = two_of_one(&app, "src").await;
        judge(&app, &first, false).await;
        app.advance(TimeDelta::days(60));
        let input = json!({
            "kind": "QUARTERLY_BONUS", "channel": app.channel("src").await, "period": "2026-Q1", "currency": "CNY",
            "rationale": "First quarter",
            "policy": { "critical": "500", "high": "200.10", "medium": "50", "low": "10" },
        });
        let token = app.token(Role::Analyst, "analyst-2");
        let fields = "bonusRun { counted payouts { nodes { amount payee { subject } } } }";
        let run = app.done(&token, "computeBonusRun", "ComputeBonusRun", input, fields).await;
        assert_eq!(run["bonusRun"]["counted"], 1, "{run}");
        let bonuses = json!([{ "amount": "200.10", "payee": { "subject": "reporter-1" } }]);
        assert_eq!(run["bonusRun"]["payouts"]["nodes"], bonuses);
    })
    .await;
}
