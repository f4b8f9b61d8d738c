//! Brings a database to the schema of this binary.

use std::collections::HashSet;

use anyhow::Context;
use entity::instance;
use migration::{Migrator, MigratorTrait};
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, EntityTrait, Set, TransactionTrait};

use crate::clock::{Clock, Ids};
use crate::database::Database;
use crate::{calendar, channel, deadline, rating_policy};

/// Name of the lock that replicas starting together take in turn on PostgreSQL.
const LOCK: i64 = 0x0076_756c_6e64_6573;

/// Applies what the database lacks, then makes sure of what an installation always has: its secret row, the
/// default rating and deadline policies and the built-in calendars and channels. Safe to run from several processes at once.
///
/// # Errors
/// When the database is newer than this binary or orders texts otherwise than it expects, or a change fails; a failed change leaves nothing behind.
pub async fn run(database: &Database, clock: &dyn Clock, ids: &Ids) -> anyhow::Result<()> {
    schema(database).await?;
    let mut number_key = vec![0; 32];
    ids.fill(&mut number_key);
    let row = instance::ActiveModel { id: Set(1), number_key: Set(number_key), created_at: Set(clock.now()) };
    instance::Entity::insert(row)
        .on_conflict(OnConflict::column(instance::Column::Id).do_nothing().to_owned())
        .exec_without_returning(database.writer())
        .await?;
    rating_policy::store::ensure_default(database, clock, ids).await?;
    deadline::store::ensure_default(database, clock, ids).await?;
    calendar::store::ensure_builtin(database, clock, ids).await?;
    channel::store::ensure_builtin(database, clock, ids).await
}

/// Applies what the database lacks, and nothing more: what is restored into it brings all else.
///
/// # Errors
/// As [`run`].
pub async fn schema(database: &Database) -> anyhow::Result<()> {
    // Where nothing is missing, nothing is tried either: the user of a running server may change rows alone.
    if applied(database).await.is_ok_and(|applied| applied == known()) {
        return Ok(());
    }
    if database.backend() != DatabaseBackend::Postgres {
        return apply(database).await;
    }
    // The lock goes with the transaction, however this process ends.
    let lock = database.whole().begin().await?;
    lock.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    apply(database).await?;
    Ok(lock.commit().await?)
}

async fn apply(database: &Database) -> anyhow::Result<()> {
    if let Some(order) = database.other_order().await? {
        anyhow::bail!(
            "the database is {order}: texts are looked up by their bytes. Make one by createdb --template=template0 \
             --encoding=UTF8 --locale=C.UTF-8 NAME"
        );
    }
    let known = known();
    let installed = Migrator::install(database.whole()).await;
    installed
        .context("the schema has to be changed first: run `vulndesk migrate` as the owner of the tables")?;
    for applied in Migrator::get_migration_models(database.whole()).await? {
        anyhow::ensure!(
            known.contains(&applied.version),
            "the database has change {} that this vulndesk does not know: use a newer vulndesk",
            applied.version
        );
    }
    Migrator::up(database.whole(), None).await?;
    Ok(())
}

/// The changes of this binary.
fn known() -> HashSet<String> {
    Migrator::migrations().iter().map(|change| change.name().to_owned()).collect()
}

/// The changes that a database has.
async fn applied(database: &Database) -> Result<HashSet<String>, DbErr> {
    // Asked by hand: the library makes its table first, which a reader may not.
    let applied = Query::select().column("version").from("seaql_migrations").take();
    let applied = database.reader().query_all(&applied).await?;
    applied.iter().map(|change| change.try_get("", "version")).collect()
}

/// Whether the database has every change of this binary.
///
/// # Errors
/// When it has not, or cannot be asked.
pub async fn check(database: &Database) -> anyhow::Result<()> {
    let missing = known().difference(&applied(database).await?).count();
    anyhow::ensure!(missing == 0, "{missing} schema changes are missing: run `vulndesk migrate`");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SetClock;

    #[tokio::test]
    async fn a_database_that_lacks_a_change_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let database = Database::connect(&url, 1).await.unwrap();
        let changes = Migrator::migrations().len() as u32;
        Migrator::up(database.whole(), Some(changes - 1)).await.unwrap();
        let lacking = check(&database).await.unwrap_err().to_string();
        assert!(
            lacking.starts_with("1 schema changes are missing") && lacking.contains("vulndesk migrate"),
            "{lacking}"
        );
        let clock = Arc::new(SetClock::new(crate::testing::now()));
        run(&database, clock.as_ref(), &Ids::seeded(clock.clone(), 1)).await.unwrap();
        check(&database).await.unwrap();
    }
}
