//! What happens to reports after they arrived: words are added, they are joined to another event, split into parts.

use async_graphql::InputObject;
use entity::vocabulary::{EventLinkKind, ObligationState, Status};
use entity::{comment, event, report};
use serde::Serialize;
use serde_json::json;

use super::arrival::{Arrival, Content, Indicated, add_versions};
use super::receive::{IndicatorInput, indicators, revise_after_arrival};
use super::{LONG, SHORT, rules, store};
use crate::app::App;
use crate::attachment;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::deadline::Clocks;
use crate::duplicate;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::rules::Cause;
use crate::event::{self as events, expect_version, optional_text, require_text, transition};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::indicator;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::reply;
use crate::search::{self, fields::Said};

/// Why an event was closed that lost its last report. It does not say where the report went: the link does, to those
/// who see both.
const EMPTIED: &str = "its last report was joined to another event";

/// What arrived later for a report. 对报告的补充。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AddToReport {
    /// The report. 报告。
    pub report: Id<report::Entity>,
    /// New title; the present one when left out. A reporter's is not used. 新标题；省略时沿用；报告人补充时忽略。
    pub title: Option<String>,
    /// What arrived: a version of its own, or the reporter's words. 补充内容：成为新版本，或报告人留言。
    pub text: String,
    /// What identifies what it is about. 线索。
    #[graphql(default)]
    pub indicators: Vec<IndicatorInput>,
    /// Sent again with the same input, the first answer is repeated. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Adds what arrived later: by the reporter as words to the team, else as a version. An event that waits for it
/// goes back to the analysis.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on ill-formed texts.
pub async fn add_to_report(app: &App, actor: &Actor, input: &AddToReport) -> Result<report::Model> {
    require(actor, Action::AddToReport)?;
    let text = require_text("input.text", &input.text, LONG)?;
    let title = optional_text("input.title", input.title.as_ref(), SHORT)?;
    let added = indicators(&input.indicators)?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::AddToReport, key, input).await? {
        Replay::Done(id) => return store::find(app, actor, id).await,
        Replay::First(key) => key,
    };
    let report = store::find(app, actor, input.report.0).await?;
    let before = store::event_of(app, &report).await?;
    let reporter = store::as_reporter(app, actor, &report).await?;
    let mut changes = ChangeSet::new(app, actor, Action::AddToReport);
    if let Some(reporter) = reporter {
        changes = changes.by_reporter(reporter);
    }
    let known = store::indicators(app, report.id).await?;
    let after = if reporter.is_some() {
        let new = Indicated::new(added, &[], &known, 0);
        new.write(app, &mut changes, &report);
        let more = |material: &mut duplicate::Material| material.indicators.extend(new.all().cloned());
        duplicate::index_anew(app, &mut changes, &report, more).await?;
        let more = |said: &mut Said| said.given.extend(new.given().map(|(_, value)| value.clone()));
        search::index_report_anew(app, &mut changes, &report, more).await?;
        crate::comment::write_from_reporter(app, &mut changes, &before, &report, text);
        report.clone()
    } else {
        store::require_handler(app, actor, &report).await?;
        let title = match title {
            Some(title) => title,
            None => store::current_version(app, &report).await?.title,
        };
        let contents = [Content::new(title, text, json!([]))];
        let new = Indicated::new(added, &contents, &known, indicator::rules::MOST);
        let at = changes.at();
        add_versions(app, &mut changes, &report, &contents, at, &new, None).await?
    };
    revise_after_arrival(app, &mut changes, &before, std::slice::from_ref(&report)).await?;
    if let Some(key) = &key {
        changes.remember(key, report.id);
    }
    app.commit(changes).await?;
    Ok(after)
}

/// A report that its finder withdraws. 撤回报告。
#[derive(Clone, Debug, InputObject)]
pub struct WithdrawReport {
    /// The report. 报告。
    pub report: Id<report::Entity>,
    /// Why, in the finder's words. 撤回原因（报告人原话）。
    pub reason: String,
}

/// Passes on that a report's finder withdraws it. That ends nothing by itself: the vulnerability may be there all the
/// same, so a person gives the verdict and decides what is owed. Withdrawn again, it stays as it is.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on an ill-formed reason.
pub async fn withdraw_report(app: &App, actor: &Actor, input: &WithdrawReport) -> Result<report::Model> {
    require(actor, Action::WithdrawReport)?;
    let reason = require_text("input.reason", &input.reason, LONG)?;
    let report = store::find(app, actor, input.report.0).await?;
    store::require_handler(app, actor, &report).await?;
    if report.withdrawn_at.is_some() {
        return Ok(report);
    }
    let before = store::event_of(app, &report).await?;
    let mut changes = ChangeSet::new(app, actor, Action::WithdrawReport);
    let withdrawn_at = Some(changes.at());
    let after = report::Model { withdrawn_at, withdrawal_reason: Some(reason), ..report.clone() };
    changes.update(&report, &after);
    changes.message(app, Some(before.id), &message::ReportWithdrawn { report: Opaque::new(report.id) });
    revise_after_arrival(app, &mut changes, &before, std::slice::from_ref(&report)).await?;
    app.commit(changes).await?;
    Ok(after)
}

