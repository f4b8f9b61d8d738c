//! Finding customers.

use entity::{customer, product_customer};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, MAX_SIZE, Page, PageInput};

/// The customer.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, id: Uuid) -> Result<customer::Model> {
    customer::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The customer with this key.
///
/// # Errors
/// Of the database.
pub async fn by_key(app: &App, key: &str) -> Result<Option<customer::Model>> {
    Ok(customer::Entity::find().filter(customer::Column::Key.eq(key)).one(app.database.reader()).await?)
}

/// The first customers of a product, by key.
///
/// # Errors
/// Of the database.
pub async fn of_product(app: &App, product: Uuid) -> Result<Vec<customer::Model>> {
    let db = app.database.reader();
    let links = product_customer::Entity::find()
        .filter(product_customer::Column::ProductId.eq(product))
        .all(db)
        .await?;
    let theirs =
        is_one_of(app.database.backend(), customer::Column::Id, links.iter().map(|link| link.customer_id));
    let select = customer::Entity::find()
        .filter(theirs)
        .order_by_asc(customer::Column::Key)
        .limit(u64::from(MAX_SIZE));
    Ok(select.all(db).await?)
}

/// A page of customers by key.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, input: &PageInput) -> Result<Page<customer::Model>> {
    let keyset = Keyset { column: customer::Column::Key, id: customer::Column::Id, descending: false };
    page::read(&app.database, customer::Entity::find(), keyset, input).await
}
