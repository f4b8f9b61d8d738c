//! Replies from templates to proof: what they say, what blocks them, how they leave, what is kept of them.

use std::io::Read;

use axum::body::Body;
use axum::http::{Request, header};
use axum::response::IntoResponse;
use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{DispatchState, ReplyVia};
use entity::{event, reply_dispatch, reply_file};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vulndesk::auth::{Actor, Role};
use vulndesk::ids::{Kind, decode};
use vulndesk::outbound::Client;
use vulndesk::reply::handover::{self, bounce, worker};
use vulndesk::webhook::sign::{self, Key};

use crate::harness::{TestApp, on_both};
use crate::mail_server::{Behaviour, MailServer};
use crate::receiver::Receiver;
use crate::rich;
use crate::story::Story;

/// What no reply may say, whatever template it is made from.
const SECRETS: [&str; 7] = [
    "Grace Whistle",
    "grace@whistle.example",
    "INTERNAL-WORD",
    "RAW-OF-ANOTHER",
    "RATIONALE-WORD",
    "MESSAGE-WORD",
    "grace-subject",
];

pub(crate) const PREVIEW: &str = "query($event: ID!, $channel: ID!, $kind: ReplyKind!, $from: FromTemplate!, $language: String) {
    previewReply(event: $event, channel: $channel, kind: $kind, fromTemplate: $from, language: $language) {
        __typename language subject body text html template { key } missing { __typename name meaning supplied } } }";

pub(crate) async fn channel(app: &TestApp, key: &str, kind: &str, abroad: bool) -> String {
    let admin = app.token(Role::Admin, "admin-1");
    let input = json!({
        "key": key, "name": key, "kind": kind, "jurisdiction": if abroad { "EU" } else { "CN" }, "abroad": abroad,
        "replyRequired": false, "language": if abroad { "en" } else { "zh-CN" },
    });
    let made = app.made(&admin, "createChannel", input, "id").await;
    made["id"].as_str().unwrap().to_owned()
}

/// An event with something of everything that must stay inside.
pub(crate) async fn secretive(app: &TestApp) -> Story<'_> {
    app.with_company().await;
    let product = app.with_core_router().await;
    let other = json!({
        "channel": "src", "title": "RAW-OF-ANOTHER title", "text": "RAW-OF-ANOTHER text",
        "reporter": { "name": "Grace Whistle", "email": "grace@whistle.example", "subject": "grace-subject" },
        "indicators": [{ "kind": "CVE", "value": "CVE-2026-1000 RAW-OF-ANOTHER" }, { "kind": "CVE", "value": "CVE-2026-2000" }],
    });
    let story = Story::receive(app, "OTHER-1", other).await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let own = json!({
        "channel": "cnvd", "number": "CNVD-2026-00001", "title": "Own title", "text": "Own text", "joinEvent": story.event,
    });
    app.made(&analyst, "receiveReport", own, "id").await;
    let words = json!({ "title": "Overflow in the parser", "description": "A parser trusts lengths", "steps": "Send the file" });
    story.analyst("describeEvent", words).await;
    story.analyst("startTriage", json!({})).await;
    let verdict = json!({ "verdict": "CONFIRMED", "severity": "HIGH", "rationale": "RATIONALE-WORD" });
    story.analyst("giveVerdict", verdict).await;
    story.product(&product, "AFFECTED").await;
    app.made(&analyst, "comment", json!({ "event": story.event, "body": "INTERNAL-WORD" }), "id").await;
    app.made(&analyst, "messageReporter", json!({ "report": story.report, "body": "MESSAGE-WORD" }), "id")
        .await;
    story
}

async fn templates(app: &TestApp, token: &str) -> Vec<Value> {
    let answer = app
        .graphql(token, "{ replyTemplates(first: 100) { nodes { key kind language } } }", Value::Null)
        .await;
    answer["data"]["replyTemplates"]["nodes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn no_template_tells_what_has_to_stay() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let kinds = [
            ("database", "NATIONAL_DATABASE", false),
            ("regulator", "REGULATOR", false),
            ("enisa", "REGULATOR", true),
            ("customer", "CUSTOMER", false),
            ("civil", "CIVIL_PLATFORM", false),
            ("media", "MEDIA", false),
            ("vendor", "VENDOR", true),
        ];
        let mut channels = Vec::new();
        for (key, kind, abroad) in kinds {
            channels.push(channel(&app, key, kind, abroad).await);
        }
        channels.push(app.channel("cnvd").await);
        let (mut previews, mut told_own, mut withheld) = (0, false, 0);
        for template in templates(&app, &analyst).await {
            for (place, channel) in channels.iter().enumerate() {
                let variables = json!({
                    "event": story.event, "channel": channel, "kind": template["kind"],
                    "language": template["language"], "from": { "key": template["key"] },
                });
                let answer = app.graphql(&analyst, PREVIEW, variables).await;
                assert!(answer["errors"].is_null(), "{answer}");
                let preview = answer["data"]["previewReply"].to_string();
                for secret in SECRETS {
                    assert!(
                        !preview.contains(secret),
                        "{secret} in {} to {place}: {preview}",
                        template["key"]
                    );
                }
                previews += 1;
                let is_own = place == channels.len() - 1;
                told_own |= is_own && preview.contains("Own title") && preview.contains("CNVD-2026-00001");
                assert!(is_own || !preview.contains("Own title"), "another channel's title: {preview}");
                // Nothing was decided about going abroad, and nothing of it is public.
                if place == 2 {
                    for content in ["Overflow in the parser", "trusts lengths", "Core Router"] {
                        assert!(!preview.contains(content), "{content} abroad: {preview}");
                    }
                    withheld += 1;
                }
            }
        }
        assert!(previews > 300 && told_own && withheld > 30, "{previews} {told_own} {withheld}");
    })
    .await;
}

