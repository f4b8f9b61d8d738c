//! How bad a vulnerability is, said twice and on purpose.
//!
//! The *rating* (定级) is the team's own view of the event: five factors from 0.0 to 10.0, weighted by a
//! versioned policy, summed exactly and rounded once, give the level that decides who responds and by when.
//! It asks what the event means for the company: how widely the product is used, what the public says.
//!
//! The *technical severity* is the field's common language for the flaw itself: CVSS vectors, ours and those
//! that reporters, databases and vendors bring, computed here instead of believed, and the weakness's CWE
//! number. Our CVSS band proposes the severity that the reporter sees; where their vector and ours disagree by
//! 1.0 or by a band, somebody should look.
//!
//! Neither follows from the other: a CVSS 9.8 in a product nobody runs may be BLUE, and a 5.3 that fills the
//! news may be ORANGE. No number here is a binary float: 9, 9, 9, 8.5, 9 is 8.95, hence 9.0 and RED, where
//! floats say 8.9.

pub mod cvss;
pub mod cwe;
pub mod graphql;
pub mod rules;
pub mod store;

mod assess;
mod give;
mod given;

pub use assess::{AssessSeverity, assess_severity, differs};
pub use give::{ScoreEvent, score_event};
pub use given::{ScoreEvidenceInput, ScoreFactorsInput};
