//! E-mails to who reported by mail: answers and messages, in the thread of their report, and to nobody else.

use chrono::TimeDelta;
use entity::vocabulary::ReplyState;
use entity::{audit_entry, reply, reply_dispatch, reply_file};
use mail_parser::{Message, MessageParser};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::mail::Outcome;
use vulndesk::schedule;

use crate::files::upload;
use crate::harness::{TestApp, on_both};
use crate::mail_server::{Behaviour, MailServer};
use crate::mails::post;
use crate::replies::{channel, look, routed, work};
use crate::story::Story;

const HAT: &str = "hat@example.org";

/// A mail whose sender our mail server vouches for.
fn mail(from: &str, id: &str, more: &str, text: &str) -> Vec<u8> {
    let domain = from.rsplit('@').next().unwrap().trim_end_matches('>');
    let results = format!("Authentication-Results: mx.example.com; dmarc=pass header.from={domain}\r\n");
    [results.into_bytes(), unvouched(from, id, more, text)].concat()
}

fn unvouched(from: &str, id: &str, more: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: psirt@example.com\r\nMessage-ID: {id}\r\nSubject: A hole in the parser\r\n{more}\r\n{text}\r\n"
    )
    .into_bytes()
}

/// A channel of white hats who write by mail, with one report; answers the channel's id.
async fn reported<'a>(app: &'a TestApp, route: Value) -> (String, Story<'a>) {
    app.with_company().await;
    let input = json!({
        "key": "hats", "name": "hats", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false,
        "replyRequired": true, "acknowledgement": "AUTOMATIC",
    });
    let channel = app.made(&app.token(Role::Admin, "admin-1"), "createChannel", input, "id").await;
    let channel = channel["id"].as_str().unwrap().to_owned();
    routed(app, &channel, route).await;
    let letter = mail(&format!("Hat <{HAT}>"), "<1@example.org>", "", "Steps");
    assert_eq!(post(app, "hats", letter).await, Outcome::Received);
    let analyst = app.token(Role::Analyst, "analyst-1");
    let seen = app.graphql(&analyst, "{ reports { nodes { id event { id number } } } }", Value::Null).await;
    let report = &seen["data"]["reports"]["nodes"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (event, number) = (text(&report["event"]["id"]), text(&report["event"]["number"]));
    (channel, Story { app, report: text(&report["id"]), event, number })
}

const SAID: &str =
    "id notMailed mail { id version state kind via recipient body toReporter { id } obligations { id } }";

async fn say(story: &Story<'_>, body: &str) -> Value {
    story.app.advance(TimeDelta::seconds(1));
    let input = json!({ "report": story.report, "body": body });
    let said =
        story.app.made(&story.app.token(Role::Analyst, "analyst-1"), "messageReporter", input, SAID).await;
    work(story.app).await;
    said
}

fn parsed(text: &str) -> Message<'_> {
    MessageParser::default().parse(text.as_bytes()).unwrap()
}

fn to(mail: &Message<'_>) -> String {
    mail.to().unwrap().first().unwrap().address().unwrap().to_owned()
}

