//! What may be done to a line's fix, and when a verification passes.

use chrono::{DateTime, Utc};
use entity::vocabulary::{AssignmentState, DecisionKind, Function, RemediationState, Status};
use entity::{assignment, decision, remediation};
use uuid::Uuid;

use crate::decision::rules::EXPIRY_NOTICE;
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
    use RemediationState::{Failed, Passed, Planned, RiskAccepted, Submitted};
    let statuses: &[Status] = match (act, state) {
        (Act::Release, _) => &[Status::Remediating, Status::Verifying, Status::Replying, Status::Reviewing],
        // An accepted risk is accepted for longer before it ends, wherever the event has come to by then.
        (Act::AcceptRisk, RiskAccepted) => {
            &[Status::Remediating, Status::Verifying, Status::Replying, Status::Reviewing, Status::Closed]
        }
        _ => &[Status::Remediating, Status::Verifying],
    };
    let states: &[RemediationState] = match act {
        Act::Plan => &[Planned, Failed, Submitted],
        Act::Submit => &[Planned, Failed],
        Act::Verify => &[Submitted],
        Act::AcceptRisk => &[Planned, Failed, Submitted, RiskAccepted],
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

/// Why a plan may not be changed like this; empty when it may.
pub(super) fn plan_refusals(before: &remediation::Model, after: &remediation::Model) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    // What was submitted is what is verified.
    if before.state == RemediationState::Submitted && before.fix_plan != after.fix_plan {
        refusals.push(Refusal::on(
            RefusalCode::Frozen,
            "fixPlan",
            "the plan was submitted with its patch: change it when the verification has failed",
        ));
    }
    if after.mitigation_available_at.is_some() && after.mitigation.is_none() {
        refusals.push(Refusal::on(
            RefusalCode::MissingFact,
            "mitigation",
            "say what the mitigation is that was available: clocks count from it",
        ));
    }
    refusals
}

/// A verification passes on yes, no, no only.
pub(super) fn passes(fully_fixed: bool, bypassable: bool, new_problem: bool) -> bool {
    fully_fixed && !bypassable && !new_problem
}

