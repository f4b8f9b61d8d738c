//! How much one request may have read.

use tokio::sync::{Mutex, MutexGuard};

/// Characters of texts that are read for the searches of one request: some hundred reports of a few pages, or fifteen of the
/// longest; less than a second's work.
const CHARACTERS: usize = 2_500_000;

/// What the searches of one request may still read. One of them has it at a time, so a request takes no more than one of the
/// database's readers either.
#[derive(Debug)]
pub struct Budget(Mutex<usize>);

impl Default for Budget {
    fn default() -> Self {
        Self::of(CHARACTERS)
    }
}

impl Budget {
    /// Of so many characters.
    pub fn of(characters: usize) -> Self {
        Self(Mutex::new(characters))
    }

    /// What is left, once no other search has it.
    pub(super) async fn left(&self) -> MutexGuard<'_, usize> {
        self.0.lock().await
    }
}
