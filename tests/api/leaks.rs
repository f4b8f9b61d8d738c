//! What one may not see does not exist: a hidden event changes no answer to anything that can be asked.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::duplicates::duplicate_of;
use crate::generate::{INTROSPECTION, Schema};
use crate::harness::{TestApp, on_both};
use crate::story::Story;

/// Every root query but `skipped`, for all there is to three levels, as far as the role may ask it.
pub(crate) async fn every_query(
    app: &TestApp,
    schema: &Schema,
    token: &str,
    skipped: &[&str],
) -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    for field in schema.fields_of("Query").into_iter().filter(|field| !skipped.contains(&field.name.as_str()))
    {
        let (document, variables) = schema.operation("query", &field, 0);
        let answer = app.graphql(token, &document, variables.clone()).await;
        let forbidden = answer["errors"][0]["extensions"]["code"] == "FORBIDDEN";
        answers.push((document, answer));
        // What is looked up by a made-up argument is not there, however much of it is selected.
        if forbidden || variables != json!({}) {
            continue;
        }
        for (document, variables) in schema.operations("query", &field, 3) {
            let answer = app.graphql(token, &document, variables).await;
            let code = &answer["errors"][0]["extensions"]["code"];
            assert_ne!(code, "QUERY_TOO_COMPLEX", "{document} asks nothing");
            answers.push((document, answer));
        }
    }
    answers
}

/// Everything that a token can ask without naming anything: each root query to three levels, counted, ordered
/// and filtered, and lookups of the ids and numbers given.
pub(crate) async fn all_answers(
    app: &TestApp,
    schema: &Schema,
    token: &str,
    ids: &[String],
    numbers: &[String],
) -> Vec<(String, Value)> {
    // Who called last is no event's secret.
    let mut answers = every_query(app, schema, token, &["principals"]).await;
    for order in ["RECEIVED_AT", "CHANGED_AT", "LEVEL", "SCORE", "NUMBER"] {
        let document = format!(
            "{{ events(first: 5, order: {{ field: {order}, direction: DESC }}) {{ totalCount totalCountAtLeast
               edges {{ cursor node {{ id changedAt }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        answers.push((document.clone(), app.graphql(token, &document, Value::Null).await));
    }
    for filter in [
        "tlp: [RED]",
        "status: [RECEIVED]",
        "channelNumber: \"HIDDEN-1\"",
        "channelNumberPrefix: \"HID\"",
        "numberPrefix: \"VE\"",
    ] {
        let document = format!("{{ events(filter: {{ {filter} }}) {{ totalCount nodes {{ id }} }} }}");
        answers.push((document.clone(), app.graphql(token, &document, Value::Null).await));
    }
    answers.extend(crate::search::all_searches(app, token).await);
    for id in ids {
        let document = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }";
        answers.push((format!("node {id}"), app.graphql(token, document, json!({ "id": id })).await));
    }
    for number in numbers {
        let document = "query($number: String!) { event(number: $number) { id } }";
        answers.push((
            format!("event {number}"),
            app.graphql(token, document, json!({ "number": number })).await,
        ));
    }
    answers
}

/// The answer to a change of something that is not there for the caller, by what its text may tell.
async fn refused(app: &TestApp, token: &str, event: &str) -> Value {
    let document = "mutation($input: EventMove!) { startTriage(input: $input) { event { id } userErrors { code message } } }";
    app.graphql(token, document, json!({ "input": { "event": event, "expectedVersion": 1 } })).await
}

/// The schema, as `app` tells it.
pub(crate) async fn schema_of(app: &TestApp) -> Schema {
    let admin = app.token(Role::Admin, "admin-1");
    Schema::new(&app.graphql(&admin, INTROSPECTION, Value::Null).await)
}

/// Receives an event of `tlp` and demands that it changes no answer of `others`, who are not to see it.
async fn it_changes_no_answer(app: &TestApp, tlp: &str, others: &[(Role, &str)]) {
    let schema = schema_of(app).await;
    app.with_company().await;
    let open = app.receive("analyst-1", "cnvd", "OPEN-1", "AMBER").await;

    let hidden_id = vulndesk::ids::encode(vulndesk::ids::Kind::Event, uuid::Uuid::from_u128(7));
    let absent_report = vulndesk::ids::encode(vulndesk::ids::Kind::Report, uuid::Uuid::from_u128(7));
    let mut before = Vec::new();
    for &(role, subject) in others {
        let token = app.token_in_scope(role, subject);
        let ids = [hidden_id.clone(), absent_report.clone()];
        before.push((
            all_answers(app, &schema, &token, &ids, &["VE-2026-000000".to_owned()]).await,
            refused(app, &token, &hidden_id).await,
        ));
    }

    app.advance(chrono::TimeDelta::minutes(1));
    let hidden = app.receive("analyst-1", "cnvd", "HIDDEN-1", tlp).await;
    let moved = refused(app, &app.token(Role::Analyst, "analyst-1"), &hidden.event).await;
    assert_eq!(
        moved["data"]["startTriage"]["userErrors"],
        json!([]),
        "who received it is on its team: {moved}"
    );

    for ((role, subject), (answers, refusal)) in others.iter().copied().zip(before) {
        let token = app.token_in_scope(role, subject);
        let ids = [hidden.event.clone(), hidden.report.clone()];
        let after = all_answers(app, &schema, &token, &ids, std::slice::from_ref(&hidden.number)).await;
        are_equal(&answers, &after, &format!("{role} {subject} learned of a hidden event by"));
        assert_eq!(refusal, refused(app, &token, &hidden.event).await, "{role} by the refusal of a change");
    }
    let leader = app.token(Role::Leader, "leader-1");
    let seen = app.graphql(&leader, "{ events { nodes { id } } }", Value::Null).await;
    assert_eq!(seen["data"]["events"]["nodes"], json!([{ "id": hidden.event }, { "id": open.event }]));
}

/// Demands the same answers to the same questions.
pub(crate) fn are_equal(before: &[(String, Value)], after: &[(String, Value)], who: &str) {
    assert_eq!(before.len(), after.len());
    for ((what, before), (_, after)) in before.iter().zip(after) {
        assert_eq!(before, after, "{who} {what}");
    }
}

/// Everybody who has no business with a report that a national database sent.
pub(crate) const OTHERS: [(Role, &str); 10] = [
    (Role::Admin, "admin-1"),
    (Role::Engineer, "engineer-1"),
    (Role::Support, "support-1"),
    (Role::AccountManager, "account-manager-1"),
    (Role::Legal, "legal-1"),
    (Role::PublicRelations, "public-relations-1"),
    (Role::Finance, "finance-1"),
    (Role::Reporter, "reporter-2"),
    (Role::Ticketing, "ticketing-1"),
    (Role::Src, "src-1"),
];

#[tokio::test]
async fn an_event_linked_to_hidden_ones_is_read_as_one_that_is_linked_to_none() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let open = Story::receive(&app, "OPEN-1", json!({})).await;
        open.confirm().await;
        open.product(&product, "AFFECTED").await;
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        let document =
            "query($id: ID!) { node(id: $id) { ... on Event { number relatedEvents { id number } } } }";
        let ask =
            async || app.sorted_sql_of(app.graphql(&engineer, document, json!({ "id": open.event }))).await;
        // The first call of a while is recorded.
        ask().await;
        let before = ask().await;
        assert_eq!(before.0["data"]["node"]["number"], open.number, "{}", before.0);
        for (number, made_from_it) in [("HIDDEN-1", true), ("HIDDEN-2", false)] {
            let hidden = Story::receive(&app, number, json!({ "tlp": "RED" })).await;
            let (from, to) = if made_from_it { (&hidden, &open) } else { (&open, &hidden) };
            from.analyst("linkEvents", json!({ "other": to.event })).await;
            assert_eq!(ask().await, before, "{number}");
        }
        let all = open.look("relatedEvents { id }").await;
        assert_eq!(all["relatedEvents"].as_array().map(Vec::len), Some(2), "{all}");
    })
    .await;
}

