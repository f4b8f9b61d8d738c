//! A reply as an e-mail.

use chrono::{DateTime, Utc};
use entity::reply_attachment;
use entity::vocabulary::ReplyFormat;
use lettre::Address;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use uuid::Uuid;

use crate::attachment::rules::BYTES;
use crate::error::{Error, Result};
use crate::reply::files::{File, form};

/// Who writes to whom, and about what.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Address that it comes from.
    pub from: &'a str,
    /// Address that it goes to.
    pub to: &'a str,
    /// Its `Message-ID`.
    pub message_id: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// When it is written.
    pub at: DateTime<Utc>,
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
    let message = Message::builder()
        .from(mailbox(letter.from)?)
        .to(mailbox(letter.to)?)
        .subject(letter.subject)
        .date(letter.at.into())
        .message_id(Some(letter.message_id.to_owned()))
        .multipart(parts)
        .map_err(|error| Error::Internal(error.into()))?;
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
            to: "desk@example.org",
            message_id: &message_id,
            subject: "漏洞处置反馈：CNVD-2026-00001",
            at,
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
            to: "desk@example.org",
            message_id: "<a@b>",
            subject: "x\r\nBcc: b@example.org",
            at: crate::testing::now(),
        };
        let bytes = assemble(&letter, id, &[], &[]).unwrap();
        assert!(!String::from_utf8(bytes).unwrap().contains("\r\nBcc:"));
    }
}
