//! Whatever is done in whatever order, at once, twice or not at all: nothing is paid twice and the books balance.

use entity::vocabulary::{AssetTier, ChannelKind, MultiPlatformOutcome, Severity, Verdict};
use entity::{budget, budget_entry, multi_platform, payout, payout_change};
use futures_util::future::join_all;
use proptest::prelude::*;
use sea_orm::EntityTrait;

use super::grid::{CreateRewardGrid, RewardGridCellInput};
use super::*;
use crate::auth::Role;
use crate::graphql::scalars::Id;
use crate::intake::{ReceiveReport, ReporterInput};
use crate::multi_platform as platforms;
use crate::outbox::retrying;
use crate::schedule::Due;
use crate::testing;
use crate::verdict::GiveVerdict;

/// Payouts of one case.
const PAYOUTS: usize = 3;
/// What each report is worth, in minor units.
const WHOLE: i64 = 40_000;

#[derive(Clone, Copy, Debug)]
enum Act {
    Approve { by_leader: bool },
    Accept,
    Sync,
    Confirm { reference: u8 },
    Fail,
    Retry,
    Hold,
    Release,
    Cancel,
    Reverse,
    Propose,
    Reject,
    Appeal,
    Resolve,
    Split,
    PayByHand { reference: u8 },
    CallPlatforms,
    DecidePlatforms { outcome: MultiPlatformOutcome },
    AppealPlatforms,
    ResolvePlatforms { upheld: bool },
    EndHolds,
}

/// What is done to which payout of which report, and how often the caller sends it: not at all where it crashed before, twice where it
/// did not hear the answer.
type Step = (usize, usize, Act, u8);

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let outcome = prop_oneof![
        Just(MultiPlatformOutcome::NothingEarned),
        Just(MultiPlatformOutcome::FirstEarns),
        Just(MultiPlatformOutcome::Dismissed),
    ];
    let act = prop_oneof![
        6 => any::<bool>().prop_map(|by_leader| Act::Approve { by_leader }),
        4 => Just(Act::Accept),
        6 => Just(Act::Sync),
        6 => (0..3_u8).prop_map(|reference| Act::Confirm { reference }),
        2 => Just(Act::Fail),
        2 => Just(Act::Retry),
        1 => Just(Act::Hold),
        2 => Just(Act::Release),
        1 => Just(Act::Cancel),
        1 => Just(Act::Reverse),
        2 => Just(Act::Propose),
        1 => Just(Act::Reject),
        1 => Just(Act::Appeal),
        2 => Just(Act::Resolve),
        2 => Just(Act::Split),
        4 => (0..3_u8).prop_map(|reference| Act::PayByHand { reference }),
        3 => Just(Act::CallPlatforms),
        2 => outcome.prop_map(|outcome| Act::DecidePlatforms { outcome }),
        1 => Just(Act::AppealPlatforms),
        1 => any::<bool>().prop_map(|upheld| Act::ResolvePlatforms { upheld }),
        1 => Just(Act::EndHolds),
    ];
    let at_once = prop::collection::vec((0..PAYOUTS, 0..3_usize, act, 0..3_u8), 1..5);
    prop::collection::vec(at_once, 1..14)
}

fn actor(subject: &str, role: Role) -> Actor {
    let mut actor = Actor::operator(subject, [role]);
    if role == Role::Src {
        actor.channel = Some("src".into());
    }
    actor
}

fn decimal(text: &str) -> Decimal {
    Decimal(text.to_owned())
}

/// A report, and who reported it.
#[derive(Clone)]
struct Reported {
    id: Id<entity::report::Entity>,
    /// Its number among the reports.
    index: usize,
    /// Who else found it.
    finder: Id<entity::reporter::Entity>,
    /// A report that came through another channel.
    elsewhere: Id<entity::report::Entity>,
}

