//! When a clock is over, and when people are told of it.

use chrono::{DateTime, TimeDelta, Utc};
use entity::deadline::PausedSpan;
use entity::vocabulary::{DeadlineKind, NoDeadline};

use super::want::{Clock, End};
use super::{Basis, LONGEST_PAUSE, REMINDER};
use crate::calendar::rules::{Pause, Untold, explain};

/// When a clock is over, and the instants at which people are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// First instant at which it is over.
    pub(super) due_at: Option<DateTime<Utc>>,
    /// Why there is none.
    pub(super) none_reason: Option<NoDeadline>,
    /// Percentages of its time with their instants, in order; 100 is the end.
    pub(super) marks: Vec<(i32, DateTime<Utc>)>,
}

/// Percentages at which people are told.
fn percents(kind: DeadlineKind) -> &'static [u8] {
    match kind {
        DeadlineKind::Decision => &[25, 50, 75],
        DeadlineKind::Information => &[],
        DeadlineKind::Reply | DeadlineKind::Mitigation | DeadlineKind::Fix | DeadlineKind::Publication => {
            &[75]
        }
    }
}

fn without(reason: NoDeadline) -> Count {
    Count { due_at: None, none_reason: Some(reason), marks: Vec::new() }
}

/// Counts a clock, told at the percentages of `kind`.
pub(super) fn count(clock: &Clock, kind: DeadlineKind, basis: &Basis, pauses: &[Pause]) -> Count {
    let anchor = match (clock.anchor_at, clock.end) {
        (_, End::None(reason)) => return without(reason),
        (None, _) => return without(clock.unanchored),
        (Some(anchor), _) => anchor,
    };
    match clock.end {
        End::None(reason) => without(reason),
        End::At(due) => {
            let mut marks: Vec<_> = percents(kind)
                .iter()
                .map(|percent| (i32::from(*percent), part(anchor, due, *percent)))
                .collect();
            marks.push((100, due));
            Count { due_at: Some(due), none_reason: None, marks }
        }
        End::After(span) => {
            let Some(timed) = basis.calendars.get(&clock.calendar) else {
                return without(NoDeadline::NoCalendar);
            };
            let calendar = timed.calendar.clone().in_zone(clock.zone.unwrap_or(timed.calendar.zone));
            let computed = match explain(&calendar, anchor, span, clock.rolls_over, pauses) {
                Ok(computed) => computed,
                Err(Untold::NoData { .. }) => return without(NoDeadline::CalendarWithoutYear),
                Err(Untold::NoHours) => return without(NoDeadline::CalendarWithoutHours),
                Err(Untold::TooFar) => return without(NoDeadline::TooFar),
            };
            let mut marks: Vec<_> = percents(kind)
                .iter()
                .map(|percent| (i32::from(*percent), computed.at_percent(*percent)))
                .collect();
            if kind == DeadlineKind::Information {
                marks.push((67, anchor + REMINDER));
            }
            marks.push((100, computed.due));
            Count { due_at: Some(computed.due), none_reason: None, marks }
        }
    }
}

/// The instant at which `percent` of the time between two instants are over.
fn part(from: DateTime<Utc>, to: DateTime<Utc>, percent: u8) -> DateTime<Utc> {
    let length = (to - from).num_microseconds().unwrap_or(i64::MAX).max(0);
    let micros = i128::from(length) * i128::from(percent) / 100;
    from + chrono::TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// The highest percentage whose instant has come; 0 when none has.
pub(super) fn told_by(marks: &[(i32, DateTime<Utc>)], at: DateTime<Utc>) -> i32 {
    marks.iter().filter(|(_, instant)| *instant <= at).map(|(percent, _)| *percent).max().unwrap_or(0)
}

/// When people are to be told next, who were told at `told` percent.
pub(super) fn next_notice(marks: &[(i32, DateTime<Utc>)], told: i32) -> Option<DateTime<Utc>> {
    marks.iter().filter(|(percent, _)| *percent > told).map(|(_, instant)| *instant).min()
}

/// The time from `since` on for which a report's clock stands still while its reporter is asked: with the pauses that
/// are `over`, at most the longest pause.
pub(super) fn pause(since: DateTime<Utc>, until: Option<DateTime<Utc>>, over: &[PausedSpan]) -> Pause {
    let spent = over.iter().fold(TimeDelta::zero(), |spent, span| spent + (span.to - span.from));
    let longest = since + (LONGEST_PAUSE - spent).max(TimeDelta::zero());
    Pause { from: since, to: until.map_or(longest, |until| until.min(longest)) }
}
