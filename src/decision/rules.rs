//! What decides about decisions.

use chrono::{DateTime, Duration, Utc};
use entity::decision;
use entity::vocabulary::{AbroadExtent, DecisionKind};

use crate::error::{Refusal, RefusalCode};

/// How long before an accepted risk ends the leading group is told.
pub const EXPIRY_NOTICE: Duration = Duration::days(30);

/// What a LEADER is about to record.
#[derive(Clone, Copy, Debug)]
pub struct Ruling<'a> {
    /// Subject of who decides.
    pub by: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// What was decided.
    pub outcome: &'a str,
    /// Whether what was asked for may be done.
    pub granted: bool,
    /// How much may go abroad.
    pub extent: Option<AbroadExtent>,
    /// When an accepted risk ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Of those who took part, who are known to be of LEGAL.
    pub of_legal: &'a [String],
}

/// Why the ruling cannot be recorded; empty when it can.
pub fn refusals(decision: &decision::Model, ruling: &Ruling<'_>) -> Vec<Refusal> {
    if decision.decided_at.is_some() {
        return vec![Refusal::new(
            RefusalCode::Frozen,
            "it is decided already: ask for a new decision (askDecision)",
        )];
    }
    let mut refusals = Vec::new();
    if decision.asked_by == ruling.by {
        refusals.push(Refusal::new(
            RefusalCode::FourEyes,
            "you asked for this decision: another LEADER has to record it",
        ));
    }
    let options = &decision.options.0;
    if !options.is_empty() && !options.iter().any(|option| option == ruling.outcome) {
        let message = format!("decide on one of the options: {}", options.join(" | "));
        refusals.push(Refusal::on(RefusalCode::Contradiction, "outcome", message));
    }
    if let Some(message) = wrong_extent(decision.kind, ruling) {
        refusals.push(Refusal::on(message.0, "extent", message.1));
    }
    // It waives what is owed abroad, with their names beside the leader's.
    let with_legal = ruling.of_legal.iter().any(|subject| subject != ruling.by);
    if ruling.extent == Some(AbroadExtent::Refuse) && !with_legal {
        let message = "name who of LEGAL took part, another person than you, whose last sign-in had that role: refusing \
                       waives what is owed abroad in both names";
        refusals.push(Refusal::on(RefusalCode::MissingFact, "participants", message));
    }
    let risk_is_accepted = decision.kind == DecisionKind::AcceptRisk && ruling.granted;
    match ruling.expires_at {
        None if risk_is_accepted => refusals.push(Refusal::on(
            RefusalCode::MissingFact,
            "expiresAt",
            "say until when the risk is accepted: the line returns to REMEDIATING then",
        )),
        Some(until) if risk_is_accepted && until <= ruling.at => refusals.push(Refusal::on(
            RefusalCode::Contradiction,
            "expiresAt",
            "an accepted risk ends in the future: send a later instant",
        )),
        Some(_) if !risk_is_accepted => refusals.push(Refusal::on(
            RefusalCode::Contradiction,
            "expiresAt",
            "only a granted ACCEPT_RISK expires: leave it out",
        )),
        _ => {}
    }
    refusals
}

