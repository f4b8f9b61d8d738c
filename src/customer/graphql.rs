//! The API of customers.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::{customer, product, product_customer};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use super::{CreateCustomer, CustomerLink, UpdateCustomer};
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, Keyset, PageInput};
use crate::graphql::scalars::Id;
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;
use crate::product::graphql::Product;

/// A customer who uses products. Fields that lead here ask for the right to read customers.
/// 使用产品的客户；仅对有权查看客户的角色可见。
pub struct Customer(pub customer::Model);

impl From<customer::Model> for Customer {
    fn from(row: customer::Model) -> Self {
        Self(row)
    }
}

/// A customer who uses products. 使用产品的客户。
#[Object]
impl Customer {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<customer::Entity>(self.0.id)
    }

    /// Stable short name. 固定短名。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How to reach it. 联系方式。
    async fn contact(&self) -> Option<&str> {
        self.0.contact.as_deref()
    }

    /// Whether it is outside the company's own jurisdiction. 是否在境外。
    async fn abroad(&self) -> bool {
        self.0.abroad
    }

    /// Subject of its account manager. 客户经理的主体标识。
    async fn account_manager(&self) -> Option<&str> {
        self.0.account_manager.as_deref()
    }

    /// Counts changes; to be sent back with the next one. 版本号，修改时须带回。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was recorded. 记录时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed. 最后变更时间。
    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }
}

crate::payload! {
    /// A customer after a change. 变更后的客户。
    CustomerPayload {
        /// The customer as it now is; null when the change was refused. 变更后的客户；被拒绝时为空。
        customer: Customer
    }
}

crate::payload! {
    /// A product after its customers changed. 客户变更后的产品。
    CustomerLinkPayload {
        /// The product with its customers; null when the change was refused. 产品及其客户；被拒绝时为空。
        product: Product
    }
}

/// Reading customers.
#[derive(Default)]
pub struct CustomerQuery;

/// Reading customers. 查询客户。
#[Object]
impl CustomerQuery {
    /// Customers by their key. 客户列表，按短名排序。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100. 从前往后的条数。")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
        #[graphql(desc = "Only users of this product. 仅使用该产品的客户。")] product: Option<
            Id<product::Entity>,
        >,
    ) -> ApiResult<Connection<Customer>> {
        require(actor(ctx), Action::ReadCustomers)?;
        let mut select = customer::Entity::find();
        if let Some(product) = product {
            let users = product_customer::Entity::find()
                .select_only()
                .column(product_customer::Column::CustomerId)
                .filter(product_customer::Column::ProductId.eq(product.0))
                .into_query();
            select = select.filter(customer::Column::Id.in_subquery(users));
        }
        let keyset = Keyset { column: customer::Column::Key, id: customer::Column::Id, descending: false };
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(page::read(&app(ctx).database, select, keyset, &input).await?))
    }
}

/// Configuring customers.
#[derive(Default)]
pub struct CustomerMutation;

/// Configuring customers. 配置客户。
#[Object]
impl CustomerMutation {
    /// Adds a customer. 新增客户。
    async fn create_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer. 客户。")] input: CreateCustomer,
    ) -> ApiResult<CustomerPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        CustomerPayload::of(retrying(|| super::create(app, actor, &input)).await)
    }

    /// Changes a customer; its key never changes. 修改客户；短名不可更改。
    async fn update_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes. 修改内容。")] input: UpdateCustomer,
    ) -> ApiResult<CustomerPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        CustomerPayload::of(retrying(|| super::update(app, actor, &input)).await)
    }

    /// Says that a customer uses a product. 关联客户与产品。
    async fn link_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two. 客户与产品。")] input: CustomerLink,
    ) -> ApiResult<CustomerLinkPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        CustomerLinkPayload::of(retrying(|| super::link(app, actor, &input)).await)
    }

    /// Says that a customer no longer uses a product. 解除客户与产品的关联。
    async fn unlink_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two. 客户与产品。")] input: CustomerLink,
    ) -> ApiResult<CustomerLinkPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        CustomerLinkPayload::of(retrying(|| super::unlink(app, actor, &input)).await)
    }
}