fn references(mail: &Message<'_>) -> Vec<String> {
    match mail.references() {
        mail_parser::HeaderValue::Text(one) => vec![one.to_string()],
        mail_parser::HeaderValue::TextList(list) => list.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn nobody_has_us_write_to_others_or_speaks_for_them() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let (_, story) = reported(&app, json!({ "toReporter": true })).await;
        schedule::sweep(&app.app).await.unwrap();
        work(&app).await;
        let before = server.got().len();
        // In another's name, with words for them.
        let advert = unvouched("third@innocent.example", "<9@evil.example>", "", "BUY");
        assert_eq!(post(&app, "hats", advert).await, Outcome::Received);
        schedule::sweep(&app.app).await.unwrap();
        work(&app).await;
        assert_eq!(server.got().len(), before, "a person looks at it first");
        let drafts = reply::Entity::find().filter(reply::Column::State.eq(ReplyState::Draft));
        assert_eq!(drafts.count(app.app.database.reader()).await.unwrap(), 1);

        // In the reporter's name, in their thread.
        say(&story, "Does it crash?").await;
        let ours = parsed(server.got().last().unwrap()).message_id().unwrap().to_owned();
        let more = format!("In-Reply-To: <{ours}>\r\n");
        let forged = unvouched(HAT, "<8@evil.example>", &more, "I withdraw");
        assert_eq!(post(&app, "hats", forged).await, Outcome::Joined);
        let seen = story
            .look("reports { messages { nodes { body fromReporter } } mails { nodes { fromReporter } } }")
            .await;
        let report = &seen["reports"][0];
        assert!(!report["messages"].to_string().contains("I withdraw"), "{report}");
        let theirs: Vec<_> =
            report["mails"]["nodes"].as_array().unwrap().iter().map(|mail| &mail["fromReporter"]).collect();
        assert_eq!(theirs, [&json!(true), &json!(false)]);
    }
}

#[tokio::test]
async fn who_reported_by_mail_is_answered_in_their_thread() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let before = server.got().len();
        let (_, story) = reported(&app, json!({ "toReporter": true })).await;
        schedule::sweep(&app.app).await.unwrap();
        work(&app).await;
        let got = server.got();
        assert_eq!(got.len(), before + 1, "the acknowledgement");
        let first = parsed(&got[before]);
        assert_eq!((to(&first).as_str(), first.in_reply_to().as_text()), (HAT, Some("1@example.org")));
        assert!(got[before].contains("Auto-Submitted: auto-replied\r\n"), "no person wrote it");
        let first_id = first.message_id().unwrap().to_owned();
        let owed = story.look("obligations { kind state }").await;
        assert!(
            owed["obligations"]
                .as_array()
                .unwrap()
                .contains(&json!({ "kind": "ACKNOWLEDGEMENT", "state": "MET" }))
        );

        let words = "Does `*p = __x__` crash it?\n- and\n   twice";
        let said = say(&story, words).await;
        assert_eq!(said["notMailed"], Value::Null);
        let reply = &said["mail"];
        assert_eq!((&reply["via"], &reply["recipient"]), (&json!("EMAIL"), &Value::Null), "{said}");
        assert_eq!((&reply["toReporter"]["id"], &reply["obligations"]), (&json!(story.report), &json!([])));
        let got = server.got();
        assert_eq!(got.len(), before + 2, "once");
        let second = parsed(&got[before + 1]);
        assert_eq!((to(&second).as_str(), second.subject()), (HAT, Some("Re: A hole in the parser")));
        assert_eq!(second.body_text(0).unwrap().trim().replace("\r\n", "\n"), words, "as it was typed");
        assert_eq!(second.in_reply_to().as_text(), Some("1@example.org"));
        assert_eq!(references(&second), ["1@example.org".to_owned(), first_id.clone()]);
        assert!(!got[before + 1].contains("Auto-Submitted"), "a person wrote it");

        // What comes back belongs to the report, and is answered next.
        let second_id = second.message_id().unwrap().to_owned();
        let more = format!("In-Reply-To: <{second_id}>\r\n");
        let answer = mail(HAT, "<2@example.org>", &more, "Yes, twice");
        assert_eq!(post(&app, "hats", answer).await, Outcome::Joined);
        say(&story, "Thank you").await;
        let got = server.got();
        let third = parsed(&got[before + 2]);
        assert_eq!(third.in_reply_to().as_text(), Some("2@example.org"));
        assert_eq!(
            references(&third),
            ["1@example.org".to_owned(), first_id, second_id, "2@example.org".to_owned()]
        );
        let analyst = app.token(Role::Analyst, "analyst-1");
        let seen = app
            .node(
                &analyst,
                &story.report,
                "Report",
                "messages { nodes { body fromReporter mail { state } } }",
            )
            .await;
        let said: Vec<_> = seen["messages"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["body"].as_str().unwrap(), row["mail"]["state"].as_str()))
            .collect();
        assert_eq!(said, [(words, Some("SENT")), ("Yes, twice", None), ("Thank you", Some("SENT"))]);

        // The address stands with the reporter, and nowhere in what was sent or recorded.
        let db = app.app.database.reader();
        for file in reply_file::Entity::find().all(db).await.unwrap() {
            assert!(!String::from_utf8_lossy(&file.bytes).contains(HAT), "{}", file.name);
        }
        for row in reply_dispatch::Entity::find().all(db).await.unwrap() {
            assert!(!format!("{row:?}").contains(HAT), "{row:?}");
        }
        for entry in audit_entry::Entity::find().all(db).await.unwrap() {
            assert!(!entry.details.contains(HAT), "{entry:?}");
        }
        let sound = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(sound.is_sound(), "{sound}");

        // Who does not read messages does not read the e-mails that carry them; a reporter and others hear of neither.
        let member = json!({ "subject": "legal-1", "function": "LEGAL" });
        story.analyst("addTeamMember", member).await;
        let legal = app.token(Role::Legal, "legal-1");
        let replies = app.node(&legal, &story.event, "Event", "replies { kind toReporter { id } }").await;
        assert_eq!(replies["replies"], json!([{ "kind": "ACKNOWLEDGEMENT", "toReporter": null }]));
        let hidden = app.node(&legal, reply["id"].as_str().unwrap(), "Reply", "body").await;
        assert_eq!(hidden, Value::Null);
    }
}

