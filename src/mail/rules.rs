//! Pure decisions: what no person wrote, who wrote what a person did, what a mail belongs to.

use entity::vocabulary::MailVerification;

use super::read::{Letter, Signs};

/// Why a mail is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Automatic {
    /// It says that a program sent it by itself (RFC 3834).
    AutoSubmitted,
    /// It says that it goes to many.
    Bulk,
    /// It came over a mailing list.
    MailingList,
    /// It says that nobody should answer it.
    NoResponse,
    /// It has no address to come back to, or is the report of a mail system.
    DeliveryReport,
    /// It is one of ours that came back.
    Own,
}

impl Automatic {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AutoSubmitted => "sent by a program (Auto-Submitted)",
            Self::Bulk => "sent to many (Precedence)",
            Self::MailingList => "from a mailing list (List-Id)",
            Self::NoResponse => "asks for no answer (X-Auto-Response-Suppress)",
            Self::DeliveryReport => "a mail system's report, or without an address to come back to",
            Self::Own => "one of our own that came back",
        }
    }
}

/// Whether no person wrote a mail to us. `lists` are the mailing lists that lead to us.
pub fn automatic(signs: &Signs, lists: &[String]) -> Option<Automatic> {
    if signs.is_report || signs.return_path.as_deref().is_some_and(|path| path.replace(' ', "") == "<>") {
        return Some(Automatic::DeliveryReport);
    }
    let first = |text: &Option<String>| {
        let word = text.as_deref()?.split([';', '(', ' ']).next()?.to_ascii_lowercase();
        (!word.is_empty()).then_some(word)
    };
    if first(&signs.auto_submitted).is_some_and(|word| word != "no") {
        return Some(Automatic::AutoSubmitted);
    }
    // A list of our own through which reports come says so in two ways.
    let is_ours = signs.list_id.as_deref().is_some_and(|id| {
        let id = id.rsplit_once('<').map_or(id, |(_, id)| id).trim_end_matches(['>', ' ']).trim();
        lists.iter().any(|list| list.eq_ignore_ascii_case(id))
    });
    if signs.list_id.is_some() && !is_ours {
        return Some(Automatic::MailingList);
    }
    let precedence = first(&signs.precedence);
    if precedence.is_some_and(|word| word == "bulk" || word == "junk" || (word == "list" && !is_ours)) {
        return Some(Automatic::Bulk);
    }
    let suppressed =
        |word: &str| ["all", "autoreply", "oof"].contains(&word.trim().to_ascii_lowercase().as_str());
    signs
        .suppress
        .as_deref()
        .is_some_and(|words| words.split(',').any(suppressed))
        .then_some(Automatic::NoResponse)
}

/// Whether a mail is one that we sent: from an address of ours, or with a `Message-ID` as ours are (`mail::message_id`
/// in the handing over of replies).
pub fn is_own(letter: &Letter, own: &[String]) -> bool {
    let from_us = |address: &str| own.iter().any(|own| own.eq_ignore_ascii_case(address));
    if letter.sender.as_ref().is_some_and(|sender| from_us(&sender.address)) {
        return true;
    }
    let id = letter.message_id.as_deref().unwrap_or_default().trim_matches(['<', '>']);
    let Some((local, host)) = id.split_once('@') else { return false };
    let is_made =
        local.len() == 32 && local.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase());
    let is_our_host =
        own.iter().filter_map(|own| own.rsplit_once('@')).any(|(_, ours)| ours.eq_ignore_ascii_case(host));
    is_made && is_our_host
}

