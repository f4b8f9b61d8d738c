use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::RemediationState::{self, Failed, Passed, Planned, RiskAccepted, Submitted};
use sea_orm::Iterable;

use super::*;
use crate::testing;

fn line(name: &str, remediation: Option<RemediationState>) -> LineFacts {
    LineFacts { line: name.to_owned(), remediation, assigned: true }
}

fn lines(states: &[(&str, RemediationState)], not_looked_yet: usize) -> MoveFacts {
    let lines = states.iter().map(|(name, state)| line(name, Some(*state))).collect();
    MoveFacts { lines, not_looked_yet, ..MoveFacts::default() }
}

fn event(status: Status) -> event::Model {
    event::Model { status, ..testing::event_row() }
}

fn now() -> DateTime<Utc> {
    testing::now()
}

/// What a move of the table needs, as words.
fn needs(event: &event::Model, to: Status, cause: Cause, facts: &MoveFacts) -> Vec<String> {
    assert!(is_move(event.status, to, cause), "{} to {to} by {cause:?} is no move", event.status);
    let entry = Move { from: event.status, to, cause };
    missing(event, &entry, facts, now()).into_iter().map(|need| need.message).collect()
}

/// The procedure's table as it is written down for people, a status and what it leaves by a line.
#[test]
fn the_table_is_the_procedures() {
    use Cause::*;
    use Status::*;
    #[rustfmt::skip]
    let procedure: &[(Status, &[(Status, Cause)])] = &[
        (Received, &[(Triaging, StartTriage), (Closed, LastReportLeft)]),
        (Triaging, &[
            (NeedsInformation, AskReporter), (Rating, VerdictToFix), (Replying, VerdictToAnswer),
            (Closed, LastReportLeft),
        ]),
        (NeedsInformation, &[(Triaging, ResumeTriage), (Replying, VerdictToAnswer)]),
        (Rating, &[(Remediating, StartRemediation), (Triaging, ReturnToTriage)]),
        (Remediating, &[(Verifying, Lines), (Replying, Lines), (Triaging, ReturnToTriage)]),
        (Verifying, &[
            (Replying, Lines), (Remediating, Lines), (Remediating, RiskExpired), (Triaging, ReturnToTriage),
        ]),
        (Replying, &[(Reviewing, StartReview), (Remediating, RiskExpired), (Triaging, ReturnToTriage)]),
        (Reviewing, &[
            (Closed, Review), (Closed, SkipReview), (Replying, NewObligation), (Remediating, RiskExpired),
            (Triaging, ReturnToTriage),
        ]),
        (Closed, &[(Triaging, Reopen), (Replying, NewObligation), (Remediating, RiskExpired)]),
    ];
    let mut expected = 0;
    for (from, moves) in procedure {
        for (to, cause) in *moves {
            assert!(is_move(*from, *to, *cause), "{from} to {to} by {cause:?} is missing");
        }
        assert_eq!(moves_from(*from).count(), moves.len(), "{from} has other moves too");
        expected += moves.len();
    }
    assert_eq!(MOVES.len(), expected);
    assert_eq!(procedure.len(), Status::iter().count());
}

#[test]
fn lines_put_an_event_where_the_procedure_says() {
    let with = |states: &[RemediationState], not_looked_yet| {
        let states: Vec<_> = states.iter().map(|state| ("gateway", *state)).collect();
        status_by_lines(&lines(&states, not_looked_yet))
    };
    assert_eq!(with(&[], 0), None);
    assert_eq!(with(&[Planned, Submitted], 0), Some(Status::Remediating));
    assert_eq!(with(&[Submitted, Passed], 0), Some(Status::Verifying));
    assert_eq!(with(&[Passed, Failed], 0), Some(Status::Remediating));
    assert_eq!(with(&[Passed, RiskAccepted], 0), Some(Status::Replying));
    assert_eq!(with(&[Passed], 1), Some(Status::Verifying), "a product nobody looked at holds it back");
}

#[test]
fn a_move_of_the_lines_says_which_line_lacks_what() {
    let fixing = event(Status::Remediating);
    let facts = lines(&[("router", Failed), ("gateway", Submitted), ("camera", RiskAccepted)], 2);
    assert_eq!(
        needs(&fixing, Status::Verifying, Cause::Lines, &facts),
        ["submit the fix of line router (submitFix)"]
    );
    assert_eq!(
        needs(&fixing, Status::Replying, Cause::Lines, &facts),
        [
            "submit and verify the fix of line router (submitFix, verifyFix), or accept its risk (acceptRisk)",
            "submit and verify the fix of line gateway (submitFix, verifyFix), or accept its risk (acceptRisk)",
            "say how 2 products that nobody looked at stand to it (setAffectedProduct)",
        ]
    );
    let without = needs(&fixing, Status::Verifying, Cause::Lines, &MoveFacts::default());
    assert!(without[0].contains("setAffectedProduct"), "{without:?}");
    let back = needs(&event(Status::Verifying), Status::Remediating, Cause::Lines, &facts);
    assert_eq!(back, ["it follows when a fix fails its verification, or a further line is affected"]);
}

