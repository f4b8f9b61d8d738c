use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Duration;
use entity::stored_file;
use entity::vocabulary::HookSourceKind;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel, Statement};
use sha2::{Digest, Sha256};

use super::catalogue::DERIVED;
use super::{Manifest, export, restore};
use crate::app::App;
use crate::audit::verify::verify;
use crate::clock::{Clock, Ids, SetClock};
use crate::database::Database;
use crate::files::Files;
use crate::schedule::{Swept, carry_out_all};
use crate::secret::{Column, Key, KeyRing};
use crate::testing::{app, app_on_postgres, now};
use crate::{demo, graphql, migrate, search};

/// Every table by the catalogue's own list.
async fn all_tables(app: &App) -> BTreeSet<String> {
    let statement = match app.database.backend() {
        DatabaseBackend::Postgres => {
            "SELECT CAST(tablename AS text) AS name FROM pg_tables WHERE schemaname = 'public'"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let rows = Statement::from_string(app.database.backend(), statement);
    let rows = app.database.reader().query_all_raw(rows).await.unwrap();
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}

#[tokio::test]
async fn every_table_of_the_schema_is_in_an_export_with_the_same_columns_from_both_databases() {
    let (sqlite, postgres) = (app("catalogue").await, app_on_postgres("catalogue").await);
    let mut found = Vec::new();
    for app in [&sqlite, &postgres] {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("export");
        export(app, &to).await.unwrap();
        let manifest = Manifest::read(&to).unwrap();
        let written: BTreeSet<String> = manifest.tables.iter().map(|table| table.name.clone()).collect();
        let mut expected = all_tables(app).await;
        expected.retain(|name| !DERIVED.contains(&name.as_str()) && !name.starts_with("search_words"));
        assert_eq!(written, expected, "a table is not in the export");
        assert!(written.len() > 80 && written.contains("report_feature"), "{written:?}");
        for table in &manifest.tables {
            assert!(to.join("tables").join(format!("{}.jsonl", table.name)).is_file());
        }
        found.push(manifest.tables.into_iter().map(|table| (table.name, table.columns)).collect::<Vec<_>>());
    }
    assert_eq!(
        found[0], found[1],
        "both databases have the same tables in the same order, with the same columns"
    );
    // Numbers that a database counts by itself would begin anew after a restore.
    let counted = "SELECT CAST(table_name AS text) AS name FROM information_schema.columns WHERE table_schema = 'public' \
                   AND (column_default LIKE 'nextval%' OR is_identity = 'YES')";
    let counted = Statement::from_string(DatabaseBackend::Postgres, counted);
    for row in postgres.database.reader().query_all_raw(counted).await.unwrap() {
        let name: String = row.try_get("", "name").unwrap();
        assert!(DERIVED.contains(&name.as_str()), "{name} has a number that PostgreSQL counts");
    }
}

/// A key that sealed one of the product's secrets.
fn keys() -> KeyRing {
    KeyRing::new([Key::new([9; 32])])
}

/// An app over the demo, with an attached file and a sealed secret.
async fn with_content(name: &str) -> crate::testing::TestApp {
    let app = app(name).await;
    let clock = Arc::new(SetClock::new(now()));
    let ids = Ids::seeded(Arc::clone(&clock) as Arc<dyn Clock>, 5);
    let loading =
        Arc::new(App::new(app.database.clone(), Arc::clone(&clock) as Arc<dyn Clock>, ids).await.unwrap());
    demo::load(&loading, &graphql::schema(), &clock, now() + Duration::days(130)).await.unwrap();
    let name = app.ids.next();
    let kept = app.files.keep_bytes(name, b"\x00\xffan attached file\n").await.unwrap();
    let row = stored_file::Model { id: name, sha256: kept.sha256, size: kept.size as i64, stored_at: now() };
    row.into_active_model().insert(app.database.writer()).await.unwrap();
    let channel = entity::channel::Entity::find().one(app.database.reader()).await.unwrap().unwrap();
    let id = app.ids.next();
    let sealed = keys().seal(&app.ids, Column::HookSecret.of(id), b"whsec_x").unwrap();
    let secret = entity::hook_secret::Model {
        id,
        source_kind: HookSourceKind::Channel,
        source_id: channel.id,
        sealed,
        created_at: now(),
        expires_at: None,
    };
    secret.into_active_model().insert(app.database.writer()).await.unwrap();
    app
}

/// A database with the schema and nothing else, in this folder.
async fn bare(folder: &Path) -> Database {
    let database =
        Database::connect(&format!("sqlite://{}", folder.join("bare.sqlite").display()), 1).await.unwrap();
    migrate::schema(&database).await.unwrap();
    database
}

/// Restores an export; its files go to `files`.
async fn into(database: &Database, from: &Path, files: &Files) -> anyhow::Result<super::Restored> {
    restore(database, &keys(), from, |_| Ok(files.clone())).await
}

/// The files of an export and their bytes, but for the manifest's instant.
fn content(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            if path.ends_with("manifest.json") {
                let text = String::from_utf8(bytes).unwrap();
                bytes =
                    text.lines().filter(|line| !line.contains("writtenAt")).collect::<String>().into_bytes();
            }
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), hex::encode(Sha256::digest(&bytes)));
        }
    }
    found
}

