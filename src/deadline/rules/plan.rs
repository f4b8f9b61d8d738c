//! From what is wanted and what is there: what has to be opened, counted anew, met or waived.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::deadline::PausedSpan;
use entity::vocabulary::{
    AbroadExtent, DeadlineAnchor, DeadlineKind, DeadlineState, DeadlineTrigger, DecisionKind, NoDeadline,
    NoticeType, ObligationState, Regime, ReplyKind, Status,
};
use entity::{deadline, decision, obligation};
use uuid::Uuid;

use super::count::{Count, count, next_notice, pause, told_by};
use super::want::{Clock, End, OwedTo, Wanted, wanted};
use super::{
    ABROAD_REFUSED, Basis, ClockFacts, KEPT_INSIDE, LEVEL_FELL, NO_CUSTOMER, NOT_ASKED_FOR, NOT_OURS, Rule,
    carries_content,
};
use crate::calendar::rules::Pause;

/// A row that has to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<M> {
    /// A new one.
    New(M),
    /// One that is there, as it was and as it is to be.
    Changed(M, M),
}

impl<M> Change<M> {
    /// The row as it is to be.
    pub fn after(&self) -> &M {
        match self {
            Self::New(after) | Self::Changed(_, after) => after,
        }
    }
}

/// What has to be written for an event's clocks to follow its facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is owed.
    pub obligations: Vec<Change<obligation::Model>>,
    /// Clocks.
    pub deadlines: Vec<Change<deadline::Model>>,
    /// The question whether undisclosed content may go abroad, asked of the leading group until this instant.
    pub ask_abroad: Option<Option<DateTime<Utc>>>,
}

impl Plan {
    /// Whether nothing has to be written.
    pub fn is_empty(&self) -> bool {
        self.obligations.is_empty() && self.deadlines.is_empty() && self.ask_abroad.is_none()
    }

    /// Whether it opens an obligation.
    pub fn opens_obligation(&self) -> bool {
        let opens = |change: &Change<obligation::Model>| matches!(change, Change::New(row) if row.state == ObligationState::Open);
        self.obligations.iter().any(opens)
    }

    /// The same with nothing new in it: what is there follows the facts, and nothing is opened.
    #[must_use]
    pub fn of_what_is_there(mut self) -> Self {
        self.obligations.retain(|change| matches!(change, Change::Changed(..)));
        self.deadlines.retain(|change| matches!(change, Change::Changed(..)));
        self.ask_abroad = None;
        self
    }
}

/// What has to be written for the clocks of `facts` to follow them. New rows get their ids from `id`; what is waived or
/// asked for by itself is on record as `by`'s.
pub fn plan(facts: &ClockFacts, basis: &Basis, by: &str, mut id: impl FnMut() -> Uuid) -> Plan {
    let wanted = wanted(facts, basis);
    let mut plan = Plan::default();
    let mut owed = facts.obligations.clone();
    for wanted in &wanted {
        open_obligation(&mut owed, facts, wanted, &mut id);
    }
    // What is newly asked for may have been given already.
    settle(&mut owed, facts, basis, &wanted, by);
    skip_given(&mut owed);
    plan.obligations = changes(&facts.obligations, &owed, |row| row.id);

    let mut rows = facts.deadlines.clone();
    let mut kept = BTreeSet::new();
    for Wanted { slot, clock, done_at, .. } in wanted {
        let Some(clock) = clock else { continue };
        let owes = owed.iter().rev().find(|row| row.slot.as_deref() == Some(slot.as_str()));
        follow(&mut rows, facts, basis, (&slot, &clock), done_at, owes, &mut id);
        kept.insert(slot);
    }
    gate(&mut plan, &mut rows, &mut kept, facts, basis, &owed, &mut id);
    for row in rows.iter_mut().filter(|row| row.state == DeadlineState::Open && !kept.contains(&row.slot)) {
        no_longer_wanted(row, facts, basis, &owed);
    }
    plan.deadlines = changes(&facts.deadlines, &rows, |row| row.id);
    plan
}

fn changes<M: Clone + PartialEq>(before: &[M], after: &[M], id: impl Fn(&M) -> Uuid) -> Vec<Change<M>> {
    let change = |row: &M| match before.iter().find(|known| id(known) == id(row)) {
        None => Some(Change::New(row.clone())),
        Some(known) if known != row => Some(Change::Changed(known.clone(), row.clone())),
        Some(_) => None,
    };
    after.iter().filter_map(change).collect()
}

