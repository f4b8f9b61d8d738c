//! Days of calendars from files: CSV and iCalendar (RFC 5545).
//!
//! CSV has a header with the columns `date` (2026-10-01), `kind` (HOLIDAY or MAKE_UP_WORKDAY) and `name`; others are
//! passed over. In iCalendar every all-day event is a holiday, of one day or several. Calendars of China mark which of
//! their events are holidays and which are make-up working days with `X-APPLE-SPECIAL-DAY` (WORK-HOLIDAY,
//! ALTERNATE-WORKDAY): where any event is marked, those without are mere festivals and are passed over. A category
//! MAKE_UP_WORKDAY says the same in other files. What repeats by a rule is refused, since holidays that are announced
//! year by year do not.

mod ics;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use entity::vocabulary::{CalendarDayKind, CalendarFormat};

use super::rules::{MAX_DAYS, NamedDay};

/// Largest file, in bytes.
const MAX_BYTES: usize = 256 << 10;
/// Faults that are told; all are found.
const TOLD: usize = 10;
/// Longest name of a day, in characters.
const NAME: usize = 200;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to put there instead.
    pub text: String,
}

impl LineFault {
    fn new(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: text.into() }
    }
}

/// The days that a file has, each with its line.
///
/// # Errors
/// All lines that cannot be taken.
pub fn parse(format: CalendarFormat, text: &str) -> Result<Vec<(usize, NamedDay)>, Vec<LineFault>> {
    if text.len() > MAX_BYTES {
        return Err(vec![LineFault::new(
            1,
            format!("the file has more than {MAX_BYTES} bytes: send it in parts"),
        )]);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = match format {
        CalendarFormat::Csv => table(text)?,
        CalendarFormat::Ics => ics::events(text)?,
    };
    match found.get(MAX_DAYS) {
        Some((line, _)) => {
            Err(vec![LineFault::new(*line, format!("more than {MAX_DAYS} days: send the file in parts"))])
        }
        None if found.is_empty() => Err(vec![LineFault::new(1, "there is no day in it")]),
        None => Ok(found),
    }
}

/// Faults in words for one message.
pub fn told(faults: &[LineFault]) -> String {
    let mut lines: Vec<_> =
        faults.iter().take(TOLD).map(|fault| format!("line {}: {}", fault.line, fault.text)).collect();
    if faults.len() > TOLD {
        lines.push(format!("and {} more lines", faults.len() - TOLD));
    }
    lines.join("; ")
}

fn table(text: &str) -> Result<Vec<(usize, NamedDay)>, Vec<LineFault>> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |error: &csv::Error| {
        let line = error.position().map_or(1, |position| line_number(position.line()));
        vec![LineFault::new(line, "this is no CSV")]
    };
    let header = reader.headers().map_err(|error| unreadable(&error))?;
    let column = |name: &str| header.iter().position(|found| found == name);
    let (Some(date), Some(kind), Some(name)) = (column("date"), column("kind"), column("name")) else {
        return Err(vec![LineFault::new(
            1,
            "begin with a header line that has the columns date, kind and name",
        )]);
    };
    let (mut days, mut faults) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(1, |position| line_number(position.line()));
        let field = |column| record.get(column).unwrap_or_default();
        match day(field(date), field(kind), field(name)) {
            Ok(day) => days.push((line, day)),
            Err(text) => faults.push(LineFault::new(line, text)),
        }
    }
    if faults.is_empty() { Ok(days) } else { Err(faults) }
}

fn day(date: &str, kind: &str, name: &str) -> Result<NamedDay, String> {
    let date: NaiveDate =
        date.parse().map_err(|_| format!("{} is no date such as 2026-10-01", quoted(date)))?;
    let kinds = [CalendarDayKind::Holiday, CalendarDayKind::MakeUpWorkday];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind);
    let kind = kind.ok_or("the kind is HOLIDAY or MAKE_UP_WORKDAY")?;
    Ok(NamedDay { date, kind, name: named(name)? })
}

fn named(name: &str) -> Result<String, String> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(format!("the name has 1 to {NAME} characters on one line")) }
}

/// A piece of the file, short enough for a message.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(20).collect::<String>())
}

fn line_number(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}
