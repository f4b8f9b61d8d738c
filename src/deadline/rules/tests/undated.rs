//! Clocks that cannot be counted, and when people are told of them.

use super::*;

#[test]
fn what_cannot_be_counted_says_why() {
    let clock = |calendars: bool, years: &[i32], anchor: DateTime<Utc>| {
        let mut basis = basis();
        let (own, timed) = (basis.own_calendar, basis.calendars.get_mut(&basis.own_calendar).unwrap());
        timed.calendar.by_year = true;
        timed.calendar.years = years.iter().copied().collect();
        if !calendars {
            basis.calendars.clear();
        }
        let clock = want::Clock {
            rolls_over: false,
            kind: DeadlineKind::Reply,
            regime: entity::vocabulary::Regime::SrcPromise,
            rule: Some("src-verdict".to_owned()),
            report_id: None,
            channel_id: None,
            line: None,
            anchor: DeadlineAnchor::Received,
            anchor_at: Some(anchor),
            unanchored: NoDeadline::NoTerm,
            end: want::End::After(crate::calendar::rules::Span::WorkingDays(5)),
            pauses: false,
            calendar: own,
            zone: None,
        };
        let count = count::count(&clock, DeadlineKind::Reply, &basis, &[]);
        (count.due_at, count.none_reason)
    };
    let end_of_year = at("2026-12-30T01:00:00Z");
    let due = at("2027-01-06T16:00:00Z");
    assert_eq!(clock(true, &[2026, 2027], end_of_year), (Some(due), None));
    assert_eq!(clock(true, &[2026], end_of_year), (None, Some(NoDeadline::CalendarWithoutYear)));
    assert_eq!(clock(false, &[2026], end_of_year), (None, Some(NoDeadline::NoCalendar)));
    let last = DateTime::<Utc>::MAX_UTC - TimeDelta::days(2);
    let years: Vec<_> = (262_140..262_145).collect();
    assert_eq!(clock(true, &years, last), (None, Some(NoDeadline::TooFar)));
}

#[test]
fn a_notice_without_a_date_has_no_deadline_until_one_is_entered() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    assert_eq!(story.clock("notice-feedback").none_reason, Some(NoDeadline::NoNoticeDate));
    assert_eq!(story.due("cnvd-publication"), Some(at("2026-11-26T16:00:00Z")));
    let date = at("2026-10-20T16:00:00Z");
    story.enter(ClockFactKind::NoticeDue, Some(id(20)), Some(date));
    assert_eq!(
        (story.due("notice-feedback"), story.clock("notice-feedback").none_reason),
        (Some(date), None)
    );
    story.enter(ClockFactKind::Publication, Some(id(20)), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(story.due("cnvd-publication"), Some(at("2027-01-01T00:00:00Z")));
    story.later(24 * 100);
    let published = story.clock("cnvd-publication");
    assert_eq!((published.state, published.breached_at), (DeadlineState::Met, None), "it is theirs");
}

impl Story {
    /// When people were told that the clock of a rule cannot be counted, with what it lacks.
    fn undated(&self, rule: &str) -> Vec<(DateTime<Utc>, NoDeadline)> {
        let of_rule = self.told.iter().filter(|(_, told)| told.deadline.rule.as_deref() == Some(rule));
        of_rule.filter_map(|(at, told)| Some((*at, told.undated()?))).collect()
    }

    fn hour_by_hour(&mut self, hours: usize) {
        (0..hours).for_each(|_| self.later(1));
    }
}

#[test]
fn a_notice_without_a_date_is_told_of_at_once_and_again_each_working_day_of_its_channel() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.hour_by_hour(192);
    // From Monday on, at midnight in Shanghai, and over the weekend not.
    let told = [
        "2026-10-12T01:00:00Z",
        "2026-10-12T16:00:00Z",
        "2026-10-13T16:00:00Z",
        "2026-10-14T16:00:00Z",
        "2026-10-15T16:00:00Z",
        "2026-10-18T16:00:00Z",
        "2026-10-19T16:00:00Z",
    ];
    let expected: Vec<_> = told.iter().map(|text| (at(text), NoDeadline::NoNoticeDate)).collect();
    assert_eq!(story.undated("notice-feedback"), expected);
    story.enter(ClockFactKind::NoticeDue, Some(id(20)), Some(at("2026-12-01T00:00:00Z")));
    story.hour_by_hour(48);
    assert_eq!(story.undated("notice-feedback").len(), told.len(), "it has a date");
}

