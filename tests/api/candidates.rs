//! Candidates for duplicates: found whatever way a report comes in, explained, decided once, and silent of what is hidden.

use chrono::TimeDelta;
use entity::{report, report_profile};
use futures_util::future::join;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use vulndesk::auth::{Actor, Role};
use vulndesk::intake::import::{ImportedReport, Item};
use vulndesk::intake::importer::{ChannelSpec, ImportOptions, import};

use crate::harness::{TestApp, on_both};
use crate::mails;
use crate::story::Story;

pub(crate) const TITLE: &str = "Edge Gateway 管理后台 SQL注入漏洞";
pub(crate) const TEXT: &str = "Edge Gateway 5.2.1 的登录接口 hxxp://gw[.]example[.]com/login.php?user=1 对 user 参数过滤不严，\
    攻击者无需登录即可读取会话表中的令牌，并以管理员身份进入后台。复现时在 user 后加入单引号即可看到数据库报错。";
pub(crate) const OTHER: &str =
    "Photo Album 的分享页面没有检查相册的所有者，任何人知道编号即可查看他人的照片。";

pub(crate) const CANDIDATES: &str = "duplicateCandidates { kind score report { id } event { number }
    reasons { code value share english chinese } }";

pub(crate) async fn received<'a>(app: &'a TestApp, number: &str, title: &str, text: &str) -> Story<'a> {
    // One after the other, so that it is known which is the earlier one.
    app.advance(TimeDelta::seconds(1));
    Story::receive(app, number, json!({ "title": title, "text": text })).await
}

/// The candidates that `token` is shown for a report.
pub(crate) async fn shown(app: &TestApp, token: &str, report: &str) -> Value {
    app.node(token, report, "Report", CANDIDATES).await["duplicateCandidates"].clone()
}

pub(crate) fn reports(candidates: &Value) -> Vec<&str> {
    candidates
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| candidate["report"]["id"].as_str().unwrap())
        .collect()
}

