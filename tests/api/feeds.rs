//! Calendar feeds: what stands in them, for whom, and how long.

use axum::body::Body;
use axum::http::{Request, header};
use chrono::TimeDelta;
use icalendar::parser::{read_calendar, unfold};
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::rich;

const FEED: &str = "feed { id version revoked name }";

/// Makes the caller's feed and answers the path of its link.
async fn link(app: &TestApp, token: &str) -> (String, Value) {
    let fields = format!("path {FEED}");
    let input = json!({ "name": "due, soon" });
    let made = app.done(token, "createCalendarFeed", "CreateCalendarFeed", input, &fields).await;
    (made["path"].as_str().unwrap().to_owned(), made["feed"].clone())
}

/// Status and text under a path.
async fn read(app: &TestApp, path: &str) -> (u16, String) {
    app.send(Request::get(path).body(Body::empty()).unwrap()).await
}

/// Summary and start of each event of a feed, in order.
fn events(text: &str) -> Vec<(String, String)> {
    let unfolded = unfold(text);
    let calendar = read_calendar(&unfolded).unwrap();
    let value =
        |event: &icalendar::parser::Component<'_>, name: &str| event.find_prop(name).unwrap().val.to_string();
    let events = calendar.components.iter();
    events.map(|event| (value(event, "SUMMARY"), value(event, "DTSTART"))).collect()
}

/// Gives the person work that is due.
async fn assign(app: &TestApp, event: &Value, subject: &str) {
    let input = json!({
        "event": event["id"], "expectedVersion": event["version"], "function": "SECURITY", "subject": subject,
        "dueAt": "2026-03-05T09:30:00Z",
    });
    let analyst = app.token(Role::Analyst, "analyst-1");
    app.made(&analyst, "assign", input, "id").await;
}

async fn event(app: &TestApp, id: &str) -> Value {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let document = "query($id: ID!) { node(id: $id) { ... on Event { id number version } } }";
    app.graphql(&analyst, document, json!({ "id": id })).await["data"]["node"].clone()
}

async fn recorded(app: &TestApp) -> usize {
    let select = <entity::access_record::Entity as sea_orm::EntityTrait>::find();
    let rows = select.all(app.app.database.reader()).await.unwrap();
    rows.iter().filter(|row| row.actor == "analyst-2").count()
}

