//! The API of products.

use async_graphql::{ID, Object};
use entity::product;

use crate::graphql::scalars;

/// A product. 产品。
pub struct Product(pub product::Model);

impl From<product::Model> for Product {
    fn from(row: product::Model) -> Self {
        Self(row)
    }
}

/// A product. 产品。
#[Object]
impl Product {
    /// Identifies it. 标识。
    async fn id(&self) -> ID {
        scalars::id::<product::Entity>(self.0.id)
    }
}
