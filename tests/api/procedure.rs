//! The procedure, its races and what a page costs.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::deadlines::{affected, confirm};
use crate::harness::{TestApp, on_both};
use crate::story::{Story, scored};

#[tokio::test]
async fn of_twenty_moves_at_once_one_wins() {
    on_both(|app| async move {
        app.with_company().await;
        let received = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({ "event": received.event, "expectedVersion": 1 });
        let document = "mutation($input: EventMove!) { startTriage(input: $input) { event { version } userErrors { code } } }";
        let moves = (0..20).map(|_| app.graphql(&analyst, document, json!({ "input": input })));
        let answers = futures_util::future::join_all(moves).await;
        let won = answers.iter().filter(|answer| answer["data"]["startTriage"]["event"]["version"] == 2).count();
        let lost = answers.iter().filter(|answer| answer["errors"][0]["extensions"]["code"] == "CONFLICT").count();
        assert_eq!((won, lost), (1, 19), "{answers:?}");
        let auditor = app.token(Role::Auditor, "auditor-1");
        let trail = "query($event: ID!) { audit(event: $event) { nodes { action } } }";
        let answer = app.graphql(&auditor, trail, json!({ "event": received.event })).await;
        let actions = answer["data"]["audit"]["nodes"].as_array().unwrap();
        assert_eq!(actions.iter().filter(|entry| entry["action"] == "startTriage").count(), 1, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_move_reads_all_that_it_depends_on_at_once() {
    on_both(|app| async move {
        app.with_company().await;
        let router = app.with_core_router().await;
        // The first change of a process reads what clocks are counted by, the first request of a subject says that it was seen.
        let first = Story::receive(&app, "CNVD-2026-00001", json!({})).await;
        first.confirm().await;
        first.product(&router, "AFFECTED").await;
        let second = Story::receive(&app, "CNVD-2026-00002", json!({})).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let version = first.version().await;
        let moves = [("startTriage", &second.event, json!(1)), ("returnToTriage", &first.event, version)];
        for (name, event, version) in moves {
            let document = format!(
                "mutation($input: EventMove!) {{ {name}(input: $input) {{ event {{ status }} userErrors {{ code }} }} }}"
            );
            let input = json!({ "event": event, "expectedVersion": version, "reason": "once more" });
            let (answer, ran) =
                app.sql_of(app.graphql(&analyst, &document, json!({ "input": input }))).await;
            assert_eq!(answer["data"][name]["event"]["status"], "TRIAGING", "{answer}");
            // Whether the subject may act, and the event.
            let reads = ran.iter().filter(|sql| sql.starts_with("SELECT") && !sql.contains("INTO"));
            let reads: Vec<_> = reads.collect();
            assert_eq!(reads.len(), 2, "{ran:#?}");
            // Clocks wait neither for what is received nor for what is being analysed.
            let with_clocks = reads.iter().any(|sql| sql.contains("\"deadline\""));
            assert_eq!(with_clocks, name == "returnToTriage", "{ran:#?}");
            if app.app.database.postgres().is_some() {
                assert_eq!(ran.len(), 3, "{ran:#?}");
            }
        }
    })
    .await;
}

/// What a page asks of its events: rows of every kind that hang on one, and what these lead to.
const MUCH: &str = "number title allowedMoves { to missing } duplicateOf { number } relatedEvents { number }
    affectedProducts { state product { name } } affectedCustomers { customer { name } }
    verdicts { verdict } scores { rounded policyNumber } currentScore { rounded evidence { actualImpact } }
    assignments { function state } team { subject function } remediations { line state }
    worldFacts { kind } decisions { kind outcome } deadlines { kind channel { name } }
    obligations { kind state channel { name } } replies { kind state channel { name } obligations { kind } }
    reports { title text channel { name } reporter { name } indicators { value } } statusChanges { toStatus }";

/// An event with two or more of everything that [`MUCH`] asks for, with support-1 on it; `replies` of them are drafted.
async fn full<'a>(app: &'a TestApp, number: usize, products: &[String; 2], replies: usize) -> Story<'a> {
    let channel = if number.is_multiple_of(2) { "cnvd" } else { "src" };
    let reporter = json!({ "name": format!("finder {number}") });
    let indicators = json!([{ "kind": "CVE", "value": format!("CVE-2026-{number:04}") }, { "kind": "HOST", "value": "a.example" }]);
    let input = json!({ "channel": channel, "reporter": reporter, "indicators": indicators });
    let story = Story::receive(app, &format!("N-2026-{number:05}"), input.clone()).await;
    story.confirm().await;
    let mut second = input;
    second["joinEvent"] = json!(story.event);
    Story::receive(app, &format!("M-2026-{number:05}"), second).await;
    for product in products {
        story.product(product, "AFFECTED").await;
    }
    for (value, line) in [("5", "router"), ("5.5", "gateway")] {
        story.analyst("scoreEvent", scored(value)).await;
        story.assign("R_AND_D", "engineer-1", Some(line)).await;
    }
    story.assign("TECHNICAL_SERVICE", "support-1", None).await;
    for kind in ["PUBLICLY_KNOWN", "EXPLOIT_PUBLIC"] {
        let fact = json!({ "kind": kind, "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
        story.analyst("recordWorldFact", fact).await;
    }
    for reply in 0..replies {
        let seen = story.look("version reports { channel { id } }").await;
        let draft = json!({
            "event": story.event, "expectedVersion": seen["version"], "kind": "THANKS",
            "channel": seen["reports"][0]["channel"]["id"], "subject": format!("Thanks {reply}"), "body": "A long body",
        });
        app.made(&app.token(Role::Analyst, "analyst-1"), "draftReply", draft, "id").await;
    }
    if number.is_multiple_of(3) {
        story.analyst("startRemediation", json!({})).await;
    }
    story
}

#[tokio::test]
async fn a_page_costs_the_same_whatever_its_size() {
    on_both(|app| async move {
        app.with_company().await;
        let router = app.with_core_router().await;
        let products = app
            .graphql(&app.token(Role::Admin, "admin-1"), "{ products { nodes { id line } } }", Value::Null)
            .await;
        let nodes = products["data"]["products"]["nodes"].as_array().unwrap();
        let gateway = nodes.iter().find(|node| node["line"] == "gateway").unwrap()["id"].as_str().unwrap();
        let products = [router, gateway.to_owned()];
        let mut last: Option<String> = None;
        for number in 1..=12 {
            let story = full(&app, number, &products, 2 + number % 3).await;
            if let Some(last) = last {
                story.analyst("linkEvents", json!({ "other": last })).await;
            }
            last = Some(story.event.clone());
        }
        for (role, subject) in [(Role::Analyst, "analyst-1"), (Role::Support, "support-1")] {
            let token = app.token(role, subject);
            let page = |first: usize| format!("{{ events(first: {first}) {{ nodes {{ {MUCH} }} }} }}");
            // The first request of a subject records that it was seen.
            app.graphql(&token, &page(1), Value::Null).await;
            let (small, of_three) = app.sql_of(app.graphql(&token, &page(3), Value::Null)).await;
            let (large, of_twelve) = app.sql_of(app.graphql(&token, &page(12), Value::Null)).await;
            assert_eq!(small["data"]["events"]["nodes"].as_array().map(Vec::len), Some(3), "{small}");
            let nodes = large["data"]["events"]["nodes"].as_array().unwrap();
            assert_eq!(nodes.len(), 12, "{large}");
            for list in ["affectedProducts", "scores", "assignments", "team", "verdicts", "worldFacts"] {
                let least = if list == "verdicts" { 1 } else { 2 };
                assert!(
                    nodes.iter().all(|node| node[list].as_array().unwrap().len() >= least),
                    "{list}: {large}"
                );
            }
            if role == Role::Analyst {
                for list in ["replies", "obligations", "reports", "deadlines"] {
                    assert!(
                        nodes.iter().all(|node| node[list].as_array().unwrap().len() >= 2),
                        "{list}: {large}"
                    );
                }
            }
            // Where each kind of row is reached by one way, the number is exact.
            let plain = |first: usize| {
                format!(
                    "{{ events(first: {first}) {{ nodes {{ number status level currentScore {{ total }}
                        affectedProducts {{ state product {{ name }} }} assignments {{ function subject }}
                        replies {{ kind state }} }} }} }}"
                )
            };
            let pages: &[usize] = if role == Role::Analyst { &[1, 3, 12] } else { &[] };
            for &first in pages {
                let (answer, ran) = app.sql_of(app.graphql(&token, &plain(first), Value::Null)).await;
                assert!(answer["errors"].is_null(), "{answer}");
                let of = |table: &str| {
                    ran.iter().filter(|sql| sql.contains(&format!("FROM \"{table}\" "))).count()
                };
                for table in ["event", "affected_product", "product", "score", "assignment", "reply"] {
                    assert_eq!(of(table), 1, "{role}, {first} of {table}: {ran:#?}");
                }
                // The other is whether the subject may act; nothing else is read.
                assert_eq!(ran.len(), 2, "{role}, {first}: {ran:#?}");
            }
            // Fields that lead to one kind of row may share a statement or not, as they come to it. One statement for
            // each event would be nine more of each kind.
            assert!(of_twelve.len() <= of_three.len() + 12, "{role}: {of_twelve:#?}");
            assert!(of_twelve.len() <= 30, "{role}: {of_twelve:#?}");
        }
    })
    .await;
}