/// What is met or waived by what else happened: a verdict told acknowledges too, a level that fell asks for nothing
/// more, a refusal to report abroad waives with the names of who refused.
fn settle(owed: &mut [obligation::Model], facts: &ClockFacts, basis: &Basis, wanted: &[Wanted], by: &str) {
    let verdicts: Vec<_> = owed
        .iter()
        .filter(|row| row.kind == ReplyKind::Verdict && row.state == ObligationState::Met)
        .map(|row| (row.report_id, row.met_at, row.met_by_reply_id))
        .collect();
    let refused = facts.newest(DecisionKind::ReportAbroad);
    let refused = refused.filter(|row| row.extent == Some(AbroadExtent::Refuse));
    for row in owed.iter_mut().filter(|row| row.state == ObligationState::Open) {
        let told = verdicts.iter().find(|(report, ..)| row.report_id.is_some() && *report == row.report_id);
        if let Some((_, met_at, reply)) = told.filter(|_| row.kind == ReplyKind::Acknowledgement) {
            row.state = ObligationState::Met;
            row.met_at = *met_at;
            row.met_by_reply_id = *reply;
            continue;
        }
        let slot = row.slot.as_deref().unwrap_or_default();
        let lapses = (slot.ends_with(":level") || row.is_of_customers())
            && !wanted.iter().any(|wanted| wanted.slot == slot);
        if lapses {
            let reason = if row.is_of_customers() { no_notice(facts, basis, row) } else { LEVEL_FELL };
            waive(row, facts.at, by, reason.to_owned(), None);
        }
        let abroad = facts.is_abroad(row);
        let Some(decision) = refused.filter(|_| abroad && carries_content(row.kind)) else { continue };
        let own = row.report_id.is_none() && decision.decided_at.is_some_and(|at| row.opened_at < at);
        if own && row.state == ObligationState::Open {
            let leader = decision.decided_by.clone().unwrap_or_default();
            let names = decision.participants.0.join(", ");
            let reason = format!("{ABROAD_REFUSED} by {leader} with {names}");
            let ground = "RMSV art. 9(7) 网络产品安全漏洞管理规定第九条第七项";
            waive(row, facts.at, &leader, reason, Some(ground.to_owned()));
        }
    }
}

/// Why a notice to customers is owed no longer.
fn no_notice(facts: &ClockFacts, basis: &Basis, row: &obligation::Model) -> &'static str {
    let abroad = facts.channels.get(&row.channel_id).is_some_and(|channel| channel.abroad);
    let (products, alone) = facts.customers_of(abroad);
    let affected = products.iter().any(|product| Some(product.id) == row.product_id)
        || alone.iter().any(|customer| Some(*customer) == row.customer_id);
    let is_asked_for = |rule: &Rule| {
        let recipient = rule.recipient.as_ref().and_then(|key| basis.recipients.get(key));
        rule.reply == Some(row.kind) && recipient.is_some_and(|channel| channel.id == row.channel_id)
    };
    if !facts.is_ours() {
        NOT_OURS
    } else if facts.is_kept_inside() {
        KEPT_INSIDE
    } else if !affected {
        NO_CUSTOMER
    } else if basis.policy.of(DeadlineTrigger::CustomerAffected).any(is_asked_for) {
        LEVEL_FELL
    } else {
        NOT_ASKED_FOR
    }
}

/// The stages of article 14, each of which holds what the ones before it hold.
fn stage(row: &obligation::Model) -> Option<u8> {
    if !matches!(row.regime, Some(Regime::CraVulnerability | Regime::CraIncident)) {
        return None;
    }
    match row.kind {
        ReplyKind::EarlyWarning => Some(1),
        ReplyKind::Notification => Some(2),
        ReplyKind::FinalReport => Some(3),
        _ => None,
    }
}

/// A stage whose content was already given is skipped: it is met by the later one that gave it, and late where that was
/// late.
fn skip_given(owed: &mut [obligation::Model]) {
    let cause = |row: &obligation::Model| {
        let slot = row.slot.as_deref()?;
        Some(slot.strip_suffix(row.kind.as_str())?.to_owned())
    };
    let mut given: Vec<_> = owed
        .iter()
        .filter(|row| row.state == ObligationState::Met && stage(row).is_some())
        .map(|row| (row.met_at, cause(row), stage(row), row.met_by_reply_id))
        .collect();
    given.sort_by_key(|(met_at, ..)| *met_at);
    for row in owed.iter_mut().filter(|row| row.state == ObligationState::Open) {
        let (own, of) = (stage(row), cause(row));
        let later = given.iter().find(|(_, cause, stage, _)| own.is_some() && *stage > own && *cause == of);
        if let Some((met_at, _, _, reply)) = later {
            row.state = ObligationState::Met;
            row.met_at = *met_at;
            row.met_by_reply_id = *reply;
        }
    }
}

