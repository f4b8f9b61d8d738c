//! What an event touches: products, and the customers who use them.
//!
//! "Not looked yet" and "not affected" are different states and are never confused. An affected product puts its
//! line under remediation, so the event's status may follow from a change here.

pub mod graphql;
pub mod rules;

mod customers;
mod products;
mod store;

pub use customers::{AddAffectedCustomer, add_affected_customer};
pub use products::{SetAffectedProduct, set_affected_product};

#[cfg(test)]
mod tests;
