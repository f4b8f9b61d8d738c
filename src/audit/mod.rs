//! The record of who changed what: append-only, chained by digest per aggregate, and sealed after commit into one chain
//! over the whole installation. Its newest seal is kept elsewhere at an interval ([`anchor`]); all or a part of it leaves as
//! a signed file ([`trail`]), which is checked without the database ([`offline`]).

pub mod anchor;
pub mod chain;
pub mod findings;
pub mod graphql;
pub mod instance;
pub mod offline;
pub mod settings;
pub mod signing;
pub mod store;
pub mod trail;
pub mod verify;

mod sent;
