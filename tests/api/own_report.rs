//! People of the team who report, too: what is their own shows them its public side, and decides nothing for them.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::leaks::schema_of;
use crate::payouts::{code, with_money};
use crate::story::{Story, confirmed};

/// A report of `subject` through the bounty platform.
async fn reported<'a>(app: &'a TestApp, subject: &str, tlp: &str) -> Story<'a> {
    let reporter = json!({ "name": subject, "subject": subject });
    Story::receive(app, "SRC-1", json!({ "channel": "src", "reporter": reporter, "tlp": tlp })).await
}

#[tokio::test]
async fn another_role_shows_no_more_of_ones_own_report_on_an_event_one_is_kept_out_of() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let schema = schema_of(&app).await;
        let open = Story::receive(&app, "SRC-0", json!({ "channel": "src", "text": "https://a.example/x?q=1" })).await;
        let story = reported(&app, "two-faces", "RED").await;
        story.confirm().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let report = &story.report;
        for (mutation, input) in [
            ("addIndicator", json!({ "report": report, "kind": "HOST", "value": "inside.example" })),
            ("messageReporter", json!({ "report": report, "body": "Thank you" })),
            ("comment", json!({ "event": story.event, "body": "Not for them" })),
        ] {
            app.made(&analyst, mutation, input, "id").await;
        }
        let decided = json!({
            "report": report, "otherReport": open.report, "outcome": "RELATED", "rationale": "The same gateway",
            "expectedVersion": story.version().await,
        });
        app.made(&analyst, "decideDuplicate", decided, "outcome").await;
        let proposal = json!({
            "kind": "BOUNTY", "report": report, "amount": "500", "currency": "CNY", "rationale": "By the grid",
            "assetTier": "CORE",
        });
        let payout = app.made(&analyst, "proposePayout", proposal, "id version").await;
        let approve = json!({ "payout": payout["id"], "expectedVersion": payout["version"] });
        app.made(&app.token(Role::Finance, "finance-1"), "approvePayout", approve, "id").await;

        let alone = app.token(Role::Reporter, "two-faces");
        for more in [Role::Analyst, Role::Engineer, Role::Support, Role::Legal] {
            let both = app.mint(&[Role::Reporter, more], "two-faces", &[], None);
            for (kind, id) in [("Report", report.as_str()), ("Payout", payout["id"].as_str().unwrap())] {
                for selection in schema.selections(kind, 3) {
                    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {selection} }} }}");
                    let ask = |token: String| {
                        let (app, document) = (&app, document.clone());
                        async move { app.graphql(&token, &document, json!({ "id": id })).await }
                    };
                    let (one, other) = (ask(alone.clone()).await, ask(both.clone()).await);
                    assert!(one["errors"].is_null(), "{one}");
                    assert!(!one.to_string().contains("\"RED\""), "{one}");
                    same_but_for_the_role(&one["data"], &other["data"], &format!("{more}: {document}"));
                }
            }
        }
        // Nor can they change what they do not see from inside.
        let both = app.mint(&[Role::Reporter, Role::Analyst], "two-faces", &[], None);
        for (mutation, input) in [
            ("addIndicator", json!({ "report": report, "kind": "HOST", "value": "mine.example" })),
            ("linkReporter", json!({ "report": report, "subject": "accomplice" })),
        ] {
            let answer = app.call(&both, mutation, input, "id").await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{mutation}: {answer}");
        }
    })
    .await;
}

/// Demands that the second answer has what the first has, or null: what a role may read anywhere (the channel of a
/// report, what a move needs) is nothing about this event.
fn same_but_for_the_role(one: &Value, other: &Value, what: &str) {
    const ANYWHERE: [&str; 3] = ["channel", "allowedMoves", "viewerCanReverse"];
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one.iter().filter(|(name, _)| !ANYWHERE.contains(&name.as_str())) {
                same_but_for_the_role(value, &other[name], what);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{what}");
            for (one, other) in one.iter().zip(other) {
                same_but_for_the_role(one, other, what);
            }
        }
        _ => assert_eq!(one, other, "{what}"),
    }
}

#[tokio::test]
async fn nobody_moves_their_own_link_to_decide_what_they_earn() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let story = reported(&app, "two-faces", "AMBER").await;
        story.analyst("startTriage", json!({})).await;
        let both = app.mint(&[Role::Reporter, Role::Analyst], "two-faces", &[], None);
        let verdict = story.attempt(&both, "giveVerdict", confirmed()).await;
        assert_eq!(code(&verdict), "FOUR_EYES", "{verdict}");
        let reporter = "query($id: ID!) { node(id: $id) { ... on Report { reporter { id version } } } }";
        let seen = app.graphql(&both, reporter, json!({ "id": story.report })).await;
        let reporter = &seen["data"]["node"]["reporter"];
        let version = &reporter["version"];
        for (mutation, input) in [
            (
                "linkReporter",
                json!({ "report": story.report, "subject": "accomplice", "expectedVersion": version }),
            ),
            (
                "updateReporter",
                json!({ "reporter": reporter["id"], "staff": true, "expectedVersion": version }),
            ),
        ] {
            let answer = app.call(&both, mutation, input, "id").await;
            assert_eq!(code(&answer), "FOUR_EYES", "{mutation}: {answer}");
        }
        let verdict = story.attempt(&both, "giveVerdict", confirmed()).await;
        assert_eq!(code(&verdict), "FOUR_EYES", "{verdict}");
    })
    .await;
}

#[tokio::test]
async fn lists_inside_one_another_are_bounded_by_what_they_hold() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let story = Story::receive(&app, "CNVD-0", json!({})).await;
    for number in 1..40 {
        Story::receive(&app, &format!("CNVD-{number}"), json!({ "joinEvent": story.event })).await;
    }
    let analyst = app.token(Role::Analyst, "analyst-1");
    let nested = |depth: usize| {
        let open = "reports { id event { ".repeat(depth);
        format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Event {{ {open} id {} }} }} }}",
            "} } ".repeat(depth)
        )
    };
    let answer = app.graphql(&analyst, &nested(2), json!({ "id": story.event })).await;
    assert!(answer["errors"].is_null(), "forty reports of forty: {}", answer["errors"]);
    let answer = app.graphql(&analyst, &nested(3), json!({ "id": story.event })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX", "{}", answer["errors"]);
    let many = format!(
        "query($id: ID!) {{ nodes(ids: [{}]) {{ ... on Event {{ reports {{ event {{ reports {{ id }} }} }} }} }} }}",
        "$id, ".repeat(20)
    );
    let answer = app.graphql(&analyst, &many, json!({ "id": story.event })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX", "{}", answer["errors"]);
}
