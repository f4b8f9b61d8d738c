//! The search: what is found, in which order, and what nobody learns from it.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::replies::{channel, to_customer};
use crate::story::{Story, facts};

const DOCUMENT: &str = "query($query: String!, $kinds: [SearchKind!], $first: Int, $after: String) {
    search(query: $query, kinds: $kinds, first: $first, after: $after) {
        edges { cursor node { kind item { id } fragments { field parts { text matched } } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

impl TestApp {
    async fn search(&self, token: &str, variables: Value) -> Value {
        let answer = self.graphql(token, DOCUMENT, variables).await;
        if answer["data"]["search"].is_null() { answer } else { answer["data"]["search"].clone() }
    }

    /// Kinds and ids of what `token` finds, in its order.
    pub(crate) async fn found(&self, token: &str, query: &str) -> Vec<(String, String)> {
        let page = self.search(token, json!({ "query": query })).await;
        let edges = page["edges"].as_array().unwrap_or_else(|| panic!("{query}: {page}"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        edges.iter().map(|edge| (text(&edge["node"]["kind"]), text(&edge["node"]["item"]["id"]))).collect()
    }
}

/// A hit's fragments with what is marked in brackets.
fn marked(hit: &Value) -> Vec<String> {
    let part = |part: &Value| {
        let text = part["text"].as_str().unwrap();
        if part["matched"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    let fragments = hit["fragments"].as_array().unwrap().iter();
    let text = |fragment: &Value| fragment["parts"].as_array().unwrap().iter().map(part).collect::<String>();
    fragments.map(|fragment| format!("{}: {}", fragment["field"].as_str().unwrap(), text(fragment))).collect()
}

fn one(kind: &str, id: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), id.to_owned())]
}

#[tokio::test]
async fn each_kind_is_found_by_what_stands_in_it_and_says_where() {
    on_both(|app| async move {
        app.with_company().await;
        let product = app.with_core_router().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let input = json!({
            "title": "核心路由器存在命令注入漏洞", "text": "Attackers INJECTED commands at hxxps://shop[.]example[.]com/a",
            "indicators": [{ "kind": "CVE", "value": "CVE-2026-41000" }],
        });
        let story = Story::receive(&app, "CNVD-2026-11111", input).await;
        let report = one("REPORT", &story.report);
        for query in [
            "命令", "令注", "命令注入", "injection", "Inject", "ＩＮＪＥＣＴＥＤ", "shop.example.com", "example.com",
            "CNVD-2026-111", "cve-2026-41", "CVE-2026-41000 漏洞", "11111",
        ] {
            assert_eq!(app.found(&analyst, query).await, report, "{query}");
        }
        for query in ["令命", "命令漏洞", "com.example", "CVE-2026-41001", "CNVD-2026-2", "注入 越权"] {
            assert_eq!(app.found(&analyst, query).await, [], "{query}");
        }
        let page = app.search(&analyst, json!({ "query": "注入 injections" })).await;
        assert_eq!(
            marked(&page["edges"][0]["node"]),
            [
                "TITLE: 核心路由器存在命令[注入]漏洞",
                "TEXT: Attackers [INJECTED] commands at https://shop.example.com/a"
            ]
        );
        let words = json!({ "title": "命令注入", "description": "解析器信任长度字段", "steps": "Send the file" });
        story.analyst("describeEvent", words).await;
        assert_eq!(app.found(&analyst, "信任长度").await, one("EVENT", &story.event));
        let draft = story.draft("VERDICT").await;
        let reply = draft["id"].as_str().unwrap();
        assert_eq!(app.found(&analyst, "looked").await, one("REPLY", reply));
        let change = json!({ "reply": reply, "expectedVersion": draft["version"], "body": "Quite another body." });
        app.made(&analyst, "reviseReply", change, "id").await;
        assert_eq!(app.found(&analyst, "looked").await, [], "it says so no more");
        assert_eq!(app.found(&analyst, "quite").await, one("REPLY", reply));
        assert_eq!(app.found(&analyst, "core-router").await, one("PRODUCT", &product));
        let admin = app.token(Role::Admin, "admin-1");
        let rename = json!({ "product": product, "expectedVersion": 1, "name": "骨干路由" });
        app.made(&admin, "updateProduct", rename, "id").await;
        assert_eq!(app.found(&admin, "骨干").await, one("PRODUCT", &product));
        assert_eq!(app.found(&admin, "命令").await, [], "configuration is all that they read");
    })
    .await;
}

#[tokio::test]
async fn numbers_come_first_then_titles_then_the_rest_and_pages_go_on() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let mut stories = Vec::new();
        for (number, title, text) in [
            ("A-1", "网关越权", "甲"),
            ("A-2", "其他", "网关越权在此"),
            ("A-3", "网关的越权", "乙"),
            ("A-4", "越权与网关", "丙"),
            ("A-5", "其他", "越权,网关"),
        ] {
            stories.push(Story::receive(&app, number, json!({ "title": title, "text": text })).await);
        }
        let report = |place: usize| ("REPORT".to_owned(), stories[place].report.clone());
        let all = [report(3), report(2), report(0), report(4), report(1)];
        assert_eq!(app.found(&analyst, "网关 越权").await, all);
        assert_eq!(app.found(&analyst, "网关越权").await, [report(0), report(1)], "as it stands");

        let mut after = Value::Null;
        let mut paged = Vec::new();
        for turn in 0..5 {
            let page =
                app.search(&analyst, json!({ "query": "网关 越权", "first": 1, "after": after })).await;
            paged.push((
                "REPORT".to_owned(),
                page["edges"][0]["node"]["item"]["id"].as_str().unwrap().to_owned(),
            ));
            assert_eq!(page["pageInfo"]["hasNextPage"], turn < 4, "{page}");
            assert_eq!(page["pageInfo"]["hasPreviousPage"], turn > 0);
            assert_eq!(page["edges"].as_array().map(Vec::len), Some(1));
            after = page["pageInfo"]["endCursor"].clone();
            assert_eq!(after, page["edges"][0]["cursor"]);
            // What comes meanwhile moves no place.
            Story::receive(&app, &format!("B-{turn}"), json!({ "title": "网关越权" })).await;
        }
        assert_eq!(paged, all);
        let end = app.search(&analyst, json!({ "query": "网关 越权", "first": 1, "after": after })).await;
        assert_eq!(end["edges"], json!([]));
        for other in [
            json!({ "query": "网关", "after": after }),
            json!({ "query": "网关 越权", "kinds": ["REPORT"], "after": after }),
        ] {
            let answer = app.search(&analyst, other).await;
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
                "a cursor is of one search: {answer}"
            );
        }

        stories[0]
            .analyst("describeEvent", json!({ "description": format!("As {}", stories[1].number) }))
            .await;
        let beginning = stories[1].number.to_lowercase();
        let expected = vec![
            ("EVENT".to_owned(), stories[1].event.clone()),
            ("EVENT".to_owned(), stories[0].event.clone()),
        ];
        assert_eq!(app.found(&analyst, &beginning).await, expected);
        stories[1].analyst("describeEvent", json!({ "title": "Described" })).await;
        assert_eq!(app.found(&analyst, &beginning).await, expected, "and once");
        let mut numbers = Vec::new();
        let mut after = Value::Null;
        for _ in 0..10 {
            let page = app.search(&analyst, json!({ "query": "VE-2026", "first": 1, "after": after })).await;
            numbers.push(page["edges"][0]["node"]["item"]["id"].as_str().unwrap().to_owned());
            after = page["pageInfo"]["endCursor"].clone();
        }
        let mut sorted: Vec<_> = numbers.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 10, "each event once: {numbers:?}");
        let rest = app.search(&analyst, json!({ "query": "VE-2026", "first": 5, "after": after })).await;
        assert_eq!(rest["edges"], json!([]), "the other's description names a number of which all are found");
    })
    .await;
}

