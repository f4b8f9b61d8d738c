//! What a caller may not see takes something that they ask for: the answer tells nothing of it.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::story::{Story, scored};
use crate::tickets::{keep, look, story, tracker};
use crate::tracker_stub::{self as stub, Stub};

/// Another line's event, whose fix engineer-2 works on: nothing for engineer-1.
async fn of_another_line(app: &TestApp) -> Story<'_> {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let products = app.graphql(&analyst, "{ products { nodes { id line } } }", Value::Null).await;
    let products = products["data"]["products"]["nodes"].as_array().unwrap();
    let gateway = products.iter().find(|product| product["line"] == "gateway").unwrap();
    let other = Story::receive(app, "CNVD-2", json!({ "tlp": "AMBER" })).await;
    other.confirm().await;
    other.product(gateway["id"].as_str().unwrap(), "AFFECTED").await;
    other.analyst("scoreEvent", scored("5")).await;
    other.assign("R_AND_D", "engineer-2", Some("gateway")).await;
    other.analyst("startRemediation", json!({})).await;
    other
}

#[tokio::test]
async fn a_ticket_of_a_hidden_event_is_refused_like_one_that_is_not_there() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let own = story(&app).await;
        let other = of_another_line(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let (analyst, engineer) =
            (app.token(Role::Analyst, "analyst-1"), app.token_in_scope(Role::Engineer, "engineer-1"));
        let open = json!({ "remediation": other.fix().await["id"], "tracker": tracker });
        let taken = app.made(&analyst, "openTicket", open, "id").await["id"].as_str().unwrap().to_owned();
        keep(&app).await;
        assert_eq!(look(&app, &taken).await["externalId"], "1");
        let seen =
            app.graphql(&engineer, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": taken })).await;
        assert_eq!(seen["data"]["node"], Value::Null, "{seen}");

        let fields =
            "id version state externalId url toldState seenStatus proposal note attempts openedBy createdAt";
        let link = async |token: &str, id: &str| {
            let input = json!({ "remediation": own.fix().await["id"], "tracker": tracker, "externalId": id });
            app.call(token, "linkTicket", input, fields).await
        };
        let mut answers = Vec::new();
        for id in ["1", "7"] {
            let mut linked = link(&engineer, id).await;
            assert_eq!(linked["userErrors"], json!([]), "{linked}");
            let ticket = linked["ticket"]["id"].take();
            keep(&app).await;
            let mut now = app.node(&engineer, ticket.as_str().unwrap(), "Ticket", fields).await;
            assert_eq!((&now["state"], &now["externalId"]), (&json!("REFUSED"), &json!(id)), "{now}");
            let unlink = json!({ "ticket": now["id"].take(), "expectedVersion": now["version"] });
            app.made(&engineer, "unlinkTicket", unlink, "id").await;
            for answer in [&mut linked["ticket"], &mut now] {
                answer["externalId"].take();
            }
            answers.push((linked, now));
        }
        assert_eq!(answers[0], answers[1], "taken and absent");
        let both = link(&analyst, "1").await;
        assert_eq!(both["userErrors"][0]["code"], "ALREADY_EXISTS", "who sees the other is told: {both}");

        let version = look(&app, &taken).await["version"].clone();
        app.made(&analyst, "unlinkTicket", json!({ "ticket": taken, "expectedVersion": version }), "id")
            .await;
        let free = link(&engineer, "1").await["ticket"]["id"].as_str().unwrap().to_owned();
        keep(&app).await;
        let now = look(&app, &free).await;
        assert_eq!((&now["state"], &now["note"], stub.count()), (&json!("LINKED"), &Value::Null, 1), "{now}");
    })
    .await;
}

#[tokio::test]
async fn of_two_who_link_one_ticket_the_first_has_it() {
    on_both(|app| async move {
        let stub = Stub::start(stub::redmine).await;
        let own = story(&app).await;
        let other = of_another_line(&app).await;
        let tracker = tracker(&app, json!({ "baseUrl": stub.url })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let made = json!({ "issue": { "subject": "Made by hand", "is_private": true } });
        stub.world.lock().unwrap().kept.push(stub::Kept { made_of: made, status: "New".to_owned() });
        let mut tickets = Vec::new();
        for story in [&own, &other] {
            let input =
                json!({ "remediation": story.fix().await["id"], "tracker": tracker, "externalId": "1" });
            tickets
                .push(app.made(&analyst, "linkTicket", input, "id").await["id"].as_str().unwrap().to_owned());
        }
        keep(&app).await;
        let mut states = Vec::new();
        for ticket in &tickets {
            states.push(look(&app, ticket).await["state"].as_str().unwrap().to_owned());
        }
        states.sort_unstable();
        assert_eq!((states, stub.count()), (vec!["LINKED".to_owned(), "REFUSED".to_owned()], 1));
    })
    .await;
}

#[tokio::test]
async fn a_reporter_of_a_hidden_report_is_made_anew() {
    on_both(|app| async move {
        app.with_company().await;
        let fields = "report { id reporter { id name email subject version } }";
        let receive = async |token: &str, number: &str, tlp: &str, reporter: Value| {
            let input = json!({ "channel": "src", "number": number, "title": "A hole", "tlp": tlp, "reporter": reporter });
            app.advance(chrono::TimeDelta::seconds(1));
            app.done(token, "receiveReport", "ReceiveReport", input, fields).await["report"]["reporter"].clone()
        };
        let (named, outside) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        let whole = json!({ "name": "Finder Name", "email": "finder@example.org", "subject": "reporter-1" });
        let nameless = json!({ "name": "Nobody Known", "email": "nobody@example.org" });
        let first = receive(&named, "SRC-1", "RED", whole).await;
        let unlinked = receive(&named, "SRC-2", "RED", nameless.clone()).await;

        let by_subject = receive(&outside, "SRC-3", "AMBER", json!({ "subject": "reporter-1" })).await;
        let absent = receive(&outside, "SRC-4", "AMBER", json!({ "subject": "reporter-9" })).await;
        for (answer, subject) in [(&by_subject, "reporter-1"), (&absent, "reporter-9")] {
            let shown = [&answer["name"], &answer["email"], &answer["subject"], &answer["version"]];
            assert_eq!(shown, [&Value::Null, &Value::Null, &json!(subject), &json!(1)]);
        }
        let by_name = receive(&outside, "SRC-5", "AMBER", nameless).await;
        assert!(by_subject["id"] != first["id"] && by_name["id"] != unlinked["id"]);
        // Who was known before is known again.
        let again = receive(&outside, "SRC-6", "AMBER", json!({ "subject": "reporter-1" })).await;
        assert_eq!(again["id"], by_subject["id"]);
        let again = receive(&named, "SRC-7", "AMBER", json!({ "subject": "reporter-1" })).await;
        assert_eq!((&again["id"], &again["name"]), (&first["id"], &json!("Finder Name")));

        // The channel's own service knows its reporters, and the reporter all of their reports.
        let service = app.token_in_scope(Role::Src, "src-1");
        let input = json!({ "channel": "src", "number": "SRC-8", "title": "A hole", "reporter": { "subject": "reporter-1" } });
        app.done(&service, "receiveReport", "ReceiveReport", input, "report { id }").await;
        let reporter = app.token(Role::Reporter, "reporter-1");
        let own = app.graphql(&reporter, "{ reports { totalCount } }", Value::Null).await;
        assert_eq!(own["data"]["reports"]["totalCount"], 5, "{own}");
    })
    .await;
}
