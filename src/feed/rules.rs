//! What a feed says, as iCalendar (RFC 5545).

use chrono::{DateTime, NaiveDate, Utc};
use entity::event;
use entity::vocabulary::Tlp;
use icalendar::{Calendar, Class, Component, Event, EventLike, Property};

/// Something that a person has to do.
#[derive(Clone, Debug)]
pub(super) struct Duty {
    /// The same as long as it is the same thing.
    pub uid: String,
    /// The event; none where the person may not see it.
    pub event: Option<event::Model>,
    /// Its kind, in words.
    pub kind: String,
    /// When it is due.
    pub due: Due,
    /// When it was given.
    pub given_at: DateTime<Utc>,
    /// Counts its changes.
    pub version: i32,
}

/// When something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// At an instant.
    At(DateTime<Utc>),
    /// Some time on a day.
    On(NaiveDate),
}

/// The text of a calendar with `duties`. The same duties are the same text.
pub(super) fn calendar(name: &str, duties: &[Duty]) -> String {
    let mut calendar = Calendar {
        properties: Property::from_array([
            ("VERSION", "2.0"),
            ("PRODID", "-//vulndesk//calendar feed//EN"),
            ("CALSCALE", "GREGORIAN"),
            ("X-WR-CALNAME", name),
        ]),
        components: Vec::new(),
    };
    // The name's standard property (RFC 7986), beside the one that older programs read.
    calendar.append_property(Property::new("NAME", name).add_parameter("VALUE", "TEXT").done());
    for duty in duties {
        calendar.push(event(duty));
    }
    calendar.to_string()
}

fn event(duty: &Duty) -> Event {
    let summary = match &duty.event {
        // Not even what it waits for.
        Some(event) if event.tlp == Tlp::Red => event.number.clone(),
        Some(event) => format!("{} {}", event.number, duty.kind),
        None => duty.kind.clone(),
    };
    let mut event = Event::new();
    event
        .uid(&duty.uid)
        .summary(&summary)
        .timestamp(duty.given_at)
        .sequence(u32::try_from(duty.version - 1).unwrap_or(0))
        .class(Class::Private)
        // Something due takes no time away.
        .add_property("TRANSP", "TRANSPARENT");
    // Without an end it is an instant, or the one day: the library's `all_day` would end a day before it begins.
    match duty.due {
        Due::At(at) => event.starts(at),
        Due::On(day) => event.starts(day),
    };
    event.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duty(kind: &str, due: Due) -> Duty {
        let given_at = DateTime::from_timestamp(1_772_000_000, 0).unwrap();
        Duty {
            uid: format!("{kind}@vulndesk"),
            event: None,
            kind: kind.to_owned(),
            due,
            given_at,
            version: 3,
        }
    }

    #[test]
    fn the_text_is_what_the_standard_says() {
        let at = DateTime::from_timestamp(1_772_100_000, 0).unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        let long = "a, b; c\\d\ne ".to_owned() + &"处置".repeat(40);
        let text = calendar("mine, yours", &[duty("one", Due::At(at)), duty(&long, Due::On(day))]);
        for line in [
            "BEGIN:VCALENDAR",
            "X-WR-CALNAME:mine\\, yours",
            "NAME;VALUE=TEXT:mine\\, yours",
            "DTSTART:20260226T100000Z",
            "DTSTART;VALUE=DATE:20260309",
            "DTSTAMP:20260225T061320Z",
            "SEQUENCE:2",
            "CLASS:PRIVATE",
            "SUMMARY:one",
            "UID:one@vulndesk",
        ] {
            assert!(text.split("\r\n").any(|found| found == line), "{line} in {text}");
        }
        assert!(!text.contains("METHOD") && !text.contains("DTEND"));
        assert!(text.contains("SUMMARY:a\\, b\\; c\\\\d\\ne 处置"), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{text}");
        assert_eq!(text, calendar("mine, yours", &[duty("one", Due::At(at)), duty(&long, Due::On(day))]));
    }
}