/// A channel with a platform and one without, a grid up to 800 and a budget of 1,000, in which two of three bounties
/// fit.
async fn desk(app: &App) -> Vec<Reported> {
    let (admin, analyst) = (actor("admin-1", Role::Admin), actor("analyst-1", Role::Analyst));
    for (key, kind) in [("src", ChannelKind::SrcPlatform), ("phone", ChannelKind::Customer)] {
        let channel = crate::channel::CreateChannel {
            acknowledgement: None,
            key: key.to_owned(),
            name: key.to_owned(),
            kind,
            jurisdiction: "CN".to_owned(),
            abroad: false,
            reply_required: false,
            time_zone: "Asia/Shanghai".to_owned(),
            calendar: None,
            language: "zh-CN".to_owned(),
            contacts: Vec::new(),
            idempotency_key: None,
        };
        crate::channel::create(app, &admin, &channel).await.unwrap();
    }
    let cell = RewardGridCellInput {
        asset_tier: AssetTier::Core,
        severity: Severity::High,
        minimum: decimal("1"),
        maximum: decimal("800"),
    };
    let grid = CreateRewardGrid {
        channel: None,
        currency: "CNY".to_owned(),
        cells: vec![cell],
        idempotency_key: None,
    };
    grid::create(app, &admin, &grid).await.unwrap();
    let year = chrono::Datelike::year(&app.clock.now());
    let money = CreateBudget {
        period: year.to_string(),
        currency: "CNY".to_owned(),
        amount: decimal("1000"),
        idempotency_key: None,
    };
    create_budget(app, &actor("finance-1", Role::Finance), &money).await.unwrap();
    let mut reports = Vec::new();
    for index in 0..PAYOUTS {
        let received = ReceiveReport {
            notice_type: None,
            channel: if index == PAYOUTS - 1 { "phone" } else { "src" }.to_owned(),
            number: Some(format!("SRC-{index}")),
            message_id: None,
            title: "A hole".to_owned(),
            text: None,
            received_at: None,
            reporter: Some(ReporterInput {
                subject: Some(format!("reporter-{index}")),
                ..ReporterInput::default()
            }),
            indicators: Vec::new(),
            tlp: None,
            join_event: None,
            idempotency_key: None,
        };
        let report = crate::intake::receive_report(app, &analyst, &received).await.unwrap();
        let event = crate::event::store::find(app, &analyst, report.event_id).await.unwrap();
        let triage = crate::event::EventMove {
            event: Id::new(event.id),
            expected_version: event.version,
            reason: None,
        };
        let event = crate::event::start_triage(app, &analyst, &triage).await.unwrap();
        crate::verdict::give_verdict(app, &analyst, &confirmed(&event)).await.unwrap();
        reports.push(report);
    }
    let finder = |index: usize| Id::new(reports[(index + 1) % PAYOUTS].reporter_id.unwrap());
    reports
        .iter()
        .enumerate()
        .map(|(index, report)| {
            let elsewhere = Id::new(reports[if index == PAYOUTS - 1 { 0 } else { PAYOUTS - 1 }].id);
            Reported { id: Id::new(report.id), index, finder: finder(index), elsewhere }
        })
        .collect()
}

fn confirmed(event: &entity::event::Model) -> GiveVerdict {
    GiveVerdict {
        event: Id::new(event.id),
        expected_version: event.version,
        verdict: Verdict::Confirmed,
        rationale: "Reproduced".to_owned(),
        severity: Some(Severity::High),
        report: None,
        original_event: None,
        internal_finding: None,
        first_known_on: None,
        advisory: None,
        fixed_version: None,
        end_of_life_notice: None,
        last_supported_version: None,
        successor: None,
        forwarded_to: None,
        fixing_event: None,
    }
}

fn proposal(report: Id<entity::report::Entity>) -> ProposePayout {
    ProposePayout {
        kind: entity::vocabulary::PayoutKind::Bounty,
        report: Some(report),
        reporter: None,
        period: None,
        amount: decimal("400.00"),
        currency: "CNY".to_owned(),
        asset_tier: Some(AssetTier::Core),
        replaces: None,
        rationale: "As the grid says".to_owned(),
        idempotency_key: None,
    }
}

/// A payout of a report, as somebody sees it before they act: of those in force one by its number, else the newest.
async fn seen(app: &App, report: &Reported, pick: usize) -> Option<payout::Model> {
    let all = payout::Entity::find().all(app.database.reader()).await.unwrap();
    let mut own: Vec<_> = all.into_iter().filter(|row| row.report_id == Some(report.id.0)).collect();
    own.sort_by_key(|row| (row.live_key.is_none(), std::cmp::Reverse(row.id)));
    let in_force = own.iter().filter(|row| row.live_key.is_some()).count().max(1);
    own.into_iter().nth(pick % in_force)
}

