//! What an attempt's outcome means: for the delivery, and for the endpoint that it went to.

use chrono::{DateTime, TimeDelta, Utc};

/// When the attempts of a delivery follow one another, in seconds after the one before: 75 hours in all. A receiver
/// that is down over a weekend misses nothing.
const SCHEDULE: [i64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// How much later or earlier than planned an attempt may be, in thousandths: so that what failed together does not
/// come back together.
const JITTER: i64 = 100;
/// Bounds on a wait that a receiver asks for.
const SHORTEST_HOLD: TimeDelta = TimeDelta::seconds(1);
const LONGEST_HOLD: TimeDelta = TimeDelta::hours(1);
/// How long a receiver that is busy is left alone when it does not say.
const BUSY_HOLD: TimeDelta = TimeDelta::seconds(5);
/// Failures in a row after which an endpoint is left alone between single tries.
const FAILURES_TO_HOLD: u32 = 5;
/// The longest pause between single tries of an endpoint that fails.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);
/// How long an endpoint may fail, without a single success, before it is disabled.
const FAILING_LIMIT: TimeDelta = TimeDelta::days(5);

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// The receiver wants no more: the endpoint is disabled.
    Gone,
    /// The receiver is overloaded: it is left alone, for as long as it says.
    Busy(Option<TimeDelta>),
    /// Anything else: another status (a redirect too), or no answer.
    Failed,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Done.
    Delivered,
    /// Tried again at this instant.
    Again(DateTime<Utc>),
    /// Not tried again by itself.
    Dead,
}

/// How an endpoint has fared with the worker that holds this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Failures since the last success.
    failures: u32,
    /// Until when nothing is sent.
    hold_until: Option<DateTime<Utc>>,
}

/// What an HTTP status means.
pub fn outcome(status: u16, retry_after: Option<&str>, now: DateTime<Utc>) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        410 => Outcome::Gone,
        429 | 502 | 503 | 504 => Outcome::Busy(retry_after.and_then(|value| wait(value, now))),
        _ => Outcome::Failed,
    }
}

/// The wait that a `Retry-After` header asks for, in seconds or as a date (RFC 9110, section 10.2.3), within bounds.
fn wait(value: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let value = value.trim();
    let wait = match value.parse::<u32>() {
        Ok(seconds) => TimeDelta::seconds(seconds.into()),
        Err(_) => DateTime::parse_from_rfc2822(value).ok()?.signed_duration_since(now),
    };
    Some(wait.clamp(SHORTEST_HOLD, LONGEST_HOLD))
}

/// What becomes of a delivery after its attempt number `attempts`, counted from 1. `random` moves the instant a little.
pub fn next(outcome: Outcome, attempts: i32, now: DateTime<Utc>, random: u32) -> Next {
    let earliest = match outcome {
        Outcome::Delivered => return Next::Delivered,
        Outcome::Busy(wait) => wait.unwrap_or(BUSY_HOLD),
        Outcome::Gone | Outcome::Failed => TimeDelta::zero(),
    };
    let planned = usize::try_from(attempts).ok().and_then(|attempts| SCHEDULE.get(attempts));
    match planned {
        None => Next::Dead,
        Some(seconds) => {
            let share = 1_000 - JITTER + i64::from(random) % (2 * JITTER + 1);
            Next::Again(now + TimeDelta::milliseconds(seconds * share).max(earliest))
        }
    }
}

/// Whether an endpoint that has failed since `failing_since` is given up.
pub fn is_given_up(failing_since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(failing_since) >= FAILING_LIMIT
}

impl Health {
    /// How many of `most` attempts may be under way at once: all of a well endpoint's, a single one of an endpoint
    /// that has been failing, none of one that is left alone.
    pub fn room(self, most: usize, now: DateTime<Utc>) -> usize {
        match self.hold_until {
            Some(until) if now < until => 0,
            _ if self.failures >= FAILURES_TO_HOLD => 1,
            _ => most,
        }
    }

    /// Until when nothing is sent, when that lies ahead.
    pub fn hold_until(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.hold_until.filter(|until| now < *until)
    }

