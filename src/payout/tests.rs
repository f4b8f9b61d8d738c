//! Whatever is done in whatever order, at once, twice or not at all: nothing is paid twice and the books balance.

use entity::vocabulary::{AssetTier, ChannelKind, Severity, Verdict};
use entity::{budget, budget_entry, payout, payout_change};
use futures_util::future::join_all;
use proptest::prelude::*;
use sea_orm::EntityTrait;

use super::grid::{CreateRewardGrid, RewardGridCellInput};
use super::*;
use crate::auth::Role;
use crate::graphql::scalars::Id;
use crate::intake::{ReceiveReport, ReporterInput};
use crate::outbox::retrying;
use crate::testing::{self, TestApp};
use crate::verdict::GiveVerdict;

/// Payouts of one case.
const PAYOUTS: usize = 3;

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
}

/// What is done to which payout, and how often the caller sends it: not at all where it crashed before, twice where it
/// did not hear the answer.
type Step = (usize, Act, u8);

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
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
    ];
    let at_once = prop::collection::vec((0..PAYOUTS, act, 0..3_u8), 1..4);
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

/// A channel with a platform, a grid up to 800 and a budget of 1,000, in which two of three bounties fit.
async fn desk(name: &str) -> (TestApp, Vec<Id<entity::report::Entity>>) {
    let app = testing::app(name).await;
    let (admin, analyst) = (actor("admin-1", Role::Admin), actor("analyst-1", Role::Analyst));
    let channel = crate::channel::CreateChannel {
        acknowledgement: None,
        key: "src".to_owned(),
        name: "SRC".to_owned(),
        kind: ChannelKind::SrcPlatform,
        jurisdiction: "CN".to_owned(),
        abroad: false,
        reply_required: false,
        time_zone: "Asia/Shanghai".to_owned(),
        calendar: None,
        language: "zh-CN".to_owned(),
        contacts: Vec::new(),
        idempotency_key: None,
    };
    crate::channel::create(&app, &admin, &channel).await.unwrap();
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
    grid::create(&app, &admin, &grid).await.unwrap();
    let year = chrono::Datelike::year(&app.clock.now());
    let money = CreateBudget {
        period: year.to_string(),
        currency: "CNY".to_owned(),
        amount: decimal("1000"),
        idempotency_key: None,
    };
    create_budget(&app, &actor("finance-1", Role::Finance), &money).await.unwrap();
    let mut reports = Vec::new();
    for index in 0..PAYOUTS {
        let received = ReceiveReport {
            notice_type: None,
            channel: "src".to_owned(),
            number: Some(format!("SRC-{index}")),
            message_id: None,
            title: "A hole".to_owned(),
            text: None,
            received_at: None,
            reporter: Some(ReporterInput {
                subject: Some("reporter-1".to_owned()),
                ..ReporterInput::default()
            }),
            indicators: Vec::new(),
            tlp: None,
            join_event: None,
            idempotency_key: None,
        };
        let report = crate::intake::receive_report(&app, &analyst, &received).await.unwrap();
        let event = crate::event::store::find(&app, &analyst, report.event_id).await.unwrap();
        let triage = crate::event::EventMove {
            event: Id::new(event.id),
            expected_version: event.version,
            reason: None,
        };
        let event = crate::event::start_triage(&app, &analyst, &triage).await.unwrap();
        crate::verdict::give_verdict(&app, &analyst, &confirmed(&event)).await.unwrap();
        reports.push(Id::new(report.id));
    }
    (app, reports)
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

/// The newest payout of a report, as somebody sees it before they act.
async fn newest(app: &App, report: Id<entity::report::Entity>) -> Option<payout::Model> {
    let all = payout::Entity::find().all(app.database.reader()).await.unwrap();
    all.into_iter()
        .filter(|row| row.report_id == Some(report.0))
        .max_by_key(|row| (row.live_key.is_some(), row.id))
}

/// Does it and answers what came of it: refusals are part of the game, failures on our side are not.
async fn act(app: &App, report: Id<entity::report::Entity>, act: Act) {
    let src = actor("src-1", Role::Src);
    let (proposer, analyst) = (actor_1(), actor("analyst-2", Role::Analyst));
    let leader = actor("leader-1", Role::Leader);
    let outcome = if let Act::Propose = act {
        let input = proposal(report);
        retrying(|| propose(app, &proposer, &input)).await
    } else {
        let Some(seen) = newest(app, report).await else { return };
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
                retrying(|| accept(app, &src, &input)).await
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
                    amount: decimal("400.00"),
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
        }
    };
    match outcome {
        Ok(_) | Err(Error::Refused(_) | Error::Conflict | Error::NotFound) => {}
        Err(other) => panic!("{act:?}: {other:?}"),
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
        assert_eq!(same.count(), 1, "a report was paid for twice");
        let payment = payouts.iter().filter(|row| row.paid_reference == payout.paid_reference);
        assert_eq!(payment.count(), 1, "one payment paid two payouts");
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_paid_twice_and_the_books_balance(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (app, reports) = desk("payout_interleavings").await;
            for report in &reports {
                propose(&app, &actor_1(), &proposal(*report)).await.unwrap();
            }
            for at_once in steps {
                let sent = at_once.iter().flat_map(|(at, what, times)| {
                    (0..*times).map(|_| act(&app, reports[*at], *what))
                });
                join_all(sent).await;
                check(&app).await;
            }
        });
    }
}
