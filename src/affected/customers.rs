//! Saying that a customer is affected.

use std::collections::BTreeSet;

use async_graphql::InputObject;
use entity::vocabulary::{Function, MemberSource};
use entity::{affected_customer, customer, event};
use serde::Serialize;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::deadline::Clocks;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::escalation;
use crate::event::{self as events, optional_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::team::rules::{Party, may_be_joined_by};

/// Longest note, in characters.
const SHORT: usize = 2_000;

/// A customer touched by an event. 受影响客户。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AddAffectedCustomer {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The customer. 客户。
    pub customer: Id<customer::Entity>,
    /// What is known of how it is affected. 受影响情况说明。
    pub note: Option<String>,
    /// Sent again with the same input, it answers what the first one did. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Adds a customer, and its account manager to the team.
///
/// # Errors
/// By policy and visibility; refusals when the customer is unknown or on the event already.
pub async fn add_affected_customer(
    app: &App,
    actor: &Actor,
    input: &AddAffectedCustomer,
) -> Result<event::Model> {
    require(actor, Action::AddAffectedCustomer)?;
    let note = optional_text("input.note", input.note.as_ref(), SHORT)?;
    let before = events::store::find(app, actor, input.event.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::AddAffectedCustomer, key, input).await? {
        Replay::Done(_) => return Ok(before),
        Replay::First(key) => key,
    };
    let customer = store::customer(app, input.customer.0).await?;
    if store::has_customer(app, before.id, customer.id).await? {
        let message = "the customer is on the event already";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::AlreadyExists, "customer", message)]));
    }
    let mut changes = ChangeSet::new(app, actor, Action::AddAffectedCustomer);
    let row = affected_customer::Model {
        id: app.ids.next(),
        event_id: before.id,
        customer_id: customer.id,
        note,
        added_by: changes.actor().to_owned(),
        added_at: changes.at(),
    };
    changes.insert(&row);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    let access = AccessFacts::load(app, &before).await?;
    let mut granted = access.clone();
    let function = Function::AccountManagement;
    match customer.account_manager.clone().map(Party::Person) {
        Some(manager) => {
            // Where the actor may not name somebody new, the function joins without anybody: the gap is seen.
            let named = may_be_joined_by(before.tlp, &granted.members, &manager, actor).is_ok();
            let subject = customer.account_manager.as_deref().filter(|_| named);
            let source = MemberSource::Automatic;
            escalation::join(app, &mut changes, &mut granted, Some(function), subject, source);
        }
        None => {
            let needed = BTreeSet::from([function]);
            let joining = escalation::to_bring(&granted.members, &needed, &BTreeSet::new());
            escalation::bring(app, &mut changes, &mut granted, &joining).await?;
        }
    }
    regrant(&mut changes, Some(&access), &granted);
    let told = message::EventCustomerAffected { customer: Opaque::new(customer.id) };
    changes.message(app, Some(before.id), &told);
    let mut after = before.clone();
    let mut clocks = Clocks::load(app, &before).await?;
    clocks.customer_recorded(app, &customer).await?;
    // They are owed a notice, and what is owed to customers may need a decision now before it leaves.
    clocks.replan(app, &mut changes, &mut after)?;
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
