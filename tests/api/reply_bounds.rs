//! What of an event a reply to one channel may not hold, and to whom and in which form it may not leave.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::schedule;

use crate::harness::{TestApp, on_both};
use crate::mail_server::{Behaviour, MailServer};
use crate::receiver::Receiver;
use crate::replies::{PREVIEW, channel, download, look, routed, secretive, to_customer, work};
use crate::story::Story;

/// What a template makes of the story's event for a channel, as `subject` sees it.
async fn preview(story: &Story<'_>, subject: &str, channel: &str, template: &str, kind: &str) -> String {
    let analyst = story.app.token(Role::Analyst, subject);
    let variables =
        json!({ "event": story.event, "channel": channel, "kind": kind, "from": { "key": template } });
    let answer = story.app.graphql(&analyst, PREVIEW, variables).await;
    let body = &answer["data"]["previewReply"]["body"];
    body.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn a_number_that_another_channel_sent_stays_with_it() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let civil = channel(&app, "civil", "CIVIL_PLATFORM", false).await;
        let own = json!({
            "channel": "civil", "number": "C-1", "title": "x", "text": "y", "joinEvent": story.event,
            "indicators": [{ "kind": "CVE", "value": "CVE-2026-3000" }],
        });
        app.made(&app.token(Role::Analyst, "analyst-1"), "receiveReport", own, "id").await;
        let numbers = async |channel: &str| {
            let body = preview(&story, "analyst-1", channel, "rmsv-report-zh", "NOTIFICATION").await;
            ["CVE-2026-2000", "CVE-2026-3000"].map(|number| body.contains(number))
        };
        assert_eq!(numbers(&civil).await, [false, true], "less than all may leave there");
        let cnvd = app.channel("cnvd").await;
        assert_eq!(numbers(&cnvd).await, [true, true], "a database is told all of it");
    })
    .await;
}

#[tokio::test]
async fn a_number_that_was_dismissed_is_told_to_nobody() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let cnvd = app.channel("cnvd").await;
        let told = async || {
            let body = preview(&story, "analyst-1", &cnvd, "rmsv-report-zh", "NOTIFICATION").await;
            body.contains("CVE-2026-2000")
        };
        assert!(told().await);
        let found = app.node(&analyst, &story.report, "Report", "indicators { id value }").await;
        let mut numbers = found["indicators"].as_array().unwrap().iter();
        let wrong = numbers.find(|one| one["value"] == "CVE-2026-2000").unwrap();
        app.made(&analyst, "dismissIndicator", json!({ "indicator": wrong["id"] }), "id").await;
        assert!(!told().await);
    })
    .await;
}

/// The cells of the table of parts: the verdicts as a reply shows them.
fn of_parts(body: &str) -> Vec<String> {
    let rows = body.lines().filter(|line| line.starts_with("| 1 |") || line.starts_with("| 2 |"));
    rows.map(|row| row.split('|').nth(2).unwrap().trim().to_owned()).collect()
}

#[tokio::test]
async fn a_part_that_the_drafter_may_not_see_keeps_the_verdicts_of_all_parts_back() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        let split = json!({
            "report": story.report, "expectedVersion": story.version().await,
            "parts": [{ "title": "The first" }, { "title": "The second" }],
        });
        app.made(&app.token(Role::Analyst, "analyst-1"), "splitReport", split, "id").await;
        let related = story.look("relatedEvents { id number }").await["relatedEvents"][0].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let second = Story {
            app: &app,
            event: text(&related["id"]),
            report: story.report.clone(),
            number: text(&related["number"]),
        };
        story.confirm().await;
        second.analyst("startTriage", json!({})).await;
        let verdict = json!({ "verdict": "NOT_REPRODUCIBLE", "rationale": "it holds" });
        second.analyst("giveVerdict", verdict).await;
        let cnvd = app.channel("cnvd").await;
        let parts = async |subject: &str| {
            of_parts(&preview(&story, subject, &cnvd, "verdict-parts-zh", "VERDICT").await)
        };
        let told = parts("analyst-2").await;
        assert!(told.len() == 2 && told[0] != told[1] && !told[1].is_empty(), "{told:?}");
        second.analyst("setTlp", json!({ "tlp": "RED" })).await;
        assert_eq!(parts("analyst-1").await, told, "who is named on it");
        let hidden = parts("analyst-2").await;
        assert!(hidden.iter().all(|cell| !told.contains(cell)), "{hidden:?}, of {told:?}");
    })
    .await;
}

