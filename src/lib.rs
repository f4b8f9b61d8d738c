//! vulndesk: the procedure of a team that receives vulnerability reports, as a GraphQL backend.

pub mod clock;
pub mod error;
pub mod http;
