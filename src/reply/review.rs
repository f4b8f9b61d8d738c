//! Four eyes on a reply.

use async_graphql::InputObject;
use entity::vocabulary::{MemberSource, NoticeKind, ReplyState, ReviewOutcome, TeamGroup};
use entity::{event, reply, reply_review, team_member};

use super::rules::{Approver, Entitlement};
use super::{SHORT, attach, channel_of, files, require_author, require_line, rules, save, store};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::notice;
use crate::outbox::ChangeSet;
use crate::team::rules::{Party, may_be_joined_by};

/// A request to approve a reply. 请求审核回复。
#[derive(Clone, Debug, InputObject)]
pub struct RequestReplyReview {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen. 所见的回复版本。
    pub expected_version: i32,
    /// Subject who is asked; it joins the event's team. 审核人标识；将加入事件响应小组。
    pub reviewer: String,
}

/// Asks somebody to approve a reply, which puts them on the event's team.
///
/// # Errors
/// By policy, visibility and version; refusals when the reviewer wrote some of the text or was asked already, and on
/// a TLP:RED event when they are not on it: only a LEADER names somebody new there.
pub async fn request_reply_review(
    app: &App,
    actor: &Actor,
    input: &RequestReplyReview,
) -> Result<reply::Model> {
    require(actor, Action::RequestReplyReview)?;
    let reviewer = require_line("input.reviewer", &input.reviewer)?;
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    require_author(actor, Action::RequestReplyReview, before.kind)?;
    expect_version(before.version, input.expected_version)?;
    rules::may_request_review(before.state).map_err(refused)?;
    if store::drafters(app, before.id).await?.contains(&reviewer) {
        let message = "the reviewer wrote some of this text: ask somebody else";
        return Err(refused(Refusal::on(RefusalCode::FourEyes, "reviewer", message)));
    }
    let access = AccessFacts::load(app, &event).await?;
    let party = Party::Person(reviewer.clone());
    may_be_joined_by(event.tlp, &access.members, &party, actor)
        .map_err(|refusal| refused(Refusal { field: Some("reviewer"), ..refusal }))?;
    let asked = store::open_request(app, before.id, &reviewer).await?.is_some();
    if asked && before.state == ReplyState::InReview {
        let message = "the reviewer was asked already and has not answered";
        return Err(refused(Refusal::on(RefusalCode::AlreadyExists, "reviewer", message)));
    }
    let mut changes = ChangeSet::new(app, actor, Action::RequestReplyReview);
    if !asked {
        changes.insert(&reply_review::Model {
            id: app.ids.next(),
            reply_id: before.id,
            reviewer: reviewer.clone(),
            requested_by: actor.subject.to_string(),
            requested_at: changes.at(),
            outcome: None,
            note: None,
            answered_at: None,
        });
    }
    join_team(app, &mut changes, &access, reviewer.clone());
    tell_asked(app, &mut changes, &event, &before, reviewer).await?;
    let after = reply::Model { state: ReplyState::InReview, ..before.clone() };
    save(app, changes, &event, &before, after, false).await
}

/// Tells who is asked, and those whose function the approval is, each once until somebody answers or the text changes.
async fn tell_asked(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    reply: &reply::Model,
    reviewer: String,
) -> Result<()> {
    let channel = channel_of(app, reply.channel_id).await?;
    let within = store::shortest_term(app, reply.id).await?;
    let functions = rules::functions_asked(reply.kind, channel.kind, event.level, within);
    let mut people = notice::having(app, event, &functions).await?;
    for drafter in store::drafters(app, reply.id).await? {
        people.remove(&drafter);
    }
    people.insert(reviewer);
    let answered = store::answered(app, reply.id).await?;
    let told = notice::Told {
        kind: NoticeKind::ReviewAsked,
        percent: None,
        event: Some(event.id),
        about: reply.id,
        once: Some(format!("review:{}:{}:{answered}", reply.id.simple(), reply.draft_number)),
    };
    notice::tell_once(app, changes, people, &told).await?;
    Ok(())
}

/// Puts a reviewer on the event's team, unless they are there.
fn join_team(app: &App, changes: &mut ChangeSet, before: &AccessFacts, reviewer: String) {
    if before.has_member(&reviewer) {
        return;
    }
    let member = team_member::Model {
        id: app.ids.next(),
        event_id: before.event.id,
        subject: Some(reviewer),
        team: None,
        function: None,
        team_group: TeamGroup::Working,
        source: MemberSource::Review,
        added_by: changes.actor().to_owned(),
        added_at: changes.at(),
        removed_by: None,
        removed_at: None,
    };
    changes.insert(&member);
    crate::team::tell_of_member(app, changes, &member);
    let mut after = before.clone();
    after.members.push(member);
    regrant(changes, Some(before), &after);
}

