//! A running product over a new SQLite file, for the tests of commands.

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use entity::instance;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, PaginatorTrait};

use crate::app::App;
use crate::auth::{Actor, Role};
use crate::clock::{Ids, SetClock};
use crate::database::Database;

pub(super) struct Bed {
    pub(super) app: App,
    pub(super) analyst: Actor,
    _folder: tempfile::TempDir,
}

impl Bed {
    /// At eight o'clock on the first of May 2031.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let database = Database::connect(&url, 5).await.unwrap();
        Migrator::up(database.writer(), None).await.unwrap();
        let now = Utc.with_ymd_and_hms(2031, 5, 1, 8, 0, 0).unwrap();
        let row = instance::Model { id: 1, number_key: vec![7; 32], created_at: now };
        row.into_active_model().insert(database.writer()).await.unwrap();
        let clock = Arc::new(SetClock::new(now));
        let app = App::new(database, clock.clone(), Ids::seeded(clock, 1)).await.unwrap();
        Self { app, analyst: Actor::operator("analyst-1", [Role::Analyst]), _folder: folder }
    }

    pub(super) async fn count<E: EntityTrait>(&self) -> u64
    where
        E::Model: Send + Sync,
    {
        E::find().count(self.app.database.reader()).await.unwrap()
    }

    pub(super) async fn all<E: EntityTrait>(&self) -> Vec<E::Model> {
        E::find().all(self.app.database.reader()).await.unwrap()
    }
}
