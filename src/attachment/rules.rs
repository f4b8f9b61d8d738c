//! What a file may be called, and what may be done to an attachment.

use entity::attachment;
use entity::vocabulary::AttachmentKind;
use uuid::Uuid;

use super::settings::UploadSettings;
use crate::error::{Refusal, RefusalCode};
use crate::text::is_unseen;

/// Longest name of a file that is kept, in characters.
const NAME: usize = 200;
/// Longest media type that is kept, in bytes.
const MEDIA_TYPE: usize = 200;
/// What a file is of which nothing better is known, and what every attachment is served as.
pub const BYTES: &str = "application/octet-stream";
/// What some programs say of any body that they post.
const FORM: &str = "application/x-www-form-urlencoded";

/// The name to keep: the last part of a path, without control and direction characters, or one that says nothing.
pub fn kept_name(name: Option<&str>) -> String {
    let last = name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|character| !is_misleading(*character)).take(NAME);
    let kept = kept.collect::<String>();
    let kept = kept.trim().trim_start_matches('.').trim_end_matches([' ', '.']);
    if kept.is_empty() { "file".to_owned() } else { kept.to_owned() }
}

/// Whether a character in a name hides what it ends in, or is none to read.
fn is_misleading(character: char) -> bool {
    // Ends of lines and paragraphs are no control characters.
    character.is_control() || is_unseen(character) || matches!(character, '\u{2028}' | '\u{2029}' | '"')
}

/// The media type to keep of what a client says: one that is none says nothing.
pub fn media_type(said: Option<&str>) -> String {
    let said = said.map(str::trim).unwrap_or_default();
    let is_one = said.len() <= MEDIA_TYPE
        && said.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        && said.split_once('/').is_some_and(|(kind, of)| !kind.is_empty() && !of.is_empty());
    if is_one && !said.starts_with(FORM) { said.to_owned() } else { BYTES.to_owned() }
}

/// What the first bytes of a file say that it is.
pub fn detected(head: &[u8]) -> &'static str {
    infer::get(head).map_or(BYTES, |kind| kind.mime_type())
}

/// Whether a file of this type is taken in: none of the refused, and one of the allowed where there are any.
pub fn is_accepted(detected: &str, allowed: &[String], refused: &[String]) -> bool {
    let stands_in = |list: &[String]| list.iter().any(|kind| kind.eq_ignore_ascii_case(detected));
    !stands_in(refused) && (allowed.is_empty() || stands_in(allowed))
}

/// Whether a report that has so many files of so many bytes takes one of `more` bytes, from who added `added` bytes within
/// a day.
///
/// # Errors
/// The refusal, naming the bound.
pub fn may_take(
    bounds: &UploadSettings,
    (files, bytes): (u64, u64),
    added: u64,
    more: u64,
) -> Result<(), Refusal> {
    let UploadSettings { per_report, bytes_per_report, bytes_per_day, .. } = bounds;
    let message = if files >= u64::from(*per_report) {
        format!("the report has {per_report} files and may have no more (uploads.per_report)")
    } else if bytes.saturating_add(more) > *bytes_per_report {
        format!("the files of a report may have {bytes_per_report} bytes together (uploads.bytes_per_report)")
    } else if added.saturating_add(more) > *bytes_per_day {
        format!("within a day you may add {bytes_per_day} bytes: go on tomorrow (uploads.bytes_per_day)")
    } else {
        return Ok(());
    };
    Err(Refusal::new(RefusalCode::Contradiction, message))
}

/// Whether an attachment may be removed.
///
/// # Errors
/// The refusal.
pub fn may_remove(row: &attachment::Model) -> Result<(), Refusal> {
    if row.removed_at.is_none() { Ok(()) } else { Err(frozen()) }
}

/// Whether the team of an event may be let have an attachment.
///
/// # Errors
/// The refusal.
pub fn may_release(row: &attachment::Model, event: Uuid) -> Result<(), Refusal> {
    if row.kind == AttachmentKind::OriginalMail {
        let message =
            "an original mail says who reported: it is never released; release the files that came in it";
        return Err(Refusal::new(RefusalCode::Contradiction, message));
    }
    if row.removed_at.is_some() {
        return Err(frozen());
    }
    if row.released_event_id == Some(event) {
        return Err(Refusal::new(RefusalCode::AlreadyExists, "the team has it already"));
    }
    Ok(())
}

/// Whether an attachment may be kept from the team again.
///
/// # Errors
/// The refusal.
pub fn may_retract(row: &attachment::Model) -> Result<(), Refusal> {
    if row.released_event_id.is_some() {
        return Ok(());
    }
    Err(Refusal::new(RefusalCode::Contradiction, "the team has not got it (releaseAttachment)"))
}

