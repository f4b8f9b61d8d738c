//! What decides about teams and assignments.

use chrono::{DateTime, Utc};
use entity::vocabulary::{AssignmentState, Function, TeamGroup, Tlp};
use entity::{assignment, team_member};

use super::Answer;
use crate::auth::{Actor, Role};
use crate::error::{Refusal, RefusalCode};

/// Whom an assignment or a membership is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// One person, by the subject of their token.
    Person(String),
    /// Everybody whose token carries this team.
    Team(String),
}

impl Party {
    /// Subject and team as the columns keep them.
    pub fn columns(self) -> (Option<String>, Option<String>) {
        match self {
            Self::Person(subject) => (Some(subject), None),
            Self::Team(team) => (None, Some(team)),
        }
    }
}

/// Whether the member has not left.
pub fn is_present(member: &team_member::Model) -> bool {
    member.removed_at.is_none()
}

/// Whether the party is on the team now.
pub fn is_on_team(members: &[team_member::Model], party: &Party) -> bool {
    members.iter().filter(|member| is_present(member)).any(|member| match party {
        Party::Person(subject) => member.subject.as_ref() == Some(subject),
        Party::Team(team) => member.team.as_ref() == Some(team),
    })
}

/// The group that a function belongs to: the leading group decides, every other function executes.
pub fn group_of(function: Function) -> TeamGroup {
    if function == Function::LeadingGroup { TeamGroup::Leading } else { TeamGroup::Working }
}

/// Who may add to or take from an event's team: of a TLP:RED event, only a LEADER.
pub fn may_change_team(tlp: Tlp, actor: &Actor) -> Result<(), Refusal> {
    if tlp != Tlp::Red || actor.is(Role::Leader) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::NeedsLeader,
        "only a LEADER changes the team of a TLP:RED event: ask one to do it (addTeamMember, removeTeamMember)",
    ))
}

/// Whether `actor`'s work or question for `party` may bring them onto an event's team. A TLP:RED event is its named
/// people's: a team is nobody by name, and only a LEADER names somebody new.
pub fn may_be_joined_by(
    tlp: Tlp,
    members: &[team_member::Model],
    party: &Party,
    actor: &Actor,
) -> Result<(), Refusal> {
    if tlp != Tlp::Red {
        return Ok(());
    }
    match party {
        Party::Team(_) => Err(Refusal::on(
            RefusalCode::Contradiction,
            "team",
            "a TLP:RED event is seen by named people only: send a subject",
        )),
        person if is_on_team(members, person) || actor.is(Role::Leader) => Ok(()),
        Party::Person(subject) => Err(Refusal::new(
            RefusalCode::NeedsLeader,
            format!("{subject} is not on this TLP:RED event: have a LEADER add them first (addTeamMember)"),
        )),
    }
}

/// The assignments that end when those who `leave` do: nobody else answers what was given to them by name.
pub fn ending<'a>(
    assignments: &'a [assignment::Model],
    leave: &'a team_member::Model,
) -> impl Iterator<Item = &'a assignment::Model> {
    let named = leave.subject.is_some() || leave.team.is_some();
    assignments.iter().filter(move |row| {
        named
            && matches!(row.state, AssignmentState::Open | AssignmentState::Accepted)
            && row.subject == leave.subject
            && row.team == leave.team
    })
}

/// The assignment as one that its assignee's leaving declined.
pub fn declined_by_leaving(row: &assignment::Model, reason: Option<&str>) -> assignment::Model {
    let why = "the assignee was taken off the team";
    assignment::Model {
        state: AssignmentState::Declined,
        decline_reason: Some(reason.map_or_else(|| why.to_owned(), |reason| format!("{why}: {reason}"))),
        version: row.version + 1,
        ..row.clone()
    }
}

/// The memberships that end when `member` leaves: all that keep the same person or team here, so that no
/// second one keeps access alive.
pub fn leaving<'a>(
    members: &'a [team_member::Model],
    member: &'a team_member::Model,
) -> impl Iterator<Item = &'a team_member::Model> {
    let named = member.subject.is_some() || member.team.is_some();
    members.iter().filter(|other| is_present(other)).filter(move |other| {
        other.id == member.id || (named && other.subject == member.subject && other.team == member.team)
    })
}

/// Whether the team may become `after`: the last analyst of a TLP:RED event stays.
pub fn may_become(
    tlp: Tlp,
    before: &[team_member::Model],
    after: &[team_member::Model],
) -> Result<(), Refusal> {
    let analysts = |members: &[team_member::Model]| {
        members
            .iter()
            .filter(|member| is_present(member) && member.subject.is_some())
            .filter(|member| member.function == Some(Function::Security))
            .count()
    };
    if tlp == Tlp::Red && analysts(before) > 0 && analysts(after) == 0 {
        return Err(Refusal::on(
            RefusalCode::MissingFact,
            "member",
            "the last analyst of a TLP:RED event cannot leave: add another with function SECURITY first \
             (addTeamMember)",
        ));
    }
    Ok(())
}

/// Whether the assignment is the actor's own: theirs by name, or their team's.
pub fn is_assignee(actor: &Actor, assignment: &assignment::Model) -> bool {
    assignment.subject.as_deref() == Some(&*actor.subject)
        || assignment.team.as_ref().is_some_and(|team| actor.teams.contains(team))
}

/// The state that an answer leads to; what is done or declined is over, and work is assigned anew.
pub fn answered(
    actor: &Actor,
    assignment: &assignment::Model,
    answer: Answer,
) -> Result<AssignmentState, Refusal> {
    let marks_done = answer == Answer::Done && actor.is(Role::Analyst);
    if !is_assignee(actor, assignment) && !marks_done {
        return Err(Refusal::new(
            RefusalCode::FourEyes,
            "only its assignee answers an assignment; an ANALYST may mark it DONE",
        ));
    }
    use AssignmentState::{Accepted, Declined, Done, Open};
    match (assignment.state, answer) {
        (Open, Answer::Accept) => Ok(Accepted),
        (Open | Accepted, Answer::Decline) => Ok(Declined),
        (Open | Accepted, Answer::Done) => Ok(Done),
        (state, _) => Err(Refusal::on(
            RefusalCode::MoveNotAllowed,
            "answer",
            format!(
                "it is {state}: an OPEN assignment is accepted, declined or done, an ACCEPTED one declined or \
                 done; else assign anew (assign)"
            ),
        )),
    }
}

/// Whether nobody is left to fix the line of `declined`: every R_AND_D assignment for it is declined.
pub fn all_declined(assignments: &[assignment::Model], declined: &assignment::Model) -> bool {
    declined.function == Function::RAndD
        && declined.state == AssignmentState::Declined
        && assignments
            .iter()
            .filter(|row| row.function == Function::RAndD && row.line == declined.line)
            .all(|row| row.state == AssignmentState::Declined)
}

/// The member as one who left.
pub fn left(member: &team_member::Model, by: &str, at: DateTime<Utc>) -> team_member::Model {
    team_member::Model { removed_by: Some(by.to_owned()), removed_at: Some(at), ..member.clone() }
}

#[cfg(test)]
mod tests;