#[tokio::test]
async fn a_message_goes_out_once_or_waits_for_a_persons_word() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let (_, story) = reported(&app, json!({ "toReporter": true })).await;
        schedule::sweep(&app.app).await.unwrap();
        work(&app).await;
        let before = server.got().len();
        server.behave(Behaviour::Vanish);
        let said = say(&story, "Which version?").await;
        server.behave(Behaviour::Take);
        for _ in 0..3 {
            app.advance(TimeDelta::hours(2));
            work(&app).await;
        }
        assert_eq!(look(&app, &said["mail"]).await["state"], "UNCERTAIN");
        assert_eq!(
            server.got().len(),
            before + 1,
            "nobody knows whether it arrived, so it is not sent again"
        );

        server.behave(Behaviour::NoSuchRecipient);
        let refused = say(&story, "And which platform?").await;
        assert_eq!(look(&app, &refused["mail"]).await["state"], "FAILED");
        // A corrected address: the failed one is sent again by a person, to what is known by then.
        let analyst = app.token(Role::Analyst, "analyst-1");
        let fields = "reporter { id version }";
        let reporter = app.node(&analyst, &story.report, "Report", fields).await["reporter"].clone();
        let update = json!({ "reporter": reporter["id"], "expectedVersion": reporter["version"], "email": "new@example.org" });
        app.made(&analyst, "updateReporter", update, "id").await;
        server.behave(Behaviour::Take);
        let failed = look(&app, &refused["mail"]).await;
        let again = json!({ "reply": failed["id"], "expectedVersion": failed["version"], "via": "EMAIL" });
        app.made(&analyst, "sendReply", again, "state").await;
        work(&app).await;
        let got = server.got();
        assert_eq!((got.len(), to(&parsed(got.last().unwrap())).as_str()), (before + 2, "new@example.org"));

        // What waits while its reporter becomes another is looked at by a person.
        server.behave(Behaviour::Busy);
        let waiting = say(&story, "One more").await;
        let seen = app.node(&analyst, &story.report, "Report", fields).await["reporter"].clone();
        let update = json!({ "reporter": seen["id"], "expectedVersion": seen["version"], "email": "other@example.org" });
        app.made(&analyst, "updateReporter", update, "id").await;
        server.behave(Behaviour::Take);
        app.advance(TimeDelta::hours(1));
        work(&app).await;
        assert_eq!(look(&app, &waiting["mail"]).await["state"], "FAILED");
        assert_eq!(server.got().len(), before + 2);

        let seen = app.node(&analyst, &story.report, "Report", fields).await["reporter"].clone();
        let erase =
            json!({ "reporter": seen["id"], "expectedVersion": seen["version"], "reason": "asked for" });
        app.made(&app.token(Role::Leader, "leader-1"), "eraseReporter", erase, "id").await;
        let unsaid = say(&story, "Are you there?").await;
        assert_eq!((&unsaid["notMailed"], &unsaid["mail"]), (&json!("NO_ADDRESS"), &Value::Null));
        assert_eq!(server.got().len(), before + 2, "nobody is guessed");
    }
}

