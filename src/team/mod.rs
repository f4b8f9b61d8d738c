//! Who responds: an event's team, and the work given to its members.
//!
//! Being on the team is what lets somebody see an event that their role or product does not show them; leaving
//! it ends that at once. So every change here writes the difference of grants in the same commit. An
//! *assignment* gives a person or a team one function's work with a due time and puts them on the team. The
//! assignee answers it; whether R_AND_D of every affected line stands is a condition of the fix
//! ([`event::rules::missing`]), and when all of a line declined, the message says so (`allDeclined`) for the
//! leading group.
//!
//! Who leaves the team leaves their work: what was given to them and is not done becomes DECLINED with that reason,
//! so a line that nobody fixes any more is seen as such and is assigned anew.
//!
//! A TLP:RED event is its named people's; a team is nobody by name. Only a LEADER names somebody new or removes
//! anyone, whatever would bring them (work, a question for review), and the last analyst stays. What the level of an
//! event brings by itself ([`crate::escalation`]) is the duty roster's, not a person's choice.

pub mod graphql;
pub mod rules;
pub mod store;

use async_graphql::{Enum, InputObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{AssignmentState, Function, MemberSource, TeamGroup};
use entity::{assignment, event, team_member};

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use rules::Party;

/// Longest subject, team or line, in characters.
const NAME: usize = 255;
/// Longest note or reason, in characters.
const NOTE: usize = 2_000;

/// Work for a person or a team. 分派任务。
#[derive(Clone, Debug, InputObject)]
pub struct Assign {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version of the event that was seen. 所见事件版本。
    pub expected_version: i32,
    /// Whose work it is. 职能。
    pub function: Function,
    /// The person, by the subject of their token; either this or `team`. 被分派人（令牌主体）；与 team 二选一。
    pub subject: Option<String>,
    /// The team; either this or `subject`. 被分派团队；与 subject 二选一。
    pub team: Option<String>,
    /// The product line; required for R_AND_D. 产品线；职能为研发时必填。
    pub line: Option<String>,
    /// When it is due. 截止时间。
    pub due_at: Option<DateTime<Utc>>,
    /// What is asked. 说明。
    pub note: Option<String>,
}

/// What an assignee says to an assignment. 被分派人的答复。
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Answer {
    /// Takes it on. 接受。
    Accept,
    /// Does not, with a reason. 拒绝（须说明原因）。
    Decline,
    /// Has finished it. 完成。
    Done,
}

/// An answer to an assignment. 答复任务。
#[derive(Clone, Debug, InputObject)]
pub struct AnswerAssignment {
    /// The assignment. 任务。
    pub assignment: Id<assignment::Entity>,
    /// The version of the assignment that was seen. 所见任务版本。
    pub expected_version: i32,
    /// The answer. 答复。
    pub answer: Answer,
    /// Why; required to decline. 原因；拒绝时必填。
    pub reason: Option<String>,
}

/// A person for the team. 添加小组成员。
#[derive(Clone, Debug, InputObject)]
pub struct AddTeamMember {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version of the event that was seen. 所见事件版本。
    pub expected_version: i32,
    /// The person, by the subject of their token. 成员（令牌主体）。
    pub subject: String,
    /// Their function on this event. 职能。
    pub function: Function,
    /// Working or leading group; left out, it follows from the function. 小组类别；未提供时由职能决定。
    pub group: Option<TeamGroup>,
}

/// A member who leaves the team. 移除小组成员。
#[derive(Clone, Debug, InputObject)]
pub struct RemoveTeamMember {
    /// The member. 成员。
    pub member: Id<team_member::Entity>,
    /// The version of the event that was seen. 所见事件版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: Option<String>,
}

fn refuse(refusal: Refusal) -> Error {
    Error::Refused(vec![refusal])
}

fn party(subject: Option<&String>, team: Option<&String>) -> Result<Party> {
    match (subject, team) {
        (Some(subject), None) => Ok(Party::Person(require_text("input.subject", subject, NAME)?)),
        (None, Some(team)) => Ok(Party::Team(require_text("input.team", team, NAME)?)),
        _ => Err(Error::bad_input("input.subject", "send either subject or team")),
    }
}

/// Puts a party on the team inside the caller's change and grants what follows from it.
fn join(
    app: &App,
    changes: &mut ChangeSet,
    before: &AccessFacts,
    party: Party,
    (function, group, source): (Function, TeamGroup, MemberSource),
) {
    let (subject, team) = party.columns();
    let row = team_member::Model {
        id: app.ids.next(),
        event_id: before.event.id,
        subject,
        team,
        function: Some(function),
        team_group: group,
        source,
        added_by: changes.actor().to_owned(),
        added_at: changes.at(),
        removed_by: None,
        removed_at: None,
    };
    changes.insert(&row);
    tell_of_member(app, changes, &row);
    let mut after = before.clone();
    after.members.push(row);
    regrant(changes, Some(before), &after);
}

/// Tells of a member who joined or left.
pub fn tell_of_member(app: &App, changes: &mut ChangeSet, row: &team_member::Model) {
    let told = message::TeamChanged {
        member: Opaque::new(row.id),
        present: rules::is_present(row),
        function: row.function,
        source: row.source,
    };
    changes.message(app, Some(row.event_id), &told);
}

fn tell_of_assignment(app: &App, changes: &mut ChangeSet, row: &assignment::Model, all_declined: bool) {
    let told = message::AssignmentChanged {
        assignment: Opaque::new(row.id),
        function: row.function,
        state: row.state,
        all_declined,
    };
    changes.message(app, Some(row.event_id), &told);
}

/// Gives work to a person or team and puts them on the event's team.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT without exactly one of subject and team, or without the
/// line for R_AND_D; a refusal where the assignee may not join the event's team.
pub async fn assign(app: &App, actor: &Actor, input: &Assign) -> Result<event::Model> {
    require(actor, Action::Assign)?;
    let party = party(input.subject.as_ref(), input.team.as_ref())?;
    let line = optional_text("input.line", input.line.as_ref(), NAME)?;
    if input.function == Function::RAndD && line.is_none() {
        return Err(Error::bad_input("input.line", "name the product line that R_AND_D is to fix"));
    }
    let note = optional_text("input.note", input.note.as_ref(), NOTE)?;
    let before = crate::event::store::find(app, actor, input.event.0).await?;
    expect_version(before.version, input.expected_version)?;
    let facts = AccessFacts::load(app, &before).await?;
    rules::may_be_joined_by(before.tlp, &facts.members, &party, actor).map_err(refuse)?;
    let mut changes = ChangeSet::new(app, actor, Action::Assign);
    if !rules::is_on_team(&facts.members, &party) {
        let place = (input.function, rules::group_of(input.function), MemberSource::Assignment);
        join(app, &mut changes, &facts, party.clone(), place);
    }
    let (subject, team) = party.columns();
    let row = assignment::Model {
        id: app.ids.next(),
        event_id: before.id,
        function: input.function,
        subject,
        team,
        line,
        due_at: input.due_at,
        state: AssignmentState::Open,
        note,
        decline_reason: None,
        assigned_by: actor.subject.to_string(),
        assigned_at: changes.at(),
        version: 1,
        received_at: before.received_at,
    };
    changes.insert(&row);
    tell_of_assignment(app, &mut changes, &row, false);
    let after = changes.revise(app, &before, before.clone(), Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Accepts, declines or finishes an assignment.
///
/// # Errors
/// By policy, visibility and the assignment's version; BAD_USER_INPUT on declining without a reason; refusals
/// where it is another's to answer or over already.
pub async fn answer(app: &App, actor: &Actor, input: &AnswerAssignment) -> Result<event::Model> {
    require(actor, Action::AnswerAssignment)?;
    let reason = match input.answer {
        Answer::Decline => {
            Some(require_text("input.reason", input.reason.as_deref().unwrap_or_default(), NOTE)?)
        }
        Answer::Accept | Answer::Done => optional_text("input.reason", input.reason.as_ref(), NOTE)?,
    };
    let found = store::find_assignment(app, actor, input.assignment.0).await?;
    let event = crate::event::store::find(app, actor, found.event_id).await?;
    expect_version(found.version, input.expected_version)?;
    let mut row = found.clone();
    row.state = rules::answered(actor, &found, input.answer).map_err(refuse)?;
    row.version += 1;
    if row.state == AssignmentState::Declined {
        row.decline_reason.clone_from(&reason);
    }
    let mut assignments = store::assignments(app, event.id).await?;
    assignments.retain(|other| other.id != row.id);
    let all_declined = rules::all_declined(&assignments, &row);
    let mut changes = ChangeSet::new(app, actor, Action::AnswerAssignment).because(reason);
    changes.update(&found, &row);
    tell_of_assignment(app, &mut changes, &row, all_declined);
    let after = changes.revise(app, &event, event.clone(), Some(event.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Adds a person to the event's team.
///
/// # Errors
/// By policy, visibility and version; refusals where they are on it already, or the event is TLP:RED and the
/// actor no LEADER.
pub async fn add_member(app: &App, actor: &Actor, input: &AddTeamMember) -> Result<event::Model> {
    require(actor, Action::AddTeamMember)?;
    let party = Party::Person(require_text("input.subject", &input.subject, NAME)?);
    let before = crate::event::store::find(app, actor, input.event.0).await?;
    expect_version(before.version, input.expected_version)?;
    rules::may_change_team(before.tlp, actor).map_err(refuse)?;
    let facts = AccessFacts::load(app, &before).await?;
    if rules::is_on_team(&facts.members, &party) {
        return Err(refuse(Refusal::on(
            RefusalCode::AlreadyExists,
            "subject",
            "this person is on the team already",
        )));
    }
    let group = input.group.unwrap_or_else(|| rules::group_of(input.function));
    let mut changes = ChangeSet::new(app, actor, Action::AddTeamMember);
    join(app, &mut changes, &facts, party, (input.function, group, MemberSource::Manual));
    let after = changes.revise(app, &before, before.clone(), Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Takes a person or team off the event's team, with every membership they have; their access ends at once, and what
/// they were to do and have not done is declined.
///
/// # Errors
/// By policy, visibility and version; refusals where they left already, the event is TLP:RED and the actor no
/// LEADER, or its last analyst would leave.
pub async fn remove_member(app: &App, actor: &Actor, input: &RemoveTeamMember) -> Result<event::Model> {
    require(actor, Action::RemoveTeamMember)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), NOTE)?;
    let member = store::find_member(app, actor, input.member.0).await?;
    let before = crate::event::store::find(app, actor, member.event_id).await?;
    expect_version(before.version, input.expected_version)?;
    rules::may_change_team(before.tlp, actor).map_err(refuse)?;
    if !rules::is_present(&member) {
        return Err(refuse(Refusal::on(RefusalCode::Frozen, "member", "this member has left already")));
    }
    let facts = AccessFacts::load(app, &before).await?;
    let mut changes = ChangeSet::new(app, actor, Action::RemoveTeamMember).because(reason.as_deref());
    let mut after = facts.clone();
    for row in rules::leaving(&facts.members, &member) {
        let gone = rules::left(row, &actor.subject, changes.at());
        changes.update(row, &gone);
        tell_of_member(app, &mut changes, &gone);
        after.members.iter_mut().filter(|other| other.id == gone.id).for_each(|other| *other = gone.clone());
    }
    rules::may_become(before.tlp, &facts.members, &after.members).map_err(refuse)?;
    let mut assignments = store::assignments(app, before.id).await?;
    let ending: Vec<_> = rules::ending(&assignments, &member).cloned().collect();
    for row in &ending {
        let declined = rules::declined_by_leaving(row, reason.as_deref());
        changes.update(row, &declined);
        assignments.retain(|other| other.id != declined.id);
        assignments.push(declined);
    }
    for declined in assignments.iter().filter(|row| ending.iter().any(|ended| ended.id == row.id)) {
        let all_declined = rules::all_declined(&assignments, declined);
        tell_of_assignment(app, &mut changes, declined, all_declined);
    }
    regrant(&mut changes, Some(&facts), &after);
    let event = changes.revise(app, &before, before.clone(), Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(event)
}

#[cfg(test)]
mod tests;
