//! What is sent again is not done again.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::on_both;
use crate::story::Story;

#[tokio::test]
async fn a_creation_sent_again_answers_what_the_first_one_made() {
    on_both(|product| async move {
        product.with_company().await;
        let admin = product.token(Role::Admin, "admin-1");
        let band = |level: &str, from: &str, to: &str| json!({ "level": level, "from": from, "to": to });
        let creations = [
            ("createChannel", "CreateChannel", "channel { id }", json!({
                "key": "phone", "name": "Phone", "kind": "CUSTOMER", "jurisdiction": "CN", "abroad": false,
                "replyRequired": false,
            })),
            ("createCustomer", "CreateCustomer", "customer { id }", json!({
                "key": "bank", "name": "A bank", "abroad": false,
            })),
            ("createProduct", "CreateProduct", "product { id }", json!({
                "key": "core-switch", "name": "Core Switch", "line": "switch", "ownerTeam": "switch-team",
                "providerEntity": "Example Networks", "kind": "PRODUCT", "importance": "5.0", "reach": "5.0",
                "assetTier": "GENERAL", "lifecycle": "SUPPORTED",
            })),
            ("addDuty", "AddDuty", "duty { id }", json!({
                "function": "LEGAL", "subject": "legal-1",
                "startsAt": "2026-03-02T00:00:00Z", "endsAt": "2026-03-09T00:00:00Z",
            })),
            ("createRatingPolicy", "CreateRatingPolicy", "ratingPolicy { id }", json!({
                "productImportance": "10.0", "productReach": "20.0", "publicOpinion": "30.0",
                "exploitConditions": "10.0", "actualImpact": "30.0",
                "bands": [
                    band("NONE", "0.0", "2.9"), band("BLUE", "3.0", "6.9"), band("YELLOW", "7.0", "7.9"),
                    band("ORANGE", "8.0", "8.9"), band("RED", "9.0", "10.0"),
                ],
            })),
        ];
        for (mutation, kind, fields, mut input) in creations {
            input["idempotencyKey"] = json!("once");
            let first = product.done(&admin, mutation, kind, input.clone(), fields).await;
            let again = product.done(&admin, mutation, kind, input, fields).await;
            assert_eq!(first, again, "{mutation}");
        }
    })
    .await;
}

#[tokio::test]
async fn events_are_related_once_from_whichever_side_it_is_said() {
    on_both(|product| async move {
        product.with_company().await;
        let analyst = product.token(Role::Analyst, "analyst-1");
        let one = product.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await.event;
        let other = product.receive("analyst-1", "cnvd", "CNVD-2", "AMBER").await.event;
        for (event, other) in [(&one, &other), (&one, &other), (&other, &one)] {
            let input = json!({ "event": event, "other": other });
            product.done(&analyst, "linkEvents", "LinkEvents", input, "event { id }").await;
        }
        let query = "query($id: ID!) { node(id: $id) { ... on Event { relatedEvents { id } } } }";
        let links: Value = product.graphql(&analyst, query, json!({ "id": one })).await;
        assert_eq!(links["data"]["node"]["relatedEvents"], json!([{ "id": other }]), "{links}");
    })
    .await;
}

#[tokio::test]
async fn a_creation_sent_many_times_at_once_is_done_once() {
    use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
    on_both(|app| async move {
        app.with_company().await;
        let router = app.with_core_router().await;
        let reporter = json!({ "name": "somebody", "subject": "reporter-1" });
        let story = Story::receive(&app, "SRC-1", json!({ "channel": "src", "reporter": reporter })).await;
        story.confirm().await;
        let (admin, analyst) = (app.token(Role::Admin, "admin-1"), app.token(Role::Analyst, "analyst-1"));
        let bank = json!({ "key": "bank", "name": "A bank", "abroad": false });
        let bank = app.made(&admin, "createCustomer", bank, "id").await;
        let event = &story.event;
        let src = story.look("reports { channel { id } }").await["reports"][0]["channel"]["id"].clone();
        let cell = |tier| json!({ "assetTier": tier, "severity": "HIGH", "minimum": "1", "maximum": "1000" });
        let cells = ["CORE", "GENERAL", "EDGE"].map(cell);
        let creations = [
            (&admin, "createChannel", json!({
                "key": "phone", "name": "Phone", "kind": "CUSTOMER", "jurisdiction": "CN", "abroad": false,
                "replyRequired": false,
            })),
            (&admin, "addDuty", json!({
                "function": "LEGAL", "subject": "legal-1",
                "startsAt": "2026-03-02T00:00:00Z", "endsAt": "2026-03-09T00:00:00Z",
            })),
            (&admin, "createRewardGrid", json!({
                "currency": "CNY",
                "cells": cells,
            })),
            (&analyst, "receiveReport", json!({ "channel": "src", "title": "Another", "text": "Words" })),
            (&analyst, "addToReport", json!({ "report": story.report, "text": "More words" })),
            (&analyst, "comment", json!({ "event": event, "body": "Looks real" })),
            (&analyst, "messageReporter", json!({ "report": story.report, "body": "Which version?" })),
            (&analyst, "askDecision", json!({ "event": event, "kind": "DISCLOSE", "question": "When?" })),
            (&analyst, "recordWorldFact", json!({
                "event": event, "kind": "EXPLOIT_PUBLIC", "learnedAt": "2026-03-01T00:00:00Z", "source": "a list",
            })),
            (&analyst, "addAffectedCustomer", json!({ "event": event, "customer": bank["id"] })),
            (&analyst, "assessSeverity", json!({
                "event": event, "source": "OURS", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            })),
            (&analyst, "draftReply", json!({
                "event": event, "channel": src, "kind": "THANKS", "subject": "Thanks", "body": "For the report",
                "expectedVersion": null,
            })),
            (&analyst, "proposePayout", json!({
                "kind": "BOUNTY", "report": story.report, "amount": "500", "currency": "CNY", "rationale": "By the grid",
            })),
        ];
        story.product(&router, "AFFECTED").await;
        for (token, mutation, mut input) in creations {
            input["idempotencyKey"] = json!("once");
            if input.get("expectedVersion").is_some() {
                input["expectedVersion"] = story.version().await;
            }
            let entries = || {
                let select = entity::audit_entry::Entity::find();
                select.filter(entity::audit_entry::Column::Action.eq(mutation)).count(app.app.database.reader())
            };
            let before = entries().await.unwrap();
            let sent = (0..6).map(|_| app.call(token, mutation, input.clone(), "id"));
            let answers = futures_util::future::join_all(sent).await;
            assert_eq!(answers[0]["userErrors"], json!([]), "{mutation}: {answers:?}");
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{mutation}: {answers:?}");
            // An entry for each thing that it changes: the thing itself, and what that hangs on.
            let made = entries().await.unwrap() - before;
            assert!((1..=2).contains(&made), "{mutation} was done more than once: {made} entries");
        }
    })
    .await;
}
