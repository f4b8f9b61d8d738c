//! Customers, and which products they use.
//!
//! A link hangs on the product: the product's revision guards it and its audit chain records it. Links are a set,
//! so no caller's next step depends on another one's link, and the product's version stays.

pub mod graphql;
pub mod store;

use async_graphql::{InputObject, MaybeUndefined};
use entity::{customer, product, product_customer};
use sea_orm::ColumnTrait;
use sea_orm::sea_query::Query;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::expect_version;
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::input;
use crate::outbox::{Bump, ChangeSet};

/// A new customer. 新客户。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateCustomer {
    /// Stable short name: 2 to 64 lowercase letters, digits and hyphens; it never changes. 固定短名，不可更改。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// How to reach it. 联系方式。
    pub contact: Option<String>,
    /// Whether it is outside the company's own jurisdiction. 是否在境外。
    pub abroad: bool,
    /// Subject of its account manager. 客户经理的主体标识。
    pub account_manager: Option<String>,
    /// Makes sending the same request again safe. 幂等键。
    pub idempotency_key: Option<String>,
}

/// A customer's changed data; what is left out stays, null clears. 修改客户；未填写的保持不变，空值清除。
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
    /// Whether it is outside the company's own jurisdiction. 是否在境外。
    pub abroad: Option<bool>,
    /// Subject of its account manager. 客户经理的主体标识。
    pub account_manager: MaybeUndefined<String>,
}

/// A customer and a product. 客户与产品。
#[derive(Clone, Debug, InputObject)]
pub struct CustomerLink {
    /// The product that is used. 所用产品。
    pub product: Id<product::Entity>,
    /// The customer who uses it. 客户。
    pub customer: Id<customer::Entity>,
}

/// Adds a customer.
///
/// # Errors
/// By policy; on ill-formed texts; a refusal when the key is taken.
pub async fn create(app: &App, actor: &Actor, input: &CreateCustomer) -> Result<customer::Model> {
    let action = Action::CreateCustomer;
    require(actor, action)?;
    let key = match idempotency::replay(app, actor, action, input.idempotency_key.as_deref(), input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    if store::find_by_key(app, &input.key).await?.is_some() {
        return Err(Error::Refused(vec![Refusal::on(
            RefusalCode::AlreadyExists,
            "input.key",
            "another customer has this key: choose one that is free",
        )]));
    }
    let mut changes = ChangeSet::new(app, actor, action);
    let text = |field, text: &Option<String>| input::optional_line(field, text.as_deref(), input::NAME);
    let row = customer::Model {
        id: app.ids.next(),
        key: input::key("input.key", &input.key)?,
        name: input::one_line("input.name", &input.name, input::NAME)?,
        contact: text("input.contact", &input.contact)?,
        abroad: input.abroad,
        account_manager: text("input.accountManager", &input.account_manager)?,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    let customer = changes.create(app, row, None);
    if let Some(key) = &key {
        changes.remember(key, customer.id);
    }
    app.commit(changes).await?;
    Ok(customer)
}

/// Changes a customer.
///
/// # Errors
/// By policy and version; on ill-formed texts.
pub async fn update(app: &App, actor: &Actor, input: &UpdateCustomer) -> Result<customer::Model> {
    require(actor, Action::UpdateCustomer)?;
    let before = store::find(app, input.customer.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = input::one_line("input.name", name, input::NAME)?;
    }
    input::set_or_clear(&mut after.contact, "input.contact", &input.contact, input::NAME)?;
    input::set_or_clear(
        &mut after.account_manager,
        "input.accountManager",
        &input.account_manager,
        input::NAME,
    )?;
    input::set(&mut after.abroad, input.abroad);
    let mut changes = ChangeSet::new(app, actor, Action::UpdateCustomer);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Says that a customer uses a product.
///
/// # Errors
/// By policy; NOT_FOUND; a refusal when it is said already.
pub async fn link(app: &App, actor: &Actor, input: &CustomerLink) -> Result<product::Model> {
    require(actor, Action::LinkCustomer)?;
    let product = crate::product::store::find(app, input.product.0).await?;
    let customer = store::find(app, input.customer.0).await?;
    if store::find_link(app, product.id, customer.id).await?.is_some() {
        return Err(Error::refused(
            RefusalCode::AlreadyExists,
            "the customer is linked to this product already",
        ));
    }
    let mut changes = ChangeSet::new(app, actor, Action::LinkCustomer);
    changes.insert(&product_customer::Model { product_id: product.id, customer_id: customer.id });
    let after = changes.revise(app, &product, product.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}

/// Says that a customer no longer uses a product.
///
/// # Errors
/// By policy; NOT_FOUND, also when the two are not linked.
pub async fn unlink(app: &App, actor: &Actor, input: &CustomerLink) -> Result<product::Model> {
    require(actor, Action::UnlinkCustomer)?;
    let product = crate::product::store::find(app, input.product.0).await?;
    let link = store::find_link(app, product.id, input.customer.0).await?.ok_or(Error::NotFound)?;
    let mut changes = ChangeSet::new(app, actor, Action::UnlinkCustomer);
    let delete = Query::delete()
        .from_table(product_customer::Entity)
        .and_where(product_customer::Column::ProductId.eq(link.product_id))
        .and_where(product_customer::Column::CustomerId.eq(link.customer_id))
        .take();
    changes
        .delete(delete, json!({ "table": "product_customer", "key": [link.product_id, link.customer_id] }));
    let after = changes.revise(app, &product, product.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}
