//! A mail's bytes, read: what of it the product uses.
//!
//! Nothing is asked for elsewhere: what HTML links to is neither loaded nor followed. Every mail is hostile until shown
//! otherwise, so all that is taken from one is bounded, and one whose structure would cost too much to take apart is kept
//! whole instead of refused.

use chrono::{DateTime, Utc};
use encoding_rs::GB18030;
use entity::vocabulary::AttachmentKind;
use mail_parser::{Encoding, HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use sha2::{Digest, Sha256};

use crate::attachment::File;

/// Longest subject that is kept, in characters.
const SUBJECT: usize = 1_000;
/// Longest text that is kept, in characters; the original mail has the rest.
const TEXT: usize = 100_000;
/// Longest Message-ID or address that is one, in characters.
const SHORT: usize = 250;
/// Most ids of earlier mails that are looked at: the nearest ones.
const REFERENCES: usize = 50;
/// Most files of one mail that are kept by themselves; the original mail has the rest.
const FILES: usize = 100;
/// Most typed parts of a mail that is taken apart.
const PARTS: usize = 1_000;
/// Most bytes that are looked at to take a mail apart: each part may be looked for to the mail's end.
const EFFORT: usize = 4 << 30;
/// Longest header whose value is looked at, in bytes.
const HEADER: usize = 4_000;

/// A mail, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// `Message-ID` in angle brackets, if it has a plausible one.
    pub message_id: Option<String>,
    /// `Message-ID`s of earlier mails that it names, in angle brackets, the one that it answers first.
    pub references: Vec<String>,
    /// Who it says wrote it; none when it names nobody, or several.
    pub sender: Option<Sender>,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// When the last mail server before us received it, as that one says.
    pub received_at: Option<DateTime<Utc>>,
    /// Its files, without the mail itself.
    pub files: Vec<File>,
    /// Signs of who or what sent it.
    pub signs: Signs,
    /// SHA-256 of its bytes.
    pub digest: Vec<u8>,
}

/// Who a mail says wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Name shown beside the address.
    pub name: Option<String>,
    /// The address in lower case.
    pub address: String,
}

/// What a mail's headers say of who or what sent it. Each text as it stands, unfolded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// `Auto-Submitted` (RFC 3834).
    pub auto_submitted: Option<String>,
    /// `Precedence`.
    pub precedence: Option<String>,
    /// `X-Auto-Response-Suppress`.
    pub suppress: Option<String>,
    /// `List-Id` (RFC 2919).
    pub list_id: Option<String>,
    /// The topmost `Return-Path`.
    pub return_path: Option<String>,
    /// Whether it is a report by a mail system (RFC 6522).
    pub is_report: bool,
    /// The topmost `Authentication-Results` (RFC 8601): the ones below came with the mail.
    pub authentication: Option<String>,
}

impl Letter {
    /// SHA-256 over subject, text and files: what two copies of one mail have in common, whatever way they came.
    pub fn content_hash(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        field(self.subject.as_bytes());
        field(self.text.as_bytes());
        for file in &self.files {
            field(file.kept_name().as_bytes());
            field(&file.sha256());
        }
        hash.finalize().to_vec()
    }
}

/// Reads a mail; none when there is no header in it.
pub fn read(bytes: &[u8]) -> Option<Letter> {
    let parser = MessageParser::default();
    let whole = can_be_taken_apart(bytes);
    let mail = if whole { parser.parse(bytes)? } else { parser.parse_headers(bytes)? };
    if mail.headers().is_empty() {
        return None;
    }
    let headers = Headers { mail: &mail, bytes };
    let text = if whole { text(&mail, bytes) } else { String::new() };
    Some(Letter {
        message_id: mail.message_id().and_then(bracketed),
        references: references(&mail),
        sender: sender(&mail),
        subject: clipped(&headers.subject().unwrap_or_default(), SUBJECT, false),
        text: clipped(&text, TEXT, true),
        received_at: received_at(&mail),
        files: if whole { files(&mail, bytes) } else { Vec::new() },
        signs: headers.signs(),
        digest: Sha256::digest(bytes).to_vec(),
    })
}

/// Whether taking a mail apart has a bound that is not the sender's to choose.
fn can_be_taken_apart(bytes: &[u8]) -> bool {
    const TYPE: &[u8] = b"content-type";
    let typed = bytes.windows(TYPE.len()).filter(|window| window.eq_ignore_ascii_case(TYPE)).count();
    typed <= PARTS && typed.saturating_mul(bytes.len()) <= EFFORT
}

/// An id in angle brackets, where it can be one.
fn bracketed(id: &str) -> Option<String> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let plausible = !id.is_empty()
        && id.len() <= SHORT
        && !id.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>'));
    plausible.then(|| format!("<{id}>"))
}

fn references(mail: &Message<'_>) -> Vec<String> {
    let ids = |value: &mail_parser::HeaderValue<'_>| -> Vec<String> {
        match value.as_text_list() {
            Some(list) => list.iter().filter_map(|id| bracketed(id)).collect(),
            None => value.as_text().and_then(bracketed).into_iter().collect(),
        }
    };
    let mut found = ids(mail.in_reply_to());
    // The nearest stands last.
    for id in ids(mail.references()).into_iter().rev() {
        if !found.contains(&id) {
            found.push(id);
        }
        if found.len() >= REFERENCES {
            break;
        }
    }
    found.truncate(REFERENCES);
    found
}

/// What the mail server next to us wrote, which stands on top.
fn received_at(mail: &Message<'_>) -> Option<DateTime<Utc>> {
    let received = mail.header_values(HeaderName::Received).next()?.as_received()?;
    DateTime::from_timestamp(received.date.as_ref()?.to_timestamp(), 0)
}

