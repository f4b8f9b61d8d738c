//! Handing a payout over and paying it: what the platform passes on, and what FINANCE pays by hand.

use async_graphql::InputObject;
use chrono::{DateTime, SubsecRound, Utc};
use entity::vocabulary::{PayoutChangeKind, PayoutState};
use entity::{payout, reporter};

use super::approve::{demand, still_earned};
use super::rules::{self, Cause};
use super::store::Loaded;
use super::{SHORT, refused, require_impartial, spend, step, store, target, unit};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{INDEXED, expect_version, optional_text, require_text};
use crate::graphql::scalars::{Decimal, Id};
use crate::money::Money;
use crate::outbox::{Bump, ChangeSet};

/// A payout that the platform took. 平台已接收的奖励。
#[derive(Clone, Debug, InputObject)]
pub struct MarkPayoutSynced {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// Its attempt that the platform took. 平台接收的是第几次提交。
    pub attempt: i32,
    /// The platform's own reference. 平台编号。
    pub platform_reference: Option<String>,
}

/// A payment that was made by the platform. 平台支付确认。
#[derive(Clone, Debug, InputObject)]
pub struct ConfirmPayout {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// Reference of the payment; it confirms one payout. 支付流水号，仅对应一笔奖励。
    pub external_reference: String,
    /// When it was paid. 支付时间。
    pub paid_at: DateTime<Utc>,
    /// What was paid, exactly. 实付金额（精确）。
    pub amount: Decimal,
    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    pub currency: String,
}

/// A payment that the platform could not make. 平台支付失败。
#[derive(Clone, Debug, InputObject)]
pub struct FailPayout {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// Its attempt that failed. 失败的是第几次提交。
    pub attempt: i32,
    /// Why. 原因。
    pub reason: String,
}

/// A payment by hand. 人工支付记录。
#[derive(Clone, Debug, InputObject)]
pub struct MarkPayoutPaid {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Reference of the payment; it confirms one payout. 支付流水号，仅对应一笔奖励。
    pub external_reference: String,
    /// When it was paid. 支付时间。
    pub paid_at: DateTime<Utc>,
    /// What proves it: a file, a receipt. 支付凭证。
    pub proof: String,
}

/// Where a payee's money goes. 收款账户。
#[derive(Clone, Debug, InputObject)]
pub struct SetPayeeAccount {
    /// One of their payouts. 收款人的任一奖励。
    pub payout: Id<payout::Entity>,
    /// Reference of the account; null or left out removes it. 账户标识；为空或不填则移除。
    pub account: Option<String>,
    /// The payee's version that was seen, `Payout.payeeVersion`. 所见收款人版本（payeeVersion）。
    pub expected_version: i32,
}

/// The platform took the payout, after it was accepted; the same again changes nothing.
///
/// # Errors
/// By policy, visibility and the move table; refusals while the white hat may appeal, when the report no longer earns
/// it, when it was taken under another reference, or of an earlier attempt; FOUR_EYES where the payee decided it.
pub async fn mark_synced(app: &App, actor: &Actor, input: &MarkPayoutSynced) -> Result<payout::Model> {
    require(actor, Action::MarkPayoutSynced)?;
    let reference = optional_text("input.platformReference", input.platform_reference.as_ref(), SHORT)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    let before = &loaded.payout;
    refused(rules::check_attempt(before, input.attempt).into_iter().collect())?;
    if before.synced_at.is_some() {
        if before.platform_reference == reference {
            return Ok(before.clone());
        }
        let message = "the platform took it under another reference";
        return Err(Error::Refused(vec![Refusal::on(
            RefusalCode::Contradiction,
            "platformReference",
            message,
        )]));
    }
    let state = target(app, &loaded, Cause::Sync).await?;
    let mut changes = ChangeSet::new(app, actor, Action::MarkPayoutSynced);
    require_payable(app, &mut changes, &loaded).await?;
    let after = payout::Model {
        state,
        synced_at: Some(changes.at()),
        platform_reference: reference,
        ..before.clone()
    };
    let after = step(app, &mut changes, &loaded, after, PayoutChangeKind::Synced, None);
    app.commit(changes).await?;
    Ok(after)
}

/// Refuses to hand over or pay what the report no longer earns, what its payee decided, or what a payment may have
/// paid already that came after the approval; and demands what that rests on.
async fn require_payable(app: &App, changes: &mut ChangeSet, loaded: &Loaded) -> Result<()> {
    let payout = &loaded.payout;
    let mut refusals = still_earned(app, loaded).await?;
    let resolver = store::appeal(app, payout.id).await?.and_then(|appeal| appeal.resolved_by);
    refusals.extend(rules::check_payee(payout, loaded.reporter.subject.as_deref(), resolver.as_deref()));
    if let Some(event) = loaded.event_id() {
        let payments = store::unexpected_payments(app, event).await?;
        if let Some((number, _)) = payments.iter().find(|(_, told_at)| Some(*told_at) > payout.approved_at) {
            let message = format!(
                "a payment of {number} came unexpectedly after the approval: cancel this one, and let a LEADER \
                 approve what is still owed"
            );
            refusals.push(Refusal::new(RefusalCode::Contradiction, message));
        }
    }
    refused(refusals)?;
    demand(changes, loaded);
    Ok(())
}

