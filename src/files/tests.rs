//! What is kept is what is read, whatever comes in between.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetOptions, ListResult, PutMultipartOptions, PutOptions, PutPayload, PutResult, UploadPart,
};

use super::*;
use crate::testing::now;

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|number| u8::try_from(number % 251).unwrap()).collect()
}

async fn whole(files: &Files, kept: &Kept) -> Result<Vec<u8>, FileFault> {
    files.open(kept).await?.into_bytes().await
}

/// Files in a folder and in a store.
fn both(folder: &Folder) -> [Files; 2] {
    let store = Arc::new(InMemory::new());
    [Files::in_folder(folder).unwrap(), Files::in_store(store, &folder.join("for-store")).unwrap()]
}

#[tokio::test]
async fn what_is_kept_is_read_whole_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    for files in both(folder.path()) {
        // The last is more than a store takes at once.
        for (number, size) in [(1, 0), (2, 1), (3, 70_000), (4, 20 << 20)] {
            let content = bytes(size);
            let kept = files.keep_bytes(Uuid::from_u128(number), &content).await.unwrap();
            assert_eq!(kept.size, size as u64);
            assert!(whole(&files, &kept).await.unwrap() == content, "{size}");
            if size > 10 {
                let part = files.open_part(&kept, 3..9).await.unwrap().into_bytes().await.unwrap();
                assert_eq!(part, content[3..9]);
            }
        }
        let left = std::fs::read_dir(files.at.folder.join(ARRIVING)).unwrap().count();
        assert_eq!(left, 0, "nothing stays where it arrived");
    }
}

#[tokio::test]
async fn a_file_that_is_missing_or_altered_says_so_and_its_last_bytes_do_not_leave() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::in_folder(folder.path()).unwrap();
    let content = bytes(100_000);
    let kept = files.keep_bytes(Uuid::from_u128(1), &content).await.unwrap();
    let path = files.path(kept.name);
    let mut other = content.clone();
    other[50_000] ^= 1;
    std::fs::write(&path, &other).unwrap();
    let opened = files.open(&kept).await.unwrap();
    let chunks: Vec<_> = opened.bytes.collect().await;
    assert!(matches!(chunks.last(), Some(Err(FileFault::Altered(_)))));
    let left: usize = chunks.iter().flatten().map(|chunk| chunk.len()).sum();
    assert!(left < content.len());
    std::fs::write(&path, &content[..99_999]).unwrap();
    assert!(matches!(whole(&files, &kept).await, Err(FileFault::Altered(_))), "cut short");
    files.forget(kept.name).await.unwrap();
    files.forget(kept.name).await.unwrap();
    assert!(matches!(files.open(&kept).await, Err(FileFault::Missing(_))));
}

#[tokio::test]
async fn what_was_given_up_leaves_nothing_and_what_a_crash_left_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for files in both(folder.path()) {
        let mut given_up = files.receive(Uuid::from_u128(1)).await.unwrap();
        given_up.write(b"half").await.unwrap();
        drop(given_up);
        let mut cut = files.receive(Uuid::from_u128(2)).await.unwrap();
        cut.write(b"half").await.unwrap();
        // A process that is killed drops nothing.
        std::mem::forget(cut);
        let kept = files.keep_bytes(Uuid::from_u128(3), b"whole").await.unwrap();
        let century = chrono::TimeDelta::days(36_500);
        assert_eq!(files.older_than(now() - century).await.unwrap(), [] as [Uuid; 0]);
        let old = files.older_than(now() + century).await.unwrap();
        assert_eq!(old, [Uuid::from_u128(2), kept.name]);
        files.forget(Uuid::from_u128(2)).await.unwrap();
        assert_eq!(files.older_than(now() + century).await.unwrap(), [kept.name]);
    }
}

