//! Inbound mail: what becomes a report, what joins one, what is left alone, and who reads the files in it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use chrono::TimeDelta;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use vulndesk::app::App;
use vulndesk::auth::Role;
use vulndesk::clock::{Clock, Ids};
use vulndesk::mail::rules::Automatic;
use vulndesk::mail::settings::Mailroom;
use vulndesk::mail::{Incoming, Outcome, reader, store, take, trouble};

use crate::clocks::messages;
use crate::deadlines::on_duty;
use crate::harness::{TestApp, on_both};
use crate::story::Story;
use crate::{replies, rich};

/// A mail with a file, from `from` with these further headers.
fn mail(from: &str, id: &str, more: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: psirt@example.com\r\nMessage-ID: {id}\r\n{more}MIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\
         --b\r\nContent-Type: text/html; name=\"poc.html\"\r\nContent-Disposition: attachment; filename=\"../poc.html\"\r\n\r\n\
         <script>alert('{id}')</script>\r\n--b--\r\n"
    )
    .into_bytes()
}

/// Takes a mail of the mailbox of `channel`.
pub(crate) async fn post(app: &TestApp, channel: &str, bytes: Vec<u8>) -> Outcome {
    // One after the other, so that they have an order.
    app.advance(TimeDelta::seconds(1));
    let incoming = Incoming { bytes, received_at: None };
    take(&app.app, &reader("mail", channel), channel, &incoming, false).await.unwrap()
}

/// Takes a mail that is a new report, with the same file as every other one.
pub(crate) async fn received(app: &TestApp, channel: &str, id: &str, subject: &str, text: &str) {
    let letter = mail("Somebody <somebody@example.org>", id, &format!("Subject: {subject}\r\n"), text);
    // What the file says is of the mail's id.
    let letter = String::from_utf8(letter).unwrap().replace(&format!("alert('{id}')"), "alert(1)");
    assert_eq!(post(app, channel, letter.into_bytes()).await, Outcome::Received);
}

/// Takes a mail of somebody else who answers this reply of ours.
pub(crate) async fn answer(app: &TestApp, channel: &str, reply: &str) {
    let more = format!("Subject: Re: your reply\r\nIn-Reply-To: {reply}\r\n");
    let other = mail("desk@example.org", "<other@example.org>", &more, "We have a question");
    assert_eq!(post(app, channel, other).await, Outcome::Joined);
}

/// Takes a mail of the reporter of the story's report.
pub(crate) async fn about(app: &TestApp, channel: &str, story: &Story<'_>) {
    let subject = format!("Subject: Re: {}\r\n", story.number);
    let own = mail("Somebody <somebody@example.org>", "<own@example.org>", &subject, "Also in 5.2");
    assert_eq!(post(app, channel, own).await, Outcome::Joined);
}

/// The id of the first mail about the story's report.
pub(crate) async fn first(story: &Story<'_>) -> String {
    let leader = story.app.token(Role::Leader, "leader-1");
    let seen = story.app.node(&leader, &story.report, "Report", "mails { nodes { id } }").await;
    seen["mails"]["nodes"][0]["id"].as_str().unwrap().to_owned()
}

async fn mailbox(app: &TestApp) {
    app.with_company().await;
    mail_channel(app).await;
}

async fn mail_channel(app: &TestApp) {
    let input = json!({
        "key": "mail", "name": "mail", "kind": "CUSTOMER", "jurisdiction": "CN", "abroad": false, "replyRequired": true,
    });
    app.made(&app.token(Role::Admin, "admin-1"), "createChannel", input, "id").await;
}

const REPORTS: &str =
    "{ reports { nodes { id title text severity reporter { name email } event { id number status version }
    versions { number source { name value } }
    messages { nodes { body fromReporter } }
    attachments { nodes { id path kind name mediaType size sha256 } }
    mails { nodes { id subject text sender fromReporter verification recordedBy message { body }
        attachments { id kind name } } } } } }";

