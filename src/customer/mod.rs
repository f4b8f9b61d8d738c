//! Customers who use products: who has to be told, and by whom.

pub mod graphql;
pub mod store;

use async_graphql::{InputObject, MaybeUndefined};
use entity::{customer, product, product_customer};
use sea_orm::EntityTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::channel::key;
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet};

/// Longest name, in characters.
const SHORT: usize = 200;

/// A new customer. 新客户。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateCustomer {
    /// Stable short name: lower-case letters, digits and hyphens. 客户标识。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// How to reach it. 联系方式。
    pub contact: Option<String>,
    /// Outside the company's own jurisdiction. 是否境外。
    pub abroad: bool,
    /// Subject of the account manager. 客户经理。
    pub account_manager: Option<String>,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Adds a customer.
///
/// # Errors
/// By policy; BAD_USER_INPUT on ill-formed values; a refusal when the key is taken.
pub async fn create(app: &App, actor: &Actor, input: &CreateCustomer) -> Result<customer::Model> {
    require(actor, Action::CreateCustomer)?;
    let once = input.idempotency_key.as_deref();
    let once = match replay(app, actor, Action::CreateCustomer, once, input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(once) => once,
    };
    let now = app.clock.now();
    let row = customer::Model {
        id: app.ids.next(),
        key: key("input.key", &input.key)?,
        name: require_text("input.name", &input.name, SHORT)?,
        contact: optional_text("input.contact", input.contact.as_ref(), SHORT)?,
        abroad: input.abroad,
        account_manager: optional_text("input.accountManager", input.account_manager.as_ref(), SHORT)?,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    if store::by_key(app, &row.key).await?.is_some() {
        return Err(Error::refused(
            RefusalCode::AlreadyExists,
            "there is a customer with this key: choose another",
        ));
    }
    let mut changes = ChangeSet::new(app, actor, Action::CreateCustomer);
    let row = changes.create(app, row, None);
    if let Some(once) = &once {
        changes.remember(once, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

/// Changes to a customer; what is left out stays, null clears. 客户变更；未提供的保持不变，null 表示清除。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateCustomer {
    /// The customer. 客户。
    pub customer: Id<customer::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// How to reach it. 联系方式。
    pub contact: MaybeUndefined<String>,
    /// Outside the company's own jurisdiction: what is not public goes there only after a decision.
    /// 是否境外；未公开内容须经决策方可向境外提供。
    pub abroad: Option<bool>,
    /// Subject of the account manager. 客户经理。
    pub account_manager: MaybeUndefined<String>,
}

/// Changes a customer; never its key. Where they are decides what may be told them: open events follow in the same
/// change; of very many, those that are left follow by the next sweep.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on ill-formed values.
pub async fn update(app: &App, actor: &Actor, input: &UpdateCustomer) -> Result<customer::Model> {
    require(actor, Action::UpdateCustomer)?;
    let before = store::find(app, input.customer.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = require_text("input.name", name, SHORT)?;
    }
    if !input.contact.is_undefined() {
        after.contact = optional_text("input.contact", input.contact.as_opt_ref().flatten(), SHORT)?;
    }
    if !input.account_manager.is_undefined() {
        let manager = input.account_manager.as_opt_ref().flatten();
        after.account_manager = optional_text("input.accountManager", manager, SHORT)?;
    }
    after.abroad = input.abroad.unwrap_or(before.abroad);
    let mut changes = ChangeSet::new(app, actor, Action::UpdateCustomer);
    crate::deadline::customer_changed(app, &mut changes, &before, &mut after).await?;
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// A customer and a product it uses. 客户及其使用的产品。
#[derive(Clone, Debug, InputObject)]
pub struct CustomerOfProduct {
    /// The customer. 客户。
    pub customer: Id<customer::Entity>,
    /// The product. 产品。
    pub product: Id<product::Entity>,
}

/// Says that a customer uses a product; saying it twice changes nothing. They are owed notices of what the product is
/// affected by.
///
/// # Errors
/// By policy; NOT_FOUND when either is absent.
pub async fn link(app: &App, actor: &Actor, input: &CustomerOfProduct) -> Result<customer::Model> {
    require(actor, Action::LinkCustomer)?;
    let (before, product, known) = load(app, input).await?;
    if known {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::LinkCustomer);
    changes.insert(&product_customer::Model { product_id: product.id, customer_id: before.id });
    crate::deadline::customer_linked(app, &mut changes, &before, &product, true).await?;
    let after = changes.revise(app, &before, before.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}

/// Says that a customer no longer uses a product; saying it twice changes nothing.
///
/// # Errors
/// By policy; NOT_FOUND when either is absent.
pub async fn unlink(app: &App, actor: &Actor, input: &CustomerOfProduct) -> Result<customer::Model> {
    require(actor, Action::UnlinkCustomer)?;
    let (before, product, known) = load(app, input).await?;
    if !known {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::UnlinkCustomer);
    let delete = Query::delete()
        .from_table(product_customer::Entity)
        .and_where(Expr::col(product_customer::Column::ProductId).eq(product.id))
        .and_where(Expr::col(product_customer::Column::CustomerId).eq(before.id))
        .take();
    changes.delete(delete, json!({ "product_customer": [product.id, before.id] }));
    crate::deadline::customer_linked(app, &mut changes, &before, &product, false).await?;
    let after = changes.revise(app, &before, before.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}

async fn load(app: &App, input: &CustomerOfProduct) -> Result<(customer::Model, product::Model, bool)> {
    let customer = store::find(app, input.customer.0).await?;
    let product = crate::product::store::find(app, input.product.0).await?;
    let found =
        product_customer::Entity::find_by_id((product.id, customer.id)).one(app.database.reader()).await?;
    Ok((customer, product, found.is_some()))
}
