//! The API of rating policies.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::rating_policy;
use entity::vocabulary::Level;
use sea_orm::EntityTrait;

use super::CreateRatingPolicy;
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, Keyset, PageInput};
use crate::graphql::scalars::Decimal;
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;
use crate::score::rules::Weight;

/// A version of weights and bands; never changed, only followed by the next. 定级规则版本；不修改，只由新版本取代。
pub struct RatingPolicy(pub rating_policy::Model);

impl From<rating_policy::Model> for RatingPolicy {
    fn from(row: rating_policy::Model) -> Self {
        Self(row)
    }
}

/// What each factor weighs, in percent. 各要素权重（百分比）。
#[derive(SimpleObject)]
pub struct RatingWeights {
    /// Product importance. 产品重要程度。
    product_importance: Decimal,
    /// Product reach. 产品影响范围。
    product_reach: Decimal,
    /// Public opinion. 社会舆论。
    public_opinion: Decimal,
    /// Exploit conditions. 漏洞利用条件。
    exploit_conditions: Decimal,
    /// Actual impact. 漏洞实际影响。
    actual_impact: Decimal,
}

/// The rounded totals that mean a level, both ends included. 等级对应的总分区间，含两端。
#[derive(SimpleObject)]
pub struct RatingBand {
    /// The level. 等级。
    level: Level,
    /// The lowest total in it. 区间下限。
    from: Decimal,
    /// The highest total in it. 区间上限。
    to: Decimal,
}

/// A version of weights and bands; never changed, only followed by the next. 定级规则版本；不修改，只由新版本取代。
#[Object]
impl RatingPolicy {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<rating_policy::Entity>(self.0.id)
    }

    /// Counts up from 1; the highest is in use. 版本号，从 1 递增；最大者生效。
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// What each factor weighs. 各要素权重。
    async fn weights(&self) -> ApiResult<RatingWeights> {
        let policy = super::read(&self.0)?;
        let weights = policy.weights();
        let percent = |weight: Weight| Decimal::from_tenths(weight.tenths_of_percent().into());
        Ok(RatingWeights {
            product_importance: percent(weights.product_importance),
            product_reach: percent(weights.product_reach),
            public_opinion: percent(weights.public_opinion),
            exploit_conditions: percent(weights.exploit_conditions),
            actual_impact: percent(weights.actual_impact),
        })
    }

    /// Bands, rising from 0.0 to 10.0. 等级区间，自 0.0 至 10.0。
    async fn bands(&self) -> ApiResult<Vec<RatingBand>> {
        let policy = super::read(&self.0)?;
        let bands = policy.bands().iter().map(|band| RatingBand {
            level: band.level,
            from: Decimal::from_tenths(band.from.get().into()),
            to: Decimal::from_tenths(band.to.get().into()),
        });
        Ok(bands.collect())
    }

    /// Subject who introduced it. 引入者的主体标识。
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// From when it is used. 生效时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

crate::payload! {
    /// A new rating policy. 新定级规则。
    RatingPolicyPayload {
        /// The policy; null when it was refused. 定级规则；被拒绝时为空。
        rating_policy: RatingPolicy
    }
}

/// Reading rating policies.
#[derive(Default)]
pub struct RatingPolicyQuery;

/// Reading rating policies. 查询定级规则。
#[Object]
impl RatingPolicyQuery {
    /// Rating policies, the newest first. 定级规则，最新的在前。
    async fn rating_policies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100. 从前往后的条数。")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<RatingPolicy>> {
        require(actor(ctx), Action::ReadRatingPolicies)?;
        let keyset =
            Keyset { column: rating_policy::Column::Number, id: rating_policy::Column::Id, descending: true };
        let input = PageInput { first, after, last, before };
        let select = rating_policy::Entity::find();
        Ok(Connection::new(page::read(&app(ctx).database, select, keyset, &input).await?))
    }
}

/// Configuring the rating.
#[derive(Default)]
pub struct RatingPolicyMutation;

/// Configuring the rating. 配置定级规则。
#[Object]
impl RatingPolicyMutation {
    /// Introduces weights and bands for later scores. 引入供此后定级使用的权重与区间。
    async fn create_rating_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Weights and bands. 权重与区间。")] input: CreateRatingPolicy,
    ) -> ApiResult<RatingPolicyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        RatingPolicyPayload::of(retrying(|| super::create(app, actor, &input)).await)
    }
}
