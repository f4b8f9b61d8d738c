//! Days from iCalendar text.

use chrono::{Days, NaiveDate};
use entity::vocabulary::CalendarDayKind;
use icalendar::parser::{Component, read_calendar, unfold};

use super::super::rules::NamedDay;
use super::{LineFault, named, quoted};

/// Deepest nesting: an alarm stands in an event in a calendar. The parser goes as deep as the text does.
const DEPTH: usize = 4;
/// Longest event, in days.
const LONGEST: usize = 60;
/// What marks a day as not worked or as worked to make up for it.
const MARK: &str = "X-APPLE-SPECIAL-DAY";

/// The days of all events, each with the line on which its event begins.
pub(super) fn events(text: &str) -> Result<Vec<(usize, NamedDay)>, Vec<LineFault>> {
    let lines = beginnings(text)?;
    let unfolded = unfold(text);
    let calendar =
        read_calendar(&unfolded).map_err(|_| vec![LineFault::new(1, "this is no iCalendar file")])?;
    let events: Vec<_> =
        calendar.components.iter().filter(|component| is(&component.name, "VEVENT")).collect();
    let marked = events.iter().any(|event| mark(event).is_some());
    let (mut days, mut faults) = (Vec::new(), Vec::new());
    for (event, line) in events.iter().zip(lines) {
        let kind = match mark(event) {
            None if marked => continue,
            None => kind_of(event),
            Some(kind) => kind,
        };
        if value(event, "STATUS").is_some_and(|status| is(status, "CANCELLED")) {
            continue;
        }
        match days_of(event) {
            Ok((dates, name)) => {
                days.extend(
                    dates.into_iter().map(|date| (line, NamedDay { date, kind, name: name.clone() })),
                );
            }
            Err(text) => faults.push(LineFault::new(line, text)),
        }
    }
    if faults.is_empty() { Ok(days) } else { Err(faults) }
}

/// The lines on which events begin, in a text whose lines are content lines and that is not nested too deeply.
fn beginnings(text: &str) -> Result<Vec<usize>, Vec<LineFault>> {
    let (mut found, mut depth) = (Vec::new(), 0_usize);
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.is_empty() || line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, value)) = line.split_once([':', ';']) else {
            return Err(vec![LineFault::new(number, "this is no line of an iCalendar file")]);
        };
        if is(name, "BEGIN") {
            depth += 1;
            if is(value.trim(), "VEVENT") {
                found.push(number);
            }
        } else if is(name, "END") {
            depth = depth.saturating_sub(1);
        }
        if depth > DEPTH {
            return Err(vec![LineFault::new(number, "it is nested too deeply")]);
        }
    }
    Ok(found)
}

fn is(text: impl AsRef<str>, name: &str) -> bool {
    text.as_ref().eq_ignore_ascii_case(name)
}

fn value<'a>(event: &'a Component<'_>, name: &str) -> Option<&'a str> {
    event.properties.iter().find(|property| is(&property.name, name)).map(|property| property.val.as_str())
}

/// What the event says of itself, if it does.
fn mark(event: &Component<'_>) -> Option<CalendarDayKind> {
    match value(event, MARK)? {
        mark if is(mark, "WORK-HOLIDAY") => Some(CalendarDayKind::Holiday),
        mark if is(mark, "ALTERNATE-WORKDAY") => Some(CalendarDayKind::MakeUpWorkday),
        _ => None,
    }
}

fn kind_of(event: &Component<'_>) -> CalendarDayKind {
    let made_up = CalendarDayKind::MakeUpWorkday;
    let categories = event.properties.iter().filter(|property| is(&property.name, "CATEGORIES"));
    let mut categories = categories.flat_map(|property| property.val.as_str().split(','));
    if categories.any(|category| is(category.trim(), made_up.as_str())) {
        made_up
    } else {
        CalendarDayKind::Holiday
    }
}

/// The days that an event covers, and its name.
fn days_of(event: &Component<'_>) -> Result<(Vec<NaiveDate>, String), String> {
    if value(event, "RRULE").is_some() || value(event, "RDATE").is_some() {
        return Err("it repeats by a rule: write each day as an event of its own".to_owned());
    }
    let first = date(value(event, "DTSTART").ok_or("DTSTART is missing")?)?;
    // Its end is the first day after it; an event without end and duration is a day long.
    let end = match (value(event, "DTEND"), value(event, "DURATION")) {
        (Some(end), _) => date(end)?,
        (None, duration) => {
            let days = duration.map_or(Ok(1), whole_days)?;
            first.checked_add_days(Days::new(days)).ok_or("it ends beyond the calendar")?
        }
    };
    let days: Vec<_> = first.iter_days().take_while(|day| *day < end).take(LONGEST + 1).collect();
    if days.is_empty() || days.len() > LONGEST {
        return Err(format!("it has no day or more than {LONGEST}: DTEND is the first day after it"));
    }
    Ok((days, named(value(event, "SUMMARY").ok_or("SUMMARY, the name, is missing")?)?))
}

/// A duration of whole days or weeks, as all-day events have it.
fn whole_days(text: &str) -> Result<u64, String> {
    let count = |unit| text.strip_prefix('P')?.strip_suffix(unit)?.parse::<u32>().ok().map(u64::from);
    let days = count('D').or_else(|| count('W').map(|weeks| weeks * 7));
    days.ok_or_else(|| format!("{} is no duration of whole days such as P1D", quoted(text)))
}

fn date(text: &str) -> Result<NaiveDate, String> {
    let wrong = || format!("{} is no day such as 20261001: send all-day events", quoted(text));
    if text.len() != 8 {
        return Err(wrong());
    }
    NaiveDate::parse_from_str(text, "%Y%m%d").map_err(|_| wrong())
}
