//! Payouts over the platform's hooks, and what its own endpoint is told of them.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::webhook::payload::Withheld;

use crate::harness::{TestApp, on_both};
use crate::hooks::{Hook, rotate};
use crate::payouts::{Seen, accounts, approve, call, code, confirmed, propose, with_money};
use crate::webhooks::{portal, with};

/// A platform that sends hooks about one payout.
struct Platform<'a> {
    app: &'a TestApp,
    secret: String,
    payout: Value,
}

impl Platform<'_> {
    async fn send(&self, id: &str, kind: &str, more: Value) -> (u16, Value) {
        let data = with(json!({ "payout": self.payout }), more);
        Hook::new(self.app, &self.secret, id, kind, data).send().await
    }

    /// Sends one that has to be carried out, and answers the payout's state.
    async fn says(&self, id: &str, kind: &str, more: Value) -> String {
        let (status, answer) = self.send(id, kind, more).await;
        assert_eq!((status, &answer["payout"]), (200, &self.payout), "{kind}: {answer}");
        answer["state"].as_str().unwrap().to_owned()
    }

    /// Sends one that is refused, and answers why.
    async fn is_refused(&self, id: &str, kind: &str, more: Value) -> (u16, String, Value) {
        let (status, answer) = self.send(id, kind, more).await;
        let error = &answer["errors"][0];
        (
            status,
            error["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(),
            error["field"].clone(),
        )
    }
}

async fn approved<'a>(app: &'a TestApp, number: &str, amount: &str) -> (Platform<'a>, Seen, Value) {
    let (report, event) = confirmed(app, "src", number, "reporter-1", "AMBER").await;
    let payout = approve(app, (Role::Analyst, "analyst-2"), &propose(app, &report, amount).await).await;
    let platform = Platform { app, secret: rotate(app, "src", 24).await, payout: payout.id.clone() };
    (platform, payout, event)
}

#[tokio::test]
async fn a_payout_is_accepted_taken_failed_and_paid_over_hooks_each_once() {
    on_both(|app| async move {
        with_money(&app, "1000").await;
        let (platform, payout, _) = approved(&app, "SRC-1", "500.50").await;
        let taken = |attempt: i32| json!({ "attempt": attempt, "platformReference": "P-1" });
        let early = platform.is_refused("msg_0", "payout.synced", taken(1)).await;
        assert_eq!((early.0, early.1.as_str()), (422, "MISSING_FACT"), "it was not accepted yet");
        assert_eq!(platform.says("msg_1", "payout.accepted", json!({})).await, "APPROVED");
        assert_eq!(
            platform.says("msg_2", "payout.accepted", json!({})).await,
            "APPROVED",
            "again, it is the same"
        );
        let late =
            platform.is_refused("msg_3", "payout.appealed", json!({ "grounds": "It gives root" })).await;
        assert_eq!((late.0, late.1.as_str()), (422, "FROZEN"), "what was accepted is not appealed");
        assert_eq!(platform.says("msg_4", "payout.synced", taken(1)).await, "SYNCED");
        let failed = json!({ "attempt": 1, "reason": "No such account" });
        assert_eq!(platform.says("msg_5", "payout.failed", failed.clone()).await, "FAILED");
        assert_eq!(platform.says("msg_6", "payout.failed", failed).await, "FAILED");
        let now = app
            .graphql(
                &app.token(Role::Finance, "finance-1"),
                "query($id: ID!) { node(id: $id) { ... on Payout { version } } }",
                json!({ "id": payout.id }),
            )
            .await;
        let again = Seen { id: payout.id.clone(), version: now["data"]["node"]["version"].clone() };
        let again = again.with(json!({ "reason": "The account is there now" }));
        assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "retryPayout", again).await), "DONE");
        assert_eq!(platform.says("msg_7", "payout.synced", taken(2)).await, "SYNCED");

        let paid = |change: Value| {
            let paid = json!({
                "externalReference": "T-1", "paidAt": app.now(), "amount": "500.50", "currency": "CNY",
            });
            with(paid, change)
        };
        for (number, (change, status, code, field)) in [
            (json!({ "amount": "1,000" }), 400, "BAD_USER_INPUT", json!("data.amount")),
            (json!({ "amount": "0.001" }), 400, "BAD_USER_INPUT", json!("data.amount")),
            (json!({ "currency": "XAU" }), 400, "BAD_USER_INPUT", json!("data.currency")),
            (json!({ "amount": "500.51" }), 422, "CONTRADICTION", json!("data.amount")),
            (json!({ "currency": "USD" }), 422, "CONTRADICTION", Value::Null),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("msg_wrong_{number}");
            let (found, said, named) =
                platform.is_refused(&id, "payout.confirmed", paid(change.clone())).await;
            assert_eq!((found, said.as_str()), (status, code), "{change}: {named}");
            assert!(field.is_null() || named == field, "{change}: {named}");
        }
        assert_eq!(platform.says("msg_8", "payout.confirmed", paid(json!({}))).await, "PAID");
        assert_eq!(platform.says("msg_8", "payout.confirmed", paid(json!({}))).await, "PAID");
        assert_eq!(
            platform.says("msg_9", "payout.confirmed", paid(json!({}))).await,
            "PAID",
            "the same changes nothing"
        );
        let other = paid(json!({ "externalReference": "T-2" }));
        let (status, ..) = platform.is_refused("msg_10", "payout.confirmed", other).await;
        assert_eq!(status, 422, "paid by another payment, it is refused");
        assert_eq!(accounts(&app).await, ["1000.00", "499.50", "0.00", "500.50", "0.00"], "spent once");
    })
    .await;
}

