//! Files at rest: bytes under names of our own, in a folder or in an S3-compatible store.
//!
//! What comes in is written beside its place first ([`Incoming`]) and gets there whole: in a folder by a rename, after its
//! bytes are on the disk; in a store by one object's creation. Only then does a row name it. So a crash leaves a file that
//! no row names, and never a row whose file is not there; [`Files::older_than`] finds what was left.
//!
//! A name is used once, by the upload that made it. So what no row names and is older than any upload may go, whatever
//! comes in meanwhile. What is read is compared with its digest, and ends with a fault before its last bytes when it is
//! not what was kept; a part has no digest, so the file that it is of is read whole once before.
//!
//! The database often stands on the same disk, and stops when that is full. So what strangers send is taken in only while
//! a floor of free bytes stays ([`Files::keeping_free`]); what the product itself is about to send may go below it.

mod incoming;
mod read;
pub mod settings;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path as Folder, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt};
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

pub use incoming::Incoming;
use incoming::Whole;
pub use read::Opened;
pub use settings::FileSettings;

/// Where files stand, in the folder or the store.
const KEPT: &str = "kept";
/// Where they are written first, in the folder.
const ARRIVING: &str = "arriving";
/// Bytes that are sent to a store at once: a part of a large object.
const PART: usize = 8 << 20;
/// Most files of which it is remembered that they were read whole.
const REMEMBERED: usize = 10_000;

/// Why a file cannot be kept or read: our own fault, for the log.
#[derive(Debug, Error)]
pub enum FileFault {
    /// A row names it, and it is not there.
    #[error("the file {0} is missing: restore it from the backup")]
    Missing(Uuid),
    /// It is not what was kept.
    #[error("the file {0} is not what was kept: restore it from the backup")]
    Altered(Uuid),
    /// There is no room for it.
    #[error("{free} bytes are free where files stand: {floor} have to stay so (files.free_bytes)")]
    Full {
        /// Bytes that are free.
        free: u64,
        /// Bytes that have to stay free.
        floor: u64,
    },
    /// The store failed.
    #[error("the store of files: {0}")]
    Store(#[from] object_store::Error),
    /// The folder failed.
    #[error("the folder of files: {0}")]
    Folder(#[from] io::Error),
}

impl FileFault {
    /// Whether it is this one file that is wrong; else nothing can be had of any.
    pub fn is_of_the_file(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::Altered(_))
    }
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
pub struct Files {
    at: Arc<Inner>,
    /// Bytes that stay free in the folder.
    floor: u64,
}

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
    /// Files that this process read whole and found to be what was kept, as the store described them then.
    verified: Mutex<BTreeMap<Uuid, Stamp>>,
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
        let (folder, verified) = (folder.to_owned(), Mutex::default());
        let at = Inner { store, folder, arriving, in_folder, verified, _temporary: temporary };
        Self { at: Arc::new(at), floor: 0 }
    }

    /// The same files, of which no more are taken in when fewer bytes than this are free in the folder.
    #[must_use]
    pub fn keeping_free(mut self, floor: u64) -> Self {
        self.floor = floor;
        self
    }

    /// Demands room for so many bytes more.
    ///
    /// # Errors
    /// When there is none, or nobody knows.
    pub fn expect_room(&self, bytes: u64) -> Result<(), FileFault> {
        incoming::expect_room(self.folder(), self.floor, bytes)
    }

    /// The folder, for what is put together before it leaves.
    pub fn folder(&self) -> &Folder {
        &self.at.folder
    }

    /// Begins to take a file in, under a name that nothing had before.
    ///
    /// # Errors
    /// When the folder cannot be written, or has no room.
    pub async fn receive(&self, name: Uuid) -> Result<Incoming, FileFault> {
        self.expect_room(0)?;
        self.begin(name, self.floor).await
    }

    async fn begin(&self, name: Uuid, floor: u64) -> Result<Incoming, FileFault> {
        let path = self.at.folder.join(ARRIVING).join(name.simple().to_string());
        Ok(Incoming::create(name, path, floor).await?)
    }

    /// Keeps what was taken in: when this answers, it outlasts a crash of the machine. Whoever stops listening to that, it
    /// is carried to its end.
    ///
    /// # Errors
    /// When it cannot be kept; then nothing of it stays.
    pub async fn keep(&self, incoming: Incoming) -> Result<Kept, FileFault> {
        let incoming = incoming.finish().await?;
        if self.at.in_folder {
            incoming.rename(self.path(incoming.name())).await?;
        } else {
            let store = Arc::clone(&self.at.store);
            let sent = tokio::spawn(async move {
                send(&*store, &incoming).await?;
                Ok::<_, FileFault>(incoming.kept())
            });
            return sent.await.map_err(io::Error::other)?;
        }
        Ok(incoming.kept())
    }

