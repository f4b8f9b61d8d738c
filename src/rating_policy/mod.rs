//! Rating policies: weights and bands, versioned. A policy is never changed, only followed by the next; a score
//! keeps the version it was made under.

pub mod graphql;

use async_graphql::InputObject;
use entity::rating_policy;
use entity::vocabulary::Level;
use sea_orm::{EntityTrait, QueryOrder};
use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::graphql::scalars::Decimal;
use crate::idempotency::{self, Replay};
use crate::outbox::{ChangeSet, retrying};
use crate::score::rules::{Band, Factor, RatingPolicy, Tenths, Weight, Weights};

/// Name in the audit trail.
const KIND: &str = "rating_policy";

/// What each factor weighs, in percent; together exactly 100. 各要素权重（百分比），合计须为 100。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct WeightsInput {
    /// Product importance. 产品重要程度。
    pub product_importance: Decimal,
    /// Product reach. 产品影响范围。
    pub product_reach: Decimal,
    /// Public opinion. 社会舆论。
    pub public_opinion: Decimal,
    /// Exploit conditions. 漏洞利用条件。
    pub exploit_conditions: Decimal,
    /// Actual impact. 漏洞实际影响。
    pub actual_impact: Decimal,
}

/// The rounded totals that mean a level, both ends included. 等级对应的总分区间，含两端。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct BandInput {
    /// The level. 等级。
    pub level: Level,
    /// The lowest total in it. 区间下限。
    pub from: Decimal,
    /// The highest total in it. 区间上限。
    pub to: Decimal,
}

/// Weights and bands for later scores. 供此后定级使用的权重与区间。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateRatingPolicy {
    /// What each factor weighs. 各要素权重。
    pub weights: WeightsInput,
    /// Bands that cover 0.0 to 10.0 without gap or overlap. 无缝覆盖 0.0 至 10.0 的区间。
    pub bands: Vec<BandInput>,
    /// Makes sending the same request again safe. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Introduces the next policy.
