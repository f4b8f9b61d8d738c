//! Webhook endpoints: their grant, their secrets, and what may leave to them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::vocabulary::{
    DeliveryOrder, DeliveryState, ReplyKind, ReplyState, Tlp, WebhookPayload, WebhookPreset, WorldFactKind,
};
use entity::{delivery, message, reply, webhook_endpoint, webhook_secret};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;
use vulndesk::app::App;
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::Ids;
use vulndesk::error::Error;
use vulndesk::ids::{Kind, decode, encode};
use vulndesk::reply::blank;
use vulndesk::webhook;
use vulndesk::webhook::payload::{Withheld, letters};
use vulndesk::webhook::sealed;

use crate::harness::{TestApp, on_both};
use crate::story::{Story, scored};

const FIELDS: &str = "secret endpoint { id version url state headerNames grant { state role confirmedBy } }";
const ENDPOINT: &str = "endpoint { id version url state grant { state role confirmedBy } }";

/// What an endpoint of an analyst's portal is made with.
pub(crate) fn portal() -> Value {
    json!({
        "name": "Portal", "url": "https://hooks.example/in", "messageTypes": ["*"],
        "headers": [{ "name": "X-Api-Key", "value": "header-value-in-the-clear" }],
        "grant": { "role": "ANALYST", "tlpCeiling": "AMBER", "abroad": false },
    })
}

pub(crate) fn with(mut input: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

impl TestApp {
    pub(crate) async fn endpoint(&self, input: Value) -> (String, i64, Value) {
        let admin = self.token(Role::Admin, "admin-1");
        let made = self.done(&admin, "createWebhookEndpoint", "CreateWebhookEndpoint", input, FIELDS).await;
        let endpoint = &made["endpoint"];
        (endpoint["id"].as_str().unwrap().to_owned(), endpoint["version"].as_i64().unwrap(), made.clone())
    }

    async fn confirm(&self, endpoint: &str, version: i64) -> Value {
        let leader = self.token(Role::Leader, "leader-1");
        let input = json!({ "endpoint": endpoint, "expectedVersion": version });
        self.change(&leader, "confirmWebhookGrant", "ConfirmWebhookGrant", input, ENDPOINT).await
    }

    /// An endpoint whose grant a leader has confirmed.
    pub(crate) async fn confirmed(&self, input: Value) -> Uuid {
        let (id, version, _) = self.endpoint(input).await;
        assert_eq!(self.confirm(&id, version).await["endpoint"]["grant"]["state"], "CONFIRMED");
        decode(Kind::WebhookEndpoint, "id", &id).unwrap()
    }

    async fn row(&self, endpoint: Uuid) -> webhook_endpoint::Model {
        let found = webhook_endpoint::Entity::find_by_id(endpoint).one(self.app.database.reader()).await;
        found.unwrap().unwrap()
    }

    /// An endpoint, and a delivery about `event` to it that was tried in vain.
    pub(crate) async fn dead_delivery(&self, event: &str) -> (String, String) {
        let event = decode(Kind::Event, "event", event).unwrap();
        let endpoint = self.confirmed(portal()).await;
        let mut rows = self.deliveries(endpoint).await;
        rows.retain(|row| row.event_id == Some(event));
        let row = delivery::Model {
            state: DeliveryState::Dead,
            attempts: 10,
            sequence: Some(1),
            finished_at: Some(self.now()),
            note: Some("given up".to_owned()),
            ..rows.swap_remove(0)
        };
        self.tried(&row).await;
        (encode(Kind::WebhookEndpoint, endpoint), encode(Kind::Delivery, row.id))
    }

    /// Writes a delivery with a try that failed.
    async fn tried(&self, row: &delivery::Model) {
        let row = delivery::Model {
            last_tried_at: Some(self.now()),
            last_duration_ms: Some(12),
            last_status: Some(500),
            last_answer: Some("you sent: A hole".to_owned()),
            ..row.clone()
        };
        let db = self.app.database.writer();
        delivery::Entity::insert(row.into_active_model()).exec_without_returning(db).await.unwrap();
    }

    /// Every message so far as a delivery to `endpoint`, with its type.
    async fn deliveries(&self, endpoint: Uuid) -> Vec<delivery::Model> {
        self.deliveries_since(endpoint, DateTime::UNIX_EPOCH).await
    }

    /// The same of those since an instant.
    async fn deliveries_since(&self, endpoint: Uuid, since: DateTime<Utc>) -> Vec<delivery::Model> {
        let select = message::Entity::find().filter(message::Column::CreatedAt.gte(since));
        let select = select.order_by_asc(message::Column::Id);
        let messages = select.all(self.app.database.reader()).await.unwrap();
        let rows = messages.into_iter().enumerate().map(|(index, message)| delivery::Model {
            id: self.app.ids.next(),
            endpoint_id: endpoint,
            message_id: message.id,
            event_id: message.event_id,
            kind: message.kind,
            position: i64::try_from(index).unwrap() + 1,
            sequence: None,
            state: DeliveryState::Pending,
            due_at: self.now(),
            attempts: 0,
            lease_owner: None,
            lease_until: None,
            created_at: self.now(),
            finished_at: None,
            note: None,
            last_tried_at: None,
            last_duration_ms: None,
            last_status: None,
            last_error: None,
            last_answer: None,
        });
        rows.collect()
    }

    /// What of the messages about `event` would leave to `endpoint` now, by type.
    pub(crate) async fn leaving(
        &self,
        endpoint: Uuid,
        event: &str,
    ) -> Vec<(String, std::result::Result<Value, Withheld>)> {
        self.leaving_about(endpoint, Some(decode(Kind::Event, "event", event).unwrap())).await
    }

    /// The same of what is about this event, or about none.
    pub(crate) async fn leaving_about(
        &self,
        endpoint: Uuid,
        event: Option<Uuid>,
    ) -> Vec<(String, std::result::Result<Value, Withheld>)> {
        let batch = self.deliveries(endpoint).await;
        let batch: Vec<_> = batch.into_iter().filter(|row| row.event_id == event).collect();
        let letters = letters(&self.app, endpoint, &batch).await.unwrap();
        assert_eq!(letters.len(), batch.len());
        let parsed = letters
            .into_iter()
            .map(|letter| letter.map(|letter| serde_json::from_slice(&letter.body(1)).unwrap()));
        batch.into_iter().map(|row| row.kind).zip(parsed).collect()
    }

    /// What of the messages since an instant would leave to `endpoint` now.
    pub(crate) async fn leaving_since(&self, endpoint: Uuid, since: DateTime<Utc>) -> Vec<Value> {
        let batch = self.deliveries_since(endpoint, since).await;
        let letters = letters(&self.app, endpoint, &batch).await.unwrap().into_iter();
        letters.flatten().map(|letter| serde_json::from_slice(&letter.body(1)).unwrap()).collect()
    }

    /// Writes a verdict's reply to a channel.
    async fn reply(&self, event: Uuid, channel: &str, state: ReplyState) {
        let select = entity::channel::Entity::find().filter(entity::channel::Column::Key.eq(channel));
        let channel = select.one(self.app.database.reader()).await.unwrap().unwrap();
        let id = self.app.ids.next();
        let row = reply::Model {
            state,
            ..blank(id, event, channel.id, ReplyKind::Verdict, "analyst-1", self.now())
        };
        let insert = reply::Entity::insert(row.into_active_model());
        insert.exec_without_returning(self.app.database.writer()).await.unwrap();
    }

    async fn set_tlp(&self, event: &str, tlp: &str, version: i64) {
        let leader = self.token(Role::Leader, "leader-1");
        let input = json!({ "event": event, "expectedVersion": version, "tlp": tlp, "reason": "a test" });
        self.done(&leader, "setTlp", "SetTlp", input, "event { version }").await;
    }
}

/// The outcome for one type.
pub(crate) fn of<'a>(
    leaving: &'a [(String, std::result::Result<Value, Withheld>)],
    kind: &str,
) -> &'a std::result::Result<Value, Withheld> {
    &leaving.iter().find(|(of, _)| of == kind).unwrap_or_else(|| panic!("no {kind} in {leaving:?}")).1
}