/// A payment as it was told.
struct Payment {
    reference: String,
    paid_at: DateTime<Utc>,
}

impl Payment {
    fn read(app: &App, reference: &str, paid_at: DateTime<Utc>) -> Result<Self> {
        let reference = require_text("input.externalReference", reference, INDEXED)?;
        let paid_at = paid_at.trunc_subsecs(6);
        if paid_at > app.clock.now() {
            return Err(Error::bad_input("input.paidAt", "send a time that has come"));
        }
        Ok(Self { reference, paid_at })
    }

    /// Whether it is the payment that the payout was paid by.
    fn is_of(&self, payout: &payout::Model) -> bool {
        payout.paid_reference.as_deref() == Some(&*self.reference) && payout.paid_at == Some(self.paid_at)
    }

    /// Refuses a reference that was used before: for another payout of the channel, or for this one otherwise.
    async fn require_new(&self, app: &App, payout: &payout::Model) -> Result<()> {
        let Some(paid) = store::by_payment(app, payout.channel_id, &self.reference).await? else {
            return Ok(());
        };
        if paid.id != payout.id {
            let message = "this reference confirms another payout of the channel: a payment pays one";
            return Err(contradiction("externalReference", message));
        }
        if payout.paid_reference.is_none() {
            // Told at the same moment by somebody else: what that made of it is the answer.
            return Err(Error::Race);
        }
        let message =
            "this reference paid it already, at another time or before it was reversed: a payment pays once";
        Err(contradiction("externalReference", message))
    }
}

fn contradiction(field: &'static str, message: &str) -> Error {
    Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, field, message)])
}

/// Confirms that the platform paid, also after it said that it could not. The same confirmation again changes nothing;
/// one that contradicts it, or an amount that is not the payout's, is refused. A payment that can pay nothing any more,
/// since the payout was cancelled or paid by another, is refused and recorded: a person has to look.
///
/// # Errors
/// By policy, visibility and the move table; BAD_USER_INPUT on an inexact amount or a time to come; refusals of
/// contradictions; FOUR_EYES for the payee.
pub async fn confirm(app: &App, actor: &Actor, input: &ConfirmPayout) -> Result<payout::Model> {
    require(actor, Action::ConfirmPayout)?;
    let payment = Payment::read(app, &input.external_reference, input.paid_at)?;
    let unit = unit("input.currency", &input.currency)?;
    let paid = Money::parse(&input.amount.0, unit)
        .map_err(|error| Error::bad_input("input.amount", format!("{error}")))?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    require_impartial(app, actor, &loaded).await?;
    let before = &loaded.payout;
    // What nobody approved yet is not told.
    let minor = before.approved_amount.unwrap_or(before.amount);
    let owed = Money { minor, unit: super::unit("currency", &before.currency)? };
    if paid != owed {
        return Err(contradiction("amount", &format!("{owed} is owed, and {paid} was confirmed")));
    }
    if before.state == PayoutState::Paid && payment.is_of(before) {
        return Ok(before.clone());
    }
    payment.require_new(app, before).await?;
    let unexpected = match before.state {
        PayoutState::Paid => Some("it was paid by another payment: nothing is paid twice"),
        PayoutState::Cancelled if rules::was_handed_over(before) => Some("it was cancelled: nothing is owed"),
        _ => None,
    };
    if let Some(message) = unexpected {
        record_unexpected(app, actor, &loaded, paid, &payment).await?;
        return Err(contradiction("externalReference", &format!("{message}; the payment is on record")));
    }
    let state = target(app, &loaded, Cause::Confirm).await?;
    pay(app, ChangeSet::new(app, actor, Action::ConfirmPayout), &loaded, state, payment, None).await
}

/// Puts a payment on the payout's record that pays nothing of ours, once, and tells those who have to look.
async fn record_unexpected(
    app: &App,
    actor: &Actor,
    loaded: &Loaded,
    paid: Money,
    payment: &Payment,
) -> Result<()> {
    let kind = PayoutChangeKind::UnexpectedPayment;
    let told = format!("{}: {paid} at {}", payment.reference, payment.paid_at.to_rfc3339());
    if store::is_recorded(app, loaded.payout.id, kind, &told).await? {
        return Ok(());
    }
    let mut changes = ChangeSet::new(app, actor, Action::ConfirmPayout);
    step(app, &mut changes, loaded, loaded.payout.clone(), kind, Some(&told));
    app.commit(changes).await
}