#[tokio::test]
async fn the_ministry_is_told_the_instant_from_which_its_clock_counts() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        story.confirm().await;
        let miit = channel(&app, "miit", "REGULATOR", false).await;
        let body = async || preview(&story, "analyst-1", &miit, "rmsv-report-zh", "NOTIFICATION").await;
        assert!(
            body().await.contains("首次获知时间：2026-03-02 09:00 CST"),
            "the verdict's: {}",
            body().await
        );
        let learned: DateTime<Utc> = "2026-03-01T20:30:00Z".parse().unwrap();
        let correct = json!({ "of": "VULNERABILITY", "learnedAt": learned, "reason": "the mail came then" });
        story.analyst("correctLearnedAt", correct).await;
        assert!(body().await.contains("首次获知时间：2026-03-02 04:30 CST"), "{}", body().await);
        let fact = json!({ "kind": "EXPLOITED_IN_THE_WILD", "learnedAt": app.now(), "source": "honeypot" });
        story.analyst("recordWorldFact", fact).await;
        let correct = json!({ "of": "EXPLOITATION", "learnedAt": learned, "reason": "the mail came then" });
        story.analyst("correctLearnedAt", correct).await;
        let warning = "cra-exploited-early-warning-en";
        let warning = preview(&story, "analyst-1", &miit, warning, "EARLY_WARNING").await;
        assert!(warning.contains("Became aware: 2026-03-02 04:30 CST"), "{warning}");
    })
    .await;
}

/// Records that a reply was carried by hand, and answers the payload.
async fn carry(app: &TestApp, reply: &Value, more: Value) -> Value {
    let mut input =
        json!({ "reply": reply["id"], "expectedVersion": reply["version"], "receiptNumber": "R-1" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.call(&app.token(Role::Analyst, "analyst-1"), "recordReplySent", input, "id state").await
}

#[tokio::test]
async fn what_is_carried_by_hand_is_kept_in_the_formats_in_which_it_was_carried() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let bank = channel(&app, "bank", "CUSTOMER", false).await;
        let reply = to_customer(&app, &story, &bank).await;
        let carried = carry(&app, &reply, json!({ "formats": ["TEXT", "PDF"] })).await;
        assert_eq!(carried["reply"]["state"], "SENT", "{carried}");
        let seen = look(&app, &reply).await;
        let mut kept: Vec<_> =
            seen["files"].as_array().unwrap().iter().map(|file| file["format"].clone()).collect();
        kept.sort_by_key(ToString::to_string);
        assert_eq!(kept, ["PDF", "TEXT"], "{seen}");
        let analyst = app.token(Role::Analyst, "analyst-1");
        let path = |format: &str| format!("/replies/{}/sent?format={format}", reply["id"].as_str().unwrap());
        let (status, _, bytes) = download(&app, &analyst, &path("PDF")).await;
        assert_eq!((status, &bytes[..4]), (200, &b"%PDF"[..]));
        assert_eq!(download(&app, &analyst, &path("DOCX")).await.0, 404, "nobody carried that");
    })
    .await;
}

/// A template whose files may be unable to show what it is filled with.
async fn template(app: &TestApp, key: &str, kind: &str, body: &str, formats: &[&str]) {
    let template = json!({
        "key": key, "name": "In files", "kind": kind, "language": "zh-CN", "subject": "反馈", "body": body,
        "required": [], "formats": formats,
    });
    app.made(&app.token(Role::Admin, "admin-1"), "createReplyTemplate", template, "key").await;
}

