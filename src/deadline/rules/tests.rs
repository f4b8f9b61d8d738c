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

#[test]
fn the_built_in_policy_holds_and_survives_a_file() {
    let policy = default_policy().unwrap();
    assert_eq!(policy.faults(), []);
    let text = toml::to_string_pretty(&policy).unwrap();
    assert_eq!(toml::from_str::<Policy>(&text).unwrap(), policy);
}

#[test]
fn a_policy_that_contradicts_itself_says_where() {
    let first_of = |key: &str, change: fn(&mut Rule)| {
        let mut policy = default_policy().unwrap();
        let rule = policy.rules.iter_mut().find(|rule| rule.key == key).unwrap();
        change(rule);
        policy.faults().first().map(|fault| fault.field)
    };
    type Fault = fn(&mut Rule);
    let table: [(&str, Fault, &str); 12] = [
        ("src-verdict", |rule| rule.term = rule.term.map(|term| Term { amount: 4_001, ..term }), "term"),
        (
            "cra-incident-final-report",
            |rule| rule.term = rule.term.map(|term| Term { amount: 1_201, ..term }),
            "term",
        ),
        ("src-verdict", |rule| rule.key = "src-acknowledgement".to_owned(), "key"),
        ("src-verdict", |rule| rule.reply = None, "reply"),
        ("src-verdict", |rule| rule.term = rule.term.map(|term| Term { amount: 0, ..term }), "term"),
        ("notice-feedback", |rule| rule.pauses = true, "pauses"),
        ("rmsv-report", |rule| rule.recipient = None, "recipient"),
        ("rmsv-report", |rule| rule.levels = vec![Level::Red], "levels"),
        ("cra-incident-final-report", |rule| rule.after = Some("src-verdict".to_owned()), "after"),
        ("fix-orange", |rule| rule.levels = vec![Level::Red], "levels"),
        ("fix-red", |rule| rule.term = None, "term"),
        ("cnvd-publication", |rule| rule.channels = vec!["cert-cc".to_owned()], "levels"),
    ];
    for (key, change, field) in table {
        assert_eq!(first_of(key, change), Some(field), "{key}: {field}");
    }
}

#[test]
fn a_rule_to_which_those_before_it_leave_nothing_is_refused_together_or_alone() {
    use ChannelKind::{Customer, SrcPlatform, Vendor};
    let all = default_policy().unwrap().rules;
    let rule = |key: &str| all.iter().find(|rule| rule.key == key).unwrap().clone();
    let last_is_dead = |rules: Vec<Rule>| {
        let rules = rules.into_iter().enumerate();
        let rules =
            rules.map(|(number, rule)| Rule { key: format!("rule-{number}"), after: None, ..rule }).collect();
        let faults = Policy { rules }.faults();
        let last =
            faults.iter().filter(|fault| fault.message.contains("never be used")).map(|fault| fault.rule);
        last.collect::<Vec<_>>()
    };
    let none: [usize; 0] = [];
    let of_levels = |levels: &[Level]| Rule { levels: levels.to_vec(), ..rule("fix-red") };
    let (red, orange) = (of_levels(&[Level::Red]), of_levels(&[Level::Orange]));
    assert_eq!(last_is_dead(vec![red.clone(), orange.clone(), of_levels(&[Level::Red, Level::Orange])]), [2]);
    assert_eq!(last_is_dead(vec![red, orange, of_levels(&[Level::Red, Level::Yellow])]), none);
    let by = |kinds: &[ChannelKind], channels: &[&str]| Rule {
        channel_kinds: kinds.to_vec(),
        channels: channels.iter().map(|&key| key.to_owned()).collect(),
        pauses: false,
        ..rule("src-verdict")
    };
    assert_eq!(
        last_is_dead(vec![by(&[SrcPlatform], &[]), by(&[Vendor], &[]), by(&[Vendor, SrcPlatform], &["a"])]),
        [2]
    );
    assert_eq!(
        last_is_dead(vec![by(&[SrcPlatform], &[]), by(&[Vendor], &[]), by(&[Vendor, Customer], &[])]),
        none
    );
    assert_eq!(last_is_dead(vec![by(&[], &["a"]), by(&[], &["b"]), by(&[], &["b", "a"])]), [2]);
    assert_eq!(last_is_dead(vec![by(&[], &["a"]), by(&[], &[])]), none, "there are others");
    let of_network =
        |critical| Rule { critical_infrastructure: critical, ..rule("cra-incident-early-warning") };
    let of_network = |critical| Rule { trigger: DeadlineTrigger::NetworkIncident, ..of_network(critical) };
    assert_eq!(last_is_dead(vec![of_network(Some(true)), of_network(Some(false)), of_network(None)]), [2]);
    assert_eq!(last_is_dead(vec![of_network(Some(true)), of_network(None)]), none);
    let from = |day: &str| Rule { since: Some(day.parse().unwrap()), ..rule("cra-early-warning") };
    assert_eq!(last_is_dead(vec![from("2026-09-11"), from("2027-01-01")]), [1]);
    assert_eq!(last_is_dead(vec![from("2027-01-01"), from("2026-09-11")]), none, "before that day it holds");
    let waiting = Rule { waits_for_anchor: true, ..rule("cra-final-report") };
    assert_eq!(last_is_dead(vec![waiting, rule("cra-final-report")]), none, "until then the other holds");
}

