//! Obligations and clocks over the API: a set clock goes through months in no time.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::schedule;

use crate::harness::{TestApp, on_both};

/// Reads an event as a leader.
pub(crate) async fn look(app: &TestApp, event: &str, fields: &str) -> Value {
    let leader = app.token(Role::Leader, "leader-1");
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {{ version {fields} }} }} }}");
    app.graphql(&leader, &document, json!({ "id": event })).await["data"]["node"].clone()
}

/// Calls an event mutation as analyst-1 with the present version.
pub(crate) async fn step(app: &TestApp, event: &str, mutation: &str, kind: &str, mut input: Value) -> Value {
    input["event"] = json!(event);
    input["expectedVersion"] = look(app, event, "").await["version"].clone();
    let analyst = app.token(Role::Analyst, "analyst-1");
    app.done(&analyst, mutation, kind, input, "event { version }").await
}

/// The event's clocks by their rules, as they now are.
pub(crate) async fn clocks(app: &TestApp, event: &str) -> Vec<Value> {
    let fields = "deadlines { id rule kind state dueAt noneReason breached toldPercent pausedSince metAt }";
    look(app, event, fields).await["deadlines"].as_array().unwrap().clone()
}

pub(crate) async fn clock(app: &TestApp, event: &str, rule: &str) -> Value {
    let all = clocks(app, event).await;
    let found = all.iter().rev().find(|row| row["rule"] == rule);
    found.unwrap_or_else(|| panic!("no clock of {rule} among {all:?}")).clone()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn due(clock: &Value) -> DateTime<Utc> {
    at(clock["dueAt"].as_str().unwrap_or_else(|| panic!("no due instant: {clock}")))
}

pub(crate) async fn on_duty(app: &TestApp, function: &str, subject: &str) {
    let admin = app.token(Role::Admin, "admin-1");
    let (from, until) = (app.now(), app.now() + TimeDelta::days(600));
    let input = json!({ "function": function, "subject": subject, "startsAt": from, "endsAt": until });
    app.done(&admin, "addDuty", "AddDuty", input, "duty { id }").await;
}

pub(crate) async fn notices(app: &TestApp, role: Role, subject: &str) -> Vec<Value> {
    let document = "{ notices(unread: true) { nodes { id kind percent deadline { rule } event { id } } } }";
    let answer = app.graphql(&app.token(role, subject), document, Value::Null).await;
    answer["data"]["notices"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
}

/// A product in the scope of RMSV and of the CRA.
pub(crate) async fn with_camera(app: &TestApp) -> Value {
    let admin = app.token(Role::Admin, "admin-1");
    let input = json!({
        "key": "home-camera", "name": "Home Camera", "line": "camera", "ownerTeam": "camera-team",
        "providerEntity": "Example Networks", "kind": "PRODUCT", "importance": "5.0", "reach": "5.0",
        "assetTier": "CORE", "lifecycle": "SUPPORTED", "rmsvLibrary": "GENERAL", "craInScope": true,
    });
    app.done(&admin, "createProduct", "CreateProduct", input, "product { id }").await["product"]["id"].clone()
}

pub(crate) async fn affected(app: &TestApp, event: &str, product: &Value) {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let input = json!({ "event": event, "product": product, "state": "AFFECTED", "affectedVersions": "1" });
    app.done(&analyst, "setAffectedProduct", "SetAffectedProduct", input, "event { id }").await;
}

pub(crate) async fn confirm(app: &TestApp, event: &str) {
    step(app, event, "startTriage", "EventMove", json!({})).await;
    let verdict = json!({ "verdict": "CONFIRMED", "severity": "HIGH", "rationale": "seen" });
    step(app, event, "giveVerdict", "GiveVerdict", verdict).await;
}

/// An event whose reporter was asked and answered, and whose clocks ran out; its id.
pub(crate) async fn left_too_long(app: &TestApp) -> String {
    on_duty(app, "SECURITY", "analyst-1").await;
    let report = app.receive("analyst-1", "src", "SLOW-1", "AMBER").await;
    step(app, &report.event, "startTriage", "EventMove", json!({})).await;
    let asked = json!({ "report": report.report, "question": "Which version?" });
    step(app, &report.event, "askReporter", "AskReporter", asked).await;
    app.advance(TimeDelta::hours(5));
    step(app, &report.event, "resumeTriage", "EventMove", json!({})).await;
    app.advance(TimeDelta::hours(120));
    schedule::sweep(&app.app).await.unwrap();
    report.event
}

#[tokio::test]
async fn a_platform_is_promised_working_days_and_people_are_told_once() {
    on_both(|app| async move {
        app.with_company().await;
        on_duty(&app, "SECURITY", "analyst-2").await;
        on_duty(&app, "LEADING_GROUP", "leader-1").await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let first = clock(&app, &report.event, "src-acknowledgement").await;
        assert_eq!(due(&first), at("2026-03-05T16:00:00Z"));
        assert_eq!(due(&clock(&app, &report.event, "src-verdict").await), at("2026-03-09T16:00:00Z"));

        for (hours, told) in [(48, 0), (24, 75), (0, 75), (24, 100), (1, 100)] {
            app.advance(TimeDelta::hours(hours));
            schedule::sweep(&app.app).await.unwrap();
            let first = clock(&app, &report.event, "src-acknowledgement").await;
            assert_eq!(first["toldPercent"], told, "after {hours} more hours: {first}");
        }
        let of_first = |rows: Vec<Value>| {
            let rows = rows.into_iter().filter(|row| row["deadline"]["rule"] == "src-acknowledgement");
            rows.map(|row| (row["kind"].clone(), row["percent"].clone())).collect::<Vec<_>>()
        };
        let analyst = of_first(notices(&app, Role::Analyst, "analyst-2").await);
        assert_eq!(analyst, [(json!("BREACHED"), json!(100)), (json!("DUE_SOON"), json!(75))]);
        assert_eq!(
            of_first(notices(&app, Role::Leader, "leader-1").await),
            [(json!("BREACHED"), json!(100))]
        );
        let one = notices(&app, Role::Analyst, "analyst-2").await[0]["id"].clone();
        let mark = json!({ "notice": one });
        let other = app.token(Role::Analyst, "analyst-1");
        let hidden =
            app.change(&other, "markNoticeRead", "MarkNoticeRead", mark.clone(), "notice { id }").await;
        assert_eq!(hidden["errors"][0]["extensions"]["code"], "NOT_FOUND", "{hidden}");
        let own = app.token(Role::Analyst, "analyst-2");
        let before = notices(&app, Role::Analyst, "analyst-2").await.len();
        app.done(&own, "markNoticeRead", "MarkNoticeRead", mark, "notice { readAt }").await;
        assert_eq!(notices(&app, Role::Analyst, "analyst-2").await.len(), before - 1);

        let breached = "{ deadlines(filter: { breached: true }) { totalCount nodes { rule } } }";
        let leader = app.token(Role::Leader, "leader-1");
        let found = app.graphql(&leader, breached, Value::Null).await;
        assert_eq!(
            found["data"]["deadlines"]["nodes"],
            json!([{ "rule": "src-acknowledgement" }]),
            "{found}"
        );
        let src = app.token_in_scope(Role::Src, "src-1");
        let refused = app.graphql(&src, breached, Value::Null).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    })
    .await;
}

#[tokio::test]
async fn waiting_for_the_reporter_pauses_and_reminds_once() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        step(&app, &report.event, "startTriage", "EventMove", json!({})).await;
        app.advance(TimeDelta::hours(15));
        let asked = json!({ "report": report.report, "question": "Which version?" });
        step(&app, &report.event, "askReporter", "AskReporter", asked).await;
        let paused = clock(&app, &report.event, "src-verdict").await;
        assert_eq!(at(paused["pausedSince"].as_str().unwrap()), app.now());
        for hours in [47, 1, 1] {
            app.advance(TimeDelta::hours(hours));
            schedule::sweep(&app.app).await.unwrap();
        }
        let said = look(&app, &report.event, "comments { nodes { body author } }").await;
        let said = said["comments"]["nodes"].as_array().unwrap();
        assert_eq!(said.len(), 2, "the question and one reminder: {said:?}");
        assert_eq!(said[1]["author"], "vulndesk");
        step(&app, &report.event, "resumeTriage", "EventMove", json!({})).await;
        let resumed = clock(&app, &report.event, "src-verdict").await;
        assert_eq!(resumed["pausedSince"], Value::Null);
        // Two days and an hour of waiting, from midnight on: the end moves by three working days.
        assert_eq!(due(&resumed), at("2026-03-12T16:00:00Z"));
        let information = clocks(&app, &report.event).await;
        let information = information.iter().find(|row| row["kind"] == "INFORMATION").unwrap();
        assert_eq!(information["state"], "MET");
    })
    .await;
}

