//! The moves that an analyst makes by hand, and what they write about an event.

use async_graphql::InputObject;
use entity::vocabulary::{EventLinkKind, Status};
use entity::{event, report};
use serde::Serialize;

use super::rules::{self, Cause};
use super::{expect_version, link_row, optional_text, require_text, store, transition};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::deadline::Clocks;
use crate::deadline::rules::follow_from;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, message};

/// Longest reason or title, in characters.
const SHORT: usize = 2_000;
/// Longest description, in characters.
const LONG: usize = 100_000;

/// A move of an event. 事件流转。
#[derive(Clone, Debug, InputObject)]
pub struct EventMove {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why; asked for when an event is returned or reopened. 原因；退回或重新打开时必填。
    pub reason: Option<String>,
}

async fn move_by_hand(
    app: &App,
    actor: &Actor,
    action: Action,
    input: &EventMove,
    to: Status,
    cause: Cause,
) -> Result<event::Model> {
    require(actor, action)?;
    let needs_reason = matches!(cause, Cause::ReturnToTriage | Cause::Reopen);
    let reason = match (&input.reason, needs_reason) {
        (reason, false) => optional_text("input.reason", reason.as_ref(), SHORT)?,
        (reason, true) => Some(require_text("input.reason", reason.as_deref().unwrap_or_default(), SHORT)?),
    };
    // All that clocks follow from takes several times as long to read as the event.
    let mut clocks = match follow_from(cause) {
        true => Some(Clocks::find(app, actor, input.event.0).await?),
        false => None,
    };
    let before = match &clocks {
        Some(clocks) => clocks.facts.event.clone(),
        None => store::find(app, actor, input.event.0).await?,
    };
    expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, action).because(reason.as_deref());
    let mut after = before.clone();
    transition(app, &mut changes, &mut after, to, cause, reason.as_deref())?;
    if matches!(cause, Cause::StartRemediation | Cause::StartReview) {
        let entry = rules::Move { from: before.status, to, cause };
        let facts = store::move_facts(app, before.id).await?;
        let missing = rules::missing(&before, &entry, &facts, changes.at());
        if !missing.is_empty() {
            return Err(Error::Refused(missing));
        }
        if cause == Cause::StartRemediation {
            crate::remediation::open_lines(app, &mut changes, &before, &facts);
            // Lines that were fixed in an earlier pass already say where the event is; no later change of a line would.
            if let Some(to) = rules::status_by_lines(&facts).filter(|to| *to != after.status) {
                transition(app, &mut changes, &mut after, to, Cause::Lines, None)?;
            }
        }
    }
    if let Some(clocks) = &mut clocks {
        clocks.replan(app, &mut changes, &mut after)?;
    }
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// RECEIVED to TRIAGING.
///
/// # Errors
/// By policy, visibility, version and the move table.
pub async fn start_triage(app: &App, actor: &Actor, input: &EventMove) -> Result<event::Model> {
    move_by_hand(app, actor, Action::StartTriage, input, Status::Triaging, Cause::StartTriage).await
}

/// NEEDS_INFORMATION to TRIAGING.
///
/// # Errors
/// By policy, visibility, version and the move table.
pub async fn resume_triage(app: &App, actor: &Actor, input: &EventMove) -> Result<event::Model> {
    move_by_hand(app, actor, Action::ResumeTriage, input, Status::Triaging, Cause::ResumeTriage).await
}

/// RATING to REMEDIATING: needs a score and an R_AND_D assignment per affected line.
///
/// # Errors
/// By policy, visibility, version and the move table; refusals that name what is missing.
pub async fn start_remediation(app: &App, actor: &Actor, input: &EventMove) -> Result<event::Model> {
    move_by_hand(app, actor, Action::StartRemediation, input, Status::Remediating, Cause::StartRemediation)
        .await
}

/// REPLYING to REVIEWING: needs every obligation met or waived.
///
/// # Errors
/// By policy, visibility, version and the move table; refusals that name what is missing.
pub async fn start_review(app: &App, actor: &Actor, input: &EventMove) -> Result<event::Model> {
    move_by_hand(app, actor, Action::StartReview, input, Status::Reviewing, Cause::StartReview).await
}

/// Back to TRIAGING with a reason.
///
/// # Errors
/// By policy, visibility, version and the move table.
pub async fn return_to_triage(app: &App, actor: &Actor, input: &EventMove) -> Result<event::Model> {
    move_by_hand(app, actor, Action::ReturnToTriage, input, Status::Triaging, Cause::ReturnToTriage).await
}

