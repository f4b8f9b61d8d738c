//! What the tests count: rows whose figures are worked out by hand.

use chrono::{DateTime, Utc};
use entity::vocabulary::{
    Acknowledgement, AffectedState, AssetTier, ChannelKind, DeadlineAnchor, DeadlineKind, DeadlineState,
    Level, Lifecycle, MemberSource, ObligationState, Origin, PayoutKind, PayoutState, ProductKind, Regime,
    ReplyKind, Severity, Status, TeamGroup, Tlp, Verdict,
};
use entity::{
    affected_product, channel, deadline, event, obligation, payout, product, report, reporter, status_change,
    team_member, verdict,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::outbox::ChangeSet;
use crate::testing;

/// An instant.
fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Writes a row.
macro_rules! put {
    ($app:expr, $row:expr) => {
        $row.into_active_model().insert($app.database.writer()).await.unwrap()
    };
}

pub(super) async fn channel(app: &App, key: &str, kind: ChannelKind) -> channel::Model {
    let row = channel::Model {
        id: app.ids.next(),
        key: key.to_owned(),
        name: format!("Channel {key}"),
        kind,
        jurisdiction: "CN".to_owned(),
        abroad: false,
        reply_required: true,
        time_zone: "Asia/Shanghai".to_owned(),
        calendar_id: None,
        language: "zh-CN".to_owned(),
        contacts: Vec::<String>::new().into(),
        active: true,
        acknowledgement: Acknowledgement::ByHand,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: testing::now(),
        changed_at: testing::now(),
    };
    put!(app, row)
}

pub(super) async fn product(app: &App, key: &str, line: &str) -> product::Model {
    let row = product::Model {
        id: app.ids.next(),
        key: key.to_owned(),
        name: format!("=Product {key}"),
        line: line.to_owned(),
        owner_team: "team".to_owned(),
        provider_entity: "Example Networks".to_owned(),
        kind: ProductKind::Product,
        central_organ: false,
        importance: 50,
        reach: 50,
        customer_coverage: String::new(),
        asset_tier: AssetTier::Core,
        lifecycle: Lifecycle::Supported,
        end_of_life_notice: None,
        last_supported_version: None,
        successor: None,
        rmsv_library: None,
        cra_in_scope: false,
        cra_member_states: Vec::<String>::new().into(),
        cra_support_until: None,
        critical_infrastructure: false,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: testing::now(),
        changed_at: testing::now(),
    };
    put!(app, row)
}

pub(super) async fn reporter(
    app: &App,
    channel: &channel::Model,
    subject: Option<&str>,
    name: &str,
    named: bool,
) -> reporter::Model {
    let row = reporter::Model {
        id: app.ids.next(),
        channel_id: Some(channel.id),
        subject: subject.map(str::to_owned),
        name: Some(name.to_owned()),
        email: None,
        payee_account: None,
        payee_account_set_by: None,
        staff: false,
        named,
        erased_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: testing::now(),
        changed_at: testing::now(),
    };
    put!(app, row)
}

/// An event with what its figures follow from.
pub(super) struct Case<'a> {
    pub(super) received: &'a str,
    pub(super) level: Level,
    pub(super) tlp: Tlp,
    pub(super) verdict: Option<Verdict>,
    /// Verdicts with their pass.
    pub(super) given: &'a [(i32, Verdict, &'a str)],
    /// Steps with their pass.
    pub(super) steps: &'a [(i32, Status, Status, &'a str)],
    pub(super) products: &'a [&'a product::Model],
    pub(super) reports: &'a [(&'a channel::Model, Option<&'a reporter::Model>, Origin, &'a str)],
    pub(super) history: bool,
    pub(super) members: &'a [&'a str],
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            received: "2026-01-02T00:00:00Z",
            level: Level::None,
            tlp: Tlp::Amber,
            verdict: None,
            given: &[],
            steps: &[],
            products: &[],
            reports: &[],
            history: false,
            members: &[],
        }
    }
}