#[tokio::test]
async fn a_grant_is_proposed_by_one_confirmed_by_another_and_confirmed_anew_when_it_widens() {
    on_both(|app| async move {
        let (id, version, made) = app.endpoint(with(portal(), json!({ "idempotencyKey": "once" }))).await;
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
        assert_eq!(made["endpoint"]["grant"]["state"], "PROPOSED");
        assert_eq!(made["endpoint"]["headerNames"], json!(["X-Api-Key"]));
        let (again, _, made) = app.endpoint(with(portal(), json!({ "idempotencyKey": "once" }))).await;
        assert_eq!((again, &made["secret"]), (id.clone(), &Value::Null), "a secret is shown once");

        let both = app.mint(&[Role::Admin, Role::Leader], "admin-1", &[], None);
        let input = json!({ "endpoint": id, "expectedVersion": version });
        let own =
            app.change(&both, "confirmWebhookGrant", "ConfirmWebhookGrant", input.clone(), ENDPOINT).await;
        assert_eq!(own["userErrors"][0]["code"], "FOUR_EYES", "{own}");
        let admin = app.token(Role::Admin, "admin-2");
        let other = app.change(&admin, "confirmWebhookGrant", "ConfirmWebhookGrant", input, ENDPOINT).await;
        assert_eq!(other["errors"][0]["extensions"]["code"], "FORBIDDEN", "{other}");
        let confirmed = app.confirm(&id, version).await;
        assert_eq!(confirmed["endpoint"]["grant"]["confirmedBy"], "leader-1", "{confirmed}");
        let version = confirmed["endpoint"]["version"].as_i64().unwrap();
        let stale = app.confirm(&id, version - 1).await;
        assert_eq!(stale["errors"][0]["extensions"]["code"], "CONFLICT", "{stale}");

        let update = |changes: Value| with(json!({ "endpoint": id, "expectedVersion": version }), changes);
        let renamed = update(json!({ "name": "Portal 2", "tlpCeiling": "GREEN" }));
        let renamed =
            app.done(&admin, "updateWebhookEndpoint", "UpdateWebhookEndpoint", renamed, ENDPOINT).await;
        assert_eq!(renamed["endpoint"]["grant"]["state"], "CONFIRMED", "{renamed}");
        let moved = with(
            update(json!({ "url": "https://other.example/in" })),
            json!({ "expectedVersion": version + 1 }),
        );
        let moved = app.done(&admin, "updateWebhookEndpoint", "UpdateWebhookEndpoint", moved, ENDPOINT).await;
        assert_eq!(
            moved["endpoint"]["grant"],
            json!({ "state": "PROPOSED", "role": "ANALYST", "confirmedBy": null })
        );

        let leader = app.token(Role::Leader, "leader-1");
        let revoke = json!({ "endpoint": id, "expectedVersion": version + 2, "reason": "no longer used" });
        let revoked = app.done(&leader, "revokeWebhookGrant", "RevokeWebhookGrant", revoke, ENDPOINT).await;
        assert_eq!(revoked["endpoint"]["grant"]["state"], "REVOKED");
        let moved =
            json!({ "endpoint": id, "expectedVersion": version + 3, "url": "https://third.example/in" });
        let moved = app.done(&admin, "updateWebhookEndpoint", "UpdateWebhookEndpoint", moved, ENDPOINT).await;
        assert_eq!(
            moved["endpoint"]["grant"]["state"], "REVOKED",
            "what was taken away comes back by a new grant only"
        );
        let anew = json!({ "endpoint": id, "expectedVersion": version + 4, "grant": portal()["grant"] });
        let anew = app.done(&admin, "updateWebhookEndpoint", "UpdateWebhookEndpoint", anew, ENDPOINT).await;
        assert_eq!(anew["endpoint"]["grant"]["state"], "PROPOSED");
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
    })
    .await;
}

