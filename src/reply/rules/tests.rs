//! The rules of replies, tried over their whole tables.

use chrono::TimeZone;
use sea_orm::Iterable;
use uuid::Uuid;

use super::*;

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
    may_approve(kind, channel, level, &drafters, &Approver { subject, roles: &roles, on_duty })
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
    let approver = Approver { subject: "other", roles: &roles, on_duty: false };
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

fn channel(kind: ChannelKind, abroad: bool) -> channel::Model {
    channel::Model {
        id: Uuid::from_u128(1),
        key: "channel".to_owned(),
        name: "Channel".to_owned(),
        kind,
        jurisdiction: "CN".to_owned(),
        abroad,
        reply_required: true,
        time_zone: "Asia/Shanghai".to_owned(),
        calendar_id: None,
        language: "zh-CN".to_owned(),
        contacts: entity::texts::Texts::default(),
        active: true,
        acknowledgement: entity::vocabulary::Acknowledgement::ByHand,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: at(0),
        changed_at: at(0),
    }
}

const NOTHING: ContentFacts =
    ContentFacts { verdict: false, measure_available_at: None, tlp: Tlp::Amber, abroad_allowed: false };

fn lacks(kind: ReplyKind, channel: &channel::Model, facts: ContentFacts) -> Vec<RefusalCode> {
    missing_facts(kind, channel, &facts, at(12)).into_iter().map(|refusal| refusal.code).collect()
}

#[test]
fn a_verdict_is_told_once_there_is_one() {
    use RefusalCode::MissingFact;
    let database = channel(ChannelKind::NationalDatabase, false);
    let customer = channel(ChannelKind::Customer, false);
    let concluded = ContentFacts { verdict: true, ..NOTHING };
    for kind in ReplyKind::iter().filter(|kind| *kind != ReplyKind::FixDone) {
        use ReplyKind::{Acknowledgement, EarlyWarning, FollowUp, Notification, Verdict};
        let early = [Acknowledgement, EarlyWarning, Notification, FollowUp].contains(&kind);
        let expected = if early { vec![] } else { vec![MissingFact] };
        assert_eq!(lacks(kind, &database, NOTHING), expected, "{kind}");
        assert_eq!(lacks(kind, &database, concluded), [], "{kind}");
        let expected = if kind == Verdict { vec![MissingFact] } else { vec![] };
        assert_eq!(lacks(kind, &customer, NOTHING), expected, "{kind}");
    }
}

#[test]
fn a_fix_is_told_once_a_measure_is_available() {
    let customer = channel(ChannelKind::Customer, false);
    let available = |hour| ContentFacts { verdict: true, measure_available_at: Some(at(hour)), ..NOTHING };
    assert_eq!(lacks(ReplyKind::FixDone, &customer, NOTHING), [RefusalCode::MissingFact]);
    assert_eq!(lacks(ReplyKind::FixDone, &customer, available(13)), [RefusalCode::MissingFact]);
    assert_eq!(lacks(ReplyKind::FixDone, &customer, available(12)), []);
}

#[test]
fn undisclosed_content_goes_abroad_by_decision_only() {
    let abroad = channel(ChannelKind::Regulator, true);
    let early = ReplyKind::EarlyWarning;
    assert_eq!(lacks(early, &abroad, NOTHING), [RefusalCode::NeedsLeader]);
    assert_eq!(lacks(early, &abroad, ContentFacts { abroad_allowed: true, ..NOTHING }), []);
    assert_eq!(lacks(early, &abroad, ContentFacts { tlp: Tlp::Clear, ..NOTHING }), []);
    assert_eq!(lacks(ReplyKind::Acknowledgement, &abroad, NOTHING), []);
}

#[test]
fn customers_are_not_notified_of_what_stays_inside() {
    let customer = channel(ChannelKind::Customer, false);
    for (tlp, expected) in [
        (Tlp::Amber, vec![]),
        (Tlp::AmberStrict, vec![RefusalCode::Contradiction]),
        (Tlp::Red, vec![RefusalCode::Contradiction]),
    ] {
        let facts = ContentFacts { tlp, ..NOTHING };
        assert_eq!(lacks(ReplyKind::Notification, &customer, facts), expected, "{tlp}");
        assert_eq!(lacks(ReplyKind::Thanks, &customer, facts), [], "{tlp}");
    }
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
    reply::Model {
        id: Uuid::from_u128(5),
        event_id: Uuid::from_u128(3),
        channel_id: Uuid::from_u128(1),
        kind: ReplyKind::Verdict,
        state: ReplyState::Draft,
        language: "en".to_owned(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        draft_number: 1,
        drafted_by: "analyst-1".to_owned(),
        drafted_at: at(0),
        approved_by: None,
        approved_at: None,
        sent_by: None,
        sent_at: None,
        sent_via: None,
        receipt_number: None,
        proof: None,
        content_hash: None,
        template: None,
        template_number: None,
        required: None,
        supplied: None,
        formats: None,
        created_at: at(0),
        version: 1,
    }
}

#[test]
fn the_hash_is_of_the_content_alone() {
    let hash = content_hash(&reply("ab", "c"));
    // printf '\0\0\0\0\0\0\0\7VERDICT\0\0\0\0\0\0\0\2en\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c' | sha256sum
    assert_eq!(hex::encode(&hash), "1638ff004a27fb628b242e0fca231180e5eb5cad5eeba3576f9a532a29edab7a");
    assert_ne!(content_hash(&reply("a", "bc")), hash, "a text does not run into the next");
    let settled = reply::Model { state: ReplyState::Sent, version: 7, ..reply("ab", "c") };
    assert_eq!(content_hash(&settled), hash);
}
