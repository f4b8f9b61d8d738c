//! Records of a delimited table in bounded memory.

use std::io::BufRead;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use encoding_rs::Encoding;

use crate::intake::import::decode::{DecodedReader, EncodingSource};
use crate::intake::import::field_text::FieldText;
use crate::intake::import::{FIELD_LIMIT, FileError, FileProblem, RECORD_LIMIT};

/// What a field counts beside its characters, so that the number of columns is bounded too.
const FIELD_COST: usize = 64;

/// One record: its fields, or the first ones where it was too large.
#[derive(Debug)]
pub(super) struct Record {
    /// The line on which it starts, counted from 1.
    pub(super) line: u64,
    /// Cleaned texts.
    pub(super) fields: Vec<String>,
    /// How many control characters were removed.
    pub(super) removed: usize,
    /// Why it is not whole: the index of the field at which it became too large, and the words for it.
    pub(super) refusal: Option<(usize, String)>,
}

/// A stream of [`Record`]s.
///
/// The `csv` crate's reader holds a whole record, however long; so this drives its core.
pub(super) struct Records<R> {
    source: DecodedReader<R>,
    parser: Reader,
    output: Box<[u8]>,
}

enum Step {
    /// Part of a field.
    Part(usize),
    /// The rest of a field, and whether the record ends with it.
    Field(usize, bool),
    /// No record is left.
    End,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(inner: R, encoding: &'static Encoding, delimiter: u8) -> Self {
        Self {
            source: DecodedReader::new(inner, EncodingSource::Named(encoding)),
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            output: vec![0; 8 * 1024].into_boxed_slice(),
        }
    }

    /// The next record; blank lines are none.
    pub(super) fn next(&mut self) -> Result<Option<Record>, FileError> {
        let at = |line, problem| FileError { line, problem };
        while let [b'\r' | b'\n', ..] = ahead(&mut self.source)? {
            self.source.consume(1);
        }
        let mut record = Record { line: self.source.line(), fields: Vec::new(), removed: 0, refusal: None };
        let mut size = 0;
        let mut field = Vec::new();
        loop {
            let step = self.step(record.line)?;
            let (written, complete, last) = match step {
                Step::Part(written) => (written, false, false),
                Step::Field(written, last) => (written, true, last),
                Step::End => return Ok(None),
            };
            if record.refusal.is_none() {
                field.extend_from_slice(&self.output[..written]);
                let position = record.fields.len();
                if field.len() > FIELD_LIMIT {
                    let reason =
                        format!("is longer than {FIELD_LIMIT} bytes; shorten it, or close its quote");
                    record.refusal = Some((position, reason));
                } else if size + field.len() + FIELD_COST > RECORD_LIMIT {
                    let reason = format!("the record exceeds {RECORD_LIMIT} bytes; split or shorten it");
                    record.refusal = Some((position, reason));
                } else if complete {
                    size += field.len() + FIELD_COST;
                    record.add(std::mem::take(&mut field)).map_err(|problem| at(record.line, problem))?;
                }
            }
            if record.refusal.is_some() {
                field = Vec::new();
            }
            if last {
                return Ok(Some(record));
            }
        }
    }

    /// Lets the parser take what it can of the text ahead.
    fn step(&mut self, record_line: u64) -> Result<Step, FileError> {
        loop {
            let ahead = ahead(&mut self.source)?;
            let at_end = ahead.is_empty();
            // At the end the parser closes an open quote in silence, and with it all records that the quote
            // swallowed. A line end first tells: only inside quotes does it become part of a field.
            if at_end {
                let (result, _, written) = self.parser.read_field(b"\n", &mut self.output);
                if written > 0 {
                    return Err(FileError { line: record_line, problem: FileProblem::UnclosedQuote });
                }
                if let ReadFieldResult::Field { record_end } = result {
                    return Ok(Step::Field(written, record_end));
                }
                return Ok(Step::End);
            }
            let (result, read, written) = self.parser.read_field(ahead, &mut self.output);
            self.source.consume(read);
            match result {
                ReadFieldResult::InputEmpty if written == 0 => {}
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => return Ok(Step::Part(written)),
                ReadFieldResult::Field { record_end } => return Ok(Step::Field(written, record_end)),
                ReadFieldResult::End => return Ok(Step::End),
            }
        }
    }
}

/// The text ahead; empty at its end.
fn ahead<R: BufRead>(source: &mut DecodedReader<R>) -> Result<&[u8], FileError> {
    let line = source.line();
    source.peek(1).map_err(|error| FileError { line, problem: error.into() })
}

impl Record {
    fn add(&mut self, bytes: Vec<u8>) -> Result<(), FileProblem> {
        // The decoder hands over whole characters and delimiters are ASCII, so this holds.
        let text = String::from_utf8(bytes).map_err(|error| {
            FileProblem::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error()))
        })?;
        let mut clean = FieldText::default();
        clean.push_str(&text);
        self.removed += clean.removed;
        self.fields.push(clean.into_string());
        Ok(())
    }
}
