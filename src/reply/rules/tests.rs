//! The rules of replies, tried over their whole tables.

use chrono::TimeZone;
use entity::vocabulary::Tlp;
use sea_orm::Iterable;
use uuid::Uuid;

use super::*;
use crate::reply::blank;
use crate::template::facts::Extent;
use crate::webhook::rules::Abroad;

const LEVELS: [Level; 5] = [Level::None, Level::Blue, Level::Yellow, Level::Orange, Level::Red];

fn approves(
    kind: ReplyKind,
    channel: ChannelKind,
    level: Level,
    subject: &str,
    role: Role,
    on_duty: bool,
) -> Result<Entitlement, Refusal> {
    let drafters = ["analyst-1".to_owned(), "analyst-2".to_owned()];
    let roles = BTreeSet::from([role]);
    let within = Some(TimeDelta::hours(24));
    may_approve(kind, channel, level, &drafters, &Approver { subject, roles: &roles, on_duty, within })
}

/// The rule as the procedure words it, independent of how it is coded: roles that may approve, by level.
fn procedure(kind: ReplyKind, channel: ChannelKind, level: Level) -> Vec<Role> {
    use Role::{Analyst, Leader, Legal, PublicRelations};
    let official = [ChannelKind::NationalDatabase, ChannelKind::Regulator].contains(&channel);
    let from_orange = [Level::Orange, Level::Red].contains(&level);
    match (kind, official, from_orange) {
        (ReplyKind::Statement, _, false) => vec![Analyst, Legal, Leader, PublicRelations],
        (ReplyKind::Statement, _, true) => vec![Legal, Leader, PublicRelations],
        (_, true, false) => vec![Analyst, Legal, Leader],
        (_, true, true) => vec![Legal, Leader],
        (_, false, _) => Role::ALL.to_vec(),
    }
}

#[test]
fn approvers_are_those_of_the_procedure_and_never_a_drafter() {
    for kind in ReplyKind::iter() {
        for channel in ChannelKind::iter() {
            for level in LEVELS {
                let entitled = procedure(kind, channel, level);
                for role in Role::ALL {
                    let case = format!("{kind} to {channel} at {level} by {role}");
                    let other = approves(kind, channel, level, "other", role, false);
                    assert_eq!(other.is_ok(), entitled.contains(&role), "{case}");
                    for drafter in ["analyst-1", "analyst-2"] {
                        let own = approves(kind, channel, level, drafter, role, true);
                        let code = own.map_err(|refusal| refusal.code);
                        assert_eq!(code, Err(RefusalCode::FourEyes), "{case}, who drafted");
                    }
                }
            }
        }
    }
}

#[test]
fn a_role_among_several_is_enough() {
    let roles = BTreeSet::from([Role::Engineer, Role::Legal]);
    let approver = Approver { subject: "other", roles: &roles, on_duty: false, within: None };
    let outcome = may_approve(ReplyKind::Verdict, ChannelKind::Regulator, Level::Red, &[], &approver);
    assert_eq!(outcome, Ok(Entitlement::Role));
}

#[test]
fn an_early_warning_may_be_approved_by_anyone_on_duty() {
    use Entitlement::{Duty, Role as ByRole};
    let red = |kind, role| approves(kind, ChannelKind::Regulator, Level::Red, "other", role, true);
    assert_eq!(red(ReplyKind::EarlyWarning, Role::Analyst), Ok(Duty));
    assert_eq!(red(ReplyKind::EarlyWarning, Role::PublicRelations), Ok(Duty));
    assert_eq!(red(ReplyKind::EarlyWarning, Role::Legal), Ok(ByRole), "no exception is needed");
    assert_eq!(
        red(ReplyKind::Notification, Role::Analyst).map_err(|refusal| refusal.code),
        Err(RefusalCode::NeedsLeader)
    );
}