fn waive(row: &mut obligation::Model, at: DateTime<Utc>, by: &str, reason: String, ground: Option<String>) {
    row.state = ObligationState::Waived;
    row.waived_by = Some(by.to_owned());
    row.waived_at = Some(at);
    row.waive_reason = Some(reason);
    row.legal_ground = ground;
}

fn open_obligation(
    owed: &mut Vec<obligation::Model>,
    facts: &ClockFacts,
    wanted: &Wanted,
    id: &mut impl FnMut() -> Uuid,
) {
    let Some(reply) = &wanted.owed else { return };
    let known = owed.iter().rev().find(|row| row.slot.as_deref() == Some(wanted.slot.as_str()));
    let allowed =
        facts.newest(DecisionKind::ReportAbroad).is_some_and(|decision| decision.granted == Some(true));
    if known.is_some_and(|row| !is_owed_again(row, allowed)) {
        return;
    }
    owed.push(obligation::Model {
        id: id(),
        event_id: facts.event.id,
        report_id: reply.report_id,
        channel_id: reply.channel_id,
        product_id: match reply.customers {
            Some(OwedTo::Product(id)) => Some(id),
            _ => None,
        },
        customer_id: match reply.customers {
            Some(OwedTo::Customer(id)) => Some(id),
            _ => None,
        },
        kind: reply.kind,
        trigger: reply.trigger.clone(),
        slot: Some(wanted.slot.clone()),
        regime: reply.regime,
        stage: reply.stage.clone(),
        state: ObligationState::Open,
        opened_at: facts.at,
        met_at: None,
        met_by_reply_id: None,
        waived_by: None,
        waived_at: None,
        waive_reason: None,
        legal_ground: None,
    });
}

/// Whether an obligation was waived for a reason that holds no longer, since somebody asks for it: a level that has risen
/// again, customers who may be told again, or a refusal that was taken back, since then the duty abroad stands as it ever
/// did.
fn is_owed_again(row: &obligation::Model, abroad_allowed: bool) -> bool {
    let reason = row.waive_reason.as_deref().unwrap_or_default();
    let refused = reason.starts_with(ABROAD_REFUSED);
    let lapsed = [LEVEL_FELL, NO_CUSTOMER, NOT_OURS, KEPT_INSIDE, NOT_ASKED_FOR].contains(&reason);
    row.state == ObligationState::Waived && (lapsed || (refused && abroad_allowed))
}

/// Opens a clock, or lets the one that is there follow the facts.
fn follow(
    rows: &mut Vec<deadline::Model>,
    facts: &ClockFacts,
    basis: &Basis,
    (slot, clock): (&str, &Clock),
    done_at: Option<DateTime<Utc>>,
    owes: Option<&obligation::Model>,
    id: &mut impl FnMut() -> Uuid,
) {
    let is_open = |row: &deadline::Model| row.state == DeadlineState::Open;
    let owed_again = owes.filter(|owes| owes.state == ObligationState::Open);
    let was_met = |row: &deadline::Model| {
        row.state == DeadlineState::Met && owed_again.is_some_and(|owes| row.obligation_id == Some(owes.id))
    };
    // What met it did not arrive: it counts on from where it counted.
    if let Some(row) = rows.iter_mut().find(|row| row.slot == slot && was_met(row)) {
        row.state = DeadlineState::Open;
        row.met_at = None;
    }
    if let Some(row) = rows.iter_mut().find(|row| row.slot == slot && is_open(row)) {
        count_anew(row, facts, basis, clock);
        row.obligation_id = owes.map(|row| row.id);
        close(row, facts.at, done_at, owes);
        return;
    }
    let may_return =
        matches!(clock.kind, DeadlineKind::Fix | DeadlineKind::Mitigation | DeadlineKind::Publication);
    let done = rows.iter().any(|row| {
        let same_turn = match owes {
            Some(owes) => row.obligation_id == Some(owes.id),
            // A fix is counted once a pass, a publication once; one that was waived by itself does not stand in the way.
            None => !may_return || (row.state == DeadlineState::Met && row.anchor_at == clock.anchor_at),
        };
        row.slot == slot && same_turn
    });
    let done = done && !is_put_off(rows, facts, slot, clock);
    let settled = done_at.is_some() || owes.is_some_and(|row| row.state != ObligationState::Open);
    if done || settled {
        return;
    }
    let mut row = deadline::Model {
        id: id(),
        event_id: facts.event.id,
        slot: slot.to_owned(),
        pass: facts.event.pass,
        obligation_id: owes.map(|row| row.id),
        report_id: clock.report_id,
        channel_id: clock.channel_id,
        line: clock.line.clone(),
        kind: clock.kind,
        regime: clock.regime,
        rule: None,
        policy_id: None,
        state: DeadlineState::Open,
        anchor: clock.anchor,
        anchor_at: None,
        due_at: None,
        none_reason: None,
        pauses: deadline::Pauses::default(),
        paused_since: None,
        calendar_id: None,
        calendar_version: 0,
        channel_version: 0,
        opened_at: facts.at,
        met_at: None,
        breached_at: None,
        waived_at: None,
        waive_reason: None,
        told_percent: 0,
        next_notice_at: None,
        sort_at: facts.at,
    };
    count_anew(&mut row, facts, basis, clock);
    rows.push(row);
}

