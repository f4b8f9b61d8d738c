//! Which reports may be the same as an earlier one, and what people decided of them.
//!
//! Each version of a report leaves, in the change that records it, its [`features`]: a *profile* that is compared, and
//! *postings* under which the report is found. A candidate is found by what is rare: the postings of a report are looked up,
//! the reports that share most of what is telling come back, and their profiles are compared ([`rank`]). Nothing is computed
//! before somebody asks, so what is answered follows the caller's rights of that moment: what they may not see is taken away
//! before anything is counted, cut or ordered, and [`weights`] say nothing of a single report.
//!
//! Postings stand in *segments* of some thousand reports, so that a report is written into a small part of the index
//! however large the whole is, and each segment is looked at once for each feature.
//!
//! A person decides of a pair, once; what was decided is shown no more as a candidate, and stays listed.

pub mod decide;
pub mod features;
pub mod graphql;
pub mod rank;
pub mod rules;
pub mod store;
pub mod weakness;
pub mod weights;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use entity::vocabulary::IndicatorKind;
use entity::{indicator, report, report_profile, term_weights};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::database::Database;
use crate::error::{Error, Result};
use crate::outbox::ChangeSet;
use features::{Features, Profile, Said};
use rank::Likeness;
use weights::Weights;

/// Reports after which a new segment begins.
const SEGMENT: i64 = 8_192;
/// Fewest reports from which weights are made.
const SAMPLED_FROM: i64 = 512;
/// Reports of which the features are compared with those of one.
const COMPARED: usize = 300;
/// Most candidates that are shown of one report.
pub const MOST: usize = 50;
/// Number of the profile of what analysts added by hand.
const BY_HAND: i32 = 0;
/// Reports of an event for which candidates are looked for, the newest first.
const REPORTS_OF_EVENT: usize = 5;

/// The index's place for what comes next, and the weights in force.
pub struct Index {
    weights: RwLock<Arc<Weights>>,
    /// Reports indexed so far, as far as this process knows: whole segments before it, and its own.
    indexed: AtomicI64,
    /// Number of reports at which weights are made anew.
    weigh_at: AtomicI64,
}