#[tokio::test]
async fn ill_formed_endpoints_are_refused_and_name_the_remedy() {
    let app = TestApp::sqlite().await;
    let admin = app.token(Role::Admin, "admin-1");
    for (changes, code) in [
        (json!({ "url": "http://hooks.example/in" }), "BAD_USER_INPUT"),
        (json!({ "url": "https://user:secret-word@hooks.example/in" }), "BAD_USER_INPUT"),
        (json!({ "url": "https://127.0.0.1/in" }), "BAD_USER_INPUT"),
        (json!({ "url": "https://hooks.example:22/in" }), "BAD_USER_INPUT"),
        (json!({ "messageTypes": ["nothing.*"] }), "BAD_USER_INPUT"),
        (json!({ "headers": [{ "name": "Host", "value": "secret-word" }] }), "BAD_USER_INPUT"),
        (json!({ "maxConcurrency": 0 }), "BAD_USER_INPUT"),
        (json!({ "tlpCeiling": "RED" }), "CONTRADICTION"),
        (json!({ "grant": { "role": "ENGINEER", "tlpCeiling": "AMBER", "abroad": false } }), "CONTRADICTION"),
        (json!({ "preset": "FEISHU", "payload": "FULL" }), "CONTRADICTION"),
        (json!({ "channels": [encode(Kind::Channel, Uuid::from_u128(7))] }), "UNKNOWN_REFERENCE"),
    ] {
        let input = with(portal(), changes.clone());
        let answer =
            app.change(&admin, "createWebhookEndpoint", "CreateWebhookEndpoint", input, FIELDS).await;
        let found = [&answer["userErrors"][0]["code"], &answer["errors"][0]["extensions"]["code"]];
        assert!(found.contains(&&json!(code)), "{changes}: {answer}");
        assert!(!answer.to_string().contains("secret-word"), "{answer}");
    }
    let ids = Ids::seeded(app.app.clock.clone(), 9);
    let keyless = App::new(app.app.database.clone(), app.app.clock.clone(), ids).await.unwrap();
    let input = webhook::CreateWebhookEndpoint {
        name: "Portal".to_owned(),
        url: "https://hooks.example/in".into(),
        preset: WebhookPreset::Standard,
        message_types: vec!["*".to_owned()],
        channels: Vec::new(),
        lines: Vec::new(),
        min_level: None,
        tlp_ceiling: None,
        payload: WebhookPayload::Thin,
        delivery_order: DeliveryOrder::Any,
        max_concurrency: 4,
        headers: Vec::new(),
        secret: None,
        owner: None,
        grant: webhook::WebhookGrantInput {
            role: Role::Analyst,
            products: Vec::new(),
            channel: None,
            tlp_ceiling: Tlp::Amber,
            abroad: false,
        },
        idempotency_key: None,
    };
    let refused = webhook::create(&keyless, &Actor::operator("admin-1", [Role::Admin]), &input).await;
    let Err(Error::Refused(refusals)) = refused else { panic!("made without a key") };
    assert!(refusals[0].message.contains("secrets.keys"), "{refusals:?}");
}

#[tokio::test]
async fn no_secret_stands_in_the_database_or_in_any_answer() {
    on_both(|app| async move {
        let (id, _, made) = app.endpoint(portal()).await;
        let secret = made["secret"].as_str().unwrap().to_owned();
        let bot = with(
            portal(),
            json!({ "preset": "DINGTALK", "url": "https://oapi.dingtalk.example/robot/send?access_token=url-token", "secret": "SECbot-secret" }),
        );
        let (_, _, made) = app.endpoint(bot).await;
        assert_eq!((&made["secret"], &made["endpoint"]["url"]), (&Value::Null, &json!("https://oapi.dingtalk.example")));

        let words = [secret.trim_start_matches("whsec_"), "header-value-in-the-clear", "url-token", "SECbot-secret"];
        let db = app.app.database.reader();
        let mut stored = format!("{:?}", webhook_endpoint::Entity::find().all(db).await.unwrap());
        stored += &format!("{:?}", message::Entity::find().all(db).await.unwrap());
        stored += &format!("{:?}", entity::audit_entry::Entity::find().all(db).await.unwrap());
        stored += &format!("{:?}", entity::idempotency::Entity::find().all(db).await.unwrap());
        let bytes = app.bytes_at_rest().unwrap_or_default();
        for word in words {
            assert!(!stored.contains(word), "{word} is stored in the clear");
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} lies on disk");
        }
        let auditor = app.token(Role::Auditor, "auditor-1");
        let all = "{ webhookEndpoints { nodes { id url headerNames secrets { createdAt } } }
            audit { nodes { details action } } }";
        let answer = app.graphql(&auditor, all, Value::Null).await;
        assert_eq!(answer["data"]["webhookEndpoints"]["nodes"].as_array().map(Vec::len), Some(2), "{answer}");
        assert!(words.iter().all(|word| !answer.to_string().contains(word)), "{answer}");

        let row = app.row(decode(Kind::WebhookEndpoint, "id", &id).unwrap()).await;
        let target = sealed::target(&app.app, &row).await.unwrap();
        assert_eq!(target.secrets[0].expose_secret(), secret);
        assert_eq!(target.headers[0].1.expose_secret(), "header-value-in-the-clear");
        assert!(!format!("{target:?}").contains("header-value"), "{target:?}");
    })
    .await;
}

