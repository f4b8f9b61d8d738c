use std::collections::HashSet;

use chrono::{Duration, TimeZone};
use sea_orm::Iterable;
use uuid::Uuid;

use super::*;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap()
}

/// A bounty of 500.00 in a range of 300.00 to 800.00, as analyst-1 proposed it.
pub(crate) fn payout(state: PayoutState) -> payout::Model {
    payout::Model {
        id: Uuid::from_u128(1),
        number: "PO-2026-00000000".to_owned(),
        kind: PayoutKind::Bounty,
        channel_id: Uuid::from_u128(2),
        report_id: Some(Uuid::from_u128(3)),
        reporter_id: Uuid::from_u128(4),
        period: None,
        bonus_run_id: None,
        amount: 50_000,
        currency: "CNY".to_owned(),
        priced: 50_000,
        grid_id: None,
        asset_tier: None,
        severity: Some(Severity::High),
        range_minimum: Some(30_000),
        range_maximum: Some(80_000),
        state,
        held_from: None,
        held_for: None,
        share: None,
        live_key: None,
        proposed_by: "analyst-1".to_owned(),
        proposed_at: now(),
        rationale: String::new(),
        split_by: None,
        approved_by: None,
        approved_at: None,
        approved_amount: None,
        approved_severity: None,
        answer_by: Some(now() + Duration::days(7)),
        accepted_at: None,
        appealed: false,
        budget_id: None,
        over_budget: 0,
        attempt: 1,
        synced_at: None,
        platform_reference: None,
        paid_at: None,
        paid_by: None,
        paid_reference: None,
        paid_proof: None,
        reversed_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now(),
        changed_at: now(),
    }
}

fn facts(now: DateTime<Utc>) -> MoveFacts {
    MoveFacts { has_platform: true, appeal_open: false, now }
}

fn codes(refusals: &[Refusal]) -> Vec<RefusalCode> {
    refusals.iter().map(|refusal| refusal.code).collect()
}

#[test]
fn what_ended_is_left_by_no_move_and_all_else_can_end() {
    use PayoutState::{Cancelled, Paid, Rejected};
    let ended = [Paid, Rejected, Cancelled];
    for state in PayoutState::iter() {
        let mut reached = HashSet::from([state]);
        while let Some(entry) =
            MOVES.iter().find(|entry| reached.contains(&entry.from) && !reached.contains(&entry.to))
        {
            reached.insert(entry.to);
        }
        assert_eq!(MOVES.iter().any(|entry| entry.from == state), !ended.contains(&state), "{state}");
        assert!(ended.iter().any(|end| reached.contains(end)), "{state} never ends");
    }
}

#[test]
fn a_move_leads_to_one_state_and_the_table_says_every_mutation() {
    for state in PayoutState::iter() {
        let payout = payout::Model { held_from: Some(PayoutState::Approved), ..payout(state) };
        let mut causes = HashSet::new();
        for entry in moves_of(&payout) {
            assert!(causes.insert(entry.cause), "{state} has two moves by {:?}", entry.cause);
        }
    }
    assert!(not_a_move(&payout(PayoutState::Paid), Cause::Cancel).message.ends_with("it allows: nothing"));
}

#[test]
fn a_released_payout_returns_to_where_it_was_held() {
    use PayoutState::{Approved, OnHold, Proposed, Synced};
    for from in [Proposed, Approved, Synced] {
        let held = payout::Model { held_from: Some(from), ..payout(OnHold) };
        assert_eq!(target(&held, Cause::Release), Some(from));
    }
    assert_eq!(target(&payout(Proposed), Cause::Release), None);
}

#[test]
fn silence_accepts_at_the_end_of_the_time_and_not_before() {
    let payout = payout(PayoutState::Approved);
    let end = now() + Duration::days(7);
    let before = end - Duration::microseconds(1);
    assert!(!is_accepted(&payout, before) && is_accepted(&payout, end));
    assert_eq!(codes(&missing(&payout, Cause::Sync, &facts(before))), [RefusalCode::MissingFact]);
    assert!(missing(&payout, Cause::Sync, &facts(end)).is_empty());
    assert!(missing(&payout, Cause::Appeal, &facts(before)).is_empty());
    assert_eq!(codes(&missing(&payout, Cause::Appeal, &facts(end))), [RefusalCode::Frozen]);
    let accepted = payout::Model { accepted_at: Some(now()), ..payout };
    assert!(is_accepted(&accepted, now()));
}

#[test]
fn a_platform_pays_or_finance_does_never_both() {
    let payout = payout(PayoutState::Approved);
    let late = now() + Duration::days(8);
    let by_hand = MoveFacts { has_platform: false, ..facts(late) };
    assert!(missing(&payout, Cause::PayByHand, &by_hand).is_empty());
    assert!(!missing(&payout, Cause::Sync, &by_hand).is_empty());
    assert!(!missing(&payout, Cause::PayByHand, &facts(late)).is_empty());
}

