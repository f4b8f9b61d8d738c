//! The two databases behind one type: an embedded SQLite file with one writer and a few query-only readers,
//! or PostgreSQL with one pool for both. Beside `instance::catalogue` the only file that knows their dialects.

pub mod given;
mod lanes;
mod reader;
mod together;

use std::time::Duration;

use entity::vocabulary::{SearchKind, SearchSide};
use sea_orm::sea_query::{
    ArrayType, Condition, Expr, ExprTrait, Func, InsertStatement, OnConflict, Query, SelectStatement,
    SimpleExpr, Value,
};
use sea_orm::{
    AccessMode, ColumnTrait, ConnectOptions, ConnectionTrait, Database as Connect, DatabaseBackend,
    DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel, JoinType, Order, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection};
use url::Url;
use uuid::Uuid;

use lanes::Lanes;
use reader::Doubt;
pub use reader::{Reader, Writer};
pub use together::{Share, Together};

/// How often a waiting SQLite writer of another process may hold us up before we give in.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages in an SQLite file's log before they are copied into it, and memory for pages (KiB, negative by SQLite's custom):
/// a bulk of records touches many indexes at once, and would else write and read back the same pages again and again.
const SQLITE_LOG_PAGES: &str = "8000";
const SQLITE_CACHE: &str = "-64000";

/// Query-only connections to an SQLite file, and one more for who reads all as of one instant; its log lets them read beside
/// the writer.
const SQLITE_READERS: u32 = 3;

/// Connections to PostgreSQL, of all that there may be, that are left for transactions, which are few: a change is one statement.
/// Migrations take two, a lock and what is done under it.
const FOR_TRANSACTIONS: u32 = 2;
/// With fewer there would be hardly any left for single statements: none is set apart then.
const FEW: u32 = 4;

/// Statements that are kept prepared on each connection to an SQLite file: as many as ordinary work has. Each read anew costs more
/// than it takes to answer.
const SQLITE_STATEMENTS: usize = 500;

/// How PostgreSQL's error codes begin where its state is the reason: connections (08), room, memory and number of connections
/// (53), shutting down and starting up (57P0), its disk (58030), and being a standby (25006).
const AWAY_ON_POSTGRES: [&str; 5] = ["08", "53", "57P0", "58030", "25006"];

/// SQLite's primary codes for the same: busy, read-only, an input or output error, full, cannot be opened.
const AWAY_ON_SQLITE: [u32; 5] = [5, 8, 10, 13, 14];

/// Parameters that a PostgreSQL URL may have, besides `options[NAME]`: all that the library knows. Any other it would leave
/// out, and log with its value.
const POSTGRES_PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// Connections to one database.
#[derive(Clone, Debug)]
pub struct Database {
    reader: Reader,
    writer: Writer,
}

impl Database {
    /// Connects to `url` (`sqlite://FILE` or `postgres://...`), making the SQLite file when there is none.
    ///
    /// # Errors
    /// When the URL is of neither kind or the database cannot be reached.
    pub async fn connect(url: &str, pool: u32) -> Result<Self, DbErr> {
        Self::connect_as(url, None, pool).await
    }

