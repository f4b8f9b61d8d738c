//! Who is responsible for a function where nobody is assigned.

pub mod graphql;
pub mod store;

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use entity::duty;
use entity::vocabulary::Function;
use serde::Serialize;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet};

/// Longest subject, in characters.
const SHORT: usize = 255;

/// A duty. 值班安排。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AddDuty {
    /// What the person is on duty for. 职能。
    pub function: Function,
    /// Subject of the person. 值班人。
    pub subject: String,
    /// Subject of who stands in. 替班人。
    pub deputy: Option<String>,
    /// First instant of the duty. 开始时间。
    pub starts_at: DateTime<Utc>,
    /// First instant after it. 结束时间。
    pub ends_at: DateTime<Utc>,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Puts a person on the roster.
///
/// # Errors
/// By policy; BAD_USER_INPUT when it ends before it starts.
pub async fn add(app: &App, actor: &Actor, input: &AddDuty) -> Result<duty::Model> {
    require(actor, Action::AddDuty)?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::AddDuty, key, input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    if input.ends_at <= input.starts_at {
        return Err(Error::bad_input("input.endsAt", "send an instant after startsAt"));
    }
    let now = app.clock.now();
    let row = duty::Model {
        id: app.ids.next(),
        function: input.function,
        subject: require_text("input.subject", &input.subject, SHORT)?,
        deputy: optional_text("input.deputy", input.deputy.as_ref(), SHORT)?,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    let mut changes = ChangeSet::new(app, actor, Action::AddDuty);
    let row = changes.create(app, row, None);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

/// The early end of a duty. 提前结束值班。
#[derive(Clone, Debug, InputObject)]
pub struct EndDuty {
    /// The duty. 值班安排。
    pub duty: Id<duty::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
}

/// Ends a duty now.
///
/// # Errors
/// By policy and version; NOT_FOUND when there is none.
pub async fn end(app: &App, actor: &Actor, input: &EndDuty) -> Result<duty::Model> {
    require(actor, Action::EndDuty)?;
    let before = store::find(app, input.duty.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, Action::EndDuty);
    let ends_at = Ord::min(before.ends_at, changes.at());
    let after = duty::Model { ends_at, ..before.clone() };
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
