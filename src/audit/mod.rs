//! The record of who changed what: append-only, chained by digest per aggregate.

pub mod chain;
pub mod graphql;
pub mod store;
pub mod verify;
