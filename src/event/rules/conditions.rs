//! What each move still needs.

use chrono::{DateTime, Utc};
use entity::event;
use entity::vocabulary::{RemediationState, Status, Verdict};

use super::{Cause, Move, may_skip_review};
use crate::error::{Refusal, RefusalCode};

/// What the conditions of moves are read from.
#[derive(Clone, Debug, Default)]
pub struct MoveFacts {
    /// Affected lines.
    pub lines: Vec<LineFacts>,
    /// Products that nobody has looked at.
    pub not_looked_yet: usize,
    /// Obligations that are open.
    pub open_obligations: usize,
    /// Reports on the event.
    pub reports: usize,
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

/// What a move still needs at `now`, be it a fact or something that has to happen; empty when it may be made. `facts` are
/// those of the event, which is where the move begins.
pub fn missing(event: &event::Model, entry: &Move, facts: &MoveFacts, now: DateTime<Utc>) -> Vec<Refusal> {
    let need = |message: String| Refusal::new(RefusalCode::MissingFact, message);
    let unless = |met: bool, message: &str| (!met).then(|| need(message.to_owned()));
    match entry.cause {
        Cause::StartTriage
        | Cause::ResumeTriage
        | Cause::VerdictToFix
        | Cause::Review
        | Cause::ReturnToTriage
        | Cause::Reopen => Vec::new(),
        Cause::AskReporter => {
            unless(facts.reports > 0, "it has no report whose reporter could be asked").into_iter().collect()
        }
        Cause::VerdictToAnswer => {
            let only = Verdict::InsufficientInformation;
            crate::verdict::rules::check_waiting(event, only, now).into_iter().collect()
        }
        Cause::StartRemediation => {
            let scored = unless(event.score >= 0, "score the event first (scoreEvent)");
            let affected =
                unless(!facts.lines.is_empty(), "say which products are affected (setAffectedProduct)");
            let unassigned = facts.lines.iter().filter(|line| !line.assigned);
            let assigned =
                unassigned.map(|line| need(format!("assign R_AND_D of line {} (assign)", line.line)));
            scored.into_iter().chain(affected).chain(assigned).collect()
        }
        Cause::StartReview => match facts.open_obligations {
            0 => Vec::new(),
            open => vec![need(format!(
                "answer or waive {open} open obligations (recordReplySent, waiveObligation)"
            ))],
        },
        Cause::SkipReview => may_skip_review(event).err().into_iter().collect(),
        Cause::Lines => lines_need(entry.to, facts).into_iter().map(need).collect(),
        Cause::NewObligation => {
            vec![need("it follows when a report or a question opens an obligation".to_owned())]
        }
        Cause::LastReportLeft => {
            vec![need("it follows when its last report is joined to another event (joinReport)".to_owned())]
        }
        Cause::RiskExpired => {
            vec![need("it follows when a decision that accepts the risk of a line expires".to_owned())]
        }
    }
}

/// What the lines lack for an event that is being fixed to come to `to`.
fn lines_need(to: Status, facts: &MoveFacts) -> Vec<String> {
    use RemediationState::{Passed, RiskAccepted, Submitted};
    if facts.lines.is_empty() {
        return vec![
            "say which products are affected (setAffectedProduct), or return it to triage (returnToTriage)"
                .to_owned(),
        ];
    }
    let of_lines = |states: &[RemediationState], message: fn(&str) -> String| -> Vec<String> {
        let lacks = |line: &&LineFacts| !line.remediation.is_some_and(|state| states.contains(&state));
        facts.lines.iter().filter(lacks).map(|line| message(&line.line)).collect()
    };
    match to {
        Status::Replying => {
            let mut needs = of_lines(&[Passed, RiskAccepted], |line| {
                format!(
                    "submit and verify the fix of line {line} (submitFix, verifyFix), or accept its risk (acceptRisk)"
                )
            });
            if facts.not_looked_yet > 0 {
                needs.push(format!(
                    "say how {} products that nobody looked at stand to it (setAffectedProduct)",
                    facts.not_looked_yet
                ));
            }
            needs
        }
        Status::Verifying => of_lines(&[Submitted, Passed, RiskAccepted], |line| {
            format!("submit the fix of line {line} (submitFix)")
        }),
        _ => vec!["it follows when a fix fails its verification, or a further line is affected".to_owned()],
    }
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
