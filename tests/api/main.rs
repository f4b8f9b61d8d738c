//! The API, tried over the real router on both databases.

#![allow(clippy::unwrap_used, missing_docs)]

mod audit_trail;
mod bad_input;
mod calendars;
mod consequences;
mod deadlines;
mod deliveries;
mod duplicates;
mod engine;
mod feeds;
mod four_eyes;
mod generate;
mod harness;
mod hidden_fields;
mod hidden_ids;
mod hooks;
mod leaks;
mod payouts;
mod payouts_once;
mod principals;
mod procedure;
mod random_events;
mod receiver;
mod repeat;
mod rich;
mod role_matrix;
mod sequencer;
mod server;
mod sides;
mod story;
mod tickets;
mod tokens;
mod tracker_stub;
mod webhooks;
mod withdrawn;
