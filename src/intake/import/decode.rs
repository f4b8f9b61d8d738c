//! Bytes to text, a buffer at a time, counting lines.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How far into a file the XML declaration is looked for.
const HEAD: usize = 1024;

/// Bytes of text held at a time.
const BUFFER: usize = 32 * 1024;

/// Why bytes are not text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Bytes that the encoding does not have.
    #[error("bytes that are not {encoding}; save the file as UTF-8, or name the encoding it really has")]
    InvalidBytes {
        /// The encoding that was declared or assumed.
        encoding: &'static str,
    },
    /// An encoding that is not known.
    #[error("encoding `{label}` is not known; save the file as UTF-8, GB18030 or UTF-16")]
    UnknownEncoding {
        /// The encoding's name as given.
        label: String,
    },
}

/// Where a file's encoding is named. A byte order mark always comes first.
#[derive(Debug, Clone, Copy)]
pub enum EncodingSource {
    /// In the XML declaration; UTF-8 where it names none.
    XmlDeclaration,
    /// Named from outside.
    Named(&'static Encoding),
}

/// The encoding with this name (`UTF-8`, `GB18030`, `GBK`, `UTF-16LE` ...; as the WHATWG lists them).
pub fn encoding_named(label: &str) -> Result<&'static Encoding, DecodeError> {
    Encoding::for_label_no_replacement(label.as_bytes())
        .ok_or_else(|| DecodeError::UnknownEncoding { label: label.to_owned() })
}

/// Reads a byte stream of any known encoding as UTF-8, without its byte order mark.
///
/// Its buffers hold whole characters. Invalid bytes are an error ([`DecodeError`] inside the `io::Error`)
/// once all text before them was consumed, so that [`Self::line`] names their line.
pub struct DecodedReader<R> {
    inner: R,
    source: EncodingSource,
    decoder: Option<Decoder>,
    /// Bytes read to find the encoding and not yet decoded.
    head: Vec<u8>,
    text: Box<[u8]>,
    start: usize,
    end: usize,
    at_end: bool,
    invalid: bool,
    line: u64,
}

impl<R: BufRead> DecodedReader<R> {
    /// Decodes `inner`. Nothing is read before the first use.
    pub fn new(inner: R, source: EncodingSource) -> Self {
        Self {
            inner,
            source,
            decoder: None,
            head: Vec::new(),
            text: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            at_end: false,
            invalid: false,
            line: 1,
        }
    }

    /// The line of the next byte, counted from 1 by line feeds.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The text ahead: at least `wanted` bytes (a few), fewer only where it ends or turns invalid.
    pub fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        self.begin()?;
        while self.end - self.start < wanted && !self.at_end && !self.invalid {
            self.text.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.decode_more()?;
        }
        if self.start == self.end && self.invalid {
            let encoding = self.decoder.as_ref().map_or("text", |decoder| decoder.encoding().name());
            return Err(io::Error::new(io::ErrorKind::InvalidData, DecodeError::InvalidBytes { encoding }));
        }
        Ok(&self.text[self.start..self.end])
    }

    /// Chooses the decoder by the first bytes and drops the byte order mark.
    fn begin(&mut self) -> io::Result<()> {
        if self.decoder.is_some() {
            return Ok(());
        }
        self.inner.by_ref().take((HEAD - self.head.len()) as u64).read_to_end(&mut self.head)?;
        let encoding = self.choose().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.decoder = Some(encoding.new_decoder_without_bom_handling());
        if self.peek(3)?.starts_with("\u{FEFF}".as_bytes()) {
            self.consume(3);
        }
        Ok(())
    }

    fn choose(&self) -> Result<&'static Encoding, DecodeError> {
        if let Some((marked, _length)) = Encoding::for_bom(&self.head) {
            return Ok(marked);
        }
        match self.source {
            EncodingSource::Named(encoding) => Ok(encoding),
            EncodingSource::XmlDeclaration if self.head.starts_with(b"<\0?\0") => Ok(UTF_16LE),
            EncodingSource::XmlDeclaration if self.head.starts_with(b"\0<\0?") => Ok(UTF_16BE),
            EncodingSource::XmlDeclaration => match declared_label(&self.head) {
                // A declaration that reads as single bytes is not UTF-16, whatever it says: then UTF-8.
                Some(label) => encoding_named(&label).map(Encoding::output_encoding),
                None => Ok(UTF_8),
            },
        }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        let Some(decoder) = self.decoder.as_mut() else { return Ok(()) };
        let (bytes, last) = if self.head.is_empty() {
            let bytes = match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
                other => other?,
            };
            (bytes, bytes.is_empty())
        } else {
            (self.head.as_slice(), false)
        };
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(bytes, &mut self.text[self.end..], last);
        if self.head.is_empty() {
            self.inner.consume(read);
        } else {
            self.head.drain(..read);
        }
        self.end += written;
        match result {
            DecoderResult::InputEmpty => self.at_end = last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => self.invalid = true,
        }
        Ok(())
    }
}

