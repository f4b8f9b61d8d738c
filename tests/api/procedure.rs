//! The procedure, its races and what a page costs.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::on_both;

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
async fn a_page_costs_the_same_whatever_its_size() {
    on_both(|app| async move {
        app.with_company().await;
        for index in 0..12 {
            app.receive("analyst-1", "cnvd", &format!("CNVD-2026-{index:05}"), "AMBER").await;
        }
        let analyst = app.token(Role::Analyst, "analyst-1");
        let page = |first: usize| {
            format!(
                "{{ events(first: {first}) {{ nodes {{ number title affectedProducts {{ state product {{ name }} }}
                   currentScore {{ rounded }} assignments {{ function state }} replies {{ kind state }}
                   allowedMoves {{ to missing }} }} }} }}"
            )
        };
        // The first request of a subject records that it was seen.
        app.graphql(&analyst, &page(1), Value::Null).await;
        let (small, of_two) = app.statements_of(app.graphql(&analyst, &page(2), Value::Null)).await;
        let (large, of_ten) = app.statements_of(app.graphql(&analyst, &page(10), Value::Null)).await;
        assert_eq!(small["data"]["events"]["nodes"].as_array().map(Vec::len), Some(2), "{small}");
        assert_eq!(large["data"]["events"]["nodes"].as_array().map(Vec::len), Some(10), "{large}");
        assert_eq!(of_two, of_ten);
        assert!(of_ten <= 8, "{of_ten} statements");
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
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound() && report.entries > 300, "{report}");
    })
    .await;
}
