//! Everything of an event for an auditor, as one zip file: what was received, what was sent, who approved it, and the
//! audit trail that says so. Taking it out is itself recorded.
//!
//! Each kind of content is one entry of [`contents::contents`]; a manifest names every file with its SHA-256, and each that should be
//! there and is missing, or is not what was kept, with the SHA-256 that it should have: an auditor needs the rest all the
//! more. Who reported is not in it: reports name their reporter by id, whose row can be erased.
//!
//! A package takes memory while it is put together and room on the disk until it is handed over. Both are bounded by
//! turns that go with the work, and not with the request: nobody gets a second one by leaving.

use std::io::{Seek, Write};
use std::time::Duration;

use entity::vocabulary::Facet;
use entity::{audit_entry, event, reply, reply_draft, reply_file, report, report_version};
use futures_util::{StreamExt, TryStreamExt};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use self::contents::contents;
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, visibility};
use crate::error::{Error, RefusalCode, Result};
use crate::files::{FileFault, Files, Kept, Opened};
use crate::graphql::sensitive::SensitiveReads;
use crate::outbox::{Bump, ChangeSet, retrying};

mod contents;

/// Most bytes of what is put together in memory.
const MOST: u64 = 256 << 20;
/// Most bytes of the files of reports and replies, which are read as they are packed.
const MOST_KEPT: u64 = 2 << 30;
/// Bytes of the package that are handed over at once.
const CHUNK: usize = 64 << 10;
/// One package is put together at a time.
static PACKING: Semaphore = Semaphore::const_new(1);
/// Packages that are on the disk at a time.
static ON_DISK: Semaphore = Semaphore::const_new(4);
/// Least bytes a second at which a package is taken.
const LEAST_RATE: u64 = 256 << 10;
/// Time to take the smallest.
const GRACE: Duration = Duration::from_secs(60);
/// Most files that an audit entry names as missing.
const NAMED: usize = 20;

/// A file of the package.
struct Piece {
    name: String,
    content: Content,
}

/// What a file of the package says.
enum Content {
    /// At hand.
    Made(Vec<u8>),
    /// Read as it is packed.
    Kept(Kept),
}

impl Piece {
    fn made(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), content: Content::Made(bytes) }
    }

    /// Bytes of what is at hand, and of what is read later.
    fn sizes(&self) -> (u64, u64) {
        match &self.content {
            Content::Made(bytes) => (bytes.len() as u64, 0),
            Content::Kept(file) => (0, file.size),
        }
    }

    fn in_manifest(&self) -> Value {
        let (size, sha256) = match &self.content {
            Content::Made(bytes) => (bytes.len() as u64, Sha256::digest(bytes).to_vec()),
            Content::Kept(file) => (file.size, file.sha256.clone()),
        };
        json!({ "name": self.name, "size": size, "sha256": hex::encode(sha256) })
    }
}

/// A package that was put together.
struct Packed {
    archive: std::fs::File,
    /// Its bytes.
    size: u64,
    /// Names of the files that it lacks.
    lacking: Vec<String>,
    /// Its room on the disk.
    room: SemaphorePermit<'static>,
}

fn piece(name: impl Into<String>, value: &Value) -> Result<Piece> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::Internal(error.into()))?;
    Ok(Piece::made(name, bytes))
}

/// The package of the event with this number. What is changed while it is put together may be in it or not, and keeps
/// nobody from getting it; its manifest has the revision from which on.
///
/// # Errors
/// By policy and visibility; a refusal when it is too large.
pub async fn export(app: &App, actor: &Actor, number: &str) -> Result<Opened> {
    require(actor, Action::ExportPackage)?;
    let event = find(app, actor, number).await?;
    let room = ON_DISK.acquire().await.map_err(|error| Error::Internal(error.into()))?;
    // Much of each is put together in memory: one after the other.
    let turn = PACKING.acquire().await.map_err(|error| Error::Internal(error.into()))?;
    expect_room(size(app, event.id).await?, MOST)?;
    let pieces = contents(app, &event).await?;
    let sizes: Vec<_> = pieces.iter().map(Piece::sizes).collect();
    expect_room(sizes.iter().map(|(made, _)| made).sum(), MOST)?;
    expect_room(sizes.iter().map(|(_, kept)| kept).sum(), MOST_KEPT)?;
    let about = json!({
        "event": event.number,
        "takenBy": actor.subject.as_ref(),
        "takenAt": app.clock.now(),
        "revision": event.revision,
    });
    let (files, handle) = (app.files.clone(), Handle::current());
    let packing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        pack(&files, &handle, about, pieces, room)
    });
    let packed = packing.await.map_err(|error| Error::Internal(error.into()))??;
    retrying(|| record(app, actor, number, &packed.lacking)).await?;
    Ok(hand_over(packed))
}

