//! The API of customers.

use async_graphql::{Context, ID, Object};
use entity::customer;

use super::{CreateCustomer, CustomerOfProduct, UpdateCustomer, store};
use crate::auth::policy::{Action, require};
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

ahead::selected! {
    customer, always [] {}
}

/// A customer who uses products.
pub struct Customer(pub customer::Model);

impl From<customer::Model> for Customer {
    fn from(row: customer::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A customer after a change. 变更后的客户。
    CustomerPayload {
        /// It as it now is; null when the change was refused. 变更后的客户；被拒绝时为空。
        customer: Customer
    }
}

/// A customer who uses products. 客户。
#[Object]
impl Customer {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<customer::Entity>(self.0.id)
    }

    /// Stable short name. 客户标识。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How to reach it; null when not recorded. 联系方式。
    async fn contact(&self) -> Option<&str> {
        self.0.contact.as_deref()
    }

    /// Outside the company's own jurisdiction. 是否境外。
    async fn abroad(&self) -> bool {
        self.0.abroad
    }

    /// Subject of the account manager; null when there is none. 客户经理。
    async fn account_manager(&self) -> Option<&str> {
        self.0.account_manager.as_deref()
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Queries of customers.
#[derive(Default)]
pub struct CustomerQuery;

/// Queries of customers. 客户查询。
#[Object]
impl CustomerQuery {
    /// Customers by key. 客户列表。
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Customer>> {
        require(actor(ctx), Action::ReadCustomers)?;
        Ok(Connection::new(store::page(app(ctx), &PageInput { first, after, last, before }).await?))
    }
}

/// Changes of customers.
#[derive(Default)]
pub struct CustomerMutation;

/// Changes of customers. 客户变更。
#[Object]
impl CustomerMutation {
    /// Adds a customer. 新增客户。
    async fn create_customer(&self, ctx: &Context<'_>, input: CreateCustomer) -> ApiResult<CustomerPayload> {
        CustomerPayload::of(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Changes a customer. 修改客户。
    async fn update_customer(&self, ctx: &Context<'_>, input: UpdateCustomer) -> ApiResult<CustomerPayload> {
        CustomerPayload::of(retrying(|| super::update(app(ctx), actor(ctx), &input)).await)
    }

    /// Says that a customer uses a product. 关联客户与产品。
    async fn link_customer(&self, ctx: &Context<'_>, input: CustomerOfProduct) -> ApiResult<CustomerPayload> {
        CustomerPayload::of(retrying(|| super::link(app(ctx), actor(ctx), &input)).await)
    }

    /// Says that a customer no longer uses a product. 取消客户与产品的关联。
    async fn unlink_customer(
        &self,
        ctx: &Context<'_>,
        input: CustomerOfProduct,
    ) -> ApiResult<CustomerPayload> {
        CustomerPayload::of(retrying(|| super::unlink(app(ctx), actor(ctx), &input)).await)
    }
}
