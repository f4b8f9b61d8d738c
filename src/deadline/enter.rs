//! What people enter for clocks: a notice's own date, a question, when something was learned of.

use async_graphql::InputObject;
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use entity::vocabulary::{ClockFactKind, DecisionKind, LearnedOf, NoticeType};
use entity::{channel, clock_fact, decision, event, report};
use serde::Serialize;
use uuid::Uuid;

use super::Clocks;
use super::rules::ClockFacts;
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{self as events, expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet};

/// Longest question, in characters.
const LONG: usize = 20_000;
/// Longest reason, in characters.
const SHORT: usize = 2_000;

/// What a notice says of itself: its dates, its type. 通知载明的日期与类型。
#[derive(Clone, Debug, InputObject)]
pub struct SetNoticeDate {
    /// The report that is the notice. 作为通知的报告。
    pub report: Id<report::Entity>,
    /// The version that was seen of its event. 所见的事件版本。
    pub expected_version: i32,
    /// Last day for feedback, until its end in the channel's zone. 反馈截止日期，至渠道所在时区当日24时。
    pub due_on: Option<NaiveDate>,
    /// Instant for feedback, where the notice names one; instead of the day. 反馈截止时刻；与日期二选一。
    pub due_at: Option<DateTime<Utc>>,
    /// When the channel publishes, as agreed with it. 与渠道约定的公开时间。
    pub publishes_at: Option<DateTime<Utc>>,
    /// What the notice calls the vulnerability: one of the event type is never published.
    /// 通知所称的漏洞类型；事件型不公开。
    pub notice_type: Option<NoticeType>,
}

/// Records the dates that a notice names or that were agreed with its channel, and its type; its clocks follow.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT without any date, with two for the same, or with one before the
/// notice came.
pub async fn set_notice_date(app: &App, actor: &Actor, input: &SetNoticeDate) -> Result<event::Model> {
    require(actor, Action::SetNoticeDate)?;
    let (report, before) = found(app, actor, input.report.0).await?;
    expect_version(before.version, input.expected_version)?;
    let channel = crate::channel::store::find(app, report.channel_id).await?;
    let due = end(app, &channel, input.due_on, input.due_at).await?;
    if due.is_none() && input.publishes_at.is_none() && input.notice_type.is_none() {
        return Err(Error::bad_input(
            "input.dueOn",
            "send the date that the notice names, when it is published, or its type",
        ));
    }
    let mut changes = ChangeSet::new(app, actor, Action::SetNoticeDate);
    let mut clocks = Clocks::load(app, &before).await?;
    let publishes_at = input.publishes_at.map(|at| at.trunc_subsecs(6));
    for (kind, field, at) in [
        (ClockFactKind::NoticeDue, "input.dueOn", due),
        (ClockFactKind::Publication, "input.publishesAt", publishes_at),
    ] {
        let Some(at) = at else { continue };
        if at < report.received_at {
            return Err(Error::bad_input(field, "send a date that is not before the notice came"));
        }
        let note = "the notice's own date";
        let entry = Entry { report: Some(report.id), decision: None, kind, at, note };
        enter(app, &mut changes, &mut clocks, &entry);
    }
    if let Some(notice_type) = input.notice_type {
        let typed = report::Model { notice_type: Some(notice_type), ..report.clone() };
        changes.update(&report, &typed);
        clocks.facts.reports.iter_mut().filter(|row| row.id == typed.id).for_each(|row| *row = typed.clone());
    }
    finish(app, changes, clocks, before).await
}

/// When something was learned of. 获知时间更正。
#[derive(Clone, Debug, InputObject)]
pub struct CorrectLearnedAt {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// What was learned of. 获知的事项。
    pub of: LearnedOf,
    /// The decision that declared the incident, of an incident; may be left out where there is one alone.
    /// 认定该事件的决策，仅用于严重事件与网络安全事件；仅有一项时可省略。
    pub decision: Option<Id<decision::Entity>>,
    /// When; to a later instant only a LEADER corrects it. 获知时间；推迟须由领导小组操作。
    pub learned_at: DateTime<Utc>,
    /// Why it is corrected. 更正原因。
    pub reason: String,
}

