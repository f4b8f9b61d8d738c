//! What each record of a batch means, decided from what is known.

use std::collections::{HashMap, HashSet};

use crate::intake::arrival::Content;
use crate::intake::import::ImportedReport;
use crate::intake::rules;

/// Digests of the contents that are known, by identity key.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(HashMap<String, HashSet<Vec<u8>>>);

impl Seen {
    pub(super) fn add(&mut self, key: &str, hash: Vec<u8>) {
        self.0.entry(key.to_owned()).or_default().insert(hash);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (key, hashes) in &other.0 {
            self.0.entry(key.clone()).or_default().extend(hashes.iter().cloned());
        }
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
    /// Contents that are new, in the file's order.
    pub(super) contents: Vec<Content>,
}

/// What a batch writes, in the file's order. Keys that get nothing are left out.
#[derive(Debug)]
pub(super) struct Plan<'a>(pub(super) Vec<Entry<'a>>);

impl<'a> Plan<'a> {
    pub(super) fn new(batch: &'a [ImportedReport], known: &Seen) -> Self {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for record in batch {
            let key = rules::identity_key(Some(&record.number), None, &[]);
            let content = Content::new(record.title.clone(), record.text.clone(), rules::kept_source(record));
            let place = *places.entry(key.clone()).or_insert_with(|| {
                let known = known.0.contains_key(&key);
                entries.push(Entry { record, key: key.clone(), known, contents: Vec::new() });
                entries.len() - 1
            });
            let repeated = entries[place].contents.iter().any(|other| other.hash == content.hash);
            let was_known = known.0.get(&key).is_some_and(|hashes| hashes.contains(&content.hash));
            if !repeated && !was_known {
                entries[place].contents.push(content);
            }
        }
        entries.retain(|entry| !entry.contents.is_empty());
        Self(entries)
    }

    /// Reports that are new.
    pub(super) fn received(&self) -> u64 {
        self.0.iter().filter(|entry| !entry.known).count() as u64
    }

    /// Versions beyond a report's first.
    pub(super) fn updated(&self) -> u64 {
        let versions: usize = self.0.iter().map(|entry| entry.contents.len()).sum();
        versions as u64 - self.received()
    }

    /// What is known once the plan is carried out.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for entry in &self.0 {
            entry.contents.iter().for_each(|content| seen.add(&entry.key, content.hash.clone()));
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
        let plan = Plan::new(&batch, &Seen::default());
        assert_eq!((plan.received(), plan.updated()), (2, 1));
        let titles: Vec<_> = plan.0[0].contents.iter().map(|content| content.title.as_str()).collect();
        assert_eq!(titles, ["a", "b"]);
        let again = Plan::new(&batch, &plan.seen());
        assert_eq!((again.received(), again.updated()), (0, 0));
    }

    #[test]
    fn other_content_of_a_known_number_is_a_version() {
        let old = [record("1", "a")];
        let known = Plan::new(&old, &Seen::default()).seen();
        let batch = [record("1", "b"), record("1", "a")];
        let plan = Plan::new(&batch, &known);
        assert_eq!((plan.received(), plan.updated()), (0, 1));
    }
}
