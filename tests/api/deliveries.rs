//! Messages on their way to webhook endpoints.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::TimeDelta;
use entity::vocabulary::{
    DeliveryOrder, DeliveryState, EndpointState, GrantState, Tlp, WebhookPayload, WebhookPreset,
};
use entity::{delivery, delivery_attempt, event, message, webhook_endpoint, webhook_secret};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vulndesk::auth::Role;
use vulndesk::secret::Column;
use vulndesk::webhook::attempt::Attempt;
use vulndesk::webhook::queue::{self, Wanted};
use vulndesk::webhook::sign::{Key, secret_text, verify};
use vulndesk::webhook::worker;

use crate::harness::{TestApp, on_both};
use crate::receiver::{Receiver, Seen};
use crate::sequencer::sequence_all;

/// A type of message that tests write by hand, and the event that it is about.
pub(crate) const SCORED: &str = "event.scored";
pub(crate) const ONE: Option<Uuid> = Some(Uuid::from_u128(1));

/// An active endpoint with a confirmed grant, and one signing secret.
pub(crate) async fn endpoint(
    app: &TestApp,
    url: &str,
    change: impl FnOnce(&mut webhook_endpoint::Model),
) -> webhook_endpoint::Model {
    // What was told before is not for it.
    sequence_all(&app.app).await;
    let now = app.now();
    let mut row = webhook_endpoint::Model {
        id: app.app.ids.next(),
        name: "portal".into(),
        url: url.to_owned(),
        sealed_url: None,
        preset: WebhookPreset::Standard,
        message_types: vec!["report.received".to_owned()].into(),
        channel_ids: Vec::new().into(),
        lines: Vec::new().into(),
        min_level: None,
        tlp_ceiling: Tlp::Amber,
        payload: WebhookPayload::Thin,
        delivery_order: DeliveryOrder::Any,
        max_concurrency: 4,
        headers: None,
        owner: "admin-1".into(),
        state: EndpointState::Active,
        state_reason: None,
        failing_since: None,
        grant_role: "LEADER".into(),
        grant_products: Vec::new().into(),
        grant_channel: None,
        grant_tlp_ceiling: Tlp::AmberStrict,
        grant_abroad: false,
        grant_state: GrantState::Confirmed,
        grant_proposed_by: "admin-1".into(),
        grant_confirmed_by: Some("leader-1".into()),
        grant_confirmed_at: Some(now),
        deleted_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    change(&mut row);
    let writer = app.app.database.writer();
    let insert = webhook_endpoint::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(writer).await.unwrap();
    if row.preset == WebhookPreset::Standard {
        secret(app, row.id, 1, None).await;
    }
    row
}

/// Gives an endpoint the secret made of `byte`.
async fn secret(app: &TestApp, endpoint: Uuid, byte: u8, ends_in: Option<TimeDelta>) {
    let id = app.app.ids.next();
    let place = Column::WebhookSecret.of(id);
    let row = webhook_secret::Model {
        id,
        endpoint_id: endpoint,
        sealed: app.app.secrets.seal(&app.app.ids, place, secret_text(&[byte; 32]).as_bytes()).unwrap(),
        created_at: app.now(),
        expires_at: ends_in.map(|wait| app.now() + wait),
    };
    let insert = webhook_secret::Entity::insert(row.into_active_model());
    insert.exec_without_returning(app.app.database.writer()).await.unwrap();
}

/// Positions, fans out, and delivers all that is due.
pub(crate) async fn deliver(app: &TestApp) {
    sequence_all(&app.app).await;
    worker::drain(Arc::clone(&app.app)).await.unwrap();
}

pub(crate) async fn deliveries(app: &TestApp) -> Vec<delivery::Model> {
    let rows = delivery::Entity::find().order_by_asc(delivery::Column::Position);
    rows.order_by_asc(delivery::Column::Id).all(app.app.database.reader()).await.unwrap()
}

pub(crate) async fn attempts(app: &TestApp) -> Vec<Attempt> {
    attempts_by_endpoint(app).await.into_iter().map(|(_, attempt)| attempt).collect()
}

/// The same, each with where it went.
pub(crate) async fn attempts_by_endpoint(app: &TestApp) -> Vec<(Uuid, Attempt)> {
    let earlier = delivery_attempt::Entity::find().all(app.app.database.reader()).await.unwrap();
    let earlier = earlier.iter().map(|row| (row.endpoint_id, Attempt::from(row)));
    let last = deliveries(app).await.into_iter();
    let last = last.filter_map(|row| Some((row.endpoint_id, Attempt::last_of(&row)?)));
    let mut all: Vec<_> = earlier.chain(last).collect();
    all.sort_by_key(|(_, attempt)| attempt.at);
    all
}

async fn reload(app: &TestApp, endpoint: &webhook_endpoint::Model) -> webhook_endpoint::Model {
    let row = webhook_endpoint::Entity::find_by_id(endpoint.id).one(app.app.database.reader()).await.unwrap();
    row.unwrap()
}

/// Changes an endpoint behind the API's back, as another process would through it.
async fn set(app: &TestApp, column: webhook_endpoint::Column, value: impl Into<sea_orm::Value>) {
    let update =
        webhook_endpoint::Entity::update_many().col_expr(column, Expr::value(value.into())).col_expr(
            webhook_endpoint::Column::Revision,
            sea_orm::sea_query::ExprTrait::add(Expr::col(webhook_endpoint::Column::Revision), 1),
        );
    update.exec(app.app.database.writer()).await.unwrap();
}

fn is_signed(app: &TestApp, seen: &Seen, byte: u8) -> bool {
    let key = Key::parse(&secret_text(&[byte; 32])).unwrap();
    let headers =
        (seen.header("webhook-id"), seen.header("webhook-timestamp"), seen.header("webhook-signature"));
    verify([&key], headers, &seen.body, app.now()).is_ok()
}

pub(crate) async fn message(app: &TestApp, kind: &str, event: Option<Uuid>) -> Uuid {
    let row = message::Model {
        id: app.app.ids.next(),
        kind: kind.to_owned(),
        endpoint_id: None,
        event_id: event,
        data: serde_json::json!({}),
        created_at: app.now(),
        position: None,
    };
    let id = row.id;
    let insert = message::Entity::insert(row.into_active_model());
    insert.exec_without_returning(app.app.database.writer()).await.unwrap();
    // So that the next one comes after it.
    app.advance(TimeDelta::microseconds(1));
    id
}

#[tokio::test]
async fn a_message_arrives_once_signed_and_on_record() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        endpoint(&app, &receiver.url, |_| {}).await;
        app.with_company().await;
        app.receive("analyst-1", "src", "1", "AMBER").await;
        deliver(&app).await;
        deliver(&app).await;
        let seen = receiver.seen();
        assert_eq!(seen.len(), 1);
        assert!(is_signed(&app, &seen[0], 1) && !is_signed(&app, &seen[0], 2));
        assert_eq!((seen[0].json()["type"].as_str(), seen[0].sequence()), (Some("report.received"), 1));
        assert_eq!(seen[0].header("content-type"), "application/json");
        let rows = deliveries(&app).await;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].state, rows[0].attempts), (DeliveryState::Delivered, 1));
        assert_eq!((rows[0].lease_owner, rows[0].finished_at), (None, Some(app.now())));
        let tried = attempts(&app).await;
        assert_eq!((tried.len(), tried[0].status, &tried[0].error), (1, Some(204), &None));
        // Put back by hand, it goes out again under the same id.
        let replay = delivery::Entity::update_many()
            .col_expr(delivery::Column::State, Expr::value(DeliveryState::Pending.as_str()));
        replay.exec(app.app.database.writer()).await.unwrap();
        deliver(&app).await;
        let again = receiver.seen();
        assert_eq!(again.len(), 2);
        assert_eq!(again[0].header("webhook-id"), again[1].header("webhook-id"));
    })
    .await;
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let receiver = Receiver::willing().await;
        let row = endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        webhook_secret::Entity::delete_many().exec(app.app.database.writer()).await.unwrap();
        secret(&app, row.id, 1, Some(TimeDelta::hours(24))).await;
        secret(&app, row.id, 2, None).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        app.advance(TimeDelta::hours(25));
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        let seen = receiver.seen();
        assert_eq!(seen[0].header("webhook-signature").split(' ').count(), 2);
        app.clock.set(crate::harness::START.parse().unwrap());
        assert!(is_signed(&app, &seen[0], 1) && is_signed(&app, &seen[0], 2));
        app.advance(TimeDelta::hours(25));
        assert!(!is_signed(&app, &seen[1], 1) && is_signed(&app, &seen[1], 2));
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_tried_again_under_the_same_id() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let receiver = Receiver::start(|before, _| async move {
            let status = [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FOUND, StatusCode::OK];
            (status[before.min(2)], "said \x1b[1mno").into_response()
        })
        .await;
        let row = endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        deliver(&app).await;
        assert_eq!(receiver.seen().len(), 1, "not before its time");
        assert!(reload(&app, &row).await.failing_since.is_some());
        for seconds in [6, 331] {
            app.advance(TimeDelta::seconds(seconds));
            deliver(&app).await;
        }
        let seen = receiver.seen();
        assert_eq!(seen.len(), 3, "a redirect is a failure too");
        assert!(seen.iter().all(|one| one.header("webhook-id") == seen[0].header("webhook-id")));
        assert!(seen[0].header("webhook-timestamp") < seen[2].header("webhook-timestamp"));
        assert!(is_signed(&app, &seen[2], 1));
        let rows = deliveries(&app).await;
        assert_eq!((rows[0].state, rows[0].attempts), (DeliveryState::Delivered, 3));
        let tried: Vec<_> = attempts(&app).await.into_iter().map(|row| (row.status, row.answer)).collect();
        let answer = Some("said [1mno".to_owned());
        assert_eq!(tried, [(Some(500), answer.clone()), (Some(302), answer.clone()), (Some(200), answer)]);
        assert_eq!(reload(&app, &row).await.failing_since, None);
    })
    .await;
}

