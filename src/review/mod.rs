//! What an event taught: the review that closes it, and action items that outlive it.
//!
//! An action item is its owner's to the end, on the event's team or not: who owns one sees that item and ends it, and
//! learns nothing else of the event, not even its number.

pub mod graphql;
pub mod store;

use async_graphql::{Enum, InputObject};
use chrono::NaiveDate;
use entity::vocabulary::{ActionItemState, ReviewPhase, Status};
use entity::{action_item, event, review};
use serde::Serialize;

use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, RefusalCode, Result};
use crate::event::rules::{Cause, may_skip_review};
use crate::event::store as events;
use crate::event::{expect_version, optional_text, require_text, transition};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};

/// Longest title, in characters.
const SHORT: usize = 500;
/// Longest finding, in characters.
const LONG: usize = 20_000;
/// Most action items in one review.
const MAX_ITEMS: usize = 50;

/// An action item to add. 待添加的改进项。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct NewActionItem {
    /// What is to be done. 内容。
    pub title: String,
    /// Subject who does it. 责任人。
    pub owner: String,
    /// Day it is due. 截止日期。
    pub due_on: NaiveDate,
}

/// The review of an event. 事件复盘。
#[derive(Clone, Debug, InputObject)]
pub struct RecordReview {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Root cause. 根本原因。
    pub root_cause: String,
    /// Phase that should have caught it. 本应发现漏洞的阶段。
    pub missed_phase: ReviewPhase,
    /// What changes in standards. 规范改进。
    pub standard_changes: Option<String>,
    /// What changes in the process. 流程改进。
    pub process_changes: Option<String>,
    /// Action items. 改进项。
    #[graphql(default)]
    pub action_items: Vec<NewActionItem>,
}

/// REVIEWING to CLOSED with the review.
///
/// # Errors
/// By policy, visibility, version and the move table.
pub async fn record(app: &App, actor: &Actor, input: &RecordReview) -> Result<event::Model> {
    require(actor, Action::RecordReview)?;
    let before = events::find(app, actor, input.event.0).await?;
    expect_version(before.version, input.expected_version)?;
    if input.action_items.len() > MAX_ITEMS {
        return Err(Error::bad_input("input.actionItems", format!("send at most {MAX_ITEMS}")));
    }
    let mut changes = ChangeSet::new(app, actor, Action::RecordReview);
    let row = review::Model {
        id: app.ids.next(),
        event_id: before.id,
        pass: before.pass,
        root_cause: Some(require_text("input.rootCause", &input.root_cause, LONG)?),
        missed_phase: Some(input.missed_phase),
        standard_changes: optional_text("input.standardChanges", input.standard_changes.as_ref(), LONG)?,
        process_changes: optional_text("input.processChanges", input.process_changes.as_ref(), LONG)?,
        skipped_reason: None,
        recorded_by: actor.subject.to_string(),
        recorded_at: changes.at(),
    };
    for item in &input.action_items {
        let row = new_item(app, actor, &before, item)?;
        changes.insert(&row);
    }
    close(app, changes, &before, &row).await
}