pub(super) async fn event(app: &App, case: Case<'_>) -> (event::Model, Vec<report::Model>) {
    let id = app.ids.next();
    let row = event::Model {
        id,
        number: format!("VE-{id}"),
        verdict: case.verdict,
        level: case.level,
        highest_level: case.level,
        tlp: case.tlp,
        received_at: at(case.received),
        history: case.history,
        ..testing::event_row()
    };
    let event = put!(app, row);
    let mut facts = AccessFacts::new(event.clone());
    for member in case.members {
        let row = team_member::Model {
            id: app.ids.next(),
            event_id: id,
            subject: Some((*member).to_owned()),
            team: None,
            function: None,
            team_group: TeamGroup::Working,
            source: MemberSource::Manual,
            added_by: "leader-1".to_owned(),
            added_at: at(case.received),
            removed_by: None,
            removed_at: None,
        };
        facts.members.push(put!(app, row));
    }
    for product in case.products {
        let row = affected_product::Model {
            id: app.ids.next(),
            event_id: id,
            product_id: product.id,
            line: product.line.clone(),
            state: AffectedState::Affected,
            reason: None,
            justification: None,
            affected_versions: None,
            fixed_versions: None,
            version: 1,
            received_at: at(case.received),
        };
        facts.products.push((put!(app, row), product.key.clone()));
    }
    for (channel, reporter, origin, received) in case.reports {
        let report_id = app.ids.next();
        let confirmed = case.verdict == Some(Verdict::Confirmed);
        let row = report::Model {
            id: report_id,
            event_id: id,
            channel_id: channel.id,
            channel_number: None,
            identity_key: report_id.to_string(),
            reporter_id: reporter.map(|reporter| reporter.id),
            origin: *origin,
            received_at: at(received),
            recorded_at: at(received),
            recorded_by: "analyst-1".to_owned(),
            current_version: 1,
            history: case.history,
            part_of: None,
            part_number: None,
            split: false,
            severity: confirmed.then_some(Severity::High),
            notice_type: None,
            withdrawn_at: None,
            withdrawal_reason: None,
        };
        let subject = reporter.and_then(|reporter| reporter.subject.clone());
        facts.reports.push((put!(app, row), channel.key.clone(), subject));
    }
    for (pass, concluded, given) in case.given {
        let row = verdict::Model {
            id: app.ids.next(),
            event_id: id,
            pass: *pass,
            verdict: *concluded,
            severity: None,
            rationale: "because".to_owned(),
            original_event_id: None,
            internal_finding: None,
            fixing_event_id: None,
            first_known_on: None,
            advisory: None,
            fixed_version: None,
            end_of_life_notice: None,
            last_supported_version: None,
            successor: None,
            forwarded_to: None,
            given_by: "analyst-1".to_owned(),
            given_at: at(given),
            superseded_at: None,
        };
        put!(app, row);
    }
    for (pass, from, to, changed) in case.steps {
        let row = status_change::Model {
            id: app.ids.next(),
            event_id: id,
            pass: *pass,
            from_status: Some(*from),
            to_status: *to,
            reason: None,
            changed_by: "analyst-1".to_owned(),
            changed_at: at(changed),
        };
        put!(app, row);
    }
    let mut changes =
        ChangeSet::new(app, &Actor::operator("analyst-0", [Role::Analyst]), Action::ReceiveReport);
    regrant(&mut changes, None, &facts);
    app.commit(changes).await.unwrap();
    (event, facts.reports.into_iter().map(|(report, ..)| report).collect())
}

/// A reply that was owed from one instant and sent at another.
pub(super) async fn answered(
    app: &App,
    report: &report::Model,
    kind: ReplyKind,
    opened: &str,
    met: &str,
) -> obligation::Model {
    let row = obligation::Model {
        id: app.ids.next(),
        event_id: report.event_id,
        report_id: Some(report.id),
        channel_id: report.channel_id,
        kind,
        trigger: "report".to_owned(),
        slot: None,
        product_id: None,
        customer_id: None,
        regime: None,
        stage: None,
        state: ObligationState::Met,
        opened_at: at(opened),
        met_at: Some(at(met)),
        met_by_reply_id: None,
        waived_by: None,
        waived_at: None,
        waive_reason: None,
        legal_ground: None,
    };
    put!(app, row)
}

/// A clock: when it was due, breached and met.
pub(super) struct Clock<'a> {
    pub(super) kind: DeadlineKind,
    pub(super) regime: Regime,
    pub(super) channel: Option<Uuid>,
    pub(super) due: &'a str,
    pub(super) breached: Option<&'a str>,
    pub(super) met: Option<&'a str>,
}