#[tokio::test]
async fn what_another_worker_has_delivered_meanwhile_keeps_an_endpoint() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let receiver = Receiver::start(|before, _| async move {
            if before == 1 { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }.into_response()
        })
        .await;
        let row = endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        let failing_since = reload(&app, &row).await.failing_since;
        app.advance(TimeDelta::seconds(6));
        deliver(&app).await;
        assert_eq!(reload(&app, &row).await.failing_since, None);
        // The worker that saw it fail wrote that down after the one that saw it succeed.
        set(&app, webhook_endpoint::Column::FailingSince, failing_since).await;
        app.advance(TimeDelta::days(6));
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        assert_eq!(receiver.seen().len(), 3);
        let after = reload(&app, &row).await;
        assert_eq!((after.state, after.failing_since), (EndpointState::Active, Some(app.now())));
        for _ in 0..4 {
            app.advance(TimeDelta::hours(30));
            deliver(&app).await;
        }
        assert_eq!(reload(&app, &row).await.state, EndpointState::Disabled);
    })
    .await;
}

#[tokio::test]
async fn a_busy_receiver_is_left_alone_as_long_as_it_says() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let receiver = Receiver::start(|before, _| async move {
            if before == 0 {
                (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")]).into_response()
            } else {
                StatusCode::OK.into_response()
            }
        })
        .await;
        endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        app.advance(TimeDelta::seconds(119));
        deliver(&app).await;
        assert_eq!(receiver.seen().len(), 1);
        app.advance(TimeDelta::seconds(1));
        deliver(&app).await;
        assert_eq!(receiver.seen().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_fails_for_days_is_disabled_and_people_are_told() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let admin = app.token(Role::Admin, "admin-1");
        app.graphql(&admin, "{ viewer { subject } }", serde_json::Value::Null).await;
        let gone = Receiver::start(|_, _| async { StatusCode::GONE.into_response() }).await;
        let all = |row: &mut webhook_endpoint::Model| row.message_types = vec![SCORED.to_owned()].into();
        let row = endpoint(&app, &gone.url, all).await;
        let down = Receiver::start(|_, _| async { StatusCode::INTERNAL_SERVER_ERROR.into_response() }).await;
        let failing = endpoint(&app, &down.url, all).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        let after = reload(&app, &row).await;
        assert_eq!((after.state, after.version), (EndpointState::Disabled, 2));
        assert!(after.state_reason.unwrap().contains("410"));
        assert_eq!(reload(&app, &failing).await.state, EndpointState::Active);
        message(&app, SCORED, ONE).await;
        for _ in 0..9 {
            app.advance(TimeDelta::hours(27));
            deliver(&app).await;
        }
        assert_eq!(gone.seen().len(), 1, "nothing more is sent or written for it");
        let after = reload(&app, &failing).await;
        assert_eq!((after.state, after.failing_since), (EndpointState::Disabled, None));
        let told = entity::notice::Entity::find().all(app.app.database.reader()).await.unwrap();
        let told = |endpoint: Uuid| {
            let of = told.iter().filter(|notice| notice.about_id == endpoint);
            of.map(|notice| notice.subject.clone()).collect::<BTreeSet<_>>()
        };
        for row in [&row, &failing] {
            let people = BTreeSet::from(["admin-1".to_owned(), row.owner.clone()]);
            assert_eq!(told(row.id), people, "the owner and who looks after the installation");
        }
        let kinds = message::Entity::find().all(app.app.database.reader()).await.unwrap();
        let count = |kind: &str| kinds.iter().filter(|row| row.kind == kind).count();
        assert_eq!(count("webhook.endpoint_changed"), 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_given_up_is_kept_and_told_of() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        // One message is poison; others pass, so the endpoint is well.
        let receiver = Receiver::start(|_, seen| async move {
            let poison = seen.json()["type"] == "team.changed";
            if poison { StatusCode::BAD_REQUEST } else { StatusCode::OK }.into_response()
        })
        .await;
        let row = endpoint(&app, &receiver.url, |row| {
            row.message_types = vec![SCORED.to_owned(), "team.*".to_owned()].into();
        })
        .await;
        message(&app, "team.changed", ONE).await;
        for _ in 0..12 {
            message(&app, SCORED, ONE).await;
            deliver(&app).await;
            app.advance(TimeDelta::hours(27));
        }
        let rows = deliveries(&app).await;
        let dead: Vec<_> = rows.iter().filter(|row| row.state == DeliveryState::Dead).collect();
        assert_eq!((dead.len(), dead[0].attempts), (1, 10));
        assert!(dead[0].note.is_some() && dead[0].finished_at.is_some());
        assert_eq!(reload(&app, &row).await.state, EndpointState::Active);
        let kinds = message::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert_eq!(kinds.iter().filter(|row| row.kind == "webhook.endpoint_failing").count(), 1);
        let told = entity::notice::Entity::find().all(app.app.database.reader()).await.unwrap();
        let told: Vec<_> = told.iter().map(|row| (row.subject.as_str(), row.kind, row.about_id)).collect();
        let kind = entity::vocabulary::NoticeKind::DeliveriesGivenUp;
        assert_eq!(told, [(row.owner.as_str(), kind, row.id)], "its owner, once");
    })
    .await;
}

