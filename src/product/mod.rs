//! Products.

pub mod graphql;

use crate::app::App;
use crate::error::Result;
use entity::product;
use sea_orm::{EntityTrait, QueryFilter};
use std::collections::HashMap;
use uuid::Uuid;
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