    /// The same, with a password that is none of the URL's.
    ///
    /// # Errors
    /// The same, and when there is no use for the password.
    pub async fn connect_as(url: &str, password: Option<&SecretString>, pool: u32) -> Result<Self, DbErr> {
        if url.starts_with("sqlite:") {
            if password.is_some() {
                return Err(refused("a password is for PostgreSQL alone"));
            }
            let parameters =
                || refused("the parameters of its URL can be mode, cache, immutable and vfs alone");
            url.parse::<SqliteConnectOptions>().map_err(|_| parameters())?;
            let mut write = ConnectOptions::new(create_if_missing(url));
            write
                .max_connections(1)
                .sqlx_logging(false)
                .test_before_acquire(false)
                .map_sqlx_sqlite_opts(|options| sqlite(options, false))
                // On a full disk SQLite rolls back by itself, and the library's own rollback fails. What is written on such
                // a connection from then on would be acknowledged and never committed: it is given up instead.
                .map_sqlx_sqlite_before_acquire(|connection, _| {
                    Box::pin(async { Ok(!connection.is_in_transaction()) })
                });
            let writer = Connect::connect(write).await?;
            let mut read = ConnectOptions::new(url.to_owned());
            read.max_connections(SQLITE_READERS + 1).sqlx_logging(false).test_before_acquire(false);
            read.map_sqlx_sqlite_opts(|options| sqlite(options, true));
            let pool = Connect::connect(read).await?;
            let doubt = Doubt::default();
            let reader = Reader(Lanes::new(pool, SQLITE_READERS, doubt.clone()));
            return Ok(Self { reader, writer: Writer(Lanes::new(writer, 0, doubt)) });
        }
        let address = postgres(url, password)?;
        // The library shows the URL that it is given to who logs in detail, and looks for a password where it has none.
        let mut options = ConnectOptions::new("postgres://nobody:none@localhost");
        options.max_connections(pool).sqlx_logging(false).acquire_timeout(lanes::PATIENCE);
        options.test_before_acquire(false);
        let doubt = Doubt::default();
        let doubted = doubt.clone();
        options.map_sqlx_postgres_before_acquire(move |connection, kept| {
            let is_asked = doubted.concerns(kept.idle_for);
            Box::pin(async move {
                if is_asked {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
        // Statements are short, some of them are long to read: compiling those costs far more than it saves. So does dividing
        // one among processes, which PostgreSQL does by a guess that a page's end is far off; each request has one already.
        let settings = [("jit", "off"), ("max_parallel_workers_per_gather", "0")];
        options
            .map_sqlx_postgres_opts(move |_| address.clone().options(settings).disable_statement_logging());
        let lanes = if pool < FEW { 0 } else { pool - FOR_TRANSACTIONS };
        let lanes = Lanes::new(Connect::connect(options).await?, lanes, doubt);
        Ok(Self { reader: Reader(lanes.clone()), writer: Writer(lanes) })
    }

    /// For reads. On SQLite it cannot write.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// For writes of a single statement.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The pool as the library knows it, for migrations.
    pub fn whole(&self) -> &DatabaseConnection {
        &self.writer.0.pool
    }

    /// Which of the two it is.
    pub fn backend(&self) -> DatabaseBackend {
        self.writer.get_database_backend()
    }

    /// Begins a write. On SQLite it takes the write lock at once, since a deferred transaction fails on upgrade.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_write(&self) -> Result<DatabaseTransaction, DbErr> {
        let immediate =
            (self.backend() == DatabaseBackend::Sqlite).then_some(SqliteTransactionMode::Immediate);
        let options =
            || TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
        self.reader.outlive(|| self.whole().begin_with_options(options())).await
    }

    /// Begins reads that all see what there is at one instant.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_read(&self) -> Result<DatabaseTransaction, DbErr> {
        let pool = &self.reader.0.pool;
        match self.backend() {
            DatabaseBackend::Postgres => {
                let (isolation, access) = (Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly));
                self.reader.outlive(|| pool.begin_with_config(isolation, access)).await
            }
            _ => pool.begin().await,
        }
    }

    /// Ends all connections: an SQLite file then holds all that is in its log.
    ///
    /// # Errors
    /// Of the database.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reader.0.close().await?;
        self.writer.0.close().await
    }

    /// The pool, when it is PostgreSQL.
    pub fn postgres(&self) -> Option<&sqlx::PgPool> {
        (self.backend() == DatabaseBackend::Postgres).then(|| self.whole().get_postgres_connection_pool())
    }

    /// The encoding and locale of a database that orders texts by anything but the bytes of UTF-8, by which beginnings of numbers
    /// are looked up; none of others.
    ///
    /// # Errors
    /// Of the database.
    pub async fn other_order(&self) -> Result<Option<String>, DbErr> {
        if self.backend() != DatabaseBackend::Postgres {
            return Ok(None);
        }
        let asked = "SELECT pg_encoding_to_char(encoding) || ' ' || CASE datlocprovider WHEN 'i' THEN 'icu' ELSE datcollate END AS found \
            FROM pg_database WHERE datname = current_database() AND NOT (pg_encoding_to_char(encoding) = 'UTF8' AND (datlocprovider = 'b' \
            OR datlocprovider = 'c' AND lower(replace(datcollate, '-', '')) IN ('c', 'posix', 'c.utf8')))";
        let found = self.writer.query_one_raw(Statement::from_string(self.backend(), asked)).await?;
        found.map(|row| row.try_get("", "found")).transpose()
    }

    /// Calls `observe` after each statement: how tests count what a request costs.
    pub fn observe(&mut self, observe: impl Fn(&sea_orm::metric::Info<'_>) + Send + Sync + Clone + 'static) {
        self.reader.0.observe(observe.clone());
        self.writer.0.observe(observe);
    }
}

/// Whether a failure is due to the state that the database is in and not to what it was asked: it cannot be reached, takes no
/// writes or has no room. Later the same can succeed; what was being written may have been written.
pub fn is_away(error: &DbErr) -> bool {
    let Some(cause) = cause(error) else {
        // Whatever the cause: cut off while it connects, the library speaks of a wrong protocol.
        return matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_));
    };
    match cause {
        sqlx::Error::Database(cause) => {
            let code = cause.code().unwrap_or_default();
            if cause.try_downcast_ref::<PgDatabaseError>().is_some() {
                return AWAY_ON_POSTGRES.iter().any(|begins| code.starts_with(begins));
            }
            code.parse::<u32>().is_ok_and(|code| AWAY_ON_SQLITE.contains(&(code & 0xff)))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// What the driver said of a statement.
fn cause(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

fn refused(words: impl Into<String>) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(words.into()))
}

/// Reads a URL of PostgreSQL, or says what is wrong without any value of it. The library's own words quote them.
fn postgres(url: &str, password: Option<&SecretString>) -> Result<PgConnectOptions, DbErr> {
    if !url.starts_with("postgres://") {
        return Err(refused("its URL begins neither with sqlite:// nor with postgres://"));
    }
    let hint =
        "in its URL, characters of the password that mean something there are written as %2F and the like";
    let parsed = Url::parse(url).map_err(|error| refused(format!("{error}: {hint}")))?;
    // A password with a question mark in it ends up among the names.
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphabetic() || "-_[].".contains(c));
    if !parsed.query_pairs().all(|(name, _)| is_name(&name)) {
        return Err(refused(format!("its parameters cannot be read: {hint}")));
    }
    for (name, value) in parsed.query_pairs() {
        let is_option = name == "options" || name.starts_with("options[") && name.ends_with(']');
        if !is_option && !POSTGRES_PARAMETERS.contains(&&*name) {
            return Err(refused(format!("there is no parameter {name}, which its URL has")));
        }
        let mut alone = Url::parse("postgres://localhost").map_err(|error| refused(error.to_string()))?;
        alone.query_pairs_mut().append_pair(&name, &value);
        if quietly(|| alone.as_str().parse::<PgConnectOptions>()).is_err() {
            return Err(refused(format!(
                "the parameter {name} of its URL cannot have the value that it has"
            )));
        }
    }
    let options = quietly(|| url.parse::<PgConnectOptions>())
        .map_err(|_| refused(format!("it cannot be read: {hint}")))?;
    let Some(password) = password else { return Ok(options) };
    if parsed.password().is_some() || parsed.query_pairs().any(|(name, _)| name == "password") {
        return Err(refused("its URL has a password, and there is another one in a file: leave one out"));
    }
    Ok(options.password(password.expose_secret()))
}

/// Without the library's log: of a password file it shows each line that it cannot read, with its password.
fn quietly<T>(read: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), read)
}

