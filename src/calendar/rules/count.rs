//! When a span of time is over.
//!
//! A span is counted along the time that counts for it: for hours all time outside the pauses; for working hours the
//! hours of the days that are worked, outside the pauses, from the anchor on; for days the hours of
//! the days that count, outside the pauses, beginning after the anchor's day. Each day weighs the same, be it of 23, 24
//! or 25 hours, and a pause takes as much of a day's weight as it takes of its time. A span of days is over at 24:00 of
//! the first day by whose end the whole number of days has been counted. So a pause of a whole counted day moves the end
//! by one counted day, two pauses move it as far as one of both lengths, and a pause on a day that does not count moves
//! nothing.

use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use entity::vocabulary::SpanUnit;
use serde::{Serialize, Serializer};

use super::{Calendar, Day, Untold};

/// What a whole day weighs, whatever the clocks do in it: as many units as microseconds in 24 hours.
const DAY: i64 = 86_400_000_000;

/// A span of time in one of the units, which are never converted into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "unit", content = "amount", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Span {
    /// Hours run exactly, through nights, weekends and changes of the clocks.
    Hours(u16),
    /// Days, worked or not.
    CalendarDays(u16),
    /// To the same day of a later month, or to that month's last day where it is shorter.
    Months(u16),
    /// Days that are worked.
    WorkingDays(u16),
    /// Hours of days that are worked, within the calendar's working hours.
    WorkingHours(u16),
}

impl Span {
    /// So many of a unit.
    pub fn new(unit: SpanUnit, amount: u16) -> Self {
        match unit {
            SpanUnit::Hours => Self::Hours(amount),
            SpanUnit::CalendarDays => Self::CalendarDays(amount),
            SpanUnit::Months => Self::Months(amount),
            SpanUnit::WorkingDays => Self::WorkingDays(amount),
            SpanUnit::WorkingHours => Self::WorkingHours(amount),
        }
    }

    /// Its unit.
    pub fn unit(self) -> SpanUnit {
        match self {
            Self::Hours(_) => SpanUnit::Hours,
            Self::CalendarDays(_) => SpanUnit::CalendarDays,
            Self::Months(_) => SpanUnit::Months,
            Self::WorkingDays(_) => SpanUnit::WorkingDays,
            Self::WorkingHours(_) => SpanUnit::WorkingHours,
        }
    }

    /// How many.
    pub fn amount(self) -> u16 {
        match self {
            Self::Hours(amount)
            | Self::CalendarDays(amount)
            | Self::Months(amount)
            | Self::WorkingDays(amount)
            | Self::WorkingHours(amount) => amount,
        }
    }
}

/// Time that a clock did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Pause {
    /// First instant that did not count.
    pub from: DateTime<Utc>,
    /// First instant that counted again. A pause that ends before it begins is none.
    pub to: DateTime<Utc>,
}

/// A day on the way that is not what one would think: not counted, or worked to make up for a holiday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotedDay {
    /// The day.
    pub date: NaiveDate,
    /// What it is.
    pub day: Day,
}

/// A stretch of time that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedSpan {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// What it weighs: microseconds for hours, millionths of 86,400ths of a day for days.
    weight: i64,
}

/// How an end was found, for those who have to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Computation {
    /// Where the span begins.
    pub anchor: DateTime<Utc>,
    /// The span.
    pub span: Span,
    /// Zone in which its days begin and end.
    #[serde(serialize_with = "zone_name")]
    pub zone: Tz,
    /// The anchor's day, which is not counted; none for hours and working hours.
    pub day_zero: Option<NaiveDate>,
    /// Weekends and holidays that were passed over and make-up working days that were counted, in order: for working days
    /// and hours, and where the end was rolled over.
    pub noted: Vec<NotedDay>,
    /// Pauses on the way, in order and without overlap.
    pub pauses: Vec<Pause>,
    /// The first instant at which the span is over.
    pub due: DateTime<Utc>,
    /// The time that was counted, in order.
    #[serde(skip)]
    counted: Vec<CountedSpan>,
}

/// When a span that begins at `anchor` is over.
///
/// # Errors
/// [`Untold`] when the calendar cannot tell.
pub fn due(
    calendar: &Calendar,
    anchor: DateTime<Utc>,
    span: Span,
    pauses: &[Pause],
) -> Result<DateTime<Utc>, Untold> {
    Ok(explain(calendar, anchor, span, false, pauses)?.due)
}

