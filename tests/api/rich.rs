//! An event with something of everything that can hang on one.

use entity::bonus_run;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;
use vulndesk::auth::Role;
use vulndesk::ids::decode_any;

use crate::harness::TestApp;
use crate::story::{Story, confirmed, scored};

/// Takes an event of `channel` and `tlp` through the whole procedure to CLOSED, over a company of its own. Reported by
/// reporter-1; analyst-1 and analyst-2 handle it; engineer-1, support-1, account-manager-1, legal-1 and
/// public-relations-1 are on its team.
pub(crate) async fn event<'a>(app: &'a TestApp, channel: &str, tlp: &str) -> Story<'a> {
    app.with_company().await;
    let product = app.with_core_router().await;
    let (admin, analyst) = (app.token(Role::Admin, "admin-1"), app.token(Role::Analyst, "analyst-1"));
    let leader = app.token(Role::Leader, "leader-1");
    let customer = json!({ "key": "bank", "name": "Bank", "abroad": false, "contact": "desk", "accountManager": "account-manager-1" });
    let customer = app.made(&admin, "createCustomer", customer, "id").await;
    app.made(&admin, "linkCustomer", json!({ "customer": customer["id"], "product": product }), "id").await;
    let reporter = json!({ "name": "somebody", "email": "somebody@example.org", "subject": "reporter-1" });
    let input = json!({
        "channel": channel, "reporter": reporter, "tlp": tlp, "noticeType": "GENERIC",
        "indicators": [{ "kind": "CVE", "value": "CVE-2026-1000" }],
    });
    let story = Story::receive(app, "FULL-1", input).await;
    if tlp == "RED" {
        // Who works on an event of named people was added by a leader before.
        for (subject, function) in [
            ("analyst-2", "SECURITY"),
            ("engineer-1", "R_AND_D"),
            ("support-1", "TECHNICAL_SERVICE"),
            ("account-manager-1", "ACCOUNT_MANAGEMENT"),
            ("legal-1", "LEGAL"),
            ("public-relations-1", "PUBLIC_RELATIONS"),
        ] {
            let member = json!({ "subject": subject, "function": function });
            story.step(&leader, "addTeamMember", member).await;
        }
    }
    let words = json!({ "description": "A parser trusts lengths", "steps": "Send the file" });
    story.analyst("describeEvent", words).await;
    story.analyst("startTriage", json!({})).await;
    story.analyst("askReporter", json!({ "report": story.report, "question": "Which version?" })).await;
    let own = app.token(Role::Reporter, "reporter-1");
    let more = json!({ "report": story.report, "text": "Version 5.1" });
    app.made(&own, "addToReport", more, "id").await;
    // Their address on record is what they write from.
    crate::mails::about(app, channel, &story).await;
    if story.status().await == "NEEDS_INFORMATION" {
        story.analyst("resumeTriage", json!({})).await;
    }
    story.analyst("giveVerdict", confirmed()).await;
    let question =
        json!({ "report": story.report, "question": "Who else is affected?", "dueOn": "2026-12-31" });
    app.made(&analyst, "recordFollowUpQuestion", question, "id").await;
    story.product(&product, "AFFECTED").await;
    story.analyst("addAffectedCustomer", json!({ "customer": customer["id"] })).await;
    // One who is affected without using a product that is recorded.
    let clinic =
        json!({ "key": "clinic", "name": "Clinic", "abroad": false, "accountManager": "account-manager-1" });
    let clinic = app.made(&admin, "createCustomer", clinic, "id").await;
    story.analyst("addAffectedCustomer", json!({ "customer": clinic["id"] })).await;
    let fact = json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
    story.analyst("recordWorldFact", fact).await;
    let severity = json!({ "source": "OURS", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "cwe": ["CWE-787"] });
    story.analyst("assessSeverity", severity).await;
    story.analyst("scoreEvent", scored("7.5")).await;
    story.widen().await;
    story.assign("R_AND_D", "engineer-1", Some("router")).await;
    let ask = json!({ "event": story.event, "kind": "REPORT_ABROAD", "question": "When?", "options": ["now", "later"] });
    let asked = app.made(&analyst, "askDecision", ask, "id version").await;
    let decide = json!({
        "decision": asked["id"], "expectedVersion": asked["version"], "granted": true, "outcome": "later",
        "extent": "ALLOW_AFTER_DOMESTIC_REPORT", "participants": ["leader-1"],
    });
    app.made(&leader, "recordDecision", decide, "id").await;
    app.made(&analyst, "comment", json!({ "event": story.event, "body": "Looks real" }), "id").await;
    story.analyst("startRemediation", json!({})).await;
    let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
    assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
    let verified = story.verify(&app.token(Role::Analyst, "analyst-2")).await;
    assert_eq!(verified["userErrors"], json!([]), "{verified}");
    let fix = story.fix().await;
    let release = json!({
        "remediation": fix["id"], "expectedVersion": fix["version"], "releaseVersions": "5.2", "advisory": "EXN-1",
        "availableAt": "2026-03-01T00:00:00Z",
    });
    app.made(&engineer, "recordRelease", release, "id").await;
    story.answer().await;
    story.waive_notices().await;
    story.waive_questions().await;
    story.analyst("startReview", json!({})).await;
    let review = json!({
        "rootCause": "Lengths were trusted", "missedPhase": "CODING", "standardChanges": "A check",
        "processChanges": "Fuzzing", "actionItems": [{ "title": "Fuzz it", "owner": "engineer-1", "dueOn": "2026-12-31" }],
    });
    story.analyst("recordReview", review).await;
    story
}

