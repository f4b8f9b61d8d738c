//! What people are told: the daily e-mail, and trouble that needs a person.

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::DigestState;
use entity::{digest, reply_dispatch};
use mail_parser::MessageParser;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use vulndesk::auth::{Actor, DEVELOPMENT_ISSUER, Role};
use vulndesk::notice::digest as daily;
use vulndesk::outbound::Client;
use vulndesk::reply::handover::{bounce, worker};
use vulndesk::schedule;

use crate::deadlines::{look, on_duty, step};
use crate::harness::{TestApp, on_both};
use crate::mail_server::{Behaviour, MailServer};
use crate::story::{Story, scored};

/// Calls as a person whose token shows an address.
async fn come(app: &TestApp, role: Role, subject: &str) -> String {
    let email = format!("{subject}@example.com");
    let token = app.mint_with_email(&[role], subject, &[], None, Some(&email));
    app.graphql(&token, "{ viewer { subject } }", Value::Null).await;
    token
}

/// Gives a person the work of SECURITY on the event.
async fn assign(app: &TestApp, event: &str, subject: &str) {
    step(app, event, "assign", "Assign", json!({ "function": "SECURITY", "subject": subject })).await;
}

async fn rows(app: &TestApp) -> Vec<digest::Model> {
    let select = digest::Entity::find().order_by_asc(digest::Column::Day).order_by_asc(digest::Column::Id);
    select.all(app.app.database.reader()).await.unwrap()
}

async fn states(app: &TestApp) -> Vec<DigestState> {
    rows(app).await.into_iter().map(|row| row.state).collect()
}

/// Sends what is due, and answers subject and text of the e-mails that the server got by that.
async fn mails(app: &TestApp, server: &MailServer) -> Vec<(String, String)> {
    let before = server.got().len();
    daily::pass(&app.app).await.unwrap();
    let got = server.got();
    let read = got[before..].iter().map(|mail| {
        let mail = MessageParser::default().parse(mail.as_bytes()).unwrap();
        (mail.subject().unwrap().to_owned(), mail.body_text(0).unwrap().replace("\r\n", "\n"))
    });
    read.collect()
}

#[tokio::test]
async fn what_became_of_an_email_is_forgotten_when_it_is_old() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        come(&app, Role::Analyst, "analyst-1").await;
        mails(&app, &server).await;
        let forgotten = async |days: i64| {
            app.advance(TimeDelta::days(days));
            schedule::sweep(&app.app).await.unwrap();
            rows(&app).await.is_empty()
        };
        assert!(
            !rows(&app).await.is_empty() && !forgotten(91).await,
            "ninety days, and that of the last one"
        );
        assert!(forgotten(1).await);
    }
}

