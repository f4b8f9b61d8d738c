//! Finding channels and platform accounts.

use entity::{channel, platform_account};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

/// The channel with this id.
///
/// # Errors
/// NOT_FOUND; of the database.
pub async fn find(app: &App, id: Uuid) -> Result<channel::Model> {
    channel::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The channel with this key.
///
/// # Errors
/// Of the database.
pub async fn find_by_key(app: &App, key: &str) -> Result<Option<channel::Model>> {
    let select = channel::Entity::find().filter(channel::Column::Key.eq(key));
    Ok(select.one(app.database.reader()).await?)
}

/// The platform account with this id.
///
/// # Errors
/// NOT_FOUND; of the database.
pub async fn find_account(app: &App, id: Uuid) -> Result<platform_account::Model> {
    platform_account::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}
