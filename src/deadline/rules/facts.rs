//! What clocks follow from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::vocabulary::{
    AffectedState, ChannelKind, ClockFactKind, DeadlineAnchor, DeadlineState, DeadlineTrigger, DecisionKind,
    ProductKind, Tlp, Verdict, WorldFactKind,
};
use entity::{
    affected_product, channel, clock_fact, deadline, decision, event, obligation, product, remediation,
    report, world_fact,
};
use uuid::Uuid;

use super::Policy;
use crate::calendar::rules::Calendar;
use crate::event::rules::is_analysed;
use crate::protection::rules::is_disclosed;

/// A product with how it stands to the event.
#[derive(Clone, Debug)]
pub struct Product {
    /// How it stands to the event.
    pub affected: affected_product::Model,
    /// The product.
    pub product: product::Model,
}

/// The customers whom an event is about.
#[derive(Clone, Debug, Default)]
pub struct Customers {
    /// Products of the event that customers use, each with whether these are abroad.
    pub using: BTreeSet<(Uuid, bool)>,
    /// Customers who are recorded as affected.
    pub recorded: Vec<Recorded>,
}

/// A customer who is recorded as affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The customer.
    pub customer: Uuid,
    /// Outside the company's own jurisdiction.
    pub abroad: bool,
    /// The event's products that they use.
    pub uses: BTreeSet<Uuid>,
}

/// A verdict that was given.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Which one.
    pub id: Uuid,
    /// The verdict.
    pub verdict: Verdict,
    /// When.
    pub at: DateTime<Utc>,
}

/// A score that was given.
#[derive(Clone, Copy, Debug)]
pub struct Scored {
    /// In which pass.
    pub pass: i32,
    /// When.
    pub at: DateTime<Utc>,
}

/// A calendar with the version in which it was read.
#[derive(Clone, Debug)]
pub struct TimedCalendar {
    /// Its version.
    pub version: i32,
    /// What it says.
    pub calendar: Calendar,
}

/// The policy in force, the calendars by which it counts, and whom it names.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The policy's version; none before an installation has one: then nothing but the channels opens obligations.
    pub policy_id: Option<Uuid>,
    /// The policy.
    pub policy: Policy,
    /// Calendars of the channels, by id.
    pub calendars: BTreeMap<Uuid, TimedCalendar>,
    /// Calendar of what is ours alone.
    pub own_calendar: Uuid,
    /// Channels by key that legal duties are owed to.
    pub recipients: BTreeMap<String, channel::Model>,
}

/// What an event's clocks follow from, as it stands, to be changed by a command and handed to the planner.
#[derive(Clone, Debug)]
pub struct ClockFacts {
    /// The instant at which is planned.
    pub at: DateTime<Utc>,
    /// Whether a LEADER changes the facts, whose word lets a later anchor take a breach back.
    pub by_leader: bool,
    /// The event.
    pub event: event::Model,
    /// Its reports.
    pub reports: Vec<report::Model>,
    /// Channels of the reports and of what is owed, by id.
    pub channels: BTreeMap<Uuid, channel::Model>,
    /// Its verdicts, oldest first.
    pub verdicts: Vec<Given>,
    /// The verdict that is being given, where it turns the last one into another: channels that were told are owed it.
    pub news: Option<Uuid>,
    /// Its scores, oldest first.
    pub scores: Vec<Scored>,
    /// Its products.
    pub products: Vec<Product>,
    /// The customers whom it is about.
    pub customers: Customers,
    /// The fixes of its lines.
    pub remediations: Vec<remediation::Model>,
    /// Its decisions, oldest first.
    pub decisions: Vec<decision::Model>,
    /// What the world knows.
    pub world: Vec<world_fact::Model>,
    /// What people entered for clocks and still holds.
    pub entered: Vec<clock_fact::Model>,
    /// What is and was owed, oldest first.
    pub obligations: Vec<obligation::Model>,
    /// Its clocks, oldest first.
    pub deadlines: Vec<deadline::Model>,
}

impl ClockFacts {
    /// The facts of a new event.
    pub fn new(event: event::Model, at: DateTime<Utc>) -> Self {
        Self {
            at,
            by_leader: false,
            event,
            reports: Vec::new(),
            channels: BTreeMap::new(),
            verdicts: Vec::new(),
            news: None,
            scores: Vec::new(),
            products: Vec::new(),
            customers: Customers::default(),
            remediations: Vec::new(),
            decisions: Vec::new(),
            world: Vec::new(),
            entered: Vec::new(),
            obligations: Vec::new(),
            deadlines: Vec::new(),
        }
    }

