//! Clocks in lists and forecasts, and what several processes make of the same ones.

use chrono::TimeDelta;
use entity::{deadline, message, notice, reply};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::schedule;

use crate::deadlines::{look, on_duty, step};
use crate::harness::{TestApp, on_both};
use crate::sequencer::replica;

async fn rules(app: &TestApp, token: &str, filter: Value) -> Vec<String> {
    let document =
        "query($filter: DeadlineFilter) { deadlines(filter: $filter) { totalCount nodes { rule } } }";
    let answer = app.graphql(token, document, json!({ "filter": filter })).await;
    let found = &answer["data"]["deadlines"];
    let nodes = found["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(found["totalCount"], nodes.len(), "{answer}");
    nodes.iter().map(|row| row["rule"].as_str().unwrap_or("none").to_owned()).collect()
}

#[tokio::test]
async fn clocks_are_found_by_each_filter_and_come_in_the_order_of_their_ends() {
    on_both(|app| async move {
        app.with_company().await;
        let promised = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let noticed = app.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let all = ["src-acknowledgement", "src-verdict", "cnvd-publication", "notice-feedback"];
        assert_eq!(rules(&app, &analyst, Value::Null).await, all, "what has no end comes last");
        let src = app.channel("src").await;
        for (filter, expected) in [
            (json!({ "kinds": ["PUBLICATION"] }), &all[2..3]),
            (json!({ "kinds": ["REPLY", "PUBLICATION"] }), &all[..]),
            (json!({ "kinds": ["FIX"] }), &all[..0]),
            (json!({ "channel": src }), &all[..2]),
            (json!({ "event": promised.event }), &all[..2]),
            (json!({ "event": noticed.event }), &all[2..]),
            // 2026-03-05 ends at 16:00 UTC in China.
            (json!({ "dueBefore": "2026-03-05T16:00:00Z" }), &all[..0]),
            (json!({ "dueBefore": "2026-03-05T16:00:01Z" }), &all[..1]),
            (json!({ "state": "OPEN" }), &all[..]),
            (json!({ "state": "MET" }), &all[..0]),
            (json!({ "breached": true }), &all[..0]),
            (json!({ "breached": false }), &all[..]),
            (json!({ "person": "me" }), &all[..0]),
            (json!({ "person": "engineer-1" }), &all[..0]),
        ] {
            assert_eq!(rules(&app, &analyst, filter.clone()).await, expected, "{filter}");
        }

        // Who has work on an event, and who is named on its team.
        let work = json!({ "function": "SECURITY", "subject": "analyst-1" });
        step(&app, &promised.event, "assign", "Assign", work).await;
        let member = json!({ "subject": "legal-1", "function": "LEGAL", "event": noticed.event,
            "expectedVersion": look(&app, &noticed.event, "").await["version"] });
        let leader = app.token(Role::Leader, "leader-1");
        app.done(&leader, "addTeamMember", "AddTeamMember", member, "event { id }").await;
        assert_eq!(rules(&app, &analyst, json!({ "person": "me" })).await, all[..2]);
        assert_eq!(rules(&app, &leader, json!({ "person": "analyst-1" })).await, all[..2]);
        assert_eq!(rules(&app, &leader, json!({ "person": "legal-1" })).await, all[2..]);
        assert_eq!(rules(&app, &leader, json!({ "person": "me" })).await, [""; 0]);

        app.advance(TimeDelta::days(4));
        let analyst = app.token(Role::Analyst, "analyst-1");
        assert_eq!(rules(&app, &analyst, json!({ "breached": true })).await, all[..1]);
        assert_eq!(rules(&app, &analyst, json!({ "breached": false })).await, all[1..]);
        let owed = look(&app, &promised.event, "obligations { id kind }").await;
        let owed = owed["obligations"].as_array().unwrap().iter().find(|row| row["kind"] == "ACKNOWLEDGEMENT");
        let draft = json!({
            "event": promised.event, "expectedVersion": look(&app, &promised.event, "").await["version"],
            "obligations": [owed.unwrap()["id"]], "kind": "ACKNOWLEDGEMENT", "subject": "Received", "body": "Thank you.",
        });
        let reply = app.made(&analyst, "draftReply", draft, "id version").await;
        let sent = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "receiptNumber": "A-1" });
        app.made(&analyst, "recordReplySent", sent, "state").await;
        assert_eq!(rules(&app, &analyst, json!({ "state": "MET" })).await, all[..1]);
        assert_eq!(rules(&app, &analyst, json!({ "state": "MET", "breached": true })).await, all[..1], "too late all the same");
    })
    .await;
}

