//! What leaves to a regulator abroad after each answer of the leading group, by the product's own templates.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::deadlines::step;
use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed};

/// What may be told in general, and asks nobody to say more.
const GENERAL: [(&str, &str); 13] = [
    ("company", "Example Networks"),
    ("product_type", "hardware"),
    ("vulnerability_nature", "an overflow"),
    ("exploit_nature", "over the network"),
    ("measures_taken", "an update is being tested"),
    ("user_measures", "close the port"),
    ("degree_of_harm", "full control"),
    ("suspected_malicious", "yes"),
    ("incident_detected_at", "2026-10-08 10:00"),
    ("incident_occurred_at", "2026-10-07 10:00"),
    ("incident_nature", "a build server was entered"),
    ("threat_type", "intrusion"),
    ("severity", "high"),
];
/// What is asked for beside it where all may leave.
const WHOLE: [(&str, &str); 4] = [
    ("impact", "WHOLE-IMPACT"),
    ("incident_summary", "WHOLE-SUMMARY"),
    ("incident_assessment", "WHOLE-ASSESSMENT"),
    ("root_cause", "WHOLE-CAUSE"),
];
/// Words that are the vulnerability's own.
const CONTENT: [&str; 6] =
    ["WHOLE-TITLE", "WHOLE-DESCRIPTION", "WHOLE-IMPACT", "WHOLE-SUMMARY", "WHOLE-ASSESSMENT", "WHOLE-CAUSE"];

fn facts(pairs: &[(&str, &str)]) -> Vec<Value> {
    pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// An exploited event with a severe incident, which owes all six stages.
async fn owing(app: &TestApp) -> Story<'_> {
    app.advance(TimeDelta::days(220));
    let admin = app.token(Role::Admin, "admin-1");
    let product = json!({
        "key": "home-camera", "name": "Home Camera", "line": "camera", "ownerTeam": "camera-team",
        "providerEntity": "Example Networks", "kind": "PRODUCT", "importance": "5.0", "reach": "5.0",
        "assetTier": "CORE", "lifecycle": "SUPPORTED", "craInScope": true, "craMemberStates": ["DE", "FR"],
    });
    let product = app.made(&admin, "createProduct", product, "id").await;
    let story = Story::receive(app, "SRC-1", json!({ "channel": "src" })).await;
    let words = json!({ "title": "WHOLE-TITLE", "description": "WHOLE-DESCRIPTION", "steps": "Send it" });
    story.analyst("describeEvent", words).await;
    story.analyst("startTriage", json!({})).await;
    story.analyst("giveVerdict", confirmed()).await;
    story.product(product["id"].as_str().unwrap(), "AFFECTED").await;
    let fact = json!({ "kind": "EXPLOITED_IN_THE_WILD", "learnedAt": app.now(), "source": "honeypot" });
    story.analyst("recordWorldFact", fact).await;
    decide(&story, "SEVERE_INCIDENT", None).await;
    story
}

pub(crate) async fn decide(story: &Story<'_>, kind: &str, extent: Option<&str>) {
    let app = story.app;
    let rows = story.look("decisions { id version kind decidedAt }").await;
    let open = rows["decisions"].as_array().unwrap().iter();
    let open = open.clone().find(|row| row["kind"] == kind && row["decidedAt"].is_null()).cloned();
    let asked = match open {
        Some(asked) => asked,
        None => {
            let ask = json!({ "event": story.event, "kind": kind, "question": "May it be?" });
            app.made(&app.token(Role::Analyst, "analyst-1"), "askDecision", ask, "id version").await
        }
    };
    let mut record = json!({
        "decision": asked["id"], "expectedVersion": asked["version"], "outcome": "decided",
        "granted": extent != Some("REFUSE"), "participants": ["legal-1"],
    });
    if let Some(extent) = extent {
        record["extent"] = json!(extent);
    }
    app.graphql(&app.token(Role::Legal, "legal-1"), "{ viewer { subject } }", Value::Null).await;
    app.made(&app.token(Role::Leader, "leader-1"), "recordDecision", record, "id").await;
    app.advance(TimeDelta::minutes(1));
}

