//! Rules that go by the subject: nobody judges their own work, whatever roles they hold.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed, scored};

/// What refuses a payload, by code.
fn refusal(payload: &Value) -> &str {
    payload["userErrors"][0]["code"].as_str().unwrap_or_else(|| panic!("not refused: {payload}"))
}

/// A token of somebody who reports and analyses as well.
fn both(app: &TestApp) -> String {
    app.mint(&[Role::Analyst, Role::Reporter], "analyst-9", &[], None)
}

fn reported_by_analyst_9() -> Value {
    json!({ "channel": "src", "reporter": { "name": "somebody", "subject": "analyst-9", "staff": true } })
}

#[tokio::test]
async fn a_reporter_who_analyses_does_not_judge_their_own_report() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let own = both(&app);
        let story = Story::receive(&app, "SRC-1", reported_by_analyst_9()).await;
        story.step(&own, "startTriage", json!({})).await;
        assert_eq!(refusal(&story.attempt(&own, "giveVerdict", confirmed()).await), "FOUR_EYES");
        assert_eq!(story.status().await, "TRIAGING");
        story.analyst("giveVerdict", confirmed()).await;
        assert_eq!(refusal(&story.attempt(&own, "scoreEvent", scored("5")).await), "FOUR_EYES");
        assert!(story.look("currentScore { rounded }").await["currentScore"].is_null());
        story.remediate(&product, "router").await;
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
        assert_eq!(refusal(&story.verify(&own).await), "FOUR_EYES");
        assert_eq!(story.fix().await["state"], "SUBMITTED");
        let other = app.token(Role::Analyst, "analyst-2");
        assert_eq!(story.verify(&other).await["userErrors"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_second_report_of_an_event_binds_its_reporter_too() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        let mut input = reported_by_analyst_9();
        input["joinEvent"] = json!(story.event);
        Story::receive(&app, "SRC-1", input).await;
        story.analyst("startTriage", json!({})).await;
        assert_eq!(refusal(&story.attempt(&both(&app), "giveVerdict", confirmed()).await), "FOUR_EYES");
    })
    .await;
}

#[tokio::test]
async fn who_submitted_a_fix_does_not_verify_it() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        story.confirm().await;
        story.remediate(&product, "router").await;
        // Analysts may submit as well, so a role alone does not keep the two apart.
        let fixer = app.token(Role::Analyst, "analyst-2");
        assert_eq!(story.submit(&fixer).await["userErrors"], json!([]));
        assert_eq!(refusal(&story.verify(&fixer).await), "FOUR_EYES");
        assert_eq!(story.status().await, "VERIFYING");
        let other = app.token(Role::Analyst, "analyst-3");
        assert_eq!(story.verify(&other).await["userErrors"], json!([]));
        assert_eq!(story.status().await, "REPLYING");
    })
    .await;
}

#[tokio::test]
async fn nobody_approves_what_they_wrote() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        story.confirm().await;
        let reply = story.draft("VERDICT").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let ask = |reply: &Value, reviewer: &str| json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": reviewer });
        let answer = |reply: &Value| json!({ "reply": reply["id"], "expectedVersion": reply["version"], "outcome": "APPROVED" });
        // The second drafter, a leader of all people, is bound by the words that they put in.
        let second = app.mint(&[Role::Analyst, Role::Leader], "leader-9", &[], None);
        let revise = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "body": "We looked at it again." });
        let reply = app.made(&second, "reviseReply", revise, "id version").await;
        let seen = || async {
            let leader = app.token(Role::Leader, "leader-1");
            let id = reply["id"].as_str().unwrap().to_owned();
            app.node(&leader, &id, "Reply", "id version state").await
        };
        for writer in ["analyst-1", "leader-9"] {
            let asked = app.call(&analyst, "requestReplyReview", ask(&seen().await, writer), "id").await;
            assert_eq!(refusal(&asked), "FOUR_EYES", "{writer}");
        }
        app.made(&analyst, "requestReplyReview", ask(&seen().await, "analyst-2"), "id").await;
        for token in [&analyst, &second] {
            let approved = app.call(token, "reviewReply", answer(&seen().await), "id").await;
            assert_eq!(refusal(&approved), "FOUR_EYES");
        }
        assert_eq!(seen().await["state"], "IN_REVIEW");
        let third = app.token(Role::Analyst, "analyst-2");
        app.made(&third, "reviewReply", answer(&seen().await), "id").await;
        assert_eq!(seen().await["state"], "APPROVED");
    })
    .await;
}

#[tokio::test]
async fn a_reporter_who_is_an_engineer_has_the_rights_of_both() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let reporter = json!({ "name": "somebody", "subject": "engineer-9", "staff": true });
        let own = Story::receive(&app, "SRC-1", json!({ "channel": "src", "reporter": reporter })).await;
        let others = Story::receive(&app, "CNVD-1", json!({})).await;
        others.confirm().await;
        others.product(&product, "AFFECTED").await;
        let ask = |roles: &'static [Role], document: &'static str| {
            let token = app.mint(roles, "engineer-9", &["core-router"], None);
            let app = &app;
            async move { app.graphql(&token, document, Value::Null).await }
        };
        let events = "{ events { nodes { id } } }";
        let reports = "{ reports { nodes { id text title } } }";
        for (role, forbidden) in [(&[Role::Engineer], reports), (&[Role::Reporter], events)] {
            let answer = ask(role, forbidden).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
        }
        let union: &'static [Role] = &[Role::Reporter, Role::Engineer];
        let seen = ask(union, events).await;
        assert_eq!(seen["data"]["events"]["nodes"], json!([{ "id": others.event }]), "{seen}");
        let own_side = json!([{ "id": own.report, "text": "Steps", "title": "A hole SRC-1" }]);
        let seen = ask(union, reports).await;
        assert_eq!(seen["data"]["reports"]["nodes"], own_side, "{seen}");
        // Two roles do not add up to what neither may: the other event's report as received.
        let token = app.mint(&[Role::Reporter, Role::Engineer], "engineer-9", &["core-router"], None);
        assert!(app.node(&token, &others.report, "Report", "text").await.is_null());
    })
    .await;
}
