//! What the white hat answers: acceptance, or the one appeal, and its resolution.

use async_graphql::InputObject;
use entity::vocabulary::{PayoutChangeKind, Severity};
use entity::{payout, payout_appeal, report};

use super::ledger::Posting;
use super::propose::price;
use super::rules::Cause;
use super::store::Loaded;
use super::{LONG, SHORT, give_back, positive, require_impartial, step, store, target, unit};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::{Decimal, Id};
use crate::multi_platform;
use crate::outbox::{Bump, ChangeSet};

/// A payout that its white hat accepts. 接受奖励。
#[derive(Clone, Debug, InputObject)]
pub struct AcceptPayout {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
}

/// An appeal against a payout's severity. 对奖励所依据的严重程度提出申诉。
#[derive(Clone, Debug, InputObject)]
pub struct AppealPayout {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// Why the severity is wrong. 申诉理由。
    pub grounds: String,
}

/// What becomes of an appeal. 申诉处理结果。
#[derive(Clone, Debug, InputObject)]
pub struct ResolvePayoutAppeal {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// The severity after it: the same dismisses the appeal, another upholds it. 处理后的严重程度；相同即驳回，不同即支持。
    pub severity: Severity,
    /// The new amount, when another severity is given. 新金额，严重程度变更时必填。
    pub amount: Option<Decimal>,
    /// Why. 说明。
    pub resolution: String,
}

/// Begins a change for the payee: by themself, recorded by their id, or by their platform's service.
pub(crate) fn for_payee(app: &App, actor: &Actor, action: Action, loaded: &Loaded) -> Result<ChangeSet> {
    let changes = ChangeSet::new(app, actor, action);
    if actor.is(Role::Reporter) && loaded.reporter.subject.as_deref() == Some(&*actor.subject) {
        return Ok(changes.by_reporter(loaded.reporter.id));
    }
    let platform = actor.speaks_for(&loaded.channel.key);
    if platform { Ok(changes) } else { Err(Error::NotFound) }
}

/// Accepts a payout; accepting it again changes nothing.
///
/// # Errors
/// By policy and visibility; a refusal unless it is APPROVED.
pub async fn accept(app: &App, actor: &Actor, input: &AcceptPayout) -> Result<payout::Model> {
    require(actor, Action::AcceptPayout)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    let mut changes = for_payee(app, actor, Action::AcceptPayout, &loaded)?;
    let before = &loaded.payout;
    if before.accepted_at.is_some() {
        return Ok(before.clone());
    }
    if before.state != entity::vocabulary::PayoutState::Approved {
        let message = format!("only an APPROVED payout is accepted; it is {}", before.state);
        return Err(Error::refused(RefusalCode::MoveNotAllowed, message));
    }
    let after = payout::Model { accepted_at: Some(changes.at()), ..before.clone() };
    let after = step(app, &mut changes, &loaded, after, PayoutChangeKind::Accepted, None);
    app.commit(changes).await?;
    Ok(after)
}

/// Appeals against the severity, once, in the time to answer; sent again with the same grounds it changes nothing.
/// The event's status does not move.
///
/// # Errors
/// By policy and visibility; refusals where it was accepted, the time has passed, or an appeal was made.
pub async fn appeal(app: &App, actor: &Actor, input: &AppealPayout) -> Result<payout::Model> {
    require(actor, Action::AppealPayout)?;
    let grounds = require_text("input.grounds", &input.grounds, LONG)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    let mut changes = for_payee(app, actor, Action::AppealPayout, &loaded)?;
    let before = &loaded.payout;
    let made = store::appeal(app, before.id).await?;
    if made.is_some_and(|made| made.resolved_at.is_none() && made.grounds == grounds) {
        return Ok(before.clone());
    }
    let to = target(app, &loaded, Cause::Appeal).await?;
    let severity = before.severity.ok_or_else(|| anyhow::anyhow!("a report's payout has no severity"))?;
    changes.insert(&payout_appeal::Model {
        id: app.ids.next(),
        payout_id: before.id,
        grounds,
        appealed_by: changes.actor().to_owned(),
        appealed_at: changes.at(),
        severity_before: severity,
        severity_after: None,
        resolution: None,
        resolved_by: None,
        resolved_at: None,
    });
    let after = payout::Model { state: to, held_from: Some(before.state), appealed: true, ..before.clone() };
    let after = step(app, &mut changes, &loaded, after, PayoutChangeKind::Appealed, None);
    app.commit(changes).await?;
    Ok(after)
}

