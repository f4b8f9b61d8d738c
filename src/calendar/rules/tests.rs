use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use proptest::prelude::*;

use super::*;
use crate::calendar::builtin;

fn built_in(key: &str) -> Calendar {
    builtin::all().unwrap().into_iter().find(|found| found.key == key).unwrap().calendar
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Noon of a day, by the clocks of the calendar.
fn noon(calendar: &Calendar, day: &str) -> DateTime<Utc> {
    let day: NaiveDate = day.parse().unwrap();
    calendar.zone.from_local_datetime(&day.and_hms_opt(12, 0, 0).unwrap()).unwrap().with_timezone(&Utc)
}

/// The last day of a span that begins at noon of `day`.
fn last_day(calendar: &Calendar, day: &str, span: Span) -> String {
    let end = due(calendar, noon(calendar, day), span, &[]).unwrap();
    let last = calendar.date_of(end).pred_opt().unwrap();
    assert_eq!(calendar.start_of(last.succ_opt().unwrap()), Ok(end), "due at 24:00");
    last.to_string()
}

#[test]
fn working_days_in_china_pass_over_holidays_and_count_make_up_days() {
    let china = built_in("china");
    let checks = [
        ("2026-02-13", 3, "2026-02-25"),
        ("2026-09-30", 5, "2026-10-13"),
        ("2026-04-30", 3, "2026-05-08"),
        // A notice on a holiday: its day is day 0 all the same.
        ("2026-05-01", 1, "2026-05-06"),
        ("2026-05-03", 3, "2026-05-08"),
        // On a make-up Saturday, and towards one.
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-02-27", 1, "2026-02-28"),
        ("2026-02-27", 0, "2026-02-27"),
        ("2024-12-31", 1, "2025-01-02"),
    ];
    for (day, days, last) in checks {
        assert_eq!(last_day(&china, day, Span::WorkingDays(days)), last, "{day} + {days}");
    }
}

#[test]
fn a_year_without_data_is_said() {
    let china = built_in("china");
    let eve = noon(&china, "2026-12-31");
    assert_eq!(due(&china, eve, Span::WorkingDays(1), &[]), Err(Untold::NoData { year: 2027 }));
    assert_eq!(last_day(&china, "2026-12-30", Span::WorkingDays(1)), "2026-12-31");
    assert_eq!(
        last_day(&china, "2026-12-31", Span::CalendarDays(1)),
        "2027-01-01",
        "nobody asks what day it is"
    );
    // The anchor's own day is day 0, whatever it is.
    let earlier = noon(&china, "2023-12-31");
    assert_eq!(
        due(&china, earlier, Span::WorkingDays(1), &[]),
        due(&china, noon(&china, "2024-01-01"), Span::WorkingDays(1), &[])
    );
    assert_eq!(last_day(&built_in("eu"), "2026-12-31", Span::WorkingDays(1)), "2027-01-01");
}

#[test]
fn months_end_on_the_same_day_or_the_months_last() {
    let china = built_in("china");
    for (day, months, last) in [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-15", 1, "2026-02-15"),
        ("2026-10-31", 4, "2027-02-28"),
    ] {
        assert_eq!(last_day(&china, day, Span::Months(months)), last);
    }
    assert_eq!(last_day(&built_in("eu"), "2026-05-01", Span::CalendarDays(14)), "2026-05-15");
}

#[test]
fn hours_run_through_both_changes_of_the_clocks() {
    let eu = built_in("eu");
    for (anchor, end) in
        [("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z")]
    {
        assert_eq!(due(&eu, at(anchor), Span::Hours(24), &[]), Ok(at(end)));
    }
    // The days are of 23 and 25 hours.
    for (day, start, end) in [
        ("2026-03-28", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026-10-24", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ] {
        let computation = explain(&eu, noon(&eu, day), Span::CalendarDays(1), false, &[]).unwrap();
        assert_eq!((computation.at_percent(0), computation.due), (at(start), at(end)));
    }
}

#[test]
fn a_midnight_that_is_jumped_over_or_comes_twice() {
    // Beirut's clocks jump from 00:00 to 01:00, Havana's fall back from 01:00 to 00:00.
    let zone = |name: &str| built_in("none").in_zone(name.parse().unwrap());
    assert_eq!(zone("Asia/Beirut").start_of("2025-03-30".parse().unwrap()), Ok(at("2025-03-29T22:00:00Z")));
    assert_eq!(
        zone("America/Havana").start_of("2025-11-02".parse().unwrap()),
        Ok(at("2025-11-02T04:00:00Z"))
    );
    // Samoa had no 30 December 2011: the day that is not there does not count.
    let samoa = zone("Pacific/Apia");
    assert_eq!(samoa.start_of("2011-12-30".parse().unwrap()), samoa.start_of("2011-12-31".parse().unwrap()));
    assert_eq!(last_day(&samoa, "2011-12-29", Span::CalendarDays(1)), "2011-12-31");
}

#[test]
fn a_pause_moves_the_end_by_what_it_took_of_what_counts() {
    let china = built_in("china");
    let pause = |from: &str, to: &str| Pause { from: at(from), to: at(to) };
    let anchor = at("2026-03-02T02:00:00Z");
    let end = |span, pauses: &[Pause]| due(&china, anchor, span, pauses).unwrap().to_rfc3339();
    let day = pause("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z");
    assert_eq!(end(Span::Hours(48), &[day]), "2026-03-05T02:00:00+00:00");
    assert_eq!(end(Span::WorkingDays(3), &[]), "2026-03-05T16:00:00+00:00");
    assert_eq!(end(Span::WorkingDays(3), &[day]), "2026-03-06T16:00:00+00:00");
    let hour = pause("2026-03-03T01:00:00Z", "2026-03-03T02:00:00Z");
    assert_eq!(
        end(Span::WorkingDays(3), &[hour]),
        "2026-03-06T16:00:00+00:00",
        "the whole number of days is counted"
    );
    let weekend = pause("2026-03-06T16:00:00Z", "2026-03-08T16:00:00Z");
    assert_eq!(
        end(Span::WorkingDays(5), &[weekend]),
        end(Span::WorkingDays(5), &[]),
        "it took nothing that counts"
    );
    let before = pause("2026-03-01T00:00:00Z", "2026-03-02T10:00:00Z");
    assert_eq!(end(Span::WorkingDays(3), &[before]), end(Span::WorkingDays(3), &[]), "day 0 counts nothing");
}

#[test]
fn three_quarters_of_what_counts() {
    let china = built_in("china");
    let hours = explain(&china, at("2026-03-02T00:00:00Z"), Span::Hours(48), false, &[]).unwrap();
    assert_eq!(hours.at_percent(75), at("2026-03-03T12:00:00Z"));
    // Two working days from Friday are Monday and Tuesday: the weekend between counts nothing.
    let days = explain(&china, noon(&china, "2026-03-06"), Span::WorkingDays(2), false, &[]).unwrap();
    assert_eq!(days.at_percent(75), at("2026-03-10T04:00:00Z"));
    assert_eq!(days.percent_at(at("2026-03-08T00:00:00Z")), 0);
    assert_eq!(days.percent_at(at("2026-03-09T16:00:00Z")), 50);
    assert_eq!((days.percent_at(days.due), days.at_percent(100)), (100, days.due));
}

#[test]
fn a_computation_says_what_it_passed_over() {
    let china = built_in("china");
    let computation = explain(&china, noon(&china, "2026-04-30"), Span::WorkingDays(4), false, &[]).unwrap();
    let noted: Vec<_> =
        computation.noted.iter().map(|noted| (noted.date.to_string(), noted.day.clone())).collect();
    let holiday = |day: u8| (format!("2026-05-0{day}"), Day::Holiday("劳动节".to_owned()));
    let mut expected: Vec<_> = (1..=5).map(holiday).collect();
    expected.push(("2026-05-09".to_owned(), Day::MakeUpWorkday("劳动节".to_owned())));
    assert_eq!(noted, expected);
    assert_eq!(computation.day_zero, Some("2026-04-30".parse().unwrap()));
    let json = serde_json::to_value(&computation).unwrap();
    assert_eq!(json["zone"], "Asia/Shanghai");
    assert_eq!(json["span"], serde_json::json!({ "unit": "WORKING_DAYS", "amount": 4 }));
    assert_eq!(json["noted"][0]["day"], serde_json::json!({ "kind": "HOLIDAY", "name": "劳动节" }));
}

#[test]
fn a_week_without_a_working_day_is_no_calendar() {
    let all = built_in("none").weekend.days().chain([Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu]);
    assert!(Weekend::new(all.chain([Weekday::Fri, Weekday::Sat, Weekday::Sun])).is_none());
    let weekend: Vec<_> = Weekend::new([Weekday::Sun, Weekday::Sat]).unwrap().days().collect();
    assert_eq!(weekend, [Weekday::Sat, Weekday::Sun]);
}

/// From nine to twelve and from half past one to six: seven and a half hours.
fn office() -> Vec<Hours> {
    hours([("09:00", "12:00"), ("13:30", "18:00")]).unwrap()
}

#[test]
fn working_hours_run_within_the_hours_of_days_that_are_worked() {
    let china = Calendar { hours: office(), ..built_in("china") };
    let local = |text: &str| {
        let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        china.zone.from_local_datetime(&naive).unwrap().with_timezone(&Utc)
    };
    for (from, amount, end) in [
        ("2026-03-02 09:00", 1, "2026-03-02 10:00"),
        ("2026-03-02 11:30", 1, "2026-03-02 14:00"),
        ("2026-03-02 03:00", 3, "2026-03-02 12:00"),
        ("2026-03-02 17:30", 1, "2026-03-03 09:30"),
        // A Friday evening; the Saturday of 28 February makes up for a holiday.
        ("2026-03-06 19:00", 8, "2026-03-10 09:30"),
        ("2026-02-27 18:00", 1, "2026-02-28 10:00"),
        // Over the Spring Festival.
        ("2026-02-14 17:00", 2, "2026-02-24 10:00"),
        ("2026-03-01 10:00", 0, "2026-03-01 10:00"),
    ] {
        assert_eq!(
            due(&china, local(from), Span::WorkingHours(amount), &[]),
            Ok(local(end)),
            "{from} + {amount}"
        );
    }
    let pause = Pause { from: local("2026-03-02 11:00"), to: local("2026-03-02 14:30") };
    let end = due(&china, local("2026-03-02 10:00"), Span::WorkingHours(2), &[pause]);
    assert_eq!(end, Ok(local("2026-03-02 15:30")), "an hour before it, and one after");
    let none = built_in("china");
    assert_eq!(due(&none, local("2026-03-02 10:00"), Span::WorkingHours(2), &[]), Err(Untold::NoHours));
    let beyond = due(&china, local("2026-12-31 17:00"), Span::WorkingHours(2), &[]);
    assert_eq!(beyond, Err(Untold::NoData { year: 2027 }));
}

#[test]
fn hours_of_a_day_are_in_order() {
    for wrong in [
        vec![("9:00", "18:00")],
        vec![("09:00", "24:01")],
        vec![("09:00", "09:00")],
        vec![("18:00", "09:00")],
        vec![("+9:00", "10:00")],
        vec![("13:00", "18:00"), ("09:00", "12:00")],
        vec![("09:00", "12:00"), ("11:59", "18:00")],
    ] {
        assert!(hours(wrong.clone()).is_err(), "{wrong:?}");
    }
    let whole = hours([("00:00", "24:00")]).unwrap();
    assert_eq!(
        whole.iter().map(|hours| (time_of(hours.from), time_of(hours.to))).collect::<Vec<_>>(),
        [("00:00".to_owned(), "24:00".to_owned())]
    );
}

/// Regulation 1182/71, art. 3(4) and 3(5); calendars of 2026.
#[test]
fn the_end_of_a_period_is_rolled_over_to_a_day_that_is_worked() {
    let mut eu = built_in("eu");
    let easter = Exception { kind: CalendarDayKind::Holiday, name: "Easter Monday".to_owned() };
    eu.exceptions.insert("2026-04-06".parse().unwrap(), easter);
    let last = |day: &str, span, rolls| {
        explain(&eu, noon(&eu, day), span, rolls, &[]).unwrap().last_day().unwrap().to_string()
    };
    for (day, span, strict, rolled) in [
        // 14 days from a Saturday end on a Saturday, and one month from 28 February on the Saturday of a month later.
        ("2026-03-07", Span::CalendarDays(14), "2026-03-21", "2026-03-23"),
        ("2026-02-28", Span::Months(1), "2026-03-28", "2026-03-30"),
        // Saturday before Easter Monday.
        ("2026-03-21", Span::CalendarDays(14), "2026-04-04", "2026-04-07"),
        ("2026-03-02", Span::CalendarDays(14), "2026-03-16", "2026-03-16"),
        // At least two working days in a period of two days or more: of Saturday and Sunday, to Tuesday.
        ("2026-03-13", Span::CalendarDays(2), "2026-03-15", "2026-03-17"),
        ("2026-03-13", Span::CalendarDays(1), "2026-03-14", "2026-03-16"),
        ("2026-03-12", Span::CalendarDays(2), "2026-03-14", "2026-03-16"),
    ] {
        assert_eq!(
            (last(day, span, false), last(day, span, true)),
            (strict.to_owned(), rolled.to_owned()),
            "{day}"
        );
    }
    let friday = noon(&eu, "2026-03-13");
    for span in [Span::Hours(24), Span::WorkingDays(3)] {
        assert_eq!(
            explain(&eu, friday, span, true, &[]).unwrap().due,
            explain(&eu, friday, span, false, &[]).unwrap().due,
            "hours are never rolled over, and working days end on one"
        );
    }
    let noted = explain(&eu, noon(&eu, "2026-03-21"), Span::CalendarDays(14), true, &[]).unwrap().noted;
    let noted: Vec<_> = noted.iter().map(|noted| noted.date.to_string()).collect();
    assert_eq!(noted, ["2026-04-04", "2026-04-05", "2026-04-06"]);
}

const ZONES: [&str; 6] =
    ["Asia/Shanghai", "Europe/Brussels", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "UTC"];

fn calendars() -> impl Strategy<Value = Calendar> {
    let weekend = proptest::collection::vec(0_u8..7, 0..3);
    let exceptions = proptest::collection::btree_map(0_i64..400, any::<bool>(), 0..40);
    (0..ZONES.len(), weekend, exceptions, any::<bool>()).prop_map(|(zone, weekend, exceptions, night)| {
        let first = NaiveDate::from_ymd_opt(2025, 6, 1).unwrap();
        let exceptions = exceptions.into_iter().map(|(day, holiday)| {
            let kind = if holiday { CalendarDayKind::Holiday } else { CalendarDayKind::MakeUpWorkday };
            (first + Duration::days(day), Exception { kind, name: "a day".to_owned() })
        });
        Calendar {
            zone: ZONES[zone].parse().unwrap(),
            weekend: Weekend::new(weekend.into_iter().map(|day| Weekday::try_from(day).unwrap())).unwrap(),
            hours: if night {
                vec![Hours { from: 60, to: 190 }, Hours { from: 1_320, to: 1_440 }]
            } else {
                office()
            },
            by_year: false,
            years: BTreeSet::new(),
            exceptions: exceptions.collect::<BTreeMap<_, _>>(),
        }
    })
}

/// An instant in about a year, to the microsecond.
fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..400 * 86_400_000_000)
        .prop_map(|micros| at("2025-06-01T00:00:00Z") + Duration::microseconds(micros))
}

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![
        (0_u16..800).prop_map(Span::Hours),
        (0_u16..40).prop_map(Span::CalendarDays),
        (0_u16..4).prop_map(Span::Months),
        (0_u16..25).prop_map(Span::WorkingDays),
        (0_u16..60).prop_map(Span::WorkingHours),
    ]
}

