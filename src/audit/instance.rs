//! Checking the chain over the whole installation: sealed entries one after the other by position, up to the head that
//! the sequencer keeps.
//!
//! It finds what the chains of single things cannot: a thing that was taken out together with all its entries.
//! Who can write to the database can also compute a chain anew; the newest seal, kept elsewhere, shows that too.

use std::fmt;

use chrono::{DateTime, Utc};
use entity::{audit_entry, sequence_head};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::chain;
use crate::app::App;
use crate::error::Result;

/// Sealed entries read at once.
const PAGE: u64 = 5_000;
/// Most faults that are listed; all are counted.
const LISTED: usize = 100;

/// What is wrong with the instance chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This many entries before this position are gone.
    Missing(i64),
    /// The entry here is not the one that was sealed: it was changed, exchanged or moved.
    Seal,
    /// The newest seal is not the one that the sequencer keeps.
    Head,
}

/// A fault and the position of the entry at which it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub position: i64,
}

/// The outcome of the check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Position and seal of the newest sealed entry, as the sequencer keeps them: to be kept elsewhere.
    pub head: (i64, Vec<u8>),
    /// Entries committed and not sealed yet.
    pub waiting: u64,
    /// Age of the oldest of them.
    pub waiting_for: Option<chrono::TimeDelta>,
    /// Faults found.
    pub faults: u64,
    /// The first hundred of them.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::Missing(count) => {
                write!(f, "{count} sealed entries before position {} are gone", self.position)
            }
            Fault::Seal => write!(f, "position {}: not the entry that was sealed here", self.position),
            Fault::Head => write!(f, "position {}: not the newest seal that was given", self.position),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (position, seal) = &self.head;
        write!(f, "sealed up to position {position}, seal {}, {} faults", hex::encode(seal), self.faults)?;
        match self.waiting_for {
            Some(age) => write!(
                f,
                "\n{} entries not sealed yet, the oldest for {} s",
                self.waiting,
                age.num_seconds()
            )?,
            None => f.write_str("\nno entry waits for its seal")?,
        }
        for finding in &self.findings {
            write!(f, "\n{finding}")?;
        }
        Ok(())
    }
}

/// A sealed entry, as far as the chain goes.
struct Sealed {
    position: i64,
    digest: Vec<u8>,
    seal: Option<Vec<u8>>,
}

/// Follows the chain.
#[derive(Default)]
struct Walk {
    position: i64,
    seal: Vec<u8>,
    faults: u64,
    findings: Vec<Finding>,
}

impl Walk {
    fn step(&mut self, entry: Sealed) {
        let missing = entry.position - self.position - 1;
        let stored = entry.seal.unwrap_or_default();
        // Over a gap the seal before is not known, so this one proves nothing.
        if missing > 0 {
            self.add(Fault::Missing(missing), entry.position);
        } else if chain::seal(&self.seal, entry.position, &entry.digest) != stored {
            self.add(Fault::Seal, entry.position);
        }
        (self.position, self.seal) = (entry.position, stored);
    }

    fn end(&mut self, head: &sequence_head::Model) {
        let missing = head.entry_position - self.position;
        if missing > 0 {
            self.add(Fault::Missing(missing), head.entry_position + 1);
        } else if self.seal != head.entry_seal {
            self.add(Fault::Head, head.entry_position);
        }
    }

    fn add(&mut self, fault: Fault, position: i64) {
        self.faults += 1;
        if self.findings.len() < LISTED {
            self.findings.push(Finding { fault, position });
        }
    }
}

/// Checks the instance chain, while others may write and seal.
///
/// # Errors
/// Of the database.
pub async fn verify(app: &App) -> Result<Report> {
    let head = sequence_head::Entity::find_by_id(1).one(app.database.reader()).await?;
    let head = head.ok_or_else(|| anyhow::anyhow!("the sequencer's row is missing"))?;
    let mut walk = Walk::default();
    loop {
        let entries = page(app, walk.position, head.entry_position).await?;
        let Some(newest) = entries.last() else { break };
        let done = newest.position == head.entry_position;
        for entry in entries {
            walk.step(entry);
        }
        if done {
            break;
        }
    }
    walk.end(&head);
    for position in beyond(app).await? {
        walk.add(Fault::Head, position);
    }
    let (waiting, oldest) = waiting(app).await?;
    Ok(Report {
        head: (head.entry_position, head.entry_seal),
        waiting,
        waiting_for: oldest.map(|at| app.clock.now().signed_duration_since(at)),
        faults: walk.faults,
        findings: walk.findings,
    })
}

