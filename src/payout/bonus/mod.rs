//! Bonus runs: a quarter's or a year's bonuses, computed from the channel's reports that were received in it and are
//! CONFIRMED. The run keeps a hash of what it was computed from: the same input answers the same run. A person with
//! a live bonus of the kind and period in the channel gets no second one; where the run came to another amount, it says so.
//!
//! What is TLP:RED does not count while it is: a bonus must not tell of an event among named people.

pub mod rules;

use async_graphql::InputObject;
use entity::vocabulary::{PayoutChangeKind, PayoutKind};
use entity::{bonus_run, channel, payout};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::payee::{self, Person, bonus_key};
use super::propose::{channel as find_channel, new_row, read_period};
use super::{SHORT, record, store, unit, zone};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::event::require_text;
use crate::graphql::scalars::{Decimal, Id};
use crate::intake::rules::start_of_day;
use crate::money::{Money, Unit};
use crate::outbox::ChangeSet;
use rules::{BonusPolicy, Counted};

/// Most bonuses of one run.
const MOST: usize = 500;

/// What to compute bonuses from. 计算季度或年度奖。
#[derive(Clone, Debug, InputObject)]
pub struct ComputeBonusRun {
    /// QUARTERLY_BONUS or ANNUAL_BONUS. 季度奖或年度奖。
    pub kind: PayoutKind,
    /// The channel whose reports count. 计入其报告的渠道。
    pub channel: Id<channel::Entity>,
    /// A quarter (2026-Q1) or a year (2026), which has ended. 已结束的季度或年度。
    pub period: String,
    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    pub currency: String,
    /// What a report earns. 每份报告的奖金。
    pub policy: BonusPolicyInput,
    /// Why, for the proposals. 理由，写入提议。
    pub rationale: String,
}

/// What a report earns by its severity. 按严重程度计算的奖金标准。
#[derive(Clone, Debug, InputObject)]
pub struct BonusPolicyInput {
    /// For each CRITICAL report. 每份严重报告。
    pub critical: Decimal,
    /// For each HIGH report. 每份高危报告。
    pub high: Decimal,
    /// For each MEDIUM report. 每份中危报告。
    pub medium: Decimal,
    /// For each LOW report. 每份低危报告。
    pub low: Decimal,
    /// Reports that a reporter needs at least. 报告人至少需要的报告数。
    #[graphql(default = 1)]
    pub at_least: i32,
    /// Most that one reporter gets; no cap when left out. 单人上限；省略时不设上限。
    pub cap: Option<Decimal>,
}

impl BonusPolicyInput {
    fn read(&self, unit: Unit) -> Result<BonusPolicy> {
        let amount = |field: &str, amount: &Decimal| {
            let field = format!("input.policy.{field}");
            let money = Money::parse(&amount.0, unit);
            money.map(|money| money.minor).map_err(|error| Error::bad_input(field, format!("{error}")))
        };
        let at_least = u32::try_from(self.at_least).ok().filter(|count| *count >= 1);
        Ok(BonusPolicy {
            critical: amount("critical", &self.critical)?,
            high: amount("high", &self.high)?,
            medium: amount("medium", &self.medium)?,
            low: amount("low", &self.low)?,
            at_least: at_least.ok_or_else(|| Error::bad_input("input.policy.atLeast", "send 1 or more"))?,
            cap: self.cap.as_ref().map(|cap| amount("cap", cap)).transpose()?,
        })
    }
}

/// A live bonus that is not what the run came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Differing {
    /// The bonus.
    pub payout: Uuid,
    /// What the run came to, in minor units of its currency.
    pub computed: i64,
}

