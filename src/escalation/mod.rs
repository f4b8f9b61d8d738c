//! How a response team grows by itself: a rule calls for a function, the duty roster says who that is.
//!
//! A function without anybody on duty joins all the same, as a member without a subject, so that the gap is
//! seen. Nothing here takes anybody off a team.

pub mod rules;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::vocabulary::{Function, MemberSource, TeamGroup};
use entity::{duty, team_member};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::app::App;
use crate::auth::visibility::AccessFacts;
use crate::error::Result;
use crate::outbox::ChangeSet;

/// Duties for `functions` that hold at `at`.
async fn on_duty(app: &App, functions: &BTreeSet<Function>, at: DateTime<Utc>) -> Result<Vec<duty::Model>> {
    if functions.is_empty() {
        return Ok(Vec::new());
    }
    let duties = duty::Entity::find()
        .filter(duty::Column::Function.is_in(functions.iter().copied()))
        .filter(duty::Column::StartsAt.lte(at))
        .filter(duty::Column::EndsAt.gt(at))
        .order_by_asc(duty::Column::StartsAt)
        .order_by_asc(duty::Column::Id);
    Ok(duties.all(app.database.reader()).await?)
}

/// Puts a person or, without one, a function on the team, unless already there; `access` is the event's facts as
/// the command will hand them to [`regrant`](crate::auth::visibility::regrant).
pub fn join(
    app: &App,
    changes: &mut ChangeSet,
    access: &mut AccessFacts,
    function: Option<Function>,
    subject: Option<&str>,
    source: MemberSource,
) {
    let there = access.members.iter().any(|member| {
        member.removed_at.is_none()
            && (function.is_none() || member.function == function)
            && (subject.is_none() || member.subject.as_deref() == subject)
    });
    if there {
        return;
    }
    let row = team_member::Model {
        id: app.ids.next(),
        event_id: access.event.id,
        subject: subject.map(str::to_owned),
        team: None,
        function,
        team_group: function.map_or(TeamGroup::Working, rules::group_of),
        source,
        added_by: changes.actor().to_owned(),
        added_at: changes.at(),
        removed_by: None,
        removed_at: None,
    };
    changes.insert(&row);
    crate::team::tell_of_member(app, changes, &row);
    access.members.push(row);
}

/// Brings `functions` onto the team through whoever is on duty for them now.
///
/// # Errors
/// Of the database.
pub async fn bring(
    app: &App,
    changes: &mut ChangeSet,
    access: &mut AccessFacts,
    functions: &BTreeSet<Function>,
) -> Result<()> {
    let duties = on_duty(app, functions, changes.at()).await?;
    for function in functions {
        let mut subjects = duties
            .iter()
            .filter(|duty| duty.function == *function)
            .map(|duty| Some(duty.subject.as_str()))
            .peekable();
        if subjects.peek().is_none() {
            join(app, changes, access, Some(*function), None, MemberSource::Automatic);
        }
        for subject in subjects {
            join(app, changes, access, Some(*function), subject, MemberSource::Automatic);
        }
    }
    Ok(())
}

/// Which of `needed` to bring: what is not on the team, except what was called for before and taken off by hand.
pub fn to_bring(
    members: &[team_member::Model],
    needed: &BTreeSet<Function>,
    needed_before: &BTreeSet<Function>,
) -> BTreeSet<Function> {
    let of = |function| members.iter().filter(move |member| member.function == Some(function));
    let present = |function| of(function).any(|member| member.removed_at.is_none());
    let taken_off = |function| needed_before.contains(&function) && of(function).next().is_some();
    needed.iter().copied().filter(|function| !present(*function) && !taken_off(*function)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn member(function: Function, removed: bool) -> team_member::Model {
        team_member::Model {
            id: Uuid::from_u128(1),
            event_id: Uuid::from_u128(2),
            subject: Some("legal-1".to_owned()),
            team: None,
            function: Some(function),
            team_group: TeamGroup::Working,
            source: MemberSource::Automatic,
            added_by: "analyst-1".to_owned(),
            added_at: DateTime::UNIX_EPOCH,
            removed_by: removed.then(|| "leader-1".to_owned()),
            removed_at: removed.then_some(DateTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn who_is_there_stays_and_who_was_taken_off_stays_off_until_called_for_anew() {
        let set = |functions: &[Function]| functions.iter().copied().collect::<BTreeSet<_>>();
        let needed = set(&[Function::Legal, Function::PublicRelations]);
        assert_eq!(to_bring(&[], &needed, &BTreeSet::new()), needed);
        assert_eq!(
            to_bring(&[member(Function::Legal, false)], &needed, &BTreeSet::new()),
            set(&[Function::PublicRelations])
        );
        let taken_off = [member(Function::Legal, true)];
        assert_eq!(to_bring(&taken_off, &needed, &needed), set(&[Function::PublicRelations]));
        assert_eq!(to_bring(&taken_off, &needed, &BTreeSet::new()), needed, "the level rose again");
    }
}
