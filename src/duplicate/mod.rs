//! Which reports may be the same as an earlier one, and what people decided of them.
//!
//! Each version of a report leaves, in the change that records it, its [`features`]: a *profile* that is compared, and
//! *postings* under which the report is found. A candidate is found by what is rare: the postings of a report are looked up,
//! the reports that share most of what is telling come back, and their profiles are compared ([`rank`]). Nothing is computed
//! before somebody asks, so what is answered follows the caller's rights of that moment: what they may not see is taken away
//! before anything is counted, cut or ordered, and [`weights`] say nothing of a single report.
//!
//! Of two reports the one that was received first is the earlier one, whenever they were recorded: history that is imported
//! was there before what came last week.
//!
//! Postings stand in *segments* of some thousand reports, so that a report is written into a small part of the index
//! however large the whole is, and each segment is looked at once for each feature.
//!
//! A person decides of a pair, once; what was decided is shown no more as a candidate, and stays listed. What was decided of
//! one report of an event counts for all of its reports, and so do a verdict DUPLICATE and a link that somebody made.

pub mod decide;
pub mod features;
pub mod graphql;
pub mod indexing;
pub mod lookups;
pub mod rank;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod weakness;
pub mod weighing;
pub mod weights;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use entity::report;
use entity::vocabulary::IndicatorKind;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::database::Database;
use crate::error::{Error, Result};
use crate::picture;
use features::{Asked, Features, Said};
pub use indexing::{Unindexed, index, index_anew};
pub use lookups::Lookups;
use rank::Likeness;
pub use weighing::{keep_up, weigh_if_due};
use weights::Weights;

/// Reports after which a new segment begins.
const SEGMENT: i64 = 8_192;
/// Fewest reports from which weights are made.
const SAMPLED_FROM: i64 = 512;
/// What is taken of the reports that share something with one.
const CUT: store::Cut = store::Cut { sharing_one: 600, compared: 200 };
/// Versions of a report that are looked at, the newest ones.
const VERSIONS: usize = 3;
/// Most candidates that are shown of one report.
pub const MOST: usize = 50;
/// Reports of an event for which candidates are looked for, the newest first.
const REPORTS_OF_EVENT: usize = 5;

/// The index's place for what comes next, and the weights in force.
pub struct Index {
    weights: RwLock<Arc<Weights>>,
    /// Reports indexed so far, as far as this process knows: whole segments before it, and its own.
    indexed: AtomicI64,
    /// How many of those there are before it is looked whether weights are to be made anew.
    weigh_at: AtomicI64,
    /// Whether all that was recorded before there was an index is in it.
    complete: AtomicBool,
}

impl Index {
    /// The index as it stands.
    ///
    /// # Errors
    /// Of the database.
    pub async fn load(database: &Database) -> Result<Self> {
        let weights = store::newest_weights(database).await?;
        let made_at = weights.as_ref().map_or(0, |row| row.indexed);
        let weights =
            weights.map(|row| Weights::decode(row.generation, row.indexed, &row.terms)).unwrap_or_default();
        let index = Self {
            weights: RwLock::new(Arc::new(weights)),
            indexed: AtomicI64::new(0),
            weigh_at: AtomicI64::new((made_at * 2).max(SAMPLED_FROM)),
            complete: AtomicBool::new(false),
        };
        index.follow(database).await?;
        Ok(index)
    }

