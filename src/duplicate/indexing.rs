//! Letting reports be found: when they arrive, when what hangs on them changes, and when they were there before the index.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use entity::{report, report_profile};
use uuid::Uuid;

use super::features::{Fact, FactKind, Features, Profile, Said, fact_term};
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

fn write(app: &App, changes: &mut ChangeSet, report: Uuid, number: i32, features: &Features) {
    let postings = features.postings(&app.duplicates.weights()).into_iter().map(|(feature, _)| feature);
    let segment = app.duplicates.next_segment();
    changes.post(segment, report, postings);
    changes.write_row(&report_profile::Model {
        report_id: report,
        number,
        segment,
        features: features.profile().encode(),
    });
}

/// Indexes a report anew of which indicators or files are `changed`, in the change that says so: it is found by what is new,
/// and no longer by what is gone. What it is found by so far is read from the index, not from what was there before, so
/// whatever the index lacked is in it then.
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
    let versions = material.features(report, &weights);
    let rows = store::profile_rows(app, report).await?;
    let Some(segment) = rows.last().map(|row| row.segment) else {
        for (version, features) in material.versions.iter().zip(&versions) {
            write(app, changes, report.id, version.number, features);
        }
        return Ok(());
    };
    let facts: Vec<Fact> = versions.into_iter().flat_map(|version| version.facts).collect();
    let said: BTreeSet<(FactKind, u64)> = facts.iter().map(|fact| (fact.kind, fact.value)).collect();
    let profiles: Vec<Profile> = rows.iter().map(|row| Profile::decode(&row.features)).collect();
    let known: BTreeSet<(FactKind, u64)> =
        profiles.iter().flat_map(|profile| &profile.facts).copied().collect();
    let new: Vec<(FactKind, u64)> = said.difference(&known).copied().collect();
    let gone = known.difference(&said).map(|(kind, value)| kind.posting(*value));
    if let Some(statement) = store::unpost(report.id, rows.iter().map(|row| row.segment), gone) {
        changes.write_delete(statement);
    }
    let mut by_hand =
        report_profile::Model { report_id: report.id, number: BY_HAND, segment, features: Vec::new() };
    let mut beside = Profile::default();
    let has_row = rows.iter().any(|row| row.number == BY_HAND);
    for (row, mut profile) in rows.into_iter().zip(profiles) {
        profile.facts.retain(|fact| said.contains(fact));
        if row.number == BY_HAND {
            (by_hand.segment, beside) = (row.segment, profile);
            continue;
        }
        let kept = report_profile::Model { features: profile.encode(), ..row.clone() };
        if kept != row {
            changes.write_update(store::rewrite(&kept));
        }
    }
    beside.facts.extend(&new);
    by_hand.features = beside.encode();
    if has_row {
        changes.write_update(store::rewrite(&by_hand));
    } else {
        changes.write_row(&by_hand);
    }
    let posted =
        new.iter().filter(|(kind, value)| kind.is_posted() && weights.is_posted(fact_term(*kind, *value)));
    changes.post(by_hand.segment, report.id, posted.map(|(kind, value)| kind.posting(*value)));
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
