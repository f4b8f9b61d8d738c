//! How much a caller may ask for in a time: each principal has a bucket of points that fills steadily.
//!
//! Buckets belong to one process: several replicas together allow as many times more.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::{
    InsufficientCapacity, Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use serde::{Deserialize, Serialize};

use super::error::AuthenticationError;
use crate::graphql::guard::Cost;

/// Objects of an answer that make a point.
const OBJECTS_A_POINT: u64 = 100;
/// Points of each change in a request.
const CHANGE_POINTS: u64 = 5;
/// Requests after which the buckets that are full again are given up.
const SWEEP: u32 = 10_000;

/// Bounds on what a principal may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// Points that a principal gets back each second; 0 sets no bound. A request costs one, one more for each 100
    /// objects that its answer may hold, and five for each change. Default 2,000.
    pub points_a_second: u32,
    /// Points that a principal has at most. Default 20,000.
    pub points: u32,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self { points_a_second: 2_000, points: 20_000 }
    }
}

/// Points of a request beyond the one that it costs to be let in.
pub fn points(cost: &Cost) -> u32 {
    let points = (cost.objects / OBJECTS_A_POINT).saturating_add(cost.changes.saturating_mul(CHANGE_POINTS));
    u32::try_from(points).unwrap_or(u32::MAX)
}

/// What is left in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    points: u32,
    of: u32,
    fills_in: Duration,
}

impl Left {
    /// Says it to the caller, as draft-ietf-httpapi-ratelimit-headers writes it.
    pub fn tell(self, headers: &mut HeaderMap) {
        let policy = format!("\"principal\";q={};w={}", self.of, self.fills_in.as_secs());
        let left = format!("\"principal\";r={}", self.points);
        let names = [HeaderName::from_static("ratelimit-policy"), HeaderName::from_static("ratelimit")];
        for (name, value) in names.into_iter().zip([policy, left]) {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

type Buckets<C> = RateLimiter<Box<str>, HashMapStateStore<Box<str>>, C, StateInformationMiddleware>;

/// The buckets of a process.
pub struct Rates<C: Clock = MonotonicClock> {
    clock: C,
    buckets: Option<Buckets<C>>,
    requests: AtomicU32,
}

impl Rates {
    /// Full buckets of this size.
    pub fn new(settings: &RateSettings) -> Self {
        Self::with_clock(settings, MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    /// The same by another clock.
    fn with_clock(settings: &RateSettings, clock: C) -> Self {
        let buckets = NonZeroU32::new(settings.points_a_second).map(|back| {
            let most = NonZeroU32::new(settings.points).unwrap_or(back);
            let quota = Quota::per_second(back).allow_burst(most);
            Buckets::new(quota, HashMapStateStore::default(), clock.clone())
        });
        Self { clock, buckets, requests: AtomicU32::new(0) }
    }

    /// Takes `points` from a principal's bucket and answers what is left there; none where there is no bound. What costs
    /// more than a bucket holds takes all but the point that it costs to be let in.
    ///
    /// # Errors
    /// [`AuthenticationError::RateLimited`] when there is less in it: then nothing is taken.
    pub fn charge(
        &self,
        issuer: &str,
        subject: &str,
        points: NonZeroU32,
    ) -> Result<Option<Left>, AuthenticationError> {
        let Some(buckets) = &self.buckets else { return Ok(None) };
        if self.requests.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            buckets.retain_recent();
        }
        // Neither of them has a control character.
        let key = format!("{issuer}\n{subject}").into_boxed_str();
        let taken = match buckets.check_key_n(&key, points) {
            Err(InsufficientCapacity(most)) => {
                buckets.check_key_n(&key, NonZeroU32::new(most - 1).unwrap_or(NonZeroU32::MIN))
            }
            taken => taken,
        };
        match taken {
            Ok(Ok(there)) => Ok(Some(Left {
                points: there.remaining_burst_capacity(),
                of: there.quota().burst_size().get(),
                fills_in: there.quota().burst_size_replenished_in(),
            })),
            Ok(Err(until)) => {
                // Coming back costs a point too.
                let retry_after = until.wait_time_from(self.clock.now()) + until.quota().replenish_interval();
                Err(AuthenticationError::RateLimited { subject: subject.into(), retry_after })
            }
            // A bucket holds as much as it says.
            Err(InsufficientCapacity(_)) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rates(points_a_second: u32, points: u32) -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Rates::with_clock(&RateSettings { points_a_second, points }, clock.clone()), clock)
    }

    fn left(rates: &Rates<FakeRelativeClock>, subject: &str, points: u32) -> Result<u32, Duration> {
        match rates.charge("https://login.example.com", subject, NonZeroU32::new(points).unwrap()) {
            Ok(left) => Ok(left.unwrap().points),
            Err(AuthenticationError::RateLimited { retry_after, .. }) => Err(retry_after),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_bucket_empties_and_fills_again_and_nobody_empties_anothers() {
        let (rates, clock) = rates(10, 100);
        assert_eq!(left(&rates, "analyst-1", 60), Ok(40));
        assert_eq!(left(&rates, "analyst-1", 60), Err(Duration::from_millis(2_100)));
        assert_eq!(left(&rates, "analyst-1", 40), Ok(0), "a refusal takes nothing");
        assert_eq!(left(&rates, "analyst-2", 1), Ok(99));
        clock.advance(Duration::from_secs(3));
        assert_eq!(left(&rates, "analyst-1", 1), Ok(29));
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(left(&rates, "analyst-1", 1), Ok(99), "no more than it holds");
    }

    #[test]
    fn what_costs_more_than_a_bucket_holds_takes_what_is_left_after_being_let_in() {
        let (rates, _) = rates(10, 100);
        assert_eq!(left(&rates, "analyst-1", 1), Ok(99));
        assert_eq!(left(&rates, "analyst-1", 5_000), Ok(0));
        assert_eq!(left(&rates, "analyst-1", 5_000), Err(Duration::from_secs(10)));
    }

    #[test]
    fn without_a_bound_nothing_is_counted() {
        let (rates, _) = rates(0, 100);
        let left = rates.charge("https://login.example.com", "analyst-1", NonZeroU32::MIN);
        assert_eq!(left.unwrap(), None);
    }

    #[test]
    fn full_buckets_are_given_up() {
        let (rates, clock) = rates(10, 100);
        for subject in 0..SWEEP - 1 {
            left(&rates, &format!("reporter-{subject}"), 1).unwrap();
        }
        clock.advance(Duration::from_secs(60));
        left(&rates, "analyst-1", 1).unwrap();
        assert_eq!(rates.buckets.unwrap().len(), 1);
    }

    #[test]
    fn points_follow_what_is_asked_for() {
        let cost = |objects, changes| Cost { objects, changes, ..Cost::default() };
        assert_eq!(points(&cost(99, 0)), 0);
        assert_eq!(points(&cost(20_000, 0)), 200);
        assert_eq!(points(&cost(2, 1)), 5);
        assert_eq!(points(&cost(100, 50)), 251);
    }
}