#[tokio::test]
async fn a_feed_has_what_its_person_has_to_do_and_no_title() {
    on_both(|app| async move {
        let story = rich::event(&app, "cnvd", "AMBER").await;
        let (path, feed) = link(&app, &app.token_in_scope(Role::Engineer, "engineer-1")).await;
        assert_eq!(feed["name"], "due, soon");
        let (status, text) = read(&app, &path).await;
        assert_eq!(status, 200, "{text}");
        let number = event(&app, &story.event).await["number"].as_str().unwrap().to_owned();
        let item = (format!("{number} 改进项 action item"), "20261231".to_owned());
        assert_eq!(events(&text), [item], "its assignment has no due time");
        assert!(!text.contains("Fuzz") && !text.contains("hole"), "no title: {text}");

        let received = app.receive("analyst-1", "cnvd", "DUE-1", "AMBER").await;
        let open = event(&app, &received.event).await;
        assign(&app, &open, "analyst-2").await;
        let other = app.token(Role::Analyst, "analyst-2");
        let (path, _) = link(&app, &other).await;
        let (_, text) = read(&app, &path).await;
        assert_eq!(
            events(&text),
            [
                (format!("{} SECURITY 任务 assignment", received.number), "20260305T093000Z".to_owned()),
                (format!("{} PUBLICATION 时限 deadline", received.number), "20260416T160000Z".to_owned()),
            ]
        );
        assert_eq!(recorded(&app).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_program_that_has_the_text_is_not_sent_it_again() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let (path, _) = link(&app, &app.token(Role::Analyst, "analyst-1")).await;
    let ask = async |tag: Option<&str>| {
        let mut request = Request::get(&path);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        app.respond(request.body(Body::empty()).unwrap()).await
    };
    let first = ask(None).await;
    assert_eq!(first.headers()[header::CACHE_CONTROL], "private, no-cache");
    assert_eq!(first.headers()[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(ask(Some(&tag)).await.status(), 304);
    assert_eq!(ask(Some(&format!("\"x\", W/{tag}"))).await.status(), 304);
    assert_eq!(ask(Some("\"x\"")).await.status(), 200);
    let received = app.receive("analyst-1", "cnvd", "DUE-1", "AMBER").await;
    assign(&app, &event(&app, &received.event).await, "analyst-1").await;
    assert_eq!(ask(Some(&tag)).await.status(), 200, "it has changed");
}

#[tokio::test]
async fn a_link_that_answers_nobody_looks_like_a_wrong_one() {
    on_both(|app| async move {
        app.with_company().await;
        let (_, unknown) = read(&app, "/feeds/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ics").await;
        let gone = async |path: &str, why: &str| {
            assert_eq!(read(&app, path).await, (404, unknown.clone()), "{why}");
        };
        let analyst = || app.token(Role::Analyst, "analyst-2");
        let (first, _) = link(&app, &analyst()).await;
        gone(first.strip_suffix(".ics").unwrap(), "without its ending").await;
        let (second, feed) = link(&app, &analyst()).await;
        gone(&first, "replaced").await;
        assert_eq!(read(&app, &second).await.0, 200);

        let other = app.token(Role::Analyst, "analyst-1");
        let end = json!({ "feed": feed["id"], "expectedVersion": 2 });
        let refused = app.change(&other, "revokeCalendarFeed", "RevokeCalendarFeed", end.clone(), FEED).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND", "{refused}");
        let ended = app.done(&analyst(), "revokeCalendarFeed", "RevokeCalendarFeed", end, FEED).await;
        assert_eq!(ended["feed"]["revoked"], true);
        gone(&second, "ended").await;

        let (third, _) = link(&app, &analyst()).await;
        let admin = app.token(Role::Admin, "admin-1");
        let subject =
            json!({ "issuer": vulndesk::auth::DEVELOPMENT_ISSUER, "subject": "analyst-2", "reason": "left" });
        app.done(&admin, "denyPrincipal", "DenyPrincipal", subject.clone(), "principal { denied }").await;
        gone(&third, "denied").await;
        app.done(&admin, "allowPrincipal", "AllowPrincipal", subject, "principal { denied }").await;
        assert_eq!(read(&app, &third).await.0, 200);
        app.advance(TimeDelta::days(30));
        gone(&third, "not seen for so long that its rights are stale").await;
        app.graphql(&analyst(), "{ viewer { subject } }", Value::Null).await;
        assert_eq!(read(&app, &third).await.0, 200, "seen again");
        app.graphql(&app.token(Role::Reporter, "analyst-2"), "{ viewer { subject } }", Value::Null).await;
        gone(&third, "another role now").await;

        let bytes = app.bytes_at_rest().unwrap_or_default();
        let secret = third.trim_start_matches("/feeds/").trim_end_matches(".ics").as_bytes();
        assert!(bytes.windows(secret.len()).all(|window| window != secret), "the secret is kept nowhere");
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
    })
    .await;
}

#[tokio::test]
async fn who_is_taken_off_an_event_has_it_in_the_feed_no_longer_and_reads_of_red_are_recorded() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "RED-1", "RED").await;
        let leader = app.token(Role::Leader, "leader-1");
        let before = event(&app, &received.event).await;
        let member = json!({ "event": before["id"], "expectedVersion": before["version"], "subject": "analyst-2", "function": "SECURITY" });
        app.made(&leader, "addTeamMember", member, "id").await;
        assign(&app, &event(&app, &received.event).await, "analyst-2").await;
        let (path, _) = link(&app, &app.token(Role::Analyst, "analyst-2")).await;
        let (_, text) = read(&app, &path).await;
        let number_alone = |at: &str| (received.number.clone(), at.to_owned());
        assert_eq!(
            events(&text),
            [number_alone("20260305T093000Z"), number_alone("20260416T160000Z")],
            "of TLP:RED not even the kind"
        );
        assert_eq!(recorded(&app).await, 1);

        let document = "query($id: ID!) { node(id: $id) { ... on Event { version team { id subject } } } }";
        let answer = app.graphql(&leader, document, json!({ "id": received.event })).await;
        let now = &answer["data"]["node"];
        let member = now["team"].as_array().unwrap().iter().find(|member| member["subject"] == "analyst-2").unwrap();
        let off = json!({ "member": member["id"], "expectedVersion": now["version"], "reason": "done" });
        app.made(&leader, "removeTeamMember", off, "id").await;
        let (status, text) = read(&app, &path).await;
        assert_eq!((status, events(&text).len()), (200, 0), "{text}");
        assert_eq!(recorded(&app).await, 1, "nothing was read");
    })
    .await;
}

#[tokio::test]
async fn a_name_of_several_lines_is_refused() {
    let app = TestApp::sqlite().await;
    let input = json!({ "name": "x\r\nATTENDEE:mailto:y@example.org" });
    let analyst = app.token(Role::Analyst, "analyst-1");
    let refused = app.change(&analyst, "createCalendarFeed", "CreateCalendarFeed", input, FEED).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
}
