//! Who may decide a payout after something changed between its steps, and what each side learns of it.

use chrono::TimeDelta;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::payouts::{Seen, approve, call, code, confirmed, propose, with_money};

const SRC: (Role, &str) = (Role::Src, "src-1");

/// A payout that analyst-2 approved and nobody answered for the seven days.
async fn accepted(app: &TestApp, channel: &str, number: &str) -> Seen {
    let (report, _) = confirmed(app, channel, number, "reporter-1", "AMBER").await;
    let payout = approve(app, (Role::Analyst, "analyst-2"), &propose(app, &report, "500").await).await;
    app.advance(TimeDelta::days(8));
    payout
}

/// What a link leaves that was committed at the same time as the approval: the payee is who approved.
async fn payee_becomes_the_approver(app: &TestApp) {
    let update = entity::reporter::Entity::update_many()
        .col_expr(entity::reporter::Column::Subject, Expr::value("analyst-2"))
        .filter(entity::reporter::Column::Subject.eq("reporter-1"));
    assert_ne!(update.exec(app.app.database.writer()).await.unwrap().rows_affected, 0);
}

#[tokio::test]
async fn a_payout_whose_payee_turns_out_to_have_approved_it_is_neither_synced_nor_paid_by_hand() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let platform = accepted(&app, "src", "SRC-1").await;
        let by_hand = accepted(&app, "cnvd", "CNVD-1").await;
        payee_becomes_the_approver(&app).await;
        let sync = call(&app, SRC, "markPayoutSynced", json!({ "payout": platform.id, "attempt": 1 })).await;
        assert_eq!(code(&sync), "FOUR_EYES", "{sync}");
        let paid =
            by_hand.with(json!({ "externalReference": "BANK-1", "paidAt": app.now(), "proof": "Receipt 1" }));
        let paid = call(&app, (Role::Finance, "finance-1"), "markPayoutPaid", paid).await;
        assert_eq!(code(&paid), "FOUR_EYES", "{paid}");
    })
    .await;
}

/// An appealed payout of a report, as it is then.
async fn appealed(app: &TestApp, report: &Value) -> Seen {
    let payout = approve(app, (Role::Finance, "finance-1"), &propose(app, report, "500").await).await;
    let appeal = json!({ "payout": payout.id, "grounds": "It gives root" });
    Seen::of(&call(app, (Role::Reporter, "reporter-1"), "appealPayout", appeal).await)
}

#[tokio::test]
async fn an_appeal_is_priced_by_the_tier_that_is_recorded_by_then() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let admin = app.token(Role::Admin, "admin-1");
        let cells = json!([
            { "assetTier": "CORE", "severity": "HIGH", "minimum": "1", "maximum": "800" },
            { "assetTier": "EDGE", "severity": "CRITICAL", "minimum": "300", "maximum": "1000" },
        ]);
        let grid = json!({ "currency": "CNY", "cells": cells });
        app.done(&admin, "createRewardGrid", "CreateRewardGrid", grid, "rewardGrid { id }").await;
        let product = json!({
            "key": "edge-box", "name": "Edge box", "line": "edge", "ownerTeam": "edge-team",
            "providerEntity": "Example Networks", "kind": "PRODUCT", "importance": "5.0", "reach": "5.0",
            "assetTier": "EDGE", "lifecycle": "SUPPORTED",
        });
        let made = app.done(&admin, "createProduct", "CreateProduct", product, "product { id }").await;
        let (report, event) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let held = appealed(&app, &report).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let affected =
            json!({ "event": event, "product": made["product"]["id"], "state": "AFFECTED", "affectedVersions": "all" });
        app.done(&analyst, "setAffectedProduct", "SetAffectedProduct", affected, "event { id }").await;
        let upheld = held.with(json!({ "severity": "CRITICAL", "amount": "900", "resolution": "Root it is" }));
        let anew = call(&app, (Role::Analyst, "analyst-3"), "resolvePayoutAppeal", upheld).await;
        assert_eq!(anew["payout"]["state"], "PROPOSED", "{anew}");
        let stored = entity::payout::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
        assert_eq!(stored.asset_tier, Some(entity::vocabulary::AssetTier::Edge));
        approve(&app, (Role::Finance, "finance-1"), &Seen::of(&anew)).await;
    })
    .await;
}

