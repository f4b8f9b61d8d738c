//! Scoring an event: the level follows, and the team with it.

use async_graphql::InputObject;
use entity::vocabulary::Status;
use entity::{decision, event, score};
use uuid::Uuid;

use super::given::{self, Given, ScoreEvidenceInput, ScoreFactorsInput};
use super::rules::{self, Rating, RescoreRefusal};
use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::deadline::Clocks;
use crate::deadline::rules::Scored;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::escalation::{self, rules::functions_for};
use crate::event::{self as events, optional_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, Opaque, Tenths, message};

/// Longest reason, in characters.
const SHORT: usize = 2_000;
/// Statuses in which an event is scored: from its verdict on, until it is closed.
const SCORED_IN: [Status; 5] =
    [Status::Rating, Status::Remediating, Status::Verifying, Status::Replying, Status::Reviewing];

/// A five-factor rating. 五要素定级。
#[derive(Clone, Debug, InputObject)]
pub struct ScoreEvent {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// The factors. 要素。
    pub factors: ScoreFactorsInput,
    /// What they rest on. 依据。
    pub evidence: ScoreEvidenceInput,
    /// Why it is scored again; asked for when the score falls. 重新定级的原因；分数降低时必填。
    pub reason: Option<String>,
    /// A granted decision of kind SETTLE_DISPUTE, newer than the current score; asked for when the level falls out of
    /// RED or ORANGE. 领导小组同意降级的决定；由红、橙降级时必填。
    pub consent_decision: Option<Id<decision::Entity>>,
}

/// Scores an event by the newest rating policy.
///
/// # Errors
/// By policy, visibility, version and status; refusals that name what is missing; FOUR_EYES for who reported it.
pub async fn score_event(app: &App, actor: &Actor, input: &ScoreEvent) -> Result<event::Model> {
    require(actor, Action::ScoreEvent)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), SHORT)?;
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let before = clocks.facts.event.clone();
    events::expect_version(before.version, input.expected_version)?;
    let access = AccessFacts::load(app, &before).await?;
    crate::verdict::refuse_reporter(&access, actor, "a report's own reporter does not score its event")?;
    check_status(&before)?;
    let products = match store::product_factors(app, before.id).await? {
        Some((importance, reach)) => Some((store::factor_of(importance)?, store::factor_of(reach)?)),
        None => None,
    };
    let given = given::read(&input.factors, &input.evidence, products)?;
    let (policy, rating_policy) = store::current_policy(app).await?;
    let rating = rules::rate(&rating_policy, &given.factors);
    let last = store::current(app, before.id).await?;
    let consent = consent(app, &before, last.as_ref(), input).await?;
    let last_rating = last.as_ref().map(store::rating_of).transpose()?;
    rules::check_rescore(last_rating.as_ref(), &rating, reason.as_deref(), consent.is_some())
        .map_err(|missing| Error::Refused(missing.iter().map(refusal).collect()))?;

    let mut changes = ChangeSet::new(app, actor, Action::ScoreEvent).because(reason.as_deref());
    let row = score::Model {
        consented_by: consent.and_then(|decision| decision.decided_by),
        reason,
        ..score_row(app, &changes, &before, policy.id, &given, &rating)
    };
    if let Some(last) = &last {
        changes.update(last, &score::Model { superseded_at: Some(changes.at()), ..last.clone() });
    }
    changes.insert(&row);
    let mut after = before.clone();
    after.level = rating.level;
    after.level_rank = rating.level as i32;
    after.highest_level = before.highest_level.max(rating.level);
    after.score = row.rounded;
    let mut granted = AccessFacts { event: after.clone(), ..access.clone() };
    let customer = store::touches_customer(app, before.id).await?;
    let needed = functions_for(rating.level, Some(given.factors.public_opinion), customer);
    let last_factors = last.as_ref().map(store::factors_of).transpose()?;
    let opinion_before = last_factors.map(|factors| factors.public_opinion);
    let needed_before = functions_for(before.level, opinion_before, customer);
    let joining = escalation::to_bring(&granted.members, &needed, &needed_before);
    escalation::bring(app, &mut changes, &mut granted, &joining).await?;
    regrant(&mut changes, Some(&access), &granted);
    let told =
        message::EventScored { score: Opaque::new(row.id), total: Tenths(row.rounded), level: rating.level };
    changes.message(app, Some(before.id), &told);
    clocks.facts.scores.push(Scored { pass: row.pass, at: row.scored_at });
    clocks.replan(app, &mut changes, &mut after)?;
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

fn check_status(event: &event::Model) -> Result<()> {
    if SCORED_IN.contains(&event.status) {
        return Ok(());
    }
    let message = match event.status {
        Status::Closed => "the event is closed: reopen it first (reopenEvent)".to_owned(),
        status => format!("the event is {status}: give the verdict first (giveVerdict)"),
    };
    Err(Error::refused(RefusalCode::MoveNotAllowed, message))
}

/// The decision that is sent as consent, when it is one for lowering the last score.
async fn consent(
    app: &App,
    event: &event::Model,
    last: Option<&score::Model>,
    input: &ScoreEvent,
) -> Result<Option<decision::Model>> {
    let Some(id) = input.consent_decision else { return Ok(None) };
    let decision = store::decision(app, event.id, id.0).await?.ok_or_else(|| {
        let message = "it is no decision of this event: name one of its decisions";
        Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "consentDecision", message)])
    })?;
    Ok(last.filter(|last| given::consents(&decision, last.scored_at)).map(|_| decision))
}

fn refusal(missing: &RescoreRefusal) -> Refusal {
    match missing {
        RescoreRefusal::ReasonMissing { .. } => {
            Refusal::on(RefusalCode::MissingFact, "reason", missing.to_string())
        }
        RescoreRefusal::LeaderConsentMissing { .. } => Refusal::on(
            RefusalCode::NeedsLeader,
            "consentDecision",
            format!(
                "{missing}: ask for a decision of kind SETTLE_DISPUTE (askDecision) and send it once it is granted"
            ),
        ),
    }
}

fn score_row(
    app: &App,
    changes: &ChangeSet,
    event: &event::Model,
    policy_id: Uuid,
    given: &Given,
    rating: &Rating,
) -> score::Model {
    let factors = &given.factors;
    score::Model {
        id: app.ids.next(),
        event_id: event.id,
        pass: event.pass,
        product_importance: factors.product_importance.tenths().into(),
        product_reach: factors.product_reach.tenths().into(),
        public_opinion: factors.public_opinion.tenths().into(),
        exploit_conditions: factors.exploit_conditions.tenths().into(),
        actual_impact: factors.actual_impact.tenths().into(),
        total: i32::try_from(rating.total.units()).unwrap_or(i32::MAX),
        rounded: rating.rounded.get().into(),
        level: rating.level,
        policy_id,
        evidence: given.evidence.clone(),
        reason: None,
        consented_by: None,
        scored_by: changes.actor().to_owned(),
        scored_at: changes.at(),
        superseded_at: None,
    }
}

#[cfg(test)]
mod tests;