/// Computes a period's bonuses and proposes them; the same input answers the first run, and proposes anew only what was
/// rejected, cancelled or reversed since. The computed amount is the range: somebody else approves it as it is.
///
/// # Errors
/// By policy; BAD_USER_INPUT on a kind that is no bonus, a wrong or open period or an inexact amount; refusals on an
/// unknown channel, a run of the actor's own reports, or more bonuses than one run may have.
pub async fn compute(app: &App, actor: &Actor, input: &ComputeBonusRun) -> Result<bonus_run::Model> {
    require(actor, Action::ComputeBonusRun)?;
    if !matches!(input.kind, PayoutKind::QuarterlyBonus | PayoutKind::AnnualBonus) {
        return Err(Error::bad_input("input.kind", "send QUARTERLY_BONUS or ANNUAL_BONUS"));
    }
    let rationale = require_text("input.rationale", &input.rationale, SHORT)?;
    let unit = unit("input.currency", &input.currency)?;
    let policy = input.policy.read(unit)?;
    let period = read_period("input.period", input.kind, &input.period)?;
    let channel = find_channel(app, "channel", input.channel.0).await?;
    let mut changes = ChangeSet::new(app, actor, Action::ComputeBonusRun).because(Some(rationale.as_str()));
    let span = start_of_day(zone(&channel), period.first())..start_of_day(zone(&channel), period.end());
    if changes.at() < span.end {
        return Err(Error::bad_input("input.period", "send a period that has ended"));
    }
    let reports = store::confirmed_reports(app, channel.id, span).await?;
    let rows = store::reporters(app, reports.iter().filter_map(|report| report.reporter_id)).await?;
    let stand_ins = payee::stand_ins(rows.values());
    let person =
        |one: Counted| Counted { reporter: *stand_ins.get(&one.reporter).unwrap_or(&one.reporter), ..one };
    let counted: Vec<Counted> = reports.iter().filter_map(Counted::of).map(person).collect();
    let bonuses = rules::bonuses(&policy, &counted);
    if bonuses.len() > MOST {
        let message =
            format!("{} reporters would get a bonus: raise atLeast, a run has at most {MOST}", bonuses.len());
        return Err(Error::refused(RefusalCode::Contradiction, message));
    }
    let mut run = bonus_run::Model {
        id: app.ids.next(),
        kind: input.kind,
        channel_id: channel.id,
        period: period.to_string(),
        currency: unit.code().to_owned(),
        policy: serde_json::to_value(policy).map_err(anyhow::Error::from)?,
        input_hash: rules::input_hash(&policy, unit.code(), &counted),
        counted: i32::try_from(counted.len()).unwrap_or(i32::MAX),
        differing: json!([]),
        computed_by: actor.subject.to_string(),
        computed_at: changes.at(),
    };
    let same = store::same_run(app, &run).await?;
    let id = same.as_ref().map_or(run.id, |same| same.id);
    let live = store::live_bonuses(app, channel.id, input.kind, &run.period).await?;
    let (mut proposed, mut differing) = (0, Vec::new());
    for (reporter, amount) in bonuses {
        // Nobody is paid of whom nothing is known any more.
        let Some(payee) = rows.get(&reporter).filter(|payee| payee.erased_at.is_none()) else { continue };
        if let Some(live) = live.get(&Person::of(payee)) {
            if (live.amount, &*live.currency) != (amount, unit.code()) {
                differing.push(Differing { payout: live.id, computed: amount });
            }
            continue;
        }
        if payee.subject.as_deref() == Some(&*actor.subject) {
            let message = "you would be paid yourself: another ANALYST has to compute it";
            return Err(Error::refused(RefusalCode::FourEyes, message));
        }
        // Linked to a subject meanwhile, they might be somebody who has a bonus.
        changes.demand(payee);
        let new = new_row(app, &changes, input.kind, channel.id, reporter, Money { minor: amount, unit });
        let row = payout::Model {
            period: Some(run.period.clone()),
            bonus_run_id: Some(id),
            rationale: rationale.clone(),
            range_minimum: Some(amount),
            range_maximum: Some(amount),
            live_key: Some(bonus_key(app, payee, channel.id, input.kind, &run.period)),
            ..new
        };
        record(app, &mut changes, &row, None, PayoutChangeKind::Proposed, None, None);
        changes.create(app, row, None);
        proposed += 1;
    }
    match same {
        Some(same) if proposed == 0 => Ok(same),
        Some(same) => {
            app.commit(changes).await?;
            Ok(same)
        }
        None => {
            run.differing = serde_json::to_value(differing).map_err(anyhow::Error::from)?;
            changes.insert(&run);
            changes.record(app, "bonus_run", run.id);
            app.commit(changes).await?;
            Ok(run)
        }
    }
}
