//! Ill-formed input: the exact code, the field that is meant, and what to do instead.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::ids::Kind;

use crate::generate::absent;
use crate::harness::{TestApp, on_both};
use crate::story::{Story, confirmed, scored};

/// Demands a top-level error of `code` whose message names each of `words`.
fn is_error(answer: &Value, code: &str, words: &[&str]) {
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], code, "{answer}");
    let message = error["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
}

/// Demands a refusal of `code` for `field` whose message names each of `words`.
fn is_refused(payload: &Value, code: &str, field: &Value, words: &[&str]) {
    let error = &payload["userErrors"][0];
    assert_eq!((&error["code"], &error["field"]), (&json!(code), field), "{payload}");
    let message = error["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
}

#[tokio::test]
async fn factors_and_weights_outside_their_range_are_named() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        story.confirm().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for wrong in ["10.05", "10.1", "-1", "-0.1", "8.55", "1e1", "NaN", "", "ten", "99999999999999999999"] {
            let mut input = scored("5");
            input["factors"]["publicOpinion"] = json!(wrong);
            let answer = story.attempt(&analyst, "scoreEvent", input).await;
            is_error(&answer, "BAD_USER_INPUT", &["publicOpinion", "0.0", "10.0"]);
        }
        assert!(story.look("currentScore { total }").await["currentScore"].is_null());
        let admin = app.token(Role::Admin, "admin-1");
        let policy = |opinion: &str| {
            json!({
                "productImportance": "10", "productReach": "20", "publicOpinion": opinion, "exploitConditions": "10",
                "actualImpact": "30", "bands": [
                    { "level": "RED", "from": "9.0", "to": "10.0" }, { "level": "ORANGE", "from": "8.0", "to": "8.9" },
                    { "level": "YELLOW", "from": "7.0", "to": "7.9" }, { "level": "BLUE", "from": "3.0", "to": "6.9" },
                    { "level": "NONE", "from": "0.0", "to": "2.9" },
                ],
            })
        };
        let refused = app.call(&admin, "createRatingPolicy", policy("29.9"), "id").await;
        assert!(refused.to_string().contains("100"), "the sum is named: {refused}");
        assert!(refused.to_string().contains("99.9"), "what it is now is named: {refused}");
        let mut gap = policy("30");
        gap["bands"][3]["to"] = json!("6.8");
        let refused = app.call(&admin, "createRatingPolicy", gap, "id").await;
        assert!(refused["ratingPolicy"].is_null(), "{refused}");
        app.made(&admin, "createRatingPolicy", policy("30"), "id").await;
    })
    .await;
}

#[tokio::test]
async fn pages_and_ids_outside_their_range_are_named() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let report = absent(Kind::Report);
        for (document, code, words) in [
            ("{ events(first: -1) { totalCount } }", "BAD_USER_INPUT", &["first", "1", "100"][..]),
            ("{ events(first: 0) { totalCount } }", "BAD_USER_INPUT", &["first", "1", "100"]),
            ("{ events(first: 101) { totalCount } }", "BAD_USER_INPUT", &["first", "1", "100"]),
            ("{ events(last: 101) { totalCount } }", "BAD_USER_INPUT", &["last", "1", "100"]),
            ("{ events(first: 1, last: 1) { totalCount } }", "BAD_USER_INPUT", &["last"]),
            ("{ events(after: \"AAAA\") { totalCount } }", "BAD_USER_INPUT", &["after"]),
            ("{ events(first: 3000000000) { totalCount } }", "QUERY_TOO_COMPLEX", &["first"]),
            ("{ node(id: \"42\") { id } }", "INVALID_ID", &["id"]),
            ("{ node(id: \"\") { id } }", "INVALID_ID", &["id"]),
        ] {
            let answer = app.graphql(&analyst, document, Value::Null).await;
            is_error(&answer, code, words);
        }
        // A connection's own error is the same wherever it stands.
        for list in
            ["reports", "reporters", "products", "customers", "channels", "duties", "ratingPolicies", "audit"]
        {
            let answer = app
                .graphql(&analyst, &format!("{{ {list}(first: 101) {{ totalCount }} }}"), Value::Null)
                .await;
            is_error(&answer, "BAD_USER_INPUT", &["first", "100"]);
        }
        let input = json!({ "event": report, "expectedVersion": 1 });
        let answer = app.call(&analyst, "startTriage", input, "id").await;
        is_error(&answer, "INVALID_ID", &["input.event: not the id of a Event"]);
        // Wherever the value stands: in lists and objects, below other fields, by literal, in a fragment.
        let event = absent(Kind::Event);
        let below = app.receive("analyst-1", "src", "SRC-1", "AMBER").await.event;
        for (document, words) in [
            (format!("{{ events(filter: {{ product: \"{event}\" }}) {{ totalCount }} }}"), "filter.product: not the id of a Product"),
            ("{ events(filter: { receivedFrom: \"soon\" }) { totalCount } }".to_owned(), "filter.receivedFrom: write an instant"),
            (
                format!("query {{ ...some }} fragment some on Query {{ node(id: \"{below}\") {{ ... on Event {{ reports {{ id }} }} }} events(filter: {{ receivedFrom: \"soon\", receivedBefore: \"later\" }}) {{ totalCount }} }}"),
                "filter.receivedBefore or filter.receivedFrom: write an instant",
            ),
        ] {
            let answer = app.graphql(&analyst, &document, Value::Null).await;
            let code = if words.contains("the id of") { "INVALID_ID" } else { "BAD_USER_INPUT" };
            is_error(&answer, code, &[words]);
        }
        let input = json!({ "event": absent(Kind::Event), "expectedVersion": 1 });
        is_error(&app.call(&analyst, "startTriage", input, "id").await, "NOT_FOUND", &[]);
    })
    .await;
}