#[tokio::test]
async fn an_appeal_comes_in_over_a_hook_and_holds_the_payout() {
    on_both(|app| async move {
        with_money(&app, "1000").await;
        let (platform, ..) = approved(&app, "SRC-1", "500").await;
        let grounds = json!({ "grounds": "It gives root" });
        assert_eq!(platform.says("msg_1", "payout.appealed", grounds.clone()).await, "ON_HOLD");
        let (status, ..) =
            platform.is_refused("msg_2", "payout.appealed", json!({ "grounds": "Once more" })).await;
        assert_eq!(status, 422, "one may appeal once");
        app.advance(TimeDelta::days(8));
        let (status, ..) = platform.is_refused("msg_3", "payout.synced", json!({ "attempt": 1 })).await;
        assert_eq!(status, 422, "nothing is paid before the appeal is decided");
    })
    .await;
}

#[tokio::test]
async fn the_platforms_endpoint_is_told_of_its_payouts_and_of_no_proposal() {
    on_both(|app| async move {
        with_money(&app, "1000").await;
        let endpoint = async |key: &str| {
            let channel = app.channel(key).await;
            let grant = json!({ "role": "SRC", "channel": channel, "tlpCeiling": "AMBER", "abroad": false });
            app.confirmed(with(portal(), json!({ "grant": grant }))).await
        };
        let (own, other) = (endpoint("src").await, endpoint("cnvd").await);
        let (report, event) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        let event = event.as_str().unwrap();
        let told = async |endpoint| {
            let leaving = app.leaving(endpoint, event).await.into_iter();
            leaving.filter(|(kind, _)| kind.starts_with("payout.")).collect::<Vec<_>>()
        };
        let held = propose(&app, &report, "500").await.with(json!({ "reason": "Let us see" }));
        let held = Seen::of(&call(&app, (Role::Analyst, "analyst-2"), "holdPayout", held).await);
        let back = held.with(json!({ "reason": "Seen" }));
        let payout = Seen::of(&call(&app, (Role::Analyst, "analyst-2"), "releasePayout", back).await);
        let before = told(own).await;
        let kinds: std::collections::BTreeSet<_> = before.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["payout.on_hold", "payout.proposed", "payout.released"].into());
        assert!(before.iter().all(|(_, body)| *body == Err(Withheld::NotVisible)), "no promise: {before:?}");
        approve(&app, (Role::Analyst, "analyst-2"), &payout).await;
        let after = told(own).await;
        let (approved, earlier): (Vec<_>, Vec<_>) =
            after.into_iter().partition(|(kind, _)| kind == "payout.approved");
        let body = approved[0].1.as_ref().unwrap_or_else(|why| panic!("{why:?}"));
        assert_eq!(&body["data"]["payout"], &payout.id);
        assert_eq!(body["data"]["reports"], json!([report]));
        assert!(body["data"].get("event").is_none() && !body.to_string().contains("500"), "{body}");
        assert!(
            earlier.iter().all(|(_, body)| body.is_err()),
            "what was no promise then is none now: {earlier:?}"
        );
        let foreign = told(other).await;
        assert!(foreign.iter().all(|(_, body)| *body == Err(Withheld::NotVisible)), "{foreign:?}");

        // What is for no event is the channel's to know of all the same, once it is approved.
        let analyst = app.token(Role::Analyst, "analyst-1");
        let reporters = app.graphql(&analyst, "{ reporters { nodes { id } } }", Value::Null).await;
        let gift = json!({
            "kind": "GIFT", "reporter": reporters["data"]["reporters"]["nodes"][0]["id"], "period": "2026-03",
            "amount": "60", "currency": "CNY", "rationale": "A mug",
        });
        let gift = Seen::of(&call(&app, (Role::Analyst, "analyst-1"), "proposePayout", gift).await);
        approve(&app, (Role::Leader, "leader-1"), &gift).await;
        let about_gift = async |endpoint| {
            let leaving = app.leaving_about(endpoint, None).await.into_iter();
            leaving.filter(|(kind, _)| kind.starts_with("payout.")).collect::<Vec<_>>()
        };
        let own = about_gift(own).await;
        let (approved, proposed): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|(kind, _)| kind == "payout.approved");
        assert_eq!(approved[0].1.as_ref().unwrap()["data"]["payout"], gift.id);
        assert_eq!(proposed, [("payout.proposed".to_owned(), Err(Withheld::NotVisible))]);
        let foreign = about_gift(other).await;
        assert!(foreign.iter().all(|(_, body)| *body == Err(Withheld::NotVisible)), "{foreign:?}");
    })
    .await;
}
