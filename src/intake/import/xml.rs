//! XML in bounded memory: tags come from quick-xml, text goes to a bounded sink.
//!
//! quick-xml holds the whole text between two tags, however long. So text, character data sections and
//! comments are read here, in pieces, and quick-xml only ever sees tags, under a length limit.

use std::io::{self, BufRead, Read};

use quick_xml::{Reader, events::BytesStart, events::Event};

use super::decode::{DecodedReader, EncodingSource};
use super::field_text::FieldText;
use super::{FileError, FileProblem};

/// The greatest depth of nested elements; the exports known have five.
pub(super) const DEPTH_LIMIT: usize = 32;

/// The longest tag or processing instruction, in bytes.
pub(super) const TAG_LIMIT: usize = 64 * 1024;

/// The longest reference: `&#x10FFFF;` with room for leading zeros.
const REFERENCE_LIMIT: usize = 32;

/// How a document type begins, in any case.
const DOCTYPE: &[u8] = b"<!DOCTYPE";

/// A tag, or the end of the file.
pub(super) enum Tag {
    /// An element opens.
    Open {
        /// Its name without a prefix.
        name: String,
        /// Its attributes as named, with their values.
        attributes: Vec<(String, FieldText)>,
    },
    /// The innermost open element closes.
    Close,
    /// The file ends, with every element closed.
    End,
}

/// A stream of [`Tag`]s.
pub(super) struct XmlTags<R> {
    reader: Reader<Metered<R>>,
    buffer: Vec<u8>,
    depth: usize,
    root_seen: bool,
    tag_line: u64,
}

impl<R: BufRead> XmlTags<R> {
    pub(super) fn new(inner: R) -> Self {
        let decoded = DecodedReader::new(inner, EncodingSource::XmlDeclaration);
        let mut reader = Reader::from_reader(Metered { inner: decoded, left: TAG_LIMIT });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0, root_seen: false, tag_line: 1 }
    }

    /// The line on which the latest tag starts.
    pub(super) fn tag_line(&self) -> u64 {
        self.tag_line
    }

    /// Puts the text before the next tag into `text` and returns that tag.
    pub(super) fn next(&mut self, text: &mut FieldText) -> Result<Tag, FileError> {
        self.read_tag(text).map_err(|problem| FileError { line: self.source().line(), problem })
    }

    fn source(&mut self) -> &mut DecodedReader<R> {
        &mut self.reader.get_mut().inner
    }

    fn read_tag(&mut self, text: &mut FieldText) -> Result<Tag, FileProblem> {
        loop {
            self.read_text(text)?;
            if self.depth == 0 && !text.is_blank() {
                return Err(malformed("text outside the root element"));
            }
            self.tag_line = self.source().line();
            let metered = self.reader.get_mut();
            metered.left = TAG_LIMIT;
            // What is ahead is a whole buffer: only its start is looked at.
            let start = metered.inner.peek(DOCTYPE.len())?.get(..DOCTYPE.len());
            if start.is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE)) {
                return Err(FileProblem::DocumentType);
            }
            self.buffer.clear();
            match self.reader.read_event_into(&mut self.buffer).map_err(problem_of)? {
                Event::Start(start) => {
                    if self.depth == 0 && self.root_seen {
                        return Err(malformed("a second root element"));
                    }
                    if self.depth == DEPTH_LIMIT {
                        return Err(FileProblem::TooDeep { limit: DEPTH_LIMIT });
                    }
                    self.depth += 1;
                    self.root_seen = true;
                    return opening(&start);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Tag::Close);
                }
                Event::Eof if self.depth > 0 => return Err(malformed("the file ends inside an element")),
                Event::Eof if !self.root_seen => return Err(malformed("the file has no element")),
                Event::Eof => return Ok(Tag::End),
                Event::DocType(_) => return Err(FileProblem::DocumentType),
                // The declaration and processing instructions say nothing about records. Text and comments
                // never reach quick-xml.
                _ => {}
            }
        }
    }

    /// Reads up to the next tag or the end of the file.
    fn read_text(&mut self, text: &mut FieldText) -> Result<(), FileProblem> {
        let source = self.source();
        loop {
            match source.peek(9)? {
                [] => return Ok(()),
                ahead if ahead.starts_with(b"<![CDATA[") => {
                    source.consume(9);
                    read_section(source, b"]]>", Some(text))?;
                }
                ahead if ahead.starts_with(b"<!--") => {
                    source.consume(4);
                    read_section(source, b"-->", None)?;
                }
                [b'<', ..] => return Ok(()),
                [b'&', ..] => read_reference(source, text)?,
                ahead => {
                    let length = ahead.iter().position(|byte| matches!(byte, b'<' | b'&'));
                    let length = length.unwrap_or(ahead.len());
                    text.push_str(utf8(&ahead[..length])?);
                    source.consume(length);
                }
            }
        }
    }
}

