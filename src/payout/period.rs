//! Periods of bonuses and budgets: a year, a quarter or a month of the calendar.

use std::fmt;
use std::str::FromStr;

use chrono::{Months, NaiveDate};

/// A year, a quarter or a month, written `2026`, `2026-Q1`, `2026-03`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    first: NaiveDate,
    length: Length,
}

/// How long a period is, the shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Length {
    /// One month.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

/// A text that is no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("send a year (2026), a quarter (2026-Q1) or a month (2026-03)")]
pub struct NoPeriod;

impl Length {
    fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

impl Period {
    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// The first day after it.
    pub fn end(self) -> NaiveDate {
        self.first + Months::new(self.length.months())
    }

    /// How long it is.
    pub fn length(self) -> Length {
        self.length
    }
}

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
        let digits =
            |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| text.parse::<u32>().map_err(|_| NoPeriod);
        if !digits(year, 4) {
            return Err(NoPeriod);
        }
        let (length, month) = match rest {
            None => (Length::Year, 1),
            Some("Q1") => (Length::Quarter, 1),
            Some("Q2") => (Length::Quarter, 4),
            Some("Q3") => (Length::Quarter, 7),
            Some("Q4") => (Length::Quarter, 10),
            Some(month) if digits(month, 2) => (Length::Month, number(month)?),
            Some(_) => return Err(NoPeriod),
        };
        let year = year.parse().ok().filter(|year| *year >= 1970).ok_or(NoPeriod)?;
        let first = NaiveDate::from_ymd_opt(year, month, 1).ok_or(NoPeriod)?;
        Ok(Self { first, length })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = chrono::Datelike::month0(&self.first);
        match self.length {
            Length::Year => write!(f, "{}", self.first.format("%Y")),
            Length::Quarter => write!(f, "{}-Q{}", self.first.format("%Y"), month / 3 + 1),
            Length::Month => write!(f, "{}", self.first.format("%Y-%m")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_shown_the_same() {
        for (text, first, end) in [
            ("2026", "2026-01-01", "2027-01-01"),
            ("2026-Q1", "2026-01-01", "2026-04-01"),
            ("2026-Q4", "2026-10-01", "2027-01-01"),
            ("2026-02", "2026-02-01", "2026-03-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.first().to_string(), period.end().to_string()), (first.into(), end.into()));
            assert_eq!(period.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in
            ["", "26", "2026-", "2026-Q5", "2026-q1", "2026-13", "2026-00", "2026-1", "+026", "2026-03-01"]
        {
            assert_eq!(text.parse::<Period>(), Err(NoPeriod), "{text}");
        }
    }
}
