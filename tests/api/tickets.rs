//! Fixes as tickets in ticketing systems.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use entity::vocabulary::NoticeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::clock::{Clock, SystemClock};
use vulndesk::http::client_address::PeerAddress;
use vulndesk::ids::decode_any;
use vulndesk::outbound::Client;
use vulndesk::ticket::{HookOutcome, reconcile, take_hook, worker};

use crate::clocks::messages;
use crate::harness::{TestApp, on_both};
use crate::story::Story;
use crate::ticket_hooks::{Hooks, Running, until};
use crate::tracker_contracts::preset;
use crate::tracker_stub::{self as stub, Fault, Stub};

const FIELDS: &str = "id version state externalId url toldState seenStatus proposal note attempts";

/// Does all that is due about tickets.
pub(crate) async fn keep(app: &TestApp) {
    let client = Client::new(app.app.outbound.clone()).unwrap();
    while worker::pass(&app.app, &client).await.unwrap() > 0 {}
}

/// An event whose fix of the line `router` is planned.
pub(crate) async fn story(app: &TestApp) -> Story<'_> {
    app.with_company().await;
    let product = app.with_core_router().await;
    let story = Story::receive(app, "CNVD-1", json!({ "tlp": "AMBER" })).await;
    story.confirm().await;
    story.remediate(&product, "router").await;
    story
}

pub(crate) async fn tracker(app: &TestApp, change: Value) -> String {
    // A custom one brings all of its own.
    let named = change["preset"].as_str().filter(|name| *name != "CUSTOM");
    let preset = preset(named.unwrap_or("REDMINE"));
    let mut input = json!({
        "name": "engineering", "preset": preset.name, "parameters": preset.parameters,
        "credentials": preset.credentials, "tlpCeiling": "AMBER", "abroad": false,
    });
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let made = app.made(&app.token(Role::Admin, "admin-1"), "createTracker", input, "id").await;
    made["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn open(app: &TestApp, story: &Story<'_>, tracker: &str) -> String {
    let input = json!({ "remediation": story.fix().await["id"], "tracker": tracker });
    let made =
        app.made(&app.token_in_scope(Role::Engineer, "engineer-1"), "openTicket", input, "id state").await;
    assert_eq!(made["state"], "PENDING");
    made["id"].as_str().unwrap().to_owned()
}

/// A ticket of the event's fix that its tracker has; answers their ids.
pub(crate) async fn linked(app: &TestApp, story: &Story<'_>) -> [String; 2] {
    let stub = Stub::start(stub::redmine).await;
    let tracker = tracker(app, json!({ "baseUrl": stub.url })).await;
    let ticket = open(app, story, &tracker).await;
    keep(app).await;
    [tracker, ticket]
}

pub(crate) async fn look(app: &TestApp, ticket: &str) -> Value {
    app.node(&app.token(Role::Analyst, "analyst-1"), ticket, "Ticket", FIELDS).await
}

async fn hook(app: &TestApp, tracker: &str, body: Value) -> HookOutcome {
    let (_, id) = decode_any(tracker).unwrap();
    let tracker = vulndesk::ticket::store::tracker(&app.app, id).await.unwrap();
    take_hook(&app.app, &tracker, &body).await.unwrap()
}

pub(crate) async fn plan(app: &TestApp, story: &Story<'_>) {
    let fix = story.fix().await;
    let plan =
        json!({ "remediation": fix["id"], "expectedVersion": fix["version"], "fixPlan": "Check lengths" });
    app.made(&app.token_in_scope(Role::Engineer, "engineer-1"), "planFix", plan, "id").await;
}

pub(crate) async fn fail_verification(app: &TestApp, story: &Story<'_>) {
    let fix = story.fix().await;
    let verify = json!({
        "remediation": fix["id"], "expectedVersion": fix["version"], "fullyFixed": false,
        "fullyFixedEvidence": "It still crashes", "bypassable": false, "bypassEvidence": "None found",
        "newProblem": false, "newProblemEvidence": "None found",
    });
    app.made(&app.token(Role::Analyst, "analyst-2"), "verifyFix", verify, "id").await;
}

#[tokio::test]
async fn a_fix_is_told_to_its_tracker_and_followed_there() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["state"], &seen["toldState"], &seen["seenStatus"]),
            (&json!("LINKED"), &json!("PLANNED"), &json!("New")),
            "{seen}"
        );
        assert_eq!(seen["url"], format!("{}/issues/1", stub.url));
        {
            let world = stub.world.lock().unwrap();
            let issue = &world.kept[0].made_of["issue"];
            assert!(
                issue["subject"].as_str().unwrap().starts_with(&format!("[{}] router: ", story.number)),
                "{issue}"
            );
            assert_eq!(issue["description"], story.number, "no more of the content leaves");
        }
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
        keep(&app).await;
        assert_eq!((stub.status().as_str(), stub.count()), ("Resolved", 1));
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["toldState"], &seen["proposal"]),
            (&json!("SUBMITTED"), &Value::Null),
            "our own word is no proposal: {seen}"
        );
        let writes = stub.writes();
        assert_eq!(hook(&app, &tracker, json!({ "issue": { "id": 1 } })).await, HookOutcome::Taken);
        keep(&app).await;
        assert_eq!(
            (stub.writes(), &look(&app, &ticket).await["proposal"]),
            (writes, &Value::Null),
            "our echo"
        );
    })
    .await;
}

