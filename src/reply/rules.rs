//! Who may approve what, what a reply still needs before it may leave, what may be waived.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{
    ChannelKind, DispatchState, Function, Level, ObligationState, ReplyKind, ReplyState,
};
use entity::{obligation, reply, reply_attachment, reply_dispatch};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::gate;
use crate::auth::Role;
use crate::error::{Refusal, RefusalCode};
use crate::protection::rules::Reach;

/// Most files that go with one reply, and that prove it.
const FILES: usize = 50;

/// Whether the law stands behind what the channel asks for.
pub fn is_official(channel: ChannelKind) -> bool {
    matches!(channel, ChannelKind::NationalDatabase | ChannelKind::Regulator)
}

/// Whether a reply has to be approved by a second person before it leaves.
pub fn needs_approval(kind: ReplyKind, channel: ChannelKind) -> bool {
    kind == ReplyKind::Statement || is_official(channel)
}

/// Longest deadline within which anyone on duty may approve an early warning.
const URGENT: TimeDelta = TimeDelta::hours(24);

/// Who would approve.
#[derive(Clone, Copy, Debug)]
pub struct Approver<'a> {
    /// The token's subject.
    pub subject: &'a str,
    /// The roles held.
    pub roles: &'a BTreeSet<Role>,
    /// Whether the duty roster names them, for any function, at the time of approval.
    pub on_duty: bool,
    /// How long the shortest deadline runs that the reply would meet; none where it has none.
    pub within: Option<TimeDelta>,
}

/// What entitles an approver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entitlement {
    /// A role.
    Role,
    /// Only the duty roster, for an early warning: the leading group is told at once.
    Duty,
}

/// Whether somebody may approve a reply whose text was written by `drafters`.
///
/// # Errors
/// The refusal, naming who may.
pub fn may_approve(
    kind: ReplyKind,
    channel: ChannelKind,
    level: Level,
    drafters: &[String],
    approver: &Approver<'_>,
) -> Result<Entitlement, Refusal> {
    if drafters.iter().any(|drafter| drafter == approver.subject) {
        return Err(Refusal::new(
            RefusalCode::FourEyes,
            "you wrote some of this text: somebody else has to approve it (requestReplyReview)",
        ));
    }
    if !needs_approval(kind, channel) {
        return Ok(Entitlement::Role);
    }
    let mut entitled = vec![Role::Legal, Role::Leader];
    if level < Level::Orange {
        entitled.push(Role::Analyst);
    }
    if kind == ReplyKind::Statement {
        entitled.push(Role::PublicRelations);
    }
    if entitled.iter().any(|role| approver.roles.contains(role)) {
        return Ok(Entitlement::Role);
    }
    if is_urgent(kind, approver.within) && approver.on_duty {
        return Ok(Entitlement::Duty);
    }
    let names: Vec<_> = entitled.into_iter().map(Role::name).collect();
    let code = if level < Level::Orange { RefusalCode::FourEyes } else { RefusalCode::NeedsLeader };
    Err(Refusal::new(code, format!("at level {level} this is approved by {}: ask one", names.join(" or "))))
}

/// Whether a reply is an early warning that anyone on duty may approve.
fn is_urgent(kind: ReplyKind, within: Option<TimeDelta>) -> bool {
    kind == ReplyKind::EarlyWarning && within.is_some_and(|term| term <= URGENT)
}

/// Functions whose people hear that an approval is needed, beside who is asked for it: from ORANGE on it is LEGAL's or the leading
/// group's, and an urgent one is anybody's on duty.
pub fn functions_asked(
    kind: ReplyKind,
    channel: ChannelKind,
    level: Level,
    within: Option<TimeDelta>,
) -> BTreeSet<Function> {
    let mut functions = BTreeSet::new();
    if !needs_approval(kind, channel) {
        return functions;
    }
    if level >= Level::Orange {
        functions.extend([Function::Legal, Function::LeadingGroup]);
    }
    if is_urgent(kind, within) {
        functions.insert(Function::Security);
    }
    functions
}

