//! Saying how a product stands to an event.

use async_graphql::{InputObject, MaybeUndefined};
use entity::vocabulary::{AffectedState, Justification};
use entity::{affected_product, event, product};

use super::{rules, store};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::deadline::Clocks;
use crate::deadline::rules::Product;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::rules::Cause;
use crate::event::{self as events, optional_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, Opaque, message};

/// Longest reason or list of versions, in characters.
const SHORT: usize = 2_000;

/// How a product stands to an event. 产品受影响情况。
#[derive(Clone, Debug, InputObject)]
pub struct SetAffectedProduct {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The product. 产品。
    pub product: Id<product::Entity>,
    /// The version of its row that was seen; left out while the event has none for this product.
    /// 所见的该产品记录版本；尚无记录时不填。
    pub expected_version: Option<i32>,
    /// How it stands. 状态。
    pub state: AffectedState,
    /// Why; asked for with NOT_AFFECTED. 原因；不受影响时必填。
    pub reason: Option<String>,
    /// The same for machines, in advisories; only with NOT_AFFECTED. 供安全公告使用的标准理由，仅限不受影响时填写。
    pub justification: Option<Justification>,
    /// Affected versions; null clears them, left out they stay. 受影响版本；传空清除，不填保持不变。
    pub affected_versions: MaybeUndefined<String>,
    /// Fixed versions; null clears them, left out they stay. 已修复版本；传空清除，不填保持不变。
    pub fixed_versions: MaybeUndefined<String>,
}

/// Records how a product stands to an event; the status of an event under fix follows its lines.
///
/// # Errors
/// By policy, visibility and the row's version; refusals when the product is not in an engineer's scope, a reason
/// is missing, or the event's fix is behind it.
pub async fn set_affected_product(
    app: &App,
    actor: &Actor,
    input: &SetAffectedProduct,
) -> Result<event::Model> {
    require(actor, Action::SetAffectedProduct)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), SHORT)?;
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let before = clocks.facts.event.clone();
    let product = store::product(app, input.product.0).await?;
    if !in_scope(actor, &product) {
        let message = "the product is not in your scope: name one of yours, or ask an analyst";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "product", message)]));
    }
    if let Some(refusal) = rules::check_reason(input.state, reason.as_deref(), input.justification) {
        return Err(Error::Refused(vec![refusal]));
    }
    let access = AccessFacts::load(app, &before).await?;
    let found = access.products.iter().map(|(row, _)| row).find(|row| row.product_id == product.id);
    let mut changes = ChangeSet::new(app, actor, Action::SetAffectedProduct).because(reason.as_deref());
    let row = match (found, input.expected_version) {
        (Some(found), Some(expected)) => {
            events::expect_version(found.version, expected)?;
            let row = stand(found.clone(), input, reason)?;
            let row = affected_product::Model { version: found.version + 1, ..row };
            changes.update(found, &row);
            row
        }
        (None, None) => {
            let row = stand(new_row(app, &before, &product), input, reason)?;
            changes.insert(&row);
            row
        }
        // The caller saw a row where there is none, or none where there is one.
        _ => return Err(Error::Conflict),
    };
    let mut granted = access.clone();
    granted.products.retain(|(other, _)| other.product_id != product.id);
    granted.products.push((row.clone(), product.key.clone()));
    let facts = store::line_facts(app, before.id, granted.products.iter().map(|(row, _)| row)).await?;
    let to = rules::follow_lines(&before, &facts).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let mut after = before.clone();
    if rules::is_being_fixed(before.status) {
        crate::remediation::open_lines(app, &mut changes, &before, &facts);
    }
    if let Some(to) = to {
        events::transition(app, &mut changes, &mut after, to, Cause::Lines, None)?;
    }
    regrant(&mut changes, Some(&access), &granted);
    clocks.product_stands(app, Product { affected: row.clone(), product }).await?;
    clocks.replan(app, &mut changes, &mut after)?;
    let told = message::EventAffectedChanged { product: Opaque::new(row.product_id), state: row.state };
    changes.message(app, Some(before.id), &told);
    let after = changes.revise(app, &before, after, Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// An engineer speaks for the products in their scope, an analyst for all.
fn in_scope(actor: &Actor, product: &product::Model) -> bool {
    actor.is(Role::Analyst) || actor.products.contains(&product.key)
}

fn new_row(app: &App, event: &event::Model, product: &product::Model) -> affected_product::Model {
    affected_product::Model {
        id: app.ids.next(),
        event_id: event.id,
        product_id: product.id,
        line: product.line.clone(),
        state: AffectedState::NotLookedYet,
        reason: None,
        justification: None,
        affected_versions: None,
        fixed_versions: None,
        version: 1,
        received_at: event.received_at,
    }
}

fn stand(
    mut row: affected_product::Model,
    input: &SetAffectedProduct,
    reason: Option<String>,
) -> Result<affected_product::Model> {
    row.state = input.state;
    row.reason = reason;
    row.justification = input.justification;
    let versions = [
        ("input.affectedVersions", &input.affected_versions, &mut row.affected_versions),
        ("input.fixedVersions", &input.fixed_versions, &mut row.fixed_versions),
    ];
    for (field, given, kept) in versions {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *kept = None,
            MaybeUndefined::Value(text) => *kept = optional_text(field, Some(text), SHORT)?,
        }
    }
    Ok(row)
}
