//! Events.
pub mod number;
