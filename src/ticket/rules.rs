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
    /// It proposes this state of the fix.
    Proposes(RemediationState),
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
        Heard::Proposes(RemediationState::Submitted)
    } else {
        // The map of what is told, read the other way. A status that stands for several states means the first.
        let meant = statuses.iter().find(|(_, status)| status.read == now).map(|(state, _)| *state);
        meant
            .filter(|meant| !(is_open(*meant) && told.is_some_and(is_open)))
            .map_or(Heard::Unknown, Heard::Proposes)
    }
}

/// Whether a fix in this state is not there yet: that it failed or is planned is all the same to who works on it.
fn is_open(state: RemediationState) -> bool {
    matches!(state, RemediationState::Planned | RemediationState::Failed)
}

/// Why a tracker's word cannot bring a fix to `state`; none where the rules of the remediation decide.
pub fn never_by_tracker(state: RemediationState) -> Option<&'static str> {
    match state {
        RemediationState::Submitted => None,
        RemediationState::Planned => {
            Some("a submitted fix goes back when a verification says that it fails (verifyFix)")
        }
        RemediationState::Failed | RemediationState::Passed => {
            Some("whether a fix holds is verified here, with evidence (verifyFix)")
        }
        RemediationState::RiskAccepted => Some("a risk is accepted here, by a decision (acceptRisk)"),
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
        assert_eq!(heard("Resolved", Some("New")), Heard::Proposes(RemediationState::Submitted));
        assert_eq!(heard("On the moon", Some("New")), Heard::Unknown);
    }

    #[test]
    fn a_status_proposes_the_state_that_it_stands_for() {
        use RemediationState::{Failed, Passed, Planned, RiskAccepted, Submitted};
        let status = |text: &str| Status { write: "3".to_owned(), read: text.to_owned() };
        let statuses = BTreeMap::from([
            (Planned, status("open")),
            (Submitted, status("Resolved")),
            (Failed, status("Feedback")),
            (Passed, status("Closed")),
            (RiskAccepted, status("Closed")),
        ]);
        let heard = |now, told| heard(now, Some("before"), Some(told), &statuses, &["Ready".to_owned()]);
        for (now, told, means) in [
            ("open", Submitted, Heard::Proposes(Planned)),
            ("Feedback", Submitted, Heard::Proposes(Failed)),
            ("Closed", Submitted, Heard::Proposes(Passed)),
            ("Closed", RiskAccepted, Heard::Echo),
            ("Resolved", Passed, Heard::Proposes(Submitted)),
            ("Ready", Planned, Heard::Proposes(Submitted)),
            ("Feedback", Planned, Heard::Unknown),
            ("open", Failed, Heard::Unknown),
        ] {
            assert_eq!(heard(now, told), means, "{now} after {told}");
        }
        for state in [Planned, Failed, Passed, RiskAccepted] {
            assert!(never_by_tracker(state).is_some(), "{state}: a ticket's change is no command");
        }
        assert_eq!(never_by_tracker(Submitted), None);
    }
}
