//! What the process answers over HTTP.

pub mod page;
