//! The API of customers.

use async_graphql::{ID, Object};
use entity::customer;

use crate::graphql::scalars;

/// A customer. 客户。
pub struct Customer(pub customer::Model);

impl From<customer::Model> for Customer {
    fn from(row: customer::Model) -> Self {
        Self(row)
    }
}

/// A customer. 客户。
#[Object]
impl Customer {
    /// Identifies it. 标识。
    async fn id(&self) -> ID {
        scalars::id::<customer::Entity>(self.0.id)
    }
}
