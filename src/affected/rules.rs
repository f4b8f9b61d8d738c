//! What a product's standing demands, and where it puts the event.

use entity::event;
use entity::vocabulary::{AffectedState, Justification, Status, Verdict};

use crate::error::{Refusal, RefusalCode};
use crate::event::rules::{MoveFacts, status_by_lines};

/// A product is not affected for a reason, and only one that is not has a justification.
pub fn check_reason(
    state: AffectedState,
    reason: Option<&str>,
    justification: Option<Justification>,
) -> Option<Refusal> {
    if state != AffectedState::NotAffected && justification.is_some() {
        let message =
            "a justification says why a product is not affected: leave it out, or send NOT_AFFECTED";
        return Some(Refusal::on(RefusalCode::Contradiction, "justification", message));
    }
    (state == AffectedState::NotAffected && reason.is_none()).then(|| {
        Refusal::on(RefusalCode::MissingFact, "reason", "say why the product is not affected: send reason")
    })
}

/// Where an event goes when its lines are as `facts` say; `None` when it stays.
///
/// # Errors
/// A refusal when the event's fix is behind it and the change would open it again.
pub fn follow_lines(event: &event::Model, facts: &MoveFacts) -> Result<Option<Status>, Refusal> {
    let by_lines = status_by_lines(facts);
    match event.status {
        Status::Remediating | Status::Verifying => Ok(by_lines.filter(|to| *to != event.status)),
        Status::Replying | Status::Reviewing | Status::Closed if is_ours(event) => {
            if by_lines.is_none_or(|to| to == Status::Replying) {
                return Ok(None);
            }
            let first = if event.status == Status::Closed { "reopenEvent" } else { "returnToTriage" };
            let message = format!(
                "the event is {} and this needs a fix: return it to triage first ({first})",
                event.status
            );
            Err(Refusal::new(RefusalCode::MoveNotAllowed, message))
        }
        _ => Ok(None),
    }
}

/// Whether the verdict says that the event is ours to fix.
fn is_ours(event: &event::Model) -> bool {
    matches!(event.verdict, Some(Verdict::Confirmed | Verdict::KnownInternally))
}

/// Whether lines are being fixed: each affected one has a remediation then.
pub fn is_being_fixed(status: Status) -> bool {
    matches!(status, Status::Remediating | Status::Verifying)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::rules::LineFacts;
    use entity::vocabulary::RemediationState;

    fn event(status: Status, verdict: Verdict) -> event::Model {
        event::Model { status, verdict: Some(verdict), ..crate::testing::event_row() }
    }

    fn facts(states: &[Option<RemediationState>], not_looked_yet: usize) -> MoveFacts {
        let line = |state: &Option<RemediationState>| LineFacts {
            line: "gateway".to_owned(),
            remediation: *state,
            assigned: true,
        };
        MoveFacts { lines: states.iter().map(line).collect(), not_looked_yet, ..MoveFacts::default() }
    }

    #[test]
    fn only_not_affected_asks_for_a_reason() {
        assert!(check_reason(AffectedState::NotAffected, None, None).is_some());
        assert!(check_reason(AffectedState::NotAffected, Some("no such module"), None).is_none());
        assert!(check_reason(AffectedState::NotLookedYet, None, None).is_none());
        let absent = Some(Justification::ComponentNotPresent);
        assert!(check_reason(AffectedState::NotAffected, Some("no such module"), absent).is_none());
        let field = |state| check_reason(state, Some("why"), absent).and_then(|refusal| refusal.field);
        assert_eq!(field(AffectedState::Affected), Some("justification"));
    }

    #[test]
    fn an_event_under_fix_follows_its_lines() {
        use RemediationState::{Passed, Submitted};
        let verifying = event(Status::Verifying, Verdict::Confirmed);
        let to = |facts| follow_lines(&verifying, &facts).unwrap();
        assert_eq!(to(facts(&[Some(Passed), None], 0)), Some(Status::Remediating), "a new line is not fixed");
        assert_eq!(to(facts(&[Some(Submitted)], 0)), None);
        assert_eq!(to(facts(&[Some(Passed)], 1)), None);
        assert_eq!(to(facts(&[Some(Passed)], 0)), Some(Status::Replying), "the last product was looked at");
        let rating = event(Status::Rating, Verdict::Confirmed);
        assert_eq!(follow_lines(&rating, &facts(&[None], 0)).unwrap(), None);
    }

    #[test]
    fn a_fixed_event_is_not_opened_by_the_way() {
        use RemediationState::Passed;
        let replying = event(Status::Replying, Verdict::Confirmed);
        let message = |event, facts| follow_lines(event, &facts).unwrap_err().message;
        assert!(message(&replying, facts(&[Some(Passed), None], 0)).contains("returnToTriage"));
        assert!(message(&replying, facts(&[Some(Passed)], 1)).contains("returnToTriage"));
        let closed = event(Status::Closed, Verdict::Confirmed);
        assert!(message(&closed, facts(&[None], 0)).contains("reopenEvent"));
        assert_eq!(follow_lines(&replying, &facts(&[Some(Passed)], 0)).unwrap(), None);
        let not_ours = event(Status::Replying, Verdict::OtherVendor);
        assert_eq!(follow_lines(&not_ours, &facts(&[None], 0)).unwrap(), None);
    }
}