/// What a trusted mail server found of the sender. Only the topmost `Authentication-Results` counts, and only if a host
/// of `trusted` wrote it: whatever stands below came with the mail.
pub fn verification(letter: &Letter, trusted: &[String]) -> MailVerification {
    let (Some(results), Some(sender)) = (&letter.signs.authentication, &letter.sender) else {
        return MailVerification::Unverified;
    };
    let results = without_comments(results);
    let mut parts = results.split(';').map(str::trim);
    let host = parts.next().and_then(|part| part.split_ascii_whitespace().next()).unwrap_or_default();
    if !trusted.iter().any(|trusted| trusted.eq_ignore_ascii_case(host)) {
        return MailVerification::Unverified;
    }
    let domain = sender.address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let mut found = MailVerification::Unverified;
    for part in parts {
        let part = part.to_ascii_lowercase();
        let mut words = part.split_ascii_whitespace();
        let Some((method, result)) = words.next().and_then(|word| word.split_once('=')) else { continue };
        let method = method.split('/').next().unwrap_or_default();
        let of = |name: &str| {
            let value =
                part.split_ascii_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.map(|value| value.trim_matches('"').trim_start_matches('@').to_owned())
        };
        match (method, result) {
            ("dmarc", "fail") => return MailVerification::Failed,
            // The domain that it checked has to be the one that is shown.
            ("dmarc", "pass") if of("header.from").is_none_or(|checked| checked == domain) => {
                found = MailVerification::Verified;
            }
            ("dkim", "pass") if of("header.d").is_some_and(|signed| signed == domain) => {
                found = MailVerification::Verified;
            }
            _ => {}
        }
    }
    found
}

/// A header's value without what stands in parentheses, which may contain anything.
fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = String::new();
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

/// The numbers of events that a subject names, at most three.
pub fn event_numbers(subject: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (place, _) in subject.match_indices("VE-") {
        let rest: String = subject[place + 3..]
            .chars()
            .take_while(|character| character.is_ascii_digit() || *character == '-')
            .collect();
        let is_number = rest
            .split_once('-')
            .is_some_and(|(year, number)| year.len() == 4 && number.len() >= 6 && !number.contains('-'));
        if is_number && found.len() < 3 {
            found.push(format!("VE-{rest}"));
        }
    }
    found
}

/// What recognises a mail again: its Message-ID, else a digest of its bytes.
pub fn identity(letter: &Letter) -> String {
    letter.message_id.as_ref().map_or_else(|| digest_identity(letter), |id| format!("m:{id}"))
}

