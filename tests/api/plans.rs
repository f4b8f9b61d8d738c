//! What grows is never read whole: each statement of each query goes through an index, for who sees all and for who sees little.
//! SQLite chooses that without a look at how many rows there are; PostgreSQL reads whole what is small, and is not asked.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use vulndesk::auth::Role;

use crate::harness::TestApp;
use crate::leaks::{every_query, schema_of};
use crate::rich;

/// Queries that are about all there is in a period.
const ABOUT_ALL: &[&str] = &["statistics", "leaderboard", "monthlyReport", "duplicateFigures"];

/// Tables that hold what somebody set up, and what has a row a month.
const SET_UP: &[&str] = &["budget", "calendar", "channel", "customer", "duty", "product", "reply_template"];

/// The statements of every query of these callers, each with who asked first.
async fn asked(app: &TestApp) -> BTreeMap<String, String> {
    let schema = schema_of(app).await;
    let mut asked = BTreeMap::new();
    for (role, subject) in [
        (Role::Leader, "leader-1"),
        (Role::Analyst, "analyst-2"),
        (Role::Engineer, "engineer-1"),
        (Role::Reporter, "reporter-1"),
    ] {
        let token = app.token_in_scope(role, subject);
        let (_, statements) = app.sql_of(every_query(app, &schema, &token, ABOUT_ALL)).await;
        for sql in statements.into_iter().filter(|sql| sql.starts_with("SELECT")) {
            asked.entry(sql).or_insert_with(|| role.to_string());
        }
    }
    asked
}

/// The steps in which a statement is answered.
async fn steps(app: &TestApp, sql: &str) -> Vec<String> {
    let explain = Statement::from_string(DatabaseBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = app.owner().query_all_raw(explain).await.unwrap();
    rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect()
}

/// Those steps of a plan that read something from one end to the other which grows.
fn read_whole<'a>(steps: &'a [String], sql: &str) -> Vec<&'a str> {
    let made: Vec<&str> = steps
        .iter()
        .filter_map(|step| step.strip_prefix("CO-ROUTINE ").or_else(|| step.strip_prefix("MATERIALIZE ")))
        .collect();
    let whole = |step: &&str| {
        let Some(read) = step.strip_prefix("SCAN ") else { return false };
        let (name, how) = read.split_once(' ').unwrap_or((read, ""));
        let is_list = name.starts_with('(') || name == "CONSTANT" || how.starts_with("VIRTUAL TABLE");
        // What is read in its order is left off where a page is full.
        let in_order = sql.contains(" LIMIT ") && sql.contains(&format!("ORDER BY \"{name}\"."));
        let is_walk = in_order && (how.starts_with("USING ") || name == "search_entry");
        !(is_list || is_walk || made.contains(&name) || SET_UP.contains(&name))
    };
    steps.iter().map(String::as_str).filter(whole).collect()
}

#[tokio::test]
async fn no_query_reads_a_table_whole_that_grows() {
    let app = TestApp::sqlite().await;
    rich::event(&app, "cnvd", "AMBER").await;
    let (mut looked_at, mut found) = (0, BTreeSet::new());
    for (sql, role) in asked(&app).await {
        // How many there are is counted, at most to a bound where nobody asks for more.
        if sql.starts_with("SELECT COUNT(*)") {
            continue;
        }
        let steps = steps(&app, &sql).await;
        looked_at += 1;
        for step in read_whole(&steps, &sql) {
            let begins: String = sql.chars().take(400).collect();
            found.insert(format!("{role}: {step}: {begins}"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(looked_at > 90, "{looked_at} statements");
}
