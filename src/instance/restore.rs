//! Making an installation of files.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use entity::stored_file;
use futures_util::TryStreamExt;
use sea_orm::sea_query::{Expr, Query, Value};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, QueryOrder, StreamTrait};
use sha2::{Digest, Sha256};

use super::catalogue::{self, Table};
use super::manifest::{Manifest, TableEntry};
use super::{FILES, TABLES, line};
use crate::database::Database;
use crate::event::number::Numbers;
use crate::files::{FileFault, Files};
use crate::secret::KeyRing;

/// What a database has before anybody used it.
const FIRST: [&str; 8] = [
    "calendar",
    "calendar_day",
    "calendar_year",
    "channel",
    "deadline_policy",
    "instance",
    "rating_policy",
    "sequence_head",
];

/// Bound values of one statement: SQLite takes no more than 32,766.
const VALUES: usize = 16_000;
/// Most rows of one statement.
const ROWS: usize = 200;
/// Bytes after which a statement is sent.
const BYTES: usize = 1 << 20;
/// Most bytes of a line: more than any row has.
const LONGEST: u64 = 256 << 20;
/// Bytes of a file that are in memory at once.
const CHUNK: usize = 1 << 20;

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Tables.
    pub tables: usize,
    /// Rows, each read back and compared.
    pub rows: u64,
    /// Attached files.
    pub files: u64,
}

/// Makes the installation of an export in a database that has this vulndesk's schema and that nobody used. `files_of` opens where the
/// installation with these numbers keeps its files.
///
/// # Errors
/// When the export is not whole, or was changed; when the database is not empty; when a key is missing that sealed its secrets. Then the
/// database is as it was.
pub async fn restore(
    database: &Database,
    keys: &KeyRing,
    folder: &Path,
    files_of: impl FnOnce(&Numbers) -> anyhow::Result<Files>,
) -> anyhow::Result<Restored> {
    let manifest = Manifest::read(folder)?;
    for key in &manifest.keys {
        let known = hex::decode(key).is_ok_and(|key| keys.has(&key));
        ensure!(
            known,
            "the export has secrets that are sealed with the key {key}, which is not in secrets.keys: add the key file of the \
             installation that it comes from"
        );
    }
    let writing = database.begin_write().await?;
    let tables = catalogue::tables(&writing).await?;
    compare_tables(&tables, &manifest.tables)?;
    catalogue::lock(&writing, &tables).await?;
    demand_empty(&writing, &tables).await?;
    for table in tables.iter().rev() {
        table.clear(&writing).await?;
    }
    let deferred = catalogue::defer_references(&writing, &tables).await?;
    let mut rows = 0;
    for (table, entry) in in_pairs(&tables, &manifest.tables) {
        let file = table_file(folder, table);
        take_table(&writing, table, entry, &file).await.with_context(|| file.display().to_string())?;
        rows += entry.rows;
    }
    catalogue::check_references(&writing, &deferred).await?;
    for table in &tables {
        let file = table_file(folder, table);
        verify_table(&writing, table, &file).await.with_context(|| file.display().to_string())?;
    }
    let files = files_of(&Numbers::over(number_key(&writing).await?))?;
    take_files(&writing, &manifest, &files, &folder.join(FILES)).await?;
    writing.commit().await?;
    Ok(Restored { tables: tables.len(), rows, files: manifest.files })
}

/// Demands that the export has exactly the database's tables with their columns. No name of the export becomes a path or SQL: what is
/// read and written is named by the database.
fn compare_tables(tables: &[Table], entries: &[TableEntry]) -> anyhow::Result<()> {
    for entry in entries {
        let Some(table) = tables.iter().find(|table| table.name == entry.name) else {
            bail!("the export has a table {:?}, which the database has not", entry.name);
        };
        ensure!(
            table.columns == entry.columns,
            "the export's columns of {} are not those of the database",
            table.name
        );
    }
    for table in tables {
        let count = entries.iter().filter(|entry| entry.name == table.name).count();
        ensure!(count == 1, "the export has the table {} {count} times", table.name);
    }
    Ok(())
}

fn in_pairs<'a>(
    tables: &'a [Table],
    entries: &'a [TableEntry],
) -> impl Iterator<Item = (&'a Table, &'a TableEntry)> {
    tables.iter().filter_map(|table| Some((table, entries.iter().find(|entry| entry.name == table.name)?)))
}

fn table_file(folder: &Path, table: &Table) -> PathBuf {
    folder.join(TABLES).join(format!("{}.jsonl", table.name))
}

/// Demands that nobody used the database.
async fn demand_empty(db: &DatabaseTransaction, tables: &[Table]) -> anyhow::Result<()> {
    for table in tables.iter().filter(|table| !FIRST.contains(&table.name.as_str())) {
        ensure!(
            table.count(db).await? == 0,
            "the database is not empty, there is something in {}: name a new one (--database-url)",
            table.name
        );
    }
    Ok(())
}

