//! Letting reports be found: when they arrive, when what hangs on them changes, and when they were there before the index.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use entity::{report, report_profile};
use uuid::Uuid;

use super::features::{FactKind, Features, Profile, Said, fact_term};
use super::{Material, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::outbox::ChangeSet;
use crate::schedule::Due;

/// Number of the profile of what came, and went, beside the versions.
pub(super) const BY_HAND: i32 = 0;

/// Indexes what a version of a report says, in the change that records it.
pub fn index(app: &App, changes: &mut ChangeSet, report: Uuid, number: i32, said: &Said<'_>) {
    let features = Features::of(said, &app.duplicates.weights());
    write(app, changes, report, number, &features);
}

/// Indexes a version, and answers in which segment.
fn write(app: &App, changes: &mut ChangeSet, report: Uuid, number: i32, features: &Features) -> i64 {
    let postings = features.postings(&app.duplicates.weights()).into_iter().map(|posting| posting.feature);
    let segment = app.duplicates.next_segment();
    changes.post(segment, report, postings);
    let features = features.profile().encode();
    changes.write_row(&report_profile::Model { report_id: report, number, segment, features });
    segment
}

/// Indexes a report anew of which versions, indicators or files are `changed`, in the change that says so: it is found by
/// what is new, and no longer by what is gone. What it is found by so far is read from the index, not from what was there
/// before, so whatever the index lacked is in it then.
///
/// # Errors
/// Of the database.
pub async fn index_anew(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    changed: impl FnOnce(&mut Material),
) -> Result<()> {
    let weights = app.duplicates.weights();
    let mut material = store::material(app, report).await?;
    changed(&mut material);
    material.keep_newest();
    let versions = material.features(report, &weights);
    let facts = versions.iter().flat_map(|version| &version.facts);
    let said: BTreeSet<(FactKind, u64)> = facts.map(|fact| (fact.kind, fact.value)).collect();
    let numbers: Vec<i32> = material.versions.iter().map(|version| version.number).collect();
    let mut rows = store::profile_rows(app, report).await?;
    rows.retain(|row| row.number == BY_HAND || numbers.contains(&row.number));
    let profiles: Vec<Profile> = rows.iter().map(|row| Profile::decode(&row.features)).collect();
    let mut known: BTreeSet<(FactKind, u64)> =
        profiles.iter().flat_map(|profile| &profile.facts).copied().collect();
    let gone = known.difference(&said).map(|(kind, value)| kind.posting(*value));
    if let Some(statement) = store::unpost(report.id, rows.iter().map(|row| row.segment), gone) {
        changes.write_delete(statement);
    }
    let mut segment = rows.last().map_or(0, |row| row.segment);
    for (number, features) in numbers.iter().zip(&versions).rev() {
        if rows.iter().all(|row| row.number != *number) {
            segment = write(app, changes, report.id, *number, features);
            known.extend(features.facts.iter().map(|fact| (fact.kind, fact.value)));
        }
    }
    let mut beside = None;
    for (row, mut profile) in rows.into_iter().zip(profiles) {
        profile.facts.retain(|fact| said.contains(fact));
        if row.number == BY_HAND {
            beside = Some((row, profile));
            continue;
        }
        let kept = report_profile::Model { features: profile.encode(), ..row.clone() };
        if kept != row {
            changes.write_update(store::rewrite(&kept));
        }
    }
    let new: Vec<(FactKind, u64)> = said.difference(&known).copied().collect();
    match beside {
        Some((row, mut profile)) => {
            segment = row.segment;
            profile.facts.extend(&new);
            changes
                .write_update(store::rewrite(&report_profile::Model { features: profile.encode(), ..row }));
        }
        None if new.is_empty() => return Ok(()),
        None => {
            let features = Profile { facts: new.clone(), ..Profile::default() }.encode();
            changes.write_row(&report_profile::Model {
                report_id: report.id,
                number: BY_HAND,
                segment,
                features,
            });
        }
    }
    let posted =
        new.iter().filter(|(kind, value)| kind.is_posted() && weights.is_posted(fact_term(*kind, *value)));
    changes.post(segment, report.id, posted.map(|(kind, value)| kind.posting(*value)));
    Ok(())
}

/// Reports that were recorded before there was an index. Each process looks for them until there are none: all others are
/// indexed in the change that records them.
#[derive(Debug)]
pub struct Unindexed;

impl Due for Unindexed {
    const NAME: &'static str = "reports that are not indexed";

    async fn due(app: &App, _at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        if app.duplicates.complete.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let found = store::unindexed(app, after, limit).await?;
        if found.is_empty() && after.is_nil() {
            app.duplicates.complete.store(true, Ordering::Relaxed);
        }
        Ok(found)
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let Some(report) = store::without_profile(app, piece).await? else { return Ok(()) };
        let mut changes = ChangeSet::new(app, actor, Action::IndexReports);
        index_anew(app, &mut changes, &report, |_| {}).await?;
        app.commit(changes).await
    }
}
