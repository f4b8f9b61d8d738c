//! What becomes of payouts while, and after, it is looked at whether their finder sent one report to several platforms:
//! they wait, go on, or are taken back. Each is written inside the caller's change.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entity::vocabulary::{PayoutChangeKind, PayoutState};
use entity::{budget, payout};
use uuid::Uuid;

use super::ledger::Posting;
use super::store::{self, Loaded};
use super::{appeal_open, enter, require_impartial, rules, step};
use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;
use crate::outbox::{Bump, ChangeSet};

/// Why, on the record of payouts: those who pay read it, and know no more of an event than its number and level.
const REASON: &str = "one report to several platforms";

/// Refuses who is paid by an unpaid payout of these reports.
///
/// # Errors
/// FOUR_EYES.
pub async fn refuse_payee(app: &App, actor: &Actor, reports: &[Uuid]) -> Result<()> {
    for loaded in store::unpaid_of(app, reports).await? {
        require_impartial(app, actor, &loaded).await?;
    }
    Ok(())
}

/// Puts the unpaid payouts of these reports on hold for `case`.
///
/// # Errors
/// Of the database.
pub async fn hold(app: &App, changes: &mut ChangeSet, reports: &[Uuid], case: Uuid) -> Result<()> {
    for loaded in store::unpaid_of(app, reports).await? {
        let before = &loaded.payout;
        if rules::waits_for_platforms(before) {
            let after = payout::Model {
                state: PayoutState::OnHold,
                held_from: Some(before.state),
                held_for: Some(case),
                ..before.clone()
            };
            step(app, changes, &loaded, after, PayoutChangeKind::OnHold, Some(REASON));
        } else {
            // Whoever moves it at this moment has to look again.
            changes.revise(app, before, before.clone(), loaded.event_id(), Bump::RevisionOnly);
        }
    }
    Ok(())
}

/// Ends the hold that `case` put payouts on, since `since`: each goes on where it was, or waits for another case that is
/// open about its report (`also`, by report). Those of `taken` stay as they are.
///
/// # Errors
/// Of the database.
pub async fn release(
    app: &App,
    changes: &mut ChangeSet,
    (case, since): (Uuid, DateTime<Utc>),
    also: &HashMap<Uuid, Uuid>,
    taken: &[Uuid],
) -> Result<()> {
    for loaded in store::held_for(app, case).await? {
        let before = &loaded.payout;
        let Some(report) = before.report_id.filter(|report| !taken.contains(report)) else { continue };
        let (Some(from), PayoutState::OnHold) = (before.held_from, before.state) else { continue };
        let after = match also.get(&report) {
            Some(other) => payout::Model { held_for: Some(*other), ..before.clone() },
            None => payout::Model {
                state: from,
                held_from: None,
                held_for: None,
                answer_by: rules::answer_after_hold(before, since, changes.at()),
                ..before.clone()
            },
        };
        let kind =
            if after.held_for.is_some() { PayoutChangeKind::OnHold } else { PayoutChangeKind::Released };
        step(app, changes, &loaded, after, kind, Some(REASON));
    }
    Ok(())
}

/// Takes the unpaid payouts of these reports back, since they earn nothing, and gives their budgets back. One that the
/// platform may pay, or whose appeal is open, stays as it is, and is not paid: a person ends it when that is over.
///
/// # Errors
/// Of the database.
pub async fn take_back(app: &App, changes: &mut ChangeSet, reports: &[Uuid]) -> Result<()> {
    let mut ended: Vec<(Loaded, payout::Model)> = Vec::new();
    // Several payouts may hang on one budget, which is written once.
    let mut budgets: BTreeMap<Uuid, (budget::Model, budget::Model)> = BTreeMap::new();
    for loaded in store::unpaid_of(app, reports).await? {
        let before = loaded.payout.clone();
        if !rules::may_take_back(&before, appeal_open(app, &before).await?, changes.at()) {
            continue;
        }
        let mut after = payout::Model {
            state: PayoutState::Cancelled,
            live_key: None,
            held_from: None,
            held_for: None,
            ..before
        };
        if let Some(id) = after.budget_id.take() {
            let over = std::mem::take(&mut after.over_budget);
            let (first, now) = match budgets.remove(&id) {
                Some(known) => known,
                None => {
                    let row = store::budget(app, id).await?;
                    (row.clone(), row)
                }
            };
            let now = budget::Model { overrun: now.overrun - over, ..now };
            let now = enter(app, changes, &now, Some(after.id), Posting::give_back(after.amount))?;
            budgets.insert(id, (first, now));
        }
        ended.push((loaded, after));
    }
    for (first, now) in budgets.into_values() {
        changes.revise(app, &first, now, None, Bump::RevisionOnly);
    }
    for (loaded, after) in ended {
        step(app, changes, &loaded, after, PayoutChangeKind::Cancelled, Some(REASON));
    }
    Ok(())
}
