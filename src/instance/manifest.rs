//! What an export says of itself.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use migration::{Migrator, MigratorTrait};
use serde::{Deserialize, Serialize};

use super::catalogue::Kind;

/// Its file.
const NAME: &str = "manifest.json";
/// What it is.
const FORMAT: &str = "vulndesk instance";
/// The newest form that is written and read.
const VERSION: u32 = 1;
/// More bytes than any has.
const LARGEST: u64 = 16 << 20;

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    format: String,
    format_version: u32,
    /// The vulndesk that wrote it.
    pub written_by: String,
    /// When.
    pub written_at: DateTime<Utc>,
    /// The schema changes that its database had, in their order: the last is its schema's version.
    pub schema: Vec<String>,
    /// Names of the keys that its secrets are sealed with.
    pub keys: Vec<String>,
    /// Its tables, in the order in which they are restored.
    pub tables: Vec<TableEntry>,
    /// Attached files.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
}

/// What it says of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableEntry {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: BTreeMap<String, Kind>,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its file.
    pub sha256: String,
}

impl Manifest {
    /// One of what this vulndesk writes.
    pub(super) fn new(written_at: DateTime<Utc>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            written_at,
            schema: schema(),
            keys: Vec::new(),
            tables: Vec::new(),
            files: 0,
            file_bytes: 0,
        }
    }

    /// Reads the manifest of an export, and looks whether this vulndesk can restore it.
    ///
    /// # Errors
    /// When there is none, it is ill-formed, or another vulndesk is needed: it is said which.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(NAME);
        let about = || format!("{}", file.display());
        let length = std::fs::metadata(&file)
            .with_context(|| {
                format!("{}: an export that was not written to its end has none", file.display())
            })?
            .len();
        ensure!(length <= LARGEST, "{}: no manifest is so large", file.display());
        let text = std::fs::read_to_string(&file).with_context(about)?;
        // The version first: what a newer form says besides is not known here.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            format: String,
            format_version: u32,
        }
        let head: Head = serde_json::from_str(&text).with_context(about)?;
        ensure!(head.format == FORMAT, "{}: it is no export of an instance", file.display());
        ensure!(
            head.format_version <= VERSION,
            "{}: it is of form {}, this vulndesk reads up to {VERSION}: use a newer vulndesk",
            file.display(),
            head.format_version
        );
        let manifest: Self = serde_json::from_str(&text).with_context(about)?;
        let ours = schema();
        if let Some(unknown) = manifest.schema.iter().find(|change| !ours.contains(change)) {
            anyhow::bail!(
                "the export has the schema change {unknown}, which this vulndesk does not know: use a newer one"
            );
        }
        if let Some(missing) = ours.iter().find(|change| !manifest.schema.contains(change)) {
            anyhow::bail!(
                "the export lacks the schema change {missing}: restore it with vulndesk {}, which wrote it, then bring the \
                 database to this one with `vulndesk migrate`",
                manifest.written_by
            );
        }
        Ok(manifest)
    }

    /// Writes it, which makes an export of a folder.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let mut file = super::create(&folder.join(NAME))?;
        let text = serde_json::to_string_pretty(self)?;
        std::io::Write::write_all(&mut file, format!("{text}\n").as_bytes())?;
        file.sync_all()?;
        Ok(std::fs::File::open(folder)?.sync_all()?)
    }
}

/// The schema changes of this vulndesk.
fn schema() -> Vec<String> {
    Migrator::migrations().iter().map(|change| change.name().to_owned()).collect()
}
