//! Who is asking, as the token says, and what their roles allow.

pub mod graphql;
