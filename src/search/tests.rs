//! Things that were there before the search, and what an import writes for it.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::*;
use crate::auth::Role;
use crate::database::Stretch;
use crate::graphql::scalars::Id;
use crate::indicator::{AddIndicator, add};
use crate::intake::import::{ImportedReport, Item};
use crate::intake::importer::{ChannelSpec, ImportOptions, import};
use crate::testing::{TestApp, app, app_on_postgres};

fn analyst() -> Actor {
    Actor::operator("analyst-1", [Role::Analyst])
}

async fn bring(app: &TestApp, records: &[(&str, &str)]) {
    let items = records.iter().map(|(number, text)| {
        let record = ImportedReport {
            number: (*number).to_owned(),
            title: "打印服务".to_owned(),
            text: (*text).to_owned(),
            ..ImportedReport::default()
        };
        Ok(Item::Report(Box::new(record)))
    });
    import(app, &analyst(), &ChannelSpec::cnvd(), items, &ImportOptions::default(), |_| {}).await.unwrap();
}

async fn found(app: &TestApp, typed: &str) -> usize {
    let page = PageInput { first: Some(100), ..PageInput::default() };
    search(app, &analyst(), typed, None, &page, &Budget::default()).await.unwrap().hits.len()
}

#[tokio::test]
async fn what_was_there_before_is_found_after_a_sweep() {
    for app in [app("search_before").await, app_on_postgres("search_before").await] {
        bring(&app, &[("A-1", "溢出"), ("A-2", "越界读取")]).await;
        let report = report::Entity::find().one(app.database.reader()).await.unwrap().unwrap();
        let input = AddIndicator {
            report: Id::new(report.id),
            kind: entity::vocabulary::IndicatorKind::Host,
            value: "inside.example".to_owned(),
        };
        add(&app, &analyst(), &input).await.unwrap();
        entity::search_entry::Entity::delete_many().exec(app.database.writer()).await.unwrap();
        for typed in ["打印服务", "越界", "inside.example"] {
            assert_eq!(found(&app, typed).await, 0, "nothing of what is gone is left");
        }
        crate::schedule::sweep(&app).await.unwrap();
        assert_eq!(found(&app, "打印服务").await, 2);
        assert_eq!(found(&app, "越界").await, 1);
        assert_eq!(found(&app, "inside.example").await, 1);
    }
}