/// The reports through the mailbox, the first first.
async fn reports(app: &TestApp) -> Vec<Value> {
    let answer = app.graphql(&app.token(Role::Analyst, "analyst-1"), REPORTS, Value::Null).await;
    assert!(answer["errors"].is_null(), "{answer}");
    let mut nodes = answer["data"]["reports"]["nodes"].as_array().unwrap().clone();
    nodes.reverse();
    nodes
}

async fn download(app: &TestApp, token: &str, path: &str) -> (u16, Option<String>, Option<String>, Vec<u8>) {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let response = app.respond(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, kind, disposition) =
        (response.status().as_u16(), header("content-type"), header("content-disposition"));
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
    (status, kind, disposition, bytes.to_vec())
}

#[tokio::test]
async fn a_mail_becomes_a_report_with_its_files_once() {
    on_both(|app| async move {
        mailbox(&app).await;
        let bytes = mail("白帽子 <hat@example.org>", "<1@example.org>", "Subject: A hole\r\n", "步骤 steps");
        assert_eq!(post(&app, "mail", bytes.clone()).await, Outcome::Received);
        assert_eq!(post(&app, "mail", bytes.clone()).await, Outcome::AlreadyKnown);
        // The same mail by another way.
        let copy =
            [b"Received: from a by b; Sun, 1 Mar 2026 10:00:00 +0000\r\n".to_vec(), bytes.clone()].concat();
        assert_eq!(post(&app, "mail", copy).await, Outcome::AlreadyKnown);
        let found = reports(&app).await;
        assert_eq!(found.len(), 1);
        let report = &found[0];
        assert_eq!((&report["title"], &report["text"]), (&json!("A hole"), &json!("步骤 steps")));
        assert_eq!(report["reporter"]["email"], "hat@example.org");
        assert_eq!(report["event"]["status"], "RECEIVED");
        let obligations = "query($id: ID!) { node(id: $id) { ... on Event { obligations { kind state } } } }";
        let analyst = app.token(Role::Analyst, "analyst-1");
        let owed = app.graphql(&analyst, obligations, json!({ "id": report["event"]["id"] })).await;
        assert_ne!(owed["data"]["node"]["obligations"], json!([]), "the channel is owed a reply");
        let mail = &report["mails"]["nodes"][0];
        assert_eq!((&mail["verification"], &mail["fromReporter"]), (&json!("UNVERIFIED"), &json!(true)));
        assert_eq!(
            (&mail["text"], &mail["message"]),
            (&Value::Null, &Value::Null),
            "the report has its words"
        );
        let files = report["attachments"]["nodes"].as_array().unwrap();
        assert_eq!(files.len(), 2);
        let original = files.iter().find(|file| file["kind"] == "ORIGINAL_MAIL").unwrap();
        let file = files.iter().find(|file| file["kind"] == "FILE").unwrap();
        assert_eq!((&original["name"], &file["name"]), (&json!("mail.eml"), &json!("poc.html")));
        let (status, kind, disposition, got) =
            download(&app, &analyst, original["path"].as_str().unwrap()).await;
        assert_eq!((status, got), (200, bytes));
        assert_eq!(kind.as_deref(), Some("application/octet-stream"));
        assert_eq!(disposition.as_deref(), Some("attachment; filename=\"mail.eml\""));
        let (_, kind, disposition, got) = download(&app, &analyst, file["path"].as_str().unwrap()).await;
        assert_eq!(got, b"<script>alert('<1@example.org>')</script>");
        assert_eq!(kind.as_deref(), Some("application/octet-stream"), "no browser runs it");
        assert!(disposition.unwrap().starts_with("attachment;"));
        let verified = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(verified.is_sound(), "{verified}");
    })
    .await;
}

