//! vulndesk: the procedure of a team that receives vulnerability reports, as a GraphQL backend.

pub mod app;
pub mod audit;
pub mod auth;
pub mod clock;
pub mod comment;
pub mod database;
pub mod error;
pub mod event;
pub mod graphql;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod intake;
pub mod outbox;
pub mod principal;
pub mod product;
pub mod remediation;
pub mod score;
