//! Who is told of a clock whose time runs out, and when.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use entity::vocabulary::{DeadlineKind, DeadlineState, Function, NoDeadline};
use entity::{assignment, deadline, duty};
use sea_orm::Iterable;

use super::count::{next_notice, told_by};
use super::plan::{Change, Plan, marks_of, meet};
use super::{Basis, ClockFacts};

/// When people are told again of a clock without a date whose calendar does not say which days are worked.
const A_DAY: TimeDelta = TimeDelta::hours(24);
/// Days that are looked at for one that is worked.
const LONGEST_HOLIDAY: u8 = 31;

/// A clock of which people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The clock.
    pub deadline: deadline::Model,
    /// How much of its time is over; 100 is the end, and 0 of one that cannot be counted.
    pub percent: i32,
}

impl Told {
    /// Whether its time ran out on us; a publication's day is nobody's breach.
    pub fn is_breach(&self) -> bool {
        self.percent >= 100 && self.deadline.kind != DeadlineKind::Publication
    }

    /// Why it cannot be counted until somebody enters what is missing; none of one that is.
    pub fn undated(&self) -> Option<NoDeadline> {
        self.deadline.none_reason
    }
}

/// Adds to a plan that people are told of what is due by now, each share of a clock's time once: of several that have
/// passed unseen the last.
pub fn tell_due(facts: &ClockFacts, basis: &Basis, plan: &mut Plan) -> Vec<Told> {
    let mut told = Vec::new();
    let mut rows: Vec<deadline::Model> = facts.deadlines.clone();
    for change in &plan.deadlines {
        let after = change.after();
        rows.retain(|row| row.id != after.id);
        rows.push(after.clone());
    }
    for row in rows.into_iter().filter(|row| row.state == DeadlineState::Open) {
        let due = row.next_notice_at.is_some_and(|next| next <= facts.at);
        if !due {
            continue;
        }
        let mut after = row.clone();
        if row.due_at.is_none() {
            after.next_notice_at = Some(next_reminder(facts, basis, &row));
            told.push(Told { deadline: after.clone(), percent: 0 });
        } else {
            let marks = marks_of(facts, basis, &row);
            let percent = told_by(&marks, facts.at);
            after.told_percent = percent.max(row.told_percent);
            after.next_notice_at = next_notice(&marks, after.told_percent);
            match row.due_at.filter(|_| percent >= 100) {
                // A publication is the channel's own: it is told of, and then has happened as far as anybody knows.
                Some(due) if row.kind == DeadlineKind::Publication => meet(&mut after, due),
                due => after.breached_at = row.breached_at.or(due),
            }
            if percent > row.told_percent {
                told.push(Told { deadline: after.clone(), percent });
            }
        }
        let planned = plan.deadlines.iter_mut().find(|change| change.after().id == row.id);
        match planned {
            Some(Change::New(planned) | Change::Changed(_, planned)) => *planned = after,
            None => plan.deadlines.push(Change::Changed(row, after)),
        }
    }
    told
}

/// When people are told again of a clock that cannot be counted: as the next day begins that is worked where its channel
/// is, and after a day where the calendar does not say which that is.
fn next_reminder(facts: &ClockFacts, basis: &Basis, row: &deadline::Model) -> DateTime<Utc> {
    let channel = row.channel_id.and_then(|id| facts.channels.get(&id));
    let zone: Option<Tz> = channel.and_then(|channel| channel.time_zone.parse().ok());
    let timed = row.calendar_id.and_then(|id| basis.calendars.get(&id));
    let next = timed.and_then(|timed| {
        let calendar = timed.calendar.clone().in_zone(zone.unwrap_or(timed.calendar.zone));
        let mut date = calendar.date_of(facts.at);
        for _ in 0..LONGEST_HOLIDAY {
            date = date.succ_opt()?;
            if calendar.day(date).ok()?.is_worked() {
                return calendar.start_of(date).ok();
            }
        }
        None
    });
    next.unwrap_or(facts.at + A_DAY)
}

/// Functions that answer for a clock; from its breach on the leading group hears of it too.
pub fn functions(kind: DeadlineKind, percent: i32) -> BTreeSet<Function> {
    let mut functions: BTreeSet<_> = match kind {
        DeadlineKind::Reply | DeadlineKind::Publication | DeadlineKind::Information => {
            [Function::Security].into()
        }
        DeadlineKind::Mitigation | DeadlineKind::Fix => [Function::RAndD].into(),
        DeadlineKind::Decision => [Function::LeadingGroup, Function::Legal].into(),
    };
    if percent >= 100 {
        functions.insert(Function::LeadingGroup);
    }
    functions
}

