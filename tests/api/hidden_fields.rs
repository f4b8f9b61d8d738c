//! A field that a role may not read changes no answer of that role: two products that differ in nothing else answer
//! alike. Ids, numbers and times are seeded, so that the two can be compared to the last character.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::TestApp;
use crate::leaks::{all_answers, are_equal, schema_of};
use crate::story::Story;

/// What is hidden from some.
#[derive(Clone, Copy)]
struct Secrets {
    reporter: &'static str,
    text: &'static str,
    draft: &'static str,
    comment: &'static str,
    message: &'static str,
    payout: &'static str,
}

const USUAL: Secrets = Secrets {
    reporter: "somebody",
    text: "Open the page twice",
    draft: "We could reproduce it",
    comment: "Ask the gateway team",
    message: "Which version is it?",
    payout: "500.00",
};

/// The people who see something of the event, by what brought them to it.
fn people(app: &TestApp) -> Vec<(Role, String)> {
    [
        (Role::Admin, "admin-1"),
        (Role::Engineer, "engineer-1"),
        (Role::Support, "support-1"),
        (Role::AccountManager, "account-manager-1"),
        (Role::Legal, "legal-1"),
        (Role::PublicRelations, "public-relations-1"),
        (Role::Finance, "finance-1"),
        (Role::Reporter, "reporter-1"),
        (Role::Reporter, "reporter-2"),
        (Role::Ticketing, "ticketing-1"),
        (Role::Src, "src-1"),
        (Role::Leader, "leader-1"),
    ]
    .map(|(role, subject)| (role, app.token_in_scope(role, subject)))
    .to_vec()
}

/// Everything that people with `roles` are answered over one event with these secrets.
async fn world(secrets: Secrets, roles: &[Role]) -> Vec<(Role, Vec<(String, Value)>)> {
    let app = TestApp::sqlite().await;
    let schema = schema_of(&app).await;
    app.with_company().await;
    let product = app.with_core_router().await;
    let email = format!("{}@example.org", secrets.reporter);
    let reporter = json!({ "name": secrets.reporter, "email": email, "subject": "reporter-1" });
    let input = json!({ "reporter": reporter, "text": secrets.text });
    let story = Story::receive(&app, "CNVD-1", input).await;
    story.confirm().await;
    story.product(&product, "AFFECTED").await;
    story.widen().await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let comment = json!({ "event": story.event, "body": secrets.comment });
    let comment = app.made(&analyst, "comment", comment, "id").await;
    let reply = story.draft("VERDICT").await;
    let revise = json!({ "reply": reply["id"], "expectedVersion": reply["version"], "body": secrets.draft });
    app.made(&analyst, "reviseReply", revise, "id").await;
    // A database is not written to: the message is to the same reporter, who came through another channel too.
    let vendor = json!({
        "key": "vendor", "name": "vendor", "kind": "VENDOR", "jurisdiction": "CN", "abroad": false, "replyRequired": false,
    });
    app.made(&app.token(Role::Admin, "admin-1"), "createChannel", vendor, "id").await;
    let again = json!({
        "channel": "vendor", "joinEvent": story.event, "text": "The same",
        "reporter": { "name": "somebody else", "subject": "reporter-1" },
    });
    let again = Story::receive(&app, "VENDOR-1", again).await;
    let message = json!({ "report": again.report, "body": secrets.message });
    let message = app.made(&analyst, "messageReporter", message, "id").await;
    let cells = ["CORE", "GENERAL", "EDGE"]
        .map(|tier| json!({ "assetTier": tier, "severity": "HIGH", "minimum": "1", "maximum": "1000" }));
    let grid = json!({ "currency": "CNY", "cells": cells });
    app.made(&app.token(Role::Admin, "admin-1"), "createRewardGrid", grid, "id").await;
    let proposal = json!({
        "kind": "BOUNTY", "report": story.report, "amount": secrets.payout, "currency": "CNY", "rationale": "By the grid",
    });
    let payout = app.made(&analyst, "proposePayout", proposal, "id").await;
    let ids = [&comment["id"], &message["id"], &reply["id"], &payout["id"]]
        .map(|id| id.as_str().unwrap().to_owned());
    let ids = [ids.to_vec(), vec![story.event.clone(), story.report.clone()]].concat();
    let mut answers = Vec::new();
    for (role, token) in people(&app).into_iter().filter(|(role, _)| roles.contains(role)) {
        let of_role = all_answers(&app, &schema, &token, &ids, std::slice::from_ref(&story.number)).await;
        answers.push((role, of_role));
    }
    answers
}

