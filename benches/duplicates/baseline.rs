//! A plain TF-IDF over two neighbouring Chinese characters and Latin words: what is to be beaten.

#![allow(clippy::float_arithmetic)]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::corpus::Record;

/// How many of `earlier` are likelier than the one at its place, for each of these records.
pub(crate) fn places(earlier: &[Record], asked: &[(&Record, usize)]) -> Vec<usize> {
    let mut having: HashMap<u64, u32> = HashMap::new();
    for record in earlier {
        counts(record).into_keys().for_each(|term| *having.entry(term).or_default() += 1);
    }
    let all = earlier.len() as f64;
    let weigh = |record: &Record| {
        let mut terms = counts(record);
        for (term, weight) in &mut terms {
            *weight *= ((1.0 + all) / (1.0 + f64::from(having.get(term).copied().unwrap_or(0)))).ln() + 1.0;
        }
        let length = terms.values().map(|weight| weight * weight).sum::<f64>().sqrt();
        terms.values_mut().for_each(|weight| *weight /= length);
        terms
    };
    let mut askers: HashMap<u64, Vec<(usize, f64)>> = HashMap::new();
    for (place, (record, _)) in asked.iter().enumerate() {
        for (term, weight) in weigh(record) {
            askers.entry(term).or_default().push((place, weight));
        }
    }
    let likeness = |record: &Record| {
        let mut likeness = vec![0.0; asked.len()];
        for (term, weight) in weigh(record) {
            for (place, asker) in askers.get(&term).into_iter().flatten() {
                likeness[*place] += weight * asker;
            }
        }
        likeness
    };
    let same: Vec<f64> =
        asked.iter().enumerate().map(|(place, (_, same))| likeness(&earlier[*same])[place]).collect();
    let mut places = vec![0; asked.len()];
    for (number, record) in earlier.iter().enumerate() {
        for (place, likeness) in likeness(record).into_iter().enumerate() {
            places[place] += usize::from(likeness > same[place] && number != asked[place].1);
        }
    }
    places
}

fn counts(record: &Record) -> HashMap<u64, f64> {
    let text = format!("{}\n{}", record.title, record.text).to_lowercase();
    let mut counts = HashMap::new();
    let mut count = |token: &str| {
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        *counts.entry(hasher.finish()).or_insert(0.0) += 1.0;
    };
    let is_chinese = |character: char| ('\u{4e00}'..='\u{9fff}').contains(&character);
    for word in
        text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
    {
        count(word);
    }
    for run in text.split(|character: char| !is_chinese(character)) {
        let characters: Vec<char> = run.chars().collect();
        characters.windows(2).for_each(|pair| count(&pair.iter().collect::<String>()));
    }
    counts
}