/// A product over a restored database, with its files.
async fn over(database: Database, files: Files) -> App {
    let clock: Arc<dyn Clock> = Arc::new(SetClock::new(now()));
    App::new(database, Arc::clone(&clock), Ids::seeded(clock, 13))
        .await
        .unwrap()
        .with_files(files)
        .with_secrets(keys())
}

#[tokio::test]
async fn an_instance_moves_from_one_database_to_the_other_and_back_without_the_loss_of_a_byte() {
    let source = with_content("moves").await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let exported = export(&source, &at("first")).await.unwrap();
    assert!(exported.rows > 4_000 && exported.files == 1, "{exported:?}");
    let manifest = Manifest::read(&at("first")).unwrap();
    assert_eq!(manifest.keys.len(), 1);

    // One that was migrated and that nobody used.
    let target = app_on_postgres("moves").await;
    let files = Files::temporary().unwrap();
    let restored = into(&target.database, &at("first"), &files).await.unwrap();
    assert_eq!((restored.rows, restored.files), (exported.rows, 1));
    let moved = over(target.database.clone(), files).await;
    assert!(verify(&moved).await.unwrap().is_sound());
    export(&moved, &at("second")).await.unwrap();
    assert_eq!(content(&at("first")), content(&at("second")));

    let back = bare(folder.path()).await;
    let files = Files::temporary().unwrap();
    into(&back, &at("second"), &files).await.unwrap();
    let back = over(back, files).await;
    export(&back, &at("third")).await.unwrap();
    assert_eq!(content(&at("first")), content(&at("third")));

    // What is derived is made anew, on both the same.
    for app in [&moved, &back] {
        let before = catalogue_of_words(app).await;
        assert_eq!(before, 0);
        carry_out_all::<search::Unfound>(app, &mut Swept::default()).await.unwrap();
        assert_eq!(catalogue_of_words(app).await, catalogue_of_words(&source).await);
        assert!(verify(app).await.unwrap().is_sound(), "nothing was recorded by that");
    }
    // A key that is not there is named before anything is written.
    let other = KeyRing::new([Key::new([8; 32])]);
    let beside = tempfile::tempdir().unwrap();
    let unused = bare(beside.path()).await;
    let refused = restore(&unused, &other, &at("first"), |_| Ok(Files::temporary()?)).await.unwrap_err();
    let words = format!("{refused:#}");
    assert!(words.contains(&manifest.keys[0]) && words.contains("secrets.keys"), "{words}");
    let used = into(&moved.database, &at("first"), &Files::temporary().unwrap()).await.unwrap_err();
    assert!(format!("{used:#}").contains("not empty"), "{used:#}");
}

/// How many entries the search has.
async fn catalogue_of_words(app: &App) -> usize {
    entity::search_entry::Entity::find().all(app.database.reader()).await.unwrap().len()
}

