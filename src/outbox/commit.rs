//! The one writer.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use entity::vocabulary::{SearchKind, SearchSide};
use sea_orm::sea_query::{CommonTableExpression, Expr, Query, SubQueryStatement, WithClause};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, SqlErr, Statement};
use tokio::time::Instant;
use uuid::Uuid;

use super::ChangeSet;
use crate::database::{Database, insert_postings, write_entries};
use crate::error::{Error, Result, passes};
use crate::idempotency;

/// How often a command is run again after losing a race that its caller did not ask to win.
const ATTEMPTS: usize = 30;

/// How long what came of something outside is kept for a database that cannot be had.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two tries of it.
const AWAY: Duration = Duration::from_millis(500);

/// Error class of a division by zero: how the one statement on PostgreSQL says that a guard met no row.
const DIVISION_BY_ZERO: &str = "22012";

/// A change as the database takes it: nothing of it has to be put together while the database waits.
pub enum Prepared {
    /// Statements of one transaction.
    Transaction {
        /// The first of them: each has to meet exactly one row.
        guards: Vec<Statement>,
        /// The others.
        rest: Vec<Statement>,
    },
    /// All of it.
    Statement(Statement),
}

impl Prepared {
    /// Puts a change together.
    pub fn new(backend: DatabaseBackend, changes: ChangeSet) -> Self {
        match backend {
            DatabaseBackend::Postgres => Self::Statement(one_statement(backend, changes)),
            _ => one_transaction(backend, changes),
        }
    }

    /// Writes all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Race`] when somebody else changed an aggregate first or a unique key was taken meanwhile.
    pub async fn commit(self, database: &Database) -> Result<()> {
        let outcome = match self {
            Self::Statement(statement) => database.writer().execute_raw(statement).await.map(|_| ()),
            Self::Transaction { guards, rest } => in_one_transaction(database, guards, rest).await,
        };
        outcome.map_err(|error| if is_race(&error) { Error::Race } else { error.into() })
    }
}

/// Runs a command until it does not lose a race. A caller's stale version is found by the command itself on
/// its next run, so a race is never passed on as anything but CONFLICT. A creation that is refused under a key which was
/// new to it runs once more: the same one, sent at the same moment, may have been what was in its way, and is then its answer.
///
/// # Errors
/// Those of the command; [`Error::Conflict`] when every attempt lost.
pub async fn retrying<T, F: Future<Output = Result<T>>>(command: impl Fn() -> F) -> Result<T> {
    let mut is_known = false;
    for _ in 0..ATTEMPTS {
        // Apart from its caller's future: a resolver's is as large as the largest of all that its object has.
        match idempotency::watched(Box::pin(command())).await {
            (Err(Error::Race), _) => {}
            (Err(Error::Refused(_) | Error::Conflict), true) if !is_known => is_known = true,
            (other, _) => return other,
        }
    }
    Err(Error::Conflict)
}

/// Runs a command again while the database cannot be had: what happened outside is else not known any more, and is done twice
/// or asked of a person. Done before its answer was lost, the command has to find so.
///
/// # Errors
/// Those of the command.
pub async fn outlasting<T, F: Future<Output = Result<T>>>(command: impl Fn() -> F) -> Result<T> {
    let began = Instant::now();
    loop {
        match command().await {
            Err(Error::Internal(cause)) if passes(&cause) && began.elapsed() < PATIENCE => {
                tracing::warn!(error = ?cause, "what came of something outside was not written down: again");
                tokio::time::sleep(AWAY).await;
            }
            other => return other,
        }
    }
}

fn one_transaction(backend: DatabaseBackend, changes: ChangeSet) -> Prepared {
    let guards = changes.guarded.iter().map(|statement| backend.build(statement)).collect();
    let mut rest: Vec<Statement> = changes.deletes.iter().map(|statement| backend.build(statement)).collect();
    rest.extend(changes.updates.iter().map(|statement| backend.build(statement)));
    rest.extend(changes.inserts.iter().map(|insert| failing(backend.build(&insert.statement))));
    let postings = insert_postings(backend, changes.postings);
    let entries = write_entries(backend, entries(changes.entries));
    rest.extend(postings.iter().chain(&entries).map(|statement| backend.build(statement)));
    Prepared::Transaction { guards, rest }
}

/// Leaves it to the transaction, which is taken back whole, to take back what an insertion wrote before it failed: SQLite
/// else keeps each page that it touches as it was before.
fn failing(mut insert: Statement) -> Statement {
    insert.sql = insert.sql.replacen("INSERT INTO", "INSERT OR FAIL INTO", 1);
    insert
}

async fn in_one_transaction(
    database: &Database,
    guards: Vec<Statement>,
    rest: Vec<Statement>,
) -> std::result::Result<(), DbErr> {
    let transaction = database.begin_write().await?;
    // Children may be written before the row they belong to.
    transaction.execute_unprepared("PRAGMA defer_foreign_keys = ON").await?;
    for statement in guards {
        if transaction.execute_raw(statement).await?.rows_affected() != 1 {
            transaction.rollback().await?;
            return Err(DbErr::RecordNotUpdated);
        }
    }
    for statement in rest {
        transaction.execute_raw(statement).await?;
    }
    transaction.commit().await
}

fn one_statement(backend: DatabaseBackend, changes: ChangeSet) -> Statement {
    let mut with = WithClause::new();
    let mut guards = Vec::new();
    let mut count = 0usize;
    let mut part = |statement: SubQueryStatement| {
        count += 1;
        let name = format!("part_{count}");
        let mut expression = CommonTableExpression::new();
        expression.table_name(name.clone()).query(statement);
        with.cte(expression);
        name
    };
    for mut statement in changes.guarded {
        statement.returning(Query::returning().expr(Expr::val(1)));
        guards.push(format!("(SELECT count(*) FROM {})", part(statement.into())));
    }
    for statement in changes.deletes {
        part(statement.into());
    }
    for statement in changes.updates {
        part(statement.into());
    }
    for insert in changes.inserts {
        part(insert.statement.into());
    }
    if let Some(statement) = insert_postings(backend, changes.postings) {
        part(statement.into());
    }
    if let Some(statement) = write_entries(backend, entries(changes.entries)) {
        part(statement.into());
    }
    let met = if guards.is_empty() { "0".to_owned() } else { guards.join(" + ") };
    // Failing the statement is what takes back its other parts.
    let verdict = format!("1 / (CASE WHEN {met} = {} THEN 1 ELSE 0 END)", guards.len());
    backend.build(&Query::select().expr(Expr::cust(verdict)).take().with(with))
}

/// What is to be found, in one row each.
fn entries(
    of: BTreeMap<(Uuid, SearchSide), (SearchKind, String)>,
) -> impl Iterator<Item = (SearchKind, Uuid, SearchSide, String)> {
    of.into_iter().map(|((subject, side), (kind, words))| (kind, subject, side, words))
}

fn is_race(error: &DbErr) -> bool {
    if matches!(error, DbErr::RecordNotUpdated) {
        return true;
    }
    if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
        return true;
    }
    let (DbErr::Exec(sea_orm::RuntimeErr::SqlxError(cause))
    | DbErr::Query(sea_orm::RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    // A division by zero is our guard; the other two are PostgreSQL's own words for a lost race.
    cause
        .as_database_error()
        .and_then(|cause| cause.code())
        .is_some_and(|code| [DIVISION_BY_ZERO, "40001", "40P01"].contains(&code.as_ref()))
}