#[tokio::test]
async fn a_replaced_secret_signs_until_its_overlap_ends() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let (id, version, made) = app.endpoint(portal()).await;
        let old = made["secret"].as_str().unwrap().to_owned();
        let row = app.row(decode(Kind::WebhookEndpoint, "id", &id).unwrap()).await;
        let secrets = || async {
            let opened = sealed::target(&app.app, &row).await.unwrap().secrets;
            opened.iter().map(|secret| secret.expose_secret().to_owned()).collect::<Vec<_>>()
        };
        app.advance(chrono::TimeDelta::minutes(1));
        let rotate = |version: i64, hours: i64| json!({ "endpoint": id, "expectedVersion": version, "overlapHours": hours });
        let made = app.done(&admin, "rotateWebhookSecret", "RotateWebhookSecret", rotate(version, 24), FIELDS).await;
        let new = made["secret"].as_str().unwrap().to_owned();
        assert_eq!(secrets().await, [new.clone(), old.clone()]);
        app.advance(chrono::TimeDelta::hours(24));
        assert_eq!(secrets().await, [new.as_str()]);
        let admin = app.token(Role::Admin, "admin-1");
        let made = app.done(&admin, "rotateWebhookSecret", "RotateWebhookSecret", rotate(version + 1, 0), FIELDS).await;
        assert_eq!(secrets().await, [made["secret"].as_str().unwrap()], "without an overlap the old one is gone");
        assert_eq!(webhook_secret::Entity::find().all(app.app.database.reader()).await.unwrap().len(), 1);
        let bot = with(portal(), json!({ "preset": "WECOM", "url": "https://qyapi.example/send?key=k" }));
        let (bot, _, _) = app.endpoint(bot).await;
        let none = json!({ "endpoint": bot, "expectedVersion": 1 });
        let none = app.change(&admin, "rotateWebhookSecret", "RotateWebhookSecret", none, FIELDS).await;
        assert_eq!(none["userErrors"][0]["code"], "MISSING_FACT", "{none}");
    })
    .await;
}

#[tokio::test]
async fn what_leaves_is_what_the_grant_sees_at_that_moment() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let portal_id = app.confirmed(portal()).await;
        let green = app.confirmed(with(portal(), json!({ "tlpCeiling": "GREEN" }))).await;
        let (unconfirmed, _, _) = app.endpoint(portal()).await;
        let unconfirmed = decode(Kind::WebhookEndpoint, "id", &unconfirmed).unwrap();

        let seen = app.leaving(portal_id, &received.event).await;
        let body = of(&seen, "report.received").as_ref().unwrap();
        assert_eq!(body["type"], "report.received");
        assert_eq!(
            (&body["data"]["event"], &body["data"]["report"]),
            (&json!(received.event), &json!(received.report))
        );
        assert!(body["sequence"].is_i64() && body["timestamp"].is_string());
        assert!(!body.to_string().contains("A hole"), "a thin delivery has no content: {body}");
        for (endpoint, reason) in [(green, Withheld::AboveCeiling), (unconfirmed, Withheld::NotConfirmed)] {
            let held = app.leaving(endpoint, &received.event).await;
            assert!(held.iter().all(|(_, body)| *body == Err(reason)), "{held:?}");
        }

        app.set_tlp(&received.event, "AMBER_STRICT", 1).await;
        let held = app.leaving(portal_id, &received.event).await;
        assert!(held.iter().all(|(_, body)| *body == Err(Withheld::AboveCeiling)), "{held:?}");
        app.set_tlp(&received.event, "RED", 2).await;
        let held = app.leaving(portal_id, &received.event).await;
        assert!(held.iter().all(|(_, body)| *body == Err(Withheld::NotVisible)), "{held:?}");

        let row = app.row(portal_id).await;
        let leader = app.token(Role::Leader, "leader-1");
        let id = encode(Kind::WebhookEndpoint, portal_id);
        let revoke = json!({ "endpoint": id, "expectedVersion": row.version, "reason": "no longer used" });
        app.done(&leader, "revokeWebhookGrant", "RevokeWebhookGrant", revoke, ENDPOINT).await;
        let held = app.leaving(portal_id, &received.event).await;
        assert!(held.iter().all(|(_, body)| *body == Err(Withheld::NotGranted)), "{held:?}");
    })
    .await;
}

