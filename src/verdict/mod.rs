//! Verdicts: what the analysis concluded, with the facts that it rests on.
//!
//! A verdict is never changed, only superseded by the next. It moves more than its own event: the reports get
//! their severity, engineers begin or cease to see the event, channels already answered are owed the new
//! verdict, and what was called a duplicate of the event comes back to a person. All of it is one change.
//!
//! Duplicates stay flat: `duplicate_of` always names an event that is no duplicate itself. An original is
//! revised together with the event that becomes its duplicate, so two events can never name each other.
//!
//! What was KNOWN_INTERNALLY may be fixed elsewhere: the verdict then names the event whose fix it is, and both list
//! each other. The report keeps its own event all the same, since it is rated, has clocks and owes replies of its
//! own. Named or not, the event goes on to RATING; without a name it is itself the event that is fixed. A name always
//! stands for the end of its chain, so no two events wait for each other's fix.

pub mod graphql;
pub mod rules;
pub mod store;

use async_graphql::InputObject;
use chrono::NaiveDate;
use entity::vocabulary::{EventLinkKind, Severity, Verdict};
use entity::{event, report, verdict, world_fact};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::deadline::Clocks;
use crate::deadline::rules::Given;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{self as events, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, message};
use rules::Facts;

/// Longest fact, in characters.
const SHORT: usize = 2_000;
/// Longest rationale, in characters.
const LONG: usize = 100_000;
/// Why a duplicate is looked at again; says nothing of the original.
const ORIGINAL_CHANGED: &str = "the verdict of the original changed";

/// The conclusion of the analysis and the facts that belong to it. 研判结论及其依据。
#[derive(Clone, Debug, InputObject)]
pub struct GiveVerdict {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// The conclusion. 结论。
    pub verdict: Verdict,
    /// Why. 理由。
    pub rationale: String,
    /// Severity told to the reporter, with CONFIRMED. 严重程度，确认时必填。
    pub severity: Option<Severity>,
    /// The one report that gets the severity; all reports of the event without it. 指定获得严重程度的报告；不填则为全部报告。
    pub report: Option<Id<report::Entity>>,
    /// The event that this one repeats, with DUPLICATE. 原始事件，重复时必填。
    pub original_event: Option<Id<event::Entity>>,
    /// The event that fixes it, with KNOWN_INTERNALLY; left out, this event is the one that is fixed.
    /// 修复该漏洞的事件（内部已知时可填）；不填则由本事件修复。
    pub fixing_event: Option<Id<event::Entity>>,
    /// The internal finding, with KNOWN_INTERNALLY. 内部发现编号，内部已知时必填。
    pub internal_finding: Option<String>,
    /// The day it was first known, with KNOWN_INTERNALLY and ALREADY_FIXED. 首次获知日期。
    pub first_known_on: Option<NaiveDate>,
    /// The published advisory, with ALREADY_FIXED. 已发布的公告。
    pub advisory: Option<String>,
    /// The version with the fix, with ALREADY_FIXED. 修复版本。
    pub fixed_version: Option<String>,
    /// The notice of the product's end, with END_OF_LIFE. 退市公告。
    pub end_of_life_notice: Option<String>,
    /// The last supported version, with END_OF_LIFE. 最后支持的版本。
    pub last_supported_version: Option<String>,
    /// What replaces the product, or "none", with END_OF_LIFE. 替代产品，没有则填 none。
    pub successor: Option<String>,
    /// To whom it was forwarded, with OTHER_VENDOR. 转交对象。
    pub forwarded_to: Option<String>,
}

impl GiveVerdict {
    /// A verdict that names nothing yet.
    pub fn new(event: Uuid, expected_version: i32, verdict: Verdict, rationale: String) -> Self {
        Self {
            event: Id::new(event),
            expected_version,
            verdict,
            rationale,
            severity: None,
            report: None,
            original_event: None,
            fixing_event: None,
            internal_finding: None,
            first_known_on: None,
            advisory: None,
            fixed_version: None,
            end_of_life_notice: None,
            last_supported_version: None,
            successor: None,
            forwarded_to: None,
        }
    }

    fn facts(&self) -> Result<Facts> {
        let text = |field: &str, text: &Option<String>| {
            optional_text(&format!("input.{field}"), text.as_ref(), SHORT)
        };
        Ok(Facts {
            severity: self.severity,
            report: self.report.map(|id| id.0),
            original_event: self.original_event.map(|id| id.0),
            fixing_event: self.fixing_event.map(|id| id.0),
            internal_finding: text("internalFinding", &self.internal_finding)?,
            first_known_on: self.first_known_on,
            advisory: text("advisory", &self.advisory)?,
            fixed_version: text("fixedVersion", &self.fixed_version)?,
            end_of_life_notice: text("endOfLifeNotice", &self.end_of_life_notice)?,
            last_supported_version: text("lastSupportedVersion", &self.last_supported_version)?,
            successor: text("successor", &self.successor)?,
            forwarded_to: text("forwardedTo", &self.forwarded_to)?,
        })
    }
}

