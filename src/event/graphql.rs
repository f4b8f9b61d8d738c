//! The API of events.

use async_graphql::{ID, Object};
use entity::event;

use crate::graphql::scalars;

/// A vulnerability event: what the team handles. 漏洞事件。
pub struct Event(pub event::Model);

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// An event after a change. 变更后的事件。
    EventPayload {
        /// The event as it now is; null when the change was refused. 变更后的事件；被拒绝时为空。
        event: Event
    }
}

/// A vulnerability event: what the team handles. 漏洞事件。
#[Object]
impl Event {
    /// Identifies it. 标识。
    async fn id(&self) -> ID {
        scalars::id::<event::Entity>(self.0.id)
    }
}