#[tokio::test]
async fn what_may_not_leave_any_more_does_not() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        endpoint(&app, &receiver.url, |_| {}).await;
        app.with_company().await;
        app.receive("analyst-1", "src", "1", "AMBER").await;
        sequence_all(&app.app).await;
        let raise =
            event::Entity::update_many().col_expr(event::Column::Tlp, Expr::value(Tlp::AmberStrict.as_str()));
        raise.exec(app.app.database.writer()).await.unwrap();
        deliver(&app).await;
        let rows = deliveries(&app).await;
        assert_eq!((rows.len(), rows[0].state, rows[0].attempts), (1, DeliveryState::Cancelled, 0));
        app.receive("analyst-1", "src", "2", "GREEN").await;
        sequence_all(&app.app).await;
        set(&app, webhook_endpoint::Column::GrantState, GrantState::Revoked.as_str()).await;
        deliver(&app).await;
        app.receive("analyst-1", "src", "3", "GREEN").await;
        deliver(&app).await;
        let rows = deliveries(&app).await;
        assert_eq!(rows.len(), 2, "nothing is written for an endpoint without a grant");
        assert!(rows.iter().all(|row| row.state == DeliveryState::Cancelled && row.note.is_some()));
        assert!(receiver.seen().is_empty() && attempts(&app).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn each_endpoint_counts_each_event_and_gets_its_own_types() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        let types = |types: &[&str]| {
            let types: Vec<String> = types.iter().map(|kind| (*kind).to_owned()).collect();
            move |row: &mut webhook_endpoint::Model| row.message_types = types.into()
        };
        let all = endpoint(&app, &receiver.url, types(&["*"])).await;
        let scored = endpoint(&app, &receiver.url, types(&["event.scored", "team.*"])).await;
        let mut at_rest = Vec::new();
        for (state, grant, confirmed_before, for_days) in [
            (EndpointState::Paused, GrantState::Confirmed, true, 0),
            (EndpointState::Disabled, GrantState::Confirmed, true, 29),
            (EndpointState::Active, GrantState::Proposed, true, 0),
            (EndpointState::Active, GrantState::Proposed, false, 0),
            (EndpointState::Active, GrantState::Revoked, true, 0),
            (EndpointState::Paused, GrantState::Confirmed, true, 31),
        ] {
            let change = |row: &mut webhook_endpoint::Model| {
                row.message_types = vec!["*".to_owned()].into();
                (row.state, row.grant_state) = (state, grant);
                row.changed_at -= TimeDelta::days(for_days);
                row.grant_confirmed_at = row.grant_confirmed_at.filter(|_| confirmed_before);
            };
            at_rest.push(endpoint(&app, &receiver.url, change).await);
        }
        let finance = endpoint(&app, &receiver.url, |row| {
            row.message_types = vec!["*".to_owned()].into();
            row.grant_role = "FINANCE".into();
        })
        .await;
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (kind, event) in [
            ("event.scored", Some(one)),
            ("team.changed", Some(two)),
            ("event.scored", Some(one)),
            ("webhook.endpoint_changed", None),
            ("unheard.of", Some(one)),
        ] {
            message(&app, kind, event).await;
        }
        sequence_all(&app.app).await;
        message(&app, "event.scored", Some(one)).await;
        sequence_all(&app.app).await;
        let rows = deliveries(&app).await;
        let of = |endpoint: &webhook_endpoint::Model| {
            let mut of: Vec<_> = rows
                .iter()
                .filter(|row| row.endpoint_id == endpoint.id)
                .map(|row| (row.event_id.map_or(0, |id| id.as_u128()), row.position, row.kind.as_str()))
                .collect();
            of.sort_unstable();
            of
        };
        let scores = [(1, 1, "event.scored"), (1, 3, "event.scored"), (1, 6, "event.scored")];
        let team = (2, 2, "team.changed");
        assert_eq!(of(&all), [&[(0, 4, "webhook.endpoint_changed")], &scores[..], &[team]].concat());
        assert_eq!(of(&scored), [&scores[..], &[team]].concat());
        for gathering in &at_rest[..3] {
            assert_eq!(of(gathering), of(&all), "what an endpoint at rest misses waits");
        }
        for none in &at_rest[3..] {
            assert_eq!(of(none), [], "{none:?}");
        }
        assert_eq!(of(&finance), [], "its role receives none of these types");
        assert!(rows.iter().all(|row| row.sequence.is_none()), "numbered when they leave");
    })
    .await;
}