fn create_if_missing(url: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    if url.contains("mode=") { url.to_owned() } else { format!("{url}{separator}mode=rwc") }
}

fn sqlite(
    options: sqlx::sqlite::SqliteConnectOptions,
    query_only: bool,
) -> sqlx::sqlite::SqliteConnectOptions {
    let options = options
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(SQLITE_STATEMENTS)
        .foreign_keys(true);
    if query_only {
        return options.pragma("query_only", "ON");
    }
    options.pragma("wal_autocheckpoint", SQLITE_LOG_PAGES).pragma("cache_size", SQLITE_CACHE)
}

/// `column` is one of the few that `select` finds. To PostgreSQL that is one value, of which it guesses that it is short: of rows
/// that it joins it may guess that there are many, and then goes through a list from its beginning to meet the first of them.
pub fn is_among_few(
    backend: DatabaseBackend,
    column: impl ColumnTrait,
    select: SelectStatement,
) -> SimpleExpr {
    let column = Expr::col(column.as_column_ref());
    match backend {
        DatabaseBackend::Postgres => Expr::cust_with_exprs("$1 = ANY(ARRAY($2))", [column, select.into()]),
        _ => column.in_subquery(select),
    }
}

/// `column` is one of `ids`: one bound value whatever their number, so that the statement is prepared once.
pub fn is_one_of(
    backend: DatabaseBackend,
    column: impl ColumnTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> SimpleExpr {
    let column = Expr::col(column.as_column_ref());
    match backend {
        DatabaseBackend::Postgres => {
            let ids = ids.into_iter().map(|id| Value::Uuid(Some(id))).collect();
            let ids = Expr::value(Value::Array(ArrayType::Uuid, Some(Box::new(ids))));
            Expr::cust_with_exprs("$1 = ANY($2)", [column, ids])
        }
        _ => {
            let list: Vec<String> = ids.into_iter().map(|id| id.simple().to_string()).collect();
            let list = serde_json::to_string(&list).unwrap_or_default();
            column.in_subquery(
                sea_orm::sea_query::Query::select()
                    .expr(Expr::cust("unhex(value)"))
                    .from_function(sea_orm::sea_query::Func::cust("json_each").arg(list), "ids")
                    .take(),
            )
        }
    }
}

/// `column` begins with `prefix`: texts are ordered by their bytes, so what does is a range of an index.
pub fn begins(column: SimpleExpr, prefix: &str) -> Condition {
    Condition::all().add(column.clone().gte(prefix)).add(column.lt(format!("{prefix}{}", char::MAX)))
}

/// Inserts postings (segment, feature, report) out of one bound value, in the order of their table; those that are there
/// stay.
pub fn insert_postings(
    backend: DatabaseBackend,
    mut postings: Vec<(i64, i64, Uuid)>,
) -> Option<InsertStatement> {
    if postings.is_empty() {
        return None;
    }
    postings.sort_unstable();
    let rows = postings
        .iter()
        .map(|(segment, feature, report)| json!([segment, feature, report.simple().to_string()]));
    let rows = serde_json::Value::from_iter(rows).to_string();
    let (source, report) = match backend {
        DatabaseBackend::Postgres => {
            let rows = Expr::cust_with_values("CAST($1 AS json)", [rows]);
            (Func::cust("json_array_elements").arg(rows), "CAST(value ->> 2 AS uuid)")
        }
        _ => (Func::cust("json_each").arg(rows), "unhex(value ->> 2)"),
    };
    let select = Query::select()
        .expr(Expr::cust("CAST(value ->> 0 AS bigint)"))
        .expr(Expr::cust("CAST(value ->> 1 AS bigint)"))
        .expr(Expr::cust(report))
        .from_function(source, "given")
        // Without a condition, SQLite takes the conflict's clause for one of a join.
        .and_where(Expr::cust("1 = 1"))
        .take();
    let mut insert = Query::insert();
    insert.into_table("report_feature").columns(["segment", "feature", "report_id"]);
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    insert.select_from(select).ok()?;
    Some(insert)
}

/// Writes what things are found by: kind, thing, side and words of each. A thing that is known stays in its place.
pub fn write_entries(
    backend: DatabaseBackend,
    entries: impl IntoIterator<Item = (SearchKind, Uuid, SearchSide, String)>,
) -> Option<InsertStatement> {
    let mut entries = entries.into_iter().peekable();
    entries.peek()?;
    let mut insert = Query::insert();
    // On SQLite a view, through which the words go into their index.
    let table = if backend == DatabaseBackend::Postgres { "search_entry" } else { "search_said" };
    insert.into_table(table).columns(["kind", "subject_id", "side", "words"]);
    for (kind, subject, side, words) in entries {
        let words = match backend {
            DatabaseBackend::Postgres => {
                Expr::cust_with_values("array_to_tsvector(string_to_array($1, ' '))", [words])
            }
            _ => words.into(),
        };
        insert.values_panic([kind.as_str().into(), subject.into(), side.as_str().into(), words]);
    }
    if backend == DatabaseBackend::Postgres {
        insert.on_conflict(OnConflict::columns(["subject_id", "side"]).update_column("words").to_owned());
    }
    Some(insert)
}

/// A word that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Whether words that only begin so are found too.
    pub begins: bool,
}