pub(crate) fn codes(candidate: &Value) -> Vec<&str> {
    candidate["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

pub(crate) async fn decide(
    app: &TestApp,
    token: &str,
    story: &Story<'_>,
    other: &str,
    outcome: &str,
) -> Value {
    let input = json!({
        "report": story.report, "otherReport": other, "expectedVersion": story.version().await, "outcome": outcome,
        "rationale": "the same check is missing",
    });
    app.call(token, "decideDuplicate", input, "outcome score decidedBy").await
}

/// Two later reports that are the same as the story's: the first is decided, the second is not.
pub(crate) async fn of(app: &TestApp, story: &Story<'_>) -> [String; 2] {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let mut reports = Vec::new();
    for number in ["SAME-1", "SAME-2"] {
        let input = json!({
            "channel": "src", "number": number, "title": "The parser again", "text": format!("{number}: CVE-2026-1000"),
        });
        app.advance(TimeDelta::seconds(1));
        let made = app.made(&analyst, "receiveReport", input, "id event { version }").await;
        reports.push((made["id"].as_str().unwrap().to_owned(), made["event"]["version"].clone()));
    }
    let decide = json!({
        "report": reports[0].0, "otherReport": story.report, "expectedVersion": reports[0].1, "outcome": "RELATED",
        "rationale": "the same parser",
    });
    app.made(&analyst, "decideDuplicate", decide, "score").await;
    let add = json!({ "report": reports[0].0, "kind": "HOST", "value": "gw.example.com" });
    let added = app.made(&analyst, "addIndicator", add, "id").await;
    app.made(&analyst, "dismissIndicator", json!({ "indicator": added["id"] }), "id").await;
    [reports[0].0.clone(), reports[1].0.clone()]
}

#[tokio::test]
async fn an_earlier_report_is_found_with_reasons_that_people_read() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", TITLE, TEXT).await;
        received(&app, "N-2", "Photo Album 越权", OTHER).await;
        assert_eq!(shown(&app, &analyst, &first.report).await, json!([]), "nothing was before it");
        let edited = TEXT.replace("管理员", "超级用户").replace("复现时", "测试时，");
        let second = received(&app, "N-3", TITLE, &edited).await;
        let found = shown(&app, &analyst, &second.report).await;
        assert_eq!(reports(&found), [&*first.report], "{found}");
        assert_eq!(found[0]["event"]["number"], first.number);
        assert_eq!(found[0]["kind"], "STRONG");
        let reasons = found[0]["reasons"].as_array().unwrap();
        let of = |code: &str| reasons.iter().find(|reason| reason["code"] == code).unwrap();
        let endpoint = of("SAME_ENDPOINT_AND_PARAMETER");
        assert_eq!(endpoint["english"], "same endpoint and parameter gw.example.com/login.php?user");
        assert_eq!(endpoint["chinese"], "接口与参数相同：gw.example.com/login.php?user");
        let share = of("SIMILAR_TEXT")["share"].as_i64().unwrap();
        assert!((60..100).contains(&share), "{share}");
        assert_eq!(of("SIMILAR_TEXT")["english"], format!("{share} % of the text"));
        let event = app.node(&analyst, &second.event, "Event", CANDIDATES).await;
        assert_eq!(event["duplicateCandidates"], found, "the event's are its reports'");
        let one = app.graphql(&analyst, "query($id: ID!) { node(id: $id) { ... on Report { duplicateCandidates(first: 0) { score } } } }",
            json!({ "id": second.report })).await;
        assert_eq!(one["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    })
    .await;
}

#[tokio::test]
async fn the_same_number_or_text_is_exact_and_closed_events_count() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let record = ImportedReport {
            number: "OLD-1".into(),
            title: "旧记录".into(),
            text: TEXT.into(),
            ..Default::default()
        };
        let actor = Actor::operator("analyst-1", [Role::Analyst]);
        let items = std::iter::once(Ok(Item::Report(Box::new(record))));
        import(&app.app, &actor, &ChannelSpec::cnvd(), items, &ImportOptions::default(), |_| {})
            .await
            .unwrap();
        // As another channel's form has it, in wide characters.
        let wide = TEXT.replace("5.2.1", "５．２．１").replace("hxxp://", "HXXP://");
        let same = received(&app, "N-1", "标题不同", &wide).await;
        let found = shown(&app, &analyst, &same.report).await;
        assert_eq!(
            (found[0]["kind"].as_str(), found[0]["score"].as_i64()),
            (Some("EXACT"), Some(100)),
            "{found}"
        );
        assert_eq!(codes(&found[0])[0], "SAME_TEXT");
        let number = |number: &str| received_with_cve(&app, number.to_owned());
        let (one, two) = (number("N-2").await, number("N-3").await);
        let found = shown(&app, &analyst, &two.report).await;
        assert_eq!(reports(&found), [&*one.report], "{found}");
        assert_eq!(found[0]["reasons"][0]["english"], "same number CVE-2026-12345");
    })
    .await;
}

async fn received_with_cve(app: &TestApp, number: String) -> Story<'_> {
    let text = format!("{number} 里说的是CVE-2026-12345的问题");
    received(app, &number, &format!("标题 {number}"), &text).await
}

#[tokio::test]
async fn a_mail_is_compared_like_any_report_and_so_is_its_file() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", TITLE, TEXT).await;
        mails::received(&app, "cnvd", "<a@example.org>", "Login", TEXT).await;
        mails::received(&app, "cnvd", "<b@example.org>", "Other words", "Nothing in common with the others")
            .await;
        mails::received(
            &app,
            "cnvd",
            "<c@example.org>",
            "And again",
            "What this says is unlike what they say",
        )
        .await;
        let reports = app
            .graphql(&analyst, &format!("{{ reports {{ nodes {{ id title {CANDIDATES} }} }} }}"), Value::Null)
            .await;
        let of = |title: &str| {
            let nodes = reports["data"]["reports"]["nodes"].as_array().unwrap();
            nodes.iter().find(|node| node["title"] == title).unwrap_or_else(|| panic!("{reports}")).clone()
        };
        let mail = of("Login");
        assert_eq!(mail["duplicateCandidates"][0]["report"]["id"], first.report, "{mail}");
        let again = of("And again");
        let other = of("Other words");
        let candidate = again["duplicateCandidates"]
            .as_array()
            .unwrap()
            .iter()
            .find(|candidate| candidate["report"]["id"] == other["id"])
            .unwrap_or_else(|| panic!("{again}"));
        assert_eq!(codes(candidate)[0], "SAME_FILE", "{candidate}");
        assert_eq!(candidate["kind"], "STRONG");
    })
    .await;
}

