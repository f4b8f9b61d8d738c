//! What the leading group is asked, and what it decided.
//!
//! A decision keeps the question, its options, who took part, who decided what and when. Those who work on an
//! event ask for one; a LEADER other than the asker records it, once. Recording moves nothing by itself: an
//! analyst makes the move that a granted decision allows (accepting a line's risk names it).

pub mod graphql;
pub mod rules;
pub mod store;

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use entity::texts::Texts;
use entity::vocabulary::{AbroadExtent, DecisionKind};
use entity::{decision, event};
use serde::Serialize;

use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::deadline::Clocks;
use crate::error::{Error, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use rules::Ruling;

/// Longest subject or line, in characters.
const NAME: usize = 255;
/// Longest option or outcome, in characters.
const SHORT: usize = 2_000;
/// Longest question, in characters.
const LONG: usize = 20_000;
/// Most options or participants.
const MOST: usize = 50;

/// A question to the leading group. 提请决策。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AskDecision {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// What is to be decided. 决策事项。
    pub kind: DecisionKind,
    /// The question. 问题。
    pub question: String,
    /// Options to choose from; left out, the outcome is free text. 可选方案；未提供时结论为自由文本。
    pub options: Option<Vec<String>>,
    /// The product line; required for ACCEPT_RISK. 产品线；接受风险时必填。
    pub line: Option<String>,
    /// When an answer is due. 答复期限。
    pub due_at: Option<DateTime<Utc>>,
    /// Sent again with the same input, it answers the first decision. 幂等键；相同输入返回首次结果。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// What was decided. 记录决策。
#[derive(Clone, Debug, InputObject)]
pub struct RecordDecision {
    /// The decision that was asked for. 所提请的决策。
    pub decision: Id<decision::Entity>,
    /// The version of the decision that was seen. 所见决策版本。
    pub expected_version: i32,
    /// What was decided: one of the options, where there are any. 结论；有可选方案时须为其一。
    pub outcome: String,
    /// Whether what was asked for may be done. 是否批准。
    pub granted: bool,
    /// How much may go abroad; required for REPORT_ABROAD, and for nothing else. 允许向境外提供的范围；仅在向境外报送时必填。
    pub extent: Option<AbroadExtent>,
    /// Subjects of who took part; REFUSE needs somebody of LEGAL among them, another person than who records it.
    /// 参与人；不同意（REFUSE）时须含法务人员，且不得为记录人本人。
    pub participants: Option<Vec<String>>,
    /// When an accepted risk ends; required for a granted ACCEPT_RISK, and for nothing else.
    /// 接受风险的到期时间；仅在批准接受风险时必填。
    pub expires_at: Option<DateTime<Utc>>,
}

/// A list of different texts.
fn texts(field: &str, texts: Option<&Vec<String>>, max: usize) -> Result<Texts> {
    let texts = texts.map(Vec::as_slice).unwrap_or_default();
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        let text = require_text(field, text, max)?;
        if kept.contains(&text) {
            return Err(Error::bad_input(field, format!("send each once: {text} stands twice")));
        }
        kept.push(text);
    }
    if kept.len() > MOST {
        return Err(Error::bad_input(field, format!("send at most {MOST}")));
    }
    Ok(kept.into())
}

/// Records, inside the schedule's change, that the leading group is told of the near end of an accepted risk.
pub fn announce_expiry(app: &App, changes: &mut ChangeSet, before: &decision::Model) {
    let told = decision::Model { expiry_told_at: Some(changes.at()), ..before.clone() };
    changes.update(before, &told);
    tell(app, changes, &told);
}

/// Tells of a decision that was asked for or made.
pub fn tell(app: &App, changes: &mut ChangeSet, row: &decision::Model) {
    let told = message::DecisionChanged {
        decision: Opaque::new(row.id),
        kind: row.kind,
        decided: row.decided_at.is_some(),
        granted: row.granted,
        expiring: row.expiry_told_at.is_some(),
    };
    changes.message(app, Some(row.event_id), &told);
}

/// Asks the leading group for a decision.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on an empty question, a repeated option, or ACCEPT_RISK without
/// its line.
pub async fn ask(app: &App, actor: &Actor, input: &AskDecision) -> Result<decision::Model> {
    require(actor, Action::AskDecision)?;
    let question = require_text("input.question", &input.question, LONG)?;
    let options = texts("input.options", input.options.as_ref(), SHORT)?;
    let line = optional_text("input.line", input.line.as_ref(), NAME)?;
    if input.kind == DecisionKind::AcceptRisk && line.is_none() {
        return Err(Error::bad_input("input.line", "name the product line whose risk is to be accepted"));
    }
    let event = crate::event::store::find(app, actor, input.event.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::AskDecision, key, input).await? {
        Replay::Done(id) => return store::find(app, actor, id).await,
        Replay::First(key) => key,
    };
    let mut changes = ChangeSet::new(app, actor, Action::AskDecision);
    let row = decision::Model {
        id: app.ids.next(),
        event_id: event.id,
        kind: input.kind,
        question,
        options,
        line,
        asked_by: actor.subject.to_string(),
        asked_at: changes.at(),
        due_at: input.due_at,
        participants: Texts::default(),
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
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    tell(app, &mut changes, &row);
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::Version);
    app.commit(changes).await?;
    Ok(row)
}

/// Those of `subjects` who are known to be of LEGAL: their last sign-in said so, and counts.
async fn of_legal(app: &App, actor: &Actor, subjects: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for subject in subjects {
        let principal = crate::principal::store::latest(app, subject).await?;
        let acting = principal.and_then(|row| crate::principal::acting(app, &row, actor.origin.clone()));
        if acting.is_some_and(|person| person.is(Role::Legal)) {
            found.push(subject.clone());
        }
    }
    Ok(found)
}

/// Records what was decided, once.
///
/// # Errors
/// By policy, visibility and the decision's version; refusals where it is decided already, the actor asked for
/// it, the outcome is none of the options, an accepted risk has no end in the future, what may go abroad is not said, or
/// it is refused with nobody of LEGAL.
pub async fn record(app: &App, actor: &Actor, input: &RecordDecision) -> Result<decision::Model> {
    require(actor, Action::RecordDecision)?;
    let outcome = require_text("input.outcome", &input.outcome, SHORT)?;
    let participants = texts("input.participants", input.participants.as_ref(), NAME)?;
    let before = store::find(app, actor, input.decision.0).await?;
    let event = crate::event::store::find(app, actor, before.event_id).await?;
    expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, Action::RecordDecision);
    let of_legal = match input.extent {
        Some(AbroadExtent::Refuse) => of_legal(app, actor, &participants.0).await?,
        _ => Vec::new(),
    };
    let ruling = Ruling {
        by: &actor.subject,
        at: changes.at(),
        outcome: &outcome,
        granted: input.granted,
        extent: input.extent,
        expires_at: input.expires_at,
        of_legal: &of_legal,
    };
    let refusals = rules::refusals(&before, &ruling);
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    let after = decision::Model {
        participants,
        outcome: Some(outcome),
        granted: Some(input.granted),
        extent: input.extent,
        decided_by: Some(actor.subject.to_string()),
        decided_at: Some(changes.at()),
        expires_at: input.expires_at,
        version: before.version + 1,
        ..before.clone()
    };
    changes.update(&before, &after);
    tell(app, &mut changes, &after);
    let mut moved = event.clone();
    let mut clocks = Clocks::load(app, &event).await?;
    clocks.facts.decision_changed(&after);
    clocks.replan(app, &mut changes, &mut moved)?;
    changes.revise(app, &event, moved, Some(event.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