#[tokio::test]
async fn exploitation_of_a_product_in_scope_starts_its_legal_clocks() {
    on_both(|app| async move {
        app.with_company().await;
        app.advance(TimeDelta::days(220));
        let camera = with_camera(&app).await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        step(&app, &report.event, "startTriage", "EventMove", json!({})).await;
        affected(&app, &report.event, &camera).await;

        let forecast = "query($input: Forecast!) { deadlineForecast(input: $input) {
            deadlines { opens rule dueAt } onDuty { function subject } } }";
        let input = json!({ "input": { "event": report.event, "ifVerdict": "CONFIRMED", "ifLevel": "RED" } });
        let analyst = app.token(Role::Analyst, "analyst-1");
        let foreseen = app.graphql(&analyst, forecast, input).await;
        let foreseen = &foreseen["data"]["deadlineForecast"];
        let rules: Vec<_> =
            foreseen["deadlines"].as_array().unwrap().iter().map(|row| row["rule"].clone()).collect();
        assert_eq!(rules, ["mitigation-red", "rmsv-report", "fix-red"], "{foreseen}");
        assert_eq!(clocks(&app, &report.event).await.len(), 2, "a forecast writes nothing");

        let verdict = json!({ "verdict": "CONFIRMED", "severity": "HIGH", "rationale": "seen" });
        step(&app, &report.event, "giveVerdict", "GiveVerdict", verdict).await;
        let now = app.now();
        assert_eq!(due(&clock(&app, &report.event, "rmsv-report").await), now + TimeDelta::hours(48));
        let analyst = app.token(Role::Analyst, "analyst-1");
        let fact = json!({
            "event": report.event, "kind": "EXPLOITED_IN_THE_WILD", "learnedAt": now, "source": "honeypot",
        });
        app.done(&analyst, "recordWorldFact", "RecordWorldFact", fact, "event { id }").await;
        assert_eq!(due(&clock(&app, &report.event, "cra-early-warning").await), now + TimeDelta::hours(24));
        assert_eq!(clock(&app, &report.event, "cra-final-report").await["noneReason"], "NO_MEASURE_YET");

        let asked = look(&app, &report.event, "decisions { id version kind askedBy dueAt }").await;
        let asked = asked["decisions"][0].clone();
        assert_eq!(
            (&asked["kind"], &asked["askedBy"]),
            (&json!("REPORT_ABROAD"), &json!("vulndesk")),
            "{asked}"
        );
        for (hours, told) in [(5, 0), (1, 25), (6, 50), (6, 75)] {
            app.advance(TimeDelta::hours(hours));
            schedule::sweep(&app.app).await.unwrap();
            let gate = clocks(&app, &report.event).await;
            let gate = gate.iter().find(|row| row["kind"] == "DECISION").unwrap();
            assert_eq!(gate["toldPercent"], told, "{gate}");
        }
        let leader = app.token(Role::Leader, "leader-1");
        let mut refuse = json!({
            "decision": asked["id"], "expectedVersion": asked["version"], "outcome": "No",
            "granted": false, "extent": "REFUSE",
        });
        let unnamed =
            app.change(&leader, "recordDecision", "RecordDecision", refuse.clone(), "decision { id }").await;
        assert_eq!(unnamed["userErrors"][0]["field"], "participants", "{unnamed}");
        refuse["participants"] = json!(["leader-1", "legal-1"]);
        let invented =
            app.change(&leader, "recordDecision", "RecordDecision", refuse.clone(), "decision { id }").await;
        assert_eq!(invented["userErrors"][0]["field"], "participants", "nobody has seen them: {invented}");
        app.graphql(&app.token(Role::Legal, "legal-1"), "{ viewer { subject } }", Value::Null).await;
        app.done(&leader, "recordDecision", "RecordDecision", refuse, "decision { id }").await;
        let owed = look(&app, &report.event, "obligations { stage state waivedBy waiveReason }").await;
        for row in owed["obligations"].as_array().unwrap() {
            let abroad = row["stage"].as_str().is_some_and(|stage| stage.starts_with("cra-"));
            assert_eq!(row["state"] == "WAIVED", abroad, "{row}");
            if abroad {
                assert_eq!(row["waivedBy"], "leader-1");
                assert!(row["waiveReason"].as_str().unwrap().contains("legal-1"), "{row}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_people_enter_moves_the_clocks_within_bounds() {
    on_both(|app| async move {
        app.with_company().await;
        let camera = with_camera(&app).await;
        let report = app.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await;
        let undated = clock(&app, &report.event, "notice-feedback").await;
        assert_eq!((&undated["dueAt"], &undated["noneReason"]), (&Value::Null, &json!("NO_NOTICE_DATE")));
        let version = look(&app, &report.event, "").await["version"].clone();
        let analyst = app.token(Role::Analyst, "analyst-1");
        let early = json!({ "report": report.report, "expectedVersion": version, "dueOn": "2026-01-01" });
        let refused = app.change(&analyst, "setNoticeDate", "SetNoticeDate", early, "event { id }").await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
        let dated = json!({ "report": report.report, "expectedVersion": version, "dueOn": "2026-03-20" });
        app.done(&analyst, "setNoticeDate", "SetNoticeDate", dated, "event { id }").await;
        assert_eq!(due(&clock(&app, &report.event, "notice-feedback").await), at("2026-03-20T16:00:00Z"));

        let question = json!({ "report": report.report, "question": "Since when?", "dueOn": "2026-03-10", "idempotencyKey": "q" });
        for _ in 0..2 {
            let input = question.clone();
            app.done(&analyst, "recordFollowUpQuestion", "RecordFollowUpQuestion", input, "event { id }").await;
        }
        let asked: Vec<_> = clocks(&app, &report.event).await;
        assert_eq!(asked.iter().filter(|row| row["rule"] == "question").count(), 1);

        confirm(&app, &report.event).await;
        affected(&app, &report.event, &camera).await;
        app.advance(TimeDelta::hours(2));
        let (now, learned) = (app.now(), app.now() - TimeDelta::hours(2));
        let correct = async |role, subject: &str, at: DateTime<Utc>| {
            let input = json!({
                "event": report.event, "expectedVersion": look(&app, &report.event, "").await["version"],
                "of": "VULNERABILITY", "learnedAt": at, "reason": "the mail came then",
            });
            let token = app.token(role, subject);
            app.change(&token, "correctLearnedAt", "CorrectLearnedAt", input, "event { id }").await
        };
        let future = correct(Role::Analyst, "analyst-1", now + TimeDelta::hours(1)).await;
        assert_eq!(future["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{future}");
        let later = correct(Role::Analyst, "analyst-1", learned + TimeDelta::hours(1)).await;
        assert_eq!(later["userErrors"][0]["code"], "NEEDS_LEADER", "{later}");
        let earlier = correct(Role::Analyst, "analyst-1", learned - TimeDelta::hours(10)).await;
        assert_eq!(earlier["userErrors"], json!([]), "{earlier}");
        let reported = clock(&app, &report.event, "rmsv-report").await;
        assert_eq!(due(&reported), learned + TimeDelta::hours(38));
        let by_leader = correct(Role::Leader, "leader-1", learned).await;
        assert_eq!(by_leader["userErrors"], json!([]), "{by_leader}");
        assert_eq!(due(&clock(&app, &report.event, "rmsv-report").await), learned + TimeDelta::hours(48));
    })
    .await;
}

#[tokio::test]
async fn a_changed_policy_or_calendar_counts_what_is_open_anew() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let admin = app.token(Role::Admin, "admin-1");
        let rule = |amount: i32, pauses: bool, kinds: Value| {
            json!({
                "key": "src-verdict", "regime": "SRC_PROMISE", "trigger": "REPORT_RECEIVED", "kind": "REPLY",
                "reply": "VERDICT", "channelKinds": kinds, "anchor": "RECEIVED", "unit": "WORKING_DAYS",
                "amount": amount, "pauses": pauses,
            })
        };
        let create = async |rule: Value| {
            let input = json!({ "rules": [rule] });
            let fields = "deadlinePolicy { number rules { key amount } }";
            app.change(&admin, "createDeadlinePolicy", "CreateDeadlinePolicy", input, fields).await
        };
        let wrong = create(rule(5, true, json!(["REGULATOR"]))).await;
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{wrong}");
        assert!(wrong["errors"][0].to_string().contains("rules.0.pauses"), "{wrong}");
        let zero = create(rule(0, false, json!(["SRC_PLATFORM"]))).await;
        assert_eq!(zero["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{zero}");
        let right = create(rule(4, true, json!(["SRC_PLATFORM"]))).await;
        assert_eq!(right["deadlinePolicy"]["number"], 2, "{right}");
        let before = due(&clock(&app, &report.event, "src-verdict").await);
        let swept = schedule::sweep(&app.app).await.unwrap();
        assert_eq!((swept.done, swept.failed), (2, 0), "the event, and the policy with all that is open");
        let after = due(&clock(&app, &report.event, "src-verdict").await);
        assert_eq!((before, after), (at("2026-03-09T16:00:00Z"), at("2026-03-06T16:00:00Z")));

        let calendars = "{ calendars { nodes { id key version } } }";
        let found = app.graphql(&admin, calendars, Value::Null).await;
        let rows = found["data"]["calendars"]["nodes"].as_array().unwrap();
        let china = rows.iter().find(|row| row["key"] == "china").unwrap();
        let weekend = json!({ "calendar": china["id"], "expectedVersion": china["version"], "weekend": ["FRIDAY", "SATURDAY", "SUNDAY"] });
        app.done(&admin, "updateCalendar", "UpdateCalendar", weekend, "calendar { id }").await;
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(due(&clock(&app, &report.event, "src-verdict").await), at("2026-03-09T16:00:00Z"));
        assert_eq!(schedule::sweep(&app.app).await.unwrap().done, 0, "all of it is counted");
    })
    .await;
}

#[tokio::test]
async fn an_account_about_to_lapse_is_told_of_once_for_each_last_day() {
    on_both(|app| async move {
        app.with_company().await;
        let channel = app.channel("cnvd").await;
        let save = async |until: &str| {
            let admin = app.token(Role::Admin, "admin-1");
            let seen = app.node(&admin, &channel, "Channel", "version").await;
            let input = json!({
                "channel": channel, "expectedVersion": seen["version"], "login": "company", "registeredContact": "contact-1",
                "registeredEmail": "contact-1@example.com", "validUntil": until,
            });
            app.made(&admin, "savePlatformAccount", input, "id").await;
        };
        let sweep = async || schedule::sweep(&app.app).await.unwrap().done;
        save("2026-04-10").await;
        assert_eq!(sweep().await, 0, "it is 39 days off");
        app.advance(TimeDelta::days(10));
        assert_eq!((sweep().await, sweep().await), (1, 0));
        save("2026-04-05").await;
        assert_eq!((sweep().await, sweep().await), (1, 0), "another day is another notice");
    })
    .await;
}

/// Changes what is in the scope of RMSV of a product.
async fn rescope(app: &TestApp, product: &Value, library: Value) {
    let admin = app.token(Role::Admin, "admin-1");
    let seen = app.node(&admin, product.as_str().unwrap(), "Product", "version").await;
    let input = json!({ "product": product, "expectedVersion": seen["version"], "rmsvLibrary": library });
    app.done(&admin, "updateProduct", "UpdateProduct", input, "product { id }").await;
}

/// Whether a report to the MIIT platform is owed for the event.
async fn owes(app: &TestApp, event: &str) -> bool {
    clocks(app, event).await.iter().any(|row| row["rule"] == "rmsv-report" && row["state"] == "OPEN")
}

#[tokio::test]
async fn a_products_change_replans_its_open_events_at_once_or_by_the_next_sweep() {
    on_both(|app| async move {
        app.with_company().await;
        let camera = with_camera(&app).await;
        rescope(&app, &camera, Value::Null).await;
        let mut events = Vec::new();
        for number in 0..3 {
            let report = app.receive("analyst-1", "src", &format!("SRC-{number}"), "AMBER").await;
            affected(&app, &report.event, &camera).await;
            confirm(&app, &report.event).await;
            assert!(!owes(&app, &report.event).await);
            events.push(report.event);
        }
        rescope(&app, &camera, json!("GENERAL")).await;
        for event in &events {
            assert!(owes(&app, event).await, "in the change itself");
        }
        let swept = schedule::sweep(&app.app).await.unwrap();
        assert_eq!((swept.done, swept.failed), (1, 0), "the product is looked at once more");
        assert_eq!(schedule::sweep(&app.app).await.unwrap().done, 0, "and found done");

        // More than one change takes: they wait for the sweep, which is due at once.
        rescope(&app, &camera, Value::Null).await;
        schedule::sweep(&app.app).await.unwrap();
        let mut many = Vec::new();
        for number in 0..vulndesk::deadline::AT_ONCE {
            let report = app.receive("analyst-1", "src", &format!("MANY-{number}"), "AMBER").await;
            affected(&app, &report.event, &camera).await;
            confirm(&app, &report.event).await;
            many.push(report.event);
        }
        rescope(&app, &camera, json!("GENERAL")).await;
        assert!(!owes(&app, &many[0]).await);
        schedule::sweep(&app.app).await.unwrap();
        for event in &many {
            assert!(owes(&app, event).await);
        }
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_report_that_is_joined_has_its_clocks_counted_at_once() {
    on_both(|app| async move {
        app.with_company().await;
        let first = app.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await;
        app.advance(TimeDelta::hours(1));
        let second = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        step(&app, &second.event, "startTriage", "EventMove", json!({})).await;
        let asked = json!({ "report": second.report, "question": "Which version?" });
        step(&app, &second.event, "askReporter", "AskReporter", asked).await;
        app.advance(TimeDelta::hours(24));
        step(&app, &second.event, "resumeTriage", "EventMove", json!({})).await;
        let version = look(&app, &second.event, "").await["version"].clone();
        let join = json!({ "report": second.report, "event": first.event, "expectedVersion": version });
        let analyst = app.token(Role::Analyst, "analyst-1");
        app.done(&analyst, "joinReport", "JoinReport", join, "report { id }").await;
        assert!(clocks(&app, &second.event).await.is_empty(), "nothing of it is left there");
        let moved = clock(&app, &first.event, "src-verdict").await;
        assert_eq!(due(&moved), at("2026-03-10T16:00:00Z"), "with the day that was waited");
        assert_eq!(clock(&app, &first.event, "cnvd-publication").await["state"], "OPEN");
        let information = clocks(&app, &first.event).await;
        let information = information.iter().find(|row| row["kind"] == "INFORMATION").unwrap().clone();
        assert_eq!(information["state"], "MET", "{information}");
        assert_eq!(
            schedule::sweep(&app.app).await.unwrap().done,
            1,
            "a notice without a date is told of, and no more"
        );
        let fields = "obligations { kind state }";
        let owed = look(&app, &first.event, fields).await["obligations"].as_array().unwrap().len();
        assert_eq!(owed, 3, "the verdict to each, and an acknowledgement");
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
    })
    .await;
}

#[tokio::test]
async fn the_type_of_a_notice_decides_whether_it_is_published() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({
            "channel": "cnvd", "number": "CNVD-1", "title": "A hole", "text": "Steps", "noticeType": "EVENT_TYPE",
        });
        let fields = "id noticeType event { id version }";
        let report = app.made(&analyst, "receiveReport", input, fields).await;
        assert_eq!(report["noticeType"], "EVENT_TYPE");
        let event = report["event"]["id"].as_str().unwrap();
        let publication = async || {
            let all = clocks(&app, event).await;
            all.iter().filter(|row| row["rule"] == "cnvd-publication" && row["state"] == "OPEN").count()
        };
        assert_eq!(publication().await, 0);
        let correct = json!({
            "report": report["id"], "expectedVersion": report["event"]["version"], "noticeType": "GENERIC",
        });
        app.done(&analyst, "setNoticeDate", "SetNoticeDate", correct, "event { id }").await;
        assert_eq!(publication().await, 1);
    })
    .await;
}
