//! Documents that were parsed before: clients send few, over and over.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::ExecutableDocument;
use lru::LruCache;

use super::{GuardLimits, ParseError, parse};

/// How many are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(500).expect("five hundred are not none");
/// Bytes of one that is kept, at most. Parsed it takes some twenty times as much memory.
const LONGEST: usize = 4 * 1024;

/// The documents that were parsed lately.
#[derive(Debug)]
pub struct Parsed(Mutex<LruCache<Box<str>, Arc<ExecutableDocument>>>);

impl Default for Parsed {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Parsed {
    /// As [`parse`], always under the same limits. A document with texts in it is not kept: they are what somebody writes
    /// about a vulnerability, and no other request has them.
    pub fn parse(&self, text: &str, limits: &GuardLimits) -> Result<ExecutableDocument, ParseError> {
        if text.len() > LONGEST || text.contains('"') {
            return parse(text, limits);
        }
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(text).cloned();
        let document = match known {
            Some(known) => known,
            None => {
                let document = Arc::new(parse(text, limits)?);
                kept().put(text.into(), Arc::clone(&document));
                document
            }
        };
        Ok(Arc::unwrap_or_clone(document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(parsed: &Parsed) -> usize {
        parsed.0.lock().unwrap().len()
    }

    #[test]
    fn a_document_is_parsed_once_and_each_request_has_its_own() {
        let (parsed, limits) = (Parsed::default(), GuardLimits::default());
        let text = "query Q($n: Int) { events(first: $n) { nodes { id } } }";
        let mut first = parsed.parse(text, &limits).unwrap();
        let whole = format!("{:?}", parse(text, &limits).unwrap());
        assert_eq!(format!("{first:?}"), whole);
        first.fragments.clear();
        first.operations = parse("{ other }", &limits).unwrap().operations;
        assert_eq!(format!("{:?}", parsed.parse(text, &limits).unwrap()), whole);
        assert_eq!(kept(&parsed), 1);
    }

    #[test]
    fn what_is_refused_or_says_something_is_not_kept() {
        let (parsed, limits) = (Parsed::default(), GuardLimits::default());
        assert!(parsed.parse("{ events(", &limits).is_err());
        assert!(parsed.parse(&"{".repeat(100), &limits).is_err());
        parsed.parse("{ search(text: \"a hole\") { id } }", &limits).unwrap();
        parsed.parse(&format!("{{ {} }}", "a ".repeat(LONGEST / 2)), &limits).unwrap();
        assert_eq!(kept(&parsed), 0);
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let (parsed, limits) = (Parsed::default(), GuardLimits::default());
        for number in 0..KEPT.get() + 10 {
            parsed.parse(&format!("{{ a{number} }}"), &limits).unwrap();
        }
        assert_eq!(kept(&parsed), KEPT.get());
    }
}
