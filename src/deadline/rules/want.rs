//! Which obligations and clocks the facts and the policy ask for, whatever there is already.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::vocabulary::{
    ChannelKind, ClockFactKind, DeadlineAnchor, DeadlineKind, DeadlineTrigger, DecisionKind, NoDeadline,
    NoticeType, ObligationState, Regime, RemediationState, ReplyKind, Status,
};
use entity::{channel, report};
use uuid::Uuid;

use super::facts::within;
use super::policy::Rule;
use super::{Basis, ClockFacts, LONGEST_PAUSE, is_legal_duty};
use crate::calendar::rules::Span;

/// A reply that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwedReply {
    /// The report; none for a duty of the event.
    pub(super) report_id: Option<Uuid>,
    /// Whom it is owed to.
    pub(super) channel_id: Uuid,
    /// The customers, where it is they whom the event is about.
    pub(super) customers: Option<OwedTo>,
    /// Which reply.
    pub(super) kind: ReplyKind,
    /// What opened it, in words.
    pub(super) trigger: String,
    /// Promise or law.
    pub(super) regime: Option<Regime>,
    /// The rule.
    pub(super) stage: Option<String>,
}

/// The customers who are owed a notice that they did not ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwedTo {
    /// Those of a product.
    Product(Uuid),
    /// One.
    Customer(Uuid),
}

/// What ends a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A length of time after its anchor.
    After(Span),
    /// An instant that somebody else set.
    At(DateTime<Utc>),
    /// Nothing, for this reason.
    None(NoDeadline),
}

/// A clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// What it waits for.
    pub(super) kind: DeadlineKind,
    /// Promise or law.
    pub(super) regime: Regime,
    /// Rule of the policy.
    pub(super) rule: Option<String>,
    /// The report that it is about.
    pub(super) report_id: Option<Uuid>,
    /// Whom it concerns outside.
    pub(super) channel_id: Option<Uuid>,
    /// The product line.
    pub(super) line: Option<String>,
    /// From what it counts.
    pub(super) anchor: DeadlineAnchor,
    /// When that was.
    pub(super) anchor_at: Option<DateTime<Utc>>,
    /// Why there is no end while the anchor has not happened.
    pub(super) unanchored: NoDeadline,
    /// What ends it.
    pub(super) end: End,
    /// Whether it stands still while the reporter is asked.
    pub(super) pauses: bool,
    /// Whether an end on a day that is not worked goes on to the next that is.
    pub(super) rolls_over: bool,
    /// Calendar by which it counts.
    pub(super) calendar: Uuid,
    /// Zone in which its days end; the calendar's own when none.
    pub(super) zone: Option<Tz>,
}

/// What the facts ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// For what of the event: the same thing has the same slot whatever the policy says of it.
    pub(super) slot: String,
    /// The reply that is owed.
    pub(super) owed: Option<OwedReply>,
    /// The clock.
    pub(super) clock: Option<Clock>,
    /// When it was done already.
    pub(super) done_at: Option<DateTime<Utc>>,
}

/// All that the facts ask for, but the decision about going abroad, which follows from it.
pub(super) fn wanted(facts: &ClockFacts, basis: &Basis) -> Vec<Wanted> {
    if facts.event.history {
        return Vec::new();
    }
    let mut wanted = Vec::new();
    for report in facts.reports.iter().filter(|report| !report.history && report.part_of.is_none()) {
        of_report(&mut wanted, facts, basis, report);
    }
    questions(&mut wanted, facts, basis);
    own_duties(&mut wanted, facts, basis);
    customers(&mut wanted, facts, basis);
    fixes(&mut wanted, facts, basis);
    wanted.extend(information(facts, basis));
    wanted
}

fn span(rule: &Rule) -> Option<Span> {
    rule.term.map(|term| Span::new(term.unit, term.amount))
}

