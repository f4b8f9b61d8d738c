//! What the users of `deploy/postgresql-roles.sql` may not do on PostgreSQL. That the application's rights suffice every
//! test of this program shows, since all of them run with these.

use sea_orm::ConnectionTrait;
use vulndesk::clock::Ids;
use vulndesk::database::Database;
use vulndesk::migrate;
use vulndesk::secret::Column;

use crate::harness::TestApp;
use crate::rich;

/// What somebody with the application's password would try.
const BEYOND_THE_APPLICATION: &[&str] = &[
    "UPDATE audit_entry SET reason = 'another'",
    "UPDATE audit_entry SET actor = 'analyst-2', digest = '\\x00'",
    "DELETE FROM audit_entry",
    "UPDATE access_record SET actor = 'analyst-2'",
    "DELETE FROM access_record",
    "UPDATE message SET data = NULL",
    "UPDATE report_version SET text = 'another'",
    "DELETE FROM report_version",
    "UPDATE budget_entry SET amount = 0",
    "UPDATE reply_file SET bytes = ''",
    "UPDATE comment SET body = 'another'",
    "DELETE FROM event",
    "DELETE FROM payout",
    "UPDATE instance SET number_key = '\\x00'",
    "INSERT INTO seaql_migrations (version, applied_at) VALUES ('x', 0)",
    "TRUNCATE event_access",
    "DROP TABLE idempotency",
    "ALTER TABLE event ADD COLUMN x int",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "CREATE TABLE mine (x int)",
    "CREATE TEMPORARY TABLE mine (x int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "COPY event TO '/tmp/vulndesk-event'",
    "SET ROLE vulndesk_owner",
];

/// What somebody with the reader's password would try.
const BEYOND_THE_READER: &[&str] = &[
    "INSERT INTO idempotency SELECT * FROM idempotency",
    "UPDATE event SET title = 'another'",
    "DELETE FROM event_access",
    "SELECT number_key FROM instance",
    "SELECT secret_hash FROM calendar_feed",
    "CREATE TEMPORARY TABLE mine (x int)",
];

async fn refused(database: &Database, statements: &[&str]) {
    for statement in statements {
        let outcome = database.writer().execute_unprepared(statement).await;
        let error = outcome.expect_err(statement).to_string();
        // "must be owner", "must be a superuser", "permission denied": nothing is merely misspelt.
        assert!(error.contains("permission denied") || error.contains("must be"), "{statement}: {error}");
    }
}

#[tokio::test]
async fn each_user_has_no_more_rights_than_it_needs() {
    let app = TestApp::postgres().await;
    let _story = rich::event(&app, "cnvd", "AMBER").await;
    refused(&app.app.database, BEYOND_THE_APPLICATION).await;

    let reader = app.database_as("vulndesk_read").await;
    refused(&reader, BEYOND_THE_READER).await;
    for (table, column) in Column::all().map(Column::names) {
        refused(&reader, &[&format!("SELECT {column} FROM {table}")]).await;
    }
    let seen = reader.writer().execute_unprepared("SELECT title FROM event").await.unwrap();
    assert_eq!(seen.rows_affected(), 1);
}

#[tokio::test]
async fn a_server_starts_without_the_rights_of_the_owner() {
    let app = TestApp::postgres().await;
    let (clock, ids) = (app.clock.as_ref(), Ids::seeded(app.clock.clone(), 5));
    migrate::run(&app.app.database, clock, &ids).await.unwrap();
    // A change that is missing is the owner's to make, and the refusal says so.
    let newest = "DELETE FROM seaql_migrations WHERE version = (SELECT max(version) FROM seaql_migrations)";
    app.owner().execute_unprepared(newest).await.unwrap();
    let refused = migrate::run(&app.app.database, clock, &ids).await.unwrap_err();
    assert!(format!("{refused:#}").contains("vulndesk migrate"), "{refused:#}");
}
