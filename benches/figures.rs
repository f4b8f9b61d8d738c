//! What figures cost: each of them over a year and over a month, for who sees all and for who sees little, and a whole
//! monthly report.
//!
//! `cargo bench --bench figures` runs on a temporary SQLite file; with `VULNDESK_BENCH_POSTGRES` (the URL of an empty
//! database) on PostgreSQL too. `VULNDESK_BENCH_EVENTS` sets the number of events of the year (default 100,000), each
//! with reports, verdicts, steps, replies, clocks and payouts. Rows are made by the database itself. With
//! `VULNDESK_BENCH_FILE` the SQLite file stays where it says, and that file or database is taken as it is, where a run before
//! filled it.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use async_graphql::Request;
use entity::event;
use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, PaginatorTrait};
use vulndesk::app::App;
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::database::Database;
use vulndesk::{executor, graphql, migrate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs of each figure; the median is told.
const RUNS: usize = 5;

const FIGURES: [(&str, &str); 16] = [
    ("events", "events { events foundByUs }"),
    ("events by channel", "events(by: CHANNEL) { events }"),
    ("events by level", "events(by: LEVEL) { events }"),
    ("events by product", "events(by: PRODUCT) { events }"),
    ("events by line", "events(by: LINE) { events }"),
    ("events by week", "events(by: WEEK) { events }"),
    ("times", "times { count medianSeconds p90Seconds }"),
    ("times by level", "times(by: LEVEL) { count medianSeconds p90Seconds }"),
    ("times by product", "times(by: PRODUCT) { count medianSeconds p90Seconds }"),
    ("times by channel", "times(by: CHANNEL) { count medianSeconds p90Seconds }"),
    ("deadlines", "deadlines { breached }"),
    ("deadlines by week", "deadlines(by: WEEK) { breached }"),
    ("deadlines by product", "deadlines(by: PRODUCT) { breached }"),
    ("payouts", "payouts { amount }"),
    ("payouts by month", "payouts(by: MONTH) { amount }"),
    ("payouts by level", "payouts(by: LEVEL) { amount }"),
];

#[tokio::main]
async fn main() {
    let events = std::env::var("VULNDESK_BENCH_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let kept = std::env::var("VULNDESK_BENCH_FILE");
    let file = std::env::temp_dir().join(format!("vulndesk-bench-{}.sqlite", std::process::id()));
    let file = kept.clone().unwrap_or_else(|_| file.display().to_string());
    measure("sqlite", &format!("sqlite://{file}"), events).await;
    if kept.is_err() {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{file}{suffix}"));
        }
    }
    if let Ok(url) = std::env::var("VULNDESK_BENCH_POSTGRES") {
        measure("postgres", &url, events).await;
    }
}

async fn measure(name: &str, url: &str, events: u64) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::connect(url, 8).await.unwrap();
    migrate::run(&database, clock.as_ref(), &Ids::new(Arc::clone(&clock))).await.unwrap();
    match event::Entity::find().count(database.reader()).await.unwrap() {
        0 => fill(&database, events).await,
        known => assert_eq!(known, events, "{name} was filled with other events"),
    }
    let app = Arc::new(App::new(database, Arc::clone(&clock), Ids::new(clock)).await.unwrap());
    let schema = graphql::schema();
    let leader = Actor::operator("leader-1", [Role::Leader]);
    let products = ["p3", "p14", "p25"].map(str::to_owned).into();
    let engineer = Actor { products, ..Actor::operator("engineer-1", [Role::Engineer]) };
    println!(
        "{:<9} {:<20} {:>14} {:>14} {:>16}",
        "database", "figure, ms", "leader, year", "leader, month", "engineer, year"
    );
    let theirs = Request::new("{ statistics(period: { period: \"2025\" }) { events { events } } }");
    let theirs = executor::execute(&schema, &app, engineer.clone(), theirs).await.data.into_json().unwrap();
    let theirs = theirs["statistics"]["events"][0]["events"].as_u64().unwrap();
    assert!(theirs > 0 && theirs < events / 20, "who sees little sees {theirs} of {events} events");
    let ask = async |actor: &Actor, document: String| {
        let mut taken = Vec::new();
        for _ in 0..RUNS {
            let begun = Instant::now();
            let request = Request::new(document.clone());
            let answer = executor::execute(&schema, &app, actor.clone(), request).await;
            assert!(answer.errors.is_empty(), "{:?}", answer.errors);
            taken.push(begun.elapsed());
        }
        taken.sort();
        taken[RUNS / 2].as_millis()
    };
    let of = |period: &str, fields: &str| {
        format!("{{ statistics(period: {{ period: \"{period}\" }}) {{ {fields} }} }}")
    };
    for (figure, fields) in FIGURES {
        let year = ask(&leader, of("2025", fields)).await;
        let month = ask(&leader, of("2025-10", fields)).await;
        let theirs = if fields.contains("CHANNEL") || fields.contains("payouts") {
            "-".to_owned()
        } else {
            ask(&engineer, of("2025", fields)).await.to_string()
        };
        println!("{name:<9} {figure:<20} {year:>14} {month:>14} {theirs:>16}");
    }
    let board =
        |period: &str| format!("{{ leaderboard(period: \"{period}\") {{ places {{ accepted points }} }} }}");
    let (year, month) = (ask(&leader, board("2025")).await, ask(&leader, board("2025-10")).await);
    println!("{name:<9} {:<20} {year:>14} {month:>14} {:>16}", "leaderboard", "-");
    let report = "{ monthlyReport(month: \"2025-10\", format: HTML) { text } }".to_owned();
    println!("{name:<9} {:<20} {:>14} {:>14} {:>16}", "monthly report", "-", ask(&leader, report).await, "-");
}

