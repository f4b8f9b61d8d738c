//! What tables a database has, from its own catalogue, and their columns in the kinds that both databases share. Beside
//! `database.rs` the only file that knows their dialects.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use sea_orm::{ConnectionTrait, DatabaseBackend, QueryResult, Statement};
use serde::{Deserialize, Serialize};

/// Tables that are no content: which schema changes were made stands in the manifest, and the search's index is made anew.
pub const DERIVED: [&str; 3] = ["seaql_migrations", "search_entry", "search_words"];

/// What the shadow tables of the search's index on SQLite begin with.
const SHADOW: &str = "search_words_";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A UUID.
    Uuid,
    /// An instant.
    Time,
    /// A day.
    Date,
    /// True or false.
    Boolean,
    /// A whole number of up to 64 bits.
    Integer,
    /// A text.
    Text,
    /// A value of JSON.
    Json,
    /// Bytes.
    Bytes,
}

impl Kind {
    /// The kind of a type as the catalogue names it.
    fn of(declared: &str) -> Option<Self> {
        Some(match declared.to_ascii_lowercase().as_str() {
            "uuid" | "uuid_text" => Self::Uuid,
            "timestamp with time zone" | "timestamp_with_timezone_text" => Self::Time,
            "date" | "date_text" => Self::Date,
            "boolean" => Self::Boolean,
            "smallint" | "integer" | "bigint" => Self::Integer,
            "text" | "varchar" | "character varying" => Self::Text,
            "json" | "jsonb" | "json_text" | "jsonb_text" => Self::Json,
            "bytea" | "blob" => Self::Bytes,
            _ => return None,
        })
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, by name.
    pub columns: BTreeMap<String, Kind>,
    /// The columns of its key, in their order.
    pub key: Vec<String>,
    /// The tables that its rows refer to.
    refers: BTreeSet<String>,
}

/// The tables that are content, each behind those that it refers to, and by name where nothing decides.
///
/// # Errors
/// Of the database; when a column has a type that is none of ours, or a table no key.
pub async fn tables(db: &impl ConnectionTrait) -> anyhow::Result<Vec<Table>> {
    let mut found: BTreeMap<String, Table> = BTreeMap::new();
    for row in ask(db, SQLITE_COLUMNS, POSTGRES_COLUMNS).await? {
        let (name, column): (String, String) = (row.try_get("", "tab")?, row.try_get("", "col")?);
        if DERIVED.contains(&name.as_str()) || name.starts_with(SHADOW) {
            continue;
        }
        let declared: String = row.try_get("", "declared")?;
        let kind = Kind::of(&declared).with_context(|| {
            format!("{name}.{column} has the type {declared:?}, which no export can write")
        })?;
        let table = found.entry(name.clone()).or_insert_with(|| Table {
            name,
            columns: BTreeMap::new(),
            key: Vec::new(),
            refers: BTreeSet::new(),
        });
        table.columns.insert(column, kind);
    }
    for row in ask(db, SQLITE_KEYS, POSTGRES_KEYS).await? {
        if let Some(table) = found.get_mut(&row.try_get::<String>("", "tab")?) {
            table.key.push(row.try_get("", "col")?);
        }
    }
    for row in ask(db, SQLITE_REFERENCES, POSTGRES_REFERENCES).await? {
        if let Some(table) = found.get_mut(&row.try_get::<String>("", "tab")?) {
            table.refers.insert(row.try_get("", "target")?);
        }
    }
    if let Some(table) = found.values().find(|table| table.key.is_empty()) {
        bail!("the table {} has no key, so its rows have no order", table.name);
    }
    Ok(in_order(found))
}

/// Takes the tables whose references are all taken, by name, and then again. A circle is taken as it comes.
fn in_order(mut left: BTreeMap<String, Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let is_free = |table: &&Table| {
            table.refers.iter().all(|target| *target == table.name || !left.contains_key(target))
        };
        let next = left.values().find(is_free).or(left.values().next()).map(|table| table.name.clone());
        ordered.extend(next.and_then(|name| left.remove(&name)));
    }
    ordered
}

/// Lets references be looked at when all rows are there: within this transaction, of those that no order of tables can serve.
/// Answers what [`check_references`] has to be told.
///
/// # Errors
/// Of the database.
pub async fn defer_references(
    db: &impl ConnectionTrait,
    tables: &[Table],
) -> anyhow::Result<Vec<(String, String)>> {
    if db.get_database_backend() == DatabaseBackend::Sqlite {
        db.execute_unprepared("PRAGMA defer_foreign_keys = ON").await?;
        return Ok(Vec::new());
    }
    let place = |name: &str| tables.iter().position(|table| table.name == name);
    let mut deferred = Vec::new();
    for row in ask(db, SQLITE_REFERENCES, POSTGRES_REFERENCES).await? {
        let (name, target): (String, String) = (row.try_get("", "tab")?, row.try_get("", "target")?);
        if place(&name) <= place(&target) {
            let constraint: String = row.try_get("", "name")?;
            alter(db, &name, &constraint, "DEFERRABLE INITIALLY DEFERRED").await?;
            deferred.push((name, constraint));
        }
    }
    Ok(deferred)
}

