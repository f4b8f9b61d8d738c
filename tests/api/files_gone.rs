//! Files that go with replies until they may not any more: removed, moved with their report, attached when more could leave.

use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::schedule;

use crate::files::{download, on_disk, upload};
use crate::harness::{TestApp, on_both};
use crate::receiver::Receiver;
use crate::replies::{channel, routed, secretive, to_customer};
use crate::reply_files::{PARTS, attach, seen};
use crate::story::Story;

/// A reply to the channel that carries the attachment.
async fn carrying(app: &TestApp, story: &Story<'_>, channel: &str, file: &Value) -> Value {
    let reply = to_customer(app, story, channel).await;
    let input = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "attach": [file["id"]] });
    app.made(&app.token(Role::Analyst, "analyst-1"), "reviseReply", input, PARTS).await
}

#[tokio::test]
async fn a_removed_file_is_out_of_each_reply_that_has_not_left_and_stays_in_those_that_did() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let (analyst, leader) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Leader, "leader-1"));
        let customer = channel(&app, "bank", "CUSTOMER", false).await;
        let (_, file) = upload(&app, &analyst, &story.report, b"to be removed").await;
        let (_, kept) = upload(&app, &analyst, &story.report, b"sent before").await;
        let sent = carrying(&app, &story, &customer, &kept).await;
        let record = json!({ "reply": sent["id"], "expectedVersion": sent["version"], "proof": "letter" });
        app.made(&analyst, "recordReplySent", record, "id").await;
        let draft = carrying(&app, &story, &customer, &file).await;
        let path = draft["attachments"][0]["path"].as_str().unwrap().to_owned();
        assert_eq!(download(&app, &leader, &path, None).await.2, b"to be removed");
        for row in [&file, &kept] {
            let remove = json!({ "attachment": row["id"], "expectedVersion": 1, "reason": "malware" });
            app.made(&analyst, "removeAttachment", remove, "id").await;
        }
        assert_eq!(download(&app, &leader, &path, None).await.0, 404);
        let after = seen(&app, &draft).await;
        assert_eq!((&after["attachments"], &after["draftedBy"]), (&json!([]), &json!("analyst-1")));
        assert_ne!(after["version"], draft["version"], "who saw it with the file looks again");
        assert_eq!(on_disk(app.app.files.folder()), [b"sent before"]);
        let path = sent["attachments"][0]["path"].as_str().unwrap();
        assert_eq!(download(&app, &leader, path, None).await.2, b"sent before");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn a_file_removed_while_its_reply_waits_to_leave_neither_leaves_nor_stays() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        let story = secretive(&app).await;
        let (analyst, leader) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Leader, "leader-1"));
        let vendor = channel(&app, "vendor", "VENDOR", false).await;
        routed(&app, &vendor, json!({ "url": receiver.url })).await;
        let (_, file) = upload(&app, &analyst, &story.report, b"to be removed").await;
        let reply = carrying(&app, &story, &vendor, &file).await;
        let path = reply["attachments"][0]["path"].as_str().unwrap();
        let send =
            |version: &Value| json!({ "reply": reply["id"], "expectedVersion": version, "via": "WEBHOOK" });
        let sending = app.made(&analyst, "sendReply", send(&reply["version"]), "version").await;
        let remove = json!({ "attachment": file["id"], "expectedVersion": 1, "reason": "malware" });
        app.made(&analyst, "removeAttachment", remove, "id").await;
        let back =
            json!({ "reply": reply["id"], "expectedVersion": sending["version"], "reason": "not with that" });
        let failed = app.made(&analyst, "cancelReply", back, "state version").await;
        assert_eq!(failed["state"], "FAILED");
        assert_eq!(download(&app, &leader, path, None).await.0, 404);
        let refused = app.call(&analyst, "sendReply", send(&failed["version"]), "id").await;
        assert!(refused["userErrors"][0]["message"].as_str().unwrap().contains("poc.zip"), "{refused}");
        let package = format!("/events/{}/package.zip", story.number);
        let (_, _, bytes) = download(&app, &analyst, &package, None).await;
        let archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        assert!(!archive.file_names().any(|name| name.ends_with(".bin")), "nobody takes it out that way");
        // Whatever is changed of it, the file is out then, and its bytes go.
        let revise =
            json!({ "reply": reply["id"], "expectedVersion": failed["version"], "subject": "Another" });
        let revised = app.made(&analyst, "reviseReply", revise, PARTS).await;
        assert_eq!(revised["attachments"], json!([]));
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(on_disk(app.app.files.folder()), Vec::<Vec<u8>>::new());
        app.made(&analyst, "sendReply", send(&revised["version"]), "id").await;
    })
    .await;
}

