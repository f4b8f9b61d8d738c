//! The fix of each affected product line: planned, submitted, verified, released, or its risk accepted.
//!
//! The lines' states say where the event is (`event::rules::status_by_lines`): every act here moves the event
//! with the line, in one change. Verification asks three questions and passes on yes, no, no only; the verifier
//! is not the fixer. A new problem that a fix brings opens an event of its own.
//!
//! An accepted risk ends with its decision ([`RiskExpiry`]): the leading group is told 30 days before, and at the end
//! the line is PLANNED again and brings its event back to REMEDIATING, from REPLYING, REVIEWING and CLOSED too. That is
//! no reopening: the pass goes on. An event that is analysed anew stays there; its line waits for the fix to begin.

mod expiry;
pub mod graphql;
mod rules;
pub mod store;

use async_graphql::InputObject;
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{EventLinkKind, RemediationState, Tlp};
use entity::{decision, event, remediation, verification};
use sea_orm::EntityTrait;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::deadline::Clocks;
use crate::error::{Error, Result};
use crate::event::rules::{Cause, MoveFacts, is_move, status_by_lines};
use crate::event::{expect_version, optional_text, require_text, transition};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
pub use expiry::RiskExpiry;
use rules::Act;

/// Longest name or reference, in characters.
const SHORT: usize = 500;
/// Longest plan or evidence, in characters.
const LONG: usize = 20_000;

/// Opens a PLANNED fix for each affected line that has none; those of an earlier pass stay as they are.
pub fn open_lines(app: &App, changes: &mut ChangeSet, event: &event::Model, facts: &MoveFacts) {
    for line in facts.lines.iter().filter(|line| line.remediation.is_none()) {
        changes.insert(&remediation::Model {
            id: app.ids.next(),
            event_id: event.id,
            line: line.line.clone(),
            state: RemediationState::Planned,
            fix_plan: None,
            planned_for: None,
            patch: None,
            mitigation: None,
            mitigation_available_at: None,
            submitted_by: None,
            submitted_at: None,
            risk_decision_id: None,
            release_versions: None,
            advisory: None,
            available_at: None,
            version: 1,
        });
    }
}

/// Loads a fix for `act` and checks version, status and state.
async fn load(
    app: &App,
    actor: &Actor,
    act: Act,
    id: Id<remediation::Entity>,
    expected: i32,
) -> Result<(event::Model, remediation::Model)> {
    let (event, fix) = store::find(app, actor, id.0).await?;
    expect_version(fix.version, expected)?;
    rules::may(act, event.status, fix.state).map_err(|refusal| Error::Refused(vec![refusal]))?;
    Ok((event, fix))
}

/// Writes the changed fix and moves the event where its lines now say.
async fn write(
    app: &App,
    changes: ChangeSet,
    event: &event::Model,
    before: &remediation::Model,
    after: remediation::Model,
) -> Result<remediation::Model> {
    let moving = Moving { cause: Some(Cause::Lines), reason: None };
    write_moving(app, changes, event, before, after, moving).await
}

/// By which cause a changed line may move its event, if at all, and why.
#[derive(Clone, Copy)]
struct Moving<'a> {
    cause: Option<Cause>,
    reason: Option<&'a str>,
}

