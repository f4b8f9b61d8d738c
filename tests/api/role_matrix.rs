//! Who may call what and read what, found by calling everything as everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};
use vulndesk::auth::policy::Action;
use vulndesk::auth::{Actor, Role};
use vulndesk::{executor, graphql};

use crate::generate::Schema;
use crate::harness::{TestApp, on_both};
use crate::leaks::{every_query, schema_of};
use crate::{
    advisories, candidates, deadlines, files, live, mails, multi_platform, pictures, replies, rich, tickets,
};

/// How an answer reads in the matrix: `-` when the role may never, `yes` when something else decides.
fn outcome(answer: &Value) -> &'static str {
    let codes =
        answer["errors"].as_array().into_iter().flatten().map(|error| error["extensions"]["code"].as_str());
    let mut outcome = "yes";
    for code in codes {
        match code {
            Some("FORBIDDEN") => return "-",
            Some("NOT_FOUND" | "BAD_USER_INPUT" | "CONFLICT") => {}
            // An id of another kind would hide whether the role may: name the argument in generate.rs.
            other => panic!("unexpected code {other:?} in {answer}"),
        }
        outcome = "yes";
    }
    outcome
}

/// The roles for which each operation of the schema is not forbidden.
async fn operations(app: &TestApp, schema: &Schema) -> Vec<(&'static str, String, Vec<Role>)> {
    let mut found = Vec::new();
    for (kind, root) in [("query", "Query"), ("mutation", "Mutation")] {
        for field in schema.fields_of(root) {
            let (document, variables) = schema.operation(kind, &field, 1);
            let mut may = Vec::new();
            for role in Role::ALL {
                let token = app.token(role, &format!("{}-1", role.name().to_lowercase()));
                let answer = app.graphql(&token, &document, variables.clone()).await;
                if outcome(&answer) == "yes" {
                    may.push(role);
                }
            }
            found.push((kind, field.name, may));
        }
    }
    for field in schema.fields_of("Subscription") {
        let (document, _) = schema.operation("subscription", &field, 1);
        let mut may = Vec::new();
        for role in Role::ALL {
            let actor = Actor::operator(&format!("{}-1", role.name().to_lowercase()), [role]);
            let enrolled =
                executor::enrol(&graphql::schema(), &app.app, actor, document.as_str().into()).await;
            let answer = enrolled.err().map(|refused| serde_json::to_value(refused).unwrap());
            if outcome(&answer.unwrap_or_default()) == "yes" {
                may.push(role);
            }
        }
        found.push(("subscription", field.name, may));
    }
    found
}

#[tokio::test]
async fn every_operation_is_refused_to_whom_the_snapshot_says() {
    on_both(|app| async move {
        let schema = schema_of(&app).await;
        let mut matrix = String::new();
        for (kind, name, may) in operations(&app, &schema).await {
            let roles: Vec<_> = may.into_iter().map(Role::name).collect();
            let _ = writeln!(matrix, "{kind} {name:24} {}", roles.join(" "));
        }
        insta::assert_snapshot!("operations", matrix);
    })
    .await;
}

/// A mutation whose input decides who may: here the first kind of reply, which is no statement.
const DECIDED_BY_INPUT: [&str; 1] = ["draftReply"];

#[tokio::test]
async fn every_mutation_is_an_action_of_the_policy_and_open_to_exactly_its_roles() {
    let app = TestApp::sqlite().await;
    let schema = schema_of(&app).await;
    let mut actions: BTreeSet<&str> = Action::ALL.iter().map(|action| action.name()).collect();
    for (_, name, may) in operations(&app, &schema).await.into_iter().filter(|(kind, ..)| *kind == "mutation")
    {
        let action = Action::ALL.iter().find(|action| action.name() == name);
        let action = action.unwrap_or_else(|| panic!("{name} is no action of the policy table"));
        actions.remove(action.name());
        let allowed: BTreeSet<Role> = action.roles().iter().copied().collect();
        let found: BTreeSet<Role> = may.into_iter().collect();
        if DECIDED_BY_INPUT.contains(&name.as_str()) {
            assert!(found.is_subset(&allowed), "{name}");
        } else {
            assert_eq!(found, allowed, "{name}");
        }
    }
    let rest: Vec<_> = actions.into_iter().filter(|name| !name.starts_with("read")).collect();
    assert_eq!(
        rest,
        [
            "acknowledgeReport",
            "addAttachment",
            "addReplyProof",
            "anchorTrail",
            "announceAccountLapse",
            "announceRiskExpiry",
            "endMultiPlatformHold",
            "expireRisk",
            "handOverReply",
            "importReports",
            "indexForSearch",
            "indexReports",
            "intake mail",
            "lookAtPictures",
            "recountDeadlines",
            "replies bounce",
            "secrets rotate",
            "syncTicket",
            "tellDeadline",
            "tellTrouble",
            "weighTerms"
        ],
        "an action that no mutation stands for; these come by the schedule or the command line"
    );
}

/// What only an import makes; the importer's tests read it.
const ONLY_IMPORTED: &str = "SourceField";