/// Where a report belongs. 将报告并入另一事件。
#[derive(Clone, Debug, InputObject)]
pub struct JoinReport {
    /// The report. 报告。
    pub report: Id<report::Entity>,
    /// The event it belongs to. 目标事件。
    pub event: Id<event::Entity>,
    /// The version that was seen of the event that it leaves. 所见的原事件版本。
    pub expected_version: i32,
}

/// Moves a report with its obligations and messages to another event, while its own is analysed. An event that is
/// left without reports and without anything owed is closed by that, linked to the other; it can be reopened.
///
/// # Errors
/// By policy, visibility and version; refusals when the event has its verdict, a reply to the report exists, or the
/// other event is shared more widely.
pub async fn join_report(app: &App, actor: &Actor, input: &JoinReport) -> Result<report::Model> {
    require(actor, Action::JoinReport)?;
    let report = store::find(app, actor, input.report.0).await?;
    let source = events::store::find(app, actor, report.event_id).await?;
    let target = events::store::find(app, actor, input.event.0).await?;
    expect_version(source.version, input.expected_version)?;
    let obligations = store::obligations_of(app, report.id).await?;
    let may = [rules::may_rearrange(&source), rules::may_join(source.tlp, &target)];
    let mut refusals: Vec<Refusal> = may.into_iter().filter_map(|rule| rule.err()).collect();
    if source.id == target.id {
        refusals.push(Refusal::on(
            RefusalCode::AlreadyExists,
            "event",
            "the report is on this event already",
        ));
    }
    if target.duplicate_of == Some(source.id) {
        let message =
            "that event is called a duplicate of this one: give it another verdict first (giveVerdict)";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "event", message));
    }
    if store::has_reply(app, &obligations).await? {
        let message = "a reply to this report was drafted or sent: link the events instead (linkEvents)";
        refusals.push(Refusal::on(RefusalCode::Frozen, "report", message));
    }
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }

    let mut changes = ChangeSet::new(app, actor, Action::JoinReport);
    let moved = report::Model { event_id: target.id, ..report.clone() };
    changes.update(&report, &moved);
    let channel = crate::channel::store::find(app, report.channel_id).await?;
    let mut source_clocks = Clocks::load(app, &source).await?;
    let mut target_clocks = Clocks::load_with(app, &target, &channel).await?;
    target_clocks.take_over(&mut changes, &mut source_clocks, &report);
    for row in &store::messages_of(app, report.id).await? {
        changes.update(row, &comment::Model { event_id: target.id, ..row.clone() });
    }
    let (old_source, old_target) =
        (AccessFacts::load(app, &source).await?, AccessFacts::load(app, &target).await?);
    let (mut new_source, mut new_target) = (old_source.clone(), old_target.clone());
    let (leaving, staying) = new_source.reports.into_iter().partition(|(row, _, _)| row.id == report.id);
    new_source.reports = staying;
    new_target.reports.extend::<Vec<_>>(leaving);
    regrant(&mut changes, Some(&old_source), &new_source);
    // Its files go with it: what is said of one event carries nothing of another.
    let files = attachment::store::ids_of(app, report.id).await?;
    reply::take_out(app, &mut changes, source.id, &files).await?;
    let owed = events::store::move_facts(app, source.id).await?.open_obligations;
    let moving = obligations.iter().filter(|row| row.state == ObligationState::Open).count();
    let mut left = source.clone();
    let empties = rules::is_emptied(new_source.reports.len(), owed.saturating_sub(moving));
    let kind = if empties { EventLinkKind::JoinedTo } else { EventLinkKind::Related };
    changes.insert(&events::link_row(app, &changes, source.id, target.id, kind));
    if empties {
        transition(app, &mut changes, &mut left, Status::Closed, Cause::LastReportLeft, Some(EMPTIED))?;
    }
    source_clocks.replan(app, &mut changes, &mut left)?;
    changes.revise(app, &source, left, Some(source.id), Bump::Version);
    if empties {
        crate::verdict::follow_joined(app, &mut changes, source.id, &target).await?;
    }

    let mut after = target.clone();
    events::received(&mut changes, &mut after, report.received_at);
    new_target.event.clone_from(&after);
    regrant(&mut changes, Some(&old_target), &new_target);
    if obligations.iter().any(|row| row.state == ObligationState::Open) {
        crate::deadline::call_back(app, &mut changes, &mut after)?;
    }
    target_clocks.replan(app, &mut changes, &mut after)?;
    changes.message(app, Some(target.id), &message::ReportJoined { report: Opaque::new(report.id) });
    changes.revise(app, &target, after, Some(target.id), Bump::Version);
    app.commit(changes).await?;
    Ok(moved)
}