/// CLOSED to TRIAGING with a reason.
///
/// # Errors
/// By policy, visibility, version and the move table.
pub async fn reopen(app: &App, actor: &Actor, input: &EventMove) -> Result<event::Model> {
    move_by_hand(app, actor, Action::ReopenEvent, input, Status::Triaging, Cause::Reopen).await
}

/// A question to the reporter of one of an event's reports. 向报告人提问。
#[derive(Clone, Debug, InputObject)]
pub struct AskReporter {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// The report whose reporter is asked. 被询问报告人的报告。
    pub report: Id<report::Entity>,
    /// What is asked; the reporter reads it. Of a database or regulator it is drafted as a reply, to be approved and sent.
    /// 问题内容，报告人可见；对漏洞库与监管单位则起草为回复，批准后发送。
    pub question: String,
}

/// TRIAGING to NEEDS_INFORMATION, with the question as a message to the reporter, or as the draft of a reply to a
/// database or regulator.
///
/// # Errors
/// By policy, visibility, version and the move table; NOT_FOUND when the report is not the event's; a refusal while
/// undisclosed content may not go to where the report came from.
pub async fn ask_reporter(app: &App, actor: &Actor, input: &AskReporter) -> Result<event::Model> {
    require(actor, Action::AskReporter)?;
    let question = require_text("input.question", &input.question, LONG)?;
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let before = clocks.facts.event.clone();
    expect_version(before.version, input.expected_version)?;
    let report = crate::intake::store::find(app, actor, input.report.0).await?;
    if report.event_id != before.id {
        return Err(Error::NotFound);
    }
    crate::comment::expect_reach(app, &before, &report).await?;
    let mut changes = ChangeSet::new(app, actor, Action::AskReporter);
    let mut after = before.clone();
    transition(app, &mut changes, &mut after, Status::NeedsInformation, Cause::AskReporter, None)?;
    after.asked_report_id = Some(report.id);
    after.asked_at = Some(changes.at());
    let channel = crate::channel::store::find(app, report.channel_id).await?;
    if crate::reply::rules::is_official(channel.kind) {
        crate::reply::draft_question(app, &mut changes, &before, &channel, &report, &question).await?;
    } else {
        crate::comment::write_to_reporter(app, &mut changes, &before, &report, &question).await?;
    }
    clocks.replan(app, &mut changes, &mut after)?;
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// What an analyst writes about an event; what is left out stays. 分析员撰写的事件信息；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct DescribeEvent {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Title. 标题。
    pub title: Option<String>,
    /// Description. 描述。
    pub description: Option<String>,
    /// Steps to reproduce. 复现步骤。
    pub steps: Option<String>,
}

/// Writes title, description and steps.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT on a blank title.
pub async fn describe(app: &App, actor: &Actor, input: &DescribeEvent) -> Result<event::Model> {
    require(actor, Action::DescribeEvent)?;
    let before = store::find(app, actor, input.event.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(title) = &input.title {
        after.title = require_text("input.title", title, SHORT)?;
        after.described = true;
    }
    if let Some(description) = &input.description {
        after.description = optional_text("input.description", Some(description), LONG)?.unwrap_or_default();
    }
    if let Some(steps) = &input.steps {
        after.steps = optional_text("input.steps", Some(steps), LONG)?.unwrap_or_default();
    }
    let mut changes = ChangeSet::new(app, actor, Action::DescribeEvent);
    changes.message(app, Some(before.id), &message::EventDescribed {});
    crate::search::index_event(&mut changes, &after);
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Relates two events. 关联两个事件。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct LinkEvents {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The other event. 另一事件。
    pub other: Id<event::Entity>,
}

/// Relates two events that the actor may both see; saying it twice, from either side, changes nothing.
///
/// # Errors
/// By policy and visibility; a refusal when both are the same.
pub async fn link(app: &App, actor: &Actor, input: &LinkEvents) -> Result<event::Model> {
    require(actor, Action::LinkEvents)?;
    let before = store::find(app, actor, input.event.0).await?;
    let other = store::find(app, actor, input.other.0).await?;
    if before.id == other.id {
        return Err(Error::Refused(vec![Refusal::on(
            RefusalCode::Contradiction,
            "other",
            "an event is not related to itself: name another one",
        )]));
    }
    if store::are_related(app, before.id, other.id).await? {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::LinkEvents);
    changes.insert(&link_row(app, &changes, before.id, other.id, EventLinkKind::Related));
    let after = changes.revise(app, &before, before.clone(), Some(before.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}