/// Corrects from when the clocks of a legal duty count.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT when it lies in the future, and with a decision for what none
/// declares; refusals when nothing of the kind was learned of or it is open which is meant, and where only a LEADER may.
pub async fn correct_learned_at(app: &App, actor: &Actor, input: &CorrectLearnedAt) -> Result<event::Model> {
    require(actor, Action::CorrectLearnedAt)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let before = clocks.facts.event.clone();
    expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, Action::CorrectLearnedAt).because(Some(reason.as_str()));
    let learned_at = input.learned_at.trunc_subsecs(6);
    if learned_at > changes.at() {
        return Err(Error::bad_input(
            "input.learnedAt",
            "send an instant that has come: clocks count from it",
        ));
    }
    let kind = match input.of {
        LearnedOf::Vulnerability => ClockFactKind::LearnedVulnerability,
        LearnedOf::Exploitation => ClockFactKind::LearnedExploitation,
        LearnedOf::SevereIncident => ClockFactKind::LearnedSevereIncident,
        LearnedOf::NetworkIncident => ClockFactKind::LearnedNetworkIncident,
    };
    let declared = declared(&clocks.facts, kind, input.decision.as_ref().map(|id| id.0))?;
    let Some(present) = clocks.facts.counts_from(kind, declared.as_ref()) else {
        let message = "nothing of this kind is on record: record it first (giveVerdict, recordWorldFact, recordDecision)";
        return Err(Error::refused(RefusalCode::UnknownReference, message));
    };
    clocks.facts.by_leader = actor.is(Role::Leader);
    if learned_at > present && !clocks.facts.by_leader {
        let message =
            "only a LEADER corrects it to a later instant, since that lengthens a legal term: ask one";
        return Err(Error::refused(RefusalCode::NeedsLeader, message));
    }
    let decision = declared.map(|row| row.id);
    let entry = Entry { report: None, decision, kind, at: learned_at, note: &reason };
    enter(app, &mut changes, &mut clocks, &entry);
    finish(app, changes, clocks, before).await
}

/// The decision whose incident is meant; none for what no decision declares, and where none did.
fn declared(facts: &ClockFacts, of: ClockFactKind, named: Option<Uuid>) -> Result<Option<decision::Model>> {
    const FIELD: &str = "decision";
    let kind = match of {
        ClockFactKind::LearnedSevereIncident => DecisionKind::SevereIncident,
        ClockFactKind::LearnedNetworkIncident => DecisionKind::NetworkIncident,
        _ if named.is_some() => {
            return Err(Error::bad_input("input.decision", "no decision declares this: leave it out"));
        }
        _ => return Ok(None),
    };
    let all: Vec<_> = facts.incidents(kind).collect();
    match (named, all.as_slice()) {
        (Some(id), _) => {
            let message = "this event has no such incident: name a granted decision of it that declared one";
            let unknown = || Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, FIELD, message)]);
            Ok(Some(all.into_iter().find(|row| row.id == id).cloned().ok_or_else(unknown)?))
        }
        (None, [_, _, ..]) => {
            let message = "several incidents were declared: name the decision of the one that is meant";
            Err(Error::Refused(vec![Refusal::on(RefusalCode::MissingFact, FIELD, message)]))
        }
        (None, one) => Ok(one.first().map(|row| (*row).clone())),
    }
}

/// A follow-up question of a channel. 渠道的追问。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct RecordFollowUpQuestion {
    /// The report that it follows. 所追问的报告。
    pub report: Id<report::Entity>,
    /// The question as it came. 追问内容。
    pub question: String,
    /// When it came; now when left out. 收到时间；省略时为当前时间。
    pub asked_at: Option<DateTime<Utc>>,
    /// Last day for the answer, until its end in the channel's zone. 答复截止日期。
    pub due_on: Option<NaiveDate>,
    /// Instant for the answer; instead of the day. 答复截止时刻；与日期二选一。
    pub due_at: Option<DateTime<Utc>>,
    /// Sent again with the same input, it answers what the first one did. 幂等键。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Records a question, which opens an obligation of its own and brings the event back to its replies where it was