fn amount_of(row: &payout::Model) -> Decimal {
    decimal(&format!("{}.{:02}", row.amount / 100, row.amount % 100))
}

/// Does it and answers what came of it: refusals are part of the game, failures on our side are not.
async fn act(app: &App, report: &Reported, pick: usize, act: Act) {
    let src = actor("src-1", Role::Src);
    let (reporter, finance) =
        (actor(&format!("reporter-{}", report.index), Role::Reporter), actor("finance-2", Role::Finance));
    let (proposer, analyst) = (actor_1(), actor("analyst-2", Role::Analyst));
    let leader = actor("leader-1", Role::Leader);
    let outcome = if let Act::Propose = act {
        let input = proposal(report.id);
        retrying(|| propose(app, &proposer, &input)).await
    } else {
        let Some(seen) = seen(app, report, pick).await else { return };
        let id = Id::new(seen.id);
        let by = PayoutMove { payout: id, expected_version: seen.version, reason: "As it is".to_owned() };
        match act {
            Act::Approve { by_leader } => {
                let input = ApprovePayout { payout: id, expected_version: seen.version, note: None };
                let who = if by_leader { &leader } else { &analyst };
                retrying(|| approve(app, who, &input)).await
            }
            Act::Accept => {
                let input = AcceptPayout { payout: id };
                retrying(|| accept(app, &reporter, &input)).await
            }
            Act::Sync => {
                let input = MarkPayoutSynced { payout: id, attempt: seen.attempt, platform_reference: None };
                retrying(|| mark_synced(app, &src, &input)).await
            }
            Act::Confirm { reference } => {
                let input = ConfirmPayout {
                    payout: id,
                    external_reference: format!("T-{reference}"),
                    paid_at: app.clock.now(),
                    amount: amount_of(&seen),
                    currency: "CNY".to_owned(),
                };
                retrying(|| confirm(app, &src, &input)).await
            }
            Act::Fail => {
                let input = FailPayout { payout: id, attempt: seen.attempt, reason: "No account".to_owned() };
                retrying(|| fail(app, &src, &input)).await
            }
            Act::Retry => retrying(|| retry(app, &analyst, &by)).await,
            Act::Hold => retrying(|| hold(app, &analyst, &by)).await,
            Act::Release => retrying(|| release(app, &analyst, &by)).await,
            Act::Cancel => retrying(|| cancel(app, &analyst, &by)).await,
            Act::Reverse => retrying(|| reverse(app, &leader, &by)).await,
            Act::Propose => return,
            Act::AppealPlatforms => {
                let input = platforms::AppealMultiPlatform { payout: id, grounds: "Two found it".to_owned() };
                retrying(|| platforms::appeal(app, &reporter, &input)).await
            }
            Act::CallPlatforms
            | Act::DecidePlatforms { .. }
            | Act::ResolvePlatforms { .. }
            | Act::EndHolds => {
                return on_platforms(app, report, act, id).await;
            }
            Act::Reject => retrying(|| reject(app, &finance, &by)).await,
            Act::Appeal => {
                let input = AppealPayout { payout: id, grounds: "It gives root".to_owned() };
                retrying(|| appeal(app, &reporter, &input)).await
            }
            Act::Resolve => {
                let input = ResolvePayoutAppeal {
                    payout: id,
                    expected_version: seen.version,
                    severity: Severity::High,
                    amount: None,
                    resolution: "It does not".to_owned(),
                };
                retrying(|| resolve(app, &leader, &input)).await
            }
            Act::Split => {
                let among = vec![report.finder];
                let input = SplitPayout { payout: id, expected_version: seen.version, among, reason: None };
                retrying(|| split(app, &proposer, &input)).await
            }
            Act::PayByHand { reference } => {
                let input = MarkPayoutPaid {
                    payout: id,
                    expected_version: seen.version,
                    external_reference: format!("T-{reference}"),
                    paid_at: app.clock.now(),
                    proof: "Receipt".to_owned(),
                };
                retrying(|| mark_paid(app, &finance, &input)).await
            }
        }
    };
    match outcome {
        Ok(_) | Err(Error::Refused(_) | Error::Conflict | Error::NotFound) => {}
        Err(other) => panic!("{act:?}: {other:?}"),
    }
}