#[tokio::test]
async fn no_gap_tells_of_what_was_withheld() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let set_tlp = async |tlp: Tlp| {
            let raise = event::Entity::update_many().col_expr(event::Column::Tlp, Expr::value(tlp.as_str()));
            raise.exec(app.app.database.writer()).await.unwrap();
        };
        for (tlp, leaves) in [(Tlp::Green, 1), (Tlp::AmberStrict, 1), (Tlp::Green, 2)] {
            set_tlp(tlp).await;
            message(&app, SCORED, ONE).await;
            deliver(&app).await;
            assert_eq!(receiver.seen().len(), leaves);
        }
        let numbers: Vec<_> = receiver.seen().iter().map(Seen::sequence).collect();
        assert_eq!(numbers, [1, 2]);
        let stored: Vec<_> = deliveries(&app).await.into_iter().map(|row| row.sequence).collect();
        assert_eq!(stored, [Some(1), None, Some(2)]);
        // Let go by a leader, what was withheld comes as the next.
        let again = delivery::Entity::update_many()
            .col_expr(delivery::Column::State, Expr::value(DeliveryState::Pending.as_str()))
            .filter(delivery::Column::Sequence.is_null());
        again.exec(app.app.database.writer()).await.unwrap();
        deliver(&app).await;
        assert_eq!(receiver.seen()[2].sequence(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_changed_grant_leaves_once_it_is_confirmed() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        stand_in_event(&app, Uuid::from_u128(1)).await;
        message(&app, SCORED, ONE).await;
        sequence_all(&app.app).await;
        set(&app, webhook_endpoint::Column::GrantState, GrantState::Proposed.as_str()).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        assert!(receiver.seen().is_empty());
        let rows = deliveries(&app).await;
        assert!(rows.iter().all(|row| row.state == DeliveryState::Pending), "{rows:?}");
        set(&app, webhook_endpoint::Column::GrantState, GrantState::Confirmed.as_str()).await;
        deliver(&app).await;
        assert_eq!(receiver.seen().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn of_one_event_each_follows_the_one_before() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        // The first try of the second message fails: the third has to wait for it, another event's does not.
        let receiver = Receiver::start(|_, seen| async move {
            let failing = seen.sequence() == 2 && seen.header("webhook-timestamp") == "1772413200";
            if failing { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }.into_response()
        })
        .await;
        endpoint(&app, &receiver.url, |row| {
            row.message_types = vec!["*".to_owned()].into();
            row.delivery_order = DeliveryOrder::PerEvent;
        })
        .await;
        for _ in 0..5 {
            message(&app, SCORED, ONE).await;
        }
        message(&app, "event.verdict_given", Some(Uuid::from_u128(2))).await;
        stand_in_event(&app, Uuid::from_u128(2)).await;
        deliver(&app).await;
        let of = |kind: &str| -> Vec<i64> {
            let seen = receiver.seen().into_iter().filter(|seen| seen.json()["type"] == kind);
            seen.map(|seen| seen.sequence()).collect()
        };
        assert_eq!((of(SCORED), of("event.verdict_given")), (vec![1, 2], vec![1]));
        app.advance(TimeDelta::seconds(6));
        deliver(&app).await;
        assert_eq!(of(SCORED), [1, 2, 2, 3, 4, 5]);
    })
    .await;
}

