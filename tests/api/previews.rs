//! What a preview says, and a draft whose reader becomes another: of reports that are not answered nothing.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::mails::post;
use crate::replies::routed;
use crate::story::Story;

const PREVIEW: &str =
    "query($event: ID!, $channel: ID!, $kind: ReplyKind!, $owed: ID, $reporter: ID, $from: FromTemplate!) {
    previewReply(event: $event, channel: $channel, kind: $kind, obligation: $owed, toReporter: $reporter,
        fromTemplate: $from) { subject body } }";

/// A channel whose mail goes to reporters; its id.
async fn hats(app: &TestApp) -> String {
    app.with_company().await;
    let input = json!({
        "key": "hats", "name": "hats", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false, "replyRequired": true,
    });
    let hats = app.made(&app.token(Role::Admin, "admin-1"), "createChannel", input, "id").await;
    let hats = hats["id"].as_str().unwrap().to_owned();
    routed(app, &hats, json!({ "toReporter": true })).await;
    hats
}

/// The same with two reports on one event; the channel's id, the event, and the second report.
async fn two_reports(app: &TestApp) -> (String, Story<'_>, Value) {
    let hats = hats(app).await;
    let reporter = |name: &str| json!({ "name": name, "email": format!("{name}@example.org") });
    let first = json!({
        "channel": "hats", "title": "FIRST-TITLE", "reporter": reporter("first"),
        "indicators": [{ "kind": "CVE", "value": "CVE-2026-1111" }],
    });
    let story = Story::receive(app, "H-1", first).await;
    // Of two of one instant neither is the first.
    app.advance(TimeDelta::seconds(1));
    let second = json!({
        "channel": "hats", "number": "H-2", "title": "SECOND-TITLE", "text": "y", "joinEvent": story.event,
        "reporter": reporter("second"), "indicators": [{ "kind": "CVE", "value": "CVE-2026-2222" }],
    });
    let second = app.made(&app.token(Role::Analyst, "analyst-1"), "receiveReport", second, "id").await;
    (hats, story, second["id"].clone())
}

async fn owed(story: &Story<'_>, kind: &str, report: &Value) -> Value {
    let rows = story.look("obligations { id kind report { id } }").await;
    let of = |row: &&Value| row["kind"] == kind && row["report"]["id"] == *report;
    rows["obligations"].as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{rows}"))["id"].clone()
}

/// Which of the two reports a text tells of.
fn tells(text: &Value) -> [bool; 2] {
    let text = text.to_string();
    [["H-1", "FIRST-TITLE", "CVE-2026-1111"], ["H-2", "SECOND-TITLE", "CVE-2026-2222"]]
        .map(|words| words.iter().any(|word| text.contains(word)))
}