/// A clock by a rule toward a channel.
fn clock(
    rule: &Rule,
    basis: &Basis,
    channel: Option<&channel::Model>,
    anchor_at: Option<DateTime<Utc>>,
) -> Clock {
    Clock {
        kind: rule.kind,
        regime: rule.regime,
        rule: Some(rule.key.clone()),
        report_id: None,
        channel_id: channel.map(|channel| channel.id),
        line: None,
        anchor: rule.anchor,
        anchor_at,
        unanchored: match rule.anchor {
            DeadlineAnchor::NoticeDate => NoDeadline::NoNoticeDate,
            DeadlineAnchor::MeasureAvailable => NoDeadline::NoMeasureYet,
            DeadlineAnchor::PreviousSubmitted => NoDeadline::PreviousNotSubmitted,
            _ => NoDeadline::NoTerm,
        },
        end: span(rule).map_or(End::None(NoDeadline::NoTerm), End::After),
        pauses: rule.pauses,
        rolls_over: rule.rolls_over,
        calendar: channel.map_or(basis.own_calendar, crate::calendar::id_of),
        zone: channel.and_then(|channel| channel.time_zone.parse().ok()),
    }
}

/// What a rule opens of a report or cause: the same thing has the same slot whatever the rule is called.
fn slot_of(rule: &Rule, within: &str) -> String {
    let what = rule.reply.map_or(rule.kind.as_str(), ReplyKind::as_str);
    match &rule.recipient {
        Some(recipient) => format!("{within}{recipient}:{what}"),
        None => format!("{within}{what}{}", if rule.levels.is_empty() { "" } else { ":level" }),
    }
}

/// When the reply of the rule that `rule` comes after was submitted: found by what it is for, since the rule may have
/// had another key when the reply was owed.
fn previous(facts: &ClockFacts, basis: &Basis, rule: &Rule, within: &str) -> Option<DateTime<Utc>> {
    let after = rule.after.as_deref()?;
    let slot = slot_of(basis.policy.rules.iter().find(|other| other.key == after)?, within);
    let is_previous = |row: &&entity::obligation::Model| {
        row.slot.as_deref() == Some(slot.as_str()) && row.state == ObligationState::Met
    };
    facts.obligations.iter().filter(is_previous).filter_map(|row| row.met_at).max()
}

/// From when a measure against what was learned of at `since` is available: one that was there before, from an earlier
/// pass, is available from then.
fn measure(facts: &ClockFacts, rule: &Rule, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
    facts.measure_available_at(rule.trigger).map(|at| at.max(since))
}

fn of_report(wanted: &mut Vec<Wanted>, facts: &ClockFacts, basis: &Basis, report: &report::Model) {
    let Some(channel) = facts.channels.get(&report.channel_id) else { return };
    let within = format!("report:{}:", report.id);
    for rule in basis.policy.of(DeadlineTrigger::ReportReceived) {
        let by_level = !rule.levels.is_empty();
        let asked_for = rule.kind == DeadlineKind::Publication || channel.reply_required;
        let in_scope = !by_level || (facts.is_ours() && rule.holds_at(facts.event.level));
        // What is in one organisation's installation is nobody else's to know.
        let published =
            rule.kind != DeadlineKind::Publication || report.notice_type != Some(NoticeType::EventType);
        if !published || !asked_for || !in_scope || !rule.holds_for(channel.kind, &channel.key) {
            continue;
        }
        let slot = slot_of(rule, &within);
        if wanted.iter().any(|known: &Wanted| known.slot == slot) {
            continue;
        }
        let anchor_at = match rule.anchor {
            DeadlineAnchor::LevelSet => facts.level_set().map(|(_, at)| at),
            DeadlineAnchor::MeasureAvailable => measure(facts, rule, report.received_at),
            DeadlineAnchor::PreviousSubmitted => previous(facts, basis, rule, &within),
            _ => Some(report.received_at),
        };
        if rule.waits_for_anchor && anchor_at.is_none() {
            continue;
        }
        let mut clock = clock(rule, basis, Some(channel), anchor_at);
        clock.report_id = Some(report.id);
        if rule.anchor == DeadlineAnchor::NoticeDate {
            let date = facts.entered(ClockFactKind::NoticeDue, Some(report.id));
            clock.end = date.map_or(End::None(NoDeadline::NoNoticeDate), End::At);
        }
        let agreed = facts.entered(ClockFactKind::Publication, Some(report.id));
        if let Some(agreed) = agreed.filter(|_| rule.kind == DeadlineKind::Publication) {
            clock.end = End::At(agreed);
        }
        let owed = rule.reply.map(|kind| OwedReply {
            report_id: Some(report.id),
            channel_id: channel.id,
            customers: None,
            kind,
            trigger: if by_level { "level of the event" } else { "report received" }.to_owned(),
            regime: Some(rule.regime),
            stage: Some(rule.key.clone()),
        });
        let done_at = facts.published_at().filter(|_| rule.kind == DeadlineKind::Publication);
        wanted.push(Wanted { slot, owed, clock: Some(clock), done_at });
    }
    verdict_replies(wanted, facts, report, channel);
}