/// through with them.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on an empty question and on instants that cannot be.
pub async fn record_follow_up_question(
    app: &App,
    actor: &Actor,
    input: &RecordFollowUpQuestion,
) -> Result<event::Model> {
    require(actor, Action::RecordFollowUpQuestion)?;
    let question = require_text("input.question", &input.question, LONG)?;
    let (report, before) = found(app, actor, input.report.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::RecordFollowUpQuestion, key, input).await? {
        Replay::Done(_) => return Ok(before),
        Replay::First(key) => key,
    };
    let channel = crate::channel::store::find(app, report.channel_id).await?;
    let mut changes = ChangeSet::new(app, actor, Action::RecordFollowUpQuestion);
    let asked_at = input.asked_at.map_or(changes.at(), |at| at.trunc_subsecs(6));
    if asked_at > changes.at() {
        return Err(Error::bad_input("input.askedAt", "send an instant that has come"));
    }
    let due = end(app, &channel, input.due_on, input.due_at).await?;
    if due.is_some_and(|due| due < asked_at) {
        return Err(Error::bad_input("input.dueOn", "send a date that is not before the question came"));
    }
    let mut clocks = Clocks::load(app, &before).await?;
    let row = clock_fact::Model {
        id: app.ids.next(),
        event_id: before.id,
        report_id: Some(report.id),
        decision_id: None,
        kind: ClockFactKind::Question,
        at: due,
        note: question,
        since: asked_at,
        recorded_by: changes.actor().to_owned(),
        recorded_at: changes.at(),
        superseded_at: None,
    };
    changes.insert(&row);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    clocks.facts.entered.push(row);
    finish(app, changes, clocks, before).await
}

async fn found(app: &App, actor: &Actor, report: Uuid) -> Result<(report::Model, event::Model)> {
    let report = crate::intake::store::find(app, actor, report).await?;
    let event = events::store::find(app, actor, report.event_id).await?;
    Ok((report, event))
}

/// The instant that was named: itself, or the end of the day in the channel's zone.
async fn end(
    app: &App,
    channel: &channel::Model,
    on: Option<NaiveDate>,
    at: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>> {
    let Some(day) = on else { return Ok(at.map(|at| at.trunc_subsecs(6))) };
    if at.is_some() {
        return Err(Error::bad_input("input.dueAt", "send either the day or the instant"));
    }
    let calendar = crate::calendar::of_channel(app, channel).await?;
    let start = day.succ_opt().and_then(|next| calendar.start_of(next).ok());
    Ok(Some(start.ok_or_else(|| Error::bad_input("input.dueOn", "send a date of this age"))?))
}

/// An instant that a person enters, and for what of the event.
struct Entry<'a> {
    report: Option<Uuid>,
    decision: Option<Uuid>,
    kind: ClockFactKind,
    at: DateTime<Utc>,
    note: &'a str,
}

/// Writes an entry, in the place of an earlier one for the same.
fn enter(app: &App, changes: &mut ChangeSet, clocks: &mut Clocks, entry: &Entry<'_>) {
    let now = changes.at();
    clocks.facts.entered.retain(|known| {
        let same =
            (known.kind, known.report_id, known.decision_id) == (entry.kind, entry.report, entry.decision);
        if same {
            changes.update(known, &clock_fact::Model { superseded_at: Some(now), ..known.clone() });
        }
        !same
    });
    let row = clock_fact::Model {
        id: app.ids.next(),
        event_id: clocks.facts.event.id,
        report_id: entry.report,
        decision_id: entry.decision,
        kind: entry.kind,
        at: Some(entry.at),
        note: entry.note.to_owned(),
        since: now,
        recorded_by: changes.actor().to_owned(),
        recorded_at: now,
        superseded_at: None,
    };
    changes.insert(&row);
    clocks.facts.entered.push(row);
}

async fn finish(
    app: &App,
    mut changes: ChangeSet,
    mut clocks: Clocks,
    before: event::Model,
) -> Result<event::Model> {
    let mut after = before.clone();
    clocks.replan(app, &mut changes, &mut after)?;
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