/// What is searched for below; each is in something that somebody may not see.
const ASKED: [&str; 12] = [
    "hidden",
    "HIDDEN-1",
    "秘密",
    "秘密漏洞",
    "whisper",
    "informant",
    "VE-2026",
    "inside.example",
    "漏洞",
    "gateway",
    "drafted",
    "thanks",
];

/// Everything that `token` is answered, whole: hits, order, cursors, fragments, errors.
pub(crate) async fn all_searches(app: &TestApp, token: &str) -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    for query in ASKED {
        for kinds in [Value::Null, json!(["EVENT"]), json!(["REPORT"]), json!(["REPLY"]), json!(["PRODUCT"])]
        {
            let variables = json!({ "query": query, "kinds": kinds, "first": 2 });
            answers.push((format!("search {variables}"), app.graphql(token, DOCUMENT, variables).await));
        }
    }
    answers
}

#[tokio::test]
async fn what_one_may_not_read_of_what_one_sees_changes_no_answer() {
    on_both(|app| async move {
        app.with_company().await;
        app.with_core_router().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let reporter = json!({ "name": "finder", "subject": "reporter-1" });
        let input = json!({
            "channel": "src", "title": "漏洞在 gateway", "text": "A text", "reporter": reporter,
        });
        let story = Story::receive(&app, "OPEN-1", input).await;
        story.assign("R_AND_D", "engineer-1", Some("router")).await;
        story.assign("TECHNICAL_SERVICE", "support-1", None).await;
        let bank = channel(&app, "bank", "CUSTOMER", false).await;
        let others = [
            (Role::Engineer, "engineer-1"),
            (Role::Support, "support-1"),
            (Role::Reporter, "reporter-1"),
            (Role::Src, "src-1"),
            (Role::Admin, "admin-1"),
            (Role::Finance, "finance-1"),
            (Role::Ticketing, "ticketing-1"),
        ];
        let mut before = Vec::new();
        for (role, subject) in others {
            before.push(all_searches(&app, &app.token_in_scope(role, subject)).await);
        }
        let indicator = json!({ "report": story.report, "kind": "HOST", "value": "inside.example" });
        let indicator = app.made(&analyst, "addIndicator", indicator, "id").await;
        app.made(&analyst, "comment", json!({ "event": story.event, "body": "秘密 whisper hidden" }), "id").await;
        let who = app.node(&analyst, &story.report, "Report", "reporter { id version }").await;
        let known = json!({ "reporter": who["reporter"]["id"], "expectedVersion": who["reporter"]["version"], "name": "informant" });
        app.made(&analyst, "updateReporter", known, "id").await;
        let reply = json!({
            "event": story.event, "expectedVersion": story.version().await, "kind": "VERDICT", "facts": facts(),
            "channel": app.channel("src").await, "subject": "drafted", "body": "秘密 hidden 漏洞",
        });
        app.made(&analyst, "draftReply", reply, "id").await;
        for ((role, subject), before) in others.into_iter().zip(before) {
            let after = all_searches(&app, &app.token_in_scope(role, subject)).await;
            for (one, other) in before.iter().zip(&after) {
                assert_eq!(one, other, "{role}");
            }
        }
        assert_eq!(app.found(&analyst, "inside.example").await, one("REPORT", &story.report));
        assert_eq!(app.found(&analyst, "whisper").await, [], "comments are not searched");
        assert_eq!(app.found(&analyst, "informant").await, [], "nor is who reported");
        app.made(&analyst, "dismissIndicator", json!({ "indicator": indicator["id"] }), "id").await;
        assert_eq!(app.found(&analyst, "inside.example").await, []);
        assert_eq!(app.found(&analyst, "drafted").await.len(), 1);
        assert_eq!(app.found(&analyst, "gateway").await.len(), 2, "the report once, and the product of that name");
        let own = app.token(Role::Reporter, "reporter-1");
        assert_eq!(app.found(&own, "漏洞").await, one("REPORT", &story.report));
        // A draft to a customer is read by those who write such drafts, and by nobody else of these.
        let of_customer = Story::receive(&app, "C-1", json!({ "channel": "bank", "title": "客户来信" })).await;
        of_customer.assign("TECHNICAL_SERVICE", "support-1", None).await;
        let draft = to_customer(&app, &of_customer, &bank).await;
        let subject = app.node(&analyst, draft["id"].as_str().unwrap(), "Reply", "subject").await;
        let subject = subject["subject"].as_str().unwrap();
        let mine = app.found(&app.token(Role::Support, "support-1"), subject).await;
        assert_eq!(mine, one("REPLY", draft["id"].as_str().unwrap()), "{subject}");
    })
    .await;
}

