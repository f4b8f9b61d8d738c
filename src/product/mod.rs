//! Products and services of the company: what vulnerabilities are found in.
//!
//! A product's key never changes, since tokens name it in their scope. Its line is what is remediated and assigned
//! as one; its importance and reach are where a score's two product factors start.

pub mod graphql;
pub mod store;

mod commands;

pub use commands::{CreateProduct, UpdateProduct, create, update};
pub use store::keys;
