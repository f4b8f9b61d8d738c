//! What reporters are paid, and out of which budget.
//!
//! A payout is money or points for a report (BOUNTY, INTERNAL_REWARD) or for a reporter's period (bonuses, gifts).
//! It moves by the table in [`rules`] and nowhere else. Proposer, approver and payee are three people; a LEADER
//! approves what is outside the grid's range or beyond the budget. After the approval the white hat has some days to
//! accept or to appeal once; silence accepts, which follows from the clock and from no job that has to run.
//!
//! Nothing is paid twice: an event earns once, by its first valid report, and has one live payout at a time or one
//! for each finder's share (a unique key says so, and the event's revision is demanded as it was read), a payment's
//! reference confirms one payout of its channel (another unique key), and every move is written under the guard of
//! the payout's revision. What a platform says names the attempt it is about. A payment that it confirms late is
//! taken as paid as long as nothing else was paid; one that none of ours expected is recorded for a person, and from
//! then on a LEADER has to approve what is paid for that event. A command that did not commit has changed nothing, so
//! it may be sent again.
//!
//! A budget is an aggregate of its own: its row holds the sums of its ledger and is written under its revision in
//! the change that moves the payout, so two approvals at once cannot both take its last money ([`ledger`]).
//!
//! What a platform passes on (acceptance, appeal, payment) is idempotent by its content and takes no version: the
//! platform did not see one.

mod answer;
mod approve;
pub mod bonus;
mod budget;
pub mod cursor;
pub mod graphql;
pub mod grid;
pub mod ledger;
mod moves;
pub mod payee;
pub mod period;
pub mod platforms;
mod propose;
pub mod reconcile;
pub mod rules;
pub mod settings;
mod settle;
mod split;
pub mod store;
#[cfg(test)]
mod tests;

pub(crate) use answer::for_payee;
pub use answer::{AcceptPayout, AppealPayout, ResolvePayoutAppeal, accept, appeal, resolve};
pub use approve::{ApprovePayout, approve};
pub use budget::{AdjustBudget, CreateBudget, adjust, create as create_budget};
pub use moves::{PayoutMove, cancel, hold, reject, release, retry, reverse};
pub use propose::{ProposePayout, propose};
pub use settings::PayoutSettings;
pub use settle::{
    ConfirmPayout, FailPayout, MarkPayoutPaid, MarkPayoutSynced, SetPayeeAccount, confirm, fail, mark_paid,
    mark_synced, set_payee_account,
};
pub use split::{SplitPayout, split};

use chrono_tz::Tz;
use entity::vocabulary::{PayoutChangeKind, PayoutState};
use entity::{budget as budgets, budget_entry, channel, payout, payout_change};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::graphql::scalars::Decimal;
use crate::money::{Money, Unit};
use crate::multi_platform;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use ledger::Posting;
use rules::{Cause, MoveFacts, Parties};
use store::Loaded;

/// Longest reason, reference or proof, in characters.
const SHORT: usize = 2_000;
/// Longest grounds of an appeal, in characters.
const LONG: usize = 20_000;

/// The unit that an input names.
fn unit(field: &str, code: &str) -> Result<Unit> {
    code.parse().map_err(|error| Error::bad_input(field, format!("{error}")))
}

/// An amount above zero.
fn positive(field: &str, amount: &Decimal, unit: Unit) -> Result<Money> {
    let money = Money::parse(&amount.0, unit).map_err(|error| Error::bad_input(field, format!("{error}")))?;
    if money.minor == 0 {
        return Err(Error::bad_input(field, "send an amount above zero"));
    }
    Ok(money)
}

/// A payout's number: random, so that it tells no count.
fn number(app: &App, year: i32) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut random = [0_u8; 8];
    app.ids.fill(&mut random);
    let letters = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("PO-{year}-{}", letters.collect::<String>())
}