#[tokio::test]
async fn who_is_on_duty_has_the_clocks_that_nobody_works_on() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let secret = app.receive("analyst-1", "src", "SRC-2", "RED").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        crate::deadlines::confirm(&app, &report.event).await;
        let affected = json!({ "event": report.event, "product": product, "state": "AFFECTED" });
        app.made(&analyst, "setAffectedProduct", affected, "id").await;
        step(&app, &report.event, "scoreEvent", "ScoreEvent", crate::story::scored("7.5")).await;

        let of = async |person: &str| {
            rules(&app, &app.token(Role::Leader, "leader-1"), json!({ "person": person })).await
        };
        let promised = ["src-acknowledgement", "src-verdict"];
        let fixes = ["mitigation-yellow", "fix-yellow"];
        assert_eq!(of("analyst-2").await, [""; 0], "on no roster, and named nowhere");
        on_duty(&app, "SECURITY", "analyst-2").await;
        assert_eq!(of("analyst-2").await, [&promised[..], &fixes].concat(), "nobody is on duty for the fix; RED is its people's");
        on_duty(&app, "R_AND_D", "engineer-9").await;
        assert_eq!(of("analyst-2").await, promised);
        assert_eq!(of("engineer-9").await, fixes);
        // They read what they may see, and no more by being on the roster.
        let engineer = app.token(Role::Engineer, "engineer-9");
        assert_eq!(rules(&app, &engineer, json!({ "person": "me" })).await, [""; 0]);
        let own = app.token(Role::Analyst, "analyst-2");
        assert_eq!(rules(&app, &own, json!({ "person": "me" })).await, promised);
        let feed = app.done(&own, "createCalendarFeed", "CreateCalendarFeed", json!({}), "path").await;
        let request = axum::http::Request::get(feed["path"].as_str().unwrap()).body(axum::body::Body::empty()).unwrap();
        let (_, text) = app.send(request).await;
        assert_eq!(text.matches(&format!("SUMMARY:{} REPLY", report.number)).count(), 2, "{text}");
        assert!(!text.contains(&secret.number), "{text}");

        // Somebody has the work from now on, and gives it back.
        let work = json!({ "function": "SECURITY", "subject": "analyst-3" });
        step(&app, &report.event, "assign", "Assign", work).await;
        assert_eq!(of("analyst-2").await, [""; 0]);
        assert_eq!(of("engineer-9").await, fixes, "that is other work");
        let rows = look(&app, &report.event, "assignments { id version subject }").await;
        let work = rows["assignments"].as_array().unwrap().iter().find(|row| row["subject"] == "analyst-3").unwrap();
        let declined = json!({
            "assignment": work["id"], "expectedVersion": work["version"], "answer": "DECLINE", "reason": "away",
        });
        app.made(&app.token(Role::Analyst, "analyst-3"), "answerAssignment", declined, "id").await;
        assert_eq!(of("analyst-2").await, promised);
        app.advance(TimeDelta::days(601));
        assert_eq!(of("analyst-2").await, [""; 0], "the duty is over");
    })
    .await;
}