/// A channel that wants replies is owed the verdict whether or not a rule sets a time for it, and a changed one again.
fn verdict_replies(
    wanted: &mut Vec<Wanted>,
    facts: &ClockFacts,
    report: &report::Model,
    channel: &channel::Model,
) {
    let slot = format!("report:{}:{}", report.id, ReplyKind::Verdict);
    let owed = |trigger: &str| OwedReply {
        report_id: Some(report.id),
        channel_id: channel.id,
        customers: None,
        kind: ReplyKind::Verdict,
        trigger: trigger.to_owned(),
        regime: None,
        stage: None,
    };
    if channel.reply_required && !wanted.iter().any(|known| known.slot == slot) {
        let owed = Some(owed("report received"));
        wanted.push(Wanted { slot: slot.clone(), owed, clock: None, done_at: None });
    }
    let Some(news) = facts.news else { return };
    let told = |state| {
        let of_state = move |row: &&entity::obligation::Model| row.state == state;
        facts.obligations.iter().filter(of_state).any(|row| {
            row.report_id == Some(report.id) && row.channel_id == channel.id && row.kind == ReplyKind::Verdict
        })
    };
    if told(ObligationState::Met) && !told(ObligationState::Open) {
        let slot = format!("{slot}:{news}");
        let owed = Some(owed("verdict changed"));
        wanted.push(Wanted { slot, owed, clock: None, done_at: None });
    }
}

/// How the slot begins of what a question opened.
const QUESTION: &str = "question:";

/// What was entered as the question that an obligation answers; none for what anything else opened.
pub fn question_of(row: &entity::obligation::Model) -> Option<Uuid> {
    row.slot.as_deref()?.strip_prefix(QUESTION)?.parse().ok()
}

fn questions(wanted: &mut Vec<Wanted>, facts: &ClockFacts, basis: &Basis) {
    for asked in facts.entered.iter().filter(|row| row.kind == ClockFactKind::Question) {
        let Some(report) = facts.reports.iter().find(|report| Some(report.id) == asked.report_id) else {
            continue;
        };
        let Some(channel) = facts.channels.get(&report.channel_id) else { continue };
        let mut rules = basis.policy.of(DeadlineTrigger::QuestionAsked);
        let rule = rules.find(|rule| rule.holds_for(channel.kind, &channel.key));
        let clock = rule.map(|rule| {
            let mut clock = clock(rule, basis, Some(channel), Some(asked.since));
            clock.report_id = Some(report.id);
            match asked.at {
                Some(due) => clock.end = End::At(due),
                None if rule.anchor == DeadlineAnchor::NoticeDate => {
                    clock.end = End::None(NoDeadline::NoNoticeDate)
                }
                None => {}
            }
            clock
        });
        let owed = Some(OwedReply {
            report_id: Some(report.id),
            channel_id: channel.id,
            customers: None,
            kind: rule.and_then(|rule| rule.reply).unwrap_or(ReplyKind::FollowUp),
            trigger: "question asked".to_owned(),
            regime: rule.map(|rule| rule.regime),
            stage: rule.map(|rule| rule.key.clone()),
        });
        let slot = format!("{QUESTION}{}", asked.id);
        wanted.push(Wanted { slot, owed, clock, done_at: None });
    }
}

