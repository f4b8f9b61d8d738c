//! A file on its way out.

use axum::body::Bytes;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use object_store::GetResult;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{FileFault, Kept};

/// A file that is being read.
pub struct Opened {
    /// Bytes that will come.
    pub size: u64,
    /// The bytes.
    pub bytes: BoxStream<'static, Result<Bytes, FileFault>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Opened {
    pub(super) fn whole(file: &Kept, found: GetResult) -> Self {
        let (size, is_whole) = (file.size, found.meta.size == file.size);
        let bytes = if is_whole {
            checked(file.clone(), found)
        } else {
            futures_util::stream::once(std::future::ready(Err(FileFault::Altered(file.name)))).boxed()
        };
        Self { size, bytes }
    }

    pub(super) fn part(file: &Kept, found: GetResult, size: u64) -> Self {
        let name = file.name;
        Self { size, bytes: found.into_stream().map_err(move |error| fault(name, error)).boxed() }
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// When it is not what was kept, or cannot be read.
    pub async fn into_bytes(self) -> Result<Vec<u8>, FileFault> {
        let mut whole = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        let mut bytes = self.bytes;
        while let Some(chunk) = bytes.try_next().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }
}

/// The bytes, the last of them only once the digest of all is found to be that of what was kept.
fn checked(file: Kept, found: GetResult) -> BoxStream<'static, Result<Bytes, FileFault>> {
    let name = file.name;
    let source = found.into_stream().map_err(move |error| fault(name, error)).boxed();
    let state = Some((source, Sha256::new(), None::<Bytes>));
    try_unfold(state, move |state| {
        let file = file.clone();
        async move {
            let Some((mut source, mut hash, mut held)) = state else { return Ok(None) };
            while let Some(chunk) = source.try_next().await? {
                hash.update(&chunk);
                if let Some(before) = held.replace(chunk) {
                    return Ok(Some((before, Some((source, hash, held)))));
                }
            }
            if hash.finalize()[..] != file.sha256[..] {
                return Err(FileFault::Altered(file.name));
            }
            Ok(held.map(|last| (last, None)))
        }
    })
    .boxed()
}

/// What a store's error means for a file that a row names.
pub(super) fn fault(name: Uuid, error: object_store::Error) -> FileFault {
    match error {
        object_store::Error::NotFound { .. } => FileFault::Missing(name),
        other => FileFault::Store(other),
    }
}
