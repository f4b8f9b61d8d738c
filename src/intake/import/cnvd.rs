//! The weekly XML export of the China National Vulnerability Database (CNVD).
//!
//! `<vulnerabilitys>` holds `<vulnerability>` records. The severity's element is really called `serverity`;
//! severity, products and `cves` may be missing; line ends are written as `&#xD;` and a line feed; a number
//! may come again in the same file or another week's. Elements without a meaning here are kept, in the text
//! and in the source.
//!
//! Control characters that XML does not allow are removed, with a note. Entities other than XML's five, and
//! ampersands that start none, refuse the record.

mod report;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use self::report::RawRecord;
use super::field_text::FieldText;
use super::xml::{Tag, XmlTags};
use super::{FileError, FileProblem, Item, RefusedRecord};

const ROOT: &str = "vulnerabilitys";
const RECORD: &str = "vulnerability";

/// Reads a CNVD export record by record.
///
/// After an error it ends: nothing behind it is reliable.
pub struct CnvdReader<R> {
    tags: XmlTags<R>,
    inside_root: bool,
    ended: bool,
    /// What follows a refusal of stray text.
    held: Option<Result<Item, FileError>>,
}

impl<R: BufRead> CnvdReader<R> {
    /// Reads from `inner`: UTF-8, or what its byte order mark or XML declaration names.
    pub fn new(inner: R) -> Self {
        Self { tags: XmlTags::new(inner), inside_root: false, ended: false, held: None }
    }

    /// Reads up to the end of the next record, or none at the end of the file.
    fn read_item(&mut self) -> Result<Option<Item>, FileError> {
        loop {
            let mut text = FieldText::default();
            let tag = self.tags.next(&mut text)?;
            let line = self.tags.tag_line();
            let stray =
                (!text.is_blank()).then(|| refused(line, "text", "text outside any record was left out"));
            let item = match tag {
                Tag::Open { name, .. } if !self.inside_root => {
                    if name != ROOT {
                        return Err(FileError { line, problem: FileProblem::NotCnvd { found: name } });
                    }
                    self.inside_root = true;
                    continue;
                }
                Tag::Open { name, attributes } => {
                    let mut record = RawRecord::new(line);
                    if name != RECORD {
                        record.refuse(&name, format!("<{name}> is not a <{RECORD}> record"));
                    }
                    record.add_attributes("", attributes);
                    self.read_record(record)
                }
                Tag::Close => match stray {
                    Some(stray) => return Ok(Some(stray)),
                    None => continue,
                },
                Tag::End => return Ok(None),
            };
            let Some(stray) = stray else { return item.map(Some) };
            self.held = Some(item);
            return Ok(Some(stray));
        }
    }

    /// Reads the fields of a record that was opened, up to its end.
    fn read_record(&mut self, mut record: RawRecord) -> Result<Item, FileError> {
        let mut path = String::new();
        // Of every open element: where its name starts in the path, and whether it holds elements.
        let mut open: Vec<(usize, bool)> = Vec::new();
        loop {
            let mut text = FieldText::default();
            match self.tags.next(&mut text)? {
                Tag::Open { name, attributes } => {
                    record.add_text(&path, text, false);
                    record.check_nesting(&path, &name);
                    if let Some((_, holds_elements)) = open.last_mut() {
                        *holds_elements = true;
                    }
                    open.push((path.len(), false));
                    if !path.is_empty() {
                        path.push('/');
                    }
                    path.push_str(&name);
                    record.add_attributes(&path, attributes);
                }
                Tag::Close => match open.pop() {
                    Some((start, holds_elements)) => {
                        record.add_text(&path, text, !holds_elements);
                        path.truncate(start);
                    }
                    None => {
                        record.add_text(&path, text, false);
                        return Ok(record.into_item());
                    }
                },
                Tag::End => return Ok(record.into_item()),
            }
        }
    }
}

impl<R: BufRead> Iterator for CnvdReader<R> {
    type Item = Result<Item, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.held.take().or_else(|| self.read_item().transpose());
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn refused(line: u64, field: &str, reason: &str) -> Item {
    Item::Refused(RefusedRecord { line, number: None, field: field.to_owned(), reason: reason.to_owned() })
}