fn frozen() -> Refusal {
    Refusal::new(RefusalCode::Frozen, "it was removed: add the file again if it is wanted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: AttachmentKind) -> attachment::Model {
        attachment::Model {
            id: Uuid::from_u128(1),
            report_id: Uuid::from_u128(2),
            mail_id: None,
            file_id: Some(Uuid::from_u128(3)),
            kind,
            name: "poc.zip".to_owned(),
            media_type: BYTES.to_owned(),
            size: 1,
            sha256: vec![0; 32],
            public_side: false,
            received_at: crate::testing::now(),
            added_by: "analyst-1".to_owned(),
            released_event_id: None,
            released_at: None,
            released_by: None,
            removed_at: None,
            removed_by: None,
            version: 1,
        }
    }

    #[test]
    fn a_name_is_a_name_and_no_path() {
        let kept = |name: &str| kept_name(Some(name));
        assert_eq!(kept("../../etc/passwd"), "passwd");
        assert_eq!(kept("C:\\Users\\x\\漏洞 报告.docx"), "漏洞 报告.docx");
        assert_eq!(kept("poc\u{202e}gpj.exe"), "pocgpj.exe");
        assert_eq!(kept("a\r\nSet-Cookie: x\".txt"), "aSet-Cookie: x.txt");
        assert_eq!(kept("..."), "file");
        assert_eq!(kept("shell.php. . "), "shell.php");
        assert_eq!(kept("a\u{200b}\u{feff}\u{0}b"), "ab");
        let unseen =
            ['\u{2028}', '\u{2029}', '\u{ad}', '\u{180e}', '\u{fff9}', '\u{e0041}', '\u{3164}', '\u{85}'];
        for character in unseen {
            let name = format!("poc{character}.exe");
            assert_eq!(kept(&name), "poc.exe", "{}", character.escape_unicode());
        }
        assert_eq!(kept(&"x".repeat(999)).len(), NAME);
        assert_eq!(kept_name(None), "file");
    }

    #[test]
    fn a_media_type_is_one_or_says_nothing() {
        assert_eq!(media_type(Some(" image/png ")), "image/png");
        assert_eq!(media_type(Some("text/plain; charset=utf-8")), "text/plain; charset=utf-8");
        for none in [None, Some(""), Some("png"), Some("a/\u{e9}"), Some("/x"), Some(FORM)] {
            assert_eq!(media_type(none), BYTES, "{none:?}");
        }
        assert_eq!(media_type(Some(&format!("a/{}", "b".repeat(MEDIA_TYPE)))), BYTES);
    }

    #[test]
    fn types_are_told_by_the_bytes() {
        let of = |kinds: &[&str]| kinds.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>();
        let program = [b"\x7fELF\x02\x01\x01\x00".as_slice(), &[0; 60]].concat();
        let (zip, elf) = (detected(b"PK\x03\x04rest"), detected(&program));
        assert_eq!((zip, elf), ("application/zip", "application/x-executable"));
        assert_eq!(detected("漏洞".as_bytes()), BYTES);
        assert!(is_accepted(zip, &[], &[]) && is_accepted(BYTES, &[], &of(&[elf])));
        assert!(!is_accepted(elf, &[], &of(&["Application/X-Executable"])));
        assert!(!is_accepted(elf, &of(&[zip]), &[]) && is_accepted(zip, &of(&[zip]), &[]));
        assert!(!is_accepted(zip, &of(&[zip]), &of(&[zip])), "refused goes before allowed");
    }

    #[test]
    fn a_report_and_a_day_take_so_much_and_no_more() {
        let bounds = UploadSettings {
            per_report: 2,
            bytes_per_report: 100,
            bytes_per_day: 150,
            ..UploadSettings::default()
        };
        let names = |there, added, more| {
            let refusal = may_take(&bounds, there, added, more).unwrap_err();
            refusal.message.split("uploads.").nth(1).unwrap().trim_end_matches(')').to_owned()
        };
        assert!(may_take(&bounds, (1, 60), 110, 40).is_ok(), "up to the bound");
        assert_eq!(names((2, 0), 0, 0), "per_report");
        assert_eq!(names((1, 60), 0, 41), "bytes_per_report");
        assert_eq!(names((1, 60), 111, 40), "bytes_per_day");
        assert_eq!(names((0, u64::MAX), 0, 1), "bytes_per_report");
    }

    #[test]
    fn an_original_mail_is_never_released_and_what_was_removed_is_left_alone() {
        let (event, other) = (Uuid::from_u128(8), Uuid::from_u128(9));
        let file = row(AttachmentKind::File);
        assert!(may_release(&file, event).is_ok() && may_retract(&file).is_err());
        assert!(may_release(&row(AttachmentKind::OriginalMail), event).is_err());
        let released = attachment::Model { released_event_id: Some(event), ..file.clone() };
        assert!(may_release(&released, event).is_err() && may_retract(&released).is_ok());
        assert!(may_release(&released, other).is_ok(), "its report went to another event");
        let removed = attachment::Model { removed_at: Some(crate::testing::now()), ..file };
        assert!(may_release(&removed, event).is_err() && may_remove(&removed).is_err());
    }
}