/// Resolves an appeal by a severity that somebody else than its author gives. The same one dismisses it, and the
/// payout goes on as accepted. Another one upholds it: the report gets it, what was reserved is given back, and the
/// payout is proposed anew by who resolved it, so that somebody else approves it.
///
/// # Errors
/// By policy, visibility and version; FOUR_EYES for the severity's author, the payee and the reporter; refusals
/// without an open appeal, or an amount for a new severity.
pub async fn resolve(app: &App, actor: &Actor, input: &ResolvePayoutAppeal) -> Result<payout::Model> {
    require(actor, Action::ResolvePayoutAppeal)?;
    let resolution = require_text("input.resolution", &input.resolution, SHORT)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    let before = &loaded.payout;
    expect_version(before.version, input.expected_version)?;
    require_impartial(app, actor, &loaded).await?;
    let appeal = store::appeal(app, before.id).await?.filter(|appeal| appeal.resolved_at.is_none());
    let (Some(appeal), Some((report, event))) = (appeal, &loaded.earned_by) else {
        return Err(Error::refused(RefusalCode::MissingFact, "no appeal is open"));
    };
    if store::severity_author(app, report).await?.as_deref() == Some(&*actor.subject) {
        let message = "you gave the severity that is appealed against: somebody else has to resolve it";
        return Err(Error::refused(RefusalCode::FourEyes, message));
    }
    let mut changes =
        ChangeSet::new(app, actor, Action::ResolvePayoutAppeal).because(Some(resolution.as_str()));
    let resolved = payout_appeal::Model {
        severity_after: Some(input.severity),
        resolution: Some(resolution.clone()),
        resolved_by: Some(actor.subject.to_string()),
        resolved_at: Some(changes.at()),
        ..appeal.clone()
    };
    let upheld = input.severity != appeal.severity_before;
    let (kind, after) = if upheld {
        let after = anew(app, &mut changes, &loaded, input, event.id).await?;
        // The report's row is the event's to guard: its audit entry is closed here, the payout's below.
        changes.update(report, &report::Model { severity: Some(input.severity), ..report.clone() });
        changes.revise(app, event, event.clone(), Some(event.id), Bump::Version);
        (PayoutChangeKind::Proposed, after)
    } else {
        if input.amount.is_some() {
            let message = "the severity stays, and with it the amount: leave amount out";
            return Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "amount", message)]));
        }
        let state = target(app, &loaded, Cause::DismissAppeal).await?;
        let answer_by = Some(changes.at());
        let gone_on = payout::Model { state, held_from: None, held_for: None, answer_by, ..before.clone() };
        // The appeal is over in any case; the payout goes on where nothing else is against it.
        let after = match multi_platform::stop(app, report).await? {
            None => gone_on,
            Some(_) => payout::Model {
                state: before.state,
                held_from: Some(state),
                held_for: multi_platform::held_by(app, report).await?,
                ..gone_on
            },
        };
        (PayoutChangeKind::AppealDismissed, after)
    };
    changes.update(&appeal, &resolved);
    let after = step(app, &mut changes, &loaded, after, kind, Some(&resolution));
    app.commit(changes).await?;
    Ok(after)
}

/// The payout as it is proposed for the new severity.
async fn anew(
    app: &App,
    changes: &mut ChangeSet,
    loaded: &Loaded,
    input: &ResolvePayoutAppeal,
    event: uuid::Uuid,
) -> Result<payout::Model> {
    let before = &loaded.payout;
    let state = target(app, loaded, Cause::UpholdAppeal).await?;
    let Some(amount) = &input.amount else {
        let message = "another severity has another price: send the new amount";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::MissingFact, "amount", message)]));
    };
    let amount = positive("input.amount", amount, unit("currency", &before.currency)?)?;
    let grid = before.grid_id.ok_or_else(|| anyhow::anyhow!("a report's payout has no grid"))?;
    let mut after = before.clone();
    give_back(app, changes, &mut after, Posting::give_back).await?;
    // What is recorded by now decides; the tier that was named holds while nothing is.
    let named = if store::tier(app, event).await?.is_none() { before.asset_tier } else { None };
    price(app, grid, event, input.severity, named).await?.set(&mut after);
    Ok(payout::Model {
        state,
        held_from: None,
        held_for: None,
        severity: Some(input.severity),
        amount: amount.minor,
        // Of a split payout only this share changes.
        priced: (before.priced - before.amount).saturating_add(amount.minor),
        proposed_by: changes.actor().to_owned(),
        proposed_at: changes.at(),
        approved_by: None,
        answer_by: None,
        accepted_at: None,
        ..after
    })
}
