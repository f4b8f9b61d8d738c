//! Databases of other versions: earlier ones are brought forward with all that is in them, later ones are left alone.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entity::{attachment, audit_entry, event, payout, reply, report};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use vulndesk::app::App;
use vulndesk::audit::verify::verify;
use vulndesk::clock::{Clock, Ids};
use vulndesk::database::Database;
use vulndesk::migrate;
use vulndesk::outbox::sequencer::sequence;
use vulndesk::schedule::sweep;

use crate::harness::{TestApp, on_both};

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    on_both(|app| async move {
        let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99_later', 0)";
        app.owner().execute_unprepared(later).await.unwrap();
        let (clock, ids) = (app.clock.as_ref(), Ids::seeded(app.clock.clone(), 5));
        let refused = migrate::run(app.owner_database(), clock, &ids).await.unwrap_err();
        assert!(
            format!("{refused:#}").contains("m99_later") && format!("{refused:#}").contains("newer"),
            "{refused:#}"
        );
        // The application's user neither.
        assert!(migrate::run(&app.app.database, clock, &ids).await.is_err());
    })
    .await;
}
