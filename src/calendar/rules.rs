//! Which days of a calendar are worked, and from there when a span of time is over.

mod count;
mod entry;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::{GapInfo, Tz};
pub use count::{Computation, CountedSpan, NotedDay, Pause, Span, due, explain};
use entity::calendar::Hours;
use entity::vocabulary::CalendarDayKind;
pub use entry::{Difference, MAX_DAYS, NamedDay, difference, faults, hours, time_of, years};
use serde::Serialize;

/// A calendar as the arithmetic needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Where its days begin and end. A channel's own zone stands in for it: [`in_zone`](Self::in_zone).
    pub zone: Tz,
    /// Days of the week that are not worked.
    pub weekend: Weekend,
    /// Hours in which a working day is worked, in order and without overlap; none where nobody entered them.
    pub hours: Vec<Hours>,
    /// Whether holidays are announced anew for each year, so that nothing is known of a year before its days are
    /// entered. A calendar without holidays knows every year.
    pub by_year: bool,
    /// Years whose days are entered.
    pub years: BTreeSet<i32>,
    /// Days that are not what their day of the week says, with their names.
    pub exceptions: BTreeMap<NaiveDate, Exception>,
}

/// A day that is not what its day of the week says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Holiday or make-up working day.
    pub kind: CalendarDayKind,
    /// What the day is called.
    pub name: String,
}

/// Days of the week that are not worked; never all seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekend(u8);

impl Weekend {
    /// A weekend of these days; none when it is the whole week, since no working day would ever come.
    pub fn new(days: impl IntoIterator<Item = Weekday>) -> Option<Self> {
        let bits = days.into_iter().fold(0, |bits, day| bits | 1 << day.num_days_from_monday());
        (bits != 0b111_1111).then_some(Self(bits))
    }

    /// Whether the day belongs to it.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & 1 << day.num_days_from_monday() != 0
    }

    /// Its days, from Monday.
    pub fn days(self) -> impl Iterator<Item = Weekday> {
        let week = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        week.into_iter().filter(move |day| self.contains(*day))
    }
}

/// What a day is in a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Day {
    /// Worked.
    Working,
    /// Not worked by its day of the week.
    Weekend,
    /// Not worked, though its day of the week would be.
    Holiday(String),
    /// Worked, to make up for a holiday.
    MakeUpWorkday(String),
}

impl Day {
    /// Whether it is worked.
    pub fn is_worked(&self) -> bool {
        matches!(self, Self::Working | Self::MakeUpWorkday(_))
    }
}

/// Why a span's end cannot be told. It is said rather than guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// The calendar's days of this year are not entered yet.
    NoData {
        /// The year.
        year: i32,
    },
    /// The calendar's working hours are not entered.
    NoHours,
    /// It lies beyond what the calendar can count.
    TooFar,
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData { year } => {
                write!(f, "the calendar has no data of {year}: enter the days of that year")
            }
            Self::NoHours => f.write_str("the calendar has no working hours: enter them"),
            Self::TooFar => f.write_str("the end lies beyond what can be counted"),
        }
    }
}

impl std::error::Error for Untold {}

impl Calendar {
    /// The same days, beginning and ending by the clocks of `zone`.
    #[must_use]
    pub fn in_zone(mut self, zone: Tz) -> Self {
        self.zone = zone;
        self
    }

    /// What a day is.
    ///
    /// # Errors
    /// [`Untold::NoData`] when the day's year is not entered.
    pub fn day(&self, date: NaiveDate) -> Result<Day, Untold> {
        let year = date.year();
        if self.by_year && !self.years.contains(&year) {
            return Err(Untold::NoData { year });
        }
        Ok(match self.exceptions.get(&date) {
            Some(Exception { kind: CalendarDayKind::Holiday, name }) => Day::Holiday(name.clone()),
            Some(Exception { kind: CalendarDayKind::MakeUpWorkday, name }) => {
                Day::MakeUpWorkday(name.clone())
            }
            None if self.weekend.contains(date.weekday()) => Day::Weekend,
            None => Day::Working,
        })
    }

    /// The day on which an instant falls.
    pub fn date_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// The first instant of a day, which is 24:00 of the day before. A midnight that the clocks jump over is the
    /// instant of the jump; of one that comes twice it is the first.
    ///
    /// # Errors
    /// [`Untold::TooFar`] at the end of the calendar's time.
    pub fn start_of(&self, date: NaiveDate) -> Result<DateTime<Utc>, Untold> {
        self.instant(date.and_time(NaiveTime::MIN))
    }

    /// The instant of a minute of a day, of which the 1440th is the day's end.
    fn at(&self, date: NaiveDate, minute: u16) -> Result<DateTime<Utc>, Untold> {
        let local = date.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(minute.into()));
        self.instant(local.ok_or(Untold::TooFar)?)
    }

    /// When the clocks show this. A time that they jump over is the instant of the jump; of one that comes twice it is the
    /// first.
    fn instant(&self, local: NaiveDateTime) -> Result<DateTime<Utc>, Untold> {
        let found = match self.zone.from_local_datetime(&local).earliest() {
            Some(found) => Some(found),
            None => GapInfo::new(&local, &self.zone).and_then(|jump| jump.end),
        };
        Ok(found.ok_or(Untold::TooFar)?.with_timezone(&Utc))
    }
}
