//! What each record of a batch means, decided from what is known.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::intake::arrival::Content;
use crate::intake::import::ImportedReport;
use crate::intake::rules;

/// The start of a SHA-256, so that a dry run keeps the same few bytes for each record, whatever its number is like.
type Short = [u8; 16];

fn short(key: &str, hash: &[u8]) -> Short {
    let mut digest = Sha256::new();
    digest.update((key.len() as u64).to_be_bytes());
    digest.update(key);
    digest.update(hash);
    let mut short = Short::default();
    short.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
    short
}

/// What is known: reports by their identity key, and their contents.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Whether each is history.
    reports: HashMap<Short, bool>,
    contents: HashSet<Short>,
}

impl Seen {
    pub(super) fn add_report(&mut self, key: &str, history: bool) {
        self.reports.insert(short(key, &[]), history);
    }

    pub(super) fn add_content(&mut self, key: &str, hash: &[u8]) {
        self.contents.insert(short(key, hash));
    }

    /// Adds what came to be known later.
    pub(super) fn extend(&mut self, later: &Self) {
        self.reports.extend(&later.reports);
        self.contents.extend(&later.contents);
    }

    /// How much it holds.
    pub(super) fn len(&self) -> usize {
        self.reports.len() + self.contents.len()
    }
}

/// What one identity key of a batch gets.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// The first record with the key.
    pub(super) record: &'a ImportedReport,
    pub(super) key: String,
    /// Whether a report with the key exists.
    pub(super) known: bool,
    /// Whether that was history and is to be handled now.
    pub(super) opens: bool,
    /// Contents that are new, in the file's order.
    pub(super) contents: Vec<Content>,
}

/// What becomes of a batch's records; the others are known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Reports that are new.
    pub(super) received: u64,
    /// Versions beyond a report's first.
    pub(super) updated: u64,
    /// Reports that were history and are to be handled now.
    pub(super) opened: u64,
}

/// What a batch writes, in the file's order. Keys that get nothing are left out.
#[derive(Debug)]
pub(super) struct Plan<'a>(pub(super) Vec<Entry<'a>>);

impl<'a> Plan<'a> {
    pub(super) fn new(batch: &'a [ImportedReport], known: &Seen, as_notices: bool) -> Self {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for record in batch {
            let key = rules::identity_key(Some(&record.number), None, &[]);
            let content = Content::new(record.title.clone(), record.text.clone(), rules::kept_source(record));
            let place = *places.entry(key.clone()).or_insert_with(|| {
                let history = known.reports.get(&short(&key, &[]));
                let opens = as_notices && history == Some(&true);
                let known = history.is_some();
                entries.push(Entry { record, key: key.clone(), known, opens, contents: Vec::new() });
                entries.len() - 1
            });
            let repeated = entries[place].contents.iter().any(|other| other.hash == content.hash);
            let was_known = known.contents.contains(&short(&key, &content.hash));
            if !repeated && !was_known {
                entries[place].contents.push(content);
            }
        }
        entries.retain(|entry| entry.opens || !entry.contents.is_empty());
        Self(entries)
    }

    /// What becomes of the records once the plan is carried out.
    pub(super) fn outcome(&self) -> Outcome {
        let count = |is: fn(&&Entry<'_>) -> bool| self.0.iter().filter(is).count() as u64;
        let received = count(|entry| !entry.known);
        let versions: usize = self.0.iter().map(|entry| entry.contents.len()).sum();
        Outcome { received, updated: versions as u64 - received, opened: count(|entry| entry.opens) }
    }

    /// What is known once the plan is carried out. Of history it is known only to an import that makes none of it.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for entry in &self.0 {
            seen.add_report(&entry.key, false);
            entry.contents.iter().for_each(|content| seen.add_content(&entry.key, &content.hash));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: &str, title: &str) -> ImportedReport {
        ImportedReport { number: number.to_owned(), title: title.to_owned(), ..ImportedReport::default() }
    }

    #[test]
    fn a_number_may_come_again_in_one_batch() {
        let batch = [record("1", "a"), record("1", "a"), record("2", "x"), record("1", "b")];
        let plan = Plan::new(&batch, &Seen::default(), false);
        assert_eq!(plan.outcome(), Outcome { received: 2, updated: 1, opened: 0 });
        let titles: Vec<_> = plan.0[0].contents.iter().map(|content| content.title.as_str()).collect();
        assert_eq!(titles, ["a", "b"]);
        let again = Plan::new(&batch, &plan.seen(), false);
        assert_eq!(again.outcome(), Outcome { received: 0, updated: 0, opened: 0 });
    }

    #[test]
    fn other_content_of_a_known_number_is_a_version() {
        let old = [record("1", "a")];
        let known = Plan::new(&old, &Seen::default(), false).seen();
        let batch = [record("1", "b"), record("1", "a")];
        let plan = Plan::new(&batch, &known, false);
        assert_eq!(plan.outcome(), Outcome { received: 0, updated: 1, opened: 0 });
    }

    #[test]
    fn a_notice_opens_what_was_history_once() {
        let batch = [record("1", "a"), record("2", "x")];
        let mut known = Plan::new(&batch[..1], &Seen::default(), false).seen();
        known.add_report(&rules::identity_key(Some("1"), None, &[]), true);
        let as_history = Plan::new(&batch, &known, false);
        assert_eq!(as_history.outcome(), Outcome { received: 1, updated: 0, opened: 0 });
        let as_notices = Plan::new(&batch, &known, true);
        assert_eq!(as_notices.outcome(), Outcome { received: 1, updated: 0, opened: 1 });
        known.extend(&as_notices.seen());
        assert_eq!(Plan::new(&batch, &known, true).0.len(), 0);
        assert_eq!(known.len(), 4, "a report and a content for each number");
    }
}