/// Closing without a review. 跳过复盘。
#[derive(Clone, Debug, InputObject)]
pub struct SkipReview {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

/// REVIEWING to CLOSED without a review, where the highest level the event ever had is below YELLOW.
///
/// # Errors
/// By policy, visibility, version and the move table; a refusal from YELLOW.
pub async fn skip(app: &App, actor: &Actor, input: &SkipReview) -> Result<event::Model> {
    require(actor, Action::SkipReview)?;
    let reason = require_text("input.reason", &input.reason, LONG)?;
    let before = events::find(app, actor, input.event.0).await?;
    expect_version(before.version, input.expected_version)?;
    may_skip_review(&before).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let changes = ChangeSet::new(app, actor, Action::SkipReview).because(Some(&reason));
    let row = review::Model {
        id: app.ids.next(),
        event_id: before.id,
        pass: before.pass,
        root_cause: None,
        missed_phase: None,
        standard_changes: None,
        process_changes: None,
        skipped_reason: Some(reason.clone()),
        recorded_by: actor.subject.to_string(),
        recorded_at: changes.at(),
    };
    close(app, changes, &before, &row).await
}

async fn close(
    app: &App,
    mut changes: ChangeSet,
    before: &event::Model,
    review: &review::Model,
) -> Result<event::Model> {
    changes.insert(review);
    let mut after = before.clone();
    let skipped_reason = review.skipped_reason.as_deref();
    let cause = if skipped_reason.is_some() { Cause::SkipReview } else { Cause::Review };
    transition(app, &mut changes, &mut after, Status::Closed, cause, skipped_reason)?;
    let told = message::ReviewRecorded { review: Opaque::new(review.id), skipped: skipped_reason.is_some() };
    changes.message(app, Some(before.id), &told);
    let after = changes.revise(app, before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

fn new_item(
    app: &App,
    actor: &Actor,
    event: &event::Model,
    item: &NewActionItem,
) -> Result<action_item::Model> {
    Ok(action_item::Model {
        id: app.ids.next(),
        event_id: event.id,
        title: require_text("input.actionItems.title", &item.title, SHORT)?,
        owner: require_text("input.actionItems.owner", &item.owner, SHORT)?,
        due_on: item.due_on,
        state: ActionItemState::Open,
        note: None,
        done_at: None,
        created_by: actor.subject.to_string(),
        created_at: app.clock.now(),
        version: 1,
    })
}

/// An action item for an event. 为事件添加改进项。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AddActionItem {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The item. 改进项。
    pub item: NewActionItem,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

fn tell_of_item(app: &App, changes: &mut ChangeSet, item: &action_item::Model) {
    let told = message::ActionItemChanged { action_item: Opaque::new(item.id), state: item.state };
    changes.message(app, Some(item.event_id), &told);
}

/// Adds an action item, from REVIEWING on.
///
/// # Errors
/// By policy and visibility; a refusal before the review.
pub async fn add_item(app: &App, actor: &Actor, input: &AddActionItem) -> Result<action_item::Model> {
    require(actor, Action::AddActionItem)?;
    let event = events::find(app, actor, input.event.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::AddActionItem, key, input).await? {
        Replay::Done(id) => return store::find(app, actor, id).await.map(|(item, _)| item),
        Replay::First(key) => key,
    };
    if !matches!(event.status, Status::Reviewing | Status::Closed) {
        let message = format!("the event is {}: action items are added from REVIEWING on", event.status);
        return Err(Error::refused(RefusalCode::MoveNotAllowed, message));
    }
    let row = new_item(app, actor, &event, &input.item)?;
    let mut changes = ChangeSet::new(app, actor, Action::AddActionItem);
    changes.insert(&row);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    tell_of_item(app, &mut changes, &row);
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(row)
}

/// How an action item ends. 改进项的结束方式。
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ActionItemEnd {
    /// Done. 已完成。
    Done,
    /// Dropped, with a note. 已取消（须说明）。
    Dropped,
}

/// The end of an action item. 结束改进项。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateActionItem {
    /// The item. 改进项。
    pub item: Id<action_item::Entity>,
    /// The item's version that was seen. 所见版本。
    pub expected_version: i32,
    /// How it ends. 结束方式。
    pub state: ActionItemEnd,
    /// How it ended; required when dropped. 说明；取消时必填。
    pub note: Option<String>,
}

/// Finishes or drops an action item: its owner or an ANALYST.
///
/// # Errors
/// By policy, visibility and version; NOT_FOUND for another's item; a refusal when it has ended.
pub async fn end_item(app: &App, actor: &Actor, input: &UpdateActionItem) -> Result<action_item::Model> {
    require(actor, Action::UpdateActionItem)?;
    let (before, event) = store::find(app, actor, input.item.0).await?;
    if before.owner != *actor.subject && !actor.is(Role::Analyst) {
        return Err(Error::NotFound);
    }
    expect_version(before.version, input.expected_version)?;
    if before.state != ActionItemState::Open {
        return Err(Error::refused(RefusalCode::Frozen, format!("the item is {}", before.state)));
    }
    let note = match input.state {
        ActionItemEnd::Done => optional_text("input.note", input.note.as_ref(), LONG)?,
        ActionItemEnd::Dropped => {
            Some(require_text("input.note", input.note.as_deref().unwrap_or_default(), LONG)?)
        }
    };
    let mut changes = ChangeSet::new(app, actor, Action::UpdateActionItem);
    let done = input.state == ActionItemEnd::Done;
    let after = action_item::Model {
        state: if done { ActionItemState::Done } else { ActionItemState::Dropped },
        note,
        done_at: done.then(|| changes.at()),
        version: before.version + 1,
        ..before.clone()
    };
    changes.update(&before, &after);
    tell_of_item(app, &mut changes, &after);
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::page::PageInput;
    use crate::testing;
    use entity::vocabulary::Tlp;
    use sea_orm::{EntityTrait, IntoActiveModel};

    #[tokio::test]
    async fn an_owner_off_the_team_sees_and_ends_their_item_and_nothing_else() {
        let app = testing::app("action_item_owner").await;
        let event = testing::event(&app, Tlp::Amber).await;
        let row = action_item::Model {
            id: app.ids.next(),
            event_id: event.id,
            title: "Check inputs in the template".to_owned(),
            owner: "engineer-1".to_owned(),
            due_on: NaiveDate::from_ymd_opt(2026, 4, 1).unwrap(),
            state: ActionItemState::Open,
            note: None,
            done_at: None,
            created_by: "analyst-1".to_owned(),
            created_at: app.clock.now(),
            version: 1,
        };
        let insert = action_item::Entity::insert(row.clone().into_active_model());
        insert.exec_without_returning(app.database.writer()).await.unwrap();
        let owner = Actor::operator("engineer-1", [Role::Engineer]);
        let other = Actor::operator("engineer-2", [Role::Engineer]);
        let page = |actor: Actor| {
            let app = &app;
            async move {
                let page = store::own(app, &actor, None, &PageInput::default()).await.unwrap();
                page.rows.into_iter().map(|(item, _)| item.id).collect::<Vec<_>>()
            }
        };
        assert_eq!(page(owner.clone()).await, [row.id]);
        assert!(page(other.clone()).await.is_empty());
        assert!(matches!(events::find(&app, &owner, event.id).await, Err(Error::NotFound)));

        let done = UpdateActionItem {
            item: Id::new(row.id),
            expected_version: 1,
            state: ActionItemEnd::Done,
            note: None,
        };
        assert!(matches!(end_item(&app, &other, &done).await, Err(Error::NotFound)));
        assert_eq!(end_item(&app, &owner, &done).await.unwrap().state, ActionItemState::Done);
        let reporter = Actor::operator("engineer-1", [Role::Reporter]);
        assert!(matches!(end_item(&app, &reporter, &done).await, Err(Error::Forbidden { .. })));
    }
}
