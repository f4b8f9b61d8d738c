//! The planner over stories of events: what they share, and their parts.

mod abroad;
mod customers;
mod law;
mod policy;
mod promises;
mod random;
mod telling;
mod undated;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc, Weekday};
use entity::vocabulary::{
    AbroadExtent, AffectedState, AssetTier, ChannelKind, ClockFactKind, DeadlineAnchor, DeadlineKind,
    DeadlineState, DeadlineTrigger, DecisionKind, Level, Lifecycle, NoDeadline, NoticeType, ObligationState,
    Origin, ProductKind, RemediationState, ReplyKind, RmsvLibrary, SpanUnit, Status, Tlp, Verdict,
    WorldFactKind,
};
use entity::{
    affected_product, assignment, channel, clock_fact, decision, duty, event, product, remediation, report,
    world_fact,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::plan::Plan;
use super::policy::Policy;
use super::*;
use crate::calendar::rules::{Calendar, Weekend};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn channel(number: u128, key: &str, kind: ChannelKind, abroad: bool) -> channel::Model {
    channel::Model {
        id: id(number),
        key: key.to_owned(),
        name: key.to_owned(),
        kind,
        jurisdiction: if abroad { "EU" } else { "CN" }.to_owned(),
        abroad,
        reply_required: true,
        time_zone: if abroad { "Europe/Brussels" } else { "Asia/Shanghai" }.to_owned(),
        calendar_id: None,
        language: "zh-CN".to_owned(),
        contacts: Vec::new().into(),
        active: true,
        acknowledgement: entity::vocabulary::Acknowledgement::ByHand,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        changed_at: DateTime::UNIX_EPOCH,
    }
}

fn basis() -> Basis {
    let working = |zone| TimedCalendar {
        version: 1,
        calendar: Calendar {
            zone,
            weekend: Weekend::new([Weekday::Sat, Weekday::Sun]).unwrap(),
            hours: Vec::new(),
            by_year: false,
            years: BTreeSet::new(),
            exceptions: Default::default(),
        },
    };
    let own_calendar = crate::calendar::of_jurisdiction("CN");
    let recipients = [
        channel(101, "nvdb", ChannelKind::NationalDatabase, false),
        channel(102, "csirt-eu", ChannelKind::Regulator, true),
        channel(103, "cac", ChannelKind::Regulator, false),
        channel(104, "protection-department", ChannelKind::Regulator, false),
        channel(105, "police", ChannelKind::Regulator, false),
        channel(106, "customers", ChannelKind::Customer, false),
        channel(107, "customers-abroad", ChannelKind::Customer, true),
    ];
    Basis {
        policy_id: Some(id(1)),
        policy: default_policy().unwrap(),
        calendars: [
            (own_calendar, working(chrono_tz::Asia::Shanghai)),
            (crate::calendar::of_jurisdiction("EU"), working(chrono_tz::Europe::Brussels)),
        ]
        .into(),
        own_calendar,
        recipients: recipients.into_iter().map(|row| (row.key.clone(), row)).collect(),
    }
}

fn event() -> event::Model {
    let now = at("2026-10-12T01:00:00Z");
    event::Model {
        id: id(10),
        number: "VE-2026-1".to_owned(),
        title: String::new(),
        described: false,
        description: String::new(),
        steps: String::new(),
        status: Status::Received,
        verdict: None,
        level: Level::None,
        highest_level: Level::None,
        level_rank: 0,
        score: -1,
        tlp: Tlp::Amber,
        embargo_until: None,
        received_at: now,
        history: false,
        pass: 1,
        duplicate_of: None,
        asked_report_id: None,
        asked_at: None,
        closed_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    }
}

fn report(number: u128, channel: &channel::Model) -> report::Model {
    report::Model {
        id: id(number),
        event_id: id(10),
        channel_id: channel.id,
        channel_number: None,
        identity_key: number.to_string(),
        reporter_id: None,
        origin: Origin::External,
        received_at: at("2026-10-12T01:00:00Z"),
        recorded_at: at("2026-10-12T01:00:00Z"),
        recorded_by: "analyst-1".to_owned(),
        current_version: 1,
        history: false,
        part_of: None,
        part_number: None,
        notice_type: None,
        withdrawn_at: None,
        withdrawal_reason: None,
        split: false,
        severity: None,
    }
}

fn product(line: &str) -> Product {
    Product {
        affected: affected_product::Model {
            id: id(30),
            event_id: id(10),
            product_id: id(31),
            line: line.to_owned(),
            state: AffectedState::Affected,
            reason: None,
            justification: None,
            affected_versions: None,
            fixed_versions: None,
            version: 1,
            received_at: DateTime::UNIX_EPOCH,
        },
        product: product::Model {
            id: id(31),
            key: line.to_owned(),
            name: line.to_owned(),
            line: line.to_owned(),
            owner_team: String::new(),
            provider_entity: String::new(),
            kind: ProductKind::Product,
            importance: 0,
            reach: 0,
            customer_coverage: String::new(),
            asset_tier: AssetTier::Core,
            lifecycle: Lifecycle::Supported,
            end_of_life_notice: None,
            last_supported_version: None,
            successor: None,
            rmsv_library: Some(RmsvLibrary::General),
            cra_in_scope: true,
            cra_member_states: Vec::new().into(),
            cra_support_until: None,
            critical_infrastructure: false,
            central_organ: false,
            replan_after: None,
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: DateTime::UNIX_EPOCH,
            changed_at: DateTime::UNIX_EPOCH,
        },
    }
}

fn fix(line: &str, state: RemediationState) -> remediation::Model {
    remediation::Model {
        id: id(40),
        event_id: id(10),
        line: line.to_owned(),
        state,
        fix_plan: None,
        planned_for: None,
        patch: None,
        mitigation: None,
        mitigation_available_at: None,
        submitted_by: None,
        submitted_at: None,
        risk_decision_id: None,
        release_versions: None,
        advisory: None,
        available_at: None,
        version: 1,
    }
}

/// An event's facts that follow what is planned for them.
struct Story {
    facts: ClockFacts,
    basis: Basis,
    next: u128,
    /// What people were told of, with when.
    told: Vec<(DateTime<Utc>, Told)>,
}

impl Story {
    fn new(channels: &[(&str, ChannelKind)]) -> Self {
        let mut facts = ClockFacts::new(event(), at("2026-10-12T01:00:00Z"));
        for (number, (key, kind)) in (0..).zip(channels) {
            let channel = channel(50 + number, key, *kind, *key == "bounty-eu");
            facts.arrived(report(20 + number, &channel), &channel);
        }
        let basis = basis();
        facts.channels.extend(basis.recipients.values().map(|row| (row.id, row.clone())));
        let mut story = Self { facts, basis, next: 1_000, told: Vec::new() };
        story.settle();
        story
    }

    fn plan(&mut self) -> Plan {
        let next = &mut self.next;
        plan(&self.facts, &self.basis, "analyst-1", || {
            *next += 1;
            id(*next)
        })
    }

    /// Plans, does what was planned, and demands that nothing is left to plan.
    fn settle(&mut self) {
        let met = self.facts.deadlines.clone();
        let mut planned = self.plan();
        let told = tell_due(&self.facts, &self.basis, &mut planned);
        self.told.extend(told.into_iter().map(|told| (self.facts.at, told)));
        for change in &planned.obligations {
            self.facts.obligation_changed(change.after());
        }
        for change in &planned.deadlines {
            let after = change.after().clone();
            self.facts.deadlines.retain(|row| row.id != after.id);
            self.facts.deadlines.push(after);
        }
        self.facts.deadlines.sort_by_key(|row| row.id);
        if let Some(due) = planned.ask_abroad {
            self.next += 1;
            let row = abroad_question(&self.facts, id(self.next), "vulndesk", due);
            self.facts.decisions.push(row);
        }
        let mut again = self.plan();
        tell_due(&self.facts, &self.basis, &mut again);
        assert!(again.is_empty(), "planning again says: {again:#?}");
        for done in met.iter().filter(|row| row.state != DeadlineState::Open) {
            assert!(self.facts.deadlines.contains(done), "what is over was changed: {done:?}");
        }
    }

    fn later(&mut self, hours: i64) {
        self.facts.at += TimeDelta::hours(hours);
        self.settle();
    }

    fn verdict(&mut self, verdict: Verdict) {
        self.next += 1;
        let changes = self.facts.event.verdict.is_some_and(|before| before != verdict);
        self.facts.news = changes.then(|| id(self.next));
        self.facts.event.verdict = Some(verdict);
        self.facts.verdicts.push(Given { id: id(self.next), verdict, at: self.facts.at });
        self.settle();
        self.facts.news = None;
    }

    fn level(&mut self, level: Level) {
        self.facts.event.level = level;
        self.facts.scores.push(Scored { pass: self.facts.event.pass, at: self.facts.at });
        self.settle();
    }

    fn exploited(&mut self) {
        let at = self.facts.at;
        self.facts.world.push(world_fact::Model {
            id: id(60),
            event_id: id(10),
            kind: WorldFactKind::ExploitedInTheWild,
            occurred_at: None,
            learned_at: at,
            source: "sensor".to_owned(),
            recorded_by: "analyst-1".to_owned(),
            recorded_at: at,
        });
        self.settle();
    }

    fn decide(&mut self, kind: DecisionKind, granted: bool, extent: Option<AbroadExtent>) {
        let at = self.facts.at;
        let asked =
            self.facts.decisions.iter().find(|row| row.kind == kind && row.decided_at.is_none()).cloned();
        self.next += 1;
        let asked = asked.unwrap_or(decision::Model {
            kind,
            ..abroad_question(&self.facts, id(self.next), "analyst-1", None)
        });
        self.facts.decision_changed(&decision::Model {
            granted: Some(granted),
            extent,
            decided_by: Some("leader-1".to_owned()),
            decided_at: Some(at),
            participants: vec!["legal-1".to_owned()].into(),
            ..asked
        });
        self.settle();
    }

    /// Meets every open obligation of a stage now.
    fn send(&mut self, stage: &str) {
        let at = self.facts.at;
        let owed = self.facts.obligations.iter_mut().filter(|row| row.stage.as_deref() == Some(stage));
        for row in owed.filter(|row| row.state == ObligationState::Open) {
            row.state = ObligationState::Met;
            row.met_at = Some(at);
        }
        self.settle();
    }

    fn enter(&mut self, kind: ClockFactKind, report: Option<Uuid>, at: Option<DateTime<Utc>>) {
        self.enter_for(kind, report, None, at);
    }

    fn enter_for(
        &mut self,
        kind: ClockFactKind,
        report: Option<Uuid>,
        decision: Option<Uuid>,
        at: Option<DateTime<Utc>>,
    ) {
        let same = (kind, report, decision);
        self.facts.entered.retain(|row| {
            kind == ClockFactKind::Question || (row.kind, row.report_id, row.decision_id) != same
        });
        self.next += 1;
        self.facts.entered.push(clock_fact::Model {
            id: id(self.next),
            event_id: id(10),
            report_id: report,
            decision_id: decision,
            kind,
            at,
            note: String::new(),
            since: self.facts.at,
            recorded_by: "analyst-1".to_owned(),
            recorded_at: self.facts.at,
            superseded_at: None,
        });
        self.settle();
    }

    fn clock(&self, rule: &str) -> &entity::deadline::Model {
        let found = self.facts.deadlines.iter().rev().find(|row| row.rule.as_deref() == Some(rule));
        found.unwrap_or_else(|| panic!("no clock of {rule}"))
    }

    fn due(&self, rule: &str) -> Option<DateTime<Utc>> {
        self.clock(rule).due_at
    }

    fn has(&self, rule: &str) -> bool {
        self.facts.deadlines.iter().any(|row| row.rule.as_deref() == Some(rule))
    }

    fn of_kind(&self, kind: DeadlineKind) -> Vec<&entity::deadline::Model> {
        self.facts.deadlines.iter().filter(|row| row.kind == kind).collect()
    }
}
