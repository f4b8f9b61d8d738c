//! A change that names something hidden is answered as one that names something that never was, to the last byte.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{Request, header};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::generate::{Named, RootField, Schema, absent_for};
use crate::harness::{TestApp, on_both};
use crate::leaks::{OTHERS, schema_of};
use crate::rich;
use crate::story::Story;
use crate::withdrawn::ids_of;

/// One id of each kind among those of the event.
async fn named(story: &Story<'_>, schema: &Schema) -> Named {
    let ids = ids_of(story, schema).await.into_iter();
    let mut of_kind: HashMap<u8, String> =
        ids.map(|id| (vulndesk::ids::decode_any(&id).unwrap().0, id)).collect();
    of_kind.insert(vulndesk::ids::Kind::Event as u8, story.event.clone());
    of_kind.insert(vulndesk::ids::Kind::Report as u8, story.report.clone());
    let version = story.version().await.as_i64().unwrap();
    Named { of_kind, of_field: HashMap::new(), version }
}

async fn bytes(app: &TestApp, token: &str, document: &str, variables: &Value) -> (u16, String) {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let request = Request::post("/graphql")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    app.send(request).await
}

/// How much was ever changed.
async fn changes(app: &TestApp) -> [u64; 2] {
    let db = app.app.database.reader();
    [
        entity::audit_entry::Entity::find().count(db).await.unwrap(),
        entity::message::Entity::find().count(db).await.unwrap(),
    ]
}

/// Calls a mutation with one of its ids once hidden and once absent: both are answered alike, by the same statements, and
/// change nothing. Answers whether the caller's role may; none when the hidden event has nothing that the field could name.
///
/// # Errors
/// What the caller can tell it by.
pub(crate) async fn alike(
    app: &TestApp,
    schema: &Schema,
    token: &str,
    (root, field): (&RootField, &str),
    hidden: &Named,
    seen: &Named,
) -> Result<Option<bool>, String> {
    // What else is named is there for the caller, so that the hidden one is got to.
    let with = |id: String| {
        let mut named = seen.clone();
        named.of_field.insert(field.to_owned(), id);
        schema.operation_on("mutation", root, 1, Some(&named))
    };
    let Some(secret) = hidden.id_for(field) else { return Ok(None) };
    let (document, variables) = with(secret.clone());
    let (same, absent) = with(absent_for(field));
    assert_eq!(document, same);
    let before = changes(app).await;
    let (answer, statements) = app.sorted_sql_of(bytes(app, token, &document, &variables)).await;
    let (other, others) = app.sorted_sql_of(bytes(app, token, &document, &absent)).await;
    let after = changes(app).await;
    let told = if answer != other {
        format!("answers {answer:?} and {other:?}")
    } else if answer.1.contains(&secret) {
        format!("answers {secret}")
    } else if statements != others {
        format!("reads {statements:#?} and {others:#?}")
    } else if before != after {
        format!("changes something: {answer:?}")
    } else {
        return Ok(Some(!answer.1.contains("\"FORBIDDEN\"")));
    };
    Err(format!("{} of {field} {told}", root.name))
}

/// Calls every mutation with each of its ids once hidden and once absent; answers how many were compared.
async fn all_alike(
    app: &TestApp,
    schema: &Schema,
    (token, who): (&str, &str),
    hidden: &Named,
    seen: &Named,
) -> usize {
    let mut compared = 0;
    for root in schema.fields_of("Mutation") {
        for field in schema.ids_in(&root) {
            // Who called is recorded by the first call of a while.
            app.graphql(token, "{ viewer { subject } }", Value::Null).await;
            let tried = alike(app, schema, token, (&root, &field), hidden, seen).await;
            compared += usize::from(tried.unwrap_or_else(|leak| panic!("to {who}, {leak}")).is_some());
        }
    }
    compared
}

#[tokio::test]
async fn a_hidden_id_and_an_unknown_one_are_refused_alike() {
    on_both(|app| async move {
        let schema = schema_of(&app).await;
        let hidden = rich::event(&app, "cnvd", "RED").await;
        let hidden = named(&hidden, &schema).await;
        assert!(hidden.of_kind.len() > 15, "something of every kind is hidden: {:?}", hidden.of_kind);
        let open = Story::receive(&app, "OPEN-1", json!({})).await;
        let open = named(&open, &schema).await;
        let nothing = Named { version: 1, ..Named::default() };
        let mut compared = 0;
        for (role, subject) in OTHERS {
            // Those with a role in the hidden event's story are on its team.
            let token = app.token_in_scope(role, &format!("{subject}7"));
            compared += all_alike(&app, &schema, (&token, role.name()), &hidden, &nothing).await;
        }
        let analyst = app.token(Role::Analyst, "analyst-7");
        compared += all_alike(&app, &schema, (&analyst, "another analyst"), &hidden, &open).await;
        assert!(compared > 400, "{compared}");
    })
    .await;
}