/// What of an event a reply's content rests on.
#[derive(Clone, Copy, Debug)]
pub struct ContentFacts {
    /// Whether there is a verdict.
    pub verdict: bool,
    /// The verdict in force.
    pub verdict_id: Option<Uuid>,
    /// When the first fix or mitigation of a line was available.
    pub measure_available_at: Option<DateTime<Utc>>,
    /// How far the content may go to the channel.
    pub reach: Reach,
}

/// What a reply to this channel still lacks at `at`, and what keeps it from leaving; empty when it may leave.
pub fn missing_facts(
    reply: &reply::Model,
    channel: ChannelKind,
    facts: &ContentFacts,
    at: DateTime<Utc>,
) -> Vec<Refusal> {
    let mut missing = Vec::new();
    let mut need = |met: bool, message: &str| {
        if !met {
            missing.push(Refusal::new(RefusalCode::MissingFact, message));
        }
    };
    let formal = channel == ChannelKind::NationalDatabase && !gate::is_before_conclusion(reply.kind);
    if reply.kind == ReplyKind::Verdict || formal {
        need(facts.verdict, "it tells the verdict: give one first (giveVerdict)");
    }
    if reply.kind == ReplyKind::FixDone {
        need(
            facts.measure_available_at.is_some_and(|available| available <= at),
            "record the release or mitigation that is available first (recordRelease, planFix)",
        );
    }
    missing.extend(gate::refusals(reply, channel, facts.verdict_id, &facts.reach));
    missing
}

/// Whether a reply's text may still change.
///
/// # Errors
/// The refusal.
pub fn may_revise(state: ReplyState) -> Result<(), Refusal> {
    match state {
        ReplyState::Draft | ReplyState::InReview | ReplyState::Approved | ReplyState::Failed => Ok(()),
        ReplyState::Sending | ReplyState::Sent | ReplyState::Uncertain => {
            Err(frozen(state, "draft another reply (draftReply)"))
        }
    }
}

/// Whether somebody may be asked to review a reply.
///
/// # Errors
/// The refusal.
pub fn may_request_review(state: ReplyState) -> Result<(), Refusal> {
    match state {
        ReplyState::Draft | ReplyState::InReview => Ok(()),
        ReplyState::Approved => Err(not_from(state, "it is approved already: record that it was sent")),
        ReplyState::Failed => Err(not_from(state, "revise it first (reviseReply)")),
        ReplyState::Sending | ReplyState::Sent | ReplyState::Uncertain => {
            Err(frozen(state, "draft another reply (draftReply)"))
        }
    }
}

/// Whether a reply waits for an answer of a reviewer.
///
/// # Errors
/// The refusal.
pub fn may_review(state: ReplyState) -> Result<(), Refusal> {
    match state {
        ReplyState::InReview => Ok(()),
        other => Err(not_from(other, "only a reply IN_REVIEW is reviewed: ask for it (requestReplyReview)")),
    }
}

/// Whether a reply may be sent, or recorded as sent. That its approval stands is [`may_approve`]'s.
///
/// # Errors
/// The refusal.
pub fn may_send(state: ReplyState, needs_approval: bool) -> Result<(), Refusal> {
    match state {
        ReplyState::Approved | ReplyState::Failed => Ok(()),
        ReplyState::Draft if !needs_approval => Ok(()),
        ReplyState::Draft => {
            Err(Refusal::new(RefusalCode::FourEyes, "it needs an approval first (requestReplyReview)"))
        }
        ReplyState::InReview => Err(not_from(state, "have it reviewed first (reviewReply)")),
        ReplyState::Sending => Err(not_from(state, "it is being sent: wait for the outcome")),
        ReplyState::Uncertain => {
            Err(not_from(state, "find out whether it arrived and say so (resolveUncertainReply)"))
        }
        ReplyState::Sent => Err(frozen(state, "draft another reply (draftReply)")),
    }
}

/// Whether a proof may be added to a reply that has so many: it left, or is as it may leave.
///
/// # Errors
/// The refusal.
pub fn may_prove(state: ReplyState, needs_approval: bool, there: usize) -> Result<(), Refusal> {
    if there >= FILES {
        let message = format!("it has {there} files of proof, which is as many as a reply may have");
        return Err(Refusal::new(RefusalCode::Contradiction, message));
    }
    match state {
        ReplyState::Sent | ReplyState::Uncertain => Ok(()),
        _ => may_send(state, needs_approval),
    }
}

