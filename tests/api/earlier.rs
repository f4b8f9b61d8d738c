//! Which report is the earlier one, what of a report is compared, what was decided already, and what a request may ask for.

use chrono::{NaiveDate, TimeDelta};
use entity::{report_profile, term_weights};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::{Value, json};
use vulndesk::auth::{Actor, Role};
use vulndesk::intake::import::{ImportedReport, Item, Moment};
use vulndesk::intake::importer::{ChannelSpec, ImportOptions, import};
use vulndesk::schedule;

use crate::candidates::{CANDIDATES, OTHER, TEXT, TITLE, codes, decide, received, reports, shown};
use crate::files::upload;
use crate::harness::{TestApp, on_both};
use crate::story::Story;

/// What nobody else says.
const THIRD: &str =
    "打印服务在解析作业名称时没有限制长度，过长的名称会使守护进程退出，之后的作业都不再打印。";

/// The reports that `token` is shown for one.
async fn found(app: &TestApp, token: &str, report: &str) -> Vec<String> {
    reports(&shown(app, token, report).await).into_iter().map(str::to_owned).collect()
}

async fn split(app: &TestApp, story: &Story<'_>, parts: Value) -> Vec<String> {
    let analyst = app.token(Role::Analyst, "analyst-1");
    let input = json!({ "report": story.report, "expectedVersion": story.version().await, "parts": parts });
    app.made(&analyst, "splitReport", input, "id").await;
    let all =
        app.graphql(&analyst, "{ reports { nodes { id partNumber partOf { id } } } }", Value::Null).await;
    let nodes = all["data"]["reports"]["nodes"].as_array().unwrap();
    let mut parts: Vec<&Value> = nodes.iter().filter(|node| node["partOf"]["id"] == story.report).collect();
    parts.sort_by_key(|node| node["partNumber"].as_i64());
    parts.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_earlier_report_is_the_one_that_was_received_first() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let live = received(&app, "N-1", TITLE, TEXT).await;
        // Recorded later, received twenty years before.
        let record = ImportedReport {
            number: "OLD-1".into(),
            title: "旧记录".into(),
            text: TEXT.into(),
            received: NaiveDate::from_ymd_opt(2006, 5, 1).map(Moment::Day),
            ..Default::default()
        };
        let actor = Actor::operator("analyst-1", [Role::Analyst]);
        let items = std::iter::once(Ok(Item::Report(Box::new(record))));
        import(&app.app, &actor, &ChannelSpec::cnvd(), items, &ImportOptions::default(), |_| {})
            .await
            .unwrap();
        let all = app.graphql(&analyst, "{ reports { nodes { id channelNumber } } }", Value::Null).await;
        let nodes = all["data"]["reports"]["nodes"].as_array().unwrap();
        let old = nodes.iter().find(|node| node["channelNumber"] == "OLD-1").unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(found(&app, &analyst, &live.report).await, [&*old]);
        assert_eq!(
            found(&app, &analyst, &old).await,
            [""; 0],
            "what came twenty years later is no earlier one"
        );
        let decided = decide(&app, &analyst, &live, &old, "DISTINCT").await;
        assert_eq!(decided["decision"]["score"], 100, "{decided}");
        let fields = "duplicateDecisions { report { id } otherReport { id } }";
        let listed = app.node(&analyst, &old, "Report", fields).await;
        assert_eq!(
            listed["duplicateDecisions"],
            json!([{ "report": { "id": live.report }, "otherReport": { "id": old } }])
        );
    })
    .await;
}

