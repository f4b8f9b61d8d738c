//! Which attached pictures are the same: saved anew, resized, cropped a little, framed or marked.
//!
//! Each file of a report is looked at once, after it was committed and by a worker of its own, never in a request: whether its
//! bytes, and not its name or type, are a picture, and what hashes it has ([`rules`]). Reading it is bounded in bytes,
//! pixels, memory and time, and what comes of it is a [`PictureVerdict`] that stands beside the attachment, whatever
//! happens. The hashes and the pieces by which they are found are written in one change, and go when the bytes go.
//!
//! Who asks for candidates is shown the pictures of reports, and among files, that they may see, and no others.

pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::vocabulary::PictureVerdict;
use entity::{attachment, picture, picture_band, report};
use futures_util::TryStreamExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::attachment::store::open;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::outbox::ChangeSet;
use crate::schedule::{self, Due, Swept};
use rules::Looked;

/// Pause between two looks for files that came.
const PAUSE: Duration = Duration::from_secs(5);
/// Most bytes of a file that is read as a picture.
const BYTES: i64 = 32 << 20;
/// Time in which a picture is read.
const TIME: Duration = Duration::from_secs(10);

/// A picture of another report that is the same as one of the report that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Same {
    /// Name of the report's own picture.
    pub name: String,
    /// How much of both is alike, in per cent.
    pub alike: u32,
}

/// Reports, received before `report` and none of `left_out`, with a picture that is the same as one of its own, among what the actor
/// may see; the likest picture of each.
///
/// # Errors
/// Of the database.
pub async fn same(
    app: &App,
    actor: &Actor,
    report: &report::Model,
    left_out: &[Uuid],
) -> Result<HashMap<Uuid, Same>> {
    let own = store::of_report(app, actor, report.id).await?;
    let bands = own.iter().flat_map(|(_, hashes)| rules::bands(hashes));
    let mut found: HashMap<Uuid, Same> = HashMap::new();
    for (other, hashes) in store::sharing(app, actor, report, bands.collect()).await? {
        if left_out.contains(&other) {
            continue;
        }
        for (name, own) in &own {
            let Some(alike) = rules::alike(own, &hashes) else { continue };
            if found.get(&other).is_none_or(|known| known.alike < alike) {
                found.insert(other, Same { name: name.clone(), alike });
            }
        }
    }
    Ok(found)
}

/// Looking at files that nobody looked at yet.
#[derive(Debug)]
pub struct Unseen;

impl Due for Unseen {
    const NAME: &'static str = "files that may be pictures";

    async fn due(app: &App, _: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::unseen(app, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let Some(row) = store::if_unseen(app, piece).await? else { return Ok(()) };
        let looked = look(app, &row).await?;
        let mut changes = ChangeSet::new(app, actor, Action::LookAtPictures);
        let size = |pixels: u32| i32::try_from(pixels).ok();
        changes.write_row(&picture::Model {
            attachment_id: row.id,
            verdict: looked.verdict,
            width: looked.size.and_then(|(width, _)| size(width)),
            height: looked.size.and_then(|(_, height)| size(height)),
            hashes: looked.hashes.concat(),
            looked_at: changes.at(),
        });
        for band in rules::bands(&looked.hashes) {
            changes.write_row(&picture_band::Model { band, attachment_id: row.id });
        }
        app.commit(changes).await
    }
}

/// What the bytes of an attachment show.
async fn look(app: &App, row: &attachment::Model) -> Result<Looked> {
    let mut bytes = open(app, row).await?.bytes;
    let mut read = Vec::new();
    let mut format = None;
    while let Some(chunk) = bytes.try_next().await? {
        read.extend_from_slice(&chunk);
        if format.is_none() && (read.len() >= rules::HEAD || i64::try_from(read.len()).ok() == Some(row.size))
        {
            match rules::format(&read) {
                Ok(_) if row.size > BYTES => return Ok(Looked::not_compared(PictureVerdict::TooLarge)),
                Ok(found) => format = Some(found),
                Err(verdict) => return Ok(Looked::not_compared(verdict)),
            }
        }
    }
    let Some(format) = format else { return Ok(Looked::not_compared(PictureVerdict::NotAPicture)) };
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let reading = tokio::task::spawn_blocking(move || rules::look(&read, format, &told));
    match tokio::time::timeout(TIME, reading).await {
        Ok(looked) => Ok(looked.unwrap_or_else(|_| Looked::not_compared(PictureVerdict::Damaged))),
        Err(_) => {
            // It ends at its next read.
            stop.store(true, Ordering::Relaxed);
            Ok(Looked::not_compared(PictureVerdict::TooSlow))
        }
    }
}

/// Forgetting pictures whose bytes are gone.
#[derive(Debug)]
pub struct Gone;

impl Due for Gone {
    const NAME: &'static str = "pictures whose bytes are gone";

    async fn due(app: &App, _: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::gone(app, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let mut changes = ChangeSet::new(app, actor, Action::LookAtPictures);
        store::forget(piece).into_iter().for_each(|statement| changes.write_delete(statement));
        app.commit(changes).await
    }
}

/// Looks at files that came, and forgets those that went, again and again, until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        let mut swept = Swept::default();
        let looked = async {
            schedule::carry_out_all::<Unseen>(&app, &mut swept).await?;
            schedule::carry_out_all::<Gone>(&app, &mut swept).await
        };
        tokio::select! {
            () = stop.cancelled() => return,
            outcome = looked => if let Err(error) = outcome {
                tracing::error!(?error, "which files are to be looked at cannot be read");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