#[tokio::test]
async fn a_hook_that_our_own_write_brings_about_ends_in_one_write() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let (_, id) = decode_any(&tracker).unwrap();
        let product = Arc::clone(&app.app);
        stub.interrupt(move || {
            let product = Arc::clone(&product);
            Box::pin(async move {
                let tracker = vulndesk::ticket::store::tracker(&product, id).await.unwrap();
                take_hook(&product, &tracker, &json!({ "issue": { "id": 1 } })).await.unwrap();
            })
        });
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["state"], &seen["toldState"], &seen["proposal"], &seen["attempts"]),
            (&json!("LINKED"), &json!("SUBMITTED"), &Value::Null, &json!(0)),
            "{seen}"
        );
        assert_eq!((stub.writes(), stub.count()), (2, 1), "one creation and one status");
    })
    .await;
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_found_and_not_made_again() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        stub.fail(&[Fault::LostAnswer]);
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["state"], &seen["externalId"], &seen["attempts"]),
            (&json!("PENDING"), &Value::Null, &json!(1)),
            "{seen}"
        );
        assert!(seen["note"].as_str().unwrap().contains("bad gateway"), "{seen}");
        app.advance(TimeDelta::minutes(1));
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["state"], &seen["attempts"], stub.count()),
            (&json!("LINKED"), &json!(0), 1),
            "{seen}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_does_not_is_handed_to_a_person() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        stub.fail(&[
            Fault::Answer(429, "slow down"),
            Fault::Answer(500, "oops"),
            Fault::Answer(422, "Subject a-secret-key is odd"),
        ]);
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["note"], "429: slow down");
        app.advance(TimeDelta::seconds(60));
        keep(&app).await;
        assert_eq!(stub.writes(), 1, "it asked for two minutes");
        app.advance(TimeDelta::seconds(120));
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["note"], "500: oops");
        app.advance(TimeDelta::hours(1));
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["state"], &seen["note"]),
            (&json!("REFUSED"), &json!("422: Subject [hidden] is odd"))
        );
        app.advance(TimeDelta::days(1));
        keep(&app).await;
        assert_eq!((stub.writes(), stub.count()), (3, 0), "it is left to a person");
        let retry = json!({ "ticket": ticket, "expectedVersion": seen["version"] });
        app.made(&app.token(Role::Analyst, "analyst-1"), "retryTicket", retry, "id").await;
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["state"], "LINKED");
    })
    .await;
}

#[tokio::test]
async fn a_tracker_that_never_answers_is_given_up_after_the_last_attempt() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    // Nobody listens there.
    let tracker = tracker(&app, json!({ "baseUrl": "http://127.0.0.2:9000" })).await;
    let ticket = open(&app, &story, &tracker).await;
    for attempt in 1..=10 {
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["attempts"], attempt);
        app.advance(TimeDelta::days(2));
    }
    let seen = look(&app, &ticket).await;
    assert_eq!(seen["state"], "FAILED", "{seen}");
    let told = entity::notice::Entity::find().all(app.app.database.reader()).await.unwrap();
    let told: Vec<_> = told.iter().map(|row| (row.subject.as_str(), row.kind, row.created_at)).collect();
    assert!(
        told.iter().all(|(subject, kind, _)| (*subject, *kind) == ("admin-1", NoticeKind::TrackerFailing))
    );
    assert_eq!(messages(&app, "tracker.failing").await, vec![json!({ "tracker": tracker }); 6]);
    assert_eq!(told.len(), 6, "from the fifth failure in a row on, once a day: {told:?}");
    assert!(seen["note"].as_str().unwrap().contains("no connection"), "{seen}");
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_no_further_and_handed_to_a_person() {
    let app = TestApp::sqlite().await;
    let stub = Stub::start(stub::redmine).await;
    let story = story(&app).await;
    let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
    stub.fail(&[Fault::Answer(201, String::leak("x".repeat(2 << 20)))]);
    let ticket = open(&app, &story, &tracker).await;
    keep(&app).await;
    let seen = look(&app, &ticket).await;
    assert_eq!(seen["state"], "REFUSED", "{seen}");
    let note = seen["note"].as_str().unwrap();
    assert!(note.starts_with("201: the answer has more than") && !note.contains("xx"), "{note}");
}

