//! Where reports come from and replies go to.

pub mod graphql;
