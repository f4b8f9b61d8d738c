//! A database of its own for tests of commands.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::vocabulary::{Function, Status, Tlp};
use entity::{duty, instance, rating_policy};
use migration::{Migrator, MigratorTrait};
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::clock::{Ids, SetClock};
use crate::database::Database;
use crate::outbox::ChangeSet;
use crate::score::rules::RatingPolicy;

/// A running product whose database goes with it.
pub(crate) struct TestApp {
    app: App,
    file: PathBuf,
}

impl std::ops::Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut file = self.file.clone().into_os_string();
            file.push(suffix);
            // What is not there need not go.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// The hour of the day on which tests play.
pub(crate) fn at(hour: u32) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("2026-03-02T{hour:02}:00:00Z")).unwrap().to_utc()
}

/// A migrated database of its own at 8 o'clock, with the default rating policy and legal-1 on duty for LEGAL.
pub(crate) async fn app(name: &str) -> TestApp {
    let file = std::env::temp_dir().join(format!("vulndesk-{}-{name}.db", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let database = Database::connect(&format!("sqlite://{}", file.display()), 1).await.unwrap();
    Migrator::up(database.whole(), None).await.unwrap();
    let clock: Arc<SetClock> = Arc::new(SetClock::new(at(8)));
    let ids = Ids::seeded(clock.clone(), 7);
    let policy = RatingPolicy::default();
    let row = instance::Model { id: 1, number_key: vec![7; 32], created_at: at(8) };
    instance::Entity::insert(row.into_active_model())
        .exec_without_returning(database.writer())
        .await
        .unwrap();
    let app = App::new(database, clock, ids).await.unwrap();
    let mut changes = ChangeSet::new(&app, &analyst(), Action::GiveVerdict);
    changes.write_row(&rating_policy::Model {
        id: app.ids.next(),
        number: 1,
        weights: serde_json::to_value(policy.weights()).unwrap(),
        bands: serde_json::to_value(policy.bands()).unwrap(),
        created_by: "admin-1".to_owned(),
        created_at: at(8),
    });
    changes.create(
        &app,
        duty::Model {
            id: app.ids.next(),
            function: Function::Legal,
            subject: "legal-1".to_owned(),
            deputy: None,
            starts_at: at(7),
            ends_at: at(20),
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: at(8),
            changed_at: at(8),
        },
        None,
    );
    app.commit(changes).await.unwrap();
    TestApp { app, file }
}

/// An analyst.
pub(crate) fn analyst() -> Actor {
    Actor::operator("analyst-1", [Role::Analyst])
}

/// An event that is analysed.
pub(crate) async fn triaging(app: &App) -> entity::event::Model {
    let mut event = crate::event::new(app, "Path traversal in the gateway", at(8), Tlp::Amber).await.unwrap();
    event.status = Status::Triaging;
    let mut changes = ChangeSet::new(app, &analyst(), Action::StartTriage);
    regrant(&mut changes, None, &AccessFacts::new(event.clone()));
    let event = changes.create(app, event.clone(), Some(event.id));
    app.commit(changes).await.unwrap();
    event
}
