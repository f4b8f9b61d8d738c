//! Files that go with replies: part of what is approved and frozen, and sent to the byte.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::IntoResponse;
use chrono::TimeDelta;
use mail_parser::MimeHeaders;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use vulndesk::auth::Role;
use vulndesk::http::client_address::PeerAddress;
use vulndesk::schedule;

use crate::files::{answer, download, request, upload};
use crate::harness::{TestApp, on_both};
use crate::mail_server::MailServer;
use crate::receiver::Receiver;
use crate::replies::{channel, look, routed, secretive, to_customer, work};

pub(crate) const PARTS: &str =
    "id version state approvedBy contentHash draftedBy attachments { id name mediaType size sha256 path }";

pub(crate) async fn seen(app: &TestApp, reply: &Value) -> Value {
    app.node(&app.token(Role::Analyst, "analyst-1"), reply["id"].as_str().unwrap(), "Reply", PARTS).await
}

/// Uploads a file for a reply.
pub(crate) async fn attach(
    app: &TestApp,
    token: &str,
    reply: &Value,
    name: &str,
    bytes: &[u8],
) -> (u16, Value) {
    let (id, version) = (reply["id"].as_str().unwrap(), &reply["version"]);
    answer(app, request(token, &format!("/files?reply={id}&version={version}&name={name}"), bytes.to_vec()))
        .await
}

#[tokio::test]
async fn files_go_with_an_email_to_the_byte_and_are_what_was_frozen() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        let before = server.got().len();
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let customer = channel(&app, "bank", "CUSTOMER", false).await;
        routed(&app, &customer, json!({ "email": "desk@example.org" })).await;
        let (_, evidence) = upload(&app, &analyst, &story.report, b"PK\x03\x04 evidence").await;
        let reply = to_customer(&app, &story, &customer).await;
        let input =
            json!({ "reply": reply["id"], "expectedVersion": reply["version"], "attach": [evidence["id"]] });
        let chosen = app.made(&analyst, "reviseReply", input, PARTS).await;
        assert_eq!(chosen["attachments"][0]["name"], "poc.zip");
        // One after the other, so that they have an order.
        app.advance(TimeDelta::seconds(1));
        let screen = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0, 255, 13, 10, 46, 13, 10]].concat();
        let (status, added) = attach(&app, &analyst, &chosen, "%E8%AF%81%E6%8D%AE.png", &screen).await;
        assert_eq!(status, 201, "{added}");
        let (status, again) = attach(&app, &analyst, &chosen, "%E8%AF%81%E6%8D%AE.png", &screen).await;
        assert_eq!((status, &again["id"]), (200, &added["id"]));
        let (status, stale) = attach(&app, &analyst, &chosen, "other.png", b"other").await;
        assert_eq!((status, &stale["errors"][0]["extensions"]["code"]), (409, &json!("CONFLICT")));
        let drafted = seen(&app, &reply).await;
        assert_eq!(drafted["version"], added["version"]);
        let send = json!({
            "reply": reply["id"], "expectedVersion": drafted["version"], "via": "EMAIL", "formats": ["TEXT", "PDF"],
        });
        app.made(&analyst, "sendReply", send, "state").await;
        // What is removed from its report after it was sent was sent all the same.
        schedule::sweep(&app.app).await.unwrap();
        work(&app).await;
        let sent = seen(&app, &reply).await;
        assert_eq!(sent["state"], "SENT", "{}", look(&app, &reply).await);
        let mut hash = Sha256::new();
        let texts = ["VERDICT", "zh-CN", "研判结论", "# 结论\n\n经研判，**确认**存在。"];
        let names = ["poc.zip", "证据.png"];
        let digests =
            [b"PK\x03\x04 evidence".as_slice(), &screen].map(|bytes| Sha256::digest(bytes).to_vec());
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        texts.iter().for_each(|text| field(text.as_bytes()));
        for (name, digest) in names.iter().zip(&digests) {
            field(name.as_bytes());
            field(digest);
        }
        assert_eq!(sent["contentHash"], hex::encode(hash.finalize()));

        assert_eq!(server.got().len(), before + 1);
        let got = server.got().pop().unwrap();
        let mail = mail_parser::MessageParser::default().parse(got.as_bytes()).unwrap();
        let files: Vec<_> = mail.attachments().collect();
        assert_eq!(files.len(), 3, "the PDF and both files");
        for (part, (name, digest)) in files[1..].iter().zip(names.iter().zip(&digests)) {
            assert_eq!(
                (part.attachment_name(), Sha256::digest(part.contents()).to_vec()),
                (Some(*name), digest.clone())
            );
        }
        let path = format!("/replies/{}/sent?format=MAIL", reply["id"].as_str().unwrap());
        let (status, _, kept) = download(&app, &analyst, &path, None).await;
        assert_eq!(
            (status, String::from_utf8(kept).unwrap().trim_end()),
            (200, got.trim_end()),
            "to the byte"
        );
        let frozen = attach(&app, &analyst, &sent, "late.png", b"late").await;
        assert_eq!(frozen.0, 400, "{frozen:?}");

        let remove = json!({ "attachment": evidence["id"], "expectedVersion": 1, "reason": "asked for" });
        app.made(&analyst, "removeAttachment", remove, "id").await;
        schedule::sweep(&app.app).await.unwrap();
        let package = format!("/events/{}/package.zip", story.number);
        let (status, _, bytes) = download(&app, &analyst, &package, None).await;
        assert_eq!(status, 200);
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let packed: Vec<String> = archive.file_names().map(str::to_owned).collect();
        let mut found = Vec::new();
        let name = packed.iter().find(|name| name.ends_with("/attached1.bin")).unwrap();
        std::io::Read::read_to_end(&mut archive.by_name(name).unwrap(), &mut found).unwrap();
        assert_eq!(found, b"PK\x03\x04 evidence", "what was sent outlives what it was chosen from");
        assert!(packed.iter().any(|name| name.ends_with(".eml")), "{packed:?}");
    }
}

