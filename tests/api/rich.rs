//! An event with something of everything that can hang on one.

use serde_json::json;
use vulndesk::auth::Role;

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
    story.product(&product, "AFFECTED").await;
    story.analyst("addAffectedCustomer", json!({ "customer": customer["id"] })).await;
    let fact = json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
    story.analyst("recordWorldFact", fact).await;
    let severity = json!({ "source": "OURS", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "cwe": ["CWE-787"] });
    story.analyst("assessSeverity", severity).await;
    story.analyst("scoreEvent", scored("7.5")).await;
    for (function, subject) in [
        ("TECHNICAL_SERVICE", "support-1"),
        ("ACCOUNT_MANAGEMENT", "account-manager-1"),
        ("LEGAL", "legal-1"),
        ("PUBLIC_RELATIONS", "public-relations-1"),
    ] {
        story.assign(function, subject, None).await;
    }
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
    let account = json!({ "payout": payout["id"], "account": "wallet 1" });
    app.made(&own, "setPayeeAccount", account, "id").await;
    let appeal = json!({ "payout": payout["id"], "grounds": "It is worse" });
    app.made(&own, "appealPayout", appeal, "id").await;
    let channels = app.graphql(&admin, "{ channels { nodes { id } } }", serde_json::Value::Null).await;
    let run = json!({
        "kind": "ANNUAL_BONUS", "channel": channels["data"]["channels"]["nodes"][0]["id"], "period": "2025",
        "currency": "CNY", "rationale": "Last year",
        "policy": { "critical": "4", "high": "3", "medium": "2", "low": "1" },
    });
    let run = app.made(&analyst, "computeBonusRun", run, "id").await;
    crate::sequencer::sequence_all(&app.app).await;
    run["id"].as_str().unwrap().to_owned()
}

/// What the event of [`event`] does not come by: other verdicts, work that was declined, what was waived, withdrawn, split,
/// skipped, erased. Answers what there is to look at.
pub(crate) async fn rest(app: &TestApp, story: &Story<'_>) -> Vec<(&'static str, String)> {
    let (admin, leader) = (app.token(Role::Admin, "admin-1"), app.token(Role::Leader, "leader-1"));
    let analyst = app.token(Role::Analyst, "analyst-1");
    let old = json!({
        "key": "old-router", "name": "Old Router", "line": "old", "ownerTeam": "router-team", "kind": "PRODUCT",
        "providerEntity": "Example Networks", "importance": "5.0", "reach": "5.0", "assetTier": "EDGE",
        "lifecycle": "END_OF_LIFE", "endOfLifeNotice": "EOL-1", "lastSupportedVersion": "3.9", "successor": "Core Router",
        "rmsvLibrary": "GENERAL", "craInScope": true, "craMemberStates": ["DE"], "craSupportUntil": "2030-01-01",
    });
    app.made(&admin, "createProduct", old, "id").await;
    let item = story.look("actionItems { id version }").await["actionItems"][0].clone();
    let done =
        json!({ "item": item["id"], "expectedVersion": item["version"], "state": "DONE", "note": "It runs" });
    app.made(&analyst, "updateActionItem", done, "id").await;
    // What a principal's e-mail and channel are is known from their token.
    for (role, channel) in [(Role::Analyst, None), (Role::Src, Some("src"))] {
        let subject = format!("{}-2", role.name().to_lowercase());
        let token = app.mint_with_email(&[role], &subject, &[], channel, Some("desk@example.com"));
        app.graphql(&token, "{ viewer { subject } }", serde_json::Value::Null).await;
    }

    let judged = of_src(app, "REST-1").await;
    judged.analyst("startTriage", json!({})).await;
    let verdicts = [
        json!({
            "verdict": "KNOWN_INTERNALLY", "internalFinding": "PT-1", "firstKnownOn": "2026-01-05", "fixingEvent": story.event,
        }),
        json!({ "verdict": "ALREADY_FIXED", "advisory": "EXN-0", "fixedVersion": "5.0", "firstKnownOn": "2026-01-05" }),
        json!({
            "verdict": "END_OF_LIFE", "endOfLifeNotice": "EOL-1", "lastSupportedVersion": "3.9", "successor": "none",
        }),
        json!({ "verdict": "OTHER_VENDOR", "forwardedTo": "their maker" }),
        json!({ "verdict": "DUPLICATE", "originalEvent": story.event }),
    ];
    for mut verdict in verdicts {
        if judged.status().await != "TRIAGING" {
            judged.analyst("returnToTriage", json!({ "reason": "looked at again" })).await;
        }
        verdict["rationale"] = json!("As analysed");
        judged.analyst("giveVerdict", verdict).await;
    }

    let fixing = fixing(app).await;
    let withdrawn = json!({ "report": fixing.report, "reason": "It was a test" });
    app.made(&analyst, "withdrawReport", withdrawn, "id").await;

    let whole = of_src(app, "REST-3").await;
    let parts = json!({
        "report": whole.report, "expectedVersion": whole.version().await,
        "parts": [{ "title": "First" }, { "title": "Second" }],
    });
    app.made(&analyst, "splitReport", parts, "id").await;

    let skipped =
        Story::receive(app, "REST-4", json!({ "reporter": { "name": "somebody to forget" } })).await;
    skipped.analyst("startTriage", json!({})).await;
    let verdict = json!({ "verdict": "NOT_REPRODUCIBLE", "rationale": "Tried" });
    skipped.analyst("giveVerdict", verdict).await;
    skipped.answer().await;
    skipped.analyst("startReview", json!({})).await;
    skipped.analyst("skipReview", json!({ "reason": "Nothing was wrong" })).await;
    let known = skipped.look("reports { reporter { id version } }").await["reports"][0]["reporter"].clone();
    let erase =
        json!({ "reporter": known["id"], "expectedVersion": known["version"], "reason": "asked for" });
    app.made(&leader, "eraseReporter", erase, "id").await;
    [judged, fixing, whole, skipped]
        .into_iter()
        .flat_map(|story| [("Event", story.event), ("Report", story.report)])
        .collect()
}

