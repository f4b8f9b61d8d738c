//! What may be done to the protection of an event.

use chrono::{DateTime, Utc};
use entity::event;
use entity::vocabulary::{Tlp, Verdict, WorldFactKind};

use crate::error::{Refusal, RefusalCode};
use crate::event::rules::is_analysed;
use crate::webhook::rules::Abroad;

/// How far an event's content may go to one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// How far it may be shared.
    pub tlp: Tlp,
    /// Whether an embargo holds.
    pub embargoed: bool,
    /// Whether it is public: [`is_disclosed`].
    pub disclosed: bool,
    /// Whether the channel is abroad, or stands for a customer who is.
    pub abroad: bool,
    /// What a recorded decision lets go abroad.
    pub may_go: Option<Abroad>,
    /// Whether the channel has a report on the event.
    pub reported: bool,
}

/// Whether what is known of an event is public, so that nothing keeps it at home: it is TLP:CLEAR, no embargo holds,
/// and either the world knows it or the leading group decided to disclose it. A level alone makes nothing public.
pub fn is_disclosed(
    event: &event::Model,
    publicly_known: bool,
    disclosure_granted: bool,
    now: DateTime<Utc>,
) -> bool {
    event.tlp == Tlp::Clear
        && !is_embargoed(event.embargo_until, now)
        && (publicly_known || disclosure_granted)
}

/// Why words that a person writes freely may not go to somebody abroad; none when they may. What a reduced permission
/// covers cannot be told from free words.
pub fn free_words(reach: &Reach) -> Option<Refusal> {
    if !reach.abroad || reach.disclosed || reach.may_go == Some(Abroad::Full) {
        return None;
    }
    let message =
        "undisclosed content goes abroad only after a decision REPORT_ABROAD allows all of it (askDecision)";
    Some(Refusal::new(RefusalCode::NeedsLeader, message))
}

/// Whether the TLP level may move; only a LEADER opens what was for named people only.
pub fn check_tlp(from: Tlp, to: Tlp, leader: bool) -> Option<Refusal> {
    if from == to {
        let message = format!("the event is TLP:{from} already: send another level");
        return Some(Refusal::on(RefusalCode::Contradiction, "tlp", message));
    }
    (from == Tlp::Red && !leader).then(|| {
        Refusal::on(RefusalCode::NeedsLeader, "tlp", "only a LEADER lowers TLP:RED: ask one to do it")
    })
}

/// Whether an embargo holds at `now`.
pub fn is_embargoed(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    until.is_some_and(|until| until > now)
}

/// Whether the embargo may move from `from` to `until`, where none means that it ends now. To end or shorten one
/// that holds needs a reason.
pub fn check_embargo(
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let holds = is_embargoed(from, now);
    if until.is_none() && !holds {
        let message = "there is no embargo to end: send until to set one";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "until", message));
    }
    if until.is_some_and(|until| until <= now) {
        let message = "an embargo ends in the future: send a later instant, or null to end it now";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "until", message));
    }
    if holds && until < from && reason.is_none() {
        let message = "say why the embargo ends earlier: send reason";
        refusals.push(Refusal::on(RefusalCode::MissingFact, "reason", message));
    }
    refusals
}

/// Whether exploitation has to be recorded on the event's original: a duplicate that nobody analyses opens no duty.
pub fn belongs_to_original(event: &event::Model, kind: WorldFactKind) -> bool {
    kind == WorldFactKind::ExploitedInTheWild
        && event.verdict == Some(Verdict::Duplicate)
        && !is_analysed(event.status)
}

/// Whether the instants of a fact can be: learned of by now, and not before it happened.
pub fn check_instants(
    occurred_at: Option<DateTime<Utc>>,
    learned_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if learned_at > now {
        let message = "nothing is learned in the future: send when it was learned";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "learnedAt", message));
    }
    if occurred_at.is_some_and(|occurred_at| occurred_at > learned_at) {
        let message = "it cannot be learned before it happened: correct occurredAt or leave it out";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "occurredAt", message));
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-03-02T{hour:02}:00:00Z")).unwrap().to_utc()
    }

    fn fields(refusals: Vec<Refusal>) -> Vec<&'static str> {
        refusals.into_iter().filter_map(|refusal| refusal.field).collect()
    }

    #[test]
    fn a_level_alone_makes_nothing_public() {
        use Abroad::{Full, Thin};
        let reach = |abroad, disclosed, may_go| Reach {
            tlp: Tlp::Clear,
            embargoed: false,
            disclosed,
            abroad,
            may_go,
            reported: true,
        };
        for (abroad, disclosed, may_go, may_write) in [
            (false, false, None, true),
            (true, true, None, true),
            (true, false, Some(Full), true),
            (true, false, Some(Thin), false),
            (true, false, None, false),
        ] {
            let refused = free_words(&reach(abroad, disclosed, may_go)).map(|refusal| refusal.code);
            let expected = (!may_write).then_some(RefusalCode::NeedsLeader);
            assert_eq!(refused, expected, "{abroad} {disclosed} {may_go:?}");
        }
    }

    #[test]
    fn only_a_leader_opens_red() {
        let code = |from, to, leader| check_tlp(from, to, leader).map(|refusal| refusal.code);
        assert_eq!(code(Tlp::Red, Tlp::AmberStrict, false), Some(RefusalCode::NeedsLeader));
        assert_eq!(code(Tlp::Red, Tlp::Amber, true), None);
        assert_eq!(code(Tlp::Amber, Tlp::Red, false), None);
        assert_eq!(code(Tlp::AmberStrict, Tlp::Green, false), None);
        assert_eq!(code(Tlp::Red, Tlp::Red, true), Some(RefusalCode::Contradiction));
    }

    #[test]
    fn an_embargo_holds_until_its_instant() {
        assert!(!is_embargoed(None, at(8)));
        assert!(is_embargoed(Some(at(9)), at(8)));
        assert!(!is_embargoed(Some(at(9)), at(9)));
    }

    #[test]
    fn ending_or_shortening_an_embargo_needs_a_reason() {
        let check = |from, until, reason| fields(check_embargo(from, until, reason, at(8)));
        assert_eq!(check(Some(at(12)), None, None), ["reason"]);
        assert_eq!(check(Some(at(12)), Some(at(10)), None), ["reason"]);
        assert_eq!(check(Some(at(12)), None, Some("it is in the news")), Vec::<&str>::new());
        assert_eq!(check(Some(at(12)), Some(at(13)), None), Vec::<&str>::new());
        assert_eq!(check(None, Some(at(10)), None), Vec::<&str>::new());
    }

    #[test]
    fn an_embargo_ends_in_the_future() {
        let check = |from, until| fields(check_embargo(from, until, Some("reason"), at(8)));
        assert_eq!(check(None, Some(at(8))), ["until"]);
        assert_eq!(check(None, None), ["until"]);
        assert_eq!(check(Some(at(7)), None), ["until"], "it ended an hour ago");
    }

    #[test]
    fn a_fact_happens_then_is_learned_then_is_recorded() {
        let check = |occurred, learned| fields(check_instants(occurred, learned, at(8)));
        assert_eq!(check(None, at(8)), Vec::<&str>::new());
        assert_eq!(check(Some(at(7)), at(7)), Vec::<&str>::new());
        assert_eq!(check(Some(at(7)), at(6)), ["occurredAt"]);
        assert_eq!(check(None, at(9)), ["learnedAt"]);
    }
}
