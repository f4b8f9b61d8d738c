//! Which side of an event each sees: engineers from the verdict on, reporters what was said to them, and what is
//! recorded of reading.

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed};

#[tokio::test]
async fn an_engineer_sees_an_event_of_their_product_from_the_verdict_on_and_not_before() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        story.product(&product, "NOT_LOOKED_YET").await;
        let sees = || async {
            let listed = app.graphql(&engineer, "{ events { totalCount } }", Value::Null).await;
            let found = !app.node(&engineer, &story.event, "Event", "id").await.is_null();
            assert_eq!(listed["data"]["events"]["totalCount"], i64::from(found), "list and lookup agree");
            found
        };
        assert!(!sees().await, "received");
        story.analyst("startTriage", json!({})).await;
        story.product(&product, "AFFECTED").await;
        assert!(!sees().await, "analysed");
        story.analyst("giveVerdict", confirmed()).await;
        assert!(sees().await, "confirmed");
        story.product(&product, "NOT_AFFECTED").await;
        assert!(!sees().await, "not affected");
        story.product(&product, "AFFECTED").await;
        assert!(sees().await, "affected after all");
        story.analyst("returnToTriage", json!({ "reason": "wrong product" })).await;
        story.analyst("giveVerdict", json!({ "verdict": "OUT_OF_SCOPE", "rationale": "Not ours" })).await;
        assert!(!sees().await, "out of scope");
    })
    .await;
}

#[tokio::test]
async fn a_message_is_its_reporters_alone_and_comments_are_the_teams() {
    on_both(|app| async move {
        app.with_company().await;
        let by = |subject: &str| json!({ "channel": "src", "reporter": { "name": subject, "subject": subject } });
        let story = Story::receive(&app, "SRC-1", by("reporter-1")).await;
        let mut second = by("reporter-2");
        second["joinEvent"] = json!(story.event);
        let joined = Story::receive(&app, "SRC-2", second).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let message = json!({ "report": story.report, "body": "Which version, first reporter?" });
        app.made(&analyst, "messageReporter", message, "id").await;
        let internal = json!({ "event": story.event, "body": "Looks like the gateway again" });
        let internal = app.made(&analyst, "comment", internal, "id").await;
        let heard = |subject: &'static str| {
            let token = app.token(Role::Reporter, subject);
            let document = "{ reports { nodes { id messages { nodes { body author } } } } }";
            let app = &app;
            async move { app.graphql(&token, document, Value::Null).await["data"]["reports"]["nodes"].clone() }
        };
        let messages = json!({ "nodes": [{ "body": "Which version, first reporter?", "author": null }] });
        assert_eq!(heard("reporter-1").await, json!([{ "id": story.report, "messages": messages }]));
        assert_eq!(heard("reporter-2").await, json!([{ "id": joined.report, "messages": { "nodes": [] } }]));
        assert_eq!(heard("reporter-3").await, json!([]));
        for subject in ["reporter-1", "reporter-2"] {
            let token = app.token(Role::Reporter, subject);
            let comment = internal["id"].as_str().unwrap();
            assert!(app.node(&token, comment, "Comment", "body").await.is_null(), "{subject}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_that_comes_with_other_input_is_refused_by_every_creation() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "SRC-1", json!({ "channel": "src" })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let event = &story.event;
        let cases = [
            ("receiveReport", json!({ "channel": "src", "title": "A", "text": "B" }), "text"),
            ("addToReport", json!({ "report": story.report, "text": "More" }), "text"),
            ("comment", json!({ "event": event, "body": "One" }), "body"),
            ("messageReporter", json!({ "report": story.report, "body": "One" }), "body"),
            ("askDecision", json!({ "event": event, "kind": "DISCLOSE", "question": "Now?" }), "question"),
            (
                "recordWorldFact",
                json!({ "event": event, "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" }),
                "source",
            ),
            (
                "assessSeverity",
                json!({ "event": event, "source": "THEIRS", "sourceName": "CNVD", "vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P" }),
                "sourceName",
            ),
        ];
        for (mutation, mut input, field) in cases {
            input["idempotencyKey"] = json!("key-1");
            let first = app.call(&analyst, mutation, input.clone(), "id").await;
            assert_eq!(first["userErrors"], json!([]), "{mutation}: {first}");
            let again = app.call(&analyst, mutation, input.clone(), "id").await;
            assert_eq!(again, first, "{mutation} sent again");
            input[field] = json!("something else");
            let other = app.call(&analyst, mutation, input, "id").await;
            assert_eq!(other["userErrors"][0]["code"], "KEY_REUSED", "{mutation}: {other}");
        }
    })
    .await;
}

/// Who read which numbers, in order.
pub(crate) async fn records(app: &TestApp) -> Vec<(String, Vec<String>)> {
    let rows = entity::access_record::Entity::find().all(app.app.database.reader()).await.unwrap();
    rows.into_iter().map(|row| (row.actor, row.event_ids.0)).collect()
}

#[tokio::test]
async fn a_read_under_embargo_is_recorded_once_a_request_while_the_embargo_lasts() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        let other = Story::receive(&app, "CNVD-2", json!({})).await;
        for story in [&story, &other] {
            story.analyst("setEmbargo", json!({ "until": "2026-03-05T00:00:00Z", "reason": "coordinated" })).await;
        }
        let auditor = app.token(Role::Auditor, "auditor-1");
        let before = records(&app).await.len();
        let everywhere = "query($id: ID!) { node(id: $id) { ... on Event { title comments { nodes { body } } } }
            events { nodes { title statusChanges { toStatus } } } audit(event: $id) { nodes { event { title } } } }";
        app.graphql(&auditor, everywhere, json!({ "id": story.event })).await;
        let after = records(&app).await;
        let mut numbers = vec![story.number.clone(), other.number.clone()];
        numbers.sort();
        assert_eq!(&after[before..], [("auditor-1".to_owned(), numbers)]);
        // What hangs on an event tells of it as much as the event does.
        let report = "query($id: ID!) { node(id: $id) { ... on Report { text } } }";
        app.graphql(&auditor, report, json!({ "id": story.report })).await;
        assert_eq!(records(&app).await[before + 1..], [("auditor-1".to_owned(), vec![story.number.clone()])]);
        app.graphql(&auditor, "{ events { totalCount } products { nodes { name } } }", Value::Null).await;
        assert_eq!(records(&app).await.len(), before + 2, "nothing of an event was in the answer");
        app.clock.set("2026-03-05T00:00:01Z".parse().unwrap());
        let auditor = app.token(Role::Auditor, "auditor-1");
        app.graphql(&auditor, everywhere, json!({ "id": story.event })).await;
        assert_eq!(records(&app).await.len(), before + 2, "the embargo is over");
    })
    .await;
}