/// What a person was told, by kind and what it is about, the newest first.
async fn told(app: &TestApp, role: Role, subject: &str) -> Vec<(String, Value)> {
    let document = "{ notices { nodes { kind about event { id } } } }";
    let answer = app.graphql(&app.token(role, subject), document, Value::Null).await;
    let nodes = answer["data"]["notices"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let pair = |node: &Value| (node["kind"].as_str().unwrap().to_owned(), node["about"].clone());
    nodes.iter().map(pair).collect()
}

#[tokio::test]
async fn who_is_asked_to_approve_a_reply_is_told_and_so_are_those_whose_approval_it_takes() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for (function, subject) in
            [("LEGAL", "legal-1"), ("LEADING_GROUP", "leader-1"), ("SECURITY", "analyst-3")]
        {
            on_duty(&app, function, subject).await;
        }
        let people = [
            (Role::Legal, "legal-1"),
            (Role::Legal, "legal-2"),
            (Role::Leader, "leader-1"),
            (Role::Analyst, "analyst-1"),
            (Role::Analyst, "analyst-3"),
        ];
        for (level, first, second) in [("8.5", [1, 1, 1, 0, 0], [2, 2, 2, 0, 0]), ("5", [0, 1, 0, 0, 0], [0, 2, 1, 0, 0])] {
            let story = Story::receive(&app, &format!("ASKED-{level}"), json!({})).await;
            story.confirm().await;
            story.analyst("scoreEvent", scored(level)).await;
            let reply = story.draft("VERDICT").await;
            let ask = async |reviewer: &str| {
                let reply = app.node(&analyst, reply["id"].as_str().unwrap(), "Reply", "id version").await;
                let ask =
                    json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": reviewer });
                app.made(&analyst, "requestReplyReview", ask, "version").await["version"].clone()
            };
            let asked = async || {
                let mut counts = Vec::new();
                for (role, subject) in people {
                    let told = told(&app, role, subject).await;
                    let of_reply = |row: &&(String, Value)| *row == &("REVIEW_ASKED".to_owned(), reply["id"].clone());
                    counts.push(told.iter().filter(of_reply).count());
                }
                counts
            };
            ask("legal-2").await;
            assert_eq!(asked().await, first, "{level}");
            let version = ask("leader-1").await;
            let back = json!({ "reply": reply["id"], "expectedVersion": version, "outcome": "REJECTED", "note": "Shorter" });
            app.made(&app.token(Role::Leader, "leader-1"), "reviewReply", back, "id").await;
            ask("legal-2").await;
            assert_eq!(asked().await, second, "{level}: once each time that it waits for an answer");
        }
    })
    .await;
}

#[tokio::test]
async fn a_day_has_one_email_with_numbers_and_times() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        app.with_company().await;
        come(&app, Role::Analyst, "analyst-2").await;
        assert_eq!(mails(&app, &server).await, [], "nothing to say");
        assert_eq!(states(&app).await, [DigestState::Nothing]);
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        assign(&app, &report.event, "analyst-2").await;
        assert_eq!(mails(&app, &server).await, [], "the day's word was spoken");

        // The next day at eight; two processes look at once.
        app.advance(TimeDelta::hours(22) + TimeDelta::minutes(59));
        assert_eq!(mails(&app, &server).await, [], "a minute to eight");
        app.advance(TimeDelta::minutes(1));
        let before = server.got().len();
        let (one, other) = tokio::join!(daily::pass(&app.app), daily::pass(&app.app));
        assert_eq!(one.unwrap() + other.unwrap(), 1);
        assert_eq!(server.got().len(), before + 1);
        let mail = server.got().pop().unwrap();
        let mail = MessageParser::default().parse(mail.as_bytes()).unwrap();
        assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("analyst-2@example.com"));
        let mark = mail.header("Auto-Submitted").and_then(|value| value.as_text()).map(str::to_owned);
        assert_eq!(mark.as_deref(), Some("auto-generated"), "no program answers it");
        assert_eq!(mail.subject(), Some("vulndesk: 0 overdue 逾期, 2 due 将到期, 0 unread 未读"));
        let text = mail.body_text(0).unwrap();
        assert!(text.contains(&format!("  {} REPLY 2026-03-06 00:00 CST", report.number)), "{text}");
        assert!(!text.contains("hole") && !text.contains("SRC-1"), "no title, no number of theirs: {text}");
        assert_eq!(mails(&app, &server).await, [], "once");

        // Nobody ran it for four days: that is made up for once, and with what is true now.
        app.advance(TimeDelta::days(4));
        schedule::sweep(&app.app).await.unwrap();
        come(&app, Role::Analyst, "analyst-2").await;
        let [(subject, text)] = &mails(&app, &server).await[..] else { panic!("not one e-mail") };
        assert_eq!(subject, "vulndesk: 1 overdue 逾期, 1 due 将到期, 2 unread 未读");
        assert!(text.contains("BREACHED: 1\n") && text.contains("DUE_SOON: 1\n"), "{text}");
        assert_eq!(mails(&app, &server).await, []);
        let days: Vec<String> = rows(&app).await.iter().map(|row| row.day.to_string()).collect();
        assert_eq!(days, ["2026-03-02", "2026-03-03", "2026-03-07"]);
    }
}