#[tokio::test]
async fn what_its_files_cannot_show_is_named_and_blocks_the_approval() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        template(&app, "in-files", "VERDICT", "{{ title }}", &["TEXT", "DOCX", "PDF"]).await;
        story.analyst("describeEvent", json!({ "title": "解析器溢出 🦀 བོད" })).await;
        let draft = json!({
            "event": story.event, "expectedVersion": story.version().await, "channel": app.channel("cnvd").await,
            "kind": "VERDICT", "fromTemplate": { "key": "in-files" },
        });
        let fields = "id version state missingFacts";
        let drafted = app.made(&one, "draftReply", draft, fields).await;
        let reviewed = async |reply: &Value| {
            let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "analyst-2" });
            let asked = app.made(&one, "requestReplyReview", ask, fields).await;
            let answer = json!({ "reply": reply["id"], "expectedVersion": asked["version"], "outcome": "APPROVED" });
            (app.call(&two, "reviewReply", answer, fields).await, asked)
        };
        let rewritten = async |reply: &Value, body: &str| {
            let revise = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "body": body });
            app.made(&one, "reviseReply", revise, fields).await
        };
        let (refused, asked) = reviewed(&drafted).await;
        let message = refused["userErrors"][0]["message"].as_str().unwrap();
        for character in ["🦀 (U+1F980)", "བ (U+0F56)", "ོ (U+0F7C)", "ད (U+0F51)"] {
            assert!(message.contains(character), "{character} in {refused}");
        }
        assert_eq!(refused["userErrors"][0]["code"], "MISSING_FACT");
        assert_eq!(drafted["missingFacts"], json!([message]), "said of the draft already");

        let too_many = rewritten(&asked, &"一段\n\n".repeat(3_001)).await;
        let (refused, asked) = reviewed(&too_many).await;
        let message = refused["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains("more than 3000 paragraphs"), "{refused}");
        assert_eq!(too_many["missingFacts"], json!([message]));

        let plain = rewritten(&asked, "解析器\u{200b}溢出").await;
        assert_eq!(plain["missingFacts"], json!([]));
        let (approved, _) = reviewed(&plain).await;
        assert_eq!(approved["reply"]["state"], "APPROVED", "{approved}");
    })
    .await;
}

#[tokio::test]
async fn an_acknowledgement_that_its_file_cannot_show_waits_for_a_person() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        server.behave(Behaviour::Take);
        app.with_company().await;
        let instead = "src-acknowledgement-zh";
        template(&app, instead, "ACKNOWLEDGEMENT", "{{ report_title }}", &["PDF"]).await;
        let input = json!({
            "key": "hats", "name": "Hats", "kind": "SRC_PLATFORM", "jurisdiction": "CN", "abroad": false,
            "replyRequired": true, "acknowledgement": "AUTOMATIC",
        });
        let hats = app.made(&app.token(Role::Admin, "admin-1"), "createChannel", input, "id").await;
        routed(&app, hats["id"].as_str().unwrap(), json!({ "email": "desk@example.org" })).await;
        let before = server.got().len();
        let odd = Story::receive(&app, "H-1", json!({ "channel": "hats", "title": "溢出 🦀" })).await;
        let plain = Story::receive(&app, "H-2", json!({ "channel": "hats", "title": "溢出" })).await;
        schedule::sweep(&app.app).await.unwrap();
        work(&app).await;
        let fields = "replies { state template missingFacts }";
        let of = async |story: &Story<'_>| story.look(fields).await["replies"][0].clone();
        assert_eq!(of(&plain).await, json!({ "state": "SENT", "template": instead, "missingFacts": null }));
        let waiting = of(&odd).await;
        assert_eq!(waiting["state"], "DRAFT", "{waiting}");
        assert!(waiting["missingFacts"].to_string().contains("🦀 (U+1F980)"), "{waiting}");
        assert_eq!(server.got().len(), before + 1);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_recorded_shortened() {
    on_both(|app| async move {
        let receiver =
            Receiver::start(|_, _| async { (StatusCode::OK, "x".repeat(1 << 20)).into_response() }).await;
        let story = secretive(&app).await;
        let portal = channel(&app, "portal", "CUSTOMER", false).await;
        routed(&app, &portal, json!({ "url": receiver.url })).await;
        let reply = to_customer(&app, &story, &portal).await;
        let input = json!({
            "reply": reply["id"], "expectedVersion": reply["version"], "via": "WEBHOOK", "formats": ["TEXT"],
        });
        app.made(&app.token(Role::Analyst, "analyst-1"), "sendReply", input, "state").await;
        work(&app).await;
        let sent = look(&app, &reply).await;
        assert_eq!(sent["state"], "SENT", "it was taken all the same");
        assert_eq!(sent["dispatches"][0]["answer"], format!("200 {}", "x".repeat(496)));
    })
    .await;
}