fn pauses() -> impl Strategy<Value = Vec<Pause>> {
    let pause = (instants(), 0_i64..6 * 86_400_000_000)
        .prop_map(|(from, length)| Pause { from, to: from + Duration::microseconds(length) });
    proptest::collection::vec(pause, 0..6)
}

fn longer(span: Span) -> Span {
    Span::new(span.unit(), span.amount() + 1)
}

proptest! {
    #[test]
    fn a_later_anchor_a_longer_span_and_a_further_pause_never_end_earlier(
        calendar in calendars(), one in instants(), other in instants(), span in spans(), pauses in pauses(), more in pauses(),
    ) {
        let (early, late) = (one.min(other), one.max(other));
        let end = due(&calendar, early, span, &pauses).unwrap();
        prop_assert!(end >= early);
        prop_assert!(due(&calendar, late, span, &pauses).unwrap() >= end);
        prop_assert!(due(&calendar, early, longer(span), &pauses).unwrap() > end);
        let all: Vec<_> = pauses.iter().chain(&more).copied().collect();
        prop_assert!(due(&calendar, early, span, &all).unwrap() >= end);
    }

    /// What is rolled over ends on a day that is worked, never before its strict end, and as late for a later anchor.
    #[test]
    fn a_period_that_is_rolled_over_ends_on_a_day_that_is_worked(
        calendar in calendars(), one in instants(), other in instants(), days in 1_u16..40, months in any::<bool>(), pauses in pauses(),
    ) {
        let span = if months { Span::Months(days % 4 + 1) } else { Span::CalendarDays(days) };
        let (early, late) = (one.min(other), one.max(other));
        let rolled = explain(&calendar, early, span, true, &pauses).unwrap();
        prop_assert!(rolled.due >= due(&calendar, early, span, &pauses).unwrap());
        prop_assert!(calendar.day(rolled.last_day().unwrap()).unwrap().is_worked());
        prop_assert!(explain(&calendar, late, span, true, &pauses).unwrap().due >= rolled.due);
    }

    /// The working hours between anchor and end, outside the pauses, are as many as the span has.
    #[test]
    fn working_hours_are_as_many_as_asked(
        calendar in calendars(), anchor in instants(), hours in 0_u16..60, pauses in pauses(),
    ) {
        let computation = explain(&calendar, anchor, Span::WorkingHours(hours), false, &pauses).unwrap();
        let mut counted = Duration::zero();
        let mut date = calendar.date_of(anchor);
        while date <= calendar.date_of(computation.due) {
            if calendar.day(date).unwrap().is_worked() {
                for stretch in &calendar.hours {
                    let from = calendar.at(date, stretch.from).unwrap().max(anchor);
                    let to = calendar.at(date, stretch.to).unwrap().min(computation.due);
                    let paused: Duration = computation.pauses.iter()
                        .map(|pause| (pause.to.min(to) - pause.from.max(from)).max(Duration::zero())).sum();
                    counted += (to - from).max(Duration::zero()) - if to > from { paused } else { Duration::zero() };
                }
            }
            date = date.succ_opt().unwrap();
        }
        prop_assert_eq!(counted, Duration::hours(i64::from(hours)));
    }

    #[test]
    fn days_end_with_a_day_that_counts(
        calendar in calendars(), anchor in instants(), days in 1_u16..25, pauses in pauses(),
    ) {
        let end = due(&calendar, anchor, Span::WorkingDays(days), &pauses).unwrap();
        let next = calendar.date_of(end);
        prop_assert_eq!(calendar.start_of(next), Ok(end));
        prop_assert!(calendar.day(next.pred_opt().unwrap()).unwrap().is_worked());
    }

    #[test]
    fn hours_end_later_by_all_that_was_paused(
        calendar in calendars(), anchor in instants(), hours in 0_u16..800, pauses in pauses(),
    ) {
        let computation = explain(&calendar, anchor, Span::Hours(hours), false, &pauses).unwrap();
        let paused: Duration = computation.pauses.iter().map(|pause| pause.to - pause.from).sum();
        prop_assert_eq!(computation.due, anchor + Duration::hours(i64::from(hours)) + paused);
    }

    /// A pause that is ended and taken up again at once, told twice or in another order is the same pause.
    #[test]
    fn pauses_add_up(
        calendar in calendars(), anchor in instants(), span in spans(), pauses in pauses(), cut in 0_i64..=100,
    ) {
        let end = due(&calendar, anchor, span, &pauses).unwrap();
        let mut cut: Vec<_> = pauses.iter().flat_map(|pause| {
            let middle = pause.from + (pause.to - pause.from) * i32::try_from(cut).unwrap() / 100;
            [Pause { from: middle, to: pause.to }, Pause { from: pause.from, to: middle }, *pause]
        }).collect();
        cut.reverse();
        prop_assert_eq!(due(&calendar, anchor, span, &cut).unwrap(), end);
        let used = explain(&calendar, anchor, span, false, &pauses).unwrap().pauses;
        prop_assert_eq!(due(&calendar, anchor, span, &used).unwrap(), end, "those on the way are all that matter");
    }

    /// Two pauses on days of 24 hours move the end as far as one that is as long as both.
    #[test]
    fn two_pauses_are_as_long_as_one_of_both(first in 1_i64..86_400, second in 1_i64..86_400, days in 3_u16..20) {
        let none = built_in("none");
        let anchor = at("2026-03-01T12:00:00Z");
        let seconds = Duration::seconds;
        let (one, other) = (at("2026-03-02T00:00:00Z"), at("2026-03-04T00:00:00Z"));
        let two = [Pause { from: one, to: one + seconds(first) }, Pause { from: other, to: other + seconds(second) }];
        let both = [Pause { from: one, to: one + seconds(first + second) }];
        let span = Span::CalendarDays(days);
        prop_assert_eq!(due(&none, anchor, span, &two), due(&none, anchor, span, &both));
    }

    #[test]
    fn parts_of_the_counted_time_come_in_order_and_are_found_again(
        calendar in calendars(), anchor in instants(), span in spans(), pauses in pauses(), percent in 0_u8..=100,
    ) {
        let computation = explain(&calendar, anchor, span, false, &pauses).unwrap();
        let instant = computation.at_percent(percent);
        prop_assert!(anchor <= instant && instant <= computation.due);
        prop_assert!(computation.percent_at(instant) >= percent);
        if percent > 0 && instant > anchor {
            prop_assert!(computation.percent_at(instant - Duration::microseconds(1)) < percent);
        }
        if percent < 100 {
            prop_assert!(computation.at_percent(percent + 1) >= instant);
        }
    }
}