/// Words that entries have: one of `any` and all of `all`, but not all of `but`, where there are such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// One of these.
    pub any: Vec<Word>,
    /// All of these.
    pub all: Vec<Word>,
    /// Not all of these.
    pub but: Vec<Word>,
}

impl Words {
    /// As the index reads it: each word is quoted, so none of it is an operator.
    fn written(&self, backend: DatabaseBackend) -> String {
        let postgres = backend == DatabaseBackend::Postgres;
        let word = |word: &Word| match (postgres, word.begins) {
            (true, begins) => {
                let text = word.text.replace('\\', "\\\\").replace('\'', "''");
                format!("'{text}'{}", if begins { ":*" } else { "" })
            }
            (false, begins) => {
                format!("\"{}\"{}", word.text.replace('"', "\"\""), if begins { " *" } else { "" })
            }
        };
        let joined = |words: &[Word], by: &str| words.iter().map(word).collect::<Vec<_>>().join(by);
        let (and, or, not) = if postgres { (" & ", " | ", " & !") } else { (" AND ", " OR ", " NOT ") };
        let mut written = format!("(({}){and}{})", joined(&self.any, or), joined(&self.all, and));
        if !self.but.is_empty() {
            written = format!("{written}{not}({})", joined(&self.but, and));
        }
        written
    }

