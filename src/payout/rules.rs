//! The life of a payout: one table of moves, who may make them, what they still need.

use chrono::{DateTime, Utc};
use entity::vocabulary::{ChannelKind, Origin, PayoutChangeKind, PayoutKind, PayoutState, Severity, Verdict};
use entity::{payout, payout_change};

use crate::auth::policy::Action;
use crate::error::{Refusal, RefusalCode};

/// What moves a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Somebody else than who proposed it approves it.
    Approve,
    /// Somebody rejects the proposal.
    Reject,
    /// Somebody stops it.
    Hold,
    /// Somebody lets it go on where it was.
    Release,
    /// Somebody takes it back.
    Cancel,
    /// The white hat appeals.
    Appeal,
    /// An appeal is dismissed: the severity stays.
    DismissAppeal,
    /// An appeal is upheld: it is proposed anew for the new severity.
    UpholdAppeal,
    /// The platform took it.
    Sync,
    /// The payment is confirmed.
    Confirm,
    /// Paid by hand, with proof.
    PayByHand,
    /// The platform could not pay it.
    Fail,
    /// It is offered to the platform again.
    Retry,
}

impl Cause {
    /// Whether somebody lets what stood still go on toward its payment by it.
    pub fn goes_on(self) -> bool {
        matches!(self, Self::Release | Self::Retry)
    }

    /// The mutation that brings it about.
    pub fn mutation(self) -> Action {
        match self {
            Self::Approve => Action::ApprovePayout,
            Self::Reject => Action::RejectPayout,
            Self::Hold => Action::HoldPayout,
            Self::Release => Action::ReleasePayout,
            Self::Cancel => Action::CancelPayout,
            Self::Appeal => Action::AppealPayout,
            Self::DismissAppeal | Self::UpholdAppeal => Action::ResolvePayoutAppeal,
            Self::Sync => Action::MarkPayoutSynced,
            Self::Confirm => Action::ConfirmPayout,
            Self::PayByHand => Action::MarkPayoutPaid,
            Self::Fail => Action::FailPayout,
            Self::Retry => Action::RetryPayout,
        }
    }
}

/// One row of the move table.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// Current state.
    pub from: PayoutState,
    /// Next state.
    pub to: PayoutState,
    /// What causes it.
    pub cause: Cause,
}

macro_rules! moves {
    ($($from:ident -> $to:ident by $cause:ident;)+) => {
        /// Every move of a payout. PAID, REJECTED and CANCELLED are left by none: a payment is reversed, not moved.
        pub const MOVES: &[Move] =
            &[$(Move { from: PayoutState::$from, to: PayoutState::$to, cause: Cause::$cause },)+];
    };
}

moves! {
    Proposed -> Approved  by Approve;
    Proposed -> Rejected  by Reject;
    Proposed -> Cancelled by Cancel;
    Proposed -> OnHold    by Hold;
    Approved -> Synced    by Sync;
    Approved -> Paid      by PayByHand;
    Approved -> Paid      by Confirm;
    Approved -> OnHold    by Appeal;
    Approved -> OnHold    by Hold;
    Approved -> Cancelled by Cancel;
    Synced   -> Paid      by Confirm;
    Synced   -> Failed    by Fail;
    Synced   -> OnHold    by Hold;
    OnHold   -> Proposed  by Release;
    OnHold   -> Approved  by Release;
    OnHold   -> Synced    by Release;
    OnHold   -> Approved  by DismissAppeal;
    OnHold   -> Proposed  by UpholdAppeal;
    OnHold   -> Cancelled by Cancel;
    OnHold   -> Paid      by Confirm;
    OnHold   -> Failed    by Fail;
    Failed   -> Paid      by Confirm;
    Failed   -> Approved  by Retry;
    Failed   -> Cancelled by Cancel;
}