/// An event with this id that an analyst sees.
pub(crate) async fn stand_in_event(app: &TestApp, id: Uuid) {
    let analyst = vulndesk::auth::Actor::operator("analyst-0", [vulndesk::auth::Role::Analyst]);
    let mut row = vulndesk::event::new(&app.app, "A hole", app.now(), Tlp::Green).await.unwrap();
    row.id = id;
    let action = vulndesk::auth::policy::Action::ImportReports;
    let mut changes = vulndesk::outbox::ChangeSet::new(&app.app, &analyst, action);
    let facts = vulndesk::auth::visibility::AccessFacts::new(row.clone());
    vulndesk::auth::visibility::regrant(&mut changes, None, &facts);
    changes.create(&app.app, row, Some(id));
    app.app.commit(changes).await.unwrap();
}

#[tokio::test]
async fn a_slow_receiver_holds_up_nobody_else() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let (open, quick_done) = (Arc::new(tokio::sync::Notify::new()), 200);
        let gate = Arc::clone(&open);
        let slow = Receiver::start(move |_, _| {
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                StatusCode::OK.into_response()
            }
        })
        .await;
        let quick = Receiver::willing().await;
        for receiver in [&slow, &quick] {
            endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        }
        for _ in 0..quick_done {
            message(&app, SCORED, ONE).await;
        }
        sequence_all(&app.app).await;
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker::run(Arc::clone(&app.app), stop.clone()));
        tokio::time::timeout(Duration::from_secs(30), quick.has_seen(quick_done)).await.unwrap();
        let waiting = slow.seen().len();
        assert!((1..=4).contains(&waiting), "{waiting} at once, its bound is 4");
        // A stop waits for what is under way, and gives back the rest.
        stop.cancel();
        for _ in 0..waiting {
            open.notify_one();
        }
        worker.await.unwrap().unwrap();
        let rows = deliveries(&app).await;
        assert!(rows.iter().all(|row| row.lease_owner.is_none()));
        let delivered = rows.iter().filter(|row| row.state == DeliveryState::Delivered).count();
        assert_eq!(delivered, quick_done + slow.seen().len());
    })
    .await;
}

