//! Granting budgets.

use async_graphql::InputObject;
use entity::budget;
use serde::Serialize;

use super::ledger::Posting;
use super::period::Period;
use super::{SHORT, enter, positive, post, store, unit};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::{Decimal, Id};
use crate::idempotency::{self, Replay};
use crate::money::Money;
use crate::outbox::{ChangeSet, Opaque, message};

/// A budget for the payouts approved in a period. 某一周期内批准奖励所用的预算。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateBudget {
    /// A year, quarter or month: 2026, 2026-Q1, 2026-03; the narrowest one is used. 周期；优先使用最短周期的预算。
    pub period: String,
    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    pub currency: String,
    /// How much is granted. 拨款金额。
    pub amount: Decimal,
    /// Sent again with the same input, it answers the first budget. 幂等键；相同输入返回首次结果。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// A change of what is granted. 调整预算。
#[derive(Clone, Debug, InputObject)]
pub struct AdjustBudget {
    /// The budget. 预算。
    pub budget: Id<budget::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// How much is granted more. 增加的金额。
    pub increase: Option<Decimal>,
    /// How much is taken back; what is approved stays covered. 减少的金额，不得低于已占用部分。
    pub decrease: Option<Decimal>,
    /// Why. 原因。
    pub reason: String,
}

/// Grants a budget.
///
/// # Errors
/// By policy; BAD_USER_INPUT on a wrong period, an inexact amount or an unknown currency; a refusal when there is one.
pub async fn create(app: &App, actor: &Actor, input: &CreateBudget) -> Result<budget::Model> {
    require(actor, Action::CreateBudget)?;
    let unit = unit("input.currency", &input.currency)?;
    let amount = positive("input.amount", &input.amount, unit)?;
    let period: Period =
        input.period.parse().map_err(|error| Error::bad_input("input.period", format!("{error}")))?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::CreateBudget, key, input).await? {
        Replay::Done(id) => return store::budget(app, id).await,
        Replay::First(key) => key,
    };
    if store::budget_of(app, period, unit.code()).await?.is_some() {
        let message = "there is a budget for this period and currency: adjust it (adjustBudget)";
        return Err(Error::refused(RefusalCode::AlreadyExists, message));
    }
    let mut changes = ChangeSet::new(app, actor, Action::CreateBudget);
    let empty = budget::Model {
        id: app.ids.next(),
        period: period.to_string(),
        starts_on: period.first(),
        ends_on: period.end().pred_opt().unwrap_or(period.first()),
        currency: unit.code().to_owned(),
        granted: 0,
        available: 0,
        reserved: 0,
        spent: 0,
        overrun: 0,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    if let Some(key) = &key {
        changes.remember(key, empty.id);
    }
    let granted = enter(app, &mut changes, &empty, None, Posting::grant(amount.minor))?;
    changes.message(app, None, &message::BudgetChanged { budget: Opaque::new(granted.id) });
    let row = changes.create(app, granted, None);
    app.commit(changes).await?;
    Ok(row)
}

/// Grants more, or takes back what is not approved.
///
/// # Errors
/// By policy and version; NOT_FOUND without such a budget; BAD_USER_INPUT unless exactly one of both is sent; a refusal
/// when more would be taken than is available.
pub async fn adjust(app: &App, actor: &Actor, input: &AdjustBudget) -> Result<budget::Model> {
    require(actor, Action::AdjustBudget)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let before = store::budget(app, input.budget.0).await?;
    expect_version(before.version, input.expected_version)?;
    let unit = unit("currency", &before.currency)?;
    let amount = match (&input.increase, &input.decrease) {
        (Some(more), None) => positive("input.increase", more, unit)?.minor,
        (None, Some(less)) => -positive("input.decrease", less, unit)?.minor,
        _ => return Err(Error::bad_input("input.increase", "send either increase or decrease")),
    };
    if amount < 0 && before.available.saturating_add(amount) < 0 {
        let available = Money { minor: before.available, unit };
        let message = format!("{available} is available: what is approved or paid is not taken back");
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "decrease", message)]));
    }
    let mut changes = ChangeSet::new(app, actor, Action::AdjustBudget).because(Some(reason));
    changes.message(app, None, &message::BudgetChanged { budget: Opaque::new(before.id) });
    let after = post(app, &mut changes, &before, &before, None, Posting::grant(amount))?;
    app.commit(changes).await?;
    Ok(after)
}
