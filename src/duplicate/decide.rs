//! What a person decides of two reports.

use std::collections::BTreeSet;

use async_graphql::InputObject;
use entity::vocabulary::{DuplicateOutcome, EventLinkKind, Status, Verdict};
use entity::{duplicate_decision, duplicate_decision_reason, report};

use super::{Lookups, MOST, candidates, rules, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::AccessFacts;
use crate::error::{Error, Result};
use crate::event::{self as events, expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::intake;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::verdict::{self, GiveVerdict};

/// Longest rationale, in characters.
const RATIONALE: usize = 2_000;

/// What two reports have to do with each other. 重复判定。
#[derive(Clone, Debug, InputObject)]
pub struct DecideDuplicate {
    /// The report that was looked at; of a duplicate, the later one. 报告；判为重复时须为较晚者。
    pub report: Id<report::Entity>,
    /// The report that it was compared with. 对比的报告。
    pub other_report: Id<report::Entity>,
    /// The version that was seen of the event of `report`. 所见的 report 所属事件的版本。
    pub expected_version: i32,
    /// What they have to do with each other. 判定结果。
    pub outcome: DuplicateOutcome,
    /// Why. 理由。
    pub rationale: String,
}

/// Decides of a pair, for good. DUPLICATE says that `report`, which was received later, repeats the other: it gives its
/// event, while that is analysed, the verdict DUPLICATE of the other's event by the verdict's own rules; one that has not come
/// to the analysis has to be brought there first; one that has left it is linked to the other, and a person returns it to the
/// analysis first where it is to get another verdict. RELATED links the events. The same decision again changes nothing.
///
/// # Errors
/// By policy, visibility and version; refusals when something else was decided, when both reports are on one event, when the
/// duplicate was received first, and those of the verdict.
pub async fn decide(app: &App, actor: &Actor, input: &DecideDuplicate) -> Result<duplicate_decision::Model> {
    require(actor, Action::DecideDuplicate)?;
    let rationale = require_text("input.rationale", &input.rationale, RATIONALE)?;
    let report = intake::store::find(app, actor, input.report.0).await?;
    let other = intake::store::find(app, actor, input.other_report.0).await?;
    let before = events::store::find(app, actor, report.event_id).await?;
    let original = events::store::find(app, actor, other.event_id).await?;
    let (later, earlier) = rules::pair(&report, &other);
    let known = store::decision(app, later, earlier).await?;
    rules::may_decide((&report, &before), (&other, &original), input.outcome, known.as_ref())
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    if let Some(known) = known {
        return Ok(known);
    }
    expect_version(before.version, input.expected_version)?;
    for event in [&before, &original] {
        let access = AccessFacts::load(app, event).await?;
        verdict::refuse_reporter(
            &access,
            actor,
            "a report's own reporter does not decide what it is the same as",
        )?;
    }
    let shown = candidates(app, actor, &Lookups::default(), later, MOST).await?;
    let shown = shown.iter().find(|candidate| candidate.report.id == earlier.id);
    let score = shown.and_then(|candidate| i32::try_from(candidate.likeness.score).ok());
    let mut changes = ChangeSet::new(app, actor, Action::DecideDuplicate).because(Some(rationale.as_str()));
    let row = duplicate_decision::Model {
        id: app.ids.next(),
        report_id: later.id,
        other_report_id: earlier.id,
        outcome: input.outcome,
        rationale: rationale.clone(),
        score,
        decided_by: changes.actor().to_owned(),
        decided_at: changes.at(),
    };
    changes.insert(&row);
    let reasons = shown.iter().flat_map(|candidate| &candidate.likeness.reasons).map(|reason| reason.code);
    for code in reasons.collect::<BTreeSet<_>>() {
        changes.write_row(&duplicate_decision_reason::Model { decision_id: row.id, code });
    }
    let told = message::EventDuplicateDecided { report: Opaque::new(later.id), outcome: input.outcome };
    changes.message(app, Some(before.id), &told);
    if input.outcome == DuplicateOutcome::Duplicate && before.status == Status::Triaging {
        let verdict = GiveVerdict {
            original_event: Some(Id::new(original.id)),
            ..GiveVerdict::new(before.id, before.version, Verdict::Duplicate, rationale)
        };
        verdict::decide(app, actor, &verdict, &mut changes).await?;
    } else {
        let related = events::store::are_related(app, before.id, original.id).await?;
        if input.outcome != DuplicateOutcome::Distinct && !related {
            changes.insert(&events::link_row(app, &changes, before.id, original.id, EventLinkKind::Related));
        }
        changes.revise(app, &before, before.clone(), Some(before.id), Bump::RevisionOnly);
    }
    app.commit(changes).await?;
    Ok(row)
}
