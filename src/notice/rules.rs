//! What is told once, what the daily e-mail says, and of which day it is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZeroU16;

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use entity::principal;
use entity::vocabulary::{DeadlineKind, NoticeKind};
use uuid::Uuid;

use super::settings::Hour;
use crate::ids::Kind;
use crate::principal::rules::is_stale;

/// Attempts in a row after which something is said to fail again and again.
pub const FAILING: i32 = 5;
/// Most lines of a list in the e-mail.
const LINES: usize = 50;

/// Of which kind the id is of what a notice is about.
pub fn about(kind: NoticeKind) -> Kind {
    match kind {
        NoticeKind::DueSoon | NoticeKind::Breached | NoticeKind::Undated => Kind::Deadline,
        NoticeKind::ReplyFailed
        | NoticeKind::ReplyUncertain
        | NoticeKind::ReplyBounced
        | NoticeKind::ReviewAsked
        | NoticeKind::ApprovedOnDuty => Kind::Reply,
        NoticeKind::EndpointDisabled | NoticeKind::EndpointOwnerGone | NoticeKind::DeliveriesGivenUp => {
            Kind::WebhookEndpoint
        }
        NoticeKind::TicketRefused => Kind::Ticket,
        NoticeKind::TrackerFailing | NoticeKind::TrackerHooksFailing => Kind::Tracker,
        NoticeKind::ChannelHooksFailing | NoticeKind::MailLeftOut => Kind::Channel,
        NoticeKind::ReportMail => Kind::Report,
    }
}

/// The key of something that goes on and is told once a day.
pub fn daily(what: &str, id: Uuid, at: DateTime<Utc>) -> String {
    format!("{what}:{}:{}", id.simple(), at.date_naive())
}

/// The key under which it is told that an endpoint's owner is gone; none while they are not. One who comes back and
/// goes again is told of again.
pub fn owner_gone(
    endpoint: Uuid,
    owners: &[principal::Model],
    stale_after: NonZeroU16,
    at: DateTime<Utc>,
) -> Option<String> {
    let endpoint = endpoint.simple();
    if let Some(denied) = owners.iter().find(|row| row.denied) {
        return Some(format!("owner:{endpoint}:denied:{}:{}", denied.id.simple(), denied.version));
    }
    // One who was named and has not called yet is on the word of the ADMIN who named them.
    let last = owners.iter().filter_map(|row| row.last_seen_at).max();
    let all_stale = !owners.is_empty() && owners.iter().all(|row| is_stale(row, stale_after, at));
    all_stale.then(|| format!("owner:{endpoint}:stale:{}", last.map_or(0, |at| at.timestamp())))
}

/// The day whose e-mail is due at `now`: today's from its hour on, yesterday's before. So a day on which nothing ran is
/// made up for once, and only until the next one's hour.
pub fn day(now: DateTime<Utc>, hour: Hour) -> NaiveDate {
    let local = now.with_timezone(&hour.zone).naive_local();
    let today = local.date();
    if local.hour() >= u32::from(hour.hour) { today } else { today.pred_opt().unwrap_or(today) }
}

/// A clock in the e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The event's number.
    pub number: String,
    /// What it waits for.
    pub kind: DeadlineKind,
    /// When it is over.
    pub due_at: DateTime<Utc>,
}

/// What a day's e-mail says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Unread notices by kind.
    pub unread: BTreeMap<NoticeKind, usize>,
    /// Clocks whose due instant passed.
    pub breached: Vec<Line>,
    /// Clocks that are due next.
    pub next: Vec<Line>,
    /// Notices and clocks of TLP:RED events: a count and no more.
    pub red: usize,
}

/// How far ahead the e-mail looks.
pub const AHEAD: TimeDelta = TimeDelta::days(7);

impl Digest {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.unread.is_empty() && self.breached.is_empty() && self.next.is_empty() && self.red == 0
    }

    fn notices(&self) -> usize {
        self.unread.values().sum()
    }

    /// The subject line: counts.
    pub fn subject(&self) -> String {
        let (overdue, next, unread) = (self.breached.len(), self.next.len(), self.notices());
        let mut text = format!("vulndesk: {overdue} overdue 逾期, {next} due 将到期, {unread} unread 未读");
        if self.red > 0 {
            let _ = write!(text, ", {} TLP:RED", self.red);
        }
        text
    }

    /// The text: numbers, kinds and times, since mail is read and kept in many places.
    pub fn text(&self, zone: Tz) -> String {
        let mut text = String::new();
        lines(&mut text, "Overdue 已逾期", &self.breached, zone);
        lines(&mut text, "Due next 即将到期", &self.next, zone);
        if !self.unread.is_empty() {
            let _ = writeln!(text, "Unread notices 未读提醒: {}", self.notices());
            for (kind, count) in &self.unread {
                let _ = writeln!(text, "  {kind}: {count}");
            }
            text.push('\n');
        }
        if self.red > 0 {
            let _ = writeln!(text, "Of TLP:RED events 涉及 TLP:RED 事件: {}\n", self.red);
        }
        text.push_str("You end these e-mails with setNoticeDigest. 可通过 setNoticeDigest 停止接收。\n");
        text
    }
}

