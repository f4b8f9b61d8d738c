//! What decides about tickets: what may be sent where, and what a tracker's status means.

use std::collections::BTreeMap;

use entity::vocabulary::{RemediationState, Tlp};
use uuid::Uuid;

use super::profile::Status;

/// Why a ticket may not be sent; none when it may. Above the ceiling nothing is, not even a number.
pub fn withheld(tlp: Tlp, ceiling: Tlp, abroad: bool, may_go_abroad: bool) -> Option<&'static str> {
    if tlp > ceiling {
        return Some("the event is above the tracker's TLP ceiling");
    }
    if abroad && !may_go_abroad {
        return Some("the tracker is abroad, the event is not public, and no decision lets it go there");
    }
    None
}

/// What marks a ticket in its tracker as ours: by it a creation that is tried again finds what it made before.
pub fn marker(ticket: Uuid) -> String {
    let id = ticket.simple().to_string();
    // The end of an id is random; its beginning is the time.
    format!("vulndesk-{}", id.get(16..).unwrap_or(&id))
}

/// A ticket's subject: the event's number, its title, and the marker.
pub fn subject(number: &str, line: &str, title: &str, marker: &str) -> String {
    /// Trackers cut subjects at about 255 characters, which would lose the marker.
    const TITLE: usize = 120;
    let mut short: String = title.chars().take(TITLE).collect();
    if short.len() < title.len() {
        short.push('…');
    }
    format!("[{number}] {line}: {short} ({marker})")
}

/// What a status that was read means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What we wrote, or what was there before: no news.
    Echo,
    /// It proposes that the fix is submitted.
    Ready,
    /// Something else: it proposes nothing.
    Unknown,
}

/// What the status `now` means, `before` having been seen last and `told` being the state that was written last.
pub fn heard(
    now: &str,
    before: Option<&str>,
    told: Option<RemediationState>,
    statuses: &BTreeMap<RemediationState, Status>,
    ready: &[String],
) -> Heard {
    let ours = told.and_then(|state| statuses.get(&state));
    if ours.is_some_and(|status| status.read == now) || before == Some(now) {
        Heard::Echo
    } else if ready.iter().any(|status| status == now) {
        Heard::Ready
    } else {
        Heard::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_above_the_ceiling_nor_abroad_without_a_decision() {
        assert_eq!(withheld(Tlp::Amber, Tlp::Amber, false, false), None);
        assert!(withheld(Tlp::AmberStrict, Tlp::Amber, false, true).unwrap().contains("ceiling"));
        assert!(withheld(Tlp::Green, Tlp::Amber, true, false).unwrap().contains("abroad"));
        assert_eq!(withheld(Tlp::Green, Tlp::Amber, true, true), None);
    }

    #[test]
    fn the_marker_survives_a_long_title() {
        let marker = marker(Uuid::from_u128(0x0199_aaaa_bbbb_7ccc_8ddd_1234_5678_9abc));
        assert_eq!(marker, "vulndesk-8ddd123456789abc");
        let subject = subject("VE-2026-1", "router", &"漏".repeat(300), &marker);
        assert!(subject.ends_with(&format!("… ({marker})")));
        assert!(subject.chars().count() < 255);
    }

    #[test]
    fn our_own_word_and_what_was_known_are_no_news() {
        let status = |text: &str| Status { write: "3".to_owned(), read: text.to_owned() };
        let statuses = BTreeMap::from([
            (RemediationState::Planned, status("New")),
            (RemediationState::Submitted, status("Resolved")),
        ]);
        let ready = ["Resolved".to_owned()];
        let told = Some(RemediationState::Planned);
        let heard = |now, before| heard(now, before, told, &statuses, &ready);
        assert_eq!(heard("New", Some("Resolved")), Heard::Echo);
        assert_eq!(heard("Resolved", Some("Resolved")), Heard::Echo, "the second hook of one change");
        assert_eq!(heard("Resolved", Some("New")), Heard::Ready);
        assert_eq!(heard("On the moon", Some("New")), Heard::Unknown);
    }
}
