//! Finding roster entries.

use chrono::{DateTime, Utc};
use entity::duty;
use entity::vocabulary::Function;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

/// The entry with this id.
///
/// # Errors
/// NOT_FOUND; of the database.
pub async fn find(app: &App, id: Uuid) -> Result<duty::Model> {
    duty::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The entry covers the instant: its start is in, its end is out.
pub fn covers(at: DateTime<Utc>) -> Condition {
    Condition::all().add(duty::Column::StartsAt.lte(at)).add(duty::Column::EndsAt.gt(at))
}

/// Who is on duty for `function` at `at`, the latest entry first.
///
/// # Errors
/// Of the database.
pub async fn on_duty(app: &App, function: Function, at: DateTime<Utc>) -> Result<Vec<duty::Model>> {
    let select = duty::Entity::find()
        .filter(duty::Column::Function.eq(function))
        .filter(covers(at))
        .order_by_desc(duty::Column::StartsAt)
        .order_by_desc(duty::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}
