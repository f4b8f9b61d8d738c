//! Versions of weights and bands. A version is never changed: the next one follows it, and each score keeps the
//! version it was made with. The rules of what a policy has to hold are `score::rules`.

pub mod graphql;
pub mod store;

use async_graphql::InputObject;
use entity::rating_policy;
use entity::vocabulary::Level;
use serde::Serialize;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::graphql::scalars::Decimal;
use crate::idempotency::{Replay, replay};
use crate::outbox::ChangeSet;
use crate::score::rules::{Band, Factor, RatingPolicy, Tenths, Weight, Weights};

/// Weights and bands for later scores. 后续评分使用的权重与等级区间。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateRatingPolicy {
    /// Weight of the product's importance, in percent. 产品重要程度权重（百分比）。
    pub product_importance: Decimal,
    /// Weight of the product's reach, in percent. 产品影响范围权重（百分比）。
    pub product_reach: Decimal,
    /// Weight of public opinion, in percent. 社会舆论权重（百分比）。
    pub public_opinion: Decimal,
    /// Weight of the exploit conditions, in percent. 漏洞利用条件权重（百分比）。
    pub exploit_conditions: Decimal,
    /// Weight of the actual impact, in percent. 漏洞实际影响权重（百分比）。
    pub actual_impact: Decimal,
    /// Bands that cover 0.0 to 10.0 without gap or overlap. 覆盖 0.0 至 10.0 的等级区间，无缝隙无重叠。
    pub bands: Vec<BandInput>,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// A level's band of totals. 等级区间。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct BandInput {
    /// The level. 等级。
    pub level: Level,
    /// Lowest total in it. 下限。
    pub from: Decimal,
    /// Highest total in it. 上限。
    pub to: Decimal,
}

/// Introduces a version of the rating policy.
///
/// # Errors
/// By policy; BAD_USER_INPUT when the weights do not sum to 100 % or the bands do not cover the scale.
pub async fn create(app: &App, actor: &Actor, input: &CreateRatingPolicy) -> Result<rating_policy::Model> {
    require(actor, Action::CreateRatingPolicy)?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::CreateRatingPolicy, key, input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    let weights = Weights {
        product_importance: weight("input.productImportance", &input.product_importance)?,
        product_reach: weight("input.productReach", &input.product_reach)?,
        public_opinion: weight("input.publicOpinion", &input.public_opinion)?,
        exploit_conditions: weight("input.exploitConditions", &input.exploit_conditions)?,
        actual_impact: weight("input.actualImpact", &input.actual_impact)?,
    };
    let bands = input.bands.iter().map(|band| {
        Ok(Band {
            level: band.level,
            from: total("input.bands.from", &band.from)?,
            to: total("input.bands.to", &band.to)?,
        })
    });
    let bands = bands.collect::<Result<Vec<_>>>()?;
    let policy =
        RatingPolicy::new(weights, bands).map_err(|error| Error::bad_input("input", format!("{error}")))?;
    let mut changes = ChangeSet::new(app, actor, Action::CreateRatingPolicy);
    let row = store::row(
        app.ids.next(),
        store::newest_number(app).await? + 1,
        &policy,
        &actor.subject,
        changes.at(),
    )?;
    changes.insert(&row);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    changes.record(app, "rating_policy", row.id);
    app.commit(changes).await?;
    Ok(row)
}

fn weight(field: &str, value: &Decimal) -> Result<Weight> {
    value.0.parse().map_err(|error| Error::bad_input(field, format!("{error}")))
}

/// A total has the same form as a factor.
fn total(field: &str, value: &Decimal) -> Result<Tenths> {
    let factor: Factor = value.0.parse().map_err(|error| Error::bad_input(field, format!("{error}")))?;
    Tenths::new(factor.tenths()).map_err(|error| Error::bad_input(field, format!("{error}")))
}
