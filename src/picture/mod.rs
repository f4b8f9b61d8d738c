//! Which attached pictures are the same: saved anew, resized, cropped a little, framed or marked.
//!
//! Each file of a report is looked at once, after it was committed and by a worker of its own, never in a request: whether its
//! bytes, and not its name or type, are a picture ([`rules`]), and what is kept of it to know it again ([`view`]). Reading it is bounded in bytes,
//! pixels, memory and time, one is read at once, and what comes of it is a [`PictureVerdict`] that stands beside the attachment,
//! whatever happens: also when the process ends over it, since that it is read is written before. The hashes and the pieces by which they are found are written in one change, and go when the bytes go.
//!
//! Who asks for candidates is shown the pictures of reports, and among files, that they may see, and no others.

mod memory;
pub mod rules;
pub mod sketch;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::PictureVerdict;
use entity::{attachment, picture, picture_band, report};
use futures_util::TryStreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
use store::Begun;
use view::View;

/// Pause between two looks for files that came.
const PAUSE: Duration = Duration::from_secs(5);
/// Most bytes of a file that is read as a picture.
const BYTES: i64 = 32 << 20;
/// Time in which a picture is read.
const TIME: Duration = Duration::from_secs(10);
/// Most pairs of pictures that look alike from afar and are looked at closely for one answer, the likest ones.
const COMPARED: usize = 1_000;
/// How long a picture is taken to be read once somebody began: well over the time that it has, whatever else keeps the process.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// How a process reads pictures.
#[derive(Debug)]
pub struct Reading {
    /// What stands for the process.
    by: Uuid,
    /// Held by the reading itself, so that there is one at most, also after the verdict that it is too slow.
    place: Arc<Semaphore>,
}

impl Reading {
    /// Of the process for which `by` stands.
    pub fn new(by: Uuid) -> Self {
        Self { by, place: Arc::new(Semaphore::new(1)) }
    }
}

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
    let bands = own.iter().flat_map(|(_, views)| view::bands(views));
    let mut others = store::sharing(app, actor, report, bands.collect()).await?;
    others.retain(|(other, _)| !left_out.contains(other));
    let same = tokio::task::spawn_blocking(move || likest(&own, &others));
    Ok(same.await.map_err(anyhow::Error::new)?)
}

/// The likest picture of each report that has the same one.
fn likest(own: &[(String, Vec<View>)], others: &[(Uuid, Vec<View>)]) -> HashMap<Uuid, Same> {
    let pairs = others.iter().flat_map(|other| own.iter().map(move |own| (own, other)));
    let mut pairs: Vec<_> =
        pairs.filter_map(|(own, other)| Some((view::alike(&own.1, &other.1)?, own, other))).collect();
    pairs.sort_by_key(|(alike, ..)| Reverse(*alike));
    let (mut found, mut looked) = (HashMap::new(), 0);
    for (alike, (name, own), (other, views)) in pairs {
        if looked == COMPARED {
            break;
        }
        if !found.contains_key(other) {
            looked += 1;
            if view::is_same(own, views) {
                found.insert(*other, Same { name: name.clone(), alike });
            }
        }
    }
    found
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
        let Some(looked) = look(app, &row).await? else { return Ok(()) };
        let mut changes = ChangeSet::new(app, actor, Action::LookAtPictures);
        let size = |pixels: u32| i32::try_from(pixels).ok();
        changes.write_row(&picture::Model {
            attachment_id: row.id,
            verdict: looked.verdict,
            width: looked.size.and_then(|(width, _)| size(width)),
            height: looked.size.and_then(|(_, height)| size(height)),
            hashes: View::encode(&looked.views),
            looked_at: changes.at(),
        });
        for band in view::bands(&looked.views) {
            changes.write_row(&picture_band::Model { band, attachment_id: row.id });
        }
        changes.write_delete(store::looked(piece));
        let written = app.commit(changes).await;
        if written.is_err() {
            // Nothing happened to this process: it is looked at again.
            store::no_longer_looks(app, app.pictures.by).await?;
        }
        written
    }
}

/// What the bytes of an attachment show; nothing while another process looks at them.
async fn look(app: &App, row: &attachment::Model) -> Result<Option<Looked>> {
    let not_compared = |verdict| Ok(Some(Looked::not_compared(verdict)));
    let place = Arc::clone(&app.pictures.place).acquire_owned().await.map_err(anyhow::Error::new)?;
    let mut bytes = open(app, row).await?.bytes;
    let mut read = Vec::with_capacity(usize::try_from(row.size.min(BYTES)).unwrap_or_default());
    let mut format = None;
    while let Some(chunk) = bytes.try_next().await? {
        read.extend_from_slice(&chunk);
        if format.is_none() && (read.len() >= rules::HEAD || i64::try_from(read.len()).ok() == Some(row.size))
        {
            match rules::format(&read) {
                Ok(_) if row.size > BYTES => return not_compared(PictureVerdict::TooLarge),
                Ok(found) => format = Some(found),
                Err(verdict) => return not_compared(verdict),
            }
        }
    }
    let Some(format) = format else { return not_compared(PictureVerdict::NotAPicture) };
    match store::begin(app, row.id, app.pictures.by, app.clock.now(), LEASE).await? {
        Begun::Here => {}
        Begun::Elsewhere => return Ok(None),
        Begun::NeverEnded => return not_compared(PictureVerdict::TooLarge),
    }
    Ok(Some(in_time(TIME, place, move |stop| rules::look(&read, format, stop)).await))
}

/// What `look` comes to, if it does within `time`. It keeps its place until it has really ended, and is told to.
async fn in_time(
    time: Duration,
    place: OwnedSemaphorePermit,
    look: impl FnOnce(&AtomicBool) -> Looked + Send + 'static,
) -> Looked {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let looking = tokio::task::spawn_blocking(move || {
        let looked = look(&told);
        drop(place);
        looked
    });
    match tokio::time::timeout(time, looking).await {
        Ok(looked) => looked.unwrap_or_else(|_| Looked::not_compared(PictureVerdict::Damaged)),
        Err(_) => {
            stop.store(true, Ordering::Relaxed);
            Looked::not_compared(PictureVerdict::TooSlow)
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
    look_on(&app, &stop).await;
    // It was stopped, and nothing happened to it.
    if let Err(error) = store::no_longer_looks(&app, app.pictures.by).await {
        tracing::warn!(?error, "a picture that was being looked at may be taken to have ended this process");
    }
}

async fn look_on(app: &App, stop: &CancellationToken) {
    loop {
        let mut swept = Swept::default();
        let looked = async {
            schedule::carry_out_all::<Unseen>(app, &mut swept).await?;
            schedule::carry_out_all::<Gone>(app, &mut swept).await
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