    /// That an entry's own row has them. It is read from the row, however many others have them.
    fn of_row(&self, backend: DatabaseBackend) -> Condition {
        if backend == DatabaseBackend::Postgres {
            // A function where an operator would be looked up in the index.
            let has = "ts_match_vq(\"search_entry\".\"words\", CAST($1 AS tsquery))";
            return Condition::all().add(Expr::cust_with_values(has, [self.written(backend)]));
        }
        // There each word stands between two spaces.
        let has = |word: &Word| {
            let text = format!(" {}{}", word.text, if word.begins { "" } else { " " });
            Expr::cust_with_values("instr(\"search_entry\".\"words\", ?) > 0", [text])
        };
        let all = |words: &[Word]| words.iter().map(has).fold(Condition::all(), Condition::add);
        let any = self.any.iter().map(has).fold(Condition::any(), Condition::add);
        let row = all(&self.all).add(any);
        if self.but.is_empty() { row } else { row.add(all(&self.but).not()) }
    }
}

/// Places stand in blocks: those of one have a word in common, by which PostgreSQL finds what of them has others. It marks the
/// blocks of 2 to this power of places.
const BLOCKS: [(char, u32); 3] = [('s', 10), ('m', 14), ('l', 18)];
/// From these blocks on, words that none of them has are known to be rare.
const TELLING: usize = 1;

/// Words of an entry on PostgreSQL with those of its blocks, as they are indexed.
fn placed_words() -> String {
    let blocks = BLOCKS.map(|(mark, power)| format!("'{mark}:' || (search_entry.place >> {power})::text"));
    format!("(search_entry.words || array_to_tsvector(ARRAY[{}]))", blocks.join(", "))
}