    /// Adds a report that arrived through `channel`.
    pub fn arrived(&mut self, report: report::Model, channel: &channel::Model) {
        self.channels.insert(channel.id, channel.clone());
        self.reports.push(report);
    }

    /// Puts a changed fix in its place, or adds it.
    pub fn fix_changed(&mut self, fix: &remediation::Model) {
        replace(&mut self.remediations, fix, |row| row.id);
    }

    /// Puts a changed obligation in its place.
    pub fn obligation_changed(&mut self, row: &obligation::Model) {
        replace(&mut self.obligations, row, |row| row.id);
    }

    /// Puts a changed decision in its place.
    pub fn decision_changed(&mut self, row: &decision::Model) {
        replace(&mut self.decisions, row, |row| row.id);
    }

    /// Puts a product's changed standing in its place, or adds it.
    pub fn product_changed(&mut self, changed: Product) {
        self.products.retain(|known| known.product.id != changed.product.id);
        self.products.push(changed);
    }

    /// Its products, by id.
    pub fn product_ids(&self) -> BTreeSet<Uuid> {
        self.products.iter().map(|known| known.product.id).collect()
    }

    /// Incidents of this kind that decisions declared: each is learned of by itself.
    pub fn incidents(&self, kind: DecisionKind) -> impl Iterator<Item = &decision::Model> {
        self.decided(kind).filter(|row| row.granted == Some(true))
    }

    /// From when it counts that the incident was learned of that a decision declared. Asking for the decision is the
    /// first that is on record of it; a person corrects that.
    pub fn incident_learned_at(&self, declared: &decision::Model) -> DateTime<Utc> {
        let mut corrections = self.entered.iter().rev();
        let corrected = corrections.find(|row| row.decision_id == Some(declared.id)).and_then(|row| row.at);
        corrected.unwrap_or(declared.asked_at)
    }

    /// From when it counts that something was learned of, but for incidents; none while it was not.
    pub fn learned_at(&self, of: ClockFactKind) -> Option<DateTime<Utc>> {
        match of {
            ClockFactKind::LearnedVulnerability => self.entered(of, None).or_else(|| self.confirmed_at()),
            ClockFactKind::LearnedExploitation => self.exploitation_learned_at(),
            ClockFactKind::LearnedSevereIncident
            | ClockFactKind::LearnedNetworkIncident
            | ClockFactKind::NoticeDue
            | ClockFactKind::Publication
            | ClockFactKind::Question => None,
        }
    }

    /// From when the open clocks count that count from something being learned of, by whatever anchor the policy chose;
    /// with none open, from when it counts that it was learned of, and none while it was not. Of an incident, the
    /// decision says which.
    pub fn counts_from(
        &self,
        of: ClockFactKind,
        declared: Option<&decision::Model>,
    ) -> Option<DateTime<Utc>> {
        use DeadlineAnchor::{Confirmed, FirstReceived, LearnedOf};
        let learned = match declared {
            Some(declared) => self.incident_learned_at(declared),
            None => self.learned_at(of)?,
        };
        let trigger = match of {
            ClockFactKind::LearnedVulnerability => DeadlineTrigger::OwnVulnerability,
            ClockFactKind::LearnedExploitation => DeadlineTrigger::Exploited,
            ClockFactKind::LearnedSevereIncident => DeadlineTrigger::SevereIncident,
            ClockFactKind::LearnedNetworkIncident => DeadlineTrigger::NetworkIncident,
            ClockFactKind::NoticeDue | ClockFactKind::Publication | ClockFactKind::Question => return None,
        };
        let within = within(trigger, declared);
        let counts = |row: &&deadline::Model| {
            row.state == DeadlineState::Open
                && row.slot.starts_with(&within)
                && matches!(row.anchor, Confirmed | FirstReceived | LearnedOf)
        };
        Some(self.deadlines.iter().filter(counts).filter_map(|row| row.anchor_at).min().unwrap_or(learned))
    }

    /// Whether what is owed goes abroad: its channel is there, or it is one of customers, of whom one is. For whom a notice
    /// to customers is that they did not ask for is on record: for those where its channel is.
    pub(super) fn is_abroad(&self, row: &obligation::Model) -> bool {
        let by_place =
            row.is_of_customers() && !self.reports.iter().any(|report| report.channel_id == row.channel_id);
        self.channels.get(&row.channel_id).is_some_and(|channel| {
            channel.abroad
                || (channel.kind == ChannelKind::Customer && !by_place && self.has_customers_abroad())
        })
    }