#[tokio::test]
async fn a_tracker_that_falls_silent_or_drips_is_tried_again_and_no_ticket_made_twice() {
    on_both(|app| async move {
        let story = story(&app).await;
        let client = Client::new(app.app.outbound.clone()).unwrap().with_deadline(Duration::from_millis(300));
        for (fault, words) in
            [(Fault::Silence, "no answer within 300ms"), (Fault::Drip, "did not end in time")]
        {
            let stub = Stub::start(stub::redmine).await;
            let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
            stub.fail(&[fault]);
            let ticket = open(&app, &story, &tracker).await;
            while worker::pass(&app.app, &client).await.unwrap() > 0 {}
            let seen = look(&app, &ticket).await;
            assert_eq!(
                (&seen["state"], &seen["attempts"]),
                (&json!("PENDING"), &json!(1)),
                "{fault:?}: {seen}"
            );
            assert!(seen["note"].as_str().unwrap().contains(words), "{seen}");
            app.advance(TimeDelta::minutes(1));
            keep(&app).await;
            assert_eq!(
                (&look(&app, &ticket).await["state"], stub.count()),
                (&json!("LINKED"), 1),
                "{fault:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_yes_is_not_believed() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        stub.fail(&[Fault::Ignored]);
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["state"], &seen["toldState"], &seen["seenStatus"]),
            (&json!("REFUSED"), &json!("PLANNED"), &json!("New"))
        );
        let note = seen["note"].as_str().unwrap();
        assert!(
            note.contains("was to be \"Resolved\" and is \"New\"") && note.contains("isn't a valid status"),
            "{note}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_status_that_says_done_is_a_proposal_that_the_rules_decide() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        let told =
            || hook(&app, &tracker, json!({ "issue": { "id": 1, "status": "whatever a forger writes" } }));

        stub.set_status("In Progress");
        assert_eq!(told().await, HookOutcome::Taken);
        keep(&app).await;
        assert_eq!(
            (&look(&app, &ticket).await["proposal"], &story.fix().await["state"]),
            (&json!("UNKNOWN"), &json!("PLANNED"))
        );

        stub.set_status("Resolved");
        assert_eq!(told().await, HookOutcome::Taken);
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!((&seen["proposal"], &story.fix().await["state"]), (&json!("REFUSED"), &json!("PLANNED")));
        assert!(seen["note"].as_str().unwrap().contains("no fix plan"), "{seen}");

        plan(&app, &story).await;
        stub.set_status("In Progress");
        told().await;
        keep(&app).await;
        stub.set_status("Resolved");
        let writes = stub.writes();
        told().await;
        told().await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["proposal"], &story.fix().await["state"], &seen["toldState"]),
            (&json!("ACCEPTED"), &json!("SUBMITTED"), &json!("SUBMITTED")),
            "{seen}"
        );
        assert_eq!(stub.writes(), writes, "what it says already is not written");

        // Verifying, accepting a risk and taking back are ours alone, whatever the tracker says.
        for (status, words) in [
            ("Closed", "verifyFix"),
            ("Rejected", "acceptRisk"),
            ("Feedback", "verifyFix"),
            ("New", "goes back"),
        ] {
            stub.set_status(status);
            told().await;
            keep(&app).await;
            let seen = look(&app, &ticket).await;
            assert_eq!(
                (&seen["proposal"], &story.fix().await["state"]),
                (&json!("REFUSED"), &json!("SUBMITTED")),
                "{status}: {seen}"
            );
            assert!(seen["note"].as_str().unwrap().contains(words), "{status}: {seen}");
        }
        stub.set_status("On the moon");
        told().await;
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["proposal"], "UNKNOWN");
        assert_eq!(hook(&app, &tracker, json!({ "issue": { "id": 2 } })).await, HookOutcome::NotOurs);
        assert_eq!(hook(&app, &tracker, json!([])).await, HookOutcome::NotOurs);
    })
    .await;
}

