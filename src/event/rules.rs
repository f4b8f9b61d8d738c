//! The procedure: one table of moves, from which everything else about moves is derived.

use entity::event;
use entity::vocabulary::{Level, PublicStatus, RemediationState, Status};

use crate::auth::policy::Action;
use crate::error::{Refusal, RefusalCode};

/// What causes a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An analyst starts the analysis.
    StartTriage,
    /// An analyst asks the reporter.
    AskReporter,
    /// Information arrived, or an analyst goes on without it.
    ResumeTriage,
    /// A verdict that the event is ours to fix.
    VerdictToFix,
    /// Any other verdict.
    VerdictToAnswer,
    /// An analyst starts the fix.
    StartRemediation,
    /// The lines' states say so.
    Lines,
    /// An analyst starts the review.
    StartReview,
    /// The review was recorded, or skipped with a reason.
    Review,
    /// An analyst returns it with a reason.
    ReturnToTriage,
    /// An analyst reopens it with a reason.
    Reopen,
    /// A report or follow-up opened an obligation.
    NewObligation,
    /// Its last report was joined to another event.
    LastReportLeft,
    /// A decision that accepted a line's risk expired: the line is to be fixed again.
    RiskExpired,
}

impl Cause {
    /// The mutation by which a person brings it about; `None` where the procedure does so by itself.
    pub fn mutation(self) -> Option<Action> {
        match self {
            Self::StartTriage => Some(Action::StartTriage),
            Self::AskReporter => Some(Action::AskReporter),
            Self::ResumeTriage => Some(Action::ResumeTriage),
            Self::VerdictToFix | Self::VerdictToAnswer => Some(Action::GiveVerdict),
            Self::StartRemediation => Some(Action::StartRemediation),
            Self::StartReview => Some(Action::StartReview),
            Self::Review => Some(Action::RecordReview),
            Self::ReturnToTriage => Some(Action::ReturnToTriage),
            Self::Reopen => Some(Action::ReopenEvent),
            Self::Lines | Self::NewObligation | Self::LastReportLeft | Self::RiskExpired => None,
        }
    }
}

/// One row of the move table.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// Current status.
    pub from: Status,
    /// Next status.
    pub to: Status,
    /// What causes it.
    pub cause: Cause,
}

macro_rules! moves {
    ($($from:ident -> $to:ident by $cause:ident;)+) => {
        /// Every move of the procedure.
        pub const MOVES: &[Move] =
            &[$(Move { from: Status::$from, to: Status::$to, cause: Cause::$cause },)+];
    };
}

moves! {
    Received         -> Triaging         by StartTriage;
    Triaging         -> NeedsInformation by AskReporter;
    NeedsInformation -> Triaging         by ResumeTriage;
    Triaging         -> Rating           by VerdictToFix;
    Triaging         -> Replying         by VerdictToAnswer;
    NeedsInformation -> Replying         by VerdictToAnswer;
    Rating           -> Remediating      by StartRemediation;
    Remediating      -> Verifying        by Lines;
    Remediating      -> Replying         by Lines;
    Verifying        -> Remediating      by Lines;
    Verifying        -> Replying         by Lines;
    Replying         -> Reviewing        by StartReview;
    Reviewing        -> Closed           by Review;
    Rating           -> Triaging         by ReturnToTriage;
    Remediating      -> Triaging         by ReturnToTriage;
    Verifying        -> Triaging         by ReturnToTriage;
    Replying         -> Triaging         by ReturnToTriage;
    Reviewing        -> Triaging         by ReturnToTriage;
    Closed           -> Triaging         by Reopen;
    Reviewing        -> Replying         by NewObligation;
    Closed           -> Replying         by NewObligation;
    Received         -> Closed           by LastReportLeft;
    Triaging         -> Closed           by LastReportLeft;
    Verifying        -> Remediating      by RiskExpired;
    Replying         -> Remediating      by RiskExpired;
    Reviewing        -> Remediating      by RiskExpired;
    Closed           -> Remediating      by RiskExpired;
}

/// What the conditions of moves are read from.
#[derive(Clone, Debug, Default)]
pub struct MoveFacts {
    /// Whether there is a current score.
    pub scored: bool,
    /// Affected lines.
    pub lines: Vec<LineFacts>,
    /// Products that nobody has looked at.
    pub not_looked_yet: usize,
    /// Obligations that are open.
    pub open_obligations: usize,
}

/// What is known of one affected product line.
#[derive(Clone, Debug)]
pub struct LineFacts {
    /// The line.
    pub line: String,
    /// Where its fix stands, once there is one.
    pub remediation: Option<RemediationState>,
    /// Whether an R_AND_D assignment for it stands that is not declined.
    pub assigned: bool,
}

/// The moves that the table knows from `from`.
pub fn moves_from(from: Status) -> impl Iterator<Item = &'static Move> {
    MOVES.iter().filter(move |entry| entry.from == from)
}