#[tokio::test]
async fn a_title_as_received_finds_no_event() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({ "title": "机密标题" })).await;
        story.assign("R_AND_D", "engineer-1", Some("router")).await;
        let engineer = app.token(Role::Engineer, "engineer-1");
        assert_eq!(app.found(&engineer, "机密").await, []);
        assert_eq!(app.found(&engineer, &story.number).await, one("EVENT", &story.event));
        story.analyst("describeEvent", json!({ "description": "Described" })).await;
        assert_eq!(app.found(&engineer, "机密").await, [], "a description is no title");
        assert_eq!(app.found(&engineer, "described").await, one("EVENT", &story.event));
        story.analyst("describeEvent", json!({ "title": "机密标题" })).await;
        assert_eq!(app.found(&engineer, "机密").await, one("EVENT", &story.event));
        story.analyst("setTlp", json!({ "tlp": "RED" })).await;
        let other = app.token(Role::Analyst, "analyst-2");
        assert_eq!(app.found(&other, "机密").await, []);
        assert_eq!(app.found(&other, &story.number).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_what_is_hidden_by_now_is_like_one_that_never_was() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({ "title": "网关越权" })).await;
        Story::receive(&app, "CNVD-2", json!({ "title": "网关越权" })).await;
        let other = app.token(Role::Analyst, "analyst-2");
        let page = app.search(&other, json!({ "query": "网关" })).await;
        let cursor = &page["edges"][1]["cursor"];
        assert_eq!(page["edges"][1]["node"]["item"]["id"], story.report);
        assert_eq!(app.search(&other, json!({ "query": "网关", "after": cursor })).await["edges"], json!([]));
        story.analyst("setTlp", json!({ "tlp": "RED" })).await;
        let hidden = app.search(&other, json!({ "query": "网关", "after": cursor })).await;
        let never = app.search(&other, json!({ "query": "网关", "after": "bm9uZQ" })).await;
        assert_eq!(hidden["errors"][0]["message"], never["errors"][0]["message"], "{hidden}");
        assert_eq!(hidden["errors"][0]["extensions"], never["errors"][0]["extensions"]);
    })
    .await;
}

