//! What may be proposed and decided of a case, and what it means for payouts. Pure.

use chrono::{DateTime, Utc};
use entity::vocabulary::{FinderEvidence, MultiPlatformOutcome as Outcome, Tlp};
use entity::{event, multi_platform, report, reporter};
use uuid::Uuid;

use crate::error::{Refusal, RefusalCode};
use crate::text;

/// Whether two reports, the later one first, may be called one that was sent to several platforms; `known` is what is known of the
/// pair.
///
/// # Errors
/// A refusal that says why not.
pub fn may_propose(
    later: &report::Model,
    earlier: &report::Model,
    known: Option<&multi_platform::Model>,
) -> Result<(), Refusal> {
    if let Some(outcome) = known.and_then(|known| known.outcome) {
        let message = format!("it was decided already: {outcome}");
        return Err(Refusal::new(RefusalCode::AlreadyExists, message));
    }
    if later.channel_id == earlier.channel_id {
        let message = "both came through one channel, which is one platform: decide whether one repeats the other \
                       (decideDuplicate)";
        return Err(Refusal::on(RefusalCode::Contradiction, "otherReport", message));
    }
    Ok(())
}

/// What the reporters of two reports have in common.
pub fn finder(one: Option<&reporter::Model>, other: Option<&reporter::Model>) -> Vec<FinderEvidence> {
    let (Some(one), Some(other)) = (one, other) else { return Vec::new() };
    if one.id == other.id {
        return vec![FinderEvidence::SameReporter];
    }
    let same = |one: &Option<String>, other: &Option<String>| {
        let normal = |value: &Option<String>| {
            value.as_deref().map(|value| text::normal(value.trim())).filter(|value| !value.is_empty())
        };
        normal(one).is_some() && normal(one) == normal(other)
    };
    let pairs = [
        // A subject is taken to the letter.
        (FinderEvidence::SameSubject, one.subject.is_some() && one.subject == other.subject),
        (FinderEvidence::SameEmail, same(&one.email, &other.email)),
        (FinderEvidence::SameName, same(&one.name, &other.name)),
    ];
    pairs.into_iter().filter(|(_, is)| *is).map(|(evidence, _)| evidence).collect()
}

/// Whether `subject` may decide this of a case.
///
/// # Errors
/// The refusal.
pub fn may_decide(
    case: &multi_platform::Model,
    outcome: Outcome,
    subject: &str,
    appeal_open: bool,
) -> Result<(), Refusal> {
    if let Some(outcome) = case.outcome {
        let message = format!("it was decided already: {outcome}; the payee may appeal against it");
        return Err(Refusal::new(RefusalCode::Frozen, message));
    }
    if appeal_open {
        let message = "an appeal is open: resolve it first (resolveMultiPlatformAppeal)";
        return Err(Refusal::new(RefusalCode::MissingFact, message));
    }
    if outcome != Outcome::Dismissed && case.proposed_by == subject {
        let message = "you proposed it: another ANALYST or a LEADER has to say that it is so";
        return Err(Refusal::new(RefusalCode::FourEyes, message));
    }
    Ok(())
}

/// Whether `subject` may resolve an appeal against a case: neither proposed nor decided it.
///
/// # Errors
/// The refusal.
pub fn may_resolve(case: &multi_platform::Model, subject: &str) -> Result<(), Refusal> {
    let took_part = case.proposed_by == subject || case.decided_by.as_deref() == Some(subject);
    if took_part {
        let message = "you proposed or decided what is appealed against: somebody else has to resolve it";
        return Err(Refusal::new(RefusalCode::FourEyes, message));
    }
    Ok(())
}

/// Reports that earn nothing by this outcome.
pub fn taken_from(outcome: Outcome, case: &multi_platform::Model) -> Vec<Uuid> {
    match outcome {
        Outcome::NothingEarned => vec![case.report_id, case.other_report_id],
        Outcome::FirstEarns => vec![case.report_id],
        Outcome::Dismissed => Vec::new(),
    }
}

/// The event on whose record a case of these two stands: who reads the record of the one may not know of the other, so it is the
/// one that is for named people.
pub fn on_record(events: &[event::Model; 2]) -> Uuid {
    let [later, earlier] = events;
    if earlier.tlp == Tlp::Red { earlier.id } else { later.id }
}

/// Whether payouts wait for the case at this instant.
pub fn is_holding(case: &multi_platform::Model, now: DateTime<Utc>) -> bool {
    case.outcome.is_none() && now < case.held_until
}

/// Whether the case says, at this instant, something against a payout for one of these reports.
pub fn is_against(case: &multi_platform::Model, reports: &[Uuid], now: DateTime<Utc>) -> bool {
    match case.outcome {
        None => now < case.held_until,
        Some(Outcome::NothingEarned) => true,
        Some(Outcome::FirstEarns) => reports.contains(&case.report_id),
        Some(Outcome::Dismissed) => false,
    }
}

/// What stops payouts for a report, which stands among `reports` with what it is a part of.
pub fn stop(cases: &[multi_platform::Model], reports: &[Uuid], now: DateTime<Utc>) -> Option<Refusal> {
    let case = cases.iter().find(|case| is_against(case, reports, now))?;
    // Its platform reads it too: nothing of the other report stands here.
    Some(match case.outcome {
        None => {
            let message = format!(
                "it waits, until {} at most, while it is looked at whether one finder sent it to several platforms",
                case.held_until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
            );
            Refusal::new(RefusalCode::MissingFact, message)
        }
        Some(_) => {
            let message = "its finder sent it to several platforms: by that decision it earns nothing";
            Refusal::new(RefusalCode::Contradiction, message)
        }
    })
}