async fn find(app: &App, actor: &Actor, number: &str) -> Result<event::Model> {
    event::Entity::find()
        .filter(event::Column::Number.eq(number))
        .filter(visibility::visible(actor, Facet::Content, event::Column::Id))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// Records that a package was taken out, and what it lacks.
async fn record(app: &App, actor: &Actor, number: &str, lacking: &[String]) -> Result<()> {
    let event = find(app, actor, number).await?;
    let named: Vec<_> = lacking.iter().take(NAMED).map(String::as_str).collect();
    let lacks = format!("without {} files that are missing or altered: {}", lacking.len(), named.join(", "));
    let mut changes =
        ChangeSet::new(app, actor, Action::ExportPackage).because((!lacking.is_empty()).then_some(lacks));
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    let reads = SensitiveReads::new(app.clock.now());
    reads.note(&event);
    reads.record(app, actor).await
}

/// The package as it is read from where it was put together, which goes with it: when it was taken, given up, or not taken
/// in the time for its size.
fn hand_over(packed: Packed) -> Opened {
    let Packed { archive, size, room, .. } = packed;
    let (sender, mut receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let _room = room;
        let mut chunks = ReaderStream::with_capacity(tokio::fs::File::from_std(archive), CHUNK);
        let taking = async {
            while let Some(chunk) = chunks.next().await {
                if sender.send(chunk.map_err(FileFault::from)).await.is_err() {
                    break;
                }
            }
        };
        // Who takes nothing more is not heard of otherwise.
        if timeout(GRACE + Duration::from_secs(size / LEAST_RATE), taking).await.is_err() {
            tracing::warn!(size, "a package was not taken in time");
        }
    });
    let bytes = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
    Opened { size, bytes: bytes.boxed() }
}

/// # Errors
/// A refusal when so many bytes are too many.
fn expect_room(bytes: u64, most: u64) -> Result<()> {
    if bytes <= most {
        return Ok(());
    }
    let message = format!("its files have more than {most} bytes: download them one by one");
    Err(Error::refused(RefusalCode::Contradiction, message))
}

/// Bytes of what an event may have much of, as the database counts them: files of replies, their drafts, reports as
/// received and audit entries.
async fn size(app: &App, event: uuid::Uuid) -> Result<u64> {
    let db = app.database.reader();
    let replies = Query::select()
        .column(reply::Column::Id)
        .from(reply::Entity)
        .and_where(reply::Column::EventId.eq(event))
        .take();
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::EventId.eq(event))
        .take();
    let files = reply_file::Entity::find()
        .select_only()
        .expr(Expr::cust("SUM(OCTET_LENGTH(bytes))"))
        .filter(reply_file::Column::ReplyId.in_subquery(replies.clone()))
        .into_tuple()
        .one(db);
    let drafts = reply_draft::Entity::find()
        .select_only()
        .expr(Expr::cust("SUM(OCTET_LENGTH(body))"))
        .filter(reply_draft::Column::ReplyId.in_subquery(replies))
        .into_tuple()
        .one(db);
    let received = report_version::Entity::find()
        .select_only()
        .expr(Expr::cust("SUM(OCTET_LENGTH(text))"))
        .filter(report_version::Column::ReportId.in_subquery(reports))
        .into_tuple()
        .one(db);
    let entries = audit_entry::Entity::find()
        .select_only()
        .expr(Expr::cust("SUM(OCTET_LENGTH(details))"))
        .filter(audit_entry::Column::EventId.eq(event))
        .into_tuple()
        .one(db);
    let (files, drafts, received, entries) = tokio::try_join!(files, drafts, received, entries)?;
    let sums: [Option<Option<i64>>; 4] = [files, drafts, received, entries];
    Ok(sums.into_iter().flatten().flatten().filter_map(|sum| u64::try_from(sum).ok()).sum())
}