#[tokio::test]
async fn nothing_goes_to_a_reporter_where_that_was_not_said_or_may_not_be() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let (hats, story) = reported(&app, json!({ "email": "desk@example.org" })).await;
        let before = server.got().len();
        let said = say(&story, "Which version?").await;
        assert_eq!((&said["notMailed"], &said["mail"]), (&Value::Null, &Value::Null));
        assert_eq!(server.got().len(), before, "the channel's mail does not go to reporters");
        let analyst = app.token(Role::Analyst, "analyst-1");
        let draft = async |more: Value| {
            let mut input = json!({
                "event": story.event, "expectedVersion": story.version().await, "channel": hats, "kind": "THANKS",
                "subject": "Thanks", "body": "Thank you.",
            });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.call(&analyst, "draftReply", input, "id version via recipient toReporter { id }").await
        };
        let refused = draft(json!({ "toReporter": story.report })).await;
        assert_eq!(refused["userErrors"][0]["code"], "MISSING_FACT", "{refused}");
        routed(&app, &hats, json!({ "toReporter": true })).await;

        // A second report on the event, of somebody who did not write by mail, and one without an address.
        let second = json!({
            "channel": "hats", "number": "H-2", "title": "The same", "text": "More", "joinEvent": story.event,
            "reporter": { "name": "Other", "email": "other@example.net" },
        });
        let second = app.made(&analyst, "receiveReport", second, "id").await;
        let third = json!({
            "channel": "hats", "number": "H-3", "title": "The same", "text": "More yet", "joinEvent": story.event,
            "reporter": { "name": "Nobody" },
        });
        let third = app.made(&analyst, "receiveReport", third, "id").await;
        let by_portal =
            app.made(&analyst, "messageReporter", json!({ "report": second["id"], "body": "x" }), SAID).await;
        assert_eq!((&by_portal["notMailed"], &by_portal["mail"]), (&json!("NOT_BY_MAIL"), &Value::Null));
        let refused = draft(json!({ "toReporter": third["id"] })).await;
        assert_eq!(refused["userErrors"][0]["code"], "MISSING_FACT", "{refused}");
        let owed = story.look("obligations { id kind report { id } }").await;
        let of = |report: &Value| {
            let rows = owed["obligations"].as_array().unwrap().iter();
            rows.clone().find(|row| row["kind"] == "VERDICT" && row["report"]["id"] == *report).unwrap()["id"]
                .clone()
        };
        let both = json!({
            "kind": "VERDICT", "toReporter": story.report, "obligations": [of(&json!(story.report)), of(&second["id"])],
        });
        let refused = draft(both).await;
        assert_eq!(
            refused["userErrors"][0]["code"], "CONTRADICTION",
            "nobody's answer settles another's: {refused}"
        );
        let elsewhere = json!({ "toReporter": story.report, "to": "me@example.net" });
        let refused = draft(elsewhere).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");

        // What a template makes for a reporter says nothing of another's report, which came first or not.
        let of_template = draft(json!({
            "kind": "ACKNOWLEDGEMENT", "toReporter": second["id"], "subject": null, "body": null,
            "fromTemplate": { "key": "src-acknowledgement-zh" },
        }))
        .await;
        let made =
            app.node(&analyst, of_template["reply"]["id"].as_str().unwrap(), "Reply", "subject body").await;
        assert!(made.to_string().contains("H-2") && made.to_string().contains("The same"), "{made}");
        assert!(
            !made.to_string().contains("A hole in the parser") && !made.to_string().contains("H-3"),
            "{made}"
        );

        // Another reporter's file stays, whoever attached it.
        let (_, file) = upload(&app, &analyst, second["id"].as_str().unwrap(), b"PK\x03\x04 theirs").await;
        let thanks =
            draft(json!({ "toReporter": story.report, "attach": [file["id"]] })).await["reply"].clone();
        assert_eq!((&thanks["via"], &thanks["toReporter"]["id"]), (&json!("EMAIL"), &json!(story.report)));
        let send = json!({ "reply": thanks["id"], "expectedVersion": thanks["version"], "via": "EMAIL" });
        let refused = app.call(&analyst, "sendReply", send, "state").await;
        assert!(refused.to_string().contains("came with another's report"), "{refused}");

        // From the address that the channel's route names, and without what is the team's.
        let before = server.got().len();
        routed(&app, &hats, json!({ "toReporter": true, "fromEmail": "src@example.com" })).await;
        let said = say(&story, "We look at it").await;
        assert_eq!(said["mail"]["state"], "SENDING", "{said}");
        let got = server.got();
        assert_eq!(got.len(), before + 1);
        assert_eq!(parsed(&got[before]).from().unwrap().first().unwrap().address(), Some("src@example.com"));
        assert!(!got[before].contains(&story.number), "an event's number is the team's");
    }
}