#[tokio::test]
async fn who_upheld_an_appeal_is_the_author_of_the_severity_from_then_on() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let held = appealed(&app, &report).await;
        let upheld =
            held.with(json!({ "severity": "CRITICAL", "amount": "1500", "resolution": "Root it is" }));
        let anew = Seen::of(&call(&app, (Role::Analyst, "analyst-3"), "resolvePayoutAppeal", upheld).await);
        let reject = anew.with(json!({ "reason": "Propose anew" }));
        assert_eq!(code(&call(&app, (Role::Finance, "finance-1"), "rejectPayout", reject).await), "DONE");

        let proposal = json!({
            "kind": "BOUNTY", "report": report, "amount": "1500", "currency": "CNY", "assetTier": "CORE",
            "rationale": "As the grid says",
        });
        let next = Seen::of(&call(&app, (Role::Analyst, "analyst-2"), "proposePayout", proposal).await);
        let next = approve(&app, (Role::Leader, "leader-1"), &next).await;
        let appeal = json!({ "payout": next.id, "grounds": "More than that" });
        let held = Seen::of(&call(&app, (Role::Reporter, "reporter-1"), "appealPayout", appeal).await);
        let judged = held.with(json!({ "severity": "CRITICAL", "resolution": "It stays" }));
        let own = call(&app, (Role::Analyst, "analyst-3"), "resolvePayoutAppeal", judged.clone()).await;
        assert_eq!(code(&own), "FOUR_EYES", "analyst-3 gave this severity: {own}");
        let other = call(&app, (Role::Analyst, "analyst-1"), "resolvePayoutAppeal", judged).await;
        assert_eq!(code(&other), "DONE", "analyst-1 gave the one before: {other}");
    })
    .await;
}

#[tokio::test]
async fn finance_reads_that_there_is_an_appeal_and_not_what_it_says() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let held = appealed(&app, &report).await;
        let dismiss = held.with(json!({ "severity": "HIGH", "resolution": "It does not" }));
        call(&app, (Role::Analyst, "analyst-3"), "resolvePayoutAppeal", dismiss).await;
        let document =
            "{ payouts { nodes { appeal { severityBefore grounds resolution } history { kind reason } } } }";
        for (role, subject, reads) in [
            (Role::Finance, "finance-1", false),
            (Role::Analyst, "analyst-1", true),
            (Role::Reporter, "reporter-1", true),
            (Role::Src, "src-1", true),
        ] {
            let answer = app.graphql(&app.token_in_scope(role, subject), document, Value::Null).await;
            let appeal = &answer["data"]["payouts"]["nodes"][0]["appeal"];
            assert_eq!(appeal["severityBefore"], "HIGH", "{role}: {answer}");
            let told = |text: &str| if reads { json!(text) } else { Value::Null };
            assert_eq!(appeal["grounds"], told("It gives root"), "{role}");
            assert_eq!(appeal["resolution"], told("It does not"), "{role}");
            if !reads {
                assert!(!answer.to_string().contains("It does not"), "{role}: {answer}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn those_outside_learn_of_no_step_before_the_first_approval() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let payout = propose(&app, &report, "500").await;
        app.advance(TimeDelta::minutes(1));
        let held = call(
            &app,
            (Role::Analyst, "analyst-2"),
            "holdPayout",
            payout.with(json!({ "reason": "Looks like another" })),
        );
        let held = Seen::of(&held.await);
        app.advance(TimeDelta::minutes(1));
        let released = call(
            &app,
            (Role::Leader, "leader-1"),
            "releasePayout",
            held.with(json!({ "reason": "It is none" })),
        );
        let released = Seen::of(&released.await);
        app.advance(TimeDelta::minutes(1));
        let payout = approve(&app, (Role::Finance, "finance-1"), &released).await;
        app.advance(TimeDelta::minutes(1));
        let hold = payout.with(json!({ "reason": "Once more" }));
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "holdPayout", hold).await), "DONE");
        let document = "{ payouts { nodes { history { kind } } } }";
        let kinds = |role, subject: &'static str| {
            let (app, token) = (&app, app.token_in_scope(role, subject));
            async move {
                let answer = app.graphql(&token, document, Value::Null).await;
                let steps = answer["data"]["payouts"]["nodes"][0]["history"].as_array().unwrap().clone();
                steps
                    .iter()
                    .map(|step| step["kind"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
                    .join(" ")
            }
        };
        assert_eq!(kinds(Role::Analyst, "analyst-1").await, "PROPOSED ON_HOLD RELEASED APPROVED ON_HOLD");
        assert_eq!(kinds(Role::Reporter, "reporter-1").await, "APPROVED ON_HOLD");
        assert_eq!(kinds(Role::Src, "src-1").await, "APPROVED ON_HOLD");
    })
    .await;
}

