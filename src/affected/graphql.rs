//! The API of affected products and customers.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::{AffectedState, Justification};
use entity::{affected_customer, affected_product, customer, product};

use super::{AddAffectedCustomer, SetAffectedProduct, add_affected_customer, set_affected_product};
use crate::auth::policy::{Action, allows};
use crate::customer::graphql::Customer;
use crate::event::graphql::EventPayload;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, loaders, scalars};
use crate::outbox::retrying;
use crate::product::graphql::Product;

ahead::selected! {
    affected_product, always [EventId] {
        "id": [Id];
        "product": [ProductId] => one(product by ProductId) if ReadProducts;
        "line": [Line];
        "state": [State];
        "version": [Version];
    }
}

ahead::selected! {
    affected_customer, always [EventId] {
        "customer": [CustomerId] => one(customer by CustomerId) if ReadCustomers;
    }
}

/// How a product stands to an event.
pub struct AffectedProduct(pub affected_product::Model);

impl From<affected_product::Model> for AffectedProduct {
    fn from(row: affected_product::Model) -> Self {
        Self(row)
    }
}

/// How a product stands to an event. 产品受影响情况。
#[Object]
impl AffectedProduct {
    /// Identifies the row. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<affected_product::Entity>(self.0.id)
    }

    /// The product; null when your roles may not read products. 产品；无权读取产品时为空。
    async fn product(&self, ctx: &Context<'_>) -> ApiResult<Option<Product>> {
        if !allows(actor(ctx), Action::ReadProducts) {
            return Ok(None);
        }
        Ok(loaders::selected_lookup::<product::Entity>(ctx, self.0.product_id).await?.map(Product::from))
    }

    /// The product's line when it was added: what is fixed as one. 加入时所属的产品线。
    async fn line(&self) -> &str {
        &self.0.line
    }

    /// How it stands; not looked yet is not the same as not affected. 状态；尚未排查不等于不受影响。
    async fn state(&self) -> AffectedState {
        self.0.state
    }

    /// Why; never null with NOT_AFFECTED. 原因；不受影响时必有。
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The same as advisories say it to machines; null when not said. 安全公告中使用的标准理由；未填写为空。
    async fn justification(&self) -> Option<Justification> {
        self.0.justification
    }

    /// Affected versions; null when not said. 受影响版本。
    async fn affected_versions(&self) -> Option<&str> {
        self.0.affected_versions.as_deref()
    }

    /// Fixed versions; null when not said. 已修复版本。
    async fn fixed_versions(&self) -> Option<&str> {
        self.0.fixed_versions.as_deref()
    }

    /// Version for `expectedVersion` of setAffectedProduct. 供 setAffectedProduct 使用的版本。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A customer touched by an event.
pub struct AffectedCustomer(pub affected_customer::Model);

impl From<affected_customer::Model> for AffectedCustomer {
    fn from(row: affected_customer::Model) -> Self {
        Self(row)
    }
}

/// A customer touched by an event. 受影响客户。
#[Object]
impl AffectedCustomer {
    /// Identifies the row. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<affected_customer::Entity>(self.0.id)
    }

    /// The customer; null when your roles may not read customers. 客户；无权读取客户时为空。
    async fn customer(&self, ctx: &Context<'_>) -> ApiResult<Option<Customer>> {
        if !allows(actor(ctx), Action::ReadCustomers) {
            return Ok(None);
        }
        Ok(loaders::lookup::<customer::Entity>(ctx, self.0.customer_id).await?.map(Customer::from))
    }

    /// What is known of how it is affected; null when nothing was said or your roles may not read customers.
    /// 受影响情况说明；未填写或无权读取客户时为空。
    async fn note(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.note.as_deref().filter(|_| allows(actor(ctx), Action::ReadCustomers))
    }

    /// Subject who added it. 添加人。
    async fn added_by(&self) -> &str {
        &self.0.added_by
    }

    /// When it was added. 添加时间。
    async fn added_at(&self) -> DateTime<Utc> {
        self.0.added_at
    }
}

/// Mutations of affected products and customers.
#[derive(Default)]
pub struct AffectedMutation;

/// Mutations of affected products and customers. 受影响产品与客户相关操作。
#[Object]
impl AffectedMutation {
    /// Says how a product stands to an event. 记录产品受影响情况。
    async fn set_affected_product(
        &self,
        ctx: &Context<'_>,
        input: SetAffectedProduct,
    ) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| set_affected_product(app, actor, &input)).await)
    }

    /// Adds a customer who is affected; its account manager joins the team. 添加受影响客户，其客户经理加入响应小组。
    async fn add_affected_customer(
        &self,
        ctx: &Context<'_>,
        input: AddAffectedCustomer,
    ) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| add_affected_customer(app, actor, &input)).await)
    }
}