#[tokio::test]
async fn who_works_there_is_told_once_of_a_refusal_and_of_a_failed_verification() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        stub.set_status("Resolved");
        stub.fail(&[Fault::LostAnswer]);
        hook(&app, &tracker, json!({ "issue": { "id": 1 } })).await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!((&seen["proposal"], &seen["attempts"]), (&json!("REFUSED"), &json!(1)), "{seen}");
        app.advance(TimeDelta::minutes(1));
        keep(&app).await;
        let said = stub.comments();
        assert_eq!(said.len(), 1, "what was said is found and not said again: {said:?}");
        let (text, mark) = said[0].split_once(" (vulndesk-").unwrap();
        assert_eq!(
            (text, mark.contains("-refused-")),
            (story.number.as_str(), true),
            "number and link alone"
        );
        let seen = look(&app, &ticket).await;
        assert_eq!((&seen["proposal"], &seen["attempts"]), (&json!("REFUSED"), &json!(0)), "{seen}");
        assert!(seen["note"].as_str().unwrap().contains("no fix plan"), "{seen}");

        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
        keep(&app).await;
        assert_eq!(stub.comments().len(), 1, "what goes on by itself needs no words");
        fail_verification(&app, &story).await;
        keep(&app).await;
        let said = stub.comments();
        assert_eq!((said.len(), stub.status().as_str()), (2, "Feedback"), "{said:?}");
        assert!(said[1].contains("-failed-") && !said[1].contains("crash"), "{said:?}");
    })
    .await;
}

#[tokio::test]
async fn a_tracker_without_hooks_is_looked_at_in_intervals_and_drift_is_mended() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url, "pollSeconds": 300 })).await;
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        stub.set_status("Rejected");
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["seenStatus"], "New", "it is not time yet");
        app.advance(TimeDelta::seconds(300));
        keep(&app).await;
        assert_eq!(
            (&look(&app, &ticket).await["seenStatus"], &story.fix().await["state"]),
            (&json!("Rejected"), &json!("PLANNED"))
        );

        let client = Client::new(app.app.outbound.clone()).unwrap();
        let operator = vulndesk::auth::Actor::operator("reconcile", [Role::Analyst]);
        let drift = reconcile::drift(&app.app, &client, &operator).await.unwrap();
        assert_eq!(drift.len(), 1);
        assert_eq!((drift[0].expected.as_str(), &drift[0].found), ("New", &Ok("Rejected".to_owned())));
        reconcile::mend(&app.app, &operator, &drift[0]).await.unwrap();
        keep(&app).await;
        assert_eq!(stub.status(), "New");
        assert_eq!(reconcile::drift(&app.app, &client, &operator).await.unwrap(), []);

        let refusing = Stub::start(stub::redmine).await;
        refusing.fail(&[Fault::Answer(422, "no such tracker")]);
        let other = crate::tickets::tracker(&app, json!({ "name": "other", "baseUrl": refusing.url })).await;
        let refused = open(&app, &story, &other).await;
        keep(&app).await;
        let drift = reconcile::drift(&app.app, &client, &operator).await.unwrap();
        assert_eq!((drift.len(), drift[0].external_id.as_deref()), (1, None));
        assert_eq!(drift[0].found, Err("REFUSED: 422: no such tracker".to_owned()));
        reconcile::mend(&app.app, &operator, &drift[0]).await.unwrap();
        keep(&app).await;
        assert_eq!(look(&app, &refused).await["state"], "LINKED");
        assert_eq!(reconcile::drift(&app.app, &client, &operator).await.unwrap(), []);

        // A hook that was lost: what it would have told is heard before anything is told anew.
        plan(&app, &story).await;
        stub.set_status("Resolved");
        let drift = reconcile::drift(&app.app, &client, &operator).await.unwrap();
        reconcile::mend(&app.app, &operator, &drift[0]).await.unwrap();
        keep(&app).await;
        assert_eq!(
            (&look(&app, &ticket).await["proposal"], &story.fix().await["state"], stub.status().as_str()),
            (&json!("ACCEPTED"), &json!("SUBMITTED"), "Resolved")
        );
    })
    .await;
}

