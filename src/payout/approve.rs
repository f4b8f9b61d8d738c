//! Approving a payout: four eyes, the range, and the budget that it is reserved in.

use async_graphql::InputObject;
use entity::vocabulary::PayoutChangeKind;
use entity::{budget, payout};

use super::ledger::{self, Posting};
use super::propose::earning;
use super::rules::{self, Cause, Parties};
use super::{SHORT, post, refused, reported_it, step, store, target, unit, zone};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text};
use crate::graphql::scalars::Id;
use crate::money::Money;
use crate::multi_platform;
use crate::outbox::ChangeSet;

/// A payout to approve. 批准奖励。
#[derive(Clone, Debug, InputObject)]
pub struct ApprovePayout {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// A note. 备注。
    pub note: Option<String>,
}

/// Approves a payout and reserves it in the narrowest budget of its currency that has the day.
///
/// # Errors
/// By policy, visibility, version and the move table; FOUR_EYES for who proposed, reported or is paid; NEEDS_LEADER
/// beyond the range or the budget; a refusal without a budget, or when the report no longer earns it.
pub async fn approve(app: &App, actor: &Actor, input: &ApprovePayout) -> Result<payout::Model> {
    require(actor, Action::ApprovePayout)?;
    let note = optional_text("input.note", input.note.as_ref(), SHORT)?;
    let loaded = store::find(app, actor, input.payout.0).await?;
    let before = &loaded.payout;
    expect_version(before.version, input.expected_version)?;
    let to = target(app, &loaded, Cause::Approve).await?;
    refused(still_earned(app, &loaded).await?)?;
    let mut changes = ChangeSet::new(app, actor, Action::ApprovePayout).because(note.as_deref());
    demand(&mut changes, &loaded);
    let day = changes.at().with_timezone(&zone(&loaded.channel)).date_naive();
    let budget = store::budget_on(app, &before.currency, day).await?;
    let over = budget.as_ref().map_or(0, |budget| ledger::shortfall(budget, before.amount));
    let mut beyond = beyond(before, over)?;
    if let Some(event) = loaded.event_id() {
        let payments = store::unexpected_payments(app, event).await?;
        beyond.extend(payments.iter().map(|(number, _)| format!("a payment of {number} came unexpectedly")));
    }
    let parties = Parties {
        actor: &actor.subject,
        payee: loaded.reporter.subject.as_deref(),
        reported_it: reported_it(app, actor, loaded.event_id()).await?,
    };
    let beyond: Vec<&str> = beyond.iter().map(String::as_str).collect();
    refused(rules::check_approver(before, parties, actor.is(Role::Leader), &beyond))?;
    let Some(budget) = budget else {
        let message =
            format!("no budget in {} has {day}: FINANCE grants one (createBudget)", before.currency);
        return Err(Error::refused(RefusalCode::MissingFact, message));
    };
    let after = payout::Model {
        state: to,
        approved_by: Some(actor.subject.to_string()),
        approved_at: Some(changes.at()),
        answer_by: Some(changes.at() + app.payouts.answer_time()),
        approved_amount: Some(before.amount),
        approved_severity: before.severity,
        accepted_at: None,
        budget_id: Some(budget.id),
        over_budget: over,
        ..before.clone()
    };
    let overrun = budget.overrun.saturating_add(over);
    let reserved = budget::Model { overrun, ..budget.clone() };
    post(app, &mut changes, &budget, &reserved, Some(before.id), Posting::reserve(before.amount))?;
    let after = step(app, &mut changes, &loaded, after, PayoutChangeKind::Approved, note.as_deref());
    app.commit(changes).await?;
    Ok(after)
}

/// What only a LEADER may approve about it.
fn beyond(payout: &payout::Model, over: i64) -> Result<Vec<String>> {
    let unit = unit("currency", &payout.currency)?;
    let mut beyond = Vec::new();
    if !rules::in_range(payout) {
        beyond.push(match (payout.range_minimum, payout.range_maximum) {
            (Some(least), Some(most)) => {
                let (least, most) = (Money { minor: least, unit }, Money { minor: most, unit });
                format!("it is outside the range of {} to {most}", least.decimal())
            }
            _ => "no range prices it".to_owned(),
        });
    }
    if over > 0 {
        beyond.push(format!("it is over budget by {}", Money { minor: over, unit }));
    }
    Ok(beyond)
}

/// What was decided rests on the event's verdict and reports, and on who the payee is.
pub(super) fn demand(changes: &mut ChangeSet, loaded: &store::Loaded) {
    if let Some((_, event)) = &loaded.earned_by {
        changes.demand(event);
    }
    changes.demand(&loaded.reporter);
}

/// The verdict may have changed since the proposal, the severity that priced it, or the event's other reports. An
/// approved share keeps its severity: what another finder's appeal changed does not hold it up.
pub(super) async fn still_earned(app: &App, loaded: &store::Loaded) -> Result<Vec<Refusal>> {
    let Some((report, event)) = &loaded.earned_by else { return Ok(Vec::new()) };
    let payout = &loaded.payout;
    let mut refusals = rules::check_earning(payout.kind, &earning(report, event));
    let keeps = payout.share.is_some() && payout.approved_by.is_some();
    if refusals.is_empty() && !keeps && report.severity != payout.severity {
        let message = "the report's severity changed since it was priced: cancel it and propose it anew";
        refusals.push(Refusal::new(RefusalCode::Contradiction, message));
    }
    refusals.extend(rules::check_first(&store::siblings(app, report).await?));
    refusals.extend(multi_platform::stop(app, report).await?);
    Ok(refusals)
}