#[test]
fn being_on_duty_is_enough_within_a_day_only() {
    let roles = BTreeSet::from([Role::Engineer]);
    let day = TimeDelta::hours(24);
    let of = |within| {
        let approver = Approver { subject: "other", roles: &roles, on_duty: true, within };
        may_approve(ReplyKind::EarlyWarning, ChannelKind::Regulator, Level::Blue, &[], &approver)
            .map_err(|refusal| refusal.code)
    };
    assert_eq!(of(Some(TimeDelta::hours(4))), Ok(Entitlement::Duty));
    assert_eq!(of(Some(day)), Ok(Entitlement::Duty));
    assert_eq!(of(Some(day + TimeDelta::seconds(1))), Err(RefusalCode::FourEyes));
    assert_eq!(of(None), Err(RefusalCode::FourEyes), "nothing presses");
}

#[test]
fn regulators_databases_and_statements_need_an_approval() {
    for kind in ReplyKind::iter() {
        for channel in ChannelKind::iter() {
            let official = matches!(channel, ChannelKind::NationalDatabase | ChannelKind::Regulator);
            let expected = official || kind == ReplyKind::Statement;
            assert_eq!(needs_approval(kind, channel), expected, "{kind} to {channel}");
        }
    }
}

fn at(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, hour, 0, 0).unwrap()
}

const HOME: Reach = Reach {
    tlp: Tlp::Amber,
    embargoed: false,
    disclosed: false,
    abroad: false,
    may_go: None,
    reported: false,
};

const NOTHING: ContentFacts =
    ContentFacts { verdict: false, verdict_id: None, measure_available_at: None, reach: HOME };

/// What keeps a freely written reply, drafted while all could leave to its channel, from leaving.
fn lacks(kind: ReplyKind, channel: ChannelKind, facts: ContentFacts) -> Vec<RefusalCode> {
    let extent = Some(crate::template::facts::extent(channel, &facts.reach));
    lacking(&reply::Model { kind, extent, verdict_id: facts.verdict_id, ..reply("a", "b") }, channel, facts)
}

fn lacking(reply: &reply::Model, channel: ChannelKind, facts: ContentFacts) -> Vec<RefusalCode> {
    missing_facts(reply, channel, &facts, at(12)).into_iter().map(|refusal| refusal.code).collect()
}

#[test]
fn a_verdict_is_told_once_there_is_one() {
    use RefusalCode::MissingFact;
    let (database, customer) = (ChannelKind::NationalDatabase, ChannelKind::Customer);
    let concluded = ContentFacts { verdict: true, ..NOTHING };
    for kind in ReplyKind::iter().filter(|kind| *kind != ReplyKind::FixDone) {
        use ReplyKind::{Acknowledgement, EarlyWarning, FollowUp, Notification, Verdict};
        let early = [Acknowledgement, EarlyWarning, Notification, FollowUp].contains(&kind);
        let expected = if early { vec![] } else { vec![MissingFact] };
        assert_eq!(lacks(kind, database, NOTHING), expected, "{kind}");
        assert_eq!(lacks(kind, database, concluded), [], "{kind}");
        let expected = if kind == Verdict { vec![MissingFact] } else { vec![] };
        assert_eq!(lacks(kind, customer, NOTHING), expected, "{kind}");
    }
}

#[test]
fn a_fix_is_told_once_a_measure_is_available() {
    let customer = ChannelKind::Customer;
    let available = |hour| ContentFacts { verdict: true, measure_available_at: Some(at(hour)), ..NOTHING };
    assert_eq!(lacks(ReplyKind::FixDone, customer, NOTHING), [RefusalCode::MissingFact]);
    assert_eq!(lacks(ReplyKind::FixDone, customer, available(13)), [RefusalCode::MissingFact]);
    assert_eq!(lacks(ReplyKind::FixDone, customer, available(12)), []);
}