fn lines(text: &mut String, title: &str, lines: &[Line], zone: Tz) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}: {}", lines.len());
    for line in lines.iter().take(LINES) {
        let at = line.due_at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
        let _ = writeln!(text, "  {} {} {at}", line.number, line.kind);
    }
    if lines.len() > LINES {
        let _ = writeln!(text, "  + {}", lines.len() - LINES);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_at_its_hour_in_its_zone_also_when_clocks_change() {
        let china = Hour { hour: 8, zone: chrono_tz::Asia::Shanghai };
        let of = |hour, text: &str| day(at(text), hour).to_string();
        assert_eq!(of(china, "2026-03-01T23:59:59Z"), "2026-03-01");
        assert_eq!(of(china, "2026-03-02T00:00:00Z"), "2026-03-02");
        assert_eq!(of(china, "2026-03-02T15:59:59Z"), "2026-03-02");
        assert_eq!(of(china, "2026-03-02T23:59:00Z"), "2026-03-02");
        // There is no 02:00 on this day.
        let brussels = Hour { hour: 2, zone: chrono_tz::Europe::Brussels };
        assert_eq!(of(brussels, "2026-03-29T00:59:00Z"), "2026-03-28");
        assert_eq!(of(brussels, "2026-03-29T01:00:00Z"), "2026-03-29");
    }

    fn line(number: usize, due: &str) -> Line {
        Line { number: format!("VE-{number}"), kind: DeadlineKind::Fix, due_at: at(due) }
    }

    #[test]
    fn the_text_has_numbers_kinds_and_times() {
        let digest = Digest {
            unread: [(NoticeKind::DueSoon, 2), (NoticeKind::ReplyUncertain, 1)].into(),
            breached: vec![line(1, "2026-03-01T16:00:00Z")],
            next: (0..52).map(|number| line(number, "2026-03-04T16:00:00Z")).collect(),
            red: 3,
        };
        assert_eq!(digest.subject(), "vulndesk: 1 overdue 逾期, 52 due 将到期, 3 unread 未读, 3 TLP:RED");
        let text = digest.text(chrono_tz::Asia::Shanghai);
        for part in [
            "Overdue 已逾期: 1\n  VE-1 FIX 2026-03-02 00:00 CST\n",
            "Due next 即将到期: 52\n  VE-0 FIX 2026-03-05 00:00 CST\n",
            "  + 2\n",
            "Unread notices 未读提醒: 3\n  DUE_SOON: 2\n  REPLY_UNCERTAIN: 1\n",
            "TLP:RED 事件: 3\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(Digest::default().is_empty() && !Digest { red: 1, ..Digest::default() }.is_empty());
    }

    #[test]
    fn an_owner_who_goes_again_is_told_of_again() {
        let now = at("2026-03-02T00:00:00Z");
        let owner = |seen: Option<&str>, denied, version| principal::Model {
            id: Uuid::from_u128(1),
            issuer: "https://id.example".to_owned(),
            subject: "owner-1".to_owned(),
            email: None,
            roles: Vec::new().into(),
            products: Vec::new().into(),
            teams: Vec::new().into(),
            channel: None,
            last_seen_at: seen.map(at),
            denied,
            digest_off: false,
            version,
            revision: 1,
            audit_head: Vec::new(),
            changed_at: now,
        };
        let days = NonZeroU16::new(30).unwrap();
        let key = |owners: &[principal::Model]| owner_gone(Uuid::from_u128(7), owners, days, now);
        assert_eq!(key(&[]), None, "named and not called yet");
        assert_eq!(key(&[owner(Some("2026-03-01T00:00:00Z"), false, 1)]), None);
        let first = key(&[owner(Some("2026-01-01T00:00:00Z"), false, 1)]);
        let second = key(&[owner(Some("2026-01-02T00:00:00Z"), false, 1)]);
        assert!(first.is_some() && second.is_some() && first != second);
        let denied = |version| key(&[owner(Some("2026-03-01T00:00:00Z"), true, version)]);
        assert!(denied(2).is_some() && denied(2) != denied(4));
    }
}