#[tokio::test]
async fn a_missing_fact_is_named_and_blocks_the_approval_until_it_is_supplied() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let miit = channel(&app, "miit", "REGULATOR", false).await;
        let from = json!({ "regime": "rmsv", "stage": "report", "facts": [{ "name": "degree_of_harm", "value": "高" }] });
        let variables = json!({ "event": story.event, "channel": miit, "kind": "NOTIFICATION", "from": from });
        let preview = app.graphql(&analyst, PREVIEW, variables).await["data"]["previewReply"].clone();
        assert_eq!(preview["template"]["key"], "rmsv-report-zh");
        let missing: Vec<_> = preview["missing"].as_array().unwrap().iter().map(|fact| fact["name"].clone()).collect();
        assert_eq!(missing, ["affected_versions", "technical_characteristics", "scope_of_impact"]);
        let draft = json!({
            "event": story.event, "expectedVersion": story.version().await, "channel": miit, "kind": "NOTIFICATION",
            "fromTemplate": from,
        });
        let mut reply = app.made(&analyst, "draftReply", draft, "id version body missingFacts").await;
        assert!(reply["body"].as_str().unwrap().contains("【待补充】"), "{reply}");
        assert_eq!(reply["missingFacts"].as_array().unwrap().len(), 4, "three facts and a place to fill: {reply}");
        let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "legal-1" });
        reply = app.made(&analyst, "requestReplyReview", ask, "id version").await;
        let approve = |reply: &Value| json!({ "reply": reply["id"], "expectedVersion": reply["version"], "outcome": "APPROVED" });
        let legal = app.token(Role::Legal, "legal-1");
        let refused = app.call(&legal, "reviewReply", approve(&reply), "id").await;
        let codes: Vec<_> = refused["userErrors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
        assert_eq!(codes, ["MISSING_FACT"; 4], "{refused}");
        let revise = json!({
            "reply": reply["id"], "expectedVersion": reply["version"], "body": "# 报送\n\n全部内容。",
            "facts": [
                { "name": "affected_versions", "value": "5.1" },
                { "name": "technical_characteristics", "value": "溢出" },
                { "name": "scope_of_impact", "value": "全国" },
            ],
        });
        reply = app.made(&analyst, "reviseReply", revise, "id version missingFacts").await;
        assert_eq!(reply["missingFacts"], json!([]));
        let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "legal-1" });
        reply = app.made(&analyst, "requestReplyReview", ask, "id version").await;
        let approved = app.made(&legal, "reviewReply", approve(&reply), "version state").await;
        assert_eq!(approved["state"], "APPROVED");
        // Whoever carries it to the platform takes the file along, and that is what is kept.
        let id = reply["id"].as_str().unwrap();
        let path = format!("/replies/{id}/rendered?format=DOCX");
        let (status, _, carried) = download(&app, &analyst, &path).await;
        assert_eq!((status, &carried[..2]), (200, &b"PK"[..]));
        assert_eq!(download(&app, &app.token_in_scope(Role::Support, "support-1"), &path).await.0, 404);
        assert_eq!(download(&app, &app.token_in_scope(Role::Engineer, "engineer-1"), &path).await.0, 403);
        let by_hand = json!({ "reply": id, "expectedVersion": approved["version"], "receiptNumber": "M-1" });
        app.made(&analyst, "recordReplySent", by_hand, "state").await;
        let kept = download(&app, &analyst, &format!("/replies/{id}/sent?format=DOCX")).await;
        assert!(kept.0 == 200 && kept.2 == carried, "the same bytes");
        let unknown = json!({ "facts": [{ "name": "colour", "value": "red" }] });
        let variables = json!({ "event": story.event, "channel": miit, "kind": "NOTIFICATION", "from": unknown });
        let answer = app.graphql(&analyst, PREVIEW, variables).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    })
    .await;
}

