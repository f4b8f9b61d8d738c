//! Finding customers and their links to products.

use entity::{customer, product_customer};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

/// The customer with this id.
///
/// # Errors
/// NOT_FOUND; of the database.
pub async fn find(app: &App, id: Uuid) -> Result<customer::Model> {
    customer::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The customer with this key.
///
/// # Errors
/// Of the database.
pub async fn find_by_key(app: &App, key: &str) -> Result<Option<customer::Model>> {
    let select = customer::Entity::find().filter(customer::Column::Key.eq(key));
    Ok(select.one(app.database.reader()).await?)
}

/// Whether the customer is known to use the product.
///
/// # Errors
/// Of the database.
pub async fn find_link(app: &App, product: Uuid, customer: Uuid) -> Result<Option<product_customer::Model>> {
    Ok(product_customer::Entity::find_by_id((product, customer)).one(app.database.reader()).await?)
}