#[tokio::test]
async fn what_is_known_of_hidden_duplicates_is_read_whether_or_not_there_are_any() {
    on_both(|app| async move {
        app.with_company().await;
        let open = Story::receive(&app, "OPEN-1", json!({})).await;
        let channel = open.look("reports { channel { id } }").await["reports"][0]["channel"]["id"].clone();
        let other = app.token(Role::Analyst, "analyst-2");
        let document = "query($event: ID!, $channel: ID!) {
            previewReply(event: $event, channel: $channel, kind: ACKNOWLEDGEMENT) { body } }";
        let ask = async || {
            let variables = json!({ "event": open.event, "channel": channel });
            app.sorted_sql_of(app.graphql(&other, document, variables)).await
        };
        // The first call of a while is recorded.
        ask().await;
        let before = ask().await;
        assert!(before.0["data"]["previewReply"]["body"].is_string(), "{}", before.0);
        let hidden = Story::receive(&app, "HIDDEN-1", json!({ "tlp": "RED" })).await;
        let fact = json!({ "kind": "EXPLOIT_PUBLIC", "learnedAt": app.now(), "source": "press" });
        hidden.analyst("recordWorldFact", fact).await;
        hidden.analyst("startTriage", json!({})).await;
        hidden.analyst("giveVerdict", duplicate_of(&open)).await;
        let leader = open.look("duplicates { id }").await;
        assert_eq!(leader["duplicates"], json!([{ "id": hidden.event }]));
        assert_eq!(ask().await, before);
    })
    .await;
}