#[tokio::test]
async fn what_no_person_wrote_opens_nothing() {
    on_both(|app| async move {
        mailbox(&app).await;
        for (more, reason) in [
            ("Auto-Submitted: auto-replied\r\n", Automatic::AutoSubmitted),
            ("Precedence: bulk\r\n", Automatic::Bulk),
            ("List-Id: <news.example.org>\r\n", Automatic::MailingList),
            ("X-Auto-Response-Suppress: All\r\n", Automatic::NoResponse),
            ("Return-Path: <>\r\n", Automatic::DeliveryReport),
        ] {
            let bytes = mail("a@example.org", "<auto@example.org>", more, "I am away");
            assert_eq!(post(&app, "mail", bytes).await, Outcome::Automatic(reason));
        }
        assert!(matches!(post(&app, "mail", b"\r\n\r\n".to_vec()).await, Outcome::Refused(_)));
        assert_eq!(entity::report::Entity::find().count(app.app.database.reader()).await.unwrap(), 0);
        assert_eq!(entity::inbound_mail::Entity::find().count(app.app.database.reader()).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_reporters_answer_joins_their_report_and_nobody_elses_does() {
    on_both(|app| async move {
        mailbox(&app).await;
        let first = mail("hat@example.org", "<1@example.org>", "Subject: A hole\r\n", "steps");
        post(&app, "mail", first).await;
        let report = reports(&app).await.remove(0);
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (event, number) = (&report["event"]["id"], report["event"]["number"].as_str().unwrap());
        app.made(&analyst, "startTriage", json!({ "event": event, "expectedVersion": report["event"]["version"] }), "id").await;
        let seen = app.node(&analyst, event.as_str().unwrap(), "Event", "version").await;
        let ask = json!({ "event": event, "expectedVersion": seen["version"], "report": report["id"], "question": "Which version?" });
        app.made(&analyst, "askReporter", ask, "id").await;

        // Somebody else names the mail and the event.
        let thread = "Subject: Re: A hole\r\nIn-Reply-To: <1@example.org>\r\n".to_owned();
        let stranger = mail("stranger@example.net", "<2@example.net>", &thread, "I say so too");
        assert_eq!(post(&app, "mail", stranger).await, Outcome::Received, "a report of their own");
        let named = format!("Subject: {number}\r\n");
        let stranger = mail("stranger@example.net", "<3@example.net>", &named, "me again");
        assert_eq!(post(&app, "mail", stranger).await, Outcome::Received);
        let twice = mail("stranger@example.net", "<1@example.org>", "Subject: A hole\r\n", "with your id");
        assert_eq!(post(&app, "mail", twice).await, Outcome::Received, "an id that is taken");
        let now = reports(&app).await;
        assert_eq!((now.len(), &now[0]["messages"]["nodes"].as_array().unwrap().len()), (4, &1), "the question alone");
        assert_eq!(now[0]["versions"].as_array().unwrap().len(), 1);
        assert_eq!(now[0]["event"]["status"], "NEEDS_INFORMATION");

        let answer = mail("Hat <HAT@example.org>", "<4@example.org>", &thread, "Version 5.1");
        assert_eq!(post(&app, "mail", answer.clone()).await, Outcome::Joined);
        assert_eq!(post(&app, "mail", answer).await, Outcome::AlreadyKnown);
        let now = reports(&app).await;
        let told = json!({ "body": "Version 5.1", "fromReporter": true });
        assert_eq!(now[0]["messages"]["nodes"][1], told);
        assert_eq!(now[0]["event"]["status"], "TRIAGING", "the answer was waited for");
        assert_eq!(now[0]["mails"]["nodes"][1]["message"]["body"], "Version 5.1");
        let again = mail("hat@example.org", "<5@example.org>", &named, "One more thing");
        assert_eq!(post(&app, "mail", again).await, Outcome::Joined, "by number, from its reporter");
        let same_id = mail("hat@example.org", "<5@example.org>", &named, "Said under the same id");
        assert_eq!(post(&app, "mail", same_id.clone()).await, Outcome::Joined);
        assert_eq!(post(&app, "mail", same_id).await, Outcome::AlreadyKnown);
        assert_eq!(reports(&app).await.len(), 4);
    })
    .await;
}

/// The same product with other settings of inbound mail.
async fn judging_by(app: &TestApp, mailroom: Mailroom) -> App {
    let clock: Arc<dyn Clock> = Arc::clone(&app.clock) as _;
    let ids = Ids::seeded(Arc::clone(&clock), 9);
    App::new(app.app.database.clone(), clock, ids).await.unwrap().with_mailroom(mailroom)
}

#[tokio::test]
async fn a_sender_that_was_found_forged_is_nobody() {
    on_both(|app| async move {
        mailbox(&app).await;
        let trusted_servers = vec!["mx.example.com".to_owned()];
        let strict = judging_by(&app, Mailroom { trusted_servers, ..Mailroom::default() }).await;
        let post = async |results: &str, id: &str, more: &str, text: &str| {
            let results =
                format!("Authentication-Results: mx.example.com; {results} header.from=example.org\r\n");
            let bytes = [results.into_bytes(), mail("hat@example.org", id, more, text)].concat();
            app.advance(TimeDelta::seconds(1));
            let incoming = Incoming { bytes, received_at: None };
            take(&strict, &reader("mail", "mail"), "mail", &incoming, false).await.unwrap()
        };
        assert_eq!(
            post("dmarc=pass", "<1@example.org>", "Subject: A hole\r\n", "steps").await,
            Outcome::Received
        );
        let report = reports(&app).await.remove(0);
        assert_eq!(report["mails"]["nodes"][0]["verification"], "VERIFIED");
        let thread = format!(
            "Subject: {}\r\nIn-Reply-To: <1@example.org>\r\n",
            report["event"]["number"].as_str().unwrap()
        );
        assert_eq!(post("dmarc=fail", "<2@example.org>", &thread, "forged words").await, Outcome::Received);
        let now = reports(&app).await;
        assert_eq!(now[0]["messages"]["nodes"], json!([]));
        assert_eq!(
            (&now[1]["reporter"], &now[1]["mails"]["nodes"][0]["verification"]),
            (&Value::Null, &json!("FAILED"))
        );
        // Nobody vouches: the number alone is not enough where somebody could have.
        let number = format!("Subject: {}\r\n", report["event"]["number"].as_str().unwrap());
        assert_eq!(post("dmarc=none", "<3@example.org>", &number, "who knows").await, Outcome::Received);
        assert_eq!(post("dmarc=none", "<4@example.org>", &thread, "in the thread").await, Outcome::Joined);
        assert_eq!(post("dmarc=pass", "<5@example.org>", &number, "surely").await, Outcome::Joined);
        let now = reports(&app).await;
        let verified: Vec<_> =
            now[0]["mails"]["nodes"].as_array().unwrap().iter().map(|mail| &mail["verification"]).collect();
        assert_eq!(verified, ["VERIFIED", "UNVERIFIED", "VERIFIED"]);
    })
    .await;
}

#[tokio::test]
async fn an_answer_to_a_reply_joins_what_it_answered_and_only_the_team_reads_what_others_wrote() {
    on_both(|app| async move {
        let story = rich::event(&app, "cnvd", "RED").await;
        mail_channel(&app).await;
        replies::dispatched(&app, &story).await;
        let thread = "Subject: Re\r\nReferences: <x@y> <1@example.com>\r\n";
        let other = mail("desk@example.net", "<2@example.net>", thread, "A question of ours");
        assert_eq!(post(&app, "mail", other).await, Outcome::Joined, "on an event of named people too");
        let leader = app.token(Role::Leader, "leader-1");
        let fields = "messages { nodes { body } } mails { nodes { subject text sender fromReporter message { id } attachments { path kind } } }
            versions { number } attachments { nodes { name } }";
        let seen = app.node(&leader, &story.report, "Report", fields).await;
        let mails = seen["mails"]["nodes"].as_array().unwrap();
        let last = mails.last().unwrap();
        assert_eq!((&last["text"], &last["sender"]), (&json!("A question of ours"), &json!("desk@example.net")));
        assert_eq!((&last["fromReporter"], &last["message"]), (&json!(false), &Value::Null));
        assert!(!seen["messages"].to_string().contains("A question of ours"));
        let own = app.token(Role::Reporter, "reporter-1");
        let theirs = app.node(&own, &story.report, "Report", fields).await;
        assert_eq!(theirs["mails"], Value::Null);
        let kinds = app.node(&own, &story.report, "Report", "attachments { nodes { kind name } }").await;
        assert_eq!(kinds["attachments"]["nodes"], json!([{ "kind": "FILE", "name": "poc.html" }]), "what they sent");
        for attachment in last["attachments"].as_array().unwrap() {
            let path = attachment["path"].as_str().unwrap();
            assert_eq!(download(&app, &own, path).await.0, 404);
            assert_eq!(download(&app, &leader, path).await.0, 200);
        }
        let told = entity::message::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert_eq!(told.iter().filter(|row| row.kind == "report.mail").count(), 1);

        // An auditor finds what it said, and not who sent it.
        let path = format!("/events/{}/package.zip", story.number);
        let (status, _, bytes) = replies::download(&app, &leader, &path).await;
        assert_eq!(status, 200);
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut found = Vec::new();
        for place in 0..archive.len() {
            let mut file = archive.by_index(place).unwrap();
            if file.name().starts_with("received/") && file.name().ends_with(".json") && file.name().contains("-mail") {
                let mut text = String::new();
                std::io::Read::read_to_string(&mut file, &mut text).unwrap();
                assert!(!text.contains("desk@example.net"), "{text}");
                found.push(serde_json::from_str::<Value>(&text).unwrap());
            }
        }
        assert_eq!(found.len(), mails.len(), "{found:?}");
        let other = found.iter().find(|mail| mail["fromReporter"] == false).unwrap();
        assert_eq!((&other["text"], &other["subject"]), (&json!("A question of ours"), &json!("Re")));
    })
    .await;
}

#[tokio::test]
async fn an_attachment_of_a_hidden_report_is_one_that_never_was() {
    on_both(|app| async move {
        let story = rich::event(&app, "cnvd", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let listed =
            app.node(&analyst, &story.report, "Report", "attachments { nodes { id path kind } }").await;
        let files = listed["attachments"]["nodes"].as_array().unwrap();
        assert_eq!(files.len(), 2);
        let absent = vulndesk::ids::encode(vulndesk::ids::Kind::Attachment, uuid::Uuid::from_u128(1));
        let who = [
            ("a reporter of another report", app.token(Role::Reporter, "reporter-7")),
            ("another channel's service", app.mint(&[Role::Src], "src-7", &[], Some("src"))),
            ("an engineer of another product", app.token(Role::Engineer, "engineer-7")),
            ("an engineer of the event", app.token_in_scope(Role::Engineer, "engineer-1")),
            ("finance", app.token(Role::Finance, "finance-1")),
            ("an admin", app.token(Role::Admin, "admin-1")),
        ];
        for (name, token) in &who {
            let unknown = download(&app, token, &format!("/files/{absent}")).await;
            assert!([403, 404].contains(&unknown.0), "{name}");
            for file in files {
                assert_eq!(download(&app, token, file["path"].as_str().unwrap()).await, unknown, "{name}");
                let id = file["id"].as_str().unwrap();
                assert!(app.node(token, id, "Attachment", "name").await.is_null(), "{name}");
            }
        }
        let own = app.token(Role::Reporter, "reporter-1");
        let service = app.mint(&[Role::Src], "src-1", &[], Some("cnvd"));
        for file in files {
            let expected = if file["kind"] == "FILE" { 200 } else { 404 };
            for token in [&own, &service] {
                assert_eq!(download(&app, token, file["path"].as_str().unwrap()).await.0, expected);
            }
        }
        let wrong = download(&app, &analyst, &format!("/files/{}", story.report)).await;
        assert_eq!(wrong.0, 404, "an id of another kind");
        let nobody = Request::get(files[0]["path"].as_str().unwrap()).body(Body::empty()).unwrap();
        assert_eq!(app.send(nobody).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn erasing_a_reporter_erases_their_original_mails_and_leaves_what_they_reported() {
    on_both(|app| async move {
        mailbox(&app).await;
        let bytes = mail("Hat <hat@example.org>", "<1@example.org>", "Subject: A hole\r\n", "steps");
        post(&app, "mail", bytes).await;
        let leader = app.token(Role::Leader, "leader-1");
        let fields = "reporter { id version } attachments { nodes { path kind } } mails { nodes { sender } }";
        let answer = app.graphql(&leader, &format!("{{ reports {{ nodes {{ id {fields} }} }} }}"), Value::Null).await;
        let report = &answer["data"]["reports"]["nodes"][0];
        let erase = json!({
            "reporter": report["reporter"]["id"], "expectedVersion": report["reporter"]["version"], "reason": "asked for",
        });
        app.made(&leader, "eraseReporter", erase, "id").await;
        let seen = app.node(&leader, report["id"].as_str().unwrap(), "Report", "text mails { nodes { sender subject } }").await;
        assert_eq!(seen["mails"]["nodes"], json!([{ "sender": null, "subject": "A hole" }]));
        assert_eq!(seen["text"], "steps");
        for file in report["attachments"]["nodes"].as_array().unwrap() {
            let expected = if file["kind"] == "FILE" { 200 } else { 404 };
            assert_eq!(download(&app, &leader, file["path"].as_str().unwrap()).await.0, expected);
        }
        let entries = entity::audit_entry::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert!(entries.iter().all(|entry| !entry.details.contains("hat@example.org")), "nothing of it in the audit");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn a_bounce_of_a_reply_is_recorded_on_it_and_a_strange_one_is_not() {
    on_both(|app| async move {
        let story = rich::event(&app, "cnvd", "AMBER").await;
        mail_channel(&app).await;
        replies::left(&app, &story).await;
        assert_eq!(
            post(&app, "mail", replies::bounce_of("<none@example.com>").into_bytes()).await,
            Outcome::Automatic(Automatic::DeliveryReport)
        );
        let ours = replies::bounce_of("<1@example.com>").into_bytes();
        assert_eq!(post(&app, "mail", ours.clone()).await, Outcome::Bounced);
        assert_eq!(post(&app, "mail", ours).await, Outcome::Automatic(Automatic::DeliveryReport), "once");
    })
    .await;
}

#[tokio::test]
async fn many_processes_that_read_one_mailbox_record_each_mail_once() {
    on_both(|app| async move {
        mailbox(&app).await;
        let mails: Vec<Vec<u8>> = (0..6)
            .map(|number| {
                let more =
                    if number == 0 { String::new() } else { "In-Reply-To: <m0@example.org>\r\n".to_owned() };
                mail(
                    "hat@example.org",
                    &format!("<m{number}@example.org>"),
                    &format!("Subject: A hole\r\n{more}"),
                    &format!("part {number}"),
                )
            })
            .collect();
        post(&app, "mail", mails[0].clone()).await;
        let all = (0..5).flat_map(|_| mails.iter().cloned()).map(|bytes| post(&app, "mail", bytes));
        let outcomes = futures_util::future::join_all(all).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Joined).count(), 5, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Joined | Outcome::AlreadyKnown)));
        let found = reports(&app).await;
        assert_eq!((found.len(), found[0]["messages"]["nodes"].as_array().unwrap().len()), (1, 5));
        assert_eq!(found[0]["mails"]["nodes"].as_array().unwrap().len(), 6);
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn mails_that_are_not_taken_are_told_of_once_a_day() {
    on_both(|app| async move {
        mailbox(&app).await;
        on_duty(&app, "SECURITY", "analyst-2").await;
        let told = async || {
            let mut all = Vec::new();
            for (role, subject) in [(Role::Admin, "admin-1"), (Role::Analyst, "analyst-2")] {
                let token = app.token(role, subject);
                let answer = app.graphql(&token, "{ notices { nodes { kind about } } }", Value::Null).await;
                let answer = answer["data"]["notices"]["nodes"].clone();
                all.extend(
                    answer.as_array().unwrap().iter().map(|row| (row["kind"].clone(), row["about"].clone())),
                );
            }
            all
        };
        for _ in 0..3 {
            trouble::tell(&app.app, "mail").await;
        }
        let channel = messages(&app, "mail.left_out").await;
        assert_eq!(channel.len(), 1, "{channel:?}");
        let once = (json!("MAIL_LEFT_OUT"), channel[0]["channel"].clone());
        assert_eq!(told().await, [once.clone(), once.clone()], "each of the two");
        app.advance(TimeDelta::days(1));
        trouble::tell(&app.app, "mail").await;
        assert_eq!(told().await, vec![once; 4]);
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_is_read_by_one_process_at_a_time() {
    on_both(|app| async move {
        let (first, second) = (app.app.ids.next(), app.app.ids.next());
        let claim = async |by| {
            let now = app.now();
            store::claim_mailbox(&app.app, "psirt@mail/INBOX", by, now, now + TimeDelta::seconds(60))
                .await
                .unwrap()
        };
        assert!(claim(first).await);
        assert!(!claim(second).await, "somebody has it");
        app.advance(TimeDelta::seconds(59));
        assert!(claim(first).await, "kept");
        app.advance(TimeDelta::seconds(59));
        assert!(!claim(second).await);
        app.advance(TimeDelta::seconds(1));
        assert!(claim(second).await, "whoever had it is gone");
        store::release_mailbox(&app.app, "psirt@mail/INBOX", second, app.now()).await.unwrap();
        assert!(claim(first).await, "given back");
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_the_bound_and_what_fits_is_kept() {
    let app = TestApp::sqlite().await;
    mailbox(&app).await;
    let small = judging_by(&app, Mailroom { message_bytes: 1_000, ..Mailroom::default() }).await;
    let incoming = Incoming {
        bytes: mail("hat@example.org", "<1@example.org>", "", &"x".repeat(1_000)),
        received_at: None,
    };
    let outcome = take(&small, &reader("mail", "mail"), "mail", &incoming, false).await.unwrap();
    assert!(matches!(&outcome, Outcome::Refused(words) if words.contains("1000")), "{outcome:?}");
    let file = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, vec![7; 25 << 20]);
    let whole = format!(
        "From: hat@example.org\r\nSubject: large\r\nMessage-ID: <2@example.org>\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}"
    );
    assert_eq!(post(&app, "mail", whole.into_bytes()).await, Outcome::Received, "25 MiB fit");
    let found = reports(&app).await.remove(0);
    let files = found["attachments"]["nodes"].as_array().unwrap();
    assert!(files.iter().any(|file| file["size"] == 25 << 20), "{files:?}");
}

#[tokio::test]
async fn the_channel_has_to_be_there_and_open() {
    let app = TestApp::sqlite().await;
    mailbox(&app).await;
    let incoming = Incoming { bytes: mail("hat@example.org", "<1@example.org>", "", "x"), received_at: None };
    let nowhere = take(&app.app, &reader("mail", "none"), "none", &incoming, false).await;
    assert!(matches!(nowhere, Err(vulndesk::error::Error::Refused(_))), "{nowhere:?}");
    let nobody = take(
        &app.app,
        &vulndesk::auth::Actor::operator("engineer-1", [Role::Engineer]),
        "mail",
        &incoming,
        false,
    )
    .await;
    assert!(matches!(nobody, Err(vulndesk::error::Error::Forbidden { .. })), "{nobody:?}");
    let dry = take(&app.app, &reader("mail", "mail"), "mail", &incoming, true).await.unwrap();
    assert_eq!(dry, Outcome::Received);
    assert_eq!(
        entity::report::Entity::find().count(app.app.database.reader()).await.unwrap(),
        0,
        "nothing written"
    );
}