#[tokio::test]
async fn only_the_later_report_is_called_a_duplicate() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", TITLE, TEXT).await;
        let second = received(&app, "N-2", TITLE, TEXT).await;
        for story in [&first, &second] {
            story.analyst("startTriage", json!({})).await;
        }
        let refused = decide(&app, &analyst, &first, &second.report, "DUPLICATE").await;
        assert_eq!(refused["userErrors"][0]["code"], "CONTRADICTION", "{refused}");
        assert_eq!(refused["userErrors"][0]["field"], "report");
        // An event that has a still earlier report is no duplicate either.
        let yesterday = json!({
            "channel": "cnvd", "number": "N-3", "title": TITLE, "text": OTHER, "joinEvent": second.event,
            "receivedAt": (app.app.clock.now() - TimeDelta::days(1)).to_rfc3339(),
        });
        let joined = app.made(&analyst, "receiveReport", yesterday, "id event { id }").await;
        assert_eq!(joined["event"]["id"], second.event);
        let join = json!({ "report": joined["id"], "event": first.event, "expectedVersion": second.version().await });
        app.made(&analyst, "joinReport", join, "id").await;
        assert_eq!(first.look("reports { id }").await["reports"].as_array().unwrap().len(), 2);
        let hour = (app.app.clock.now() - TimeDelta::hours(1)).to_rfc3339();
        let third = json!({ "title": TITLE, "text": TEXT, "receivedAt": hour });
        let third = Story::receive(&app, "N-4", third).await;
        third.analyst("startTriage", json!({})).await;
        let refused = decide(&app, &analyst, &first, &third.report, "DUPLICATE").await;
        assert_eq!(refused["userErrors"][0]["code"], "CONTRADICTION", "{refused}");
        let decided = decide(&app, &analyst, &third, joined["id"].as_str().unwrap(), "DUPLICATE").await;
        assert_eq!(decided["userErrors"], json!([]), "{decided}");
        assert_eq!(third.look("duplicateOf { id }").await["duplicateOf"]["id"], first.event);
    })
    .await;
}

#[tokio::test]
async fn parts_of_an_earlier_report_are_found_and_stand_for_one() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let whole = received(&app, "N-1", "两个问题", &format!("{TEXT}\n{OTHER}\n{THIRD}")).await;
        let later = received(&app, "N-2", "相册", OTHER).await;
        // Split when the other one was there: the parts are as old as their whole.
        let parts = split(
            &app,
            &whole,
            json!([{ "title": "登录", "text": TEXT }, { "title": "相册", "text": OTHER }, { "title": "打印", "text": THIRD }]),
        )
        .await;
        let candidates = shown(&app, &analyst, &later.report).await;
        assert_eq!(reports(&candidates), [&*parts[1]], "{candidates}");
        assert_eq!(candidates[0]["kind"], "EXACT");
        let same = received(&app, "N-3", "全部", &format!("{TEXT}\n{OTHER}\n{THIRD}")).await;
        let all = found(&app, &analyst, &same.report).await;
        assert!(all.contains(&whole.report), "{all:?}");
        assert!(parts.iter().all(|part| !all.contains(part)), "its parts stand behind the whole: {all:?}");
    })
    .await;
}

#[tokio::test]
async fn what_was_decided_is_not_asked_again_of_another_report_of_the_event() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let earlier = received(&app, "N-1", TITLE, TEXT).await;
        let again = json!({
            "channel": "src", "number": "N-1-B", "title": TITLE, "text": format!("{TEXT}再次"), "joinEvent": earlier.event,
        });
        app.made(&analyst, "receiveReport", again, "id").await;
        // Two reports of one event, one of which is decided of.
        let story = received(&app, "N-2", TITLE, TEXT).await;
        let copy = json!({
            "channel": "src", "number": "N-2-B", "title": TITLE, "text": TEXT, "joinEvent": story.event,
        });
        let copy = app.made(&analyst, "receiveReport", copy, "id").await["id"].as_str().unwrap().to_owned();
        assert_eq!(found(&app, &analyst, &copy).await.len(), 2);
        decide(&app, &analyst, &story, &earlier.report, "DISTINCT").await;
        for report in [&story.report, &copy] {
            assert_eq!(found(&app, &analyst, report).await, [""; 0]);
        }
        let event = app.node(&analyst, &story.event, "Event", CANDIDATES).await;
        assert_eq!(event["duplicateCandidates"], json!([]));
        // The parts of a report take over what was decided of it.
        let whole = received(&app, "N-3", TITLE, TEXT).await;
        for other in [&earlier, &story] {
            decide(&app, &analyst, &whole, &other.report, "DISTINCT").await;
        }
        let parts = split(&app, &whole, json!([{ "title": "一" }, { "title": "二" }])).await;
        for part in &parts {
            assert_eq!(found(&app, &analyst, part).await, [""; 0], "{part}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_verdict_and_a_link_are_decisions_too() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let original = received(&app, "N-1", TITLE, TEXT).await;
        let repeated = received(&app, "N-2", TITLE, TEXT).await;
        assert_eq!(found(&app, &analyst, &repeated.report).await, [&*original.report]);
        repeated.analyst("startTriage", json!({})).await;
        let verdict =
            json!({ "verdict": "DUPLICATE", "rationale": "the same", "originalEvent": original.event });
        repeated.analyst("giveVerdict", verdict).await;
        assert_eq!(found(&app, &analyst, &repeated.report).await, [""; 0]);
        let linked = received(&app, "N-3", TITLE, TEXT).await;
        assert_eq!(found(&app, &analyst, &linked.report).await.len(), 2);
        // Nobody links an event in the instant in which it comes.
        app.advance(TimeDelta::seconds(1));
        linked.analyst("linkEvents", json!({ "other": original.event })).await;
        assert_eq!(found(&app, &analyst, &linked.report).await, [&*repeated.report]);
    })
    .await;
}

