//! What follows from a change elsewhere: on other events, for other people, and when time passes.

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vulndesk::auth::Role;
use vulndesk::outbox::MessageKind;
use vulndesk::schedule;

use crate::harness::{TestApp, on_both};

/// An event as its tests go on with it.
struct Handled<'a> {
    app: &'a TestApp,
    id: String,
    number: String,
    report: String,
}

impl<'a> Handled<'a> {
    async fn received(app: &'a TestApp, number: &str, tlp: &str) -> Self {
        let received = app.receive("analyst-1", "cnvd", number, tlp).await;
        Self { app, id: received.event, number: received.number, report: received.report }
    }

    async fn triaging(app: &'a TestApp, number: &str, tlp: &str) -> Self {
        let event = Self::received(app, number, tlp).await;
        event.step("startTriage", "EventMove", json!({})).await;
        event
    }

    /// Calls an event mutation as analyst-1 with the present version and answers its payload.
    async fn step(&self, mutation: &str, kind: &str, mut input: Value) -> Value {
        input["event"] = json!(self.id);
        input["expectedVersion"] = self.look("version").await["version"].clone();
        let analyst = self.app.token(Role::Analyst, "analyst-1");
        self.app.change(&analyst, mutation, kind, input, "event { id }").await
    }

    async fn verdict(&self, verdict: Value) -> Value {
        let mut input = verdict;
        input["rationale"] = json!("as analysed");
        self.step("giveVerdict", "GiveVerdict", input).await
    }

    /// Reads it as a leader, who sees every event.
    async fn look(&self, fields: &str) -> Value {
        let leader = self.app.token(Role::Leader, "leader-1");
        let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {{ {fields} }} }} }}");
        let answer = self.app.graphql(&leader, &document, json!({ "id": self.id })).await;
        answer["data"]["node"].clone()
    }
}

fn known_internally(fixing: Option<&str>) -> Value {
    json!({
        "verdict": "KNOWN_INTERNALLY", "internalFinding": "PT-2026-17", "firstKnownOn": "2026-02-01",
        "fixingEvent": fixing,
    })
}

/// The numbers of the events that a leader finds by what they are told of.
async fn attention(app: &TestApp, kind: &str) -> Value {
    let leader = app.token(Role::Leader, "leader-1");
    let document = format!("{{ events(filter: {{ attention: [{kind}] }}) {{ nodes {{ number }} }} }}");
    app.graphql(&leader, &document, Value::Null).await["data"]["events"]["nodes"].clone()
}

/// The data of the messages of `kind`.
async fn told(app: &TestApp, kind: MessageKind) -> Vec<Value> {
    let rows = entity::message::Entity::find().all(app.app.database.reader()).await.unwrap();
    rows.into_iter().filter(|row| row.kind == kind.as_str()).map(|row| row.data).collect()
}