#[tokio::test]
async fn long_texts_are_read_only_where_they_are_selected() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-2026-1", json!({ "text": "The long words" })).await;
        story.confirm().await;
        for value in ["5", "6"] {
            story.analyst("scoreEvent", scored(value)).await;
            app.advance(chrono::TimeDelta::minutes(1));
        }
        story.draft("VERDICT").await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let ask = async |selection: &str| {
            let document = format!("{{ events {{ nodes {{ {selection} }} }} }}");
            app.graphql(&analyst, &document, Value::Null).await;
            let (answer, sql) = app.sql_of(app.graphql(&analyst, &document, Value::Null)).await;
            assert!(answer["errors"].is_null(), "{answer}");
            (answer["data"]["events"]["nodes"][0].clone(), sql.join("\n"))
        };
        let long = [
            ("description", r#""event"."description""#, "description"),
            ("steps", r#""event"."steps""#, "steps"),
            ("replies { body }", r#""reply"."body""#, "body"),
            ("replies { missingFacts }", r#""reply"."supplied""#, "supplied"),
            ("reports { text }", r#""report_version"."text""#, "text"),
            ("reports { versions { source { name } } }", r#""report_version"."source""#, "source"),
            ("scores { evidence { actualImpact } }", r#""score"."evidence""#, "evidence"),
            ("currentScore { evidence { actualImpact } }", r#""score"."evidence""#, "evidence"),
        ];
        let short = "number replies { kind state subject } reports { title versions { number title } }
            scores { rounded reason } currentScore { rounded } allowedMoves { to missing }";
        let (seen, sql) = ask(short).await;
        assert_eq!(seen["reports"][0]["title"], "A hole CNVD-2026-1");
        assert_eq!(
            (&seen["scores"][0]["rounded"], &seen["currentScore"]["rounded"]),
            (&json!("6.0"), &json!("6.0"))
        );
        for (selection, column, name) in long {
            assert!(!sql.contains(column), "{name} is read by {short}: {sql}");
            let (_, sql) = ask(selection).await;
            assert!(sql.contains(column), "{name} is not read by {selection}: {sql}");
        }
        let words =
            "replies { body } reports { text versions { text } } currentScore { evidence { actualImpact } }
            scores { evidence { actualImpact } }";
        let (seen, _) = ask(words).await;
        let evidence = json!({ "actualImpact": "shown in the lab" });
        assert_eq!(
            seen,
            json!({
                "replies": [{ "body": "We looked at it." }],
                "reports": [{ "text": "The long words", "versions": [{ "text": "The long words" }] }],
                "currentScore": { "evidence": evidence },
                "scores": [{ "evidence": evidence }, { "evidence": evidence }],
            })
        );
    })
    .await;
}

#[tokio::test]
async fn pages_lead_through_the_whole_list_in_both_directions() {
    on_both(|app| async move {
        app.with_company().await;
        for index in 0..5 {
            app.advance(chrono::TimeDelta::minutes(1));
            app.receive("analyst-1", "cnvd", &format!("CNVD-2026-{index:05}"), "AMBER").await;
        }
        let analyst = app.token(Role::Analyst, "analyst-1");
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let document = "query($after: String) { events(first: 2, after: $after) { totalCount nodes { title }
                pageInfo { hasNextPage endCursor } } }";
            let answer = app.graphql(&analyst, document, json!({ "after": after })).await;
            let events = &answer["data"]["events"];
            assert_eq!(events["totalCount"], 5);
            seen.extend(events["nodes"].as_array().unwrap().iter().map(|node| node["title"].as_str().unwrap().to_owned()));
            after = events["pageInfo"]["endCursor"].clone();
            if events["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        let newest_first: Vec<_> = (0..5).rev().map(|index| format!("A hole CNVD-2026-{index:05}")).collect();
        assert_eq!(seen, newest_first);
        let document = "query($before: String) { events(last: 2, before: $before) { nodes { title } pageInfo { hasPreviousPage } } }";
        let answer = app.graphql(&analyst, document, json!({ "before": after })).await;
        let titles = &answer["data"]["events"]["nodes"];
        assert_eq!(titles, &json!([{ "title": newest_first[2] }, { "title": newest_first[3] }]));
        assert_eq!(answer["data"]["events"]["pageInfo"]["hasPreviousPage"], true);
    })
    .await;
}

/// That `token` is shown these events, the newest first, in pages of two from either end and in either order.
async fn lists(app: &TestApp, token: &str, filter: &str, expected: &[String]) {
    let numbers = |page: &Value| -> Vec<String> {
        page["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["number"].as_str().unwrap().to_owned())
            .collect()
    };
    for (size, cursor, place, more) in
        [("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage")]
    {
        for direction in ["DESC", "ASC"] {
            let mut seen: Vec<Vec<String>> = Vec::new();
            let mut from = String::new();
            loop {
                let document = format!(
                    "{{ events({size}: 2, filter: {{ {filter} }}, order: {{ field: RECEIVED_AT, direction: {direction} }}{from}) {{
                    totalCount nodes {{ number }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
                );
                let answer = app.graphql(token, &document, Value::Null).await;
                assert!(answer["errors"].is_null(), "{filter}: {answer}");
                let answer = answer["data"]["events"].clone();
                assert_eq!(answer["totalCount"], expected.len(), "{filter}: {answer}");
                seen.push(numbers(&answer));
                if answer["pageInfo"][more] == false {
                    break;
                }
                from = format!(", {cursor}: {}", answer["pageInfo"][place]);
            }
            assert!(
                seen.iter().rev().skip(1).all(|page| page.len() == 2),
                "{filter} {size} {direction}: {seen:?}"
            );
            if size == "last" {
                seen.reverse();
            }
            let mut all = seen.concat();
            if direction == "ASC" {
                all.reverse();
            }
            assert_eq!(all, expected, "{filter} {size} {direction}");
        }
    }
}

#[tokio::test]
async fn who_sees_little_pages_through_all_of_it_whichever_grant_it_is_by() {
    on_both(|app| async move {
        app.with_company().await;
        let leader = app.token(Role::Leader, "leader-1");
        let products = app.graphql(&leader, "{ products(first: 1) { nodes { id } } }", Value::Null).await;
        let product = &products["data"]["products"]["nodes"][0]["id"];
        let mut own = Vec::new();
        for index in 0..9 {
            app.advance(chrono::TimeDelta::minutes(1));
            let received = app.receive("analyst-1", "cnvd", &format!("CNVD-2026-{index:05}"), "AMBER").await;
            let (by_product, by_name) = (index % 3 == 0, index % 2 == 0);
            if by_product {
                confirm(&app, &received.event).await;
                affected(&app, &received.event, product).await;
            }
            if by_name {
                let version = app.node(&leader, &received.event, "Event", "version").await["version"].clone();
                let member = json!({ "event": received.event, "expectedVersion": version, "subject": "engineer-1", "function": "R_AND_D" });
                app.done(&leader, "addTeamMember", "AddTeamMember", member, "event { id }").await;
            }
            if by_product || by_name {
                own.push(received.number);
            }
        }
        own.reverse();
        let engineer = app.mint(&[Role::Engineer], "engineer-1", &["edge-gateway", "of-nobody"], None);
        lists(&app, &engineer, "", &own).await;
    })
    .await;
}

#[tokio::test]
async fn whatever_an_event_is_found_by_it_is_listed_by_when_it_was_received() {
    on_both(|app| async move {
        app.with_company().await;
        let products = [app.with_core_router().await, app.with_router("edge-router", "Edge Router").await];
        let leader = app.token(Role::Leader, "leader-1");
        let mut stories = Vec::new();
        for index in 0..6 {
            app.advance(chrono::TimeDelta::minutes(1));
            let tlp = if index == 2 { "RED" } else { "AMBER" };
            let story = Story::receive(&app, &format!("CNVD-2026-{index}"), json!({ "tlp": tlp })).await;
            story.confirm().await;
            for product in &products {
                story.product(product, "AFFECTED").await;
            }
            let member = json!({ "subject": "engineer-1", "function": "R_AND_D" });
            story.step(&leader, "addTeamMember", member).await;
            for function in ["R_AND_D", "TECHNICAL_SERVICE"] {
                story.assign(function, "engineer-1", (function == "R_AND_D").then_some("router")).await;
            }
            stories.push(story);
        }
        app.advance(chrono::TimeDelta::minutes(1));
        let of_nothing = Story::receive(&app, "CNVD-2026-7", json!({})).await;
        // What was reported of two of them before all others is found out last.
        let ago = |days| (app.app.clock.now() - chrono::TimeDelta::days(days)).to_rfc3339();
        let first = Story::receive(&app, "CNVD-2026-8", json!({ "receivedAt": ago(1) })).await;
        let input = json!({ "receivedAt": ago(2), "joinEvent": stories[4].event });
        assert_eq!(Story::receive(&app, "CNVD-2026-9", input).await.event, stories[4].event);
        assert_eq!(stories[4].look("receivedAt").await["receivedAt"], ago(2));
        let analyst = app.token(Role::Analyst, "analyst-1");
        let join = json!({ "report": first.report, "event": stories[3].event, "expectedVersion": first.version().await });
        app.made(&analyst, "joinReport", join, "id").await;
        let of = |places: &[usize]| places.iter().map(|place| stories[*place].number.clone()).collect::<Vec<_>>();
        let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
        let product = format!("product: \"{}\"", products[0]);
        for filter in [&product, "line: \"router\"", "assignee: \"engineer-1\""] {
            lists(&app, &leader, filter, &of(&[5, 2, 1, 0, 3, 4])).await;
            lists(&app, &app.token(Role::Analyst, "analyst-2"), filter, &of(&[5, 1, 0, 3, 4])).await;
            lists(&app, &engineer, filter, &of(&[5, 2, 1, 0, 3, 4])).await;
            lists(&app, &leader, &format!("{filter}, tlp: [RED]"), &of(&[2])).await;
        }
        lists(&app, &engineer, "", &of(&[5, 2, 1, 0, 3, 4])).await;
        lists(&app, &leader, "assignee: \"nobody-1\"", &[]).await;
        let everything = [vec![of_nothing.number], of(&[5, 2, 1, 0]), vec![first.number], of(&[3, 4])].concat();
        lists(&app, &leader, "", &everything).await;
    })
    .await;
}

#[tokio::test]
async fn a_read_of_an_event_of_named_people_is_recorded_once_a_request() {
    use sea_orm::EntityTrait;
    on_both(|app| async move {
        app.with_company().await;
        let open = app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
        let red = app.receive("analyst-1", "cnvd", "CNVD-2026-00002", "RED").await;
        let records = || async {
            let rows = entity::access_record::Entity::find().all(app.app.database.reader()).await.unwrap();
            rows.into_iter().map(|row| (row.actor, row.event_ids.0)).collect::<Vec<_>>()
        };
        let leader = app.token(Role::Leader, "leader-1");
        let document = "query($number: String!) { event(number: $number) { title } }";
        app.graphql(&leader, document, json!({ "number": open.number })).await;
        let before = records().await.len();
        let twice = "query($id: ID!) { events { nodes { title } } node(id: $id) { ... on Event { title } } }";
        app.graphql(&leader, twice, json!({ "id": red.event })).await;
        let after = records().await;
        assert_eq!(after.len(), before + 1);
        assert!(after.contains(&("leader-1".to_owned(), vec![red.number.clone()])), "{after:?}");
        let hidden = app.token(Role::Analyst, "analyst-2");
        app.graphql(&hidden, twice, json!({ "id": red.event })).await;
        assert_eq!(records().await.len(), before + 1, "what was not seen was not read");
    })
    .await;
}

#[tokio::test]
async fn a_creation_sent_again_at_once_makes_one() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({ "channel": "src", "title": "A hole", "text": "Steps", "idempotencyKey": "key-1" });
        let document = "mutation($input: ReceiveReport!) { receiveReport(input: $input) { report { id } userErrors { code } } }";
        let sent = (0..10).map(|_| app.graphql(&analyst, document, json!({ "input": input })));
        let answers = futures_util::future::join_all(sent).await;
        let first = &answers[0]["data"]["receiveReport"]["report"]["id"];
        assert!(first.is_string(), "{answers:?}");
        assert!(answers.iter().all(|answer| answer["data"]["receiveReport"]["report"]["id"] == *first), "{answers:?}");
        let listed = app.graphql(&analyst, "{ reports { totalCount } events { totalCount } }", Value::Null).await;
        assert_eq!(listed["data"], json!({ "reports": { "totalCount": 1 }, "events": { "totalCount": 1 } }));
        let mut other = input.clone();
        other["text"] = json!("Other steps");
        let refused = app.graphql(&analyst, document, json!({ "input": other })).await;
        assert_eq!(refused["data"]["receiveReport"]["userErrors"][0]["code"], "KEY_REUSED", "{refused}");
    })
    .await;
}

#[tokio::test]
async fn the_demo_goes_through_the_whole_procedure_and_its_trail_holds() {
    on_both(|app| async move {
        let schema = vulndesk::graphql::schema();
        vulndesk::demo::load(&app.app, &schema, &app.clock, app.now() + chrono::TimeDelta::days(120))
            .await
            .unwrap();
        let leader = app.token(Role::Leader, "leader-1");
        for status in [
            "RECEIVED",
            "TRIAGING",
            "NEEDS_INFORMATION",
            "RATING",
            "REMEDIATING",
            "VERIFYING",
            "REPLYING",
            "REVIEWING",
            "CLOSED",
        ] {
            let document = format!("{{ events(filter: {{ status: [{status}] }}) {{ totalCount }} }}");
            let answer = app.graphql(&leader, &document, Value::Null).await;
            assert!(
                answer["data"]["events"]["totalCount"].as_i64().unwrap() > 0,
                "no demo event is {status}"
            );
        }
        let verdicts = vulndesk::graphql::schema()
            .execute("{ __type(name: \"Verdict\") { enumValues { name } } }")
            .await;
        for verdict in verdicts.data.into_json().unwrap()["__type"]["enumValues"].as_array().unwrap() {
            let verdict = verdict["name"].as_str().unwrap();
            let document = format!("{{ events(filter: {{ verdict: [{verdict}] }}) {{ totalCount }} }}");
            let answer = app.graphql(&leader, &document, Value::Null).await;
            assert!(
                answer["data"]["events"]["totalCount"].as_i64().unwrap() > 0,
                "no demo event is {verdict}"
            );
        }
        for level in ["NONE", "BLUE", "YELLOW", "ORANGE", "RED"] {
            let document = format!("{{ events(filter: {{ level: [{level}] }}) {{ totalCount }} }}");
            let answer = app.graphql(&leader, &document, Value::Null).await;
            assert!(answer["data"]["events"]["totalCount"].as_i64().unwrap() > 0, "no demo event is {level}");
        }
        let kinds = vulndesk::graphql::schema()
            .execute("{ __type(name: \"ChannelKind\") { enumValues { name } } }")
            .await;
        let channels =
            app.graphql(&leader, "{ channels(first: 100) { nodes { id kind } } }", Value::Null).await;
        for kind in kinds.data.into_json().unwrap()["__type"]["enumValues"].as_array().unwrap() {
            let nodes = channels["data"]["channels"]["nodes"].as_array().unwrap();
            let ids: Vec<_> = nodes
                .iter()
                .filter(|node| node["kind"] == kind["name"])
                .map(|node| node["id"].as_str().unwrap())
                .collect();
            let mut events = 0;
            for id in ids {
                let document = format!("{{ events(filter: {{ channel: \"{id}\" }}) {{ totalCount }} }}");
                let answer = app.graphql(&leader, &document, Value::Null).await;
                events += answer["data"]["events"]["totalCount"].as_i64().unwrap();
            }
            assert!(events > 0, "no demo event came through a channel of kind {kind}");
        }
        assert_eq!(vulndesk::demo::loaded(&app.app.database).await.unwrap(), vulndesk::demo::Loaded::Whole);
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound() && report.entries > 300, "{report}");
    })
    .await;
}