/// A stretch of places in which entries are looked for, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Places after this one.
    after: i64,
    /// Places before this one.
    before: i64,
    /// Which blocks they are found by, on PostgreSQL; by their words alone after the last.
    blocks: usize,
}

impl Stretch {
    /// The first one of those that together are all places before `before`. SQLite finds words in the order of places, in one.
    /// PostgreSQL finds all that have the words, and puts them in order: so it looks among the newest two blocks, then among two
    /// larger ones, and so on. A common word is found soon then, and a rare one stands in few.
    pub fn newest(backend: DatabaseBackend, before: i64) -> Self {
        Self::of(before, if backend == DatabaseBackend::Postgres { 0 } else { BLOCKS.len() })
    }

    fn of(before: i64, blocks: usize) -> Self {
        let after = BLOCKS.get(blocks).map_or(0, |(_, power)| {
            let newest = before.saturating_sub(1) >> power;
            Ord::max((newest - 1) << power, 1) - 1
        });
        Self { after, before, blocks }
    }

    /// The next one, after `found` entries were found in this; none after the last.
    pub fn next(&self, found: usize) -> Option<Self> {
        if self.after == 0 {
            return None;
        }
        // Those that so many entries have not stand in few of all others.
        let is_rare = found == 0 && self.blocks >= TELLING;
        let blocks = if is_rare { BLOCKS.len() } else { self.blocks + 1 };
        Some(Self::of(self.after.saturating_add(1), blocks))
    }

    /// The words of its blocks, as the index reads them.
    fn written(&self) -> Option<String> {
        let (mark, power) = BLOCKS.get(self.blocks)?;
        let newest = self.before.saturating_sub(1) >> power;
        Some(format!("('{mark}:{newest}' | '{mark}:{}')", newest - 1))
    }
}

/// Selects from `search_entry` those that have these words in this stretch, newest first.
pub fn with_words(backend: DatabaseBackend, words: &Words, stretch: &Stretch) -> SelectStatement {
    let mut select = Query::select();
    let mut words = words.written(backend);
    let place = match backend {
        DatabaseBackend::Postgres => {
            if let Some(blocks) = stretch.written() {
                words = format!("{words} & {blocks}");
            }
            let has = format!("{} @@ CAST($1 AS tsquery)", placed_words());
            select.from("search_entry").and_where(Expr::cust_with_values(has, [words]));
            // An expression is in no index, so the words are what it is found by.
            Expr::col(("search_entry", "place")).add(0)
        }
        _ => {
            let entry = Expr::col(("search_entry", "place")).equals(("search_words", "rowid"));
            // The words first, in whatever order SQLite would join. Such a join is written without its condition.
            select
                .from("search_words")
                .join(JoinType::CrossJoin, "search_entry", Condition::all())
                .and_where(entry)
                .and_where(Expr::cust_with_values("\"search_words\" MATCH ?", [words]));
            Expr::col(("search_words", "rowid"))
        }
    };
    select
        .and_where(place.clone().gt(stretch.after))
        .and_where(place.clone().lt(stretch.before))
        .order_by_expr(place, Order::Desc);
    select
}

/// Selects from `search_entry` those of the things `among` that have these words, at places before `before`, newest first. The
/// things come first and their rows are read, so that it takes as long as these are many, whatever else there is.
pub fn with_words_among(
    backend: DatabaseBackend,
    words: &Words,
    among: SelectStatement,
    before: i64,
) -> SelectStatement {
    // An expression is in no index.
    let place = Expr::col(("search_entry", "place")).add(0);
    Query::select()
        .from("search_entry")
        .and_where(Expr::col(("search_entry", "subject_id")).in_subquery(among))
        .cond_where(words.of_row(backend))
        .and_where(place.clone().lt(before))
        .order_by_expr(place, Order::Desc)
        .take()
}