/// When a span that begins at `anchor` is over, and how that comes about.
///
/// `rolls_over` is for periods under Regulation (EEC, Euratom) No 1182/71: one of days or months whose last day is not
/// worked ends with the next day that is (art. 3(4)), and one of two days or more has at least two that are (art. 3(5)).
/// Hours are never rolled over.
///
/// # Errors
/// [`Untold`] when the calendar cannot tell.
pub fn explain(
    calendar: &Calendar,
    anchor: DateTime<Utc>,
    span: Span,
    rolls_over: bool,
    pauses: &[Pause],
) -> Result<Computation, Untold> {
    let pauses = merged(pauses, anchor);
    let mut computation = Computation {
        anchor,
        span,
        zone: calendar.zone,
        day_zero: None,
        noted: Vec::new(),
        pauses: Vec::new(),
        due: anchor,
        counted: Vec::new(),
    };
    let zero = calendar.date_of(anchor);
    match span {
        Span::Hours(hours) => computation.count_hours(hours, &pauses)?,
        Span::CalendarDays(days) | Span::WorkingDays(days) => {
            computation.count_days(calendar, zero, i64::from(days), rolls_over, &pauses)?;
        }
        Span::WorkingHours(hours) => computation.count_working_hours(calendar, zero, hours, &pauses)?,
        Span::Months(months) => {
            let last = zero.checked_add_months(Months::new(u32::from(months))).ok_or(Untold::TooFar)?;
            computation.count_days(calendar, zero, (last - zero).num_days(), rolls_over, &pauses)?;
        }
    }
    let end = computation.due;
    computation.pauses = pauses.into_iter().filter(|pause| pause.from < end).collect();
    Ok(computation)
}