#[tokio::test]
async fn above_the_ceiling_or_abroad_nothing_is_sent() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let product = story.look("affectedProducts { product { id } }").await["affectedProducts"][0]["product"]["id"].clone();
        let product = product.as_str().unwrap();
        let inside = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let abroad = tracker(&app, json!({ "baseUrl": stub.url, "abroad": true })).await;
        let low = tracker(&app, json!({ "baseUrl": stub.url, "tlpCeiling": "GREEN" })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for tracker in [&abroad, &low] {
            let input = json!({ "remediation": story.fix().await["id"], "tracker": tracker });
            let refused = app.call(&analyst, "openTicket", input, "id").await;
            assert_eq!(refused["userErrors"][0]["field"], "tracker", "{refused}");
        }
        let public = Story::receive(&app, "CNVD-2", json!({ "tlp": "CLEAR" })).await;
        public.confirm().await;
        public.remediate(product, "router").await;
        for granted in [false, true] {
            let ask = json!({ "event": public.event, "kind": "DISCLOSE", "question": "Is it to be published?" });
            let asked = app.made(&analyst, "askDecision", ask, "id").await;
            let record = json!({ "decision": asked["id"], "expectedVersion": 1, "outcome": "So be it", "granted": granted });
            app.made(&app.token(Role::Leader, "leader-1"), "recordDecision", record, "id").await;
            app.advance(TimeDelta::minutes(1));
            let input = json!({ "remediation": public.fix().await["id"], "tracker": abroad });
            let opened = app.call(&analyst, "openTicket", input, "id").await;
            assert_eq!(opened["userErrors"] == json!([]), granted, "disclosed {granted}: {opened}");
        }
        let ticket = open(&app, &story, &inside).await;
        story.analyst("setTlp", json!({ "tlp": "AMBER_STRICT", "reason": "It got worse" })).await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["state"], stub.world.lock().unwrap().asked.iter().any(|asked| asked.body.to_string().contains(&story.number))),
            (&json!("WITHHELD"), false),
            "{seen}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_tracker_abroad_gets_tickets_where_all_of_it_may_leave_alone() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let abroad = tracker(&app, json!({ "baseUrl": stub.url, "abroad": true })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let attempt = async || {
            let input = json!({ "remediation": story.fix().await["id"], "tracker": abroad });
            app.call(&analyst, "openTicket", input, "id").await
        };
        for extent in ["REFUSE", "ALLOW_REDUCED", "ALLOW_AFTER_DOMESTIC_REPORT"] {
            crate::abroad::decide(&story, "REPORT_ABROAD", Some(extent)).await;
            assert_eq!(attempt().await["userErrors"][0]["field"], "tracker", "{extent}");
        }
        story.answer().await;
        // Then the database at home has it, which the last answer waits for.
        crate::abroad::decide(&story, "REPORT_ABROAD", Some("ALLOW_REDUCED")).await;
        assert_eq!(attempt().await["userErrors"][0]["field"], "tracker", "a ticket says what it is");
        crate::abroad::decide(&story, "REPORT_ABROAD", Some("ALLOW_AFTER_DOMESTIC_REPORT")).await;
        let made = attempt().await;
        assert_eq!(made["userErrors"], json!([]), "{made}");
        crate::abroad::decide(&story, "REPORT_ABROAD", Some("REFUSE")).await;
        keep(&app).await;
        assert_eq!(
            look(&app, made["ticket"]["id"].as_str().unwrap()).await["state"],
            "WITHHELD",
            "nothing more goes there"
        );
        assert_eq!(stub.world.lock().unwrap().asked.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_ticketing_service_sees_tickets_and_no_event() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let service = app.token(Role::Ticketing, "ticketing-1");
        let list = "{ tickets { nodes { id line remediationState event { number } } } }";
        let none = app.graphql(&service, list, Value::Null).await;
        assert_eq!(none["data"]["tickets"]["nodes"], json!([]), "{none}");
        let ticket = open(&app, &story, &tracker).await;
        let one = app.graphql(&service, list, Value::Null).await;
        let expected =
            json!([{ "id": ticket, "line": "router", "remediationState": "PLANNED", "event": null }]);
        assert_eq!(one["data"]["tickets"]["nodes"], expected, "{one}");
        let event = app
            .graphql(&service, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": story.event }))
            .await;
        assert_eq!(event["data"]["node"], Value::Null, "{event}");
        let seen = look(&app, &ticket).await;
        let unlink = json!({ "ticket": ticket, "expectedVersion": seen["version"] });
        app.made(&app.token(Role::Analyst, "analyst-1"), "unlinkTicket", unlink, "id").await;
        keep(&app).await;
        let gone = app.graphql(&service, list, Value::Null).await;
        assert_eq!((&gone["data"]["tickets"]["nodes"], stub.count()), (&json!([]), 0), "{gone}");
    })
    .await;
}

