//! What a policy holds, and what makes it contradict itself.

use std::fmt;

use chrono::NaiveDate;
use entity::vocabulary::{
    ChannelKind, DeadlineAnchor, DeadlineKind, DeadlineTrigger, Level, Regime, ReplyKind, SpanUnit,
};
use sea_orm::Iterable;
use serde::{Deserialize, Serialize};

use super::{is_legal_duty, is_own_duty};

/// The policy that every installation begins with.
const DEFAULT: &str = include_str!("../default.toml");
/// Longest term in hours and days, as for a calendar that is tried out.
const MOST_UNITS: u16 = 4_000;
/// Longest term in months.
const MOST_MONTHS: u16 = 1_200;
/// Most rules of a policy.
const MOST: usize = 200;

/// A length of time in one of the four units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Unit.
    pub unit: SpanUnit,
    /// How many; at least 1.
    pub amount: u16,
}

/// One rule: what opens a clock, and until when it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable short name, once in a policy; what replies call the stage.
    pub key: String,
    /// Promise or law.
    pub regime: Regime,
    /// What opens it.
    pub trigger: DeadlineTrigger,
    /// What it waits for.
    pub kind: DeadlineKind,
    /// Which reply is owed, of a REPLY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<ReplyKind>,
    /// Only for reports through channels of these kinds; through any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channel_kinds: Vec<ChannelKind>,
    /// Only for reports through these channels, by key; through any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Only while the event has one of these levels, and waived when it falls out of them; at any level when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// Only where a product for critical infrastructure is affected, or only where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_infrastructure: Option<bool>,
    /// Only where a product of a central organ is affected, or only where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub central_organ: Option<bool>,
    /// Key of the channel that a duty of the event is owed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// From what it counts.
    pub anchor: DeadlineAnchor,
    /// Rule whose reply has to be submitted first, with PREVIOUS_SUBMITTED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How long; none where nothing sets a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Term>,
    /// Whether it stands still while the reporter is asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pauses: bool,
    /// Whether days and months that end on a day that is not worked go on to the next that is (Regulation 1182/71).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rolls_over: bool,
    /// Whether it opens only once its anchor has happened.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits_for_anchor: bool,
    /// Only for what is learned of from this day on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<NaiveDate>,
}

/// The rules by which clocks run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// In the order in which they are tried: of two for the same thing the first holds.
    pub rules: Vec<Rule>,
}

/// Where a policy contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which rule, from 0.
    pub rule: usize,
    /// Which of its fields.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, {}: {}", self.rule + 1, self.field, self.message)
    }
}

/// The policy that every installation begins with.
///
/// # Errors
/// When its file is not what it has to be; a test reads it.
pub fn default_policy() -> anyhow::Result<Policy> {
    Ok(toml::from_str(DEFAULT)?)
}

impl Policy {
    /// The rules with a trigger, in order.
    pub fn of(&self, trigger: DeadlineTrigger) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.trigger == trigger)
    }

    /// Where the policy contradicts itself; empty when it may be used.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.rules.len() > MOST {
            faults.push(Fault { rule: MOST, field: "key", message: format!("send at most {MOST} rules") });
        }
        for (number, rule) in self.rules.iter().enumerate() {
            let mut fault = |field, message: &str| {
                faults.push(Fault { rule: number, field, message: message.to_owned() });
            };
            let earlier = &self.rules[..number];
            let is_key = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
            if rule.key.is_empty() || rule.key.len() > 60 || !rule.key.chars().all(is_key) {
                fault("key", "use lower-case letters, digits and hyphens, at most 60");
            }
            if earlier.iter().any(|other| other.key == rule.key) {
                fault("key", "another rule has this key: choose another");
            }
            for (field, message) in rule.contradictions() {
                fault(field, message);
            }
            if let Some(after) = &rule.after {
                match earlier.iter().find(|other| other.key == *after) {
                    None => fault("after", "name a rule that stands before this one"),
                    Some(other) if other.kind != DeadlineKind::Reply || other.trigger != rule.trigger => {
                        fault("after", "name a rule of the same trigger that waits for a reply");
                    }
                    Some(_) => {}
                }
            }
            if rule.is_dead_after(earlier) {
                fault("levels", "rules before it hold wherever this one does: it would never be used");
            }
        }
        faults
    }
}