    /// Keeps bytes that are at hand.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub async fn keep_bytes(&self, name: Uuid, bytes: &[u8]) -> Result<Kept, FileFault> {
        let mut incoming = self.begin(name, 0).await?;
        incoming.write(bytes).await?;
        self.keep(incoming).await
    }

    /// The whole of a file, of which each byte is what was kept.
    ///
    /// # Errors
    /// When it is not there, or the store cannot be asked.
    pub async fn open(&self, file: &Kept) -> Result<Opened, FileFault> {
        Ok(Opened::whole(file, self.find(file, None).await?))
    }

    /// A part of a file, from one byte up to and without another. A part has no digest: so the whole is read first, unless
    /// this process did that before and the store has had nothing else since.
    ///
    /// # Errors
    /// When it is not there or not what was kept, or the store cannot be asked.
    pub async fn open_part(&self, file: &Kept, part: std::ops::Range<u64>) -> Result<Opened, FileFault> {
        let (range, size) = (Some(object_store::GetRange::Bounded(part.clone())), part.end - part.start);
        let found = self.find(file, range.clone()).await?;
        if self.is_verified(file, &found.meta) {
            return Ok(Opened::part(file, found, size));
        }
        drop(found);
        self.verify(file).await?;
        let found = self.find(file, range).await?;
        if !self.is_verified(file, &found.meta) {
            return Err(FileFault::Altered(file.name));
        }
        Ok(Opened::part(file, found, size))
    }

    /// Reads a file whole, to know that it is what was kept.
    ///
    /// # Errors
    /// When it is not there or not that, or the store cannot be asked.
    pub async fn verify(&self, file: &Kept) -> Result<(), FileFault> {
        let found = self.find(file, None).await?;
        let stamp = Stamp::of(&found.meta);
        let mut bytes = Opened::whole(file, found).bytes;
        while bytes.try_next().await?.is_some() {}
        let mut verified = self.at.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(file.name, stamp);
        Ok(())
    }

    fn is_verified(&self, file: &Kept, meta: &ObjectMeta) -> bool {
        let verified = self.at.verified.lock().unwrap_or_else(PoisonError::into_inner);
        meta.size == file.size && verified.get(&file.name) == Some(&Stamp::of(meta))
    }

    async fn find(&self, file: &Kept, range: Option<object_store::GetRange>) -> Result<GetResult, FileFault> {
        let options = object_store::GetOptions { range, ..Default::default() };
        let found = self.at.store.get_opts(&location(file.name), options).await;
        found.map_err(|error| read::fault(file.name, error))
    }

    /// Deletes a file. One that is not there is deleted.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn forget(&self, name: Uuid) -> Result<(), FileFault> {
        let left = self.at.arriving.delete(&Path::from(format!("{ARRIVING}/{}", name.simple()))).await;
        for outcome in [left, self.at.store.delete(&location(name)).await] {
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
        let listed = self.at.store.list(Some(&kept)).chain(self.at.arriving.list(Some(&arriving)));
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
        self.at.folder.join(location(name).as_ref())
    }
}

/// What a store says of a file, which is another after each change of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    at: DateTime<Utc>,
    tag: Option<String>,
}

impl Stamp {
    fn of(meta: &ObjectMeta) -> Self {
        Self { size: meta.size, at: meta.last_modified, tag: meta.e_tag.clone() }
    }
}

/// Makes an object of a file. What is cut off or fails leaves no parts behind: no list would show them.
async fn send(store: &dyn ObjectStore, incoming: &Whole) -> Result<(), FileFault> {
    let (target, mut source) = (location(incoming.name()), incoming.read().await?);
    let first = read_part(&mut source).await?;
    if first.len() < PART {
        store.put(&target, first.into()).await?;
        return Ok(());
    }
    let mut upload = store.put_multipart(&target).await?;
    let sent = send_parts(&mut *upload, first, &mut source).await;
    if sent.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(file = %incoming.name(), %error, "parts of a file stay in the store until it clears them away");
    }
    sent
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    first: Vec<u8>,
    source: &mut tokio::fs::File,
) -> Result<(), FileFault> {
    let mut part = first;
    while !part.is_empty() {
        upload.put_part(part.into()).await?;
        part = read_part(source).await?;
    }
    upload.complete().await?;
    Ok(())
}

async fn read_part(source: &mut tokio::fs::File) -> io::Result<Vec<u8>> {
    let mut part = Vec::with_capacity(PART);
    source.take(PART as u64).read_to_end(&mut part).await?;
    Ok(part)
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
