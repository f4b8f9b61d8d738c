//! Time, ids and randomness, as parameters: a test sets them, a replay repeats them.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::Mutex;
use uuid::Uuid;

/// Tells the time. Instants are UTC and whole microseconds, the finest that both databases keep.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// A clock that stands until it is set: for tests and for loading demo data.
#[derive(Debug)]
pub struct SetClock(Mutex<DateTime<Utc>>);

impl SetClock {
    /// A clock that stands at `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(Mutex::new(at.trunc_subsecs(6)))
    }

    /// Puts the clock at `at`.
    pub fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = at.trunc_subsecs(6);
    }

    /// Moves the clock on by `by`.
    pub fn advance(&self, by: chrono::Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Makes ids: UUIDv7 from the clock's time and a seeded or random source.
pub struct Ids {
    clock: Arc<dyn Clock>,
    random: Mutex<StdRng>,
}

impl Ids {
    /// Ids whose random part comes from the operating system.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let mut seed = [0u8; 32];
        // The system's random source failing at start leaves nothing sensible to do.
        rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut seed).expect("system randomness");
        Self { clock, random: Mutex::new(StdRng::from_seed(seed)) }
    }

    /// Ids that repeat for the same seed and times.
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, random: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// A new id, sortable by the time it was made.
    pub fn next(&self) -> Uuid {
        let mut bytes = [0u8; 10];
        self.fill(&mut bytes);
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// Fills `bytes` with randomness fit for secrets.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}
