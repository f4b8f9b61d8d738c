//! vulndesk: the procedure of a team that receives vulnerability reports, as a GraphQL backend.
//!
//! `docs/ARCHITECTURE.md` is the map. One folder holds one concept: what it is and its commands in `mod.rs`,
//! pure decisions in `rules.rs`, SQL in `store.rs`, the API in `graphql.rs`.

pub mod advisory;
pub mod affected;
pub mod app;
pub mod attachment;
pub mod audit;
pub mod auth;
pub mod calendar;
pub mod channel;
pub mod clock;
pub mod command_line;
pub mod comment;
pub mod config;
pub mod customer;
pub mod database;
pub mod deadline;
pub mod decision;
pub mod demo;
pub mod duplicate;
pub mod duty;
pub mod error;
pub mod escalation;
pub mod event;
pub mod executor;
pub mod feed;
pub mod figures;
pub mod files;
pub mod graphql;
pub mod hook;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod indicator;
pub mod instance;
pub mod intake;
pub mod mail;
pub mod migrate;
pub mod money;
pub mod multi_platform;
pub mod notice;
pub mod outbound;
pub mod outbox;
pub mod payout;
pub mod picture;
pub mod principal;
pub mod product;
pub mod protection;
pub mod rating_policy;
pub mod remediation;
pub mod render;
pub mod reply;
pub mod review;
pub mod schedule;
pub mod score;
pub mod search;
pub mod secret;
pub mod team;
pub mod template;
#[cfg(test)]
mod testing;
pub mod text;
pub mod ticket;
pub mod verdict;
pub mod viewer;
pub mod webhook;
