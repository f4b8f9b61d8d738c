//! vulndesk: the procedure of a team that receives vulnerability reports, as a GraphQL backend.

pub mod app;
pub mod audit;
pub mod auth;
pub mod channel;
pub mod clock;
pub mod comment;
pub mod customer;
pub mod database;
pub mod duty;
pub mod error;
pub mod event;
pub mod graphql;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod input;
pub mod intake;
pub mod outbox;
pub mod principal;
pub mod product;
pub mod rating_policy;
pub mod remediation;
pub mod score;