#[tokio::test]
async fn what_was_known_inside_goes_on_beside_the_event_that_fixes_it() {
    on_both(|app| async move {
        app.with_company().await;
        let fixing = Handled::triaging(&app, "CNVD-2026-00001", "AMBER").await;
        fixing.verdict(json!({ "verdict": "CONFIRMED", "severity": "HIGH" })).await;
        let known = Handled::triaging(&app, "CNVD-2026-00002", "AMBER").await;
        let own = known.verdict(known_internally(Some(&known.id))).await;
        assert_eq!(own["userErrors"][0]["field"], "fixingEvent", "{own}");
        let given = known.verdict(known_internally(Some(&fixing.id))).await;
        assert_eq!(given["userErrors"], json!([]), "{given}");

        let fields = "status relatedEvents { number } verdicts { fixingEvent { number } } reports { id }";
        let seen = known.look(fields).await;
        assert_eq!(seen["status"], "RATING");
        assert_eq!(seen["verdicts"][0]["fixingEvent"]["number"], *fixing.number);
        assert_eq!(seen["relatedEvents"], json!([{ "number": fixing.number }]));
        assert_eq!(seen["reports"], json!([{ "id": known.report }]), "the report stays with its own event");
        assert_eq!(fixing.look(fields).await["relatedEvents"], json!([{ "number": known.number }]));

        // The chain ends with the event that is fixed, so the two never wait for each other.
        fixing.step("returnToTriage", "EventMove", json!({ "reason": "looked at again" })).await;
        let circle = fixing.verdict(known_internally(Some(&known.id))).await;
        assert_eq!(circle["userErrors"][0]["code"], "CONTRADICTION", "{circle}");
        let third = Handled::triaging(&app, "CNVD-2026-00003", "AMBER").await;
        third.verdict(known_internally(Some(&known.id))).await;
        let seen = third.look(fields).await;
        assert_eq!(seen["verdicts"][0]["fixingEvent"]["number"], *fixing.number);

        let secret = Handled::triaging(&app, "CNVD-2026-00004", "RED").await;
        let other = app.token(Role::Analyst, "analyst-2");
        let fourth = Handled::triaging(&app, "CNVD-2026-00005", "AMBER").await;
        let mut input = known_internally(Some(&secret.id));
        input["event"] = json!(fourth.id);
        input["expectedVersion"] = json!(2);
        input["rationale"] = json!("as analysed");
        let refused = app.change(&other, "giveVerdict", "GiveVerdict", input, "event { id }").await;
        assert_eq!(refused["userErrors"][0]["code"], "UNKNOWN_REFERENCE", "{refused}");
        let alone = fourth.verdict(known_internally(None)).await;
        assert_eq!(alone["userErrors"], json!([]), "{alone}");
        assert_eq!(
            fourth.look("status").await["status"],
            "RATING",
            "without a name it is the one that is fixed"
        );
    })
    .await;
}

#[tokio::test]
async fn an_event_that_lost_its_last_report_is_closed_and_says_why() {
    on_both(|app| async move {
        app.with_company().await;
        let target = Handled::triaging(&app, "CNVD-2026-00001", "RED").await;
        let emptied = Handled::received(&app, "CNVD-2026-00002", "AMBER").await;
        let duplicate = Handled::triaging(&app, "CNVD-2026-00003", "AMBER").await;
        duplicate.verdict(json!({ "verdict": "DUPLICATE", "originalEvent": emptied.id })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({ "report": emptied.report, "event": target.id, "expectedVersion": 1 });
        app.done(&analyst, "joinReport", "JoinReport", input, "report { id }").await;

        let fields = "status closedAt statusChanges { toStatus reason } obligations { state } reports { id } relatedEvents { number }";
        let seen = emptied.look(fields).await;
        assert_eq!((&seen["status"], &seen["obligations"]), (&json!("CLOSED"), &json!([])), "{seen}");
        assert!(seen["closedAt"].is_string());
        let closing = json!({ "toStatus": "CLOSED", "reason": "its last report was joined to another event" });
        assert!(seen["statusChanges"].as_array().unwrap().contains(&closing), "{seen}");
        assert_eq!(seen["relatedEvents"], json!([{ "number": target.number }]));
        let joined = target.look(fields).await;
        assert_eq!(joined["obligations"].as_array().map(Vec::len), Some(2), "{joined}");

        let original = duplicate.look("duplicateOf { number }").await;
        assert_eq!(original["duplicateOf"]["number"], *target.number, "what repeated it repeats the other");

        // Who does not see where it went learns that it went, and no more.
        let other = app.token(Role::Analyst, "analyst-2");
        let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {{ {fields} }} }} }}");
        let answer = app.graphql(&other, &document, json!({ "id": emptied.id })).await;
        assert_eq!(answer["data"]["node"]["relatedEvents"], json!([]));
        assert!(!answer.to_string().contains(&target.number), "{answer}");
        let reopened = emptied.step("reopenEvent", "EventMove", json!({ "reason": "it was another one" })).await;
        assert_eq!(reopened["userErrors"], json!([]), "{reopened}");
    })
    .await;
}

