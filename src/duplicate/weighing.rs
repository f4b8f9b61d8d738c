//! Making generations of weights, and following those that other processes made.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use entity::term_weights;

use super::weights::Weights;
use super::{SAMPLED_FROM, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::{Error, Result};
use crate::outbox::ChangeSet;

/// Follows what other processes wrote into the index, then does what [`weigh_if_due`] does.
///
/// # Errors
/// Of the database.
pub async fn keep_up(app: &App) -> Result<()> {
    app.duplicates.follow(&app.database).await?;
    weigh(app).await
}

/// Makes a new generation of weights when there are twice the reports of the last one. Between its looks at the database it
/// goes by what this process indexed.
///
/// # Errors
/// Of the database.
pub async fn weigh_if_due(app: &App) -> Result<()> {
    let index = &app.duplicates;
    if index.indexed.load(Ordering::Relaxed) < index.weigh_at.load(Ordering::Relaxed) {
        return Ok(());
    }
    weigh(app).await
}

/// Takes the newest generation, or makes it. When it is made follows from what is committed and everybody who is shown
/// candidates may see.
async fn weigh(app: &App) -> Result<()> {
    let index = &app.duplicates;
    let newest = store::newest_generation(&app.database).await?;
    let (generation, made_at) = newest.unwrap_or((0, 0));
    if generation > index.weights().generation
        && let Some(row) = store::newest_weights(&app.database).await?
    {
        index.set_weights(Weights::decode(row.generation, row.indexed, &row.terms));
    }
    let (reports, due_at) = (store::open_reports(app).await?, (made_at * 2).max(SAMPLED_FROM));
    let indexed = index.indexed.load(Ordering::Relaxed);
    if reports < due_at {
        index.weigh_at.store(indexed + due_at - reports, Ordering::Relaxed);
        return Ok(());
    }
    let sample = store::sample(app).await?;
    let mut having: HashMap<u32, u32> = HashMap::new();
    for compared in &sample {
        compared.counted().into_iter().for_each(|term| *having.entry(term).or_default() += 1);
    }
    let sampled = u32::try_from(sample.len()).unwrap_or(u32::MAX);
    let weights = Weights::of_sample(generation + 1, reports, sampled, having);
    let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::WeighTerms);
    changes.write_row(&term_weights::Model {
        generation: weights.generation,
        indexed: reports,
        terms: weights.encode(),
        made_at: changes.at(),
    });
    index.weigh_at.store(indexed + reports, Ordering::Relaxed);
    match app.commit(changes).await {
        Ok(()) => index.set_weights(weights),
        // Another process made it; the next look takes that one.
        Err(Error::Race) => index.weigh_at.store(indexed, Ordering::Relaxed),
        Err(error) => return Err(error),
    }
    Ok(())
}
