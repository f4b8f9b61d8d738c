//! Webhooks.

pub mod schedule;
pub mod sign;
