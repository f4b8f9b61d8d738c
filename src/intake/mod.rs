//! Reports and reporters.

pub mod graphql;
pub mod import;
pub mod store;
