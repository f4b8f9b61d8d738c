//! The order in which batches are written: while the database takes one, the next is decided.

use std::collections::{HashMap, HashSet};

use entity::reporter;
use tokio::task::JoinHandle;

use super::batch::{Decided, known};
use super::plan::{Outcome, Plan, Seen};
use super::{Importer, Summary};
use crate::error::{Error, Result};
use crate::intake::import::ImportedReport;
use crate::intake::rules::identity_key;
use crate::outbox::retrying;

/// Digests that a dry run keeps: of a report and a content each, some hundred megabytes.
const MAX_REMEMBERED: usize = 4_000_000;

/// Batches in the order of the file.
pub(super) struct Batches<'a> {
    importer: &'a Importer<'a>,
    underway: Option<Underway>,
    /// What a dry run would have written.
    seen: Seen,
}

/// A batch that the database is taking.
struct Underway {
    batch: Vec<ImportedReport>,
    outcome: Outcome,
    made: HashMap<String, reporter::Model>,
    written: JoinHandle<Result<()>>,
}

impl Underway {
    /// Whether it has nothing in common with `batch` but reporters, so that this can be decided before it is written.
    fn is_apart(&self, batch: &[ImportedReport]) -> bool {
        let key = |record: &ImportedReport| identity_key(Some(&record.number), None, &[]);
        let keys: HashSet<String> = self.batch.iter().map(key).collect();
        batch.iter().all(|record| !keys.contains(&key(record)))
    }
}

impl<'a> Batches<'a> {
    pub(super) fn new(importer: &'a Importer<'a>) -> Self {
        Self { importer, underway: None, seen: Seen::default() }
    }

    /// Decides a batch and begins to write it, once the one before it stands.
    ///
    /// # Errors
    /// Those of both batches.
    pub(super) async fn take(&mut self, batch: Vec<ImportedReport>, summary: &mut Summary) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if self.importer.options.dry_run {
            return self.try_out(&batch, summary).await;
        }
        let none = HashMap::new();
        let early = match &self.underway {
            Some(before) if before.is_apart(&batch) => Some(self.importer.decide(&batch, &before.made).await),
            _ => None,
        };
        let stands = self.end(summary).await?;
        let Decided { write, outcome, made } = match early {
            Some(decided) if stands => decided?,
            _ => self.importer.decide(&batch, &none).await?,
        };
        let Some(write) = write else {
            count(summary, batch.len(), outcome);
            return Ok(());
        };
        let written = tokio::spawn(write);
        self.underway = Some(Underway { batch, outcome, made, written });
        Ok(())
    }

    /// Waits until everything is written, and answers whether it is as it was decided first: what loses a race is decided
    /// anew.
    ///
    /// # Errors
    /// Of the database.
    pub(super) async fn end(&mut self, summary: &mut Summary) -> Result<bool> {
        let Some(underway) = self.underway.take() else { return Ok(true) };
        let written = underway.written.await.map_err(anyhow::Error::from)?;
        let (outcome, stands) = match written {
            Ok(()) => (underway.outcome, true),
            Err(Error::Race) => (retrying(|| self.importer.write(&underway.batch)).await?, false),
            Err(error) => return Err(error),
        };
        crate::duplicate::weigh_if_due(self.importer.app).await?;
        count(summary, underway.batch.len(), outcome);
        Ok(stands)
    }

    /// Counts what a batch would become, beside what is there and what the batches before it would have written.
    async fn try_out(&mut self, batch: &[ImportedReport], summary: &mut Summary) -> Result<()> {
        let mut known = known(self.importer.app, self.importer.channel.id, batch).await?;
        known.extend(&self.seen);
        let plan = Plan::new(batch, &known, self.importer.options.as_notices);
        self.seen.extend(&plan.seen());
        if self.seen.len() > MAX_REMEMBERED {
            let message = "a dry run looks at two million new records at most: split the file";
            return Err(Error::bad_input("file", message));
        }
        count(summary, batch.len(), plan.outcome());
        Ok(())
    }
}

/// Adds what became of a batch of so many records.
fn count(summary: &mut Summary, records: usize, outcome: Outcome) {
    summary.received += outcome.received;
    summary.updated += outcome.updated;
    summary.opened += outcome.opened;
    summary.already_known += records as u64 - outcome.received - outcome.updated;
}