#[test]
fn a_clock_counts_from_the_anchor_that_its_rule_names() {
    let with = |key: &str, anchor, term| {
        let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
        let rule = story.basis.policy.rules.iter_mut().find(|rule| rule.key == key).unwrap();
        (rule.anchor, rule.term) = (anchor, Some(term));
        story.settle();
        story
    };
    let hours = |amount| Term { unit: entity::vocabulary::SpanUnit::Hours, amount };
    // Asked for at 01:00, decided ten hours later.
    let mut story = with("cra-incident-early-warning", DeadlineAnchor::DecisionMade, hours(24));
    let asked = decision::Model {
        kind: DecisionKind::SevereIncident,
        ..abroad_question(&story.facts, id(900), "analyst-1", None)
    };
    story.facts.decision_changed(&asked);
    story.later(10);
    story.decide(DecisionKind::SevereIncident, true, None);
    assert_eq!(story.due("cra-incident-early-warning"), Some(at("2026-10-13T11:00:00Z")));
    assert_eq!(
        story.due("cra-incident-notification"),
        Some(at("2026-10-15T01:00:00Z")),
        "from when it was learned of"
    );

    let mut story = with("question", DeadlineAnchor::Asked, hours(8));
    story.later(3);
    story.enter(ClockFactKind::Question, Some(id(20)), None);
    assert_eq!(story.due("question"), Some(at("2026-10-12T12:00:00Z")));
}

#[test]
fn what_cannot_be_counted_says_why() {
    let clock = |calendars: bool, years: &[i32], anchor: DateTime<Utc>| {
        let mut basis = basis();
        let (own, timed) = (basis.own_calendar, basis.calendars.get_mut(&basis.own_calendar).unwrap());
        timed.calendar.by_year = true;
        timed.calendar.years = years.iter().copied().collect();
        if !calendars {
            basis.calendars.clear();
        }
        let clock = want::Clock {
            rolls_over: false,
            kind: DeadlineKind::Reply,
            regime: entity::vocabulary::Regime::SrcPromise,
            rule: Some("src-verdict".to_owned()),
            report_id: None,
            channel_id: None,
            line: None,
            anchor: DeadlineAnchor::Received,
            anchor_at: Some(anchor),
            unanchored: NoDeadline::NoTerm,
            end: want::End::After(crate::calendar::rules::Span::WorkingDays(5)),
            pauses: false,
            calendar: own,
            zone: None,
        };
        let count = count::count(&clock, DeadlineKind::Reply, &basis, &[]);
        (count.due_at, count.none_reason)
    };
    let end_of_year = at("2026-12-30T01:00:00Z");
    let due = at("2027-01-06T16:00:00Z");
    assert_eq!(clock(true, &[2026, 2027], end_of_year), (Some(due), None));
    assert_eq!(clock(true, &[2026], end_of_year), (None, Some(NoDeadline::CalendarWithoutYear)));
    assert_eq!(clock(false, &[2026], end_of_year), (None, Some(NoDeadline::NoCalendar)));
    let last = DateTime::<Utc>::MAX_UTC - TimeDelta::days(2);
    let years: Vec<_> = (262_140..262_145).collect();
    assert_eq!(clock(true, &years, last), (None, Some(NoDeadline::TooFar)));
}

#[test]
fn a_platform_is_answered_in_working_days_and_the_verdict_acknowledges() {
    let mut story = Story::new(&[("src", ChannelKind::SrcPlatform)]);
    assert_eq!(story.due("src-acknowledgement"), Some(at("2026-10-15T16:00:00Z")));
    assert_eq!(story.due("src-verdict"), Some(at("2026-10-19T16:00:00Z")));
    story.later(200);
    story.send("src-verdict");
    let (first, verdict) = (story.clock("src-acknowledgement"), story.clock("src-verdict"));
    assert_eq!((first.state, verdict.state), (DeadlineState::Met, DeadlineState::Met));
    assert_eq!(verdict.breached_at, verdict.due_at, "it was late");
}

#[test]
fn what_did_not_arrive_is_owed_again_by_its_old_instants() {
    let mut story = Story::new(&[("src", ChannelKind::SrcPlatform)]);
    story.later(1);
    story.send("src-verdict");
    let met: Vec<_> =
        story.facts.deadlines.iter().filter(|row| row.state == DeadlineState::Met).cloned().collect();
    assert_eq!(met.len(), 2, "the verdict, and with it the acknowledgement");
    story.facts.at += TimeDelta::hours(48);
    for row in &mut story.facts.obligations {
        (row.state, row.met_at, row.met_by_reply_id) = (ObligationState::Open, None, None);
    }
    let plan = story.plan();
    assert!(!plan.opens_obligation() && plan.deadlines.len() == 2, "no clock begins anew: {plan:#?}");
    for change in &plan.deadlines {
        let Change::Changed(before, after) = change else { panic!("{change:?}") };
        assert_eq!((before.state, after.state), (DeadlineState::Met, DeadlineState::Open));
        assert_eq!((after.due_at, after.met_at, after.anchor_at), (before.due_at, None, before.anchor_at));
    }
}