pub(super) async fn clock(app: &App, event: &event::Model, clock: Clock<'_>) {
    let id = app.ids.next();
    let row = deadline::Model {
        id,
        event_id: event.id,
        slot: id.to_string(),
        pass: 1,
        obligation_id: None,
        report_id: None,
        channel_id: clock.channel,
        line: None,
        kind: clock.kind,
        regime: clock.regime,
        rule: None,
        policy_id: None,
        state: if clock.met.is_some() { DeadlineState::Met } else { DeadlineState::Open },
        anchor: DeadlineAnchor::LevelSet,
        anchor_at: Some(event.received_at),
        due_at: Some(at(clock.due)),
        none_reason: None,
        pauses: deadline::Pauses::default(),
        paused_since: None,
        calendar_id: None,
        calendar_version: 0,
        channel_version: 0,
        opened_at: event.received_at,
        met_at: clock.met.map(at),
        breached_at: clock.breached.map(at),
        waived_at: None,
        waive_reason: None,
        told_percent: 0,
        next_notice_at: None,
        sort_at: at(clock.due),
    };
    put!(app, row);
}

/// What was paid: for what, how much in which currency, and when it was approved and paid.
pub(super) async fn paid(
    app: &App,
    channel: &channel::Model,
    reporter: &reporter::Model,
    report: Option<&report::Model>,
    (kind, amount, currency): (PayoutKind, i64, &str),
    (approved, paid): (&str, Option<&str>),
) {
    let id = app.ids.next();
    let row = payout::Model {
        id,
        number: format!("PO-{id}"),
        kind,
        channel_id: channel.id,
        report_id: report.map(|report| report.id),
        reporter_id: reporter.id,
        period: None,
        bonus_run_id: None,
        amount,
        currency: currency.to_owned(),
        priced: amount,
        grid_id: None,
        asset_tier: None,
        severity: None,
        range_minimum: None,
        range_maximum: None,
        state: if paid.is_some() { PayoutState::Paid } else { PayoutState::Approved },
        held_from: None,
        held_for: None,
        share: None,
        live_key: None,
        proposed_by: "analyst-1".to_owned(),
        proposed_at: at(approved),
        rationale: "because".to_owned(),
        split_by: None,
        approved_by: Some("finance-1".to_owned()),
        approved_at: Some(at(approved)),
        approved_amount: Some(amount),
        approved_severity: None,
        answer_by: None,
        accepted_at: None,
        appealed: false,
        budget_id: None,
        over_budget: 0,
        attempt: 1,
        synced_at: None,
        platform_reference: None,
        paid_at: paid.map(at),
        paid_by: None,
        paid_reference: None,
        paid_proof: None,
        reversed_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: at(approved),
        changed_at: at(approved),
    };
    put!(app, row);
}

/// What is there before each test.
pub(super) struct Bed {
    pub(super) src: channel::Model,
    pub(super) gateway: product::Model,
    pub(super) router: product::Model,
    pub(super) second: reporter::Model,
    /// The event that was handled twice.
    pub(super) twice: event::Model,
    pub(super) its_report: report::Model,
}