/// What is known beside the payout's row.
#[derive(Clone, Copy, Debug)]
pub struct MoveFacts {
    /// Whether the channel has a platform that pays out.
    pub has_platform: bool,
    /// Whether an appeal is not resolved.
    pub appeal_open: bool,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// Whether a channel of this kind takes payouts over from us.
pub fn has_platform(kind: ChannelKind) -> bool {
    kind == ChannelKind::SrcPlatform
}

/// Whether the white hat accepted: in words, or by letting the time go by. It follows from the clock alone.
pub fn is_accepted(payout: &payout::Model, now: DateTime<Utc>) -> bool {
    payout.accepted_at.is_some() || payout.answer_by.is_some_and(|until| until <= now)
}

/// Until when the white hat may answer after a hold that lasted from `held_at` to `now`: their time stood still.
pub fn answer_after_hold(
    payout: &payout::Model,
    held_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let moved = |until: DateTime<Utc>| if until > held_at { until + (now - held_at) } else { until };
    payout.answer_by.map(moved)
}

/// Whether the platform had it once, in this attempt or an earlier one: it may have paid it, whatever it said then.
pub fn was_handed_over(payout: &payout::Model) -> bool {
    payout.synced_at.is_some() || payout.attempt > 1
}

/// Where `cause` leads from the payout's state; a held one returns to where it was held.
pub fn target(payout: &payout::Model, cause: Cause) -> Option<PayoutState> {
    let fits = |entry: &&Move| entry.from == payout.state && entry.cause == cause;
    let returns = |entry: &&Move| cause != Cause::Release || Some(entry.to) == payout.held_from;
    MOVES.iter().filter(fits).find(returns).map(|entry| entry.to)
}

/// The moves that the table knows for the payout as it stands.
pub fn moves_of(payout: &payout::Model) -> impl Iterator<Item = &'static Move> {
    MOVES.iter().filter(|entry| entry.from == payout.state && target(payout, entry.cause) == Some(entry.to))
}

/// What a move still needs; empty when it may be made.
pub fn missing(payout: &payout::Model, cause: Cause, facts: &MoveFacts) -> Vec<Refusal> {
    let mut missing = Vec::new();
    let mut need = |met: bool, code: RefusalCode, message: &str| {
        if !met {
            missing.push(Refusal::new(code, message));
        }
    };
    use RefusalCode::{Contradiction, Frozen, MissingFact};
    let held_at_platform = payout.held_from == Some(PayoutState::Synced);
    match cause {
        Cause::Sync => {
            need(
                facts.has_platform,
                Contradiction,
                "the channel has no platform: FINANCE pays it (markPayoutPaid)",
            );
            need(
                is_accepted(payout, facts.now),
                MissingFact,
                "the white hat may still appeal: wait until they accept (acceptPayout) or answerBy has passed",
            );
        }
        Cause::PayByHand => {
            need(
                !facts.has_platform,
                Contradiction,
                "the channel's platform pays it: it confirms (confirmPayout)",
            );
            need(
                is_accepted(payout, facts.now),
                MissingFact,
                "the white hat may still appeal: wait until they accept (acceptPayout) or answerBy has passed",
            );
        }
        Cause::Appeal => {
            need(
                payout.report_id.is_some(),
                Contradiction,
                "an appeal asks for another severity: a bonus has none",
            );
            need(!payout.appealed, Frozen, "the one appeal was made already");
            need(
                !is_accepted(payout, facts.now),
                Frozen,
                "it was accepted, or the time to appeal has passed",
            );
        }
        Cause::Release => {
            need(!facts.appeal_open, MissingFact, "an appeal is open: resolve it (resolvePayoutAppeal)");
            need(
                payout.held_for.is_none(),
                MissingFact,
                "it waits for what is decided of one report to several platforms (decideMultiPlatform), or for the end of \
                 that hold",
            );
        }
        Cause::DismissAppeal | Cause::UpholdAppeal => {
            need(facts.appeal_open, MissingFact, "no appeal is open")
        }
        Cause::Cancel => {
            need(
                payout.state != PayoutState::OnHold || !held_at_platform,
                Contradiction,
                "the platform has it and may pay it: it has to fail first (failPayout)",
            );
            need(
                !facts.appeal_open,
                MissingFact,
                "an appeal is open, and who gave the severity may not end it: resolve it first \
                 (resolvePayoutAppeal)",
            );
        }
        Cause::Confirm => {
            need(was_handed_over(payout), Contradiction, "the platform never took it (markPayoutSynced)")
        }
        Cause::Fail => need(
            payout.state != PayoutState::OnHold || held_at_platform,
            Contradiction,
            "the platform never took it (markPayoutSynced)",
        ),
        Cause::Approve | Cause::Reject | Cause::Hold | Cause::Retry => {}
    }
    missing
}

