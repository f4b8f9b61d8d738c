//! The API of events.

use async_graphql::{ID, Object};
use entity::event;

use crate::graphql::scalars;

/// A vulnerability event: what the team handles.
pub struct Event(pub event::Model);

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self(row)
    }
}

/// A vulnerability event: what the team handles. 漏洞事件。
#[Object]
impl Event {
    /// Opaque id. 标识。
    async fn id(&self) -> ID {
        scalars::id::<event::Entity>(self.0.id)
    }
}
