use super::*;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn check(verdict: Verdict, facts: &Facts) -> Vec<(RefusalCode, &'static str)> {
    check_facts(verdict, facts, day(2026, 3, 2))
        .into_iter()
        .map(|refusal| (refusal.code, refusal.field.unwrap_or_default()))
        .collect()
}

fn waiting(asked_at: Option<DateTime<Utc>>) -> event::Model {
    event::Model {
        id: Uuid::from_u128(1),
        number: "VD-2026-1".to_owned(),
        title: "Stored script in a comment".to_owned(),
        described: true,
        description: String::new(),
        steps: String::new(),
        status: Status::NeedsInformation,
        verdict: None,
        level: entity::vocabulary::Level::None,
        highest_level: entity::vocabulary::Level::None,
        level_rank: 0,
        score: -1,
        tlp: entity::vocabulary::Tlp::Amber,
        embargo_until: None,
        received_at: DateTime::UNIX_EPOCH,
        history: false,
        pass: 1,
        duplicate_of: None,
        asked_report_id: None,
        asked_at,
        closed_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        changed_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn each_verdict_names_its_facts() {
    use RefusalCode::MissingFact;
    let missing = |verdict| check(verdict, &Facts::default());
    assert_eq!(missing(Verdict::Confirmed), [(MissingFact, "severity")]);
    assert_eq!(missing(Verdict::Duplicate), [(MissingFact, "originalEvent")]);
    let known = [(MissingFact, "internalFinding"), (MissingFact, "firstKnownOn")];
    assert_eq!(missing(Verdict::KnownInternally), known);
    let fixed = [(MissingFact, "firstKnownOn"), (MissingFact, "advisory"), (MissingFact, "fixedVersion")];
    assert_eq!(missing(Verdict::AlreadyFixed), fixed);
    let ended =
        [(MissingFact, "endOfLifeNotice"), (MissingFact, "lastSupportedVersion"), (MissingFact, "successor")];
    assert_eq!(missing(Verdict::EndOfLife), ended);
    assert_eq!(missing(Verdict::OtherVendor), [(MissingFact, "forwardedTo")]);
    for verdict in [
        Verdict::NotReproducible,
        Verdict::OutOfScope,
        Verdict::NotAVulnerability,
        Verdict::InsufficientInformation,
        Verdict::Spam,
    ] {
        assert_eq!(missing(verdict), [], "{verdict}");
    }
}

#[test]
fn complete_facts_pass() {
    let fixed = Facts {
        first_known_on: Some(day(2026, 3, 2)),
        advisory: text("SA-2026-7"),
        fixed_version: text("4.2.1"),
        ..Facts::default()
    };
    assert_eq!(check(Verdict::AlreadyFixed, &fixed), []);
    let confirmed =
        Facts { severity: Some(Severity::High), report: Some(Uuid::from_u128(3)), ..Facts::default() };
    assert_eq!(check(Verdict::Confirmed, &confirmed), []);
}

#[test]
fn facts_of_another_verdict_are_refused() {
    use RefusalCode::Contradiction;
    let facts = Facts {
        severity: Some(Severity::Low),
        report: Some(Uuid::from_u128(3)),
        forwarded_to: text("upstream"),
        ..Facts::default()
    };
    assert_eq!(
        check(Verdict::Spam, &facts),
        [(Contradiction, "severity"), (Contradiction, "forwardedTo"), (Contradiction, "report")]
    );
    let tomorrow =
        Facts { internal_finding: text("IF-9"), first_known_on: Some(day(2026, 3, 3)), ..Facts::default() };
    assert_eq!(check(Verdict::KnownInternally, &tomorrow), [(Contradiction, "firstKnownOn")]);
}

#[test]
fn a_waiting_event_takes_only_missing_information_after_72_hours() {
    let asked = DateTime::parse_from_rfc3339("2026-03-02T08:00:00Z").unwrap().to_utc();
    let event = waiting(Some(asked));
    let at = |hours, seconds| asked + Duration::hours(hours) + Duration::seconds(seconds);
    let verdict = Verdict::InsufficientInformation;
    assert!(check_waiting(&event, verdict, at(72, 0)).is_none());
    let refusal = check_waiting(&event, verdict, at(72, -1)).unwrap();
    assert!(refusal.message.contains("2026-03-05T08:00:00Z"), "{}", refusal.message);
    assert!(check_waiting(&event, Verdict::NotReproducible, at(500, 0)).is_some());
    let triaging = event::Model { status: Status::Triaging, ..event };
    assert!(check_waiting(&triaging, Verdict::NotReproducible, asked).is_none());
}

#[test]
fn only_a_verdict_that_turns_counts_as_changed() {
    assert!(!changes_verdict(None, Verdict::Confirmed));
    assert!(!changes_verdict(Some(Verdict::Confirmed), Verdict::Confirmed));
    assert!(changes_verdict(Some(Verdict::Confirmed), Verdict::Spam));
}

#[test]
fn duplicates_return_by_the_move_that_their_status_has() {
    assert_eq!(return_cause(Status::Replying), Some(Cause::ReturnToTriage));
    assert_eq!(return_cause(Status::Closed), Some(Cause::Reopen));
    assert_eq!(return_cause(Status::Triaging), None);
    assert_eq!(move_of(Verdict::KnownInternally), (Status::Rating, Cause::VerdictToFix));
    assert_eq!(move_of(Verdict::Duplicate), (Status::Replying, Cause::VerdictToAnswer));
}

#[test]
fn another_event_that_is_to_be_fixed_may_be_the_one_that_fixes() {
    let alone = Facts {
        internal_finding: text("PT-2026-17"),
        first_known_on: Some(day(2026, 2, 1)),
        ..Facts::default()
    };
    let elsewhere = Facts { fixing_event: Some(Uuid::from_u128(5)), ..alone.clone() };
    assert_eq!(check(Verdict::KnownInternally, &alone), []);
    assert_eq!(check(Verdict::KnownInternally, &elsewhere), []);
    let other = Facts { fixing_event: elsewhere.fixing_event, ..Facts::default() };
    assert_eq!(check(Verdict::Spam, &other), [(RefusalCode::Contradiction, "fixingEvent")]);

    let event = waiting(None);
    let named = |verdict| event::Model { id: Uuid::from_u128(5), verdict, ..waiting(None) };
    assert!(may_fix(&event, &event).is_err(), "it is the one that is fixed when it names none");
    for verdict in [None, Some(Verdict::Confirmed), Some(Verdict::KnownInternally)] {
        assert_eq!(may_fix(&event, &named(verdict)), Ok(()));
    }
    assert!(may_fix(&event, &named(Some(Verdict::OutOfScope))).is_err(), "nothing is fixed there");
}