/// Refuses a move that the table does not know, naming those it does.
pub fn not_a_move(payout: &payout::Model, cause: Cause) -> Refusal {
    let allowed: Vec<_> = moves_of(payout).map(|entry| entry.cause.mutation().name()).collect();
    let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
    let message = format!(
        "{} is refused for a payout that is {}; it allows: {allowed}",
        cause.mutation().name(),
        payout.state
    );
    Refusal::new(RefusalCode::MoveNotAllowed, message)
}

/// Whether those outside learn of the step: for them a payout begins with its approval.
pub fn is_public(step: &payout_change::Model) -> bool {
    step.approved && !matches!(step.kind, PayoutChangeKind::Split | PayoutChangeKind::UnexpectedPayment)
}

/// Whether a payout is put on hold while it is looked at whether its finder sent one report to several platforms: those
/// on hold already, and a failed one, are not paid without a person's doing.
pub fn waits_for_platforms(payout: &payout::Model) -> bool {
    matches!(payout.state, PayoutState::Proposed | PayoutState::Approved | PayoutState::Synced)
}

/// Whether an unpaid payout can be taken back once its report earns nothing: not while the platform may pay it, nor from
/// under an appeal.
pub fn may_take_back(payout: &payout::Model, appeal_open: bool, now: DateTime<Utc>) -> bool {
    let facts = MoveFacts { has_platform: true, appeal_open, now };
    target(payout, Cause::Cancel).is_some() && missing(payout, Cause::Cancel, &facts).is_empty()
}

/// Whether a payment may be undone: once, by a reversing entry.
pub fn may_reverse(payout: &payout::Model) -> bool {
    payout.state == PayoutState::Paid && payout.reversed_at.is_none()
}

/// Who stands in which part toward a payout, by subject.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// Who acts.
    pub actor: &'a str,
    /// Who is paid, where they are linked to a subject.
    pub payee: Option<&'a str>,
    /// Whether the actor reported any report of the event.
    pub reported_it: bool,
}

/// Who is paid, or reported what is paid for, decides nothing about it.
pub fn check_impartial(parties: Parties<'_>) -> Option<Refusal> {
    let own = parties.payee == Some(parties.actor) || parties.reported_it;
    own.then(|| {
        Refusal::new(
            RefusalCode::FourEyes,
            "you are paid or reported it yourself: somebody else has to do this",
        )
    })
}

/// Whether what a platform says is of the attempt that holds: what came late from an earlier one must not hit the next.
pub fn check_attempt(payout: &payout::Model, attempt: i32) -> Option<Refusal> {
    (payout.attempt != attempt).then(|| {
        let message = format!("this is of attempt {attempt}, and attempt {} holds", payout.attempt);
        Refusal::on(RefusalCode::Contradiction, "attempt", message)
    })
}

/// Who is to be paid must not have decided it, also where they were linked to the payee afterwards: neither proposed
/// nor split nor approved it, nor resolved the appeal against it.
pub fn check_payee(payout: &payout::Model, payee: Option<&str>, resolver: Option<&str>) -> Option<Refusal> {
    let payee = payee?;
    let decided =
        [Some(&*payout.proposed_by), payout.split_by.as_deref(), payout.approved_by.as_deref(), resolver];
    decided.contains(&Some(payee)).then(|| {
        let message =
            "who is paid took part in deciding it: cancel it, and let others propose and approve it anew";
        Refusal::new(RefusalCode::FourEyes, message)
    })
}

