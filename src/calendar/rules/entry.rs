//! What may be entered into a calendar.

use std::collections::{BTreeSet, HashSet};

use chrono::{Datelike, NaiveDate};
use entity::calendar::Hours;
use entity::calendar_day;
use entity::vocabulary::CalendarDayKind;

use super::Weekend;

/// Most days that are entered at once.
pub const MAX_DAYS: usize = 1_000;

/// A day to enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedDay {
    /// The day.
    pub date: NaiveDate,
    /// Holiday or make-up working day.
    pub kind: CalendarDayKind,
    /// What it is called.
    pub name: String,
}

/// The years as a set.
///
/// # Errors
/// What is wrong with them, in words.
pub fn years(years: &[i32]) -> Result<BTreeSet<i32>, &'static str> {
    if years.len() > 20 || years.iter().any(|year| !(1970..=2199).contains(year)) {
        return Err("send at most 20 years, from 1970 to 2199");
    }
    Ok(years.iter().copied().collect())
}

/// Most stretches of a working day.
const MAX_STRETCHES: usize = 6;

/// Working hours from their beginnings and ends, such as 09:00 and 18:00; 24:00 is the end of the day.
///
/// # Errors
/// What is wrong with them, in words.
pub fn hours<'a>(
    stretches: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Hours>, &'static str> {
    let mut hours: Vec<Hours> = Vec::new();
    for (from, to) in stretches {
        let stretch = minute(from).zip(minute(to)).map(|(from, to)| Hours { from, to });
        let stretch = stretch.ok_or("send times as HH:MM, from 00:00 to 24:00")?;
        let follows = hours.last().is_none_or(|last| last.to <= stretch.from);
        if stretch.from >= stretch.to || !follows {
            return Err("send the hours of a day in order, each ending after it begins, without overlap");
        }
        hours.push(stretch);
    }
    if hours.len() > MAX_STRETCHES {
        return Err("send at most 6 stretches of a day");
    }
    Ok(hours)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) =
        text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let digits =
        |text: &str| text.parse::<u16>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    (minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
}

/// A minute of the day as HH:MM.
pub fn time_of(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Which of the days cannot be entered, by their place, and why: `replaced` are the years that the days replace,
/// `known` those and the years that are entered already.
pub fn faults(
    days: &[NamedDay],
    replaced: &BTreeSet<i32>,
    known: &BTreeSet<i32>,
    weekend: Weekend,
) -> Vec<(usize, String)> {
    let mut seen = HashSet::new();
    let fault = |day: &NamedDay, again: bool| {
        let NamedDay { date, kind, .. } = day;
        if again {
            Some(format!("{date} stands there twice"))
        } else if !known.contains(&date.year()) {
            let years: Vec<_> = replaced.iter().map(i32::to_string).collect();
            Some(format!("{date} lies neither in {} nor in a year that is entered", years.join(", ")))
        } else if *kind == CalendarDayKind::MakeUpWorkday && !weekend.contains(date.weekday()) {
            Some(format!("{date} is no day of the weekend: it is worked anyway"))
        } else {
            None
        }
    };
    let faulty = |(index, day): (usize, &NamedDay)| Some((index, fault(day, !seen.insert(day.date))?));
    days.iter().enumerate().filter_map(faulty).collect()
}

/// What has to be written so that `found` becomes what was entered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Rows of days that are no longer out of the ordinary.
    pub gone: Vec<&'a calendar_day::Model>,
    /// Rows before and after.
    pub changed: Vec<(&'a calendar_day::Model, calendar_day::Model)>,
    /// Days without a row.
    pub new: Vec<&'a NamedDay>,
}

/// How to replace the days of `years` by those among `days` and to add the others; nothing where nothing differs.
pub fn difference<'a>(
    found: &'a [calendar_day::Model],
    years: &BTreeSet<i32>,
    days: &'a [NamedDay],
) -> Difference<'a> {
    let mut difference = Difference::default();
    for row in found {
        match days.iter().find(|day| day.date == row.date) {
            Some(day) if (day.kind, &day.name) != (row.kind, &row.name) => {
                let after = calendar_day::Model { kind: day.kind, name: day.name.clone(), ..row.clone() };
                difference.changed.push((row, after));
            }
            None if years.contains(&row.date.year()) => difference.gone.push(row),
            Some(_) | None => {}
        }
    }
    let is_new = |day: &&NamedDay| found.iter().all(|row| row.date != day.date);
    difference.new = days.iter().filter(is_new).collect();
    difference
}

#[cfg(test)]
mod tests {
    use chrono::Weekday;
    use uuid::Uuid;

    use super::*;

    fn named(date: &str, kind: CalendarDayKind, name: &str) -> NamedDay {
        NamedDay { date: date.parse().unwrap(), kind, name: name.to_owned() }
    }

    fn holiday(date: &str) -> NamedDay {
        named(date, CalendarDayKind::Holiday, "a day")
    }

    fn row(number: u128, day: NamedDay) -> calendar_day::Model {
        let NamedDay { date, kind, name } = day;
        calendar_day::Model { id: Uuid::from_u128(number), calendar_id: Uuid::nil(), date, kind, name }
    }

    #[test]
    fn what_cannot_be_entered_is_found() {
        let weekend = Weekend::new([Weekday::Sat, Weekday::Sun]).unwrap();
        let worked = |date| named(date, CalendarDayKind::MakeUpWorkday, "worked");
        let days = [
            holiday("2027-01-01"),
            holiday("2027-01-01"),
            holiday("2026-12-31"),
            holiday("2025-12-31"),
            worked("2027-01-02"),
            worked("2027-01-04"),
        ];
        let (replaced, known) = (BTreeSet::from([2027]), BTreeSet::from([2026, 2027]));
        let found = faults(&days, &replaced, &known, weekend);
        assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 3, 5], "{found:?}");
        assert!(years(&[2027, 2027]).is_ok_and(|years| years.len() == 1) && years(&[27]).is_err());
    }

    #[test]
    fn only_what_differs_is_written() {
        let found =
            [row(1, holiday("2027-01-01")), row(2, holiday("2027-05-01")), row(3, holiday("2026-10-01"))];
        let renamed = named("2027-05-01", CalendarDayKind::Holiday, "another");
        let days = [holiday("2027-10-01"), renamed.clone(), holiday("2026-12-31")];
        let years = BTreeSet::from([2027]);
        let difference = difference(&found, &years, &days);
        assert_eq!(difference.gone, [&found[0]], "2026 is not replaced");
        assert_eq!(difference.changed, [(&found[1], row(2, renamed))]);
        assert_eq!(difference.new, [&days[0], &days[2]]);
        let same = [holiday("2027-01-01"), holiday("2027-05-01")];
        assert_eq!(super::difference(&found, &years, &same), Difference::default());
    }
}
