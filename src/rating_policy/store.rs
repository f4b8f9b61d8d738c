//! Reading and making rows of rating policies.

use chrono::{DateTime, Utc};
use entity::rating_policy;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder};
use uuid::Uuid;

use crate::app::App;
use crate::clock::{Clock, Ids};
use crate::database::Database;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};
use crate::score::rules::RatingPolicy;

/// Who introduced the version that every installation begins with.
const INSTALLATION: &str = "installation";

/// The row of a version.
///
/// # Errors
/// When the policy cannot be written as JSON.
pub fn row(
    id: Uuid,
    number: i32,
    policy: &RatingPolicy,
    created_by: &str,
    created_at: DateTime<Utc>,
) -> anyhow::Result<rating_policy::Model> {
    Ok(rating_policy::Model {
        id,
        number,
        weights: serde_json::to_value(policy.weights())?,
        bands: serde_json::to_value(policy.bands())?,
        created_by: created_by.to_owned(),
        created_at,
    })
}

/// The version.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, id: Uuid) -> Result<rating_policy::Model> {
    rating_policy::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// Number of the newest version.
///
/// # Errors
/// Of the database.
pub async fn newest_number(app: &App) -> Result<i32> {
    let select = rating_policy::Entity::find().order_by_desc(rating_policy::Column::Number);
    Ok(select.one(app.database.reader()).await?.map_or(0, |row| row.number))
}

/// Makes sure that there is a version to score by: the default, as number 1.
///
/// # Errors
/// Of the database.
pub async fn ensure_default(database: &Database, clock: &dyn Clock, ids: &Ids) -> anyhow::Result<()> {
    if rating_policy::Entity::find().one(database.writer()).await?.is_none() {
        let row = row(ids.next(), 1, &RatingPolicy::default(), INSTALLATION, clock.now())?;
        row.into_active_model().insert(database.writer()).await?;
    }
    Ok(())
}

/// A page of versions, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, input: &PageInput) -> Result<Page<rating_policy::Model>> {
    let keyset =
        Keyset { column: rating_policy::Column::Number, id: rating_policy::Column::Id, descending: true };
    page::read(&app.database, rating_policy::Entity::find(), keyset, input).await
}
