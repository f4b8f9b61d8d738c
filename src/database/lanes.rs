//! Connections on which one statement after the other is asked.
//!
//! The library's pool asks a connection that is given back whether it still answers: a way to the database and back for each
//! statement, and as many times the work of waking up whoever answers. What came to its end left the connection as it was, so here
//! it is handed on as it is. One whose statement failed, or was given up midway, goes back to the pool, which looks at it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sea_query::Values;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement, metric,
};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection, Pool, Postgres, Sqlite};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::reader::Doubt;

/// How long to wait for a turn, as the pool does for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection is kept from the pool, which ends those that are old.
const KEPT: Duration = Duration::from_secs(600);

/// A connection that nobody uses at the moment.
struct Kept<DB: sqlx::Database> {
    connection: PoolConnection<DB>,
    taken: Instant,
    idle: Instant,
}

/// Connections of one pool, which has some more for transactions.
struct Of<DB: sqlx::Database> {
    pool: Pool<DB>,
    turns: Semaphore,
    /// Used last, used next: those that are not needed grow old.
    kept: Mutex<Vec<Kept<DB>>>,
}

/// A connection in use. Dropped, it goes back to the pool.
struct Lane<'a, DB: sqlx::Database> {
    of: &'a Of<DB>,
    connection: PoolConnection<DB>,
    taken: Instant,
    _turn: SemaphorePermit<'a>,
}

impl<DB: sqlx::Database> Of<DB> {
    fn new(pool: &Pool<DB>, count: u32) -> Arc<Self> {
        let turns = Semaphore::new(count as usize);
        Arc::new(Self { pool: pool.clone(), turns, kept: Mutex::default() })
    }

    /// The next connection, when there is one: asked before whether it still answers, where that is in doubt.
    async fn lane(&self, doubt: &Doubt) -> Result<Lane<'_, DB>, sqlx::Error> {
        let turn = match self.turns.try_acquire() {
            Ok(turn) => turn,
            Err(_) => match tokio::time::timeout(PATIENCE, self.turns.acquire()).await {
                Ok(turn) => turn.map_err(|_| sqlx::Error::PoolClosed)?,
                Err(_) => return Err(sqlx::Error::PoolTimedOut),
            },
        };
        while let Some(Kept { mut connection, taken, idle }) = self.next() {
            if !doubt.concerns(idle.elapsed()) || connection.ping().await.is_ok() {
                return Ok(Lane { of: self, connection, taken, _turn: turn });
            }
            drop(connection.detach());
        }
        let connection = self.pool.acquire().await?;
        Ok(Lane { of: self, connection, taken: Instant::now(), _turn: turn })
    }

    fn next(&self) -> Option<Kept<DB>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Lets nobody have a turn any more, and ends what nobody uses.
    async fn close(&self) {
        self.turns.close();
        while let Some(kept) = self.next() {
            // The pool is waited for next, and only has to know that it is gone.
            let _ = kept.connection.close().await;
        }
    }
}

impl<DB: sqlx::Database> Drop for Of<DB> {
    fn drop(&mut self) {
        // Given back to the pool they would need a runtime, which may be gone.
        while let Some(kept) = self.next() {
            drop(kept.connection.detach());
        }
    }
}

impl<DB: sqlx::Database> Lane<'_, DB> {
    /// Hands the connection on, after a statement that came to its end.
    fn hand_on(self) {
        let Self { of, connection, taken, _turn } = self;
        // Looked at under the lock: what is kept after the end would be waited for without end.
        let mut kept = of.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.elapsed() < KEPT && !of.turns.is_closed() {
            kept.push(Kept { connection, taken, idle: Instant::now() });
        }
    }
}

#[derive(Clone)]
enum Kind {
    Postgres(Arc<Of<Postgres>>),
    Sqlite(Arc<Of<Sqlite>>),
    /// Too few connections to keep any.
    None,
}