#[tokio::test]
async fn an_admin_keeps_templates_and_every_text_they_had() {
    on_both(|app| async move {
        app.with_company().await;
        let admin = app.token(Role::Admin, "admin-1");
        let input = |body: &str| json!({
            "key": "thanks-zh", "name": "致谢", "kind": "THANKS", "language": "zh-CN", "subject": "谢谢 {{ report_number }}",
            "body": body, "formats": ["TEXT", "PDF"], "idempotencyKey": body,
        });
        for (body, word) in [("{{ reporter }}", "reporter"), ("{% include 'x' %}", "include"), ("{{ today", "template")] {
            let answer = app.call(&admin, "createReplyTemplate", input(body), "key").await;
            let message = answer["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
            assert!(message.starts_with("input.body") && message.contains(word), "{answer}");
        }
        let made = app.made(&admin, "createReplyTemplate", input("谢谢"), "key version builtin number").await;
        assert_eq!(made, json!({ "key": "thanks-zh", "version": 1, "builtin": false, "number": 1 }));
        let again = app.made(&admin, "createReplyTemplate", input("谢谢"), "version").await;
        assert_eq!(again["version"], 1, "the same key adds one");
        let taken = app.call(&admin, "createReplyTemplate", input("又"), "key").await;
        assert_eq!(taken["userErrors"][0]["code"], "ALREADY_EXISTS");
        let update = json!({ "key": "thanks-zh", "expectedVersion": 1, "body": "非常感谢", "required": ["contact"] });
        let fields = "number version required { name } texts { number body author }";
        let updated = app.made(&admin, "updateReplyTemplate", update.clone(), fields).await;
        assert_eq!(updated["texts"], json!([
            { "number": 2, "body": "非常感谢", "author": "admin-1" },
            { "number": 1, "body": "谢谢", "author": "admin-1" },
        ]));
        let stale = app.call(&admin, "updateReplyTemplate", update, "number").await;
        assert_eq!(stale["errors"][0]["extensions"]["code"], "CONFLICT");
        let built_in = json!({ "key": "thanks-en", "expectedVersion": 0, "body": "x" });
        let refused = app.call(&admin, "updateReplyTemplate", built_in, "number").await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND");
        let page = async |arguments: &str| {
            let document = format!("{{ replyTemplates({arguments}) {{ totalCount nodes {{ key }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}");
            app.graphql(&admin, &document, Value::Null).await["data"]["replyTemplates"].clone()
        };
        let keys = |page: &Value| page["nodes"].as_array().unwrap().iter().map(|node| node["key"].clone()).collect::<Vec<_>>();
        let (all, first) = (page("first: 100").await, page("first: 2").await);
        let cursor = |page: &Value, end: &str| page["pageInfo"][end].as_str().unwrap().to_owned();
        let second = page(&format!("first: 3, after: \"{}\"", cursor(&first, "endCursor"))).await;
        assert_eq!([keys(&first), keys(&second)].concat(), keys(&all)[..5]);
        assert_eq!((&first["pageInfo"]["hasNextPage"], &first["totalCount"]), (&json!(true), &json!(keys(&all).len())));
        let back = page(&format!("last: 1, before: \"{}\"", cursor(&second, "startCursor"))).await;
        assert_eq!((keys(&back), &back["pageInfo"]["hasPreviousPage"]), (keys(&all)[1..2].to_vec(), &json!(true)));
        let all = templates(&app, &admin).await;
        assert_eq!(all.iter().filter(|template| template["key"] == "thanks-zh").count(), 1, "it took the place");
    })
    .await;
}

/// A reply to a customer, which needs no approval.
pub(crate) async fn to_customer(app: &TestApp, story: &Story<'_>, channel: &str) -> Value {
    let draft = json!({
        "event": story.event, "expectedVersion": story.version().await, "channel": channel, "kind": "VERDICT",
        "subject": "研判结论", "body": "# 结论\n\n经研判，**确认**存在。",
    });
    app.made(&app.token(Role::Analyst, "analyst-1"), "draftReply", draft, "id version").await
}

pub(crate) async fn routed(app: &TestApp, channel: &str, mut route: Value) -> Value {
    let admin = app.token(Role::Admin, "admin-1");
    let seen = app.node(&admin, channel, "Channel", "version").await;
    route["channel"] = json!(channel);
    route["expectedVersion"] = seen["version"].clone();
    app.done(&admin, "setReplyRoute", "SetReplyRoute", route, "secret channel { id }").await
}

async fn send(app: &TestApp, reply: &Value, formats: Value) -> Value {
    let input = json!({
        "reply": reply["id"], "expectedVersion": reply["version"], "via": "EMAIL", "formats": formats,
    });
    app.call(&app.token(Role::Analyst, "analyst-1"), "sendReply", input, "id version state").await
}

/// Lets the worker do what is due.
pub(crate) async fn work(app: &TestApp) {
    let client = Client::new(app.app.outbound.clone()).unwrap();
    while worker::pass(&app.app, &client).await.unwrap() > 0 {}
}

pub(crate) async fn look(app: &TestApp, reply: &Value) -> Value {
    let fields = "id version state sentVia sentAt files { format name size sha256 } obligations { state }
        dispatches { state attempts answer sha256 messageId recipient nextAttemptAt bouncedAt bounceStatus bounceWords }";
    app.node(&app.token(Role::Analyst, "analyst-1"), reply["id"].as_str().unwrap(), "Reply", fields).await
}

pub(crate) async fn download(app: &TestApp, token: &str, path: &str) -> (u16, Option<String>, Vec<u8>) {
    let request = Request::get(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let response = app.respond(request).await;
    let status = response.status().as_u16();
    let disposition = response.headers().get(header::CONTENT_DISPOSITION);
    let disposition = disposition.map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
    (status, disposition, bytes.to_vec())
}

#[tokio::test]
async fn an_email_leaves_once_and_its_bytes_are_kept() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let before = server.got().len();
        let story = secretive(&app).await;
        let customer = channel(&app, "bank", "CUSTOMER", false).await;
        let reply = to_customer(&app, &story, &customer).await;
        let nowhere = send(&app, &reply, json!(["TEXT"])).await;
        assert_eq!(nowhere["userErrors"][0]["code"], "MISSING_FACT", "no address: {nowhere}");
        let admin = app.token(Role::Admin, "admin-1");
        let seen = app.node(&admin, &customer, "Channel", "version").await;
        for email in ["desk@example.org\r\nBcc: x@example.org", "desk@example.org\r", "\ndesk@example.org"] {
            let broken = json!({ "channel": customer, "expectedVersion": seen["version"], "email": email });
            let refused = app.change(&admin, "setReplyRoute", "SetReplyRoute", broken, "secret").await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{email:?}: {refused}");
        }
        routed(&app, &customer, json!({ "email": "desk@example.org" })).await;
        let sending = send(&app, &reply, json!(["TEXT", "HTML", "PDF", "DOCX"])).await["reply"].clone();
        assert_eq!(sending["state"], "SENDING");
        let twice = send(&app, &sending, json!(["TEXT"])).await;
        assert_eq!(twice["userErrors"][0]["code"], "MOVE_NOT_ALLOWED", "{twice}");
        work(&app).await;
        let sent = look(&app, &reply).await;
        assert_eq!((&sent["state"], &sent["sentVia"]), (&json!("SENT"), &json!("EMAIL")), "{sent}");
        assert_eq!(sent["dispatches"][0]["state"], "TAKEN");
        assert_eq!(server.got().len(), before + 1);
        work(&app).await;
        assert_eq!(server.got().len(), before + 1, "once");

        let analyst = app.token(Role::Analyst, "analyst-1");
        let mail = server.got().pop().unwrap();
        for (format, kept) in ["TEXT", "HTML", "PDF", "DOCX", "MAIL"].map(|format| {
            (
                format,
                sent["files"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|file| file["format"] == format)
                    .unwrap()
                    .clone(),
            )
        }) {
            let path = format!("/replies/{}/sent?format={format}", reply["id"].as_str().unwrap());
            let (status, disposition, bytes) = download(&app, &analyst, &path).await;
            assert_eq!(status, 200, "{format}");
            assert_eq!(hex::encode(Sha256::digest(&bytes)), kept["sha256"].as_str().unwrap(), "{format}");
            assert!(disposition.unwrap().starts_with("attachment; filename=\"VE-"), "{format}");
            if format == "MAIL" {
                assert_eq!(
                    String::from_utf8(bytes).unwrap().trim_end(),
                    mail.trim_end(),
                    "what the server got"
                );
            }
            let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
            assert_eq!(download(&app, &engineer, &path).await.0, 404);
        }
        let unknown = "/replies/none/sent?format=PDF";
        assert_eq!(download(&app, &analyst, unknown).await.0, 404);

        let status = bounce_of(sent["dispatches"][0]["messageId"].as_str().unwrap());
        let operator = Actor::operator("operator", [Role::Analyst]);
        let taken = bounce::take_bounce(&app.app, &operator, status.as_bytes()).await.unwrap();
        assert!(taken.is_some());
        assert!(bounce::take_bounce(&app.app, &operator, status.as_bytes()).await.unwrap().is_none(), "once");
        let strange = bounce_of("<somebody@else.example>");
        assert!(bounce::take_bounce(&app.app, &operator, strange.as_bytes()).await.unwrap().is_none());
        let bounced = look(&app, &reply).await;
        assert_eq!(bounced["state"], "SENT", "what was sent stays sent");
        assert_eq!(bounced["dispatches"][0]["bounceStatus"], "5.1.1");
        assert_eq!(bounced["dispatches"][0]["bounceWords"], "smtp; 550 no such user");
        assert!(!bounced["dispatches"][0]["bouncedAt"].is_null());
        let elsewhere = status.replace("desk@example.org", "passed-on@example.org").replace("5.1.1", "5.2.2");
        assert!(bounce::take_bounce(&app.app, &operator, elsewhere.as_bytes()).await.unwrap().is_none());
        let second = status.replace("5.1.1", "5.2.2");
        assert!(bounce::take_bounce(&app.app, &operator, second.as_bytes()).await.unwrap().is_some());
        assert_eq!(look(&app, &reply).await["dispatches"][0]["bounceStatus"], "5.2.2");
    }
}

