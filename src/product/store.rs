//! Finding products.

use std::collections::HashMap;

use entity::product;
use entity::vocabulary::Lifecycle;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// Keys of products, by id.
///
/// # Errors
/// Of the database.
pub async fn keys(app: &App, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, String>> {
    let select = product::Entity::find().filter(is_one_of(app.database.backend(), product::Column::Id, ids));
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.key)).collect())
}

/// The product.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, id: Uuid) -> Result<product::Model> {
    product::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The product with this key.
///
/// # Errors
/// Of the database.
pub async fn by_key(app: &App, key: &str) -> Result<Option<product::Model>> {
    Ok(product::Entity::find().filter(product::Column::Key.eq(key)).one(app.database.reader()).await?)
}

/// A page of products by key.
///
/// # Errors
/// Those of the page.
pub async fn page(
    app: &App,
    line: Option<&str>,
    lifecycle: Option<Lifecycle>,
    input: &PageInput,
) -> Result<Page<product::Model>> {
    let mut select = product::Entity::find();
    if let Some(line) = line {
        select = select.filter(product::Column::Line.eq(line));
    }
    if let Some(lifecycle) = lifecycle {
        select = select.filter(product::Column::Lifecycle.eq(lifecycle));
    }
    let keyset = Keyset { column: product::Column::Key, id: product::Column::Id, descending: false };
    page::read(&app.database, select, keyset, input).await
}
