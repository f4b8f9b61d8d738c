//! Waiving what is owed.

use async_graphql::InputObject;
use entity::obligation;
use entity::vocabulary::ObligationState;

use super::{SHORT, channel_of, rules, store, tell_obligation};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::deadline::Clocks;
use crate::error::{Error, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};

/// A waiver of an obligation. 豁免回复义务。
#[derive(Clone, Debug, InputObject)]
pub struct WaiveObligation {
    /// The obligation. 回复义务。
    pub obligation: Id<obligation::Entity>,
    /// The version of its event that was seen. 所见的事件版本。
    pub expected_version: i32,
    /// Why nothing is answered. 豁免原因。
    pub reason: String,
    /// Legal ground; required toward national databases and regulators. 法律依据；对国家级漏洞库和监管单位必填。
    pub legal_ground: Option<String>,
}

/// Waives an open obligation.
///
/// # Errors
/// By policy, visibility and version; refusals by [`rules::waiver_refusals`].
pub async fn waive_obligation(
    app: &App,
    actor: &Actor,
    input: &WaiveObligation,
) -> Result<obligation::Model> {
    require(actor, Action::WaiveObligation)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let legal_ground = optional_text("input.legalGround", input.legal_ground.as_ref(), SHORT)?;
    let (event, before) = store::find_obligation(app, actor, input.obligation.0).await?;
    expect_version(event.version, input.expected_version)?;
    let channel = channel_of(app, before.channel_id).await?;
    let refusals = rules::waiver_refusals(&before, channel.kind, &actor.roles, legal_ground.as_deref());
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    let mut changes = ChangeSet::new(app, actor, Action::WaiveObligation).because(Some(reason.as_str()));
    let after = obligation::Model {
        state: ObligationState::Waived,
        waived_by: Some(actor.subject.to_string()),
        waived_at: Some(changes.at()),
        waive_reason: Some(reason),
        legal_ground,
        ..before.clone()
    };
    changes.update(&before, &after);
    tell_obligation(app, &mut changes, &after);
    let mut moved = event.clone();
    let mut clocks = Clocks::load(app, &event).await?;
    clocks.facts.obligation_changed(&after);
    clocks.replan(app, &mut changes, &mut moved)?;
    changes.revise(app, &event, moved, Some(event.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
