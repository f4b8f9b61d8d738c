//! The API of rating policies.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::rating_policy;
use entity::vocabulary::Level;

use super::{CreateRatingPolicy, store};
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::{self, Decimal};
use crate::graphql::{actor, app};
use crate::outbox::retrying;
use crate::score::rules::{Band, Weights};

/// A version of weights and bands.
pub struct RatingPolicy(pub rating_policy::Model);

impl From<rating_policy::Model> for RatingPolicy {
    fn from(row: rating_policy::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A rating policy after it was introduced. 新引入的评分规则。
    RatingPolicyPayload {
        /// The policy; null when it was refused. 评分规则；被拒绝时为空。
        rating_policy: RatingPolicy
    }
}

/// Weights of the five factors, in percent. 五项因素权重（百分比）。
#[derive(SimpleObject)]
pub struct RatingWeights {
    /// Weight of the product's importance. 产品重要程度权重。
    product_importance: Decimal,
    /// Weight of the product's reach. 产品影响范围权重。
    product_reach: Decimal,
    /// Weight of public opinion. 社会舆论权重。
    public_opinion: Decimal,
    /// Weight of the exploit conditions. 漏洞利用条件权重。
    exploit_conditions: Decimal,
    /// Weight of the actual impact. 漏洞实际影响权重。
    actual_impact: Decimal,
}

/// A level's band of totals. 等级区间。
#[derive(SimpleObject)]
pub struct RatingBand {
    /// The level. 等级。
    level: Level,
    /// Lowest total in it. 下限。
    from: Decimal,
    /// Highest total in it. 上限。
    to: Decimal,
}

/// A version of weights and bands; never changed, only followed by the next. 评分规则版本；不可修改，仅可由新版本取代。
#[Object]
impl RatingPolicy {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<rating_policy::Entity>(self.0.id)
    }

    /// Counts up from 1. 版本号，从 1 递增。
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// Weights. 权重。
    async fn weights(&self) -> ApiResult<RatingWeights> {
        let weights: Weights = serde_json::from_value(self.0.weights.clone())
            .map_err(|error| crate::error::Error::Internal(error.into()))?;
        let percent =
            |weight: crate::score::rules::Weight| Decimal::from_tenths(weight.tenths_of_percent().into());
        Ok(RatingWeights {
            product_importance: percent(weights.product_importance),
            product_reach: percent(weights.product_reach),
            public_opinion: percent(weights.public_opinion),
            exploit_conditions: percent(weights.exploit_conditions),
            actual_impact: percent(weights.actual_impact),
        })
    }

    /// Bands. 等级区间。
    async fn bands(&self) -> ApiResult<Vec<RatingBand>> {
        let bands: Vec<Band> = serde_json::from_value(self.0.bands.clone())
            .map_err(|error| crate::error::Error::Internal(error.into()))?;
        let bands = bands.into_iter().map(|band| RatingBand {
            level: band.level,
            from: Decimal::from_tenths(band.from.get().into()),
            to: Decimal::from_tenths(band.to.get().into()),
        });
        Ok(bands.collect())
    }

    /// Subject who introduced it. 引入人。
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// From when it is used. 启用时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// Queries of rating policies.
#[derive(Default)]
pub struct RatingPolicyQuery;

/// Queries of rating policies. 评分规则查询。
#[Object]
impl RatingPolicyQuery {
    /// Versions of the rating policy, the newest first. 评分规则版本，由新到旧。
    async fn rating_policies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<RatingPolicy>> {
        require(actor(ctx), Action::ReadRatingPolicies)?;
        Ok(Connection::new(store::page(app(ctx), &PageInput { first, after, last, before }).await?))
    }
}

/// Changes of rating policies.
#[derive(Default)]
pub struct RatingPolicyMutation;

/// Changes of rating policies. 评分规则变更。
#[Object]
impl RatingPolicyMutation {
    /// Introduces weights and bands for later scores. 引入新的评分规则版本。
    async fn create_rating_policy(
        &self,
        ctx: &Context<'_>,
        input: CreateRatingPolicy,
    ) -> ApiResult<RatingPolicyPayload> {
        RatingPolicyPayload::of(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)
    }
}