#[tokio::test]
async fn of_red_events_it_says_how_many_and_who_may_not_or_wants_none_gets_none() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        app.with_company().await;
        let own = come(&app, Role::Analyst, "analyst-2").await;
        // Of this day's e-mail it is over before anything happens.
        mails(&app, &server).await;
        let red = app.receive("analyst-2", "src", "RED-1", "RED").await;
        come(&app, Role::Analyst, "analyst-2").await;
        app.advance(TimeDelta::days(1));
        let [(subject, text)] = &mails(&app, &server).await[..] else { panic!("not one e-mail") };
        assert_eq!(subject, "vulndesk: 0 overdue 逾期, 0 due 将到期, 0 unread 未读, 2 TLP:RED");
        assert!(!text.contains(&red.number), "{text}");
        let reads = <entity::access_record::Entity as EntityTrait>::find();
        let reads = reads.all(app.app.database.reader()).await.unwrap();
        assert!(reads.iter().any(|row| row.actor == "analyst-2"), "what leaves is on record");

        let fields = "noticeDigest { wanted address sent lastDay lastState }";
        let want = async |wanted: bool| {
            let input = json!({ "wanted": wanted });
            app.done(&own_token(&app), "setNoticeDigest", "SetNoticeDigest", input, fields).await
        };
        assert!(!own.is_empty());
        let off = want(false).await;
        assert_eq!(
            off["noticeDigest"],
            json!({ "wanted": false, "address": "analyst-2@example.com", "sent": true, "lastDay": "2026-03-03", "lastState": "SENT" })
        );
        app.advance(TimeDelta::days(1));
        assert_eq!(mails(&app, &server).await, [], "not wanted");
        want(true).await;
        let admin = app.token(Role::Admin, "admin-1");
        let subject = json!({ "issuer": DEVELOPMENT_ISSUER, "subject": "analyst-2", "reason": "left" });
        app.done(&admin, "denyPrincipal", "DenyPrincipal", subject.clone(), "principal { denied }").await;
        assert_eq!(mails(&app, &server).await, [], "denied");
        app.done(&admin, "allowPrincipal", "AllowPrincipal", subject, "principal { denied }").await;
        app.advance(TimeDelta::days(31));
        assert_eq!(mails(&app, &server).await, [], "stale");
        app.graphql(&own_token(&app), "{ viewer { subject } }", Value::Null).await;
        assert_eq!(mails(&app, &server).await.len(), 1, "here again");
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
    }
}

fn own_token(app: &TestApp) -> String {
    app.mint_with_email(&[Role::Analyst], "analyst-2", &[], None, Some("analyst-2@example.com"))
}

