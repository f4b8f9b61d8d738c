//! The API of products.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{AssetTier, Lifecycle, ProductKind, RmsvLibrary};
use entity::{customer, product, product_customer};
use sea_orm::{ColumnTrait, EntityTrait, Order, QueryFilter};

use super::{CreateProduct, UpdateProduct};
use crate::auth::policy::{Action, allows, require};
use crate::customer::graphql::Customer;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, Keyset, PageInput};
use crate::graphql::scalars::Decimal;
use crate::graphql::{actor, app, loaders, scalars};
use crate::outbox::retrying;

/// A product or service of the company. 公司的产品或服务。
pub struct Product(pub product::Model);

impl From<product::Model> for Product {
    fn from(row: product::Model) -> Self {
        Self(row)
    }
}

impl loaders::Child for product_customer::Entity {
    const PARENT: Self::Column = product_customer::Column::ProductId;
    const ORDER: (Self::Column, Order) = (product_customer::Column::CustomerId, Order::Asc);
    const ID: Self::Column = product_customer::Column::CustomerId;
}

/// A product or service of the company. 公司的产品或服务。
#[Object]
impl Product {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<product::Entity>(self.0.id)
    }

    /// Stable short name, as tokens name it in their scope. 固定短名，用于令牌范围。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Product line: what is remediated and assigned as one. 产品线。
    async fn line(&self) -> &str {
        &self.0.line
    }

    /// Team that owns it. 责任团队。
    async fn owner_team(&self) -> &str {
        &self.0.owner_team
    }

    /// Legal entity that provides it. 提供主体。
    async fn provider_entity(&self) -> &str {
        &self.0.provider_entity
    }

    /// Product or own service. 产品类别。
    async fn kind(&self) -> ProductKind {
        self.0.kind
    }

    /// Where a score's product importance starts, 0.0 to 10.0. 产品重要程度默认值。
    async fn importance(&self) -> Decimal {
        Decimal::from_tenths(self.0.importance)
    }

    /// Where a score's product reach starts, 0.0 to 10.0. 产品影响范围默认值。
    async fn reach(&self) -> Decimal {
        Decimal::from_tenths(self.0.reach)
    }

    /// Who uses it, in words; null for roles that may not read customers. 客户覆盖说明；无权查看客户的角色为空。
    async fn customer_coverage(&self, ctx: &Context<'_>) -> Option<&str> {
        allows(actor(ctx), Action::ReadCustomers).then_some(self.0.customer_coverage.as_str())
    }

    /// Tier of the reward grid. 资产等级。
    async fn asset_tier(&self) -> AssetTier {
        self.0.asset_tier
    }

    /// Where it stands in its life. 生命周期。
    async fn lifecycle(&self) -> Lifecycle {
        self.0.lifecycle
    }

    /// Notice that announced its end. 退市公告。
    async fn end_of_life_notice(&self) -> Option<&str> {
        self.0.end_of_life_notice.as_deref()
    }

    /// Last version that was supported. 最后支持版本。
    async fn last_supported_version(&self) -> Option<&str> {
        self.0.last_supported_version.as_deref()
    }

    /// What replaces it. 替代产品。
    async fn successor(&self) -> Option<&str> {
        self.0.successor.as_deref()
    }

    /// Library of the MIIT platform; null when RMSV does not apply. 工信部漏洞平台专业库；不适用时为空。
    async fn rmsv_library(&self) -> Option<RmsvLibrary> {
        self.0.rmsv_library
    }

    /// Whether the EU Cyber Resilience Act applies. 是否适用欧盟《网络弹性法案》。
    async fn cra_in_scope(&self) -> bool {
        self.0.cra_in_scope
    }

    /// Member states where it is available, by country code. 投放的欧盟成员国。
    async fn cra_member_states(&self) -> &[String] {
        &self.0.cra_member_states.0
    }

    /// Last day of its support period. 支持期截止日。
    async fn cra_support_until(&self) -> Option<NaiveDate> {
        self.0.cra_support_until
    }

    /// Whether operators of critical information infrastructure use it. 是否用于关键信息基础设施。
    async fn critical_infrastructure(&self) -> bool {
        self.0.critical_infrastructure
    }

    /// Customers who use it; null for roles that may not read customers. 使用该产品的客户；无权查看客户的角色为空。
    async fn customers(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Customer>>> {
        if !allows(actor(ctx), Action::ReadCustomers) {
            return Ok(None);
        }
        let links = loaders::children::<product_customer::Entity>(ctx, self.0.id).await?;
        // Asked for together, so that they are read in one statement.
        let lookups = links.iter().map(|link| loaders::lookup::<customer::Entity>(ctx, link.customer_id));
        let customers = futures_util::future::try_join_all(lookups).await?;
        Ok(Some(customers.into_iter().flatten().map(Customer).collect()))
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
    /// A product after a change. 变更后的产品。
    ProductPayload {
        /// The product as it now is; null when the change was refused. 变更后的产品；被拒绝时为空。
        product: Product
    }
}

/// Reading products.
#[derive(Default)]
pub struct ProductQuery;

/// Reading products. 查询产品。
#[Object]
impl ProductQuery {
    /// Products by their key. 产品列表，按短名排序。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100. 从前往后的条数。")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
        #[graphql(desc = "Only the one with this key. 仅该短名。")] key: Option<String>,
        #[graphql(desc = "Only of this line. 仅该产品线。")] line: Option<String>,
        #[graphql(desc = "Only where it stands there in its life. 仅该生命周期。")] lifecycle: Option<
            Lifecycle,
        >,
    ) -> ApiResult<Connection<Product>> {
        require(actor(ctx), Action::ReadProducts)?;
        let mut select = product::Entity::find();
        if let Some(key) = key {
            select = select.filter(product::Column::Key.eq(key));
        }
        if let Some(line) = line {
            select = select.filter(product::Column::Line.eq(line));
        }
        if let Some(lifecycle) = lifecycle {
            select = select.filter(product::Column::Lifecycle.eq(lifecycle));
        }
        let keyset = Keyset { column: product::Column::Key, id: product::Column::Id, descending: false };
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(page::read(&app(ctx).database, select, keyset, &input).await?))
    }
}

/// Configuring products.
#[derive(Default)]
pub struct ProductMutation;

/// Configuring products. 配置产品。
#[Object]
impl ProductMutation {
    /// Adds a product. 新增产品。
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product. 产品。")] input: CreateProduct,
    ) -> ApiResult<ProductPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ProductPayload::of(retrying(|| super::create(app, actor, &input)).await)
    }

    /// Changes a product; its key never changes. 修改产品；短名不可更改。
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes. 修改内容。")] input: UpdateProduct,
    ) -> ApiResult<ProductPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ProductPayload::of(retrying(|| super::update(app, actor, &input)).await)
    }
}
