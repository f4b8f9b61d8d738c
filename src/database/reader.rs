//! Statements outside of transactions. A pooled connection may have died while nobody used it, and is found dead only by who is given
//! it next: who reads asks once more, on one that was looked at.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, ExecResult, QueryResult, Statement};

use super::lanes::Lanes;

/// How long a connection to PostgreSQL may have been idle before it is asked whether it still stands: after a restart of the
/// database those that were kept would each fail one request. Under load none is asked.
const IDLE: Duration = Duration::from_secs(1);

/// When a connection was last found dead by who used it. What became of it became of those beside it.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt(Arc<Mutex<Option<Instant>>>);

impl Doubt {
    /// Whether a connection that nobody used for so long is to be asked before it is used.
    pub(super) fn concerns(&self, idle_for: Duration) -> bool {
        let raised = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle_for >= IDLE || raised.is_some_and(|raised| raised.elapsed() <= idle_for)
    }

    fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// For reads.
#[derive(Clone, Debug)]
pub struct Reader(pub(super) Lanes);

impl Reader {
    /// Asks, and once more where the connection was dead. For what leaves nothing behind when it is asked twice: a read, or the
    /// beginning of a transaction.
    pub(super) async fn outlive<T, F>(&self, ask: impl Fn() -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        match ask().await {
            Err(error) if is_dead(&error) => {
                self.0.doubt.raise();
                ask().await
            }
            outcome => outcome,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DatabaseBackend {
        self.0.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute(&statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.outlive(|| self.0.query_one(&statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.outlive(|| self.0.query_all(&statement)).await
    }
}

/// For writes of a single statement, which is asked once: what became of one whose connection died nobody knows.
#[derive(Clone, Debug)]
pub struct Writer(pub(super) Lanes);

#[async_trait]
impl ConnectionTrait for Writer {
    fn get_database_backend(&self) -> DatabaseBackend {
        self.0.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute(&statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.query_one(&statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.query_all(&statement).await
    }
}

/// Whether a statement met a connection that had been cut off, or that PostgreSQL had ended: in order (57P01) or because it
/// crashed (57P02).
fn is_dead(error: &DbErr) -> bool {
    match super::cause(error) {
        Some(sqlx::Error::Io(_)) => true,
        Some(sqlx::Error::Database(cause)) => {
            cause.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::super::{Database, FOR_TRANSACTIONS};
    use super::*;
    use crate::testing::{TestApp, app_on_postgres};

    /// Connections that the pool of `app_on_postgres` has.
    const POOL: usize = 8;
    /// Those of them that single statements leave to transactions.
    const TRANSACTIONS: usize = FOR_TRANSACTIONS as usize;

    /// Connections of both kinds, each of which died after it was last used.
    async fn all_dead(app: &TestApp) {
        let database = &app.database;
        let lanes = (0..POOL - TRANSACTIONS).map(|_| database.reader().query_all_raw(statement("SELECT 1")));
        let (opened, begun) =
            tokio::join!(join_all(lanes), join_all((0..TRANSACTIONS).map(|_| database.begin_write())));
        assert!(opened.iter().all(Result::is_ok));
        for begun in begun {
            begun.unwrap().rollback().await.unwrap();
        }
        let named = "SELECT current_database() AS name";
        let row = database.reader().query_one_raw(statement(named)).await.unwrap().unwrap();
        let name: String = row.try_get("", "name").unwrap();
        let server = std::env::var("VULNDESK_TEST_POSTGRES").unwrap();
        let other = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
        // Each is waited for until it has gone.
        let ended = format!(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 60000)) AS ended \
             FROM pg_stat_activity WHERE datname = '{name}'"
        );
        let row = other.writer().query_one_raw(statement(&ended)).await.unwrap().unwrap();
        let ended: i64 = row.try_get("", "ended").unwrap();
        // Of the others one may have been handed on before the next was opened.
        assert!(ended > TRANSACTIONS as i64, "{ended} were there to be ended");
    }

    fn statement(sql: &str) -> Statement {
        Statement::from_string(DatabaseBackend::Postgres, sql)
    }

    #[tokio::test]
    async fn connections_that_died_cost_nobody_a_read_or_the_beginning_of_a_write() {
        let app = app_on_postgres("reader").await;
        let reader = app.database.reader();
        all_dead(&app).await;
        for found in join_all((0..POOL).map(|_| reader.query_all_raw(statement("SELECT 1")))).await {
            assert_eq!(found.unwrap().len(), 1);
        }
        all_dead(&app).await;
        for found in join_all((0..POOL).map(|_| reader.query_one_raw(statement("SELECT 1")))).await {
            assert!(found.unwrap().is_some());
        }
        all_dead(&app).await;
        for begun in join_all((0..TRANSACTIONS).map(|_| app.database.begin_write())).await {
            begun.unwrap().rollback().await.unwrap();
        }
        all_dead(&app).await;
        app.database.begin_read().await.unwrap().rollback().await.unwrap();
    }
}
