//! One report that a finder sent to several platforms: payouts wait, a second person decides, the payee may appeal, and nobody
//! learns of the other report.

use chrono::TimeDelta;
use futures_util::future::join;
use image::ImageFormat;
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::ids::{Kind, encode};
use vulndesk::schedule::sweep;

use crate::files::upload;
use crate::harness::{TestApp, on_both};
use crate::payouts::{Seen, accounts, approve, call, code, confirmed, propose, sequence, with_money};
use crate::pictures::{boxes, look, saved};
use crate::story::Story;

const CASE: &str = "id version outcome heldUntil holdEndedAt score found finder evidence payouts { state }";
const HOLD: &str = "state answerBy multiPlatform { waiting heldUntil outcome mayAppeal appeal { grounds upheld resolution } }";

/// A hole that reporter-1 sent to the SRC, with an approved bounty, and that a database then sends.
struct Twice<'a> {
    src: Value,
    payout: Seen,
    cnvd: Story<'a>,
}

impl<'a> Twice<'a> {
    async fn new(app: &'a TestApp) -> Self {
        Self::again(app, false).await
    }

    /// The same, of another hole where it was so before.
    async fn again(app: &'a TestApp, again: bool) -> Self {
        let number = |number: &str| if again { format!("{number}-AGAIN") } else { number.to_owned() };
        if !again {
            with_money(app, "10000").await;
        }
        let (src, _) = confirmed(app, "src", &number("SRC-1"), "reporter-1", "AMBER").await;
        let payout = propose(app, &src, "500.00").await;
        let payout = approve(app, (Role::Analyst, "analyst-2"), &payout).await;
        app.advance(TimeDelta::hours(1));
        let more = json!({ "title": "A hole SRC-1", "reporter": { "name": "Name of Reporter-1" } });
        Self { src, payout, cnvd: Story::receive(app, &number("CNVD-SECRET-9"), more).await }
    }

    async fn input(&self) -> Value {
        json!({
            "report": self.src, "otherReport": self.cnvd.report, "expectedVersion": self.version_of_src().await,
            "evidence": "the same screenshots, word for word",
        })
    }

    async fn version_of_src(&self) -> Value {
        let analyst = self.cnvd.app.token(Role::Analyst, "analyst-1");
        let report = self.cnvd.app.node(&analyst, self.src.as_str().unwrap(), "Report", "event { version }");
        report.await["event"]["version"].clone()
    }

    async fn propose(&self) -> Value {
        let analyst = self.cnvd.app.token(Role::Analyst, "analyst-1");
        self.cnvd.app.made(&analyst, "proposeMultiPlatform", self.input().await, CASE).await
    }

    async fn decide(&self, subject: &str, case: &Value, outcome: &str) -> Value {
        let app = self.cnvd.app;
        let analyst = app.token(Role::Analyst, subject);
        let seen = app.node(&analyst, case["id"].as_str().unwrap(), "MultiPlatform", "version").await;
        let input = json!({
            "multiPlatform": case["id"], "expectedVersion": seen["version"], "outcome": outcome,
            "rationale": "they answered the same mail",
        });
        app.call(&analyst, "decideMultiPlatform", input, CASE).await
    }

    async fn held(&self, token: &str) -> Value {
        self.cnvd.app.node(token, self.payout.id.as_str().unwrap(), "Payout", HOLD).await
    }

    async fn fresh(&self) -> Seen {
        let analyst = self.cnvd.app.token(Role::Analyst, "analyst-1");
        let id = self.payout.id.as_str().unwrap();
        let seen = self.cnvd.app.node(&analyst, id, "Payout", "version").await;
        Seen { id: self.payout.id.clone(), version: seen["version"].clone() }
    }
}