/// What happened that opens duties of the event: the slot that keeps it apart, and when it was learned of.
fn causes(facts: &ClockFacts, trigger: DeadlineTrigger) -> Vec<(String, DateTime<Utc>)> {
    let incidents = |kind| {
        let cause = |row| (within(trigger, Some(row)), facts.incident_learned_at(row));
        facts.incidents(kind).map(cause).collect()
    };
    match trigger {
        DeadlineTrigger::OwnVulnerability if facts.is_ours() && facts.is_in_rmsv_scope() => {
            let learned =
                facts.entered(ClockFactKind::LearnedVulnerability, None).or_else(|| facts.confirmed_at());
            learned.map(|at| (within(trigger, None), at)).into_iter().collect()
        }
        DeadlineTrigger::Exploited if facts.may_be_exploited() => {
            let learned = facts.exploitation_learned_at().filter(|at| facts.is_in_cra_scope(*at));
            learned.map(|at| (within(trigger, None), at)).into_iter().collect()
        }
        DeadlineTrigger::SevereIncident => incidents(DecisionKind::SevereIncident),
        DeadlineTrigger::NetworkIncident => incidents(DecisionKind::NetworkIncident),
        _ => Vec::new(),
    }
}

fn own_duties(wanted: &mut Vec<Wanted>, facts: &ClockFacts, basis: &Basis) {
    let (critical, central) = (facts.touches_critical_infrastructure(), facts.touches_central_organ());
    for rule in basis.policy.rules.iter().filter(|rule| is_legal_duty(rule.trigger)) {
        let is_other = |asked: Option<bool>, is: bool| asked.is_some_and(|asked| asked != is);
        if is_other(rule.critical_infrastructure, critical) || is_other(rule.central_organ, central) {
            continue;
        }
        let Some((recipient, kind)) = rule.recipient.as_ref().zip(rule.reply) else { continue };
        let Some(channel) = basis.recipients.get(recipient) else { continue };
        for (within, learned) in causes(facts, rule.trigger) {
            let slot = slot_of(rule, &within);
            let known = facts.obligations.iter().any(|row| row.slot.as_deref() == Some(slot.as_str()));
            // The platform that sent the report knows.
            let sent_it = rule.trigger == DeadlineTrigger::OwnVulnerability
                && facts.reports.iter().any(|report| report.channel_id == channel.id);
            let zone: Tz = channel.time_zone.parse().unwrap_or(Tz::UTC);
            let begun = rule.since.is_none_or(|since| learned.with_timezone(&zone).date_naive() >= since);
            if (sent_it && !known) || !begun || wanted.iter().any(|other| other.slot == slot) {
                continue;
            }
            let corrected = facts.entered(ClockFactKind::LearnedVulnerability, None);
            let anchor_at = match rule.anchor {
                DeadlineAnchor::FirstReceived => Some(corrected.unwrap_or(facts.event.received_at)),
                DeadlineAnchor::MeasureAvailable => measure(facts, rule, learned),
                DeadlineAnchor::PreviousSubmitted => previous(facts, basis, rule, &within),
                DeadlineAnchor::DecisionMade => {
                    let id = |row: &&entity::decision::Model| within.contains(&row.id.to_string());
                    facts.decisions.iter().find(id).and_then(|row| row.decided_at)
                }
                _ => Some(learned),
            };
            if rule.waits_for_anchor && anchor_at.is_none() && !known {
                continue;
            }
            let owed = Some(OwedReply {
                report_id: None,
                channel_id: channel.id,
                customers: None,
                kind,
                trigger: rule.trigger.as_str().to_lowercase().replace('_', " "),
                regime: Some(rule.regime),
                stage: Some(rule.key.clone()),
            });
            let clock = Some(clock(rule, basis, Some(channel), anchor_at));
            wanted.push(Wanted { slot, owed, clock, done_at: None });
        }
    }
}

