//! How far an event may be told: its TLP level and embargo, and the facts about the world that bear on them.
//!
//! What the world knows never moves the embargo by itself: it asks the leading group whether it should end.

pub mod graphql;
pub mod rules;
pub mod store;

mod embargo;
mod tlp;
mod world;

pub use embargo::{SetEmbargo, set_embargo};
pub use tlp::{SetTlp, set_tlp};
pub use world::{RecordWorldFact, record_world_fact};

use entity::event;

use crate::app::App;
use crate::outbox::{ChangeSet, message};

/// Tells how far an event may be told now.
fn tell(app: &App, changes: &mut ChangeSet, event: &event::Model) {
    let told = message::EventProtectionChanged { tlp: event.tlp, embargoed: event.embargo_until.is_some() };
    changes.message(app, Some(event.id), &told);
}

#[cfg(test)]
mod tests;