/// The verifier is neither the fixer, nor one who took on the line's fix whoever submitted it, nor who reported.
pub(super) fn may_verify(
    verifier: &str,
    fix: &remediation::Model,
    assignments: &[assignment::Model],
    reporters: &[String],
) -> Result<(), Refusal> {
    let took_it_on = |row: &assignment::Model| {
        row.function == Function::RAndD
            && row.line.as_ref() == Some(&fix.line)
            && matches!(row.state, AssignmentState::Accepted | AssignmentState::Done)
            && row.subject.as_deref() == Some(verifier)
    };
    if assignments.iter().any(took_it_on) {
        return Err(Refusal::new(
            RefusalCode::FourEyes,
            "you took on the fix of this line: somebody else has to verify it",
        ));
    }
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

/// Whether `decision`, as found by its id, accepts the risk of this line at `now`.
pub(super) fn accepts_risk(
    decision: Option<&decision::Model>,
    fix: &remediation::Model,
    now: DateTime<Utc>,
) -> Result<Uuid, Refusal> {
    let refuse = |code, message: String| Err(Refusal::on(code, "decision", message));
    // One of another event is as good as none: its event may be hidden.
    let Some(decision) = decision.filter(|decision| decision.event_id == fix.event_id) else {
        let message =
            "this event has no such decision: name one of its decisions, or ask for one (askDecision)";
        return refuse(RefusalCode::UnknownReference, message.to_owned());
    };
    if decision.kind != DecisionKind::AcceptRisk {
        let message = format!("it decides {}: ask for an ACCEPT_RISK (askDecision)", decision.kind);
        return refuse(RefusalCode::Contradiction, message);
    }
    if decision.line.as_deref() != Some(fix.line.as_str()) {
        let line = decision.line.as_deref().unwrap_or_default();
        let message = format!("it is about line {line}: ask for one about {} (askDecision)", fix.line);
        return refuse(RefusalCode::Contradiction, message);
    }
    match (decision.granted, decision.expires_at) {
        (None, _) => {
            let message = "it is not decided yet: a LEADER records it first (recordDecision)";
            refuse(RefusalCode::NeedsLeader, message.to_owned())
        }
        (Some(false), _) => {
            let message =
                "the leading group refused it: fix the line, or ask anew with new reasons (askDecision)";
            refuse(RefusalCode::NeedsLeader, message.to_owned())
        }
        (Some(true), Some(until)) if until > now => Ok(decision.id),
        (Some(true), until) => {
            let until = until.map(|until| until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            let message =
                format!("it expired ({}): ask for a new one (askDecision)", until.unwrap_or_default());
            refuse(RefusalCode::NeedsLeader, message)
        }
    }
}

/// Where an accepted risk stands by its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Risk {
    /// Nothing is to be done.
    Stands,
    /// Its end is near and was not announced.
    Ending,
    /// It is over.
    Ended,
}

/// Where the risk that `decision` accepts stands at `now`.
pub(super) fn risk(decision: &decision::Model, now: DateTime<Utc>) -> Risk {
    match decision.expires_at {
        Some(until) if until <= now => Risk::Ended,
        Some(until) if until <= now + EXPIRY_NOTICE && decision.expiry_told_at.is_none() => Risk::Ending,
        _ => Risk::Stands,
    }
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

    fn fix(state: RemediationState) -> remediation::Model {
        remediation::Model {
            id: Uuid::from_u128(1),
            event_id: Uuid::from_u128(2),
            line: "gateway".to_owned(),
            state,
            fix_plan: Some("Call the tool without a shell".to_owned()),
            planned_for: None,
            patch: None,
            mitigation: None,
            mitigation_available_at: None,
            submitted_by: Some("engineer-1".to_owned()),
            submitted_at: None,
            risk_decision_id: None,
            release_versions: None,
            advisory: None,
            available_at: None,
            version: 1,
        }
    }

    #[test]
    fn a_submitted_plan_is_frozen_and_a_mitigation_says_what_it_is() {
        let changed = |state, mitigation: Option<&str>| {
            let before = fix(state);
            let after = remediation::Model {
                fix_plan: Some("Another plan".to_owned()),
                mitigation: mitigation.map(str::to_owned),
                mitigation_available_at: DateTime::from_timestamp(1_772_000_000, 0),
                ..before.clone()
            };
            let refusals = plan_refusals(&before, &after);
            refusals.into_iter().map(|refusal| refusal.code).collect::<Vec<_>>()
        };
        let mitigated = Some("Close the port");
        assert_eq!(changed(RemediationState::Failed, mitigated), []);
        assert_eq!(changed(RemediationState::Submitted, mitigated), [RefusalCode::Frozen]);
        assert_eq!(changed(RemediationState::Planned, None), [RefusalCode::MissingFact]);
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_000_000, 0).unwrap()
    }

    fn accepted() -> decision::Model {
        decision::Model {
            id: Uuid::from_u128(9),
            event_id: Uuid::from_u128(2),
            kind: DecisionKind::AcceptRisk,
            question: "May it stay?".to_owned(),
            options: Vec::new().into(),
            line: Some("gateway".to_owned()),
            asked_by: "analyst-1".to_owned(),
            asked_at: now(),
            due_at: None,
            participants: Vec::new().into(),
            outcome: Some("yes".to_owned()),
            granted: Some(true),
            extent: None,
            decided_by: Some("leader-1".to_owned()),
            decided_at: Some(now()),
            expires_at: Some(now() + chrono::Duration::days(90)),
            expiry_told_at: None,
            version: 2,
        }
    }

    #[test]
    fn an_accepted_risk_is_announced_once_and_ends_with_its_decision() {
        use chrono::Duration;
        let (decision, until) = (accepted(), now() + Duration::days(90));
        let told = decision::Model { expiry_told_at: Some(now()), ..accepted() };
        let before = |by| until - by;
        assert_eq!(risk(&decision, before(Duration::days(30) + Duration::microseconds(1))), Risk::Stands);
        assert_eq!(risk(&decision, before(Duration::days(30))), Risk::Ending);
        assert_eq!(risk(&told, before(Duration::days(30))), Risk::Stands);
        assert_eq!(risk(&told, before(Duration::microseconds(1))), Risk::Stands);
        for decision in [&decision, &told] {
            assert_eq!(risk(decision, until), Risk::Ended, "whether or not it was announced");
        }
    }

    #[test]
    fn a_decision_that_does_not_accept_the_risk_is_told_why() {
        let (now, accepted) = (now(), accepted());
        let of = |change: fn(&mut decision::Model)| {
            let mut decision = accepted.clone();
            change(&mut decision);
            let found = accepts_risk(Some(&decision), &fix(RemediationState::Planned), now);
            found.map_err(|refusal| (refusal.code, refusal.message))
        };
        assert_eq!(of(|_| ()), Ok(Uuid::from_u128(9)));
        assert_eq!(
            accepts_risk(None, &fix(RemediationState::Planned), now).map_err(|refusal| refusal.code),
            Err(RefusalCode::UnknownReference)
        );
        type Case = (fn(&mut decision::Model), RefusalCode, &'static str);
        let table: [Case; 6] = [
            (|row| row.event_id = Uuid::from_u128(3), RefusalCode::UnknownReference, "no such decision"),
            (|row| row.kind = DecisionKind::Disclose, RefusalCode::Contradiction, "DISCLOSE"),
            (|row| row.line = Some("router".to_owned()), RefusalCode::Contradiction, "about line router"),
            (|row| row.granted = None, RefusalCode::NeedsLeader, "not decided"),
            (|row| row.granted = Some(false), RefusalCode::NeedsLeader, "refused"),
            (|row| row.expires_at = row.decided_at, RefusalCode::NeedsLeader, "expired"),
        ];
        for (change, code, words) in table {
            let (found, message) = of(change).unwrap_err();
            assert_eq!(found, code, "{message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn neither_fixer_nor_reporter_verifies() {
        let fix = fix(RemediationState::Submitted);
        let assigned = |subject: &str, line: &str, state| assignment::Model {
            id: Uuid::from_u128(9),
            event_id: fix.event_id,
            function: Function::RAndD,
            subject: Some(subject.to_owned()),
            team: None,
            line: Some(line.to_owned()),
            due_at: None,
            state,
            note: None,
            decline_reason: None,
            assigned_by: "analyst-1".to_owned(),
            assigned_at: DateTime::UNIX_EPOCH,
            version: 1,
            received_at: DateTime::UNIX_EPOCH,
        };
        let assignments = [
            assigned("engineer-2", &fix.line, AssignmentState::Accepted),
            assigned("engineer-3", &fix.line, AssignmentState::Declined),
            assigned("engineer-4", "another line", AssignmentState::Done),
        ];
        let code = |verifier: &str| {
            may_verify(verifier, &fix, &assignments, &["staff-1".to_owned()]).map_err(|refusal| refusal.code)
        };
        for party in ["engineer-1", "engineer-2", "staff-1"] {
            assert_eq!(code(party), Err(RefusalCode::FourEyes), "{party}");
        }
        for other in ["analyst-1", "engineer-3", "engineer-4"] {
            assert_eq!(code(other), Ok(()), "{other}");
        }
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
        assert!(may(Act::AcceptRisk, Status::Closed, RiskAccepted).is_ok(), "accepted for longer");
        assert!(may(Act::AcceptRisk, Status::Closed, Planned).is_err());
    }
}
