use super::*;

fn days(format: CalendarFormat, text: &str) -> Vec<(usize, String)> {
    let found = parse(format, text).unwrap();
    found.into_iter().map(|(line, day)| (line, format!("{} {} {}", day.date, day.kind, day.name))).collect()
}

fn faults(format: CalendarFormat, text: &str) -> String {
    told(&parse(format, text).unwrap_err())
}

#[test]
fn a_table_is_read_by_its_header() {
    let text = "\u{feff}name, kind, date, note\n春节, HOLIDAY, 2027-02-06, x\n\"春, 节\", MAKE_UP_WORKDAY, 2027-02-20\n";
    let expected =
        [(2, "2027-02-06 HOLIDAY 春节".to_owned()), (3, "2027-02-20 MAKE_UP_WORKDAY 春, 节".to_owned())];
    assert_eq!(days(CalendarFormat::Csv, text), expected);
}

#[test]
fn every_faulty_line_of_a_table_is_told_up_to_ten() {
    let text = "date,kind,name\n2027-02-30,HOLIDAY,x\n2027-02-01,holiday,x\n2027-02-02,HOLIDAY,\n";
    assert_eq!(
        faults(CalendarFormat::Csv, text),
        "line 2: \"2027-02-30\" is no date such as 2026-10-01; line 3: the kind is HOLIDAY or MAKE_UP_WORKDAY; \
         line 4: the name has 1 to 200 characters on one line"
    );
    let many = format!("date,kind,name\n{}", "x,HOLIDAY,y\n".repeat(12));
    assert!(faults(CalendarFormat::Csv, &many).ends_with("; and 2 more lines"));
    assert!(faults(CalendarFormat::Csv, "day,kind,name\n").starts_with("line 1: begin with a header"));
    assert_eq!(faults(CalendarFormat::Csv, "date,kind,name\n"), "line 1: there is no day in it");
    let long = "x".repeat(MAX_BYTES + 1);
    assert!(faults(CalendarFormat::Csv, &long).contains("send it in parts"));
    let days = format!("date,kind,name\n{}", "2027-01-01,HOLIDAY,y\n".repeat(MAX_DAYS + 1));
    assert!(faults(CalendarFormat::Csv, &days).starts_with("line 1002: more than 1000 days"));
}

/// A calendar around content lines, with the line ends of the standard.
fn calendar(events: &[&str]) -> String {
    let events: String = events.iter().map(|event| format!("BEGIN:VEVENT\n{event}\nEND:VEVENT\n")).collect();
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n").replace('\n', "\r\n")
}

#[test]
fn all_day_events_are_holidays() {
    let text = calendar(&[
        "UID:1\nDTSTART;VALUE=DATE:20270101\nSUMMARY:New Year\\, a l\n ong name",
        "DTSTART;VALUE=DATE:20270206\nDTEND;VALUE=DATE:20270208\nSUMMARY;LANGUAGE=zh:春节\nBEGIN:VALARM\nTRIGGER:-P1D\nEND:VALARM",
        "DTSTART:20270220\nSUMMARY:worked\nCATEGORIES:x,MAKE_UP_WORKDAY",
        "DTSTART:20270221\nSUMMARY:not at all\nSTATUS:CANCELLED",
        "DTSTART:20270301\nDURATION:P2D\nSUMMARY:two",
    ]);
    let expected = [
        (3, "2027-01-01 HOLIDAY New Year, a long name".to_owned()),
        (9, "2027-02-06 HOLIDAY 春节".to_owned()),
        (9, "2027-02-07 HOLIDAY 春节".to_owned()),
        (17, "2027-02-20 MAKE_UP_WORKDAY worked".to_owned()),
        (27, "2027-03-01 HOLIDAY two".to_owned()),
        (27, "2027-03-02 HOLIDAY two".to_owned()),
    ];
    assert_eq!(days(CalendarFormat::Ics, &text), expected);
    assert_eq!(days(CalendarFormat::Ics, &text.replace("\r\n", "\n")), expected, "with bare line feeds");
}

#[test]
fn where_days_are_marked_the_others_are_mere_festivals() {
    let text = calendar(&[
        "DTSTART:20270206\nSUMMARY:春节（休）\nX-APPLE-SPECIAL-DAY:WORK-HOLIDAY",
        "DTSTART:20270214\nSUMMARY:情人节\nRRULE:FREQ=YEARLY",
        "DTSTART:20270220\nSUMMARY:春节（班）\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY",
    ]);
    let kinds: Vec<_> =
        parse(CalendarFormat::Ics, &text).unwrap().into_iter().map(|(_, day)| day.kind).collect();
    assert_eq!(kinds, [CalendarDayKind::Holiday, CalendarDayKind::MakeUpWorkday]);
}

#[test]
fn what_is_no_list_of_days_is_told_by_its_line() {
    let event = |lines: &str| faults(CalendarFormat::Ics, &calendar(&[lines]));
    assert!(
        event("DTSTART:20270101T000000Z\nSUMMARY:x").starts_with("line 3: \"20270101T000000Z\" is no day")
    );
    assert!(
        event("DTSTART:20270101\nSUMMARY:x\nRRULE:FREQ=YEARLY").starts_with("line 3: it repeats by a rule")
    );
    assert!(event("DTSTART:20270102\nDTEND:20270101\nSUMMARY:x").starts_with("line 3: it has no day"));
    assert!(event("DTSTART:20270102\nDTEND:20280101\nSUMMARY:x").starts_with("line 3: it has no day"));
    assert!(event("DTSTART:20270102\nDURATION:PT8H\nSUMMARY:x").contains("no duration of whole days"));
    assert_eq!(event("SUMMARY:x"), "line 3: DTSTART is missing");
    assert_eq!(event("DTSTART:20270102"), "line 3: SUMMARY, the name, is missing");
    assert_eq!(event("x"), "line 4: this is no line of an iCalendar file");
    assert!(faults(CalendarFormat::Ics, "date:x").starts_with("line 1: "));
    let deep = "BEGIN:X\n".repeat(30_000);
    assert_eq!(faults(CalendarFormat::Ics, &deep), "line 5: it is nested too deeply");
    let cut = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270101\n";
    assert_eq!(faults(CalendarFormat::Ics, cut), "line 1: this is no iCalendar file");
}

const PARTS: &str = "BEGIN:VCALENDAR¦END:VCALENDAR¦BEGIN:VEVENT¦END:VEVENT¦BEGIN:VALARM¦DTSTART;VALUE=DATE:20260101¦\
    DTEND;VALUE=DATE:20251231¦DTSTART:20260230T000000Z¦DURATION:P9999999999D¦SUMMARY:¦班¦休¦\\n¦;¦:¦\"¦\
    date,kind,name¦2026-01-01,HOLIDAY,New Year¦9999-12-31¦0000-00-00¦,¦X-¦RRULE:FREQ=SECONDLY";

proptest::proptest! {
    #[test]
    fn any_calendar_never_panics(text in crate::testing::jumble(PARTS)) {
        for format in [CalendarFormat::Csv, CalendarFormat::Ics] {
            if let Err(faults) = parse(format, &text) {
                assert!(!told(&faults).is_empty());
            }
        }
    }
}
