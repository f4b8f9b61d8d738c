//! Hooks of ticketing systems: who is let in, what they bring about, and how soon.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use entity::hook_inbox;
use entity::vocabulary::HookState;
use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio_util::sync::CancellationToken;
use vulndesk::auth::Role;
use vulndesk::ticket::worker;
use vulndesk::webhook::sign::{Key, secret_text, sign};

use crate::harness::{TestApp, on_both};
use crate::story::Story;
use crate::tickets::{keep, look, open, plan, story, tracker};
use crate::tracker_stub::{self as stub, Fault, Stub};

/// A tracker's hooks as they are sent: their path, and the secret that was made for them.
pub(crate) struct Hooks<'a> {
    app: &'a TestApp,
    pub(crate) path: String,
    pub(crate) secret: String,
}

impl<'a> Hooks<'a> {
    /// Makes a secret for a tracker.
    pub(crate) async fn of(app: &'a TestApp, tracker: &str) -> Self {
        let secret = rotate(app, tracker, 24).await;
        Self { app, path: format!("/hooks/tickets/{tracker}"), secret }
    }

    async fn post(&self, headers: &[(&str, String)], body: &str) -> (u16, Value) {
        let mut request = Request::post(&self.path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let (status, answer) = self.app.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        (status, serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{status} {answer}")))
    }

    fn signed(&self, id: &str, body: &str) -> Vec<(&'static str, String)> {
        let at = self.app.now();
        let signature = sign([&Key::parse(&self.secret).unwrap()], id, at, body.as_bytes());
        vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", at.timestamp().to_string()),
            ("webhook-signature", signature),
        ]
    }

    /// Sends one by Standard Webhooks.
    async fn send(&self, id: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        self.post(&self.signed(id, &body), &body).await
    }
}

pub(crate) async fn rotate(app: &TestApp, tracker: &str, overlap: i32) -> String {
    let admin = app.token(Role::Admin, "admin-1");
    let seen = app.node(&admin, tracker, "Tracker", "version hookPath").await;
    assert_eq!(seen["hookPath"], format!("/hooks/tickets/{tracker}"));
    let input = json!({ "tracker": tracker, "expectedVersion": seen["version"], "overlapHours": overlap });
    let made = app.done(&admin, "rotateTrackerHookSecret", "RotateTrackerHookSecret", input, "secret").await;
    made["secret"].as_str().unwrap().to_owned()
}

async fn inbox(app: &TestApp) -> Vec<hook_inbox::Model> {
    hook_inbox::Entity::find().all(app.app.database.reader()).await.unwrap()
}

/// Keeps tickets in step in the background, until it is dropped.
pub(crate) struct Running(CancellationToken);

impl Running {
    pub(crate) fn start(app: &TestApp) -> Self {
        let stop = CancellationToken::new();
        tokio::spawn(worker::run(Arc::clone(&app.app), stop.clone()));
        Self(stop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Waits for a commit after which `ticket` is as it is wanted.
pub(crate) async fn until(app: &TestApp, ticket: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut committed = app.app.wake.anywhere();
    let waiting = async {
        loop {
            let seen = look(app, ticket).await;
            if wanted(&seen) {
                return seen;
            }
            committed.roused().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it does not come about")
}

async fn on_redmine<'a>(app: &'a TestApp) -> (Stub, Story<'a>, String, String) {
    let stub = Stub::start(stub::redmine).await;
    let story = story(app).await;
    let tracker = tracker(app, json!({ "baseUrl": stub.url })).await;
    let ticket = open(app, &story, &tracker).await;
    keep(app).await;
    (stub, story, tracker, ticket)
}

fn about(issue: u32) -> Value {
    json!({ "issue": { "id": issue } })
}

#[tokio::test]
async fn who_is_not_let_in_gets_one_answer_and_brings_nothing_about() {
    on_both(|app| async move {
        let (stub, _story, tracker, ticket) = on_redmine(&app).await;
        let secretless = crate::tickets::tracker(&app, json!({ "baseUrl": stub.url })).await;
        let polled = json!({ "preset": "ZENTAO", "baseUrl": stub.url });
        let polled = crate::tickets::tracker(&app, polled).await;
        let good = Hooks::of(&app, &tracker).await;
        let nobody = secret_text(&[0; 32]);
        let of =
            |path: &str, secret: &str| Hooks { app: &app, path: path.to_owned(), secret: secret.to_owned() };
        let of_tracker = |id: &str, secret: &str| of(&format!("/hooks/tickets/{id}"), secret);
        let mut answers = Vec::new();
        for hooks in [
            of(&good.path, &secret_text(&[9; 32])),
            of(&good.path, &nobody),
            of_tracker("nothing", &good.secret),
            of_tracker("%ff", &nobody),
            of_tracker(&ticket, &good.secret),
            of_tracker(&secretless, &good.secret),
            of_tracker(&secretless, &nobody),
            of_tracker(&polled, &nobody),
        ] {
            let (status, answer) = hooks.send("msg_1", &about(1)).await;
            assert_eq!(status, 401, "{}: {answer}", hooks.path);
            answers.push(answer);
        }
        let body = about(1).to_string();
        let mut old = good.signed("msg_1", &body);
        old[1].1 = (app.now() - TimeDelta::seconds(301)).timestamp().to_string();
        let wrong_way = vec![("x-gitlab-token", good.secret.clone())];
        for headers in [old, Vec::new(), wrong_way, good.signed("msg_1", "{}")] {
            let (status, answer) = good.post(&headers, &body).await;
            assert_eq!(status, 401, "{answer}");
            answers.push(answer);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        let large = "x".repeat(300_000);
        for hooks in [&good, &of_tracker("nothing", &nobody)] {
            assert_eq!(hooks.post(&[], &large).await.0, 413, "whoever it is");
        }
        assert_eq!(inbox(&app).await.len(), 0);
        stub.set_status("Resolved");
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["seenStatus"], "New", "nobody looked");
    })
    .await;
}

#[tokio::test]
async fn a_hook_is_looked_into_once_however_often_and_in_whatever_order_it_comes() {
    on_both(|app| async move {
        let (stub, story, tracker, ticket) = on_redmine(&app).await;
        let hooks = Hooks::of(&app, &tracker).await;
        plan(&app, &story).await;
        stub.set_status("Resolved");
        let first = hooks.send("msg_2", &about(1)).await;
        assert_eq!(first, (202, json!({})));
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(
            (&seen["proposal"], &story.fix().await["state"]),
            (&json!("ACCEPTED"), &json!("SUBMITTED"))
        );
        let asked = stub.world.lock().unwrap().asked.len();
        assert_eq!(hooks.send("msg_2", &about(1)).await, first, "sent again");
        keep(&app).await;
        assert_eq!(stub.world.lock().unwrap().asked.len(), asked, "a repeat does nothing");
        // What happened before arrives after it: the tracker is asked, and says what it says now.
        assert_eq!(hooks.send("msg_1", &json!({ "issue": { "id": 1, "status": "New" } })).await, first);
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["version"], seen["version"]);
        assert_eq!(story.fix().await["state"], "SUBMITTED");

        let (status, answer) = hooks.send("msg_2", &about(2)).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (409, &json!("KEY_REUSED")));
        assert_eq!(
            hooks.send("msg_3", &about(77)).await,
            first,
            "of a ticket that is not ours, nothing is told"
        );
        assert_eq!(hooks.send("msg_4", &json!(["zen"])).await, first, "nor of what names none");
        let (status, answer) = hooks.post(&hooks.signed("msg_5", "payload=x"), "payload=x").await;
        assert_eq!((status, &answer["errors"][0]["field"]), (400, &json!("body")));
        let states: Vec<_> = inbox(&app).await.into_iter().map(|row| (row.state, row.body)).collect();
        assert_eq!(states.iter().filter(|(state, _)| *state == HookState::Done).count(), 4);
        assert!(states.iter().all(|(_, body)| body.is_none()), "{states:?}");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}

#[tokio::test]
async fn secrets_are_replaced_with_an_overlap_and_removed() {
    on_both(|app| async move {
        let (_stub, _story, tracker, _ticket) = on_redmine(&app).await;
        let old = Hooks::of(&app, &tracker).await;
        let new = Hooks { secret: rotate(&app, &tracker, 2).await, ..Hooks::of_same(&old) };
        assert_eq!(old.send("msg_1", &about(1)).await.0, 202);
        assert_eq!(new.send("msg_2", &about(1)).await.0, 202);
        app.advance(TimeDelta::hours(2));
        assert_eq!(old.send("msg_3", &about(1)).await.0, 401);
        assert_eq!(new.send("msg_4", &about(1)).await.0, 202);
        let admin = app.token(Role::Admin, "admin-1");
        let seen = app.node(&admin, &tracker, "Tracker", "version hookSecrets { expiresAt }").await;
        assert_eq!(seen["hookSecrets"].as_array().unwrap().len(), 2, "{seen}");
        let operator = vulndesk::auth::Actor::operator("operator-1", [Role::Admin]);
        assert_eq!(
            vulndesk::hook::reseal(&app.app, &operator).await.unwrap(),
            0,
            "all are under the first key"
        );
        let remove = json!({ "tracker": tracker, "expectedVersion": seen["version"], "reason": "Moved" });
        app.made(&admin, "removeTrackerHookSecrets", remove, "id").await;
        assert_eq!(new.send("msg_5", &about(1)).await.0, 401);
        let polled = json!({ "preset": "ZENTAO", "baseUrl": "http://127.0.0.2:9000" });
        let polled = crate::tickets::tracker(&app, polled).await;
        let seen = app.node(&admin, &polled, "Tracker", "hookPath pollSeconds").await;
        assert_eq!(seen, json!({ "hookPath": null, "pollSeconds": 300 }));
        let input = json!({ "tracker": polled, "expectedVersion": 1 });
        let refused =
            app.change(&admin, "rotateTrackerHookSecret", "RotateTrackerHookSecret", input, "secret").await;
        assert_eq!(refused["secret"], Value::Null, "{refused}");
        assert!(refused["userErrors"][0]["message"].as_str().unwrap().contains("intervals"), "{refused}");
    })
    .await;
}

impl<'a> Hooks<'a> {
    fn of_same(other: &Self) -> Self {
        Self { app: other.app, path: other.path.clone(), secret: other.secret.clone() }
    }
}

#[tokio::test]
async fn each_tracker_proves_its_hooks_in_its_own_way() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let body = r#"{"issue":{"number":1,"key":"VULN-1"},"object_attributes":{"iid":1},"sys_id":"1"}"#;
    let hmac = |text: &str| {
        let mac = Hmac::<Sha256>::new_from_slice(text.as_bytes()).unwrap().chain_update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    };
    for (preset, header, is_mac) in [
        ("GITLAB", "X-Gitlab-Token", false),
        ("SERVICENOW", "X-Vulndesk-Token", false),
        ("GITHUB", "X-Hub-Signature-256", true),
        ("JIRA_CLOUD", "X-Hub-Signature", true),
        ("JIRA_DATA_CENTER", "X-Hub-Signature", true),
    ] {
        let made = json!({ "name": preset, "preset": preset, "baseUrl": "http://127.0.0.2:9000" });
        let made = tracker(&app, made).await;
        let hooks = Hooks::of(&app, &made).await;
        let proof = |secret: &str| if is_mac { hmac(secret) } else { secret.to_owned() };
        for (secret, status) in [(&*secret_text(&[9; 32]), 401), (&*hooks.secret, 202), (&*hooks.secret, 202)]
        {
            let answer = hooks.post(&[(header, proof(secret))], body).await;
            assert_eq!(answer.0, status, "{preset}: {answer:?}");
        }
        let standard = hooks.signed("msg_1", body);
        assert_eq!(hooks.post(&standard, body).await.0, 401, "{preset} signs otherwise");
    }
    assert_eq!(inbox(&app).await.len(), 5, "the digest of the body recognises what has no id");
}

#[tokio::test]
async fn what_a_killed_process_left_in_the_inbox_is_looked_into() {
    on_both(|app| async move {
        let (stub, _story, tracker, ticket) = on_redmine(&app).await;
        let hooks = Hooks::of(&app, &tracker).await;
        hooks.send("msg_1", &about(1)).await;
        keep(&app).await;
        // As it was between the two commits of the request.
        let mut row = inbox(&app).await.remove(0).into_active_model();
        row.state = Set(HookState::Pending);
        row.body = Set(Some(about(1).to_string().into_bytes()));
        (row.status, row.answer, row.processed_at) = (Set(None), Set(None), Set(None));
        row.update(app.app.database.writer()).await.unwrap();
        stub.set_status("In Progress");
        app.advance(TimeDelta::seconds(5));
        assert_eq!(vulndesk::hook::worker::sweep(&app.app).await.unwrap(), 1);
        keep(&app).await;
        assert_eq!(look(&app, &ticket).await["seenStatus"], "In Progress");
        assert_eq!(hooks.send("msg_1", &about(1)).await, (202, json!({})));
    })
    .await;
}

#[tokio::test]
async fn a_hook_takes_effect_at_once_and_a_slow_tracker_delays_no_other() {
    on_both(|app| async move {
        let (stub, story, tracker, ticket) = on_redmine(&app).await;
        let hooks = Hooks::of(&app, &tracker).await;
        plan(&app, &story).await;
        let silent = Stub::start(stub::redmine).await;
        silent.fail(&[Fault::Silence]);
        let slow = crate::tickets::tracker(&app, json!({ "baseUrl": silent.url })).await;
        let _running = Running::start(&app);
        open(&app, &story, &slow).await;
        // The slow one was asked and is waited for.
        let mut asked = silent.asked.subscribe();
        tokio::time::timeout(Duration::from_secs(10), asked.wait_for(|writes| *writes > 0))
            .await
            .expect("the slow one is asked")
            .unwrap();
        stub.set_status("Resolved");
        assert_eq!(hooks.send("msg_1", &about(1)).await.0, 202);
        let seen = until(&app, &ticket, |seen| seen["proposal"] == "ACCEPTED").await;
        assert_eq!(story.fix().await["state"], "SUBMITTED", "{seen}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_example_for_trackers_is_let_in() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let tracker = tracker(&app, json!({ "preset": "GITLAB", "baseUrl": "http://127.0.0.2:9000" })).await;
    let secret = Hooks::of(&app, &tracker).await.secret;
    let answer = crate::hooks::run_example(&app, 2, [("SECRET", secret), ("TRACKER", tracker)]).await;
    assert_eq!(answer, "{} 202");
}

/// A platform that gives hooks no ids says the same of each change.
#[tokio::test]
async fn the_same_words_of_a_later_change_are_looked_into_again() {
    on_both(|app| async move {
        let stub = Stub::start(stub::gitlab).await;
        let story = story(&app).await;
        let made = json!({ "preset": "GITLAB", "baseUrl": stub.url });
        let made = tracker(&app, made).await;
        open(&app, &story, &made).await;
        keep(&app).await;
        let hooks = Hooks::of(&app, &made).await;
        let body = r#"{"object_attributes":{"iid":1}}"#;
        for times in 1..=3 {
            let asked = stub.world.lock().unwrap().asked.len();
            let answer = hooks.post(&[("x-gitlab-token", hooks.secret.clone())], body).await;
            assert_eq!(answer.0, 202, "{answer:?}");
            keep(&app).await;
            assert!(stub.world.lock().unwrap().asked.len() > asked, "time {times}: nobody looked");
        }
        assert_eq!(inbox(&app).await.len(), 1);
    })
    .await;
}