async fn of_src<'a>(app: &'a TestApp, number: &str) -> Story<'a> {
    Story::receive(
        app,
        number,
        json!({ "channel": "src", "reporter": { "name": format!("finder of {number}") } }),
    )
    .await
}

/// An event that is being fixed, with what may be said of a fix, of the team and of what is owed meanwhile.
async fn fixing(app: &TestApp) -> Story<'_> {
    let (analyst, leader) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Leader, "leader-1"));
    let listed = "{ products { nodes { id line } } customers { nodes { id } } }";
    let listed = app.graphql(&analyst, listed, serde_json::Value::Null).await;
    let product = |line: &str| {
        let nodes = listed["data"]["products"]["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["line"] == line).unwrap()["id"].clone()
    };
    let story = of_src(app, "REST-2").await;
    story.confirm().await;
    for standing in [
        json!({
            "event": story.event, "product": product("router"), "state": "AFFECTED", "affectedVersions": "< 5.2",
            "fixedVersions": "5.2",
        }),
        json!({
            "event": story.event, "product": product("gateway"), "state": "NOT_AFFECTED",
            "reason": "the parser is not in it",
        }),
    ] {
        app.made(&analyst, "setAffectedProduct", standing, "id").await;
    }
    let customer = json!({ "customer": listed["data"]["customers"]["nodes"][0]["id"], "note": "Their core" });
    story.step(&analyst, "addAffectedCustomer", customer).await;
    story.analyst("scoreEvent", scored("6")).await;
    let mut lower = scored("5");
    lower["reason"] = json!("less reach than thought");
    story.analyst("scoreEvent", lower).await;
    let ours = json!({ "source": "OURS", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" });
    story.step(&analyst, "assessSeverity", ours).await;
    let theirs = json!({
        "source": "THEIRS", "sourceName": "the finder", "vector": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N",
    });
    story.step(&analyst, "assessSeverity", theirs).await;
    let fact = json!({
        "kind": "EXPLOIT_PUBLIC", "occurredAt": "2026-02-27T00:00:00Z", "learnedAt": "2026-03-01T00:00:00Z",
        "source": "a mailing list",
    });
    story.analyst("recordWorldFact", fact).await;
    story.analyst("setEmbargo", json!({ "until": "2026-12-31T00:00:00Z", "reason": "until the fix" })).await;
    let due = "2026-04-01T00:00:00Z";
    let team = json!({ "function": "TECHNICAL_SERVICE", "team": "service-team", "dueAt": due, "note": "Tell the banks" });
    story.analyst("assign", team).await;
    story.assign("R_AND_D", "engineer-1", Some("router")).await;
    story.assign("SUPPLY_CHAIN", "support-2", None).await;
    let seen = story.look("assignments { id version subject }").await;
    let work =
        seen["assignments"].as_array().unwrap().iter().find(|row| row["subject"] == "support-2").unwrap();
    let decline = json!({ "assignment": work["id"], "expectedVersion": work["version"], "answer": "DECLINE", "reason": "on leave" });
    app.made(&app.token(Role::Support, "support-2"), "answerAssignment", decline, "id").await;
    let seen = story.look("team { id subject }").await;
    let member = seen["team"].as_array().unwrap().iter().find(|row| row["subject"] == "support-2").unwrap();
    let leave =
        json!({ "member": member["id"], "expectedVersion": story.version().await, "reason": "on leave" });
    app.made(&leader, "removeTeamMember", leave, "id").await;
    story.analyst("startRemediation", json!({})).await;
    let fix = story.fix().await;
    let plan = json!({
        "remediation": fix["id"], "expectedVersion": fix["version"], "plannedFor": "2026-05-01",
        "mitigation": "Turn the service off", "mitigationAvailableAt": "2026-03-01T12:00:00Z",
    });
    app.made(&app.token_in_scope(Role::Engineer, "engineer-1"), "planFix", plan, "id").await;
    let ask = json!({ "kind": "ACCEPT_RISK", "line": "router", "question": "May it stay?", "dueAt": due });
    let ask = story.step(&analyst, "askDecision", ask).await;
    let decide = json!({
        "decision": ask["decision"]["id"], "expectedVersion": 1, "granted": true, "outcome": "for a while",
        "expiresAt": "2026-08-01T00:00:00Z",
    });
    app.made(&leader, "recordDecision", decide, "id").await;
    let owed = story.look("obligations { id version kind }").await["obligations"][0].clone();
    let waive =
        json!({ "obligation": owed["id"], "expectedVersion": owed["version"], "reason": "by telephone" });
    app.made(&analyst, "waiveObligation", waive, "id").await;
    story
}
