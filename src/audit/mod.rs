//! The record of who changed what: append-only, chained by digest per aggregate, and sealed after commit into one chain
//! over the whole installation.

pub mod chain;
pub mod graphql;
pub mod instance;
pub mod store;
pub mod verify;

mod sent;
