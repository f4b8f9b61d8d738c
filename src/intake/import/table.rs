//! Delimited tables (CSV and its kin) with a header line and a [`Mapping`] of columns to fields.
//!
//! Quotes are double, a double quote inside is doubled, as in RFC 4180. Control characters are removed, with
//! a note. Columns without a field stay in the report's source.

mod records;
mod report;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use encoding_rs::{Encoding, UTF_8};

use self::records::{Record, Records};
use super::mapping::Field;
use super::{FileError, FileProblem, Item, Mapping};

/// How a table is written.
#[derive(Debug, Clone)]
pub struct TableFormat {
    delimiter: u8,
    /// The encoding, unless the file starts with a byte order mark. UTF-8 by default; see
    /// [`super::decode::encoding_named`].
    pub encoding: &'static Encoding,
    /// The currency (ISO 4217) of bounties in rows that name none. USD by default.
    pub currency: String,
}

impl Default for TableFormat {
    fn default() -> Self {
        Self { delimiter: b',', encoding: UTF_8, currency: "USD".to_owned() }
    }
}

/// A delimiter that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be the delimiter; use one ASCII character such as , ; | or the word tab")]
pub struct DelimiterError(String);

impl TableFormat {
    /// Sets the delimiter: one ASCII character, or `tab`.
    pub fn with_delimiter(mut self, delimiter: &str) -> Result<Self, DelimiterError> {
        self.delimiter = match delimiter.as_bytes() {
            b"tab" | b"\\t" => b'\t',
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => *byte,
            _ => return Err(DelimiterError(delimiter.to_owned())),
        };
        Ok(self)
    }
}

/// Reads a table record by record.
///
/// After an error it ends: nothing behind it is reliable.
pub struct TableReader<R> {
    records: Records<R>,
    header: Vec<String>,
    /// Field and index of its column, in the mapping's order.
    columns: Vec<(Field, usize)>,
    currency: String,
    ended: bool,
}

impl<R: BufRead> TableReader<R> {
    /// Reads the header line and finds the mapped columns in it.
    pub fn new(inner: R, format: TableFormat, mapping: &Mapping) -> Result<Self, FileError> {
        let mut records = Records::new(inner, format.encoding, format.delimiter);
        let header = match records.next()? {
            Some(Record { refusal: None, fields, .. }) => fields,
            Some(Record { line, .. }) => {
                return Err(FileError { line, problem: FileProblem::HeaderTooLarge });
            }
            None => return Err(FileError { line: 1, problem: FileProblem::NoHeader }),
        };
        let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let mut columns = Vec::new();
        for (field, column) in mapping.pairs() {
            let mut found = header.iter().enumerate().filter(|(_, name)| *name == column);
            match (found.next(), found.count()) {
                (Some((index, _)), 0) => columns.push((*field, index)),
                (first, more) => {
                    let times = usize::from(first.is_some()) + more;
                    let problem =
                        FileProblem::Column { column: column.clone(), times, header: header.join(", ") };
                    return Err(FileError { line: 1, problem });
                }
            }
        }
        Ok(Self { records, header, columns, currency: format.currency, ended: false })
    }
}

impl<R: BufRead> Iterator for TableReader<R> {
    type Item = Result<Item, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.records.next().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next.map(|record| record.map(|record| self.item(record)))
    }
}
