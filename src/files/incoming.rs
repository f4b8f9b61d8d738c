//! A file on its way in.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{FileFault, Kept};

/// First bytes that are remembered, for who wants to know what it is.
const HEAD: usize = 8 << 10;
/// Bytes after which the room that is left is looked at again.
const LOOK: u64 = 4 << 20;

/// A file that is being taken in; dropped, nothing of it stays.
#[derive(Debug)]
pub struct Incoming {
    name: Uuid,
    path: OwnFile,
    file: File,
    hash: Sha256,
    size: u64,
    head: Vec<u8>,
    floor: u64,
    looked_at: u64,
}

/// Demands that so many bytes more leave `floor` bytes free where a folder stands; nothing without a floor.
pub(super) fn expect_room(folder: &Path, floor: u64, bytes: u64) -> Result<(), FileFault> {
    if floor == 0 {
        return Ok(());
    }
    let disk = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free.saturating_sub(bytes) >= floor { Ok(()) } else { Err(FileFault::Full { free, floor }) }
}

/// A path whose file goes with it.
#[derive(Debug)]
struct OwnFile(PathBuf);

impl Drop for OwnFile {
    fn drop(&mut self) {
        // Renamed, it is not there any more; what cannot go now goes with what was left behind.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Incoming {
    pub(super) async fn create(name: Uuid, path: PathBuf, floor: u64) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await?;
        let (hash, head) = (Sha256::new(), Vec::new());
        Ok(Self { name, path: OwnFile(path), file, hash, size: 0, head, floor, looked_at: 0 })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When they cannot be written, or there is no room for them.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FileFault> {
        if self.size - self.looked_at >= LOOK {
            expect_room(&self.path.0, self.floor, bytes.len() as u64)?;
            self.looked_at = self.size;
        }
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let missing = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        Ok(self.file.write_all(bytes).await?)
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first bytes, up to a few thousand.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) async fn finish(mut self) -> io::Result<Whole> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let kept = Kept { name: self.name, size: self.size, sha256: self.hash.finalize().to_vec() };
        Ok(Whole { path: self.path, kept })
    }
}

/// A file whose bytes are all on the disk.
pub(super) struct Whole {
    path: OwnFile,
    kept: Kept,
}

impl Whole {
    pub(super) fn name(&self) -> Uuid {
        self.kept.name
    }

    pub(super) fn kept(self) -> Kept {
        self.kept
    }

    pub(super) async fn read(&self) -> io::Result<File> {
        File::open(&self.path.0).await
    }

    /// Puts it into its place for good: the folders that name it are on the disk too.
    pub(super) async fn rename(&self, target: PathBuf) -> io::Result<()> {
        let source = self.path.0.clone();
        let moved = tokio::task::spawn_blocking(move || {
            let folder = target.parent().unwrap_or(Path::new(""));
            let above = folder.parent().unwrap_or(Path::new(""));
            std::fs::create_dir_all(folder)?;
            std::fs::rename(source, &target)?;
            std::fs::File::open(folder)?.sync_all()?;
            std::fs::File::open(above)?.sync_all()
        });
        moved.await.map_err(io::Error::other)?
    }
}