impl<R: BufRead> Read for DecodedReader<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(target)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for DecodedReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, amount: usize) {
        let next = (self.start + amount).min(self.end);
        let lines = self.text[self.start..next].iter().filter(|byte| **byte == b'\n').count();
        self.line += lines as u64;
        self.start = next;
    }
}

/// The value of `encoding="..."` in an XML declaration at the start of `head`.
fn declared_label(head: &[u8]) -> Option<String> {
    let head = head.strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(&head[..end]).ok()?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    value[1..].split_once(quote).map(|(label, _)| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{GB18030, GBK};
    use std::io::BufReader;

    /// Reads all through a buffer of one byte, so that every character is split.
    fn decoded(bytes: &[u8], source: EncodingSource) -> (String, u64, Option<DecodeError>) {
        let mut reader = DecodedReader::new(BufReader::with_capacity(1, bytes), source);
        let mut text = Vec::new();
        let failure = loop {
            match reader.fill_buf() {
                Ok([]) => break None,
                Ok(piece) => {
                    let length = piece.len();
                    text.extend_from_slice(piece);
                    reader.consume(length);
                }
                Err(error) => break error.downcast::<DecodeError>().ok(),
            }
        };
        (String::from_utf8(text).unwrap(), reader.line(), failure)
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn byte_order_marks_decide_and_are_dropped() {
        let text = "题目𠮷\nb";
        let marked = format!("\u{FEFF}{text}");
        let named = EncodingSource::Named(GBK);
        let expected = (text.to_owned(), 2, None);
        assert_eq!(decoded(marked.as_bytes(), named), expected);
        assert_eq!(decoded(&utf16(&marked, u16::to_le_bytes), named), expected);
        assert_eq!(decoded(&utf16(&marked, u16::to_be_bytes), named), expected);
        assert_eq!(decoded(&GB18030.encode(&marked).0, EncodingSource::Named(GB18030)), expected);
    }

    #[test]
    fn the_xml_declaration_names_the_encoding() {
        let in_gbk = "<?xml version='1.0' encoding = 'gb2312' ?><a>漏洞</a>";
        assert_eq!(decoded(&GBK.encode(in_gbk).0, EncodingSource::XmlDeclaration).0, in_gbk);
        let in_gb18030 = "<?xml version=\"1.0\" encoding=\"GB18030\"?><a>漏洞𠮷</a>";
        assert_eq!(decoded(&GB18030.encode(in_gb18030).0, EncodingSource::XmlDeclaration).0, in_gb18030);
        let in_utf16 = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>漏洞</a>";
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(decoded(&utf16(in_utf16, unit), EncodingSource::XmlDeclaration).0, in_utf16);
        }
        assert_eq!(decoded(in_utf16.as_bytes(), EncodingSource::XmlDeclaration).0, in_utf16);
        let unknown =
            decoded(b"<?xml version='1.0' encoding='klingon'?><a/>", EncodingSource::XmlDeclaration);
        assert_eq!(unknown.2, Some(DecodeError::UnknownEncoding { label: "klingon".into() }));
    }

    #[test]
    fn invalid_bytes_name_their_line_after_the_text_before_them() {
        let (text, line, failure) = decoded(b"a\nb\n\xc2(c\n", EncodingSource::XmlDeclaration);
        assert_eq!((text.as_str(), line), ("a\nb\n", 3));
        assert_eq!(failure, Some(DecodeError::InvalidBytes { encoding: "UTF-8" }));
        assert_eq!(decoded(b"a\xe4", EncodingSource::Named(UTF_8)).0, "a");
    }

    #[test]
    fn peeking_reaches_over_buffers() {
        let mut reader = DecodedReader::new(
            BufReader::with_capacity(1, "abcdef".as_bytes()),
            EncodingSource::Named(UTF_8),
        );
        assert!(reader.peek(4).unwrap().starts_with(b"abcd"));
        reader.consume(5);
        assert_eq!(reader.peek(4).unwrap(), b"f");
        reader.consume(1);
        assert_eq!(reader.peek(4).unwrap(), b"");
    }
}