#[tokio::test]
async fn the_newest_versions_of_a_report_are_compared_each_by_itself() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", "一个问题", &format!("{OTHER} CVE-2031-77777")).await;
        let add = |text: &str| json!({ "report": first.report, "text": text });
        for text in [THIRD, "第三次补充：日志里没有更多内容，系统重启后一切如常，只有时间不同。", TEXT]
        {
            app.made(&analyst, "addToReport", add(text), "id").await;
        }
        // What it said last is found as if it had said nothing else.
        let edited = TEXT.replace("管理员", "超级用户");
        let same = received(&app, "N-2", "后台登录", &edited).await;
        let seen = shown(&app, &analyst, &same.report).await;
        assert_eq!(reports(&seen), [&*first.report], "{seen}");
        let reasons = seen[0]["reasons"].as_array().unwrap();
        let share = reasons.iter().find(|reason| reason["code"] == "SIMILAR_TEXT").unwrap()["share"].as_i64();
        assert!(share.unwrap() >= 70, "{seen}");
        // What identifies it does so whenever it was said.
        let numbered = received(&app, "N-4", "风筝", "风筝上天 CVE-2031-77777").await;
        let seen = shown(&app, &analyst, &numbered.report).await;
        assert_eq!((reports(&seen), codes(&seen[0])), (vec![&*first.report], vec!["SAME_NUMBER"]), "{seen}");
        // What it said three versions ago is past.
        let past = received(&app, "N-3", "相册", OTHER).await;
        assert_eq!(found(&app, &analyst, &past.report).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_comes_and_goes_beside_a_version_is_found_and_no_longer() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let reporter = json!({ "name": "somebody", "subject": "reporter-1" });
        app.advance(TimeDelta::seconds(1));
        let input = json!({ "channel": "src", "title": "苹果", "text": "苹果落地", "reporter": reporter });
        let first = Story::receive(&app, "S-1", input).await;
        let second = received(&app, "N-2", "风筝", "风筝上天").await;
        assert_eq!(found(&app, &analyst, &second.report).await, [""; 0]);
        // A number that the reporter adds.
        let number = json!([{ "kind": "CVE", "value": "CVE-2031-10001" }]);
        let more = json!({ "report": first.report, "text": "more", "indicators": number });
        app.made(&app.token(Role::Reporter, "reporter-1"), "addToReport", more, "id").await;
        let add = json!({ "report": second.report, "kind": "CVE", "value": "CVE-2031-10001" });
        let added = app.made(&analyst, "addIndicator", add, "id").await;
        let seen = shown(&app, &analyst, &second.report).await;
        assert_eq!((reports(&seen), codes(&seen[0])), (vec![&*first.report], vec!["SAME_NUMBER", "SEVERAL_PLATFORMS"]), "{seen}");
        app.made(&analyst, "dismissIndicator", json!({ "indicator": added["id"] }), "id").await;
        assert_eq!(found(&app, &analyst, &second.report).await, [""; 0]);
        // A file that is added to each, and taken from either again.
        let (_, own) = upload(&app, &analyst, &second.report, b"the same picture").await;
        let (_, other) = upload(&app, &analyst, &first.report, b"the same picture").await;
        let seen = shown(&app, &analyst, &second.report).await;
        assert_eq!((reports(&seen), codes(&seen[0])), (vec![&*first.report], vec!["SAME_FILE", "SEVERAL_PLATFORMS"]), "{seen}");
        let remove =
            |file: &Value| json!({ "attachment": file["id"], "expectedVersion": 1, "reason": "sent by mistake" });
        app.made(&analyst, "removeAttachment", remove(&other), "id").await;
        assert_eq!(found(&app, &analyst, &second.report).await, [""; 0], "what is gone identifies nothing");
        upload(&app, &analyst, &first.report, b"the same picture").await;
        assert_eq!(found(&app, &analyst, &second.report).await, [&*first.report]);
        app.made(&analyst, "removeAttachment", remove(&own), "id").await;
        assert_eq!(found(&app, &analyst, &second.report).await, [""; 0], "nor does it to the other side");
    })
    .await;
}