    /// The weights in force.
    pub fn weights(&self) -> Arc<Weights> {
        Arc::clone(&self.weights.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_weights(&self, weights: Weights) {
        *self.weights.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(weights);
    }

    /// The segment of the next report.
    fn next_segment(&self) -> i64 {
        self.indexed.fetch_add(1, Ordering::Relaxed) / SEGMENT
    }

    /// Goes on where the index ends, whoever wrote it.
    async fn follow(&self, database: &Database) -> Result<()> {
        let last = (store::segments(database).await? - 1).max(0);
        let indexed = last * SEGMENT + store::count(database, last).await?.min(SEGMENT - 1);
        self.indexed.fetch_max(indexed, Ordering::Relaxed);
        Ok(())
    }
}

/// A report that may be the same as another one.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The earlier report.
    pub report: report::Model,
    /// What they have in common.
    pub likeness: Likeness,
}

/// Earlier reports that may be the same as `report`, which the caller has found, and of which nobody decided yet; the
/// likeliest first, at most `first`. Of a report and its parts the likeliest alone is shown.
///
/// # Errors
/// By policy; when the request asked for too many.
pub async fn candidates(
    app: &App,
    actor: &Actor,
    lookups: &Lookups,
    report: &report::Model,
    first: usize,
) -> Result<Vec<Candidate>> {
    require(actor, Action::ReadDuplicates)?;
    let scope = lookups.scope(app, actor).await?;
    let material = store::material(app, report).await?;
    let weights = app.duplicates.weights();
    let versions = material.features(report, &weights);
    let postings = versions.iter().flat_map(|features| features.postings(&weights));
    let looked_up = features::looked_up(postings.collect(), CUT.sharing_one.into());
    let own = Asked::of(versions);
    let settled = store::settled(app, report).await?;
    let left_out = scope.hidden.iter().chain(&settled).copied();
    let mut found = store::sharing(app, report, scope.segments, left_out, &looked_up, CUT).await?;
    let pictures = picture::same(app, actor, report, &settled).await?;
    found.extend(pictures.keys().filter(|id| !found.contains(id)).copied().collect::<Vec<_>>());
    let mut candidates = Vec::new();
    for (other, compared) in store::compared(app, actor, found).await? {
        let mut likeness = rank::likeness(&own, &compared, &weights);
        if let Some(same) = pictures.get(&other.id) {
            likeness.add_picture(rules::same_picture(same));
        }
        likeness.add_platforms(rules::several_platforms(report, &other));
        if likeness.is_shown() {
            candidates.push(Candidate { report: other, likeness });
        }
    }
    Ok(rules::best(candidates, first))
}

/// What `report` and an earlier one have in common, both of which the caller has found, however little, and whatever was
/// decided of them.
///
/// # Errors
/// Of the database.
pub async fn likeness_of(
    app: &App,
    actor: &Actor,
    report: &report::Model,
    other: &report::Model,
) -> Result<Likeness> {
    let weights = app.duplicates.weights();
    let own = Asked::of(store::material(app, report).await?.features(report, &weights));
    let compared = store::compared_of(app, other.id).await?;
    let mut likeness = rank::likeness(&own, &compared, &weights);
    if let Some(same) = picture::same(app, actor, report, &[]).await?.get(&other.id) {
        likeness.add_picture(rules::same_picture(same));
    }
    likeness.add_platforms(rules::several_platforms(report, other));
    Ok(likeness)
}

/// The same for the reports of an event that the caller has found.
///
/// # Errors
/// Those of [`candidates`].
pub async fn candidates_of_event(
    app: &App,
    actor: &Actor,
    lookups: &Lookups,
    event: Uuid,
    first: usize,
) -> Result<Vec<Candidate>> {
    require(actor, Action::ReadDuplicates)?;
    let mut all: Vec<Candidate> = Vec::new();
    for report in store::reports_of(app, actor, event, REPORTS_OF_EVENT).await? {
        all.extend(candidates(app, actor, lookups, &report, MOST).await?);
    }
    Ok(rules::best(all, first))
}

/// How many candidates are asked for.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn wanted(first: Option<i32>) -> Result<usize> {
    let first = usize::try_from(first.unwrap_or(10)).unwrap_or(0);
    if (1..=MOST).contains(&first) {
        Ok(first)
    } else {
        Err(Error::bad_input("first", format!("send 1 to {MOST}")))
    }
}

/// What of a report is looked at.
#[derive(Debug)]
pub struct Material {
    /// Its newest versions, the newest first.
    pub versions: Vec<entity::report_version::Model>,
    /// What identifies what it is about.
    pub indicators: Vec<(IndicatorKind, String)>,
    /// SHA-256 of each of its files.
    pub files: Vec<Vec<u8>>,
}

impl Material {
    /// Leaves the newest versions alone.
    fn keep_newest(&mut self) {
        self.versions.sort_by_key(|version| std::cmp::Reverse(version.number));
        self.versions.truncate(VERSIONS);
    }

    /// The features of each version.
    fn features(&self, report: &report::Model, weights: &Weights) -> Vec<Features> {
        let of = |version: &entity::report_version::Model| {
            let said = Said {
                title: &version.title,
                text: &version.text,
                indicators: &self.indicators,
                number: report.channel_number.as_deref(),
                files: &self.files,
            };
            Features::of(&said, weights)
        };
        self.versions.iter().map(of).collect()
    }
}