/// Does what is done of one report to several platforms: of `report`, and the one of the other channel.
async fn on_platforms(app: &App, report: &Reported, act: Act, payout: Id<payout::Entity>) {
    let (analyst, leader) = (actor("analyst-2", Role::Analyst), actor("leader-1", Role::Leader));
    let proposer = actor_1();
    let case = multi_platform::Entity::find().all(app.database.reader()).await.unwrap().pop();
    let outcome = match (act, case) {
        (Act::CallPlatforms, _) => {
            let event = crate::intake::store::find(app, &actor_1(), report.id.0).await.unwrap().event_id;
            let event = crate::event::store::find(app, &actor_1(), event).await.unwrap();
            let input = platforms::ProposeMultiPlatform {
                report: report.id,
                other_report: report.elsewhere,
                expected_version: event.version,
                evidence: "The same words".to_owned(),
            };
            retrying(|| platforms::propose(app, &proposer, &input)).await.map(|_| ())
        }
        (Act::DecidePlatforms { outcome }, Some(case)) => {
            let input = platforms::DecideMultiPlatform {
                multi_platform: Id::new(case.id),
                expected_version: case.version,
                outcome,
                rationale: "One mail".to_owned(),
            };
            retrying(|| platforms::decide(app, &analyst, &input)).await.map(|_| ())
        }
        (Act::ResolvePlatforms { upheld }, Some(case)) => {
            let input = platforms::ResolveMultiPlatformAppeal {
                multi_platform: Id::new(case.id),
                payout,
                expected_version: case.version,
                upheld,
                resolution: "As it is".to_owned(),
            };
            retrying(|| platforms::resolve(app, &leader, &input)).await.map(|_| ())
        }
        (Act::EndHolds, Some(case)) => {
            let schedule = Actor::schedule();
            retrying(|| platforms::HoldsOver::carry_out(app, &schedule, case.id)).await
        }
        _ => Ok(()),
    };
    match outcome {
        Ok(()) | Err(Error::Refused(_) | Error::Conflict | Error::NotFound) => {}
        Err(other) => panic!("{act:?}: {other:?}"),
    }
}

/// How often the payouts of each report that waits for a case were approved, handed over or paid by hand.
async fn moved_while_waiting(app: &App) -> std::collections::BTreeMap<(Uuid, Uuid), usize> {
    let db = app.database.reader();
    let cases = multi_platform::Entity::find().all(db).await.unwrap();
    let payouts = payout::Entity::find().all(db).await.unwrap();
    let changes = payout_change::Entity::find().all(db).await.unwrap();
    let mut moved = std::collections::BTreeMap::new();
    for case in cases.iter().filter(|case| platforms::rules::is_holding(case, app.clock.now())) {
        for report in [case.report_id, case.other_report_id] {
            let of = |id: Uuid| {
                payouts.iter().find(|row| row.id == id).filter(|row| row.report_id == Some(report))
            };
            let by_hand = |row: &payout::Model| row.paid_proof.is_some();
            let counts = changes.iter().filter(|change| match (change.kind, of(change.payout_id)) {
                (PayoutChangeKind::Approved | PayoutChangeKind::Synced, Some(_)) => true,
                (PayoutChangeKind::Paid, Some(payout)) => by_hand(payout),
                _ => false,
            });
            moved.insert((case.id, report), counts.count());
        }
    }
    moved
}

/// Demands that what waited before, and still does, did not move meanwhile.
async fn check_waiting(app: &App, before: &std::collections::BTreeMap<(Uuid, Uuid), usize>) {
    for (waits, count) in moved_while_waiting(app).await {
        if let Some(known) = before.get(&waits) {
            assert_eq!(*known, count, "a payout moved on while it waited");
        }
    }
}

fn actor_1() -> Actor {
    actor("analyst-1", Role::Analyst)
}

