//! Notices to customers who did not report: of the products that they use, at home and abroad.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::schedule;

use crate::abroad::decide;
use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed, scored};

/// A customer of that name, who uses `product` where one is named.
async fn customer(app: &TestApp, key: &str, abroad: bool, product: Option<&str>) -> Value {
    let admin = app.token(Role::Admin, "admin-1");
    app.advance(TimeDelta::seconds(1));
    let input = json!({ "key": key, "name": key, "abroad": abroad, "accountManager": "account-manager-1" });
    let made = app.made(&admin, "createCustomer", input, "id version").await;
    if let Some(product) = product {
        link(app, "linkCustomer", &made, product).await;
    }
    made
}

async fn link(app: &TestApp, mutation: &str, customer: &Value, product: &str) {
    app.advance(TimeDelta::seconds(1));
    let input = json!({ "customer": customer["id"], "product": product });
    app.made(&app.token(Role::Admin, "admin-1"), mutation, input, "id").await;
}

/// A confirmed event of level YELLOW that affects `product`.
async fn affecting<'a>(app: &'a TestApp, number: &str, product: &str) -> Story<'a> {
    let story = Story::receive(app, number, json!({ "channel": "src" })).await;
    story.analyst("startTriage", json!({})).await;
    story.analyst("giveVerdict", confirmed()).await;
    story.product(product, "AFFECTED").await;
    story.analyst("scoreEvent", scored("7.5")).await;
    story
}

/// Whom notices are owed through and how they stand, oldest first, with why they were waived.
async fn owed(story: &Story<'_>) -> Vec<[String; 3]> {
    let rows = story.look("obligations { regime kind state waiveReason channel { key } }").await;
    let rows = rows["obligations"].as_array().unwrap().iter().filter(|row| row["regime"] == "CUSTOMER");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |row: &Value| {
        assert_eq!(row["kind"], "NOTIFICATION");
        [text(&row["channel"]["key"]), text(&row["state"]), text(&row["waiveReason"])]
    };
    rows.map(one).collect()
}

fn is(channel: &str, state: &str) -> [String; 3] {
    let why = if state == "WAIVED" { "it is no notice that a customer is owed any more" } else { "" };
    [channel, state, why].map(str::to_owned)
}

async fn is_asked(story: &Story<'_>) -> bool {
    let rows = story.look("decisions { kind }").await;
    rows["decisions"].as_array().unwrap().iter().any(|row| row["kind"] == "REPORT_ABROAD")
}

async fn is_sound(app: &TestApp) {
    let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
    assert!(report.is_sound(), "{report}");
}

#[tokio::test]
async fn a_customer_who_turns_out_to_be_abroad_is_judged_anew_at_once() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let bank = customer(&app, "bank", false, Some(&product)).await;
        let (first, second) =
            (affecting(&app, "SRC-1", &product).await, affecting(&app, "SRC-2", &product).await);
        let mut admin_sees = bank["version"].clone();
        for story in [&first, &second] {
            assert_eq!(owed(story).await, [is("customers", "OPEN")]);
            assert!(!is_asked(story).await);
        }
        let move_to = async |abroad: bool, version: &Value| {
            app.advance(TimeDelta::seconds(1));
            let input = json!({ "customer": bank["id"], "expectedVersion": version, "abroad": abroad });
            app.made(&app.token(Role::Admin, "admin-1"), "updateCustomer", input, "id version abroad").await
        };
        let moved = move_to(true, &admin_sees).await;
        assert_eq!(moved["abroad"], true);
        admin_sees = moved["version"].clone();
        for story in [&first, &second] {
            assert_eq!(owed(story).await, [is("customers", "WAIVED"), is("customers-abroad", "OPEN")]);
            assert!(is_asked(story).await, "whether it may go there is asked in the same change");
        }
        let swept = schedule::sweep(&app.app).await.unwrap();
        assert_eq!(swept.failed, 0);
        assert_eq!(schedule::sweep(&app.app).await.unwrap().done, 0, "the marks are found done");
        move_to(false, &admin_sees).await;
        assert_eq!(
            owed(&first).await,
            [is("customers", "WAIVED"), is("customers-abroad", "WAIVED"), is("customers", "OPEN")]
        );
        let clocks = first.look("deadlines { rule state dueAt }").await;
        let open = |row: &&Value| row["rule"] == "affected-customers" && row["state"] == "OPEN";
        let due: Vec<_> = clocks["deadlines"].as_array().unwrap().iter().filter(open).collect();
        assert_eq!(due.len(), 1, "{clocks}");
        assert!(due[0]["dueAt"].is_string(), "{clocks}");
        is_sound(&app).await;
    })
    .await;
}