/// Calls back a reply.
async fn cancel(app: &TestApp, reply: &Value) -> Value {
    let seen = look(app, reply).await;
    let input = json!({ "reply": reply["id"], "expectedVersion": seen["version"], "reason": "a mistake" });
    app.call(&app.token(Role::Analyst, "analyst-1"), "cancelReply", input, "id version state").await
}

#[tokio::test]
async fn what_was_approved_goes_to_whom_it_was_approved_for() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let before = server.got().len();
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let second = app.token(Role::Analyst, "analyst-2");
        let cnvd = app.channel("cnvd").await;
        routed(&app, &cnvd, json!({ "email": "desk@example.org" })).await;
        let owed = story.look("obligations { id kind state channel { key } deadline { dueAt state } }").await;
        let owed = owed["obligations"].as_array().unwrap().iter();
        let owed = owed.clone().find(|row| row["channel"]["key"] == "cnvd" && row["kind"] == "VERDICT");
        let owed = owed.unwrap().clone();
        let draft = json!({
            "event": story.event, "expectedVersion": story.version().await, "obligations": [owed["id"]],
            "kind": "VERDICT", "subject": "研判结论", "body": "经研判，确认存在。", "facts": crate::story::facts(),
        });
        let fields = "id version via recipient";
        let mut reply = app.made(&analyst, "draftReply", draft, fields).await;
        assert_eq!((&reply["via"], &reply["recipient"]), (&json!("EMAIL"), &json!("desk@example.org")));
        let elsewhere =
            json!({ "reply": reply["id"], "expectedVersion": reply["version"], "to": "me@example.net" });
        let refused = app.call(&analyst, "reviseReply", elsewhere, fields).await;
        assert_eq!(refused["userErrors"][0]["field"], "to", "{refused}");
        let approve = async |mut reply: Value| {
            let ask =
                json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "analyst-2" });
            reply = app.made(&analyst, "requestReplyReview", ask, fields).await;
            let approved =
                json!({ "reply": reply["id"], "expectedVersion": reply["version"], "outcome": "APPROVED" });
            app.made(&second, "reviewReply", approved, fields).await
        };
        reply = approve(reply).await;
        let send = async |reply: &Value, to: Value| {
            let input = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "via": "EMAIL", "to": to });
            app.call(&analyst, "sendReply", input, "id version state").await
        };
        let refused = send(&reply, json!("me@example.net")).await;
        assert_eq!(refused["userErrors"][0]["field"], "to", "{refused}");
        // Nor where an ADMIN would have it go after the approval.
        routed(&app, &cnvd, json!({ "email": "other@example.net" })).await;
        for to in [Value::Null, json!("other@example.net")] {
            let refused = send(&reply, to).await;
            assert!(!refused["userErrors"][0].is_null(), "{refused}");
        }
        let other =
            json!({ "reply": reply["id"], "expectedVersion": reply["version"], "to": "other@example.net" });
        reply = app.made(&analyst, "reviseReply", other, "id version state approvedBy recipient").await;
        assert_eq!(
            (&reply["state"], &reply["approvedBy"], &reply["recipient"]),
            (&json!("DRAFT"), &Value::Null, &json!("other@example.net")),
            "another recipient takes the approval away"
        );
        reply = approve(reply).await;
        let sending = send(&reply, Value::Null).await["reply"].clone();
        assert_eq!(sending["state"], "SENDING", "{sending}");
        work(&app).await;
        let sent = look(&app, &reply).await;
        assert_eq!((&sent["state"], server.got().len()), (&json!("SENT"), before + 1), "{sent}");
        assert!(server.got().pop().unwrap().contains("To: other@example.net"));

        // It comes back: what it met is owed again only by a person's word, and by its old instant.
        let lost = |seen: &Value| json!({ "reply": reply["id"], "expectedVersion": seen["version"], "reason": "the desk was called" });
        let too_early = app.call(&analyst, "confirmNonDelivery", lost(&sent), "state").await;
        assert_eq!(too_early["userErrors"][0]["code"], "MOVE_NOT_ALLOWED", "{too_early}");
        let status = bounce_of(sent["dispatches"][0]["messageId"].as_str().unwrap())
            .replace("desk@example.org", "other@example.net");
        let operator = Actor::operator("operator", [Role::Analyst]);
        assert!(bounce::take_bounce(&app.app, &operator, status.as_bytes()).await.unwrap().is_some());
        let now = "obligations { id state deadline { dueAt state } }";
        let of = |seen: Value| {
            let rows = seen["obligations"].as_array().unwrap().clone();
            rows.into_iter().find(|row| row["id"] == owed["id"]).unwrap()
        };
        let met = of(story.look(now).await);
        assert_eq!((&met["state"], &met["deadline"]["state"]), (&json!("MET"), &json!("MET")), "{met}");
        let seen = look(&app, &reply).await;
        let failed = app.made(&analyst, "confirmNonDelivery", lost(&seen), "state sentAt").await;
        assert_eq!(failed, json!({ "state": "FAILED", "sentAt": null }));
        let again = of(story.look(now).await);
        assert_eq!(
            (&again["state"], &again["deadline"]),
            (&json!("OPEN"), &json!({ "state": "OPEN", "dueAt": owed["deadline"]["dueAt"] })),
            "{again}"
        );
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    }
}