#[tokio::test]
async fn whatever_is_typed_is_text_and_has_bounds() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let story = Story::receive(
            &app,
            "CNVD-1",
            json!({ "title": "<b>SQL</b> \u{202e}注入", "text": "a* NEAR(b) OR" }),
        )
        .await;
        for query in [
            "sql\" OR \"x",
            "sql*",
            "NOT sql",
            "sql) OR (1",
            "sql:注入",
            "words:sql",
            "'sql'",
            "sql & !注入",
            "sql:*",
            "\\sql",
            "sql NEAR/2",
            "^sql",
            "{sql}",
            "%sql_",
            "(((((((sql",
            "k:EVENT",
            "t:sql",
            "-sql",
        ] {
            let page = app.search(&analyst, json!({ "query": query })).await;
            assert!(page["edges"].is_array(), "{query}: {page}");
        }
        assert_eq!(app.found(&analyst, "sql*").await, one("REPORT", &story.report));
        assert_eq!(app.found(&analyst, "k:EVENT").await, [], "how it is kept is nobody's word");
        let page = app.search(&analyst, json!({ "query": "sql 注\u{200b}入" })).await;
        assert_eq!(
            marked(&page["edges"][0]["node"]),
            ["TITLE: <b>[SQL]</b> [注入]"],
            "text, whatever it looks like"
        );
        let long = "a".repeat(400_000);
        let lots = "a b ".repeat(40);
        for (query, says) in [
            (&*long, "200 characters"),
            ("漏", "two characters"),
            ("(a|a)*$", ""),
            ("\"\"", "send a word"),
            (&*lots, "24 words"),
        ] {
            let answer = app.search(&analyst, json!({ "query": query })).await;
            if says.is_empty() {
                assert!(answer["edges"].is_array());
                continue;
            }
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains(says), "{answer}");
        }
        let bomb = "漏".repeat(100_000) + &"(a+)+$ ".repeat(10_000);
        let large = Story::receive(&app, "CNVD-2", json!({ "title": "巨大报告", "text": bomb })).await;
        assert_eq!(app.found(&analyst, "巨大").await, one("REPORT", &large.report));
        assert_eq!(app.found(&analyst, "漏漏漏").await, one("REPORT", &large.report));
        for first in [0, 101, -1] {
            let answer = app.search(&analyst, json!({ "query": "sql", "first": first })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        }
        for (role, kinds) in [
            (Role::Reporter, "EVENT"),
            (Role::Src, "REPLY"),
            (Role::Admin, "REPORT"),
            (Role::Engineer, "REPLY"),
        ] {
            let token = app.token_in_scope(role, "somebody-1");
            let answer = app.search(&token, json!({ "query": "sql", "kinds": [kinds] })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_costs_the_same_however_much_is_found() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        for number in 0..3 {
            Story::receive(&app, &format!("A-{number}"), json!({ "title": "网关越权" })).await;
        }
        let few = app.statements_of(app.search(&analyst, json!({ "query": "网关" }))).await.1;
        for number in 3..20 {
            Story::receive(&app, &format!("A-{number}"), json!({ "title": "网关越权" })).await;
        }
        let (page, many) = app.statements_of(app.search(&analyst, json!({ "query": "网关" }))).await;
        assert_eq!(page["edges"].as_array().map(Vec::len), Some(20));
        assert_eq!(few, many);
        assert!(many <= 12, "{many} statements");
    })
    .await;
}

#[tokio::test]
async fn a_read_of_what_is_for_named_people_is_recorded() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({ "title": "网关越权", "tlp": "RED" })).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let before = crate::sides::records(&app).await.len();
        assert_eq!(app.found(&analyst, "网关").await, one("REPORT", &story.report));
        let records = crate::sides::records(&app).await;
        assert_eq!(records.len(), before + 1);
        assert_eq!(records.last().map(|(_, events)| events.clone()), Some(vec![story.number.clone()]));
    })
    .await;
}