#[test]
fn waiting_for_the_reporter_pauses_the_platforms_clocks_alone_and_not_for_ever() {
    let kinds = [("src", ChannelKind::SrcPlatform), ("cnvd", ChannelKind::NationalDatabase)];
    for (waited, moved) in [(24, 1), (72, 3), (500, 3)] {
        let mut story = Story::new(&kinds);
        let published = story.due("cnvd-publication");
        story.facts.at = at("2026-10-12T16:00:00Z");
        story.facts.event.status = Status::NeedsInformation;
        story.facts.event.asked_at = Some(story.facts.at);
        story.facts.event.asked_report_id = Some(id(20));
        story.settle();
        assert_eq!(story.of_kind(DeadlineKind::Information)[0].due_at, Some(at("2026-10-15T16:00:00Z")));
        story.later(waited);
        story.facts.event.status = Status::Triaging;
        story.settle();
        assert_eq!(
            story.due("src-acknowledgement"),
            Some(at("2026-10-15T16:00:00Z") + days_off(moved)),
            "{waited}"
        );
        assert_eq!(story.due("cnvd-publication"), published);
        assert_eq!(story.of_kind(DeadlineKind::Information)[0].state, DeadlineState::Met);
    }
    let mut story = Story::new(&kinds);
    for (from, to) in
        [("2026-10-12T16:00:00Z", "2026-10-14T16:00:00Z"), ("2026-10-15T16:00:00Z", "2026-10-18T16:00:00Z")]
    {
        story.facts.at = at(from);
        story.facts.event.status = Status::NeedsInformation;
        story.facts.event.asked_at = Some(story.facts.at);
        story.facts.event.asked_report_id = Some(id(20));
        story.settle();
        story.facts.at = at(to);
        story.facts.event.status = Status::Triaging;
        story.settle();
    }
    let spans = &story.clock("src-verdict").pauses.0;
    assert_eq!(
        (spans[0].to - spans[0].from, spans[1].to - spans[1].from),
        (TimeDelta::hours(48), TimeDelta::hours(24))
    );
    assert_eq!(
        story.due("src-verdict"),
        Some(at("2026-10-22T16:00:00Z")),
        "asked twice, three days all the same"
    );
}

/// Thursday's end moved by working days: over the weekend from the second on.
fn days_off(working: i64) -> TimeDelta {
    TimeDelta::days(if working > 1 { working + 2 } else { working })
}

#[test]
fn a_notice_without_a_date_has_no_deadline_until_one_is_entered() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    assert_eq!(story.clock("notice-feedback").none_reason, Some(NoDeadline::NoNoticeDate));
    assert_eq!(story.due("cnvd-publication"), Some(at("2026-11-26T16:00:00Z")));
    let date = at("2026-10-20T16:00:00Z");
    story.enter(ClockFactKind::NoticeDue, Some(id(20)), Some(date));
    assert_eq!(
        (story.due("notice-feedback"), story.clock("notice-feedback").none_reason),
        (Some(date), None)
    );
    story.enter(ClockFactKind::Publication, Some(id(20)), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(story.due("cnvd-publication"), Some(at("2027-01-01T00:00:00Z")));
    story.later(24 * 100);
    let published = story.clock("cnvd-publication");
    assert_eq!((published.state, published.breached_at), (DeadlineState::Met, None), "it is theirs");
}

impl Story {
    /// When people were told that the clock of a rule cannot be counted, with what it lacks.
    fn undated(&self, rule: &str) -> Vec<(DateTime<Utc>, NoDeadline)> {
        let of_rule = self.told.iter().filter(|(_, told)| told.deadline.rule.as_deref() == Some(rule));
        of_rule.filter_map(|(at, told)| Some((*at, told.undated()?))).collect()
    }

    fn hour_by_hour(&mut self, hours: usize) {
        (0..hours).for_each(|_| self.later(1));
    }
}

#[test]
fn a_notice_without_a_date_is_told_of_at_once_and_again_each_working_day_of_its_channel() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.hour_by_hour(192);
    // From Monday on, at midnight in Shanghai, and over the weekend not.
    let told = [
        "2026-10-12T01:00:00Z",
        "2026-10-12T16:00:00Z",
        "2026-10-13T16:00:00Z",
        "2026-10-14T16:00:00Z",
        "2026-10-15T16:00:00Z",
        "2026-10-18T16:00:00Z",
        "2026-10-19T16:00:00Z",
    ];
    let expected: Vec<_> = told.iter().map(|text| (at(text), NoDeadline::NoNoticeDate)).collect();
    assert_eq!(story.undated("notice-feedback"), expected);
    story.enter(ClockFactKind::NoticeDue, Some(id(20)), Some(at("2026-12-01T00:00:00Z")));
    story.hour_by_hour(48);
    assert_eq!(story.undated("notice-feedback").len(), told.len(), "it has a date");
}

#[test]
fn a_calendar_without_the_year_is_told_of_each_day_and_what_waits_for_others_never() {
    let mut story = Story::new(&[]);
    let own = story.basis.own_calendar;
    story.basis.calendars.get_mut(&own).unwrap().calendar.by_year = true;
    let src = channel(50, "src", ChannelKind::SrcPlatform, false);
    story.facts.arrived(report(20, &src), &src);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    assert_eq!(story.clock("cra-final-report").none_reason, Some(NoDeadline::NoMeasureYet));
    story.hour_by_hour(49);
    let told = ["2026-10-12T01:00:00Z", "2026-10-13T01:00:00Z", "2026-10-14T01:00:00Z"];
    let expected: Vec<_> = told.iter().map(|text| (at(text), NoDeadline::CalendarWithoutYear)).collect();
    assert_eq!(story.undated("src-verdict"), expected);
    assert_eq!(story.undated("cra-final-report"), [], "nobody can enter that");
    let calendar = &mut story.basis.calendars.get_mut(&own).unwrap().calendar;
    calendar.years = BTreeSet::from([2026]);
    story.hour_by_hour(48);
    assert_eq!(story.due("src-verdict"), Some(at("2026-10-19T16:00:00Z")));
    assert_eq!(story.undated("src-verdict").len(), told.len());
}

