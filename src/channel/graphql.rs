//! The API of channels.

use async_graphql::{ID, Object};
use entity::channel;

use crate::graphql::scalars;

/// Where reports come from and replies go to.
pub struct Channel(pub channel::Model);

impl From<channel::Model> for Channel {
    fn from(row: channel::Model) -> Self {
        Self(row)
    }
}

/// Where reports come from and replies go to. 渠道。
#[Object]
impl Channel {
    /// Opaque id. 标识。
    async fn id(&self) -> ID {
        scalars::id::<channel::Entity>(self.0.id)
    }
}