/// The channel's zone: where a budget's and a period's days begin.
fn zone(channel: &channel::Model) -> Tz {
    channel.time_zone.parse().unwrap_or(Tz::UTC)
}

fn facts(app: &App, loaded: &Loaded, appeal_open: bool) -> MoveFacts {
    MoveFacts { has_platform: rules::has_platform(loaded.channel.kind), appeal_open, now: app.clock.now() }
}

/// Whether an appeal waits for its resolution.
async fn appeal_open(app: &App, payout: &payout::Model) -> Result<bool> {
    if !payout.appealed {
        return Ok(false);
    }
    Ok(store::appeal(app, payout.id).await?.is_some_and(|appeal| appeal.resolved_at.is_none()))
}

/// Where `cause` leads, once nothing is missing for it.
///
/// # Errors
/// Refusals by the move table.
async fn target(app: &App, loaded: &Loaded, cause: Cause) -> Result<PayoutState> {
    let payout = &loaded.payout;
    let refuse = || Error::Refused(vec![rules::not_a_move(payout, cause)]);
    let to = rules::target(payout, cause).ok_or_else(refuse)?;
    let mut missing = rules::missing(payout, cause, &facts(app, loaded, appeal_open(app, payout).await?));
    if cause.goes_on()
        && let Some((report, _)) = &loaded.earned_by
    {
        missing.extend(multi_platform::stop(app, report).await?);
    }
    if missing.is_empty() { Ok(to) } else { Err(Error::Refused(missing)) }
}

/// Whether the actor reported any report of the event that the payout is for.
async fn reported_it(app: &App, actor: &Actor, event: Option<Uuid>) -> Result<bool> {
    let Some(event) = event else { return Ok(false) };
    let reports = crate::intake::store::access_facts(app, event).await?;
    Ok(reports.iter().any(|(_, _, subject)| subject.as_deref() == Some(&*actor.subject)))
}

/// Refuses who is paid, or reported what is paid for.
async fn require_impartial(app: &App, actor: &Actor, loaded: &Loaded) -> Result<()> {
    let parties = Parties {
        actor: &actor.subject,
        payee: loaded.reporter.subject.as_deref(),
        reported_it: reported_it(app, actor, loaded.event_id()).await?,
    };
    match rules::check_impartial(parties) {
        None => Ok(()),
        Some(refusal) => Err(Error::Refused(vec![refusal])),
    }
}

/// Records a step and closes the change over the payout: the one place where a payout is revised.
pub(crate) fn step(
    app: &App,
    changes: &mut ChangeSet,
    loaded: &Loaded,
    after: payout::Model,
    kind: PayoutChangeKind,
    reason: Option<&str>,
) -> payout::Model {
    let before = &loaded.payout;
    record(app, changes, &after, Some(before.state), kind, reason, loaded.event_id());
    changes.revise(app, before, after, loaded.event_id(), Bump::Version)
}

/// Writes what happened to a payout, and tells it under the same id.
fn record(
    app: &App,
    changes: &mut ChangeSet,
    payout: &payout::Model,
    from: Option<PayoutState>,
    kind: PayoutChangeKind,
    reason: Option<&str>,
    event: Option<Uuid>,
) {
    let id = tell(app, changes, payout, kind, event);
    let row = payout_change::Model {
        id,
        payout_id: payout.id,
        kind,
        from_state: from,
        to_state: payout.state,
        approved: payout.approved_at.is_some(),
        reason: reason.map(str::to_owned),
        changed_by: changes.actor().to_owned(),
        changed_at: changes.at(),
    };
    changes.write_row(&row);
}