#[tokio::test]
async fn a_preview_says_of_the_reports_that_are_answered_what_the_draft_will_and_of_others_nothing() {
    on_both(|app| async move {
        let (hats, story, second) = two_reports(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        // It names all that a channel's reports say.
        let text = "{{ report_number }} {{ report_title }} {{ cve }}";
        let template = json!({
            "key": "all-of-them", "name": "All", "kind": "ACKNOWLEDGEMENT", "language": "zh-CN", "subject": "An answer",
            "body": text, "required": [], "formats": ["TEXT"],
        });
        app.made(&app.token(Role::Admin, "admin-1"), "createReplyTemplate", template, "key").await;
        let preview = async |token: &str, more: Value| {
            let mut variables = json!({
                "event": story.event, "channel": hats, "kind": "ACKNOWLEDGEMENT", "from": { "key": "all-of-them" },
            });
            variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.graphql(token, PREVIEW, variables).await
        };
        let draft = async |more: Value| {
            let mut input = json!({
                "event": story.event, "expectedVersion": story.version().await, "channel": hats,
                "kind": "ACKNOWLEDGEMENT", "fromTemplate": { "key": "all-of-them" },
            });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.made(&analyst, "draftReply", input, "id version subject body").await
        };
        let of_second = owed(&story, "ACKNOWLEDGEMENT", &second).await;
        for (shown, drafted, expected) in [
            (json!({}), json!({}), [true, true]),
            // A platform is told the numbers that CVE gave to what it reported, whoever found them.
            (json!({ "owed": of_second }), json!({ "obligations": [of_second] }), [true, true]),
            (json!({ "reporter": second }), json!({ "toReporter": second }), [false, true]),
            (
                json!({ "reporter": story.report, "owed": owed(&story, "ACKNOWLEDGEMENT", &json!(story.report)).await }),
                json!({ "toReporter": story.report }),
                [true, false],
            ),
        ] {
            let made = preview(&analyst, shown.clone()).await["data"]["previewReply"].clone();
            assert_eq!(tells(&made["body"]), expected, "{shown}: {made}");
            let draft = draft(drafted).await;
            assert_eq!(draft["body"], made["body"], "{shown}");
        }
        let of_one = preview(&analyst, json!({ "owed": of_second })).await.to_string();
        assert!(!of_one.contains("H-1") && !of_one.contains("FIRST-TITLE"), "{of_one}");

        // What is not this event's is refused, and what one may not see is as if it never was.
        let elsewhere = Story::receive(&app, "H-3", json!({ "channel": "hats" })).await;
        let theirs = owed(&elsewhere, "ACKNOWLEDGEMENT", &json!(elsewhere.report)).await;
        let refused = preview(&analyst, json!({ "owed": theirs })).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
        elsewhere.analyst("setTlp", json!({ "tlp": "RED" })).await;
        let other = app.token(Role::Analyst, "analyst-2");
        let absent = theirs.as_str().unwrap().to_owned();
        let hidden = preview(&other, json!({ "owed": absent })).await;
        assert_eq!(hidden["data"], json!({ "previewReply": null }), "{hidden}");
        let foreign = preview(&analyst, json!({ "reporter": elsewhere.report })).await;
        assert_eq!(foreign["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{foreign}");

        // Who writes statements reads no report as it was received.
        story.assign("PUBLIC_RELATIONS", "public-relations-1", None).await;
        let statement = json!({
            "key": "of-a-report", "name": "Of a report", "kind": "STATEMENT", "language": "zh-CN", "subject": "A statement",
            "body": text, "required": [], "formats": ["TEXT"],
        });
        app.made(&app.token(Role::Admin, "admin-1"), "createReplyTemplate", statement, "key").await;
        let press = app.token(Role::PublicRelations, "public-relations-1");
        for (token, reads) in [(&analyst, true), (&press, false)] {
            let more = json!({ "kind": "STATEMENT", "from": { "key": "of-a-report" } });
            let shown = preview(token, more).await.to_string();
            assert_eq!(shown.contains("FIRST-TITLE"), reads, "{shown}");
            assert!(shown.contains("A statement"), "{shown}");
        }
        let cnvd = app.channel("cnvd").await;
        let none = preview(&analyst, json!({ "channel": cnvd })).await["data"]["previewReply"].clone();
        assert_eq!(tells(&none["body"])[1], tells(&none["body"])[0], "{none}");
        assert!(!none.to_string().contains("TITLE"), "another channel's words: {none}");
    })
    .await;
}

#[tokio::test]
async fn a_draft_for_another_reporter_is_made_anew_or_refused() {
    on_both(|app| async move {
        let (hats, story, second) = two_reports(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let fields = "id version state subject body toReporter { id }";
        let draft = json!({
            "event": story.event, "expectedVersion": story.version().await, "channel": hats, "kind": "ACKNOWLEDGEMENT",
            "toReporter": story.report, "fromTemplate": { "key": "src-acknowledgement-zh" },
        });
        let first = app.made(&analyst, "draftReply", draft.clone(), fields).await;
        assert_eq!(tells(&json!([first["subject"], first["body"]])), [true, false], "{first}");
        let revise = async |reply: &Value, more: Value| {
            let mut input = json!({ "reply": reply["id"], "expectedVersion": reply["version"] });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.call(&analyst, "reviseReply", input, fields).await
        };
        let moved = revise(&first, json!({ "toReporter": second })).await["reply"].clone();
        assert_eq!((&moved["toReporter"]["id"], &moved["state"]), (&second, &json!("DRAFT")));
        assert_eq!(tells(&json!([moved["subject"], moved["body"]])), [false, true], "made anew: {moved}");
        let drafts = app.node(&analyst, moved["id"].as_str().unwrap(), "Reply", "drafts { body }").await;
        assert_eq!(drafts["drafts"].as_array().unwrap().len(), 2);

        // Whoever changed it says what it is to say to somebody else.
        let edited = revise(&moved, json!({ "body": "About SECOND-TITLE" })).await["reply"].clone();
        assert_eq!(edited["toReporter"]["id"], second);
        for words in [json!({}), json!({ "body": "Hello" }), json!({ "subject": "Hello" })] {
            let mut more = words.clone();
            more["toReporter"] = json!(story.report);
            let refused = revise(&edited, more).await;
            assert_eq!(refused["userErrors"][0]["code"], "CONTRADICTION", "{words}: {refused}");
        }
        let both = json!({ "toReporter": story.report, "subject": "Hello", "body": "Hello" });
        let written = revise(&edited, both).await["reply"].clone();
        assert_eq!((&written["toReporter"]["id"], &written["body"]), (&json!(story.report), &json!("Hello")));
    })
    .await;
}

#[tokio::test]
async fn a_text_that_was_made_for_the_channel_is_not_sent_to_one_of_its_reporters() {
    on_both(|app| async move {
        hats(&app).await;
        let letter = "From: Hat <hat@example.org>\r\nTo: psirt@example.com\r\nMessage-ID: <1@example.org>\r\n\
                      Subject: A hole\r\n\r\nSteps\r\n";
        post(&app, "hats", letter.as_bytes().to_vec()).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let seen =
            app.graphql(&analyst, "{ reports { nodes { id event { id number } } } }", Value::Null).await;
        let report = seen["data"]["reports"]["nodes"][0].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let story = Story {
            app: &app,
            report: text(&report["id"]),
            event: text(&report["event"]["id"]),
            number: text(&report["event"]["number"]),
        };
        let draft = json!({
            "event": story.event, "expectedVersion": story.version().await, "kind": "ACKNOWLEDGEMENT", "via": "BY_HAND",
            "obligations": [owed(&story, "ACKNOWLEDGEMENT", &report["id"]).await], "fromTemplate": {},
        });
        let reply = app.made(&analyst, "draftReply", draft, "id version toReporter { id }").await;
        assert_eq!(reply["toReporter"], Value::Null);
        let send = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "via": "EMAIL" });
        let refused = app.call(&analyst, "sendReply", send, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "CONTRADICTION", "{refused}");
    })
    .await;
}