///
/// # Errors
/// By policy; on numbers, weights or bands that make no rating policy.
pub async fn create(app: &App, actor: &Actor, input: &CreateRatingPolicy) -> Result<rating_policy::Model> {
    let action = Action::CreateRatingPolicy;
    require(actor, action)?;
    let key = match idempotency::replay(app, actor, action, input.idempotency_key.as_deref(), input).await? {
        Replay::Done(id) => return find(app, id).await,
        Replay::First(key) => key,
    };
    let policy = policy_of(input)?;
    let number = newest(app).await?.map_or(1, |newest| newest.number + 1);
    let mut changes = ChangeSet::new(app, actor, action);
    let row = insert(app, &mut changes, &policy, number)?;
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

/// Writes the procedure's own weights and bands as number 1 where there is no policy yet.
///
/// # Errors
/// Of the database.
pub async fn ensure_default(app: &App) -> Result<()> {
    let seeder = Actor::operator("vulndesk", []);
    retrying(|| async {
        if newest(app).await?.is_some() {
            return Ok(());
        }
        let mut changes = ChangeSet::new(app, &seeder, Action::CreateRatingPolicy);
        insert(app, &mut changes, &RatingPolicy::default(), 1)?;
        app.commit(changes).await
    })
    .await
}

/// The policy that scores are made under now.
///
/// # Errors
/// When none was ever introduced; of the database.
pub async fn current(app: &App) -> Result<(rating_policy::Model, RatingPolicy)> {
    let row = newest(app).await?.ok_or_else(|| anyhow::anyhow!("there is no rating policy"))?;
    let policy = read(&row)?;
    Ok((row, policy))
}

/// The policy that a row keeps.
///
/// # Errors
/// When the row holds no policy, which only a change behind the product's back can bring about.
pub fn read(row: &rating_policy::Model) -> Result<RatingPolicy> {
    let weights = serde_json::from_value(row.weights.clone()).map_err(anyhow::Error::from)?;
    let bands = serde_json::from_value(row.bands.clone()).map_err(anyhow::Error::from)?;
    Ok(RatingPolicy::new(weights, bands).map_err(anyhow::Error::from)?)
}

async fn find(app: &App, id: Uuid) -> Result<rating_policy::Model> {
    rating_policy::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

async fn newest(app: &App) -> Result<Option<rating_policy::Model>> {
    let select = rating_policy::Entity::find().order_by_desc(rating_policy::Column::Number);
    Ok(select.one(app.database.reader()).await?)
}

/// Two writers of one number meet in its unique index; the one who loses runs again.
fn insert(
    app: &App,
    changes: &mut ChangeSet,
    policy: &RatingPolicy,
    number: i32,
) -> Result<rating_policy::Model> {
    let row = rating_policy::Model {
        id: app.ids.next(),
        number,
        weights: serde_json::to_value(policy.weights()).map_err(anyhow::Error::from)?,
        bands: serde_json::to_value(policy.bands()).map_err(anyhow::Error::from)?,
        created_by: changes.actor().to_owned(),
        created_at: changes.at(),
    };
    changes.insert(&row);
    changes.record(app, KIND, row.id, None);
    Ok(row)
}

fn policy_of(input: &CreateRatingPolicy) -> Result<RatingPolicy> {
    let weight = |name: &str, value: &Decimal| -> Result<Weight> {
        let field = format!("input.weights.{name}");
        value.0.parse().map_err(|error| Error::bad_input(field, format!("{error}")))
    };
    let weights = Weights {
        product_importance: weight("productImportance", &input.weights.product_importance)?,
        product_reach: weight("productReach", &input.weights.product_reach)?,
        public_opinion: weight("publicOpinion", &input.weights.public_opinion)?,
        exploit_conditions: weight("exploitConditions", &input.weights.exploit_conditions)?,
        actual_impact: weight("actualImpact", &input.weights.actual_impact)?,
    };
    let bands = input.bands.iter().enumerate().map(|(index, band)| {
        Ok(Band {
            level: band.level,
            from: total(&format!("input.bands.{index}.from"), &band.from)?,
            to: total(&format!("input.bands.{index}.to"), &band.to)?,
        })
    });
    let bands = bands.collect::<Result<Vec<_>>>()?;
    RatingPolicy::new(weights, bands).map_err(|error| Error::bad_input("input", error.to_string()))
}

fn total(field: &str, value: &Decimal) -> Result<Tenths> {
    let wrong = || Error::bad_input(field, "send a total from 0.0 to 10.0 with at most one decimal");
    // A total is written like a factor: same range, same steps.
    let factor: Factor = value.0.parse().map_err(|_| wrong())?;
    Tenths::new(factor.tenths()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal(text.to_owned())
    }

    fn input(public_opinion: &str, yellow_to: &str) -> CreateRatingPolicy {
        let band = |level, from, to| BandInput { level, from: decimal(from), to: decimal(to) };
        CreateRatingPolicy {
            weights: WeightsInput {
                product_importance: decimal("10"),
                product_reach: decimal("20"),
                public_opinion: decimal(public_opinion),
                exploit_conditions: decimal("10.0"),
                actual_impact: decimal("30"),
            },
            bands: vec![
                band(Level::None, "0.0", "2.9"),
                band(Level::Blue, "3", "6.9"),
                band(Level::Yellow, "7.0", yellow_to),
                band(Level::Orange, "8.0", "8.9"),
                band(Level::Red, "9.0", "10.0"),
            ],
            idempotency_key: None,
        }
    }

    #[test]
    fn percents_and_bands_become_a_policy() {
        assert_eq!(policy_of(&input("30", "7.9")).unwrap(), RatingPolicy::default());
    }

    #[test]
    fn what_is_no_policy_is_refused_by_name() {
        let message = |input| match policy_of(&input).unwrap_err() {
            Error::BadInput { field, message } => format!("{field}: {message}"),
            other => panic!("{other:?}"),
        };
        assert!(message(input("29.9", "7.9")).contains("99.9 %"));
        assert!(message(input("30.05", "7.9")).starts_with("input.weights.publicOpinion: "));
        assert!(message(input("30", "7.8")).contains("7.9 belongs to no level"));
        assert!(message(input("30", "10.1")).starts_with("input.bands.2.to: "));
    }
}
