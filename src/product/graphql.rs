//! The API of products.

use async_graphql::{Context, ID, Object};
use chrono::NaiveDate;
use entity::product;
use entity::vocabulary::{AssetTier, Lifecycle, ProductKind, RmsvLibrary};

use super::{CreateProduct, UpdateProduct, store};
use crate::auth::policy::{Action, allows, require};
use crate::customer::graphql::Customer;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::{self, Decimal};
use crate::graphql::{actor, app};
use crate::outbox::retrying;

/// A product or service of the company.
pub struct Product(pub product::Model);

impl From<product::Model> for Product {
    fn from(row: product::Model) -> Self {
        Self(row)
    }
}

ahead::selected! {
    product, always [] {
        "id": [Id];
        "key": [Key];
        "name": [Name];
        "line": [Line];
        "ownerTeam": [OwnerTeam];
        "kind": [Kind];
        "version": [Version];
    }
}

crate::payload! {
    /// A product after a change. 变更后的产品。
    ProductPayload {
        /// It as it now is; null when the change was refused. 变更后的产品；被拒绝时为空。
        product: Product
    }
}

/// A product or service of the company. 产品或服务。
#[Object]
impl Product {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<product::Entity>(self.0.id)
    }

    /// Stable short name, as engineers' tokens use it. 产品标识。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Product line. 产品线。
    async fn line(&self) -> &str {
        &self.0.line
    }

    /// Team that owns it. 责任团队。
    async fn owner_team(&self) -> &str {
        &self.0.owner_team
    }

    /// Legal entity that provides it. 提供者主体。
    async fn provider_entity(&self) -> &str {
        &self.0.provider_entity
    }

    /// Product or own service. 产品类别。
    async fn kind(&self) -> ProductKind {
        self.0.kind
    }

    /// Importance: where scores start from. 产品重要程度默认值。
    async fn importance(&self) -> Decimal {
        Decimal::from_tenths(self.0.importance)
    }

    /// Reach: where scores start from. 产品影响范围默认值。
    async fn reach(&self) -> Decimal {
        Decimal::from_tenths(self.0.reach)
    }

    /// Who uses it, in words. 客户覆盖情况。
    async fn customer_coverage(&self) -> &str {
        &self.0.customer_coverage
    }

    /// Tier of the reward grid. 资产等级。
    async fn asset_tier(&self) -> AssetTier {
        self.0.asset_tier
    }

    /// Where it stands in its life. 生命周期。
    async fn lifecycle(&self) -> Lifecycle {
        self.0.lifecycle
    }

    /// Notice that announced its end; null when there is none. 退市公告。
    async fn end_of_life_notice(&self) -> Option<&str> {
        self.0.end_of_life_notice.as_deref()
    }

    /// Last version that was supported; null while it is supported. 最后支持版本。
    async fn last_supported_version(&self) -> Option<&str> {
        self.0.last_supported_version.as_deref()
    }

    /// What replaces it; null when nothing does. 替代产品。
    async fn successor(&self) -> Option<&str> {
        self.0.successor.as_deref()
    }

    /// Library of the MIIT platform; null when RMSV does not apply. 工信部漏洞平台专业库。
    async fn rmsv_library(&self) -> Option<RmsvLibrary> {
        self.0.rmsv_library
    }

    /// Whether the EU Cyber Resilience Act applies. 是否适用欧盟 CRA。
    async fn cra_in_scope(&self) -> bool {
        self.0.cra_in_scope
    }

    /// Member states where it is available. 欧盟销售成员国。
    async fn cra_member_states(&self) -> &[String] {
        &self.0.cra_member_states.0
    }

    /// Last day of its support period under the CRA; null when not set. CRA 支持期截止日。
    async fn cra_support_until(&self) -> Option<NaiveDate> {
        self.0.cra_support_until
    }

    /// Used by operators of critical information infrastructure. 是否用于关键信息基础设施。
    async fn critical_infrastructure(&self) -> bool {
        self.0.critical_infrastructure
    }

    /// Run by or for a central organ of the state, or what it administers. 是否属于中央和国家机关及其管理的企事业单位。
    async fn central_organ(&self) -> bool {
        self.0.central_organ
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Customers who use it, 100 at most; null when your role may not read customers. 使用该产品的客户（最多一百个）；无权读取时为空。
    async fn customers(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Customer>>> {
        if !allows(actor(ctx), Action::ReadCustomers) {
            return Ok(None);
        }
        let rows = Box::pin(crate::customer::store::of_product(app(ctx), self.0.id)).await?;
        Ok(Some(rows.into_iter().map(Customer).collect()))
    }
}

/// Queries of products.
#[derive(Default)]
pub struct ProductQuery;

/// Queries of products. 产品查询。
#[Object]
impl ProductQuery {
    /// Products by key. 产品列表。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this line. 产品线。")] line: Option<String>,
        #[graphql(desc = "Only at this point of their life. 生命周期。")] lifecycle: Option<Lifecycle>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Product>> {
        require(actor(ctx), Action::ReadProducts)?;
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(store::page(app(ctx), line.as_deref(), lifecycle, &input).await?))
    }
}

/// Changes of products.
#[derive(Default)]
pub struct ProductMutation;

/// Changes of products. 产品变更。
#[Object]
impl ProductMutation {
    /// Adds a product. 新增产品。
    async fn create_product(&self, ctx: &Context<'_>, input: CreateProduct) -> ApiResult<ProductPayload> {
        ProductPayload::of(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Changes a product. 修改产品。
    async fn update_product(&self, ctx: &Context<'_>, input: UpdateProduct) -> ApiResult<ProductPayload> {
        ProductPayload::of(retrying(|| super::update(app(ctx), actor(ctx), &input)).await)
    }
}