/// Types that only carry others.
fn is_carrier(name: &str) -> bool {
    name.starts_with("__")
        || ["Query", "Mutation", "Subscription", "PageInfo", "UserError", "Viewer"].contains(&name)
        || ["Payload", "Connection", "Edge"].iter().any(|end| name.ends_with(end))
}

/// Adds `role` to each field of a type that has a value below `answer`.
fn note_fields(answer: &Value, role: Role, found: &mut BTreeMap<String, BTreeSet<Role>>) {
    match answer {
        Value::Object(fields) => {
            if let Some(kind) = fields.get("__typename").and_then(Value::as_str) {
                for (name, value) in fields.iter().filter(|(name, _)| *name != "__typename") {
                    let roles = found.entry(format!("{kind}.{name}")).or_default();
                    if !value.is_null() {
                        roles.insert(role);
                    }
                }
            }
            fields.values().for_each(|value| note_fields(value, role, found));
        }
        Value::Array(items) => items.iter().for_each(|item| note_fields(item, role, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_field_has_a_value_for_whom_the_snapshot_says() {
    on_both(|app| async move {
        let schema = schema_of(&app).await;
        let story = rich::event(&app, "cnvd", "AMBER").await;
        let run = rich::money(&app, &story).await;
        let mut found = BTreeMap::new();
        let admin = app.token(Role::Admin, "admin-1");
        let duty = json!({
            "function": "SECURITY", "subject": "analyst-1", "deputy": "analyst-2",
            "startsAt": "2026-03-01T00:00:00Z", "endsAt": "2026-04-01T00:00:00Z",
        });
        app.made(&admin, "addDuty", duty, "id").await;
        let channels = app.graphql(&admin, "{ channels { nodes { id version } } }", Value::Null).await;
        for channel in channels["data"]["channels"]["nodes"].as_array().unwrap() {
            let account = json!({
                "channel": channel["id"], "expectedVersion": channel["version"], "login": "desk", "registeredContact": "analyst-1",
                "registeredEmail": "desk@example.org", "licenceDocument": "L-1", "validUntil": "2027-01-01",
            });
            let channel = app.made(&admin, "savePlatformAccount", account, "id version").await;
            let rotate = json!({ "channel": channel["id"], "expectedVersion": channel["version"] });
            app.done(&admin, "rotateHookSecret", "RotateHookSecret", rotate, "channel { id }").await;
        }
        for (number, channel) in channels["data"]["channels"]["nodes"].as_array().unwrap().iter().enumerate()
        {
            let seen = app.node(&admin, channel["id"].as_str().unwrap(), "Channel", "version").await;
            let route = json!({
                "channel": channel["id"], "expectedVersion": seen["version"], "email": "desk@example.org",
                "fromEmail": "psirt@example.com", "url": format!("https://platform{number}.example/replies"),
            });
            app.done(&admin, "setReplyRoute", "SetReplyRoute", route, "secret").await;
        }
        let worked = json!({
            "key": "team", "name": "The team's", "weekend": ["SUNDAY"], "byYear": false,
            "workingHours": [{ "from": "09:00", "to": "18:00" }],
        });
        app.made(&admin, "createCalendar", worked, "id").await;
        let same = candidates::of(&app, &story).await;
        let [case, payout] = multi_platform::of(&app, &story, &same[0]).await;
        replies::dispatched(&app, &story).await;
        mails::answer(&app, "cnvd", "<1@example.com>").await;
        let mail = mails::first(&story).await;
        files::of_every_kind(&app, &story, &app.channel("cnvd").await).await;
        pictures::look(&app).await;
        let template = json!({
            "key": "ours", "name": "Ours", "channel": app.channel("cnvd").await,
            "channelKind": "NATIONAL_DATABASE", "kind": "VERDICT", "regime": "cnvd", "stage": "report",
            "verdict": "CONFIRMED", "language": "zh-CN", "subject": "x", "body": "y", "required": ["contact"],
            "formats": ["TEXT"],
        });
        app.made(&admin, "createReplyTemplate", template, "key").await;
        let [tracker, ticket] = tickets::linked(&app, &story).await;
        let (endpoint, delivery) = app.dead_delivery(&story.event).await;
        let slow = deadlines::left_too_long(&app).await;
        let wider = json!({ "tlp": "GREEN", "reason": "the maker told everybody" });
        deadlines::step(&app, &slow, "setTlp", "SetTlp", wider).await;
        let told = advisories::ready(&app).await;
        for role in Role::ALL {
            let subject = format!("{}-1", role.name().to_lowercase().replace('_', "-"));
            let token = match role {
                Role::Src => app.mint(&[role], &subject, &[], Some("cnvd")),
                _ => app.token_in_scope(role, &subject),
            };
            let known = [
                ("Event", &story.event),
                ("Report", &story.report),
                ("Report", &same[0]),
                ("Report", &same[1]),
                ("ReportMail", &mail),
                ("BonusRun", &run),
                ("MultiPlatform", &case),
                ("Payout", &payout),
                ("WebhookEndpoint", &endpoint),
                ("WebhookDelivery", &delivery),
                ("Tracker", &tracker),
                ("Ticket", &ticket),
                ("Event", &slow),
            ];
            for (kind, id) in known {
                for selection in schema.selections(kind, 2) {
                    let document =
                        format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {selection} }} }}");
                    let answer = app.graphql(&token, &document, json!({ "id": id })).await;
                    assert!(answer["errors"].is_null(), "{answer}");
                    note_fields(&answer["data"], role, &mut found);
                }
            }
            let statement = "{ payoutReconciliation(channel: \"cnvd\", statement: []) {
                __typename agreed missing different extra } }";
            note_fields(&app.graphql(&token, statement, Value::Null).await["data"], role, &mut found);
            note_fields(&replies::preview(&app, &token, &story).await["data"], role, &mut found);
            let written = "query($number: String!) { exportAdvisory(number: $number, format: CSAF_2_1) { __typename advisory {
                __typename format text mediaType fileName version } } }";
            let written = app.graphql(&token, written, json!({ "number": told })).await;
            note_fields(&written["data"], role, &mut found);
            // Beyond the first page, after what is built in.
            let texts = "{ replyTemplates(first: 100) { __typename nodes { __typename stage channel { __typename } texts {
                __typename number subject body required formats author createdAt } } } }";
            note_fields(&app.graphql(&token, texts, Value::Null).await["data"], role, &mut found);
            app.change(&token, "createCalendarFeed", "CreateCalendarFeed", json!({}), "path").await;
            let deny = "mutation($input: DenyToken!) { denyToken(input: $input) { denial { __typename deniedAt until } } }";
            let of_token = json!({ "tokenId": "stolen", "expiresAt": app.now() + chrono::TimeDelta::hours(1), "reason": "It lay in a log" });
            let denied = app.graphql(&token, deny, json!({ "input": of_token })).await;
            note_fields(&denied["data"], role, &mut found);
            let counted = "{ known: calendarCheck(calendar: \"china\", from: \"2026-04-30T04:00:00Z\", amount: 4, pauses: [
                { from: \"2026-05-06T00:00:00Z\", to: \"2026-05-06T01:00:00Z\" }
            ]) { __typename computation {
                __typename anchor unit amount timeZone dayZero lastDay dueAt pauses { __typename from to }
                noted { __typename date counted name }
            } }
            unknown: calendarCheck(calendar: \"china\", from: \"2026-12-31T04:00:00Z\", amount: 1) {
                __typename missingYear missesWorkingHours
            } }";
            note_fields(&app.graphql(&token, counted, Value::Null).await["data"], role, &mut found);
            let foreseen = "query($input: Forecast!) { deadlineForecast(input: $input) { __typename
                deadlines { __typename opens kind regime rule channel { __typename id } line state anchor anchorAt dueAt noneReason }
                onDuty { __typename function subject deputy } } }";
            let input = json!({ "input": { "event": slow, "ifVerdict": "CONFIRMED", "ifLevel": "RED" } });
            note_fields(&app.graphql(&token, foreseen, input).await["data"], role, &mut found);
            for figures in [
                "{ leaderboard(period: \"2026-03\") { __typename from until named csv places { __typename place name accepted
                    points own reporters { __typename } } } }",
                "{ monthlyReport(month: \"2026-03\") { __typename name mediaType text base64 charts { __typename name svg } } }",
                "{ statistics { __typename csv(table: EVENTS) } }",
            ] {
                note_fields(&app.graphql(&token, figures, Value::Null).await["data"], role, &mut found);
            }
            for words in ["hole", "router"] {
                let asked = "query($words: String!) { search(query: $words) { __typename nodes { __typename kind
                    item { __typename id } fragments { __typename field parts { __typename text matched } } } } }";
                let answer = app.graphql(&token, asked, json!({ "words": words })).await;
                note_fields(&answer["data"], role, &mut found);
            }
            for (_, answer) in every_query(&app, &schema, &token, &[]).await {
                note_fields(&answer["data"], role, &mut found);
            }
            let told = Actor {
                products: if role == Role::Engineer { ["core-router".to_owned()].into() } else { [].into() },
                channel: (role == Role::Src).then(|| "cnvd".into()),
                ..Actor::operator(&subject, [role])
            };
            for answer in live::every_told(&app, &schema, &told, &[&endpoint, &tracker]).await {
                note_fields(&answer["data"], role, &mut found);
            }
        }
        let mut matrix = String::new();
        let mut unread = Vec::new();
        for (kind, fields) in schema.objects().filter(|(kind, _)| !is_carrier(kind)) {
            for field in fields {
                let name = format!("{kind}.{field}");
                if !found.contains_key(&name) && kind != ONLY_IMPORTED {
                    unread.push(name);
                }
            }
        }
        assert!(unread.is_empty(), "nobody read these fields, so nothing is known of them: {unread:?}");
        for (name, roles) in found.iter().filter(|(name, _)| !is_carrier(name.split('.').next().unwrap())) {
            let roles: Vec<_> = roles.iter().map(|role| role.name()).collect();
            let _ = writeln!(matrix, "{name:40} {}", roles.join(" "));
        }
        insta::assert_snapshot!("fields", matrix);
    })
    .await;
}
