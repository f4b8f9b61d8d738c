//! Clocks over the API: which incident a correction is about, what nobody entered, who hears of a channel's clocks, and
//! what a new policy or a changed channel starts.

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::NoticeKind;
use entity::{channel, message, notice};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::ids::{Kind, decode};
use vulndesk::schedule;

use crate::deadlines::{
    affected, at, clock, clocks, confirm, due, look, notices, on_duty, step, with_camera,
};
use crate::harness::{TestApp, on_both};
use crate::story::Story;

/// Declares an incident by a decision, and answers the decision's id.
async fn declare(app: &TestApp, event: &str, kind: &str) -> Value {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let ask = json!({ "event": event, "kind": kind, "question": "Is it one?" });
    let asked = app.made(&analyst, "askDecision", ask, "id version").await;
    let decide = json!({
        "decision": asked["id"], "expectedVersion": asked["version"], "outcome": "Yes", "granted": true,
    });
    app.made(&app.token(Role::Leader, "leader-1"), "recordDecision", decide, "id").await["id"].clone()
}

/// The due instants of the clocks of a rule, the oldest clock first.
async fn dues(app: &TestApp, event: &str, rule: &str) -> Vec<DateTime<Utc>> {
    let mut all = clocks(app, event).await;
    all.retain(|row| row["rule"] == rule);
    all.iter().map(due).collect()
}

/// What was told to the outside of a type.
pub(crate) async fn messages(app: &TestApp, kind: &str) -> Vec<Value> {
    let select = message::Entity::find().filter(message::Column::Kind.eq(kind));
    let rows = select.all(app.app.database.reader()).await.unwrap();
    rows.into_iter().map(|row| row.data).collect()
}

