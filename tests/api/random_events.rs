//! Hidden events made at random, from a seed: whatever is done to one, nothing of it is in the answers of who may not
//! see it.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::leaks::{OTHERS, all_answers, are_equal, schema_of};
use crate::story::{Story, confirmed, scored};

/// Hidden events a database.
const ROUNDS: usize = 4;

/// What is done to a hidden event once it was received.
#[derive(Clone, Copy, Debug)]
enum Act {
    Triage,
    Confirm,
    Score,
    Affect,
    Comment,
    Embargo,
    Fact,
    Assign,
    Draft,
    Ask,
    Message,
}

/// A hidden event, and who must not learn of it.
#[derive(Clone, Debug)]
struct Recipe {
    tlp: &'static str,
    channel: &'static str,
    /// Hours by which it was received before the open events.
    age: i64,
    acts: Vec<Act>,
    others: Vec<(Role, &'static str)>,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    use Act::{Affect, Ask, Assign, Comment, Confirm, Draft, Embargo, Fact, Message, Score, Triage};
    let acts = vec![Comment, Embargo, Triage, Fact, Confirm, Affect, Score, Assign, Draft, Ask, Message];
    let count = acts.len();
    let tlp = select(vec!["RED", "AMBER_STRICT", "AMBER", "GREEN", "CLEAR"]);
    let others = subsequence(OTHERS.to_vec(), 3);
    (tlp, select(vec!["cnvd", "regulator", "vendor"]), -48_i64..48, subsequence(acts, 0..=count), others)
        .prop_map(|(tlp, channel, age, acts, mut others)| {
            if tlp == "RED" {
                others.push((Role::Analyst, "analyst-2"));
            }
            Recipe { tlp, channel, age, acts, others }
        })
}

/// Does one act, if the event's state allows it.
async fn act(app: &TestApp, story: &Story<'_>, channel: &str, act: Act) {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let event = &story.event;
    match act {
        Act::Triage => drop(story.attempt(&analyst, "startTriage", json!({})).await),
        Act::Confirm => drop(story.attempt(&analyst, "giveVerdict", confirmed()).await),
        Act::Score => drop(story.attempt(&analyst, "scoreEvent", scored("8.5")).await),
        Act::Affect => {
            let products = app.graphql(&analyst, "{ products { nodes { id } } }", Value::Null).await;
            story.product(products["data"]["products"]["nodes"][0]["id"].as_str().unwrap(), "AFFECTED").await;
        }
        Act::Comment => {
            app.made(&analyst, "comment", json!({ "event": event, "body": "Looks real" }), "id").await;
        }
        Act::Embargo => drop(story.analyst("setEmbargo", json!({ "until": "2026-05-01T00:00:00Z" })).await),
        Act::Fact => {
            let fact =
                json!({ "kind": "EXPLOIT_PUBLIC", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
            story.analyst("recordWorldFact", fact).await;
        }
        Act::Assign => story.assign("SECURITY", "analyst-3", None).await,
        Act::Draft => drop(story.draft("VERDICT").await),
        Act::Ask => {
            let ask = json!({ "event": event, "kind": "DISCLOSE", "question": "When?" });
            app.made(&analyst, "askDecision", ask, "id").await;
        }
        Act::Message => {
            let message = json!({ "report": story.report, "body": "Thank you" });
            // To a database or regulator nobody writes but by a reply.
            let written = app.call(&analyst, "messageReporter", message, "id").await;
            assert_eq!(written["userErrors"] == json!([]), channel == "vendor", "{written}");
        }
    }
}

#[tokio::test]
async fn a_hidden_event_made_at_random_changes_no_answer() {
    on_both(|app| async move {
        let schema = schema_of(&app).await;
        app.with_company().await;
        for (key, kind) in [("regulator", "REGULATOR"), ("vendor", "VENDOR")] {
            let channel = json!({
                "key": key, "name": key, "kind": kind, "jurisdiction": "CN", "abroad": false, "replyRequired": true,
            });
            app.made(&app.token(Role::Admin, "admin-1"), "createChannel", channel, "id").await;
        }
        for index in 0..3 {
            app.advance(chrono::TimeDelta::minutes(1));
            app.receive("analyst-1", "cnvd", &format!("OPEN-{index}"), "AMBER").await;
        }
        let mut runner = TestRunner::deterministic();
        for round in 0..ROUNDS {
            let recipe = recipe().new_tree(&mut runner).unwrap().current();
            let ids = [vulndesk::ids::encode(vulndesk::ids::Kind::Event, uuid::Uuid::from_u128(7))];
            let mut before = Vec::new();
            for &(role, subject) in &recipe.others {
                let token = app.token_in_scope(role, subject);
                let answers = all_answers(&app, &schema, &token, &ids, &["VE-2026-000000".to_owned()]).await;
                before.push((role, token, answers));
            }
            let received = app.now() - chrono::TimeDelta::hours(recipe.age.max(0));
            let input = json!({ "channel": recipe.channel, "tlp": recipe.tlp, "receivedAt": received });
            let story = Story::receive(&app, &format!("HIDDEN-{round}"), input).await;
            for &one in &recipe.acts {
                act(&app, &story, recipe.channel, one).await;
            }
            for (role, token, answers) in before {
                let (ids, numbers) = ([story.event.clone()], [story.number.clone()]);
                let after = all_answers(&app, &schema, &token, &ids, &numbers).await;
                are_equal(&answers, &after, &format!("round {round}, {recipe:?}: {role} learned of it by"));
            }
        }
        let leader = app.token(Role::Leader, "leader-1");
        let seen = app.graphql(&leader, "{ events { totalCount } }", Value::Null).await;
        assert_eq!(seen["data"]["events"]["totalCount"], 3 + ROUNDS);
    })
    .await;
}