/// A case of `report` and the story's, whose payee appealed in vain against it before it was confirmed.
/// Answers the case and the payout.
pub(crate) async fn of(app: &TestApp, story: &Story<'_>, report: &str) -> [String; 2] {
    let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
    let leader = app.token(Role::Leader, "leader-1");
    let seen = app.node(&one, report, "Report", "event { version }").await;
    let input = json!({
        "report": report, "otherReport": story.report, "expectedVersion": seen["event"]["version"],
        "evidence": "the same words",
    });
    let case = app.made(&one, "proposeMultiPlatform", input, "id payouts { id }").await;
    let id = case["id"].as_str().unwrap().to_owned();
    let payout = &case["payouts"][0]["id"];
    let own = app.token(Role::Reporter, "reporter-1");
    let appeal = json!({ "payout": payout, "grounds": "Two found it" });
    app.made(&own, "appealMultiPlatform", appeal, "id").await;
    let version = || app.node(&one, &id, "MultiPlatform", "version");
    let resolve = json!({
        "multiPlatform": id, "payout": payout, "expectedVersion": version().await["version"], "upheld": false,
        "resolution": "One mail came from both",
    });
    app.made(&leader, "resolveMultiPlatformAppeal", resolve, "id").await;
    let decide = json!({
        "multiPlatform": id, "expectedVersion": version().await["version"], "outcome": "NOTHING_EARNED", "rationale": "One mail",
    });
    app.made(&two, "decideMultiPlatform", decide, "id").await;
    [id, payout.as_str().unwrap().to_owned()]
}