#[test]
fn a_publication_is_told_of_before_it_has_happened_and_may_be_put_off() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.enter(ClockFactKind::NoticeDue, Some(id(20)), Some(at("2027-12-01T16:00:00Z")));
    let due = at("2026-11-26T16:00:00Z");
    story.facts.at = due;
    let mut planned = story.plan();
    assert!(planned.is_empty(), "no command passes over its end in silence: {planned:?}");
    let told = tell_due(&story.facts, &story.basis, &mut planned);
    let told: Vec<_> =
        told.iter().map(|told| (told.deadline.rule.as_deref(), told.percent, told.is_breach())).collect();
    assert_eq!(told, [(Some("cnvd-publication"), 100, false)]);
    story.settle();
    let met = story.clock("cnvd-publication").clone();
    assert_eq!((met.state, met.met_at, met.breached_at), (DeadlineState::Met, Some(due), None));
    let agreed = at("2026-12-24T16:00:00Z");
    story.enter(ClockFactKind::Publication, Some(id(20)), Some(agreed));
    assert_eq!(story.of_kind(DeadlineKind::Publication).len(), 2);
    let clock = story.clock("cnvd-publication");
    assert_eq!((clock.state, clock.due_at), (DeadlineState::Open, Some(agreed)));
    story.facts.world.push(world_fact::Model {
        id: id(62),
        event_id: id(10),
        kind: WorldFactKind::PubliclyKnown,
        occurred_at: Some(at("2026-12-01T00:00:00Z")),
        learned_at: at("2026-12-01T00:00:00Z"),
        source: "a mailing list".to_owned(),
        recorded_by: "analyst-1".to_owned(),
        recorded_at: at("2026-12-01T00:00:00Z"),
    });
    story.later(24 * 6);
    let clock = story.clock("cnvd-publication");
    assert_eq!((clock.state, clock.met_at), (DeadlineState::Met, Some(at("2026-12-01T00:00:00Z"))));
    story.enter(ClockFactKind::Publication, Some(id(20)), Some(at("2027-02-01T00:00:00Z")));
    assert_eq!(story.of_kind(DeadlineKind::Publication).len(), 2, "what is known is not put off");
}

#[test]
fn a_question_opens_an_obligation_of_its_own() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.enter(ClockFactKind::Question, Some(id(20)), None);
    story.enter(ClockFactKind::Question, Some(id(20)), Some(at("2026-10-14T16:00:00Z")));
    let asked: Vec<_> =
        story.facts.obligations.iter().filter(|row| row.kind == ReplyKind::FollowUp).collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(story.due("question"), Some(at("2026-10-14T16:00:00Z")));
}

#[test]
fn what_is_ours_is_reported_within_48_hours_but_not_to_who_reported_it() {
    let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
    story.facts.product_changed(product("gateway"));
    story.later(10);
    assert!(!story.has("rmsv-report"));
    story.verdict(Verdict::Confirmed);
    assert_eq!(story.due("rmsv-report"), Some(at("2026-10-14T11:00:00Z")));
    story.enter(ClockFactKind::LearnedVulnerability, None, Some(at("2026-10-11T00:00:00Z")));
    assert_eq!(story.due("rmsv-report"), Some(at("2026-10-13T00:00:00Z")));
    assert!(!story.has("rmsv-update"), "there is no measure yet");
    let mut told = Story::new(&[("nvdb", ChannelKind::NationalDatabase)]);
    told.basis.recipients.insert("nvdb".to_owned(), told.facts.channels[&id(50)].clone());
    told.facts.product_changed(product("gateway"));
    told.verdict(Verdict::Confirmed);
    assert!(!told.has("rmsv-report"));
}

#[test]
fn who_may_lengthen_a_term_is_asked_by_the_anchor_in_use_and_a_breach_stays() {
    let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
    let rule = story.basis.policy.rules.iter_mut().find(|rule| rule.key == "rmsv-report").unwrap();
    rule.anchor = DeadlineAnchor::FirstReceived;
    story.facts.product_changed(product("gateway"));
    story.later(10);
    story.verdict(Verdict::Confirmed);
    let received = at("2026-10-12T01:00:00Z");
    let counted = story.facts.counts_from(ClockFactKind::LearnedVulnerability, None);
    assert_eq!(counted, Some(received), "not from the verdict, ten hours later");
    assert_eq!(story.due("rmsv-report"), Some(received + TimeDelta::hours(48)));
    story.later(50);
    let breached = Some(received + TimeDelta::hours(48));
    assert_eq!(story.clock("rmsv-report").breached_at, breached);
    story.enter(ClockFactKind::LearnedVulnerability, None, Some(story.facts.at));
    story.later(1);
    let clock = story.clock("rmsv-report");
    assert_eq!((clock.breached_at, clock.due_at), (breached, Some(received + TimeDelta::hours(108))));
    let mut led =
        Story { facts: story.facts.clone(), basis: story.basis.clone(), next: story.next, told: Vec::new() };
    story.send("rmsv-report");
    assert_eq!(story.clock("rmsv-report").breached_at, breached, "met, and late all the same");
    led.facts.by_leader = true;
    led.enter(ClockFactKind::LearnedVulnerability, None, Some(led.facts.at));
    assert_eq!(led.clock("rmsv-report").breached_at, None, "a leader said that it was learned of later");
}

#[test]
fn exploitation_starts_the_clocks_of_the_cra_and_asks_whether_to_report_abroad() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    assert_eq!(story.due("cra-early-warning"), Some(at("2026-10-13T01:00:00Z")));
    assert_eq!(story.due("cra-notification"), Some(at("2026-10-15T01:00:00Z")));
    assert_eq!(story.clock("cra-final-report").none_reason, Some(NoDeadline::NoMeasureYet));
    let asked = &story.facts.decisions[0];
    assert_eq!((asked.kind, asked.due_at), (DecisionKind::ReportAbroad, Some(at("2026-10-13T01:00:00Z"))));
    for (hours, told) in [(5, 0), (1, 25), (6, 50), (6, 75), (6, 100)] {
        story.later(hours);
        assert_eq!(story.of_kind(DeadlineKind::Decision)[0].told_percent, told);
    }
    assert_eq!(story.due("cra-early-warning"), Some(at("2026-10-13T01:00:00Z")), "the clock never stops");
    story.decide(DecisionKind::ReportAbroad, true, Some(AbroadExtent::AllowReduced));
    assert_eq!(story.of_kind(DeadlineKind::Decision)[0].state, DeadlineState::Met);
    story.facts.remediations.push(remediation::Model {
        mitigation_available_at: Some(at("2026-10-13T03:00:00Z")),
        ..fix("gateway", RemediationState::Planned)
    });
    story.settle();
    assert_eq!(
        story.due("cra-final-report"),
        Some(at("2026-10-27T23:00:00Z")),
        "midnight in Brussels, in winter"
    );
    assert_eq!(story.facts.decisions.len(), 1);
}