/// A vulnerability of the line "gateway", rated, with engineer-1 on it.
async fn rated(app: &TestApp) -> Handled<'_> {
    let event = Handled::triaging(app, "CNVD-2026-00001", "AMBER").await;
    event.verdict(json!({ "verdict": "CONFIRMED", "severity": "HIGH" })).await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let products = app.graphql(&analyst, "{ products { nodes { id } } }", Value::Null).await;
    let product = &products["data"]["products"]["nodes"][0]["id"];
    let affected =
        json!({ "event": event.id, "product": product, "state": "AFFECTED", "affectedVersions": "< 5.2" });
    app.done(&analyst, "setAffectedProduct", "SetAffectedProduct", affected, "event { id }").await;
    let each = |text: &str| {
        json!({
            "productImportance": text, "productReach": text, "publicOpinion": text, "exploitConditions": text,
            "actualImpact": text,
        })
    };
    let score = json!({ "factors": each("5"), "evidence": each("as measured") });
    event.step("scoreEvent", "ScoreEvent", score).await;
    let work = json!({ "function": "R_AND_D", "subject": "engineer-1", "line": "gateway" });
    let assigned = event.step("assign", "Assign", work).await;
    assert_eq!(assigned["userErrors"], json!([]), "{assigned}");
    event
}

