//! Figures over the API: what they cost, who reads which, and that a name is shown to whom its owner chose.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::payouts::{approve, confirmed, propose, with_money};

const ALL: &str = "{ statistics(period: { period: \"2026-03\" }) {
    events(by: CHANNEL) { group events } times(by: LEVEL) { measure count } deadlines(by: PRODUCT) { kind breached }
    payouts(by: MONTH) { stage amount } } }";

/// How many statements a document takes beyond those of any request.
async fn statements(app: &TestApp, token: &str, document: &str) -> usize {
    // The first one of a caller is recorded.
    app.graphql(token, "{ viewer { subject } }", Value::Null).await;
    let (_, any) = app.statements_of(app.graphql(token, "{ viewer { subject } }", Value::Null)).await;
    let (answer, all) = app.statements_of(app.graphql(token, document, Value::Null)).await;
    assert!(answer["errors"].is_null(), "{answer}");
    all - any
}

#[tokio::test]
async fn a_figure_is_one_statement_however_much_there_is() {
    on_both(|app| async move {
        with_money(&app, "10000").await;
        let leader = app.token(Role::Leader, "leader-1");
        let of = |fields: &str| format!("{{ statistics(period: {{ period: \"2026-03\" }}) {{ {fields} }} }}");
        let asked = [
            ("events { events }", 1),
            ("events(by: PRODUCT) { events }", 1),
            ("events(by: DAY) { events }", 1),
            // One for each of the four measures.
            ("times(by: CHANNEL) { count }", 4),
            ("deadlines(by: CHANNEL_KIND) { met: metInTime }", 1),
            ("payouts(by: VERDICT) { count }", 1),
            ("csv(table: EVENTS, by: LEVEL)", 1),
        ];
        for (fields, expected) in asked {
            assert_eq!(statements(&app, &leader, &of(fields)).await, expected, "{fields}");
        }
        // Places, and who is on them.
        let board = "{ leaderboard(period: \"2026-03\") { places { place accepted reporters { name } } } }";
        assert_eq!(statements(&app, &leader, board).await, 2);
        let before = statements(&app, &leader, ALL).await;
        for number in 0..5 {
            let subject = format!("reporter-{number}");
            let (report, _) = confirmed(&app, "src", &format!("N-{number}"), &subject, "AMBER").await;
            let payout = propose(&app, &report, "100").await;
            approve(&app, (Role::Analyst, "analyst-2"), &payout).await;
        }
        assert_eq!(statements(&app, &leader, ALL).await, before);
        assert_eq!(statements(&app, &leader, board).await, 2);
        let answer = app.graphql(&leader, ALL, Value::Null).await;
        let figures = &answer["data"]["statistics"];
        assert_eq!(figures["events"], json!([{ "group": "src", "events": 5 }]), "{answer}");
        assert_eq!(figures["payouts"], json!([{ "stage": "APPROVED", "amount": "500.00" }]), "{answer}");
        let one = json!({ "measure": "VERDICT", "count": 5 });
        assert!(figures["times"].as_array().unwrap().contains(&one), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_shown_to_others_once_its_owner_chose_so() {
    on_both(|app| async move {
        with_money(&app, "10000").await;
        for (number, subject) in [("1", "reporter-1"), ("2", "reporter-1"), ("3", "reporter-2")] {
            confirmed(&app, "src", number, subject, "AMBER").await;
        }
        confirmed(&app, "src", "4", "reporter-3", "RED").await;
        let board = "{ leaderboard(period: \"2026-03\") { named places { place name accepted points own
            reporters { name } } } }";
        let [one, two] = ["reporter-1", "reporter-2"].map(|subject| (subject, app.token(Role::Reporter, subject)));
        let early = app.graphql(&one.1, board, Value::Null).await;
        assert_eq!(early["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{early}");
        app.advance(TimeDelta::days(31));
        let [one, two] = [one, two].map(|(subject, _)| app.token(Role::Reporter, subject));
        let place = |place: i64, name: Value, accepted: Value, own: bool| {
            let points = if accepted.is_null() { Value::Null } else { json!(0) };
            json!({ "place": place, "name": name, "accepted": accepted, "points": points, "own": own, "reporters": null })
        };
        let seen = async |token: &str| app.graphql(token, board, Value::Null).await["data"]["leaderboard"].clone();
        let hidden = json!({ "named": false, "places": [
            place(1, Value::Null, Value::Null, false), place(2, Value::Null, json!(1), true)
        ] });
        assert_eq!(seen(&two).await, hidden);
        let choose = async |token: &str, named: bool| {
            let input = json!({ "named": named });
            app.change(token, "setLeaderboardName", "SetLeaderboardName", input, "named").await
        };
        assert_eq!(choose(&one, true).await, json!({ "named": true, "userErrors": [] }));
        assert_eq!(choose(&one, true).await, json!({ "named": true, "userErrors": [] }), "said again");
        let shown = json!({ "named": false, "places": [
            place(1, json!("name of reporter-1"), json!(2), false), place(2, Value::Null, json!(1), true)
        ] });
        assert_eq!(seen(&two).await, shown);
        assert_eq!(seen(&one).await["named"], true);
        choose(&one, false).await;
        assert_eq!(seen(&two).await, hidden);
        // Who is nobody's reporter has nothing to choose; who is none at all is told so.
        let stranger = app.token(Role::Reporter, "reporter-9");
        assert_eq!(choose(&stranger, true).await["errors"][0]["extensions"]["code"], "NOT_FOUND");
        let leader = app.token(Role::Leader, "leader-1");
        assert_eq!(choose(&leader, true).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
        let inside = seen(&leader).await;
        assert_eq!(inside["places"].as_array().unwrap().len(), 3, "{inside}");
        assert_eq!(inside["places"][0]["reporters"], json!([{ "name": "name of reporter-1" }]));
    })
    .await;
}

#[tokio::test]
async fn what_a_role_does_not_read_is_null_or_refused() {
    let app = TestApp::sqlite().await;
    with_money(&app, "10000").await;
    let fields = "{ statistics { events { events foundByUs } times { count } deadlines { breached } payouts { count } } }";
    for (role, expected) in [
        (Role::Analyst, [true, true, true, true]),
        (Role::Engineer, [true, true, true, false]),
        (Role::Finance, [false, false, false, true]),
    ] {
        let answer = app.graphql(&app.token_in_scope(role, "somebody-1"), fields, Value::Null).await;
        let figures = &answer["data"]["statistics"];
        let read = ["events", "times", "deadlines", "payouts"].map(|field| !figures[field].is_null());
        assert_eq!(read, expected, "{role} {answer}");
        let found = &figures["events"][0]["foundByUs"];
        assert_eq!(found.is_null(), role != Role::Analyst, "{role} {answer}");
    }
    let refused = async |role: Role, document: &str| {
        let answer = app.graphql(&app.token_in_scope(role, "somebody-1"), document, Value::Null).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("answered").to_owned()
    };
    for role in [Role::Reporter, Role::Src, Role::Ticketing, Role::Admin] {
        for document in ["{ statistics { from } }", "{ monthlyReport { name } }"] {
            assert_eq!(refused(role, document).await, "FORBIDDEN", "{role} {document}");
        }
    }
    for role in [Role::Engineer, Role::Finance, Role::Legal, Role::Admin, Role::Ticketing] {
        assert_eq!(refused(role, "{ leaderboard { named } }").await, "FORBIDDEN", "{role}");
    }
    for document in [
        "{ statistics { events(by: CHANNEL) { events } } }",
        "{ statistics(filter: { channelNumber: \"1\" }) { from } }",
    ] {
        assert_eq!(refused(Role::Engineer, document).await, "FORBIDDEN", "{document}");
    }
    for document in [
        "{ statistics(period: {}) { from } }",
        "{ statistics(period: { period: \"2026-13\" }) { from } }",
        "{ statistics(period: { period: \"2026\", timeZone: \"Mars\" }) { from } }",
        "{ statistics(period: { from: \"2020-01-01T00:00:00Z\", until: \"2026-01-01T00:00:00Z\" }) { events(by: DAY) { events } } }",
        "{ leaderboard(first: 0) { named } }",
        "{ leaderboard(first: 101) { named } }",
        "{ monthlyReport(month: \"2026\") { name } }",
        "{ monthlyReport(timeZone: \"Mars\") { name } }",
    ] {
        assert_eq!(refused(Role::Leader, document).await, "BAD_USER_INPUT", "{document}");
    }
}

#[tokio::test]
async fn a_month_is_a_document_in_every_form() {
    let app = TestApp::sqlite().await;
    with_money(&app, "10000").await;
    let (report, _) = confirmed(&app, "src", "1", "reporter-1", "AMBER").await;
    propose(&app, &report, "100").await;
    let leader = app.token(Role::Leader, "leader-1");
    for (format, name, media_type) in [
        ("MARKDOWN", "monthly-2026-03.md", "text/markdown; charset=utf-8"),
        ("HTML", "monthly-2026-03.html", "text/html; charset=utf-8"),
        ("PDF", "monthly-2026-03.pdf", "application/pdf"),
    ] {
        let document = format!(
            "{{ monthlyReport(month: \"2026-03\", format: {format}) {{ name mediaType text base64 charts {{ name svg }} }} }}"
        );
        let answer = app.graphql(&leader, &document, Value::Null).await;
        let made = &answer["data"]["monthlyReport"];
        assert_eq!((&made["name"], &made["mediaType"]), (&json!(name), &json!(media_type)), "{answer}");
        assert_eq!(made["text"].is_null(), format == "PDF");
        assert!(made["base64"].as_str().unwrap().len() > 500);
        let charts = made["charts"].as_array().unwrap();
        assert_eq!(charts.is_empty(), format != "MARKDOWN");
        for chart in charts {
            assert!(made["text"].as_str().unwrap().contains(chart["name"].as_str().unwrap()));
            assert!(chart["svg"].as_str().unwrap().starts_with("<svg"));
        }
    }
}
