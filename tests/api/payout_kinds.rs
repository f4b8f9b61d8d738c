//! Payouts that are no bounty, and amounts that are none.

use chrono::TimeDelta;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::payouts::{Seen, approve, call, code, confirmed, confirmed_by, propose, with_money};

const ANALYST: (Role, &str) = (Role::Analyst, "analyst-1");

async fn id_of(app: &TestApp, list: &str, field: &str, value: &str) -> Value {
    let query = format!("{{ {list} {{ nodes {{ id {field} }} }} }}");
    let listed = app.graphql(&app.token(Role::Analyst, "analyst-1"), &query, Value::Null).await;
    let nodes = listed["data"][list]["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node[field] == value).unwrap()["id"].clone()
}

#[tokio::test]
async fn an_amount_is_exact_and_in_a_known_unit() {
    let app = TestApp::sqlite().await;
    with_money(&app, "5000").await;
    let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
    for (amount, currency, field) in [
        ("1,000", "CNY", "input.amount"),
        ("0.001", "CNY", "input.amount"),
        ("1e3", "CNY", "input.amount"),
        ("-5", "CNY", "input.amount"),
        ("0", "CNY", "input.amount"),
        ("", "CNY", "input.amount"),
        ("1.5", "JPY", "input.amount"),
        ("1.5", "POINTS", "input.amount"),
        ("5", "XAU", "input.currency"),
    ] {
        let input = json!({
            "kind": "BOUNTY", "report": report, "amount": amount, "currency": currency, "assetTier": "CORE",
            "rationale": "As the grid says",
        });
        let refused = call(&app, ANALYST, "proposePayout", input).await;
        assert_eq!(code(&refused), "BAD_USER_INPUT", "{amount} {currency}: {refused}");
        let message = refused["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(field), "{amount} {currency}: {message}");
    }
}

#[tokio::test]
async fn staff_get_a_reward_and_gifts_come_in_points() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({
            "channel": "src", "number": "IN-1", "title": "A hole", "tlp": "AMBER",
            "reporter": { "name": "Colleague", "subject": "colleague-1", "staff": true },
        });
        let fields = "report { id event { id version } }";
        let report = app.done(&analyst, "receiveReport", "ReceiveReport", input, fields).await["report"].clone();
        let triage = json!({ "event": report["event"]["id"], "expectedVersion": report["event"]["version"] });
        let event = app.done(&analyst, "startTriage", "EventMove", triage, "event { id version }").await;
        let verdict = json!({
            "event": event["event"]["id"], "expectedVersion": event["event"]["version"], "verdict": "CONFIRMED",
            "severity": "HIGH", "rationale": "Reproduced",
        });
        app.done(&analyst, "giveVerdict", "GiveVerdict", verdict, "event { id }").await;
        let proposal = |kind: &str| {
            json!({
                "kind": kind, "report": report["id"], "amount": "300", "currency": "CNY", "assetTier": "CORE",
                "rationale": "As the grid says",
            })
        };
        let outside = call(&app, ANALYST, "proposePayout", proposal("BOUNTY")).await;
        assert_eq!(code(&outside), "CONTRADICTION", "{outside}");
        let inside = call(&app, ANALYST, "proposePayout", proposal("INTERNAL_REWARD")).await;
        assert_eq!(inside["payout"]["amount"], "300.00", "{inside}");
        approve(&app, (Role::Analyst, "analyst-2"), &Seen::of(&inside)).await;

        let finance = app.token(Role::Finance, "finance-1");
        let budget = json!({ "period": "2026-Q1", "currency": "POINTS", "amount": "100" });
        app.done(&finance, "createBudget", "CreateBudget", budget, "budget { id }").await;
        let gift = json!({
            "kind": "GIFT", "reporter": id_of(&app, "reporters", "subject", "colleague-1").await, "period": "2026-03",
            "amount": "60", "currency": "POINTS", "rationale": "A mug",
        });
        let first = call(&app, ANALYST, "proposePayout", gift).await;
        assert_eq!(first["payout"]["amount"], "60", "points are whole: {first}");
        let first = Seen::of(&first);
        let alone = call(&app, (Role::Finance, "finance-1"), "approvePayout", first.with(json!({}))).await;
        assert_eq!(code(&alone), "NEEDS_LEADER", "no range prices a gift: {alone}");
        approve(&app, (Role::Leader, "leader-1"), &first).await;
        let document = "{ budgets(currency: \"POINTS\") { nodes { available reserved } } }";
        let budgets = app.graphql(&finance, document, Value::Null).await;
        assert_eq!(budgets["data"]["budgets"]["nodes"], json!([{ "available": "40", "reserved": "60" }]));
    })
    .await;
}

