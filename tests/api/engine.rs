//! Faults that versions of the GraphQL engine have had: each would go unseen by its own.

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, Object, Schema};
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};

struct Refusing;

#[Object]
impl Refusing {
    async fn fine(&self) -> i32 {
        1
    }

    async fn refused(&self) -> async_graphql::Result<i32> {
        Err("refused".into())
    }
}

struct Parents;

#[Object]
impl Parents {
    async fn child(&self) -> Option<Refusing> {
        Some(Refusing)
    }

    async fn children(&self) -> Vec<Option<Refusing>> {
        vec![Some(Refusing)]
    }

    async fn needed(&self) -> Refusing {
        Refusing
    }
}

#[tokio::test]
async fn a_refused_field_that_cannot_be_null_takes_its_parent_along() {
    let schema = Schema::new(Parents, EmptyMutation, EmptySubscription);
    let answer = async |document: &str| {
        let response = schema.execute(document).await;
        assert_eq!(response.errors.len(), 1, "{document}");
        response.data.into_json().unwrap()
    };
    assert_eq!(answer("{ child { fine refused } }").await, json!({ "child": null }));
    assert_eq!(answer("{ children { fine refused } }").await, json!({ "children": [null] }));
    assert_eq!(answer("{ needed { fine refused } }").await, Value::Null);
}

#[tokio::test]
async fn an_answer_never_has_null_where_the_schema_says_that_there_is_none() {
    let app = TestApp::sqlite().await;
    let reporter = app.token(Role::Reporter, "reporter-1");
    // The query type cannot be null, so one refused connection leaves no data at all.
    let answer = app.graphql(&reporter, "{ viewer { subject } events { totalCount } }", Value::Null).await;
    assert_eq!(answer["data"], Value::Null);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!(answer["errors"][0]["path"], json!(["events"]));
}

#[tokio::test]
async fn a_variable_that_is_left_out_of_an_input_changes_nothing() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let input = json!({
            "key": "bank", "name": "Bank", "abroad": false, "contact": "desk@bank.example", "accountManager": "account-manager-1",
        });
        let made = app.made(&admin, "createCustomer", input, "id").await;
        let document = "mutation($id: ID!, $version: Int!, $name: String, $contact: String) {
            updateCustomer(input: { customer: $id, expectedVersion: $version, name: $name, contact: $contact }) {
                customer { name contact accountManager version } userErrors { message } } }";
        let left_out = json!({ "id": made["id"], "version": 1, "name": "Big Bank" });
        let answer = app.graphql(&admin, document, left_out).await;
        let kept = json!({
            "name": "Big Bank", "contact": "desk@bank.example", "accountManager": "account-manager-1", "version": 2,
        });
        assert_eq!(answer["data"]["updateCustomer"]["customer"], kept, "{answer}");
        let cleared = json!({ "id": made["id"], "version": 2, "contact": null });
        let answer = app.graphql(&admin, document, cleared).await;
        let customer = &answer["data"]["updateCustomer"]["customer"];
        assert_eq!((&customer["contact"], &customer["name"]), (&Value::Null, &json!("Big Bank")), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn what_is_known_of_a_reporter_stays_where_it_is_left_out() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let reporter = json!({ "name": "somebody", "email": "somebody@example.org" });
        let input = json!({ "channel": "src", "title": "A hole", "text": "Steps", "reporter": reporter });
        let report = app.made(&analyst, "receiveReport", input, "reporter { id version }").await;
        let id = &report["reporter"]["id"];
        let document = "mutation($id: ID!, $email: String, $version: Int!) {
            updateReporter(input: { reporter: $id, expectedVersion: $version, email: $email, staff: true }) {
                reporter { name email staff version } userErrors { message } } }";
        let answer = app.graphql(&analyst, document, json!({ "id": id, "version": 1 })).await;
        let known =
            json!({ "name": "somebody", "email": "somebody@example.org", "staff": true, "version": 2 });
        assert_eq!(answer["data"]["updateReporter"]["reporter"], known, "{answer}");
        let answer = app.graphql(&analyst, document, json!({ "id": id, "version": 2, "email": null })).await;
        let known = json!({ "name": "somebody", "email": null, "staff": true, "version": 3 });
        assert_eq!(answer["data"]["updateReporter"]["reporter"], known, "{answer}");
    })
    .await;
}

/// More parts than one merged object could have had; that this compiles is the check.
mod many_parts {
    use super::{MergedObject, Object};

    macro_rules! parts {
        ($($part:ident $field:ident),+) => {
            $(
                #[derive(Default)]
                pub(super) struct $part;

                #[Object]
                impl $part {
                    async fn $field(&self) -> i32 {
                        1
                    }
                }
            )+

            #[derive(Default, MergedObject)]
            pub(super) struct Merged($($part),+);
        };
    }

    parts! {
        A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m, N n, O o, P p, Q q, R r, S s, T t, U u, V v,
        W w, X x, Y y, Z z
    }
}

#[tokio::test]
async fn an_object_is_merged_from_more_than_twenty_parts() {
    let schema = Schema::new(many_parts::Merged::default(), EmptyMutation, EmptySubscription);
    let data = schema.execute("{ a t u z }").await.data.into_json().unwrap();
    assert_eq!(data, json!({ "a": 1, "t": 1, "u": 1, "z": 1 }));
}

#[tokio::test]
async fn errors_suggest_no_names_and_echo_little() {
    let app = TestApp::sqlite().await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    for (document, hidden) in [
        ("{ event_s { id } }", "events"),
        ("{ viewer { subjec } }", "subject"),
        ("{ events(filter: { statu: [] }) { totalCount } }", "status"),
        ("{ events(firs: 1) { totalCount } }", "first"),
        ("{ events(order: { field: RECEIVED, direction: ASC }) { totalCount } }", "RECEIVED_AT"),
    ] {
        let answer = app.graphql(&analyst, document, Value::Null).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
        assert!(!message.contains(&format!("\"{hidden}\"")) && !message.contains("mean"), "{message}");
    }
    let long = "x".repeat(30_000);
    for document in [format!("{{ {long} }}"), format!("{{ viewer {{ {} }} }}", "nothing ".repeat(1_500))] {
        let answer = app.graphql(&analyst, &document, Value::Null).await;
        assert!(answer["errors"].is_array(), "{answer}");
        let length = answer.to_string().len();
        assert!(length < 20_000, "{length} bytes of errors");
        let longest =
            answer["errors"].as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap().len());
        assert!(longest.max() < Some(400));
    }
}