/// A change of a copy of an export, and what its refusal says.
type Broken = (&'static str, fn(&Path), &'static [&'static str]);

fn edit(file: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, change(text)).unwrap();
}

fn table(export: &Path, name: &str) -> PathBuf {
    export.join("tables").join(format!("{name}.jsonl"))
}

fn only_file(export: &Path) -> PathBuf {
    fs::read_dir(export.join("files")).unwrap().next().unwrap().unwrap().path()
}

const BROKEN: [Broken; 18] = [
    (
        "no manifest",
        |to| fs::remove_file(to.join("manifest.json")).unwrap(),
        &["manifest.json", "not written to its end"],
    ),
    (
        "a manifest of something else",
        |to| edit(&to.join("manifest.json"), |text| text.replace("vulndesk instance", "a song")),
        &["no export"],
    ),
    (
        "a newer form",
        |to| {
            edit(&to.join("manifest.json"), |text| {
                text.replace("\"formatVersion\": 1", "\"formatVersion\": 2, \"more\": 1")
            })
        },
        &["newer vulndesk"],
    ),
    (
        "a newer schema",
        |to| edit(&to.join("manifest.json"), |text| text.replace("m01_configuration", "m99_later")),
        &["m99_later", "newer"],
    ),
    (
        "an older schema",
        |to| edit(&to.join("manifest.json"), |text| text.replace("    \"m01_configuration\",\n", "")),
        &["m01_configuration", "vulndesk migrate"],
    ),
    (
        "a table less",
        |to| {
            edit(&to.join("manifest.json"), |text| {
                text.replace("\"name\": \"customer\"", "\"name\": \"customers\"")
            })
        },
        &["customers"],
    ),
    (
        "a path for a table",
        |to| {
            edit(&to.join("manifest.json"), |text| {
                text.replace("\"name\": \"customer\"", "\"name\": \"../../customer\"")
            })
        },
        &["../../customer"],
    ),
    (
        "a column more",
        |to| {
            edit(&to.join("manifest.json"), |text| {
                text.replacen("\"columns\": {", "\"columns\": {\"zz\": \"text\",", 1)
            })
        },
        &["columns"],
    ),
    ("no file of a table", |to| fs::remove_file(table(to, "event")).unwrap(), &["event.jsonl"]),
    (
        "a file that is a link",
        |to| {
            fs::rename(table(to, "event"), to.join("elsewhere")).unwrap();
            std::os::unix::fs::symlink(to.join("elsewhere"), table(to, "event")).unwrap();
        },
        &["event.jsonl", "no file"],
    ),
    (
        "a cut line",
        |to| edit(&table(to, "event"), |text| text[..text.len() - 20].to_owned()),
        &["event.jsonl", "no end"],
    ),
    (
        "a line less",
        |to| edit(&table(to, "customer"), |text| text.split_once('\n').unwrap().1.to_owned()),
        &["customer.jsonl", "rows"],
    ),
    (
        "a changed letter",
        |to| edit(&table(to, "customer"), |text| text.replacen("\"name\":\"", "\"name\":\"X", 1)),
        &["customer.jsonl", "SHA-256"],
    ),
    (
        "a changed column",
        |to| edit(&table(to, "customer"), |text| text.replacen("\"abroad\":", "\"inland\":", 1)),
        &["customer.jsonl", "line 1", "abroad"],
    ),
    (
        "no UTF-8",
        |to| fs::write(table(to, "customer"), b"\xff\xfe\n").unwrap(),
        &["customer.jsonl", "line 1"],
    ),
    ("an attached file less", |to| fs::remove_file(only_file(to)).unwrap(), &["files"]),
    (
        "a changed attached file",
        |to| fs::write(only_file(to), b"\x00\xffan Attached file\n").unwrap(),
        &["is not what was kept"],
    ),
    (
        "a row that refers to none",
        |to| {
            edit(&table(to, "product_customer"), |text| {
                text.replacen("\"customer_id\":\"0", "\"customer_id\":\"f", 1)
            });
            let bytes = fs::read(table(to, "product_customer")).unwrap();
            let now = hex::encode(Sha256::digest(&bytes));
            let manifest: serde_json::Value =
                serde_json::from_slice(&fs::read(to.join("manifest.json")).unwrap()).unwrap();
            let tables = manifest["tables"].as_array().unwrap();
            let before = tables.iter().find(|table| table["name"] == "product_customer").unwrap()["sha256"]
                .as_str()
                .unwrap()
                .to_owned();
            edit(&to.join("manifest.json"), |text| text.replace(&before, &now));
        },
        &[],
    ),
];

fn copy(from: &Path, to: &Path) {
    for part in ["", "tables", "files"] {
        fs::create_dir_all(to.join(part)).unwrap();
        for entry in fs::read_dir(from.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(part).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_whole_is_refused_by_name_and_leaves_the_database_as_it_was() {
    let source = with_content("broken").await;
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    export(&source, &whole).await.unwrap();
    let (sqlite, postgres) = (app("broken-target").await, app_on_postgres("broken").await);
    for (number, (what, change, names)) in BROKEN.into_iter().enumerate() {
        let broken = folder.path().join(number.to_string());
        copy(&whole, &broken);
        change(&broken);
        for target in [&sqlite, &postgres] {
            let refused = into(&target.database, &broken, &Files::temporary().unwrap()).await;
            let words = format!("{:#}", refused.expect_err(what));
            for name in names {
                assert!(words.contains(name), "{what}: {words}");
            }
            let events = entity::event::Entity::find().all(target.database.reader()).await.unwrap();
            assert!(events.is_empty(), "{what}");
            let policies = entity::rating_policy::Entity::find().all(target.database.reader()).await.unwrap();
            assert_eq!(policies.len(), 1, "{what}: what was there first stays");
        }
    }
    // Nothing of all that stands in the way of the whole one.
    for target in [&sqlite, &postgres] {
        into(&target.database, &whole, &Files::temporary().unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn an_export_goes_into_a_folder_of_its_own_that_its_owner_alone_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let app = app("private").await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("a/b");
    export(&app, &to).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&to), mode(&to.join("manifest.json")), mode(&table(&to, "event"))),
        (0o700, 0o600, 0o600)
    );
    let again = export(&app, &to).await.unwrap_err();
    assert!(again.to_string().contains("something in it"), "{again}");
}
