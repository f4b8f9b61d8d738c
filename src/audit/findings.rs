//! Faults that a check found: all are counted, the first are listed.

use std::fmt;

/// Most faults that are listed.
const LISTED: usize = 100;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings<T> {
    /// How many faults.
    pub count: u64,
    /// The first hundred of them.
    pub listed: Vec<T>,
}

impl<T> Default for Findings<T> {
    fn default() -> Self {
        Self { count: 0, listed: Vec::new() }
    }
}

impl<T> Findings<T> {
    pub(super) fn add(&mut self, finding: T) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(finding);
        }
    }
}

impl<T: fmt::Display> fmt::Display for Findings<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} faults", self.count)?;
        self.listed.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}
