//! The API of events.

use async_graphql::{ID, Object};
use entity::event;

use crate::graphql::scalars;
use crate::payload;

/// A vulnerability event.
pub struct Event(pub event::Model);

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self(row)
    }
}

/// A vulnerability event. 漏洞事件。
#[Object]
impl Event {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<event::Entity>(self.0.id)
    }
}

payload! {
    /// The event after the change. 变更后的事件。
    EventPayload {
        /// The event; null when the change was refused. 事件；变更被拒绝时为空。
        event: Event
    }
}
