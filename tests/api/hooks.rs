//! Signed hooks of a channel's platform: who is let in, what they do, and that each has one effect.

use std::process::Command;

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use entity::vocabulary::{HookState, NoticeKind};
use entity::{hook_inbox, report, report_version};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::hook::worker;
use vulndesk::webhook::sign::{Key, secret_text, sign};

use crate::clocks::messages;
use crate::harness::{TestApp, on_both};

/// A hook on its way.
pub(crate) struct Hook<'a> {
    app: &'a TestApp,
    path: &'a str,
    secret: &'a str,
    id: &'a str,
    at: chrono::DateTime<chrono::Utc>,
    body: String,
}

impl<'a> Hook<'a> {
    pub(crate) fn new(app: &'a TestApp, secret: &'a str, id: &'a str, kind: &str, data: Value) -> Self {
        let body = json!({ "type": kind, "data": data }).to_string();
        Self { app, path: "/hooks/src/src", secret, id, at: app.now(), body }
    }

    pub(crate) async fn send(&self) -> (u16, Value) {
        let key = Key::parse(self.secret).unwrap();
        let signature = sign([&key], self.id, self.at, self.body.as_bytes());
        let request = Request::post(self.path)
            .header("webhook-id", self.id)
            .header("webhook-timestamp", self.at.timestamp())
            .header("webhook-signature", signature)
            .body(Body::from(self.body.clone()))
            .unwrap();
        let (status, body) = self.app.send(request).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status} {body}")))
    }

    /// Sends it; it has to be carried out.
    pub(crate) async fn done(&self) -> Value {
        let (status, answer) = self.send().await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

fn submitted(number: &str) -> Value {
    json!({
        "number": number, "title": format!("A hole {number}"), "text": "Steps", "tlp": "AMBER",
        "reporter": { "name": "somebody", "email": "somebody@example.org", "subject": "reporter-1" },
        "indicators": [{ "kind": "CVE", "value": "CVE-2026-1000" }],
    })
}

/// Makes a channel's secret, or replaces it.
pub(crate) async fn rotate(app: &TestApp, key: &str, overlap: i32) -> String {
    let admin = app.token(Role::Admin, "admin-1");
    let channels = app.graphql(&admin, "{ channels { nodes { id key version } } }", Value::Null).await;
    let nodes = channels["data"]["channels"]["nodes"].as_array().unwrap().clone();
    let channel = nodes.iter().find(|node| node["key"] == key).unwrap();
    let input =
        json!({ "channel": channel["id"], "expectedVersion": channel["version"], "overlapHours": overlap });
    let made = app.done(&admin, "rotateHookSecret", "RotateHookSecret", input, "secret").await;
    made["secret"].as_str().unwrap().to_owned()
}

async fn reports(app: &TestApp) -> u64 {
    report::Entity::find().count(app.app.database.reader()).await.unwrap()
}

async fn inbox(app: &TestApp) -> Vec<hook_inbox::Model> {
    hook_inbox::Entity::find().all(app.app.database.reader()).await.unwrap()
}

#[tokio::test]
async fn a_report_comes_in_once_however_often_its_hook_is_sent() {
    on_both(|app| async move {
        app.with_company().await;
        let secret = rotate(&app, "src", 24).await;
        let hook = Hook::new(&app, &secret, "msg_1", "report.submitted", submitted("S-1"));
        let first = hook.done().await;
        assert!(first["event"].as_str().unwrap().starts_with("VE-"), "{first}");
        assert_eq!(hook.done().await, first, "sent again, it gets the same answer");
        let again = Hook::new(&app, &secret, "msg_2", "report.submitted", submitted("S-1"));
        assert_eq!(again.done().await, first, "the channel's number recognises it under another id too");
        assert_eq!(reports(&app).await, 1);

        let words = json!({ "report": first["report"], "text": "It is worse" });
        let added = Hook::new(&app, &secret, "msg_3", "report.added", words.clone());
        assert_eq!(added.done().await, first);
        assert_eq!(added.done().await, first);
        let versions = report_version::Entity::find().count(app.app.database.reader()).await.unwrap();
        assert_eq!(versions, 2, "the addition is one version");

        let other = Hook::new(
            &app,
            &secret,
            "msg_3",
            "report.added",
            json!({ "report": first["report"], "text": "Other" }),
        );
        let (status, answer) = other.send().await;
        assert_eq!((status, &answer["errors"][0]["code"]), (409, &json!("KEY_REUSED")));

        let rows = inbox(&app).await;
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| row.state == HookState::Done && row.body.is_none()), "{rows:?}");
        let auditor = app.token(Role::Auditor, "auditor-1");
        let audit = app.graphql(&auditor, "{ audit(last: 1) { nodes { actor action } } }", Value::Null).await;
        let entry = &audit["data"]["audit"]["nodes"][0];
        assert!(entry["actor"].is_string(), "{audit}");
        let entries = entity::audit_entry::Entity::find().all(app.app.database.reader()).await.unwrap();
        let by_hook: Vec<_> = entries.iter().filter(|entry| entry.actor == "hook:src:src").collect();
        assert!(by_hook.iter().any(|entry| entry.action == "receiveReport" && entry.roles == "SRC"));
        assert!(by_hook.iter().all(|entry| entry.address.as_deref() == Some("127.0.0.1")));
        if let Some(bytes) = app.bytes_at_rest() {
            let plain = secret.trim_start_matches("whsec_").as_bytes();
            assert!(
                !bytes.windows(plain.len()).any(|window| window == plain),
                "the secret lies there in clear"
            );
        }
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn who_is_not_let_in_gets_one_answer_and_leaves_nothing_behind() {
    on_both(|app| async move {
        app.with_company().await;
        let secret = rotate(&app, "src", 24).await;
        let good = || Hook::new(&app, &secret, "msg_1", "report.submitted", submitted("S-1"));
        let wrong = secret_text(&[9; 32]);
        let nobody = secret_text(&[0; 32]);
        let forged = [
            ("another secret", Hook { secret: &wrong, ..good() }),
            ("an unknown channel", Hook { path: "/hooks/src/nothing", ..good() }),
            (
                "an unknown channel and no secret",
                Hook { path: "/hooks/src/nothing", secret: &nobody, ..good() },
            ),
            ("a channel without a secret", Hook { path: "/hooks/src/cnvd", ..good() }),
            (
                "a channel without a secret and none",
                Hook { path: "/hooks/src/cnvd", secret: &nobody, ..good() },
            ),
            ("a path that is no text", Hook { path: "/hooks/src/%ff", ..good() }),
            ("an old one", Hook { at: app.now() - TimeDelta::seconds(301), ..good() }),
            ("one from the future", Hook { at: app.now() + TimeDelta::seconds(301), ..good() }),
        ];
        let mut answers = Vec::new();
        for (what, hook) in forged {
            let (status, answer) = hook.send().await;
            assert_eq!(status, 401, "{what}: {answer}");
            answers.push(answer);
        }
        let (status, body) = app.send(Request::post("/hooks/src/src").body(Body::from("{}")).unwrap()).await;
        assert_eq!(status, 401);
        answers.push(serde_json::from_str(&body).unwrap());
        answers.dedup();
        assert_eq!(answers.len(), 1, "one answer for all of them: {answers:?}");

        // Signed, and changed on the way.
        let hook = good();
        let key = Key::parse(&secret).unwrap();
        let signature = sign([&key], hook.id, hook.at, hook.body.as_bytes());
        for (id, body) in [("msg_2", hook.body.clone()), ("msg_1", hook.body.replace("S-1", "S-2"))] {
            let request = Request::post(hook.path)
                .header("webhook-id", id)
                .header("webhook-timestamp", hook.at.timestamp())
                .header("webhook-signature", &signature)
                .body(Body::from(body));
            let (status, answer) = app.send(request.unwrap()).await;
            assert_eq!(status, 401, "{answer}");
        }
        assert_eq!((reports(&app).await, inbox(&app).await.len()), (0, 0));
        for skew in [300, -300] {
            let id = format!("msg_skew_{skew}");
            let hook = Hook { at: app.now() + TimeDelta::seconds(skew), id: &id, ..good() };
            hook.done().await;
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_body_is_read_without_headers_that_could_be_a_signature() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let body = || Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let bare = Request::post("/hooks/src/src").body(body()).unwrap();
    assert_eq!(app.send(bare).await.0, 401);
    let unsigned = Request::post("/hooks/src/src")
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", app.now().timestamp())
        .header("webhook-signature", "none")
        .body(body());
    assert_eq!(app.send(unsigned.unwrap()).await.0, 401);
}

#[tokio::test]
async fn an_oversized_hook_is_refused_however_it_is_framed() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let secret = rotate(&app, "src", 24).await;
    let mut hook = Hook::new(&app, &secret, "msg_1", "report.submitted", submitted("S-1"));
    hook.body = format!("{}{}", hook.body, " ".repeat(262_144 - hook.body.len()));
    hook.done().await;
    hook.id = "msg_2";
    hook.body.push(' ');
    for path in ["/hooks/src/src", "/hooks/src/nothing"] {
        hook.path = path;
        assert_eq!(hook.send().await.0, 413, "{path}");
    }
    let key = Key::parse(&secret).unwrap();
    let chunks = hook.body.as_bytes().chunks(1_000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let chunks: Vec<_> = chunks.collect();
    let request = Request::post("/hooks/src/src")
        .header("webhook-id", hook.id)
        .header("webhook-timestamp", hook.at.timestamp())
        .header("webhook-signature", sign([&key], hook.id, hook.at, hook.body.as_bytes()))
        .body(Body::from_stream(futures_util::stream::iter(chunks)));
    assert_eq!(app.send(request.unwrap()).await.0, 413);
    assert_eq!(inbox(&app).await.len(), 1);
}

#[tokio::test]
async fn a_replaced_secret_is_accepted_for_its_overlap_and_a_removed_one_not_at_all() {
    on_both(|app| async move {
        app.with_company().await;
        let old = rotate(&app, "src", 24).await;
        let new = rotate(&app, "src", 2).await;
        let send = async |secret: &str, number: &str| {
            Hook::new(&app, secret, number, "report.submitted", submitted(number)).send().await.0
        };
        assert_eq!((send(&old, "S-1").await, send(&new, "S-2").await), (200, 200));
        app.advance(TimeDelta::hours(2) - TimeDelta::seconds(1));
        assert_eq!((send(&old, "S-3").await, send(&new, "S-4").await), (200, 200));
        app.advance(TimeDelta::seconds(1));
        assert_eq!((send(&old, "S-5").await, send(&new, "S-6").await), (401, 200));
        let newest = rotate(&app, "src", 0).await;
        assert_eq!((send(&new, "S-7").await, send(&newest, "S-8").await), (401, 200));

        let admin = app.token(Role::Admin, "admin-1");
        let query = "{ channels { nodes { id key version hookSecrets { expiresAt } } } }";
        let channels = app.graphql(&admin, query, Value::Null).await;
        let nodes = channels["data"]["channels"]["nodes"].as_array().unwrap().clone();
        let channel = nodes.iter().find(|node| node["key"] == "src").unwrap();
        assert_eq!(channel["hookSecrets"], json!([{ "expiresAt": null }]));
        let input =
            json!({ "channel": channel["id"], "expectedVersion": channel["version"], "reason": "It leaked" });
        let fields = "channel { hookSecrets { expiresAt } }";
        let removed = app.done(&admin, "removeHookSecrets", "RemoveHookSecrets", input, fields).await;
        assert_eq!(removed["channel"]["hookSecrets"], json!([]));
        assert_eq!(send(&newest, "S-9").await, 401);
    })
    .await;
}

#[tokio::test]
async fn what_a_killed_process_left_in_the_inbox_is_carried_out_once() {
    on_both(|app| async move {
        app.with_company().await;
        let secret = rotate(&app, "src", 24).await;
        let hook = Hook::new(&app, &secret, "msg_1", "report.submitted", submitted("S-1"));
        let first = hook.done().await;
        // As a process leaves it that was killed before the command, and between the command and its answer.
        let left = |row: &hook_inbox::Model, id: &str, body: &str| hook_inbox::Model {
            id: app.app.ids.next(),
            hook_id: id.to_owned(),
            body: Some(body.as_bytes().to_vec()),
            body_hash: <sha2::Sha256 as sha2::Digest>::digest(body.as_bytes()).to_vec(),
            state: HookState::Pending,
            status: None,
            answer: None,
            processed_at: None,
            ..row.clone()
        };
        let rows = inbox(&app).await;
        let second = json!({ "type": "report.submitted", "data": submitted("S-2") }).to_string();
        for row in [left(&rows[0], "msg_2", &hook.body), left(&rows[0], "msg_3", &second)] {
            let row = sea_orm::IntoActiveModel::into_active_model(row);
            hook_inbox::Entity::insert(row).exec_without_returning(app.app.database.writer()).await.unwrap();
        }
        assert_eq!(worker::sweep(&app.app).await.unwrap(), 0, "its own request may still carry it out");
        app.advance(TimeDelta::seconds(5));
        assert_eq!(worker::sweep(&app.app).await.unwrap(), 2);
        assert_eq!(worker::sweep(&app.app).await.unwrap(), 0);
        assert_eq!(reports(&app).await, 2);
        let again = Hook { id: "msg_2", at: app.now(), ..hook };
        assert_eq!(again.done().await, first, "who sends it again gets the answer");
        let received = report::Entity::find().all(app.app.database.reader()).await.unwrap();
        let times: Vec<_> = received.iter().map(|row| row.received_at).collect();
        assert_eq!(times, [again.at - TimeDelta::seconds(5); 2], "it was received when it came");

        app.advance(TimeDelta::days(30) - TimeDelta::seconds(5));
        vulndesk::schedule::sweep(&app.app).await.unwrap();
        assert_eq!(inbox(&app).await.len(), 3, "remembered for thirty days");
        app.advance(TimeDelta::seconds(1));
        vulndesk::schedule::sweep(&app.app).await.unwrap();
        assert_eq!(inbox(&app).await.len(), 2, "the first was answered five seconds before the others");
    })
    .await;
}

#[tokio::test]
async fn many_at_once_have_one_effect_and_one_answer() {
    on_both(|app| async move {
        app.with_company().await;
        let secret = rotate(&app, "src", 24).await;
        let hook = Hook::new(&app, &secret, "msg_1", "report.submitted", submitted("S-1"));
        let answers = futures_util::future::join_all((0..8).map(|_| hook.send())).await;
        let carried: Vec<_> = answers.iter().filter(|(status, _)| *status == 200).collect();
        assert!(!carried.is_empty() && carried.iter().all(|answer| *answer == carried[0]), "{answers:?}");
        assert!(answers.iter().all(|(status, _)| [200, 503].contains(status)), "{answers:?}");
        assert_eq!(reports(&app).await, 1);
        hook.done().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_names_the_field_and_changes_nothing() {
    on_both(|app| async move {
        app.with_company().await;
        let (src, cnvd) = (rotate(&app, "src", 24).await, rotate(&app, "cnvd", 24).await);
        let first = Hook::new(&app, &src, "msg_0", "report.submitted", submitted("S-1")).done().await;
        let payout = crate::generate::absent(vulndesk::ids::Kind::Payout);
        let words = json!({ "report": first["report"], "text": "More" });
        for (number, (path, secret, kind, data, status, code, field)) in [
            ("/hooks/src/src", &src, "report.deleted", json!({}), 400, "BAD_USER_INPUT", json!("type")),
            ("/hooks/src/src", &src, "report.submitted", json!({}), 400, "BAD_USER_INPUT", json!("data")),
            (
                "/hooks/src/src",
                &src,
                "report.submitted",
                json!({ "title": " " }),
                400,
                "BAD_USER_INPUT",
                json!("data.title"),
            ),
            (
                "/hooks/src/src",
                &src,
                "report.added",
                json!({ "report": "42", "text": "x" }),
                400,
                "INVALID_ID",
                json!("data.report"),
            ),
            (
                "/hooks/src/src",
                &src,
                "payout.accepted",
                json!({ "payout": payout }),
                404,
                "NOT_FOUND",
                Value::Null,
            ),
            // Another channel's report does not exist for this one.
            ("/hooks/src/cnvd", &cnvd, "report.added", words, 404, "NOT_FOUND", Value::Null),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("msg_{}", number + 1);
            let hook = Hook { path, ..Hook::new(&app, secret, &id, kind, data) };
            let (found, answer) = hook.send().await;
            let error = &answer["errors"][0];
            assert_eq!(
                (found, &error["code"], &error["field"]),
                (status, &json!(code), &field),
                "{kind}: {answer}"
            );
            assert_eq!(hook.send().await, (found, answer), "the same answer again");
        }
        assert_eq!(reports(&app).await, 1);
        let refused = inbox(&app).await.into_iter().filter(|row| row.state == HookState::Refused);
        assert!(refused.clone().count() == 6 && refused.into_iter().all(|row| row.body.is_none()));
        let told = entity::notice::Entity::find().all(app.app.database.reader()).await.unwrap();
        let told: Vec<_> = told.iter().map(|row| (row.subject.as_str(), row.kind)).collect();
        let once = ("admin-1", NoticeKind::ChannelHooksFailing);
        let failing = messages(&app, "hook.failing").await;
        assert_eq!(failing.len(), 2, "{failing:?}");
        assert!(
            failing.iter().all(|data| data["channel"].is_string() && data["tracker"].is_null()),
            "{failing:?}"
        );
        assert_eq!(told, [once, once], "once a day and sender, to who can mend it");
    })
    .await;
}

/// The `nth` shell of docs/HOOKS.md, run as it stands there, and what it prints.
pub(crate) async fn run_example(app: &TestApp, nth: usize, settings: [(&'static str, String); 2]) -> String {
    let text = include_str!("../../docs/HOOKS.md");
    let script = text.split("```sh\n").nth(nth).unwrap().split("```").next().unwrap().to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = app.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let run = tokio::task::spawn_blocking(move || {
        let mut command = Command::new("sh");
        command.args(["-euc", &script]).envs(settings);
        command.env("VULNDESK", format!("http://{address}")).env("NO_PROXY", "*").output().unwrap()
    });
    let output = run.await.unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{answer} {}", String::from_utf8_lossy(&output.stderr));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_example_of_the_documents_is_let_in() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    app.clock.set(vulndesk::clock::Clock::now(&vulndesk::clock::SystemClock));
    let secret = rotate(&app, "src", 24).await;
    let answer = run_example(&app, 1, [("SECRET", secret), ("CHANNEL", "src".to_owned())]).await;
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
    assert!(answer["event"].is_string(), "{answer}");
}

#[tokio::test]
async fn a_platform_gets_the_number_of_its_reports_event_and_passes_on_that_one_is_withdrawn() {
    on_both(|app| async move {
        app.with_company().await;
        let secret = rotate(&app, "src", 24).await;
        let first = Hook::new(&app, &secret, "msg_1", "report.submitted", submitted("S-1")).done().await;
        let src = app.token_in_scope(Role::Src, "src-1");
        let input = json!({ "channel": "src", "number": "S-2", "title": "Another", "tlp": "AMBER" });
        let fields = "report { id eventNumber event { id } }";
        let second = app.done(&src, "receiveReport", "ReceiveReport", input, fields).await["report"].clone();
        assert!(second["eventNumber"].as_str().unwrap().starts_with("VE-") && second["event"].is_null(), "{second}");

        let seen = "query($id: ID!) { node(id: $id) { ... on Report { eventNumber withdrawnAt withdrawalReason } } }";
        let of_first = |token: String| {
            let (app, id) = (&app, first["report"].clone());
            async move { app.graphql(&token, seen, json!({ "id": id })).await["data"]["node"].clone() }
        };
        assert_eq!(of_first(src.clone()).await["eventNumber"], first["event"]);
        assert_eq!(of_first(app.token(Role::Analyst, "analyst-1")).await["eventNumber"], first["event"]);
        let finder = of_first(app.token(Role::Reporter, "reporter-1")).await;
        assert_eq!(finder, json!({ "eventNumber": null, "withdrawnAt": null, "withdrawalReason": null }));

        let withdrawal = |report: &Value| json!({ "report": report, "reason": "It was my own mistake" });
        let withdraw = |token: String, report: Value| {
            let (app, input) = (&app, withdrawal(&report));
            async move { app.change(&token, "withdrawReport", "WithdrawReport", input, "report { withdrawnAt }").await }
        };
        let elsewhere = app.mint(&[Role::Src], "src-2", &[], Some("cnvd"));
        for (token, refusal) in [(elsewhere, "NOT_FOUND"), (app.token(Role::Reporter, "reporter-1"), "FORBIDDEN")] {
            let answer = withdraw(token, first["report"].clone()).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], refusal, "{answer}");
        }
        let hook = Hook::new(&app, &secret, "msg_2", "report.withdrawn", withdrawal(&first["report"]));
        assert_eq!(hook.done().await, first);
        let at = of_first(src.clone()).await;
        assert_eq!(at["withdrawalReason"], "It was my own mistake");
        app.advance(TimeDelta::hours(1));
        let again = withdraw(src, first["report"].clone()).await;
        assert_eq!(again["report"]["withdrawnAt"], at["withdrawnAt"], "withdrawn once");
        let messages = entity::message::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert_eq!(messages.iter().filter(|row| row.kind == "report.withdrawn").count(), 1);
        let entries = entity::audit_entry::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert!(entries.iter().all(|entry| !entry.details.contains("my own mistake")), "words stand in one place");
    })
    .await;
}
