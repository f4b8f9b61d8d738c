//! The API, tried over the real router on both databases.

#![allow(clippy::unwrap_used, missing_docs)]

mod audit_trail;
mod consequences;
mod generate;
mod harness;
mod leaks;
mod principals;
mod procedure;
mod repeat;
mod role_matrix;
mod sequencer;
mod server;