/// Reads up to and over `terminator`, into `text` if there is one.
fn read_section<R: BufRead>(
    source: &mut DecodedReader<R>,
    terminator: &[u8; 3],
    mut text: Option<&mut FieldText>,
) -> Result<(), FileProblem> {
    loop {
        // Enough that something can be taken before a terminator and a character that may be cut in two.
        let ahead = source.peek(8)?;
        let found = ahead.windows(3).position(|window| window == terminator);
        let length = match found {
            Some(position) => position,
            None if ahead.len() < 8 => {
                return Err(malformed("a comment or character data section is never closed"));
            }
            None => (0..=ahead.len() - 2).rev().find(|cut| ahead[*cut] & 0xC0 != 0x80).unwrap_or(0),
        };
        if let Some(text) = text.as_deref_mut() {
            text.push_str(utf8(&ahead[..length])?);
        }
        source.consume(length);
        if found.is_some() {
            source.consume(terminator.len());
            return Ok(());
        }
    }
}

/// Reads a reference. An ampersand that starts none costs the record, not the file: tags stay in place.
fn read_reference<R: BufRead>(
    source: &mut DecodedReader<R>,
    text: &mut FieldText,
) -> Result<(), FileProblem> {
    let ahead = source.peek(REFERENCE_LIMIT)?;
    let end = ahead.iter().take(REFERENCE_LIMIT).position(|byte| matches!(byte, b';' | b'<' | b' ' | b'\n'));
    let length = match end {
        Some(end) if ahead[end] == b';' => {
            text.push_reference(utf8(&ahead[1..end])?);
            end + 1
        }
        _ => {
            text.refuse_reference("&");
            1
        }
    };
    source.consume(length);
    Ok(())
}

fn opening(start: &BytesStart<'_>) -> Result<Tag, FileProblem> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error.to_string()))?;
        let name = utf8(attribute.key.as_ref())?.to_owned();
        let mut value = FieldText::default();
        let mut rest = utf8(&attribute.value)?;
        while let Some((plain, after)) = rest.split_once('&') {
            value.push_str(plain);
            rest = match after.split_once(';') {
                Some((reference, after)) => {
                    value.push_reference(reference);
                    after
                }
                None => {
                    value.refuse_reference("&");
                    after
                }
            };
        }
        value.push_str(rest);
        attributes.push((name, value));
    }
    let name = utf8(start.local_name().as_ref())?.to_owned();
    if name.is_empty() {
        return Err(malformed("a tag without a name"));
    }
    Ok(Tag::Open { name, attributes })
}

fn utf8(bytes: &[u8]) -> Result<&str, FileProblem> {
    std::str::from_utf8(bytes).map_err(|error| malformed(&error.to_string()))
}

fn malformed(reason: &str) -> FileProblem {
    FileProblem::MalformedXml(reason.to_owned())
}

fn problem_of(error: quick_xml::Error) -> FileProblem {
    match error {
        quick_xml::Error::Io(shared) => {
            let cause = shared.get_ref();
            if cause.is_some_and(|cause| cause.is::<TagTooLong>()) {
                return FileProblem::TagTooLong { limit: TAG_LIMIT };
            }
            match cause.and_then(|cause| cause.downcast_ref::<super::DecodeError>()) {
                Some(decode) => FileProblem::Decode(decode.clone()),
                None => FileProblem::Io(io::Error::new(shared.kind(), shared.to_string())),
            }
        }
        other => malformed(&other.to_string()),
    }
}

/// Hands on what it reads until the allowance for one tag is used up.
struct Metered<R> {
    inner: DecodedReader<R>,
    left: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the tag is too long")]
struct TagTooLong;

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(target)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(TagTooLong));
        }
        let available = self.inner.fill_buf()?;
        Ok(&available[..available.len().min(self.left)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}