#[tokio::test]
async fn a_title_as_received_is_for_those_who_may_read_the_report() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let story =
            Story::receive(&app, "CNVD-1", json!({ "title": "Found at a customer by reporter-1" })).await;
        story.analyst("startTriage", json!({})).await;
        story.product(&product, "AFFECTED").await;
        story.analyst("giveVerdict", confirmed()).await;
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        let analyst = app.token(Role::Analyst, "analyst-1");
        let title = async |token: &str| app.node(token, &story.event, "Event", "title number").await;
        let seen = title(&engineer).await;
        assert_eq!(seen["title"], seen["number"]);
        assert_eq!(title(&analyst).await["title"], "Found at a customer by reporter-1");
        story.analyst("describeEvent", json!({ "title": "A hole in the router" })).await;
        assert_eq!(title(&engineer).await["title"], "A hole in the router");
    })
    .await;
}

#[tokio::test]
async fn a_customer_of_a_red_event_brings_its_manager_by_a_leaders_word_alone() {
    on_both(|app| async move {
        app.with_company().await;
        let admin = app.token(Role::Admin, "admin-1");
        let story = Story::receive(&app, "CNVD-1", json!({ "tlp": "RED" })).await;
        let manager = app.token(Role::AccountManager, "account-manager-1");
        let sees = async || !app.node(&manager, &story.event, "Event", "id").await.is_null();
        let customer = json!({ "key": "bank", "name": "A bank", "abroad": false, "accountManager": "account-manager-1" });
        let customer = app.made(&admin, "createCustomer", customer, "id").await;
        story.analyst("addAffectedCustomer", json!({ "customer": customer["id"] })).await;
        assert!(!sees().await, "named by an analyst");
        let leader = app.token(Role::Leader, "leader-1");
        let named = json!({ "subject": "account-manager-1", "function": "ACCOUNT_MANAGEMENT" });
        story.step(&leader, "addTeamMember", named).await;
        assert!(sees().await, "named by a leader");
    })
    .await;
}