/// Whether what is being sent may still be called back: while nobody has it in hand.
///
/// # Errors
/// The refusal.
pub fn may_cancel(
    state: ReplyState,
    dispatch: Option<&reply_dispatch::Model>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if state != ReplyState::Sending {
        return Err(not_from(state, "only one that is SENDING is called back"));
    }
    let waits = |row: &reply_dispatch::Model| {
        row.state == DispatchState::Waiting && row.lease_until.is_none_or(|until| until <= now)
    };
    if dispatch.is_some_and(waits) {
        return Ok(());
    }
    Err(not_from(state, "it is being handed over at this moment: wait for the outcome"))
}

/// Whether a person may say that a reply which was taken did not arrive: it came back.
///
/// # Errors
/// The refusal.
pub fn may_confirm_loss(state: ReplyState, dispatch: Option<&reply_dispatch::Model>) -> Result<(), Refusal> {
    if state != ReplyState::Sent {
        return Err(not_from(state, "only one that is SENT is found not to have arrived"));
    }
    if dispatch.is_some_and(|row| row.bounced_at.is_some()) {
        return Ok(());
    }
    Err(not_from(state, "nothing of it came back: what was sent stays sent"))
}

/// Why an obligation may not be waived; empty when it may.
pub fn waiver_refusals(
    obligation: &obligation::Model,
    channel: ChannelKind,
    roles: &BTreeSet<Role>,
    legal_ground: Option<&str>,
) -> Vec<Refusal> {
    if obligation.state != ObligationState::Open {
        let message = format!("it is {} already and stays so", obligation.state);
        return vec![Refusal::new(RefusalCode::Frozen, message)];
    }
    let mut refusals = Vec::new();
    if !is_official(channel) {
        return refusals;
    }
    if obligation.report_id.is_some() && obligation.kind == ReplyKind::Verdict {
        let message = "a notice's own feedback is never waived: answer it, whatever the verdict (draftReply)";
        refusals.push(Refusal::new(RefusalCode::MoveNotAllowed, message));
        return refusals;
    }
    if !roles.contains(&Role::Leader) {
        let message = "toward a database or regulator only a LEADER waives: ask one";
        refusals.push(Refusal::new(RefusalCode::NeedsLeader, message));
    }
    if legal_ground.is_none() {
        let message = "name the legal ground of waiving a duty toward a database or regulator";
        refusals.push(Refusal::on(RefusalCode::MissingFact, "legalGround", message));
    }
    refusals
}

/// SHA-256 over kind, language, subject and body, then name and SHA-256 of each file that goes with it, each preceded by
/// its length, so that no two different contents have the same bytes.
pub fn content_hash(reply: &reply::Model, files: &[reply_attachment::Model]) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for text in [reply.kind.as_str(), &reply.language, &reply.subject, &reply.body] {
        field(text.as_bytes());
    }
    for file in files {
        field(file.name.as_bytes());
        field(&file.sha256);
    }
    hash.finalize().to_vec()
}

/// Whether so many files of so many bytes may go with one reply.
///
/// # Errors
/// The refusal, naming the bound.
pub fn may_carry(files: &[reply_attachment::Model], most: usize) -> Result<(), Refusal> {
    if files.len() > FILES {
        let message = format!("{} files are too many for a reply: at most {FILES} go with one", files.len());
        return Err(Refusal::new(RefusalCode::Contradiction, message));
    }
    let size: i64 = files.iter().map(|file| file.size).sum();
    if usize::try_from(size).is_ok_and(|size| size <= most) {
        return Ok(());
    }
    let message = format!(
        "its files have {size} bytes and may have {most}: leave some out (detach), or send them another way \
         (replies.attachment_bytes)"
    );
    Err(Refusal::new(RefusalCode::Contradiction, message))
}

fn frozen(state: ReplyState, remedy: &str) -> Refusal {
    Refusal::new(RefusalCode::Frozen, format!("a reply that is {state} is never changed: {remedy}"))
}

fn not_from(state: ReplyState, remedy: &str) -> Refusal {
    Refusal::new(RefusalCode::MoveNotAllowed, format!("the reply is {state}: {remedy}"))
}

#[cfg(test)]
mod tests;