#[tokio::test]
async fn who_uses_a_product_from_now_on_is_told_of_what_it_has_and_who_no_longer_does_is_not() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let story = affecting(&app, "SRC-1", &product).await;
        let bank = customer(&app, "bank", false, None).await;
        assert_eq!(owed(&story).await, [[""; 3]; 0]);
        link(&app, "linkCustomer", &bank, &product).await;
        assert_eq!(owed(&story).await, [is("customers", "OPEN")]);
        let clinic = customer(&app, "clinic", false, Some(&product)).await;
        link(&app, "unlinkCustomer", &bank, &product).await;
        assert_eq!(owed(&story).await, [is("customers", "OPEN")], "there is another");
        link(&app, "unlinkCustomer", &clinic, &product).await;
        assert_eq!(owed(&story).await, [is("customers", "WAIVED")]);

        // Recorded as affected by hand: one alone, and no more once their product is affected too.
        app.advance(TimeDelta::seconds(1));
        story.analyst("addAffectedCustomer", json!({ "customer": bank["id"] })).await;
        assert_eq!(owed(&story).await[1], is("customers", "OPEN"));
        let rows = story.look("obligations { regime product { key } customer { key } }").await;
        let rows = rows["obligations"].as_array().unwrap().iter().filter(|row| row["regime"] == "CUSTOMER");
        let whose: Vec<_> =
            rows.map(|row| (row["product"]["key"].clone(), row["customer"]["key"].clone())).collect();
        assert_eq!(whose, [(json!("core-router"), Value::Null), (Value::Null, json!("bank"))]);
        link(&app, "linkCustomer", &bank, &product).await;
        assert_eq!(owed(&story).await[1..], [is("customers", "WAIVED"), is("customers", "OPEN")]);
        app.advance(TimeDelta::seconds(1));
        story.product(&product, "NOT_AFFECTED").await;
        assert_eq!(
            owed(&story).await[2..],
            [is("customers", "WAIVED"), is("customers", "OPEN")],
            "recorded still"
        );
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(owed(&story).await.len(), 4, "planning again says nothing");
        is_sound(&app).await;
    })
    .await;
}

#[tokio::test]
async fn a_notice_at_home_waits_for_nobody_abroad_and_one_abroad_for_a_decision() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        customer(&app, "bank", false, Some(&product)).await;
        customer(&app, "banque", true, Some(&product)).await;
        let story = affecting(&app, "SRC-1", &product).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let notice = async |channel: &str| {
            let rows = story.look("version obligations { id state channel { key } }").await;
            let open = |row: &&Value| row["channel"]["key"] == channel && row["state"] == "OPEN";
            let owed = rows["obligations"].as_array().unwrap().iter().find(open).unwrap().clone();
            let fact = |name: &str, value: &str| json!({ "name": name, "value": value });
            let facts = [
                fact("user_measures", "Update"),
                fact("contact", "psirt@example.com"),
                fact("affected_versions", "5.1"),
            ];
            let draft = json!({
                "event": story.event, "expectedVersion": rows["version"], "obligations": [owed["id"]],
                "kind": "NOTIFICATION", "fromTemplate": { "facts": facts },
            });
            let reply = app.made(&analyst, "draftReply", draft, "id version body").await;
            let sent = json!({
                "reply": reply["id"], "expectedVersion": reply["version"], "receiptNumber": "C-1",
            });
            (reply, app.call(&analyst, "recordReplySent", sent, "state").await)
        };
        let (reply, sent) = notice("customers").await;
        assert_eq!(sent["reply"]["state"], "SENT", "{sent}");
        assert!(reply["body"].as_str().unwrap().contains("Core Router"), "{reply}");
        assert!(owed(&story).await.contains(&is("customers", "MET")));
        let (_, refused) = notice("customers-abroad").await;
        assert_eq!(refused["userErrors"][0]["code"], "NEEDS_LEADER", "{refused}");
        decide(&story, "REPORT_ABROAD", Some("ALLOW")).await;
        let (_, sent) = notice("customers-abroad").await;
        assert_eq!(sent["reply"]["state"], "SENT", "{sent}");
        assert!(owed(&story).await.contains(&is("customers-abroad", "MET")));
    })
    .await;
}

#[tokio::test]
async fn who_is_owed_a_notice_is_for_those_who_read_it() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let story = affecting(&app, "SRC-1", &product).await;
        let clinic = customer(&app, "clinic", false, None).await;
        story.analyst("addAffectedCustomer", json!({ "customer": clinic["id"] })).await;
        for (function, subject) in [("TECHNICAL_SERVICE", "support-1"), ("LEGAL", "legal-1")] {
            story.assign(function, subject, None).await;
        }
        story.assign("R_AND_D", "engineer-1", Some("router")).await;
        let seen = async |role: Role, subject: &str| {
            let fields = "obligations { regime customer { key } }";
            let rows = app.node(&app.token(role, subject), &story.event, "Event", fields).await;
            let rows = rows["obligations"].as_array().cloned()?;
            rows.into_iter().find(|row| row["regime"] == "CUSTOMER").map(|row| row["customer"]["key"].clone())
        };
        assert_eq!(seen(Role::Support, "support-1").await, Some(json!("clinic")));
        assert_eq!(seen(Role::Legal, "legal-1").await, Some(Value::Null), "the notice, and not whose it is");
        assert_eq!(seen(Role::Engineer, "engineer-1").await, None);
        assert_eq!(seen(Role::Support, "support-2").await, None, "nobody on the event");
    })
    .await;
}
