//! Databases of other versions: earlier ones are brought forward with all that is in them, later ones are left alone.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, QueryResult, Statement};
use vulndesk::app::App;
use vulndesk::audit::verify::{Fault, verify};
use vulndesk::channel::builtin;
use vulndesk::clock::{Clock, Ids, SetClock};
use vulndesk::database::Database;
use vulndesk::instance::catalogue::tables;
use vulndesk::migrate;
use vulndesk::outbox::sequencer::sequence;

use crate::harness::{START, empty_postgres, on_both};

/// What `scripts/keep-databases` kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/databases");

/// The one file in an archive.
fn unpacked(archive: &Path) -> Vec<u8> {
    let archive = std::fs::read(archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut bytes = Vec::new();
    archive.by_index(0).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The rows of each table.
async fn counts(database: &Database) -> Vec<(String, i64)> {
    let mut counts = Vec::new();
    for table in tables(database.reader()).await.unwrap() {
        let sql = format!("SELECT count(*) AS rows FROM {}", table.name);
        let row = database.reader().query_one_raw(Statement::from_string(database.backend(), sql)).await;
        counts.push((table.name, row.unwrap().unwrap().try_get("", "rows").unwrap()));
    }
    counts
}

/// Key, name and kind of each channel.
async fn channels(database: &Database) -> Vec<[String; 3]> {
    let sql = "SELECT key, name, kind FROM channel";
    let rows =
        database.reader().query_all_raw(Statement::from_string(database.backend(), sql)).await.unwrap();
    let text = |row: &QueryResult, column: &str| row.try_get("", column).unwrap();
    rows.iter().map(|row| ["key", "name", "kind"].map(|column| text(row, column))).collect()
}

/// Brings a database forward, and demands that all that was in it still is, and works.
async fn comes_forward(version: &str, database: Database) {
    let before = counts(&database).await;
    assert!(before.iter().any(|(table, rows)| table == "event" && *rows > 40), "{version}: {before:?}");
    let own = channels(&database).await;
    let clock: Arc<dyn Clock> = Arc::new(SetClock::new(START.parse().unwrap()));
    let ids = Ids::seeded(Arc::clone(&clock), 5);
    migrate::run(&database, clock.as_ref(), &ids).await.unwrap();
    migrate::check(&database).await.unwrap();
    let after = counts(&database).await;
    let keeps = |(table, rows): &(String, i64)| after.iter().any(|(name, now)| name == table && now >= rows);
    let lost: Vec<_> = before.iter().filter(|before| !keeps(before)).collect();
    assert!(lost.is_empty(), "{version}: {lost:?} of {after:?}");
    // Those that every installation has come to it, and one of its own that has such a key stays what it is.
    let mut all = channels(&database).await;
    assert!(own.iter().all(|channel| all.contains(channel)), "{version}: {own:?} of {all:?}");
    all.retain(|[key, ..]| own.iter().all(|[known, ..]| known != key));
    let mut added: Vec<_> = all.iter().map(|[key, ..]| key.as_str()).collect();
    let mut new: Vec<_> = builtin::ALL.iter().map(|known| known.key).collect();
    new.retain(|key| own.iter().all(|[known, ..]| known != key));
    added.sort_unstable();
    new.sort_unstable();
    assert_eq!(added, new, "{version}");
    let desk = App::new(database, clock, ids).await.unwrap();
    while sequence(&desk).await.unwrap().more {}
    let report = verify(&desk).await.unwrap();
    let kind = desk.database.backend();
    assert!(report.entries > 400, "{version} {kind:?}: {report}");
    assert!(report.instance.faults == 0 && report.instance.waiting == 0, "{version} {kind:?}: {report}");
    // The bytes of files are not kept with it: of these alone something may be missing.
    assert!(
        report.findings.iter().all(|finding| finding.fault == Fault::Sent),
        "{version} {kind:?}: {report}"
    );
}

#[tokio::test]
async fn a_database_of_each_version_that_went_out_comes_forward_with_all_that_is_in_it() {
    let versions: Vec<_> = std::fs::read_dir(KEPT).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!versions.is_empty());
    for folder in versions {
        let version = folder.file_name().unwrap().to_string_lossy().into_owned();
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("desk.sqlite");
        std::fs::write(&file, unpacked(&folder.join("desk.sqlite.zip"))).unwrap();
        let url = format!("sqlite://{}", file.display());
        comes_forward(&version, Database::connect(&url, 1).await.unwrap()).await;

        let url = empty_postgres().await;
        let statements = String::from_utf8(unpacked(&folder.join("desk.sql.zip"))).unwrap();
        // On a connection of its own: they set what it looks at.
        let filling = Database::connect(&url, 1).await.unwrap();
        filling.writer().execute_unprepared(&statements).await.unwrap();
        filling.close().await.unwrap();
        comes_forward(&version, Database::connect(&url, 4).await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    on_both(|app| async move {
        let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99_later', 0)";
        app.owner().execute_unprepared(later).await.unwrap();
        let (clock, ids) = (app.clock.as_ref(), Ids::seeded(app.clock.clone(), 5));
        let before = counts(app.owner_database()).await;
        let refused = format!("{:#}", migrate::run(app.owner_database(), clock, &ids).await.unwrap_err());
        assert!(refused.contains("m99_later") && refused.contains("use a newer vulndesk"), "{refused}");
        // Nor is it by the application's user, who may look and change nothing of the schema.
        assert!(migrate::run(&app.app.database, clock, &ids).await.is_err());
        assert_eq!(counts(app.owner_database()).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_orders_texts_otherwise_is_refused_empty() {
    let server = std::env::var("VULNDESK_TEST_POSTGRES").unwrap();
    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    for (name, like, order) in [
        ("icu", "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en'", "UTF8 icu"),
        ("ascii", "ENCODING 'SQL_ASCII' LOCALE 'C'", "SQL_ASCII C"),
    ] {
        let name = format!("order_{name}_{}", std::process::id());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 {like}");
        admin.writer().execute_unprepared(&create).await.unwrap();
        let database = Database::connect(&format!("{server}/{name}"), 2).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SetClock::new(START.parse().unwrap()));
        let ids = Ids::seeded(Arc::clone(&clock), 5);
        let refused = format!("{:#}", migrate::run(&database, clock.as_ref(), &ids).await.unwrap_err());
        assert!(refused.contains(order) && refused.contains("--locale=C.UTF-8"), "{refused}");
        database.close().await.unwrap();
        admin.writer().execute_unprepared(&format!("DROP DATABASE {name}")).await.unwrap();
    }
}