/// A source of rows (report_id, telling, found) for FROM: the reports that stand in the index under each of the features that
/// `given` has, with how telling it is, and how many were found under it. They are looked for in this many
/// `segments`, none of those in the table `left_out`, and at most `most` under each feature, the newest: what there is more is not
/// read.
pub fn found_under(
    backend: DatabaseBackend,
    given: &str,
    segments: &str,
    left_out: &str,
    most: u16,
) -> String {
    let asked = format!("f.feature = given.feature AND f.report_id NOT IN (SELECT report FROM {left_out})");
    match backend {
        // The newest segment comes first, and the limit ends the reading.
        DatabaseBackend::Postgres => format!(
            "(SELECT one.report_id, given.telling, one.found FROM {given} CROSS JOIN LATERAL (SELECT newest.report_id, \
             COUNT(*) OVER () AS found FROM (SELECT own.report_id FROM generate_series({segments} - 1, 0, -1) AS \
             segments(segment) CROSS JOIN LATERAL (SELECT f.report_id FROM report_feature f WHERE f.segment = \
             segments.segment AND {asked} ORDER BY f.report_id DESC LIMIT {most}) AS own LIMIT {most}) AS newest) AS one) \
             AS found"
        ),
        // Each row's reports are put together into one value, since no other join here may look at the row before it. They are
        // kept, so that they are read once.
        _ => format!(
            "(WITH listed AS MATERIALIZED (SELECT given.telling, (SELECT json_group_array(hex(report_id)) FROM (SELECT \
             f.report_id FROM report_feature f WHERE f.segment IN (WITH RECURSIVE segments(segment) AS (SELECT 0 UNION ALL \
             SELECT segment + 1 FROM segments WHERE segment + 1 < {segments}) SELECT segment FROM segments) AND {asked} \
             ORDER BY f.segment DESC, f.report_id DESC LIMIT {most})) AS reports FROM {given}), counted AS MATERIALIZED \
             (SELECT telling, json_array_length(reports) AS found, reports FROM listed) SELECT unhex(one.value) AS report_id, \
             counted.telling, counted.found FROM counted CROSS JOIN json_each(counted.reports) AS one) AS found"
        ),
    }
}