async fn owed(story: &Story<'_>) -> Vec<Value> {
    let rows = story.look("obligations { id kind state stage }").await;
    let all = rows["obligations"].as_array().unwrap().iter();
    let mut owed: Vec<_> = all
        .filter(|row| row["stage"].as_str().is_some_and(|stage| stage.starts_with("cra-")))
        .cloned()
        .collect();
    // In the order of the law: a later stage tells what an earlier one would have.
    let stages = ["EARLY_WARNING", "NOTIFICATION", "FINAL_REPORT"];
    owed.sort_by_key(|row| stages.iter().position(|stage| row["kind"] == *stage));
    owed
}

async fn draft(story: &Story<'_>, owed: &Value, facts: Vec<Value>) -> Value {
    let input = json!({
        "event": story.event, "expectedVersion": story.version().await, "obligations": [owed["id"]],
        "kind": owed["kind"], "fromTemplate": { "facts": facts },
    });
    let analyst = story.app.token(Role::Analyst, "analyst-1");
    story.app.made(&analyst, "draftReply", input, "id version subject body missingFacts").await
}

async fn approve(story: &Story<'_>, reply: &Value) -> Value {
    let app = story.app;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "analyst-2" });
    let asked = app.made(&analyst, "requestReplyReview", ask, "id version").await;
    let approve = json!({ "reply": asked["id"], "expectedVersion": asked["version"], "outcome": "APPROVED" });
    app.call(&app.token(Role::Analyst, "analyst-2"), "reviewReply", approve, "id version state").await
}

/// Drafts, has approved and sends what answers each stage; answers the texts that left.
async fn answer_all(story: &Story<'_>, facts: &[Value]) -> Vec<String> {
    let app = story.app;
    let stages = owed(story).await;
    assert_eq!(stages.len(), 6, "{stages:?}");
    let mut left = Vec::new();
    for stage in stages {
        let reply = draft(story, &stage, facts.to_vec()).await;
        assert_eq!(reply["missingFacts"], json!([]), "{stage}");
        let approved = approve(story, &reply).await;
        assert_eq!(approved["userErrors"], json!([]), "{stage}: {approved}");
        let sent = json!({
            "reply": reply["id"], "expectedVersion": approved["reply"]["version"], "receiptNumber": "E-1",
        });
        app.made(&app.token(Role::Analyst, "analyst-1"), "recordReplySent", sent, "state").await;
        left.push(format!("{}\n{}", reply["subject"], reply["body"]));
    }
    assert!(owed(story).await.iter().all(|row| row["state"] == "MET"));
    left
}

#[tokio::test]
async fn each_stage_leaves_whole_after_a_full_permission() {
    on_both(|app| async move {
        app.with_company().await;
        let story = owing(&app).await;
        decide(&story, "REPORT_ABROAD", Some("ALLOW")).await;
        let left = answer_all(&story, &[facts(&GENERAL), facts(&WHOLE)].concat()).await;
        assert!(left.iter().all(|text| text.contains("WHOLE-TITLE")), "{left:?}");
        let all = left.concat();
        assert!(CONTENT.iter().all(|word| all.contains(word)), "{all}");
    })
    .await;
}

