//! The whole installation as files: to keep, and to move from one database to another.
//!
//! An export is a folder: `manifest.json`, a file of JSON Lines for each table, and what is attached. Tables and columns are read
//! from the database's own [`catalogue`], so a table that a later schema change adds is in it by itself. Values are written in
//! one form whichever database they come from ([`line`]), rows in the order of their key: the same content has the same bytes.
//! All of it is one snapshot, taken while the product runs ([`export`]).
//!
//! A [`restore`] goes into an empty database, in one transaction: broken off, it leaves nothing. Before it commits it reads back
//! each row and compares it with its line. Secrets stay sealed as they are, so the keys that sealed them have to be at hand. The search's index is
//! not among what is written ([`catalogue::DERIVED`]): the two databases keep it in forms of their own, and it is made anew from
//! the rows.
//!
//! An export holds everything, whoever may see it. It needs access to the database, and is readable by its owner alone.

pub mod catalogue;
mod export;
mod line;
mod manifest;
mod restore;
#[cfg(test)]
mod tests;

pub(crate) use export::create;
pub use export::{Exported, export};
pub use manifest::Manifest;
pub use restore::{Restored, restore};

/// Where tables stand in an export.
const TABLES: &str = "tables";
/// Where attached files stand in an export.
const FILES: &str = "files";