#[tokio::test]
async fn a_correction_says_which_incident_it_is_about_and_moves_no_other() {
    on_both(|app| async move {
        app.with_company().await;
        app.advance(TimeDelta::days(220));
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let other = app.receive("analyst-1", "src", "SRC-2", "AMBER").await;
        let first = app.now();
        declare(&app, &report.event, "SEVERE_INCIDENT").await;
        app.advance(TimeDelta::hours(5));
        let second = declare(&app, &report.event, "SEVERE_INCIDENT").await;
        let elsewhere = declare(&app, &other.event, "SEVERE_INCIDENT").await;
        let (now, day) = (app.now(), TimeDelta::hours(24));
        let rule = "cra-incident-early-warning";
        assert_eq!(dues(&app, &report.event, rule).await, [first + day, now + day]);
        let correct = async |of: &str, decision: &Value| {
            let input = json!({
                "event": report.event, "expectedVersion": look(&app, &report.event, "").await["version"],
                "of": of, "decision": decision, "learnedAt": now - TimeDelta::hours(3), "reason": "the log says so",
            });
            app.call(&app.token(Role::Analyst, "analyst-1"), "correctLearnedAt", input, "id").await
        };
        let which = correct("SEVERE_INCIDENT", &Value::Null).await["userErrors"][0].clone();
        assert_eq!((&which["code"], &which["field"]), (&json!("MISSING_FACT"), &json!("decision")), "{which}");
        let unknown = correct("SEVERE_INCIDENT", &elsewhere).await["userErrors"][0].clone();
        assert_eq!(unknown["code"], "UNKNOWN_REFERENCE", "{unknown}");
        let odd = correct("VULNERABILITY", &second).await;
        assert_eq!(odd["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{odd}");
        let done = correct("SEVERE_INCIDENT", &second).await;
        assert_eq!(done["userErrors"], json!([]), "{done}");
        let moved = now - TimeDelta::hours(3) + day;
        assert_eq!(dues(&app, &report.event, rule).await, [first + day, moved], "the first stays");
        declare(&app, &report.event, "NETWORK_INCIDENT").await;
        let cac = dues(&app, &report.event, "cac-report").await;
        let alone = correct("NETWORK_INCIDENT", &Value::Null).await;
        assert_eq!(alone["userErrors"], json!([]), "there is one alone: {alone}");
        assert_eq!(dues(&app, &report.event, "cac-report").await, [cac[0] - TimeDelta::hours(3)]);
        assert_eq!(dues(&app, &report.event, rule).await, [first + day, moved]);
    })
    .await;
}

#[tokio::test]
async fn who_is_on_duty_hears_of_a_notice_without_a_date_until_it_is_entered() {
    on_both(|app| async move {
        app.with_company().await;
        on_duty(&app, "SECURITY", "analyst-2").await;
        let report = app.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await;
        let heard = async || {
            schedule::sweep(&app.app).await.unwrap();
            let mut told = notices(&app, Role::Analyst, "analyst-2").await;
            told.retain(|row| row["kind"] == "UNDATED" && row["deadline"]["rule"] == "notice-feedback");
            assert!(told.iter().all(|row| row["percent"].is_null()), "{told:?}");
            (told.len(), messages(&app, "deadline.undated").await.len())
        };
        assert_eq!((heard().await, heard().await), ((1, 1), (1, 1)), "once");
        app.advance(TimeDelta::hours(14));
        assert_eq!(heard().await, (1, 1), "it is still Monday in Shanghai");
        app.advance(TimeDelta::hours(1));
        assert_eq!(heard().await, (2, 2));
        app.advance(TimeDelta::hours(23));
        assert_eq!(heard().await, (2, 2), "nor twice on one day");
        assert_eq!(messages(&app, "deadline.undated").await[0]["reason"], "NO_NOTICE_DATE");
        let dated = json!({
            "report": report.report, "expectedVersion": look(&app, &report.event, "").await["version"],
            "dueOn": "2026-04-20",
        });
        app.made(&app.token(Role::Analyst, "analyst-1"), "setNoticeDate", dated, "id").await;
        app.advance(TimeDelta::days(3));
        assert_eq!(heard().await, (2, 2), "it has a date");
    })
    .await;
}

#[tokio::test]
async fn a_channels_clocks_are_told_to_nobody_who_may_not_read_its_replies() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await;
        for subject in ["support-1", "analyst-2"] {
            let input = json!({
                "event": report.event, "function": "SECURITY", "subject": subject,
                "expectedVersion": look(&app, &report.event, "").await["version"],
            });
            app.made(&app.token(Role::Analyst, "analyst-1"), "assign", input, "id").await;
        }
        schedule::sweep(&app.app).await.unwrap();
        let select = notice::Entity::find().filter(notice::Column::Kind.eq(NoticeKind::Undated));
        let written = select.all(app.app.database.reader()).await.unwrap();
        let of = |subject: &str| written.iter().filter(|row| row.subject == subject).count();
        assert_eq!((of("support-1"), of("analyst-2")), (1, 1), "both have the work");
        let seen = async |role: Role, subject: &str| {
            let document = "{ notices { totalCount nodes { kind } } deadlines { totalCount } }";
            let answer = app.graphql(&app.token(role, subject), document, Value::Null).await;
            let count = |list: &str| answer["data"][list]["totalCount"].as_i64().unwrap();
            (count("notices"), count("deadlines"))
        };
        assert_eq!(seen(Role::Support, "support-1").await, (0, 0));
        let (told, clocks) = seen(Role::Analyst, "analyst-2").await;
        assert!(told == 1 && clocks > 1, "{told} of {clocks}");
    })
    .await;
}

/// A rule for what comes in through channels of a kind.
fn rule(kind: &str) -> Value {
    json!({
        "key": "verdict", "regime": "SRC_PROMISE", "trigger": "REPORT_RECEIVED", "kind": "REPLY",
        "reply": "VERDICT", "channelKinds": [kind], "anchor": "RECEIVED", "unit": "WORKING_DAYS", "amount": 4,
    })
}

/// Adds a channel inside the company, and answers its id.
async fn inside(app: &TestApp, reply_required: bool) -> Value {
    let input = json!({
        "key": "inside", "name": "inside", "kind": "INTERNAL", "jurisdiction": "CN", "abroad": false,
        "replyRequired": reply_required,
    });
    app.made(&app.token(Role::Admin, "admin-1"), "createChannel", input, "id").await["id"].clone()
}

