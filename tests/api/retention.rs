//! What need not be kept for ever goes when its days are over, and nothing else does.

use chrono::TimeDelta;
use entity::vocabulary::{DeliveryState, EndpointState, NoticeKind};
use entity::{audit_entry, delivery, idempotency, message, notice, payout_change};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;
use vulndesk::audit::verify::verify;
use vulndesk::auth::Role;
use vulndesk::retention::keep_up;

use crate::deliveries::{attempts, deliver, deliveries, endpoint};
use crate::harness::{TestApp, on_both};
use crate::payouts::{confirmed, propose, with_money};
use crate::receiver::Receiver;

async fn count<E: EntityTrait>(app: &TestApp) -> u64
where
    E::Model: Sync,
{
    E::find().count(app.app.database.reader()).await.unwrap()
}

async fn after(app: &TestApp, days: i64) {
    app.advance(TimeDelta::days(days));
    keep_up(&app.app).await.unwrap();
}

async fn notice(app: &TestApp) {
    let row = notice::Model {
        id: app.app.ids.next(),
        subject: "admin-1".to_owned(),
        kind: NoticeKind::MailLeftOut,
        percent: None,
        event_id: None,
        about_id: Uuid::from_u128(1),
        once_key: None,
        created_at: app.now(),
        read_at: None,
    };
    notice::Entity::insert(row.into_active_model())
        .exec_without_returning(app.app.database.writer())
        .await
        .unwrap();
}

#[tokio::test]
async fn each_goes_after_its_days_and_the_record_stays() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        with_money(&app, "10000").await;
        endpoint(&app, &receiver.url, |_| ()).await;
        let (report, _) = confirmed(&app, "src", "1", "reporter-1", "AMBER").await;
        propose(&app, &report, "500").await;
        deliver(&app).await;
        // What waits is kept, however long.
        let paused = endpoint(&app, &receiver.url, |row| row.state = EndpointState::Paused).await;
        app.receive("analyst-1", "src", "2", "AMBER").await;
        deliver(&app).await;
        notice(&app).await;
        let admin = app.token(Role::Admin, "admin-1");
        let customer =
            json!({ "key": "carrier", "name": "A carrier", "idempotencyKey": "once", "abroad": false });
        app.done(&admin, "createCustomer", "CreateCustomer", customer, "customer { id }").await;
        deliver(&app).await;
        let waiting =
            |rows: &[delivery::Model]| rows.iter().filter(|row| row.state == DeliveryState::Pending).count();
        assert_eq!(waiting(&deliveries(&app).await), 1);
        let entries = count::<audit_entry::Entity>(&app).await;
        let messages = count::<message::Entity>(&app).await;
        let counts = async || {
            (
                count::<idempotency::Entity>(&app).await,
                count::<delivery::Entity>(&app).await,
                attempts(&app).await.len(),
                count::<notice::Entity>(&app).await,
            )
        };
        let before = counts().await;
        assert!(before.0 == 1 && before.1 == 3 && before.2 == 2 && before.3 >= 1, "{before:?}");
        let notices = before.3;

        after(&app, 90).await;
        assert_eq!(counts().await, before, "on its last day each is there");
        after(&app, 1).await;
        assert_eq!(counts().await, (0, 3, 2, notices));
        after(&app, 88).await;
        assert_eq!(counts().await, (0, 3, 2, notices));
        assert_eq!(count::<message::Entity>(&app).await, messages);
        after(&app, 2).await;
        assert_eq!(counts().await, (0, 1, 0, notices));
        let left = message::Entity::find().all(app.app.database.reader()).await.unwrap();
        let waits = deliveries(&app).await.remove(0);
        assert_eq!((waits.endpoint_id, waits.state), (paused.id, DeliveryState::Pending));
        let changes = payout_change::Entity::find().all(app.app.database.reader()).await.unwrap();
        let mut named: Vec<_> = changes.iter().map(|change| change.id).chain([waits.message_id]).collect();
        let mut left: Vec<_> = left.into_iter().map(|row| row.id).collect();
        named.sort_unstable();
        left.sort_unstable();
        assert_eq!(left, named, "what a payout's change or a delivery names");
        assert!(!changes.is_empty());
        after(&app, 184).await;
        assert_eq!(counts().await.3, notices);
        after(&app, 1).await;
        assert_eq!(counts().await.3, 0);

        assert_eq!(count::<audit_entry::Entity>(&app).await, entries);
        let report = verify(&app.app).await.unwrap();
        // Endpoints that this test wrote by hand have no entry.
        let others = report.findings.iter().filter(|finding| finding.kind != "webhook_endpoint").count();
        assert_eq!((others, report.instance.faults), (0, 0), "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_was_sent_again_is_kept_from_its_new_end_on() {
    on_both(|app| async move {
        let receiver = Receiver::willing().await;
        app.with_company().await;
        endpoint(&app, &receiver.url, |_| ()).await;
        app.receive("analyst-1", "src", "1", "AMBER").await;
        deliver(&app).await;
        app.advance(TimeDelta::days(170));
        let admin = app.token(Role::Admin, "admin-1");
        let id = vulndesk::ids::encode(vulndesk::ids::Kind::Delivery, deliveries(&app).await[0].id);
        let input = json!({ "delivery": id });
        app.done(&admin, "replayDelivery", "ReplayDelivery", input, "delivery { id }").await;
        deliver(&app).await;
        assert_eq!(attempts(&app).await.len(), 2);
        after(&app, 179).await;
        assert_eq!((deliveries(&app).await.len(), attempts(&app).await.len()), (1, 2));
        let row = message::Entity::find().filter(message::Column::Kind.eq("report.received"));
        assert!(row.one(app.app.database.reader()).await.unwrap().is_some(), "a delivery names it");
        after(&app, 2).await;
        assert_eq!((deliveries(&app).await.len(), attempts(&app).await.len()), (0, 0));
    })
    .await;
}
