//! Deliveries that wait while what they are sent under changes: an endpoint is stopped, an event leaves its filters.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::TimeDelta;
use entity::vocabulary::{DeliveryOrder, DeliveryState, EndpointState, GrantState, Level, Tlp};
use entity::{delivery, event, webhook_endpoint};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vulndesk::auth::Role;
use vulndesk::ids::{Kind, encode};
use vulndesk::outbox::sequencer;
use vulndesk::webhook::worker;

use crate::deliveries::{ONE, SCORED, deliver, deliveries, endpoint, message, stand_in_event};
use crate::harness::{TestApp, on_both};
use crate::receiver::{Receiver, Seen};
use crate::sequencer::sequence_all;
use crate::story::{Story, scored};

/// What is done to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Pause,
    Revoke,
    Propose,
    Lower,
}

const STOPS: [Stop; 4] = [Stop::Pause, Stop::Revoke, Stop::Propose, Stop::Lower];

/// Calls a mutation on an endpoint with its present version.
async fn call(app: &TestApp, endpoint: Uuid, mutation: &str, mut input: Value) {
    let row = webhook_endpoint::Entity::find_by_id(endpoint).one(app.app.database.reader()).await;
    input["endpoint"] = encode(Kind::WebhookEndpoint, endpoint).into();
    input["expectedVersion"] = row.unwrap().unwrap().version.into();
    let role = if mutation.ends_with("Grant") { Role::Leader } else { Role::Admin };
    let token = app.token(role, if role == Role::Leader { "leader-1" } else { "admin-1" });
    app.made(&token, mutation, input, "id").await;
}

/// Stops it; where its grant is proposed anew, for the address `elsewhere`.
async fn stop(app: &TestApp, endpoint: Uuid, how: Stop, elsewhere: &str) {
    let (mutation, input) = match how {
        Stop::Pause => ("pauseWebhookEndpoint", json!({ "reason": "maintenance" })),
        Stop::Revoke => ("revokeWebhookGrant", json!({ "reason": "no longer used" })),
        Stop::Propose => ("updateWebhookEndpoint", json!({ "url": elsewhere })),
        Stop::Lower => ("updateWebhookEndpoint", json!({ "tlpCeiling": "CLEAR" })),
    };
    call(app, endpoint, mutation, input).await;
}

/// The deliveries to an endpoint in the order of their messages: where each stands and how often it was tried.
async fn stand(app: &TestApp, endpoint: Uuid) -> Vec<(DeliveryState, i32)> {
    let rows = deliveries(app).await.into_iter().filter(|row| row.endpoint_id == endpoint);
    rows.map(|row| (row.state, row.attempts)).collect()
}

fn numbers(receiver: &Receiver) -> Vec<i64> {
    receiver.seen().iter().map(Seen::sequence).collect()
}

