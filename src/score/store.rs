//! Reading what a score follows from, and scores and policies in their stored form.

use entity::vocabulary::{AffectedState, ChannelKind};
use entity::{affected_customer, affected_product, channel, decision, product, rating_policy, report, score};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::rules::{Band, Factor, Factors, Rating, RatingPolicy, Tenths, Total, Weights};
use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;

/// The score that holds.
///
/// # Errors
/// Of the database.
pub async fn current(app: &App, event: Uuid) -> Result<Option<score::Model>> {
    let select = score::Entity::find()
        .filter(score::Column::EventId.eq(event))
        .filter(score::Column::SupersededAt.is_null());
    Ok(select.one(app.database.reader()).await?)
}

/// The newest rating policy, by which is scored.
///
/// # Errors
/// Internal when there is none or it does not check; of the database.
pub async fn current_policy(app: &App) -> Result<(rating_policy::Model, RatingPolicy)> {
    let select = rating_policy::Entity::find().order_by_desc(rating_policy::Column::Number);
    let row = select
        .one(app.database.reader())
        .await?
        .ok_or_else(|| anyhow::anyhow!("there is no rating policy: run migrate"))?;
    let policy = policy_of(&row)?;
    Ok((row, policy))
}

fn policy_of(row: &rating_policy::Model) -> anyhow::Result<RatingPolicy> {
    let weights: Weights = serde_json::from_value(row.weights.clone())?;
    let bands: Vec<Band> = serde_json::from_value(row.bands.clone())?;
    Ok(RatingPolicy::new(weights, bands)?)
}

/// A factor from its stored tenths.
///
/// # Errors
/// Internal when it is out of range.
pub fn factor_of(tenths: i32) -> Result<Factor> {
    Ok(u8::try_from(tenths)
        .map_err(anyhow::Error::from)
        .and_then(|tenths| Ok(Factor::from_tenths(tenths)?))?)
}

/// A score's factors.
///
/// # Errors
/// Internal when one is out of range.
pub fn factors_of(row: &score::Model) -> Result<Factors> {
    Ok(Factors {
        product_importance: factor_of(row.product_importance)?,
        product_reach: factor_of(row.product_reach)?,
        public_opinion: factor_of(row.public_opinion)?,
        exploit_conditions: factor_of(row.exploit_conditions)?,
        actual_impact: factor_of(row.actual_impact)?,
    })
}

/// A score's rating as it was made, whatever the present policy.
///
/// # Errors
/// Internal when a number is out of range.
pub fn rating_of(row: &score::Model) -> Result<Rating> {
    let total = u32::try_from(row.total).map_err(anyhow::Error::from)?;
    let rounded = u8::try_from(row.rounded).map_err(anyhow::Error::from)?;
    Ok(Rating {
        total: Total::from_units(total).map_err(anyhow::Error::from)?,
        rounded: Tenths::new(rounded).map_err(anyhow::Error::from)?,
        level: row.level,
    })
}

/// Highest importance and reach of the event's affected products, in tenths; none when no product is affected.
///
/// # Errors
/// Of the database.
pub async fn product_factors(app: &App, event: Uuid) -> Result<Option<(i32, i32)>> {
    let db = app.database.reader();
    let affected = affected_product::Entity::find()
        .filter(affected_product::Column::EventId.eq(event))
        .filter(affected_product::Column::State.is_in([AffectedState::Affected, AffectedState::Fixed]))
        .all(db)
        .await?;
    let ids = affected.iter().map(|row| row.product_id);
    let products = product::Entity::find()
        .filter(is_one_of(app.database.backend(), product::Column::Id, ids))
        .all(db)
        .await?;
    let importance = products.iter().map(|product| product.importance).max();
    Ok(importance.zip(products.iter().map(|product| product.reach).max()))
}

/// Whether a customer is affected by the event or reported it.
///
/// # Errors
/// Of the database.
pub async fn touches_customer(app: &App, event: Uuid) -> Result<bool> {
    let db = app.database.reader();
    let affected =
        affected_customer::Entity::find().filter(affected_customer::Column::EventId.eq(event)).one(db);
    let of_customers = Query::select()
        .column(channel::Column::Id)
        .from(channel::Entity)
        .and_where(channel::Column::Kind.eq(ChannelKind::Customer))
        .take();
    let reported = report::Entity::find()
        .filter(report::Column::EventId.eq(event))
        .filter(Expr::col(report::Column::ChannelId).in_subquery(of_customers))
        .one(db);
    let (affected, reported) = tokio::try_join!(affected, reported)?;
    Ok(affected.is_some() || reported.is_some())
}

/// A decision of the event.
///
/// # Errors
/// Of the database.
pub async fn decision(app: &App, event: Uuid, id: Uuid) -> Result<Option<decision::Model>> {
    let select = decision::Entity::find_by_id(id).filter(decision::Column::EventId.eq(event));
    Ok(select.one(app.database.reader()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn a_stored_policy_is_checked_again() {
        let default = RatingPolicy::default();
        let mut row = rating_policy::Model {
            id: Uuid::from_u128(1),
            number: 1,
            weights: serde_json::to_value(default.weights()).unwrap(),
            bands: serde_json::to_value(default.bands()).unwrap(),
            created_by: "admin-1".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(policy_of(&row).unwrap(), default);
        row.weights["public_opinion"] = 290.into();
        assert!(policy_of(&row).unwrap_err().to_string().contains("99.0 %"));
    }

    #[test]
    fn stored_numbers_are_checked_again() {
        assert_eq!(factor_of(85).unwrap().tenths(), 85);
        assert!(factor_of(-1).is_err());
        assert!(factor_of(101).is_err());
    }
}