/// Who may approve: another than who proposed or split; a LEADER where `beyond` says so.
pub fn check_approver(
    payout: &payout::Model,
    parties: Parties<'_>,
    is_leader: bool,
    beyond: &[&str],
) -> Vec<Refusal> {
    let mut refusals: Vec<_> = check_impartial(parties).into_iter().collect();
    if payout.proposed_by == parties.actor {
        let message = "you proposed it: another ANALYST, FINANCE or LEADER has to approve it";
        refusals.push(Refusal::new(RefusalCode::FourEyes, message));
    }
    if payout.split_by.as_deref() == Some(parties.actor) {
        let message = "you said among whom it is split: another ANALYST, FINANCE or LEADER has to approve it";
        refusals.push(Refusal::new(RefusalCode::FourEyes, message));
    }
    if !is_leader {
        for what in beyond {
            let message = format!("{what}: a LEADER has to approve it");
            refusals.push(Refusal::new(RefusalCode::NeedsLeader, message));
        }
    }
    refusals
}

/// Whether the range covers what it prices. What has no range (a gift, a bonus by hand) is in none.
pub fn in_range(payout: &payout::Model) -> bool {
    let (Some(least), Some(most)) = (payout.range_minimum, payout.range_maximum) else { return false };
    (least..=most).contains(&payout.priced)
}

/// What a report earns by, and what it still lacks for it.
#[derive(Clone, Copy, Debug)]
pub struct Earning {
    /// Verdict on its event.
    pub verdict: Option<Verdict>,
    /// Whether the event repeats another.
    pub duplicate: bool,
    /// Severity told to its reporter.
    pub severity: Option<Severity>,
    /// Internal or external, by its reporter.
    pub origin: Origin,
    /// Whether it was split into parts that each earn.
    pub split: bool,
}

/// Why a report does not earn a payout of `kind`; empty when it does.
pub fn check_earning(kind: PayoutKind, earning: &Earning) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let wanted = if kind == PayoutKind::Bounty { Origin::External } else { Origin::Internal };
    if earning.origin != wanted {
        let message =
            "BOUNTY is for reports from outside, INTERNAL_REWARD for those of own staff: propose the other";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "kind", message));
    }
    if earning.split {
        let message = "the report was split: propose for its parts";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "report", message));
    }
    if earning.duplicate || earning.verdict == Some(Verdict::Duplicate) {
        let message = "a duplicate earns nothing: the first valid report does";
        refusals.push(Refusal::on(RefusalCode::Contradiction, "report", message));
    } else if earning.verdict != Some(Verdict::Confirmed) {
        let found = earning.verdict.map_or("not given", Verdict::as_str);
        let message = format!("only a CONFIRMED report earns; the verdict is {found}");
        refusals.push(Refusal::on(RefusalCode::MissingFact, "report", message));
    } else if earning.severity.is_none() {
        let message = "the report has no severity: give the verdict with one (giveVerdict)";
        refusals.push(Refusal::on(RefusalCode::MissingFact, "report", message));
    }
    refusals
}

/// A report of the same event, beside the one that is to be paid for.
#[derive(Clone, Copy, Debug)]
pub struct Sibling {
    /// Whether it was received before that one.
    pub earlier: bool,
    /// Whether it is valid: it has its severity, and stands for itself and not for its parts.
    pub valid: bool,
    /// Whether it has a live payout.
    pub live: bool,
}

/// An event is one vulnerability and earns once, by its first valid report. What was paid already for a later one has
/// to be reversed before the first can earn.
pub fn check_first(siblings: &[Sibling]) -> Option<Refusal> {
    let message = if siblings.iter().any(|sibling| sibling.earlier && sibling.valid) {
        "an earlier report of this vulnerability is valid: a later one earns nothing"
    } else if siblings.iter().any(|sibling| sibling.live) {
        "another report of this vulnerability has a live payout: cancel, reject or reverse that one first"
    } else {
        return None;
    };
    Some(Refusal::on(RefusalCode::Contradiction, "report", message))
}

/// Whether a payout of this kind is for a report; the others are for a reporter and a period.
pub fn is_for_report(kind: PayoutKind) -> bool {
    matches!(kind, PayoutKind::Bounty | PayoutKind::InternalReward)
}

#[cfg(test)]
pub(crate) mod tests;