#[tokio::test]
async fn an_import_writes_one_entry_for_each_report_and_a_new_version_keeps_its_place() {
    for app in [app("search_import").await, app_on_postgres("search_import").await] {
        bring(&app, &[("A-1", "溢出"), ("A-2", "越界读取"), ("A-3", "溢出")]).await;
        let entries = || entity::search_entry::Entity::find();
        assert_eq!(entries().count(app.database.reader()).await.unwrap(), 3);
        let before = entries().all(app.database.reader()).await.unwrap();
        bring(&app, &[("A-1", "提权")]).await;
        assert_eq!(
            (found(&app, "提权").await, found(&app, "溢出").await),
            (1, 2),
            "earlier versions are found too"
        );
        for number in 0..3 {
            bring(&app, &[("A-1", &format!("第{number}次补充"))]).await;
        }
        assert_eq!((found(&app, "提权").await, found(&app, "溢出").await), (0, 1), "up to the third newest");
        let mut after = entries().all(app.database.reader()).await.unwrap();
        after.sort_by_key(|entry| entry.place);
        assert_eq!(after, before);
        let one = entries().filter(entity::search_entry::Column::SubjectId.eq(before[0].subject_id));
        assert_eq!(one.count(app.database.reader()).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn what_has_the_words_but_not_as_they_were_asked_for_is_passed_over_page_by_page() {
    for app in [app("search_passed").await, app_on_postgres("search_passed").await] {
        let numbers: Vec<String> = (0..EXAMINED + 60).map(|number| format!("A-{number}")).collect();
        let records: Vec<_> = numbers.iter().map(|number| (number.as_str(), "远程的代码和程代")).collect();
        // Apart: what comes in one batch is in no order.
        bring(&app, &[("FIRST-1", "远程代码")]).await;
        bring(&app, &records).await;
        let page = PageInput { first: Some(1), ..PageInput::default() };
        let hits = search(&app, &analyst(), "远程代码", None, &page, &Budget::default()).await.unwrap();
        assert!(hits.hits.is_empty() && hits.has_next, "so many are looked at, and it goes on");
        let next = PageInput { first: Some(1), after: hits.end, ..PageInput::default() };
        let hits = search(&app, &analyst(), "远程代码", None, &next, &Budget::default()).await.unwrap();
        assert_eq!(hits.hits.len(), 1);
        assert!(!hits.has_next);
    }
}

#[tokio::test]
async fn searches_of_one_request_read_so_much_together_and_go_on_from_there() {
    for app in [app("search_budget").await, app_on_postgres("search_budget").await] {
        let texts = ["溢出一", "溢出二", "溢出三", "溢出四"];
        bring(&app, &texts.map(|text| (text, text))).await;
        // A number and a text of three characters, and a title of four: ten for a report.
        let budget = Budget::of(11);
        let mut page = PageInput { first: Some(100), ..PageInput::default() };
        let hits = search(&app, &analyst(), "溢出", None, &page, &budget).await.unwrap();
        assert_eq!((hits.hits.len(), hits.has_next), (2, true), "the second was begun");
        page.after = hits.end;
        let hits = search(&app, &analyst(), "溢出", None, &page, &budget).await.unwrap();
        assert_eq!((hits.hits.len(), hits.has_next), (1, true), "a search gets on, whatever others read");
        page.after = hits.end;
        let hits = search(&app, &analyst(), "溢出", None, &page, &Budget::of(11)).await.unwrap();
        assert_eq!((hits.hits.len(), hits.has_next), (1, false));
    }
}

#[tokio::test]
async fn words_are_looked_up_and_their_entries_come_in_order() {
    let word = |text: &str| database::Word { text: text.to_owned(), begins: false };
    let words =
        |text: &str| database::Words { any: vec![word("k:REPORT")], all: vec![word(text)], but: Vec::new() };
    let postgres = app_on_postgres("search_plans").await;
    let fill = "INSERT INTO search_entry (kind, subject_id, side, words) SELECT 'REPORT', gen_random_uuid(), 'COMMON', \
                array_to_tsvector(ARRAY['k:REPORT', 'common', 'rare' || n]) FROM generate_series(1, 30000) n";
    postgres.database.writer().execute_unprepared(fill).await.unwrap();
    // As the database does by itself after so many changes.
    postgres.database.writer().execute_unprepared("VACUUM ANALYZE search_entry").await.unwrap();
    for plan in plans(&postgres, &words("rare77"), "EXPLAIN").await {
        assert!(plan.contains("Index Scan on search_entry_placed"), "{plan}");
    }
    let sqlite = app("search_plans").await;
    let [plan] = plans(&sqlite, &words("rare77"), "EXPLAIN QUERY PLAN").await.try_into().unwrap();
    assert!(plan.contains("search_words VIRTUAL TABLE INDEX"), "{plan}");
    assert!(plan.contains("SEARCH search_entry USING INTEGER PRIMARY KEY"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

#[tokio::test]
async fn who_sees_little_is_answered_from_what_they_see_alone() {
    for app in [app("search_little").await, app_on_postgres("search_little").await] {
        bring(&app, &[("A-1", "溢出 10.0.3"), ("A-2", "溢出"), ("A-3", "越界读取")]).await;
        let backend = app.database.backend();
        let of =
            |channel: &str| Actor { channel: Some(channel.into()), ..Actor::operator("src-1", [Role::Src]) };
        let found = async |actor: &Actor, typed: &str| {
            let page = PageInput { first: Some(100), ..PageInput::default() };
            search(&app, actor, typed, None, &page, &Budget::default()).await.unwrap().hits.len()
        };
        let (own, other) = (of("cnvd"), of("src"));
        if backend == sea_orm::DatabaseBackend::Sqlite {
            // The index of what everybody's things say is not asked.
            let forget = "INSERT INTO search_words (search_words) VALUES ('delete-all')";
            app.database.writer().execute_unprepared(forget).await.unwrap();
        }
        for (typed, hits) in [("溢出", 2), ("打印服务", 3), ("10.0", 1), ("0.3", 0), ("打印服务 越界", 1)]
        {
            assert_eq!(found(&own, typed).await, hits, "{typed}");
            assert_eq!(found(&other, typed).await, 0, "{typed}");
        }
        let word = |text: &str| database::Word { text: text.to_owned(), begins: false };
        let words =
            database::Words { any: vec![word("k:REPORT")], all: vec![word("溢出")], but: Vec::new() };
        let scope = Scope { kinds: &[SearchKind::Report, SearchKind::Product], number: None };
        let mut select = store::matching_granted(backend, &own, &scope, &words, 99);
        select.column(("search_entry", "place"));
        let same = Expr::col(("search_entry", "subject_id")).equals(("report", "id"));
        select.join(sea_orm::JoinType::LeftJoin, "report", same);
        let statement = backend.build(&select);
        let explain =
            if backend == sea_orm::DatabaseBackend::Postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
        let plan = plan(&app, statement, explain).await;
        assert!(!plan.contains("search_words") && !plan.contains("search_entry_placed"), "{plan}");
        if backend == sea_orm::DatabaseBackend::Sqlite {
            assert!(plan.contains("SEARCH search_entry USING INDEX search_entry_subject_id_side"), "{plan}");
            assert!(!plan.contains("SCAN event_access"), "{plan}");
        }
    }
}

/// How the database would find these words, for each stretch.
async fn plans(app: &TestApp, words: &database::Words, explain: &str) -> Vec<String> {
    let backend = app.database.backend();
    let mut plans = Vec::new();
    let mut next = Some(Stretch::newest(backend, 30_001));
    while let Some(stretch) = next {
        let mut select = database::with_words(backend, words, &stretch);
        select.column(("search_entry", "place"));
        plans.push(plan(app, backend.build(&select), explain).await);
        next = stretch.next(1);
    }
    plans
}

async fn plan(app: &TestApp, mut statement: sea_orm::Statement, explain: &str) -> String {
    statement.sql = format!("{explain} {} LIMIT 21", statement.sql);
    let rows = app.database.reader().query_all_raw(statement).await.unwrap();
    let postgres = app.database.backend() == sea_orm::DatabaseBackend::Postgres;
    let column = if postgres { "QUERY PLAN" } else { "detail" };
    let lines: Vec<String> = rows.iter().map(|row| row.try_get("", column).unwrap()).collect();
    lines.join("\n")
}