/// Tells the outside what happened to a payout, each kind by a type of its own, and answers the message's id.
fn tell(
    app: &App,
    changes: &mut ChangeSet,
    payout: &payout::Model,
    kind: PayoutChangeKind,
    event: Option<Uuid>,
) -> Uuid {
    macro_rules! by_kind {
        ($($kind:ident => $message:ident),+ $(,)?) => {
            match kind {
                $(PayoutChangeKind::$kind => changes.message(
                    app,
                    event,
                    &message::$message {
                        payout: Opaque::new(payout.id),
                        payout_number: payout.number.clone(),
                        report: payout.report_id.map(Opaque::new),
                        kind: payout.kind,
                        state: payout.state,
                        approved: payout.approved_at.is_some(),
                    },
                ),)+
            }
        };
    }
    by_kind! {
        Proposed => PayoutProposed,
        Split => PayoutSplit,
        Approved => PayoutApproved,
        Rejected => PayoutRejected,
        OnHold => PayoutOnHold,
        Released => PayoutReleased,
        Accepted => PayoutAccepted,
        Appealed => PayoutAppealed,
        AppealDismissed => PayoutAppealDismissed,
        Synced => PayoutSynced,
        Paid => PayoutPaid,
        Failed => PayoutFailed,
        Cancelled => PayoutCancelled,
        Reversed => PayoutReversed,
        UnexpectedPayment => PayoutUnexpectedPayment,
    }
}

/// Writes both sides of a posting, and answers the budget as it then is, still to be written.
fn enter(
    app: &App,
    changes: &mut ChangeSet,
    budget: &budgets::Model,
    payout: Option<Uuid>,
    posting: Posting,
) -> Result<budgets::Model> {
    let after = ledger::post(budget, posting)
        .map_err(|error| Error::refused(RefusalCode::Contradiction, format!("{error}")))?;
    if let Some(imbalance) = ledger::imbalance(&after) {
        // The payout and its budget are read one after the other: somebody who moved both in between has made this
        // look like a second giving back. Nothing is written, and it is decided anew.
        tracing::warn!(budget = %budget.id, imbalance, "a payout and its budget were read apart");
        return Err(Error::Race);
    }
    let posting_id = app.ids.next();
    for (account, amount) in posting.sides() {
        changes.insert(&budget_entry::Model {
            id: app.ids.next(),
            posting_id,
            budget_id: budget.id,
            payout_id: payout,
            account,
            amount,
            recorded_by: changes.actor().to_owned(),
            recorded_at: changes.at(),
        });
    }
    Ok(after)
}

/// Posts to a budget's ledger and closes the change over the budget. `before` guards it, `after` is `before` with
/// what the caller changed beside the accounts.
fn post(
    app: &App,
    changes: &mut ChangeSet,
    before: &budgets::Model,
    after: &budgets::Model,
    payout: Option<Uuid>,
    posting: Posting,
) -> Result<budgets::Model> {
    let after = enter(app, changes, after, payout, posting)?;
    let bump = if payout.is_some() { Bump::RevisionOnly } else { Bump::Version };
    Ok(changes.revise(app, before, after, None, bump))
}

/// Gives back what the payout has reserved or spent; the payout then hangs on no budget.
async fn give_back(
    app: &App,
    changes: &mut ChangeSet,
    payout: &mut payout::Model,
    posting: impl Fn(i64) -> Posting,
) -> Result<()> {
    let Some(id) = payout.budget_id.take() else { return Ok(()) };
    let before = store::budget(app, id).await?;
    let over = std::mem::take(&mut payout.over_budget);
    let after = budgets::Model { overrun: before.overrun - over, ..before.clone() };
    post(app, changes, &before, &after, Some(payout.id), posting(payout.amount))?;
    Ok(())
}

/// Moves what the payout has reserved to what is spent.
async fn spend(app: &App, changes: &mut ChangeSet, payout: &payout::Model) -> Result<()> {
    let id = payout.budget_id.ok_or_else(|| anyhow::anyhow!("an approved payout has no budget"))?;
    let before = store::budget(app, id).await?;
    post(app, changes, &before, &before, Some(payout.id), Posting::pay(payout.amount))?;
    Ok(())
}

fn refused(refusals: Vec<Refusal>) -> Result<()> {
    if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
}