#[tokio::test]
async fn a_forecast_says_who_is_on_duty_and_takes_the_present_level() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        step(&app, &report.event, "startTriage", "EventMove", json!({})).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let affected = json!({ "event": report.event, "product": product, "state": "AFFECTED" });
        app.made(&analyst, "setAffectedProduct", affected, "id").await;
        let document = "query($input: Forecast!) { deadlineForecast(input: $input) {
            deadlines { rule } onDuty { function subject deputy } } }";
        let foresee = async |level: Value| {
            let mut input = json!({ "event": report.event, "ifVerdict": "CONFIRMED" });
            if !level.is_null() {
                input["ifLevel"] = level;
            }
            let analyst = app.token(Role::Analyst, "analyst-1");
            let answer = app.graphql(&analyst, document, json!({ "input": input })).await;
            let found = answer["data"]["deadlineForecast"].clone();
            let of = |list: &str, name: &str| {
                let rows = found[list].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
                rows.map(|row| row[name].clone()).collect::<Vec<_>>()
            };
            (of("deadlines", "rule"), found["onDuty"].clone())
        };
        let (clocks, _) = foresee(Value::Null).await;
        assert_eq!(clocks, [json!(null); 0], "rated nothing, no fix has a time");
        let (clocks, duties) = foresee(json!("YELLOW")).await;
        assert_eq!(clocks, ["mitigation-yellow", "fix-yellow"]);
        assert_eq!(duties, json!([{ "function": "R_AND_D", "subject": null, "deputy": null }]), "nobody is");
        let admin = app.token(Role::Admin, "admin-1");
        let duty = json!({
            "function": "R_AND_D", "subject": "engineer-1", "deputy": "engineer-2",
            "startsAt": app.now(), "endsAt": app.now() + TimeDelta::days(7),
        });
        app.done(&admin, "addDuty", "AddDuty", duty, "duty { id }").await;
        on_duty(&app, "R_AND_D", "engineer-3").await;
        let (_, duties) = foresee(json!("YELLOW")).await;
        let mut subjects: Vec<_> = duties.as_array().unwrap().clone();
        subjects.sort_by_key(|row| row["subject"].as_str().map(str::to_owned));
        assert_eq!(
            subjects,
            [
                json!({ "function": "R_AND_D", "subject": "engineer-1", "deputy": "engineer-2" }),
                json!({ "function": "R_AND_D", "subject": "engineer-3", "deputy": null }),
            ]
        );
        app.advance(TimeDelta::days(8));
        let (_, duties) = foresee(json!("YELLOW")).await;
        assert_eq!(
            duties,
            json!([{ "function": "R_AND_D", "subject": "engineer-3", "deputy": null }]),
            "that duty is over"
        );
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_a_calendar_cannot_count_names_the_year() {
    on_both(|app| async move {
        app.with_company().await;
        app.advance(TimeDelta::days(303));
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let clocks = look(&app, &report.event, "deadlines { rule noneReason missingYear dueAt }").await;
        let clocks = clocks["deadlines"].as_array().unwrap().clone();
        assert!(!clocks.is_empty());
        for clock in clocks {
            assert_eq!(
                (&clock["noneReason"], &clock["missingYear"], &clock["dueAt"]),
                (&json!("CALENDAR_WITHOUT_YEAR"), &json!(2027), &Value::Null),
                "{clock}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn two_processes_tell_count_and_acknowledge_once() {
    on_both(|app| async move {
        app.with_company().await;
        on_duty(&app, "SECURITY", "analyst-2").await;
        let other = replica(&app).await;
        let both = async || {
            let (one, two) = tokio::join!(schedule::sweep(&app.app), schedule::sweep(&other));
            assert_eq!((one.unwrap().failed, two.unwrap().failed), (0, 0));
        };
        let admin = app.token(Role::Admin, "admin-1");
        let thanked = json!({
            "key": "bounty", "name": "x", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false,
            "replyRequired": true, "acknowledgement": "DRAFTED",
        });
        app.made(&admin, "createChannel", thanked, "id").await;
        let report = app.receive("analyst-1", "bounty", "B-1", "AMBER").await;
        let plain = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        both().await;
        both().await;
        let drafts = reply::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert_eq!(drafts.len(), 1, "acknowledged once");
        assert_eq!(look(&app, &report.event, "replies { kind }").await["replies"], json!([{ "kind": "ACKNOWLEDGEMENT" }]));

        // Past three quarters and past the end, each at once and again.
        for hours in [72, 48] {
            app.advance(TimeDelta::hours(hours));
            both().await;
            both().await;
        }
        let clocks = deadline::Entity::find().all(app.app.database.reader()).await.unwrap();
        let first = clocks.iter().find(|row| {
            row.rule.as_deref() == Some("src-acknowledgement") && row.breached_at.is_some()
        });
        let first = first.expect("one ran out").id;
        let told = notice::Entity::find().filter(notice::Column::AboutId.eq(first));
        let told = told.all(app.app.database.reader()).await.unwrap();
        let told: Vec<_> = told.iter().map(|row| (row.subject.as_str(), row.kind.to_string())).collect();
        assert_eq!(told.iter().filter(|(subject, _)| *subject == "analyst-2").count(), 2, "{told:?}");
        for kind in ["deadline.due_soon", "deadline.breached"] {
            let messages = message::Entity::find().filter(message::Column::Kind.eq(kind));
            let messages = messages.all(app.app.database.reader()).await.unwrap();
            let mut of: Vec<_> = messages.iter().map(|row| row.data["deadline"].to_string()).collect();
            let count = of.len();
            of.sort_unstable();
            of.dedup();
            assert!(count > 0 && of.len() == count, "{kind}: each clock once");
        }

        let admin = app.token(Role::Admin, "admin-1");
        // Another calendar version is followed once: one audit entry for each event.
        let year = json!({
            "calendar": calendar(&app).await["id"], "expectedVersion": calendar(&app).await["version"], "year": 2026,
            "source": "test", "days": [{ "date": "2026-03-09", "kind": "HOLIDAY", "name": "x" }],
        });
        app.done(&admin, "setCalendarYear", "SetCalendarYear", year, "calendar { version }").await;
        both().await;
        both().await;
        let entries = entity::audit_entry::Entity::find()
            .filter(entity::audit_entry::Column::Action.eq("recountDeadlines"))
            .all(app.app.database.reader())
            .await
            .unwrap();
        let mut events: Vec<_> = entries.iter().filter_map(|row| row.event_id).collect();
        let count = events.len();
        events.sort_unstable();
        events.dedup();
        assert!(count > 0 && events.len() == count, "each event once: {count}");
        let _ = plain;
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

async fn calendar(app: &TestApp) -> Value {
    let admin = app.token(Role::Admin, "admin-1");
    let answer = app.graphql(&admin, "{ calendar(key: \"china\") { id version } }", Value::Null).await;
    answer["data"]["calendar"].clone()
}
