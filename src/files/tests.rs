//! What is kept is what is read, whatever comes in between.

use object_store::memory::InMemory;

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
        let left = std::fs::read_dir(files.0.folder.join(ARRIVING)).unwrap().count();
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
