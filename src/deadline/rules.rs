//! By which rules clocks run.
//!
//! [`plan`] is the heart: from what an event's facts are, the policy and the calendars it says which obligations and
//! clocks have to be opened, counted anew, met or waived. It is deterministic, and planning again after its outcome was
//! written says nothing. Nobody else opens an obligation or a clock.

mod count;
mod facts;
mod plan;
mod policy;
mod telling;
#[cfg(test)]
mod tests;
mod want;

pub use facts::{Basis, ClockFacts, Customers, Given, Product, Recorded, Scored, TimedCalendar};
pub use plan::{Change, Plan, abroad_question, plan};
pub use policy::{Fault, Policy, Rule, Term, default_policy};
pub use telling::{Around, Standby, Told, addressees, functions, having, responsible, standby, tell_due};
pub use want::question_of;

use chrono::TimeDelta;
use entity::vocabulary::{DeadlineTrigger, ReplyKind, Status};

use crate::event::rules::{Cause, MOVES, is_analysed};

/// The clocks of a report stand still for at most this long while its reporter is asked.
pub const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(72);
/// When the reporter is reminded.
pub const REMINDER: TimeDelta = TimeDelta::hours(48);
/// What stands in an obligation that the level no longer asks for.
pub const LEVEL_FELL: &str = "the event's level no longer asks for it";

/// What stands in a notice to customers that nobody is owed any more.
pub const NO_CUSTOMER: &str = "it is no notice that a customer is owed any more";
/// What stands in a notice to customers of what is no vulnerability of ours.
pub const NOT_OURS: &str = "it is no vulnerability of ours any more";
/// What stands in a notice to customers of what they may be told nothing of.
pub const KEPT_INSIDE: &str = "customers are told nothing of it under TLP:AMBER+STRICT or TLP:RED";
/// What stands in a notice to customers that the policy asks for no more.
pub const NOT_ASKED_FOR: &str = "the policy no longer asks for it";

/// How the reason begins with which an obligation was waived because reporting abroad was refused.
pub const ABROAD_REFUSED: &str = "reporting abroad was refused";

/// Whether a duty of this trigger is the event's own: toward somebody who may have reported nothing.
fn is_own_duty(trigger: DeadlineTrigger) -> bool {
    is_legal_duty(trigger) || trigger == DeadlineTrigger::CustomerAffected
}

/// Whether the law opens it, toward an authority.
fn is_legal_duty(trigger: DeadlineTrigger) -> bool {
    use DeadlineTrigger::{Exploited, NetworkIncident, OwnVulnerability, SevereIncident};
    matches!(trigger, OwnVulnerability | Exploited | SevereIncident | NetworkIncident)
}

/// Whether clocks may follow from a move with this cause, where nothing else changes. Of a status they ask whether the event is
/// analysed, waits for its reporter or is over, and each of what else they ask changes by a command of its own.
pub fn follow_from(cause: Cause) -> bool {
    let asked = |status| (is_analysed(status), status == Status::NeedsInformation, status == Status::Closed);
    MOVES.iter().any(|entry| entry.cause == cause && asked(entry.from) != asked(entry.to))
}

/// Whether a reply carries anything of the vulnerability.
fn carries_content(kind: ReplyKind) -> bool {
    !matches!(kind, ReplyKind::Acknowledgement | ReplyKind::Thanks)
}