#[tokio::test]
async fn who_leaves_the_team_leaves_their_work_and_a_leader_finds_the_line_without_anybody() {
    on_both(|app| async move {
        app.with_company().await;
        let event = rated(&app).await;
        assert_eq!(attention(&app, "ALL_DECLINED").await, json!([]));
        let team = event.look("version team { id subject }").await;
        let members = team["team"].as_array().unwrap();
        let member = members.iter().find(|row| row["subject"] == "engineer-1").unwrap();
        let leader = app.token(Role::Leader, "leader-1");
        let leave = json!({ "member": member["id"], "expectedVersion": team["version"], "reason": "moved" });
        app.done(&leader, "removeTeamMember", "RemoveTeamMember", leave, "event { id }").await;

        let left = event.look("assignments { state declineReason }").await;
        let why = "the assignee was taken off the team: moved";
        assert_eq!(left["assignments"], json!([{ "state": "DECLINED", "declineReason": why }]));
        assert_eq!(told(&app, MessageKind::AssignmentChanged).await.last().unwrap()["allDeclined"], true);
        assert_eq!(attention(&app, "ALL_DECLINED").await, json!([{ "number": event.number }]));
        let refused = event.step("startRemediation", "EventMove", json!({})).await;
        assert_eq!(refused["userErrors"][0]["code"], "MISSING_FACT", "{refused}");

        let work = json!({ "function": "R_AND_D", "subject": "engineer-2", "line": "gateway" });
        event.step("assign", "Assign", work).await;
        assert_eq!(attention(&app, "ALL_DECLINED").await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn an_accepted_risk_is_announced_once_and_ends_with_its_decision() {
    on_both(|app| async move {
        app.with_company().await;
        let event = rated(&app).await;
        event.step("startRemediation", "EventMove", json!({})).await;
        let (analyst, leader) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Leader, "leader-1"));
        let ask = json!({ "event": event.id, "kind": "ACCEPT_RISK", "line": "gateway", "question": "May it stay?" });
        let asked = app.done(&analyst, "askDecision", "AskDecision", ask, "decision { id version }").await;
        let fix = event.look("remediations { id version }").await["remediations"][0].clone();
        let accept = json!({ "remediation": fix["id"], "expectedVersion": fix["version"], "decision": asked["decision"]["id"] });
        let early = app.change(&analyst, "acceptRisk", "AcceptRisk", accept.clone(), "remediation { id }").await;
        assert!(early["userErrors"][0]["message"].as_str().unwrap().contains("not decided yet"), "{early}");
        let record = json!({
            "decision": asked["decision"]["id"], "expectedVersion": 1, "granted": true, "outcome": "accepted",
            "expiresAt": app.now() + TimeDelta::days(60),
        });
        app.done(&leader, "recordDecision", "RecordDecision", record, "decision { id }").await;
        app.done(&analyst, "acceptRisk", "AcceptRisk", accept, "remediation { state }").await;
        assert_eq!(event.look("status").await["status"], "REPLYING");

        let expiring = || async {
            let told = told(&app, MessageKind::DecisionChanged).await;
            told.iter().filter(|data| data["expiring"] == true).count()
        };
        app.advance(TimeDelta::days(30) - TimeDelta::microseconds(1));
        assert_eq!(schedule::sweep(&app.app).await.unwrap().failed, 0);
        assert_eq!(expiring().await, 0);
        assert_eq!(attention(&app, "RISK_EXPIRING").await, json!([]));
        app.advance(TimeDelta::microseconds(1));
        let before = event.look("version").await;
        // The task of a process that is told to stop makes the sweep that it has begun.
        let stopped = CancellationToken::new();
        stopped.cancel();
        schedule::run(std::sync::Arc::clone(&app.app), stopped).await;
        assert_eq!(expiring().await, 1);
        assert_eq!(event.look("version").await, before, "nobody's form is stale by it");
        assert_eq!(schedule::sweep(&app.app).await.unwrap(), schedule::Swept::default());
        assert_eq!(expiring().await, 1, "told once");
        assert_eq!(attention(&app, "RISK_EXPIRING").await, json!([{ "number": event.number }]));

        // Long after the minute, by two replicas at once.
        app.advance(TimeDelta::days(40));
        let (one, other) = tokio::join!(schedule::sweep(&app.app), schedule::sweep(&app.app));
        assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0));
        let seen = event.look("status pass statusChanges { toStatus reason changedBy } remediations { state }").await;
        assert_eq!((&seen["status"], &seen["pass"]), (&json!("REMEDIATING"), &json!(1)), "{seen}");
        assert_eq!(seen["remediations"], json!([{ "state": "PLANNED" }]));
        let moves = seen["statusChanges"].as_array().unwrap();
        let reason = "the decision that accepted the risk of line gateway expired";
        let returned: Vec<_> = moves.iter().filter(|row| row["reason"] == reason).collect();
        assert_eq!(returned.len(), 1, "{seen}");
        assert_eq!(returned[0]["changedBy"], "vulndesk");
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
    })
    .await;
}

#[tokio::test]
async fn nobody_but_a_leader_names_a_person_of_a_red_event() {
    on_both(|app| async move {
        app.with_company().await;
        let event = Handled::triaging(&app, "CNVD-2026-00001", "RED").await;
        event.verdict(json!({ "verdict": "NOT_REPRODUCIBLE" })).await;
        let work = json!({ "function": "LEGAL", "subject": "legal-1" });
        let refused = event.step("assign", "Assign", work).await;
        assert_eq!(refused["userErrors"][0]["code"], "NEEDS_LEADER", "{refused}");

        let analyst = app.token(Role::Analyst, "analyst-1");
        let open = event.look("version obligations { id }").await;
        let draft = json!({
            "event": event.id, "expectedVersion": open["version"], "obligations": [open["obligations"][0]["id"]],
            "kind": "VERDICT", "subject": "Our verdict", "body": "We looked at it.",
        });
        let drafted = app.done(&analyst, "draftReply", "DraftReply", draft, "reply { id version }").await;
        let ask = json!({ "reply": drafted["reply"]["id"], "expectedVersion": 1, "reviewer": "legal-1" });
        let refused =
            app.change(&analyst, "requestReplyReview", "RequestReplyReview", ask.clone(), "reply { id }").await;
        assert_eq!(refused["userErrors"][0]["code"], "NEEDS_LEADER", "{refused}");
        assert_eq!(refused["userErrors"][0]["field"], "reviewer", "{refused}");
        let legal = app.token(Role::Legal, "legal-1");
        let events = app.graphql(&legal, "{ events { totalCount } }", Value::Null).await;
        assert_eq!(events["data"]["events"]["totalCount"], 0);

        let leader = app.token(Role::Leader, "leader-1");
        let version = event.look("version").await["version"].clone();
        let name = json!({ "event": event.id, "expectedVersion": version, "subject": "legal-1", "function": "LEGAL" });
        app.done(&leader, "addTeamMember", "AddTeamMember", name, "event { id }").await;
        app.done(&analyst, "requestReplyReview", "RequestReplyReview", ask, "reply { id }").await;
    })
    .await;
}

