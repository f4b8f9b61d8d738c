//! A leader's word on what an endpoint may receive.

use async_graphql::InputObject;
use entity::vocabulary::GrantState;
use entity::webhook_endpoint;

use super::{SHORT, rules, store, tell};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};

/// A grant to confirm, as it was seen. 待确认的授权。
#[derive(Clone, Debug, InputObject)]
pub struct ConfirmWebhookGrant {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
}

/// A grant to take away. 待撤销的授权。
#[derive(Clone, Debug, InputObject)]
pub struct RevokeWebhookGrant {
    /// The endpoint. 端点。
    pub endpoint: Id<webhook_endpoint::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

/// Confirms a proposed grant: from now on its deliveries leave.
///
/// # Errors
/// By policy and version; a refusal when it is not proposed, or the actor proposed it.
pub async fn confirm(
    app: &App,
    actor: &Actor,
    input: &ConfirmWebhookGrant,
) -> Result<webhook_endpoint::Model> {
    require(actor, Action::ConfirmWebhookGrant)?;
    let before = store::find(app, input.endpoint.0).await?;
    expect_version(before.version, input.expected_version)?;
    if let Some(refusal) = rules::may_confirm(&before, &actor.subject) {
        return Err(Error::Refused(vec![refusal]));
    }
    let mut changes = ChangeSet::new(app, actor, Action::ConfirmWebhookGrant);
    let after = webhook_endpoint::Model {
        grant_state: GrantState::Confirmed,
        grant_confirmed_by: Some(actor.subject.to_string()),
        grant_confirmed_at: Some(changes.at()),
        ..before.clone()
    };
    tell(app, &mut changes, &after);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Takes a grant away: from now on nothing leaves, what waits included.
///
/// # Errors
/// By policy and version; a refusal when it was taken away already.
pub async fn revoke(app: &App, actor: &Actor, input: &RevokeWebhookGrant) -> Result<webhook_endpoint::Model> {
    require(actor, Action::RevokeWebhookGrant)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let before = store::find(app, input.endpoint.0).await?;
    expect_version(before.version, input.expected_version)?;
    if before.grant_state == GrantState::Revoked {
        return Err(Error::refused(RefusalCode::Frozen, "the grant was taken away already"));
    }
    let mut changes = ChangeSet::new(app, actor, Action::RevokeWebhookGrant).because(Some(reason));
    let after = webhook_endpoint::Model {
        grant_state: GrantState::Revoked,
        grant_confirmed_by: None,
        grant_confirmed_at: None,
        ..before.clone()
    };
    changes.write_update(store::cancel_pending(before.id, changes.at(), "the grant was taken away"));
    tell(app, &mut changes, &after);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