/// Opens a file of the export, which is one and no way out of it.
fn open(file: &Path) -> anyhow::Result<File> {
    let found = std::fs::symlink_metadata(file).context("it cannot be read")?;
    ensure!(found.is_file(), "it is no file");
    File::open(file).context("it cannot be read")
}

/// The lines of a table's file, without their ends.
fn lines(file: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<String>>> {
    let mut reader = BufReader::with_capacity(1 << 20, open(file)?);
    Ok(std::iter::from_fn(move || {
        let mut text = String::new();
        match reader.by_ref().take(LONGEST).read_line(&mut text) {
            Ok(0) => None,
            Ok(_) if text.pop() == Some('\n') => Some(Ok(text)),
            Ok(_) => Some(Err(anyhow::anyhow!("it has no end"))),
            Err(error) => Some(Err(error.into())),
        }
    }))
}

/// Writes the rows of a file into their table.
async fn take_table(
    db: &DatabaseTransaction,
    table: &Table,
    entry: &TableEntry,
    file: &Path,
) -> anyhow::Result<()> {
    let most = (VALUES / table.columns.len().max(1)).clamp(1, ROWS);
    let (mut hash, mut number, mut bytes) = (Sha256::new(), 0_u64, 0);
    let mut batch: Vec<Vec<Value>> = Vec::new();
    for text in lines(file)? {
        number += 1;
        let text = text.with_context(|| format!("line {number}"))?;
        hash.update(text.as_bytes());
        hash.update(b"\n");
        batch.push(line::parse(table, &text).with_context(|| format!("line {number}"))?);
        bytes += text.len();
        if batch.len() >= most || bytes >= BYTES {
            insert(db, table, std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    insert(db, table, batch).await?;
    ensure!(number == entry.rows, "it has {number} rows, the manifest says {}", entry.rows);
    ensure!(
        hex::encode(hash.finalize()) == entry.sha256,
        "it was changed: its SHA-256 is not what the manifest says"
    );
    Ok(())
}

async fn insert(db: &DatabaseTransaction, table: &Table, rows: Vec<Vec<Value>>) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert.into_table(table.name.clone()).columns(table.columns.keys().cloned());
    for row in rows {
        insert.values(row.into_iter().map(Expr::val))?;
    }
    db.execute(&insert).await?;
    Ok(())
}

/// Reads back the rows of a table and compares each with its line.
async fn verify_table(db: &DatabaseTransaction, table: &Table, file: &Path) -> anyhow::Result<()> {
    let mut rows = db.stream_raw(table.select(StreamTrait::get_database_backend(db))).await?;
    let mut number = 0;
    for text in lines(file)? {
        number += 1;
        let row = rows.try_next().await?.with_context(|| format!("line {number} is not in the database"))?;
        ensure!(line::write(table, &row)? == text?, "line {number} is not what the database has of it");
    }
    ensure!(rows.try_next().await?.is_none(), "the database has rows that are not in it");
    Ok(())
}

/// The key from which this installation's numbers and the name of its folder of files follow.
async fn number_key(db: &DatabaseTransaction) -> anyhow::Result<Vec<u8>> {
    let row = entity::instance::Entity::find_by_id(1).one(db).await?;
    Ok(row.context("the export has no row of its installation")?.number_key)
}

/// Keeps the attached files under their names. What a restore that was broken off left there goes first.
async fn take_files(
    db: &DatabaseTransaction,
    manifest: &Manifest,
    files: &Files,
    folder: &Path,
) -> anyhow::Result<()> {
    let (mut count, mut after) = (0, None);
    let mut rows = stored_file::Entity::find().order_by_asc(stored_file::Column::Id).stream(db).await?;
    while let Some(row) = rows.try_next().await? {
        let path = folder.join(row.id.to_string());
        take_file(files, &row, &path).await.with_context(|| path.display().to_string())?;
        count += 1;
        after = Some(row.id);
    }
    ensure!(
        count == manifest.files,
        "the export has {count} attached files up to {after:?}, its manifest says {}",
        manifest.files
    );
    Ok(())
}

async fn take_file(files: &Files, row: &stored_file::Model, path: &Path) -> anyhow::Result<()> {
    let mut source = open(path)?;
    files.forget(row.id).await?;
    let mut incoming = files.receive(row.id).await?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = source.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        incoming.write(&chunk[..length]).await?;
    }
    let kept = files.keep(incoming).await?;
    if i64::try_from(kept.size)? != row.size || kept.sha256 != row.sha256 {
        files.forget(row.id).await?;
        return Err(FileFault::Altered(row.id).into());
    }
    Ok(())
}