#[tokio::test]
async fn a_reply_to_the_reporter_of_a_hidden_report_is_refused_as_one_to_nobody() {
    on_both(|app| async move {
        app.with_company().await;
        let open = Story::receive(&app, "OPEN-1", json!({})).await;
        let reporter = json!({ "name": "somebody", "email": "somebody@example.org" });
        let hidden = Story::receive(&app, "HIDDEN-1", json!({ "tlp": "RED", "reporter": reporter })).await;
        let rows = open.look("version reports { channel { id } }").await;
        let other = app.token(Role::Analyst, "analyst-2");
        let draft = async |report: &str| {
            let input = json!({
                "event": open.event, "expectedVersion": rows["version"], "kind": "THANKS", "subject": "Thanks", "body": "Thanks",
                "channel": rows["reports"][0]["channel"]["id"], "toReporter": report,
            });
            app.sorted_sql_of(app.call(&other, "draftReply", input, "id")).await
        };
        let absent = vulndesk::ids::encode(vulndesk::ids::Kind::Report, uuid::Uuid::from_u128(7));
        // The first call of a while is recorded.
        draft(&absent).await;
        let refused = draft(&absent).await;
        assert_eq!(refused.0["userErrors"][0]["code"], "UNKNOWN_REFERENCE", "{}", refused.0);
        assert_eq!(draft(&hidden.report).await, refused);
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_not_theirs_changes_no_answer() {
    on_both(|app| async move { it_changes_no_answer(&app, "AMBER", &OTHERS).await }).await;
}

#[tokio::test]
async fn an_event_of_named_people_changes_no_answer_of_another_analyst_either() {
    on_both(|app| async move {
        let mut others = OTHERS.to_vec();
        others.push((Role::Analyst, "analyst-2"));
        it_changes_no_answer(&app, "RED", &others).await;
    })
    .await;
}

#[tokio::test]
async fn a_reporter_sees_the_public_side_of_their_own_reports_only() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
    let reporter = app.token(Role::Reporter, "reporter-1");
    let mine = "{ reports { totalCount nodes { channelNumber publicStatus event { id } } } }";
    let answer = app.graphql(&reporter, mine, Value::Null).await;
    assert_eq!(answer["data"]["reports"]["totalCount"], 0, "{answer}");
}

/// The ids of a row as an answer may have it: as it is sent, and as it is stored.
fn names_of(id: &str) -> [String; 3] {
    let (_, row) = vulndesk::ids::decode_any(id).unwrap();
    [id.to_owned(), row.to_string(), row.simple().to_string()]
}

#[tokio::test]
async fn a_hidden_event_is_named_nowhere_by_those_that_repeat_it_or_are_linked_to_it() {
    on_both(|app| async move {
        app.with_company().await;
        let schema = schema_of(&app).await;
        let hidden = Story::receive(&app, "HIDDEN-1", json!({ "tlp": "RED" })).await;
        hidden.confirm().await;
        let duplicate = Story::receive(&app, "OPEN-1", json!({})).await;
        duplicate.analyst("startTriage", json!({})).await;
        duplicate.analyst("giveVerdict", duplicate_of(&hidden)).await;
        let known = Story::receive(&app, "OPEN-2", json!({})).await;
        known.analyst("startTriage", json!({})).await;
        let internally = json!({
            "verdict": "KNOWN_INTERNALLY", "rationale": "We knew", "internalFinding": "F-1",
            "firstKnownOn": "2026-02-01", "fixingEvent": hidden.event,
        });
        known.analyst("giveVerdict", internally).await;
        let emptied = Story::receive(&app, "OPEN-3", json!({})).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let link = json!({ "event": known.event, "other": hidden.event });
        app.made(&analyst, "linkEvents", link, "id").await;
        let join = json!({ "report": emptied.report, "event": hidden.event, "expectedVersion": emptied.version().await });
        app.made(&analyst, "joinReport", join, "id").await;

        let leader = app.token(Role::Leader, "leader-1");
        let fields = "duplicates { id } relatedEvents { id }";
        let seen = app.node(&leader, &hidden.event, "Event", fields).await;
        assert_eq!(seen["duplicates"], json!([{ "id": duplicate.event }]), "{seen}");
        assert_eq!(seen["relatedEvents"].as_array().map(Vec::len), Some(2), "from the other side too: {seen}");

        let secrets: Vec<String> =
            [names_of(&hidden.event), names_of(&hidden.report)].concat().into_iter().chain([hidden.number.clone()]).collect();
        let mut others = OTHERS.to_vec();
        others.push((Role::Analyst, "analyst-2"));
        for (role, subject) in others {
            let token = app.token_in_scope(role, subject);
            let mut answers = every_query(&app, &schema, &token, &[]).await;
            for event in [&duplicate.event, &known.event, &emptied.event] {
                for selection in schema.selections("Event", 3) {
                    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {selection} }} }}");
                    let answer = app.graphql(&token, &document, json!({ "id": event })).await;
                    answers.push((document, answer));
                }
            }
            for (document, answer) in answers {
                let answer = answer.to_string();
                let named = secrets.iter().find(|secret| answer.contains(secret.as_str()));
                assert!(named.is_none(), "{role} {subject} is told {named:?} by {document}");
            }
        }
    })
    .await;
}