#[tokio::test]
async fn another_file_is_another_draft_and_takes_the_approval_away() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        let (_, evidence) = upload(&app, &one, &story.report, b"evidence").await;
        let draft = json!({
            "event": story.event, "expectedVersion": story.version().await, "channel": app.channel("cnvd").await,
            "kind": "VERDICT", "subject": "研判结论", "body": "确认", "attach": [evidence["id"]],
        });
        let reply = app.made(&one, "draftReply", draft, PARTS).await;
        assert_eq!(reply["attachments"][0]["size"], 8);
        let approved = async |reply: Value| {
            let ask = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "analyst-2" });
            let asked = app.made(&one, "requestReplyReview", ask, PARTS).await;
            let answer = json!({ "reply": reply["id"], "expectedVersion": asked["version"], "outcome": "APPROVED" });
            app.call(&two, "reviewReply", answer, PARTS).await
        };
        let first = approved(reply.clone()).await["reply"].clone();
        assert_eq!((&first["state"], &first["approvedBy"]), (&json!("APPROVED"), &json!("analyst-2")), "{first}");
        // By an upload.
        let (status, added) = attach(&app, &one, &first, "more.txt", b"more").await;
        assert_eq!(status, 201, "{added}");
        let after = seen(&app, &reply).await;
        assert_eq!((&after["state"], &after["approvedBy"]), (&json!("DRAFT"), &Value::Null));
        // By taking one out.
        let second = approved(after).await["reply"].clone();
        assert_eq!(second["state"], "APPROVED", "{second}");
        let less = json!({ "reply": reply["id"], "expectedVersion": second["version"], "detach": [added["id"]] });
        let after = app.made(&one, "reviseReply", less, PARTS).await;
        assert_eq!((&after["state"], after["attachments"].as_array().unwrap().len()), (&json!("DRAFT"), 1));
        // By removing one from its report.
        let third = approved(after.clone()).await["reply"].clone();
        assert_eq!(third["state"], "APPROVED", "{third}");
        let remove = json!({ "attachment": evidence["id"], "expectedVersion": 1, "reason": "malware" });
        app.made(&one, "removeAttachment", remove, "id").await;
        let third = seen(&app, &reply).await;
        assert_eq!((&third["state"], &third["attachments"]), (&json!("DRAFT"), &json!([])));
        let sent = json!({ "reply": reply["id"], "expectedVersion": third["version"], "receiptNumber": "1" });
        let refused = app.call(&one, "recordReplySent", sent, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "FOUR_EYES", "{refused}");
        // Who adds a file wrote some of it.
        let (status, own) = attach(&app, &two, &third, "own.txt", b"own").await;
        assert_eq!(status, 201, "{own}");
        let after = seen(&app, &reply).await;
        assert_eq!(after["draftedBy"], "analyst-2");
        let ask = json!({ "reply": reply["id"], "expectedVersion": after["version"], "reviewer": "analyst-2" });
        let refused = app.call(&one, "requestReplyReview", ask, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "FOUR_EYES", "{refused}");
        // Only files of the event's own reports, and only for who may write replies.
        let elsewhere = app.receive("analyst-1", "src", "ELSE-1", "AMBER").await.report;
        let (_, strange) = upload(&app, &one, &elsewhere, b"strange").await;
        let input = json!({ "reply": reply["id"], "expectedVersion": after["version"], "attach": [strange["id"]] });
        let refused = app.call(&one, "reviseReply", input, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "UNKNOWN_REFERENCE", "{refused}");
        for (role, subject, expected) in
            [(Role::Leader, "leader-1", 403), (Role::Engineer, "engineer-1", 403), (Role::PublicRelations, "pr-7", 404)]
        {
            let token = app.token_in_scope(role, subject);
            assert_eq!(attach(&app, &token, &after, "x", b"x").await.0, expected, "{subject}");
            let path = own["path"].as_str().unwrap();
            let read = download(&app, &token, path, None).await.0;
            assert_eq!(read, if role == Role::Leader { 200 } else { 404 }, "{subject}");
        }
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn more_than_thirty_megabytes_are_refused_and_nothing_is_half_sent() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let customer = channel(&app, "bank", "CUSTOMER", false).await;
        routed(&app, &customer, json!({ "email": "desk@example.org" })).await;
        let reply = to_customer(&app, &story, &customer).await;
        let (status, first) = attach(&app, &analyst, &reply, "large.bin", &vec![7; 29 << 20]).await;
        assert_eq!(status, 201, "{first}");
        let with = seen(&app, &reply).await;
        let (status, refused) = attach(&app, &analyst, &with, "more.bin", &vec![8; 2 << 20]).await;
        assert!(status == 400 && refused.to_string().contains("31457280"), "{refused}");
        assert_eq!(seen(&app, &reply).await, with, "nothing changed");
        let before = server.got().len();
        let send = json!({ "reply": reply["id"], "expectedVersion": with["version"], "via": "EMAIL", "formats": ["TEXT"] });
        app.made(&analyst, "sendReply", send, "state").await;
        work(&app).await;
        assert_eq!(
            (seen(&app, &reply).await["state"].clone(), server.got().len()),
            (json!("SENT"), before + 1)
        );
        assert!(server.got().pop().unwrap().len() > 38 << 20, "all of it");
    }
}