#[test]
fn exploitation_opens_the_duties_of_whatever_may_be_ours() {
    use Verdict::{AlreadyFixed, Confirmed, Duplicate, NotReproducible, Spam};
    for (status, verdict, opens) in [
        (Status::Received, None, true),
        (Status::Triaging, Some(NotReproducible), true),
        (Status::NeedsInformation, Some(Spam), true),
        (Status::Triaging, Some(Duplicate), true),
        (Status::Replying, Some(AlreadyFixed), true),
        (Status::Closed, Some(AlreadyFixed), true),
        (Status::Verifying, Some(Confirmed), true),
        (Status::Replying, Some(NotReproducible), false),
        (Status::Closed, Some(Duplicate), false),
    ] {
        let mut story = Story::new(&[]);
        story.facts.product_changed(product("gateway"));
        story.facts.event.status = status;
        story.facts.event.verdict = verdict;
        story.exploited();
        assert_eq!(story.has("cra-early-warning"), opens, "{status:?} after {verdict:?}");
    }
}

#[test]
fn a_law_begins_with_its_day_where_it_holds() {
    for (learned, begun) in [("2026-09-10T21:59:00Z", false), ("2026-09-10T22:00:00Z", true)] {
        let mut story = Story::new(&[]);
        story.facts.product_changed(product("gateway"));
        story.facts.at = at(learned);
        story.exploited();
        assert_eq!(story.has("cra-early-warning"), begun, "{learned}, in Brussels");
    }
}

#[test]
fn a_correction_covers_what_was_on_record_and_nothing_after_it() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.later(10);
    story.exploited();
    story.later(1);
    story.enter(ClockFactKind::LearnedExploitation, None, Some(at("2026-10-12T12:00:00Z")));
    assert_eq!(story.due("cra-early-warning"), Some(at("2026-10-13T12:00:00Z")), "corrected to later");
    story.later(1);
    let mut earlier = story.facts.world[0].clone();
    (earlier.id, earlier.recorded_at) = (id(61), story.facts.at);
    earlier.learned_at = at("2026-10-12T05:00:00Z");
    story.facts.world.push(earlier);
    story.settle();
    assert_eq!(
        story.due("cra-early-warning"),
        Some(at("2026-10-13T05:00:00Z")),
        "it came to light afterwards"
    );
}

#[test]
fn a_measure_counts_that_is_about_a_product_in_scope_and_not_from_before_it_was_learned_of() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    let outside = product("intranet");
    story.facts.product_changed(Product {
        product: product::Model { id: id(32), cra_in_scope: false, ..outside.product },
        ..outside
    });
    story.later(24);
    story.exploited();
    let release = |line: &str, number: u128, at: DateTime<Utc>| remediation::Model {
        id: id(number),
        available_at: Some(at),
        ..fix(line, RemediationState::Passed)
    };
    story.facts.fix_changed(&release("intranet", 41, story.facts.at));
    story.settle();
    assert_eq!(story.clock("cra-final-report").none_reason, Some(NoDeadline::NoMeasureYet));
    story.facts.fix_changed(&release("gateway", 42, at("2026-03-01T00:00:00Z")));
    story.settle();
    let clock = story.clock("cra-final-report");
    assert_eq!(
        clock.anchor_at,
        Some(at("2026-10-13T01:00:00Z")),
        "from an earlier pass: there since it was learned of"
    );
    assert_eq!(clock.due_at, Some(at("2026-10-27T23:00:00Z")));
}

#[test]
fn a_refusal_waives_with_both_names_and_a_later_duty_is_asked_for_again() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, false, Some(AbroadExtent::Refuse));
    let waived: Vec<_> =
        story.facts.obligations.iter().map(|row| row.waive_reason.clone().unwrap()).collect();
    assert_eq!(waived.len(), 3);
    assert!(waived.iter().all(|reason| reason.contains("leader-1") && reason.contains("legal-1")));
    assert!(story.facts.deadlines.iter().all(|row| row.state != DeadlineState::Open));
    story.later(1);
    story.decide(DecisionKind::SevereIncident, true, None);
    let questions = story.facts.decisions.iter().filter(|row| row.kind == DecisionKind::ReportAbroad);
    assert_eq!(questions.count(), 2);
}

#[test]
fn the_decision_that_was_made_last_counts_and_a_refusal_taken_back_opens_the_duties_again() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    story.later(1);
    // Asked later than the question of the procedure, and answered before it.
    let later = decision::Model { id: id(90), ..abroad_question(&story.facts, id(90), "analyst-1", None) };
    story.facts.decisions.push(decision::Model {
        granted: Some(true),
        extent: Some(AbroadExtent::Allow),
        decided_by: Some("leader-1".to_owned()),
        decided_at: Some(story.facts.at),
        ..later
    });
    story.settle();
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, false, Some(AbroadExtent::Refuse));
    let state = |story: &Story| {
        let rows = story.facts.obligations.iter().rev();
        rows.take(3).map(|row| row.state).collect::<Vec<_>>()
    };
    assert_eq!(state(&story), [ObligationState::Waived; 3], "the refusal was asked first and made last");
    let due = story.due("cra-notification");
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, true, Some(AbroadExtent::Allow));
    assert_eq!((story.facts.obligations.len(), state(&story)), (6, vec![ObligationState::Open; 3]));
    let clock = story.clock("cra-notification");
    assert_eq!((clock.state, clock.due_at), (DeadlineState::Open, due), "the clock never stopped");
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, false, Some(AbroadExtent::Refuse));
    assert_eq!((story.facts.obligations.len(), state(&story)), (6, vec![ObligationState::Waived; 3]));
}