/// Gives the verdict on an event that is analysed.
///
/// # Errors
/// By policy, visibility, version and the move table; refusals that name each fact that is missing or does not
/// belong; FOUR_EYES for who reported it.
pub async fn give_verdict(app: &App, actor: &Actor, input: &GiveVerdict) -> Result<event::Model> {
    let mut changes = ChangeSet::new(app, actor, Action::GiveVerdict);
    let after = decide(app, actor, input, &mut changes).await?;
    app.commit(changes).await?;
    Ok(after)
}

/// The same inside the caller's change, which closes with it.
///
/// # Errors
/// Those of [`give_verdict`].
pub async fn decide(
    app: &App,
    actor: &Actor,
    input: &GiveVerdict,
    changes: &mut ChangeSet,
) -> Result<event::Model> {
    require(actor, Action::GiveVerdict)?;
    let rationale = require_text("input.rationale", &input.rationale, LONG)?;
    let facts = input.facts()?;
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let before = clocks.facts.event.clone();
    events::expect_version(before.version, input.expected_version)?;
    let access = AccessFacts::load(app, &before).await?;
    refuse_reporter(&access, actor, "a report's own reporter gives no verdict on its event")?;
    let mut refusals = rules::check_facts(input.verdict, &facts, changes.at().date_naive());
    refusals.extend(rules::check_waiting(&before, input.verdict, changes.at()));
    if facts.report.is_some_and(|id| !access.reports.iter().any(|(report, ..)| report.id == id)) {
        let message = "it is no report of this event: name one of its reports";
        refusals.push(Refusal::on(RefusalCode::UnknownReference, "report", message));
    }
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    let original = match facts.original_event {
        Some(named) => Some(find_original(app, actor, &before, named).await?),
        None => None,
    };
    let fixing = match facts.fixing_event {
        Some(named) => Some(find_fixing(app, actor, &before, named).await?),
        None => None,
    };

    let mut after = before.clone();
    let (to, cause) = rules::move_of(input.verdict);
    events::transition(app, changes, &mut after, to, cause, None)?;
    after.verdict = Some(input.verdict);
    after.duplicate_of = original.as_ref().map(|original| original.id);
    let original_id = after.duplicate_of;
    let mut row = verdict_row(app, changes, &before, input, &facts, rationale, original_id);
    row.fixing_event_id = fixing.as_ref().map(|fixing| fixing.id);
    let given = Given { id: row.id, verdict: row.verdict, at: row.given_at };
    supersede(app, changes, row).await?;
    set_severity(changes, &access, &facts);
    let changed = rules::changes_verdict(before.verdict, input.verdict);
    clocks.facts.verdicts.push(given);
    clocks.facts.news = changed.then_some(given.id);
    clocks.replan(app, changes, &mut after)?;
    let granted = AccessFacts { event: after.clone(), ..access.clone() };
    regrant(changes, Some(&access), &granted);
    let linked = match &fixing {
        Some(fixing) => store::are_linked(app, before.id, fixing.id).await?,
        None => true,
    };
    if let Some(fixing) = fixing.as_ref().filter(|_| !linked) {
        changes.insert(&events::link_row(app, changes, before.id, fixing.id, EventLinkKind::FixedBy));
    }
    changes.message(app, Some(before.id), &message::EventVerdictGiven { verdict: input.verdict });
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    for duplicate in store::duplicates(app, before.id).await? {
        follow_original(app, changes, duplicate, original_id, changed)?;
    }
    if let Some(original) = original {
        learn_from(app, changes, &original, clocks.facts.world).await?;
    }
    if let Some(fixing) = fixing {
        if !linked {
            changes.insert(&events::link_row(app, changes, fixing.id, before.id, EventLinkKind::Fixes));
        }
        changes.revise(app, &fixing, fixing.clone(), Some(fixing.id), Bump::RevisionOnly);
    }
    Ok(after)
}

/// Refuses the reporter of any of the event's reports, by subject.
///
/// # Errors
/// FOUR_EYES with `message`.
pub fn refuse_reporter(access: &AccessFacts, actor: &Actor, message: &str) -> Result<()> {
    let own = access.reports.iter().any(|(_, _, subject)| subject.as_deref() == Some(&*actor.subject));
    if own { Err(Error::refused(RefusalCode::FourEyes, message)) } else { Ok(()) }
}

/// The event that `named` means: itself, or its own original when it is a duplicate.
async fn find_original(
    app: &App,
    actor: &Actor,
    duplicate: &event::Model,
    named: Uuid,
) -> Result<event::Model> {
    let refuse = |code, message: &str| Error::Refused(vec![Refusal::on(code, "originalEvent", message)]);
    let unknown = |error| match error {
        Error::NotFound => {
            refuse(RefusalCode::UnknownReference, "there is no such event that you may see: name another one")
        }
        other => other,
    };
    let mut original = events::store::find(app, actor, named).await.map_err(unknown)?;
    if let Some(id) = original.duplicate_of {
        if id == duplicate.id {
            let message = "it is a duplicate of this event: name the one that came first";
            return Err(refuse(RefusalCode::Contradiction, message));
        }
        original = events::store::find(app, actor, id).await.map_err(unknown)?;
    }
    if original.id == duplicate.id {
        let message = "an event does not repeat itself: name the one that came first";
        return Err(refuse(RefusalCode::Contradiction, message));
    }
    Ok(original)
}

