//! Denying and allowing who calls.

use axum::body::Body;
use axum::http::{Request, header};
use chrono::TimeDelta;
use jsonwebtoken::{EncodingKey, Header};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{SECRET, TestApp, on_both};

const ISSUER: &str = vulndesk::auth::DEVELOPMENT_ISSUER;

fn subject(name: &str) -> Value {
    json!({ "issuer": ISSUER, "subject": name, "reason": "left the company" })
}

async fn deny(app: &TestApp, admin: &str, input: Value) -> Value {
    app.change(
        admin,
        "denyPrincipal",
        "DenyPrincipal",
        input,
        "principal { subject denied stale lastSeenAt }",
    )
    .await
}

async fn principals(app: &TestApp, token: &str) -> Vec<Value> {
    let document = "{ principals { nodes { subject denied stale lastSeenAt } } }";
    let answer = app.graphql(token, document, Value::Null).await;
    answer["data"]["principals"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
}

async fn code(app: &TestApp, token: &str) -> Value {
    app.graphql(token, "{ viewer { subject } }", Value::Null).await["errors"][0]["extensions"]["code"].clone()
}

#[tokio::test]
async fn a_denied_subject_is_refused_at_once_until_it_is_allowed() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let analyst = app.token(Role::Analyst, "analyst-1");
        assert_eq!(code(&app, &analyst).await, Value::Null);
        let denied = deny(&app, &admin, subject("analyst-1")).await;
        assert_eq!((&denied["principal"]["denied"], &denied["userErrors"]), (&json!(true), &json!([])));
        assert_eq!(code(&app, &analyst).await, "UNAUTHENTICATED");
        let again = deny(&app, &admin, subject("analyst-1")).await;
        assert_eq!(again["principal"]["denied"], json!(true));
        let audit =
            "{ audit(aggregateKind: \"principal\") { nodes { action reason actor revision details } } }";
        let trail = app.graphql(&admin, audit, Value::Null).await;
        let entries = trail["data"]["audit"]["nodes"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "a repeat is no change: {trail}");
        assert_eq!(entries[0]["reason"], "left the company");
        let allowed = app
            .done(&admin, "allowPrincipal", "AllowPrincipal", subject("analyst-1"), "principal { denied }")
            .await;
        assert_eq!(allowed["principal"]["denied"], json!(false));
        assert_eq!(code(&app, &analyst).await, Value::Null);
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound() && report.entries == 2, "{report}");
    })
    .await;
}

#[tokio::test]
async fn who_never_called_can_be_denied_but_no_mistyped_issuer_and_not_oneself() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let denied = deny(&app, &admin, subject("engineer-9")).await;
        let expected = json!({ "subject": "engineer-9", "denied": true, "stale": true, "lastSeenAt": null });
        assert_eq!(denied["principal"], expected, "{denied}");
        let engineer = app.token(Role::Engineer, "engineer-9");
        assert_eq!(code(&app, &engineer).await, "UNAUTHENTICATED");

        let mistyped = json!({ "issuer": "https://id.exmaple", "subject": "engineer-8", "reason": "left" });
        let refused = deny(&app, &admin, mistyped).await;
        assert_eq!(refused["userErrors"][0]["code"], "UNKNOWN_REFERENCE", "{refused}");
        let own = deny(&app, &admin, subject("admin-1")).await;
        assert_eq!(own["userErrors"][0]["code"], "FOUR_EYES", "{own}");
        let spaced = deny(&app, &admin, subject("engineer-8 ")).await;
        assert_eq!(spaced["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{spaced}");
        let unknown = app
            .change(&admin, "allowPrincipal", "AllowPrincipal", subject("engineer-8"), "principal { denied }")
            .await;
        assert_eq!(unknown["errors"][0]["extensions"]["code"], "NOT_FOUND", "{unknown}");
        let subjects: Vec<_> =
            principals(&app, &admin).await.iter().map(|known| known["subject"].clone()).collect();
        assert_eq!(subjects, ["admin-1", "engineer-9"]);
    })
    .await;
}

#[tokio::test]
async fn who_has_not_called_for_a_month_is_stale_until_the_next_call() {
    on_both(|app| async move {
        code(&app, &app.token(Role::Analyst, "analyst-1")).await;
        let stale = |known: Vec<Value>| -> Vec<(Value, Value)> {
            known.into_iter().map(|known| (known["subject"].clone(), known["stale"].clone())).collect()
        };
        app.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        let auditor = app.token(Role::Auditor, "auditor-1");
        let (analyst, me) = (json!("analyst-1"), json!("auditor-1"));
        let seen = stale(principals(&app, &auditor).await);
        assert_eq!(seen, [(analyst.clone(), json!(false)), (me.clone(), json!(false))]);
        app.advance(TimeDelta::seconds(1));
        let seen = stale(principals(&app, &auditor).await);
        assert_eq!(seen, [(analyst.clone(), json!(true)), (me.clone(), json!(false))]);
        code(&app, &app.token(Role::Analyst, "analyst-1")).await;
        let seen = stale(principals(&app, &auditor).await);
        assert_eq!(seen, [(analyst, json!(false)), (me, json!(false))]);
    })
    .await;
}