#[test]
fn what_the_platform_has_is_not_cancelled_on_hold_but_may_be_confirmed() {
    let at_platform = payout::Model {
        held_from: Some(PayoutState::Synced),
        synced_at: Some(now()),
        ..payout(PayoutState::OnHold)
    };
    let here = payout::Model { held_from: Some(PayoutState::Approved), ..payout(PayoutState::OnHold) };
    let refused = |payout, cause| !missing(payout, cause, &facts(now())).is_empty();
    assert!(refused(&at_platform, Cause::Cancel) && !refused(&here, Cause::Cancel));
    for cause in [Cause::Confirm, Cause::Fail] {
        assert!(!refused(&at_platform, cause) && refused(&here, cause));
    }
}

#[test]
fn an_appeal_is_made_once_and_for_a_report() {
    let open = payout(PayoutState::Approved);
    let again = payout::Model { appealed: true, ..open.clone() };
    assert_eq!(codes(&missing(&again, Cause::Appeal, &facts(now()))), [RefusalCode::Frozen]);
    let bonus = payout::Model { report_id: None, ..open };
    assert_eq!(codes(&missing(&bonus, Cause::Appeal, &facts(now()))), [RefusalCode::Contradiction]);
    let held = payout::Model { held_from: Some(PayoutState::Approved), ..payout(PayoutState::OnHold) };
    let appealed = MoveFacts { appeal_open: true, ..facts(now()) };
    assert_eq!(codes(&missing(&held, Cause::Release, &appealed)), [RefusalCode::MissingFact]);
    assert!(missing(&held, Cause::DismissAppeal, &appealed).is_empty());
    assert_eq!(codes(&missing(&held, Cause::DismissAppeal, &facts(now()))), [RefusalCode::MissingFact]);
}

#[test]
fn proposer_approver_and_payee_differ_and_beyond_needs_a_leader() {
    let payout = payout(PayoutState::Proposed);
    let parties = |actor| Parties { actor, payee: Some("reporter-1"), reported_it: false };
    assert!(check_approver(&payout, parties("analyst-2"), false, &[]).is_empty());
    assert_eq!(codes(&check_approver(&payout, parties("analyst-1"), true, &[])), [RefusalCode::FourEyes]);
    assert_eq!(codes(&check_approver(&payout, parties("reporter-1"), true, &[])), [RefusalCode::FourEyes]);
    let reported = Parties { reported_it: true, ..parties("analyst-2") };
    assert_eq!(codes(&check_approver(&payout, reported, false, &[])), [RefusalCode::FourEyes]);
    let beyond = ["it is over budget"];
    assert_eq!(
        codes(&check_approver(&payout, parties("finance-1"), false, &beyond)),
        [RefusalCode::NeedsLeader]
    );
    assert!(check_approver(&payout, parties("leader-1"), true, &beyond).is_empty());
}

#[test]
fn the_range_holds_at_both_ends_and_prices_the_whole_of_a_split() {
    let with = |priced| in_range(&payout::Model { priced, ..payout(PayoutState::Proposed) });
    assert_eq!([29_999, 30_000, 80_000, 80_001].map(with), [false, true, true, false]);
    let share = payout::Model { amount: 20_000, priced: 60_000, ..payout(PayoutState::Proposed) };
    assert!(in_range(&share));
    assert!(!in_range(&payout::Model { range_minimum: None, range_maximum: None, ..share }));
}

#[test]
fn only_the_first_confirmed_report_earns() {
    let good = Earning {
        verdict: Some(Verdict::Confirmed),
        duplicate: false,
        severity: Some(Severity::Low),
        origin: Origin::External,
        split: false,
    };
    assert!(check_earning(PayoutKind::Bounty, &good).is_empty());
    assert!(!check_earning(PayoutKind::InternalReward, &good).is_empty());
    let staff = Earning { origin: Origin::Internal, ..good };
    assert!(check_earning(PayoutKind::InternalReward, &staff).is_empty());
    assert!(!check_earning(PayoutKind::Bounty, &staff).is_empty());
    for verdict in Verdict::iter().filter(|verdict| *verdict != Verdict::Confirmed).map(Some).chain([None]) {
        assert!(!check_earning(PayoutKind::Bounty, &Earning { verdict, ..good }).is_empty(), "{verdict:?}");
    }
    for bad in [
        Earning { duplicate: true, ..good },
        Earning { severity: None, ..good },
        Earning { split: true, ..good },
    ] {
        assert_eq!(check_earning(PayoutKind::Bounty, &bad).len(), 1, "{bad:?}");
    }
}