#[test]
fn remediation_needs_a_score_and_somebody_for_each_line() {
    let mut rating = event(Status::Rating);
    let start = |event: &event::Model, facts: &MoveFacts| {
        needs(event, Status::Remediating, Cause::StartRemediation, facts)
    };
    assert_eq!(
        start(&rating, &MoveFacts::default()),
        ["score the event first (scoreEvent)", "say which products are affected (setAffectedProduct)"]
    );
    rating.score = 0;
    let mut facts =
        MoveFacts { lines: vec![line("router", None), line("camera", None)], ..MoveFacts::default() };
    assert_eq!(start(&rating, &facts), [""; 0], "a total of 0.0 is a score");
    facts.lines[1].assigned = false;
    assert_eq!(start(&rating, &facts), ["assign R_AND_D of line camera (assign)"]);
}

#[test]
fn missing_information_is_a_verdict_after_72_hours() {
    let waiting = |hours: i64| event::Model {
        asked_at: Some(now() - TimeDelta::hours(hours)),
        ..event(Status::NeedsInformation)
    };
    let facts = MoveFacts::default();
    let early = needs(&waiting(71), Status::Replying, Cause::VerdictToAnswer, &facts);
    assert!(early[0].starts_with("the reporter may answer until 2026-02-25T07:13:20Z"), "{early:?}");
    assert_eq!(needs(&waiting(72), Status::Replying, Cause::VerdictToAnswer, &facts), [""; 0]);
    assert_eq!(needs(&waiting(0), Status::Triaging, Cause::ResumeTriage, &facts), [""; 0]);
    let triaging = event(Status::Triaging);
    assert_eq!(needs(&triaging, Status::Replying, Cause::VerdictToAnswer, &facts), [""; 0]);
}

#[test]
fn what_a_person_may_do_at_once_lacks_nothing_and_what_follows_by_itself_says_when() {
    let facts = MoveFacts { reports: 1, ..MoveFacts::default() };
    for (from, to, cause) in [
        (Status::Received, Status::Triaging, Cause::StartTriage),
        (Status::Triaging, Status::Rating, Cause::VerdictToFix),
        (Status::Triaging, Status::NeedsInformation, Cause::AskReporter),
        (Status::Rating, Status::Triaging, Cause::ReturnToTriage),
        (Status::Replying, Status::Reviewing, Cause::StartReview),
        (Status::Reviewing, Status::Closed, Cause::Review),
        (Status::Closed, Status::Triaging, Cause::Reopen),
    ] {
        assert_eq!(needs(&event(from), to, cause, &facts), [""; 0], "{cause:?}");
    }
    for (from, to, cause) in [
        (Status::Received, Status::Closed, Cause::LastReportLeft),
        (Status::Closed, Status::Replying, Cause::NewObligation),
        (Status::Closed, Status::Remediating, Cause::RiskExpired),
    ] {
        let needed = needs(&event(from), to, cause, &facts);
        assert!(needed.len() == 1 && needed[0].starts_with("it follows when "), "{needed:?}");
        assert_eq!(cause.mutation(), None, "nobody can do {cause:?}");
    }
    let nobody =
        needs(&event(Status::Triaging), Status::NeedsInformation, Cause::AskReporter, &MoveFacts::default());
    assert_eq!(nobody, ["it has no report whose reporter could be asked"]);
    let owed = MoveFacts { open_obligations: 2, ..MoveFacts::default() };
    assert_eq!(
        needs(&event(Status::Replying), Status::Reviewing, Cause::StartReview, &owed),
        ["answer or waive 2 open obligations (recordReplySent, waiveObligation)"]
    );
}

#[test]
fn a_review_is_skipped_only_where_the_event_was_never_yellow() {
    for (highest, level, may) in [
        (Level::None, Level::None, true),
        (Level::Blue, Level::Blue, true),
        (Level::Yellow, Level::Yellow, false),
        (Level::Yellow, Level::Blue, false),
        (Level::Red, Level::None, false),
    ] {
        let event = event::Model { highest_level: highest, level, ..event(Status::Reviewing) };
        let needed = needs(&event, Status::Closed, Cause::SkipReview, &MoveFacts::default());
        let refused = format!("the event was {highest}: record a review (recordReview)");
        assert_eq!(needed, if may { vec![] } else { vec![refused] }, "{highest} once, {level} now");
        assert_eq!(may_skip_review(&event).is_ok(), may);
    }
}

#[test]
fn what_is_no_move_is_refused_with_the_moves_that_are() {
    let refusal = not_a_move(&event(Status::Reviewing), Status::Rating);
    assert_eq!(refusal.code, RefusalCode::MoveNotAllowed);
    assert_eq!(
        refusal.message,
        "REVIEWING cannot go to RATING here; from it the procedure goes to: CLOSED, REMEDIATING, REPLYING, TRIAGING"
    );
}

#[test]
fn a_reporter_sees_five_public_statuses() {
    let public: Vec<_> = Status::iter().map(|status| (status, public_status(status))).collect();
    assert_eq!(
        public,
        [
            (Status::Received, PublicStatus::Received),
            (Status::Triaging, PublicStatus::InReview),
            (Status::NeedsInformation, PublicStatus::NeedsInformation),
            (Status::Rating, PublicStatus::InReview),
            (Status::Remediating, PublicStatus::Fixing),
            (Status::Verifying, PublicStatus::Fixing),
            (Status::Replying, PublicStatus::Done),
            (Status::Reviewing, PublicStatus::Done),
            (Status::Closed, PublicStatus::Done),
        ]
    );
}
