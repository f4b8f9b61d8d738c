//! What configuration means for the clocks of open events: the legal duties that depend on a product's scope, the notices
//! that its customers are owed, the replies that a channel asks for, and all that a new policy does.
//!
//! A change of configuration marks its row, and the sweep plans the open events about it anew, batch by batch: those too
//! on which nothing was owed. The mark is the last event that was done, so a process that ended is followed on from
//! there, and of two at once one moves it. Planning an event twice says nothing the second time.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use entity::{channel, customer, deadline_policy, product};
use uuid::Uuid;

use super::rules::ClockFacts;
use super::store::Marked;
use super::sweep::follow;
use super::{Clocks, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::outbox::{Bump, ChangeSet, retrying};
use crate::schedule::Due;

/// Open events that follow in the change itself. More make a change that many callers would have to wait for.
pub const AT_ONCE: u64 = 25;
/// Events that are looked up at once.
const BATCH: u64 = 100;

/// Whether clocks depend on what differs.
fn is_relevant(before: &product::Model, after: &product::Model) -> bool {
    let scope = |row: &product::Model| {
        (
            row.rmsv_library,
            row.cra_in_scope,
            row.cra_support_until,
            row.critical_infrastructure,
            row.central_organ,
        )
    };
    scope(before) != scope(after)
}

/// Lets the clocks of a product's open events follow its change in the caller's change set, and marks the product: the
/// sweep then looks once more at all of them. It finds those that were too many, and one that began to be about the
/// product while this was decided.
///
/// # Errors
/// Of the database.
pub async fn product_changed(
    app: &App,
    changes: &mut ChangeSet,
    before: &product::Model,
    after: &mut product::Model,
) -> Result<()> {
    if !is_relevant(before, after) {
        return Ok(());
    }
    after.replan_after = Some(mark(before.revision));
    follow_at_once::<product::Entity>(app, changes, before.id, &Change::Product(after)).await
}

/// The same for a customer who turns out to be on the other side of the border.
///
/// # Errors
/// Of the database.
pub async fn customer_changed(
    app: &App,
    changes: &mut ChangeSet,
    before: &customer::Model,
    after: &mut customer::Model,
) -> Result<()> {
    if before.abroad == after.abroad {
        return Ok(());
    }
    after.replan_after = Some(mark(before.revision));
    follow_at_once::<customer::Entity>(app, changes, before.id, &Change::Customer(after, None)).await
}

/// The same for a product that a customer uses from now on, or no longer.
///
/// # Errors
/// Of the database.
pub async fn customer_linked(
    app: &App,
    changes: &mut ChangeSet,
    customer: &customer::Model,
    product: &product::Model,
    linked: bool,
) -> Result<()> {
    let marked = product::Model { replan_after: Some(mark(product.revision)), ..product.clone() };
    changes.revise(app, product, marked, None, Bump::RevisionOnly);
    let change = Change::Customer(customer, Some((product.id, linked)));
    follow_at_once::<product::Entity>(app, changes, product.id, &change).await
}

/// What the rows do not say yet.
enum Change<'a> {
    /// A product as it is to be.
    Product(&'a product::Model),
    /// A customer as they are to be, and a product that they use from now on, or no longer.
    Customer(&'a customer::Model, Option<(Uuid, bool)>),
}

impl Change<'_> {
    async fn apply(&self, app: &App, facts: &mut ClockFacts) -> Result<()> {
        match self {
            Self::Product(product) => {
                for known in facts.products.iter_mut().filter(|known| known.product.id == product.id) {
                    known.product = (*product).clone();
                }
            }
            Self::Customer(customer, linked) => {
                let products = facts.product_ids();
                let mut uses = store::uses(app, customer.id, &products).await?;
                match linked {
                    Some((product, true)) => {
                        uses.insert(*product);
                    }
                    Some((product, false)) => {
                        uses.remove(product);
                    }
                    None => {}
                }
                facts.customers =
                    store::customers_once(app, facts.event.id, &products, customer, &uses).await?;
            }
        }
        Ok(())
    }
}

/// Lets the clocks of the open events about a row of configuration follow its change in the caller's change set; of more
/// than a few events none.
async fn follow_at_once<E: Marked>(
    app: &App,
    changes: &mut ChangeSet,
    id: Uuid,
    change: &Change<'_>,
) -> Result<()> {
    let events = store::open_events_of::<E>(app, id, AT_ONCE + 1).await?;
    if events.len() as u64 > AT_ONCE {
        return Ok(());
    }
    for event in events {
        let mut clocks = Clocks::load(app, &event).await?;
        change.apply(app, &mut clocks.facts).await?;
        let mut moved = event.clone();
        if clocks.replan(app, changes, &mut moved)? {
            changes.revise(app, &event, moved, Some(event.id), Bump::Version);
        }
    }
    Ok(())
}

/// Marks a channel where what is owed to it or how its clocks are counted changed: the sweep then looks at all open
/// events about it.
pub fn channel_changed(before: &channel::Model, after: &mut channel::Model) {
    let counts = |row: &channel::Model| {
        (row.reply_required, row.time_zone.clone(), crate::calendar::id_of(row), row.abroad)
    };
    if counts(before) != counts(after) {
        after.replan_after = Some(mark(before.revision));
    }
}

/// Before every event, and another mark than the one that a sweep may be moving at this moment.
fn mark(revision: i64) -> Uuid {
    Uuid::from_u128(u128::try_from(revision).unwrap_or_default())
}

/// Rows of configuration that changed and whose open events have not all been planned anew.
#[derive(Debug)]
pub struct Replanning<E>(PhantomData<E>);

/// Products whose scope changed.
pub type OfProducts = Replanning<product::Entity>;
/// Customers who are on another side of the border than was recorded.
pub type OfCustomers = Replanning<customer::Entity>;
/// Channels that ask for something else.
pub type OfChannels = Replanning<channel::Entity>;
/// A policy that is new.
pub type OfPolicies = Replanning<deadline_policy::Entity>;

impl<E: Marked> Due for Replanning<E> {
    const NAME: &'static str = E::NAME;

    async fn due(app: &App, _at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::marked::<E>(app, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let Some(mut mark) = store::mark::<E>(app, piece).await? else { return Ok(()) };
        let mut failed = None;
        let mut done = mark;
        loop {
            let events = store::open_events_about::<E>(app, piece, done, BATCH).await?;
            // Event by event, each in a commit of its own. One that fails holds up no other, and is tried again.
            for event in &events {
                let followed = retrying(|| follow(app, actor, *event, Action::RecountDeadlines)).await;
                if let Err(error) = followed {
                    tracing::error!(work = E::NAME, %event, ?error, "an event was not planned anew");
                    failed = failed.or(Some(error));
                }
            }
            let last = events.last().copied();
            if failed.is_none() && !store::move_mark::<E>(app, piece, mark, last).await? {
                // It changed once more, or somebody else has come further: the next look begins where that stands.
                return Ok(());
            }
            let Some(last) = last else { return failed.map_or(Ok(()), Err) };
            done = last;
            if failed.is_none() {
                mark = last;
            }
        }
    }
}