/// Whom an event's clocks may and have to be told to.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// Work on the event that is not done.
    pub at_work: &'a [assignment::Model],
    /// Duties that hold now.
    pub duties: &'a [duty::Model],
    /// The event's named people.
    pub named: &'a BTreeSet<String>,
    /// Whether the event is theirs and the leading group's alone.
    pub red: bool,
}

/// Who is told of a clock: whoever has the work of its functions on the event, and where nobody has, whoever is on duty
/// with their deputies (see [`responsible`]).
pub fn addressees(told: &Told, around: &Around<'_>) -> BTreeSet<String> {
    let functions = match told.undated() {
        // Whoever receives notices enters what they say, and sees to the calendar.
        Some(_) => [Function::Security].into(),
        None => functions(told.deadline.kind, told.percent),
    };
    responsible(&functions, told.deadline.line.as_deref(), around)
}

impl Around<'_> {
    /// Whoever is on duty for a function, with their deputies.
    fn on_duty(&self, function: Function) -> impl Iterator<Item = String> {
        let of_function = self.duties.iter().filter(move |duty| duty.function == function);
        of_function.flat_map(|duty| [Some(duty.subject.clone()), duty.deputy.clone()]).flatten()
    }
}

/// Who has the work of these functions, on the line where there is one; where nobody has, whoever is on duty for it
/// with their deputies. Of TLP:RED only the named people and the leading group hear.
pub fn having(functions: &BTreeSet<Function>, line: Option<&str>, around: &Around<'_>) -> BTreeSet<String> {
    let leading: BTreeSet<String> = around.on_duty(Function::LeadingGroup).collect();
    let mut people = BTreeSet::new();
    for function in functions {
        let of_line =
            |row: &assignment::Model| line.is_none() || row.line.is_none() || row.line.as_deref() == line;
        let working: Vec<_> = around
            .at_work
            .iter()
            .filter(|row| row.function == *function && of_line(row))
            .filter_map(|row| row.subject.clone())
            .collect();
        if working.is_empty() {
            people.extend(around.on_duty(*function));
        } else {
            people.extend(working);
        }
    }
    if around.red {
        people.retain(|subject| around.named.contains(subject) || leading.contains(subject));
    }
    people
}

/// The same; where that leaves nobody, the leading group and with it, below RED, who is on duty for security, and of RED the
/// named people: nothing that somebody has to know passes in silence.
pub fn responsible(
    functions: &BTreeSet<Function>,
    line: Option<&str>,
    around: &Around<'_>,
) -> BTreeSet<String> {
    let leading: BTreeSet<String> = around.on_duty(Function::LeadingGroup).collect();
    let mut people = having(functions, line, around);
    if people.is_empty() && !around.red {
        people.extend(around.on_duty(Function::Security));
        people.extend(leading.iter().cloned());
    }
    if people.is_empty() {
        people.extend(around.named.iter().cloned());
        people.extend(leading);
    }
    people
}

/// Clocks for which somebody answers by the roster alone: those of a kind, on events on which nobody has the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standby {
    /// What they wait for.
    pub kind: DeadlineKind,
    /// Functions of which nobody may have the work.
    pub functions: BTreeSet<Function>,
    /// Whether that holds on TLP:RED too, where else the named people alone hear of anything.
    pub red: bool,
}

/// For which clocks `subject` answers by these duties, before they are breached: those of a function that they are on
/// duty for, and, for security and the leading group, those for which nobody is on duty at all. It is whom
/// [`responsible`] names, asked the other way round. What TLP:RED leaves to its named people stays theirs.
pub fn standby(subject: &str, duties: &[duty::Model]) -> Vec<Standby> {
    let has = |duty: &duty::Model| duty.subject == subject || duty.deputy.as_deref() == Some(subject);
    let is_on = |function: Function| duties.iter().any(|duty| duty.function == function && has(duty));
    let leads = is_on(Function::LeadingGroup);
    let mut standby = Vec::new();
    for kind in DeadlineKind::iter() {
        let needed = functions(kind, 0);
        let one = |function: &Function| Standby { kind, functions: [*function].into(), red: leads };
        standby.extend(needed.iter().filter(|function| is_on(**function)).map(one));
        let nobody = needed.iter().all(|function| duties.iter().all(|duty| duty.function != *function));
        if nobody && (leads || is_on(Function::Security)) {
            standby.push(Standby { kind, functions: needed, red: leads });
        }
    }
    standby
}