#[test]
fn the_final_report_of_an_incident_counts_from_its_notification() {
    let mut story = Story::new(&[]);
    story.decide(DecisionKind::SevereIncident, true, None);
    assert_eq!(story.clock("cra-incident-final-report").none_reason, Some(NoDeadline::PreviousNotSubmitted));
    story.facts.at = at("2027-01-31T12:00:00Z");
    story.send("cra-incident-notification");
    assert_eq!(story.due("cra-incident-final-report"), Some(at("2027-02-28T23:00:00Z")));
}

#[test]
fn a_correction_moves_the_clocks_of_the_incident_that_it_is_about_alone() {
    for (kind, of, stage, hours) in [
        (
            DecisionKind::SevereIncident,
            ClockFactKind::LearnedSevereIncident,
            "cra-incident-early-warning",
            24,
        ),
        (DecisionKind::NetworkIncident, ClockFactKind::LearnedNetworkIncident, "cac-report", 4),
    ] {
        let mut story = Story::new(&[]);
        story.decide(kind, true, None);
        story.later(10);
        story.decide(kind, true, None);
        let declared: Vec<_> = story.facts.incidents(kind).cloned().collect();
        let dues = |story: &Story| {
            let of_stage = story.facts.deadlines.iter().filter(|row| row.rule.as_deref() == Some(stage));
            of_stage.map(|row| row.due_at.unwrap()).collect::<Vec<_>>()
        };
        let (first, second) = (at("2026-10-12T01:00:00Z"), at("2026-10-12T11:00:00Z"));
        let term = TimeDelta::hours(hours);
        assert_eq!(dues(&story), [first + term, second + term]);
        let learned = at("2026-10-12T06:00:00Z");
        story.enter_for(of, None, Some(declared[1].id), Some(learned));
        assert_eq!(dues(&story), [first + term, learned + term], "the first stays");
        let counted = |number: usize| story.facts.counts_from(of, Some(&declared[number]));
        assert_eq!((counted(0), counted(1)), (Some(first), Some(learned)));
    }
}

#[test]
fn a_stage_whose_content_was_given_by_a_later_one_is_skipped() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    story.decide(DecisionKind::SevereIncident, true, None);
    story.later(30);
    story.send("cra-notification");
    let first = story.clock("cra-early-warning");
    assert_eq!((first.state, first.met_at), (DeadlineState::Met, Some(story.facts.at)));
    assert_eq!(first.breached_at, first.due_at, "what is given later is late all the same");
    assert_eq!(story.clock("cra-final-report").state, DeadlineState::Open, "it holds more");
    assert_eq!(
        story.clock("cra-incident-early-warning").state,
        DeadlineState::Open,
        "that is about something else"
    );
    story.later(1);
    story.send("cra-incident-final-report");
    for stage in ["cra-incident-early-warning", "cra-incident-notification"] {
        assert_eq!(story.clock(stage).state, DeadlineState::Met, "{stage}");
    }
}

#[test]
fn what_a_database_calls_event_type_is_not_published() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.facts.reports[0].notice_type = Some(NoticeType::Generic);
    story.settle();
    assert!(story.due("cnvd-publication").is_some());
    story.facts.reports[0].notice_type = Some(NoticeType::EventType);
    story.settle();
    let clock = story.clock("cnvd-publication");
    assert_eq!(clock.state, DeadlineState::Waived);
    assert!(clock.waive_reason.as_ref().unwrap().contains("not published"));
    assert_eq!(story.clock("notice-feedback").state, DeadlineState::Open, "it is answered all the same");
    story.facts.reports[0].notice_type = None;
    story.settle();
    assert_eq!(story.clock("cnvd-publication").state, DeadlineState::Open, "the type was a mistake");
}

#[test]
fn the_stage_before_is_found_though_its_rule_has_another_name() {
    let mut story = Story::new(&[]);
    story.decide(DecisionKind::SevereIncident, true, None);
    story.facts.at = at("2027-01-31T12:00:00Z");
    story.send("cra-incident-notification");
    for rule in &mut story.basis.policy.rules {
        for key in [Some(&mut rule.key), rule.after.as_mut()].into_iter().flatten() {
            *key = key.replace("cra-incident-notification", "cra-incident-72-hours");
        }
    }
    assert_eq!(story.basis.policy.faults(), []);
    story.basis.policy_id = Some(id(2));
    story.settle();
    assert_eq!(story.due("cra-incident-final-report"), Some(at("2027-02-28T23:00:00Z")));
}

#[test]
fn a_network_incident_is_reported_in_four_hours_or_one() {
    for (critical, due) in [(false, "2026-10-12T05:00:00Z"), (true, "2026-10-12T02:00:00Z")] {
        let mut story = Story::new(&[]);
        let mut affected = product("gateway");
        affected.product.critical_infrastructure = critical;
        story.facts.product_changed(affected);
        story.decide(DecisionKind::NetworkIncident, true, None);
        let dues: Vec<_> = story.of_kind(DeadlineKind::Reply).iter().map(|row| row.due_at).collect();
        assert_eq!(dues, [Some(at(due))]);
    }
}