/// Whole seconds from one instant to another, the parts of a second of both left out.
pub fn seconds(backend: DatabaseBackend, from: SimpleExpr, to: SimpleExpr) -> SimpleExpr {
    match backend {
        DatabaseBackend::Postgres => Expr::cust_with_exprs(
            "CAST(FLOOR(EXTRACT(EPOCH FROM $1)) - FLOOR(EXTRACT(EPOCH FROM $2)) AS bigint)",
            [to, from],
        ),
        // All instants are kept in UTC, so what comes after the seconds need not be read.
        _ => Expr::cust_with_exprs("unixepoch(substr(?, 1, 19)) - unixepoch(substr(?, 1, 19))", [to, from]),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait;

    use super::*;

    async fn with_table(folder: &tempfile::TempDir) -> Database {
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let database = Database::connect(&url, 1).await.unwrap();
        database.writer().execute_unprepared("CREATE TABLE noted (words TEXT)").await.unwrap();
        database
    }

    async fn noted(database: &Database) -> usize {
        let select = Query::select().column("words").from("noted").take();
        database.reader().query_all(&select).await.unwrap().len()
    }

    async fn note(database: &Database, words: &str) -> Result<(), DbErr> {
        let transaction = database.begin_write().await?;
        transaction.execute_unprepared(&format!("INSERT INTO noted VALUES ('{words}')")).await?;
        transaction.commit().await
    }

    /// As `.cargo/config.toml` has it compiled, with what for.
    #[tokio::test]
    async fn sqlite_neither_plans_by_values_nor_counts_its_memory() {
        let folder = tempfile::tempdir().unwrap();
        let database = with_table(&folder).await;
        let statement = Statement::from_string(database.backend(), "PRAGMA compile_options");
        let options = database.reader().query_all_raw(statement).await.unwrap();
        let options: Vec<String> = options.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let has = |option: &str| options.iter().any(|other| other == option);
        assert!(has("DEFAULT_MEMSTATUS=0"), "{options:?}");
        assert!(!has("ENABLE_STAT4") && !has("ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_read_is_refused_without_its_password() {
        for (url, words) in [
            ("postgresql://desk:s3cret@localhost/desk", "postgres://"),
            ("mysql://desk:s3cret@localhost/desk", "postgres://"),
            ("postgres://desk:s3cret/x@localhost/desk", "%2F"),
            ("postgres://desk:s3cret@localhost:99999/desk", "%2F"),
            ("postgres://desk:1?s3cret@localhost/desk", "%2F"),
            ("postgres://desk:1?s3cret&x@localhost/desk", "%2F"),
            ("postgres://desk@localhost/desk?passwrod=s3cret", "passwrod"),
            ("postgres://desk@localhost/desk?password=x&pasword=s3cret", "pasword"),
            ("postgres://desk@localhost/desk?sslmode=s3cret", "sslmode"),
            ("postgres://desk@localhost/desk?port=s3cret", "port"),
            ("postgres://desk@localhost/desk?hostaddr=s3cret", "hostaddr"),
            ("postgres://desk@localhost/desk?statement-cache-capacity=s3cret", "statement-cache-capacity"),
            ("sqlite://desk.sqlite?password=s3cret", "mode, cache"),
            ("sqlite://desk.sqlite?mode=s3cret", "mode, cache"),
        ] {
            let refused = Database::connect(url, 1).await.unwrap_err();
            assert!(refused.to_string().contains(words), "{refused}");
            assert!(!format!("{refused} {refused:?}").contains("s3cret"), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_password_of_its_own_is_for_a_url_without_one() {
        let password = SecretString::from("s3cret");
        for url in [
            "sqlite://desk.sqlite",
            "postgres://desk:other@localhost/desk",
            "postgres://desk@localhost/desk?password=x",
        ] {
            let refused = Database::connect_as(url, Some(&password), 1).await.unwrap_err().to_string();
            assert!(refused.contains("password") && !refused.contains("s3cret"), "{refused}");
        }
        let options = postgres("postgres://desk@localhost/desk", Some(&password)).unwrap();
        assert_eq!(options.to_url_lossy().password(), Some("s3cret"));
    }

    #[test]
    fn every_parameter_that_the_library_knows_can_be_given() {
        for name in POSTGRES_PARAMETERS.into_iter().chain(["options", "options[search_path]"]) {
            let value = match name {
                "sslmode" | "ssl-mode" => "require",
                "hostaddr" => "127.0.0.1",
                "statement-cache-capacity" | "port" => "5432",
                _ => "desk",
            };
            assert!(
                postgres(&format!("postgres://desk@localhost/desk?{name}={value}"), None).is_ok(),
                "{name}"
            );
        }
    }

    #[tokio::test]
    async fn after_sqlite_rolled_back_by_itself_what_is_acknowledged_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let database = with_table(&folder).await;
        let transaction = database.begin_write().await.unwrap();
        // As SQLite does it on a full disk, unseen by the library.
        transaction.execute_unprepared("ROLLBACK").await.unwrap();
        drop(transaction);
        note(&database, "after it").await.unwrap();
        assert_eq!(noted(&database).await, 1);
    }

    #[tokio::test]
    async fn a_full_sqlite_is_away_until_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let database = with_table(&folder).await;
        let long = "x".repeat(100_000);
        database.writer().execute_unprepared("PRAGMA max_page_count = 10").await.unwrap();
        let full = note(&database, &long).await.unwrap_err();
        assert!(is_away(&full), "{full:?}");
        database.writer().execute_unprepared("PRAGMA max_page_count = 1000").await.unwrap();
        note(&database, &long).await.unwrap();
        assert_eq!(noted(&database).await, 1);
        let wrong = database.writer().execute_unprepared("INSERT INTO nowhere VALUES (1)").await.unwrap_err();
        assert!(!is_away(&wrong), "{wrong:?}");
    }
}