#[tokio::test]
async fn what_may_not_leave_any_more_does_not_and_what_waits_is_called_back() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Busy);
        let before = server.got().len();
        let story = secretive(&app).await;
        let customer = channel(&app, "bank", "CUSTOMER", false).await;
        routed(&app, &customer, json!({ "email": "desk@example.org" })).await;
        let called_back = to_customer(&app, &story, &customer).await;
        send(&app, &called_back, json!(["TEXT"])).await;
        let closed_to = to_customer(&app, &story, &customer).await;
        send(&app, &closed_to, json!(["TEXT"])).await;
        work(&app).await;
        let cancelled = cancel(&app, &called_back).await;
        assert_eq!(cancelled["reply"]["state"], "FAILED", "{cancelled}");
        assert_eq!(cancel(&app, &called_back).await["userErrors"][0]["code"], "MOVE_NOT_ALLOWED");
        story.analyst("setTlp", json!({ "tlp": "AMBER_STRICT" })).await;
        server.behave(Behaviour::Take);
        app.advance(TimeDelta::hours(1));
        work(&app).await;
        let refused = look(&app, &closed_to).await;
        let dispatch = &refused["dispatches"][0];
        assert_eq!(
            (&refused["state"], &dispatch["state"]),
            (&json!("FAILED"), &json!("REFUSED")),
            "{refused}"
        );
        assert!(dispatch["answer"].as_str().unwrap().contains("may not leave"), "{refused}");
        assert_eq!(look(&app, &called_back).await["state"], "FAILED");
        assert_eq!(server.got().len(), before, "nothing of either went out");
    }
}

#[tokio::test]
async fn a_reporter_abroad_is_written_to_after_a_decision_alone() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        channel(&app, "abroad", "SRC_PLATFORM", true).await;
        let report = json!({
            "channel": "abroad", "number": "A-1", "title": "x", "text": "y", "joinEvent": story.event,
        });
        let report = app.made(&analyst, "receiveReport", report, "id").await;
        let message = json!({ "report": report["id"], "body": "The parser trusts lengths" });
        let refused = app.call(&analyst, "messageReporter", message.clone(), "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "NEEDS_LEADER", "{refused}");
        story.analyst("setTlp", json!({ "tlp": "CLEAR" })).await;
        let refused = app.call(&analyst, "messageReporter", message.clone(), "id").await;
        assert_eq!(
            refused["userErrors"][0]["code"], "NEEDS_LEADER",
            "a level makes nothing public: {refused}"
        );
        let ask = json!({ "event": story.event, "kind": "DISCLOSE", "question": "May it be disclosed?" });
        let asked = app.made(&analyst, "askDecision", ask, "id version").await;
        let decide = json!({
            "decision": asked["id"], "expectedVersion": asked["version"], "outcome": "yes", "granted": true,
        });
        app.made(&app.token(Role::Leader, "leader-1"), "recordDecision", decide, "id").await;
        app.made(&analyst, "messageReporter", message, "id").await;
    })
    .await;
}

