//! Access that was taken away leaves nothing: the answers are those from before there was any.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::generate::{CONFIGURED, Schema};
use crate::harness::{TestApp, on_both};
use crate::leaks::{all_answers, are_equal, schema_of};
use crate::story::{Story, confirmed};

/// Every id below `answer`.
pub(crate) fn ids_in(answer: &Value, found: &mut BTreeSet<String>) {
    match answer {
        Value::Object(fields) => {
            if let Some(id) = fields.get("id").and_then(Value::as_str) {
                found.insert(id.to_owned());
            }
            fields.values().for_each(|value| ids_in(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| ids_in(item, found)),
        _ => {}
    }
}

/// Ids of all that hangs on the event, as the leader finds them; what is configured is left out.
pub(crate) async fn ids_of(story: &Story<'_>, schema: &Schema) -> BTreeSet<String> {
    let leader = story.app.token(Role::Leader, "leader-1");
    let mut found = BTreeSet::new();
    for selection in schema.selections("Event", 3) {
        let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {selection} }} }}");
        let answer = story.app.graphql(&leader, &document, json!({ "id": story.event })).await;
        assert!(answer["errors"].is_null(), "{answer}");
        ids_in(&answer["data"]["node"], &mut found);
    }
    found.retain(|id| {
        let (kind, _) = vulndesk::ids::decode_any(id).unwrap();
        !CONFIGURED.iter().any(|other| *other as u8 == kind)
    });
    found
}

/// Who once saw the event, and how they are found in messages.
struct Past {
    who: &'static str,
    token: String,
}

/// Answers from before the event was there.
struct Before<'a> {
    app: &'a TestApp,
    schema: Schema,
    people: Vec<(Past, Vec<(String, Value)>)>,
    open: Story<'a>,
    /// Ids of what hangs on the open event.
    of_open: BTreeSet<String>,
}

impl<'a> Before<'a> {
    async fn ask(app: &'a TestApp, people: Vec<Past>) -> Self {
        let schema = schema_of(app).await;
        let open = Story::receive(app, "OPEN-1", json!({})).await;
        let of_open = ids_of(&open, &schema).await;
        app.advance(chrono::TimeDelta::minutes(1));
        let ids = [absent_event(1), absent_event(2)];
        let mut answers = Vec::new();
        for past in people {
            let before = all_answers(app, &schema, &past.token, &ids, &["VE-2026-000000".to_owned()]).await;
            answers.push((past, before));
        }
        Self { app, schema, people: answers, open, of_open }
    }

    /// Demands that all of them see the event now.
    async fn all_see(&self, story: &Story<'_>) {
        for (past, _) in &self.people {
            let seen = self.app.node(&past.token, &story.event, "Event", "number").await;
            assert_eq!(seen["number"], story.number, "{} sees it for a while", past.who);
        }
    }

    /// Demands that for none of them there is anything left of the event.
    async fn nothing_is_left(&self, story: &Story<'_>) {
        let all = ids_of(story, &self.schema).await;
        assert!(all.len() > 2, "{all:?}");
        for (past, before) in &self.people {
            let ids = [story.event.clone(), story.report.clone()];
            let numbers = std::slice::from_ref(&story.number);
            let after = all_answers(self.app, &self.schema, &past.token, &ids, numbers).await;
            are_equal(before, &after, &format!("to {} there is left", past.who));
            // The open one is among its candidates.
            for id in all.difference(&self.of_open) {
                let document = "query($id: ID!) { node(id: $id) { id } }";
                let answer = self.app.graphql(&past.token, document, json!({ "id": id })).await;
                assert_eq!(answer, json!({ "data": { "node": null } }), "{} finds {id}", past.who);
            }
        }
        let leader = self.app.token(Role::Leader, "leader-1");
        let listed = self.app.graphql(&leader, "{ events { nodes { id } } }", Value::Null).await;
        let both = json!([{ "id": story.event }, { "id": self.open.event }]);
        assert_eq!(listed["data"]["events"]["nodes"], both, "it is still there");
    }
}

fn absent_event(number: u128) -> String {
    vulndesk::ids::encode(vulndesk::ids::Kind::Event, uuid::Uuid::from_u128(number))
}

#[tokio::test]
async fn a_product_that_is_not_affected_takes_its_engineers_away() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let token = app.token_in_scope(Role::Engineer, "engineer-2");
        let before = Before::ask(&app, vec![Past { who: "the product's engineer", token }]).await;
        let story = Story::receive(&app, "HIDDEN-1", json!({})).await;
        story.confirm().await;
        story.product(&product, "AFFECTED").await;
        before.all_see(&story).await;
        story.product(&product, "NOT_AFFECTED").await;
        before.nothing_is_left(&story).await;
    })
    .await;
}

