//! Delivering again what a receiver missed: all since a time, a thousand a call, with ids and sequences as they were.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::vocabulary::DeliveryState;
use entity::{delivery, message};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use uuid::Uuid;
use vulndesk::auth::Role;
use vulndesk::ids::{Kind, encode};
use vulndesk::webhook::message_id;

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