/// Demands that nothing is paid twice and that the books balance.
async fn check(app: &App) {
    use entity::vocabulary::BudgetAccount::{Available, Granted, Reserved, Spent};
    let db = app.database.reader();
    let payouts = payout::Entity::find().all(db).await.unwrap();
    let changes = payout_change::Entity::find().all(db).await.unwrap();
    let budget = budget::Entity::find().one(db).await.unwrap().unwrap();
    let entries = budget_entry::Entity::find().all(db).await.unwrap();
    for payout in &payouts {
        let of = |kind| changes.iter().filter(|row| row.payout_id == payout.id && row.kind == kind).count();
        let paid = of(PayoutChangeKind::Paid);
        assert!(paid <= 1, "{} was paid {paid} times", payout.number);
        assert_eq!(paid == 1, payout.state == PayoutState::Paid);
        assert_eq!(of(PayoutChangeKind::Reversed) == 1, payout.reversed_at.is_some());
    }
    let is_paid = |row: &&payout::Model| row.state == PayoutState::Paid && row.reversed_at.is_none();
    for payout in payouts.iter().filter(is_paid) {
        let same = payouts.iter().filter(is_paid).filter(|row| row.report_id == payout.report_id);
        let mut shares: Vec<_> = same.clone().map(|row| row.share).collect();
        shares.sort_unstable();
        shares.dedup();
        assert_eq!(same.clone().count(), shares.len(), "a share was paid twice");
        assert!(same.map(|row| row.amount).sum::<i64>() <= WHOLE, "a report was paid for twice");
        let payment = payouts
            .iter()
            .filter(|row| row.paid_reference == payout.paid_reference && row.channel_id == payout.channel_id);
        assert_eq!(payment.count(), 1, "one payment paid two payouts");
    }
    for report in payouts.iter().filter_map(|row| row.report_id).collect::<std::collections::BTreeSet<_>>() {
        let in_force = payouts.iter().filter(|row| row.report_id == Some(report) && row.live_key.is_some());
        assert!(in_force.map(|row| row.amount).sum::<i64>() <= WHOLE, "more is promised than one whole");
        let shares = payouts.iter().filter(|row| row.report_id == Some(report) && row.share.is_some());
        let wholes = shares.clone().filter(|row| row.share == Some(1)).map(|_| WHOLE).sum::<i64>();
        assert_eq!(shares.map(|row| row.amount).sum::<i64>(), wholes, "a split keeps its sum");
    }
    assert_eq!(ledger::imbalance(&budget), None, "{budget:?}");
    let sum =
        |account| entries.iter().filter(|row| row.account == account).map(|row| row.amount).sum::<i64>();
    assert_eq!(
        [-sum(Granted), sum(Available), sum(Reserved), sum(Spent)],
        [budget.granted, budget.available, budget.reserved, budget.spent],
        "the row is not what the ledger says"
    );
    let total = |rows: &mut dyn Iterator<Item = &payout::Model>| rows.map(|row| row.amount).sum::<i64>();
    let waits = |row: &&payout::Model| row.budget_id.is_some() && row.state != PayoutState::Paid;
    assert_eq!(budget.reserved, total(&mut payouts.iter().filter(waits)));
    assert_eq!(budget.spent, total(&mut payouts.iter().filter(is_paid)));
    assert_eq!(budget.overrun, payouts.iter().map(|row| row.over_budget).sum::<i64>());
}

async fn with_proposals(app: &App) -> Vec<Reported> {
    let reports = desk(app).await;
    for report in &reports {
        propose(app, &actor_1(), &proposal(report.id)).await.unwrap();
    }
    reports
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_paid_twice_and_the_books_balance(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = testing::app("payout_interleavings").await;
            let reports = with_proposals(&app).await;
            for at_once in steps {
                let sent = at_once.iter().flat_map(|(at, pick, what, times)| {
                    (0..*times).map(|_| act(&app, &reports[*at], *pick, *what))
                });
                let waiting = moved_while_waiting(&app).await;
                join_all(sent).await;
                check_waiting(&app, &waiting).await;
                check(&app).await;
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 10, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_paid_twice_by_callers_at_the_same_time_on_postgresql(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        runtime.block_on(async {
            let app = testing::app_on_postgres("payouts").await;
            let reports = with_proposals(&app).await;
            for at_once in steps {
                let sent = at_once.into_iter().flat_map(|(at, pick, what, times)| {
                    let (app, report) = (std::sync::Arc::clone(&app.app), reports[at].clone());
                    (0..times).map(move |_| {
                        let (app, report) = (std::sync::Arc::clone(&app), report.clone());
                        tokio::spawn(async move { act(&app, &report, pick, what).await })
                    })
                });
                let waiting = moved_while_waiting(&app).await;
                let sent: Vec<_> = sent.collect();
                for one in sent {
                    one.await.unwrap();
                }
                check_waiting(&app, &waiting).await;
                check(&app).await;
            }
        });
    }
}