#[tokio::test]
async fn reports_from_before_the_index_are_indexed_by_a_sweep() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", TITLE, TEXT).await;
        let second = received(&app, "N-2", TITLE, TEXT).await;
        for table in ["report_feature", "report_profile"] {
            app.owner().execute_unprepared(&format!("DELETE FROM {table}")).await.unwrap();
        }
        assert_eq!(found(&app, &analyst, &second.report).await, [""; 0]);
        assert_eq!(schedule::sweep(&app.app).await.unwrap().failed, 0);
        assert_eq!(found(&app, &analyst, &second.report).await, [&*first.report]);
        let kept = report_profile::Entity::find().count(app.app.database.reader()).await.unwrap();
        schedule::sweep(&app.app).await.unwrap();
        assert_eq!(report_profile::Entity::find().count(app.app.database.reader()).await.unwrap(), kept);
    })
    .await;
}

#[tokio::test]
async fn weights_that_another_process_made_are_taken() {
    on_both(|app| async move {
        assert_eq!(app.app.duplicates.weights().generation, 0);
        let row = term_weights::Model {
            generation: 3,
            indexed: 100_000,
            terms: vec![0, 0, 0, 9, 2],
            made_at: app.app.clock.now(),
        };
        row.into_active_model().insert(app.app.database.writer()).await.unwrap();
        schedule::sweep(&app.app).await.unwrap();
        let weights = app.app.duplicates.weights();
        assert_eq!((weights.generation, weights.of(9)), (3, 3));
        let rows = term_weights::Entity::find().count(app.app.database.reader()).await.unwrap();
        assert_eq!(rows, 1, "few reports are no reason for another one");
    })
    .await;
}

#[tokio::test]
async fn a_request_asks_for_candidates_of_few_reports() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        received(&app, "N-1", TITLE, TEXT).await;
        let story = received(&app, "N-2", TITLE, TEXT).await;
        let times = |times: usize| {
            let fields: String =
                (0..times).map(|n| format!("a{n}: duplicateCandidates {{ score }} ")).collect();
            format!("query($id: ID!) {{ node(id: $id) {{ ... on Report {{ {fields} }} }} }}")
        };
        let (few, many) = (times(20), times(21));
        let ask = |document: &str| {
            let document = document.to_owned();
            let (app, analyst, id) = (&app, &analyst, json!({ "id": story.report }));
            async move { app.graphql(analyst, &document, id).await }
        };
        let (answer, sql) = app.sql_of(ask(&few)).await;
        assert!(answer["errors"].is_null(), "{answer}");
        assert_eq!(answer["data"]["node"]["a19"], json!([{ "score": 100 }]));
        let hidden = sql.iter().filter(|sql| sql.contains("tlp = 'RED'")).count();
        assert_eq!(hidden, 1, "what is hidden is looked up once");
        let refused = ask(&many).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX", "{refused}");
        // Nested in itself it is refused before anything is computed.
        let inner = (0..4)
            .fold("score".to_owned(), |inner, _| format!("report {{ duplicateCandidates {{ {inner} }} }}"));
        let nested = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Report {{ duplicateCandidates {{ {inner} }} }} }} }}"
        );
        let refused = ask(&nested).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX", "{refused}");
        assert!(refused["data"].is_null(), "{refused}");
    })
    .await;
}