#[tokio::test]
async fn credentials_rest_sealed_and_go_nowhere_else() {
    let app = TestApp::sqlite().await;
    let tracker = tracker(&app, json!({ "baseUrl": "http://127.0.0.2:9000" })).await;
    let bytes = app.bytes_at_rest().unwrap();
    assert!(!bytes.windows(12).any(|window| window == b"a-secret-key"));
    let admin = app.token(Role::Admin, "admin-1");
    let elsewhere = json!({ "tracker": tracker, "expectedVersion": 1, "baseUrl": "http://127.0.0.2:9001" });
    let refused = app.call(&admin, "updateTracker", elsewhere, "id").await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().starts_with("input.credentials"), "{refused}");
    let custom = app.node(&admin, &tracker, "Tracker", "profile").await["profile"].clone();
    let lacking = json!({ "name": "engineering", "preset": "REDMINE", "baseUrl": "http://127.0.0.2:9000", "credentials": [],
        "tlpCeiling": "AMBER", "abroad": false });
    for (change, field, name) in [
        (json!({}), "input.parameters", "project"),
        (json!({ "parameters": [{ "name": "project", "value": "vuln" }] }), "input.credentials", "key"),
        (
            json!({ "preset": "JIRA_CLOUD", "parameters": [{ "name": "security", "value": "x" }] }),
            "input.parameters",
            "issue_type, project",
        ),
        (json!({ "preset": "CUSTOM", "profile": custom }), "input.parameters", "project"),
    ] {
        let mut input = lacking.clone();
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = app.call(&admin, "createTracker", input, "id").await;
        let words = refused["errors"][0]["message"].as_str().unwrap();
        assert!(words.starts_with(field) && words.contains(&format!("need {name}:")), "{change}: {words}");
    }
    let none = json!({ "tracker": tracker, "expectedVersion": 1, "parameters": [] });
    let refused = app.call(&admin, "updateTracker", none, "id").await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().starts_with("input.parameters"), "{refused}");
    let inside = json!({ "tracker": tracker, "expectedVersion": 1, "baseUrl": "http://169.254.169.254/",
        "credentials": [{ "name": "key", "value": "x" }] });
    let refused = app.call(&admin, "updateTracker", inside, "id").await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().starts_with("input.baseUrl"), "{refused}");
}

#[tokio::test]
async fn at_another_place_a_trackers_tickets_are_others_unless_it_moved_with_them() {
    on_both(|app| async move {
        let (here, there) = (Stub::start(stub::redmine).await, Stub::start(stub::redmine).await);
        let story = story(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": here.url })).await;
        let ticket = open(&app, &story, &tracker).await;
        keep(&app).await;
        // In the other system, the first issue is somebody else's, and it is done.
        there.world.lock().unwrap().kept = here.world.lock().unwrap().kept.clone();
        there.set_status("Resolved");
        let admin = app.token(Role::Admin, "admin-1");
        let credentials = json!([{ "name": "key", "value": "a-secret-key" }]);
        let place = |version: i32, url: &str, same: Value| {
            json!({ "tracker": tracker, "expectedVersion": version, "baseUrl": url, "credentials": credentials,
                "sameTickets": same })
        };
        let refused = app.call(&admin, "updateTracker", place(1, &there.url, Value::Null), "id").await;
        let words = refused["errors"][0]["message"].as_str().unwrap();
        assert!(words.starts_with("input.sameTickets"), "{refused}");
        app.made(&admin, "updateTracker", place(1, &there.url, json!(false)), "id").await;
        let news = json!({ "issue": { "id": 1 } });
        assert_eq!(hook(&app, &tracker, news).await, HookOutcome::NotOurs, "there it is another one");
        let analyst = app.token(Role::Analyst, "analyst-1");
        let version = look(&app, &ticket).await["version"].clone();
        let again = json!({ "ticket": ticket, "expectedVersion": version });
        app.made(&analyst, "retryTicket", again, "id").await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!((&seen["state"], &seen["proposal"]), (&json!("REFUSED"), &Value::Null), "{seen}");
        assert!(seen["note"].as_str().unwrap().contains("another place"), "{seen}");
        assert_eq!(story.fix().await["state"], "PLANNED");
        let client = Client::new(app.app.outbound.clone()).unwrap();
        let operator = vulndesk::auth::Actor::operator("reconcile", [Role::Analyst]);
        let drift = reconcile::drift(&app.app, &client, &operator).await.unwrap();
        assert!(drift[0].found.as_ref().unwrap_err().contains("another place"), "{drift:?}");
        // Back where it was, and then moved with all that it has.
        app.made(&admin, "updateTracker", place(2, &here.url, json!(false)), "id").await;
        app.made(&admin, "updateTracker", place(3, &there.url, json!(true)), "id").await;
        let again = json!({ "ticket": ticket, "expectedVersion": seen["version"] });
        app.made(&analyst, "retryTicket", again, "id").await;
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["state"], "LINKED");
        assert_eq!(there.status(), "New", "it is told there where the fix is");
    })
    .await;
}

