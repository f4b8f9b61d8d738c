//! What a product's change means for the clocks of its open events: the legal duties that depend on its scope.

use chrono::{DateTime, Utc};
use entity::product;
use uuid::Uuid;

use super::rules::Product;
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
        (row.rmsv_library, row.cra_in_scope, row.cra_support_until, row.critical_infrastructure)
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
    // Before every event, and another mark than the one that a sweep may be moving at this moment.
    after.replan_after = Some(Uuid::from_u128(u128::try_from(before.revision).unwrap_or_default()));
    let events = store::open_events_of(app, before.id, Uuid::nil(), AT_ONCE + 1).await?;
    if events.len() as u64 > AT_ONCE {
        return Ok(());
    }
    let mut earlier: Option<Clocks> = None;
    for event in events {
        let mut clocks = Clocks::load(app, &event).await?;
        if let Some(earlier) = &earlier {
            clocks.follow_on(earlier);
        }
        for known in clocks.facts.products.iter_mut().filter(|known| known.product.id == after.id) {
            *known = Product { affected: known.affected.clone(), product: after.clone() };
        }
        let mut moved = event.clone();
        if clocks.replan(app, changes, &mut moved)? {
            changes.revise(app, &event, moved, Some(event.id), Bump::Version);
        }
        earlier = Some(clocks);
    }
    Ok(())
}

/// Products that changed and whose open events have not all been planned anew.
pub struct Replanning;

impl Due for Replanning {
    const NAME: &'static str = "clocks of changed products";

    async fn due(app: &App, _at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::products_to_replan(app, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        // Event by event, each in a commit of its own. Where the product changes meanwhile, its mark says so and all is
        // looked at again.
        while let Some(product) = store::product_to_replan(app, piece).await? {
            let after = product.replan_after.unwrap_or_default();
            let events = store::open_events_of(app, piece, after, BATCH).await?;
            for event in &events {
                retrying(|| follow(app, actor, event.id, Action::RecountDeadlines)).await?;
            }
            store::replanned(app, &product, events.last().map(|event| event.id)).await?;
        }
        Ok(())
    }
}
