//! Files at rest: bytes under names of our own, in a folder or in an S3-compatible store.
//!
//! What comes in is written beside its place first ([`Incoming`]) and gets there whole: in a folder by a rename, after its
//! bytes are on the disk; in a store by one object's creation. Only then does a row name it. So a crash leaves a file that
//! no row names, and never a row whose file is not there; [`Files::older_than`] finds what was left.
//!
//! A name is used once, by the upload that made it. So what no row names and is older than any upload may go, whatever
//! comes in meanwhile. What is read is compared with its digest, and ends with a fault before its last bytes when it is
//! not what was kept.

mod incoming;
mod read;
pub mod settings;

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path as Folder, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

pub use incoming::Incoming;
pub use read::Opened;
pub use settings::FileSettings;

/// Where files stand, in the folder or the store.
const KEPT: &str = "kept";
/// Where they are written first, in the folder.
const ARRIVING: &str = "arriving";
/// Bytes that are sent to a store at once: a part of a large object.
const PART: usize = 8 << 20;

/// Why a file cannot be kept or read: our own fault, for the log.
#[derive(Debug, Error)]
pub enum FileFault {
    /// A row names it, and it is not there.
    #[error("the file {0} is missing: restore it from the backup")]
    Missing(Uuid),
    /// It is not what was kept.
    #[error("the file {0} is not what was kept: restore it from the backup")]
    Altered(Uuid),
    /// The store failed.
    #[error("the store of files: {0}")]
    Store(#[from] object_store::Error),
    /// The folder failed.
    #[error("the folder of files: {0}")]
    Folder(#[from] io::Error),
}

impl From<FileFault> for crate::error::Error {
    fn from(fault: FileFault) -> Self {
        Self::Internal(fault.into())
    }
}

/// A file that was kept, before a row names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: Uuid,
    /// Its bytes' number.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Vec<u8>,
}

/// Where files are kept.
#[derive(Clone, Debug)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Where they are read, listed and deleted.
    store: Arc<dyn ObjectStore>,
    /// The folder: what arrives is written there first.
    folder: PathBuf,
    /// The same folder as a store, to list what was left there.
    arriving: LocalFileSystem,
    /// Whether the folder is where they stay.
    in_folder: bool,
    /// Goes with what is kept for one run.
    _temporary: Option<TempDir>,
}