#[tokio::test]
async fn nothing_leaves_for_an_owner_who_is_gone() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let portal_id = app.confirmed(with(portal(), json!({ "owner": "analyst-1" }))).await;
        app.advance(chrono::TimeDelta::days(30) - chrono::TimeDelta::seconds(1));
        let seen = app.leaving(portal_id, &received.event).await;
        assert!(seen.iter().all(|(_, body)| body.is_ok()), "{seen:?}");
        app.advance(chrono::TimeDelta::seconds(1));
        let held = app.leaving(portal_id, &received.event).await;
        assert!(held.iter().all(|(_, body)| *body == Err(Withheld::OwnerStale)), "{held:?}");
        // Who calls again is there again; who is denied is not, however lately they called.
        app.graphql(&app.token(Role::Analyst, "analyst-1"), "{ viewer { subject } }", Value::Null).await;
        let seen = app.leaving(portal_id, &received.event).await;
        assert!(seen.iter().all(|(_, body)| body.is_ok()), "{seen:?}");
        let admin = app.token(Role::Admin, "admin-1");
        let deny =
            json!({ "issuer": vulndesk::auth::DEVELOPMENT_ISSUER, "subject": "analyst-1", "reason": "left" });
        app.done(&admin, "denyPrincipal", "DenyPrincipal", deny, "principal { id }").await;
        let held = app.leaving(portal_id, &received.event).await;
        assert!(held.iter().all(|(_, body)| *body == Err(Withheld::OwnerDenied)), "{held:?}");
    })
    .await;
}

#[tokio::test]
async fn scope_filters_and_jurisdiction_hold_back() {
    on_both(|app| async move {
        app.with_company().await;
        let admin = app.token(Role::Admin, "admin-1");
        let company = app.graphql(&admin, "{ products { nodes { id } } }", Value::Null).await;
        let (of_src, of_cnvd) = (app.channel("src").await, app.channel("cnvd").await);
        let product = &company["data"]["products"]["nodes"][0]["id"];
        let received = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let grant = |role: &str, changes: Value| {
            let grant = with(json!({ "role": role, "tlpCeiling": "AMBER", "abroad": false }), changes);
            with(portal(), json!({ "grant": grant }))
        };

        let engineer = app.confirmed(grant("ENGINEER", json!({ "products": [product] }))).await;
        let held = app.leaving(engineer, &received.event).await;
        assert!(held.iter().all(|(_, body)| *body == Err(Withheld::NotVisible)), "{held:?}");

        let src = app.confirmed(with(grant("SRC", json!({ "channel": of_src })), json!({ "payload": "FULL" }))).await;
        let seen = app.leaving(src, &received.event).await;
        let body = of(&seen, "report.received").as_ref().unwrap();
        assert_eq!(body["data"]["reports"], json!([received.report]));
        assert!(body["data"].get("event").is_none() && body["data"].get("number").is_none(), "{body}");
        assert_eq!(body["data"]["content"]["reports"][0]["status"], "RECEIVED");
        assert!(!body.to_string().contains("Steps"), "{body}");
        let other = app.confirmed(grant("SRC", json!({ "channel": of_cnvd }))).await;
        let held = app.leaving(other, &received.event).await;
        assert!(held.iter().all(|(_, body)| *body == Err(Withheld::NotVisible)), "{held:?}");

        for (filter, passes) in [
            (json!({ "channels": [of_src] }), true),
            (json!({ "channels": [of_cnvd] }), false),
            (json!({ "lines": ["gateway"] }), false),
            (json!({ "minLevel": "BLUE" }), false),
        ] {
            let endpoint = app.confirmed(with(portal(), filter.clone())).await;
            let found = app.leaving(endpoint, &received.event).await;
            let wanted = |body: &Result<Value, Withheld>| {
                if passes { body.is_ok() } else { *body == Err(Withheld::FilteredOut) }
            };
            assert!(wanted(of(&found, "report.received")), "{filter}: {found:?}");
        }

        let abroad = app.confirmed(grant("ANALYST", json!({ "abroad": true }))).await;
        let held = app.leaving(abroad, &received.event).await;
        assert_eq!(*of(&held, "report.received"), Err(Withheld::Abroad));
        let analyst = app.token(Role::Analyst, "analyst-1");
        let ask = json!({ "event": received.event, "kind": "REPORT_ABROAD", "question": "May it go?" });
        let asked = app.done(&analyst, "askDecision", "AskDecision", ask, "decision { id version }").await;
        let held = app.leaving(abroad, &received.event).await;
        assert_eq!(*of(&held, "report.received"), Err(Withheld::Abroad), "a question is no decision");
        let leader = app.token(Role::Leader, "leader-1");
        let record = json!({ "decision": asked["decision"]["id"], "expectedVersion": 1, "outcome": "It may", "granted": true });
        let vague = app.change(&leader, "recordDecision", "RecordDecision", record.clone(), "decision { id }").await;
        assert_eq!(vague["userErrors"][0]["code"], "MISSING_FACT", "{vague}");
        let record = with(record, json!({ "extent": "ALLOW" }));
        app.done(&leader, "recordDecision", "RecordDecision", record, "decision { id extent }").await;
        let seen = app.leaving(abroad, &received.event).await;
        assert!(of(&seen, "report.received").is_ok(), "{seen:?}");
    })
    .await;
}

