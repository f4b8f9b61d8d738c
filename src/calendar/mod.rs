//! Which days are worked, and when a span of time is over.

pub mod builtin;
pub mod rules;