#[test]
fn undisclosed_content_goes_abroad_by_decision_only() {
    use RefusalCode::{Contradiction, NeedsLeader};
    let regulator = ChannelKind::Regulator;
    let to = |may_go, disclosed| ContentFacts {
        reach: Reach { abroad: true, may_go, disclosed, ..HOME },
        ..NOTHING
    };
    for kind in [ReplyKind::EarlyWarning, ReplyKind::Acknowledgement, ReplyKind::Thanks] {
        // Freely written, it may say anything, whatever its kind.
        assert_eq!(lacks(kind, regulator, to(None, false)), [NeedsLeader], "{kind}");
        assert_eq!(lacks(kind, regulator, to(Some(Abroad::Thin), false)), [Contradiction], "{kind}");
        assert_eq!(lacks(kind, regulator, to(Some(Abroad::Full), false)), [], "{kind}");
        assert_eq!(lacks(kind, regulator, to(None, true)), [], "{kind}");
    }
    // A level alone makes nothing public.
    let clear = Reach { abroad: true, tlp: Tlp::Clear, ..HOME };
    let clear = ContentFacts { reach: clear, ..NOTHING };
    assert_eq!(lacks(ReplyKind::EarlyWarning, regulator, clear), [NeedsLeader]);
}

#[test]
fn on_less_than_a_full_permission_a_templates_text_leaves_as_it_was_made() {
    use RefusalCode::{Contradiction, NeedsLeader};
    let facts = |may_go| ContentFacts { reach: Reach { abroad: true, may_go, ..HOME }, ..NOTHING };
    let made = |kind, extent, number, supplied: serde_json::Value| reply::Model {
        kind,
        as_made: true,
        extent: Some(extent),
        template_number: Some(number),
        supplied: supplied.as_object().is_some_and(|map| !map.is_empty()).then_some(supplied),
        ..reply("a", "b")
    };
    let none = || serde_json::json!({});
    let of = |reply: &reply::Model, may_go| lacking(reply, ChannelKind::Regulator, facts(may_go));
    let thanks = made(ReplyKind::Thanks, Extent::Own, 0, none());
    assert_eq!(of(&thanks, None), []);
    assert_eq!(of(&reply::Model { as_made: false, ..thanks.clone() }, None), [NeedsLeader], "edited");
    assert_eq!(of(&reply::Model { template_number: Some(1), ..thanks.clone() }, None), [NeedsLeader], "ours");
    let answer = serde_json::json!({ "answer": "the parser trusts lengths" });
    assert_eq!(of(&made(ReplyKind::Thanks, Extent::Own, 0, answer), None), [NeedsLeader]);
    assert_eq!(of(&made(ReplyKind::EarlyWarning, Extent::Own, 0, none()), None), [NeedsLeader]);

    let reduced = Some(Abroad::Thin);
    assert_eq!(of(&made(ReplyKind::EarlyWarning, Extent::Reduced, 1, none()), reduced), []);
    let nature = serde_json::json!({ "exploit_nature": "by mail" });
    assert_eq!(of(&made(ReplyKind::EarlyWarning, Extent::Reduced, 0, nature), reduced), []);
    for more in ["description", "technical_characteristics", "explanation", "steps"] {
        let supplied = serde_json::json!({ more: "the parser trusts lengths" });
        let reply = made(ReplyKind::EarlyWarning, Extent::Reduced, 0, supplied);
        assert_eq!(of(&reply, reduced), [Contradiction], "{more}");
    }
    // Made while all could go, and then a decision of less.
    let full = made(ReplyKind::EarlyWarning, Extent::Full, 0, none());
    assert_eq!(of(&full, Some(Abroad::Full)), []);
    assert_eq!(of(&full, reduced), [Contradiction, Contradiction]);
    assert_eq!(of(&full, None), [NeedsLeader, Contradiction]);
}