/// Fills a year with events, each with what figures look at.
async fn fill(database: &Database, events: u64) {
    let postgres = database.backend() == DatabaseBackend::Postgres;
    let id = |kind: char, number: &str| {
        if postgres {
            format!("CAST('{kind}' || lpad(to_hex({number}), 31, '0') AS uuid)")
        } else {
            format!("unhex('{kind}' || printf('%031x', {number}))")
        }
    };
    let step = 365 * 86_400 / events;
    // The instant of event `i`, and so many seconds later.
    let at = |later: &str| {
        let seconds = format!("1735689600 + i * {step} + ({later})");
        if postgres {
            format!("to_timestamp({seconds})")
        } else {
            format!("strftime('%Y-%m-%dT%H:%M:%S+00:00', {seconds}, 'unixepoch')")
        }
    };
    let numbers = |count: u64| {
        if postgres {
            format!("(SELECT CAST(i AS bigint) AS i FROM generate_series(1, {count}) AS n(i)) AS numbers")
        } else {
            format!(
                "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n) AS numbers"
            )
        }
    };
    let json = |text: &str| if postgres { format!("CAST('{text}' AS jsonb)") } else { format!("'{text}'") };
    let head = if postgres { "CAST('\\x' AS bytea)" } else { "x''" };
    let stamp = format!("1, 1, {head}, {now}, {now}", now = at("0"));
    let stamps = "version, revision, audit_head, created_at, changed_at";
    let verdict = "CASE WHEN i % 10 < 5 THEN 'CONFIRMED' WHEN i % 10 = 5 THEN 'DUPLICATE' WHEN i % 10 = 6 THEN 'KNOWN_INTERNALLY' WHEN i % 10 = 7 THEN 'NOT_REPRODUCIBLE' WHEN i % 10 = 8 THEN 'ALREADY_FIXED' END";
    let level = "CASE i % 5 WHEN 0 THEN 'NONE' WHEN 1 THEN 'BLUE' WHEN 2 THEN 'YELLOW' WHEN 3 THEN 'ORANGE' ELSE 'RED' END";
    let zero = id('0', "0");
    let mut statements = vec![
        format!(
            "INSERT INTO channel (id, key, name, kind, jurisdiction, abroad, reply_required, time_zone, language, contacts, active, acknowledgement, {stamps})
             SELECT {}, 'c' || i, 'Channel ' || i, CASE WHEN i = 1 THEN 'NATIONAL_DATABASE' ELSE 'SRC_PLATFORM' END, 'CN', FALSE, TRUE, 'Asia/Shanghai', 'zh-CN', {}, TRUE, 'BY_HAND', {stamp} FROM {}",
            id('c', "i"), json("[]"), numbers(5)
        ),
        format!(
            "INSERT INTO product (id, key, name, line, owner_team, provider_entity, kind, importance, reach, customer_coverage, asset_tier, lifecycle, cra_in_scope, cra_member_states, critical_infrastructure, {stamps})
             SELECT {}, 'p' || i, 'Product ' || i, 'line-' || (i % 40), 't', 'x', 'PRODUCT', 50, 50, '', 'CORE', 'SUPPORTED', FALSE, {}, FALSE, {stamp} FROM {}",
            id('a', "i"), json("[]"), numbers(200)
        ),
        format!(
            "INSERT INTO reporter (id, channel_id, subject, name, staff, named, {stamps})
             SELECT {}, {}, 'reporter-' || i, 'Reporter ' || i, i % 20 = 0, i % 2 = 0, {stamp} FROM {}",
            id('b', "i"), id('c', "i % 5 + 1"), numbers(2_000)
        ),
        format!(
            "INSERT INTO event (id, number, title, described, description, steps, status, verdict, level, highest_level, level_rank, score, tlp, received_at, history, pass, {stamps})
             SELECT {}, 'VE-' || i, 'An event', TRUE, '', '', 'CLOSED', {verdict}, {level}, {level}, i % 5, 50, CASE WHEN i % 100 = 0 THEN 'RED' ELSE 'AMBER' END, {}, FALSE, 1, {stamp} FROM {}",
            id('e', "i"), at("0"), numbers(events)
        ),
        format!(
            "INSERT INTO event_access (event_id, facet, principal, report_id, received_at)
             SELECT {}, 'CONTENT', CASE WHEN i % 100 = 0 THEN 'readers:red' ELSE 'readers:open' END, {zero}, {} FROM {}",
            id('e', "i"), at("0"), numbers(events)
        ),
        format!(
            "INSERT INTO event_access (event_id, facet, principal, report_id, received_at)
             SELECT {}, 'CONTENT', 'product:p' || (i % 200 + 1), {zero}, {} FROM {} WHERE i % 10 < 5 AND i % 100 <> 0",
            id('e', "i"), at("0"), numbers(events)
        ),
        format!(
            "INSERT INTO affected_product (id, event_id, product_id, line, state, version)
             SELECT {}, {}, {}, 'line-' || ((i % 200 + 1) % 40), 'AFFECTED', 1 FROM {}",
            id('1', "i"), id('e', "i"), id('a', "i % 200 + 1"), numbers(events)
        ),
        // The second pass of every twentieth, and its steps.
        format!(
            "INSERT INTO status_change (id, event_id, pass, from_status, to_status, changed_by, changed_at)
             SELECT {}, {}, 2, 'CLOSED', 'TRIAGING', 'x', {} FROM {} WHERE i % 20 = 0",
            id('2', "i"), id('e', "i"), at("1000000"), numbers(events)
        ),
    ];
    for (kind, pass, later, which) in
        [('3', 1, "3600 + i % 40000", "i % 10 <> 9"), ('4', 2, "1000000 + i % 9000", "i % 20 = 0")]
    {
        statements.push(format!(
            "INSERT INTO verdict (id, event_id, pass, verdict, rationale, given_by, given_at)
             SELECT {}, {}, {pass}, COALESCE({verdict}, 'SPAM'), '', 'x', {} FROM {} WHERE {which}",
            id(kind, "i"),
            id('e', "i"),
            at(later),
            numbers(events)
        ));
    }
    for (kind, from, to, later) in [
        ('5', "TRIAGING", "RATING", "50000"),
        ('6', "RATING", "REMEDIATING", "60000"),
        ('7', "REMEDIATING", "REPLYING", "86400 * (i % 30 + 1)"),
    ] {
        statements.push(format!(
            "INSERT INTO status_change (id, event_id, pass, from_status, to_status, changed_by, changed_at)
             SELECT {}, {}, 1, '{from}', '{to}', 'x', {} FROM {} WHERE i % 10 < 7",
            id(kind, "i"),
            id('e', "i"),
            at(later),
            numbers(events)
        ));
    }
    // A report of each, and a second one of every fourth; an acknowledgement and a verdict owed for each.
    for (kind, owed, told, later, which) in
        [('8', 'd', 'f', "0", "i > 0"), ('9', '1', '2', "90000", "i % 4 = 0")]
    {
        statements.push(format!(
            "INSERT INTO report (id, event_id, channel_id, identity_key, reporter_id, origin, received_at, recorded_at, recorded_by, current_version, history, split, severity)
             SELECT {}, {}, {}, '{kind}-' || i, {}, CASE WHEN i % 20 = 0 THEN 'INTERNAL' ELSE 'EXTERNAL' END, {r}, {r}, 'x', 1, FALSE, FALSE, CASE WHEN i % 10 < 5 THEN 'HIGH' END FROM {} WHERE {which}",
            id(kind, "i"), id('e', "i"), id('c', "i % 5 + 1"), id('b', "i % 2000 + 1"), numbers(events), r = at(later)
        ));
        for (prefix, what, met) in
            [(owed, "ACKNOWLEDGEMENT", "7200 + i % 5000"), (told, "VERDICT", "200000 + i % 90000")]
        {
            statements.push(format!(
                "INSERT INTO obligation (id, event_id, report_id, channel_id, kind, \"trigger\", state, opened_at, met_at)
                 SELECT {}, {}, {}, {}, '{what}', 'x', 'MET', {}, {} FROM {} WHERE {which}",
                id(prefix, "i"), id('e', "i"), id(kind, "i"), id('c', "i % 5 + 1"), at(later),
                at(&format!("{later} + {met}")), numbers(events)
            ));
        }
    }
    for (kind, of, regime, channel) in [
        ('3', "FIX", "FIX", "NULL".to_owned()),
        ('4', "REPLY", "SRC_PROMISE", id('c', "i % 5 + 1")),
        ('5', "MITIGATION", "FIX", "NULL".to_owned()),
    ] {
        let (met, due) = (at("86400 * (i % 9)"), at("86400 * 7"));
        statements.push(format!(
            "INSERT INTO deadline (id, event_id, slot, pass, channel_id, kind, regime, state, anchor, due_at, pauses, calendar_version, channel_version, opened_at, met_at, breached_at, told_percent, sort_at)
             SELECT {}, {}, '{kind}-' || i, 1, {channel}, '{of}', '{regime}', 'MET', 'LEVEL_SET', {due}, {}, 0, 0, {}, {met}, CASE WHEN i % 9 > 7 THEN {due} END, 0, {due} FROM {}",
            id(kind, "i"), id('e', "i"), json("[]"), at("0"), numbers(events)
        ));
    }
    for (kind, currency, modulo) in [('6', "CNY", 0), ('7', "POINTS", 1)] {
        statements.push(format!(
            "INSERT INTO payout (id, number, kind, channel_id, report_id, reporter_id, amount, currency, priced, state, proposed_by, proposed_at, rationale, approved_at, approved_amount, appealed, over_budget, attempt, paid_at, {stamps})
             SELECT {}, '{kind}-' || i, 'BOUNTY', {}, {}, {}, i % 1000 + 1, '{currency}', 1, 'PAID', 'x', {a}, '', {a}, i % 1000 + 1, FALSE, 0, 1, {}, {stamp} FROM {} WHERE i % 10 < 5 AND i % 2 = {modulo}",
            id(kind, "i"), id('c', "i % 5 + 1"), id('8', "i"), id('b', "i % 2000 + 1"), at("400000"), numbers(events), a = at("300000")
        ));
    }
    // As its own housekeeping would; an SQLite file has no such knowledge of its rows.
    if postgres {
        statements.push("ANALYZE".to_owned());
    }
    for statement in statements {
        database
            .writer()
            .execute_unprepared(&statement)
            .await
            .unwrap_or_else(|error| panic!("{error} in {statement}"));
    }
}
