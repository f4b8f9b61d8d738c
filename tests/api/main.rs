//! The API, tried over the real router on both databases.

#![allow(clippy::unwrap_used, missing_docs)]

mod consequences;
mod deliveries;
mod generate;
mod harness;
mod leaks;
mod procedure;
mod receiver;
mod repeat;
mod role_matrix;
mod sequencer;
mod server;
mod webhooks;
