//! Periods, their parts, shares and percentiles. No SQL.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use entity::vocabulary::FigureGroup;

use crate::error::{Error, Result};
use crate::intake::rules::start_of_day;
use crate::payout::period::{Length, Period};

/// Most parts into which a period is cut.
const MOST_PARTS: usize = 400;

/// Zone of a period that names none.
pub const ZONE: &str = "Asia/Shanghai";

/// Instants from `from` until before `until`, and the zone in which its days begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
    /// Where days, weeks and months begin at midnight.
    pub zone: Tz,
}

/// A part of a period: what it is called, and its first instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// A day (`2026-10-05`, a week by its Monday) or a month (`2026-10`).
    pub name: String,
    /// Its first instant.
    pub from: DateTime<Utc>,
}

/// How rows are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// All of them.
    Whole,
    /// By what they are about.
    By(FigureGroup),
    /// By the part of the period that they fall into.
    Parts(Vec<Part>),
}

impl Span {
    /// The whole period in `zone`.
    pub fn of(period: Period, zone: Tz) -> Self {
        Self { from: start_of_day(zone, period.first()), until: start_of_day(zone, period.end()), zone }
    }

    /// What an input names: a period of the calendar, or both instants.
    ///
    /// # Errors
    /// BAD_USER_INPUT when it names neither or both, is empty, or the zone is none.
    pub fn read(
        period: Option<&str>,
        from: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
        zone: &str,
    ) -> Result<Self> {
        let zone = read_zone("period.timeZone", zone)?;
        match (period, from, until) {
            (Some(period), None, None) => Ok(Self::of(read_period("period.period", period)?, zone)),
            (None, Some(from), Some(until)) if from < until => Ok(Self { from, until, zone }),
            (None, Some(_), Some(_)) => Err(Error::bad_input("period.until", "send an instant after from")),
            _ => Err(Error::bad_input(
                "period",
                "send either period (2026, 2026-Q1, 2026-03), or from and until",
            )),
        }
    }

    /// Its days, weeks or months, the first and the last as far as they lie within it.
    ///
    /// # Errors
    /// BAD_USER_INPUT when there are too many.
    fn parts(&self, unit: FigureGroup) -> Result<Vec<Part>> {
        let first = self.from.with_timezone(&self.zone).date_naive();
        let mut day = match unit {
            FigureGroup::Month => first.with_day(1).unwrap_or(first),
            FigureGroup::Week => first - Days::new(first.weekday().num_days_from_monday().into()),
            _ => first,
        };
        let mut parts = Vec::new();
        while start_of_day(self.zone, day) < self.until {
            if parts.len() == MOST_PARTS {
                let message = format!(
                    "the period has more than {MOST_PARTS} such parts: ask for longer parts or a shorter period"
                );
                return Err(Error::bad_input("by", message));
            }
            let form = if unit == FigureGroup::Month { "%Y-%m" } else { "%Y-%m-%d" };
            parts.push(Part { name: day.format(form).to_string(), from: start_of_day(self.zone, day) });
            let next = match unit {
                FigureGroup::Month => day.checked_add_months(Months::new(1)),
                FigureGroup::Week => day.checked_add_days(Days::new(7)),
                _ => day.succ_opt(),
            };
            let Some(next) = next else { break };
            day = next;
        }
        Ok(parts)
    }

    /// How its rows are put together by `by`.
    ///
    /// # Errors
    /// BAD_USER_INPUT when it has too many such parts.
    pub fn grouping(&self, by: Option<FigureGroup>) -> Result<Grouping> {
        Ok(match by {
            None => Grouping::Whole,
            Some(unit @ (FigureGroup::Day | FigureGroup::Week | FigureGroup::Month)) => {
                Grouping::Parts(self.parts(unit)?)
            }
            Some(by) => Grouping::By(by),
        })
    }
}

/// The period that a text names.
///
/// # Errors
/// BAD_USER_INPUT when it names none.
pub fn read_period(field: &str, text: &str) -> Result<Period> {
    text.parse().map_err(|error| Error::bad_input(field, format!("{error}")))
}

/// The month that a text names.
///
/// # Errors
/// BAD_USER_INPUT when it names none.
pub fn read_month(field: &str, text: &str) -> Result<Period> {
    let period = read_period(field, text)?;
    if period.length() == Length::Month {
        return Ok(period);
    }
    Err(Error::bad_input(field, "send a month such as 2026-03"))
}

/// The zone that a text names.
///
/// # Errors
/// BAD_USER_INPUT when it names none.
pub fn read_zone(field: &str, text: &str) -> Result<Tz> {
    text.parse().map_err(|_| Error::bad_input(field, "send an IANA zone such as Asia/Shanghai"))
}

/// The last month that is over at `now`.
pub fn last_month(now: DateTime<Utc>, zone: Tz) -> Result<Period> {
    let today = now.with_timezone(&zone).date_naive();
    named(today.with_day(1).and_then(|first| first.checked_sub_months(Months::new(1))), "%Y-%m")
}

/// The year of `now`.
pub fn this_year(now: DateTime<Utc>, zone: Tz) -> Result<Period> {
    named(Some(now.with_timezone(&zone).date_naive()), "%Y")
}

fn named(day: Option<NaiveDate>, form: &str) -> Result<Period> {
    let text = day.map(|day| day.format(form).to_string()).unwrap_or_default();
    text.parse().map_err(|error: crate::payout::period::NoPeriod| Error::Internal(error.into()))
}

