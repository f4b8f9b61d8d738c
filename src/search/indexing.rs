//! Letting things be found by their words: in the change that says them, and when they were there before the search.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use entity::vocabulary::{SearchKind, SearchSide};
use entity::{event, product, reply, report};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::fields::{self, Field, Said};
use super::store::{self, Unwritten};
use super::words::words;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::outbox::ChangeSet;
use crate::schedule::Due;

fn write(changes: &mut ChangeSet, kind: SearchKind, subject: Uuid, side: SearchSide, fields: &[Field<'_>]) {
    changes.find_by(kind, subject, side, words(kind.as_str(), fields));
}

/// Lets an event be found by what analysts wrote of it, if they did.
pub fn index_event(changes: &mut ChangeSet, event: &event::Model) {
    let fields = fields::of_event(event);
    if !fields.is_empty() {
        write(changes, SearchKind::Event, event.id, SearchSide::Common, &fields);
    }
}

/// Lets a reply be found by its present text.
pub fn index_reply(changes: &mut ChangeSet, reply: &reply::Model) {
    write(changes, SearchKind::Reply, reply.id, SearchSide::Common, &fields::of_reply(reply));
}

/// Lets a product be found.
pub fn index_product(changes: &mut ChangeSet, product: &product::Model) {
    write(changes, SearchKind::Product, product.id, SearchSide::Common, &fields::of_product(product));
}

/// Lets a report be found that is new.
pub fn index_report(changes: &mut ChangeSet, report: &report::Model, said: &Said) {
    let fields = fields::of_report(report, said, false);
    write(changes, SearchKind::Report, report.id, SearchSide::Common, &fields);
    if !said.added.is_empty() {
        let fields = fields::of_report(report, said, true);
        write(changes, SearchKind::Report, report.id, SearchSide::Inside, &fields);
    }
}

/// Lets a report be found anew of which versions or indicators are `changed`, in the change that says so.
///
/// # Errors
/// Of the database.
pub async fn index_report_anew(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    changed: impl FnOnce(&mut Said),
) -> Result<()> {
    let mut said = store::said(app, std::iter::once(report.id)).await?.remove(&report.id).unwrap_or_default();
    let known = said.clone();
    changed(&mut said);
    said.keep_newest();
    if said.added.is_empty() && !known.added.is_empty() {
        changes.write_delete(store::forget_inside(report.id));
    }
    index_report(changes, report, &said);
    Ok(())
}

/// How far the search has come, and how many read texts.
#[derive(Debug)]
pub struct Progress {
    /// Where texts are read: as many at once as leave a processor to all else, where there are two.
    pub(super) places: Arc<Semaphore>,
    /// Whether all that was there before the search is found by it.
    complete: AtomicBool,
}

impl Default for Progress {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let places = Arc::new(Semaphore::new((processors / 2).max(1)));
        Self { places, complete: AtomicBool::default() }
    }
}

/// What was there before the search. Each process looks for it until there is nothing: all that comes later is found from the
/// change on that says it.
#[derive(Debug)]
pub struct Unfound;

impl Due for Unfound {
    const NAME: &'static str = "things that are not found by their words";

    async fn due(app: &App, _at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        if app.search.complete.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let found = store::without_entry(app, after, limit).await?;
        if found.is_empty() && after.is_nil() {
            app.search.complete.store(true, Ordering::Relaxed);
        }
        Ok(found)
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let Some(thing) = store::unwritten(app, piece).await? else { return Ok(()) };
        let mut changes = ChangeSet::new(app, actor, Action::IndexForSearch);
        match thing {
            Unwritten::Event(event) => {
                index_event(&mut changes, &event);
                changes.demand(event.as_ref());
            }
            Unwritten::Report(found) => {
                let (event, report) = found.as_ref();
                index_report_anew(app, &mut changes, report, |_| {}).await?;
                changes.demand(event);
            }
            Unwritten::Reply(found) => {
                let (event, reply) = found.as_ref();
                index_reply(&mut changes, reply);
                changes.demand(event);
            }
            Unwritten::Product(product) => {
                index_product(&mut changes, &product);
                changes.demand(product.as_ref());
            }
        }
        app.commit(changes).await
    }
}