/// Whether the table knows the move.
pub fn is_move(from: Status, to: Status, cause: Cause) -> bool {
    moves_from(from).any(|entry| entry.to == to && entry.cause == cause)
}

/// What a move still needs; empty when it may be made.
pub fn missing(event: &event::Model, cause: Cause, facts: &MoveFacts) -> Vec<Refusal> {
    let mut missing = Vec::new();
    let mut need = |met: bool, message: String| {
        if !met {
            missing.push(Refusal::new(RefusalCode::MissingFact, message));
        }
    };
    match cause {
        Cause::StartRemediation => {
            need(facts.scored, "score the event first (scoreEvent)".to_owned());
            need(!facts.lines.is_empty(), "say which products are affected (setAffectedProduct)".to_owned());
            for line in facts.lines.iter().filter(|line| !line.assigned) {
                need(false, format!("assign R_AND_D of line {} (assign)", line.line));
            }
        }
        Cause::StartReview => need(
            facts.open_obligations == 0,
            format!(
                "answer or waive {} open obligations (recordReplySent, waiveObligation)",
                facts.open_obligations
            ),
        ),
        Cause::Review => {
            need(event.status == Status::Reviewing, "begin the review first (startReview)".to_owned())
        }
        _ => {}
    }
    missing
}

/// Refuses a move that the table does not know, naming those it does.
pub fn not_a_move(event: &event::Model, to: Status) -> Refusal {
    let allowed: Vec<_> = moves_from(event.status).map(|entry| entry.to.as_str()).collect();
    let message = format!(
        "{} cannot go to {} here; from it the procedure goes to: {}",
        event.status,
        to,
        allowed.join(", ")
    );
    Refusal::new(RefusalCode::MoveNotAllowed, message)
}

/// Where the lines' states put an event that is being fixed; `None` leaves it where it is.
pub fn status_by_lines(facts: &MoveFacts) -> Option<Status> {
    use RemediationState::{Failed, Passed, Planned, RiskAccepted};
    if facts.lines.is_empty() {
        return None;
    }
    let all = |states: &[RemediationState]| {
        facts.lines.iter().all(|line| line.remediation.is_some_and(|state| states.contains(&state)))
    };
    if all(&[Passed, RiskAccepted]) && facts.not_looked_yet == 0 {
        return Some(Status::Replying);
    }
    let open = |line: &LineFacts| line.remediation.is_none_or(|state| [Planned, Failed].contains(&state));
    Some(if facts.lines.iter().any(open) { Status::Remediating } else { Status::Verifying })
}

/// Whether the review may be skipped: nothing ever reached YELLOW.
pub fn review_may_be_skipped(event: &event::Model) -> bool {
    event.highest_level < Level::Yellow
}

/// Whether somebody is finding out what the event is.
pub fn is_analysed(status: Status) -> bool {
    matches!(status, Status::Received | Status::Triaging | Status::NeedsInformation)
}

/// What a reporter sees of a status.
pub fn public_status(status: Status) -> PublicStatus {
    match status {
        Status::Received => PublicStatus::Received,
        Status::Triaging | Status::Rating => PublicStatus::InReview,
        Status::NeedsInformation => PublicStatus::NeedsInformation,
        Status::Remediating | Status::Verifying => PublicStatus::Fixing,
        Status::Replying | Status::Reviewing | Status::Closed => PublicStatus::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, remediation: Option<RemediationState>) -> LineFacts {
        LineFacts { line: name.to_owned(), remediation, assigned: true }
    }

    #[test]
    fn lines_put_an_event_where_the_procedure_says() {
        use RemediationState::{Failed, Passed, Planned, RiskAccepted, Submitted};
        let with = |states: &[RemediationState], not_looked_yet| {
            let lines = states.iter().map(|state| line("gateway", Some(*state))).collect();
            status_by_lines(&MoveFacts { lines, not_looked_yet, ..MoveFacts::default() })
        };
        assert_eq!(with(&[], 0), None);
        assert_eq!(with(&[Planned, Submitted], 0), Some(Status::Remediating));
        assert_eq!(with(&[Submitted, Passed], 0), Some(Status::Verifying));
        assert_eq!(with(&[Passed, Failed], 0), Some(Status::Remediating));
        assert_eq!(with(&[Passed, RiskAccepted], 0), Some(Status::Replying));
        assert_eq!(with(&[Passed], 1), Some(Status::Verifying), "a product nobody looked at holds it back");
    }

    #[test]
    fn every_status_but_closed_by_reopening_can_be_left() {
        use sea_orm::Iterable;
        for status in Status::iter() {
            assert!(moves_from(status).next().is_some(), "{status} is a dead end");
        }
        assert!(!is_move(Status::Received, Status::Closed, Cause::Review));
    }
}