#[test]
fn fixes_count_from_the_first_score_and_follow_the_level() {
    let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
    story.facts.product_changed(Product {
        product: product::Model { rmsv_library: None, ..product("gateway").product },
        ..product("gateway")
    });
    story.verdict(Verdict::Confirmed);
    story.level(Level::Orange);
    assert_eq!(story.due("fix-orange"), Some(at("2026-10-27T16:00:00Z")));
    assert!(story.has("customer-notice"));
    story.later(48);
    story.level(Level::Red);
    assert_eq!(story.due("mitigation-red"), Some(at("2026-10-13T01:00:00Z")), "from the same instant");
    story.level(Level::None);
    let fixes = story.of_kind(DeadlineKind::Fix);
    assert_eq!((fixes.len(), fixes[0].state), (1, DeadlineState::Waived));
    assert_eq!(story.clock("customer-notice").state, DeadlineState::Waived, "only the level opened it");
    let verdicts = story.facts.obligations.iter().filter(|row| row.kind == ReplyKind::Verdict);
    assert!(verdicts.into_iter().all(|row| row.state == ObligationState::Open), "the reply stands");
    story.level(Level::Blue);
    assert_eq!(story.clock("fix-blue").state, DeadlineState::Open, "it rose again");
    story.facts.fix_changed(&fix("gateway", RemediationState::Passed));
    story.settle();
    assert_eq!(story.clock("fix-blue").state, DeadlineState::Met);
}

#[test]
fn a_channel_that_was_answered_is_owed_a_changed_verdict() {
    let mut story = Story::new(&[("vendor", ChannelKind::Vendor)]);
    story.verdict(Verdict::NotReproducible);
    let first = &mut story.facts.obligations[0];
    (first.state, first.met_at) = (ObligationState::Met, Some(at("2026-10-12T01:00:00Z")));
    story.later(1);
    story.verdict(Verdict::NotReproducible);
    assert_eq!(story.facts.obligations.len(), 1, "the same verdict is no news");
    story.later(1);
    story.verdict(Verdict::Confirmed);
    assert_eq!(story.facts.obligations.len(), 2);
    assert_eq!(story.facts.obligations[1].trigger, "verdict changed");
}

#[test]
fn who_is_told_has_the_work_or_the_duty() {
    let mut story = Story::new(&[("src", ChannelKind::SrcPlatform)]);
    story.facts.at = at("2026-10-16T00:00:00Z");
    let mut planned = Plan::default();
    let told = tell_due(&story.facts, &story.basis, &mut planned);
    let breached = told.iter().find(|told| told.percent == 100).unwrap();
    let duty = |function, subject: &str, deputy: Option<&str>| duty::Model {
        id: id(70),
        function,
        subject: subject.to_owned(),
        deputy: deputy.map(str::to_owned),
        starts_at: DateTime::UNIX_EPOCH,
        ends_at: DateTime::UNIX_EPOCH,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        changed_at: DateTime::UNIX_EPOCH,
    };
    use entity::vocabulary::{AssignmentState, Function};
    let duties = [
        duty(Function::Security, "analyst-2", Some("analyst-3")),
        duty(Function::LeadingGroup, "leader-1", None),
    ];
    let nobody = BTreeSet::new();
    let named: BTreeSet<String> = ["analyst-3".to_owned()].into();
    let told_of = |told: &Told, at_work: &[assignment::Model], duties: &[duty::Model], red: bool| {
        let around = Around { at_work, duties, named: if red { &named } else { &nobody }, red };
        addressees(told, &around).into_iter().collect::<Vec<_>>()
    };
    let people = |at_work: &[assignment::Model], red| told_of(breached, at_work, &duties, red);
    let soon = Told { percent: 75, ..breached.clone() };
    assert_eq!(people(&[], false), ["analyst-2", "analyst-3", "leader-1"]);
    let work = assignment::Model {
        id: id(71),
        event_id: id(10),
        function: Function::Security,
        subject: Some("analyst-1".to_owned()),
        team: None,
        line: None,
        due_at: None,
        state: AssignmentState::Open,
        note: None,
        decline_reason: None,
        assigned_by: "analyst-1".to_owned(),
        assigned_at: DateTime::UNIX_EPOCH,
        version: 1,
    };
    assert_eq!(people(std::slice::from_ref(&work), false), ["analyst-1", "leader-1"]);
    assert_eq!(people(&[], true), ["analyst-3", "leader-1"], "of RED the named people and the leading group");
    let others =
        [duty(Function::Security, "analyst-4", None), duty(Function::LeadingGroup, "leader-1", None)];
    assert_eq!(told_of(breached, &[], &others, true), ["leader-1"], "who is not named on it is not told");
    assert_eq!(told_of(&soon, &[], &others, true), ["analyst-3", "leader-1"], "but somebody always is");
    let mut line = soon.clone();
    line.deadline.kind = DeadlineKind::Fix;
    let mut undated = line.clone();
    (undated.percent, undated.deadline.due_at) = (0, None);
    undated.deadline.none_reason = Some(NoDeadline::CalendarWithoutYear);
    assert_eq!(told_of(&undated, &[], &others, false), ["analyst-4"], "whoever enters what is missing");
    let of_team = assignment::Model {
        function: Function::RAndD,
        subject: None,
        team: Some("gateway-team".to_owned()),
        ..work
    };
    assert_eq!(
        told_of(&line, std::slice::from_ref(&of_team), &others, false),
        ["analyst-4", "leader-1"],
        "a team has the work and nobody is on duty for it"
    );
    assert_eq!(told_of(&line, &[of_team], &[], true), ["analyst-3"], "nobody is on duty at all");
}

#[derive(Clone, Debug)]
enum Act {
    Later(i64),
    Verdict(u8),
    Level(u8),
    Exploited,
    Ask,
    Answer,
    Decide(bool),
    Incident,
    Send(u8),
    Fixed,
    NoticeDate(i64),
    Question,
    NewPass,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..200_i64).prop_map(Act::Later),
        (0..4_u8).prop_map(Act::Verdict),
        (0..5_u8).prop_map(Act::Level),
        Just(Act::Exploited),
        Just(Act::Ask),
        Just(Act::Answer),
        any::<bool>().prop_map(Act::Decide),
        Just(Act::Incident),
        (0..8_u8).prop_map(Act::Send),
        Just(Act::Fixed),
        (0..2_000_i64).prop_map(Act::NoticeDate),
        Just(Act::Question),
        Just(Act::NewPass),
    ]
}

