//! The bytes of attachments: kept once for each content, and gone when nothing names them.
//!
//! Bytes are kept first, under a name of their own; then one change writes who names them. If a file with the same bytes
//! is there already, the change names that one and demands that it still is: what was kept anew is then superfluous and
//! goes ([`forget_unused`]). A file that no row names any more goes with its row ([`Unnamed`], within a minute); one that
//! never got a row, since a process ended between the two, a day later ([`Orphans`]). Names are used once, so neither can
//! meet a file that somebody is about to name.

use chrono::{DateTime, TimeDelta, Utc};
use entity::stored_file;
use uuid::Uuid;

use super::{Described, File, store};
use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::files::Kept;
use crate::outbox::ChangeSet;
use crate::schedule::Due;

/// After which time what no row names is surely no upload's any more.
const LONGEST_UPLOAD: TimeDelta = TimeDelta::days(1);
/// Pause between two looks at all that is kept.
const LOOK: TimeDelta = TimeDelta::hours(1);

/// A file that a change is about to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// Nothing has its bytes yet.
    New(stored_file::Model),
    /// It is there already.
    Known(stored_file::Model),
    /// The same change names it twice.
    Again(stored_file::Model),
}

impl Placed {
    /// The file.
    pub fn file(&self) -> &stored_file::Model {
        match self {
            Self::New(file) | Self::Known(file) | Self::Again(file) => file,
        }
    }

    /// Writes it, or demands that it still is there, before what names it is written.
    pub fn write(&self, changes: &mut ChangeSet) {
        match self {
            Self::New(file) => changes.write_row(file),
            Self::Known(file) => changes.demand_row(file),
            Self::Again(_) => {}
        }
    }
}

/// Keeps the bytes of files that are at hand.
///
/// # Errors
/// When they cannot be kept, or there is no room for them.
pub async fn keep(app: &App, files: &[File]) -> Result<Vec<(Described, Kept)>> {
    let mut kept = Vec::with_capacity(files.len());
    // A mail that finds no room stays in its mailbox.
    app.files.expect_room(files.iter().map(|file| file.bytes.len() as u64).sum())?;
    for file in files {
        let described =
            Described { kind: file.kind, name: file.kept_name(), media_type: file.media_type.clone() };
        kept.push((described, app.files.keep_bytes(app.ids.next(), &file.bytes).await?));
    }
    Ok(kept)
}

/// Finds under which name the bytes of a file that was kept are named.
///
/// # Errors
/// Of the database.
pub async fn place(app: &App, kept: &Kept) -> Result<Placed> {
    if let Some(known) = store::stored(app, &kept.sha256).await? {
        return Ok(Placed::Known(known));
    }
    let size = i64::try_from(kept.size).map_err(anyhow::Error::from)?;
    let stored_at = app.clock.now();
    Ok(Placed::New(stored_file::Model { id: kept.name, sha256: kept.sha256.clone(), size, stored_at }))
}

/// The same for files that one change names.
///
/// # Errors
/// Of the database.
pub async fn place_all(app: &App, kept: &[(Described, Kept)]) -> Result<Vec<(Described, Placed)>> {
    let mut all: Vec<(Described, Placed)> = Vec::with_capacity(kept.len());
    for (described, kept) in kept {
        let before = all.iter().find(|(_, placed)| placed.file().sha256 == kept.sha256);
        let placed = match before {
            Some((_, placed)) => Placed::Again(placed.file().clone()),
            None => place(app, kept).await?,
        };
        all.push((described.clone(), placed));
    }
    Ok(all)
}

/// Deletes what was kept for a change and is named by no row after it. Not for a change of which nobody knows whether it
/// was committed: what is left over then goes as an orphan.
pub async fn forget_unused<T>(app: &App, kept: &[Uuid], outcome: &Result<T>) {
    if matches!(outcome, Err(Error::Internal(_))) {
        return;
    }
    for name in kept {
        if let Err(error) = forget_unless_named(app, *name).await {
            tracing::warn!(file = %name, ?error, "a superfluous file was not deleted yet");
        }
    }
}

/// Deletes a file at once if nothing names it any more; if that fails, it is done by the next sweep.
pub async fn drop_unnamed(app: &App, file: Uuid) {
    if let Err(error) = drop_row(app, file).await {
        tracing::warn!(%file, ?error, "a removed file was not deleted yet");
    }
}

async fn drop_row(app: &App, file: Uuid) -> Result<()> {
    if store::delete_unnamed(app, file).await? {
        app.files.forget(file).await?;
    }
    Ok(())
}

async fn forget_unless_named(app: &App, file: Uuid) -> Result<()> {
    if store::unknown(app, &[file]).await?.is_empty() {
        return Ok(());
    }
    Ok(app.files.forget(file).await?)
}

/// Deleting files that no attachment names any more.
pub struct Unnamed;

impl Due for Unnamed {
    const NAME: &'static str = "deleting files that were removed or erased";

    async fn due(app: &App, _: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::unnamed(app, after, limit).await
    }

    async fn carry_out(app: &App, _: &Actor, piece: Uuid) -> Result<()> {
        drop_row(app, piece).await
    }
}

/// Deleting files that never got a row.
pub struct Orphans;

impl Due for Orphans {
    const NAME: &'static str = "deleting files that an upload left behind";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        // All that is kept has to be listed for it, so not each time.
        if after.is_nil() && !app.uploads.is_time_to_look(at, LOOK) {
            return Ok(Vec::new());
        }
        let old = app.files.older_than(at - LONGEST_UPLOAD).await?;
        let old: Vec<Uuid> = old.into_iter().filter(|name| *name > after).collect();
        let mut orphans = store::unknown(app, &old).await?;
        orphans.sort_unstable();
        orphans.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(orphans)
    }

    async fn carry_out(app: &App, _: &Actor, piece: Uuid) -> Result<()> {
        forget_unless_named(app, piece).await
    }
}