#[tokio::test]
async fn one_customer_abroad_is_enough_for_a_channel_of_customers() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let (admin, analyst) = (app.token(Role::Admin, "admin-1"), app.token(Role::Analyst, "analyst-1"));
        let bank = channel(&app, "bank", "CUSTOMER", false).await;
        let vendor = channel(&app, "vendor", "VENDOR", false).await;
        let affect = async |key: &str, abroad: bool| {
            let input = json!({ "key": key, "name": key, "abroad": abroad });
            let customer = app.made(&admin, "createCustomer", input, "id").await;
            let affected = json!({ "event": story.event, "customer": customer["id"] });
            app.made(&analyst, "addAffectedCustomer", affected, "id").await;
        };
        let carried = async |to: &str| {
            let reply = to_customer(&app, &story, to).await;
            carry(&app, &reply, json!({})).await
        };
        affect("at-home", false).await;
        let told = carried(&bank).await;
        assert_eq!(told["reply"]["state"], "SENT", "{told}");
        affect("far-away", true).await;
        let refused = carried(&bank).await;
        assert_eq!(refused["userErrors"][0]["code"], "NEEDS_LEADER", "{refused}");
        let others = carried(&vendor).await;
        assert_eq!(others["reply"]["state"], "SENT", "it stands for no customer: {others}");
    })
    .await;
}

#[tokio::test]
async fn a_platform_that_moved_gets_nothing_that_was_meant_for_its_old_address() {
    on_both(|app| async move {
        let (old, new) = (Receiver::willing().await, Receiver::willing().await);
        let story = secretive(&app).await;
        let (analyst, second) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        let fields = "id version state";
        let send = async |reply: &Value| {
            let input = json!({
                "reply": reply["id"], "expectedVersion": reply["version"], "via": "WEBHOOK", "formats": ["TEXT"],
            });
            app.call(&analyst, "sendReply", input, fields).await
        };
        // Between the approval and the sending.
        let cnvd = app.channel("cnvd").await;
        routed(&app, &cnvd, json!({ "url": old.url })).await;
        let draft = json!({
            "event": story.event, "expectedVersion": story.version().await, "channel": cnvd, "kind": "VERDICT",
            "subject": "研判结论", "body": "经研判，确认存在。", "via": "WEBHOOK",
        });
        let mut reply = app.made(&analyst, "draftReply", draft, fields).await;
        let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "analyst-2" });
        reply = app.made(&analyst, "requestReplyReview", ask, fields).await;
        let approve = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "outcome": "APPROVED" });
        reply = app.made(&second, "reviewReply", approve, fields).await;
        routed(&app, &cnvd, json!({ "url": new.url })).await;
        let refused = send(&reply).await;
        assert!(!refused["userErrors"][0].is_null(), "{refused}");
        // Between the sending and the handing over.
        let portal = channel(&app, "portal", "CUSTOMER", false).await;
        routed(&app, &portal, json!({ "url": old.url })).await;
        let reply = to_customer(&app, &story, &portal).await;
        assert_eq!(send(&reply).await["reply"]["state"], "SENDING");
        routed(&app, &portal, json!({ "url": new.url })).await;
        work(&app).await;
        let failed = look(&app, &reply).await;
        assert_eq!(failed["state"], "FAILED", "{failed}");
        let words = failed["dispatches"][0]["answer"].as_str().unwrap();
        assert!(words.contains("another than when it was sent"), "{failed}");
        assert!(old.seen().is_empty() && new.seen().is_empty(), "nothing left to either");
    })
    .await;
}