#[tokio::test]
async fn what_a_role_may_not_read_changes_none_of_its_answers() {
    use Role::{
        AccountManager, Admin, Engineer, Finance, Legal, PublicRelations, Reporter, Src, Support, Ticketing,
    };
    let usual = world(USUAL, &Role::ALL).await;
    let of_name = vec![
        Admin,
        Finance,
        Ticketing,
        Src,
        Engineer,
        Support,
        AccountManager,
        Legal,
        PublicRelations,
        Reporter,
    ];
    let cases = [
        ("the reporter's name", Secrets { reporter: "nobody", ..USUAL }, of_name),
        (
            "the report as received",
            Secrets { text: "Close the page once", ..USUAL },
            vec![Src, Engineer, Support, AccountManager, Legal, PublicRelations],
        ),
        (
            "a draft",
            Secrets { draft: "We could not reproduce it", ..USUAL },
            vec![Src, Engineer, Support, AccountManager, Reporter],
        ),
        (
            "an internal comment",
            Secrets { comment: "Ask the router team", ..USUAL },
            vec![Src, Finance, Reporter],
        ),
        (
            "a message to the reporter",
            Secrets { message: "Which model is it?", ..USUAL },
            vec![Src, Engineer],
        ),
        (
            "what is proposed to be paid",
            Secrets { payout: "700.00", ..USUAL },
            vec![Admin, Ticketing, Src, Engineer, Support, AccountManager, Legal, PublicRelations, Reporter],
        ),
    ];
    for (what, secrets, blind) in cases {
        let other = world(secrets, &[&blind[..], &[Role::Leader]].concat()).await;
        let mut told = Vec::new();
        let compared = usual.iter().filter(|(role, _)| blind.contains(role) || *role == Role::Leader);
        for ((role, before), (_, after)) in compared.zip(&other) {
            if blind.contains(role) {
                are_equal(before, after, &format!("{what} is told to {role} by"));
            } else if before != after {
                told.push(*role);
            }
        }
        assert!(told.contains(&Role::Leader), "{what} is in no answer at all");
    }
}

#[tokio::test]
async fn filters_that_would_tell_a_hidden_field_are_refused() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    let channel = app.channel("cnvd").await;
    let documents = [
        "{ events(filter: { channelNumber: \"CNVD-1\" }) { totalCount } }".to_owned(),
        "{ events(filter: { channelNumberPrefix: \"C\" }) { nodes { id } } }".to_owned(),
        format!("{{ events(filter: {{ channel: \"{channel}\" }}) {{ totalCount }} }}"),
        "{ reports(number: \"CNVD-1\") { totalCount } }".to_owned(),
        "{ reporters { totalCount } }".to_owned(),
    ];
    let roles = [Role::Engineer, Role::Support, Role::AccountManager, Role::Legal, Role::PublicRelations];
    for role in roles {
        let token = app.token_in_scope(role, "somebody-1");
        for document in &documents {
            let answer = app.graphql(&token, document, Value::Null).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role} {document}");
        }
    }
    let analyst = app.token(Role::Analyst, "analyst-1");
    for document in &documents {
        let answer = app.graphql(&analyst, document, Value::Null).await;
        assert!(answer["errors"].is_null(), "{document}: {answer}");
    }
}