/// Where a rule may hold.
struct Case<'a> {
    level: Option<Level>,
    channel_kind: ChannelKind,
    channel: Option<&'a str>,
    critical: bool,
    central: bool,
}

impl Rule {
    /// Whether the level is one for which it holds.
    pub fn holds_at(&self, level: Level) -> bool {
        self.levels.is_empty() || self.levels.contains(&level)
    }

    /// Whether it holds for reports through a channel.
    pub fn holds_for(&self, kind: ChannelKind, key: &str) -> bool {
        (self.channel_kinds.is_empty() || self.channel_kinds.contains(&kind))
            && (self.channels.is_empty() || self.channels.iter().any(|channel| channel == key))
    }

    /// Whether the two would give a clock to the same thing, where both hold.
    fn is_like(&self, other: &Self) -> bool {
        (self.trigger, self.kind, self.reply) == (other.trigger, other.kind, other.reply)
            && (!is_own_duty(self.trigger) || self.recipient == other.recipient)
            && self.after == other.after
            // What a report opens by a level and what it opens without are two clocks.
            && (is_own_duty(self.trigger) || self.levels.is_empty() == other.levels.is_empty())
    }

    /// Whether those before it, one or several together, leave it nothing: they hold in every case in which it does.
    fn is_dead_after(&self, earlier: &[Self]) -> bool {
        let like: Vec<_> = earlier.iter().filter(|other| other.is_like(self)).collect();
        let since = |other: &Self| other.since.is_none_or(|day| self.since.is_some_and(|own| day <= own));
        let holds = |other: &Self, case: &Case<'_>| {
            (other.levels.is_empty() || case.level.is_some_and(|level| other.levels.contains(&level)))
                && (other.channel_kinds.is_empty() || other.channel_kinds.contains(&case.channel_kind))
                && (other.channels.is_empty()
                    || case.channel.is_some_and(|channel| other.channels.iter().any(|key| key == channel)))
                && other.critical_infrastructure.is_none_or(|asked| asked == case.critical)
                && other.central_organ.is_none_or(|asked| asked == case.central)
                && (!other.waits_for_anchor || (self.waits_for_anchor && self.anchor == other.anchor))
                && since(other)
        };
        !like.is_empty() && self.cases().iter().all(|case| like.iter().any(|other| holds(other, case)))
    }

    /// The cases in which it holds: where it names no channel, one that nobody names stands for all.
    fn cases(&self) -> Vec<Case<'_>> {
        let kinds: Vec<_> = if self.channel_kinds.is_empty() {
            ChannelKind::iter().collect()
        } else {
            self.channel_kinds.clone()
        };
        let levels: Vec<_> =
            if self.levels.is_empty() { vec![None] } else { self.levels.iter().copied().map(Some).collect() };
        let channels: Vec<_> = if self.channels.is_empty() {
            vec![None]
        } else {
            self.channels.iter().map(|channel| Some(channel.as_str())).collect()
        };
        let either = |asked: Option<bool>| asked.map_or(vec![true, false], |asked| vec![asked]);
        let (criticals, centrals) = (either(self.critical_infrastructure), either(self.central_organ));
        let operators: Vec<_> = criticals
            .iter()
            .flat_map(|critical| centrals.iter().map(move |central| (*critical, *central)))
            .collect();
        let mut cases = Vec::new();
        for (channel_kind, level) in
            kinds.iter().flat_map(|kind| levels.iter().map(move |level| (*kind, *level)))
        {
            for (channel, (critical, central)) in channels
                .iter()
                .flat_map(|channel| operators.iter().map(move |operator| (*channel, *operator)))
            {
                cases.push(Case { level, channel_kind, channel, critical, central });
            }
        }
        cases
    }

    fn contradictions(&self) -> Vec<(&'static str, &'static str)> {
        use DeadlineAnchor::{
            Asked, Confirmed, DecisionMade, FirstReceived, LearnedOf, LevelSet, MeasureAvailable, NoticeDate,
            PreviousSubmitted, Received,
        };
        use DeadlineTrigger::{
            CustomerAffected, Exploited, Level, NetworkIncident, OwnVulnerability, QuestionAsked,
            ReportReceived, SevereIncident,
        };
        let mut wrong = Vec::new();
        let mut need = |met: bool, field, message| {
            if !met {
                wrong.push((field, message));
            }
        };
        let reply = self.kind == DeadlineKind::Reply;
        need(self.reply.is_some() == reply, "reply", "name the reply of a REPLY, and of nothing else");
        let kinds: &[DeadlineKind] = match self.trigger {
            ReportReceived => &[DeadlineKind::Reply, DeadlineKind::Publication],
            Level => &[DeadlineKind::Mitigation, DeadlineKind::Fix],
            _ => &[DeadlineKind::Reply],
        };
        need(kinds.contains(&self.kind), "kind", "this trigger opens no clock of this kind");
        let anchors: &[DeadlineAnchor] = match self.trigger {
            ReportReceived => &[Received, NoticeDate, LevelSet, MeasureAvailable, PreviousSubmitted],
            QuestionAsked => &[NoticeDate, Asked],
            OwnVulnerability => &[Confirmed, FirstReceived, MeasureAvailable, PreviousSubmitted],
            Exploited => &[LearnedOf, MeasureAvailable, PreviousSubmitted],
            SevereIncident | NetworkIncident => {
                &[LearnedOf, DecisionMade, MeasureAvailable, PreviousSubmitted]
            }
            CustomerAffected => &[Confirmed, LevelSet, MeasureAvailable],
            Level => &[LevelSet],
        };
        need(anchors.contains(&self.anchor), "anchor", "what this trigger opens does not count from there");
        need(
            (self.anchor == PreviousSubmitted) == self.after.is_some(),
            "after",
            "name the earlier rule with PREVIOUS_SUBMITTED, and with no other anchor",
        );
        let dated = self.anchor == NoticeDate;
        need(!(dated && self.term.is_some()), "term", "a notice's own date is the end: leave the term out");
        let needs_term = self.kind != DeadlineKind::Reply;
        need(!needs_term || self.term.is_some(), "term", "say how long: nothing else ends this clock");
        need(self.term.is_none_or(|term| term.amount > 0), "term", "a clock runs at least 1 unit");
        // Days are counted one by one, each time that an event is planned.
        let longest = |term: Term| if term.unit == SpanUnit::Months { MOST_MONTHS } else { MOST_UNITS };
        need(
            self.term.is_none_or(|term| term.amount <= longest(term)),
            "term",
            "a clock runs at most 4000 hours or days, or 1200 months: take a longer unit",
        );
        let in_days = |term: Term| matches!(term.unit, SpanUnit::CalendarDays | SpanUnit::Months);
        need(
            !self.rolls_over || self.term.is_some_and(in_days),
            "rollsOver",
            "only a term of calendar days or months has an end that is rolled over",
        );
        need(
            is_own_duty(self.trigger) == self.recipient.is_some(),
            "recipient",
            "name the channel of a duty of the event, and of nothing else",
        );
        let by_channel = matches!(self.trigger, ReportReceived | QuestionAsked);
        let narrowed = !self.channel_kinds.is_empty() || !self.channels.is_empty();
        need(
            by_channel || !narrowed,
            "channelKinds",
            "only what a report or a question opens depends on its channel",
        );
        need(
            !self.levels.contains(&entity::vocabulary::Level::None),
            "levels",
            "NONE is below an event and opens nothing",
        );
        need(self.trigger != Level || !self.levels.is_empty(), "levels", "name the levels that open it");
        need(
            !is_legal_duty(self.trigger) || self.levels.is_empty(),
            "levels",
            "a legal duty does not depend on the level",
        );
        for (asked, field) in
            [(self.critical_infrastructure, "criticalInfrastructure"), (self.central_organ, "centralOrgan")]
        {
            need(
                asked.is_none() || self.trigger == NetworkIncident,
                field,
                "only the duty after a network incident depends on it",
            );
        }
        need(
            self.since.is_none() || is_legal_duty(self.trigger),
            "since",
            "only legal duties begin with a day",
        );
        let official = [ChannelKind::NationalDatabase, ChannelKind::Regulator];
        let unofficial = self.trigger == ReportReceived
            && !self.channel_kinds.is_empty()
            && !self.channel_kinds.iter().any(|kind| official.contains(kind));
        need(
            !self.pauses || unofficial,
            "pauses",
            "a regulator's or database's clock never stands still: name other kinds of channels",
        );
        need(
            !self.waits_for_anchor || matches!(self.anchor, MeasureAvailable | PreviousSubmitted | LevelSet),
            "waitsForAnchor",
            "only what counts from something to come can wait for it",
        );
        wrong
    }
}