/// Whether a channel's publication that was taken to have happened on its day was put off to a later one by agreement.
fn is_put_off(rows: &[deadline::Model], facts: &ClockFacts, slot: &str, clock: &Clock) -> bool {
    let End::At(agreed) = clock.end else { return false };
    let passed = |row: &deadline::Model| {
        row.state == DeadlineState::Met && row.met_at == row.due_at && row.due_at < Some(agreed)
    };
    clock.kind == DeadlineKind::Publication
        && agreed > facts.at
        && rows.iter().filter(|row| row.slot == slot).all(passed)
}

/// The pauses of a clock as they now are, with the one that runs as long as it may run.
fn pauses(row: &mut deadline::Model, facts: &ClockFacts, clock: &Clock) -> Vec<Pause> {
    let asked = facts.event.asked_at.filter(|_| {
        clock.pauses
            && facts.event.status == Status::NeedsInformation
            && facts.event.asked_report_id == clock.report_id
    });
    if asked != row.paused_since
        && let Some(since) = row.paused_since
    {
        let span = pause(since, Some(facts.at), &row.pauses.0);
        row.pauses.0.push(PausedSpan { from: span.from, to: span.to });
    }
    row.paused_since = asked;
    let over = row.pauses.0.iter().map(|span| Pause { from: span.from, to: span.to });
    over.chain(asked.map(|since| pause(since, None, &row.pauses.0))).collect()
}

/// Counts an open clock by what the facts and the policy now say.
fn count_anew(row: &mut deadline::Model, facts: &ClockFacts, basis: &Basis, clock: &Clock) {
    let pauses = pauses(row, facts, clock);
    let counted = count(clock, clock.kind, basis, &pauses);
    let breached = row.breached_at.filter(|_| is_held(row, facts, clock, &counted));
    row.regime = clock.regime;
    row.rule.clone_from(&clock.rule);
    row.anchor = clock.anchor;
    row.anchor_at = clock.anchor_at;
    row.calendar_id = Some(clock.calendar);
    row.calendar_version = basis.calendars.get(&clock.calendar).map_or(0, |timed| timed.version);
    set(row, facts, basis, &counted);
    row.breached_at = row.breached_at.or(breached);
}

/// Whether a breach on record stays whatever the clock now says: the end did not move, or moved with its anchor alone,
/// without the word of a LEADER.
fn is_held(row: &deadline::Model, facts: &ClockFacts, clock: &Clock, counted: &Count) -> bool {
    let later = clock.anchor_at.is_none_or(|at| row.anchor_at.is_some_and(|before| before < at));
    let moved = row.anchor == clock.anchor && later;
    counted.due_at == row.due_at || (moved && !facts.by_leader)
}

fn set(row: &mut deadline::Model, facts: &ClockFacts, basis: &Basis, counted: &Count) {
    row.policy_id = basis.policy_id;
    row.channel_version =
        row.channel_id.and_then(|id| facts.channels.get(&id)).map_or(0, |channel| channel.version);
    // Of what nobody entered yet people are told at once, and who was told of it is told again in their turn.
    let entered_by_nobody = counted.none_reason.filter(|reason| is_to_be_entered(*reason));
    let again = row.next_notice_at.filter(|_| row.none_reason == entered_by_nobody);
    row.due_at = counted.due_at;
    row.none_reason = counted.none_reason;
    row.sort_at = counted.due_at.unwrap_or(end_of_lists());
    // Who was told of an earlier end is told of the new one.
    row.told_percent = row.told_percent.min(told_by(&counted.marks, facts.at));
    row.breached_at = row.breached_at.filter(|_| counted.due_at.is_some_and(|due| due <= facts.at));
    row.next_notice_at = match entered_by_nobody {
        Some(_) => again.or(Some(facts.at)),
        None => next_notice(&counted.marks, row.told_percent),
    };
}