#[tokio::test]
async fn a_folder_that_takes_no_more_is_a_fault_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::in_folder(folder.path()).unwrap();
    std::fs::remove_dir(folder.path().join(ARRIVING)).unwrap();
    std::fs::write(folder.path().join(ARRIVING), b"in the way").unwrap();
    let fault = files.keep_bytes(Uuid::from_u128(1), b"x").await.unwrap_err();
    assert!(matches!(fault, FileFault::Folder(_)), "{fault}");
    let refused = Files::in_folder(&folder.path().join(ARRIVING)).unwrap_err();
    assert!(matches!(refused, FileFault::Folder(_)), "{refused}");
}

#[tokio::test]
async fn a_name_is_used_once() {
    let files = Files::temporary().unwrap();
    let _first = files.receive(Uuid::from_u128(1)).await.unwrap();
    assert!(files.receive(Uuid::from_u128(1)).await.is_err());
}

/// A store in which no object is made of parts, and that counts what is given up of them.
#[derive(Debug, Default)]
struct Failing {
    store: InMemory,
    given_up: Arc<AtomicUsize>,
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failing")
    }
}

#[derive(Debug)]
struct Parts(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, _: PutPayload) -> UploadPart {
        async { Ok(()) }.boxed()
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        Err(object_store::Error::NotImplemented {
            operation: "complete".to_owned(),
            implementer: "a test".to_owned(),
        })
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait::async_trait]
impl ObjectStore for Failing {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Parts(Arc::clone(&self.given_up))))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.store.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn what_a_store_does_not_make_whole_leaves_no_parts_there() {
    let folder = tempfile::tempdir().unwrap();
    let failing = Failing::default();
    let given_up = Arc::clone(&failing.given_up);
    let files = Files::in_store(Arc::new(failing), folder.path()).unwrap();
    let small = files.keep_bytes(Uuid::from_u128(1), &bytes(100)).await.unwrap();
    assert_eq!(whole(&files, &small).await.unwrap().len(), 100, "one request, and no parts");
    for (count, size) in [PART, 20 << 20].into_iter().enumerate() {
        let name = Uuid::from_u128(count as u128 + 2);
        let fault = files.keep_bytes(name, &bytes(size)).await.unwrap_err();
        assert!(matches!(fault, FileFault::Store(_)), "{fault}");
        assert_eq!(given_up.load(Ordering::SeqCst), count + 1);
    }
    assert_eq!(std::fs::read_dir(folder.path().join(ARRIVING)).unwrap().count(), 0);
}

#[tokio::test]
async fn a_part_leaves_only_of_a_file_that_was_found_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::in_folder(folder.path()).unwrap();
    let content = bytes(100_000);
    let kept = files.keep_bytes(Uuid::from_u128(1), &content).await.unwrap();
    let part = async || files.open_part(&kept, 10..20).await?.into_bytes().await;
    assert_eq!(part().await.unwrap(), content[10..20]);
    let mut other = content.clone();
    other[50_000] ^= 1;
    // Put in its place under the same name, as who alters a file would.
    let place = files.path(kept.name);
    std::fs::write(folder.path().join("other"), &other).unwrap();
    std::fs::rename(folder.path().join("other"), &place).unwrap();
    assert!(matches!(part().await, Err(FileFault::Altered(_))), "though the part itself is the same");
    std::fs::remove_file(&place).unwrap();
    assert!(matches!(part().await, Err(FileFault::Missing(_))));
}

#[tokio::test]
async fn the_floor_of_free_bytes_stays() {
    let files = Files::temporary().unwrap();
    assert!(files.expect_room(u64::MAX).is_ok(), "unless one is set, there is none");
    let full = files.clone().keeping_free(u64::MAX);
    assert!(matches!(full.receive(Uuid::from_u128(1)).await, Err(FileFault::Full { .. })));
    assert!(full.keep_bytes(Uuid::from_u128(2), b"about to be sent").await.is_ok(), "what the product sends");
    let mut coming = full.begin(Uuid::from_u128(3), u64::MAX).await.unwrap();
    coming.write(&bytes(4 << 20)).await.unwrap();
    assert!(matches!(coming.write(b"more").await, Err(FileFault::Full { .. })), "while it comes in");
}
