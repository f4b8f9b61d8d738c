//! Delivering again what a receiver missed: all since a time, a thousand a call, with ids and sequences as they were.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::vocabulary::DeliveryState;
use entity::{delivery, message};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use vulndesk::auth::Role;
use vulndesk::ids::{Kind, encode};
use vulndesk::webhook::message_id;
use vulndesk::webhook::queue::{self, Wanted};

use crate::deliveries::{ONE, SCORED, deliver, deliveries, endpoint, stand_in_event};
use crate::harness::{TestApp, on_both};
use crate::receiver::Receiver;

/// Deliveries of one endpoint.
const ALL: usize = 1_205;

/// Deliveries that left long ago, every third of them given up, five at each instant.
async fn history(app: &TestApp, endpoint: Uuid) {
    let (mut messages, mut rows) = (Vec::new(), Vec::new());
    for index in 0..ALL {
        let number = i64::try_from(index).unwrap() + 1;
        let at = app.now() + TimeDelta::seconds(number / 5);
        let id = app.app.ids.next();
        messages.push(
            message::Model {
                id,
                kind: SCORED.to_owned(),
                endpoint_id: None,
                event_id: ONE,
                data: json!({}),
                created_at: at,
                position: Some(1_000_000 + number),
            }
            .into_active_model(),
        );
        let state = if index % 3 == 0 { DeliveryState::Dead } else { DeliveryState::Delivered };
        rows.push(
            delivery::Model {
                id: app.app.ids.next(),
                endpoint_id: endpoint,
                message_id: id,
                event_id: ONE,
                kind: SCORED.to_owned(),
                position: 1_000_000 + number,
                sequence: Some(number),
                state,
                due_at: at,
                attempts: 10,
                lease_owner: None,
                lease_until: None,
                created_at: at,
                finished_at: Some(at),
                note: None,
                last_tried_at: None,
                last_duration_ms: None,
                last_status: None,
                last_error: None,
                last_answer: None,
            }
            .into_active_model(),
        );
    }
    let db = app.app.database.writer();
    for part in messages.chunks(200) {
        message::Entity::insert_many(part.to_vec()).exec_without_returning(db).await.unwrap();
    }
    for part in rows.chunks(200) {
        delivery::Entity::insert_many(part.to_vec()).exec_without_returning(db).await.unwrap();
    }
    app.advance(TimeDelta::days(1));
}

async fn replay(app: &TestApp, input: Value) -> Value {
    let leader = app.token(Role::Leader, "leader-1");
    app.done(&leader, "replayDeliveries", "ReplayDeliveries", input, "count nextCursor").await
}

#[tokio::test]
async fn all_since_a_time_is_sent_again_once_and_as_it_was() {
    on_both(|app| async move {
        stand_in_event(&app, ONE.unwrap()).await;
        let receiver = Receiver::willing().await;
        let row =
            endpoint(&app, &receiver.url, |row| row.message_types = vec!["webhook.test".to_owned()].into())
                .await;
        history(&app, row.id).await;
        let before = deliveries(&app).await;
        let mut input = json!({
            "endpoint": encode(Kind::WebhookEndpoint, row.id), "since": "2026-01-01T00:00:00Z",
        });
        let dead = replay(&app, input.clone()).await;
        assert_eq!((&dead["count"], &dead["nextCursor"]), (&json!(402), &Value::Null), "{dead}");
        deliver(&app).await;
        assert_eq!(receiver.seen().len(), 402);

        input["deliveredToo"] = json!(true);
        let mut counts = Vec::new();
        loop {
            let part = replay(&app, input.clone()).await;
            counts.push(part["count"].as_u64().unwrap());
            // What was put back is delivered again before the next call: it is not put back a second time.
            deliver(&app).await;
            if part["nextCursor"].is_null() {
                break;
            }
            assert!(counts.len() < 5, "it does not end: {counts:?}");
            input["after"] = part["nextCursor"].clone();
        }
        assert_eq!(counts, [1_000, 205]);
        let seen = receiver.seen();
        assert_eq!(seen.len(), 402 + ALL);
        let again: BTreeSet<_> =
            seen[402..].iter().map(|one| (one.header("webhook-id").to_owned(), one.sequence())).collect();
        let expected = before.iter().map(|row| (message_id(row), row.sequence.unwrap()));
        assert_eq!(again, expected.collect(), "each once, under its id, with its number");
        let after = deliveries(&app).await;
        assert!(after.iter().all(|row| row.state == DeliveryState::Delivered && row.attempts == 1));

        input["after"] = json!("nothing");
        let leader = app.token(Role::Leader, "leader-1");
        let wrong = app.change(&leader, "replayDeliveries", "ReplayDeliveries", input, "count").await;
        assert!(wrong["errors"][0]["message"].as_str().unwrap().starts_with("input.after"), "{wrong}");
    })
    .await;
}

#[tokio::test]
async fn a_long_queue_is_claimed_from_without_reading_all_of_it() {
    let app = TestApp::postgres().await;
    stand_in_event(&app, Uuid::from_u128(1)).await;
    let row = endpoint(&app, "https://10.0.0.1/hook", |_| ()).await;
    history(&app, row.id).await;
    let waits = delivery::Entity::update_many().col_expr(delivery::Column::State, Expr::value("PENDING"));
    waits.exec(app.app.database.writer()).await.unwrap();
    app.owner().execute_unprepared("ANALYZE delivery").await.unwrap();
    let wanted = [Wanted { endpoint: row.id, room: 10, per_event: false, only_tests: false }];
    let worker = app.app.ids.next();
    let claim = queue::claim(&app.app.database, worker, &wanted, app.now());
    let (claimed, statements) = app.sql_of(claim).await;
    assert_eq!((claimed.unwrap().len(), statements.len()), (10, 1));

    // As it is planned for whatever is wanted.
    let on_one = app.owner_database().begin_write().await.unwrap();
    let prepare =
        format!("SET LOCAL plan_cache_mode = force_generic_plan; PREPARE claim AS {}", statements[0]);
    on_one.execute_unprepared(&prepare).await.unwrap();
    let explain = "EXPLAIN EXECUTE claim (NULL, NULL, NULL, NULL, NULL, NULL)";
    let plan =
        on_one.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, explain)).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let reads = |how: &str| plan.iter().any(|step| step.contains(how));
    assert!(reads("Index Scan using delivery_endpoint_id_due_at_id"), "{plan:#?}");
    assert!(!reads("Seq Scan on delivery"), "{plan:#?}");
}
