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
        by_year: file.by_year,
        years: file.years.iter().map(|year| year.year).collect(),
        exceptions,
    };
    Ok(Builtin { id, key, name: file.name, calendar, years: file.years })
}

#[cfg(test)]
mod tests {
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
    fn a_day_that_stands_twice_is_refused() {
        let twice = "name = 'x'\nzone = 'UTC'\nweekend = []\nby_year = false\n[[holidays]]\nname = 'y'\n\
                     first = '2026-01-01'\nlast = '2026-01-02'\nworked = ['2026-01-02']";
        assert!(read(NONE, "none", twice).is_err());
    }
}