async fn write_moving(
    app: &App,
    mut changes: ChangeSet,
    event: &event::Model,
    before: &remediation::Model,
    mut after: remediation::Model,
    moving: Moving<'_>,
) -> Result<remediation::Model> {
    after.version = before.version + 1;
    changes.update(before, &after);
    let told = message::RemediationChanged {
        remediation: Opaque::new(after.id),
        from: before.state,
        to: after.state,
    };
    changes.message(app, Some(event.id), &told);
    let mut moved = event.clone();
    if after.state != before.state {
        let mut fixes = store::of_event(app, event.id).await?;
        for fix in fixes.iter_mut().filter(|fix| fix.id == after.id) {
            *fix = after.clone();
        }
        let (affected, assigned) = store::surroundings(app, event.id).await?;
        let facts = crate::event::store::gather(&affected, &fixes, &assigned);
        let to = status_by_lines(&facts).filter(|to| *to != event.status);
        if let (Some(to), Some(cause)) = (to, moving.cause)
            && is_move(event.status, to, cause)
        {
            transition(app, &mut changes, &mut moved, to, cause, moving.reason)?;
        }
    }
    let mut clocks = Clocks::load(app, event).await?;
    clocks.facts.fix_changed(&after);
    clocks.replan(app, &mut changes, &mut moved)?;
    changes.revise(app, event, moved, Some(event.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// A fact that cannot lie in the future.
fn past(app: &App, field: &str, at: DateTime<Utc>) -> Result<DateTime<Utc>> {
    if at <= app.clock.now() {
        Ok(at)
    } else {
        Err(Error::bad_input(field, "this lies in the future: send when it happened"))
    }
}

/// Plan of a line's fix, or a mitigation before it; what is left out stays. 修复计划或缓解措施；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct PlanFix {
    /// The line's fix. 产品线修复。
    pub remediation: Id<remediation::Entity>,
    /// The fix's version that was seen. 所见版本。
    pub expected_version: i32,
    /// Plan of the fix. 修复方案。
    pub fix_plan: Option<String>,
    /// Planned fix date. 计划修复日期。
    pub planned_for: Option<NaiveDate>,
    /// Mitigation before the fix. 缓解措施。
    pub mitigation: Option<String>,
    /// When the mitigation was available. 缓解措施可用时间。
    pub mitigation_available_at: Option<DateTime<Utc>>,
}

/// Plans a fix or records a mitigation.
///
/// # Errors
/// By policy, visibility, line and version; refusals by status and state.
pub async fn plan(app: &App, actor: &Actor, input: &PlanFix) -> Result<remediation::Model> {
    require(actor, Action::PlanFix)?;
    let (event, before) = load(app, actor, Act::Plan, input.remediation, input.expected_version).await?;
    let mut after = before.clone();
    if input.fix_plan.is_some() {
        after.fix_plan = optional_text("input.fixPlan", input.fix_plan.as_ref(), LONG)?;
    }
    after.planned_for = input.planned_for.or(before.planned_for);
    if input.mitigation.is_some() {
        after.mitigation = optional_text("input.mitigation", input.mitigation.as_ref(), LONG)?;
    }
    if let Some(at) = input.mitigation_available_at {
        after.mitigation_available_at = Some(past(app, "input.mitigationAvailableAt", at)?);
    }
    let refusals = rules::plan_refusals(&before, &after);
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    write(app, ChangeSet::new(app, actor, Action::PlanFix), &event, &before, after).await
}

/// A fix to verify. 提交修复。
#[derive(Clone, Debug, InputObject)]
pub struct SubmitFix {
    /// The line's fix. 产品线修复。
    pub remediation: Id<remediation::Entity>,
    /// The fix's version that was seen. 所见版本。
    pub expected_version: i32,
    /// Plan of the fix. 修复方案。
    pub fix_plan: String,
    /// Reference of the patch. 补丁引用。
    pub patch: String,
}

/// Submits fix plan and patch.
///
/// # Errors
/// By policy, visibility, line and version; refusals by status and state.
pub async fn submit(app: &App, actor: &Actor, input: &SubmitFix) -> Result<remediation::Model> {
    require(actor, Action::SubmitFix)?;
    let fix_plan = require_text("input.fixPlan", &input.fix_plan, LONG)?;
    let patch = require_text("input.patch", &input.patch, SHORT)?;
    let (event, before) = load(app, actor, Act::Submit, input.remediation, input.expected_version).await?;
    let changes = ChangeSet::new(app, actor, Action::SubmitFix);
    let after = remediation::Model {
        state: RemediationState::Submitted,
        fix_plan: Some(fix_plan),
        patch: Some(patch),
        submitted_by: Some(actor.subject.to_string()),
        submitted_at: Some(changes.at()),
        ..before.clone()
    };
    write(app, changes, &event, &before, after).await
}

/// Submits a fix because its ticket's tracker says that it is done: `by` stands for the tracker, `patch` leads to the
/// ticket. The plan has to be there already, and the verification stays a person's.
///
/// # Errors
/// NOT_FOUND when there is no such fix; refusals by status, state and a missing plan.
pub async fn submit_by_tracker(
    app: &App,
    id: uuid::Uuid,
    by: &str,
    patch: &str,
) -> Result<remediation::Model> {
    let db = app.database.reader();
    let before = remediation::Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)?;
    let event = event::Entity::find_by_id(before.event_id).one(db).await?.ok_or(Error::NotFound)?;
    rules::may(Act::Submit, event.status, before.state).map_err(|refusal| Error::Refused(vec![refusal]))?;
    if before.fix_plan.is_none() {
        return Err(Error::refused(
            crate::error::RefusalCode::MissingFact,
            "the line has no fix plan yet: record it (planFix), then submit the fix",
        ));
    }
    let changes = ChangeSet::new(app, &Actor::schedule(), Action::SyncTicket);
    let after = remediation::Model {
        state: RemediationState::Submitted,
        patch: Some(patch.to_owned()),
        submitted_by: Some(by.to_owned()),
        submitted_at: Some(changes.at()),
        ..before.clone()
    };
    write(app, changes, &event, &before, after).await
}

/// The answers to the three questions of a verification. 修复验证的三个问题。
#[derive(Clone, Debug, InputObject)]
pub struct VerifyFix {
    /// The line's fix. 产品线修复。
    pub remediation: Id<remediation::Entity>,
    /// The fix's version that was seen. 所见版本。
    pub expected_version: i32,
    /// Is it fully fixed? 是否完全修复。
    pub fully_fixed: bool,
    /// Evidence. 证据。
    pub fully_fixed_evidence: String,
    /// Can the fix be bypassed? 修复是否可被绕过。
    pub bypassable: bool,
    /// Evidence. 证据。
    pub bypass_evidence: String,
    /// Does the fix bring a new security problem? It opens an event of its own. 是否引入新的安全问题；如有则新建关联事件。
    pub new_problem: bool,
    /// Evidence. 证据。
    pub new_problem_evidence: String,
}

/// Verifies a submitted fix: PASSED on yes, no, no; else FAILED.
///
/// # Errors
/// By policy, visibility and version; refusals by status, state and four eyes.
pub async fn verify(app: &App, actor: &Actor, input: &VerifyFix) -> Result<remediation::Model> {
    require(actor, Action::VerifyFix)?;
    let fully_fixed_evidence = require_text("input.fullyFixedEvidence", &input.fully_fixed_evidence, LONG)?;
    let bypass_evidence = require_text("input.bypassEvidence", &input.bypass_evidence, LONG)?;
    let new_problem_evidence = require_text("input.newProblemEvidence", &input.new_problem_evidence, LONG)?;
    let (event, before) = load(app, actor, Act::Verify, input.remediation, input.expected_version).await?;
    let reports = crate::intake::store::access_facts(app, event.id).await?;
    let reporters: Vec<String> = reports.into_iter().filter_map(|(_, _, subject)| subject).collect();
    let fixers = crate::team::store::assignments(app, event.id).await?;
    rules::may_verify(&actor.subject, &before, &fixers, &reporters)
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    let passed = rules::passes(input.fully_fixed, input.bypassable, input.new_problem);
    let mut changes = ChangeSet::new(app, actor, Action::VerifyFix);
    let new_event = if input.new_problem {
        Some(
            open_event_for_new_problem(app, actor, &mut changes, &event, &before, &new_problem_evidence)
                .await?,
        )
    } else {
        None
    };
    if let Some(new_event) = &new_event {
        let kind = EventLinkKind::NewProblemOfFix;
        changes.insert(&crate::event::link_row(app, &changes, event.id, new_event.id, kind));
    }
    let row = verification::Model {
        id: app.ids.next(),
        event_id: event.id,
        remediation_id: before.id,
        fully_fixed: input.fully_fixed,
        fully_fixed_evidence,
        bypassable: input.bypassable,
        bypass_evidence,
        new_problem: input.new_problem,
        new_problem_evidence,
        passed,
        new_event_id: new_event.map(|event| event.id),
        verified_by: actor.subject.to_string(),
        verified_at: changes.at(),
    };
    changes.insert(&row);
    let told = message::VerificationRecorded {
        verification: Opaque::new(row.id),
        remediation: Opaque::new(before.id),
        passed,
    };
    changes.message(app, Some(event.id), &told);
    let state = if passed { RemediationState::Passed } else { RemediationState::Failed };
    let after = remediation::Model { state, ..before.clone() };
    write(app, changes, &event, &before, after).await
}

/// A new event as secret as the one whose fix brought it, with the same people when that is TLP:RED.
async fn open_event_for_new_problem(
    app: &App,
    actor: &Actor,
    changes: &mut ChangeSet,
    event: &event::Model,
    fix: &remediation::Model,
    evidence: &str,
) -> Result<event::Model> {
    // Not everybody who will see this event may see the one that it came from: the link shows it to those who do.
    let title = format!("New problem brought by a fix of {}", fix.line);
    let mut opened = crate::event::new(app, &title, changes.at(), event.tlp).await?;
    opened.described = true;
    opened.description = evidence.to_owned();
    opened.embargo_until = event.embargo_until;
    crate::event::record_first_status(app, changes, &opened);
    let mut facts = AccessFacts::new(opened.clone());
    if event.tlp == Tlp::Red {
        let known = AccessFacts::load(app, event).await?;
        for member in known.members.into_iter().filter(|member| member.removed_at.is_none()) {
            let member = entity::team_member::Model {
                id: app.ids.next(),
                event_id: opened.id,
                added_by: actor.subject.to_string(),
                added_at: changes.at(),
                ..member
            };
            changes.insert(&member);
            facts.members.push(member);
        }
    }
    regrant(changes, None, &facts);
    crate::search::index_event(changes, &opened);
    Ok(changes.create(app, opened.clone(), Some(opened.id)))
}

/// Applies a decision to accept a line's risk. 依决定接受产品线风险。
#[derive(Clone, Debug, InputObject)]
pub struct AcceptRisk {
    /// The line's fix. 产品线修复。
    pub remediation: Id<remediation::Entity>,
    /// The fix's version that was seen. 所见版本。
    pub expected_version: i32,
    /// The granted decision of kind ACCEPT_RISK on this line. 已批准的接受风险决定。
    pub decision: Id<decision::Entity>,
}

/// Accepts a line's risk as decided.
///
/// # Errors
/// By policy, visibility and version; refusals by status and state, or that say why the decision does not do.
pub async fn accept_risk(app: &App, actor: &Actor, input: &AcceptRisk) -> Result<remediation::Model> {
    require(actor, Action::AcceptRisk)?;
    let (event, before) =
        load(app, actor, Act::AcceptRisk, input.remediation, input.expected_version).await?;
    let decided = decision::Entity::find_by_id(input.decision.0).one(app.database.reader()).await?;
    let granted = rules::accepts_risk(decided.as_ref(), &before, app.clock.now())
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    let after = remediation::Model {
        state: RemediationState::RiskAccepted,
        risk_decision_id: Some(granted),
        ..before.clone()
    };
    write(app, ChangeSet::new(app, actor, Action::AcceptRisk), &event, &before, after).await
}

/// The release that carries a verified fix. 携带修复的发布版本。
#[derive(Clone, Debug, InputObject)]
pub struct RecordRelease {
    /// The line's fix. 产品线修复。
    pub remediation: Id<remediation::Entity>,
    /// The fix's version that was seen. 所见版本。
    pub expected_version: i32,
    /// Versions that carry the fix. 修复版本。
    pub release_versions: String,
    /// Advisory of the release. 安全公告。
    pub advisory: Option<String>,
    /// When it was available: an anchor of clocks. 可用时间。
    pub available_at: DateTime<Utc>,
}

/// Records the release.
///
/// # Errors
/// By policy, visibility, line and version; refusals by status and state.
pub async fn record_release(app: &App, actor: &Actor, input: &RecordRelease) -> Result<remediation::Model> {
    require(actor, Action::RecordRelease)?;
    let (event, before) = load(app, actor, Act::Release, input.remediation, input.expected_version).await?;
    let after = remediation::Model {
        release_versions: Some(require_text("input.releaseVersions", &input.release_versions, SHORT)?),
        advisory: optional_text("input.advisory", input.advisory.as_ref(), SHORT)?,
        available_at: Some(past(app, "input.availableAt", input.available_at)?),
        ..before.clone()
    };
    write(app, ChangeSet::new(app, actor, Action::RecordRelease), &event, &before, after).await
}