/// What is wrong with how much is said to be allowed to go abroad.
fn wrong_extent(kind: DecisionKind, ruling: &Ruling<'_>) -> Option<(RefusalCode, &'static str)> {
    match ruling.extent {
        None if kind == DecisionKind::ReportAbroad => Some((
            RefusalCode::MissingFact,
            "say how much may go abroad: ALLOW, ALLOW_REDUCED, ALLOW_AFTER_DOMESTIC_REPORT or REFUSE",
        )),
        Some(_) if kind != DecisionKind::ReportAbroad => {
            Some((RefusalCode::Contradiction, "only REPORT_ABROAD has an extent: leave it out"))
        }
        Some(extent) if (extent == AbroadExtent::Refuse) == ruling.granted => {
            Some((RefusalCode::Contradiction, "REFUSE goes with granted false, any other extent with true"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use entity::texts::Texts;
    use uuid::Uuid;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_000_000, 0).unwrap()
    }

    fn asked(kind: DecisionKind, options: &[&str]) -> decision::Model {
        decision::Model {
            id: Uuid::from_u128(1),
            event_id: Uuid::nil(),
            kind,
            question: "May the line stay as it is?".to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>().into(),
            line: Some("gateway".to_owned()),
            asked_by: "analyst-1".to_owned(),
            asked_at: now(),
            due_at: None,
            participants: Texts::default(),
            outcome: None,
            granted: None,
            extent: None,
            decided_by: None,
            decided_at: None,
            expires_at: None,
            expiry_told_at: None,
            version: 1,
        }
    }

    fn ruling(outcome: &str) -> Ruling<'_> {
        Ruling {
            by: "leader-1",
            at: now(),
            outcome,
            granted: true,
            extent: None,
            expires_at: None,
            of_legal: &[],
        }
    }

    fn codes(decision: &decision::Model, ruling: &Ruling<'_>) -> Vec<RefusalCode> {
        refusals(decision, ruling).into_iter().map(|refusal| refusal.code).collect()
    }

    #[test]
    fn a_decision_is_made_once() {
        let decided = decision::Model {
            decided_by: Some("leader-2".to_owned()),
            decided_at: Some(now()),
            ..asked(DecisionKind::Disclose, &[])
        };
        assert_eq!(codes(&decided, &ruling("yes")), [RefusalCode::Frozen]);
        assert_eq!(codes(&asked(DecisionKind::Disclose, &[]), &ruling("yes")), []);
    }

    #[test]
    fn who_asked_does_not_decide() {
        let own = Ruling { by: "analyst-1", ..ruling("yes") };
        assert_eq!(codes(&asked(DecisionKind::Disclose, &[]), &own), [RefusalCode::FourEyes]);
    }

    #[test]
    fn the_outcome_is_one_of_the_options() {
        let decision = asked(DecisionKind::Disclose, &["allow", "refuse"]);
        assert_eq!(codes(&decision, &ruling("allow")), []);
        assert_eq!(codes(&decision, &ruling("Allow")), [RefusalCode::Contradiction]);
        assert!(refusals(&decision, &ruling("later"))[0].message.ends_with("allow | refuse"));
    }

    #[test]
    fn what_may_go_abroad_is_said_and_fits() {
        let abroad = asked(DecisionKind::ReportAbroad, &[]);
        let to = |granted, extent| Ruling { granted, extent, ..ruling("so be it") };
        assert_eq!(codes(&abroad, &to(true, None)), [RefusalCode::MissingFact]);
        assert_eq!(codes(&abroad, &to(true, Some(AbroadExtent::AllowReduced))), []);
        let refused = to(false, Some(AbroadExtent::Refuse));
        assert_eq!(codes(&abroad, &refused), [RefusalCode::MissingFact], "by whom of LEGAL");
        let names = ["legal-1".to_owned()];
        assert_eq!(codes(&abroad, &Ruling { of_legal: &names, ..refused }), []);
        let alone = ["leader-1".to_owned()];
        let alone = Ruling { of_legal: &alone, ..refused };
        assert_eq!(codes(&abroad, &alone), [RefusalCode::MissingFact], "two roles are no two people");
        let contradicted = Ruling { of_legal: &names, ..to(true, Some(AbroadExtent::Refuse)) };
        assert_eq!(codes(&abroad, &contradicted), [RefusalCode::Contradiction]);
        assert_eq!(codes(&abroad, &to(false, Some(AbroadExtent::Allow))), [RefusalCode::Contradiction]);
        let other = asked(DecisionKind::Disclose, &[]);
        assert_eq!(codes(&other, &to(true, Some(AbroadExtent::Allow))), [RefusalCode::Contradiction]);
    }

    #[test]
    fn an_accepted_risk_ends_in_the_future() {
        let risk = asked(DecisionKind::AcceptRisk, &[]);
        let until = |expires_at| Ruling { expires_at, ..ruling("accept") };
        assert_eq!(codes(&risk, &until(None)), [RefusalCode::MissingFact]);
        assert_eq!(codes(&risk, &until(Some(now()))), [RefusalCode::Contradiction]);
        assert_eq!(codes(&risk, &until(Some(now() + Duration::days(90)))), []);

        let refused = Ruling { granted: false, ..until(None) };
        assert_eq!(codes(&risk, &refused), []);
        let refused_until = Ruling { granted: false, ..until(Some(now() + Duration::days(90))) };
        assert_eq!(codes(&risk, &refused_until), [RefusalCode::Contradiction]);
    }
}