/// Told of each statement.
type Observer = Arc<dyn Fn(&metric::Info<'_>) + Send + Sync>;

/// Where single statements are asked.
#[derive(Clone)]
pub(super) struct Lanes {
    kind: Kind,
    pub(super) pool: DatabaseConnection,
    pub(super) doubt: Doubt,
    observer: Option<Observer>,
}

/// What came of a statement that is asked on the next lane.
macro_rules! asked {
    ($self:ident, $of:ident, $statement:ident, $fetch:ident) => {{
        let mut lane = $of.lane(&$self.doubt).await.map_err(not_connected)?;
        let values = SqlxValues($statement.values.clone().unwrap_or(Values(Vec::new())));
        let begun = $self.observer.is_some().then(Instant::now);
        let query = sqlx::query_with(AssertSqlSafe($statement.sql.as_str()), values);
        let outcome = query.$fetch(&mut *lane.connection).await;
        if let (Some(begun), Some(observe)) = (begun, &$self.observer) {
            let failed = outcome.is_err();
            observe(&metric::Info { elapsed: begun.elapsed(), statement: $statement, failed });
        }
        if outcome.is_ok() {
            lane.hand_on();
        }
        outcome
    }};
}

impl Lanes {
    /// `count` connections of the pool for single statements; it needs others for transactions. With none, each statement takes
    /// and gives back one of the pool's.
    pub(super) fn new(pool: DatabaseConnection, count: u32, doubt: Doubt) -> Self {
        let kind = match pool.get_database_backend() {
            _ if count == 0 => Kind::None,
            DatabaseBackend::Postgres => Kind::Postgres(Of::new(pool.get_postgres_connection_pool(), count)),
            _ => Kind::Sqlite(Of::new(pool.get_sqlite_connection_pool(), count)),
        };
        Self { kind, pool, doubt, observer: None }
    }

    pub(super) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        match &self.kind {
            Kind::Postgres(of) => asked!(self, of, statement, execute).map(Into::into).map_err(not_executed),
            Kind::Sqlite(of) => asked!(self, of, statement, execute).map(Into::into).map_err(not_executed),
            Kind::None => self.pool.execute_raw(statement.clone()).await,
        }
    }

    /// The first row. All are read: before the last one nobody knows whether what the statement wrote is committed.
    pub(super) async fn query_one(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all(statement).await?.into_iter().next())
    }

    pub(super) async fn query_all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.kind {
            Kind::Postgres(of) => asked!(self, of, statement, fetch_all)
                .map(|rows| rows.into_iter().map(Into::into).collect())
                .map_err(not_answered),
            Kind::Sqlite(of) => asked!(self, of, statement, fetch_all)
                .map(|rows| rows.into_iter().map(Into::into).collect())
                .map_err(not_answered),
            Kind::None => self.pool.query_all_raw(statement.clone()).await,
        }
    }

    /// Calls `observe` after each statement.
    pub(super) fn observe(&mut self, observe: impl Fn(&metric::Info<'_>) + Send + Sync + Clone + 'static) {
        self.pool.set_metric_callback(observe.clone());
        self.observer = Some(Arc::new(observe));
    }

    /// Ends all connections, those of the pool as well.
    pub(super) async fn close(self) -> Result<(), DbErr> {
        match &self.kind {
            Kind::Postgres(of) => of.close().await,
            Kind::Sqlite(of) => of.close().await,
            Kind::None => {}
        }
        self.pool.close().await
    }
}

// As the ORM tells of the same by its own connections.

fn not_connected(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}

fn not_executed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn not_answered(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lanes").field("pool", &self.pool).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use futures_util::poll;

    use super::super::Database;
    use super::*;
    use crate::testing::{TestApp, app, app_on_postgres};

    async fn on_both(name: &str) -> [TestApp; 2] {
        [app(name).await, app_on_postgres(name).await]
    }

    async fn number(database: &Database, number: i64) -> i64 {
        let statement = Statement::from_sql_and_values(
            database.backend(),
            "SELECT CAST($1 AS bigint) AS n",
            [number.into()],
        );
        let row = database.reader().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }

    fn kept(database: &Database) -> usize {
        match &database.reader.0.kind {
            Kind::Postgres(of) => of.kept.lock().unwrap().len(),
            Kind::Sqlite(of) => of.kept.lock().unwrap().len(),
            Kind::None => 0,
        }
    }

    #[tokio::test]
    async fn what_is_given_up_midway_answers_nobody_else() {
        for test in on_both("given_up").await {
            let database = &test.database;
            for round in 0..20 {
                let mut given_up = std::pin::pin!(number(database, 1_000 + round));
                // Further each time: with a turn, with a connection, with the statement on its way.
                for _ in 0..=round {
                    if poll!(given_up.as_mut()).is_ready() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            let answers = join_all((0..40).map(|n| number(database, n))).await;
            assert_eq!(answers, (0..40).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn one_connection_serves_what_comes_one_after_the_other_and_a_failed_statement_gives_it_back() {
        for test in on_both("handed_on").await {
            let database = &test.database;
            let found = join_all((0..30).map(|n| number(database, n))).await;
            assert_eq!(found, (0..30).collect::<Vec<_>>());
            let many = kept(database);
            assert!(many > 0);
            for n in 0..5 {
                assert_eq!(number(database, n).await, n);
                assert_eq!(kept(database), many);
            }
            let wrong = Statement::from_string(database.backend(), "SELECT nothing FROM nowhere");
            assert!(database.reader().query_all_raw(wrong).await.is_err());
            assert_eq!(kept(database), many - 1);
            assert_eq!(number(database, 7).await, 7);
        }
    }

    #[tokio::test]
    async fn an_end_waits_for_no_connection_that_is_kept() {
        for test in on_both("ended").await {
            assert_eq!(number(&test.database, 1).await, 1);
            assert_eq!(kept(&test.database), 1);
            let database = test.database.clone();
            database.close().await.unwrap();
            let refused = test
                .database
                .reader()
                .query_all_raw(Statement::from_string(test.database.backend(), "SELECT 1"));
            assert!(matches!(refused.await, Err(DbErr::ConnectionAcquire(_))));
        }
    }
}