#[tokio::test]
async fn what_comes_later_for_a_report_is_compared_too() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", "一个问题", "以后补充").await;
        let second = received(&app, "N-2", "Photo Album 越权", OTHER).await;
        assert_eq!(shown(&app, &analyst, &second.report).await, json!([]));
        let more = json!({ "report": first.report, "text": OTHER });
        app.made(&analyst, "addToReport", more, "id").await;
        assert_eq!(reports(&shown(&app, &analyst, &second.report).await), [&*first.report]);
    })
    .await;
}

#[tokio::test]
async fn a_hidden_report_changes_nothing_of_what_others_are_shown() {
    on_both(|app| async move {
        app.with_company().await;
        let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        let open = received(&app, "N-1", TITLE, TEXT).await;
        for number in 0..3 {
            received(&app, &format!("O-{number}"), "Photo Album 越权", &format!("{OTHER}{number}")).await;
        }
        // What is for named people stands between the open one and the one that is looked at.
        let red = json!({ "title": TITLE, "text": TEXT, "tlp": "RED" });
        app.advance(TimeDelta::seconds(1));
        let hidden = Story::receive(&app, "N-2", red).await;
        let last = received(&app, "N-3", TITLE, TEXT).await;
        let seen = shown(&app, &two, &last.report).await;
        assert_eq!(reports(&seen), [&*open.report], "{seen}");
        let all = shown(&app, &one, &last.report).await;
        assert_eq!(reports(&all), [&*hidden.report, &*open.report], "who received it is on its team");
        assert_eq!(all[1], seen[0], "neither score nor reasons tell of it");
        // Decided by who sees it, it stays unknown to who does not.
        let decided = decide(&app, &one, &last, &hidden.report, "DISTINCT").await;
        assert_eq!(decided["userErrors"], json!([]), "{decided}");
        let fields = "duplicateDecisions { outcome otherReport { id } }";
        assert_eq!(app.node(&two, &last.report, "Report", fields).await["duplicateDecisions"], json!([]));
        assert_eq!(
            app.node(&one, &last.report, "Report", fields).await["duplicateDecisions"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        let figures = "{ duplicateFigures { decided duplicates related distinct precision
            byReason { code decided duplicates precision } byScore { from to decided duplicates precision } } }";
        let none = app.graphql(&two, figures, Value::Null).await;
        assert_eq!(
            none["data"]["duplicateFigures"],
            json!({
                "decided": 0, "duplicates": 0, "related": 0, "distinct": 0, "precision": null, "byReason": [], "byScore": []
            })
        );
        let known = app.graphql(&one, figures, Value::Null).await["data"]["duplicateFigures"].clone();
        assert_eq!((&known["decided"], &known["distinct"], &known["precision"]), (&json!(1), &json!(1), &json!(0)));
        let of_text = json!({ "code": "SAME_TEXT", "decided": 1, "duplicates": 0, "precision": 0 });
        assert!(known["byReason"].as_array().unwrap().contains(&of_text), "{known}");
        let exact = json!([{ "from": 100, "to": 100, "decided": 1, "duplicates": 0, "precision": 0 }]);
        assert_eq!(known["byScore"], exact);
        let earlier = "{ duplicateFigures(until: \"2026-03-01T00:00:00Z\") { decided } }";
        let before = app.graphql(&one, earlier, Value::Null).await;
        assert_eq!(before["data"]["duplicateFigures"]["decided"], 0);
        let refused = decide(&app, &two, &last, &hidden.report, "DISTINCT").await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND", "{refused}");
        for role in [Role::Engineer, Role::Reporter, Role::Src, Role::Support] {
            let answer = app.node(&app.token(role, "somebody-1"), &last.report, "Report", CANDIDATES).await;
            assert!(answer["duplicateCandidates"].is_null(), "{role:?} {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_pair_is_decided_once_and_a_duplicate_gets_its_verdict() {
    on_both(|app| async move {
        app.with_company().await;
        let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        let original = received(&app, "N-1", TITLE, TEXT).await;
        let story = received(&app, "N-2", TITLE, &TEXT.replace("管理员", "用户")).await;
        story.analyst("startTriage", json!({})).await;
        let (a, b) = join(
            decide(&app, &one, &story, &original.report, "DUPLICATE"),
            decide(&app, &two, &story, &original.report, "DISTINCT"),
        )
        .await;
        let outcomes = [&a, &b].map(|answer| answer["decision"]["outcome"].as_str());
        assert_eq!(outcomes.iter().flatten().count(), 1, "{a} {b}");
        let lost = if outcomes[0].is_some() { &b } else { &a };
        let conflict = lost["errors"][0]["extensions"]["code"] == "CONFLICT";
        assert!(conflict || lost["userErrors"][0]["code"] == "ALREADY_EXISTS", "{lost}");
        let seen = story.look("status verdict duplicateOf { id } relatedEvents { id }").await;
        if outcomes[0].is_some() {
            assert_eq!(seen["duplicateOf"]["id"], original.event, "{seen}");
        } else {
            assert_eq!(
                (seen["status"].as_str(), &seen["relatedEvents"]),
                (Some("TRIAGING"), &json!([])),
                "{seen}"
            );
        }
        assert_eq!(shown(&app, &one, &story.report).await, json!([]), "nobody is asked again");
        let fields = "duplicateDecisions { outcome rationale score decidedBy otherReport { id } }";
        let listed = app.node(&one, &original.report, "Report", fields).await;
        assert_eq!(listed["duplicateDecisions"][0]["rationale"], "the same check is missing", "{listed}");
        assert!(listed["duplicateDecisions"][0]["score"].as_i64().unwrap() >= 40);
        let same = if outcomes[0].is_some() { "DUPLICATE" } else { "DISTINCT" };
        let again = decide(&app, &two, &story, &original.report, same).await;
        assert_eq!(again["decision"]["outcome"], same, "said again, it changes nothing: {again}");
    })
    .await;
}

#[tokio::test]
async fn each_outcome_does_what_it_says() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let original = received(&app, "N-1", TITLE, TEXT).await;
        let analysed = received(&app, "N-2", TITLE, TEXT).await;
        analysed.analyst("startTriage", json!({})).await;
        let waiting = received(&app, "N-3", TITLE, TEXT).await;
        let early = decide(&app, &analyst, &waiting, &original.report, "DUPLICATE").await;
        assert_eq!(early["userErrors"][0]["code"], "MOVE_NOT_ALLOWED", "{early}");
        for (story, outcome) in [(&analysed, "DUPLICATE"), (&waiting, "RELATED")] {
            let decided = decide(&app, &analyst, story, &original.report, outcome).await;
            assert_eq!(decided["userErrors"], json!([]), "{decided}");
            assert_eq!(decided["decision"]["score"], 100);
        }
        let seen = analysed.look("status verdict duplicateOf { id }").await;
        assert_eq!(
            (seen["verdict"].as_str(), &seen["duplicateOf"]["id"]),
            (Some("DUPLICATE"), &json!(original.event))
        );
        let seen = waiting.look("status verdict relatedEvents { id }").await;
        assert_eq!(
            seen,
            json!({ "status": "RECEIVED", "verdict": null, "relatedEvents": [{ "id": original.event }] })
        );
        let figures =
            app.graphql(&analyst, "{ duplicateFigures { decided duplicates precision } }", Value::Null).await;
        assert_eq!(
            figures["data"]["duplicateFigures"],
            json!({ "decided": 2, "duplicates": 1, "precision": 50 })
        );
        let own = decide(&app, &analyst, &original, &original.report, "RELATED").await;
        assert_eq!(own["userErrors"][0]["code"], "CONTRADICTION", "{own}");
    })
    .await;
}

#[tokio::test]
async fn what_was_dismissed_identifies_nothing_and_does_not_come_back() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received_with_cve(&app, "N-1".to_owned()).await;
        let second = received_with_cve(&app, "N-2".to_owned()).await;
        let indicators = "indicators { id kind value source dismissedBy }";
        let found = app.node(&analyst, &first.report, "Report", indicators).await;
        let number = found["indicators"][0].clone();
        assert_eq!(
            (number["value"].as_str(), number["source"].as_str()),
            (Some("CVE-2026-12345"), Some("EXTRACTED"))
        );
        let exact = |candidates: &Value| {
            candidates.as_array().unwrap().iter().any(|candidate| candidate["kind"] == "EXACT")
        };
        assert!(exact(&shown(&app, &analyst, &second.report).await));
        let dismiss = json!({ "indicator": number["id"] });
        let dismissed = app.made(&analyst, "dismissIndicator", dismiss.clone(), "dismissedBy").await;
        assert_eq!(dismissed["dismissedBy"], "analyst-1");
        assert!(!exact(&shown(&app, &analyst, &second.report).await));
        let more = json!({ "report": first.report, "text": "补充：仍是CVE-2026-12345" });
        app.made(&analyst, "addToReport", more, "id").await;
        let kept = app.node(&analyst, &first.report, "Report", indicators).await;
        assert_eq!(kept["indicators"].as_array().unwrap().len(), 1, "{kept}");
        assert!(!exact(&shown(&app, &analyst, &second.report).await));
        // Said by hand, it counts again.
        let add = json!({ "report": first.report, "kind": "CVE", "value": "CVE-2026-12345" });
        app.made(&analyst, "addIndicator", add, "id").await;
        assert!(exact(&shown(&app, &analyst, &second.report).await));
        let add =
            |story: &Story<'_>| json!({ "report": story.report, "kind": "CNVD", "value": "CNVD-2026-99999" });
        let (third, fourth) = (
            received(&app, "N-3", "苹果", "苹果落地").await,
            received(&app, "N-4", "风筝", "风筝上天").await,
        );
        app.made(&analyst, "addIndicator", add(&third), "source").await;
        app.made(&analyst, "addIndicator", add(&fourth), "source").await;
        let seen = shown(&app, &analyst, &fourth.report).await;
        assert_eq!(codes(&seen[0]), ["SAME_NUMBER"], "{seen}");
        let own = app.token(Role::Reporter, "reporter-1");
        let refused = app.call(&own, "dismissIndicator", dismiss, "id").await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    })
    .await;
}