#[tokio::test]
async fn a_platform_sets_the_account_of_its_own_reporters_alone() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let own = approve(&app, (Role::Finance, "finance-1"), &propose(&app, &report, "500").await).await;
        let account =
            |payout: &Seen| json!({ "payout": payout.id, "expectedVersion": 1, "account": "wallet 7781" });
        assert_eq!(code(&call(&app, SRC, "setPayeeAccount", account(&own)).await), "DONE");
        // A reporter who is known by another channel, with a share that is paid through this one.
        let other = entity::channel::Entity::find()
            .filter(entity::channel::Column::Key.eq("cnvd"))
            .one(app.app.database.reader())
            .await
            .unwrap()
            .unwrap();
        let update = entity::reporter::Entity::update_many()
            .col_expr(entity::reporter::Column::ChannelId, Expr::value(other.id))
            .filter(entity::reporter::Column::Subject.eq("reporter-1"));
        update.exec(app.app.database.writer()).await.unwrap();
        let redirect =
            json!({ "payout": own.id, "expectedVersion": 2, "account": "wallet of somebody else" });
        assert_eq!(code(&call(&app, SRC, "setPayeeAccount", redirect).await), "NOT_FOUND");
        let stored = entity::reporter::Entity::find()
            .filter(entity::reporter::Column::Subject.eq("reporter-1"))
            .one(app.app.database.reader())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stored.payee_account.as_deref(), Some("wallet 7781"));
    })
    .await;
}

#[tokio::test]
async fn what_is_read_of_a_red_event_through_its_payouts_is_on_record() {
    on_both(|app| async move {
        with_money(&app, "5000").await;
        let (report, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "RED").await;
        approve(&app, (Role::Finance, "finance-1"), &propose(&app, &report, "500").await).await;
        let reads = || async {
            let rows = entity::access_record::Entity::find().all(app.app.database.reader()).await.unwrap();
            rows.into_iter().filter(|row| row.actor == "finance-9").collect::<Vec<_>>()
        };
        assert!(reads().await.is_empty());
        let finance = app.token(Role::Finance, "finance-9");
        let document = "{ payouts { nodes { eventNumber } } }";
        let answer = app.graphql(&finance, document, Value::Null).await;
        assert!(answer["data"]["payouts"]["nodes"][0]["eventNumber"].is_string(), "{answer}");
        let records = reads().await;
        assert_eq!(records.len(), 1, "one row a request");
        let stored = entity::event::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
        assert_eq!(records[0].event_ids.0, [stored.number]);
    })
    .await;
}
