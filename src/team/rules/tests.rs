use chrono::{DateTime, Utc};
use entity::vocabulary::MemberSource;
use uuid::Uuid;

use super::*;

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000, 0).unwrap()
}

fn member(number: u128, subject: Option<&str>, function: Function) -> team_member::Model {
    team_member::Model {
        id: Uuid::from_u128(number),
        event_id: Uuid::nil(),
        subject: subject.map(str::to_owned),
        team: None,
        function: Some(function),
        team_group: group_of(function),
        source: MemberSource::Manual,
        added_by: "analyst-1".to_owned(),
        added_at: at(),
        removed_by: None,
        removed_at: None,
    }
}

fn work(number: u128, line: Option<&str>, state: AssignmentState) -> assignment::Model {
    assignment::Model {
        id: Uuid::from_u128(number),
        event_id: Uuid::nil(),
        function: if line.is_some() { Function::RAndD } else { Function::Legal },
        subject: Some("engineer-1".to_owned()),
        team: None,
        line: line.map(str::to_owned),
        due_at: None,
        state,
        note: None,
        decline_reason: None,
        assigned_by: "analyst-1".to_owned(),
        assigned_at: at(),
        version: 1,
        received_at: at(),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> RefusalCode {
    result.unwrap_err().code
}

#[test]
fn an_answer_moves_an_assignment_as_the_table_says() {
    use AssignmentState::{Accepted, Declined, Done, Open};
    let engineer = Actor::operator("engineer-1", [Role::Engineer]);
    let after = |state, answer| answered(&engineer, &work(1, Some("gateway"), state), answer).ok();
    let table = [
        (Open, [Some(Accepted), Some(Declined), Some(Done)]),
        (Accepted, [None, Some(Declined), Some(Done)]),
        (Done, [None, None, None]),
        (Declined, [None, None, None]),
    ];
    for (state, expected) in table {
        let found = [Answer::Accept, Answer::Decline, Answer::Done].map(|answer| after(state, answer));
        assert_eq!(found, expected, "{state}");
    }
}

#[test]
fn only_the_assignee_answers_and_an_analyst_may_mark_done() {
    let open = work(1, Some("gateway"), AssignmentState::Open);
    let other = Actor::operator("engineer-2", [Role::Engineer]);
    assert_eq!(code(answered(&other, &open, Answer::Done)), RefusalCode::FourEyes);
    let analyst = Actor::operator("analyst-1", [Role::Analyst]);
    assert_eq!(code(answered(&analyst, &open, Answer::Accept)), RefusalCode::FourEyes);
    assert_eq!(answered(&analyst, &open, Answer::Done), Ok(AssignmentState::Done));

    let of_team = assignment::Model { subject: None, team: Some("gateway-team".to_owned()), ..open };
    assert_eq!(code(answered(&other, &of_team, Answer::Accept)), RefusalCode::FourEyes);
    let colleague = Actor { teams: vec!["gateway-team".to_owned()].into(), ..other };
    assert_eq!(answered(&colleague, &of_team, Answer::Accept), Ok(AssignmentState::Accepted));
}

#[test]
fn a_line_has_nobody_left_when_all_its_assignments_are_declined() {
    use AssignmentState::{Accepted, Declined};
    let declined = work(1, Some("gateway"), Declined);
    let with = |others: &[assignment::Model]| {
        let rows: Vec<_> = others.iter().cloned().chain([declined.clone()]).collect();
        all_declined(&rows, &declined)
    };
    assert!(with(&[]));
    assert!(with(&[work(2, Some("gateway"), Declined), work(3, Some("router"), Accepted)]));
    assert!(!with(&[work(2, Some("gateway"), Accepted)]));
    assert!(!all_declined(&[], &work(1, None, Declined)), "only R_AND_D fixes a line");
}

#[test]
fn a_red_event_belongs_to_named_people_whom_a_leader_chooses() {
    let analyst = Actor::operator("analyst-1", [Role::Analyst]);
    let leader = Actor::operator("leader-1", [Role::Leader]);
    assert_eq!(may_change_team(Tlp::AmberStrict, &analyst), Ok(()));
    assert_eq!(code(may_change_team(Tlp::Red, &analyst)), RefusalCode::NeedsLeader);
    assert_eq!(may_change_team(Tlp::Red, &leader), Ok(()));

    let team = Party::Team("gateway-team".to_owned());
    let person = Party::Person("engineer-1".to_owned());
    let there = [member(1, Some("engineer-1"), Function::RAndD)];
    let joined = |tlp, members, party, actor| may_be_joined_by(tlp, members, party, actor);
    assert_eq!(joined(Tlp::Amber, &[], &team, &analyst), Ok(()));
    assert_eq!(joined(Tlp::Amber, &[], &person, &analyst), Ok(()));
    assert_eq!(code(joined(Tlp::Red, &[], &team, &leader)), RefusalCode::Contradiction);
    assert_eq!(code(joined(Tlp::Red, &[], &person, &analyst)), RefusalCode::NeedsLeader);
    assert_eq!(joined(Tlp::Red, &there, &person, &analyst), Ok(()));
    assert_eq!(joined(Tlp::Red, &[], &person, &leader), Ok(()));
    let gone = [left(&there[0], "leader-1", at())];
    assert_eq!(code(joined(Tlp::Red, &gone, &person, &analyst)), RefusalCode::NeedsLeader);
}

#[test]
fn who_leaves_leaves_their_unfinished_work() {
    use AssignmentState::{Accepted, Declined, Done, Open};
    let of_team = assignment::Model {
        subject: None,
        team: Some("gateway-team".to_owned()),
        ..work(6, Some("gateway"), Open)
    };
    let of_other =
        assignment::Model { subject: Some("engineer-2".to_owned()), ..work(5, Some("gateway"), Open) };
    let rows = [
        work(1, Some("gateway"), Open),
        work(2, Some("router"), Accepted),
        work(3, Some("gateway"), Done),
        work(4, Some("gateway"), Declined),
        of_other,
        of_team,
    ];
    let ids =
        |member: &team_member::Model| ending(&rows, member).map(|row| row.id.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(&member(1, Some("engineer-1"), Function::RAndD)), [1, 2]);
    let team =
        team_member::Model { team: Some("gateway-team".to_owned()), ..member(2, None, Function::RAndD) };
    assert_eq!(ids(&team), [6]);
    assert_eq!(ids(&member(3, None, Function::RAndD)), [] as [u128; 0], "a vacant function has no work");

    let declined = declined_by_leaving(&rows[0], Some("moved"));
    assert_eq!((declined.state, declined.version), (Declined, 2));
    assert_eq!(declined.decline_reason.as_deref(), Some("the assignee was taken off the team: moved"));
}

#[test]
fn the_last_analyst_of_a_red_event_stays() {
    let analyst = member(1, Some("analyst-1"), Function::Security);
    let second = member(2, Some("analyst-2"), Function::Security);
    let vacant = member(3, None, Function::Security);
    let legal = member(4, Some("legal-1"), Function::Legal);
    let gone = left(&analyst, "leader-1", at());

    let alone = [analyst.clone(), vacant.clone(), legal.clone()];
    let after = [gone.clone(), vacant, legal.clone()];
    assert_eq!(code(may_become(Tlp::Red, &alone, &after)), RefusalCode::MissingFact);
    assert_eq!(may_become(Tlp::Amber, &alone, &after), Ok(()));
    assert_eq!(may_become(Tlp::Red, &[analyst.clone(), second.clone()], &[gone.clone(), second]), Ok(()));
    let without_legal = [analyst.clone(), left(&legal, "leader-1", at())];
    assert_eq!(may_become(Tlp::Red, &[analyst, legal], &without_legal), Ok(()));
}

#[test]
fn whoever_leaves_leaves_with_every_membership() {
    let first = member(1, Some("support-1"), Function::TechnicalService);
    let second = member(2, Some("support-1"), Function::Delivery);
    let other = member(3, Some("support-2"), Function::Delivery);
    let earlier = left(&member(4, Some("support-1"), Function::Delivery), "analyst-1", at());
    let vacant = member(5, None, Function::Legal);
    let also_vacant = member(6, None, Function::PublicRelations);
    let members = [first.clone(), second.clone(), other, earlier, vacant.clone(), also_vacant];
    let ids = |member| leaving(&members, member).map(|row| row.id.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(&first), [1, 2]);
    assert_eq!(ids(&vacant), [5], "vacant functions have no person in common");
}

#[test]
fn one_who_left_is_no_longer_on_the_team() {
    let present = member(1, Some("support-1"), Function::Delivery);
    let person = Party::Person("support-1".to_owned());
    assert!(is_on_team(std::slice::from_ref(&present), &person));
    assert!(!is_on_team(&[left(&present, "analyst-1", at())], &person));
    assert!(!is_on_team(&[present], &Party::Team("support-1".to_owned())));
}