/// What recognises a mail whose Message-ID another one has taken.
pub fn digest_identity(letter: &Letter) -> String {
    format!("d:{}", hex::encode(&letter.digest))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn letter(headers: &str) -> Letter {
        read::read(format!("{headers}\r\n\r\ntext\r\n").as_bytes()).unwrap()
    }

    fn found(headers: &str) -> Option<Automatic> {
        automatic(&letter(headers).signs, &["psirt.example.com".to_owned()])
    }

    #[test]
    fn what_a_program_sent_is_known_by_its_headers() {
        assert_eq!(found("From: a@example.org"), None);
        assert_eq!(found("Auto-Submitted: no"), None);
        assert_eq!(
            found("Auto-Submitted: auto-replied; owner-email=\"a@b\""),
            Some(Automatic::AutoSubmitted)
        );
        assert_eq!(found("auto-submitted:\r\n auto-generated"), Some(Automatic::AutoSubmitted));
        assert_eq!(found("Precedence: bulk"), Some(Automatic::Bulk));
        assert_eq!(found("Precedence: Junk"), Some(Automatic::Bulk));
        assert_eq!(found("Precedence: list"), Some(Automatic::Bulk));
        assert_eq!(found("Precedence: first-class"), None);
        assert_eq!(found("List-Id: News <news.example.org>"), Some(Automatic::MailingList));
        assert_eq!(found("X-Auto-Response-Suppress: DR, OOF, AutoReply"), Some(Automatic::NoResponse));
        assert_eq!(found("X-Auto-Response-Suppress: DR, RN"), None);
        assert_eq!(found("Return-Path: <>"), Some(Automatic::DeliveryReport));
        assert_eq!(found("Return-Path: <a@example.org>"), None);
        let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=x";
        assert_eq!(found(report), Some(Automatic::DeliveryReport));
    }

    #[test]
    fn a_list_of_our_own_is_a_way_to_us() {
        assert_eq!(found("List-Id: PSIRT <psirt.example.com>\r\nPrecedence: list"), None);
        assert_eq!(found("List-Id: <psirt.example.com>\r\nPrecedence: bulk"), Some(Automatic::Bulk));
    }

    #[test]
    fn our_own_mail_is_known_when_it_comes_back() {
        let own = ["psirt@example.com".to_owned()];
        let made = "<0190a6b2c3d47e8f9a0b1c2d3e4f5a6b@example.com>";
        assert!(is_own(&letter("From: PSIRT <PSIRT@example.com>"), &own));
        assert!(is_own(&letter(&format!("From: a@example.org\r\nMessage-ID: {made}")), &own));
        assert!(!is_own(&letter("From: a@example.com\r\nMessage-ID: <CAF3x=abc@example.com>"), &own));
        let elsewhere = made.replace("example.com", "example.org");
        assert!(!is_own(&letter(&format!("From: a@example.org\r\nMessage-ID: {elsewhere}")), &own));
    }

    fn verified(results: &str) -> MailVerification {
        let headers = format!("{results}From: Researcher <a@example.org>");
        verification(&letter(&headers), &["mx.example.com".to_owned()])
    }

    #[test]
    fn only_what_a_trusted_server_wrote_on_top_counts() {
        use MailVerification::{Failed, Unverified, Verified};
        assert_eq!(verified(""), Unverified);
        let pass = "Authentication-Results: mx.example.com;\r\n dkim=pass header.d=mailer.example;\r\n dmarc=pass (p=REJECT) header.from=example.org\r\n";
        assert_eq!(verified(pass), Verified);
        assert_eq!(
            verified("Authentication-Results: MX.example.com 1; dkim=pass header.d=example.org\r\n"),
            Verified
        );
        assert_eq!(
            verified("Authentication-Results: mx.example.com; dkim=pass header.d=attacker.example\r\n"),
            Unverified
        );
        assert_eq!(
            verified("Authentication-Results: mx.example.com; dmarc=pass header.from=attacker.example\r\n"),
            Unverified
        );
        assert_eq!(
            verified("Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=example.org\r\n"),
            Unverified
        );
        assert_eq!(
            verified("Authentication-Results: mx.attacker.example; dmarc=pass header.from=example.org\r\n"),
            Unverified
        );
        assert_eq!(
            verified(
                "Authentication-Results: mx.example.com; dkim=pass header.d=example.org; dmarc=fail header.from=example.org\r\n"
            ),
            Failed
        );
        // A comment that looks like a finding, and a header of the sender's own below the server's.
        assert_eq!(verified("Authentication-Results: mx.example.com; none (; dmarc=pass)\r\n"), Unverified);
        let below = format!("Authentication-Results: mx.example.com; dmarc=none\r\n{pass}");
        assert_eq!(verified(&below), Unverified);
    }

    #[test]
    fn two_senders_are_nobody() {
        let results = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.org\r\n";
        let both = letter(&format!("{results}From: a@example.org, b@example.org"));
        assert_eq!(
            (both.sender.is_none(), verification(&both, &["mx.example.com".to_owned()])),
            (true, MailVerification::Unverified)
        );
        assert!(letter("From: a@example.org\r\nFrom: b@example.org").sender.is_none());
    }

    #[test]
    fn a_subject_names_events_by_their_numbers() {
        assert_eq!(
            event_numbers("Re: [VE-2026-004711] 漏洞反馈 VE-2026-1234567。"),
            ["VE-2026-004711", "VE-2026-1234567"]
        );
        assert!(event_numbers("VE-26-004711 VE-2026-1 CVE-2026-004711-1 VE-").is_empty());
        assert_eq!(
            event_numbers("CVE-2026-004711"),
            ["VE-2026-004711"],
            "it only names; whose it is decides"
        );
    }

    #[test]
    fn a_mail_is_known_by_its_id_and_else_by_its_bytes() {
        assert_eq!(identity(&letter("Message-ID: <a@b>")), "m:<a@b>");
        assert!(identity(&letter("From: a@example.org")).starts_with("d:"));
        assert_ne!(identity(&letter("From: a@example.org")), identity(&letter("From: b@example.org")));
    }
}