#[tokio::test]
async fn texts_of_any_kind_are_taken_and_a_refused_report_leaves_nothing() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let texts = [
            "漏".repeat(150_000),
            "a".repeat(400_000),
            "http://".repeat(50_000),
            "\"NEAR/0 OR AND NOT * ^ ( ' -- ; %_ \\".to_owned(),
            "\u{202e}gpj.exe\u{200b} \u{301}\u{301}\u{301}".to_owned(),
            "-".to_owned(),
        ];
        for (number, text) in texts.iter().enumerate() {
            let one = received(&app, &format!("A-{number}"), "标题", text).await;
            let two = received(&app, &format!("B-{number}"), "标题", text).await;
            let found = shown(&app, &analyst, &two.report).await;
            assert!(found.is_array(), "{found}");
            assert!(number >= 3 || reports(&found).contains(&&*one.report), "{number}: {found}");
        }
        let counts = || async {
            let db = app.app.database.reader();
            (
                report::Entity::find().count(db).await.unwrap(),
                report_profile::Entity::find().count(db).await.unwrap(),
            )
        };
        let before = counts().await;
        assert_eq!(before.0, before.1);
        let closed = vulndesk::ids::encode(vulndesk::ids::Kind::Event, uuid::Uuid::from_u128(7));
        let input =
            json!({ "channel": "cnvd", "number": "X-1", "title": TITLE, "text": TEXT, "joinEvent": closed });
        let refused = app.call(&analyst, "receiveReport", input, "id").await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND");
        assert_eq!(counts().await, before);
    })
    .await;
}