/// Packs all of it into a file without a name, on a thread that may wait, with a manifest of what there is and what lacks.
fn pack(
    files: &Files,
    handle: &Handle,
    about: Value,
    pieces: Vec<Piece>,
    room: SemaphorePermit<'static>,
) -> Result<Packed> {
    let file = tempfile::tempfile_in(files.folder()).map_err(anyhow::Error::from)?;
    let mut archive = ZipWriter::new(file);
    let (mut there, mut missing, mut lacking) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut listed = piece.in_manifest();
        match write(&mut archive, files, handle, &piece)? {
            None => there.push(listed),
            Some(fault) => {
                tracing::error!(error = %fault, file = piece.name, "a package lacks a file");
                let what = if matches!(fault, FileFault::Missing(_)) { "missing" } else { "altered" };
                listed["fault"] = what.into();
                missing.push(listed);
                lacking.push(piece.name);
            }
        }
    }
    let mut manifest = about;
    manifest["files"] = there.into();
    manifest["missing"] = missing.into();
    write(&mut archive, files, handle, &piece("manifest.json", &manifest)?)?;
    let mut archive = archive.finish().map_err(anyhow::Error::from)?;
    let size = archive.seek(std::io::SeekFrom::End(0)).map_err(anyhow::Error::from)?;
    archive.rewind().map_err(anyhow::Error::from)?;
    Ok(Packed { archive, size, lacking, room })
}

/// Writes a piece; answers what is wrong with the file that it is, of which nothing is then packed.
fn write(
    archive: &mut ZipWriter<std::fs::File>,
    files: &Files,
    handle: &Handle,
    piece: &Piece,
) -> Result<Option<FileFault>> {
    archive.start_file(piece.name.as_str(), SimpleFileOptions::default()).map_err(anyhow::Error::from)?;
    let file = match &piece.content {
        Content::Made(bytes) => {
            archive.write_all(bytes).map_err(anyhow::Error::from)?;
            return Ok(None);
        }
        Content::Kept(file) => file,
    };
    let mut copy = || -> Result<std::result::Result<(), FileFault>> {
        let mut opened = match handle.block_on(files.open(file)) {
            Ok(opened) => opened,
            Err(fault) => return Ok(Err(fault)),
        };
        loop {
            match handle.block_on(opened.bytes.try_next()) {
                Ok(Some(chunk)) => archive.write_all(&chunk).map_err(anyhow::Error::from)?,
                Ok(None) => return Ok(Ok(())),
                Err(fault) => return Ok(Err(fault)),
            }
        }
    };
    match copy()? {
        Ok(()) => Ok(None),
        Err(fault) if fault.is_of_the_file() => {
            archive.abort_file().map_err(anyhow::Error::from)?;
            Ok(Some(fault))
        }
        Err(fault) => Err(fault.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROOM: Semaphore = Semaphore::const_new(1);

    #[tokio::test(start_paused = true)]
    async fn a_package_that_is_not_taken_gives_its_room_back() {
        let size = 4 * CHUNK as u64;
        let archive = tempfile::tempfile().unwrap();
        archive.set_len(size).unwrap();
        let room = ROOM.try_acquire().unwrap();
        let mut opened = hand_over(Packed { archive, size, lacking: Vec::new(), room });
        assert_eq!(opened.bytes.next().await.unwrap().unwrap().len(), CHUNK);
        assert!(ROOM.try_acquire().is_err(), "it is still being taken");
        tokio::time::sleep(GRACE + Duration::from_secs(2)).await;
        let rest: Vec<_> = opened.bytes.collect().await;
        assert!(rest.len() < 3, "it breaks off short of its length");
        assert!(ROOM.try_acquire().is_ok());
    }

    #[tokio::test]
    async fn who_takes_a_package_gets_all_of_it() {
        let size = 4 * CHUNK as u64 + 1;
        let archive = tempfile::tempfile().unwrap();
        archive.set_len(size).unwrap();
        let room = Semaphore::const_new(1);
        let room = Box::leak(Box::new(room)).try_acquire().unwrap();
        let opened = hand_over(Packed { archive, size, lacking: Vec::new(), room });
        assert_eq!(opened.into_bytes().await.unwrap().len() as u64, size);
    }
}