/// An answer of a reviewer. 审核意见。
#[derive(Clone, Debug, InputObject)]
pub struct ReviewReply {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen: what is approved is its text. 所见的回复版本；审核的是该版本文本。
    pub expected_version: i32,
    /// Approve it or send it back. 批准或退回。
    pub outcome: ReviewOutcome,
    /// What the drafter should know; required when it is sent back. 审核意见；退回时必填。
    pub note: Option<String>,
}

/// Approves a reply or sends it back to the drafter.
///
/// # Errors
/// By policy, visibility and version; refusals by [`rules::may_approve`] and [`rules::missing_facts`], and when it cannot be
/// rendered to the formats in which it is to go.
pub async fn review_reply(app: &App, actor: &Actor, input: &ReviewReply) -> Result<reply::Model> {
    require(actor, Action::ReviewReply)?;
    let note = match input.outcome {
        ReviewOutcome::Approved => optional_text("input.note", input.note.as_ref(), SHORT)?,
        ReviewOutcome::Rejected => {
            Some(require_text("input.note", input.note.as_deref().unwrap_or_default(), SHORT)?)
        }
    };
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    expect_version(before.version, input.expected_version)?;
    rules::may_review(before.state).map_err(refused)?;
    let mut changes = ChangeSet::new(app, actor, Action::ReviewReply).because(note.as_deref());
    let mut after = reply::Model { state: ReplyState::Draft, ..before.clone() };
    let mut on_duty_only = false;
    if input.outcome == ReviewOutcome::Approved {
        let channel = channel_of(app, before.channel_id).await?;
        let drafters = store::drafters(app, before.id).await?;
        let on_duty = store::is_on_duty(app, &actor.subject, changes.at()).await?;
        let within = store::shortest_term(app, before.id).await?;
        let approver = Approver { subject: &actor.subject, roles: &actor.roles, on_duty, within };
        let entitlement = rules::may_approve(before.kind, channel.kind, event.level, &drafters, &approver)
            .map_err(refused)?;
        let facts = store::content_facts(app, &event, &channel).await?;
        let mut missing = rules::missing_facts(&before, channel.kind, &facts, changes.at());
        missing.extend(crate::template::still_missing(app, Some(actor), &event, &channel, &before).await?);
        missing.extend(attach::refusals(app, &before, &channel, &facts).await?);
        missing.extend(files::refusals(app, &event, &before).await?);
        if !missing.is_empty() {
            return Err(Error::Refused(missing));
        }
        on_duty_only = entitlement == Entitlement::Duty;
        after.state = ReplyState::Approved;
        after.approved_by = Some(actor.subject.to_string());
        after.approved_at = Some(changes.at());
    }
    answer(app, &mut changes, &before, input.outcome, note).await?;
    if on_duty_only {
        let told = notice::Told {
            kind: NoticeKind::ApprovedOnDuty,
            percent: None,
            event: Some(event.id),
            about: before.id,
            once: None,
        };
        notice::write(app, &mut changes, notice::keepers(app, &[Role::Leader]).await?, &told);
    }
    save(app, changes, &event, &before, after, on_duty_only).await
}

/// Records the answer: on the request made to the reviewer, or on their own initiative.
async fn answer(
    app: &App,
    changes: &mut ChangeSet,
    reply: &reply::Model,
    outcome: ReviewOutcome,
    note: Option<String>,
) -> Result<()> {
    let at = changes.at();
    match store::open_request(app, reply.id, changes.actor()).await? {
        Some(request) => {
            let answered = reply_review::Model {
                outcome: Some(outcome),
                note,
                answered_at: Some(at),
                ..request.clone()
            };
            changes.update(&request, &answered);
        }
        None => {
            let reviewer = changes.actor().to_owned();
            changes.insert(&reply_review::Model {
                id: app.ids.next(),
                reply_id: reply.id,
                requested_by: reviewer.clone(),
                reviewer,
                requested_at: at,
                outcome: Some(outcome),
                note,
                answered_at: Some(at),
            });
        }
    }
    Ok(())
}

fn refused(refusal: Refusal) -> Error {
    Error::Refused(vec![refusal])
}