#[tokio::test]
async fn no_more_goes_abroad_than_was_decided() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let event = decode(Kind::Event, "event", &received.event).unwrap();
        let grant = json!({ "role": "ANALYST", "tlpCeiling": "AMBER", "abroad": true });
        let abroad = app.confirmed(with(portal(), json!({ "payload": "FULL", "grant": grant }))).await;
        let full = || async {
            let left = app.leaving(abroad, &received.event).await;
            of(&left, "report.received").clone().map(|body| body["data"].get("content").is_some())
        };
        let db = app.app.database.writer();
        let known = entity::world_fact::Model {
            id: app.app.ids.next(),
            event_id: event,
            kind: WorldFactKind::PubliclyKnown,
            occurred_at: None,
            learned_at: app.now(),
            source: "a mailing list".to_owned(),
            recorded_by: "analyst-1".to_owned(),
            recorded_at: app.now(),
        };
        let known = entity::world_fact::Entity::insert(known.into_active_model());
        let version = || async {
            let row = entity::event::Entity::find_by_id(event).one(app.app.database.reader()).await;
            i64::from(row.unwrap().unwrap().version)
        };
        let embargo = async |until: Option<String>| {
            let input = json!({ "event": received.event, "expectedVersion": version().await, "until": until, "reason": "a test" });
            app.done(&app.token(Role::Analyst, "analyst-1"), "setEmbargo", "SetEmbargo", input, "event { id }").await;
        };
        app.set_tlp(&received.event, "CLEAR", version().await).await;
        assert_eq!(full().await, Err(Withheld::Abroad), "a level alone makes nothing public");
        known.exec_without_returning(db).await.unwrap();
        assert_eq!(full().await, Ok(true), "what is public is public abroad");
        embargo(Some((app.now() + chrono::TimeDelta::days(30)).to_rfc3339())).await;
        assert_eq!(full().await, Err(Withheld::Abroad), "known to some, and under an embargo");
        embargo(None).await;
        app.set_tlp(&received.event, "AMBER", version().await).await;
        assert_eq!(full().await, Err(Withheld::Abroad), "known to some, and TLP:AMBER");
        let decide = async |extent: &str| {
            app.advance(chrono::TimeDelta::minutes(1));
            let analyst = app.token(Role::Analyst, "analyst-1");
            let ask = json!({ "event": received.event, "kind": "REPORT_ABROAD", "question": "May it go?" });
            let asked = app.done(&analyst, "askDecision", "AskDecision", ask, "decision { id }").await;
            let record = json!({
                "decision": asked["decision"]["id"], "expectedVersion": 1, "outcome": extent, "extent": extent,
                "granted": extent != "REFUSE", "participants": ["legal-1"],
            });
            app.graphql(&app.token(Role::Legal, "legal-1"), "{ viewer { subject } }", Value::Null).await;
            let leader = app.token(Role::Leader, "leader-1");
            app.done(&leader, "recordDecision", "RecordDecision", record, "decision { extent }").await;
        };
        for (extent, leaves) in [
            ("ALLOW", Ok(true)),
            ("ALLOW_REDUCED", Ok(false)),
            ("REFUSE", Err(Withheld::Abroad)),
            ("ALLOW_AFTER_DOMESTIC_REPORT", Err(Withheld::Abroad)),
        ] {
            decide(extent).await;
            assert_eq!(full().await, leaves, "{extent}");
        }
        for (channel, state, leaves) in [
            ("src", ReplyState::Sent, Err(Withheld::Abroad)),
            ("cnvd", ReplyState::Approved, Err(Withheld::Abroad)),
            ("cnvd", ReplyState::Sent, Ok(true)),
        ] {
            app.reply(event, channel, state).await;
            assert_eq!(full().await, leaves, "a reply to {channel}, {state}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_decision_to_disclose_opens_what_is_abroad() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "CLEAR").await;
        let grant = json!({ "role": "ANALYST", "tlpCeiling": "AMBER", "abroad": true });
        let abroad = app.confirmed(with(portal(), json!({ "grant": grant }))).await;
        for (granted, leaves) in [(true, Ok(())), (false, Err(Withheld::Abroad))] {
            let before = app.leaving(abroad, &received.event).await;
            assert_eq!(of(&before, "report.received").is_ok(), !granted, "until it is decided, what was decided before");
            app.advance(chrono::TimeDelta::minutes(1));
            let ask = json!({ "event": received.event, "kind": "DISCLOSE", "question": "Is it to be published?" });
            let analyst = app.token(Role::Analyst, "analyst-1");
            let asked = app.done(&analyst, "askDecision", "AskDecision", ask, "decision { id }").await;
            let record = json!({ "decision": asked["decision"]["id"], "expectedVersion": 1, "outcome": "So be it", "granted": granted });
            let leader = app.token(Role::Leader, "leader-1");
            app.done(&leader, "recordDecision", "RecordDecision", record, "decision { id }").await;
            let left = app.leaving(abroad, &received.event).await;
            assert_eq!(of(&left, "report.received").clone().map(|_| ()), leaves, "granted {granted}");
        }
    })
    .await;
}