#[tokio::test]
async fn files_leave_the_replies_of_an_event_with_their_report() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let leader = app.token(Role::Leader, "leader-1");
        let first = Story::receive(&app, "A-1", json!({})).await;
        let second = Story::receive(&app, "B-1", json!({})).await;
        let joined = json!({
            "channel": "src", "number": "A-2", "title": "Another", "text": "Steps", "joinEvent": first.event,
        });
        let report = app.made(&analyst, "receiveReport", joined, "id").await;
        for story in [&first, &second] {
            story.analyst("startTriage", json!({})).await;
        }
        let (_, file) = upload(&app, &analyst, report["id"].as_str().unwrap(), b"of the other event").await;
        let (_, own) = upload(&app, &analyst, &first.report, b"of this event").await;
        let vendor = channel(&app, "vendor", "VENDOR", false).await;
        let draft = json!({
            "event": first.event, "expectedVersion": first.version().await, "channel": vendor,
            "kind": "ACKNOWLEDGEMENT", "subject": "Thanks", "body": "We look into it", "attach": [file["id"], own["id"]],
        });
        let reply = app.made(&analyst, "draftReply", draft, PARTS).await;
        let attached = reply["attachments"].as_array().unwrap();
        assert_eq!(attached.len(), 2);
        let of = |size: usize| attached.iter().find(|row| row["size"] == size).unwrap()["path"].as_str().unwrap();
        let (gone, stays) = (of(18), of(13));
        let join = json!({
            "report": report["id"], "event": second.event, "expectedVersion": first.version().await,
        });
        app.made(&analyst, "joinReport", join, "id").await;
        assert_eq!(download(&app, &leader, gone, None).await.0, 404);
        assert_eq!(download(&app, &leader, stays, None).await.2, b"of this event");
        let after = seen(&app, &reply).await;
        assert_eq!(after["attachments"].as_array().unwrap().len(), 1, "{after}");
        assert_ne!(after["version"], reply["version"]);
        let found = download(&app, &analyst, file["path"].as_str().unwrap(), None).await;
        assert_eq!(found.2, b"of the other event", "its report has it still");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn a_new_body_lets_no_file_leave_that_was_attached_when_more_could() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let vendor = channel(&app, "vendor", "VENDOR", false).await;
        let (_, chosen) = upload(&app, &analyst, &story.report, b"PoC").await;
        let reply = carrying(&app, &story, &vendor, &chosen).await;
        let (_, added) = attach(&app, &analyst, &reply, "screen.png", b"screen").await;
        story.analyst("setTlp", json!({ "tlp": "RED", "reason": "named people only" })).await;
        let body =
            json!({ "reply": reply["id"], "expectedVersion": added["version"], "body": "Less than before" });
        let revised = app.made(&analyst, "reviseReply", body, PARTS).await;
        assert_eq!(revised["attachments"].as_array().unwrap().len(), 2);
        let record = async |version: &Value| {
            let input = json!({ "reply": reply["id"], "expectedVersion": version, "proof": "letter" });
            app.call(&analyst, "recordReplySent", input, "state").await
        };
        let names = |refused: &Value| {
            let errors = refused["userErrors"].as_array().unwrap().iter();
            let names =
                errors.map(|error| error["message"].as_str().unwrap().split(':').next().unwrap().to_owned());
            names.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        let refused = record(&revised["version"]).await;
        assert_eq!(names(&refused), ["poc.zip", "screen.png"], "{refused}");
        // Each is attached again by who knows what holds now, or taken out.
        let again =
            json!({ "reply": reply["id"], "expectedVersion": revised["version"], "attach": [chosen["id"]] });
        let again = app.made(&analyst, "reviseReply", again, PARTS).await;
        let refused = record(&again["version"]).await;
        assert_eq!(names(&refused), ["screen.png"], "{refused}");
        let (status, uploaded) = attach(&app, &analyst, &again, "screen.png", b"screen").await;
        assert_eq!(status, 201, "{uploaded}");
        let (status, twice) = attach(&app, &analyst, &again, "screen.png", b"screen").await;
        assert_eq!((status, &twice["id"]), (200, &uploaded["id"]), "now it is the same");
        assert_eq!(seen(&app, &reply).await["attachments"].as_array().unwrap().len(), 2);
        // Another verdict is another ground too.
        story.analyst("returnToTriage", json!({ "reason": "Looked again" })).await;
        let verdict = json!({ "verdict": "CONFIRMED", "severity": "LOW", "rationale": "Looked again" });
        story.analyst("giveVerdict", verdict).await;
        let body = json!({ "reply": reply["id"], "expectedVersion": uploaded["version"], "body": "Anew" });
        let revised = app.made(&analyst, "reviseReply", body, PARTS).await;
        let refused = record(&revised["version"]).await;
        assert_eq!(names(&refused), ["poc.zip", "screen.png"], "{refused}");
        let out: Vec<_> =
            revised["attachments"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        let none = json!({ "reply": reply["id"], "expectedVersion": revised["version"], "detach": out });
        let none = app.made(&analyst, "reviseReply", none, PARTS).await;
        assert_eq!(record(&none["version"]).await["reply"]["state"], "SENT");
    })
    .await;
}