#[tokio::test]
async fn who_owns_an_action_item_ends_it_from_outside_the_team() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "src", "SRC-1", "AMBER").await;
        let event = Handled {
            app: &app,
            id: received.event,
            number: received.number,
            report: received.report,
        };
        event.step("startTriage", "EventMove", json!({})).await;
        event.verdict(json!({ "verdict": "SPAM" })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (leader, owner) = (app.token(Role::Leader, "leader-1"), app.token(Role::Engineer, "engineer-9"));
        let owed = event.look("obligations { id }").await["obligations"].as_array().unwrap().clone();
        for owed in owed {
            let waive = json!({ "obligation": owed["id"], "expectedVersion": event.look("version").await["version"], "reason": "spam", "legalGround": "no notice" });
            app.done(&leader, "waiveObligation", "WaiveObligation", waive, "obligation { id }").await;
        }
        event.step("startReview", "EventMove", json!({})).await;
        let item = json!({ "event": event.id, "item": { "title": "Filter it", "owner": "engineer-9", "dueOn": "2026-12-31" } });
        let added = app.done(&analyst, "addActionItem", "AddActionItem", item, "actionItem { id }").await;
        event.step("skipReview", "SkipReview", json!({ "reason": "spam" })).await;
        assert_eq!(event.look("status").await["status"], "CLOSED");

        let mine = "{ myActionItems(state: OPEN) { totalCount nodes { id title version } } events { totalCount } }";
        let answer = app.graphql(&owner, mine, Value::Null).await;
        assert_eq!(answer["data"]["myActionItems"]["totalCount"], 1, "{answer}");
        assert_eq!(answer["data"]["events"]["totalCount"], 0);
        let by_id = "query($id: ID!, $event: ID!) { node(id: $id) { id } event: node(id: $event) { id } }";
        let ids = json!({ "id": added["actionItem"]["id"], "event": event.id });
        let answer = app.graphql(&owner, by_id, ids.clone()).await;
        assert_eq!(answer["data"], json!({ "node": { "id": ids["id"] }, "event": null }));
        let stranger = app.token(Role::Engineer, "engineer-8");
        let answer = app.graphql(&stranger, by_id, ids.clone()).await;
        assert_eq!(answer["data"], json!({ "node": null, "event": null }));
        let done = json!({ "item": ids["id"], "expectedVersion": 1, "state": "DONE" });
        let hidden = app.change(&stranger, "updateActionItem", "UpdateActionItem", done.clone(), "actionItem { id }").await;
        assert_eq!(hidden["errors"][0]["extensions"]["code"], "NOT_FOUND", "{hidden}");
        app.done(&owner, "updateActionItem", "UpdateActionItem", done, "actionItem { state }").await;
    })
    .await;
}