    /// The health after one more attempt. Attempts that were under way together may come back in any order.
    #[must_use]
    pub fn after(self, outcome: Outcome, now: DateTime<Utc>) -> Self {
        let hold = match outcome {
            Outcome::Delivered => return Self { failures: 0, hold_until: self.hold_until(now) },
            Outcome::Busy(wait) => wait.unwrap_or(BUSY_HOLD),
            Outcome::Gone | Outcome::Failed => TimeDelta::zero(),
        };
        let failures = self.failures.saturating_add(1);
        let doublings = failures.checked_sub(FAILURES_TO_HOLD).map(|over| over.min(10));
        let pause =
            doublings.map_or(TimeDelta::zero(), |over| TimeDelta::seconds(1 << over).min(LONGEST_PAUSE));
        let until = now + hold.max(pause);
        let hold_until = self.hold_until.map_or(until, |before| before.max(until));
        Self { failures, hold_until: Some(hold_until).filter(|until| *until > now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_000_000 + seconds, 0).unwrap()
    }

    /// The random number that leaves an instant where it was planned.
    const MIDDLE: u32 = 100;

    #[test]
    fn only_2xx_is_a_success() {
        for status in [200, 201, 204, 299] {
            assert_eq!(outcome(status, None, at(0)), Outcome::Delivered);
        }
        for status in [100, 301, 302, 304, 307, 400, 401, 404, 409, 418, 500, 501, 505, 599, 999] {
            assert_eq!(outcome(status, Some("7"), at(0)), Outcome::Failed, "{status}");
        }
        assert_eq!(outcome(410, None, at(0)), Outcome::Gone);
        for status in [429, 502, 503, 504] {
            assert_eq!(outcome(status, None, at(0)), Outcome::Busy(None), "{status}");
            assert_eq!(outcome(status, Some("7"), at(0)), Outcome::Busy(Some(TimeDelta::seconds(7))));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        let now: DateTime<Utc> = "2026-03-02T01:00:00Z".parse().unwrap();
        for (value, expected) in [
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("0", Some(1)),
            ("86400", Some(3_600)),
            ("4294967295", Some(3_600)),
            ("Mon, 02 Mar 2026 01:02:00 GMT", Some(120)),
            ("Mon, 02 Mar 2026 00:00:00 GMT", Some(1)),
            ("Fri, 01 Jan 2100 00:00:00 GMT", Some(3_600)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(wait(value, now), expected.map(TimeDelta::seconds), "{value:?}");
        }
    }

    #[test]
    fn ten_attempts_over_75_hours_then_dead() {
        let mut now = at(0);
        let mut waits = Vec::new();
        for attempts in 1.. {
            let Next::Again(due) = next(Outcome::Failed, attempts, now, MIDDLE) else { break };
            waits.push(due.signed_duration_since(now).num_seconds());
            now = due;
        }
        assert_eq!(waits, SCHEDULE[1..]);
        assert_eq!(now.signed_duration_since(at(0)).num_hours(), 75);
        assert_eq!(next(Outcome::Failed, 10, at(0), MIDDLE), Next::Dead);
        assert_eq!(next(Outcome::Busy(None), 10, at(0), MIDDLE), Next::Dead);
        assert_eq!(next(Outcome::Delivered, 10, at(0), MIDDLE), Next::Delivered);
    }

    #[test]
    fn jitter_is_a_tenth_either_way() {
        let wait = |random| match next(Outcome::Failed, 2, at(0), random) {
            Next::Again(due) => due.signed_duration_since(at(0)).num_seconds(),
            other => panic!("{other:?}"),
        };
        assert_eq!((wait(0), wait(MIDDLE), wait(200)), (270, 300, 330));
        assert!(
            (0..5_000).chain(u32::MAX - 5_000..=u32::MAX).all(|random| (270..=330).contains(&wait(random)))
        );
    }

    #[test]
    fn a_busy_receiver_is_waited_for_as_long_as_it_says() {
        let wait = TimeDelta::seconds(90);
        assert_eq!(next(Outcome::Busy(Some(wait)), 1, at(0), MIDDLE), Next::Again(at(90)));
        assert_eq!(next(Outcome::Busy(Some(wait)), 2, at(0), MIDDLE), Next::Again(at(300)), "never sooner");
        let held = Health::default().after(Outcome::Busy(Some(wait)), at(0));
        assert_eq!((held.room(8, at(89)), held.room(8, at(90))), (0, 8));
        assert_eq!(held.hold_until(at(89)), Some(at(90)));
        // Another answer that was under way does not shorten it.
        assert_eq!(held.after(Outcome::Delivered, at(1)).room(8, at(50)), 0);
        assert_eq!(held.after(Outcome::Busy(None), at(1)).hold_until(at(2)), Some(at(90)));
    }

    #[test]
    fn an_endpoint_that_fails_is_tried_singly_and_heals_with_one_success() {
        let mut health = Health::default();
        for _ in 0..4 {
            health = health.after(Outcome::Failed, at(0));
            assert_eq!(health.room(8, at(0)), 8);
        }
        let mut pauses = Vec::new();
        let mut now = at(0);
        for _ in 0..11 {
            health = health.after(Outcome::Failed, now);
            let until = health.hold_until(now).unwrap();
            assert_eq!((health.room(8, now), health.room(8, until)), (0, 1));
            pauses.push(until.signed_duration_since(now).num_seconds());
            now = until;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(health.after(Outcome::Delivered, now).room(8, now), 8);
    }

    #[test]
    fn five_days_without_a_success_are_too_many() {
        assert!(!is_given_up(at(0), at(5 * 86_400 - 1)));
        assert!(is_given_up(at(0), at(5 * 86_400)));
    }
}