#[test]
fn a_calendar_without_the_year_is_told_of_each_day_and_what_waits_for_others_never() {
    let mut story = Story::new(&[]);
    let own = story.basis.own_calendar;
    story.basis.calendars.get_mut(&own).unwrap().calendar.by_year = true;
    let src = channel(50, "src", ChannelKind::SrcPlatform, false);
    story.facts.arrived(report(20, &src), &src);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    assert_eq!(story.clock("cra-final-report").none_reason, Some(NoDeadline::NoMeasureYet));
    story.hour_by_hour(49);
    let told = ["2026-10-12T01:00:00Z", "2026-10-13T01:00:00Z", "2026-10-14T01:00:00Z"];
    let expected: Vec<_> = told.iter().map(|text| (at(text), NoDeadline::CalendarWithoutYear)).collect();
    assert_eq!(story.undated("src-verdict"), expected);
    assert_eq!(story.undated("cra-final-report"), [], "nobody can enter that");
    let calendar = &mut story.basis.calendars.get_mut(&own).unwrap().calendar;
    calendar.years = BTreeSet::from([2026]);
    story.hour_by_hour(48);
    assert_eq!(story.due("src-verdict"), Some(at("2026-10-19T16:00:00Z")));
    assert_eq!(story.undated("src-verdict").len(), told.len());
}

#[test]
fn a_publication_is_told_of_before_it_has_happened_and_may_be_put_off() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.enter(ClockFactKind::NoticeDue, Some(id(20)), Some(at("2027-12-01T16:00:00Z")));
    let due = at("2026-11-26T16:00:00Z");
    story.facts.at = due;
    let mut planned = story.plan();
    assert!(planned.is_empty(), "no command passes over its end in silence: {planned:?}");
    let told = tell_due(&story.facts, &story.basis, &mut planned);
    let told: Vec<_> =
        told.iter().map(|told| (told.deadline.rule.as_deref(), told.percent, told.is_breach())).collect();
    assert_eq!(told, [(Some("cnvd-publication"), 100, false)]);
    story.settle();
    let met = story.clock("cnvd-publication").clone();
    assert_eq!((met.state, met.met_at, met.breached_at), (DeadlineState::Met, Some(due), None));
    let agreed = at("2026-12-24T16:00:00Z");
    story.enter(ClockFactKind::Publication, Some(id(20)), Some(agreed));
    assert_eq!(story.of_kind(DeadlineKind::Publication).len(), 2);
    let clock = story.clock("cnvd-publication");
    assert_eq!((clock.state, clock.due_at), (DeadlineState::Open, Some(agreed)));
    story.facts.world.push(world_fact::Model {
        id: id(62),
        event_id: id(10),
        kind: WorldFactKind::PubliclyKnown,
        occurred_at: Some(at("2026-12-01T00:00:00Z")),
        learned_at: at("2026-12-01T00:00:00Z"),
        source: "a mailing list".to_owned(),
        recorded_by: "analyst-1".to_owned(),
        recorded_at: at("2026-12-01T00:00:00Z"),
    });
    story.later(24 * 6);
    let clock = story.clock("cnvd-publication");
    assert_eq!((clock.state, clock.met_at), (DeadlineState::Met, Some(at("2026-12-01T00:00:00Z"))));
    story.enter(ClockFactKind::Publication, Some(id(20)), Some(at("2027-02-01T00:00:00Z")));
    assert_eq!(story.of_kind(DeadlineKind::Publication).len(), 2, "what is known is not put off");
}
