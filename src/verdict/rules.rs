//! What a verdict has to name, and who may give it when.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use entity::event;
use entity::vocabulary::{Severity, Status, Verdict};
use uuid::Uuid;

use crate::error::{Refusal, RefusalCode};
use crate::event::rules::Cause;

/// How long a reporter has to answer before missing information may be the verdict, in hours.
pub const ANSWER_HOURS: i64 = 72;

/// What is said with a verdict, each text trimmed and absent when blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Severity for the reporter.
    pub severity: Option<Severity>,
    /// The report whose severity it is; absent for all of the event's.
    pub report: Option<Uuid>,
    /// The event that this one repeats.
    pub original_event: Option<Uuid>,
    /// The event that fixes what was known inside; absent when this one does.
    pub fixing_event: Option<Uuid>,
    /// The internal finding.
    pub internal_finding: Option<String>,
    /// When it was first known.
    pub first_known_on: Option<NaiveDate>,
    /// The advisory.
    pub advisory: Option<String>,
    /// The version with the fix.
    pub fixed_version: Option<String>,
    /// The notice of the product's end.
    pub end_of_life_notice: Option<String>,
    /// The last version that was supported.
    pub last_supported_version: Option<String>,
    /// What replaces the product.
    pub successor: Option<String>,
    /// To whom it was forwarded.
    pub forwarded_to: Option<String>,
}

/// One fact as a field of the input: its name, whether it is there, which verdicts demand it, what to send.
type Fact = (&'static str, bool, &'static [Verdict], &'static str);

impl Facts {
    fn table(&self) -> [Fact; 10] {
        use Verdict::{AlreadyFixed, Confirmed, Duplicate, EndOfLife, KnownInternally, OtherVendor};
        [
            ("severity", self.severity.is_some(), &[Confirmed], "the severity told to the reporter"),
            ("originalEvent", self.original_event.is_some(), &[Duplicate], "the event that it repeats"),
            ("internalFinding", self.internal_finding.is_some(), &[KnownInternally], "the internal finding"),
            (
                "firstKnownOn",
                self.first_known_on.is_some(),
                &[KnownInternally, AlreadyFixed],
                "the day it was first known",
            ),
            ("advisory", self.advisory.is_some(), &[AlreadyFixed], "the published advisory"),
            ("fixedVersion", self.fixed_version.is_some(), &[AlreadyFixed], "the version with the fix"),
            ("endOfLifeNotice", self.end_of_life_notice.is_some(), &[EndOfLife], "the notice of its end"),
            (
                "lastSupportedVersion",
                self.last_supported_version.is_some(),
                &[EndOfLife],
                "the last version that was supported",
            ),
            ("successor", self.successor.is_some(), &[EndOfLife], "the successor, or \"none\""),
            ("forwardedTo", self.forwarded_to.is_some(), &[OtherVendor], "to whom it was forwarded"),
        ]
    }
}

/// Demands the facts that belong to `verdict` and refuses those that belong to others.
pub fn check_facts(verdict: Verdict, facts: &Facts, today: NaiveDate) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (field, given, verdicts, what) in facts.table() {
        match (given, verdicts.contains(&verdict)) {
            (false, true) => {
                let message = format!("{verdict} names {what}: send {field}");
                refusals.push(Refusal::on(RefusalCode::MissingFact, field, message));
            }
            (true, false) => {
                let message = format!("{field} does not belong to {verdict}: leave it out");
                refusals.push(Refusal::on(RefusalCode::Contradiction, field, message));
            }
            _ => {}
        }
    }
    if facts.report.is_some() && verdict != Verdict::Confirmed {
        let message = "only CONFIRMED gives a report a severity: leave report out";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "report", message));
    }
    if facts.fixing_event.is_some() && verdict != Verdict::KnownInternally {
        let message = format!("fixingEvent does not belong to {verdict}: leave it out");
        refusals.push(Refusal::on(RefusalCode::Contradiction, "fixingEvent", message));
    }
    if facts.first_known_on.is_some_and(|day| day > today) {
        let message = "it cannot first be known in the future: send a past day";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "firstKnownOn", message));
    }
    refusals
}

/// Where a verdict leads.
pub fn move_of(verdict: Verdict) -> (Status, Cause) {
    match verdict {
        Verdict::Confirmed | Verdict::KnownInternally => (Status::Rating, Cause::VerdictToFix),
        _ => (Status::Replying, Cause::VerdictToAnswer),
    }
}

/// From NEEDS_INFORMATION only missing information is a verdict, once the reporter had the time to answer.
pub fn check_waiting(event: &event::Model, verdict: Verdict, now: DateTime<Utc>) -> Option<Refusal> {
    if event.status != Status::NeedsInformation {
        return None;
    }
    if verdict != Verdict::InsufficientInformation {
        return Some(Refusal::on(
            RefusalCode::MoveNotAllowed,
            "verdict",
            "the event waits for its reporter: go on with the analysis first (resumeTriage), or give INSUFFICIENT_INFORMATION",
        ));
    }
    let until = event.asked_at.map(|asked| asked + Duration::hours(ANSWER_HOURS));
    until.filter(|until| now < *until).map(|until| {
        let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let message = format!("the reporter may answer until {until}: wait, or go on first (resumeTriage)");
        Refusal::on(RefusalCode::MoveNotAllowed, "verdict", message)
    })
}

/// Whether `named` may be what fixes `event`: another event that its own verdict, if it has one, leaves to be fixed.
pub fn may_fix(event: &event::Model, named: &event::Model) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::on(RefusalCode::Contradiction, "fixingEvent", message));
    if named.id == event.id {
        let message =
            "the fix would be this event's own: leave fixingEvent out, then this event is the one fixed";
        return refuse(message.to_owned());
    }
    match named.verdict {
        None | Some(Verdict::Confirmed | Verdict::KnownInternally) => Ok(()),
        Some(verdict) => refuse(format!(
            "{} is {verdict}, so nothing is fixed there: name the event that is fixed, or leave fixingEvent out",
            named.number
        )),
    }
}

/// Whether the event's verdict turns into another one: what its duplicates and the channels already answered rest on.
pub fn changes_verdict(before: Option<Verdict>, next: Verdict) -> bool {
    before.is_some_and(|before| before != next)
}

/// The cause by which a duplicate returns to TRIAGING; none when it is analysed anyway.
pub fn return_cause(status: Status) -> Option<Cause> {
    [Cause::ReturnToTriage, Cause::Reopen]
        .into_iter()
        .find(|cause| crate::event::rules::is_move(status, Status::Triaging, *cause))
}

#[cfg(test)]
mod tests;
