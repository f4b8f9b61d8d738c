//! Files of reports: who adds them, who has them, what becomes of their bytes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tower::ServiceExt;
use vulndesk::app::App;
use vulndesk::attachment;
use vulndesk::attachment::settings::{UploadSettings, Uploads};
use vulndesk::auth::{AuthSettings, DevelopmentSecret, Role, Verifier};
use vulndesk::clock::{Clock, Ids};
use vulndesk::executor::Api;
use vulndesk::files::Files;
use vulndesk::http::rates::{RateSettings, Rates};
use vulndesk::{graphql, ids, schedule};

use crate::harness::{SECRET, TestApp, on_both};
use crate::rich;
use crate::story::Story;

pub(crate) fn request(token: &str, target: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(target)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/zip")
        .body(body.into())
        .unwrap()
}

pub(crate) fn target(report: &str, name: &str) -> String {
    format!("/files?report={report}&name={name}")
}

pub(crate) async fn answer(app: &TestApp, request: Request<Body>) -> (u16, Value) {
    let (status, body) = app.send(request).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// Adds a file and answers status and answer.
pub(crate) async fn upload(app: &TestApp, token: &str, report: &str, bytes: &[u8]) -> (u16, Value) {
    answer(app, request(token, &target(report, "poc.zip"), bytes.to_vec())).await
}

/// A file's status, headers and bytes.
pub(crate) async fn download(
    app: &TestApp,
    token: &str,
    path: &str,
    range: Option<&str>,
) -> (u16, Vec<String>, Vec<u8>) {
    let mut request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    if let Some(range) = range {
        request = request.header(header::RANGE, range);
    }
    let response = app.respond(request.body(Body::empty()).unwrap()).await;
    let header =
        |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let names =
        ["content-type", "content-disposition", "x-content-type-options", "content-range", "content-length"];
    let (status, headers) = (response.status().as_u16(), names.map(header).to_vec());
    let mut chunks = response.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        bytes.extend_from_slice(&chunk);
    }
    (status, headers, bytes)
}

/// Gives the story's event a file that the team has, one that was removed, and a draft with a file, for the field matrix.
pub(crate) async fn of_every_kind(app: &TestApp, story: &Story<'_>, channel: &str) {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let (_, released) = upload(app, &analyst, &story.report, b"for the team").await;
    let input = json!({ "attachment": released["id"], "expectedVersion": 1 });
    app.made(&analyst, "releaseAttachment", input, "id").await;
    let (_, removed) = upload(app, &analyst, &story.report, b"to be removed").await;
    let input = json!({ "attachment": removed["id"], "expectedVersion": 1, "reason": "asked for" });
    app.made(&analyst, "removeAttachment", input, "id").await;
    let draft = json!({
        "event": story.event, "expectedVersion": story.version().await, "channel": channel, "kind": "THANKS",
        "subject": "Thanks", "body": "Thank you", "attach": [released["id"]],
    });
    app.made(&analyst, "draftReply", draft, "id").await;
    let replies = story.look("replies { id state }").await;
    let sent = replies["replies"].as_array().unwrap().iter().find(|reply| reply["state"] == "SENT").unwrap();
    let target = format!("/files?proof={}&name=receipt.png", sent["id"].as_str().unwrap());
    let (status, proof) = answer(app, request(&analyst, &target, b"a receipt".to_vec())).await;
    assert_eq!(status, 201, "{proof}");
}

/// All files under a folder, and their bytes.
pub(crate) fn on_disk(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(on_disk(&path)) } else { found.push(std::fs::read(path).unwrap()) }
    }
    found
}

pub(crate) async fn rows(app: &TestApp) -> (u64, u64) {
    let db = app.app.database.reader();
    let attachments = entity::attachment::Entity::find().count(db).await.unwrap();
    (attachments, entity::stored_file::Entity::find().count(db).await.unwrap())
}

/// The same product with other bounds, and its routes of files alone.
pub(crate) async fn bounded(app: &TestApp, uploads: UploadSettings) -> (Arc<App>, Router) {
    bounded_over(app, uploads, app.app.files.clone()).await
}

