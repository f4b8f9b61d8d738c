//! Subscriptions: being told of changes as they happen.
//!
//! A change writes its message with it, and the sequencer gives that its place ([`outbox`](crate::outbox)). The [`Hub`],
//! one task of each process, reads on from the last place that it knows while somebody is subscribed, and finds in memory
//! whom each message may concern. Then the subscription's own document is executed once more, as a request of its
//! subscriber would be at that moment: by the same finders, with a reader, a bound on objects and a record of sensitive
//! reads of its own. So nothing is kept over rights. Who lost them hears nothing more, and cannot tell it from silence.
//!
//! Whoever asks the same as the same caller from the same address is answered by one execution. Nobody is waited for: what a
//! slow subscriber does not take is bounded, and then their connection is closed, to be opened anew and asked again.

pub mod graphql;
pub mod rules;
pub mod store;

mod groups;
mod guests;
mod hub;
mod operation;

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use chrono::{DateTime, Utc};
use entity::message;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use guests::{Ending, Full, Guests, Room, Seat, Who};
pub use hub::{Hub, Subscription};
pub use operation::{Answer, Operation};
pub use rules::Interest;

use crate::error::Error;
use crate::graphql::errors::ApiResult;
use crate::outbox::MessageKind;

/// A message that subscribers may be told.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// Its type.
    pub kind: MessageKind,
    /// The event; none when it is about none.
    pub event: Option<Uuid>,
    /// Ids and states, never content.
    pub data: Map<String, Value>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Occasion {
    /// A message as somebody may be told; none of those that are for one endpoint outside alone.
    pub fn of(row: message::Model) -> Option<Self> {
        let kind = MessageKind::parse(&row.kind).filter(|_| row.endpoint_id.is_none())?;
        let Value::Object(data) = row.data else { return None };
        Some(Self { kind, event: row.event_id, data, at: row.created_at })
    }
}

/// For what a subscription's document is executed; among the request's data.
#[derive(Debug)]
pub enum Turn {
    /// To learn what it wants to hear of.
    Enrol(Mutex<Option<Interest>>),
    /// To tell of this.
    Tell(Arc<Occasion>),
}

impl Turn {
    /// To learn what a subscription wants.
    pub fn enrol() -> Arc<Self> {
        Arc::new(Self::Enrol(Mutex::default()))
    }

    /// What it wants, once it was executed to learn that.
    pub fn interest(&self) -> Option<Interest> {
        match self {
            Self::Enrol(interest) => interest.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Self::Tell(_) => None,
        }
    }
}

/// What a subscription's field has to tell now; none when it is executed to learn what it wants, which is `interest`.
fn turn(ctx: &Context<'_>, interest: Interest) -> ApiResult<Option<Arc<Occasion>>> {
    let one = || Error::bad_input("subscription", "select exactly one field, and not in a fragment");
    match ctx.data_opt::<Arc<Turn>>().map(Arc::as_ref) {
        Some(Turn::Tell(occasion)) => Ok(Some(Arc::clone(occasion))),
        Some(Turn::Enrol(wanted)) => {
            let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if wanted.replace(interest).is_some() { Err(one().into()) } else { Ok(None) }
        }
        None => Err(one().into()),
    }
}
