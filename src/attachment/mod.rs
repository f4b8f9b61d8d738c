//! Files that came with reports, kept to the byte.
//!
//! Who sent them says what they are called and what they are; nobody looked inside. So they leave the product only as
//! downloads, under a type that no program opens by itself. Who reads reports as received reads them, and of those on the
//! public side the report's reporter and its channel's service. The bytes stand apart from what is listed of them,
//! and those of an original mail go when its sender is erased.

pub mod graphql;
pub mod http;
pub mod store;

use entity::vocabulary::AttachmentKind;
use entity::{attachment, attachment_content, inbound_mail};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::outbox::ChangeSet;

/// Longest name of a file that is kept, in characters.
const NAME: usize = 200;

/// A file that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it is.
    pub kind: AttachmentKind,
    /// Its name as its sender gave it.
    pub name: Option<String>,
    /// Its media type as its sender gave it.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl File {
    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> Vec<u8> {
        Sha256::digest(&self.bytes).to_vec()
    }

    /// The name to keep: the last part of a path, without control and direction characters, or one that says nothing.
    pub fn kept_name(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept = last.chars().filter(|character| !is_misleading(*character)).take(NAME);
        let kept = kept.collect::<String>();
        let kept = kept.trim().trim_start_matches('.');
        if kept.is_empty() { "file".to_owned() } else { kept.to_owned() }
    }
}

/// Whether a character in a name hides what it ends in, or is none to read.
fn is_misleading(character: char) -> bool {
    let turns =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns || character == '"'
}

/// Keeps the files of a mail, inside the caller's change.
pub fn keep(app: &App, changes: &mut ChangeSet, mail: &inbound_mail::Model, files: &[File]) {
    for file in files {
        let row = attachment::Model {
            id: app.ids.next(),
            report_id: mail.report_id,
            mail_id: mail.id,
            kind: file.kind,
            name: file.kept_name(),
            media_type: file.media_type.clone(),
            size: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
            sha256: file.sha256(),
            public_side: file.kind == AttachmentKind::File && mail.from_reporter,
            received_at: mail.received_at,
        };
        changes.insert(&row);
        // Its digest stands in the entry.
        changes.write_row(&attachment_content::Model { attachment_id: row.id, bytes: file.bytes.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> String {
        let file = File {
            kind: AttachmentKind::File,
            name: Some(name.to_owned()),
            media_type: "text/plain".to_owned(),
            bytes: Vec::new(),
        };
        file.kept_name()
    }

    #[test]
    fn a_name_is_a_name_and_no_path() {
        assert_eq!(named("../../etc/passwd"), "passwd");
        assert_eq!(named("C:\\Users\\x\\漏洞 报告.docx"), "漏洞 报告.docx");
        assert_eq!(named("poc\u{202e}gpj.exe"), "pocgpj.exe");
        assert_eq!(named("a\r\nSet-Cookie: x\".txt"), "aSet-Cookie: x.txt");
        assert_eq!(named("..."), "file");
        assert_eq!(named(&"x".repeat(999)).len(), NAME);
    }
}