/// Whether a person has to enter something before a clock can be counted; what else it waits for happens by itself.
fn is_to_be_entered(reason: NoDeadline) -> bool {
    match reason {
        NoDeadline::NoNoticeDate
        | NoDeadline::CalendarWithoutYear
        | NoDeadline::CalendarWithoutHours
        | NoDeadline::NoCalendar
        | NoDeadline::TooFar => true,
        NoDeadline::NoMeasureYet | NoDeadline::PreviousNotSubmitted | NoDeadline::NoTerm => false,
    }
}

/// Ends a clock whose wait is over.
fn close(
    row: &mut deadline::Model,
    at: DateTime<Utc>,
    done_at: Option<DateTime<Utc>>,
    owes: Option<&obligation::Model>,
) {
    match owes.map(|owes| (owes.state, owes)) {
        Some((ObligationState::Met, owes)) => meet(row, owes.met_at.unwrap_or(at)),
        Some((ObligationState::Waived, owes)) => end(row, at, owes.waive_reason.clone().unwrap_or_default()),
        _ => {
            if let Some(done) = done_at {
                meet(row, done);
            }
        }
    }
}

/// What a clock waited for happened at `at`.
pub(super) fn meet(row: &mut deadline::Model, at: DateTime<Utc>) {
    row.state = DeadlineState::Met;
    row.met_at = Some(at);
    // A breach that a later end left on record stays, unless it was met before that after all.
    let passed = [row.breached_at, row.due_at].into_iter().flatten().filter(|due| at > *due).min();
    row.breached_at = passed.filter(|_| row.kind != DeadlineKind::Publication);
    row.next_notice_at = None;
    row.paused_since = None;
}

fn end(row: &mut deadline::Model, at: DateTime<Utc>, reason: String) {
    row.state = DeadlineState::Waived;
    row.waived_at = Some(at);
    row.waive_reason = Some(reason);
    row.next_notice_at = None;
    row.paused_since = None;
}

/// A clock that nothing asks for any more: what only the level opened is waived, a legal duty stays.
fn no_longer_wanted(
    row: &mut deadline::Model,
    facts: &ClockFacts,
    basis: &Basis,
    owed: &[obligation::Model],
) {
    let owes = row.obligation_id.and_then(|id| owed.iter().find(|known| known.id == id));
    match row.kind {
        DeadlineKind::Reply => close(row, facts.at, None, owes),
        DeadlineKind::Information => meet(row, facts.at),
        DeadlineKind::Decision => {
            let decided = facts.decided(DecisionKind::ReportAbroad).filter_map(|row| row.decided_at).max();
            match decided {
                Some(at) => meet(row, at),
                None => end(row, facts.at, "nothing is owed abroad any more".to_owned()),
            }
        }
        DeadlineKind::Publication => {
            let of = facts.reports.iter().find(|report| Some(report.id) == row.report_id);
            let reason = if of.is_some_and(|report| report.notice_type == Some(NoticeType::EventType)) {
                "a vulnerability of the event type is not published"
            } else {
                NOT_ASKED_FOR
            };
            end(row, facts.at, reason.to_owned());
        }
        DeadlineKind::Fix | DeadlineKind::Mitigation => {
            let reason = if facts.is_ours() {
                "neither the level nor the affected lines ask for it any more"
            } else {
                "it is not ours to fix any more"
            };
            end(row, facts.at, reason.to_owned());
        }
    }
    if row.state == DeadlineState::Open {
        // It stays as it was counted; that was looked at under this policy.
        row.policy_id = basis.policy_id;
        row.channel_version =
            row.channel_id.and_then(|id| facts.channels.get(&id)).map_or(0, |channel| channel.version);
        let timed = row.calendar_id.and_then(|id| basis.calendars.get(&id));
        row.calendar_version = timed.map_or(row.calendar_version, |timed| timed.version);
    }
}