/// Customers whom the event is about are owed notices, whoever reported it: those of each affected product together, so
/// that those of one that is found affected later are told too, and one who uses none of these alone. A channel is for
/// those on its own side of the border.
fn customers(wanted: &mut Vec<Wanted>, facts: &ClockFacts, basis: &Basis) {
    if !facts.may_tell_customers() {
        return;
    }
    for rule in basis.policy.of(DeadlineTrigger::CustomerAffected) {
        let channel = rule.recipient.as_ref().and_then(|key| basis.recipients.get(key));
        let channel = channel.filter(|channel| channel.kind == ChannelKind::Customer);
        let Some((channel, kind)) = channel.zip(rule.reply).filter(|_| rule.holds_at(facts.event.level))
        else {
            continue;
        };
        let (products, alone) = facts.customers_of(channel.abroad);
        let products = products.into_iter().map(|product| (OwedTo::Product(product.id), Some(product)));
        for (owed_to, product) in products.chain(alone.into_iter().map(|id| (OwedTo::Customer(id), None))) {
            let slot = slot_of(rule, &owed_to.within());
            let anchor_at = match rule.anchor {
                DeadlineAnchor::LevelSet => facts.level_set().map(|(_, at)| at),
                DeadlineAnchor::MeasureAvailable => facts.measure_for(product),
                _ => facts.confirmed_at(),
            };
            let known = facts.obligations.iter().any(|row| row.slot.as_deref() == Some(slot.as_str()));
            let waits = rule.waits_for_anchor || rule.anchor == DeadlineAnchor::LevelSet;
            let not_yet = waits && anchor_at.is_none() && !known;
            if not_yet || wanted.iter().any(|other| other.slot == slot) {
                continue;
            }
            let owed = Some(OwedReply {
                report_id: None,
                channel_id: channel.id,
                customers: Some(owed_to),
                kind,
                trigger: "customer affected".to_owned(),
                regime: Some(rule.regime),
                stage: Some(rule.key.clone()),
            });
            let clock = Some(clock(rule, basis, Some(channel), anchor_at));
            wanted.push(Wanted { slot, owed, clock, done_at: None });
        }
    }
}

impl OwedTo {
    /// What keeps apart what different customers are owed.
    fn within(self) -> String {
        let trigger = DeadlineTrigger::CustomerAffected;
        match self {
            Self::Product(id) => format!("{trigger}:product:{id}:"),
            Self::Customer(id) => format!("{trigger}:customer:{id}:"),
        }
    }
}

fn fixes(wanted: &mut Vec<Wanted>, facts: &ClockFacts, basis: &Basis) {
    let Some((_, level_set)) = facts.level_set().filter(|_| facts.is_ours()) else { return };
    let lines = facts.lines();
    let lines: Vec<Option<&str>> =
        if lines.is_empty() { vec![None] } else { lines.into_iter().map(Some).collect() };
    for rule in basis.policy.of(DeadlineTrigger::Level).filter(|rule| rule.holds_at(facts.event.level)) {
        for line in &lines {
            let fix = facts.remediations.iter().find(|row| line.is_some_and(|line| row.line == line));
            let slot = format!("fix:{}:{}", rule.kind, line.unwrap_or_default());
            let accepted = fix.is_some_and(|fix| fix.state == RemediationState::RiskAccepted);
            if accepted || wanted.iter().any(|known| known.slot == slot) {
                continue;
            }
            let done_at = fix.and_then(|fix| {
                let passed = (fix.state == RemediationState::Passed).then_some(facts.at);
                let early = fix.mitigation_available_at.filter(|_| rule.kind == DeadlineKind::Mitigation);
                let released = fix.available_at.filter(|_| passed.is_some());
                [early, released, passed].into_iter().flatten().min()
            });
            let mut clock = clock(rule, basis, None, Some(level_set));
            clock.line = line.map(str::to_owned);
            wanted.push(Wanted { slot, owed: None, clock: Some(clock), done_at });
        }
    }
}

/// The reporter has three days to answer; then the event may go on without.
fn information(facts: &ClockFacts, basis: &Basis) -> Option<Wanted> {
    let asked_at = facts.event.asked_at.filter(|_| facts.event.status == Status::NeedsInformation)?;
    let clock = Clock {
        kind: DeadlineKind::Information,
        regime: Regime::Procedure,
        rule: None,
        report_id: facts.event.asked_report_id,
        channel_id: None,
        line: None,
        anchor: DeadlineAnchor::Asked,
        anchor_at: Some(asked_at),
        unanchored: NoDeadline::NoTerm,
        end: End::After(Span::Hours(u16::try_from(LONGEST_PAUSE.num_hours()).unwrap_or(u16::MAX))),
        pauses: false,
        rolls_over: false,
        calendar: basis.own_calendar,
        zone: None,
    };
    let slot = format!("asked:{}", asked_at.timestamp_micros());
    Some(Wanted { slot, owed: None, clock: Some(clock), done_at: None })
}