#[test]
fn a_text_leaves_while_the_verdict_that_it_was_written_from_is_in_force() {
    let verdict = |number| Some(Uuid::from_u128(number));
    let of = |kind, written, in_force| {
        let facts = ContentFacts { verdict: true, verdict_id: in_force, ..NOTHING };
        let reply = reply::Model { kind, verdict_id: written, extent: Some(Extent::Full), ..reply("a", "b") };
        lacking(&reply, ChannelKind::Regulator, facts)
    };
    let other = [RefusalCode::Contradiction];
    assert_eq!(of(ReplyKind::Verdict, verdict(1), verdict(1)), []);
    assert_eq!(of(ReplyKind::Verdict, verdict(1), verdict(2)), other);
    assert_eq!(of(ReplyKind::Verdict, None, verdict(2)), other);
    assert_eq!(of(ReplyKind::EarlyWarning, verdict(1), verdict(2)), other);
    assert_eq!(of(ReplyKind::EarlyWarning, None, verdict(2)), [], "it tells what was known so far");
    assert_eq!(of(ReplyKind::Thanks, verdict(1), verdict(2)), [], "it tells no verdict");
}

#[test]
fn what_stays_inside_is_told_to_no_customer_and_not_to_the_public() {
    use ChannelKind::{CivilPlatform, Customer, Media, Regulator};
    use ReplyKind::{Notification, Statement, Thanks, Verdict};
    let blocked = [RefusalCode::Contradiction];
    let of = |kind, channel, tlp, embargoed, reported| {
        let reach = Reach { tlp, embargoed, reported, ..HOME };
        lacks(kind, channel, ContentFacts { verdict: true, reach, ..NOTHING })
    };
    for tlp in [Tlp::AmberStrict, Tlp::Red] {
        for kind in [Notification, Verdict, ReplyKind::FollowUp] {
            assert_eq!(of(kind, Customer, tlp, false, false), blocked, "{kind} {tlp}");
        }
        assert_eq!(of(Verdict, Customer, tlp, false, true), [], "who reported it is answered");
        assert_eq!(of(Notification, Customer, tlp, false, true), blocked);
        assert_eq!(of(Thanks, Customer, tlp, false, false), []);
        assert_eq!(of(Verdict, Regulator, tlp, true, false), [], "the law does not wait");
        assert_eq!(of(Statement, Regulator, tlp, false, false), blocked);
        for channel in [Media, CivilPlatform] {
            assert_eq!(of(Verdict, channel, tlp, false, false), blocked, "{channel} {tlp}");
        }
    }
    for channel in [Media, CivilPlatform] {
        assert_eq!(of(Verdict, channel, Tlp::Amber, false, false), [], "{channel}");
        assert_eq!(of(Verdict, channel, Tlp::Clear, true, false), blocked, "{channel}");
        assert_eq!(of(Statement, channel, Tlp::Green, true, false), blocked, "{channel}");
    }
    assert_eq!(of(Notification, Customer, Tlp::Amber, true, false), []);
}

#[test]
fn what_waits_may_be_called_back_and_what_came_back_may_be_lost() {
    use DispatchState::{Handing, Refused, Taken, Uncertain, Waiting};
    let dispatch = |state, lease_until, bounced_at| reply_dispatch::Model {
        id: Uuid::from_u128(7),
        reply_id: Uuid::from_u128(5),
        via: entity::vocabulary::ReplyVia::Email,
        recipient: "desk@example.org".to_owned(),
        url_sha256: None,
        sender: None,
        message_id: "<1@example.com>".to_owned(),
        sha256: Vec::new(),
        state,
        requested_by: "analyst-1".to_owned(),
        requested_at: at(1),
        attempts: 0,
        due_at: None,
        lease_by: None,
        lease_until,
        data_at: None,
        answer: None,
        settled_at: None,
        bounced_at,
        bounce_status: None,
        bounce_words: None,
    };
    let cancels =
        |reply, state, lease| may_cancel(reply, Some(&dispatch(state, lease, None)), at(12)).is_ok();
    assert!(
        cancels(ReplyState::Sending, Waiting, None) && cancels(ReplyState::Sending, Waiting, Some(at(12)))
    );
    assert!(!cancels(ReplyState::Sending, Waiting, Some(at(13))), "somebody has it");
    for state in [Handing, Taken, Refused, Uncertain] {
        assert!(!cancels(ReplyState::Sending, state, None), "{state}");
    }
    assert!(
        !cancels(ReplyState::Sent, Waiting, None) && may_cancel(ReplyState::Sending, None, at(12)).is_err()
    );
    let lost = |reply, bounced| may_confirm_loss(reply, Some(&dispatch(Taken, None, bounced))).is_ok();
    assert!(lost(ReplyState::Sent, Some(at(2))));
    assert!(!lost(ReplyState::Sent, None) && !lost(ReplyState::Failed, Some(at(2))));
}