impl Story {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Later(hours) => self.later(*hours),
            Act::Verdict(number) => self.verdict(
                [Verdict::Confirmed, Verdict::NotReproducible, Verdict::KnownInternally, Verdict::Spam]
                    [usize::from(*number)],
            ),
            Act::Level(number) => self.level(
                [Level::None, Level::Blue, Level::Yellow, Level::Orange, Level::Red][usize::from(*number)],
            ),
            Act::Exploited => self.exploited(),
            Act::Ask => {
                self.facts.event.status = Status::NeedsInformation;
                self.facts.event.asked_at = Some(self.facts.at);
                self.facts.event.asked_report_id = Some(id(20));
                self.settle();
            }
            Act::Answer => {
                self.facts.event.status = Status::Triaging;
                self.settle();
            }
            Act::Decide(granted) => {
                let extent = if *granted { AbroadExtent::Allow } else { AbroadExtent::Refuse };
                self.decide(DecisionKind::ReportAbroad, *granted, Some(extent));
            }
            Act::Incident => self.decide(DecisionKind::SevereIncident, true, None),
            Act::Send(number) => {
                let stages: Vec<_> =
                    self.facts.obligations.iter().filter_map(|row| row.stage.clone()).collect();
                if let Some(stage) = stages.get(usize::from(*number) % stages.len().max(1)) {
                    self.send(stage);
                }
            }
            Act::Fixed => {
                self.facts.fix_changed(&fix("gateway", RemediationState::Passed));
                self.settle();
            }
            Act::NoticeDate(hours) => {
                let date = self.facts.at + TimeDelta::hours(*hours);
                self.enter(ClockFactKind::NoticeDue, Some(id(21)), Some(date));
            }
            Act::Question => self.enter(ClockFactKind::Question, Some(id(21)), None),
            Act::NewPass => {
                self.facts.event.pass += 1;
                self.settle();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever happens: planning twice says nothing the second time, what is over stays as it was, and at most one
    /// clock runs for one thing. [`Story::settle`] demands the first two.
    #[test]
    fn planning_is_idempotent_and_never_touches_what_is_over(acts in prop::collection::vec(act(), 1..25)) {
        let mut story = Story::new(&[
            ("src", ChannelKind::SrcPlatform),
            ("cnvd", ChannelKind::NationalDatabase),
            ("customer", ChannelKind::Customer),
            ("bounty-eu", ChannelKind::SrcPlatform),
        ]);
        story.facts.product_changed(product("gateway"));
        story.settle();
        for act in &acts {
            story.act(act);
            let open: Vec<_> = story.facts.deadlines.iter().filter(|row| row.state == DeadlineState::Open).collect();
            let slots: BTreeSet<_> = open.iter().map(|row| row.slot.as_str()).collect();
            prop_assert_eq!(slots.len(), open.len());
            for row in open {
                prop_assert_eq!(row.due_at.is_some(), row.none_reason.is_none());
            }
        }
    }

    /// A later anchor never makes an earlier end, and a pause never takes time from a clock.
    #[test]
    fn ends_are_monotone(shift in 0..2_000_i64, waited in 0..200_i64) {
        let ends = |shift: i64, waited: Option<i64>| {
            let mut story = Story::new(&[]);
            let src = channel(50, "src", ChannelKind::SrcPlatform, false);
            let received_at = at("2026-10-12T01:00:00Z") + TimeDelta::hours(shift);
            story.facts.at = received_at;
            story.facts.arrived(report::Model { received_at, ..report(20, &src) }, &src);
            story.settle();
            if let Some(hours) = waited {
                story.act(&Act::Ask);
                story.later(hours);
                story.act(&Act::Answer);
            }
            story.due("src-verdict").unwrap()
        };
        prop_assert!(ends(0, None) <= ends(shift, None));
        let (plain, paused) = (ends(shift, None), ends(shift, Some(waited)));
        prop_assert!(plain <= paused);
        prop_assert!(paused <= ends(shift, Some(waited + 10)));
    }
}

#[test]
fn a_notice_that_reaches_customers_abroad_asks_for_the_decision_too() {
    let notice = |abroad| {
        let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
        story.facts.product_changed(product("gateway"));
        story.verdict(Verdict::Confirmed);
        story.facts.customers_abroad = abroad;
        story.level(Level::Orange);
        assert!(story.has("customer-notice"));
        story.facts.decisions.iter().filter(|row| row.kind == DecisionKind::ReportAbroad).count()
    };
    assert_eq!((notice(false), notice(true)), (0, 1));
}

#[test]
fn only_days_and_months_are_rolled_over() {
    let rules = super::policy::default_policy().unwrap().rules;
    let rule = rules.into_iter().find(|rule| rule.key == "cra-final-report").unwrap();
    let with = |unit, rolls_over| {
        let term = Some(super::policy::Term { unit, amount: 2 });
        let policy = Policy { rules: vec![Rule { term, rolls_over, ..rule.clone() }] };
        policy.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    for unit in [SpanUnit::CalendarDays, SpanUnit::Months] {
        assert_eq!(with(unit, true), [""; 0]);
    }
    for unit in [SpanUnit::Hours, SpanUnit::WorkingDays, SpanUnit::WorkingHours] {
        assert_eq!(with(unit, true), ["rollsOver"]);
        assert_eq!(with(unit, false), [""; 0]);
    }
}