#[tokio::test]
async fn nothing_names_a_reporter_who_was_erased_and_the_trail_holds() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({
            "channel": "src", "number": "SRC-1", "title": "A hole", "text": "Steps",
            "reporter": { "name": "Finder Name", "email": "finder@example.org", "subject": "finder-subject" },
        });
        let fields = "report { id event { id } reporter { id version } }";
        let received = app.done(&analyst, "receiveReport", "ReceiveReport", input, fields).await;
        let (report, event) = (received["report"]["id"].clone(), received["report"]["event"]["id"].clone());
        let triage = json!({ "event": event, "expectedVersion": 1 });
        app.done(&analyst, "startTriage", "EventMove", triage, "event { id }").await;
        let question = json!({ "event": event, "expectedVersion": 2, "report": report, "question": "Which version?" });
        app.done(&analyst, "askReporter", "AskReporter", question, "event { id }").await;
        let finder = app.token(Role::Reporter, "finder-subject");
        let words = json!({ "report": report, "text": "Version 5.1", "idempotencyKey": "once" });
        app.done(&finder, "addToReport", "AddToReport", words.clone(), "report { id }").await;
        app.done(&finder, "addToReport", "AddToReport", words, "report { id }").await;

        // The same person stands in another row too.
        let other = json!({ "channel": "src", "number": "SRC-2", "title": "Another", "reporter": { "name": "Night owl" } });
        let other = app.done(&analyst, "receiveReport", "ReceiveReport", other, "report { id }").await;
        let link = json!({ "report": other["report"]["id"], "subject": "finder-subject" });
        app.done(&analyst, "linkReporter", "LinkReporter", link, "reporter { id }").await;

        let leader = app.token(Role::Leader, "leader-1");
        let reporter = &received["report"]["reporter"];
        let erase = json!({ "reporter": reporter["id"], "expectedVersion": reporter["version"], "reason": "asked for it" });
        app.done(&leader, "eraseReporter", "EraseReporter", erase, "reporter { id }").await;

        let mut left = String::new();
        macro_rules! rows {
            ($($table:ident)+) => {$({
                let rows = entity::$table::Entity::find().all(app.app.database.reader()).await.unwrap();
                assert!(stringify!($table) == "idempotency" || !rows.is_empty(), "{} is empty", stringify!($table));
                left.push_str(&format!("{rows:?}"));
            })+};
        }
        rows!(audit_entry comment event event_access idempotency message obligation principal report
            report_version reporter status_change);
        for personal in ["finder-subject", "Finder Name", "Night owl", "finder@example.org"] {
            assert!(!left.contains(personal), "{personal} is still kept");
        }
        assert!(left.contains("reporter:"), "who added the words is known by id");
        let said = "query($id: ID!) { node(id: $id) { ... on Event { comments { nodes { body author fromReporter } } } } }";
        let answer = app.graphql(&leader, said, json!({ "id": event })).await;
        let comments = answer["data"]["node"]["comments"]["nodes"].as_array().unwrap().clone();
        let words = json!({ "body": "Version 5.1", "author": null, "fromReporter": true });
        assert_eq!(comments.iter().filter(|comment| **comment == words).count(), 1, "{answer}");
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");

        // A reporter's trail is no configuration.
        let trail = "{ audit(aggregateKind: \"reporter\") { nodes { action reason } } }";
        let admin = app.token(Role::Admin, "admin-1");
        let answer = app.graphql(&admin, trail, Value::Null).await;
        assert_eq!(answer["data"]["audit"]["nodes"], json!([]), "{answer}");
        let answer = app.graphql(&leader, trail, Value::Null).await;
        let erased = json!({ "action": "eraseReporter", "reason": "asked for it" });
        assert!(answer["data"]["audit"]["nodes"].as_array().unwrap().contains(&erased), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn our_own_fault_is_told_with_the_id_of_the_request() {
    on_both(|app| async move {
        app.owner().execute_unprepared("DROP TABLE duty").await.unwrap();
        let admin = app.token(Role::Admin, "admin-1");
        let answer = app.graphql(&admin, "{ duties { nodes { id } } }", Value::Null).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "INTERNAL", "{answer}");
        assert!(error["extensions"]["requestId"].is_string(), "{answer}");
        assert!(!answer.to_string().contains("duty"), "{answer}");
    })
    .await;
}