/// The share in tenths of a per cent, rounded half up; none of nothing.
pub fn share(part: i64, whole: i64) -> Option<i32> {
    if whole <= 0 {
        return None;
    }
    let tenths = (i128::from(part) * 2_000 + i128::from(whole)) / (i128::from(whole) * 2);
    i32::try_from(tenths).ok()
}

/// Which of `count` values in ascending order, from 1, a percentile is: the least that at least `percent` of them do
/// not exceed (nearest rank). It is one of the values, never something between two; the median of an even number is
/// the lower of the middle two. The store asks for the same rank in SQL.
pub fn rank(count: i64, percent: i64) -> i64 {
    (count * percent + 99) / 100
}

/// A span of seconds as people read it, in the largest two units that it has.
pub fn duration(seconds: i64, chinese: bool) -> String {
    let units = if chinese { ["天", "小时", "分钟", "秒"] } else { [" d", " h", " min", " s"] };
    let rest = seconds.max(0);
    let parts = [rest / 86_400, rest / 3_600 % 24, rest / 60 % 60, rest % 60];
    let first = parts.iter().position(|part| *part > 0).unwrap_or(3);
    let shown: Vec<String> = (first..4)
        .take(2)
        .filter(|at| parts[*at] > 0 || *at == first)
        .map(|at| format!("{}{}", parts[at], units[at]))
        .collect();
    shown.join(if chinese { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn refused(result: Result<Span>) -> String {
        match result.unwrap_err() {
            Error::BadInput { field, .. } => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_month_is_half_open_in_its_zone() {
        let span = Span::read(Some("2026-10"), None, None, "Asia/Shanghai").unwrap();
        assert_eq!((span.from, span.until), (at("2026-09-30T16:00:00Z"), at("2026-10-31T16:00:00Z")));
        let span = Span::read(Some("2026-10"), None, None, "Europe/Berlin").unwrap();
        // Summer time ends within it.
        assert_eq!((span.from, span.until), (at("2026-09-30T22:00:00Z"), at("2026-10-31T23:00:00Z")));
    }

    #[test]
    fn what_is_no_period_is_refused_with_its_field() {
        let (one, two) = (Some(at("2026-01-01T00:00:00Z")), Some(at("2026-01-02T00:00:00Z")));
        assert_eq!(refused(Span::read(Some("2026-13"), None, None, ZONE)), "period.period");
        assert_eq!(refused(Span::read(Some("2026"), one, two, ZONE)), "period");
        assert_eq!(refused(Span::read(None, one, None, ZONE)), "period");
        assert_eq!(refused(Span::read(None, None, None, ZONE)), "period");
        assert_eq!(refused(Span::read(None, one, one, ZONE)), "period.until");
        assert_eq!(refused(Span::read(None, one, two, "Mars/Olympus")), "period.timeZone");
        assert!(Span::read(None, one, two, ZONE).is_ok());
        assert!(read_month("month", "2026-Q1").is_err() && read_month("month", "2026-02").is_ok());
    }

    #[test]
    fn parts_begin_at_local_midnight_and_cover_the_period() {
        let span = Span::read(Some("2026-10"), None, None, ZONE).unwrap();
        let names = |by| match span.grouping(Some(by)).unwrap() {
            Grouping::Parts(parts) => parts.into_iter().map(|part| part.name).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(names(FigureGroup::Month), ["2026-10"]);
        assert_eq!(names(FigureGroup::Day).len(), 31);
        assert_eq!(
            names(FigureGroup::Week),
            ["2026-09-28", "2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26"]
        );
        let long = Span::read(Some("2026"), None, None, ZONE).unwrap();
        assert_eq!(long.parts(FigureGroup::Month).unwrap().len(), 12);
        assert_eq!(long.parts(FigureGroup::Month).unwrap()[1].from, at("2026-01-31T16:00:00Z"));
        let longer = Span { until: at("2028-01-01T00:00:00Z"), ..long };
        assert!(longer.grouping(Some(FigureGroup::Day)).is_err());
        assert!(longer.grouping(Some(FigureGroup::Week)).is_ok());
    }

    #[test]
    fn the_last_month_and_this_year_are_those_of_the_zone() {
        let new_year = at("2025-12-31T16:00:00Z");
        assert_eq!(last_month(new_year, chrono_tz::Asia::Shanghai).unwrap().to_string(), "2025-12");
        assert_eq!(last_month(new_year, Tz::UTC).unwrap().to_string(), "2025-11");
        assert_eq!(this_year(new_year, chrono_tz::Asia::Shanghai).unwrap().to_string(), "2026");
    }

    #[test]
    fn shares_are_rounded_half_up_and_never_of_nothing() {
        assert_eq!(share(1, 3), Some(333));
        assert_eq!(share(2, 3), Some(667));
        assert_eq!(share(1, 2000), Some(1));
        assert_eq!(share(1, 2001), Some(0));
        assert_eq!((share(0, 5), share(5, 5), share(0, 0)), (Some(0), Some(1000), None));
    }

    #[test]
    fn percentiles_are_values_by_nearest_rank() {
        assert_eq!([1, 2, 3, 4, 10, 11].map(|count| rank(count, 50)), [1, 1, 2, 2, 5, 6]);
        assert_eq!([1, 2, 9, 10, 11, 100].map(|count| rank(count, 90)), [1, 2, 9, 9, 10, 90]);
    }

    #[test]
    fn spans_are_read_in_two_units() {
        assert_eq!(duration(0, false), "0 s");
        assert_eq!(duration(59, true), "59秒");
        assert_eq!(duration(3_600, false), "1 h");
        assert_eq!(duration(90_061, false), "1 d 1 h");
        assert_eq!(duration(86_400 + 120, true), "1天");
    }
}