#[tokio::test]
async fn each_stage_leaves_in_general_after_a_reduced_permission() {
    on_both(|app| async move {
        app.with_company().await;
        let story = owing(&app).await;
        decide(&story, "REPORT_ABROAD", Some("ALLOW_REDUCED")).await;
        // What the law asks for in general is named where it is not there.
        let last = owed(&story).await.into_iter().find(|row| row["stage"] == "cra-final-report").unwrap();
        let bare = draft(&story, &last, facts(&[("company", "Example Networks")])).await;
        let bare = bare["missingFacts"].to_string();
        for name in ["vulnerability_nature", "degree_of_harm", "measures_taken"] {
            assert!(bare.contains(name), "{name} in {bare}");
        }
        assert!(!bare.contains("description is missing"), "{bare}");
        // And what says more than that goes nowhere.
        let more = [facts(&GENERAL), facts(&WHOLE)].concat();
        let more = draft(&story, &last, more).await;
        let refused = approve(&story, &more).await;
        assert_eq!(refused["userErrors"][0]["code"], "CONTRADICTION", "{refused}");
        let left = answer_all(&story, &facts(&GENERAL)).await;
        for text in &left {
            assert!(text.contains("Home Camera") && !text.contains("[to be supplied]"), "{text}");
            assert!(CONTENT.iter().all(|word| !text.contains(word)), "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn after_the_report_at_home_all_of_it_leaves_and_nothing_before() {
    on_both(|app| async move {
        app.with_company().await;
        let story = owing(&app).await;
        decide(&story, "REPORT_ABROAD", Some("ALLOW_AFTER_DOMESTIC_REPORT")).await;
        let whole = [facts(&GENERAL), facts(&WHOLE)].concat();
        for stage in owed(&story).await {
            let reply = draft(&story, &stage, whole.clone()).await;
            let refused = approve(&story, &reply).await;
            let codes: Vec<_> = refused["userErrors"].as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
            assert!(codes.contains(&json!("NEEDS_LEADER")), "{stage}: {refused}");
        }
        let miit = crate::replies::channel(&app, "miit", "REGULATOR", false).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let home = json!({
            "event": story.event, "expectedVersion": story.version().await, "channel": miit, "kind": "NOTIFICATION",
            "subject": "报送", "body": "已报送。",
        });
        let home = app.made(&analyst, "draftReply", home, "id version").await;
        let approved = approve(&story, &home).await;
        let sent = json!({
            "reply": home["id"], "expectedVersion": approved["reply"]["version"], "receiptNumber": "M-1",
        });
        app.made(&analyst, "recordReplySent", sent, "state").await;
        let left = answer_all(&story, &whole).await;
        assert!(left.iter().all(|text| text.contains("WHOLE-TITLE")), "{left:?}");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_lets_nothing_leave_and_waives_each_stage() {
    on_both(|app| async move {
        app.with_company().await;
        let story = owing(&app).await;
        let stages = owed(&story).await;
        let mut drafts = Vec::new();
        for stage in &stages {
            drafts.push(draft(&story, stage, facts(&GENERAL)).await);
        }
        decide(&story, "REPORT_ABROAD", Some("REFUSE")).await;
        for reply in &drafts {
            let refused = approve(&story, reply).await;
            let codes: Vec<_> =
                refused["userErrors"].as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
            assert!(codes.contains(&json!("NEEDS_LEADER")), "{refused}");
        }
        assert!(owed(&story).await.iter().all(|row| row["state"] == "WAIVED"));
    })
    .await;
}

#[tokio::test]
async fn what_a_duty_requires_binds_free_words_too() {
    on_both(|app| async move {
        app.with_company().await;
        let story = owing(&app).await;
        decide(&story, "REPORT_ABROAD", Some("ALLOW")).await;
        let stages = owed(&story).await;
        let first = stages.iter().find(|row| row["stage"] == "cra-notification").unwrap();
        let analyst = app.token(Role::Analyst, "analyst-1");
        let version = story.version().await;
        let free = json!({
            "event": story.event, "expectedVersion": version, "obligations": [first["id"]], "kind": first["kind"],
            "language": "fr", "subject": "x", "body": "x",
        });
        let reply = app.made(&analyst, "draftReply", free, "id version missingFacts").await;
        let missing = reply["missingFacts"].to_string();
        for name in ["company", "vulnerability_nature", "exploit_nature", "measures_taken", "user_measures"] {
            assert!(missing.contains(&format!("{name} is missing")), "{name} in {missing}");
        }
        assert!(!missing.contains("title is missing"), "the event has one: {missing}");
        let refused = approve(&story, &reply).await;
        assert_eq!(refused["userErrors"][0]["code"], "MISSING_FACT", "{refused}");
        let asked = app.node(&analyst, reply["id"].as_str().unwrap(), "Reply", "version").await;
        let supply = json!({ "reply": reply["id"], "expectedVersion": asked["version"], "facts": facts(&GENERAL) });
        let supplied = app.made(&analyst, "reviseReply", supply, "id version missingFacts").await;
        assert_eq!(supplied["missingFacts"], json!([]));
        assert_eq!(approve(&story, &supplied).await["userErrors"], json!([]));

        // Nor does the form of another duty answer it.
        for from in [json!({ "key": "cra-incident-notification-en" }), json!({ "regime": "cra-incident" })] {
            let other = json!({
                "event": story.event, "expectedVersion": story.version().await, "obligations": [first["id"]],
                "kind": first["kind"], "fromTemplate": from,
            });
            let refused = app.call(&analyst, "draftReply", other, "id").await;
            let error = &refused["userErrors"][0];
            assert_eq!((&error["code"], &error["field"]), (&json!("CONTRADICTION"), &json!("fromTemplate")), "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_early_warning_approved_on_duty_is_told_to_who_leads() {
    on_both(|app| async move {
        app.with_company().await;
        let story = owing(&app).await;
        decide(&story, "REPORT_ABROAD", Some("ALLOW")).await;
        crate::deadlines::on_duty(&app, "PUBLIC_RELATIONS", "pr-1").await;
        let told = async || {
            let document = "{ notices { nodes { kind about event { id } } } }";
            let seen = app.graphql(&app.token(Role::Leader, "leader-1"), document, Value::Null).await;
            let rows = seen["data"]["notices"]["nodes"].as_array().unwrap_or_else(|| panic!("{seen}")).clone();
            rows.into_iter().filter(|row| row["kind"] == "APPROVED_ON_DUTY").collect::<Vec<_>>()
        };
        let analyst = app.token(Role::Analyst, "analyst-1");
        let on_duty = app.token(Role::PublicRelations, "pr-1");
        let review = async |stage: &str| {
            let stages = owed(&story).await;
            let stage = stages.into_iter().find(|row| row["stage"] == stage).unwrap();
            let reply = draft(&story, &stage, [facts(&GENERAL), facts(&WHOLE)].concat()).await;
            let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "pr-1" });
            let asked = app.made(&analyst, "requestReplyReview", ask, "id version").await;
            let approve = json!({ "reply": asked["id"], "expectedVersion": asked["version"], "outcome": "APPROVED" });
            app.call(&on_duty, "reviewReply", approve, "id state").await
        };
        let refused = review("cra-notification").await;
        assert_eq!(refused["userErrors"][0]["code"], "FOUR_EYES", "72 hours are time enough: {refused}");
        assert_eq!(told().await, Vec::<Value>::new());
        let approved = review("cra-early-warning").await;
        assert_eq!(approved["reply"]["state"], "APPROVED", "{approved}");
        let expected = json!({ "kind": "APPROVED_ON_DUTY", "about": approved["reply"]["id"], "event": { "id": story.event } });
        assert_eq!(told().await, [expected]);
    })
    .await;
}

#[tokio::test]
async fn who_leads_is_told_where_nobody_is_assigned_or_on_duty() {
    on_both(|app| async move {
        app.with_company().await;
        // Known by a token, and on no roster.
        app.graphql(&app.token(Role::Leader, "leader-9"), "{ viewer { subject } }", Value::Null).await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        step(&app, &report.event, "startTriage", "EventMove", json!({})).await;
        app.advance(TimeDelta::hours(72));
        vulndesk::schedule::sweep(&app.app).await.unwrap();
        app.advance(TimeDelta::hours(48));
        vulndesk::schedule::sweep(&app.app).await.unwrap();
        let document = "{ notices { nodes { kind deadline { rule } } } }";
        let seen = app.graphql(&app.token(Role::Leader, "leader-9"), document, Value::Null).await;
        let rows = seen["data"]["notices"]["nodes"].as_array().unwrap_or_else(|| panic!("{seen}")).clone();
        let of_first: Vec<_> = rows
            .iter()
            .filter(|row| row["deadline"]["rule"] == "src-acknowledgement")
            .map(|row| row["kind"].as_str().unwrap())
            .collect();
        assert_eq!(of_first, ["BREACHED", "DUE_SOON"], "{rows:?}");
    })
    .await;
}

#[tokio::test]
async fn a_question_from_abroad_is_answered_as_far_as_was_decided() {
    on_both(|app| async move {
        app.with_company().await;
        let story = owing(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        crate::replies::channel(&app, "enisa", "REGULATOR", true).await;
        let report = json!({
            "channel": "enisa", "number": "E-1", "title": "A request", "text": "Tell us more", "joinEvent": story.event,
        });
        let report = app.made(&analyst, "receiveReport", report, "id").await;
        let question = json!({ "report": report["id"], "question": "Which versions?" });
        app.made(&analyst, "recordFollowUpQuestion", question, "id").await;
        let asked = async || {
            let rows = story.look("obligations { id kind state }").await;
            let mut open = rows["obligations"].as_array().unwrap().clone();
            open.retain(|row| row["kind"] == "FOLLOW_UP" && row["state"] == "OPEN");
            open.pop().unwrap()
        };
        let codes = |outcome: &Value| outcome["userErrors"][0]["code"].as_str().map(str::to_owned);
        let whole = facts(&[("question", "Which versions?"), ("answer", "WHOLE-ANSWER"), ("company", "Example Networks")]);
        let general = facts(&[
            ("question", "Which versions?"), ("answer_in_general", "Those before 3.1"), ("company", "Example Networks"),
        ]);
        // Nothing is decided: nothing leaves, however general.
        for facts in [&whole, &general] {
            let reply = draft(&story, &asked().await, facts.clone()).await;
            assert!(approve(&story, &reply).await.to_string().contains("NEEDS_LEADER"));
        }
        decide(&story, "REPORT_ABROAD", Some("ALLOW_AFTER_DOMESTIC_REPORT")).await;
        let reply = draft(&story, &asked().await, whole.clone()).await;
        assert!(approve(&story, &reply).await.to_string().contains("NEEDS_LEADER"), "nothing before the report at home");
        decide(&story, "REPORT_ABROAD", Some("ALLOW_REDUCED")).await;
        let bare = draft(&story, &asked().await, facts(&[("question", "Which versions?")])).await;
        assert!(bare["missingFacts"].to_string().contains("answer_in_general"), "{bare}");
        let more = draft(&story, &asked().await, whole.clone()).await;
        assert_eq!(codes(&approve(&story, &more).await).as_deref(), Some("CONTRADICTION"));
        let reduced = draft(&story, &asked().await, general).await;
        assert!(reduced["body"].as_str().unwrap().contains("Answer: Those before 3.1"), "{reduced}");
        let approved = approve(&story, &reduced).await;
        assert_eq!(approved["userErrors"], json!([]), "{approved}");
        let sent = json!({
            "reply": reduced["id"], "expectedVersion": approved["reply"]["version"], "receiptNumber": "E-2",
        });
        app.made(&analyst, "recordReplySent", sent, "state").await;
        // With all of it allowed the whole answer leaves.
        let question = json!({ "report": report["id"], "question": "And since when?" });
        app.made(&analyst, "recordFollowUpQuestion", question, "id").await;
        decide(&story, "REPORT_ABROAD", Some("ALLOW")).await;
        let all = draft(&story, &asked().await, whole).await;
        assert!(all["body"].as_str().unwrap().contains("Answer: WHOLE-ANSWER"), "{all}");
        assert_eq!(approve(&story, &all).await["userErrors"], json!([]));
    })
    .await;
}
