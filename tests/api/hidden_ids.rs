//! A change that names something hidden is answered as one that names something that never was, to the last byte.

use std::collections::{BTreeMap, HashMap};

use axum::body::Body;
use axum::http::{Request, header};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Map, Value, json};
use vulndesk::auth::Role;

use crate::generate::{CONFIGURED, Named, RootField, Schema, absent_for};
use crate::harness::{TestApp, on_both};
use crate::leaks::{OTHERS, schema_of};
use crate::rich;
use crate::story::{Story, confirmed, scored};
use crate::timings::take_as_long;

/// Every id below `answer`, with its version.
fn versions_in(answer: &Value, found: &mut BTreeMap<String, Option<i64>>) {
    if let Some(id) = answer["id"].as_str() {
        found.insert(id.to_owned(), answer["version"].as_i64());
    }
    answer.as_object().into_iter().flat_map(Map::values).for_each(|value| versions_in(value, found));
    answer.as_array().into_iter().flatten().for_each(|value| versions_in(value, found));
}

/// One id of each kind among those of the event.
pub(crate) async fn named(story: &Story<'_>, schema: &Schema) -> Named {
    let mut found = BTreeMap::new();
    for selection in schema.ids_below("Event", 3) {
        versions_in(&story.look(&selection).await, &mut found);
    }
    let version = story.version().await.as_i64().unwrap();
    found.extend([(story.event.clone(), Some(version)), (story.report.clone(), None)]);
    let mut of_kind: HashMap<u8, String> =
        found.keys().map(|id| (vulndesk::ids::decode_any(id).unwrap().0, id.clone())).collect();
    of_kind.retain(|kind, _| !CONFIGURED.iter().any(|other| *other as u8 == *kind));
    of_kind.insert(vulndesk::ids::Kind::Event as u8, story.event.clone());
    of_kind.insert(vulndesk::ids::Kind::Report as u8, story.report.clone());
    let versions = found.into_iter().filter_map(|(id, version)| Some((id, version?))).collect();
    Named { of_kind, of_field: HashMap::new(), version, versions }
}

/// Why a change was not made.
pub(crate) enum Refused {
    /// It is for another role.
    Role,
    /// What it names is not there.
    Absent,
    /// Something else is wrong, maybe before anything was looked up.
    Otherwise(String),
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

/// What a mutation has to say besides to have this id looked up: a made-up value would be refused before.
fn besides(mutation: &str, field: &str, seen: &Named) -> Value {
    match (mutation, field) {
        ("addIndicator", _) => json!({ "kind": "HOST", "value": "host.example" }),
        ("askDecision", _) => json!({ "line": "gateway" }),
        ("assessSeverity", _) => {
            json!({ "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "cwe": ["CWE-79"] })
        }
        ("assign", _) => json!({ "function": "SECURITY", "subject": "analyst-9" }),
        ("confirmPayout", _) => json!({ "amount": "500.00", "currency": "CNY" }),
        ("correctLearnedAt", "decision") => json!({ "of": "SEVERE_INCIDENT" }),
        ("correctLearnedAt", _) => json!({ "of": "VULNERABILITY" }),
        ("describeEvent", _) => json!({ "title": "x" }),
        ("draftReply", "obligations") => json!({ "kind": "VERDICT", "subject": "x", "body": "x" }),
        ("draftReply", "channel") => json!({ "kind": "THANKS", "subject": "x", "body": "x" }),
        ("draftReply", _) => {
            json!({ "kind": "THANKS", "subject": "x", "body": "x", "channel": seen.id_for("channel") })
        }
        ("giveVerdict", "originalEvent") => json!({ "verdict": "DUPLICATE" }),
        ("giveVerdict", "fixingEvent") => {
            json!({ "verdict": "KNOWN_INTERNALLY", "internalFinding": "F-1", "firstKnownOn": "2026-02-01" })
        }
        ("giveVerdict", _) => confirmed(),
        ("proposePayout", "reporter") => json!({ "kind": "GIFT", "period": "2026", "currency": "CNY" }),
        ("proposePayout", "report") => json!({ "kind": "BOUNTY", "currency": "CNY" }),
        ("proposePayout", _) => {
            json!({ "kind": "BOUNTY", "currency": "CNY", "report": seen.id_for("report") })
        }
        ("receiveReport", _) => json!({ "channel": "cnvd" }),
        ("recordReplySent", _) => json!({ "via": "BY_HAND", "receiptNumber": "R-1", "proof": "x" }),
        ("resolveUncertainReply", _) => json!({ "receiptNumber": "R-1", "proof": "x" }),
        ("reviseReply", _) => json!({ "body": "x" }),
        ("returnToTriage" | "reopenEvent", _) => json!({ "reason": "x" }),
        ("scoreEvent", _) => scored("5.0"),
        ("setNoticeDate", _) => json!({ "dueOn": "2026-03-25" }),
        ("setPayeeAccount", _) => json!({ "account": "wallet 1" }),
        ("updateReporter", _) => json!({ "name": "x" }),
        _ => json!({}),
    }
}

/// Calls a mutation with one of its ids once hidden and once absent: both are answered alike, by the same statements, in about
/// the same time, and change nothing. Answers what they are answered; none when the hidden event has nothing that the field could name.
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
) -> Result<Option<Refused>, String> {
    // What else is named is there for the caller, so that the hidden one is got to.
    let with = |id: String| {
        let mut named = seen.clone();
        named.of_field.insert(field.to_owned(), id);
        let (document, mut variables) = schema.operation_on("mutation", root, 1, Some(&named));
        let more = besides(&root.name, field, seen);
        let input = variables["input"].as_object_mut().unwrap();
        let mut others = input.iter().filter(|(name, _)| name.as_str() != field);
        let version = others.find_map(|(_, id)| seen.versions.get(id.as_str()?)).copied();
        if let Some(version) = version.filter(|_| input.contains_key("expectedVersion")) {
            input.insert("expectedVersion".to_owned(), json!(version));
        }
        input.extend(more.as_object().unwrap().clone());
        (document, variables)
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
    } else if let Err(apart) = take_as_long(async |hidden| {
        bytes(app, token, &document, if hidden { &variables } else { &absent }).await
    })
    .await
    {
        apart
    } else {
        return Ok(Some(if answer.1.contains("\"FORBIDDEN\"") {
            Refused::Role
        } else if ["\"NOT_FOUND\"", "\"UNKNOWN_REFERENCE\""].iter().any(|code| answer.1.contains(code)) {
            Refused::Absent
        } else {
            Refused::Otherwise(answer.1)
        }));
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