/// One vulnerability of a report with several. 报告中的一个漏洞。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct ReportPart {
    /// Title of the part and of its event. 标题。
    pub title: String,
    /// What of the report's text belongs to it; the whole text when left out. 正文；省略时为报告全文。
    pub text: Option<String>,
}

/// How a report is split. 拆分报告。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct SplitReport {
    /// The report. 报告。
    pub report: Id<report::Entity>,
    /// The version that was seen of its event. 所见的事件版本。
    pub expected_version: i32,
    /// Its vulnerabilities, at least two. 各个漏洞，至少两个。
    pub parts: Vec<ReportPart>,
    /// Sent again with the same input, the first answer is repeated. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Splits a report into numbered parts. The first part stays on the report's event, each other one gets an event
/// of its own with the same protection and team. The obligation to reply stays one, with the whole.
///
/// # Errors
/// By policy, visibility and version; refusals when the event has its verdict or the report was split already.
pub async fn split_report(app: &App, actor: &Actor, input: &SplitReport) -> Result<report::Model> {
    require(actor, Action::SplitReport)?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::SplitReport, key, input).await? {
        Replay::Done(id) => return store::find(app, actor, id).await,
        Replay::First(key) => key,
    };
    let report = store::find(app, actor, input.report.0).await?;
    let before = events::store::find(app, actor, report.event_id).await?;
    expect_version(before.version, input.expected_version)?;
    rules::may_rearrange(&before).map_err(|refusal| Error::Refused(vec![refusal]))?;
    rules::may_split(&report, input.parts.len()).map_err(Error::Refused)?;
    let whole_text = store::current_version(app, &report).await?.text;
    let channel = crate::channel::store::find(app, report.channel_id).await?;
    let reporter = match report.reporter_id {
        Some(id) => Some(store::reporter(app, id).await?),
        None => None,
    };
    let access = AccessFacts::load(app, &before).await?;
    let mut after_access = access.clone();
    let mut changes = ChangeSet::new(app, actor, Action::SplitReport);

    let split = report::Model { split: true, ..report.clone() };
    let mut others = Vec::new();
    for (number, part) in (1..).zip(&input.parts) {
        let title = require_text("input.parts.title", &part.title, SHORT)?;
        let text = optional_text("input.parts.text", part.text.as_ref(), LONG)?;
        let contents = vec![Content::new(title, text.unwrap_or_else(|| whole_text.clone()), json!([]))];
        let arrival = Arrival {
            channel: &channel,
            number: report.channel_number.clone(),
            identity_key: rules::part_key(&report.identity_key, number),
            reporter: reporter.as_ref(),
            origin: report.origin,
            received_at: report.received_at,
            history: report.history,
            severity: None,
            notice_type: report.notice_type,
            part: Some((report.id, number)),
            indicators: Indicated::new(Vec::new(), &contents, &[], indicator::rules::MOST),
            contents,
            enclosed: None,
        };
        if number == 1 {
            let first = arrival.record(app, &mut changes, &before);
            after_access.reports.push(arrival.access(&first));
            continue;
        }
        let title = &arrival.contents[0].title;
        let mut event = events::new(app, title, report.received_at, before.tlp).await?;
        event.embargo_until = before.embargo_until;
        event.history = before.history;
        changes.insert(&events::link_row(app, &changes, before.id, event.id, EventLinkKind::Related));
        others.push((arrival, event));
    }
    changes.update(&report, &split);
    regrant(&mut changes, Some(&access), &after_access);
    changes.revise(app, &before, before.clone(), Some(before.id), Bump::Version);
    for (arrival, event) in others {
        let members = access.members.iter().filter(|member| member.removed_at.is_none());
        let members = members.map(|member| entity::team_member::Model {
            id: app.ids.next(),
            event_id: event.id,
            added_by: actor.subject.to_string(),
            added_at: changes.at(),
            ..member.clone()
        });
        let members = members.collect();
        arrival.open(app, &mut changes, event, members).await?;
    }
    if let Some(key) = &key {
        changes.remember(key, report.id);
    }
    app.commit(changes).await?;
    Ok(split)
}
