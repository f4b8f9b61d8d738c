//! Customers.

pub mod graphql;