#[tokio::test]
async fn what_waits_in_a_strict_lane_stops_with_its_endpoint() {
    use DeliveryState::{Cancelled, Delivered, Pending};
    on_both(|app| async move {
        for (event, how) in (1..).zip(STOPS) {
            let event = Uuid::from_u128(event);
            stand_in_event(&app, event).await;
            // It takes nothing the first time: one is in retry, and the others wait for it.
            let receiver = Receiver::start(|before, _| async move {
                if before == 0 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }.into_response()
            })
            .await;
            let elsewhere = Receiver::willing().await;
            let strict = endpoint(&app, &receiver.url, |row| {
                row.message_types = vec![SCORED.to_owned()].into();
                row.delivery_order = DeliveryOrder::PerEvent;
            })
            .await
            .id;
            for _ in 0..3 {
                message(&app, SCORED, Some(event)).await;
            }
            deliver(&app).await;
            assert_eq!(stand(&app, strict).await, [(Pending, 1), (Pending, 0), (Pending, 0)], "{how:?}");
            stop(&app, strict, how, &elsewhere.url).await;
            app.advance(TimeDelta::seconds(10));
            deliver(&app).await;
            message(&app, SCORED, Some(event)).await;
            app.advance(TimeDelta::seconds(10));
            deliver(&app).await;
            assert_eq!((numbers(&receiver), numbers(&elsewhere)), (vec![1], vec![]), "{how:?}");
            let waits = [(Pending, 1), (Pending, 0), (Pending, 0), (Pending, 0)];
            let (stopped, undo) = match how {
                Stop::Pause => (&waits[..], Some(("resumeWebhookEndpoint", json!({})))),
                Stop::Propose => (&waits[..], Some(("confirmWebhookGrant", json!({})))),
                // What was written for it is given up, and nothing more is written.
                Stop::Revoke => (&[(Cancelled, 1), (Cancelled, 0), (Cancelled, 0)][..], None),
                Stop::Lower => (&[(Cancelled, 1), (Cancelled, 0), (Cancelled, 0), (Cancelled, 0)][..], None),
            };
            assert_eq!(stand(&app, strict).await, stopped, "{how:?}");
            if let Some((mutation, input)) = undo {
                call(&app, strict, mutation, input).await;
                deliver(&app).await;
                let (seen, earlier) = match how {
                    Stop::Propose => (elsewhere.seen(), receiver.seen()),
                    _ => (receiver.seen()[1..].to_vec(), receiver.seen()),
                };
                let order: Vec<_> = seen.iter().map(Seen::sequence).collect();
                assert_eq!(order, [1, 2, 3, 4], "{how:?}: in order, and none left out");
                assert_eq!(seen[0].header("webhook-id"), earlier[0].header("webhook-id"), "{how:?}");
                let done = [(Delivered, 2), (Delivered, 1), (Delivered, 1), (Delivered, 1)];
                assert_eq!(stand(&app, strict).await, done, "{how:?}");
            }
            call(&app, strict, "deleteWebhookEndpoint", json!({})).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_prepared_for_an_endpoint_stops_with_it() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        for how in STOPS {
            let open = Arc::new(Notify::new());
            let gate = Arc::clone(&open);
            let slow = Receiver::start(move |_, _| {
                let gate = Arc::clone(&gate);
                async move {
                    gate.notified().await;
                    StatusCode::OK.into_response()
                }
            })
            .await;
            let (quick, elsewhere) = (Receiver::willing().await, Receiver::willing().await);
            let scored =
                |row: &mut webhook_endpoint::Model| row.message_types = vec![SCORED.to_owned()].into();
            let quick_one = endpoint(&app, &quick.url, scored).await.id;
            let single = endpoint(&app, &slow.url, |row| {
                scored(row);
                row.max_concurrency = 1;
            })
            .await
            .id;
            for _ in 0..4 {
                message(&app, SCORED, ONE).await;
            }
            sequence_all(&app.app).await;
            let end = CancellationToken::new();
            let worker = tokio::spawn(worker::run(Arc::clone(&app.app), end.clone()));
            let patience = Duration::from_secs(30);
            tokio::time::timeout(patience, slow.has_seen(1)).await.unwrap();
            tokio::time::timeout(patience, quick.has_seen(4)).await.unwrap();
            stop(&app, single, how, &elsewhere.url).await;
            // Whoever brings the next one to the quick receiver has heard of the change before.
            message(&app, SCORED, ONE).await;
            sequence_all(&app.app).await;
            app.app.wake.sequenced();
            tokio::time::timeout(patience, quick.has_seen(5)).await.unwrap();
            open.notify_one();
            end.cancel();
            worker.await.unwrap().unwrap();
            assert_eq!((slow.seen().len(), elsewhere.seen().len()), (1, 0), "{how:?}: what was under way");
            let rows = deliveries(&app).await.into_iter().filter(|row| row.endpoint_id == single);
            let rows: Vec<delivery::Model> = rows.collect();
            let delivered = rows.iter().filter(|row| row.state == DeliveryState::Delivered).count();
            let held =
                rows.iter().filter(|row| row.state == DeliveryState::Pending && row.lease_owner.is_some());
            // Who takes a grant away gives up all that waits, what is under way too.
            assert_eq!((delivered, held.count()), (usize::from(how != Stop::Revoke), 0), "{how:?}: {rows:?}");
            for row in [single, quick_one] {
                call(&app, row, "deleteWebhookEndpoint", json!({})).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn lines_and_levels_are_those_of_the_moment_of_sending() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let story = Story::receive(&app, "CNVD-1", json!({ "tlp": "GREEN" })).await;
        let (level, line, other) =
            (Receiver::willing().await, Receiver::willing().await, Receiver::willing().await);
        let types = || vec!["event.comment_added".to_owned()].into();
        let high = endpoint(&app, &level.url, |row| {
            row.message_types = types();
            row.min_level = Some(Level::Orange);
        })
        .await;
        let routers = endpoint(&app, &line.url, |row| {
            row.message_types = types();
            row.lines = vec!["router".to_owned()].into();
        })
        .await;
        endpoint(&app, &other.url, |row| {
            row.message_types = types();
            row.lines = vec!["gateway".to_owned()].into();
        })
        .await;
        let comment = async || {
            story.analyst("comment", json!({ "body": "Seen in the lab" })).await;
            sequence_all(&app.app).await;
        };
        let told = async || {
            deliver(&app).await;
            [&level, &line, &other].map(|receiver| receiver.seen().len())
        };
        comment().await;
        assert_eq!(told().await, [0, 0, 0], "nobody knows its level or its line yet");
        let notes: BTreeSet<_> = deliveries(&app).await.into_iter().map(|row| row.note.unwrap()).collect();
        assert_eq!(notes, BTreeSet::from(["outside the endpoint's filters".to_owned()]));

        // What is found out while a message waits counts.
        comment().await;
        story.confirm().await;
        story.product(&product, "AFFECTED").await;
        assert_eq!(told().await, [0, 1, 0], "of the line, and without a level");
        comment().await;
        story.analyst("scoreEvent", scored("7")).await;
        assert_eq!(told().await, [0, 2, 0], "below the level");
        comment().await;
        story.analyst("scoreEvent", scored("9")).await;
        assert_eq!(told().await, [1, 3, 0]);

        // And what is no longer so does not.
        for waits in [&high, &routers] {
            call(&app, waits.id, "pauseWebhookEndpoint", json!({})).await;
        }
        comment().await;
        let lower =
            event::Entity::update_many().col_expr(event::Column::Level, Expr::value(Level::Yellow.as_str()));
        lower.exec(app.app.database.writer()).await.unwrap();
        story.product(&product, "NOT_AFFECTED").await;
        for waits in [&high, &routers] {
            call(&app, waits.id, "resumeWebhookEndpoint", json!({})).await;
        }
        assert_eq!(told().await, [1, 3, 0]);
        assert!(deliveries(&app).await.iter().all(|row| row.state != DeliveryState::Pending));
    })
    .await;
}

#[tokio::test]
async fn a_role_is_not_told_by_a_filter_what_it_may_not_read() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let admin = app.token(Role::Admin, "admin-1");
    let (src, other) = (app.channel("src").await, app.channel("cnvd").await);
    for (filter, field) in [
        (json!({ "minLevel": "RED" }), "minLevel"),
        (json!({ "lines": ["gateway"] }), "lines"),
        (json!({ "channels": [other] }), "channels"),
    ] {
        let mut input = json!({
            "name": "Platform", "url": "https://hooks.example/in", "messageTypes": ["*"],
            "grant": { "role": "SRC", "channel": src, "tlpCeiling": "AMBER", "abroad": false },
        });
        input.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        let refused = app.call(&admin, "createWebhookEndpoint", input, "id").await;
        assert_eq!(
            (&refused["userErrors"][0]["code"], &refused["userErrors"][0]["field"]),
            (&json!("CONTRADICTION"), &json!(field)),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_process_at_rest_asks_one_cheap_question_in_two_seconds() {
    const STEPS: usize = 30;
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let failing =
            Receiver::start(|_, _| async { StatusCode::INTERNAL_SERVER_ERROR.into_response() }).await;
        let scored = |row: &mut webhook_endpoint::Model| row.message_types = vec![SCORED.to_owned()].into();
        endpoint(&app, &failing.url, scored).await;
        // Deliveries that are due long since, and that nobody takes.
        for (state, grant) in
            [(EndpointState::Paused, GrantState::Confirmed), (EndpointState::Active, GrantState::Proposed)]
        {
            let change = |row: &mut webhook_endpoint::Model| {
                scored(row);
                (row.state, row.grant_state) = (state, grant);
            };
            endpoint(&app, &failing.url, change).await;
        }
        for _ in 0..3 {
            message(&app, SCORED, ONE).await;
        }
        deliver(&app).await;
        app.advance(TimeDelta::seconds(6));
        deliver(&app).await;

        // What blocks keeps time from moving by itself.
        let (go_on, blocked) = std::sync::mpsc::channel::<()>();
        let blocking = tokio::task::spawn_blocking(move || blocked.recv());
        tokio::time::pause();
        let end = CancellationToken::new();
        let sequencing = tokio::spawn(sequencer::run(Arc::clone(&app.app), end.clone()));
        let worker = tokio::spawn(worker::run(Arc::clone(&app.app), end.clone()));
        let backend = app.app.database.backend();
        let (_, statements) = app
            .sql_of(async {
                for _ in 0..=STEPS {
                    // Long enough for what follows a look.
                    for _ in 0..20 {
                        let tick = Statement::from_string(backend, "SELECT 1 AS tick");
                        app.app.database.writer().query_one_raw(tick).await.unwrap();
                    }
                    app.advance(TimeDelta::seconds(2));
                    tokio::time::advance(Duration::from_secs(2)).await;
                }
            })
            .await;
        end.cancel();
        worker.await.unwrap().unwrap();
        sequencing.await.unwrap();
        tokio::time::resume();
        drop(go_on);
        blocking.await.unwrap().unwrap_err();
        // The sequencer asks for both: what has no position, and what is due.
        let is_look = |sql: &String| sql.contains("sequence_head") || sql.contains("next_due");
        let asked = statements.into_iter().filter(|sql| !sql.contains("tick"));
        let (looks, rest): (Vec<_>, Vec<_>) = asked.partition(is_look);
        let looks = looks.len();
        // The first look reads the endpoints and their secrets. Who begins to listen to other replicas looks once at what
        // it may have missed, and so claims without having asked.
        let reads = |sql: &str| sql.starts_with("SELECT") && sql.contains("webhook_");
        assert!((STEPS / 2..=STEPS + 3).contains(&looks), "{looks} looks in {STEPS} times two seconds");
        let (reading, claiming): (Vec<_>, Vec<_>) = rest.into_iter().partition(|sql| reads(sql));
        assert!(reading.len() <= 4, "{reading:?}");
        assert!(
            claiming.len() <= 2 && claiming.iter().all(|sql| sql.contains("lease_owner")),
            "{claiming:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_event_above_a_lowered_ceiling_leaves_no_gap() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let receiver = Receiver::willing().await;
        let row = endpoint(&app, &receiver.url, |row| {
            row.message_types = vec![SCORED.to_owned()].into();
            row.delivery_order = DeliveryOrder::PerEvent;
        })
        .await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        stop(&app, row.id, Stop::Lower, "").await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        // A higher ceiling is a wider grant: what happens meanwhile waits until it is confirmed.
        call(&app, row.id, "updateWebhookEndpoint", json!({ "tlpCeiling": Tlp::Amber.as_str() })).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        assert_eq!(numbers(&receiver), [1]);
        call(&app, row.id, "confirmWebhookGrant", json!({})).await;
        deliver(&app).await;
        assert_eq!(numbers(&receiver), [1, 2]);
    })
    .await;
}
