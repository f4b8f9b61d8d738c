//! The API of events.

use async_graphql::{ID, Object};
use entity::event;

use crate::graphql::scalars;

/// A vulnerability event: what the team handles. 漏洞事件。
pub struct Event(pub event::Model);

/// A vulnerability event: what the team handles. 漏洞事件。
#[Object]
impl Event {
    /// Identifies it. 标识。
    async fn id(&self) -> ID {
        scalars::id::<event::Entity>(self.0.id)
    }
}