/// Records a payment by hand where the channel has no platform.
///
/// # Errors
/// By policy, visibility, version and the move table; refusals while the white hat may appeal, or the report no longer
/// earns it; FOUR_EYES for the payee, where the payee decided it, and for who last set the account.
pub async fn mark_paid(app: &App, actor: &Actor, input: &MarkPayoutPaid) -> Result<payout::Model> {
    require(actor, Action::MarkPayoutPaid)?;
    let payment = Payment::read(app, &input.external_reference, input.paid_at)?;
    let proof = require_text("input.proof", &input.proof, SHORT)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    expect_version(loaded.payout.version, input.expected_version)?;
    require_impartial(app, actor, &loaded).await?;
    if loaded.reporter.payee_account_set_by.as_deref() == Some(&*actor.subject) {
        let message = "you said where the payee's money goes: somebody else has to pay it";
        return Err(Error::refused(RefusalCode::FourEyes, message));
    }
    let state = target(app, &loaded, Cause::PayByHand).await?;
    let mut changes = ChangeSet::new(app, actor, Action::MarkPayoutPaid);
    require_payable(app, &mut changes, &loaded).await?;
    payment.require_new(app, &loaded.payout).await?;
    pay(app, changes, &loaded, state, payment, Some(proof)).await
}

async fn pay(
    app: &App,
    mut changes: ChangeSet,
    loaded: &Loaded,
    state: PayoutState,
    payment: Payment,
    proof: Option<String>,
) -> Result<payout::Model> {
    let before = &loaded.payout;
    spend(app, &mut changes, before).await?;
    let after = payout::Model {
        state,
        held_from: None,
        held_for: None,
        paid_at: Some(payment.paid_at),
        paid_by: Some(changes.actor().to_owned()),
        paid_reference: Some(payment.reference),
        paid_proof: proof,
        ..before.clone()
    };
    let after = step(app, &mut changes, loaded, after, PayoutChangeKind::Paid, None);
    app.commit(changes).await?;
    Ok(after)
}

/// The platform could not pay; the same again changes nothing.
///
/// # Errors
/// By policy, visibility and the move table; a refusal of an earlier attempt; FOUR_EYES for the payee.
pub async fn fail(app: &App, actor: &Actor, input: &FailPayout) -> Result<payout::Model> {
    require(actor, Action::FailPayout)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    require_impartial(app, actor, &loaded).await?;
    let before = &loaded.payout;
    refused(rules::check_attempt(before, input.attempt).into_iter().collect())?;
    if before.state == PayoutState::Failed {
        return Ok(before.clone());
    }
    let state = target(app, &loaded, Cause::Fail).await?;
    let mut changes = ChangeSet::new(app, actor, Action::FailPayout).because(Some(reason.as_str()));
    let after = payout::Model { state, held_from: None, held_for: None, ..before.clone() };
    let after = step(app, &mut changes, &loaded, after, PayoutChangeKind::Failed, Some(&reason));
    app.commit(changes).await?;
    Ok(after)
}

/// Says where the payee's money goes. It is personal: it stands with the reporter and in no audit entry.
///
/// # Errors
/// By policy, visibility and the payee's version; a refusal when the payee is erased.
pub async fn set_payee_account(app: &App, actor: &Actor, input: &SetPayeeAccount) -> Result<payout::Model> {
    require(actor, Action::SetPayeeAccount)?;
    let account = optional_text("input.account", input.account.as_ref(), SHORT)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    let before = &loaded.reporter;
    let own = before.subject.as_deref() == Some(&*actor.subject);
    // A platform speaks for its own reporters, not for who only has a share paid through it.
    let platform = actor.is(Role::Src) && before.channel_id == Some(loaded.payout.channel_id);
    if !own && !platform && !actor.is(Role::Finance) {
        return Err(Error::NotFound);
    }
    if before.erased_at.is_some() {
        return Err(Error::refused(RefusalCode::Frozen, "the payee's personal data are erased"));
    }
    // The same again is the change that its sender may not have heard of.
    if before.payee_account != account {
        expect_version(before.version, input.expected_version)?;
        let changes = ChangeSet::new(app, actor, Action::SetPayeeAccount);
        let mut changes = if own { changes.by_reporter(before.id) } else { changes };
        let set_by = Some(changes.actor().to_owned());
        let after =
            reporter::Model { payee_account: account, payee_account_set_by: set_by, ..before.clone() };
        changes.revise(app, before, after, None, Bump::Version);
        app.commit(changes).await?;
    }
    Ok(loaded.payout)
}