    /// Whether a customer abroad is recorded as affected, or uses an affected product.
    fn has_customers_abroad(&self) -> bool {
        let uses = |product: &product::Model| self.customers.using.contains(&(product.id, true));
        self.customers.recorded.iter().any(|row| row.abroad) || self.touched().any(uses)
    }

    /// Whom a notice to the customers on one side of the border is owed for: each affected product that some of them use, and
    /// each recorded customer who uses none of these.
    pub(super) fn customers_of(&self, abroad: bool) -> (Vec<&product::Model>, Vec<Uuid>) {
        let touched: BTreeSet<Uuid> = self.touched().map(|product| product.id).collect();
        let products =
            self.touched().filter(|product| self.customers.using.contains(&(product.id, abroad))).collect();
        let alone = self.customers.recorded.iter().filter(|row| row.abroad == abroad);
        let alone = alone.filter(|row| row.uses.is_disjoint(&touched)).map(|row| row.customer).collect();
        (products, alone)
    }

    /// Whether the event is a vulnerability of ours.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.event.verdict, Some(Verdict::Confirmed | Verdict::KnownInternally))
    }

    /// Whether customers may be told of the event's vulnerability by its level, which is ours.
    pub(super) fn may_tell_customers(&self) -> bool {
        self.is_ours() && !self.is_kept_inside()
    }

    /// Whether customers are told nothing of it by its level.
    pub(super) fn is_kept_inside(&self) -> bool {
        matches!(self.event.tlp, Tlp::AmberStrict | Tlp::Red)
    }

    /// Whether exploitation of the event's vulnerability is a duty of ours: it is a vulnerability of ours, fixed or not,
    /// or somebody finds out whether it is, whatever was said of it before.
    pub(super) fn may_be_exploited(&self) -> bool {
        self.is_ours() || self.event.verdict == Some(Verdict::AlreadyFixed) || is_analysed(self.event.status)
    }

    /// Products that are affected, or were until they were fixed.
    fn touched(&self) -> impl Iterator<Item = &product::Model> {
        let touched =
            |row: &&Product| matches!(row.affected.state, AffectedState::Affected | AffectedState::Fixed);
        self.products.iter().filter(touched).map(|row| &row.product)
    }

    /// Whether a product of a central organ of the state is affected.
    pub(super) fn touches_central_organ(&self) -> bool {
        self.touched().any(|product| product.central_organ)
    }

    /// Whether RMSV asks for a report: a network product of ours is affected.
    pub(super) fn is_in_rmsv_scope(&self) -> bool {
        self.touched().any(in_rmsv_scope)
    }

    /// Whether a product in the CRA's scope is affected that was supported at `at`.
    pub(super) fn is_in_cra_scope(&self, at: DateTime<Utc>) -> bool {
        let supported =
            |product: &product::Model| product.cra_support_until.is_none_or(|until| until >= at.date_naive());
        self.touched().any(|product| product.cra_in_scope && supported(product))
    }

    /// Whether a product for critical infrastructure is affected.
    pub(super) fn touches_critical_infrastructure(&self) -> bool {
        self.touched().any(|product| product.critical_infrastructure)
    }

    /// Affected lines, each once.
    pub(super) fn lines(&self) -> Vec<&str> {
        let mut lines: Vec<&str> = self.touched().map(|product| product.line.as_str()).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// What a person entered last of a kind, for the event or for one report.
    pub(super) fn entered(&self, kind: ClockFactKind, report: Option<Uuid>) -> Option<DateTime<Utc>> {
        self.entered.iter().rev().find(|row| row.kind == kind && row.report_id == report)?.at
    }

    /// When exploitation in the wild was learned of first.
    pub(super) fn exploitation_learned_at(&self) -> Option<DateTime<Utc>> {
        let kind = ClockFactKind::LearnedExploitation;
        let facts = || self.world.iter().filter(|fact| fact.kind == WorldFactKind::ExploitedInTheWild);
        let first = facts().map(|fact| fact.learned_at).min()?;
        let entry = self.entered.iter().rev().find(|row| row.kind == kind);
        let Some((entry, corrected)) = entry.and_then(|row| Some((row, row.at?))) else { return Some(first) };
        // Who corrected it knew what was on record then; what came to light after that speaks for itself.
        let since = facts().filter(|fact| fact.recorded_at > entry.recorded_at).map(|fact| fact.learned_at);
        Some(since.fold(corrected, DateTime::min))
    }

    /// When it was published, as far as is known.
    pub(super) fn published_at(&self) -> Option<DateTime<Utc>> {
        let facts = self.world.iter().filter(|fact| fact.kind == WorldFactKind::PubliclyKnown);
        facts.map(|fact| fact.occurred_at.unwrap_or(fact.learned_at)).min()
    }

    /// Whether what is known of it is public.
    pub(super) fn is_disclosed(&self) -> bool {
        let newest = self.decided(DecisionKind::Disclose).max_by_key(|row| row.decided_at);
        let granted = newest.is_some_and(|row| row.granted == Some(true));
        is_disclosed(&self.event, self.published_at().is_some(), granted, self.at)
    }

    /// When the verdict that it is ours was given first.
    pub(super) fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        let ours = |row: &&Given| matches!(row.verdict, Verdict::Confirmed | Verdict::KnownInternally);
        self.verdicts.iter().find(ours).map(|row| row.at)
    }

    /// The first score of the latest pass that has one, with that pass.
    pub(super) fn level_set(&self) -> Option<(i32, DateTime<Utc>)> {
        let pass = self.scores.iter().map(|score| score.pass).max()?;
        self.scores.iter().find(|score| score.pass == pass).map(|score| (pass, score.at))
    }

    /// When the first fix or mitigation was available of a line whose products are in a trigger's scope.
    pub(super) fn measure_available_at(&self, trigger: DeadlineTrigger) -> Option<DateTime<Utc>> {
        let in_scope = |product: &&product::Model| match trigger {
            DeadlineTrigger::OwnVulnerability => in_rmsv_scope(product),
            DeadlineTrigger::Exploited => product.cra_in_scope,
            _ => true,
        };
        let lines: BTreeSet<&str> =
            self.touched().filter(in_scope).map(|product| product.line.as_str()).collect();
        let of_line = self.remediations.iter().filter(|row| lines.contains(row.line.as_str()));
        available(of_line)
    }

    /// When the first fix or mitigation was available of one product's line; of any line where no product is named.
    pub(super) fn measure_for(&self, product: Option<&product::Model>) -> Option<DateTime<Utc>> {
        let of_line = |row: &&remediation::Model| product.is_none_or(|product| product.line == row.line);
        available(self.remediations.iter().filter(of_line))
    }

    /// Decided questions of a kind.
    pub(super) fn decided(&self, kind: DecisionKind) -> impl Iterator<Item = &decision::Model> {
        self.decisions.iter().filter(move |row| row.kind == kind && row.decided_at.is_some())
    }

    /// What was decided last of a kind, whenever it was asked.
    pub(super) fn newest(&self, kind: DecisionKind) -> Option<&decision::Model> {
        self.decided(kind).max_by_key(|row| (row.decided_at, row.id))
    }

    /// The question of a kind that waits for its answer.
    pub(super) fn undecided(&self, kind: DecisionKind) -> Option<&decision::Model> {
        self.decisions.iter().find(|row| row.kind == kind && row.decided_at.is_none())
    }
}

/// When the first of these fixes, or a mitigation before it, was available.
fn available<'a>(fixes: impl Iterator<Item = &'a remediation::Model>) -> Option<DateTime<Utc>> {
    fixes.flat_map(|row| [row.available_at, row.mitigation_available_at]).flatten().min()
}

/// What keeps the clocks apart that a trigger opens: of incidents, the decision that declared them.
pub(super) fn within(trigger: DeadlineTrigger, declared: Option<&decision::Model>) -> String {
    declared.map_or_else(|| format!("{trigger}:"), |declared| format!("{trigger}:{}:", declared.id))
}

/// Whether RMSV is about it: a network product that belongs to one of the platform's libraries.
fn in_rmsv_scope(product: &product::Model) -> bool {
    product.kind == ProductKind::Product && product.rmsv_library.is_some()
}

fn replace<M: Clone>(rows: &mut Vec<M>, changed: &M, id: impl Fn(&M) -> Uuid) {
    match rows.iter_mut().find(|row| id(row) == id(changed)) {
        Some(row) => *row = changed.clone(),
        None => rows.push(changed.clone()),
    }
}