#[tokio::test]
async fn what_nobody_knows_is_not_sent_again_and_what_surely_failed_is() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        assign(&app, &report.event, "analyst-2").await;
        come(&app, Role::Analyst, "analyst-2").await;
        server.behave(Behaviour::Busy);
        assert_eq!(mails(&app, &server).await, []);
        assert_eq!(states(&app).await, [DigestState::Claimed]);
        server.behave(Behaviour::Vanish);
        assert_eq!(mails(&app, &server).await, [], "its time has not come again");
        app.advance(TimeDelta::minutes(1));
        assert_eq!(mails(&app, &server).await.len(), 1, "the server got it and went away");
        assert_eq!(states(&app).await, [DigestState::Uncertain]);
        server.behave(Behaviour::Take);
        app.advance(TimeDelta::hours(1));
        assert_eq!(mails(&app, &server).await, [], "nobody knows, so it is not sent again");

        // A process that ended while the content went out.
        app.advance(TimeDelta::hours(22));
        come(&app, Role::Analyst, "analyst-2").await;
        server.behave(Behaviour::Busy);
        mails(&app, &server).await;
        server.behave(Behaviour::Take);
        let hand = |until: DateTime<Utc>| {
            digest::Entity::update_many()
                .col_expr(digest::Column::State, Expr::value(DigestState::Handing))
                .col_expr(digest::Column::LeaseUntil, Expr::value(until))
                .filter(digest::Column::State.eq(DigestState::Claimed))
        };
        hand(app.now() + TimeDelta::seconds(19)).exec(app.app.database.writer()).await.unwrap();
        assert_eq!(mails(&app, &server).await, [], "another has it");
        app.advance(TimeDelta::seconds(19));
        assert_eq!(mails(&app, &server).await, []);
        assert_eq!(states(&app).await, [DigestState::Uncertain, DigestState::Uncertain]);

        // What did not leave before the next day's turn never does.
        app.advance(TimeDelta::days(1));
        come(&app, Role::Analyst, "analyst-2").await;
        server.behave(Behaviour::Busy);
        mails(&app, &server).await;
        server.behave(Behaviour::Take);
        app.advance(TimeDelta::days(1));
        come(&app, Role::Analyst, "analyst-2").await;
        assert_eq!(mails(&app, &server).await.len(), 1, "of today alone");
        assert_eq!(states(&app).await[2..], [DigestState::Refused, DigestState::Sent]);
    }
}

async fn channel(app: &TestApp, input: Value) -> String {
    let mut whole = json!({ "name": "x", "jurisdiction": "CN", "abroad": false, "replyRequired": true });
    whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let made = app.made(&app.token(Role::Admin, "admin-1"), "createChannel", whole, "id").await;
    made["id"].as_str().unwrap().to_owned()
}

async fn route(app: &TestApp, channel: &str) {
    let admin = app.token(Role::Admin, "admin-1");
    let seen = app.node(&admin, channel, "Channel", "version").await;
    let route =
        json!({ "channel": channel, "expectedVersion": seen["version"], "email": "desk@example.org" });
    app.done(&admin, "setReplyRoute", "SetReplyRoute", route, "secret").await;
}

async fn hand_over(app: &TestApp) {
    let client = Client::new(app.app.outbound.clone()).unwrap();
    while worker::pass(&app.app, &client).await.unwrap() > 0 {}
}

#[tokio::test]
async fn who_wrote_a_reply_and_who_answers_for_the_event_hear_that_it_needs_them() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        app.with_company().await;
        let desk = channel(&app, json!({ "key": "desk", "kind": "VENDOR" })).await;
        route(&app, &desk).await;
        on_duty(&app, "SECURITY", "analyst-3").await;
        let report = app.receive("analyst-1", "desk", "V-1", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let send = async || {
            let event = look(&app, &report.event, "").await;
            let draft = json!({
                "event": report.event, "expectedVersion": event["version"], "channel": desk, "kind": "THANKS",
                "subject": "Thank you", "body": "We thank you.",
            });
            let reply = app.made(&analyst, "draftReply", draft, "id version").await;
            let input = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "via": "EMAIL" });
            app.made(&analyst, "sendReply", input, "id").await;
            hand_over(&app).await;
            reply["id"].clone()
        };
        let mut expected = Vec::new();
        for (behaviour, kind) in
            [(Behaviour::NoSuchRecipient, "REPLY_FAILED"), (Behaviour::Vanish, "REPLY_UNCERTAIN")]
        {
            server.behave(behaviour);
            expected.insert(0, (kind.to_owned(), send().await));
            app.advance(TimeDelta::seconds(1));
        }
        server.behave(Behaviour::Take);
        let sent = send().await;
        let dispatch = reply_dispatch::Entity::find().order_by_desc(reply_dispatch::Column::Id);
        let dispatch = dispatch.one(app.app.database.reader()).await.unwrap().unwrap();
        let status = crate::replies::bounce_of(&dispatch.message_id);
        let operator = Actor::operator("operator", [Role::Analyst]);
        app.advance(TimeDelta::seconds(1));
        for _ in 0..2 {
            bounce::take_bounce(&app.app, &operator, status.as_bytes()).await.unwrap();
        }
        expected.insert(0, ("REPLY_BOUNCED".to_owned(), sent));
        for subject in ["analyst-1", "analyst-3"] {
            assert_eq!(told(&app, Role::Analyst, subject).await, expected, "{subject}");
        }
        assert_eq!(told(&app, Role::Analyst, "analyst-2").await, []);
        // What it is about is found by its id, by who may see it.
        let reply = expected[0].1.as_str().unwrap();
        assert_eq!(app.node(&analyst, reply, "Reply", "kind").await["kind"], "THANKS");
    }
}