#[tokio::test]
async fn a_new_rule_starts_clocks_on_open_events_that_had_none_and_each_once() {
    on_both(|app| async move {
        app.with_company().await;
        inside(&app, true).await;
        let mut events = Vec::new();
        for number in 0..3 {
            let report = app.receive("analyst-1", "inside", &format!("I-{number}"), "AMBER").await;
            assert!(clocks(&app, &report.event).await.is_empty());
            events.push(report.event);
        }
        let input = json!({ "rules": [rule("INTERNAL")] });
        let admin = app.token(Role::Admin, "admin-1");
        app.made(&admin, "createDeadlinePolicy", input, "number").await;
        let opened = messages(&app, "deadline.opened").await.len();
        // Two replicas at once.
        let (one, other) = tokio::join!(schedule::sweep(&app.app), schedule::sweep(&app.app));
        assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0));
        for event in &events {
            assert_eq!(dues(&app, event, "verdict").await, [at("2026-03-06T16:00:00Z")], "from when it came");
        }
        assert_eq!(messages(&app, "deadline.opened").await.len(), opened + events.len(), "each told once");
        assert_eq!(schedule::sweep(&app.app).await.unwrap().done, 0, "all of it is done");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn a_new_rule_opens_no_event_that_is_closed_and_its_clocks_run_on() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        story.analyst("startTriage", json!({})).await;
        story.analyst("giveVerdict", json!({ "verdict": "NOT_REPRODUCIBLE", "rationale": "Not found" })).await;
        story.answer().await;
        story.analyst("startReview", json!({})).await;
        story.analyst("skipReview", json!({ "reason": "nothing to learn" })).await;
        let open = Story::receive(&app, "CNVD-2", json!({})).await;
        let rules = json!([
            {
                "key": "cnvd-publication", "regime": "NOTICE", "trigger": "REPORT_RECEIVED", "kind": "PUBLICATION",
                "channels": ["cnvd"], "anchor": "RECEIVED", "unit": "CALENDAR_DAYS", "amount": 40,
            },
            {
                "key": "plan", "regime": "NOTICE", "trigger": "REPORT_RECEIVED", "kind": "REPLY", "reply": "FIX_PLAN",
                "channelKinds": ["NATIONAL_DATABASE"], "anchor": "RECEIVED", "unit": "WORKING_DAYS", "amount": 4,
            },
        ]);
        let admin = app.token(Role::Admin, "admin-1");
        app.made(&admin, "createDeadlinePolicy", json!({ "rules": rules }), "number").await;
        let swept = async || assert_eq!(schedule::sweep(&app.app).await.unwrap().failed, 0);
        swept().await;
        assert_eq!(dues(&app, &open.event, "plan").await.len(), 1, "it is open");
        let seen = async || (story.status().await, clocks(&app, &story.event).await.len());
        let before = seen().await;
        assert_eq!(before.0, "CLOSED");
        assert!(dues(&app, &story.event, "plan").await.is_empty());
        assert_eq!(dues(&app, &story.event, "cnvd-publication").await, [at("2026-04-11T16:00:00Z")], "counted anew");
        // Three quarters of its time, and its end.
        for days in [31, 10] {
            app.advance(TimeDelta::days(days));
            swept().await;
            assert_eq!(seen().await, before);
        }
        assert_eq!(clock(&app, &story.event, "cnvd-publication").await["state"], "MET");
        assert_eq!(schedule::sweep(&app.app).await.unwrap().done, 0, "nothing is left to do");
    })
    .await;
}