/// One that is told claims by what it knows of the endpoints, and learns in the same moment that they have changed.
#[tokio::test]
async fn what_was_claimed_by_old_knowledge_goes_by_new() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let (old, new) = (Receiver::willing().await, Receiver::willing().await);
        endpoint(&app, &old.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker::run(Arc::clone(&app.app), stop.clone()));
        for (receiver, seen) in [(&old, 1), (&old, 2), (&new, 1), (&new, 2)] {
            set(&app, webhook_endpoint::Column::Url, receiver.url.clone()).await;
            message(&app, SCORED, ONE).await;
            sequence_all(&app.app).await;
            app.app.wake.sequenced();
            tokio::time::timeout(Duration::from_secs(30), receiver.has_seen(seen)).await.unwrap();
        }
        stop.cancel();
        worker.await.unwrap().unwrap();
        let rows = deliveries(&app).await;
        assert_eq!(
            rows.iter().map(|row| (row.state, row.attempts)).collect::<Vec<_>>(),
            [(DeliveryState::Delivered, 1); 4]
        );
        assert_eq!(rows.iter().filter_map(|row| row.sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
    })
    .await;
}

#[tokio::test]
async fn what_a_killed_worker_held_is_sent_when_its_lease_ends() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        let receiver = Receiver::willing().await;
        let row = endpoint(&app, &receiver.url, |row| row.message_types = vec!["*".to_owned()].into()).await;
        message(&app, SCORED, ONE).await;
        sequence_all(&app.app).await;
        let dead = app.app.ids.next();
        let wanted = [Wanted { endpoint: row.id, room: 10, per_event: false, only_tests: false }];
        let held = queue::claim(&app.app.database, dead, &wanted, app.now()).await.unwrap();
        assert_eq!(held.len(), 1);
        app.advance(TimeDelta::seconds(4));
        queue::renew(&app.app.database, dead, [held[0].id], app.now()).await.unwrap();
        app.advance(TimeDelta::seconds(4));
        deliver(&app).await;
        assert!(receiver.seen().is_empty(), "the lease was renewed");
        app.advance(queue::LEASE - TimeDelta::seconds(4));
        deliver(&app).await;
        assert_eq!(receiver.seen().len(), 1);
        // The one who lost it writes nothing over the other's outcome, and what it sent is on record.
        let attempt = Attempt {
            at: app.now() - TimeDelta::seconds(1),
            duration_ms: 1,
            status: Some(503),
            error: None,
            answer: Some("busy".to_owned()),
        };
        let late = queue::Settled {
            id: held[0].id,
            endpoint: row.id,
            state: DeliveryState::Dead,
            due_at: None,
            attempts: 9,
            note: None,
            attempt: Some(attempt.clone()),
            earlier: Some(attempt.clone()),
        };
        for late in [late.clone(), queue::Settled { earlier: None, ..late.clone() }] {
            queue::settle(&app.app.database, &app.app.ids, dead, &[late], app.now()).await.unwrap();
        }
        // Nor does one who writes it again, since no answer came back, put down what is there.
        let rows = deliveries(&app).await;
        let again = queue::Settled {
            state: DeliveryState::Delivered,
            attempts: 1,
            attempt: Attempt::last_of(&rows[0]),
            earlier: None,
            ..late
        };
        queue::settle(&app.app.database, &app.app.ids, dead, &[again], app.now()).await.unwrap();
        assert_eq!((rows[0].state, rows[0].attempts), (DeliveryState::Delivered, 1));
        let tried = attempts(&app).await;
        assert_eq!(tried[..2], [attempt.clone(), attempt]);
        assert_eq!(tried[2..].iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [Some(204)]);
    })
    .await;
}