#[tokio::test]
async fn values_of_another_type_never_reach_a_resolver() {
    let app = TestApp::sqlite().await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let document =
        "mutation($input: GiveVerdict!) { giveVerdict(input: $input) { event { id } userErrors { code } } }";
    let good = || {
        let mut input = confirmed();
        input["event"] = json!(absent(Kind::Event));
        input["expectedVersion"] = json!(1);
        input
    };
    is_error(&app.graphql(&analyst, document, json!({ "input": good() })).await, "NOT_FOUND", &[]);
    for (field, wrong, words) in [
        ("verdict", json!("APPROVED"), "input.verdict: send one of ALREADY_FIXED, CONFIRMED, "),
        ("verdict", json!("confirmed"), "input.verdict: send one of ALREADY_FIXED, CONFIRMED, "),
        ("verdict", json!(1), "\"input.verdict\", expected type \"Verdict\""),
        ("severity", json!("SEVERE"), "input.severity: send one of CRITICAL, HIGH, LOW, MEDIUM"),
        ("expectedVersion", json!("1"), "\"input.expectedVersion\", expected type \"Int\""),
        ("expectedVersion", json!(1.5), "\"input.expectedVersion\", expected type \"Int\""),
        ("expectedVersion", json!(9_999_999_999_i64), "input.expectedVersion: write a whole number"),
        ("rationale", json!(["a"]), "\"input.rationale\", expected type \"String\""),
        ("rationale", Value::Null, "\"input.rationale\""),
        ("firstKnownOn", json!("2026-02-30"), "input.firstKnownOn: write a day, such as 2026-03-02"),
        ("firstKnownOn", json!("yesterday"), "input.firstKnownOn: write a day, such as 2026-03-02"),
        ("nothing", json!(1), "nothing"),
    ] {
        let mut input = good();
        input[field] = wrong.clone();
        let answer = app.graphql(&analyst, document, json!({ "input": input })).await;
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        assert!(["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"].contains(&code), "{field} {wrong}: {answer}");
        assert!(answer["data"].is_null(), "{field} {wrong}: {answer}");
        is_error(&answer, code, &[words]);
    }
}

#[tokio::test]
async fn texts_that_are_no_texts_are_refused_by_field() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let good = json!({ "channel": "src", "title": "A hole", "text": "Steps" });
        for (field, wrong) in [
            ("title", String::new()),
            ("title", " \t\n".to_owned()),
            ("title", "a\u{0}b".to_owned()),
            ("title", "a\u{1b}[31m".to_owned()),
            ("title", "x".repeat(100_000)),
            ("text", "a\u{0}b".to_owned()),
            ("number", "CNVD\u{0}1".to_owned()),
            ("messageId", "<a\u{0}@b>".to_owned()),
            ("channel", "s\u{0}rc".to_owned()),
            ("idempotencyKey", "a\u{0}b".to_owned()),
            ("idempotencyKey", String::new()),
            ("idempotencyKey", "k".repeat(201)),
        ] {
            let mut input = good.clone();
            input[field] = json!(wrong);
            let answer = app.call(&analyst, "receiveReport", input, "id").await;
            is_error(&answer, "BAD_USER_INPUT", &[&format!("input.{field}")]);
        }
        // What no text can hold is named also where it is only compared, by variable and by literal.
        for (field, document) in [
            ("filter.number", "{ events(filter: { number: \"a\\u0000b\" }) { totalCount } }"),
            ("filter.assignee", "{ events(filter: { assignee: \"\\u0000\" }) { totalCount } }"),
            ("number", "{ event(number: \"a\\u0000b\") { id } }"),
            ("text", "query($text: String = \"\\u0000\") { products(line: $text) { totalCount } }"),
        ] {
            let answer = app.graphql(&analyst, document, Value::Null).await;
            is_error(&answer, "BAD_USER_INPUT", &[&format!("{field}: "), "U+0000"]);
        }
        let document = "query($filter: EventFilter) { events(filter: $filter) { totalCount } }";
        let answer = app.graphql(&analyst, document, json!({ "filter": { "line": "a\u{0}" } })).await;
        is_error(&answer, "BAD_USER_INPUT", &["filter.line: ", "U+0000"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_indicator_of_its_kind_is_refused_with_what_to_send() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for (kind, value, words) in [
            ("CVE", "Log4Shell", "CVE-2026-12345"),
            ("URL", "javascript:alert(1)", "https://"),
            ("HOST", "192.0.2.7", "IP_ADDRESS"),
            ("IP_ADDRESS", "999.1.1.1", "192.0.2.7"),
        ] {
            let input = json!({ "report": story.report, "kind": kind, "value": value });
            let answer = app.call(&analyst, "addIndicator", input, "id").await;
            is_error(&answer, "BAD_USER_INPUT", &["input.value", words]);
        }
        let input = json!({ "report": story.report, "kind": "HOST", "value": "Shop[.]example[.]com" });
        let made = app.made(&analyst, "addIndicator", input, "value").await;
        assert_eq!(made["value"], "shop.example.com");
    })
    .await;
}