#[test]
fn what_left_is_frozen() {
    use RefusalCode::{FourEyes, Frozen, MoveNotAllowed};
    use ReplyState::{Approved, Draft, Failed, InReview, Sending, Sent, Uncertain};
    let codes = |state| {
        [
            may_revise(state),
            may_request_review(state),
            may_review(state),
            may_send(state, true),
            may_send(state, false),
        ]
        .map(|outcome| outcome.err().map(|refusal| refusal.code))
    };
    let (ok, not, frozen) = (None, Some(MoveNotAllowed), Some(Frozen));
    assert_eq!(codes(Draft), [ok, ok, not, Some(FourEyes), ok]);
    assert_eq!(codes(InReview), [ok, ok, ok, not, not]);
    assert_eq!(codes(Approved), [ok, not, not, ok, ok]);
    assert_eq!(codes(Failed), [ok, not, not, ok, ok]);
    assert_eq!(codes(Sending), [frozen, frozen, not, not, not]);
    assert_eq!(codes(Uncertain), [frozen, frozen, not, not, not]);
    assert_eq!(codes(Sent), [frozen, frozen, not, frozen, frozen]);
}

fn obligation(kind: ReplyKind, report_id: Option<Uuid>, state: ObligationState) -> obligation::Model {
    obligation::Model {
        id: Uuid::from_u128(2),
        event_id: Uuid::from_u128(3),
        report_id,
        channel_id: Uuid::from_u128(1),
        product_id: None,
        customer_id: None,
        kind,
        trigger: "report received".to_owned(),
        slot: None,
        regime: None,
        stage: None,
        state,
        opened_at: at(0),
        met_at: None,
        met_by_reply_id: None,
        waived_by: None,
        waived_at: None,
        waive_reason: None,
        legal_ground: None,
    }
}

#[test]
fn waivers_follow_the_channel() {
    use ObligationState::{Met, Open, Waived};
    use RefusalCode::{Frozen, MissingFact, MoveNotAllowed, NeedsLeader};
    use ReplyKind::{FixPlan, Verdict};
    let report = Some(Uuid::from_u128(4));
    let refusals = |kind, report, state, channel, role, ground| -> Vec<_> {
        waiver_refusals(&obligation(kind, report, state), channel, &BTreeSet::from([role]), ground)
            .into_iter()
            .map(|refusal| refusal.code)
            .collect()
    };
    let (analyst, leader, ground) = (Role::Analyst, Role::Leader, Some("article 7"));
    for channel in ChannelKind::iter() {
        let official = is_official(channel);
        let expect = |codes: &[RefusalCode]| if official { codes.to_vec() } else { vec![] };
        assert_eq!(
            refusals(FixPlan, report, Open, channel, analyst, None),
            expect(&[NeedsLeader, MissingFact]),
            "{channel}"
        );
        assert_eq!(refusals(FixPlan, report, Open, channel, analyst, ground), expect(&[NeedsLeader]));
        assert_eq!(refusals(FixPlan, report, Open, channel, leader, None), expect(&[MissingFact]));
        assert_eq!(refusals(FixPlan, report, Open, channel, leader, ground), []);
        assert_eq!(
            refusals(Verdict, report, Open, channel, leader, ground),
            expect(&[MoveNotAllowed]),
            "a notice's own feedback toward {channel}"
        );
        assert_eq!(refusals(Verdict, None, Open, channel, leader, ground), [], "no notice asked for it");
        for settled in [Met, Waived] {
            assert_eq!(refusals(FixPlan, report, settled, channel, leader, ground), [Frozen]);
        }
    }
}