/// The sealed entries after `last` and up to `head`, in order.
async fn page(app: &App, last: i64, head: i64) -> Result<Vec<Sealed>> {
    use audit_entry::Column::{Digest, Position, Seal};
    let select = audit_entry::Entity::find().select_only().columns([Position, Digest, Seal]);
    let select =
        select.filter(Position.gt(last)).filter(Position.lte(head)).order_by_asc(Position).limit(PAGE);
    let rows: Vec<(i64, Vec<u8>, Option<Vec<u8>>)> = select.into_tuple().all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|(position, digest, seal)| Sealed { position, digest, seal }).collect())
}

/// Positions that the sequencer has not given. One statement, so that no pass comes between.
async fn beyond(app: &App) -> Result<Vec<i64>> {
    let position = || Expr::col((audit_entry::Entity, audit_entry::Column::Position));
    let query = Query::select()
        .expr_as(position(), "position")
        .from(audit_entry::Entity)
        .from(sequence_head::Entity)
        .cond_where(
            Condition::any()
                .add(position().lt(1))
                .add(position().gt(Expr::col((sequence_head::Entity, sequence_head::Column::EntryPosition)))),
        )
        .take();
    let rows = app.database.reader().query_all(&query).await?;
    Ok(rows.iter().map(|row| row.try_get("", "position")).collect::<std::result::Result<_, _>>()?)
}

/// How many entries are not sealed yet, and when the oldest was written.
pub(super) async fn waiting(app: &App) -> Result<(u64, Option<DateTime<Utc>>)> {
    let query = Query::select()
        .expr_as(Func::count(Expr::val(1)), "entries")
        .expr_as(Func::min(Expr::col(audit_entry::Column::At)), "oldest")
        .from(audit_entry::Entity)
        .and_where(Expr::col(audit_entry::Column::Position).is_null())
        .take();
    let Some(row) = app.database.reader().query_one(&query).await? else { return Ok((0, None)) };
    let entries: i64 = row.try_get("", "entries")?;
    Ok((entries.unsigned_abs(), row.try_get("", "oldest")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three sealed entries and the sequencer's row after them.
    fn sealed() -> (Vec<Sealed>, sequence_head::Model) {
        let mut seal = Vec::new();
        let entries = (1..=3).map(|position| {
            let digest = vec![u8::try_from(position).unwrap(); 32];
            seal = chain::seal(&seal, position, &digest);
            Sealed { position, digest, seal: Some(seal.clone()) }
        });
        let entries = entries.collect();
        (entries, sequence_head::Model { id: 1, message_position: 0, entry_position: 3, entry_seal: seal })
    }

    fn findings(entries: Vec<Sealed>, head: &sequence_head::Model) -> Vec<(Fault, i64)> {
        let mut walk = Walk::default();
        entries.into_iter().for_each(|entry| walk.step(entry));
        walk.end(head);
        walk.findings.iter().map(|finding| (finding.fault, finding.position)).collect()
    }

    #[test]
    fn an_untouched_chain_is_sound() {
        let (entries, head) = sealed();
        assert_eq!(findings(entries, &head), []);
    }

    #[test]
    fn a_missing_entry_is_found_wherever_it_stood() {
        for (index, found) in
            [(0, (Fault::Missing(1), 2)), (1, (Fault::Missing(1), 3)), (2, (Fault::Missing(1), 4))]
        {
            let (mut entries, head) = sealed();
            entries.remove(index);
            assert_eq!(findings(entries, &head), [found]);
        }
        let (_, head) = sealed();
        assert_eq!(findings(Vec::new(), &head), [(Fault::Missing(3), 4)]);
    }

    #[test]
    fn a_changed_digest_breaks_its_own_seal_only() {
        let (mut entries, head) = sealed();
        entries[1].digest = vec![9; 32];
        assert_eq!(findings(entries, &head), [(Fault::Seal, 2)]);
    }

    #[test]
    fn exchanged_entries_are_found_with_and_without_their_seals() {
        let (mut entries, head) = sealed();
        let digest = std::mem::take(&mut entries[0].digest);
        entries[0].digest = std::mem::replace(&mut entries[1].digest, digest);
        assert_eq!(findings(entries, &head), [(Fault::Seal, 1), (Fault::Seal, 2)]);
        let (mut entries, head) = sealed();
        entries.swap(0, 1);
        (entries[0].position, entries[1].position) = (1, 2);
        assert_eq!(findings(entries, &head), [(Fault::Seal, 1), (Fault::Seal, 2), (Fault::Seal, 3)]);
    }

    #[test]
    fn a_chain_computed_anew_does_not_end_at_the_head() {
        let (mut entries, head) = sealed();
        entries[1].digest = vec![9; 32];
        let mut seal = entries[0].seal.clone().unwrap();
        for entry in &mut entries[1..] {
            seal = chain::seal(&seal, entry.position, &entry.digest);
            entry.seal = Some(seal.clone());
        }
        assert_eq!(findings(entries, &head), [(Fault::Head, 3)]);
    }
}