#[tokio::test]
async fn exploitation_is_recorded_on_the_original_and_not_on_what_repeats_it() {
    on_both(|app| async move {
        app.with_company().await;
        let original = Story::receive(&app, "CNVD-1", json!({})).await;
        original.confirm().await;
        let repeated = Story::receive(&app, "CNVD-2", json!({})).await;
        repeated.analyst("startTriage", json!({})).await;
        let verdict =
            json!({ "verdict": "DUPLICATE", "originalEvent": original.event, "rationale": "the same check" });
        repeated.analyst("giveVerdict", verdict).await;
        let record = async |subject: &str, kind: &str| {
            let token = app.token(Role::Analyst, subject);
            let fact = json!({ "kind": kind, "learnedAt": app.now(), "source": "honeypot" });
            repeated.attempt(&token, "recordWorldFact", fact).await
        };
        let refused = record("analyst-2", "EXPLOITED_IN_THE_WILD").await["userErrors"][0].clone();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!("CONTRADICTION"), &json!("event")),
            "{refused}"
        );
        assert!(refused["message"].as_str().unwrap().contains(&original.number), "{refused}");
        original.analyst("setTlp", json!({ "tlp": "RED" })).await;
        let unnamed = record("analyst-2", "EXPLOITED_IN_THE_WILD").await["userErrors"][0].clone();
        assert_eq!(unnamed["code"], "CONTRADICTION", "{unnamed}");
        assert!(!unnamed["message"].as_str().unwrap().contains(&original.number), "{unnamed}");
        let facts = repeated.look("worldFacts { kind }").await;
        assert_eq!(facts["worldFacts"], json!([]), "nothing was written");
        let public = record("analyst-2", "PUBLICLY_KNOWN").await;
        assert_eq!(public["userErrors"], json!([]), "that opens no duty: {public}");
    })
    .await;
}

#[tokio::test]
async fn what_a_channel_asked_is_read_by_those_who_answer_it_and_stands_in_the_draft() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for question in ["Which *versions*?\nAnd since when?", "Is it fixed?"] {
            let asked = json!({ "report": story.report, "question": question });
            app.made(&analyst, "recordFollowUpQuestion", asked, "id").await;
        }
        let asked = async |token: &str| {
            let seen = app.node(token, &story.event, "Event", "obligations { id kind question }").await;
            let mut rows = seen["obligations"].as_array().cloned().unwrap_or_default();
            rows.sort_by_key(|row| row["question"].as_str().map(str::len));
            rows
        };
        let rows = asked(&analyst).await;
        let questions: Vec<_> = rows.iter().map(|row| row["question"].clone()).collect();
        assert_eq!(questions, [json!(null), json!("Is it fixed?"), json!("Which *versions*?\nAnd since when?")]);
        for (role, subject, function) in [
            (Role::Support, "support-1", "TECHNICAL_SERVICE"),
            (Role::Engineer, "engineer-1", "R_AND_D"),
            (Role::Legal, "legal-1", "LEGAL"),
        ] {
            story.assign(function, subject, (role == Role::Engineer).then_some("router")).await;
            let count = asked(&app.token(role, subject)).await.len();
            assert_eq!(count, if role == Role::Legal { 3 } else { 0 }, "{role}: as for the reply itself");
        }

        let draft = async |owed: &[Value], supplied: Value| {
            let draft = json!({
                "event": story.event, "expectedVersion": story.version().await, "kind": "FOLLOW_UP",
                "obligations": owed.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(),
                "fromTemplate": { "key": "follow-up-en", "facts": supplied }, "language": "en",
            });
            app.made(&analyst, "draftReply", draft, "body missingFacts").await
        };
        let both = draft(&rows[1..], json!([])).await;
        let text = vulndesk::render::text::render(both["body"].as_str().unwrap());
        assert!(text.contains("Is it fixed?") && text.contains("Which *versions*?"), "{text}");
        let missing = both["missingFacts"].to_string();
        assert!(missing.contains("answer is missing") && !missing.contains("question is missing"), "{missing}");
        let own = draft(&rows[1..2], json!([{ "name": "question", "value": "On the fix" }])).await;
        let text = own["body"].as_str().unwrap();
        assert!(text.contains("Question: On the fix") && !text.contains("Is it fixed"), "{text}");
        let variables = json!({
            "event": story.event, "channel": app.channel("cnvd").await, "kind": "FOLLOW_UP",
            "obligation": rows[1]["id"], "language": "en", "from": { "key": "follow-up-en" },
        });
        let document = "query($event: ID!, $channel: ID!, $kind: ReplyKind!, $obligation: ID, $language: String, $from: FromTemplate!) {
            previewReply(event: $event, channel: $channel, kind: $kind, obligation: $obligation, language: $language,
            fromTemplate: $from) { body } }";
        let seen = app.graphql(&analyst, document, variables).await;
        assert!(seen["data"]["previewReply"]["body"].to_string().contains("Question: Is it fixed?"), "{seen}");
    })
    .await;
}
