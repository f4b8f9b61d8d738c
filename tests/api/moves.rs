//! `allowedMoves` tells the truth: what lacks nothing is done, what lacks something is refused for just that.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed, scored};

/// How far an event has come when its moves are looked at.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Received,
    Triaging,
    Asked,
    AskedThreeDaysAgo,
    Confirmed,
    Affected,
    Scored,
    Assigned,
    Remediating,
    FurtherProduct,
    Verifying,
    Replying,
    Answered,
    Reviewing,
    ReviewingYellow,
    ReviewingOnceYellow,
    Closed,
}

const STAGES: [Stage; 17] = [
    Stage::Received,
    Stage::Triaging,
    Stage::Asked,
    Stage::AskedThreeDaysAgo,
    Stage::Confirmed,
    Stage::Affected,
    Stage::Scored,
    Stage::Assigned,
    Stage::Remediating,
    Stage::FurtherProduct,
    Stage::Verifying,
    Stage::Replying,
    Stage::Answered,
    Stage::Reviewing,
    Stage::ReviewingYellow,
    Stage::ReviewingOnceYellow,
    Stage::Closed,
];

/// A product that most events are about, of the line "router", and another.
struct Products {
    router: String,
    gateway: String,
}

/// A new event at `stage`.
async fn at<'a>(app: &'a TestApp, products: &Products, stage: Stage) -> Story<'a> {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let number = format!("CNVD-2026-{:05}", NEXT.fetch_add(1, Ordering::SeqCst));
    let story = Story::receive(app, &number, json!({})).await;
    if matches!(stage, Stage::Received) {
        return story;
    }
    story.analyst("startTriage", json!({})).await;
    match stage {
        Stage::Received | Stage::Triaging => {}
        Stage::Asked | Stage::AskedThreeDaysAgo => {
            story
                .analyst("askReporter", json!({ "report": story.report, "question": "Which version?" }))
                .await;
            if matches!(stage, Stage::AskedThreeDaysAgo) {
                app.advance(TimeDelta::hours(72));
            }
        }
        Stage::Confirmed | Stage::Affected | Stage::Scored | Stage::Assigned => {
            story.analyst("giveVerdict", confirmed()).await;
            if !matches!(stage, Stage::Confirmed) {
                story.product(&products.router, "AFFECTED").await;
            }
            if matches!(stage, Stage::Scored | Stage::Assigned) {
                story.analyst("scoreEvent", scored("5")).await;
            }
            if matches!(stage, Stage::Assigned) {
                story.assign("R_AND_D", "engineer-1", Some("router")).await;
            }
        }
        Stage::Remediating | Stage::FurtherProduct | Stage::Verifying => {
            story.analyst("giveVerdict", confirmed()).await;
            story.remediate(&products.router, "router").await;
            if matches!(stage, Stage::FurtherProduct) {
                story.product(&products.gateway, "NOT_LOOKED_YET").await;
            }
            if matches!(stage, Stage::Verifying) {
                story.submit(&app.token_in_scope(Role::Engineer, "engineer-1")).await;
            }
        }
        _ => to_the_end(&story, stage).await,
    }
    story
}

/// Takes an event that is analysed beyond its replies.
async fn to_the_end(story: &Story<'_>, stage: Stage) {
    story.analyst("giveVerdict", not_reproducible()).await;
    if matches!(stage, Stage::Replying) {
        return;
    }
    match stage {
        Stage::ReviewingYellow => {
            story.analyst("scoreEvent", scored("7.5")).await;
        }
        Stage::ReviewingOnceYellow => {
            story.analyst("scoreEvent", scored("7.5")).await;
            let mut lower = scored("5");
            lower["reason"] = json!("less reach than thought");
            story.analyst("scoreEvent", lower).await;
        }
        _ => {}
    }
    story.answer().await;
    if matches!(stage, Stage::Answered) {
        return;
    }
    story.analyst("startReview", json!({})).await;
    if matches!(stage, Stage::Closed) {
        story.analyst("recordReview", reviewed()).await;
    }
}

fn not_reproducible() -> Value {
    json!({ "verdict": "NOT_REPRODUCIBLE", "rationale": "Tried on 5.2" })
}

fn reviewed() -> Value {
    json!({ "rootCause": "A test that lied", "missedPhase": "CODING" })
}

/// What the mutation of a move takes beside the event and its version.
fn input(story: &Story<'_>, from: &str, to: &str, mutation: &str) -> Value {
    match (mutation, from, to) {
        ("giveVerdict", _, "RATING") => confirmed(),
        ("giveVerdict", "NEEDS_INFORMATION", _) => {
            json!({ "verdict": "INSUFFICIENT_INFORMATION", "rationale": "Nobody answered" })
        }
        ("giveVerdict", ..) => not_reproducible(),
        ("askReporter", ..) => json!({ "report": story.report, "question": "Which version?" }),
        ("returnToTriage" | "reopenEvent" | "skipReview", ..) => json!({ "reason": "looked at again" }),
        ("recordReview", ..) => reviewed(),
        _ => json!({}),
    }
}

#[tokio::test]
async fn what_a_move_is_said_to_lack_is_what_it_is_refused_for() {
    on_both(|app| async move {
        app.with_company().await;
        let router = app.with_core_router().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let known = app.graphql(&analyst, "{ products { nodes { id line } } }", Value::Null).await;
        let nodes = known["data"]["products"]["nodes"].as_array().unwrap();
        let gateway = nodes.iter().find(|node| node["line"] == "gateway").unwrap()["id"].as_str().unwrap();
        let products = Products { router, gateway: gateway.to_owned() };
        let (mut done, mut refused) = (0, 0);
        for stage in STAGES {
            let first = at(&app, &products, stage).await;
            // A token lasts an hour, and one stage lets more time pass.
            let token = app.token(Role::Analyst, "analyst-1");
            let fields = "status allowedMoves { to mutation viewerCan missing }";
            let seen = app.node(&token, &first.event, "Event", fields).await;
            let from = seen["status"].as_str().unwrap();
            for entry in seen["allowedMoves"].as_array().unwrap() {
                let (to, missing) = (entry["to"].as_str().unwrap(), &entry["missing"]);
                let Some(mutation) = entry["mutation"].as_str() else {
                    assert_ne!(missing, &json!([]), "{stage:?}: nothing moves it to {to} by itself now");
                    assert_eq!(entry["viewerCan"], false, "{stage:?} {to}");
                    continue;
                };
                assert_eq!(entry["viewerCan"], true, "{stage:?} {mutation}");
                let story = at(&app, &products, stage).await;
                let token = app.token(Role::Analyst, "analyst-1");
                let answer = story.attempt(&token, mutation, input(&story, from, to, mutation)).await;
                if missing == &json!([]) {
                    done += 1;
                    assert_eq!(answer["userErrors"], json!([]), "{stage:?} {mutation}: {answer}");
                    assert_eq!(story.status().await, to, "{stage:?} {mutation}");
                } else {
                    refused += 1;
                    let why: Vec<_> = answer["userErrors"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|error| error["message"].clone())
                        .collect();
                    assert_eq!(&json!(why), missing, "{stage:?} {mutation}: {answer}");
                    assert_eq!(story.status().await, from, "{stage:?} {mutation}");
                }
            }
        }
        assert_eq!((done, refused), (26, 7));
    })
    .await;
}
