//! How far an event may be told: its TLP level and embargo, and the facts about the world that bear on them.
//!
//! What the world knows never moves the embargo by itself: it asks the leading group whether it should end.

pub mod graphql;
pub mod rules;

mod embargo;
mod tlp;
mod world;

pub use embargo::{SetEmbargo, set_embargo};
pub use tlp::{SetTlp, set_tlp};
pub use world::{RecordWorldFact, record_world_fact};

#[cfg(test)]
mod tests;