#[tokio::test]
async fn headers_go_to_the_host_that_they_were_meant_for() {
    on_both(|app| async move {
        let (id, _, _) = app.endpoint(portal()).await;
        let admin = app.token(Role::Admin, "admin-1");
        let anew = json!([{ "name": "X-New", "value": "another" }]);
        for (version, change, names) in [
            (1, json!({ "url": "https://hooks.example/elsewhere" }), json!(["X-Api-Key"])),
            (2, json!({ "url": "https://other.example/in", "headers": anew }), json!(["X-New"])),
            (3, json!({ "url": "https://third.example/in" }), json!([])),
        ] {
            let input = with(json!({ "endpoint": id, "expectedVersion": version }), change);
            let fields = "endpoint { headerNames }";
            let after =
                app.done(&admin, "updateWebhookEndpoint", "UpdateWebhookEndpoint", input, fields).await;
            assert_eq!(after["endpoint"]["headerNames"], names, "change {version}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_withheld_is_replayed_by_who_sees_it() {
    on_both(|app| async move {
        app.with_company().await;
        app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let endpoint = app.confirmed(portal()).await;
        let row = delivery::Model {
            state: DeliveryState::Cancelled,
            finished_at: Some(app.now()),
            note: Some("above the TLP ceiling".to_owned()),
            ..app.deliveries(endpoint).await.swap_remove(0)
        };
        let insert = delivery::Entity::insert(row.clone().into_active_model());
        insert.exec_without_returning(app.app.database.writer()).await.unwrap();
        let since =
            json!({ "endpoint": encode(Kind::WebhookEndpoint, endpoint), "since": "2026-01-01T00:00:00Z" });
        for (role, subject, withheld, count) in [
            (Role::Admin, "admin-1", true, 0),
            (Role::Leader, "leader-1", false, 0),
            (Role::Leader, "leader-1", true, 1),
        ] {
            let token = app.token(role, subject);
            let input = with(since.clone(), json!({ "withheldToo": withheld }));
            let done = app.done(&token, "replayDeliveries", "ReplayDeliveries", input, "count").await;
            assert_eq!(done["count"], count, "{role:?} {withheld}");
        }
        let after =
            delivery::Entity::find_by_id(row.id).one(app.app.database.reader()).await.unwrap().unwrap();
        assert_eq!((after.state, after.note), (DeliveryState::Pending, None));
    })
    .await;
}

#[tokio::test]
async fn full_content_of_an_embargoed_event_is_recorded_as_read() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let until = (app.now() + chrono::TimeDelta::days(30)).to_rfc3339();
        let embargo = json!({ "event": received.event, "expectedVersion": 1, "until": until });
        app.done(&analyst, "setEmbargo", "SetEmbargo", embargo, "event { version }").await;
        let thin = app.confirmed(portal()).await;
        let full = app.confirmed(with(portal(), json!({ "payload": "FULL" }))).await;
        let records = || async {
            let rows = entity::access_record::Entity::find().all(app.app.database.reader()).await.unwrap();
            rows.into_iter().filter(|row| row.actor.starts_with("webhook:")).count()
        };
        app.leaving(thin, &received.event).await;
        assert_eq!(records().await, 0);
        let seen = app.leaving(full, &received.event).await;
        assert_eq!(
            of(&seen, "report.received").as_ref().unwrap()["data"]["content"]["title"],
            "A hole CNVD-2026-00001"
        );
        assert_eq!(records().await, 1);
    })
    .await;
}

#[tokio::test]
async fn clocks_are_told_to_whoever_reads_clocks_and_a_channels_to_whoever_reads_its_replies() {
    on_both(|app| async move {
        let product = app.with_core_router().await;
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-2026-00001", json!({})).await;
        story.confirm().await;
        story.product(&product, "AFFECTED").await;
        story.analyst("scoreEvent", scored("9")).await;
        let grant =
            json!({ "role": "ENGINEER", "products": [product], "tlpCeiling": "AMBER", "abroad": false });
        let engineer = app.confirmed(with(portal(), json!({ "grant": grant }))).await;
        let analyst = app.confirmed(portal()).await;
        let told = async |endpoint| {
            let all = app.leaving(endpoint, &story.event).await;
            let clocks =
                all.into_iter().filter(|(kind, _)| kind == "deadline.opened" || kind == "obligation.changed");
            let kinds =
                clocks.filter_map(|(_, letter)| Some(letter.ok()?["data"]["kind"].as_str()?.to_owned()));
            kinds.collect::<BTreeSet<String>>()
        };
        let of = |kinds: &[&str]| kinds.iter().map(|&kind| kind.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(told(engineer).await, of(&["FIX", "MITIGATION"]), "nothing of what a database is owed");
        let all = told(analyst).await;
        assert!(all.is_superset(&of(&["FIX", "MITIGATION", "REPLY", "PUBLICATION", "VERDICT"])), "{all:?}");
    })
    .await;
}

#[tokio::test]
async fn a_batch_costs_the_same_whatever_its_size() {
    on_both(|app| async move {
        app.with_company().await;
        for index in 0..8 {
            app.receive("analyst-1", "cnvd", &format!("CNVD-2026-{index:05}"), "AMBER").await;
        }
        let everything = json!({
            "payload": "FULL", "lines": ["gateway"],
            "grant": { "role": "ANALYST", "tlpCeiling": "AMBER", "abroad": true },
        });
        let endpoint = app.confirmed(with(portal(), everything)).await;
        let mut all = app.deliveries(endpoint).await;
        all.retain(|row| row.event_id.is_some());
        let (_, of_two) = app.statements_of(letters(&app.app, endpoint, &all[..2])).await;
        let (_, of_all) = app.statements_of(letters(&app.app, endpoint, &all)).await;
        assert!(all.len() >= 8 && of_two == of_all && of_all <= 9, "{of_two} and {of_all} statements");
    })
    .await;
}

#[tokio::test]
async fn who_configures_sees_only_what_left_and_replays_it() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let endpoint = app.confirmed(portal()).await;
        let (mut rows, others): (Vec<_>, Vec<_>) =
            app.deliveries(endpoint).await.into_iter().partition(|row| row.event_id.is_some());
        rows.push(others[0].clone());
        let (left, waits) = (0, rows.len() - 1);
        rows[left].state = DeliveryState::Dead;
        rows[left].finished_at = Some(app.now());
        rows[left].note = Some("given up".to_owned());
        app.tried(&rows[left]).await;
        let waiting = delivery::Entity::insert(rows[waits].clone().into_active_model());
        waiting.exec_without_returning(app.app.database.writer()).await.unwrap();
        let rows = [rows[left].clone(), rows[waits].clone()];
        let (left, waits) = (0, 1);
        let id = encode(Kind::WebhookEndpoint, endpoint);
        let document = "query($endpoint: ID!) { webhookDeliveries(endpoint: $endpoint) { totalCount nodes { id kind state note
            sequence event { id } attempts { status answer } } } }";
        let ask = |token: String| { let id = id.clone(); let app = &app; async move { app.graphql(&token, document, json!({ "endpoint": id })).await } };
        let admin = app.token(Role::Admin, "admin-1");
        let seen = ask(admin.clone()).await;
        let shown = encode(Kind::Delivery, rows[left].id);
        assert_eq!(
            seen["data"]["webhookDeliveries"],
            json!({ "totalCount": 1, "nodes": [{ "id": shown, "kind": rows[left].kind, "state": "DEAD", "note": null,
                "sequence": null, "event": null, "attempts": [{ "status": 500, "answer": null }] }] })
        );
        let leader = ask(app.token(Role::Leader, "leader-1")).await;
        assert_eq!(leader["data"]["webhookDeliveries"]["totalCount"], rows.len(), "{leader}");
        let by_event = "query($endpoint: ID!, $event: ID) { webhookDeliveries(endpoint: $endpoint, event: $event) { totalCount } }";
        let variables = json!({ "endpoint": id, "event": received.event });
        let refused = app.graphql(&admin, by_event, variables).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
        let hidden = encode(Kind::Delivery, rows[waits].id);
        let node = app.graphql(&admin, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": hidden })).await;
        assert_eq!(node["data"]["node"], Value::Null);
        let again = app.change(&admin, "replayDelivery", "ReplayDelivery", json!({ "delivery": hidden }), "delivery { id }").await;
        let absent = encode(Kind::Delivery, Uuid::from_u128(7));
        let unknown = app.change(&admin, "replayDelivery", "ReplayDelivery", json!({ "delivery": absent }), "delivery { id }").await;
        assert_eq!(again, unknown, "hidden and absent are the same");

        let again = app.done(&admin, "replayDelivery", "ReplayDelivery", json!({ "delivery": shown }), "delivery { id state finishedAt attemptCount }").await;
        assert_eq!(again["delivery"], json!({ "id": shown, "state": "PENDING", "finishedAt": null, "attemptCount": 0 }));
        let since = json!({ "endpoint": id, "since": "2026-01-01T00:00:00Z", "deliveredToo": true });
        let none = app.done(&admin, "replayDeliveries", "ReplayDeliveries", since, "count endpoint { id }").await;
        assert_eq!(none["count"], 0, "what waits is not put back");

        let row = app.row(endpoint).await;
        let delete = json!({ "endpoint": id, "expectedVersion": row.version });
        app.done(&admin, "deleteWebhookEndpoint", "DeleteWebhookEndpoint", delete, "endpoint { deletedAt }").await;
        let kept = delivery::Entity::find().all(app.app.database.reader()).await.unwrap();
        assert!(kept.len() == rows.len() && kept.iter().all(|row| row.state != DeliveryState::Pending));
        assert!(webhook_secret::Entity::find().all(app.app.database.reader()).await.unwrap().is_empty());
        let gone = app.confirm(&id, i64::from(row.version) + 1).await;
        assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND", "{gone}");
    })
    .await;
}

