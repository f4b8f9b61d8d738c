//! A reply as an e-mail.

use chrono::{DateTime, Utc};
use entity::reply_attachment;
use entity::vocabulary::ReplyFormat;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use uuid::Uuid;

use crate::attachment::rules::BYTES;
use crate::error::{Error, Result};
use crate::reply::files::{File, form};
use crate::reply::to_reporter::rules::Thread;

/// Who writes to whom, and about what.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Address that it comes from.
    pub from: &'a str,
    /// Address that it goes to; none where that is put before it as it goes out ([`addressed`]).
    pub to: Option<&'a str>,
    /// Its `Message-ID`.
    pub message_id: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// When it is written.
    pub at: DateTime<Utc>,
    /// Where it stands in a thread.
    pub thread: &'a Thread,
    /// What it is where no person wrote or sent it, so that no program answers it.
    pub automatic: Option<Automatic>,
}

/// Why a program sends an e-mail (RFC 3834).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Automatic {
    /// It answers a mail.
    Reply,
    /// It answers nothing.
    Notice,
}

impl Automatic {
    fn word(self) -> &'static str {
        match self {
            Self::Reply => "auto-replied",
            Self::Notice => "auto-generated",
        }
    }
}

/// One address of the form that a mail server takes.
pub fn address(text: &str) -> Option<Address> {
    text.parse().ok()
}

/// The `Message-ID` of a dispatch's e-mail: the same over all attempts, and nobody can guess it.
pub fn message_id(dispatch: Uuid, from: &str) -> String {
    let host = from.rsplit_once('@').map_or("localhost", |(_, host)| host);
    format!("<{}@{host}>", dispatch.simple())
}

/// What goes out of an e-mail that was frozen without its recipient.
pub fn addressed(to: &str, content: &[u8]) -> Vec<u8> {
    [b"To: ", to.as_bytes(), b"\r\n", content].concat()
}

/// The e-mail: text and HTML as alternatives, files attached.
///
/// # Errors
/// When an address or the subject is none after all.
pub fn assemble(
    letter: &Letter<'_>,
    dispatch: Uuid,
    files: &[File],
    attached: &[(&reply_attachment::Model, Vec<u8>)],
) -> Result<Vec<u8>> {
    let mailbox = |text: &str| {
        let address = address(text).ok_or_else(|| anyhow::anyhow!("an address does not parse"))?;
        anyhow::Ok(Mailbox::new(None, address))
    };
    // Boundaries follow from the dispatch, so that the same reply is the same bytes.
    let boundary = |part: &str| format!("{part}-{}", dispatch.simple());
    let of = |format| files.iter().find(|file| file.format == format);
    let mut texts = MultiPart::alternative().boundary(boundary("text")).build();
    for (format, kind) in
        [(ReplyFormat::Text, ContentType::TEXT_PLAIN), (ReplyFormat::Html, ContentType::TEXT_HTML)]
    {
        if let Some(file) = of(format) {
            let text =
                String::from_utf8(file.bytes.clone()).map_err(|error| Error::Internal(error.into()))?;
            texts = texts.singlepart(SinglePart::builder().header(kind).body(text));
        }
    }
    let mut parts = MultiPart::mixed().boundary(boundary("mail")).build();
    if of(ReplyFormat::Text).or(of(ReplyFormat::Html)).is_some() {
        parts = parts.multipart(texts);
    }
    for file in files.iter().filter(|file| matches!(file.format, ReplyFormat::Docx | ReplyFormat::Pdf)) {
        let kind = ContentType::parse(form(file.format).1).map_err(|error| Error::Internal(error.into()))?;
        parts = parts.singlepart(Attachment::new(file.name.clone()).body(file.bytes.clone(), kind));
    }
    for (row, bytes) in attached {
        let part = Attachment::new(row.name.clone()).body(bytes.clone(), kind_of(&row.media_type)?);
        parts = parts.singlepart(part);
    }
    let from = mailbox(letter.from)?;
    let mut message = Message::builder()
        .from(from.clone())
        .subject(letter.subject)
        .date(letter.at.into())
        .message_id(Some(letter.message_id.to_owned()));
    message = match letter.to {
        Some(to) => message.to(mailbox(to)?),
        // The builder wants one, and writes it nowhere.
        None => {
            let envelope = Envelope::new(Some(from.email.clone()), vec![from.email])
                .map_err(|error| Error::Internal(error.into()))?;
            message.envelope(envelope)
        }
    };
    if let Some(answered) = &letter.thread.in_reply_to {
        message = message.in_reply_to(answered.clone());
    }
    if !letter.thread.references.is_empty() {
        message = message.references(letter.thread.references.join(" "));
    }
    if let Some(automatic) = letter.automatic {
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message = message.raw_header(HeaderValue::new(name, automatic.word().to_owned()));
    }
    let message = message.multipart(parts).map_err(|error| Error::Internal(error.into()))?;
    Ok(message.formatted())
}

