//! How a change is written: one change set, one writer, one commit.
//!
//! A command collects everything that its decision means (rows, the audit entry, the messages) in a
//! [`ChangeSet`]; [`Prepared::commit`] writes all of it or nothing. So nothing
//! can be announced that was not committed, nor committed and not announced or not audited.

pub mod audience;
mod change_set;
mod commit;
mod field;
pub mod message;
mod positions;
pub mod replicas;
pub mod sequencer;
mod wake;

pub use change_set::{Bump, ChangeSet};
pub use commit::{Prepared, outlasting, retrying};
pub use field::{Field, Opaque, OrNull, Seal, Tenths};
pub use message::{Message, MessageKind};
pub use positions::Waiting;
pub use wake::{Pulses, Wake, Waker};