#[tokio::test]
async fn a_channels_service_reads_what_was_sent_without_its_envelope() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        let story = secretive(&app).await;
        let src = app.channel("src").await;
        routed(&app, &src, json!({ "email": "desk@example.org" })).await;
        let reply = to_customer(&app, &story, &src).await;
        send(&app, &reply, json!(["TEXT"])).await;
        work(&app).await;
        let service = app.token_in_scope(Role::Src, "src-service");
        let path = |format| format!("/replies/{}/sent?format={format}", reply["id"].as_str().unwrap());
        assert_eq!(download(&app, &service, &path("TEXT")).await.0, 200);
        assert_eq!(download(&app, &service, &path("MAIL")).await.0, 404);
        let analyst = app.token(Role::Analyst, "analyst-1");
        assert_eq!(download(&app, &analyst, &path("MAIL")).await.0, 200);
    }
}

pub(crate) fn bounce_of(message_id: &str) -> String {
    format!(
        "From: MAILER-DAEMON@example.org\r\nTo: psirt@example.com\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.org\r\n\r\n\
         Final-Recipient: rfc822; desk@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550\r\n no such user\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n"
    )
}

#[tokio::test]
async fn what_surely_failed_is_tried_again_and_what_nobody_knows_never_is() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        let story = secretive(&app).await;
        let customer = channel(&app, "bank", "CUSTOMER", false).await;
        routed(&app, &customer, json!({ "email": "desk@example.org" })).await;

        // A clear no is the end; a person may send again.
        server.behave(Behaviour::NoSuchRecipient);
        let reply = to_customer(&app, &story, &customer).await;
        send(&app, &reply, json!(["TEXT"])).await;
        work(&app).await;
        let failed = look(&app, &reply).await;
        assert_eq!(failed["state"], "FAILED", "{failed}");
        assert!(failed["dispatches"][0]["answer"].as_str().unwrap().contains("no such user"), "{failed}");
        assert_eq!(failed["files"], json!([]), "nothing was sent");
        server.behave(Behaviour::RefuseContent);
        send(&app, &failed, json!(["TEXT"])).await;
        work(&app).await;
        assert_eq!(look(&app, &reply).await["state"], "FAILED");

        // A server that is busy is asked again, for a while.
        server.behave(Behaviour::Busy);
        let busy = to_customer(&app, &story, &customer).await;
        send(&app, &busy, json!(["TEXT"])).await;
        work(&app).await;
        let waiting = look(&app, &busy).await;
        assert_eq!(
            (&waiting["state"], &waiting["dispatches"][0]["attempts"]),
            (&json!("SENDING"), &json!(1))
        );
        app.advance(TimeDelta::seconds(29));
        work(&app).await;
        assert_eq!(look(&app, &busy).await["dispatches"][0]["attempts"], 1, "not yet");
        for _ in 0..6 {
            app.advance(TimeDelta::hours(7));
            work(&app).await;
        }
        let given_up = look(&app, &busy).await;
        assert_eq!(
            (&given_up["state"], &given_up["dispatches"][0]["attempts"]),
            (&json!("FAILED"), &json!(7))
        );

        // Cut off after the content went out: nobody tries again.
        server.behave(Behaviour::Vanish);
        let before = server.got().len();
        let lost = to_customer(&app, &story, &customer).await;
        send(&app, &lost, json!(["TEXT"])).await;
        work(&app).await;
        server.behave(Behaviour::Take);
        app.advance(TimeDelta::days(30));
        work(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let uncertain = look(&app, &lost).await;
        assert_eq!(
            (&uncertain["state"], server.got().len()),
            (&json!("UNCERTAIN"), before + 1),
            "{uncertain}"
        );
        let again = send(&app, &uncertain, json!(["TEXT"])).await;
        assert_eq!(again["userErrors"][0]["code"], "MOVE_NOT_ALLOWED", "{again}");
        let resolve = |sent: bool, proof: Value| {
            json!({
                "reply": lost["id"], "expectedVersion": uncertain["version"], "sent": sent, "proof": proof,
                "reason": "the customer's desk was called",
            })
        };
        let without = app.call(&analyst, "resolveUncertainReply", resolve(true, Value::Null), "state").await;
        assert_eq!(without["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{without}");
        let not = app
            .made(&analyst, "resolveUncertainReply", resolve(false, Value::Null), "id version state")
            .await;
        assert_eq!(not["state"], "FAILED");
        send(&app, &not, json!(["TEXT"])).await;
        work(&app).await;
        assert_eq!(look(&app, &lost).await["state"], "SENT", "by a person's word");
        assert_eq!(server.got().len(), before + 2);
    }
}