/// Whether what is owed needs a decision before it may leave.
fn needs_decision(facts: &ClockFacts, row: &obligation::Model) -> bool {
    let abroad = facts.is_abroad(row);
    let undisclosed = !facts.is_disclosed() && (row.report_id.is_none() || facts.is_ours());
    row.state == ObligationState::Open && abroad && undisclosed && carries_content(row.kind)
}

/// The decision whether undisclosed content goes abroad: asked for when the first duty abroad opens, and told at 25, 50
/// and 75 % of that duty's time, which goes on.
fn gate(
    plan: &mut Plan,
    rows: &mut Vec<deadline::Model>,
    kept: &mut BTreeSet<String>,
    facts: &ClockFacts,
    basis: &Basis,
    owed: &[obligation::Model],
    id: &mut impl FnMut() -> Uuid,
) {
    if facts.event.history {
        return;
    }
    let last = facts.newest(DecisionKind::ReportAbroad);
    let answered = |row: &obligation::Model| match last {
        Some(decision) if decision.granted == Some(true) => true,
        Some(decision) => decision.decided_at.is_some_and(|at| row.opened_at < at),
        None => false,
    };
    let waiting: Vec<_> = owed.iter().filter(|row| needs_decision(facts, row) && !answered(row)).collect();
    if waiting.is_empty() {
        return;
    }
    let of_waiting = |row: &&deadline::Model| {
        row.state == DeadlineState::Open && waiting.iter().any(|owed| row.obligation_id == Some(owed.id))
    };
    let first =
        rows.iter().filter(of_waiting).filter(|row| row.due_at.is_some()).min_by_key(|row| row.sort_at);
    let asked_at = facts.undecided(DecisionKind::ReportAbroad).map_or(facts.at, |row| row.asked_at);
    let clock = Clock {
        kind: DeadlineKind::Decision,
        regime: Regime::Procedure,
        rule: None,
        report_id: None,
        channel_id: None,
        line: None,
        anchor: DeadlineAnchor::Asked,
        anchor_at: Some(first.and_then(|row| row.anchor_at).unwrap_or(asked_at)),
        unanchored: NoDeadline::NoTerm,
        end: first.and_then(|row| row.due_at).map_or(End::None(NoDeadline::NoTerm), End::At),
        pauses: false,
        rolls_over: false,
        calendar: basis.own_calendar,
        zone: None,
    };
    let decided = facts.decided(DecisionKind::ReportAbroad).count();
    let slot = format!("abroad:{decided}");
    if facts.undecided(DecisionKind::ReportAbroad).is_none() {
        plan.ask_abroad = Some(first.and_then(|row| row.due_at));
    }
    kept.insert(slot.clone());
    follow(rows, facts, basis, (&slot, &clock), None, None, id);
}

/// The percentages of an open clock's time with their instants, as they would be counted now.
pub(super) fn marks_of(
    facts: &ClockFacts,
    basis: &Basis,
    row: &deadline::Model,
) -> Vec<(i32, DateTime<Utc>)> {
    let wanted = wanted(facts, basis).into_iter().find(|wanted| wanted.slot == row.slot);
    let clock = wanted.and_then(|wanted| wanted.clock).unwrap_or_else(|| Clock {
        kind: row.kind,
        regime: row.regime,
        rule: None,
        report_id: None,
        channel_id: None,
        line: None,
        anchor: row.anchor,
        anchor_at: row.anchor_at,
        unanchored: NoDeadline::NoTerm,
        end: row.due_at.map_or(End::None(NoDeadline::NoTerm), End::At),
        pauses: false,
        rolls_over: false,
        calendar: basis.own_calendar,
        zone: None,
    });
    let pauses = pauses(&mut row.clone(), facts, &clock);
    count(&clock, row.kind, basis, &pauses).marks
}

/// Rows of decisions that the planner asks for.
pub fn abroad_question(
    facts: &ClockFacts,
    id: Uuid,
    by: &str,
    due_at: Option<DateTime<Utc>>,
) -> decision::Model {
    decision::Model {
        id,
        event_id: facts.event.id,
        kind: DecisionKind::ReportAbroad,
        question:
            "A duty abroad has opened and its clock runs. May undisclosed content of this event go abroad? \
                   境外报告义务已产生，时限不中止。未公开内容可否向境外提供？"
                .to_owned(),
        options: Vec::new().into(),
        line: None,
        asked_by: by.to_owned(),
        asked_at: facts.at,
        due_at,
        participants: Vec::new().into(),
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

/// Where clocks without a due instant stand in lists: after all that have one.
fn end_of_lists() -> DateTime<Utc> {
    DateTime::from_timestamp(253_370_764_800, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
