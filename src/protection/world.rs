//! Recording what the world knows or does.

use async_graphql::InputObject;
use chrono::{DateTime, SubsecRound, Utc};
use entity::vocabulary::{DecisionKind, WorldFactKind};
use entity::{decision, event, world_fact};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::rules;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::deadline::Clocks;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{self as events, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};

/// Longest source, in characters.
const SHORT: usize = 2_000;

/// A fact about the world. 外部事实。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct RecordWorldFact {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// What it is. 类型。
    pub kind: WorldFactKind,
    /// When it happened, if that is known. 发生时间，未知可不填。
    pub occurred_at: Option<DateTime<Utc>>,
    /// When we learned of it: what clocks count from. 获知时间，各时限由此起算。
    pub learned_at: DateTime<Utc>,
    /// Where it is known from. 来源。
    pub source: String,
    /// Sent again with the same input, it answers what the first one did. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Records a fact; under an embargo it asks the leading group whether the embargo should end.
///
/// # Errors
/// By policy and visibility; refusals when the instants cannot be, and for the exploitation of a duplicate, which
/// belongs to its original.
pub async fn record_world_fact(app: &App, actor: &Actor, input: &RecordWorldFact) -> Result<event::Model> {
    require(actor, Action::RecordWorldFact)?;
    let source = require_text("input.source", &input.source, SHORT)?;
    let before = events::store::find(app, actor, input.event.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::RecordWorldFact, key, input).await? {
        Replay::Done(_) => return Ok(before),
        Replay::First(key) => key,
    };
    if rules::belongs_to_original(&before, input.kind) {
        return Err(refer_to_original(app, actor, &before).await?);
    }
    let mut changes = ChangeSet::new(app, actor, Action::RecordWorldFact);
    let occurred_at = input.occurred_at.map(|at| at.trunc_subsecs(6));
    let learned_at = input.learned_at.trunc_subsecs(6);
    let refusals = rules::check_instants(occurred_at, learned_at, changes.at());
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    let row = world_fact::Model {
        id: app.ids.next(),
        event_id: before.id,
        kind: input.kind,
        occurred_at,
        learned_at,
        source,
        recorded_by: changes.actor().to_owned(),
        recorded_at: changes.at(),
    };
    changes.insert(&row);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    let told = message::EventWorldFactRecorded { fact: Opaque::new(row.id), kind: row.kind };
    changes.message(app, Some(before.id), &told);
    if rules::is_embargoed(before.embargo_until, changes.at()) && !asked_already(app, &before).await? {
        ask_to_end_embargo(app, &mut changes, &before, row.kind);
    }
    let mut after = before.clone();
    let mut clocks = Clocks::load(app, &before).await?;
    clocks.facts.world.push(row);
    clocks.replan(app, &mut changes, &mut after)?;
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Says where a duplicate's exploitation has to be recorded. An original that the actor may not see is not named.
async fn refer_to_original(app: &App, actor: &Actor, event: &event::Model) -> Result<Error> {
    let original = match event.duplicate_of {
        Some(id) => match events::store::find(app, actor, id).await {
            Ok(original) => Some(original.number),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let message = match original {
        Some(number) => format!("the event is a duplicate and opens no legal duty: record it on {number}"),
        None => "the event is a duplicate and opens no legal duty: ask a LEADER to record it on its original"
            .to_owned(),
    };
    Ok(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "event", message)]))
}

/// Whether a question about disclosure waits for its answer.
async fn asked_already(app: &App, event: &event::Model) -> Result<bool> {
    let select = decision::Entity::find()
        .filter(decision::Column::EventId.eq(event.id))
        .filter(decision::Column::Kind.eq(DecisionKind::Disclose))
        .filter(decision::Column::DecidedAt.is_null());
    Ok(select.one(app.database.reader()).await?.is_some())
}

fn ask_to_end_embargo(app: &App, changes: &mut ChangeSet, event: &event::Model, kind: WorldFactKind) {
    let fact = match kind {
        WorldFactKind::PubliclyKnown => "The vulnerability is publicly known",
        WorldFactKind::ExploitPublic => "An exploit is public",
        WorldFactKind::ExploitedInTheWild => "The vulnerability is exploited in the wild",
    };
    let row = decision::Model {
        id: app.ids.next(),
        event_id: event.id,
        kind: DecisionKind::Disclose,
        question: format!("{fact} while the event is under embargo. Should the embargo end?"),
        options: vec!["End the embargo".to_owned(), "Keep the embargo".to_owned()].into(),
        line: None,
        asked_by: changes.actor().to_owned(),
        asked_at: changes.at(),
        due_at: None,
        participants: Vec::new().into(),
        outcome: None,
        granted: None,
        extent: None,
        decided_by: None,
        decided_at: None,
        expires_at: None,
        expiry_told_at: None,
        version: 1,
    };
    changes.insert(&row);
    crate::decision::tell(app, changes, &row);
}
