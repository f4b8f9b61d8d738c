//! Reports from files: another database's export, a channel's spreadsheet.
//!
//! A reader here turns a byte stream into [`Item`]s, one record at a time, in memory that does not grow with
//! the file. It knows nothing of channels, rights or storage: what a report becomes is for the caller.
//!
//! Three kinds of trouble are told apart by how much they cost:
//! - an odd value (a date that is none, an unknown severity) costs a note on a record that is accepted;
//! - a record without number or title, too large or nested where it must not be costs that record
//!   ([`RefusedRecord`]) and no other;
//! - damage after which records can no longer be told apart (malformed XML, invalid bytes) ends the file
//!   with a [`FileError`], after everything before it was delivered.

pub mod amount;
pub mod cnvd;
pub mod decode;
pub mod mapping;
pub mod record;
pub mod table;
pub mod values;

mod field_text;
mod interpret;
mod xml;

use std::io;

pub use amount::Amount;
pub use cnvd::CnvdReader;
pub use decode::DecodeError;
pub use mapping::{Mapping, MappingError};
pub use record::{
    ImportedReport, ImportedSeverity, Indicator, IndicatorKind, Item, Moment, RefusedRecord,
    VulnerabilityKind,
};
pub use table::{TableFormat, TableReader};

/// The longest text of one field, in bytes of UTF-8. A record with a longer one is refused.
pub const FIELD_LIMIT: usize = 1024 * 1024;

/// The largest record, in bytes of UTF-8 over all fields with their names. A larger one is refused.
pub const RECORD_LIMIT: usize = 4 * FIELD_LIMIT;

/// Why a file cannot be read on from some line. Items delivered before it stand.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct FileError {
    /// Where reading stopped, counted from 1.
    pub line: u64,
    /// What is wrong there and what to do.
    pub problem: FileProblem,
}

/// What ended a file.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// The source could not be read.
    #[error("reading failed: {0}")]
    Io(io::Error),
    /// The bytes are not text in the encoding that applies.
    #[error(transparent)]
    Decode(DecodeError),
    /// Not well-formed XML.
    #[error("malformed XML: {0}; get the file again or mend it at this line")]
    MalformedXml(String),
    /// A document type definition, which could define entities that grow without bound.
    #[error("a document type definition (<!DOCTYPE) is not accepted; remove it")]
    DocumentType,
    /// Elements nested deeper than any known export.
    #[error("elements are nested more than {limit} deep; no export of records is")]
    TooDeep {
        /// The greatest depth accepted.
        limit: usize,
    },
    /// A tag or processing instruction longer than any known export has.
    #[error("a tag is longer than {limit} bytes; no export of records has such a tag")]
    TagTooLong {
        /// The greatest length accepted, in bytes.
        limit: usize,
    },
    /// The root element is that of another kind of file.
    #[error("the root element is <{found}>, not <vulnerabilitys>; this is not a CNVD export")]
    NotCnvd {
        /// The root element found.
        found: String,
    },
    /// The table has no header line.
    #[error("the table has no header line; the first line must name the columns")]
    NoHeader,
    /// The header line is too long to be one.
    #[error("the header line exceeds the size of a record; check the quotes and the delimiter")]
    HeaderTooLarge,
    /// A mapped column that the header does not have exactly once.
    #[error("column `{column}` occurs {times} times in the header; the columns are: {header}")]
    Column {
        /// The column's name in the mapping.
        column: String,
        /// How often the header has it.
        times: usize,
        /// The header's columns.
        header: String,
    },
    /// A quoted field that is open when the file ends: what follows its quote are not records.
    #[error("the quote opened in this record is never closed; close it or double it")]
    UnclosedQuote,
}

impl From<io::Error> for FileProblem {
    fn from(error: io::Error) -> Self {
        match error.downcast::<DecodeError>() {
            Ok(decode) => Self::Decode(decode),
            Err(other) => Self::Io(other),
        }
    }
}