/// The same over other files.
pub(crate) async fn bounded_over(app: &TestApp, uploads: UploadSettings, files: Files) -> (Arc<App>, Router) {
    let clock: Arc<dyn Clock> = Arc::clone(&app.clock) as _;
    let ids = Ids::seeded(Arc::clone(&clock), 9);
    let mut other = App::new(app.app.database.clone(), clock, ids).await.unwrap();
    other.uploads = Uploads::new(&uploads).unwrap();
    let other = Arc::new(other.with_files(files));
    let secret = DevelopmentSecret::new(SECRET).unwrap();
    let verifier = Arc::new(Verifier::development(AuthSettings::default(), &secret));
    let api = Api {
        app: Arc::clone(&other),
        schema: graphql::schema(),
        verifier,
        rates: Arc::new(Rates::new(&RateSettings::default())),
        live: None,
    };
    (other, attachment::http::routes(Arc::new(api)))
}

pub(crate) async fn answer_of(router: &Router, request: Request<Body>) -> (u16, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A body that tells whether anybody asked for it.
fn watched(asked: &Arc<AtomicBool>) -> Body {
    let asked = Arc::clone(asked);
    Body::from_stream(stream::once(async move {
        asked.store(true, Ordering::SeqCst);
        Ok::<_, std::io::Error>(Bytes::from_static(b"evidence"))
    }))
}

#[tokio::test]
async fn who_may_add_a_file_adds_it_once_and_of_nobody_else_a_byte_is_read() {
    on_both(|app| async move {
        let story = rich::event(&app, "cnvd", "AMBER").await;
        let report = &story.report;
        let before = rows(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let may = [
            ("an analyst", analyst.clone(), false),
            ("its reporter", app.token(Role::Reporter, "reporter-1"), true),
            ("its channel's service", app.mint(&[Role::Src], "src-1", &[], Some("cnvd")), true),
        ];
        for (number, (name, token, _)) in may.iter().enumerate() {
            let (status, added) = upload(&app, token, report, format!("PK {number}").as_bytes()).await;
            assert_eq!((status, &added["name"]), (201, &json!("poc.zip")), "{name}: {added}");
            let (status, again) = upload(&app, token, report, format!("PK {number}").as_bytes()).await;
            assert_eq!((status, &again), (200, &added), "{name}");
            let path = added["path"].as_str().unwrap();
            assert_eq!(
                download(&app, token, path, None).await.2,
                format!("PK {number}").as_bytes(),
                "{name}"
            );
        }
        assert_eq!(rows(&app).await, (before.0 + 3, before.1 + 3));
        // The same bytes from another side are another attachment and the same file: what is hidden is not told of.
        let (status, own) = upload(&app, &may[1].1, report, b"PK 0").await;
        assert_eq!(status, 201, "{own}");
        assert_eq!(rows(&app).await, (before.0 + 4, before.1 + 3));
        let seen = app.node(&may[1].1, report, "Report", "attachments { nodes { id addedBy } }").await;
        assert_eq!(
            seen["attachments"]["nodes"].as_array().unwrap().len(),
            4,
            "theirs, the service's and the mail's"
        );
        assert!(
            seen["attachments"]["nodes"].as_array().unwrap().iter().all(|file| file["addedBy"].is_null())
        );

        let absent = ids::encode(ids::Kind::Report, uuid::Uuid::from_u128(1));
        let nobody = [
            ("a reporter of another report", app.token(Role::Reporter, "reporter-7"), 404),
            ("another channel's service", app.mint(&[Role::Src], "src-7", &[], Some("src")), 404),
            ("an engineer of the event", app.token_in_scope(Role::Engineer, "engineer-1"), 403),
            ("a leader", app.token(Role::Leader, "leader-1"), 403),
            ("an auditor", app.token(Role::Auditor, "auditor-1"), 403),
            ("an admin", app.token(Role::Admin, "admin-1"), 403),
            ("nobody", "none".to_owned(), 401),
        ];
        for (name, token, expected) in &nobody {
            let asked = Arc::new(AtomicBool::new(false));
            let hidden = answer(&app, request(token, &target(report, "x"), watched(&asked))).await;
            let unknown = answer(&app, request(token, &target(&absent, "x"), watched(&asked))).await;
            assert_eq!(hidden, unknown, "{name}");
            assert_eq!(hidden.0, *expected, "{name}");
            assert!(!asked.load(Ordering::SeqCst), "{name}: something of the body was read");
        }
        let asked = Arc::new(AtomicBool::new(false));
        let ill_formed = answer(&app, request(&analyst, "/files?name=x", watched(&asked))).await;
        assert_eq!((ill_formed.0, asked.load(Ordering::SeqCst)), (400, false));
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn a_file_of_the_reporter_is_what_an_event_waited_for() {
    on_both(|app| async move {
        app.with_company().await;
        let reporter = json!({ "name": "somebody", "subject": "reporter-1" });
        let story = Story::receive(&app, "S-1", json!({ "channel": "src", "reporter": reporter })).await;
        story.analyst("startTriage", json!({})).await;
        story.analyst("askReporter", json!({ "report": story.report, "question": "Which version?" })).await;
        assert_eq!(story.status().await, "NEEDS_INFORMATION");
        let analyst = app.token(Role::Analyst, "analyst-1");
        upload(&app, &analyst, &story.report, b"found it myself").await;
        assert_eq!(story.status().await, "NEEDS_INFORMATION", "nobody answered yet");
        let own = app.token(Role::Reporter, "reporter-1");
        assert_eq!(upload(&app, &own, &story.report, b"5.1").await.0, 201);
        assert_eq!(story.status().await, "TRIAGING");
        let entries = entity::audit_entry::Entity::find().all(app.app.database.reader()).await.unwrap();
        let added: Vec<_> = entries.iter().filter(|entry| entry.action == "addAttachment").collect();
        assert_eq!(added.len(), 2);
        assert!(
            added
                .iter()
                .all(|entry| !entry.details.contains("reporter-1") && !entry.details.contains("poc.zip"))
        );
        let told = entity::message::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert_eq!(told.iter().filter(|row| row.kind == "report.attachment_added").count(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_released_file_is_the_teams_until_it_is_taken_back_and_an_original_mail_never() {
    on_both(|app| async move {
        let story = rich::event(&app, "cnvd", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let listed = app
            .node(&analyst, &story.report, "Report", "attachments { nodes { id path kind version } }")
            .await;
        let files = listed["attachments"]["nodes"].as_array().unwrap();
        let of = |kind: &str| files.iter().find(|file| file["kind"] == kind).unwrap();
        let (file, original) = (of("FILE"), of("ORIGINAL_MAIL"));
        let path = file["path"].as_str().unwrap();
        let team = [
            ("an engineer of the product", app.token_in_scope(Role::Engineer, "engineer-9")),
            ("an engineer on the team", app.token(Role::Engineer, "engineer-1")),
            ("legal", app.token(Role::Legal, "legal-1")),
            ("support", app.token(Role::Support, "support-1")),
        ];
        let others = [
            ("a reporter of another report", app.token(Role::Reporter, "reporter-7")),
            ("another channel's service", app.mint(&[Role::Src], "src-7", &[], Some("src"))),
            (
                "an engineer of another product",
                app.mint(&[Role::Engineer], "engineer-7", &["home-camera"], None),
            ),
            ("legal of no event", app.token(Role::Legal, "legal-7")),
            ("finance", app.token(Role::Finance, "finance-1")),
            ("an admin", app.token(Role::Admin, "admin-1")),
        ];
        let absent = format!("/files/{}", ids::encode(ids::Kind::Attachment, uuid::Uuid::from_u128(1)));
        let event = "releasedAttachments { totalCount nodes { id name releasedBy addedBy } }";
        let see = async |open: bool| {
            for (name, token) in &team {
                let got = download(&app, token, path, None).await;
                assert_eq!(got.0, if open { 200 } else { 404 }, "{name}");
                let listed = app.node(token, &story.event, "Event", event).await;
                let count = &listed["releasedAttachments"]["totalCount"];
                assert_eq!(*count, json!(i32::from(open)), "{name}: {listed}");
                let found = app.node(token, file["id"].as_str().unwrap(), "Attachment", "name addedBy").await;
                assert_eq!(found.is_null(), !open, "{name}");
                assert!(found["addedBy"].is_null(), "{name}");
                assert_eq!(
                    download(&app, token, original["path"].as_str().unwrap(), None).await.0,
                    404,
                    "{name}"
                );
            }
            for (name, token) in &others {
                let unknown = download(&app, token, &absent, None).await;
                assert!([403, 404].contains(&unknown.0), "{name}");
                assert_eq!(download(&app, token, path, None).await, unknown, "{name}");
                let found = app.node(token, file["id"].as_str().unwrap(), "Attachment", "name").await;
                assert!(found.is_null(), "{name}");
            }
            let own = app.token(Role::Reporter, "reporter-1");
            let theirs =
                app.node(&own, file["id"].as_str().unwrap(), "Attachment", "releasedAt releasedBy").await;
            let tells = [&theirs["releasedAt"], &theirs["releasedBy"]].iter().any(|told| !told.is_null());
            assert!(!tells, "{theirs}");
        };
        let input =
            |file: &Value, version: i32| json!({ "attachment": file["id"], "expectedVersion": version });
        see(false).await;
        let refused = app.call(&analyst, "releaseAttachment", input(original, 1), "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "CONTRADICTION", "{refused}");
        app.made(&analyst, "releaseAttachment", input(file, 1), "id").await;
        see(true).await;
        let stale = app.call(&analyst, "retractAttachment", input(file, 1), "id").await;
        assert_eq!(stale["errors"][0]["extensions"]["code"], "CONFLICT", "{stale}");
        let twice = app.call(&analyst, "releaseAttachment", input(file, 2), "id").await;
        assert_eq!(twice["userErrors"][0]["code"], "ALREADY_EXISTS", "{twice}");
        app.made(&analyst, "retractAttachment", input(file, 2), "id").await;
        see(false).await;
        app.made(&analyst, "releaseAttachment", input(file, 3), "id").await;
        let remove = json!({ "attachment": file["id"], "expectedVersion": 4, "reason": "malware" });
        app.made(&analyst, "removeAttachment", remove, "id").await;
        see(false).await;
        let last = app
            .node(&analyst, file["id"].as_str().unwrap(), "Attachment", "available removedBy releasedAt")
            .await;
        assert_eq!(last, json!({ "available": false, "removedBy": "analyst-1", "releasedAt": null }));
        let again = app.call(&analyst, "releaseAttachment", input(file, 5), "id").await;
        assert_eq!(again["userErrors"][0]["code"], "FROZEN", "{again}");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

/// Somebody of the team who reported it themselves, and is not named on the event once it is RED.
#[tokio::test]
async fn whose_own_report_is_on_a_red_event_has_its_public_side_alone() {
    on_both(|app| async move {
        app.with_company().await;
        let reporter = json!({ "name": "somebody", "subject": "both-1" });
        let story = Story::receive(&app, "SRC-1", json!({ "channel": "src", "reporter": reporter })).await;
        let both = app.mint(&[Role::Analyst, Role::Reporter], "both-1", &[], None);
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (status, made) = upload(&app, &analyst, &story.report, b"of the team").await;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap();
        let path = format!("/files/{id}");
        assert_eq!(download(&app, &both, &path, None).await.0, 200);
        story.analyst("setTlp", json!({ "tlp": "RED", "reason": "named people only" })).await;
        assert_eq!(download(&app, &analyst, &path, None).await.0, 200);
        assert_eq!(download(&app, &both, &path, None).await.0, 404);
        let list = "attachments { totalCount } mails { totalCount }";
        let listed = app.node(&both, &story.report, "Report", list).await;
        assert_eq!(listed["attachments"]["totalCount"], 0, "{listed}");
        for mutation in ["releaseAttachment", "removeAttachment"] {
            let mut input = json!({ "attachment": id, "expectedVersion": 1 });
            if mutation == "removeAttachment" {
                input["reason"] = json!("away with it");
            }
            let refused = app.call(&both, mutation, input, "id").await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND", "{mutation}: {refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn whatever_a_file_is_and_is_called_it_leaves_as_bytes_to_be_saved() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let polyglot = b"%PDF-1.7\n<script>alert(1)</script>PK\x03\x04".as_slice();
        let names = [
            ("..%2F..%2Fetc%2Fpasswd", "passwd"),
            ("poc%E2%80%AEgpj.exe", "pocgpj.exe"),
            ("a%0D%0ASet-Cookie:%20x%22.txt", "aSet-Cookie: x.txt"),
            ("%E6%BC%8F%E6%B4%9E.pdf", "漏洞.pdf"),
            ("C%3A%5Cx%5Cindex.html", "index.html"),
            ("a%00b", "ab"),
        ];
        for (number, (sent, kept)) in names.into_iter().enumerate() {
            let bytes = [polyglot, number.to_string().as_bytes()].concat();
            let (status, added) =
                answer(&app, request(&analyst, &target(&report, sent), bytes.clone())).await;
            assert_eq!((status, &added["name"]), (201, &json!(kept)), "{added}");
            let (status, headers, got) =
                download(&app, &analyst, added["path"].as_str().unwrap(), None).await;
            assert_eq!((status, got), (200, bytes));
            assert_eq!(headers[0], "application/octet-stream");
            assert!(headers[1].starts_with("attachment; filename=\""), "{headers:?}");
            assert_eq!(headers[2], "nosniff");
        }
    })
    .await;
}

#[tokio::test]
async fn a_part_of_a_large_file_is_that_part() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let content: Vec<u8> = (0..30_u32 << 20).map(|at| (at % 253).to_le_bytes()[0]).collect();
        let (status, added) = upload(&app, &analyst, &report, &content).await;
        assert_eq!((status, &added["size"]), (201, &json!(content.len())), "{added}");
        let path = added["path"].as_str().unwrap();
        let (status, headers, got) = download(&app, &analyst, path, None).await;
        assert_eq!((status, got == content, headers[4].clone()), (200, true, content.len().to_string()));
        let (status, headers, got) = download(&app, &analyst, path, Some("bytes=20000000-20000009")).await;
        assert_eq!((status, got), (206, content[20_000_000..20_000_010].to_vec()));
        assert_eq!(headers[3], format!("bytes 20000000-20000009/{}", content.len()));
        let (status, headers, got) = download(&app, &analyst, path, Some("bytes=99000000-")).await;
        assert_eq!(
            (status, headers[3].clone(), got),
            (416, format!("bytes */{}", content.len()), Vec::new())
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_cut_off_too_much_too_slow_or_of_a_refused_type_leaves_nothing() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let settings = UploadSettings {
            bytes: 1_000,
            per_report: 2,
            idle_seconds: 1,
            at_once: 1,
            refused: vec!["application/x-executable".to_owned()],
            ..UploadSettings::default()
        };
        let (_other, router) = bounded(&app, settings).await;
        let send = |body: Body| request(&analyst, &target(&report, "a"), body);
        let part = || Ok(Bytes::from_static(b"half of it"));
        let cut = stream::iter([part(), Err(std::io::Error::other("gone"))]);
        assert_eq!(answer_of(&router, send(Body::from_stream(cut))).await.0, 400);
        let slow = stream::iter([part()]).chain(stream::pending());
        let (status, words) = answer_of(&router, send(Body::from_stream(slow))).await;
        assert_eq!(status, 408, "{words}");
        let chunks = stream::iter((0..200).map(move |_| part()));
        let (status, words) = answer_of(&router, send(Body::from_stream(chunks))).await;
        assert!(status == 413 && words.contains("1000"), "{status} {words}");
        let mut declared = send(Body::from("short"));
        declared.headers_mut().insert(header::CONTENT_LENGTH, 1_001.into());
        assert_eq!(answer_of(&router, declared).await.0, 413, "before any of it is read");
        let mut declared = send(Body::from("short"));
        declared.headers_mut().insert(header::CONTENT_LENGTH, 6.into());
        assert_eq!(answer_of(&router, declared).await.0, 400, "another length than it says");
        let elf = [b"\x7fELF\x02\x01\x01\x00".as_slice(), &[0; 60]].concat();
        let (status, words) = answer_of(&router, send(Body::from(elf))).await;
        assert!(status == 415 && words.contains("application/x-executable"), "{status} {words}");
        assert_eq!((rows(&app).await, on_disk(app.app.files.folder())), ((0, 0), Vec::new()));

        // One turn: while somebody has it, the next is asked to come again.
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel::<()>();
        let waiting = stream::once(async move {
            let _ = begun.send(());
            let _ = receiver.await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"one"))
        });
        let first = tokio::spawn({
            let (router, request) = (router.clone(), send(Body::from_stream(waiting)));
            async move { answer_of(&router, request).await }
        });
        has_begun.await.unwrap();
        assert_eq!(answer_of(&router, send(Body::from("two"))).await.0, 429);
        sender.send(()).unwrap();
        assert_eq!(first.await.unwrap().0, 201);
        assert_eq!(answer_of(&router, send(Body::from("two"))).await.0, 201);
        let (status, words) = answer_of(&router, send(Body::from("three"))).await;
        assert!(status == 400 && words.contains("uploads.per_report"), "{status} {words}");
    })
    .await;
}

#[tokio::test]
async fn many_uploads_of_one_content_at_once_are_one_file() {
    on_both(|app| async move {
        app.with_company().await;
        // No more of one person at once than they may have turns.
        let people: Vec<_> =
            (1..=6).map(|number| app.token(Role::Analyst, &format!("analyst-{number}"))).collect();
        let mut reports = Vec::new();
        for number in ["1", "2", "3"] {
            reports.push(app.receive("analyst-1", "src", number, "AMBER").await.report);
        }
        let pairs = reports.iter().cycle().zip(people.iter().cycle()).take(12);
        let all = pairs.map(|(report, person)| upload(&app, person, report, b"the same"));
        let answers = futures_util::future::join_all(all).await;
        let created = answers.iter().filter(|(status, _)| *status == 201).count();
        assert!(answers.iter().all(|(status, _)| [200, 201].contains(status)), "{answers:?}");
        assert_eq!((created, rows(&app).await), (3, (3, 1)));
        assert_eq!(on_disk(app.app.files.folder()), [b"the same"]);
    })
    .await;
}

#[tokio::test]
async fn bytes_go_with_the_last_attachment_that_has_them_whoever_comes_at_the_same_moment() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (first, second) = (
            app.receive("analyst-1", "src", "1", "AMBER").await.report,
            app.receive("analyst-1", "src", "2", "AMBER").await.report,
        );
        let (_, one) = upload(&app, &analyst, &first, b"shared").await;
        let (_, two) = upload(&app, &analyst, &second, b"shared").await;
        let remove = async |file: &Value| {
            let input = json!({ "attachment": file["id"], "expectedVersion": file["version"], "reason": "asked for" });
            app.made(&analyst, "removeAttachment", input, "id").await;
        };
        remove(&one).await;
        assert_eq!(download(&app, &analyst, one["path"].as_str().unwrap(), None).await.0, 404);
        assert_eq!(download(&app, &analyst, two["path"].as_str().unwrap(), None).await.2, b"shared");
        remove(&two).await;
        assert_eq!((rows(&app).await, on_disk(app.app.files.folder())), ((2, 0), Vec::new()));
        // Uploads of the same bytes against removals and sweeps: what is named is there.
        let mut latest = upload(&app, &analyst, &first, b"shared").await.1;
        for _ in 0..8 {
            let (_, (status, added), swept) =
                tokio::join!(remove(&latest), upload(&app, &analyst, &second, b"shared"), schedule::sweep(&app.app));
            assert!([200, 201].contains(&status), "{added}");
            swept.unwrap();
            let got = download(&app, &analyst, added["path"].as_str().unwrap(), None).await;
            assert_eq!((got.0, got.2), (200, b"shared".to_vec()));
            remove(&added).await;
            latest = upload(&app, &analyst, &first, b"shared").await.1;
        }
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(on_disk(app.app.files.folder()), [b"shared"]);
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn what_a_crash_left_goes_after_a_day_and_what_is_named_stays() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (_, added) = upload(&app, &analyst, &report, b"named").await;
        let files = &app.app.files;
        // Two processes that were killed: one before its row was written, one before its file was whole.
        files.keep_bytes(uuid::Uuid::from_u128(1), b"without a row").await.unwrap();
        let mut half = files.receive(uuid::Uuid::from_u128(2)).await.unwrap();
        half.write(b"half").await.unwrap();
        std::mem::forget(half);
        assert_eq!(on_disk(files.folder()).len(), 3);
        // Files have the machine's times.
        app.clock.set("2020-01-01T00:00:00Z".parse().unwrap());
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(on_disk(files.folder()).len(), 3, "an upload may still name them");
        app.clock.set("2100-01-01T00:00:00Z".parse().unwrap());
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(on_disk(files.folder()), [b"named"]);
        let analyst = app.token(Role::Analyst, "analyst-1");
        assert_eq!(download(&app, &analyst, added["path"].as_str().unwrap(), None).await.2, b"named");
    })
    .await;
}

#[tokio::test]
async fn a_store_that_fails_is_said_so_and_nothing_is_half_done() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (_, added) = upload(&app, &analyst, &report, &[7; 100_000]).await;
        let path = added["path"].as_str().unwrap();
        let folder = app.app.files.folder().to_owned();
        let before = rows(&app).await;
        // A folder that takes nothing, as a full disk does.
        std::fs::rename(folder.join("arriving"), folder.join("aside")).unwrap();
        let (status, refused) = upload(&app, &analyst, &report, b"another").await;
        assert_eq!(
            (status, &refused["errors"][0]["extensions"]["code"]),
            (503, &json!("UNAVAILABLE")),
            "{refused}"
        );
        assert!(!refused.to_string().contains("arriving"), "nothing of the inside is told");
        std::fs::rename(folder.join("aside"), folder.join("arriving")).unwrap();
        assert_eq!(rows(&app).await, before);
        // A file that is not what it was, and one that is gone.
        let kept = entity::stored_file::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
        let name = kept.id.simple().to_string();
        let file = folder.join("kept").join(&name[30..]).join(&name);
        std::fs::write(&file, [8; 100_000]).unwrap();
        let (status, _, got) = download(&app, &analyst, path, None).await;
        assert!(status == 200 && got.len() < 100_000, "the last bytes never leave");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(download(&app, &analyst, path, None).await.0, 500);
        app.advance(TimeDelta::seconds(1));
        let number = app.graphql(&analyst, "{ reports { nodes { event { number } } } }", Value::Null).await;
        let number = number["data"]["reports"]["nodes"][0]["event"]["number"].as_str().unwrap().to_owned();
        let package = download(&app, &analyst, &format!("/events/{number}/package.zip"), None).await;
        assert_eq!(package.0, 200, "it has all the rest");
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(package.2)).unwrap();
        let manifest: Value = serde_json::from_reader(archive.by_name("manifest.json").unwrap()).unwrap();
        let missing = json!([{
            "name": "received/001-src-file1.bin", "size": 100_000, "sha256": added["sha256"], "fault": "missing",
        }]);
        assert_eq!(manifest["missing"], missing);
        assert!(archive.by_name("received/001-src-file1.bin").is_err() && archive.len() > 5);
        let entries = entity::audit_entry::Entity::find().all(app.app.database.reader()).await.unwrap();
        let taken = entries.iter().find(|entry| entry.action == "readPackage").unwrap();
        assert!(taken.reason.as_ref().unwrap().contains("received/001-src-file1.bin"), "{taken:?}");
        // One that is there and another than it was.
        std::fs::write(&file, [8; 100_000]).unwrap();
        let package = download(&app, &analyst, &format!("/events/{number}/package.zip"), None).await;
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(package.2)).unwrap();
        let manifest: Value = serde_json::from_reader(archive.by_name("manifest.json").unwrap()).unwrap();
        assert_eq!(manifest["missing"][0]["fault"], "altered", "{manifest}");
        assert!(archive.by_name("received/001-src-file1.bin").is_err());
        std::io::copy(&mut archive.by_name("audit.jsonl").unwrap(), &mut std::io::sink()).unwrap();
        // Asked for in parts, it does not leave either.
        let (status, _, got) = download(&app, &analyst, path, Some("bytes=0-")).await;
        assert!(status == 206 && got.len() < 100_000, "the whole as a part is checked as the whole");
        assert_eq!(download(&app, &analyst, path, Some("bytes=10-19")).await.0, 500);
        std::fs::write(&file, [7; 100_000]).unwrap();
        assert_eq!(download(&app, &analyst, path, Some("bytes=10-19")).await.2, [7; 10]);
        assert_eq!(download(&app, &analyst, path, Some("bytes=0-")).await.2, [7; 100_000]);
        std::fs::write(&file, [9; 100_001]).unwrap();
        assert_eq!(download(&app, &analyst, path, Some("bytes=10-19")).await.0, 500, "changed after it was read");
    })
    .await;
}

#[tokio::test]
async fn the_package_of_an_event_has_its_files_to_the_byte() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "src", "1", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let content: Vec<u8> = (0..3_u32 << 20).flat_map(u32::to_le_bytes).collect();
        upload(&app, &analyst, &received.report, &content).await;
        let path = format!("/events/{}/package.zip", received.number);
        let (status, headers, bytes) = download(&app, &analyst, &path, None).await;
        assert_eq!((status, headers[4].clone()), (200, bytes.len().to_string()));
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let name = "received/001-src-file1.bin";
        let mut found = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_name(name).unwrap(), &mut found).unwrap();
        assert!(found == content);
        let manifest: Value = serde_json::from_reader(archive.by_name("manifest.json").unwrap()).unwrap();
        let listed = manifest["files"].as_array().unwrap().iter().find(|file| file["name"] == name).unwrap();
        assert_eq!(listed["size"], json!(content.len()));
        assert_eq!(
            std::fs::read_dir(app.app.files.folder()).unwrap().count(),
            2,
            "nothing of the package stays"
        );
    })
    .await;
}
