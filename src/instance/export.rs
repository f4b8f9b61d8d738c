//! Writing an installation to files.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use entity::stored_file;
use futures_util::TryStreamExt;
use sea_orm::{DatabaseTransaction, EntityTrait, QueryOrder, StreamTrait};
use sha2::{Digest, Sha256};

use super::catalogue::{self, Table};
use super::manifest::{Manifest, TableEntry};
use super::{FILES, TABLES, line};
use crate::app::App;
use crate::files::Kept;
use crate::secret;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Tables.
    pub tables: usize,
    /// Rows of all of them.
    pub rows: u64,
    /// Attached files.
    pub files: u64,
}

/// Writes all of the installation to a folder, as it is at one instant, while it goes on working. The folder is made; there is nothing in
/// it before.
///
/// # Errors
/// When the folder has something in it or cannot be written, a file that is attached is not what was kept, or of the database. What was
/// written until then stays, without a manifest.
pub async fn export(app: &App, folder: &Path) -> anyhow::Result<Exported> {
    make(folder)?;
    let found = std::fs::read_dir(folder)?.next();
    ensure!(found.is_none(), "{} has something in it: name a folder that is not there", folder.display());
    make(&folder.join(TABLES))?;
    make(&folder.join(FILES))?;
    let snapshot = app.database.begin_read().await?;
    let mut manifest = Manifest::new(app.clock.now());
    let mut keys = BTreeSet::new();
    for table in catalogue::tables(&snapshot).await? {
        let file = folder.join(TABLES).join(format!("{}.jsonl", table.name));
        let entry = write_table(&snapshot, &table, &file, &mut keys).await;
        manifest.tables.push(entry.with_context(|| format!("{}", file.display()))?);
    }
    manifest.keys = keys.into_iter().collect();
    let mut kept =
        stored_file::Entity::find().order_by_asc(stored_file::Column::Id).stream(&snapshot).await?;
    while let Some(row) = kept.try_next().await? {
        let size = write_file(app, &row, &folder.join(FILES)).await?;
        manifest.files += 1;
        manifest.file_bytes += size;
    }
    drop(kept);
    snapshot.rollback().await?;
    for part in [TABLES, FILES] {
        File::open(folder.join(part))?.sync_all()?;
    }
    manifest.write(folder)?;
    let rows = manifest.tables.iter().map(|table| table.rows).sum();
    Ok(Exported { tables: manifest.tables.len(), rows, files: manifest.files })
}

/// Writes a table's rows, and notes the names of the keys that sealed something in it.
async fn write_table(
    db: &DatabaseTransaction,
    table: &Table,
    file: &Path,
    keys: &mut BTreeSet<String>,
) -> anyhow::Result<TableEntry> {
    let mut out = BufWriter::with_capacity(1 << 20, create(file)?);
    let (mut hash, mut count) = (Sha256::new(), 0);
    let sealed: Vec<&str> = secret::Column::all()
        .map(secret::Column::names)
        .filter(|(name, _)| *name == table.name)
        .map(|(_, column)| column)
        .collect();
    let mut rows = db.stream_raw(table.select(StreamTrait::get_database_backend(db))).await?;
    while let Some(row) = rows.try_next().await? {
        let mut text = line::write(table, &row)?;
        text.push('\n');
        hash.update(text.as_bytes());
        out.write_all(text.as_bytes())?;
        count += 1;
        for column in &sealed {
            let bytes: Option<Vec<u8>> = row.try_get("", column)?;
            keys.extend(bytes.as_deref().and_then(secret::key_of).map(hex::encode));
        }
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(TableEntry {
        name: table.name.clone(),
        columns: table.columns.clone(),
        rows: count,
        sha256: hex::encode(hash.finalize()),
    })
}

/// Copies an attached file, whose every byte is what was kept.
async fn write_file(app: &App, row: &stored_file::Model, folder: &Path) -> anyhow::Result<u64> {
    let size = u64::try_from(row.size)?;
    let kept = Kept { name: row.id, size, sha256: row.sha256.clone() };
    let opened = app.files.open(&kept).await;
    let mut bytes = match opened {
        Ok(opened) => opened.bytes,
        Err(fault) => bail!("{fault}; if it was removed meanwhile, export again"),
    };
    let mut out = BufWriter::new(create(&folder.join(row.id.to_string()))?);
    while let Some(chunk) = bytes.try_next().await? {
        out.write_all(&chunk)?;
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(size)
}

/// Makes a folder for its owner alone.
fn make(folder: &Path) -> anyhow::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| folder.display().to_string())
}

/// Makes a file for its owner alone, which was not there.
pub(crate) fn create(file: &Path) -> anyhow::Result<File> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    made.with_context(|| file.display().to_string())
}
