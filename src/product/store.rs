//! Finding products.

use std::collections::HashMap;

use entity::product;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

/// Keys of products, by id.
///
/// # Errors
/// Of the database.
pub async fn keys(app: &App, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, String>> {
    let rows = product::Entity::find()
        .filter(crate::database::is_one_of(app.database.backend(), product::Column::Id, ids))
        .all(app.database.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.key)).collect())
}

/// The product with this id.
///
/// # Errors
/// NOT_FOUND; of the database.
pub async fn find(app: &App, id: Uuid) -> Result<product::Model> {
    product::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The product with this key.
///
/// # Errors
/// Of the database.
pub async fn find_by_key(app: &App, key: &str) -> Result<Option<product::Model>> {
    let select = product::Entity::find().filter(product::Column::Key.eq(key));
    Ok(select.one(app.database.reader()).await?)
}
