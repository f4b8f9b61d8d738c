//! The thread that an e-mail to a reporter belongs to, and what of their address may be written down.

use chrono::{DateTime, Utc};
use entity::{reply, reporter};

use super::Addressee;
use crate::error::{Refusal, RefusalCode};

/// Most message ids that an e-mail refers to: the first, and the newest.
const REFERENCES: usize = 20;
/// Longest message id that is referred to, in bytes: a line of a mail has no more than 998.
const LONGEST: usize = 250;
/// Longest subject, in characters.
const SUBJECT: usize = 200;
/// What stands in the place of an address.
const REDACTED: &str = "[reporter]";

/// Whether a template's text that is to go to a reporter was made for somebody else: what it says of the event may be of
/// others' reports.
pub fn was_made_for_others(reply: &reply::Model, to: Option<Addressee>) -> bool {
    reply.template.is_some() && to.is_some_and(|to| reply.report_id != Some(to.report))
}

/// The refusal of such a text.
pub fn written_for_others() -> Refusal {
    let message = "its text was made for others and may say what this reporter is not told: say again to whom it goes while \
                   it is as its template made it, or send a new subject and a new body (reviseReply)";
    Refusal::new(RefusalCode::Contradiction, message)
}

/// An e-mail of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// When it was received, or went out.
    pub at: DateTime<Utc>,
    /// Whether we wrote it.
    pub ours: bool,
    /// Its `Message-ID`, in angle brackets.
    pub message_id: String,
}

/// Where an e-mail stands in a thread (RFC 5322, 3.6.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The mail that it answers.
    pub in_reply_to: Option<String>,
    /// The thread up to it, the oldest first.
    pub references: Vec<String>,
}

/// The thread that these are: an answer is to the newest mail of the reporter, or else to our own.
pub fn thread(mut letters: Vec<Letter>) -> Thread {
    letters.retain(|letter| is_id(&letter.message_id));
    letters.sort_by_key(|letter| letter.at);
    let newest = letters.iter().rev().find(|letter| !letter.ours).or(letters.last());
    let in_reply_to = newest.map(|letter| letter.message_id.clone());
    let mut references: Vec<String> = Vec::new();
    for letter in letters {
        if !references.contains(&letter.message_id) {
            references.push(letter.message_id);
        }
    }
    if references.len() > REFERENCES {
        // The first names the thread, the newest are what a mail program has at hand.
        references.drain(1..references.len() - (REFERENCES - 1));
    }
    Thread { in_reply_to, references }
}

/// Whether an id may stand in a header of ours: its sender chose it.
fn is_id(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    text.len() <= LONGEST
        && inner.is_some_and(|inner| {
            !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,".contains(&byte))
        })
}

/// The subject of an answer to a mail with this one.
pub fn answer_to(subject: &str) -> String {
    let one_line: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut rest = one_line.trim();
    while let Some((_, after)) = rest
        .split_once([':', '：'])
        .filter(|(before, _)| ["re", "回复", "答复"].contains(&before.trim().to_lowercase().as_str()))
    {
        rest = after.trim();
    }
    let rest: String = rest.chars().take(SUBJECT).collect();
    format!("Re: {}", rest.trim()).trim_end().to_owned()
}

/// The address of a reporter, where mail can go to it. What a channel said of them was never checked to be one.
pub fn address(reporter: &reporter::Model) -> Option<String> {
    let text = reporter.email.as_deref().filter(|_| reporter.erased_at.is_none())?.trim();
    let parsed = crate::reply::handover::mail::address(text)?;
    text.is_ascii().then(|| parsed.to_string())
}

/// What a mail server said, without the address: nothing of a reporter stands anywhere but with them.
pub fn without_address(words: &str, address: &str) -> String {
    let (lower, needle) = (words.to_ascii_lowercase(), address.to_ascii_lowercase());
    if needle.is_empty() {
        return words.to_owned();
    }
    let mut kept = String::with_capacity(words.len());
    let mut from = 0;
    // Lower case of ASCII has the same places.
    for (place, found) in lower.match_indices(&needle) {
        kept.push_str(&words[from..place]);
        kept.push_str(REDACTED);
        from = place + found.len();
    }
    kept.push_str(&words[from..]);
    kept
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn letter(minute: i64, ours: bool, id: &str) -> Letter {
        let at = crate::testing::now() + TimeDelta::minutes(minute);
        Letter { at, ours, message_id: id.to_owned() }
    }

    #[test]
    fn an_answer_is_to_the_reporters_newest_mail() {
        let found =
            thread(vec![letter(9, true, "<c@o>"), letter(0, false, "<a@h>"), letter(5, false, "<b@h>")]);
        assert_eq!(found.in_reply_to.as_deref(), Some("<b@h>"));
        assert_eq!(found.references, ["<a@h>", "<b@h>", "<c@o>"]);
        assert_eq!(thread(vec![letter(9, true, "<c@o>")]).in_reply_to.as_deref(), Some("<c@o>"));
        assert_eq!(thread(Vec::new()), Thread::default());
    }

    #[test]
    fn an_id_that_would_be_a_header_is_left_out() {
        let ids = ["<a@h>\r\nBcc: b@h", "<a b@h>", "a@h", "<>", "<a@h><b@h>", "<ä@h>"];
        let long = format!("<{}@h>", "a".repeat(300));
        for id in ids.into_iter().chain([long.as_str()]) {
            assert_eq!(thread(vec![letter(0, false, id)]), Thread::default(), "{id}");
        }
    }

    #[test]
    fn a_long_thread_keeps_its_beginning_and_its_end() {
        let ids: Vec<String> = (0..50).map(|number| format!("<{number}@h>")).collect();
        let letters = ids.iter().enumerate().map(|(at, id)| letter(i64::try_from(at).unwrap(), false, id));
        let found = thread(letters.collect());
        assert_eq!(found.references.len(), REFERENCES);
        assert_eq!((&found.references[0], &found.references[1]), (&ids[0], &ids[31]));
        assert_eq!(found.references.last(), ids.last());
    }

    #[test]
    fn a_subject_is_answered_once() {
        for (subject, answer) in [
            ("A hole", "Re: A hole"),
            ("RE: re:  A hole", "Re: A hole"),
            ("回复：漏洞", "Re: 漏洞"),
            ("A hole\r\nBcc: b@h", "Re: A hole  Bcc: b@h"),
            ("", "Re:"),
        ] {
            assert_eq!(answer_to(subject), answer);
        }
    }

    #[test]
    fn an_address_stands_nowhere_else() {
        assert_eq!(
            without_address("550 <Hat@Example.org>: no user hat@example.org 无", "hat@example.org"),
            "550 <[reporter]>: no user [reporter] 无"
        );
    }
}