#[tokio::test]
async fn who_is_taken_off_the_team_sees_no_more() {
    on_both(|app| async move {
        app.with_company().await;
        let people = [
            (Role::Engineer, "engineer-2", "R_AND_D"),
            (Role::Support, "support-1", "TECHNICAL_SERVICE"),
            (Role::Legal, "legal-1", "LEGAL"),
        ];
        let past = people.iter().map(|&(role, who, _)| Past { who, token: app.token(role, who) });
        let before = Before::ask(&app, past.collect()).await;
        let story = Story::receive(&app, "HIDDEN-1", json!({})).await;
        for (_, subject, function) in people {
            story.analyst("addTeamMember", json!({ "subject": subject, "function": function })).await;
        }
        before.all_see(&story).await;
        let leader = app.token(Role::Leader, "leader-1");
        let team = story.look("team { id subject }").await;
        for member in team["team"].as_array().unwrap() {
            if people.iter().any(|(_, subject, _)| member["subject"] == *subject) {
                let version = story.version().await;
                let input =
                    json!({ "member": member["id"], "expectedVersion": version, "reason": "another task" });
                app.made(&leader, "removeTeamMember", input, "id").await;
            }
        }
        before.nothing_is_left(&story).await;
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_raised_to_red_is_gone_for_all_but_the_named() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let past = vec![
            Past { who: "another analyst", token: app.token(Role::Analyst, "analyst-2") },
            Past { who: "the product's engineer", token: app.token_in_scope(Role::Engineer, "engineer-2") },
        ];
        let before = Before::ask(&app, past).await;
        let story = Story::receive(&app, "HIDDEN-1", json!({})).await;
        story.confirm().await;
        story.product(&product, "AFFECTED").await;
        story
            .analyst(
                "recordWorldFact",
                json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" }),
            )
            .await;
        before.all_see(&story).await;
        story.analyst("setTlp", json!({ "tlp": "RED", "reason": "named people only" })).await;
        before.nothing_is_left(&story).await;
        assert_eq!(story.look("tlp").await["tlp"], "RED");
    })
    .await;
}

#[tokio::test]
async fn a_report_that_is_joined_elsewhere_goes_with_all_that_hangs_on_it() {
    on_both(|app| async move {
        app.with_company().await;
        let kept = Story::receive(&app, "OPEN-1", json!({})).await;
        let reporter = json!({ "name": "somebody", "subject": "reporter-1" });
        let input = json!({ "channel": "src", "joinEvent": kept.event, "reporter": reporter });
        let moved = Story::receive(&app, "HIDDEN-1", input).await;
        let red = Story::receive(&app, "RED-1", json!({ "tlp": "RED" })).await;
        let other = app.token(Role::Analyst, "analyst-2");
        let shown = "id channelNumber reporter { name } messages { nodes { id body } } event { id }";
        let seen = app.node(&other, &moved.report, "Report", shown).await;
        assert_eq!(seen["channelNumber"], "HIDDEN-1");
        let owed = |row: &Value| row["report"]["id"] == moved.report;
        let rows = kept.look("obligations { id report { id } }").await;
        let obligations: Vec<Value> =
            rows["obligations"].as_array().unwrap().iter().filter(|row| owed(row)).map(|row| row["id"].clone()).collect();
        assert!(!obligations.is_empty(), "{rows}");
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({ "report": moved.report, "event": red.event, "expectedVersion": kept.version().await });
        app.made(&analyst, "joinReport", input, "id").await;
        for id in obligations.iter().chain([&json!(moved.report), &json!(red.event)]) {
            let answer = app.graphql(&other, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert_eq!(answer, json!({ "data": { "node": null } }));
        }
        let document = "{ reports { totalCount nodes { channelNumber } } events { totalCount nodes { reports { channelNumber }
            obligations { report { id } } relatedEvents { id } comments { totalCount } } } reporters { totalCount } }";
        let answer = app.graphql(&other, document, Value::Null).await;
        let event = json!({
            "reports": [{ "channelNumber": "OPEN-1" }], "obligations": [{ "report": { "id": kept.report } }],
            "relatedEvents": [], "comments": { "totalCount": 0 },
        });
        let reports = json!({ "totalCount": 1, "nodes": [{ "channelNumber": "OPEN-1" }] });
        let expected = json!({ "reports": reports, "events": { "totalCount": 1, "nodes": [event] }, "reporters": { "totalCount": 0 } });
        assert_eq!(answer["data"], expected, "{answer}");
        // Its own reporter keeps exactly the report.
        let own = app.token(Role::Reporter, "reporter-1");
        let document = "{ reports { nodes { channelNumber publicStatus event { id } } } }";
        let answer = app.graphql(&own, document, Value::Null).await;
        let kept = json!([{ "channelNumber": "HIDDEN-1", "publicStatus": "RECEIVED", "event": null }]);
        assert_eq!(answer["data"]["reports"]["nodes"], kept, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_verdict_that_is_taken_back_takes_its_engineers_away() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let token = app.token_in_scope(Role::Engineer, "engineer-2");
        let before = Before::ask(&app, vec![Past { who: "the product's engineer", token }]).await;
        let story = Story::receive(&app, "HIDDEN-1", json!({})).await;
        story.analyst("startTriage", json!({})).await;
        story.product(&product, "AFFECTED").await;
        story.analyst("giveVerdict", confirmed()).await;
        before.all_see(&story).await;
        story.analyst("returnToTriage", json!({ "reason": "not ours" })).await;
        story.analyst("giveVerdict", json!({ "verdict": "OUT_OF_SCOPE", "rationale": "Not ours" })).await;
        before.nothing_is_left(&story).await;
    })
    .await;
}
