//! How reports come in.

pub mod import;