/// January as the tests count it, in Asia/Shanghai: from the last of December, 16:00 UTC, to the last of January, 16:00.
pub(super) async fn january(app: &App) -> Bed {
    use Status::{Closed, Remediating, Replying, Triaging, Verifying};
    let src = channel(app, "src", ChannelKind::SrcPlatform).await;
    let cnvd = channel(app, "cnvd", ChannelKind::NationalDatabase).await;
    let gateway = product(app, "gateway", "net").await;
    let router = product(app, "router", "core").await;
    let first = reporter(app, &src, Some("reporter-1"), "Moth", true).await;
    let second = reporter(app, &src, Some("reporter-2"), "Owl", false).await;
    // Confirmed after a day, fixed after eight; reopened on the 20th, confirmed again after six hours.
    let (twice, reports) = event(
        app,
        Case {
            level: Level::Red,
            verdict: Some(Verdict::Confirmed),
            given: &[
                (1, Verdict::Confirmed, "2026-01-03T00:00:00Z"),
                // A new severity after an appeal is no second conclusion.
                (1, Verdict::Confirmed, "2026-01-04T00:00:00Z"),
                (2, Verdict::Confirmed, "2026-01-20T06:00:00Z"),
            ],
            steps: &[
                (1, Remediating, Verifying, "2026-01-09T00:00:00Z"),
                (1, Verifying, Replying, "2026-01-10T00:00:00Z"),
                (2, Closed, Triaging, "2026-01-20T00:00:00Z"),
            ],
            products: &[&gateway],
            reports: &[(&src, Some(&first), Origin::External, "2026-01-02T00:00:00Z")],
            ..Case::default()
        },
    )
    .await;
    let its_report = reports[0].clone();
    answered(app, &its_report, ReplyKind::Acknowledgement, "2026-01-02T01:00:00Z", "2026-01-02T02:00:00Z")
        .await;
    answered(app, &its_report, ReplyKind::Verdict, "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z").await;
    let fix = |due, breached, met| Clock {
        kind: DeadlineKind::Fix,
        regime: Regime::Fix,
        channel: None,
        due,
        breached,
        met,
    };
    clock(app, &twice, fix("2026-01-10T00:00:00Z", None, Some("2026-01-09T00:00:00Z"))).await;
    // In February.
    clock(app, &twice, fix("2026-02-10T00:00:00Z", None, Some("2026-02-09T00:00:00Z"))).await;
    paid(
        app,
        &src,
        &first,
        Some(&its_report),
        (PayoutKind::Bounty, 1_000_000, "CNY"),
        ("2026-01-15T00:00:00Z", Some("2026-01-20T00:00:00Z")),
    )
    .await;
    paid(
        app,
        &src,
        &first,
        Some(&its_report),
        (PayoutKind::Bounty, 40, "POINTS"),
        ("2026-01-16T00:00:00Z", None),
    )
    .await;
    paid(app, &src, &first, None, (PayoutKind::QuarterlyBonus, 1_000, "JPY"), ("2026-01-31T00:00:00Z", None))
        .await;
    // A duplicate after twelve hours, through the database, on another product.
    let (duplicate, _) = event(
        app,
        Case {
            received: "2026-01-05T00:00:00Z",
            verdict: Some(Verdict::Duplicate),
            given: &[(1, Verdict::Duplicate, "2026-01-05T12:00:00Z")],
            products: &[&router],
            reports: &[(&cnvd, None, Origin::External, "2026-01-05T00:00:00Z")],
            ..Case::default()
        },
    )
    .await;
    let notice = Clock {
        kind: DeadlineKind::Reply,
        regime: Regime::Notice,
        channel: Some(cnvd.id),
        due: "2026-01-10T00:00:00Z",
        breached: Some("2026-01-10T00:00:00Z"),
        met: Some("2026-01-12T00:00:00Z"),
    };
    clock(app, &duplicate, notice).await;
    // Known inside, after two days; on both products, through both channels.
    let (known, _) = event(
        app,
        Case {
            received: "2026-01-06T00:00:00Z",
            level: Level::Blue,
            verdict: Some(Verdict::KnownInternally),
            given: &[(1, Verdict::KnownInternally, "2026-01-08T00:00:00Z")],
            products: &[&gateway, &router],
            reports: &[
                (&src, Some(&second), Origin::External, "2026-01-06T00:00:00Z"),
                (&cnvd, None, Origin::External, "2026-01-07T00:00:00Z"),
                (&src, Some(&first), Origin::External, "2026-01-08T00:00:00Z"),
            ],
            ..Case::default()
        },
    )
    .await;
    // Overdue, and nobody has told yet.
    clock(app, &known, fix("2026-01-15T00:00:00Z", None, None)).await;
    let theirs = Clock {
        kind: DeadlineKind::Publication,
        regime: Regime::Coordination,
        channel: Some(cnvd.id),
        due: "2026-01-15T00:00:00Z",
        breached: Some("2026-01-15T00:00:00Z"),
        met: None,
    };
    clock(app, &known, theirs).await;
    // Nobody has concluded anything of it.
    event(app, Case { received: "2026-01-07T00:00:00Z", ..Case::default() }).await;
    // Found by own staff in the last second of the month, and later from outside; confirmed in February.
    event(
        app,
        Case {
            received: "2026-01-31T15:59:59Z",
            verdict: Some(Verdict::Confirmed),
            given: &[(1, Verdict::Confirmed, "2026-02-02T00:00:00Z")],
            reports: &[
                (&src, Some(&second), Origin::External, "2026-01-31T15:59:59.5Z"),
                (&src, None, Origin::Internal, "2026-01-31T15:59:59Z"),
            ],
            ..Case::default()
        },
    )
    .await;
    // The first instant after it.
    event(app, Case { received: "2026-01-31T16:00:00Z", ..Case::default() }).await;
    // What was handled elsewhere counts as an event, and its instants measure nothing.
    event(
        app,
        Case {
            received: "2026-01-09T00:00:00Z",
            verdict: Some(Verdict::NotReproducible),
            given: &[(1, Verdict::NotReproducible, "2026-01-30T00:00:00Z")],
            history: true,
            ..Case::default()
        },
    )
    .await;
    Bed { src, gateway, router, second, twice, its_report }
}

/// How many events there are, hidden ones too.
pub(super) async fn all_events(app: &App) -> usize {
    event::Entity::find().all(app.database.reader()).await.unwrap().len()
}
