//! A running product over a new database, for the tests of commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{TimeZone, Utc};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};

use crate::app::App;
use crate::auth::{Actor, Role};
use crate::clock::{Ids, SetClock};
use crate::database::Database;

pub(super) struct Bed {
    pub(super) app: App,
    pub(super) analyst: Actor,
    _folder: Option<tempfile::TempDir>,
}

impl Bed {
    /// At eight o'clock on the first of May 2031, on SQLite.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self::over(&url, Some(folder)).await
    }

    /// One on each database; PostgreSQL's is made on the server that `scripts/test` starts.
    pub(super) async fn on_both() -> [Self; 2] {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let server = std::env::var("VULNDESK_TEST_POSTGRES").expect(
            "VULNDESK_TEST_POSTGRES names a PostgreSQL server to make databases on: run scripts/test",
        );
        let name = format!("bed_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
        admin.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        [Self::new().await, Self::over(&format!("{server}/{name}"), None).await]
    }

    async fn over(url: &str, folder: Option<tempfile::TempDir>) -> Self {
        let database = Database::connect(url, 5).await.unwrap();
        let clock = Arc::new(SetClock::new(Utc.with_ymd_and_hms(2031, 5, 1, 8, 0, 0).unwrap()));
        let ids = Ids::seeded(clock.clone(), 1);
        crate::migrate::run(&database, clock.as_ref(), &ids).await.unwrap();
        let app = App::new(database, clock, ids).await.unwrap();
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
