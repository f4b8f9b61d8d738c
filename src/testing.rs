//! A running product over a database of its own, for tests of commands.

pub(crate) mod procedure;

use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use entity::vocabulary::{Level, Status, Tlp};
use entity::{event, message};
use proptest::prelude::*;
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::clock::{Ids, SetClock};
use crate::database::Database;
use crate::outbox::ChangeSet;

/// The instant at which the clock of [`app`] stands.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000, 0).unwrap()
}

/// An empty product whose database goes with it.
pub(crate) struct TestApp {
    /// The product.
    pub(crate) app: Arc<App>,
    file: Option<PathBuf>,
}

impl Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            if let Some(file) = &self.file {
                let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
            }
        }
    }
}

/// An empty product; `name` keeps its database apart from those of other tests.
pub(crate) async fn app(name: &str) -> TestApp {
    let file = std::env::temp_dir().join(format!("vulndesk-{}-{name}.sqlite", std::process::id()));
    let database = Database::connect(&format!("sqlite://{}", file.display()), 1).await.unwrap();
    over(database, Some(file)).await
}

/// The same over a database of its own on the PostgreSQL server that `scripts/test` starts, with connections enough for
/// callers at once.
pub(crate) async fn app_on_postgres(name: &str) -> TestApp {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let server = std::env::var("VULNDESK_TEST_POSTGRES")
        .expect("VULNDESK_TEST_POSTGRES names a PostgreSQL server to make databases on: run scripts/test");
    let name = format!("lib_{name}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    admin.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    over(Database::connect(&format!("{server}/{name}"), 8).await.unwrap(), None).await
}

async fn over(database: Database, file: Option<PathBuf>) -> TestApp {
    let clock = Arc::new(SetClock::new(now()));
    let ids = Ids::seeded(clock.clone(), 7);
    crate::migrate::run(&database, clock.as_ref(), &ids).await.unwrap();
    let app = Arc::new(App::new(database, clock, ids).await.unwrap());
    TestApp { app, file }
}

/// A text of `pieces`, between which a `¦` stands, of what is nowhere welcome, and of anything: it comes to the corners of a
/// reader sooner than mere chance. Tests with it are called `..._never_panics`; PROPTEST_CASES says how many texts each tries.
pub(crate) fn jumble(pieces: &'static str) -> impl Strategy<Value = String> {
    let known: Vec<&str> = pieces.split('¦').chain([" ", "\0", "\n", "\r\n", "漏洞"]).collect();
    let piece = prop_oneof![4 => prop::sample::select(known).prop_map(str::to_owned), 1 => "(?s).{0,6}"];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// What readers are tried with, kept in `tests/fixtures/corpus`: the files of a folder, or the lines of a file. What broke a
/// reader once is put there.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus").join(name);
    let Ok(folder) = std::fs::read_dir(&place) else {
        let text = std::fs::read_to_string(place.with_extension("txt")).unwrap();
        return text.lines().map(|line| line.as_bytes().to_vec()).collect();
    };
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// One of what is kept under this name, of which some parts are said twice, or are exchanged for parts of another one, for
/// anything or for nothing.
pub(crate) fn bent(name: &str) -> impl Strategy<Value = Vec<u8>> {
    fn part(bytes: &[u8], (from, length): (prop::sample::Index, usize)) -> Range<usize> {
        let from = from.index(bytes.len() + 1);
        from..Ord::min(from + length, bytes.len())
    }
    let kept = kept(name);
    let place = || (any::<prop::sample::Index>(), prop_oneof![0..16_usize, 0..400_usize]);
    let by = prop_oneof![
        Just(None),
        (prop::sample::select(kept.clone()), place())
            .prop_map(|(other, place)| Some(other[part(&other, place)].to_vec())),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(Some),
    ];
    let bends = prop::collection::vec((place(), by), 0..8);
    (prop::sample::select(kept), bends).prop_map(|(mut bytes, bends)| {
        for (place, by) in bends {
            let part = part(&bytes, place);
            let by = by.unwrap_or_else(|| bytes[part.clone()].repeat(2));
            bytes.splice(part, by);
        }
        bytes
    })
}

/// The same as a text.
pub(crate) fn bent_text(name: &str) -> impl Strategy<Value = String> {
    bent(name).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// An event's row, RECEIVED and unrated, for rules: it is in no database.
pub(crate) fn event_row() -> event::Model {
    event::Model {
        id: uuid::Uuid::from_u128(1),
        number: "VE-2026-000001".to_owned(),
        title: "Path traversal in the gateway".to_owned(),
        described: true,
        description: String::new(),
        steps: String::new(),
        status: Status::Received,
        verdict: None,
        level: Level::None,
        highest_level: Level::None,
        level_rank: 0,
        score: -1,
        tlp: Tlp::Amber,
        embargo_until: None,
        received_at: now(),
        history: false,
        pass: 1,
        duplicate_of: None,
        asked_report_id: None,
        asked_at: None,
        closed_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now(),
        changed_at: now(),
    }
}

/// An event that its readers see.
pub(crate) async fn event(app: &App, tlp: Tlp) -> event::Model {
    let receiver = Actor::operator("analyst-0", [Role::Analyst]);
    let event = crate::event::new(app, "Login form takes any password", now(), tlp).await.unwrap();
    let mut changes = ChangeSet::new(app, &receiver, Action::ReceiveReport);
    regrant(&mut changes, None, &AccessFacts::new(event.clone()));
    let event = changes.create(app, event.clone(), Some(event.id));
    app.commit(changes).await.unwrap();
    event
}

/// What was told to the outside of this kind, oldest first.
pub(crate) async fn messages(app: &App, kind: crate::outbox::MessageKind) -> Vec<serde_json::Value> {
    let rows = message::Entity::find().all(app.database.reader()).await.unwrap();
    rows.into_iter().filter(|row| row.kind == kind.as_str()).map(|row| row.data).collect()
}
