//! Who is calling and what they may do: from a token to an [`Actor`], the one table of acts
//! ([`policy`]), and the one function of what is visible ([`visibility`]).

pub mod claims;
pub mod policy;
pub mod visibility;

mod actor;

pub use actor::{Actor, Origin};
pub use claims::{Identity, Role};