#[tokio::test]
async fn a_platform_is_told_of_files_and_its_service_fetches_them() {
    on_both(|app| async move {
        let receiver = Receiver::start(|_, _| async { StatusCode::OK.into_response() }).await;
        let story = secretive(&app).await;
        let src = app.channel("src").await;
        routed(&app, &src, json!({ "url": receiver.url })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let reply = to_customer(&app, &story, &src).await;
        let (_, added) = attach(&app, &analyst, &reply, "proof.bin", b"proof").await;
        let path = added["path"].as_str().unwrap();
        let service = app.token_in_scope(Role::Src, "src-service");
        assert_eq!(download(&app, &service, path, None).await.0, 404, "before it is sent");
        let send = json!({ "reply": reply["id"], "expectedVersion": added["version"], "via": "WEBHOOK", "formats": ["TEXT"] });
        app.made(&analyst, "sendReply", send, "state").await;
        work(&app).await;
        let body = receiver.seen()[0].json();
        let expected = json!([{
            "name": "proof.bin", "mediaType": "application/zip", "size": 5, "path": path,
            "sha256": hex::encode(Sha256::digest(b"proof")),
        }]);
        assert_eq!(body["attachments"], expected);
        assert!(!body.to_string().contains("cHJvb2Y"), "no bytes");
        assert_eq!(download(&app, &service, path, None).await.2, b"proof");
        let other = app.mint(&[Role::Src], "cnvd-service", &[], Some("cnvd"));
        assert_eq!(download(&app, &other, path, None).await.0, 404);
        assert_eq!(download(&app, &app.token(Role::Reporter, "reporter-7"), path, None).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_platform_that_reported_nothing_fetches_files_before_it_answers() {
    on_both(|app| async move {
        let story = secretive(&app).await;
        let vendor = channel(&app, "vendor", "VENDOR", false).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let service = app.mint(&[Role::Src], "vendor-service", &[], Some("vendor"));
        let (router, token) = (app.router.clone(), service.clone());
        let receiver = Receiver::start(move |before, seen| {
            let (router, token) = (router.clone(), token.clone());
            async move {
                let path = seen.json()["attachments"][0]["path"].as_str().unwrap().to_owned();
                let mut request = Request::get(path)
                    .header(header::AUTHORIZATION, format!("Bearer {token}"))
                    .body(Body::empty())
                    .unwrap();
                request.extensions_mut().insert(PeerAddress("127.0.0.1:40000".parse().unwrap()));
                let fetched = router.oneshot(request).await.unwrap();
                // It takes what it could fetch, and of the second nothing.
                if before > 0 { StatusCode::GONE.into_response() } else { fetched.status().into_response() }
            }
        })
        .await;
        routed(&app, &vendor, json!({ "url": receiver.url })).await;
        let send = async |bytes: &[u8]| {
            let reply = to_customer(&app, &story, &vendor).await;
            let (_, added) = attach(&app, &analyst, &reply, "proof.bin", bytes).await;
            let path = added["path"].as_str().unwrap().to_owned();
            let input = json!({
                "reply": reply["id"], "expectedVersion": added["version"], "via": "WEBHOOK", "formats": ["TEXT"],
            });
            app.made(&analyst, "sendReply", input, "state").await;
            let waiting = download(&app, &service, &path, None).await.0;
            work(&app).await;
            (reply, path, waiting)
        };
        let (reply, path, waiting) = send(b"proof").await;
        assert_eq!(waiting, 404, "nothing of it went out yet");
        assert_eq!(seen(&app, &reply).await["state"], "SENT", "{}", look(&app, &reply).await);
        assert_eq!(download(&app, &service, &path, None).await.2, b"proof");
        // It has the files alone, and nobody else has them.
        let text = format!("/replies/{}/sent?format=TEXT", reply["id"].as_str().unwrap());
        assert_eq!(download(&app, &service, &text, None).await.0, 404);
        assert!(app.node(&service, &story.event, "Event", "id").await.is_null());
        let others = [
            ("the service of another channel", app.token_in_scope(Role::Src, "src-service")),
            ("a service of none", app.mint(&[Role::Src], "vendor-service", &[], None)),
            ("another role with the channel", app.mint(&[Role::Reporter], "reporter-7", &[], Some("vendor"))),
            ("an engineer of another product", app.mint(&[Role::Engineer], "engineer-7", &["home-camera"], None)),
        ];
        for (name, token) in others {
            assert_eq!(download(&app, &token, &path, None).await.0, 404, "{name}");
        }
        let (refused, path, _) = send(b"another").await;
        assert_eq!(seen(&app, &refused).await["state"], "FAILED", "{}", look(&app, &refused).await);
        assert_eq!(download(&app, &service, &path, None).await.0, 404, "what did not arrive is not had");
    })
    .await;
}

#[tokio::test]
async fn no_reply_leaves_without_a_file_of_its_own_by_whichever_way() {
    let server = MailServer::start().await;
    for app in TestApp::with_mail(server.port).await {
        let receiver = Receiver::willing().await;
        let before = server.got().len();
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let vendor = channel(&app, "vendor", "VENDOR", false).await;
        routed(&app, &vendor, json!({ "url": receiver.url, "email": "desk@example.org" })).await;
        let reply = to_customer(&app, &story, &vendor).await;
        let (_, added) = attach(&app, &analyst, &reply, "proof.bin", b"proof of it").await;
        let kept = entity::stored_file::Entity::find().all(app.app.database.reader()).await.unwrap();
        let name = kept.last().unwrap().id.simple().to_string();
        let file = app.app.files.folder().join("kept").join(&name[30..]).join(&name);
        let version = &added["version"];
        let attempts = [
            ("sendReply", json!({ "reply": reply["id"], "expectedVersion": version, "via": "WEBHOOK" })),
            ("sendReply", json!({ "reply": reply["id"], "expectedVersion": version, "via": "EMAIL" })),
            (
                "recordReplySent",
                json!({ "reply": reply["id"], "expectedVersion": version, "proof": "letter" }),
            ),
        ];
        for damage in ["altered", "missing"] {
            match damage {
                "altered" => std::fs::write(&file, b"proof of IT").unwrap(),
                _ => std::fs::remove_file(&file).unwrap(),
            }
            for (mutation, input) in &attempts {
                let refused = app.call(&analyst, mutation, input.clone(), "id").await;
                let refusal = &refused["userErrors"][0];
                assert_eq!(refusal["code"], "MISSING_FACT", "{damage} {mutation}: {refused}");
                assert!(refusal["message"].as_str().unwrap().contains("proof.bin"), "{refused}");
            }
        }
        work(&app).await;
        assert_eq!((receiver.seen().len(), server.got().len()), (0, before));
        assert_eq!(seen(&app, &reply).await["state"], "DRAFT");
        std::fs::write(&file, b"proof of it").unwrap();
        app.made(&analyst, "recordReplySent", attempts[2].1.clone(), "id").await;
        assert_eq!(seen(&app, &reply).await["state"], "SENT");
    }
}

#[tokio::test]
async fn files_that_a_person_carried_are_held_against_the_trail() {
    use vulndesk::audit::verify::{Fault, verify};
    on_both(|app| async move {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let vendor = channel(&app, "vendor", "VENDOR", false).await;
        let reply = to_customer(&app, &story, &vendor).await;
        let (_, added) = attach(&app, &analyst, &reply, "proof.bin", b"proof of it").await;
        let sent = json!({ "reply": reply["id"], "expectedVersion": added["version"], "proof": "letter" });
        app.made(&analyst, "recordReplySent", sent, "id").await;
        let faults = async || {
            let found = verify(&app.app).await.unwrap().findings;
            found.into_iter().map(|found| (found.fault, found.kind)).collect::<Vec<_>>()
        };
        assert_eq!(faults().await, []);
        let sent = |kind: &str| (Fault::Sent, kind.to_owned());
        let (db, of) = (app.app.database.writer(), entity::reply_attachment::Entity::find());
        let row = of.one(db).await.unwrap().unwrap();
        let put = async |row: entity::reply_attachment::Model| {
            let row = row.into_active_model().reset_all();
            entity::reply_attachment::Entity::update(row).exec(db).await.unwrap();
        };
        let name = row.file_id.simple().to_string();
        let file = app.app.files.folder().join("kept").join(&name[30..]).join(&name);
        std::fs::write(&file, b"proof of IT").unwrap();
        assert_eq!(faults().await, [sent("reply_attachment")], "other bytes");
        let digest = Sha256::digest(b"proof of IT").to_vec();
        put(entity::reply_attachment::Model { sha256: digest, ..row.clone() }).await;
        assert_eq!(faults().await, [sent("reply")], "with a digest to match");
        std::fs::remove_file(&file).unwrap();
        put(row.clone()).await;
        assert_eq!(faults().await, [sent("reply_attachment")], "taken off the disk");
        std::fs::write(&file, b"proof of it").unwrap();
        assert_eq!(faults().await, []);
        put(entity::reply_attachment::Model { name: "other.bin".to_owned(), ..row.clone() }).await;
        assert_eq!(faults().await, [sent("reply")], "under another name");
        entity::reply_attachment::Entity::delete_by_id(row.id).exec(db).await.unwrap();
        assert_eq!(faults().await, [sent("reply")], "taken out of the list");
        let again = row.clone().into_active_model();
        entity::reply_attachment::Entity::insert(again).exec_without_returning(db).await.unwrap();
        let other = entity::reply::Entity::find_by_id(row.reply_id).one(db).await.unwrap().unwrap();
        let hash = Some(Sha256::digest(b"another").to_vec());
        let other = entity::reply::Model { content_hash: hash, ..other }.into_active_model().reset_all();
        entity::reply::Entity::update(other).exec(db).await.unwrap();
        assert_eq!(faults().await, [sent("reply")], "another hash");
    })
    .await;
}

/// Uploads a proof of a reply.
async fn prove(app: &TestApp, token: &str, reply: &Value, name: &str, bytes: &[u8]) -> (u16, Value) {
    let id = reply["id"].as_str().unwrap();
    answer(app, request(token, &format!("/files?proof={id}&name={name}"), bytes.to_vec())).await
}

#[tokio::test]
async fn a_reply_sent_by_hand_is_proven_by_files_that_its_channel_never_reads() {
    use vulndesk::audit::verify::{Fault, verify};
    on_both(|app| async move {
        let story = secretive(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let bank = channel(&app, "bank", "CUSTOMER", false).await;
        let reply = to_customer(&app, &story, &bank).await;
        let other = to_customer(&app, &story, &bank).await;
        let bare = json!({ "reply": reply["id"], "expectedVersion": reply["version"] });
        let refused = app.call(&analyst, "recordReplySent", bare.clone(), "id").await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
        let (status, proof) = prove(&app, &analyst, &reply, "receipt.png", b"a receipt").await;
        assert_eq!(status, 201, "{proof}");
        let (status, again) = prove(&app, &analyst, &reply, "receipt.png", b"a receipt").await;
        assert_eq!((status, &again["id"]), (200, &proof["id"]));
        for (role, subject) in [(Role::Engineer, "engineer-1"), (Role::Leader, "leader-1"), (Role::Auditor, "auditor-1")] {
            let (status, _) = prove(&app, &app.token(role, subject), &reply, "x", b"x").await;
            assert_eq!(status, 403, "{role:?}");
        }
        let (_, foreign) = prove(&app, &analyst, &other, "other.png", b"of another").await;
        let wrong = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "proofFiles": [foreign["id"]] });
        let refused = app.call(&analyst, "recordReplySent", wrong, "id").await;
        assert_eq!(refused["userErrors"][0]["field"], "proofFiles", "{refused}");

        let sent = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "proofFiles": [proof["id"]], "receiptNumber": "B-1" });
        let fields = "id version sentAt proofFiles { name sha256 path addedBy provesSentAt }";
        let sent = app.made(&analyst, "recordReplySent", sent, fields).await;
        assert_eq!(sent["proofFiles"][0]["provesSentAt"], sent["sentAt"]);
        assert_eq!(sent["proofFiles"][0]["sha256"], hex::encode(Sha256::digest(b"a receipt")));
        app.advance(TimeDelta::minutes(1));
        let (status, late) = prove(&app, &analyst, &sent, "late.png", b"a letter").await;
        assert_eq!(status, 201, "{late}");
        let seen = app.node(&app.token(Role::Auditor, "auditor-1"), sent["id"].as_str().unwrap(), "Reply", fields).await;
        assert_eq!(seen["proofFiles"].as_array().unwrap().len(), 2);
        assert_eq!(seen["version"], sent["version"], "what was sent is as it was");

        // The team reads it to the byte; who reads no replies, and a channel's service, does not.
        let path = proof["path"].as_str().unwrap();
        let (status, _, bytes) = download(&app, &app.token(Role::Leader, "leader-1"), path, None).await;
        assert_eq!((status, bytes.as_slice()), (200, b"a receipt".as_slice()));
        let bank_service = app.mint(&[Role::Src], "bank-service", &[], Some("bank"));
        for token in [bank_service, app.token(Role::Engineer, "engineer-1"), app.token(Role::Ticketing, "desk")] {
            let (status, _, _) = download(&app, &token, path, None).await;
            assert!([403, 404].contains(&status), "{status}");
        }

        // In the package, in the audit trail, and held against it.
        let package = format!("/events/{}/package.zip", story.number);
        let (_, _, bytes) = download(&app, &analyst, &package, None).await;
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let names: Vec<String> = archive.file_names().filter(|name| name.contains("/proof")).map(str::to_owned).collect();
        let mut packed = Vec::new();
        for name in names {
            let mut found = Vec::new();
            std::io::Read::read_to_end(&mut archive.by_name(&name).unwrap(), &mut found).unwrap();
            packed.push(found);
        }
        packed.sort();
        assert_eq!(packed, [b"a letter".to_vec(), b"a receipt".to_vec(), b"of another".to_vec()]);
        schedule::sweep(&app.app).await.unwrap();
        let faults = async || {
            let found = verify(&app.app).await.unwrap().findings;
            found.into_iter().map(|found| (found.fault, found.kind)).collect::<Vec<_>>()
        };
        assert_eq!(faults().await, []);
        let row = entity::reply_proof::Entity::find().all(app.app.database.reader()).await.unwrap();
        let row = row.into_iter().find(|row| row.name == "receipt.png").unwrap();
        let name = row.file_id.simple().to_string();
        let file = app.app.files.folder().join("kept").join(&name[30..]).join(&name);
        std::fs::write(&file, b"a RECEIPT").unwrap();
        assert_eq!(faults().await, [(Fault::Sent, "reply_proof".to_owned())], "other bytes");
        std::fs::write(&file, b"a receipt").unwrap();
        entity::reply_proof::Entity::delete_by_id(row.id).exec(app.owner()).await.unwrap();
        assert_eq!(faults().await, [(Fault::Sent, "reply_proof".to_owned())], "taken out of the list");
    })
    .await;
}
