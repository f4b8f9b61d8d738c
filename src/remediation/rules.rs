//! What may be done to a line's fix, and when a verification passes.

use entity::remediation;
use entity::vocabulary::{RemediationState, Status};

use crate::error::{Refusal, RefusalCode};

/// What is done to a line's fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Plan it or record a mitigation.
    Plan,
    /// Submit fix plan and patch.
    Submit,
    /// Verify what was submitted.
    Verify,
    /// Accept the risk by decision.
    AcceptRisk,
    /// Record the release that carries it.
    Release,
}

/// Whether `act` fits the event's status and the fix's state.
pub(super) fn may(act: Act, status: Status, state: RemediationState) -> Result<(), Refusal> {
    use RemediationState::{Failed, Passed, Planned, Submitted};
    let statuses: &[Status] = match act {
        Act::Release => &[Status::Remediating, Status::Verifying, Status::Replying, Status::Reviewing],
        _ => &[Status::Remediating, Status::Verifying],
    };
    let states: &[RemediationState] = match act {
        Act::Plan => &[Planned, Failed, Submitted],
        Act::Submit => &[Planned, Failed],
        Act::Verify => &[Submitted],
        Act::AcceptRisk => &[Planned, Failed, Submitted],
        Act::Release => &[Passed],
    };
    let listed = |all: Vec<&str>| all.join(", ");
    if !statuses.contains(&status) {
        let allowed = listed(statuses.iter().map(|status| status.as_str()).collect());
        let message = format!("the event is {status}; this is done in {allowed}");
        return Err(Refusal::new(RefusalCode::MoveNotAllowed, message));
    }
    if !states.contains(&state) {
        let allowed = listed(states.iter().map(|state| state.as_str()).collect());
        let message = format!("the line is {state}; this is done when it is {allowed}");
        return Err(Refusal::new(RefusalCode::MoveNotAllowed, message));
    }
    Ok(())
}

/// A verification passes on yes, no, no only.
pub(super) fn passes(fully_fixed: bool, bypassable: bool, new_problem: bool) -> bool {
    fully_fixed && !bypassable && !new_problem
}

/// The verifier is neither the fixer nor who reported.
pub(super) fn may_verify(
    verifier: &str,
    fix: &remediation::Model,
    reporters: &[String],
) -> Result<(), Refusal> {
    if fix.submitted_by.as_deref() == Some(verifier) {
        return Err(Refusal::new(
            RefusalCode::FourEyes,
            "you submitted this fix: somebody else has to verify it",
        ));
    }
    if reporters.iter().any(|reporter| reporter == verifier) {
        return Err(Refusal::new(
            RefusalCode::FourEyes,
            "you reported this: somebody else has to verify its fix",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_passes_on_yes_no_no_only() {
        let passing: Vec<_> = (0..8)
            .map(|bits| (bits & 4 != 0, bits & 2 != 0, bits & 1 != 0))
            .filter(|&(fixed, bypass, new)| passes(fixed, bypass, new))
            .collect();
        assert_eq!(passing, [(true, false, false)]);
    }

    #[test]
    fn acts_fit_status_and_state() {
        use RemediationState::{Passed, Planned, RiskAccepted, Submitted};
        assert!(may(Act::Submit, Status::Remediating, Planned).is_ok());
        assert!(may(Act::Submit, Status::Remediating, Submitted).is_err(), "it was submitted already");
        assert!(
            may(Act::Verify, Status::Remediating, Submitted).is_ok(),
            "a submitted line may be verified earlier"
        );
        assert!(may(Act::Verify, Status::Verifying, Planned).is_err());
        assert!(may(Act::Release, Status::Replying, Passed).is_ok());
        assert!(may(Act::Release, Status::Replying, RiskAccepted).is_err());
        assert!(may(Act::Submit, Status::Replying, Planned).is_err());
    }
}
