//! The duty roster: who is responsible for a function where nobody is assigned.

pub mod graphql;
pub mod rules;
pub mod store;

pub use store::on_duty;

use async_graphql::InputObject;
use chrono::{DateTime, SubsecRound, Utc};
use entity::duty;
use entity::vocabulary::Function;
use serde::Serialize;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::event::expect_version;
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::input;
use crate::outbox::{Bump, ChangeSet};

/// A new roster entry. 新值班安排。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AddDuty {
    /// What the person is on duty for. 值班职能。
    pub function: Function,
    /// Subject of the person on duty. 值班人的主体标识。
    pub subject: String,
    /// Subject of who stands in. 替补人的主体标识。
    pub deputy: Option<String>,
    /// First instant of the duty. 开始时刻。
    pub starts_at: DateTime<Utc>,
    /// First instant after it. 结束时刻。
    pub ends_at: DateTime<Utc>,
    /// Makes sending the same request again safe. 幂等键。
    pub idempotency_key: Option<String>,
}

/// The end of a duty before its time. 提前结束值班。
#[derive(Clone, Debug, InputObject)]
pub struct EndDuty {
    /// The roster entry. 值班安排。
    pub duty: Id<duty::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// First instant after it; now when left out. 结束时刻；不填为当前。
    pub at: Option<DateTime<Utc>>,
}

/// Puts a person on the roster.
///
/// # Errors
/// By policy; on ill-formed values.
pub async fn add(app: &App, actor: &Actor, input: &AddDuty) -> Result<duty::Model> {
    let action = Action::AddDuty;
    require(actor, action)?;
    let key = match idempotency::replay(app, actor, action, input.idempotency_key.as_deref(), input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    let mut changes = ChangeSet::new(app, actor, action);
    let row = duty::Model {
        id: app.ids.next(),
        function: input.function,
        subject: input::one_line("input.subject", &input.subject, input::NAME)?,
        deputy: input::optional_line("input.deputy", input.deputy.as_deref(), input::NAME)?,
        starts_at: input.starts_at.trunc_subsecs(6),
        ends_at: input.ends_at.trunc_subsecs(6),
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    rules::check(&row)?;
    let duty = changes.create(app, row, None);
    if let Some(key) = &key {
        changes.remember(key, duty.id);
    }
    app.commit(changes).await?;
    Ok(duty)
}

/// Ends a duty before its time.
///
/// # Errors
/// By policy and version; a refusal when it is over or the instant lies in the past.
pub async fn end(app: &App, actor: &Actor, input: &EndDuty) -> Result<duty::Model> {
    require(actor, Action::EndDuty)?;
    let before = store::find(app, input.duty.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, Action::EndDuty);
    let mut after = before.clone();
    let at = input.at.map_or(changes.at(), |at| at.trunc_subsecs(6));
    after.ends_at = rules::end(&before, at, changes.at()).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
