//! Duplicates, and verdicts that are given again.

use futures_util::future::join;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed};

pub(crate) fn duplicate_of(original: &Story<'_>) -> Value {
    json!({ "verdict": "DUPLICATE", "originalEvent": original.event, "rationale": "The same check is missing" })
}

async fn triaged<'a>(app: &'a TestApp, number: &str) -> Story<'a> {
    let story = Story::receive(app, number, json!({})).await;
    story.analyst("startTriage", json!({})).await;
    story
}

async fn original_of(story: &Story<'_>) -> Value {
    story.look("duplicateOf { id }").await["duplicateOf"]["id"].clone()
}

#[tokio::test]
async fn two_events_that_are_called_duplicates_of_each_other_at_once_never_form_a_circle() {
    on_both(|app| async move {
        app.with_company().await;
        let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        for round in 0..4 {
            let first = triaged(&app, &format!("CNVD-{round}-1")).await;
            let second = triaged(&app, &format!("CNVD-{round}-2")).await;
            let verdict = |story: &Story<'_>, original: &Story<'_>| {
                let mut input = duplicate_of(original);
                input["event"] = json!(story.event);
                input["expectedVersion"] = json!(2);
                input
            };
            let (a, b) = join(
                app.call(&one, "giveVerdict", verdict(&first, &second), "id"),
                app.call(&two, "giveVerdict", verdict(&second, &first), "id"),
            )
            .await;
            let originals = [original_of(&first).await, original_of(&second).await];
            let named = originals.iter().filter(|original| original.is_string()).count();
            assert_eq!(named, 1, "{a} {b} {originals:?}");
            let lost = if originals[0].is_string() { &b } else { &a };
            assert_eq!(lost["userErrors"][0]["code"], "CONTRADICTION", "{a} {b}");
            assert_eq!(lost["userErrors"][0]["field"], "originalEvent");
        }
    })
    .await;
}

#[tokio::test]
async fn a_chain_of_duplicates_is_flattened_whichever_end_comes_first() {
    on_both(|app| async move {
        app.with_company().await;
        let [a, b, c] =
            [triaged(&app, "CNVD-1").await, triaged(&app, "CNVD-2").await, triaged(&app, "CNVD-3").await];
        b.analyst("giveVerdict", duplicate_of(&a)).await;
        c.analyst("giveVerdict", duplicate_of(&b)).await;
        assert_eq!(original_of(&c).await, a.event, "named a duplicate, got its original");
        let root = triaged(&app, "CNVD-4").await;
        a.analyst("giveVerdict", duplicate_of(&root)).await;
        for story in [&a, &b, &c] {
            assert_eq!(original_of(story).await, root.event);
        }
    })
    .await;
}

#[tokio::test]
async fn duplicates_come_back_to_a_person_when_the_verdict_of_the_original_changes() {
    on_both(|app| async move {
        app.with_company().await;
        let original = triaged(&app, "CNVD-1").await;
        let duplicate = triaged(&app, "CNVD-2").await;
        original.analyst("giveVerdict", confirmed()).await;
        duplicate.analyst("giveVerdict", duplicate_of(&original)).await;
        assert_eq!(duplicate.status().await, "REPLYING");
        // The same verdict once more is no news.
        original.analyst("returnToTriage", json!({ "reason": "new facts" })).await;
        original.analyst("giveVerdict", confirmed()).await;
        assert_eq!(duplicate.status().await, "REPLYING");
        original.analyst("returnToTriage", json!({ "reason": "more facts" })).await;
        let other = json!({ "verdict": "NOT_REPRODUCIBLE", "rationale": "Not in any version" });
        original.analyst("giveVerdict", other).await;
        assert_eq!(duplicate.status().await, "TRIAGING");
    })
    .await;
}

#[tokio::test]
async fn a_channel_that_was_told_a_verdict_is_owed_the_one_after_reopening() {
    on_both(|app| async move {
        app.with_company().await;
        let story = triaged(&app, "CNVD-1").await;
        story
            .analyst("giveVerdict", json!({ "verdict": "NOT_REPRODUCIBLE", "rationale": "Not found" }))
            .await;
        story.answer().await;
        story.analyst("startReview", json!({})).await;
        story.analyst("skipReview", json!({ "reason": "nothing to learn" })).await;
        let states = || async {
            let rows = story.look("obligations { kind state }").await;
            let rows = rows["obligations"].as_array().unwrap().clone();
            let verdicts = rows.into_iter().filter(|row| row["kind"] == "VERDICT");
            verdicts.map(|row| row["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(states().await, ["MET"]);
        story.analyst("reopenEvent", json!({ "reason": "it was found after all" })).await;
        assert_eq!(states().await, ["MET"], "reopening alone owes nothing");
        story.analyst("giveVerdict", confirmed()).await;
        let mut after = states().await;
        after.sort();
        assert_eq!(after, ["MET", "OPEN"]);
        // Told once more and judged alike, nothing more is owed.
        story.analyst("returnToTriage", json!({ "reason": "once more" })).await;
        story.analyst("giveVerdict", confirmed()).await;
        assert_eq!(states().await.len(), 2);
    })
    .await;
}