#[tokio::test]
async fn an_address_inside_is_not_sent_to_and_said_so() {
    on_both(|app| async move {
        stand_in_event(&app, Uuid::from_u128(1)).await;
        endpoint(&app, "https://10.0.0.1/hook", |row| row.message_types = vec!["*".to_owned()].into()).await;
        message(&app, SCORED, ONE).await;
        deliver(&app).await;
        let tried = attempts(&app).await;
        assert_eq!((tried.len(), tried[0].status), (1, None));
        assert!(tried[0].error.as_ref().unwrap().contains("outbound.networks"), "{tried:?}");
        let waiting = delivery::Entity::find().filter(delivery::Column::State.eq(DeliveryState::Pending));
        assert_eq!(waiting.all(app.app.database.reader()).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_worker_at_rest_asks_one_cheap_question() {
    on_both(|app| async move {
        endpoint(&app, "https://10.0.0.1/hook", |_| {}).await;
        let ((), first) = app.statements_of(deliver(&app)).await;
        assert!(first > 1, "the endpoints were read");
        let (pulse, statements) = app.statements_of(queue::pulse(&app.app.database)).await;
        assert_eq!((pulse.unwrap().next_due, statements), (None, 1));
    })
    .await;
}

#[tokio::test]
async fn of_one_event_each_follows_the_one_before_between_two_workers_too() {
    const EVENTS: u128 = 3;
    const EACH: i64 = 12;
    on_both(|app| async move {
        for event in 1..=EVENTS {
            stand_in_event(&app, Uuid::from_u128(event)).await;
        }
        let receiver = Receiver::willing().await;
        let row = endpoint(&app, &receiver.url, |row| {
            row.message_types = vec![SCORED.to_owned()].into();
            row.delivery_order = DeliveryOrder::PerEvent;
        })
        .await;
        for _ in 0..EACH {
            for event in 1..=EVENTS {
                message(&app, SCORED, Some(Uuid::from_u128(event))).await;
            }
        }
        sequence_all(&app.app).await;
        let stop = CancellationToken::new();
        let workers = [0; 2].map(|_| tokio::spawn(worker::run(Arc::clone(&app.app), stop.clone())));
        let all = usize::try_from(EACH).unwrap() * 3;
        tokio::time::timeout(Duration::from_secs(120), receiver.has_seen(all)).await.unwrap();
        stop.cancel();
        for worker in workers {
            worker.await.unwrap().unwrap();
        }
        let seen = receiver.seen();
        for event in 1..=EVENTS {
            let id = vulndesk::ids::encode(vulndesk::ids::Kind::Event, Uuid::from_u128(event));
            let of = seen.iter().filter(|seen| seen.json()["data"]["event"] == id);
            let sequences: Vec<_> = of.map(Seen::sequence).collect();
            assert_eq!(sequences, (1..=EACH).collect::<Vec<_>>(), "event {event}");
        }
        let rows = deliveries(&app).await.into_iter().filter(|delivery| delivery.endpoint_id == row.id);
        assert!(rows.into_iter().all(|row| (row.state, row.attempts) == (DeliveryState::Delivered, 1)));
    })
    .await;
}