/// The event that is fixed in the end where `named` says so: itself, or the one whose fix it waits for in turn.
async fn find_fixing(app: &App, actor: &Actor, event: &event::Model, named: Uuid) -> Result<event::Model> {
    let mut id = named;
    loop {
        let found = events::store::find(app, actor, id).await.map_err(|error| match error {
            Error::NotFound => {
                let message = "there is no such event that you may see: name another one, or leave it out";
                Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "fixingEvent", message)])
            }
            other => other,
        })?;
        rules::may_fix(event, &found).map_err(|refusal| Error::Refused(vec![refusal]))?;
        match store::current(app, found.id).await?.and_then(|verdict| verdict.fixing_event_id) {
            Some(next) => id = next,
            None => return Ok(found),
        }
    }
}

fn verdict_row(
    app: &App,
    changes: &ChangeSet,
    event: &event::Model,
    input: &GiveVerdict,
    facts: &Facts,
    rationale: String,
    original: Option<Uuid>,
) -> verdict::Model {
    let facts = facts.clone();
    verdict::Model {
        id: app.ids.next(),
        event_id: event.id,
        pass: event.pass,
        verdict: input.verdict,
        severity: facts.severity,
        rationale,
        original_event_id: original,
        fixing_event_id: None,
        internal_finding: facts.internal_finding,
        first_known_on: facts.first_known_on,
        advisory: facts.advisory,
        fixed_version: facts.fixed_version,
        end_of_life_notice: facts.end_of_life_notice,
        last_supported_version: facts.last_supported_version,
        successor: facts.successor,
        forwarded_to: facts.forwarded_to,
        given_by: changes.actor().to_owned(),
        given_at: changes.at(),
        superseded_at: None,
    }
}

async fn supersede(app: &App, changes: &mut ChangeSet, row: verdict::Model) -> Result<()> {
    if let Some(last) = store::current(app, row.event_id).await? {
        let superseded = verdict::Model { superseded_at: Some(changes.at()), ..last.clone() };
        changes.update(&last, &superseded);
    }
    changes.insert(&row);
    Ok(())
}

/// Lets the clocks of an original follow what is known of a duplicate: it is the same vulnerability.
async fn learn_from(
    app: &App,
    changes: &mut ChangeSet,
    original: &event::Model,
    world: Vec<world_fact::Model>,
) -> Result<()> {
    let mut after = original.clone();
    if !world.is_empty() {
        let mut clocks = Clocks::load(app, original).await?;
        clocks.facts.world.extend(world);
        clocks.replan(app, changes, &mut after)?;
    }
    if after == *original {
        // No entry in its audit trail: who sees it may not see what repeats it.
        changes.demand(original);
    } else {
        changes.revise(app, original, after, Some(original.id), Bump::Version);
    }
    Ok(())
}

/// Gives the reports their severity; a verdict other than CONFIRMED takes it back.
fn set_severity(changes: &mut ChangeSet, access: &AccessFacts, facts: &Facts) {
    for (row, ..) in &access.reports {
        if facts.report.is_none_or(|id| id == row.id) {
            changes.update(row, &report::Model { severity: facts.severity, ..row.clone() });
        }
    }
}

/// Points the duplicates of an event whose last report was joined to another one to that one, or to its original.
///
/// # Errors
/// Of the database.
pub async fn follow_joined(
    app: &App,
    changes: &mut ChangeSet,
    emptied: Uuid,
    joined: &event::Model,
) -> Result<()> {
    let original = joined.duplicate_of.unwrap_or(joined.id);
    for duplicate in store::duplicates(app, emptied).await? {
        follow_original(app, changes, duplicate, Some(original), false)?;
    }
    Ok(())
}

/// Points a duplicate to the new original where its own became a duplicate, and returns it to a person when the
/// verdict that it rests on changed.
fn follow_original(
    app: &App,
    changes: &mut ChangeSet,
    duplicate: event::Model,
    original: Option<Uuid>,
    changed: bool,
) -> Result<()> {
    let mut after = duplicate.clone();
    if original.is_some() {
        after.duplicate_of = original;
    }
    if let Some(cause) = rules::return_cause(duplicate.status).filter(|_| changed) {
        let to = entity::vocabulary::Status::Triaging;
        events::transition(app, changes, &mut after, to, cause, Some(ORIGINAL_CHANGED))?;
    }
    if after != duplicate {
        changes.revise(app, &duplicate, after, Some(duplicate.id), Bump::Version);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
