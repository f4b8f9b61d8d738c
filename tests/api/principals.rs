//! Denying and allowing who calls.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};

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