#[tokio::test]
async fn a_process_that_ended_while_content_went_out_leaves_it_to_a_person() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        let story = secretive(&app).await;
        let customer = channel(&app, "bank", "CUSTOMER", false).await;
        routed(&app, &customer, json!({ "email": "desk@example.org" })).await;
        let reply = to_customer(&app, &story, &customer).await;
        send(&app, &reply, json!(["TEXT"])).await;
        let row = reply_dispatch::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
        let lease = std::time::Duration::from_secs(4);
        let me = uuid::Uuid::from_u128(1);
        let store =
            vulndesk::reply::handover::store::claim(&app.app, row.id, me, app.now(), lease).await.unwrap();
        assert!(store.is_some());
        let (event, _) = handover::store::reply(&app.app, row.reply_id).await.unwrap().unwrap();
        let judged_before = event::Model { revision: event.revision - 1, ..event.clone() };
        let begin = async |event: &event::Model| {
            handover::store::begin(&app.app, row.id, me, event, app.now(), lease).await.unwrap()
        };
        assert!(!begin(&judged_before).await, "the event moved on since it was judged");
        assert!(begin(&event).await);
        work(&app).await;
        assert_eq!(look(&app, &reply).await["state"], "SENDING", "its lease holds");
        assert_eq!(
            cancel(&app, &reply).await["userErrors"][0]["code"],
            "MOVE_NOT_ALLOWED",
            "it is going out"
        );
        app.advance(TimeDelta::seconds(5));
        work(&app).await;
        let uncertain = look(&app, &reply).await;
        assert_eq!((&uncertain["state"], server.got().len()), (&json!("UNCERTAIN"), 0));
        // What may have arrived can be read by who has to find out.
        assert_eq!(uncertain["files"], json!([]));
        let path = format!("/replies/{}/sent?format=MAIL", reply["id"].as_str().unwrap());
        let (status, _, bytes) = download(&app, &app.token(Role::Analyst, "analyst-1"), &path).await;
        assert_eq!((status, hex::encode(Sha256::digest(&bytes))), (200, hex::encode(&row.sha256)));
        let package = format!("/events/{}/package.zip", story.number);
        let (_, _, bytes) = download(&app, &app.token(Role::Auditor, "auditor-1"), &package).await;
        let archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let kept = archive.file_names().any(|name| name.contains("/uncertain-") && name.ends_with(".eml"));
        assert!(kept, "{:?}", archive.file_names().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_platform_gets_a_signed_reply() {
    on_both(|app| async move {
        let receiver = Receiver::start(|_, _| async { axum::http::StatusCode::OK.into_response() }).await;
        let story = secretive(&app).await;
        let customer = channel(&app, "portal", "CUSTOMER", false).await;
        let routed = routed(&app, &customer, json!({ "url": receiver.url })).await;
        let secret = routed["secret"].as_str().unwrap().to_owned();
        let reply = to_customer(&app, &story, &customer).await;
        let input = json!({
            "reply": reply["id"], "expectedVersion": reply["version"], "via": "WEBHOOK", "formats": ["TEXT", "PDF"],
        });
        app.made(&app.token(Role::Analyst, "analyst-1"), "sendReply", input, "state").await;
        work(&app).await;
        assert_eq!(look(&app, &reply).await["state"], "SENT");
        let seen = receiver.seen();
        assert_eq!(seen.len(), 1);
        let headers = (seen[0].header("webhook-id"), seen[0].header("webhook-timestamp"), seen[0].header("webhook-signature"));
        let key = Key::parse(&secret).unwrap();
        sign::verify([&key], headers, &seen[0].body, app.now()).unwrap();
        let body = seen[0].json();
        assert_eq!((&body["type"], &body["subject"]), (&json!("reply"), &json!("研判结论")));
        assert!(body["text"].as_str().unwrap().contains("确认"), "{body}");
        assert_eq!(body["files"][0]["format"], "PDF");
    })
    .await;
}

#[tokio::test]
async fn the_package_holds_what_was_received_sent_and_decided_and_taking_it_is_recorded() {
    on_both(|app| async move {
        let story = rich::event(&app, "cnvd", "AMBER").await;
        let path = format!("/events/{}/package.zip", story.number);
        for role in [
            Role::Admin,
            Role::Engineer,
            Role::Support,
            Role::Legal,
            Role::Finance,
            Role::Reporter,
            Role::Src,
        ] {
            let token = app.token_in_scope(role, "somebody-1");
            assert_eq!(download(&app, &token, &path).await.0, 403, "{role}");
        }
        let auditor = app.token(Role::Auditor, "auditor-1");
        assert_eq!(download(&app, &auditor, "/events/VE-2026-000000/package.zip").await.0, 404);
        let (status, _, bytes) = download(&app, &auditor, &path).await;
        assert_eq!(status, 200);
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut read = |name: &str| {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap_or_else(|_| panic!("{name}")).read_to_end(&mut bytes).unwrap();
            bytes
        };
        let manifest: Value = serde_json::from_slice(&read("manifest.json")).unwrap();
        let names: Vec<_> = manifest["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["name"].as_str().unwrap().to_owned())
            .collect();
        for file in manifest["files"].as_array().unwrap() {
            let bytes = read(file["name"].as_str().unwrap());
            assert_eq!(hex::encode(Sha256::digest(bytes)), file["sha256"].as_str().unwrap());
        }
        let sent = names.iter().find(|name| name.ends_with("-verdict.txt")).expect("what was sent");
        assert_eq!(String::from_utf8(read(sent)).unwrap(), "We looked at it.\n");
        let received: Value = serde_json::from_slice(&read("received/001-cnvd-v1.json")).unwrap();
        assert_eq!(received["title"], "A hole FULL-1");
        // In the folder of the reply that was sent.
        let reply = names
            .iter()
            .find(|name| name.strip_suffix("reply.json").is_some_and(|folder| sent.starts_with(folder)))
            .unwrap();
        let reply: Value = serde_json::from_slice(&read(reply)).unwrap();
        assert_eq!(reply["approvedBy"], "legal-1");
        // Whoever checks a clock finds what it was counted by.
        let clocks: Value = serde_json::from_slice(&read("clocks.json")).unwrap();
        let mut counted = 0;
        for clock in clocks.as_array().unwrap() {
            if !clock["rule"].is_null() {
                assert_eq!(
                    (&clock["policy"], &clock["ruleText"]["key"]),
                    (&json!(1), &clock["rule"]),
                    "{clock}"
                );
            }
            let Some(computation) = clock["computation"].as_object() else { continue };
            assert_eq!(computation["agrees"], true, "{clock}");
            assert_eq!(
                (&computation["counted"]["due"], &clock["calendar"]),
                (&clock["dueAt"], &json!("china")),
                "{clock}"
            );
            assert_eq!(computation["counted"]["zone"], "Asia/Shanghai", "{clock}");
            counted += 1;
        }
        assert!(counted > 1, "{clocks}");
        let messages: Value = serde_json::from_slice(&read("messages.json")).unwrap();
        assert!(
            messages
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["fromReporter"] != true || row["author"].is_null())
        );
        let entered: Value = serde_json::from_slice(&read("entered.json")).unwrap();
        assert!(entered.is_array());
        let handling: Value = serde_json::from_slice(&read("handling.json")).unwrap();
        assert_eq!(handling["worldFacts"][0]["source"], "press", "{handling}");
        assert_eq!(handling["scores"][0]["factors"]["publicOpinion"], "7.5", "{handling}");
        let fix = &handling["fixes"][0];
        assert_eq!(
            (&fix["line"], &fix["verifications"][0]["passed"]),
            (&json!("router"), &json!(true)),
            "{fix}"
        );
        let trail = String::from_utf8(read("audit.jsonl")).unwrap();
        assert!(trail.lines().count() > 20 && trail.contains("giveVerdict"));
        let all: String =
            names.iter().map(|name| String::from_utf8_lossy(&read(name)).into_owned()).collect();
        assert!(!all.contains("somebody@example.org"), "who reported is not in it");

        let (_, _, second) = download(&app, &auditor, &path).await;
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(second)).unwrap();
        let mut trail = String::new();
        archive.by_name("audit.jsonl").unwrap().read_to_string(&mut trail).unwrap();
        assert!(
            trail.lines().any(|line| line.contains("readPackage") && line.contains("auditor-1")),
            "the first taking"
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_sent_is_held_against_the_trail() {
    use vulndesk::audit::verify::{Fault, verify};
    on_both(|app| async move {
        let _story = rich::event(&app, "cnvd", "AMBER").await;
        let db = app.owner();
        let faults = async || {
            let report = verify(&app.app).await.unwrap();
            assert_eq!(report.is_sound(), report.findings.is_empty());
            report
                .findings
                .iter()
                .map(|found| (found.fault, found.kind.clone(), found.aggregate))
                .collect::<Vec<_>>()
        };
        assert_eq!(faults().await, []);
        let file = reply_file::Entity::find().one(db).await.unwrap().expect("something was sent");
        assert!(verify(&app.app).await.unwrap().files > 0);
        let found = |fault| vec![(fault, "reply_file".to_owned(), file.id)];
        let put = async |row: reply_file::Model| {
            let row = row.into_active_model().reset_all();
            reply_file::Entity::update(row).exec(db).await.unwrap();
        };
        let bytes = b"Another answer.".to_vec();
        put(reply_file::Model { bytes: bytes.clone(), ..file.clone() }).await;
        assert_eq!(faults().await, found(Fault::Sent), "other bytes");
        put(reply_file::Model { sha256: Sha256::digest(&bytes).to_vec(), bytes, ..file.clone() }).await;
        assert_eq!(faults().await, found(Fault::Sent), "with a digest to match");
        reply_file::Entity::delete_by_id(file.id).exec(db).await.unwrap();
        assert_eq!(faults().await, found(Fault::Sent), "taken out");
        reply_file::Entity::insert(file.clone().into_active_model())
            .exec_without_returning(db)
            .await
            .unwrap();
        assert_eq!(faults().await, []);
        let added = reply_file::Model { id: app.app.ids.next(), ..file.clone() };
        reply_file::Entity::insert(added.clone().into_active_model())
            .exec_without_returning(db)
            .await
            .unwrap();
        assert_eq!(faults().await, [(Fault::Unknown, "reply_file".to_owned(), added.id)], "put in");
    })
    .await;
}

/// Gives the story's reply a handing over, so that its fields have values.
pub(crate) async fn dispatched(app: &TestApp, story: &Story<'_>) {
    dispatch(app, story, DispatchState::Refused, Some(app.now())).await;
}

/// The same for an e-mail that was taken.
pub(crate) async fn left(app: &TestApp, story: &Story<'_>) {
    dispatch(app, story, DispatchState::Taken, None).await;
}

async fn dispatch(app: &TestApp, story: &Story<'_>, state: DispatchState, bounced_at: Option<DateTime<Utc>>) {
    let replies = story.look("replies { id }").await;
    let reply = decode(Kind::Reply, "reply", replies["replies"][0]["id"].as_str().unwrap()).unwrap();
    let row = reply_dispatch::Model {
        id: app.app.ids.next(),
        reply_id: reply,
        via: ReplyVia::Email,
        recipient: "desk@example.org".to_owned(),
        url_sha256: None,
        sender: Some("psirt@example.com".to_owned()),
        message_id: "<1@example.com>".to_owned(),
        sha256: vec![1; 32],
        state,
        requested_by: "analyst-1".to_owned(),
        requested_at: app.now(),
        attempts: 1,
        // Long after the test: nobody attempts it.
        due_at: Some(app.now() + TimeDelta::days(1_000)),
        lease_by: None,
        lease_until: None,
        data_at: (state == DispatchState::Taken).then(|| app.now()),
        answer: Some("550 no such user".to_owned()),
        settled_at: Some(app.now()),
        bounced_at,
        bounce_status: Some("5.1.1".to_owned()),
        bounce_words: Some("no such user".to_owned()),
    };
    let db = app.app.database.writer();
    reply_dispatch::Entity::insert(row.into_active_model()).exec_without_returning(db).await.unwrap();
}

/// What a preview says, for the field matrix.
pub(crate) async fn preview(app: &TestApp, token: &str, story: &Story<'_>) -> Value {
    let variables = json!({
        "event": story.event, "channel": app.channel("cnvd").await, "kind": "STATEMENT",
        "from": { "key": "statement-zh" },
    });
    app.graphql(token, &PREVIEW.replace("template { key }", "template { __typename key }"), variables).await
}