impl Index {
    /// The index as it stands.
    ///
    /// # Errors
    /// Of the database.
    pub async fn load(database: &Database) -> Result<Self> {
        let (segments, newest) = store::head(database).await?;
        let last = (segments - 1).max(0);
        let indexed = last * SEGMENT + store::count(database, last).await?.min(SEGMENT - 1);
        let (weights, made_at) = match newest {
            Some(row) => (Weights::decode(row.generation, &row.terms), row.indexed),
            None => (Weights::default(), 0),
        };
        Ok(Self {
            weights: RwLock::new(Arc::new(weights)),
            indexed: AtomicI64::new(indexed),
            weigh_at: AtomicI64::new((made_at * 2).max(SAMPLED_FROM)),
        })
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
}

/// Indexes what a version of a report says, in the change that records it.
pub fn index(app: &App, changes: &mut ChangeSet, report: Uuid, number: i32, said: &Said<'_>) {
    let weights = app.duplicates.weights();
    let features = Features::of(said, &weights);
    let segment = app.duplicates.next_segment();
    let postings = features.postings(&weights).into_iter().map(|(feature, _)| feature);
    changes.post(segment, report, postings);
    changes.write_row(&report_profile::Model {
        report_id: report,
        number,
        segment,
        features: features.profile().encode(),
    });
}

/// Indexes a report anew of which an indicator was `added` or `dismissed`, in the change that says so: it is found by what
/// is new, and no longer by what is gone.
///
/// # Errors
/// Of the database.
pub async fn index_anew(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    added: Option<&indicator::Model>,
    dismissed: Option<&indicator::Model>,
) -> Result<()> {
    let weights = app.duplicates.weights();
    let facts = |material: &Material| {
        let mut all = Features::default();
        for version in &material.versions {
            all.merge(Features::of(&material.said(report, version), &weights));
        }
        all.facts
    };
    let mut material = store::material(app, report).await?;
    let before = facts(&material);
    material.indicators.extend(added.map(|row| (row.kind, row.value.clone())));
    material
        .indicators
        .retain(|(kind, value)| dismissed.is_none_or(|row| row.kind != *kind || row.value != *value));
    let after = facts(&material);
    let gone: Vec<_> = before.iter().filter(|fact| !after.contains(fact)).collect();
    let new: Vec<_> = after.iter().filter(|fact| !before.contains(fact)).collect();
    let mut by_hand =
        report_profile::Model { report_id: report.id, number: BY_HAND, segment: 0, features: Vec::new() };
    let mut known = false;
    let rows = store::profile_rows(app, report.id).await?;
    if !gone.is_empty() {
        let segments = rows.iter().map(|row| row.segment);
        changes.write_delete(store::unpost(report.id, segments, gone.iter().map(|fact| fact.posting())));
    }
    for row in rows {
        let mut profile = Profile::default();
        profile.add(&row.features);
        profile
            .facts
            .retain(|(kind, value)| !gone.iter().any(|fact| fact.kind == *kind && fact.value == *value));
        let kept = report_profile::Model { features: profile.encode(), ..row.clone() };
        by_hand.segment = row.segment;
        if row.number == BY_HAND {
            by_hand.features = kept.features;
            known = true;
        } else if kept != row {
            changes.write_update(store::rewrite(&kept));
        }
    }
    let mut profile = Profile::default();
    profile.add(&by_hand.features);
    profile.facts.extend(new.iter().map(|fact| (fact.kind, fact.value)));
    by_hand.features = profile.encode();
    if known {
        changes.write_update(store::rewrite(&by_hand));
    } else {
        changes.write_row(&by_hand);
    }
    changes.post(by_hand.segment, report.id, new.iter().map(|fact| fact.posting()));
    Ok(())
}

/// Makes a new generation of weights when there are twice the reports of the last one. A process that was overtaken takes
/// the other's.
///
/// # Errors
/// Of the database.
pub async fn weigh_if_due(app: &App) -> Result<()> {
    let index = &app.duplicates;
    let indexed = index.indexed.load(Ordering::Relaxed);
    if indexed < index.weigh_at.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (segments, newest) = store::head(&app.database).await?;
    let generation = newest.as_ref().map_or(0, |row| row.generation);
    if let Some(row) = newest.filter(|row| row.generation > index.weights().generation) {
        index.weigh_at.store((row.indexed * 2).max(indexed + 1), Ordering::Relaxed);
        index.set_weights(Weights::decode(row.generation, &row.terms));
        return Ok(());
    }
    index.weigh_at.store(indexed * 2, Ordering::Relaxed);
    let sample = store::sample(app, segments).await?;
    let mut having: HashMap<u32, u32> = HashMap::new();
    for features in &sample {
        let mut profile = Profile::default();
        profile.add(features);
        profile.counted().for_each(|term| *having.entry(term).or_default() += 1);
    }
    let reports = u32::try_from(sample.len()).unwrap_or(u32::MAX);
    let weights = Weights::of_sample(generation + 1, reports, having);
    let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::WeighTerms);
    changes.write_row(&term_weights::Model {
        generation: weights.generation,
        indexed,
        terms: weights.encode(),
        made_at: changes.at(),
    });
    match app.commit(changes).await {
        Ok(()) => index.set_weights(weights),
        // Another process made it; the next look takes that one.
        Err(Error::Race) => index.weigh_at.store(indexed + 1, Ordering::Relaxed),
        Err(error) => return Err(error),
    }
    Ok(())
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
/// likeliest first, at most `first`.
///
/// # Errors
/// By policy; BAD_USER_INPUT on a number out of bounds.
pub async fn candidates(
    app: &App,
    actor: &Actor,
    report: &report::Model,
    first: usize,
) -> Result<Vec<Candidate>> {
    require(actor, Action::ReadDuplicates)?;
    let material = store::material(app, report).await?;
    let weights = app.duplicates.weights();
    let mut postings: HashMap<i64, u32> = HashMap::new();
    let mut all = Features::default();
    for version in &material.versions {
        let features = Features::of(&material.said(report, version), &weights);
        for (feature, telling) in features.postings(&weights) {
            postings.insert(feature, telling);
        }
        all.merge(features);
    }
    let mut postings: Vec<(i64, u32)> = postings.into_iter().collect();
    postings.sort_unstable_by_key(|(feature, telling)| (std::cmp::Reverse(*telling), *feature));
    let found = store::sharing(app, actor, report, &postings, COMPARED).await?;
    let decided = store::decided(app, report.id).await?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for (other, profile) in store::profiles(app, actor, found).await? {
        if rules::is_of_the_same(report, &other) || decided.contains(&other.id) {
            continue;
        }
        if let Some(likeness) = rank::compare(&all, &profile, &weights) {
            candidates.push(Candidate { report: other, likeness });
        }
    }
    candidates.sort_by(rules::order);
    candidates.truncate(first);
    Ok(candidates)
}

/// The same for the reports of an event that the caller has found.
///
/// # Errors
/// Those of [`candidates`].
pub async fn candidates_of_event(
    app: &App,
    actor: &Actor,
    event: Uuid,
    first: usize,
) -> Result<Vec<Candidate>> {
    require(actor, Action::ReadDuplicates)?;
    let mut all: Vec<Candidate> = Vec::new();
    for report in store::reports_of(app, actor, event, REPORTS_OF_EVENT).await? {
        all.extend(candidates(app, actor, &report, MOST).await?);
    }
    all.sort_by(rules::order);
    let mut seen = std::collections::HashSet::new();
    all.retain(|candidate| seen.insert(candidate.report.id));
    all.truncate(first);
    Ok(all)
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
    /// Its versions, the newest first.
    pub versions: Vec<entity::report_version::Model>,
    /// What identifies what it is about.
    pub indicators: Vec<(IndicatorKind, String)>,
    /// SHA-256 of each of its files.
    pub files: Vec<Vec<u8>>,
}

impl Material {
    fn said<'a>(&'a self, report: &'a report::Model, version: &'a entity::report_version::Model) -> Said<'a> {
        Said {
            title: &version.title,
            text: &version.text,
            indicators: &self.indicators,
            number: report.channel_number.as_deref(),
            files: &self.files,
        }
    }
}