/// The type that a file goes under: its own, unless it would be taken for a part of the mail or is none.
fn kind_of(media_type: &str) -> Result<ContentType> {
    let lower = media_type.to_ascii_lowercase();
    let is_structure = lower.starts_with("multipart/") || lower.starts_with("message/");
    let own = ContentType::parse(media_type).ok().filter(|_| !is_structure);
    match own {
        Some(kind) => Ok(kind),
        None => ContentType::parse(BYTES).map_err(|error| Error::Internal(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_reads_the_same_letter() {
        let at = crate::testing::now();
        let id = Uuid::from_u128(7);
        let message_id = message_id(id, "psirt@example.com");
        let letter = Letter {
            from: "psirt@example.com",
            to: Some("desk@example.org"),
            message_id: &message_id,
            subject: "漏洞处置反馈：CNVD-2026-00001",
            at,
            thread: &Thread::default(),
            automatic: None,
        };
        let file =
            |format, name: &str, bytes: &[u8]| File { format, name: name.to_owned(), bytes: bytes.to_vec() };
        let files = [
            file(ReplyFormat::Text, "a.txt", "研判结论：确认\n".as_bytes()),
            file(ReplyFormat::Html, "a.html", "<p>研判结论：确认</p>".as_bytes()),
            file(ReplyFormat::Pdf, "VE-2026-1-verdict.pdf", b"%PDF-1.7 \x00\xff"),
        ];
        let attached = |number: u8, name: &str, media_type: &str| reply_attachment::Model {
            id: Uuid::from_u128(number.into()),
            reply_id: Uuid::nil(),
            file_id: Uuid::nil(),
            attachment_id: None,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: 3,
            sha256: vec![number; 32],
            added_by: "analyst-1".to_owned(),
            added_at: at,
            verdict_id: None,
            extent: None,
        };
        let (first, second) =
            (attached(1, "证据 1.png", "image/png"), attached(2, "old.eml", "message/rfc822"));
        let with = [(&first, vec![0, 255, 10]), (&second, b"Subject: x\r\n\r\ny".to_vec())];
        let bytes = assemble(&letter, id, &files, &with).unwrap();
        assert_eq!(bytes, assemble(&letter, id, &files, &with).unwrap(), "the same reply is the same bytes");
        assert!(bytes.is_ascii(), "every mail server takes it");
        let read = mail_parser::MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(read.subject(), Some(letter.subject));
        assert_eq!(read.message_id(), Some(message_id.trim_matches(['<', '>'])));
        assert_eq!(read.body_text(0).unwrap().trim(), "研判结论：确认");
        assert_eq!(read.body_html(0).unwrap().trim(), "<p>研判结论：确认</p>");
        let attached = read.attachment(0).unwrap();
        assert_eq!(attached.contents(), b"%PDF-1.7 \x00\xff");
        let names: Vec<_> =
            read.attachments().filter_map(mail_parser::MimeHeaders::attachment_name).collect();
        assert_eq!(names, ["VE-2026-1-verdict.pdf", "证据 1.png", "old.eml"]);
        assert_eq!(read.attachment(1).unwrap().contents(), [0, 255, 10]);
        assert_eq!(
            read.attachment(2).unwrap().contents(),
            b"Subject: x\r\n\r\ny",
            "a file, and no part of the mail"
        );
    }

    #[test]
    fn a_line_break_makes_no_header() {
        assert!(address("a@example.org\r\nBcc: b@example.org").is_none());
        assert!(address("a@example.org, b@example.org").is_none());
        let id = Uuid::from_u128(7);
        let letter = Letter {
            from: "psirt@example.com",
            to: Some("desk@example.org"),
            message_id: "<a@b>",
            subject: "x\r\nBcc: b@example.org",
            at: crate::testing::now(),
            thread: &Thread::default(),
            automatic: None,
        };
        let bytes = assemble(&letter, id, &[], &[]).unwrap();
        assert!(!String::from_utf8(bytes).unwrap().contains("\r\nBcc:"));
    }

    #[test]
    fn an_answer_to_a_reporter_stands_in_their_thread_and_names_them_only_as_it_goes_out() {
        let ids: Vec<String> =
            (0..20).map(|n| format!("<{}-{n}@mail.example.org>", "a".repeat(60))).collect();
        let thread = Thread { in_reply_to: ids.last().cloned(), references: ids.clone() };
        let letter = Letter {
            from: "psirt@example.com",
            to: None,
            message_id: "<a@example.com>",
            subject: "Re: 漏洞",
            at: crate::testing::now(),
            thread: &thread,
            automatic: Some(Automatic::Reply),
        };
        let frozen = assemble(&letter, Uuid::from_u128(7), &[], &[]).unwrap();
        let text = String::from_utf8(frozen.clone()).unwrap();
        assert!(!text.contains("\r\nTo:") && text.lines().all(|line| line.len() <= 998));
        let sent = addressed("hat@example.org", &frozen);
        let read = mail_parser::MessageParser::default().parse(&sent).unwrap();
        assert_eq!(read.to().unwrap().first().unwrap().address(), Some("hat@example.org"));
        let bare = |id: &String| id.trim_matches(['<', '>']).to_owned();
        assert_eq!(read.in_reply_to().as_text().map(str::to_owned), ids.last().map(bare));
        let references: Vec<String> =
            read.references().as_text_list().unwrap().iter().map(|id| id.to_string()).collect();
        assert_eq!(references, ids.iter().map(bare).collect::<Vec<_>>());
        assert!(text.contains("Auto-Submitted: auto-replied\r\n"));
    }
}
