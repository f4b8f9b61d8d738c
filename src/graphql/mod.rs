//! The GraphQL schema and what stands around it.

pub mod guard;