fn reply(subject: &str, body: &str) -> reply::Model {
    let (event, channel) = (Uuid::from_u128(3), Uuid::from_u128(1));
    reply::Model {
        language: "en".to_owned(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        ..blank(Uuid::from_u128(5), event, channel, ReplyKind::Verdict, "analyst-1", at(0))
    }
}

fn attached(name: &str, size: i64) -> reply_attachment::Model {
    reply_attachment::Model {
        id: Uuid::nil(),
        reply_id: Uuid::nil(),
        file_id: Uuid::nil(),
        attachment_id: None,
        name: name.to_owned(),
        media_type: "image/png".to_owned(),
        size,
        sha256: vec![7; 32],
        added_by: "analyst-1".to_owned(),
        added_at: at(0),
        verdict_id: None,
        extent: None,
    }
}

#[test]
fn the_hash_is_of_the_content_alone() {
    let hash = content_hash(&reply("ab", "c"), &[]);
    // printf '\0\0\0\0\0\0\0\7VERDICT\0\0\0\0\0\0\0\2en\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c' | sha256sum
    assert_eq!(hex::encode(&hash), "1638ff004a27fb628b242e0fca231180e5eb5cad5eeba3576f9a532a29edab7a");
    assert_ne!(content_hash(&reply("a", "bc"), &[]), hash, "a text does not run into the next");
    let settled = reply::Model { state: ReplyState::Sent, version: 7, ..reply("ab", "c") };
    assert_eq!(content_hash(&settled, &[]), hash);
    let with = content_hash(&reply("ab", "c"), &[attached("a.png", 1)]);
    assert_ne!(with, hash, "what goes with it is part of it");
    assert_ne!(with, content_hash(&reply("ab", "c"), &[attached("b.png", 1)]));
}

#[test]
fn thirty_megabytes_go_with_a_reply_and_no_byte_more() {
    let most = 30 << 20;
    assert!(may_carry(&[], most).is_ok());
    assert!(may_carry(&[attached("a", 10 << 20), attached("b", 20 << 20)], most).is_ok());
    let refused = may_carry(&[attached("a", 10 << 20), attached("b", (20 << 20) + 1)], most).unwrap_err();
    assert!(refused.message.contains("31457280"), "{}", refused.message);
    assert!(may_carry(&vec![attached("a", 1); FILES + 1], most).is_err());
}

#[test]
fn a_file_leaves_on_what_held_when_it_was_attached() {
    let (first, second) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
    let file = |verdict_id, extent| reply_attachment::Model { verdict_id, extent, ..attached("poc.zip", 1) };
    let leaves = |kind, file, verdict, extent| gate::of_files(kind, &[file], verdict, extent).is_empty();
    let (full, own) = (Some(Extent::Full), Some(Extent::Own));
    assert!(leaves(ReplyKind::Verdict, file(first, full), first, Extent::Full));
    assert!(leaves(ReplyKind::Verdict, file(first, own), first, Extent::Full), "more may leave by now");
    assert!(!leaves(ReplyKind::Verdict, file(first, full), first, Extent::Reduced));
    assert!(!leaves(ReplyKind::Thanks, file(first, full), first, Extent::Own), "whatever the text says");
    assert!(!leaves(ReplyKind::Verdict, file(first, None), first, Extent::Full), "nobody knows what held");
    assert!(!leaves(ReplyKind::Verdict, file(first, full), second, Extent::Full));
    assert!(!leaves(ReplyKind::Verdict, file(None, full), second, Extent::Full));
    assert!(
        leaves(ReplyKind::EarlyWarning, file(None, full), second, Extent::Full),
        "told before any verdict"
    );
}