/// Puts the product on a socket, for trackers that really send hooks, and answers where it is.
async fn listen(app: &TestApp) -> String {
    // What they sign has the machine's time.
    app.clock.set(SystemClock.now());
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let peer = PeerAddress("127.0.0.2:40000".parse().unwrap());
    let router = app.router.clone().layer(axum::Extension(peer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// How many hooks were worked through.
async fn heard(app: &TestApp) -> u64 {
    let rows =
        entity::hook_inbox::Entity::find().filter(entity::hook_inbox::Column::ProcessedAt.is_not_null());
    rows.count(app.app.database.reader()).await.unwrap()
}

/// A real tracker that `conformance/tickets/run` has started, told and heard by nothing but its own hooks. `there` sets
/// its status as a person would: to what means that the fix is done, or to something else; `said` is what was said to the
/// people there.
async fn real(
    app: &TestApp,
    change: Value,
    hooks_file: &str,
    there: impl AsyncFn(&str, bool),
    said: impl AsyncFn(&str) -> String,
) {
    let url = listen(app).await;
    let story = story(app).await;
    let tracker = tracker(app, change).await;
    let hooks = Hooks::of(app, &tracker).await;
    let settings = json!({ "url": format!("{url}{}", hooks.path), "secret": hooks.secret });
    let file = std::path::Path::new(&setting("VULNDESK_TEST_HOOKS")).join(hooks_file);
    std::fs::write(file, settings.to_string()).unwrap();
    let _running = Running::start(app);
    let ticket = open(app, &story, &tracker).await;
    let seen = until(app, &ticket, |seen| seen["state"] == "LINKED").await;
    assert_eq!(seen["toldState"], "PLANNED", "{seen}");
    let id = seen["externalId"].as_str().unwrap().to_owned();

    there(&id, true).await;
    let seen = until(app, &ticket, |seen| seen["proposal"] == "REFUSED").await;
    assert!(seen["note"].as_str().unwrap().contains("no fix plan"), "{seen}");
    there(&id, false).await;
    until(app, &ticket, |seen| seen["proposal"] == "UNKNOWN").await;
    assert_eq!(story.fix().await["state"], "PLANNED", "neither changed anything");

    plan(app, &story).await;
    let before = heard(app).await;
    there(&id, true).await;
    let seen =
        until(app, &ticket, |seen| seen["proposal"] == "ACCEPTED" && seen["toldState"] != "PLANNED").await;
    assert!(heard(app).await > before, "by its own hook, and not by being asked again");
    assert_eq!((&story.fix().await["state"], &seen["toldState"]), (&json!("SUBMITTED"), &json!("SUBMITTED")));

    let fix = story.fix().await;
    let verify = json!({
        "remediation": fix["id"], "expectedVersion": fix["version"], "fullyFixed": false, "fullyFixedEvidence": "It still crashes",
        "bypassable": false, "bypassEvidence": "None found", "newProblem": false, "newProblemEvidence": "None found",
    });
    app.made(&app.token(Role::Analyst, "analyst-2"), "verifyFix", verify, "id").await;
    let seen = until(app, &ticket, |seen| seen["toldState"] == "FAILED").await;
    // What the tracker sends of our own change has come when it answered the change: it is read, and means nothing.
    keep(app).await;
    let echoed = look(app, &ticket).await;
    assert_eq!(
        (&echoed["state"], &echoed["proposal"], &story.fix().await["state"]),
        (&json!("LINKED"), &seen["proposal"], &json!("FAILED")),
        "{echoed}"
    );

    let words = said(&id).await;
    assert!(words.contains("-refused-") && words.contains("-failed-"), "{words}");

    // A status that it does not know: it says yes, and the ticket says that it did not.
    let admin = app.token(Role::Admin, "admin-1");
    let version = &app.node(&admin, &tracker, "Tracker", "version").await["version"];
    let odd = json!({ "tracker": tracker, "expectedVersion": version, "statuses": [{ "state": "SUBMITTED", "write": "99", "read": "99" }] });
    app.made(&admin, "updateTracker", odd, "id").await;
    let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
    assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
    let seen = until(app, &ticket, |seen| seen["state"] == "REFUSED").await;
    assert!(seen["note"].as_str().unwrap().contains("was to be \"99\""), "{seen}");
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run conformance/tickets/run"))
}

async fn get(url: String, header: (&str, String)) -> String {
    reqwest::Client::new().get(url).header(header.0, header.1).send().await.unwrap().text().await.unwrap()
}

/// Changes a ticket as a person there would.
async fn put(url: String, header: (&str, String), body: Value) {
    let client = reqwest::Client::new();
    let answer = client.put(url).header(header.0, header.1).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test]
#[ignore = "needs a real Redmine: conformance/tickets/run"]
async fn a_real_redmine_is_told_and_heard() {
    let (url, key) = (setting("VULNDESK_TEST_REDMINE"), setting("VULNDESK_TEST_REDMINE_KEY"));
    let app = TestApp::sqlite().await;
    let change = json!({ "baseUrl": url, "credentials": [{ "name": "key", "value": key }] });
    real(
        &app,
        change,
        "redmine-hooks.json",
        async |id: &str, done| {
            let body = json!({ "issue": { "status_id": if done { 3 } else { 2 }, "notes": "A word" } });
            put(format!("{url}/issues/{id}.json"), ("x-redmine-api-key", key.clone()), body).await;
        },
        async |id: &str| {
            get(format!("{url}/issues/{id}.json?include=journals"), ("x-redmine-api-key", key.clone())).await
        },
    )
    .await;
}

#[tokio::test]
#[ignore = "needs a real Redmine: conformance/tickets/run"]
async fn a_real_redmine_that_makes_an_issue_of_ours_open_to_all_is_said_so() {
    let (url, key) = (setting("VULNDESK_TEST_REDMINE"), setting("VULNDESK_TEST_REDMINE_PLAIN_KEY"));
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let change = json!({ "baseUrl": url, "credentials": [{ "name": "key", "value": key }] });
    let ticket = open(&app, &story, &tracker(&app, change).await).await;
    keep(&app).await;
    let seen = look(&app, &ticket).await;
    assert_eq!(seen["state"], "REFUSED", "{seen}");
    let note = seen["note"].as_str().unwrap();
    assert!(note.starts_with("/issue/is_private was to be true and is false"), "{seen}");
    let told = entity::notice::Entity::find().all(app.app.database.reader()).await.unwrap();
    assert!(
        told.iter().any(|row| (row.subject.as_str(), row.kind) == ("engineer-1", NoticeKind::TicketRefused))
    );
}

#[tokio::test]
#[ignore = "needs a real Request Tracker: conformance/tickets/run"]
async fn a_real_request_tracker_is_told_and_heard() {
    let (url, token) = (setting("VULNDESK_TEST_RT"), setting("VULNDESK_TEST_RT_TOKEN"));
    let app = TestApp::sqlite().await;
    let change = json!({
        "preset": "REQUEST_TRACKER", "baseUrl": url, "parameters": [{ "name": "queue", "value": "General" }],
        "credentials": [{ "name": "token", "value": token }],
    });
    real(
        &app,
        change,
        "rt-hooks.json",
        async |id: &str, done| {
            let header = ("authorization", format!("token {token}"));
            let status = if done { "resolved" } else { "stalled" };
            put(format!("{url}/REST/2.0/ticket/{id}"), header, json!({ "Status": status })).await;
        },
        async |id: &str| {
            let header = ("authorization", format!("token {token}"));
            get(format!("{url}/REST/2.0/ticket/{id}/attachments?fields=Subject&per_page=100"), header).await
        },
    )
    .await;
}
