//! The calendars that every installation begins with, from the files beside this one.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::NaiveDate;
use entity::vocabulary::{CalendarDayKind, Weekday};
use serde::Deserialize;
use uuid::Uuid;

use super::rules::{Calendar, Exception, Weekend};

/// Mainland China: weekends, public holidays and make-up working days.
pub const CHINA: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0063_616c_0001);
/// European Union: weekends alone.
pub const EU: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0063_616c_0002);
/// Every day is worked.
pub const NONE: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0063_616c_0003);

const FILES: [(Uuid, &str, &str); 3] = [
    (CHINA, "china", include_str!("builtin/china.toml")),
    (EU, "eu", include_str!("builtin/eu.toml")),
    (NONE, "none", include_str!("builtin/none.toml")),
];

/// A calendar that every installation begins with.
#[derive(Clone, Debug)]
pub struct Builtin {
    /// The same in every installation.
    pub id: Uuid,
    /// Its key.
    pub key: &'static str,
    /// Its name.
    pub name: String,
    /// What it says.
    pub calendar: Calendar,
    /// Years whose days it has, and where they come from.
    pub years: Vec<Year>,
}

/// A year whose days a file has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Year {
    /// The year.
    pub year: i32,
    /// The notice that announced its days.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    zone: String,
    weekend: Vec<Weekday>,
    by_year: bool,
    #[serde(default)]
    years: Vec<Year>,
    #[serde(default)]
    holidays: Vec<Holiday>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    name: String,
    first: NaiveDate,
    last: NaiveDate,
    #[serde(default)]
    worked: Vec<NaiveDate>,
}

/// The calendar of a channel that names none: by its jurisdiction, and where there is none for that, the strictest, in
/// which every day is worked.
pub fn of_jurisdiction(jurisdiction: &str) -> Uuid {
    match jurisdiction {
        "CN" => CHINA,
        "EU" => EU,
        _ => NONE,
    }
}

/// All of them.
///
/// # Errors
/// When a file is not what it has to be; a test reads them all.
pub fn all() -> anyhow::Result<Vec<Builtin>> {
    FILES
        .into_iter()
        .map(|(id, key, text)| read(id, key, text).with_context(|| format!("{key}.toml")))
        .collect()
}

fn read(id: Uuid, key: &'static str, text: &str) -> anyhow::Result<Builtin> {
    let file: File = toml::from_str(text)?;
    let mut exceptions = BTreeMap::new();
    for holiday in &file.holidays {
        let days = holiday.first.iter_days().take_while(|day| *day <= holiday.last);
        let worked = holiday.worked.iter().map(|day| (*day, CalendarDayKind::MakeUpWorkday));
        for (day, kind) in days.map(|day| (day, CalendarDayKind::Holiday)).chain(worked) {
            let exception = Exception { kind, name: holiday.name.clone() };
            anyhow::ensure!(exceptions.insert(day, exception).is_none(), "{day} stands there twice");
        }
    }
    let calendar = Calendar {
        zone: file.zone.parse().map_err(|error| anyhow::anyhow!("{error}"))?,
        weekend: Weekend::new(file.weekend.into_iter().map(Weekday::into))
            .context("the weekend is the week")?,
        // Nobody's are known but their own.
        hours: Vec::new(),
        by_year: file.by_year,
        years: file.years.iter().map(|year| year.year).collect(),
        exceptions,
    };
    Ok(Builtin { id, key, name: file.name, calendar, years: file.years })
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;

    use super::*;

    #[test]
    fn every_file_can_be_read() {
        let found = all().unwrap();
        let keys: Vec<_> = found.iter().map(|builtin| builtin.key).collect();
        assert_eq!(keys, ["china", "eu", "none"]);
        let china = &found[0].calendar;
        let years = china.exceptions.keys().map(chrono::Datelike::year).collect();
        assert_eq!(china.years, years, "each year has days, and no day lies elsewhere");
    }

    #[test]
    fn each_day_in_china_is_what_the_yearly_notices_say() {
        // Holidays by their first and last day, then make-up working days, as the three notices word them.
        const OFF: [(&str, &str); 20] = [
            ("2024-01-01", "2024-01-01"),
            ("2024-02-10", "2024-02-17"),
            ("2024-04-04", "2024-04-06"),
            ("2024-05-01", "2024-05-05"),
            ("2024-06-10", "2024-06-10"),
            ("2024-09-15", "2024-09-17"),
            ("2024-10-01", "2024-10-07"),
            ("2025-01-01", "2025-01-01"),
            ("2025-01-28", "2025-02-04"),
            ("2025-04-04", "2025-04-06"),
            ("2025-05-01", "2025-05-05"),
            ("2025-05-31", "2025-06-02"),
            ("2025-10-01", "2025-10-08"),
            ("2026-01-01", "2026-01-03"),
            ("2026-02-15", "2026-02-23"),
            ("2026-04-04", "2026-04-06"),
            ("2026-05-01", "2026-05-05"),
            ("2026-06-19", "2026-06-21"),
            ("2026-09-25", "2026-09-27"),
            ("2026-10-01", "2026-10-07"),
        ];
        const ON: [&str; 19] = [
            "2024-02-04",
            "2024-02-18",
            "2024-04-07",
            "2024-04-28",
            "2024-05-11",
            "2024-09-14",
            "2024-09-29",
            "2024-10-12",
            "2025-01-26",
            "2025-02-08",
            "2025-04-27",
            "2025-09-28",
            "2025-10-11",
            "2026-01-04",
            "2026-02-14",
            "2026-02-28",
            "2026-05-09",
            "2026-09-20",
            "2026-10-10",
        ];
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        let china = all().unwrap().swap_remove(0).calendar;
        let mut worked = BTreeMap::new();
        for date in day("2024-01-01").iter_days().take_while(|date| *date <= day("2026-12-31")) {
            let off = OFF.iter().any(|(first, last)| (day(first)..=day(last)).contains(&date));
            let weekend = matches!(date.weekday(), chrono::Weekday::Sat | chrono::Weekday::Sun);
            let expected = ON.iter().any(|on| day(on) == date) || !(off || weekend);
            assert_eq!(china.day(date).unwrap().is_worked(), expected, "{date}");
            *worked.entry(date.year()).or_insert(0) += i32::from(expected);
        }
        assert_eq!(worked, [(2024, 251), (2025, 248), (2026, 248)].into());
    }

    #[test]
    fn a_day_that_stands_twice_is_refused() {
        let twice = "name = 'x'\nzone = 'UTC'\nweekend = []\nby_year = false\n[[holidays]]\nname = 'y'\n\
                     first = '2026-01-01'\nlast = '2026-01-02'\nworked = ['2026-01-02']";
        assert!(read(NONE, "none", twice).is_err());
    }
}
