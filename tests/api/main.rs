//! The API, tried over the real router on both databases.

#![allow(clippy::unwrap_used, missing_docs)]

<<<<<<< HEAD
mod audit_trail;
mod consequences;
=======
mod bad_input;
mod duplicates;
mod engine;
mod four_eyes;
>>>>>>> tests
mod generate;
mod harness;
mod hidden_fields;
mod hidden_ids;
mod leaks;
mod principals;
mod procedure;
mod random_events;
mod repeat;
mod rich;
mod role_matrix;
mod sequencer;
mod server;
mod sides;
mod story;
mod tokens;
mod withdrawn;