#[tokio::test]
async fn a_mail_reporter_of_a_regulator_gets_what_was_approved_and_nobody_else() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        app.with_company().await;
        let office = channel(&app, "office", "REGULATOR", false).await;
        routed(&app, &office, json!({ "toReporter": true })).await;
        assert_eq!(post(&app, "office", mail(HAT, "<1@example.org>", "", "Steps")).await, Outcome::Received);
        let analyst = app.token(Role::Analyst, "analyst-1");
        let seen = app
            .graphql(
                &analyst,
                "{ reports { nodes { id reporter { id version } event { id version } } } }",
                Value::Null,
            )
            .await;
        let report = seen["data"]["reports"]["nodes"][0].clone();
        let fields = "id version state toReporter { id }";
        let draft = json!({
            "event": report["event"]["id"], "expectedVersion": report["event"]["version"], "channel": office,
            "kind": "THANKS", "subject": "Thanks", "body": "Thank you.", "toReporter": report["id"],
        });
        let reply = app.made(&analyst, "draftReply", draft, fields).await;
        let send = async |reply: &Value| {
            let input = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "via": "EMAIL" });
            app.call(&analyst, "sendReply", input, fields).await
        };
        assert_eq!(send(&reply).await["userErrors"][0]["code"], "FOUR_EYES", "an approval first");
        let ask =
            json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "analyst-2" });
        let reply = app.made(&analyst, "requestReplyReview", ask, fields).await;
        let approve =
            json!({ "reply": reply["id"], "expectedVersion": reply["version"], "outcome": "APPROVED" });
        let reply = app.made(&app.token(Role::Analyst, "analyst-2"), "reviewReply", approve, fields).await;
        // Another address after the approval: whoever approved it did not mean that.
        let update = json!({ "reporter": report["reporter"]["id"], "expectedVersion": report["reporter"]["version"], "email": "me@example.net" });
        app.made(&analyst, "updateReporter", update, "id").await;
        let before = server.got().len();
        assert_eq!(send(&reply).await["userErrors"][0]["code"], "FOUR_EYES");
        work(&app).await;
        assert_eq!(server.got().len(), before);
        let said = json!({ "report": report["id"], "body": "Hello" });
        let refused = app.call(&analyst, "messageReporter", said, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "FOUR_EYES", "{refused}");
    }
}

#[tokio::test]
async fn without_a_mail_server_a_message_says_that_it_stays_here() {
    on_both(|app| async move {
        let (_, story) = reported(&app, json!({ "toReporter": true })).await;
        let said = say(&story, "Which version?").await;
        assert_eq!((&said["notMailed"], &said["mail"]), (&json!("NO_MAIL_SERVER"), &Value::Null));
    })
    .await;
}