#[tokio::test]
async fn an_annual_bonus_counts_the_reports_of_its_year() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        confirmed(&app, "src", "SRC-2", "reporter-1", "AMBER").await;
        app.advance(TimeDelta::days(310));
        confirmed(&app, "src", "SRC-3", "reporter-2", "AMBER").await;
        let input = json!({
            "kind": "ANNUAL_BONUS", "channel": id_of(&app, "channels", "key", "src").await, "period": "2026",
            "currency": "CNY", "rationale": "The year",
            "policy": { "critical": "500", "high": "200.10", "medium": "50", "low": "10" },
        });
        let token = app.token(Role::Analyst, "analyst-2");
        let fields = "bonusRun { counted payouts { nodes { kind state amount payee { subject } } } }";
        let run = app.done(&token, "computeBonusRun", "ComputeBonusRun", input, fields).await;
        assert_eq!(run["bonusRun"]["counted"], 2, "the third is of the next year: {run}");
        let bonuses = json!([{
            "kind": "ANNUAL_BONUS", "state": "PROPOSED", "amount": "400.20", "payee": { "subject": "reporter-1" },
        }]);
        assert_eq!(run["bonusRun"]["payouts"]["nodes"], bonuses);
    })
    .await;
}

/// A bonus run of last quarter in the bounty platform's channel.
async fn run(app: &TestApp, policy: Value, fields: &str) -> Value {
    let input = json!({
        "kind": "QUARTERLY_BONUS", "channel": id_of(app, "channels", "key", "src").await, "period": "2026-Q1",
        "currency": "CNY", "rationale": "The quarter", "policy": policy,
    });
    let token = app.token(Role::Analyst, "analyst-2");
    let fields = format!("bonusRun {{ id {fields} }}");
    app.done(&token, "computeBonusRun", "ComputeBonusRun", input, &fields).await["bonusRun"].clone()
}

const PAID: &str = "payouts { nodes { id version amount payee { subject } } }";

#[tokio::test]
async fn who_stands_in_several_rows_gets_one_bonus() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        // Whoever may not see the one makes another row of the same person; two more are known by a name alone.
        let person = json!({ "name": "Reporter", "subject": "reporter-1" });
        confirmed_by(&app, "analyst-3", "src", "SRC-1", person, "RED").await;
        confirmed(&app, "src", "SRC-2", "reporter-1", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for (number, name) in [("SRC-3", "Night owl"), ("SRC-4", "Early bird")] {
            let person = json!({ "name": name });
            let (report, _) = confirmed_by(&app, "analyst-1", "src", number, person, "AMBER").await;
            let link = json!({ "report": report, "subject": "reporter-1" });
            app.done(&analyst, "linkReporter", "LinkReporter", link, "reporter { id }").await;
        }
        app.advance(TimeDelta::days(90));
        let policy = |high: &str| {
            json!({ "critical": "500", "high": high, "medium": "50", "low": "10", "atLeast": 3, "cap": "250" })
        };
        let first = run(&app, policy("200"), &format!("counted {PAID}")).await;
        let rows = entity::reporter::Entity::find().all(app.app.database.reader()).await.unwrap();
        let same = rows.iter().filter(|row| row.subject.as_deref() == Some("reporter-1")).count();
        assert_eq!(same, 4, "{rows:?}");
        assert_eq!(first["counted"], 3, "what is for named people does not count: {first}");
        let paid = first["payouts"]["nodes"].as_array().unwrap().clone();
        assert_eq!(paid.len(), 1, "{first}");
        assert_eq!((&paid[0]["amount"], &paid[0]["payee"]["subject"]), (&json!("250.00"), &json!("reporter-1")));

        // By hand there is no second one either, whichever row is named.
        for name in ["Night owl", "Early bird"] {
            let by_hand = json!({
                "kind": "QUARTERLY_BONUS", "reporter": id_of(&app, "reporters", "name", name).await, "period": "2026-Q1",
                "amount": "10", "currency": "CNY", "rationale": "Once more",
            });
            let refused = call(&app, ANALYST, "proposePayout", by_hand).await;
            assert_eq!(code(&refused), "ALREADY_EXISTS", "{name}: {refused}");
        }
        // Another policy comes to another amount, and says so.
        let fields = format!("differing {{ payout {{ id }} computed }} {PAID}");
        let second = run(&app, policy("60"), &fields).await;
        assert_eq!(second["payouts"]["nodes"], json!([]));
        assert_eq!(second["differing"], json!([{ "payout": { "id": paid[0]["id"] }, "computed": "180.00" }]));
        // What was rejected is proposed anew by the same run, once.
        let reject = json!({ "payout": paid[0]["id"], "expectedVersion": paid[0]["version"], "reason": "Not yet" });
        call(&app, (Role::Analyst, "analyst-1"), "rejectPayout", reject).await;
        for _ in 0..2 {
            let again = run(&app, policy("200"), PAID).await;
            assert_eq!(again["id"], first["id"]);
            assert_eq!(again["payouts"]["nodes"].as_array().unwrap().len(), 2, "{again}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_share_is_no_row_but_a_person() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let person = json!({ "name": "Night owl" });
        let (other, _) = confirmed_by(&app, "analyst-1", "src", "SRC-2", person, "AMBER").await;
        let row = id_of(&app, "reporters", "name", "Night owl").await;
        let link = json!({ "report": other, "subject": "reporter-1" });
        app.done(&analyst, "linkReporter", "LinkReporter", link, "reporter { id }").await;
        let payout = propose(&app, &report, "500").await;
        let refused = call(&app, ANALYST, "splitPayout", payout.with(json!({ "among": [row] }))).await;
        assert_eq!(code(&refused), "CONTRADICTION", "{refused}");
    })
    .await;
}