/// A token of analyst-1 with an id of its own, and when it ends.
fn named_token(app: &TestApp, id: &str) -> (String, Value) {
    let (now, ends) = (app.now().timestamp(), app.now() + TimeDelta::hours(1));
    let claims = json!({
        "iss": ISSUER, "aud": "vulndesk", "sub": "analyst-1", "roles": ["ANALYST"], "jti": id,
        "nbf": now, "exp": ends.timestamp(),
    });
    let token = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)).unwrap();
    (token, json!(ends.to_rfc3339()))
}

/// What a refused caller is told, besides the request's id.
async fn refusal(app: &TestApp, token: &str) -> (u16, String, Value) {
    let request = Request::post("/graphql")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"query":"{ viewer { subject } }"}"#))
        .unwrap();
    let response = app.respond(request).await;
    let status = response.status().as_u16();
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).unwrap().to_str().unwrap().to_owned();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    (status, challenge, body["errors"][0]["message"].clone())
}

#[tokio::test]
async fn a_denied_token_is_refused_at_once_and_its_subject_goes_on_with_another() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let (stolen, ends) = named_token(&app, "token-1");
        let (kept, _) = named_token(&app, "token-2");
        let nameless = app.token(Role::Analyst, "analyst-1");
        assert_eq!(code(&app, &stolen).await, Value::Null);

        let input = json!({ "tokenId": "token-1", "expiresAt": ends, "reason": "found in a log" });
        let deny = async |input: Value| {
            app.done(&admin, "denyToken", "DenyToken", input, "denial { deniedAt until }").await["denial"]
                .clone()
        };
        let denied = deny(input.clone()).await;
        let (status, challenge, message) = refusal(&app, &stolen).await;
        assert_eq!(status, 401);
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        for token in [&kept, &nameless] {
            assert_eq!(code(&app, token).await, Value::Null, "the subject's other tokens are as they were");
        }

        app.advance(TimeDelta::minutes(1));
        assert_eq!(deny(input.clone()).await, denied, "a repeat changes nothing");
        let later = json!((app.now() + TimeDelta::hours(5)).to_rfc3339());
        let mut longer = input.clone();
        longer["expiresAt"] = later;
        let longer = deny(longer).await;
        assert_ne!(longer["until"], denied["until"]);
        assert_eq!(deny(input).await, longer, "nor does a shorter one");
        let audit = "{ audit(aggregateKind: \"denied_token\") { nodes { action reason revision details } } }";
        let trail = app.graphql(&admin, audit, Value::Null).await;
        assert_eq!(trail["data"]["audit"]["nodes"].as_array().unwrap().len(), 2, "{trail}");
        assert!(!trail.to_string().contains("token-1"), "the id is kept by its digest: {trail}");
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");

        // What a refused caller is told is the same whichever of the two it is.
        self::deny(&app, &admin, subject("analyst-1")).await;
        assert_eq!(refusal(&app, &kept).await, (401, challenge, message));
    })
    .await;
}

#[tokio::test]
async fn a_denied_token_is_forgotten_once_it_has_expired() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let (stolen, ends) = named_token(&app, "token-1");
        let input = json!({ "tokenId": "token-1", "expiresAt": ends, "reason": "found in a log" });
        for (field, value) in [
            ("expiresAt", json!("2026-03-02T01:00:00Z")),
            ("expiresAt", json!("+10000-01-01T00:00:00Z")),
            ("tokenId", json!("token-1 ")),
            ("tokenId", json!("x".repeat(256))),
        ] {
            let mut wrong = input.clone();
            wrong[field] = value;
            let refused = app.change(&admin, "denyToken", "DenyToken", wrong, "denial { until }").await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
            let message = refused["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains(&format!("input.{field}")), "{refused}");
        }
        assert_eq!(code(&app, &stolen).await, Value::Null);
        app.done(&admin, "denyToken", "DenyToken", input, "denial { until }").await;

        let kept = async || {
            vulndesk::schedule::sweep(&app.app).await.unwrap();
            entity::denied_token::Entity::find().count(app.app.database.reader()).await.unwrap()
        };
        app.advance(TimeDelta::hours(2));
        assert_eq!(kept().await, 1, "clocks differ, so it outlives its token");
        app.advance(TimeDelta::seconds(1));
        assert_eq!(kept().await, 0);
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound() && report.entries > 0, "{report}");
    })
    .await;
}