impl Computation {
    /// The last day, at whose end the span is over; none for hours and working hours.
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.day_zero?;
        self.due.with_timezone(&self.zone).date_naive().pred_opt()
    }

    /// The first instant at which `percent` of the counted time are over; of 100 and more, the due instant.
    pub fn at_percent(&self, percent: u8) -> DateTime<Utc> {
        if percent >= 100 {
            return self.due;
        }
        let total: i128 = self.counted.iter().map(|part| i128::from(part.weight)).sum();
        // Compared times a hundred, so that nothing is rounded before the end.
        let mut wanted = total * i128::from(percent);
        for part in &self.counted {
            let weight = i128::from(part.weight) * 100;
            if wanted <= weight && weight > 0 {
                let length = i128::from(micros(part.to - part.from));
                let offset = (wanted * length + weight - 1) / weight;
                return part.from + TimeDelta::microseconds(i64::try_from(offset).unwrap_or(i64::MAX));
            }
            wanted -= weight;
        }
        self.due
    }

    /// How many whole percent of the counted time are over at an instant: 0 before it begins, 100 from the due
    /// instant on.
    pub fn percent_at(&self, at: DateTime<Utc>) -> u8 {
        if at >= self.due {
            return 100;
        }
        let (mut total, mut over) = (0_i128, 0_i128);
        for part in &self.counted {
            let weight = i128::from(part.weight);
            total += weight;
            let (length, passed) =
                (micros(part.to - part.from), micros(at.clamp(part.from, part.to) - part.from));
            over += weight * 100 * i128::from(passed) / i128::from(length.max(1));
        }
        u8::try_from(over / total.max(1)).unwrap_or(100).min(99)
    }

    fn count_hours(&mut self, hours: u16, pauses: &[Pause]) -> Result<(), Untold> {
        let mut left = TimeDelta::hours(i64::from(hours));
        let mut at = self.anchor;
        for pause in pauses {
            if left <= pause.from - at {
                break;
            }
            left -= self.count(at, pause.from, micros(pause.from - at));
            at = pause.to;
        }
        self.due = at.checked_add_signed(left).ok_or(Untold::TooFar)?;
        self.count(at, self.due, micros(left));
        Ok(())
    }

    fn count_days(
        &mut self,
        calendar: &Calendar,
        zero: NaiveDate,
        days: i64,
        rolls_over: bool,
        pauses: &[Pause],
    ) -> Result<(), Untold> {
        self.day_zero = Some(zero);
        let mut left = days * DAY;
        let mut date = next(zero)?;
        let mut start = calendar.start_of(date)?;
        while left > 0 {
            let end = calendar.start_of(next(date)?)?;
            if self.counts(calendar, date)? {
                left -= self.count_day(start, end, pauses);
            }
            date = next(date)?;
            start = end;
        }
        if rolls_over && days > 0 {
            (date, start) = self.roll_over(calendar, (zero, date, start), days, pauses)?;
        }
        debug_assert_eq!(calendar.start_of(date), Ok(start));
        self.due = start;
        Ok(())
    }

    /// Goes on from `date`, the day after the last, to a day after one on which the period may end.
    fn roll_over(
        &mut self,
        calendar: &Calendar,
        (zero, mut date, mut start): (NaiveDate, NaiveDate, DateTime<Utc>),
        days: i64,
        pauses: &[Pause],
    ) -> Result<(NaiveDate, DateTime<Utc>), Untold> {
        // As many as the law asks for at least.
        let least = usize::try_from(days).unwrap_or(usize::MAX).min(2);
        let mut worked = 0;
        let mut back = date;
        while worked < least && back > zero {
            back = back.pred_opt().ok_or(Untold::TooFar)?;
            worked += usize::from(back > zero && calendar.day(back)?.is_worked());
        }
        loop {
            let last = date.pred_opt().ok_or(Untold::TooFar)?;
            let day = calendar.day(last)?;
            let is_worked = day.is_worked();
            if !is_worked {
                self.noted.push(NotedDay { date: last, day });
            }
            if is_worked && worked >= least {
                return Ok((date, start));
            }
            let end = calendar.start_of(next(date)?)?;
            self.count_day(start, end, pauses);
            worked += usize::from(calendar.day(date)?.is_worked());
            date = next(date)?;
            start = end;
        }
    }

    fn count_working_hours(
        &mut self,
        calendar: &Calendar,
        zero: NaiveDate,
        hours: u16,
        pauses: &[Pause],
    ) -> Result<(), Untold> {
        if calendar.hours.is_empty() {
            return Err(Untold::NoHours);
        }
        let mut left = TimeDelta::hours(i64::from(hours));
        let mut date = zero;
        while left > TimeDelta::zero() {
            if self.counts(calendar, date)? {
                for hours in &calendar.hours {
                    let from = calendar.at(date, hours.from)?.max(self.anchor);
                    let to = calendar.at(date, hours.to)?;
                    left = self.count_stretch(from, to, left, pauses);
                }
            }
            date = next(date)?;
        }
        Ok(())
    }

    /// Counts what the pauses leave of a stretch, at most what is left of the span, and answers what is left then.
    fn count_stretch(
        &mut self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        mut left: TimeDelta,
        pauses: &[Pause],
    ) -> TimeDelta {
        let first = pauses.partition_point(|pause| pause.to <= from);
        let mut at = from;
        let breaks = pauses[first..].iter().map(|pause| (pause.from, pause.to));
        for (stop, resume) in breaks.chain([(to, to)]) {
            let stop = stop.min(to).min(at + left);
            if stop > at {
                left -= self.count(at, stop, micros(stop - at));
                self.due = stop;
            }
            at = resume.max(at);
            if left <= TimeDelta::zero() || at >= to {
                break;
            }
        }
        left
    }

    /// Whether a day counts; what is out of the ordinary is noted.
    fn counts(&mut self, calendar: &Calendar, date: NaiveDate) -> Result<bool, Untold> {
        if !matches!(self.span, Span::WorkingDays(_) | Span::WorkingHours(_)) {
            return Ok(true);
        }
        let day = calendar.day(date)?;
        let worked = day.is_worked();
        if day != Day::Working {
            self.noted.push(NotedDay { date, day });
        }
        Ok(worked)
    }

    /// Counts what the pauses leave of a day and answers its weight.
    fn count_day(&mut self, start: DateTime<Utc>, end: DateTime<Utc>, pauses: &[Pause]) -> i64 {
        let length = i128::from(micros(end - start).max(1));
        // Weights are differences of one function of the instant, so that parts of a day add up to the whole.
        let place = |at: DateTime<Utc>| i128::from(micros(at - start)) * i128::from(DAY) / length;
        let weight = |from, to| i64::try_from(place(to) - place(from)).unwrap_or(DAY);
        let first = pauses.partition_point(|pause| pause.to <= start);
        let (mut at, mut counted) = (start, 0);
        for pause in pauses[first..].iter().take_while(|pause| pause.from < end) {
            let (from, to) = (pause.from.clamp(at, end), pause.to.clamp(at, end));
            self.count(at, from, weight(at, from));
            counted += weight(at, from);
            at = to;
        }
        self.count(at, end, weight(at, end));
        counted + weight(at, end)
    }

    fn count(&mut self, from: DateTime<Utc>, to: DateTime<Utc>, weight: i64) -> TimeDelta {
        if to > from {
            self.counted.push(CountedSpan { from, to, weight });
        }
        to - from
    }
}

/// The pauses from `anchor` on, in order, with those that touch joined.
fn merged(pauses: &[Pause], anchor: DateTime<Utc>) -> Vec<Pause> {
    let mut sorted: Vec<Pause> = pauses
        .iter()
        .map(|pause| Pause { from: pause.from.max(anchor), to: pause.to })
        .filter(|pause| pause.from < pause.to)
        .collect();
    sorted.sort_unstable_by_key(|pause| pause.from);
    sorted.dedup_by(|next, last| {
        let touches = next.from <= last.to;
        if touches {
            last.to = last.to.max(next.to);
        }
        touches
    });
    sorted
}

fn next(date: NaiveDate) -> Result<NaiveDate, Untold> {
    date.succ_opt().ok_or(Untold::TooFar)
}

/// Whole microseconds; spans that a calendar counts fit by far.
fn micros(length: TimeDelta) -> i64 {
    length.num_microseconds().unwrap_or(i64::MAX)
}

fn zone_name<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}
