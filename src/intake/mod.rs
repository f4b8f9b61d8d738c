//! Reports and reporters.

pub mod import;
pub mod store;