/// Gives the event's report a bounty that is approved and appealed against, out of a grid and a budget, and computes a
/// year's bonuses; answers the bonus run.
pub(crate) async fn money(app: &TestApp, story: &Story<'_>) -> String {
    let admin = app.token(Role::Admin, "admin-1");
    let mut cells = Vec::new();
    for tier in ["CORE", "GENERAL", "EDGE"] {
        cells.push(json!({ "assetTier": tier, "severity": "HIGH", "minimum": "1", "maximum": "1000" }));
    }
    app.made(&admin, "createRewardGrid", json!({ "currency": "CNY", "cells": cells }), "id").await;
    let finance = app.token(Role::Finance, "finance-1");
    let budget = json!({ "period": "2026", "currency": "CNY", "amount": "5000" });
    app.made(&finance, "createBudget", budget, "id").await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let proposal = json!({
        "kind": "BOUNTY", "report": story.report, "amount": "500.50", "currency": "CNY", "rationale": "By the grid",
    });
    let payout = app.made(&analyst, "proposePayout", proposal, "id version").await;
    let approve = json!({ "payout": payout["id"], "expectedVersion": payout["version"], "note": "Fine" });
    app.made(&app.token(Role::Analyst, "analyst-2"), "approvePayout", approve, "id").await;
    let own = app.token(Role::Reporter, "reporter-1");
    let account = json!({ "payout": payout["id"], "expectedVersion": 1, "account": "wallet 1" });
    app.made(&own, "setPayeeAccount", account, "id").await;
    let appeal = json!({ "payout": payout["id"], "grounds": "It is worse" });
    app.made(&own, "appealPayout", appeal, "id").await;
    let run = json!({
        "kind": "ANNUAL_BONUS", "channel": app.channel("cnvd").await, "period": "2025",
        "currency": "CNY", "rationale": "Last year",
        "policy": { "critical": "4", "high": "3", "medium": "2", "low": "1" },
    });
    let run = app.made(&analyst, "computeBonusRun", run, "id").await;
    // Nobody had a bonus of that year: this stands for one.
    let (_, live) = decode_any(payout["id"].as_str().unwrap()).unwrap();
    let differing = json!([{ "payout": live, "computed": 100 }]);
    let update =
        bonus_run::Entity::update_many().col_expr(bonus_run::Column::Differing, Expr::value(differing));
    update.exec(app.owner()).await.unwrap();
    crate::sequencer::sequence_all(&app.app).await;
    run["id"].as_str().unwrap().to_owned()
}
