//! Webhooks.

pub mod fan_out;
pub mod preset;
pub mod queue;
pub mod schedule;
pub mod sign;
pub mod worker;

mod deliver;
mod payload;
mod receiver;
mod settler;
mod trouble;

pub use deliver::message_id;
