//! Who is told of a clock.

use entity::vocabulary::{AssignmentState, Function};
use sea_orm::Iterable;

use super::*;

fn duty(function: Function, subject: &str, deputy: Option<&str>) -> duty::Model {
    duty::Model {
        id: id(70),
        function,
        subject: subject.to_owned(),
        deputy: deputy.map(str::to_owned),
        starts_at: DateTime::UNIX_EPOCH,
        ends_at: DateTime::UNIX_EPOCH,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        changed_at: DateTime::UNIX_EPOCH,
    }
}

fn work(function: Function, subject: &str) -> assignment::Model {
    assignment::Model {
        id: id(71),
        event_id: id(10),
        function,
        subject: Some(subject.to_owned()),
        team: None,
        line: None,
        due_at: None,
        state: AssignmentState::Open,
        note: None,
        decline_reason: None,
        assigned_by: "analyst-1".to_owned(),
        assigned_at: DateTime::UNIX_EPOCH,
        version: 1,
        received_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn who_is_told_has_the_work_or_the_duty() {
    let mut story = Story::new(&[("src", ChannelKind::SrcPlatform)]);
    story.facts.at = at("2026-10-16T00:00:00Z");
    let mut planned = Plan::default();
    let told = tell_due(&story.facts, &story.basis, &mut planned);
    let breached = told.iter().find(|told| told.percent == 100).unwrap();
    let duties = [
        duty(Function::Security, "analyst-2", Some("analyst-3")),
        duty(Function::LeadingGroup, "leader-1", None),
    ];
    let nobody = BTreeSet::new();
    let named: BTreeSet<String> = ["analyst-3".to_owned()].into();
    let told_of = |told: &Told, at_work: &[assignment::Model], duties: &[duty::Model], red: bool| {
        let around = Around { at_work, duties, named: if red { &named } else { &nobody }, red };
        addressees(told, &around).into_iter().collect::<Vec<_>>()
    };
    let people = |at_work: &[assignment::Model], red| told_of(breached, at_work, &duties, red);
    let soon = Told { percent: 75, ..breached.clone() };
    assert_eq!(people(&[], false), ["analyst-2", "analyst-3", "leader-1"]);
    let work = work(Function::Security, "analyst-1");
    assert_eq!(people(std::slice::from_ref(&work), false), ["analyst-1", "leader-1"]);
    assert_eq!(people(&[], true), ["analyst-3", "leader-1"], "of RED the named people and the leading group");
    let others =
        [duty(Function::Security, "analyst-4", None), duty(Function::LeadingGroup, "leader-1", None)];
    assert_eq!(told_of(breached, &[], &others, true), ["leader-1"], "who is not named on it is not told");
    assert_eq!(told_of(&soon, &[], &others, true), ["analyst-3", "leader-1"], "but somebody always is");
    let mut line = soon.clone();
    line.deadline.kind = DeadlineKind::Fix;
    let mut undated = line.clone();
    (undated.percent, undated.deadline.due_at) = (0, None);
    undated.deadline.none_reason = Some(NoDeadline::CalendarWithoutYear);
    assert_eq!(told_of(&undated, &[], &others, false), ["analyst-4"], "whoever enters what is missing");
    let of_team = assignment::Model {
        function: Function::RAndD,
        subject: None,
        team: Some("gateway-team".to_owned()),
        ..work
    };
    assert_eq!(
        told_of(&line, std::slice::from_ref(&of_team), &others, false),
        ["analyst-4", "leader-1"],
        "a team has the work and nobody is on duty for it"
    );
    assert_eq!(told_of(&line, &[of_team], &[], true), ["analyst-3"], "nobody is on duty at all");
}

#[test]
fn who_answers_by_the_roster_is_who_would_be_told() {
    let all = [Function::Security, Function::RAndD, Function::LeadingGroup, Function::Legal];
    let chosen = |bits: u8| all.into_iter().enumerate().filter(move |(place, _)| bits & 1 << place != 0);
    let nobody = BTreeSet::new();
    let with_deputy = |function: Function, subject: &str| {
        duty(function, subject, (function == Function::Security).then_some("deputy"))
    };
    let (mut answered, mut not) = (0, 0);
    for (roster, working) in (0..16_u8).flat_map(|roster| (0..16_u8).map(move |working| (roster, working))) {
        let duties: Vec<_> = chosen(roster)
            .map(|(place, function)| with_deputy(function, &format!("person-{place}")))
            .collect();
        let at_work: Vec<_> = chosen(working).map(|(_, function)| work(function, "worker")).collect();
        let around = Around { at_work: &at_work, duties: &duties, named: &nobody, red: false };
        for subject in ["person-0", "person-1", "person-2", "person-3", "deputy", "worker"] {
            let standby = standby(subject, &duties);
            for kind in DeadlineKind::iter() {
                let is_free = |row: &Standby| {
                    row.functions.iter().all(|own| at_work.iter().all(|work| work.function != *own))
                };
                let answers = standby.iter().any(|row| row.kind == kind && is_free(row));
                let told = responsible(&functions(kind, 0), None, &around).contains(subject);
                // Who works on it has its clocks by that.
                assert_eq!(answers, told && subject != "worker", "{kind} {subject} {duties:?} {at_work:?}");
                *(if answers { &mut answered } else { &mut not }) += 1;
            }
        }
    }
    assert!(answered > 500 && not > 500, "{answered} {not}");
    let leads = standby("person-2", &[duty(Function::LeadingGroup, "person-2", None)]);
    assert!(leads.iter().all(|row| row.red) && !leads.is_empty());
    assert!(
        standby("person-0", &[duty(Function::Security, "person-0", Some("deputy"))])
            .iter()
            .all(|row| !row.red)
    );
}