/// Looks at the references that were deferred, and has them looked at with each row again.
///
/// # Errors
/// When a row refers to none; of the database.
pub async fn check_references(
    db: &impl ConnectionTrait,
    deferred: &[(String, String)],
) -> anyhow::Result<()> {
    if db.get_database_backend() == DatabaseBackend::Sqlite {
        let broken = Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA foreign_key_check");
        let broken = db.query_all_raw(broken).await?;
        return match broken.first() {
            None => Ok(()),
            Some(row) => {
                bail!("a row of {} refers to one that is not there", row.try_get_by_index::<String>(0)?)
            }
        };
    }
    db.execute_unprepared("SET CONSTRAINTS ALL IMMEDIATE").await?;
    for (table, constraint) in deferred {
        alter(db, table, constraint, "NOT DEFERRABLE").await?;
    }
    Ok(())
}

async fn alter(db: &impl ConnectionTrait, table: &str, constraint: &str, how: &str) -> anyhow::Result<()> {
    let statement = format!("ALTER TABLE {} ALTER CONSTRAINT {} {how}", quoted(table), quoted(constraint));
    db.execute_unprepared(&statement).await?;
    Ok(())
}

/// Keeps everybody else out of the tables until the transaction ends. On SQLite who writes is alone anyway.
///
/// # Errors
/// Of the database.
pub async fn lock(db: &impl ConnectionTrait, tables: &[Table]) -> anyhow::Result<()> {
    if db.get_database_backend() == DatabaseBackend::Postgres {
        let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
        db.execute_unprepared(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "))).await?;
    }
    Ok(())
}

#[cfg(test)]
impl Table {
    /// A table with these columns, which is in no database.
    pub(super) fn for_tests<const N: usize>(name: &str, columns: [(&str, Kind); N]) -> Self {
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind)).into();
        Self { name: name.to_owned(), columns, key: Vec::new(), refers: BTreeSet::new() }
    }
}

impl Table {
    /// Reads all rows in the order of the key, the columns by name.
    pub fn select(&self, backend: DatabaseBackend) -> Statement {
        let postgres = backend == DatabaseBackend::Postgres;
        let columns = self.columns.iter().map(|(name, kind)| {
            let name = quoted(name);
            match kind {
                Kind::Integer if postgres => format!("CAST({name} AS bigint) AS {name}"),
                Kind::Json => format!("CAST({name} AS text) AS {name}"),
                _ => name,
            }
        });
        let columns: Vec<String> = columns.collect();
        let key = self.key.iter().map(|name| match self.columns.get(name) {
            // As SQLite compares texts: by their bytes.
            Some(Kind::Text) if postgres => format!("{} COLLATE \"C\"", quoted(name)),
            _ => quoted(name),
        });
        let key: Vec<String> = key.collect();
        let statement =
            format!("SELECT {} FROM {} ORDER BY {}", columns.join(", "), quoted(&self.name), key.join(", "));
        Statement::from_string(backend, statement)
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// Of the database.
    pub async fn count(&self, db: &impl ConnectionTrait) -> anyhow::Result<i64> {
        let statement = format!("SELECT COUNT(*) AS rows FROM {}", quoted(&self.name));
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), statement)).await?;
        Ok(row.context("a count")?.try_get("", "rows")?)
    }

    /// Takes all rows out.
    ///
    /// # Errors
    /// Of the database.
    pub async fn clear(&self, db: &impl ConnectionTrait) -> anyhow::Result<()> {
        db.execute_unprepared(&format!("DELETE FROM {}", quoted(&self.name))).await?;
        Ok(())
    }
}

/// A name as SQL takes it. Names come from the catalogue alone.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn ask(db: &impl ConnectionTrait, sqlite: &str, postgres: &str) -> anyhow::Result<Vec<QueryResult>> {
    let backend = db.get_database_backend();
    let statement = if backend == DatabaseBackend::Postgres { postgres } else { sqlite };
    Ok(db.query_all_raw(Statement::from_string(backend, statement)).await?)
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS tab, c.name AS col, c.type AS declared FROM sqlite_master AS m, \
    pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
const POSTGRES_COLUMNS: &str = "SELECT CAST(c.table_name AS text) AS tab, CAST(c.column_name AS text) AS col, \
    CAST(c.data_type AS text) AS declared FROM information_schema.columns AS c JOIN information_schema.tables AS t \
    ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
    WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'";
const SQLITE_KEYS: &str = "SELECT m.name AS tab, c.name AS col FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
    WHERE m.type = 'table' AND c.pk > 0 ORDER BY m.name, c.pk";
const POSTGRES_KEYS: &str = "SELECT CAST(r.relname AS text) AS tab, CAST(a.attname AS text) AS col \
    FROM pg_constraint AS k JOIN pg_class AS r ON r.oid = k.conrelid \
    CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS part(number, place) \
    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.number \
    WHERE k.contype = 'p' AND k.connamespace = CAST(current_schema() AS regnamespace) ORDER BY r.relname, part.place";
const SQLITE_REFERENCES: &str = "SELECT m.name AS tab, f.\"table\" AS target, '' AS name FROM sqlite_master AS m, \
    pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'";
const POSTGRES_REFERENCES: &str = "SELECT CAST(r.relname AS text) AS tab, CAST(t.relname AS text) AS target, \
    CAST(k.conname AS text) AS name FROM pg_constraint AS k JOIN pg_class AS r ON r.oid = k.conrelid \
    JOIN pg_class AS t ON t.oid = k.confrelid \
    WHERE k.contype = 'f' AND k.connamespace = CAST(current_schema() AS regnamespace) ORDER BY r.relname, k.conname";