/// Whether a payee may appeal against the case at this instant: while nothing is decided, and for some days after it was taken back.
pub fn may_appeal(case: &multi_platform::Model, reports: &[Uuid], now: DateTime<Utc>) -> bool {
    match case.outcome {
        None => true,
        Some(_) => is_against(case, reports, now) && case.appeal_by.is_some_and(|until| now < until),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::now;

    fn case(outcome: Option<Outcome>) -> multi_platform::Model {
        multi_platform::Model {
            id: Uuid::from_u128(1),
            report_id: Uuid::from_u128(2),
            other_report_id: Uuid::from_u128(3),
            evidence: "the same words".to_owned(),
            found: Vec::new().into(),
            finder: Vec::new().into(),
            score: 90,
            proposed_by: "analyst-1".to_owned(),
            proposed_at: now(),
            held_until: now() + TimeDelta::days(14),
            hold_ended_at: None,
            outcome,
            rationale: None,
            decided_by: outcome.map(|_| "analyst-2".to_owned()),
            decided_at: outcome.map(|_| now()),
            appeal_by: outcome.map(|_| now() + TimeDelta::days(7)),
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: now(),
            changed_at: now(),
        }
    }

    #[test]
    fn who_proposed_it_may_only_dismiss_it_and_nobody_decides_twice() {
        let open = case(None);
        assert!(may_decide(&open, Outcome::Dismissed, "analyst-1", false).is_ok());
        for outcome in [Outcome::FirstEarns, Outcome::NothingEarned] {
            let own = may_decide(&open, outcome, "analyst-1", false).unwrap_err();
            assert_eq!(own.code, RefusalCode::FourEyes);
            assert!(may_decide(&open, outcome, "analyst-2", false).is_ok());
            let appealed = may_decide(&open, outcome, "analyst-2", true).unwrap_err();
            assert_eq!(appealed.code, RefusalCode::MissingFact);
            let again = may_decide(&case(Some(outcome)), Outcome::Dismissed, "leader-1", false).unwrap_err();
            assert_eq!(again.code, RefusalCode::Frozen);
        }
    }

    #[test]
    fn an_appeal_is_resolved_by_a_third_person() {
        let decided = case(Some(Outcome::FirstEarns));
        for (subject, may) in [("analyst-1", false), ("analyst-2", false), ("leader-1", true)] {
            assert_eq!(may_resolve(&decided, subject).is_ok(), may, "{subject}");
        }
    }

    #[test]
    fn payouts_wait_until_the_end_and_not_beyond() {
        let (open, reports) = (case(None), [Uuid::from_u128(2)]);
        let code = |case: &multi_platform::Model, reports: &[Uuid], at| {
            stop(std::slice::from_ref(case), reports, at).map(|refusal| refusal.code)
        };
        let end = open.held_until;
        assert_eq!(code(&open, &reports, end - TimeDelta::microseconds(1)), Some(RefusalCode::MissingFact));
        assert_eq!(code(&open, &reports, end), None);
        let first = case(Some(Outcome::FirstEarns));
        assert_eq!(code(&first, &reports, end), Some(RefusalCode::Contradiction));
        assert_eq!(code(&first, &[Uuid::from_u128(3)], now()), None, "the first report earns");
        let nothing = case(Some(Outcome::NothingEarned));
        assert_eq!(code(&nothing, &[Uuid::from_u128(3)], end), Some(RefusalCode::Contradiction));
        assert_eq!(code(&case(Some(Outcome::Dismissed)), &reports, now()), None);
    }

    #[test]
    fn a_payee_appeals_while_it_is_open_and_for_some_days_after_something_was_taken_from_them() {
        let (later, earlier) = ([Uuid::from_u128(2)], [Uuid::from_u128(3)]);
        assert!(may_appeal(&case(None), &later, now() + TimeDelta::days(99)));
        let first = case(Some(Outcome::FirstEarns));
        assert!(may_appeal(&first, &later, now()) && !may_appeal(&first, &earlier, now()));
        assert!(!may_appeal(&first, &later, now() + TimeDelta::days(7)));
        assert!(!may_appeal(&case(Some(Outcome::Dismissed)), &later, now()));
    }

    fn person(id: u128, subject: Option<&str>, email: Option<&str>, name: Option<&str>) -> reporter::Model {
        reporter::Model {
            id: Uuid::from_u128(id),
            channel_id: None,
            subject: subject.map(str::to_owned),
            name: name.map(str::to_owned),
            email: email.map(str::to_owned),
            payee_account: None,
            payee_account_set_by: None,
            staff: false,
            named: false,
            erased_at: None,
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: now(),
            changed_at: now(),
        }
    }

    #[test]
    fn what_reporters_have_in_common_is_named_and_what_neither_said_is_nothing() {
        let one = person(1, Some("hat-1"), Some("hat@example.org"), Some("夜行"));
        let other = person(2, Some("hat-1"), Some(" Hat@Example.org"), Some(""));
        assert_eq!(
            finder(Some(&one), Some(&other)),
            [FinderEvidence::SameSubject, FinderEvidence::SameEmail]
        );
        assert_eq!(finder(Some(&one), Some(&one)), [FinderEvidence::SameReporter]);
        let unknown = person(3, None, None, None);
        assert_eq!(finder(Some(&unknown), Some(&person(4, None, None, None))), []);
        assert_eq!(finder(Some(&one), None), []);
    }
}
