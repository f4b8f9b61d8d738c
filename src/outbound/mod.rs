//! The only way out: every HTTP request that this product makes to a host that somebody named goes through
//! [`Client`], under a [`Policy`] that the operator's configuration alone decides.
//!
//! Whoever may configure a receiver could otherwise make the server ask its own network on their behalf. So the
//! parsed URL is checked (its text could be written in many ways), a name is resolved once and refused when any of
//! its addresses is blocked, and the connection goes to the very addresses that were checked: a name that answers
//! differently a moment later gains nothing. Nothing is followed, unpacked or read without a bound.

mod client;
mod policy;
mod readable;
mod resolver;
#[cfg(test)]
mod tests;

pub use client::{Answer, Client, ClientError, Failure};
pub use policy::{OutboundSettings, Policy, Refusal};
pub use readable::readable;
pub use resolver::SystemResolver;
