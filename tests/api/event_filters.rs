//! Each filter and each order of `events` finds exactly the events that it says, on both databases alike.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed, scored};

/// What `filter` and `order` select for an analyst, by the channel's number of each event's report.
async fn found(app: &TestApp, order: &str, filter: &str) -> Vec<String> {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let document = format!(
        "{{ events(order: {order}, filter: {{ {filter} }}) {{ totalCount nodes {{ reports {{ channelNumber }} }} }} }}"
    );
    let answer = app.graphql(&analyst, &document, Value::Null).await;
    let nodes = answer["data"]["events"]["nodes"].as_array().unwrap_or_else(|| panic!("{filter}: {answer}"));
    assert_eq!(answer["data"]["events"]["totalCount"], nodes.len(), "{filter}: the count counts the same");
    let number = |node: &Value| node["reports"][0]["channelNumber"].as_str().unwrap().to_owned();
    nodes.iter().map(number).collect()
}

/// The same in the order of arrival.
async fn selected(app: &TestApp, filter: &str) -> Vec<String> {
    found(app, "{ field: RECEIVED_AT, direction: ASC }", filter).await
}

/// Five events that differ in everything that can be asked for, a minute apart. Answers their numbers, the product and
/// the SRC's channel.
async fn five(app: &TestApp) -> (Vec<String>, String, String) {
    app.with_company().await;
    let product = app.with_core_router().await;
    let src = app.channel("src").await;
    let later = || app.advance(TimeDelta::minutes(1));

    let one = Story::receive(app, "CNVD-2026-1", json!({})).await;
    later();
    let two = Story::receive(app, "cnvd-2026-2", json!({ "tlp": "GREEN" })).await;
    two.analyst("startTriage", json!({})).await;
    later();
    let three = Story::receive(app, "CNVD_2026%3", json!({ "channel": "src" })).await;
    three.analyst("startTriage", json!({})).await;
    three.analyst("giveVerdict", json!({ "verdict": "NOT_REPRODUCIBLE", "rationale": "Tried" })).await;
    three.analyst("scoreEvent", scored("9.5")).await;
    later();
    let four = Story::receive(app, "SRC-4", json!({ "channel": "src" })).await;
    four.confirm().await;
    four.remediate(&product, "router").await;
    later();
    let five = Story::receive(app, "漏洞-5", json!({})).await;
    five.analyst("startTriage", json!({})).await;
    five.analyst("giveVerdict", confirmed()).await;
    five.analyst("scoreEvent", scored("3.5")).await;
    five.assign("SUPPLY_CHAIN", "engineer-1", None).await;
    let work = five.look("assignments { id version function }").await;
    let work = work["assignments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["function"] == "SUPPLY_CHAIN")
        .unwrap()
        .clone();
    let decline = json!({ "assignment": work["id"], "expectedVersion": work["version"], "answer": "DECLINE", "reason": "on leave" });
    app.made(&app.token_in_scope(Role::Engineer, "engineer-1"), "answerAssignment", decline, "id").await;
    let exploited =
        json!({ "kind": "EXPLOITED_IN_THE_WILD", "learnedAt": "2026-03-01T00:00:00Z", "source": "a sensor" });
    five.analyst("recordWorldFact", exploited).await;
    later();
    // What happened last is not what arrived last.
    one.analyst("describeEvent", json!({ "description": "A parser trusts lengths" })).await;
    let numbers = [one, two, three, four, five].map(|story| story.number).to_vec();
    (numbers, product, src)
}

#[tokio::test]
async fn each_filter_selects_exactly_the_events_it_names() {
    on_both(|app| async move {
        let (numbers, product, src) = five(&app).await;
        let all = ["CNVD-2026-1", "cnvd-2026-2", "CNVD_2026%3", "SRC-4", "漏洞-5"];
        let of =
            |indexes: &[usize]| indexes.iter().map(|index| all[index - 1].to_owned()).collect::<Vec<_>>();
        let year = numbers[0].split_at(8).0.to_owned();
        assert!(
            year.starts_with("VE-") && numbers.iter().all(|number| number.starts_with(&year)),
            "{numbers:?}"
        );
        let at = |minutes: i64| {
            let start: chrono::DateTime<chrono::Utc> = crate::harness::START.parse().unwrap();
            (start + TimeDelta::minutes(minutes)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        };
        let cases: Vec<(String, &[usize])> = vec![
            (String::new(), &[1, 2, 3, 4, 5]),
            ("status: [RECEIVED]".into(), &[1]),
            ("status: [RECEIVED, TRIAGING]".into(), &[1, 2]),
            ("status: []".into(), &[]),
            ("level: [BLUE]".into(), &[4, 5]),
            ("level: [NONE, RED]".into(), &[1, 2, 3]),
            ("verdict: [CONFIRMED]".into(), &[4, 5]),
            ("verdict: [NOT_REPRODUCIBLE, SPAM]".into(), &[3]),
            ("tlp: [GREEN]".into(), &[2]),
            ("tlp: [AMBER, RED]".into(), &[1, 3, 4, 5]),
            (format!("channel: \"{src}\""), &[3, 4]),
            ("channelNumber: \"CNVD-2026-1\"".into(), &[1]),
            ("channelNumber: \"cnvd-2026-1\"".into(), &[]),
            ("channelNumber: \"CNVD-2026\"".into(), &[]),
            ("channelNumberPrefix: \"CNVD\"".into(), &[1, 3]),
            ("channelNumberPrefix: \"cnvd\"".into(), &[2]),
            ("channelNumberPrefix: \"CNVD_\"".into(), &[3]),
            ("channelNumberPrefix: \"CNVD_2026%\"".into(), &[3]),
            ("channelNumberPrefix: \"%\"".into(), &[]),
            ("channelNumberPrefix: \"漏洞\"".into(), &[5]),
            ("channelNumberPrefix: \"2026\"".into(), &[]),
            (format!("product: \"{product}\""), &[4]),
            ("line: \"router\"".into(), &[4]),
            ("line: \"Router\"".into(), &[]),
            ("assignee: \"engineer-1\"".into(), &[4]),
            ("assignee: \"engineer-2\"".into(), &[]),
            (format!("receivedFrom: \"{}\"", at(2)), &[3, 4, 5]),
            (format!("receivedBefore: \"{}\"", at(2)), &[1, 2]),
            (format!("receivedFrom: \"{}\", receivedBefore: \"{}\"", at(1), at(3)), &[2, 3]),
            ("facts: [EXPLOITED_IN_THE_WILD]".into(), &[5]),
            ("facts: [PUBLICLY_KNOWN, EXPLOIT_PUBLIC]".into(), &[]),
            (format!("number: \"{}\"", numbers[1]), &[2]),
            (format!("number: \"{}\"", numbers[1].to_lowercase()), &[]),
            (format!("numberPrefix: \"{year}\""), &[1, 2, 3, 4, 5]),
            (format!("numberPrefix: \"{}\"", year.to_lowercase()), &[]),
            (format!("numberPrefix: \"{}\"", numbers[3]), &[4]),
            ("history: false".into(), &[1, 2, 3, 4, 5]),
            ("history: true".into(), &[]),
            (format!("status: [TRIAGING, REMEDIATING], channel: \"{src}\""), &[4]),
        ];
        for (filter, expected) in cases {
            assert_eq!(selected(&app, &filter).await, of(expected), "{filter}");
        }
        let analyst = app.token(Role::Analyst, "analyst-1");
        for field in ["channelNumberPrefix", "numberPrefix"] {
            let document =
                format!("{{ events(filter: {{ {field}: \"{}\" }}) {{ totalCount }} }}", "x".repeat(201));
            let answer = app.graphql(&analyst, &document, Value::Null).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{field}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_order_is_by_what_it_names_in_both_directions() {
    on_both(|app| async move {
        let (numbers, ..) = five(&app).await;
        let all = ["CNVD-2026-1", "cnvd-2026-2", "CNVD_2026%3", "SRC-4", "漏洞-5"].map(str::to_owned);
        let mut by_number: Vec<_> = numbers.into_iter().zip(all.clone()).collect();
        by_number.sort();
        let by_number: Vec<_> = by_number.into_iter().map(|(_, channel)| channel).collect();
        let [one, two, three, four, five] = all;
        // Events of the same level or score come as they arrived, since ids do.
        let orders = [
            ("RECEIVED_AT", vec![one.clone(), two.clone(), three.clone(), four.clone(), five.clone()]),
            ("CHANGED_AT", vec![two.clone(), three.clone(), four.clone(), five.clone(), one.clone()]),
            ("LEVEL", vec![one.clone(), two.clone(), four.clone(), five.clone(), three.clone()]),
            ("SCORE", vec![one, two, five, four, three]),
            ("NUMBER", by_number),
        ];
        for (field, mut expected) in orders {
            let ascending = found(&app, &format!("{{ field: {field}, direction: ASC }}"), "").await;
            assert_eq!(ascending, expected, "{field}");
            expected.reverse();
            let descending = found(&app, &format!("{{ field: {field}, direction: DESC }}"), "").await;
            assert_eq!(descending, expected, "{field} descending");
        }
    })
    .await;
}