#[tokio::test]
async fn bodies_that_are_too_long_or_in_another_encoding_are_refused() {
    let app = TestApp::sqlite().await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let post = |kind: &str| {
        Request::post("/graphql")
            .header(header::AUTHORIZATION, format!("Bearer {analyst}"))
            .header(header::CONTENT_TYPE, kind)
    };
    let declared =
        post("application/json").header(header::CONTENT_LENGTH, 100 << 20).body(Body::empty()).unwrap();
    let chunk = vec![b'x'; 1 << 20];
    let endless = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    let endless = post("application/json").body(Body::from_stream(endless)).unwrap();
    for (what, request) in [("100 MB, declared", declared), ("no end, undeclared", endless)] {
        let (status, body) = app.send(request).await;
        assert_eq!(status, 413, "{what}: {body}");
        is_error(&serde_json::from_str(&body).unwrap(), "BAD_USER_INPUT", &["1048576"]);
    }
    let gb18030: &[u8] = b"{\"query\": \"{ viewer { subject } }\", \"operationName\": \"\xc2\xa9\xb6\xb4\"}";
    let utf16: Vec<u8> =
        "{\"query\": \"{ viewer { subject } }\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (kind, body, expected) in [
        ("application/json", gb18030.to_vec(), 400),
        ("application/json", utf16.clone(), 400),
        ("application/json; charset=utf-16", utf16, 415),
        ("application/json; charset=gb18030", gb18030.to_vec(), 415),
        ("text/plain", b"{}".to_vec(), 415),
    ] {
        let (status, body) = app.send(post(kind).body(Body::from(body)).unwrap()).await;
        assert_eq!(status, expected, "{kind}: {body}");
        is_error(&serde_json::from_str(&body).unwrap(), "BAD_USER_INPUT", &[]);
    }
}

#[tokio::test]
async fn moves_that_are_not_allowed_name_the_status_the_moves_and_what_is_missing() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for (mutation, input) in [
            ("startRemediation", json!({})),
            ("startReview", json!({})),
            ("resumeTriage", json!({})),
            ("reopenEvent", json!({ "reason": "again" })),
            ("returnToTriage", json!({ "reason": "again" })),
            ("giveVerdict", confirmed()),
        ] {
            let refused = story.attempt(&analyst, mutation, input).await;
            is_refused(&refused, "MOVE_NOT_ALLOWED", &Value::Null, &["RECEIVED", "TRIAGING"]);
        }
        assert_eq!(story.version().await, 1, "nothing was changed");
        story.confirm().await;
        let refused = story.attempt(&analyst, "startRemediation", json!({})).await;
        let codes: Vec<_> =
            refused["userErrors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
        assert_eq!(codes, ["MISSING_FACT", "MISSING_FACT"], "{refused}");
        is_refused(&refused, "MISSING_FACT", &Value::Null, &["scoreEvent"]);
        story.product(&product, "AFFECTED").await;
        story.analyst("scoreEvent", scored("5")).await;
        let refused = story.attempt(&analyst, "startRemediation", json!({})).await;
        is_refused(&refused, "MISSING_FACT", &Value::Null, &["R_AND_D", "router", "assign"]);
        let stale = json!({ "event": story.event, "expectedVersion": 1 });
        is_error(&app.call(&analyst, "startRemediation", stale, "id").await, "CONFLICT", &["read it again"]);
        assert_eq!(story.status().await, "RATING");
    })
    .await;
}