#[tokio::test]
async fn a_test_message_is_for_its_endpoint_alone() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let (first, version, _) = app.endpoint(portal()).await;
        let (second, _, _) = app.endpoint(portal()).await;
        let test = json!({ "endpoint": first });
        app.done(&admin, "testWebhookEndpoint", "TestWebhookEndpoint", test.clone(), ENDPOINT).await;
        for (endpoint, arrives) in [(&first, true), (&second, false)] {
            let endpoint = decode(Kind::WebhookEndpoint, "id", endpoint).unwrap();
            let mut batch = app.deliveries(endpoint).await;
            batch.retain(|row| row.kind == "webhook.test");
            let letters = letters(&app.app, endpoint, &batch).await.unwrap();
            assert_eq!(letters.iter().map(Result::is_ok).collect::<Vec<_>>(), [arrives]);
        }
        let pause = json!({ "endpoint": first, "expectedVersion": version, "reason": "maintenance" });
        app.done(&admin, "pauseWebhookEndpoint", "PauseWebhookEndpoint", pause, ENDPOINT).await;
        let paused = app.change(&admin, "testWebhookEndpoint", "TestWebhookEndpoint", test, ENDPOINT).await;
        assert_eq!(paused["userErrors"][0]["code"], "MOVE_NOT_ALLOWED", "{paused}");
        let resume = json!({ "endpoint": first, "expectedVersion": version + 1 });
        let resumed =
            app.done(&admin, "resumeWebhookEndpoint", "ResumeWebhookEndpoint", resume, ENDPOINT).await;
        assert_eq!(resumed["endpoint"]["state"], "ACTIVE");
    })
    .await;
}

#[tokio::test]
async fn every_message_that_the_demo_writes_is_of_its_type() {
    let app = TestApp::sqlite().await;
    let schema = vulndesk::graphql::schema();
    let end = app.now() + chrono::TimeDelta::days(120);
    vulndesk::demo::load(&app.app, &schema, &app.clock, end).await.unwrap();
    let messages = message::Entity::find().all(app.app.database.reader()).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for message in messages {
        let kind = vulndesk::outbox::MessageKind::parse(&message.kind).expect("a known type");
        let fields = kind.fields();
        let data = message.data.as_object().unwrap();
        assert!(data.keys().all(|name| fields.iter().any(|field| field.name == *name)), "{message:?}");
        assert!(fields.iter().all(|field| !field.required || data.contains_key(&field.name)), "{message:?}");
        seen.insert(kind.as_str());
    }
    assert!(seen.len() >= 15, "{seen:?}");
}