#[tokio::test]
async fn unpaid_payouts_wait_while_it_is_looked_at_and_go_on_when_it_is_not_so() {
    on_both(|app| async move {
        let twice = Twice::new(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let duties = || twice.cnvd.look("obligations { kind state }");
        let owed = duties().await;
        assert!(!owed["obligations"].as_array().unwrap().is_empty(), "{owed}");
        let before = twice.held(&analyst).await;
        assert_eq!((before["state"].as_str(), &before["multiPlatform"]), (Some("APPROVED"), &Value::Null));
        let case = twice.propose().await;
        // Ten working days from Monday the second.
        assert_eq!(case["heldUntil"], "2026-03-16T16:00:00+00:00");
        assert_eq!(case["finder"], json!(["SAME_NAME"]));
        assert_eq!(case["payouts"], json!([{ "state": "ON_HOLD" }]));
        let again = app.made(&analyst, "proposeMultiPlatform", twice.input().await, CASE).await;
        assert_eq!(again, case, "sent again");
        let own = app.token(Role::Reporter, "reporter-1");
        let held = twice.held(&own).await;
        assert_eq!(held["state"], "ON_HOLD");
        assert_eq!(held["multiPlatform"]["waiting"], true);
        assert_eq!(held["multiPlatform"]["mayAppeal"], true);

        let now = twice.fresh().await;
        let reason = json!({ "reason": "it waited long enough" });
        let released = call(&app, (Role::Leader, "leader-1"), "releasePayout", now.with(reason)).await;
        assert_eq!(code(&released), "MISSING_FACT", "{released}");
        let sync = json!({ "payout": now.id, "attempt": 1 });
        let synced = call(&app, (Role::Src, "src-1"), "markPayoutSynced", sync).await;
        assert_eq!(code(&synced), "MOVE_NOT_ALLOWED", "{synced}");
        let second = propose_for(&app, &twice.src).await;
        assert_eq!(code(&second), "MISSING_FACT", "{second}");

        app.advance(TimeDelta::days(3));
        let decided = twice.decide("analyst-1", &case, "DISMISSED").await;
        assert_eq!(decided["userErrors"], json!([]), "{decided}");
        let after = twice.held(&app.token(Role::Reporter, "reporter-1")).await;
        assert_eq!(after["state"], "APPROVED");
        assert_eq!(after["multiPlatform"]["outcome"], "DISMISSED");
        assert_eq!(
            moved(&before["answerBy"], &after["answerBy"]),
            TimeDelta::days(3),
            "their time stood still"
        );
        assert_eq!(duties().await, owed, "the duties to the database stand");
        let again = twice.decide("analyst-2", &case, "FIRST_EARNS").await;
        assert_eq!(code(&again), "FROZEN", "{again}");
    })
    .await;
}

fn moved(before: &Value, after: &Value) -> TimeDelta {
    let read = |at: &Value| at.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    read(after) - read(before)
}

async fn propose_for(app: &TestApp, report: &Value) -> Value {
    let input = json!({
        "kind": "BOUNTY", "report": report, "amount": "500.00", "currency": "CNY", "assetTier": "CORE",
        "rationale": "As the grid says",
    });
    call(app, (Role::Analyst, "analyst-1"), "proposePayout", input).await
}

#[tokio::test]
async fn the_same_screenshot_is_evidence() {
    on_both(|app| async move {
        let twice = Twice::new(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let picture = boxes(3);
        for (report, format) in
            [(twice.src.as_str().unwrap(), ImageFormat::Png), (&twice.cnvd.report, ImageFormat::Jpeg)]
        {
            upload(&app, &analyst, report, &saved(&picture, format)).await;
        }
        look(&app).await;
        let case = twice.propose().await;
        let found = case["found"].as_array().unwrap();
        assert!(found.contains(&json!("SAME_PICTURE")), "{case}");
        assert!(case["score"].as_i64().unwrap() >= 75, "{case}");
    })
    .await;
}

#[tokio::test]
async fn a_second_person_takes_payouts_back_and_a_third_one_hears_the_appeal() {
    on_both(|app| async move {
        let twice = Twice::new(&app).await;
        let case = twice.propose().await;
        assert_eq!(code(&twice.decide("analyst-1", &case, "NOTHING_EARNED").await), "FOUR_EYES");
        assert_eq!(accounts(&app).await[2], "500.00");
        let decided = twice.decide("analyst-2", &case, "NOTHING_EARNED").await;
        assert_eq!(decided["userErrors"], json!([]), "{decided}");
        assert_eq!(accounts(&app).await[2], "0.00", "what was reserved is given back, once");
        let own = app.token(Role::Reporter, "reporter-1");
        assert_eq!(twice.held(&own).await["state"], "CANCELLED");
        assert_eq!(code(&propose_for(&app, &twice.src).await), "CONTRADICTION");

        let appeal = json!({ "payout": twice.payout.id, "grounds": "The database had it from somebody else" });
        let stranger = call(&app, (Role::Reporter, "reporter-2"), "appealMultiPlatform", appeal.clone()).await;
        assert_eq!(code(&stranger), "NOT_FOUND");
        for _ in 0..2 {
            let made = call(&app, (Role::Reporter, "reporter-1"), "appealMultiPlatform", appeal.clone()).await;
            assert_eq!(code(&made), "DONE", "{made}");
        }
        let other = json!({ "payout": twice.payout.id, "grounds": "Another reason" });
        let second = call(&app, (Role::Src, "src-1"), "appealMultiPlatform", other).await;
        assert_eq!(code(&second), "FROZEN", "one appeal: {second}");
        let resolve = |who: (Role, &'static str), upheld: bool| {
            let (app, twice, case) = (&app, &twice, &case);
            async move {
                let token = app.token(who.0, who.1);
                let seen = app.node(&token, case["id"].as_str().unwrap(), "MultiPlatform", "version").await;
                let input = json!({
                    "multiPlatform": case["id"], "payout": twice.payout.id, "expectedVersion": seen["version"],
                    "upheld": upheld, "resolution": "Two people found it",
                });
                app.call(&token, "resolveMultiPlatformAppeal", input, CASE).await
            }
        };
        for took_part in ["analyst-1", "analyst-2"] {
            assert_eq!(code(&resolve((Role::Analyst, took_part), true).await), "FOUR_EYES", "{took_part}");
        }
        let upheld = resolve((Role::Leader, "leader-1"), true).await;
        assert_eq!(upheld["multiPlatform"]["outcome"], "DISMISSED", "{upheld}");
        assert_eq!(code(&resolve((Role::Leader, "leader-2"), true).await), "MISSING_FACT", "once");
        let heard = twice.held(&own).await;
        assert_eq!(heard["multiPlatform"]["appeal"]["upheld"], true);
        assert_eq!(heard["multiPlatform"]["appeal"]["resolution"], "Two people found it");
        assert_eq!(code(&propose_for(&app, &twice.src).await), "DONE", "it earns again");
    })
    .await;
}

#[tokio::test]
async fn the_first_report_may_earn_and_what_the_platform_has_is_not_taken_from_it() {
    on_both(|app| async move {
        let twice = Twice::new(&app).await;
        let accept = json!({ "payout": twice.payout.id });
        call(&app, (Role::Reporter, "reporter-1"), "acceptPayout", accept).await;
        let sync = json!({ "payout": twice.payout.id, "attempt": 1 });
        assert_eq!(code(&call(&app, (Role::Src, "src-1"), "markPayoutSynced", sync).await), "DONE");
        let case = twice.propose().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        assert_eq!(twice.held(&analyst).await["state"], "ON_HOLD");
        twice.decide("analyst-2", &case, "NOTHING_EARNED").await;
        // The platform may have paid it already: only what it says ends it.
        assert_eq!(twice.held(&analyst).await["state"], "ON_HOLD");
        let paid = |reference: &str| {
            json!({
                "payout": twice.payout.id, "externalReference": reference, "paidAt": app.now(), "amount": "500.00",
                "currency": "CNY",
            })
        };
        let first = call(&app, (Role::Src, "src-1"), "confirmPayout", paid("T-1")).await;
        assert_eq!(code(&first), "DONE", "what was paid was paid: {first}");
        let second = call(&app, (Role::Src, "src-1"), "confirmPayout", paid("T-2")).await;
        assert_eq!(code(&second), "CONTRADICTION", "nothing is paid twice: {second}");
        let now = twice.fresh().await;
        let back = now.with(json!({ "reason": "it was sent to several platforms" }));
        let analyst_may_not = call(&app, (Role::Analyst, "analyst-2"), "reversePayout", back.clone()).await;
        assert_eq!(code(&analyst_may_not), "FORBIDDEN");
        assert_eq!(code(&call(&app, (Role::Leader, "leader-1"), "reversePayout", back).await), "DONE");
        assert_eq!(accounts(&app).await[3], "0.00");
    })
    .await;
}

#[tokio::test]
async fn nobody_lets_a_payout_go_on_past_a_case() {
    on_both(|app| async move {
        for outcome in [None, Some("NOTHING_EARNED")] {
            let twice = Twice::again(&app, outcome.is_some()).await;
            call(&app, (Role::Reporter, "reporter-1"), "acceptPayout", json!({ "payout": twice.payout.id }))
                .await;
            let sync = json!({ "payout": twice.payout.id, "attempt": 1 });
            assert_eq!(code(&call(&app, (Role::Src, "src-1"), "markPayoutSynced", sync).await), "DONE");
            let by_hand = twice.fresh().await.with(json!({ "reason": "Let us see" }));
            assert_eq!(code(&call(&app, (Role::Analyst, "analyst-2"), "holdPayout", by_hand).await), "DONE");
            let case = twice.propose().await;
            if let Some(outcome) = outcome {
                twice.decide("analyst-2", &case, outcome).await;
            }
            let stopped = if outcome.is_some() { "CONTRADICTION" } else { "MISSING_FACT" };
            let release = twice.fresh().await.with(json!({ "reason": "Seen" }));
            let refused = call(&app, (Role::Analyst, "analyst-2"), "releasePayout", release).await;
            assert_eq!(code(&refused), stopped, "{refused}");
            // The platform gives up, and nobody offers it anew.
            let failed = json!({ "payout": twice.payout.id, "attempt": 1, "reason": "No account" });
            assert_eq!(code(&call(&app, (Role::Src, "src-1"), "failPayout", failed).await), "DONE");
            let retry = twice.fresh().await.with(json!({ "reason": "Once more" }));
            let refused = call(&app, (Role::Finance, "finance-1"), "retryPayout", retry).await;
            assert_eq!(code(&refused), stopped, "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_appeal_against_the_severity_ends_while_a_case_is_open_and_the_payout_waits_on() {
    on_both(|app| async move {
        for outcome in [None, Some("NOTHING_EARNED")] {
            let twice = Twice::again(&app, outcome.is_some()).await;
            let appeal = json!({ "payout": twice.payout.id, "grounds": "It is worse" });
            assert_eq!(
                code(&call(&app, (Role::Reporter, "reporter-1"), "appealPayout", appeal).await),
                "DONE"
            );
            let case = twice.propose().await;
            if let Some(outcome) = outcome {
                twice.decide("analyst-2", &case, outcome).await;
            }
            let resolve = twice.fresh().await.with(json!({ "severity": "HIGH", "resolution": "It is not" }));
            let resolved = call(&app, (Role::Analyst, "analyst-3"), "resolvePayoutAppeal", resolve).await;
            assert_eq!(code(&resolved), "DONE", "{resolved}");
            let analyst = app.token(Role::Analyst, "analyst-1");
            assert_eq!(twice.held(&analyst).await["state"], "ON_HOLD");
            if outcome.is_some() {
                let cancel = twice.fresh().await.with(json!({ "reason": "It earns nothing" }));
                assert_eq!(
                    code(&call(&app, (Role::Analyst, "analyst-2"), "cancelPayout", cancel).await),
                    "DONE"
                );
                assert_eq!(accounts(&app).await[2], "500.00", "the other one's is what is reserved");
            } else {
                twice.decide("analyst-2", &case, "DISMISSED").await;
                assert_eq!(twice.held(&analyst).await["state"], "APPROVED", "it waited for the case alone");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_hold_ends_by_itself_after_ten_working_days() {
    on_both(|app| async move {
        let twice = Twice::new(&app).await;
        let case = twice.propose().await;
        let until: chrono::DateTime<chrono::Utc> = case["heldUntil"].as_str().unwrap().parse().unwrap();
        app.advance(until - app.now() - TimeDelta::seconds(1));
        sweep(&app.app).await.unwrap();
        let analyst = app.token(Role::Analyst, "analyst-1");
        assert_eq!(twice.held(&analyst).await["state"], "ON_HOLD");
        app.advance(TimeDelta::seconds(1));
        for _ in 0..2 {
            assert_eq!(sweep(&app.app).await.unwrap().failed, 0);
        }
        let held = twice.held(&analyst).await;
        assert_eq!(
            (held["state"].as_str(), &held["multiPlatform"]["waiting"]),
            (Some("APPROVED"), &json!(false))
        );
        let seen = app.node(&analyst, case["id"].as_str().unwrap(), "MultiPlatform", CASE).await;
        assert!(seen["holdEndedAt"].is_string() && seen["outcome"].is_null(), "{seen}");
        let decided = twice.decide("analyst-2", &case, "FIRST_EARNS").await;
        assert_eq!(decided["userErrors"], json!([]), "a decision may still come: {decided}");
        assert_eq!(twice.held(&analyst).await["state"], "APPROVED", "the first report earns");
    })
    .await;
}

#[tokio::test]
async fn nobody_outside_learns_of_the_other_report() {
    on_both(|app| async move {
        let twice = Twice::new(&app).await;
        let case = twice.propose().await;
        twice.decide("analyst-2", &case, "NOTHING_EARNED").await;
        sequence(&app).await;
        let absent = encode(Kind::MultiPlatform, uuid::Uuid::from_u128(7));
        let outsiders = [
            app.token(Role::Reporter, "reporter-1"),
            app.token_in_scope(Role::Src, "src-1"),
            app.token(Role::Finance, "finance-1"),
            app.token_in_scope(Role::Engineer, "engineer-1"),
            app.token(Role::Admin, "admin-1"),
        ];
        for token in &outsiders {
            let look = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on MultiPlatform {{ {CASE} }} }} }}");
            let ids = json!({ "ids": [case["id"], absent] });
            assert_eq!(app.graphql(token, &look, ids).await["data"]["nodes"], json!([null, null]));
            let list = app.graphql(token, "{ multiPlatforms { totalCount } }", Value::Null).await;
            assert_eq!(list["errors"][0]["extensions"]["code"], "FORBIDDEN", "{list}");
            let payout = "query($id: ID!) { node(id: $id) { ... on Payout { state history { kind reason } allowedMoves { missing }
                multiPlatform { waiting heldUntil outcome mayAppeal appeal { grounds resolution } } } } }";
            let changes = "{ payoutChanges { changes { kind payout { number } } } }";
            let trail = "{ audit { nodes { details reason } } }";
            for look in [payout, changes, trail] {
                let told = app.graphql(token, look, json!({ "id": twice.payout.id })).await.to_string();
                for secret in ["CNVD-SECRET", "screenshots", "same mail", &twice.cnvd.number, &twice.cnvd.report] {
                    assert!(!told.contains(secret), "{secret} in {told}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_case_about_what_is_for_named_people_is_not_there_for_others() {
    on_both(|app| async move {
        with_money(&app, "10000").await;
        let (src, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        app.advance(TimeDelta::hours(1));
        let red = Story::receive(&app, "CNVD-RED", json!({ "tlp": "RED" })).await;
        let other = app.token(Role::Analyst, "analyst-9");
        let guess = |report: &str| {
            json!({ "report": src, "otherReport": report, "expectedVersion": 1, "evidence": "a guess" })
        };
        let absent = encode(Kind::Report, uuid::Uuid::from_u128(7));
        let hidden = app.call(&other, "proposeMultiPlatform", guess(&red.report), CASE).await;
        let nothing = app.call(&other, "proposeMultiPlatform", guess(&absent), CASE).await;
        assert_eq!(code(&hidden), "NOT_FOUND");
        assert_eq!(hidden["errors"][0]["message"], nothing["errors"][0]["message"]);
        let owner = app.token(Role::Analyst, "analyst-1");
        let mut input = guess(&red.report);
        input["expectedVersion"] = app.node(&owner, src.as_str().unwrap(), "Report", "event { version }").await["event"]["version"].clone();
        let case = app.made(&owner, "proposeMultiPlatform", input, CASE).await;
        assert!(app.node(&other, case["id"].as_str().unwrap(), "MultiPlatform", "id").await.is_null());
        let count = "{ multiPlatforms { totalCount nodes { id } } }";
        let listed = app.graphql(&other, count, Value::Null).await;
        assert_eq!(listed["data"]["multiPlatforms"], json!({ "totalCount": 0, "nodes": [] }));
        let entries = "{ audit { nodes { action details reason } } }";
        let trail = app.graphql(&app.token(Role::Auditor, "auditor-1"), entries, Value::Null).await.to_string();
        assert!(trail.contains("a guess"), "the auditor reads why: {trail}");
        let leader = app.graphql(&app.token(Role::Leader, "leader-1"), count, Value::Null).await;
        assert_eq!(leader["data"]["multiPlatforms"]["totalCount"], 1);

        // The event that the other one sees has no payout, and no entry of it.
        let trail = app.graphql(&other, entries, Value::Null).await["data"]["audit"]["nodes"].to_string();
        assert!(trail.contains("receiveReport") && !trail.contains("MultiPlatform"), "{trail}");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_such_case_is_refused() {
    on_both(|app| async move {
        with_money(&app, "10000").await;
        let (one, _) = confirmed(&app, "src", "SRC-1", "reporter-1", "AMBER").await;
        app.advance(TimeDelta::hours(1));
        let by_analyst = json!({ "channel": "src", "reporter": { "name": "One of us", "subject": "analyst-1" } });
        let two = Story::receive(&app, "SRC-2", by_analyst).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (version, two) = (two.version().await, json!(two.report));
        let input = |report: &Value, other: &Value, version: &Value| {
            json!({ "report": report, "otherReport": other, "expectedVersion": version, "evidence": "alike" })
        };
        let same = app.call(&analyst, "proposeMultiPlatform", input(&two, &one, &version), CASE).await;
        assert_eq!(code(&same), "CONTRADICTION", "one channel: {same}");
        let cnvd = Story::receive(&app, "CNVD-1", json!({})).await;
        let stale = app.call(&analyst, "proposeMultiPlatform", input(&two, &json!(cnvd.report), &json!(0)), CASE).await;
        assert_eq!(code(&stale), "CONFLICT", "{stale}");
        let own = app.call(&analyst, "proposeMultiPlatform", input(&two, &json!(cnvd.report), &version), CASE).await;
        assert_eq!(code(&own), "FOUR_EYES", "they reported it themselves: {own}");
        let empty = json!({ "report": two, "otherReport": cnvd.report, "expectedVersion": version, "evidence": " " });
        assert_eq!(code(&app.call(&analyst, "proposeMultiPlatform", empty, CASE).await), "BAD_USER_INPUT");
    })
    .await;
}

#[tokio::test]
async fn of_a_case_and_a_handing_over_at_once_the_payout_waits_in_the_end() {
    on_both(|app| async move {
        let twice = Twice::new(&app).await;
        let accept = json!({ "payout": twice.payout.id });
        call(&app, (Role::Reporter, "reporter-1"), "acceptPayout", accept).await;
        let sync = json!({ "payout": twice.payout.id, "attempt": 1 });
        let input = twice.input().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (case, _) = join(
            app.call(&analyst, "proposeMultiPlatform", input, CASE),
            call(&app, (Role::Src, "src-1"), "markPayoutSynced", sync),
        )
        .await;
        assert_eq!(case["userErrors"], json!([]), "{case}");
        assert_eq!(twice.held(&analyst).await["state"], "ON_HOLD");
    })
    .await;
}