impl Files {
    /// Files in this folder, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn in_folder(folder: &Folder) -> Result<Self, FileFault> {
        let local = open_folder(folder)?;
        Ok(Self::over(Arc::new(LocalFileSystem::new_with_prefix(folder)?), local, folder, true, None))
    }

    /// Files in a store; what arrives stands in the folder until it is whole.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn in_store(store: Arc<dyn ObjectStore>, folder: &Folder) -> Result<Self, FileFault> {
        let local = open_folder(folder)?;
        Ok(Self::over(store, local, folder, false, None))
    }

    /// Files that go with the process.
    ///
    /// # Errors
    /// When no folder for them can be had.
    pub fn temporary() -> Result<Self, FileFault> {
        let folder = tempfile::Builder::new().prefix("vulndesk-files-").tempdir()?;
        let local = open_folder(folder.path())?;
        let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path())?);
        let path = folder.path().to_owned();
        Ok(Self::over(store, local, &path, true, Some(folder)))
    }

    fn over(
        store: Arc<dyn ObjectStore>,
        arriving: LocalFileSystem,
        folder: &Folder,
        in_folder: bool,
        temporary: Option<TempDir>,
    ) -> Self {
        let folder = folder.to_owned();
        Self(Arc::new(Inner { store, folder, arriving, in_folder, _temporary: temporary }))
    }

    /// The folder, for what is put together before it leaves.
    pub fn folder(&self) -> &Folder {
        &self.0.folder
    }

    /// Begins to take a file in, under a name that nothing had before.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn receive(&self, name: Uuid) -> Result<Incoming, FileFault> {
        let path = self.0.folder.join(ARRIVING).join(name.simple().to_string());
        Ok(Incoming::create(name, path).await?)
    }

    /// Keeps what was taken in: when this answers, it outlasts a crash of the machine.
    ///
    /// # Errors
    /// When it cannot be kept; then nothing of it stays in the folder.
    pub async fn keep(&self, incoming: Incoming) -> Result<Kept, FileFault> {
        let incoming = incoming.finish().await?;
        if self.0.in_folder {
            incoming.rename(self.path(incoming.name())).await?;
        } else {
            let mut source = incoming.read().await?;
            let mut target =
                BufWriter::with_capacity(Arc::clone(&self.0.store), location(incoming.name()), PART)
                    .with_max_concurrency(2);
            let copied = tokio::io::copy(&mut source, &mut target).await;
            if let Err(error) = copied {
                // What a store keeps of parts that become no object is its own to clear away.
                let _ = target.abort().await;
                return Err(error.into());
            }
            target.shutdown().await?;
        }
        Ok(incoming.kept())
    }

    /// Keeps bytes that are at hand.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub async fn keep_bytes(&self, name: Uuid, bytes: &[u8]) -> Result<Kept, FileFault> {
        let mut incoming = self.receive(name).await?;
        incoming.write(bytes).await?;
        self.keep(incoming).await
    }

    /// The whole of a file, of which each byte is what was kept.
    ///
    /// # Errors
    /// When it is not there, or the store cannot be asked.
    pub async fn open(&self, file: &Kept) -> Result<Opened, FileFault> {
        let found = self.0.store.get(&location(file.name)).await;
        let found = found.map_err(|error| read::fault(file.name, error))?;
        Ok(Opened::whole(file, found))
    }

    /// A part of a file, from one byte up to and without another. A part has no digest: it is as the store gives it.
    ///
    /// # Errors
    /// When it is not there, or the store cannot be asked.
    pub async fn open_part(&self, file: &Kept, part: std::ops::Range<u64>) -> Result<Opened, FileFault> {
        let range = Some(object_store::GetRange::Bounded(part.clone()));
        let options = object_store::GetOptions { range, ..Default::default() };
        let found = self.0.store.get_opts(&location(file.name), options).await;
        let found = found.map_err(|error| read::fault(file.name, error))?;
        Ok(Opened::part(file, found, part.end - part.start))
    }

    /// Deletes a file. One that is not there is deleted.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn forget(&self, name: Uuid) -> Result<(), FileFault> {
        let left = self.0.arriving.delete(&Path::from(format!("{ARRIVING}/{}", name.simple()))).await;
        for outcome in [left, self.0.store.delete(&location(name)).await] {
            match outcome {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Names of all that has stood there since before `then`, in their order: what was kept, and what was left half
    /// written.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn older_than(&self, then: DateTime<Utc>) -> Result<Vec<Uuid>, FileFault> {
        let (kept, arriving) = (Path::from(KEPT), Path::from(ARRIVING));
        let listed = self.0.store.list(Some(&kept)).chain(self.0.arriving.list(Some(&arriving)));
        let mut names: Vec<Uuid> = listed
            .try_filter(|found| std::future::ready(found.last_modified < then))
            .try_filter_map(|found| {
                let name = found.location.filename().and_then(|name| Uuid::try_parse(name).ok());
                std::future::ready(Ok(name))
            })
            .try_collect()
            .await?;
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn path(&self, name: Uuid) -> PathBuf {
        self.0.folder.join(location(name).as_ref())
    }
}

/// Where a file stands: spread by the end of its name, since names begin with the time.
fn location(name: Uuid) -> Path {
    let name = name.simple().to_string();
    Path::from(format!("{KEPT}/{}/{name}", &name[30..]))
}

/// Makes the folder, for its owner alone.
fn open_folder(folder: &Folder) -> Result<LocalFileSystem, FileFault> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder.join(KEPT))?;
    builder.create(folder.join(ARRIVING))?;
    Ok(LocalFileSystem::new_with_prefix(folder)?)
}

#[cfg(test)]
mod tests;