#[tokio::test]
async fn those_who_look_after_the_installation_hear_once_of_an_endpoint_without_an_owner() {
    on_both(|app| async move {
        app.with_company().await;
        let admin = app.token(Role::Admin, "admin-1");
        for (role, subject) in [(Role::Leader, "leader-1"), (Role::Analyst, "analyst-9")] {
            app.graphql(&app.token(role, subject), "{ viewer { subject } }", Value::Null).await;
        }
        let endpoint = json!({
            "name": "Portal", "url": "https://hooks.example/in", "messageTypes": ["*"], "owner": "analyst-9",
            "grant": { "role": "ANALYST", "tlpCeiling": "AMBER", "abroad": false },
        });
        let fields = "endpoint { id }";
        let made = app.done(&admin, "createWebhookEndpoint", "CreateWebhookEndpoint", endpoint, fields).await;
        let id = made["endpoint"]["id"].clone();
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(told(&app, Role::Admin, "admin-1").await, []);

        let deny = |name: &'static str| {
            let (app, admin) = (&app, &admin);
            let subject = json!({ "issuer": DEVELOPMENT_ISSUER, "subject": "analyst-9", "reason": "left" });
            async move {
                let kind = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
                app.done(admin, name, &kind, subject, "principal { denied }").await;
            }
        };
        deny("denyPrincipal").await;
        for _ in 0..2 {
            schedule::sweep(&app.app).await.unwrap();
        }
        let once = ("ENDPOINT_OWNER_GONE".to_owned(), id.clone());
        for (role, subject) in [(Role::Admin, "admin-1"), (Role::Leader, "leader-1")] {
            assert_eq!(told(&app, role, subject).await, std::slice::from_ref(&once), "{role}");
        }
        assert_eq!(told(&app, Role::Analyst, "analyst-1").await, []);
        deny("allowPrincipal").await;
        deny("denyPrincipal").await;
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(told(&app, Role::Admin, "admin-1").await.len(), 2, "gone again");
        deny("allowPrincipal").await;
        app.advance(TimeDelta::days(29));
        app.graphql(&app.token(Role::Admin, "admin-1"), "{ viewer { subject } }", Value::Null).await;
        app.advance(TimeDelta::days(1));
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(told(&app, Role::Admin, "admin-1").await.len(), 3, "stale");
        assert_eq!(told(&app, Role::Leader, "leader-1").await.len(), 2, "whose word is stale hears nothing");

        // Marked as read by whom it is for.
        let own = app.token(Role::Admin, "admin-1");
        let document = "{ notices(unread: true) { nodes { id } } }";
        let first =
            app.graphql(&own, document, Value::Null).await["data"]["notices"]["nodes"][0]["id"].clone();
        app.done(&own, "markNoticeRead", "MarkNoticeRead", json!({ "notice": first }), "notice { readAt }")
            .await;
        let left = app.graphql(&own, document, Value::Null).await;
        assert_eq!(left["data"]["notices"]["nodes"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_report_is_acknowledged_as_its_channel_says() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let admin = app.token(Role::Admin, "admin-1");
        let official = json!({
            "key": "base", "name": "x", "kind": "NATIONAL_DATABASE", "jurisdiction": "CN", "abroad": false,
            "replyRequired": true, "acknowledgement": "AUTOMATIC",
        });
        let refused = app.call(&admin, "createChannel", official, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "FOUR_EYES", "{refused}");

        let kind = "SRC_PLATFORM";
        let by_mail =
            channel(&app, json!({ "key": "mail", "kind": kind, "acknowledgement": "AUTOMATIC" })).await;
        route(&app, &by_mail).await;
        channel(&app, json!({ "key": "way", "kind": kind, "acknowledgement": "AUTOMATIC" })).await;
        channel(&app, json!({ "key": "draft", "kind": kind, "acknowledgement": "DRAFTED" })).await;
        channel(&app, json!({ "key": "hand", "kind": kind })).await;
        let before = server.got().len();
        let mut replies = Vec::new();
        for key in ["mail", "way", "draft", "hand"] {
            let report = app.receive("analyst-1", key, &format!("{key}-1"), "AMBER").await;
            replies.push(report.event);
        }
        for _ in 0..2 {
            schedule::sweep(&app.app).await.unwrap();
            hand_over(&app).await;
        }
        let mut states = Vec::new();
        for event in replies {
            let fields = "replies { state kind template draftedBy } obligations { kind state }";
            let event = look(&app, &event, fields).await;
            let replies = event["replies"].as_array().unwrap();
            assert!(replies.len() <= 1, "{event}");
            let met = event["obligations"].as_array().unwrap().iter();
            let met = met.filter(|row| row["kind"] == "ACKNOWLEDGEMENT" && row["state"] == "MET").count();
            if let Some(reply) = replies.first() {
                assert_eq!(
                    (&reply["kind"], &reply["template"], &reply["draftedBy"]),
                    (&json!("ACKNOWLEDGEMENT"), &json!("src-acknowledgement-zh"), &json!("vulndesk")),
                    "by the regime of what is owed"
                );
            }
            states.push((replies.first().map_or(Value::Null, |reply| reply["state"].clone()), met));
        }
        assert_eq!(
            states,
            [(json!("SENT"), 1), (json!("DRAFT"), 0), (json!("DRAFT"), 0), (Value::Null, 0)],
            "sent where there is a way, drafted where there is none"
        );
        let got = server.got();
        assert_eq!(got.len(), before + 1, "once");
        let mail = MessageParser::default().parse(got[before].as_bytes()).unwrap();
        assert_eq!(mail.subject(), Some("已收到您提交的漏洞（mail-1）"));
    }
}

#[tokio::test]
async fn what_a_database_is_asked_is_drafted_and_it_is_written_to_by_replies_alone() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let message = json!({ "report": report.report, "body": "Which version?" });
        let refused = app.call(&analyst, "messageReporter", message, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "FOUR_EYES", "{refused}");
        assert!(refused["userErrors"][0]["message"].as_str().unwrap().contains("draftReply"), "{refused}");
        step(&app, &report.event, "startTriage", "EventMove", json!({})).await;
        let asked = json!({ "report": report.report, "question": "Which version?" });
        step(&app, &report.event, "askReporter", "AskReporter", asked).await;
        let fields = "status replies { kind state body subject needsApproval } comments { nodes { body } }";
        let event = look(&app, &report.event, fields).await;
        assert_eq!(event["status"], "NEEDS_INFORMATION");
        assert_eq!(event["comments"]["nodes"], json!([]), "nothing of it left");
        assert_eq!(
            event["replies"],
            json!([{ "kind": "FOLLOW_UP", "state": "DRAFT", "body": "Which version?", "subject": "请补充信息：CNVD-1", "needsApproval": true }])
        );
        app.advance(TimeDelta::hours(49));
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(look(&app, &report.event, fields).await["comments"]["nodes"], json!([]), "no reminder either");
    })
    .await;
}