/// The one address of the one From. Programs differ in which of several they show and check, so several are nobody.
fn sender(mail: &Message<'_>) -> Option<Sender> {
    let mut headers = mail.header_values(HeaderName::From);
    let (Some(from), None) = (headers.next(), headers.next()) else { return None };
    let mut addresses = from.as_address()?.iter();
    let (Some(one), None) = (addresses.next(), addresses.next()) else { return None };
    let address = one.address()?.trim().to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"');
    if local.is_empty() || domain.is_empty() || address.len() > SHORT || address.chars().any(odd) {
        return None;
    }
    let name = one.name().map(|name| clipped(name, SHORT, false)).filter(|name| !name.is_empty());
    Some(Sender { name, address })
}

struct Headers<'a> {
    mail: &'a Message<'a>,
    bytes: &'a [u8],
}

impl Headers<'_> {
    /// The topmost header of this name, to the byte.
    fn raw(&self, name: &str) -> Option<&[u8]> {
        let found = self.mail.headers().iter().find(|header| header.name().eq_ignore_ascii_case(name))?;
        let (start, end) = (found.offset_start() as usize, found.offset_end() as usize);
        self.bytes.get(start..end).map(|value| &value[..value.len().min(HEADER)])
    }

    /// The topmost header of this name, unfolded.
    fn text(&self, name: &str) -> Option<String> {
        let value = String::from_utf8_lossy(self.raw(name)?).into_owned();
        Some(clipped(&value.replace(['\r', '\n'], " "), HEADER, false))
    }

    /// The subject. One in eight bits that are no UTF-8 is read as what older programs in China write.
    fn subject(&self) -> Option<String> {
        let raw = self.raw("Subject")?;
        if std::str::from_utf8(raw).is_err()
            && let Some(text) = GB18030.decode_without_bom_handling_and_without_replacement(raw)
        {
            return Some(text.replace(['\r', '\n'], ""));
        }
        self.mail.subject().map(str::to_owned)
    }

    fn signs(&self) -> Signs {
        Signs {
            auto_submitted: self.text("Auto-Submitted"),
            precedence: self.text("Precedence"),
            suppress: self.text("X-Auto-Response-Suppress"),
            list_id: self.text("List-Id"),
            return_path: self.text("Return-Path"),
            is_report: self.mail.is_content_type("multipart", "report"),
            authentication: self.text("Authentication-Results"),
        }
    }
}

/// The readable parts, one after the other; HTML without anything but its words.
fn text(mail: &Message<'_>, bytes: &[u8]) -> String {
    let parts = (0..mail.text_body_count()).filter_map(|place| {
        let part = mail.text_part(u32::try_from(place).ok()?)?;
        match &part.body {
            PartType::Text(text) => Some(unlabelled(part, bytes).unwrap_or_else(|| text.to_string())),
            PartType::Html(_) => mail.body_text(place).map(|text| text.into_owned()),
            _ => None,
        }
    });
    let text = parts.collect::<Vec<_>>().join("\n");
    if !text.is_empty() {
        return text;
    }
    // In a mail that breaks off before its last part ends, its words pass for a file.
    let written = mail
        .parts
        .iter()
        .filter(|part| !part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment));
    let mut written = written.filter_map(|part| match &part.body {
        PartType::Text(text) => Some(unlabelled(part, bytes).unwrap_or_else(|| text.to_string())),
        _ => None,
    });
    written.next().unwrap_or_default()
}

/// The text of a part in eight bits that are no UTF-8 and that names no character set.
fn unlabelled(part: &MessagePart<'_>, bytes: &[u8]) -> Option<String> {
    let named = part.content_type().is_some_and(|kind| kind.has_attribute("charset"));
    if named || part.encoding != Encoding::None {
        return None;
    }
    let raw = bytes.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)?;
    if std::str::from_utf8(raw).is_ok() {
        return None;
    }
    GB18030.decode_without_bom_handling_and_without_replacement(raw).map(|text| text.into_owned())
}

fn files(mail: &Message<'_>, bytes: &[u8]) -> Vec<File> {
    let attached = mail.attachments().take(FILES).map(|part| {
        let bytes = match &part.body {
            // Such a mail knows only the whole that it lies in.
            PartType::Message(_) if part.encoding == Encoding::None => bytes
                .get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)
                .unwrap_or_default()
                .to_vec(),
            PartType::Message(inner) => inner.raw_message.to_vec(),
            _ => part.contents().to_vec(),
        };
        let nested = part.message().map(|_| "message.eml".to_owned());
        File {
            kind: AttachmentKind::File,
            name: part.attachment_name().map(str::to_owned).or(nested),
            media_type: media_type(part),
            bytes,
        }
    });
    attached.collect()
}

fn media_type(part: &MessagePart<'_>) -> String {
    let plain = |text: &&str| {
        !text.is_empty()
            && text.len() <= 100
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    let named = part.content_type().and_then(|kind| {
        let (main, sub) = (Some(kind.ctype()).filter(plain)?, kind.subtype().filter(plain)?);
        Some(format!("{main}/{sub}").to_ascii_lowercase())
    });
    named.unwrap_or_else(|| "application/octet-stream".to_owned())
}

/// At most `most` characters that every database and every reader takes; line ends only in `lines`.
fn clipped(text: &str, most: usize, lines: bool) -> String {
    let kept = text.chars().filter_map(|character| match character {
        '\n' | '\t' if lines => Some(character),
        '\r' => None,
        character if character.is_control() => (!lines).then_some(' '),
        character => Some(character),
    });
    kept.take(most).collect::<String>().trim().to_owned()
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