#[tokio::test]
async fn a_channel_that_asks_for_replies_from_now_on_is_owed_them_and_a_sweep_goes_on_where_one_ended() {
    on_both(|app| async move {
        app.with_company().await;
        let admin = app.token(Role::Admin, "admin-1");
        let input = json!({ "rules": [rule("INTERNAL")] });
        app.made(&admin, "createDeadlinePolicy", input, "number").await;
        let inside = inside(&app, false).await;
        schedule::sweep(&app.app).await.unwrap();
        let mut events = Vec::new();
        for number in 0..3 {
            events.push(app.receive("analyst-1", "inside", &format!("I-{number}"), "AMBER").await.event);
        }
        // In the order of their ids, in which they are gone through.
        let id = |event: &String| decode(Kind::Event, "event", event).unwrap();
        events.sort_by_key(id);
        let seen = app.node(&admin, inside.as_str().unwrap(), "Channel", "version").await;
        let ask = json!({ "channel": inside, "expectedVersion": seen["version"], "replyRequired": true });
        app.made(&admin, "updateChannel", ask, "id").await;
        // Another process ended after the first two.
        let done = id(&events[1]);
        channel::Entity::update_many()
            .col_expr(channel::Column::ReplanAfter, Expr::value(done))
            .filter(channel::Column::Key.eq("inside"))
            .exec(app.app.database.writer())
            .await
            .unwrap();
        schedule::sweep(&app.app).await.unwrap();
        let mut owed = Vec::new();
        for event in &events {
            let rows = look(&app, event, "obligations { kind } deadlines { rule }").await;
            owed.push((rows["obligations"].clone(), rows["deadlines"].clone()));
        }
        let none = (json!([]), json!([]));
        assert_eq!(owed[..2], [none.clone(), none], "they were done by the other");
        assert_eq!(owed[2], (json!([{ "kind": "VERDICT" }]), json!([{ "rule": "verdict" }])));
        assert_eq!(schedule::sweep(&app.app).await.unwrap().done, 0, "the mark is gone");
        // Said again, all of them are looked at.
        for required in [false, true] {
            let seen = app.node(&admin, inside.as_str().unwrap(), "Channel", "version").await;
            let ask =
                json!({ "channel": inside, "expectedVersion": seen["version"], "replyRequired": required });
            app.made(&admin, "updateChannel", ask, "id").await;
        }
        schedule::sweep(&app.app).await.unwrap();
        for event in &events {
            assert_eq!(clocks(&app, event).await.len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_tlp_level_that_makes_something_secret_again_asks_whether_it_may_go_abroad_and_once() {
    on_both(|app| async move {
        app.with_company().await;
        app.advance(TimeDelta::days(220));
        let camera = with_camera(&app).await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        affected(&app, &report.event, &camera).await;
        confirm(&app, &report.event).await;
        step(&app, &report.event, "setTlp", "SetTlp", json!({ "tlp": "CLEAR" })).await;
        for kind in ["PUBLICLY_KNOWN", "EXPLOITED_IN_THE_WILD"] {
            let fact =
                json!({ "event": report.event, "kind": kind, "learnedAt": app.now(), "source": "honeypot" });
            app.made(&app.token(Role::Analyst, "analyst-1"), "recordWorldFact", fact, "id").await;
        }
        let asked = async || {
            let rows = look(&app, &report.event, "decisions { kind } deadlines { kind state }").await;
            let count = |list: &str, is: &dyn Fn(&Value) -> bool| {
                rows[list].as_array().unwrap().iter().filter(|row| is(row)).count()
            };
            (
                count("decisions", &|row| row["kind"] == "REPORT_ABROAD"),
                count("deadlines", &|row| row["kind"] == "DECISION" && row["state"] == "OPEN"),
            )
        };
        assert!(clock(&app, &report.event, "cra-early-warning").await["dueAt"].is_string());
        assert_eq!(asked().await, (0, 0), "it is public: nobody has to be asked");
        step(&app, &report.event, "setTlp", "SetTlp", json!({ "tlp": "AMBER" })).await;
        assert_eq!(asked().await, (1, 1));
        step(&app, &report.event, "setTlp", "SetTlp", json!({ "tlp": "CLEAR" })).await;
        assert_eq!(asked().await, (1, 0), "its clock ends with the secret");
    })
    .await;
}
