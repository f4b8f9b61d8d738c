//! Proposing a payout: for a report that earned it, or for a reporter's period.

use async_graphql::InputObject;
use entity::vocabulary::{AssetTier, PayoutChangeKind, PayoutKind, PayoutState, Severity};
use entity::{channel, event, payout, report, reporter};
use serde::Serialize;
use uuid::Uuid;

use super::payee::{Person, bonus_key};
use super::period::{Length, Period};
use super::rules::{self, Earning, Parties};
use super::{SHORT, number, positive, record, refused, reported_it, store, unit};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::require_text;
use crate::graphql::scalars::{Decimal, Id};
use crate::idempotency::{self, Replay};
use crate::money::Money;
use crate::multi_platform;
use crate::outbox::ChangeSet;

/// A payout to propose: a report for BOUNTY and INTERNAL_REWARD, a reporter and a period for the others.
/// 提议奖励：漏洞奖金与内部奖励填报告，其余填报告人与周期。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct ProposePayout {
    /// What it is for. 奖励类型。
    pub kind: PayoutKind,
    /// The report that earned it. 对应的报告。
    pub report: Option<Id<report::Entity>>,
    /// Whom a bonus or gift is for. 报告人，仅用于奖金与礼品。
    pub reporter: Option<Id<reporter::Entity>>,
    /// Period of a bonus or gift: 2026-Q1, 2026, 2026-03. 周期，仅用于奖金与礼品。
    pub period: Option<String>,
    /// How much, exactly. 金额（精确）。
    pub amount: Decimal,
    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    pub currency: String,
    /// Tier of the asset, while no affected product says it. 资产等级；已记录受影响产品时由产品决定。
    pub asset_tier: Option<AssetTier>,
    /// The ended share of a split payout whose place it takes: its finder is paid. 所替代的、已终止的拆分份额，由该份额发现人收款。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Id<payout::Entity>>,
    /// Why this amount. 理由。
    pub rationale: String,
    /// Sent again with the same input, it answers the first payout. 幂等键；相同输入返回首次结果。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// What a report's price follows from.
pub(super) struct Price {
    pub(super) grid: Uuid,
    pub(super) tier: AssetTier,
    pub(super) range: Option<(i64, i64)>,
}

/// Proposes a payout.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on an inexact amount, an unknown currency or a wrong period; refusals
/// where the report does not earn, has a live payout already, or no grid prices it; FOUR_EYES for the payee.
pub async fn propose(app: &App, actor: &Actor, input: &ProposePayout) -> Result<payout::Model> {
    require(actor, Action::ProposePayout)?;
    let amount = positive("input.amount", &input.amount, unit("input.currency", &input.currency)?)?;
    let rationale = require_text("input.rationale", &input.rationale, SHORT)?;
    let subject = Subject::read(input)?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::ProposePayout, key, input).await? {
        Replay::Done(id) => return Ok(store::find(app, actor, id).await?.payout),
        Replay::First(key) => key,
    };
    let mut changes = ChangeSet::new(app, actor, Action::ProposePayout).because(Some(rationale.as_str()));
    let (mut row, payee, event) = match subject {
        Subject::Report(id) => {
            let report = crate::intake::store::find_inside(app, actor, id).await?;
            for_report(app, actor, &changes, &report, input, amount).await?
        }
        Subject::Period(id, period) => {
            let reporter = store::find_reporter(app, actor, id).await?;
            let row = for_period(app, &changes, &reporter, input.kind, &period.to_string(), amount)?;
            (row, reporter, None)
        }
    };
    row.rationale = rationale;
    changes.demand(&payee);
    if let Some(event) = &event {
        changes.demand(event);
    }
    let event_id = event.map(|event| event.id);
    let parties = Parties {
        actor: &actor.subject,
        payee: payee.subject.as_deref(),
        reported_it: reported_it(app, actor, event_id).await?,
    };
    refused(rules::check_impartial(parties).into_iter().collect())?;
    refuse_second(app, &row, &payee).await?;
    record(app, &mut changes, &row, None, PayoutChangeKind::Proposed, None, event_id);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    let row = changes.create(app, row, event_id);
    app.commit(changes).await?;
    Ok(row)
}

/// What the payout is for.
enum Subject {
    Report(Uuid),
    Period(Uuid, Period),
}

impl Subject {
    fn read(input: &ProposePayout) -> Result<Self> {
        let missing = |field: &str, what: &str| {
            Error::bad_input(format!("input.{field}"), format!("{} is for {what}", input.kind))
        };
        if rules::is_for_report(input.kind) {
            if input.reporter.is_some() || input.period.is_some() {
                return Err(missing("report", "a report: leave reporter and period out"));
            }
            let report = input.report.ok_or_else(|| missing("report", "a report: name it"))?;
            return Ok(Self::Report(report.0));
        }
        if input.report.is_some() || input.replaces.is_some() {
            return Err(missing("report", "a reporter and a period: leave report and replaces out"));
        }
        let reporter = input.reporter.ok_or_else(|| missing("reporter", "a reporter: name them"))?;
        let period = input.period.as_deref().unwrap_or_default();
        Ok(Self::Period(reporter.0, read_period("input.period", input.kind, period)?))
    }
}

/// The period of a bonus of this kind.
pub(super) fn read_period(field: &str, kind: PayoutKind, text: &str) -> Result<Period> {
    let period: Period = text.parse().map_err(|error| Error::bad_input(field, format!("{error}")))?;
    match (kind, period.length()) {
        (PayoutKind::QuarterlyBonus, Length::Year | Length::Month) => {
            Err(Error::bad_input(field, "a quarterly bonus has a quarter: send 2026-Q1"))
        }
        (PayoutKind::AnnualBonus, Length::Quarter | Length::Month) => {
            Err(Error::bad_input(field, "an annual bonus has a year: send 2026"))
        }
        _ => Ok(period),
    }
}

/// The key of an event's only live payout, or of its share. The first share is in the place of the whole.
pub(super) fn live_key(event: Uuid, share: Option<i32>) -> String {
    match share {
        None | Some(1) => format!("event:{event}"),
        Some(share) => format!("event:{event}:{share}"),
    }
}

/// The ended share whose place the proposal takes.
async fn replaced(
    app: &App,
    actor: &Actor,
    report: &report::Model,
    input: &ProposePayout,
) -> Result<Option<payout::Model>> {
    let Some(id) = input.replaces else { return Ok(None) };
    let ended = store::find(app, actor, id.0).await?.payout;
    let fits = ended.report_id == Some(report.id)
        && (ended.kind, &*ended.currency) == (input.kind, &*input.currency)
        && ended.share.is_some()
        && ended.live_key.is_none();
    if fits {
        return Ok(Some(ended));
    }
    let message =
        "it is no share for this report, of this kind and currency, that was rejected, cancelled or reversed";
    Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "replaces", message)]))
}

/// Refuses a second live payout for the same thing; the unique key does so where two come at once.
async fn refuse_second(app: &App, row: &payout::Model, payee: &reporter::Model) -> Result<()> {
    let taken = match (row.report_id, &row.live_key) {
        (Some(report), _) => {
            let same =
                |live: &payout::Model| row.share.is_none() || live.share.is_none() || live.share == row.share;
            store::live_of(app, report).await?.iter().any(same)
        }
        (None, Some(_)) => {
            let period = row.period.as_deref().unwrap_or_default();
            let live = store::live_bonuses(app, row.channel_id, row.kind, period).await?;
            live.contains_key(&Person::of(payee))
        }
        (None, None) => false,
    };
    if !taken {
        return Ok(());
    }
    let message = "it has a live payout: cancel, reject or reverse that one first; of a split one, name the ended \
                   share (replaces)";
    Err(Error::refused(RefusalCode::AlreadyExists, message))
}

/// What a report and its event say about what it earns.
pub(super) fn earning(report: &report::Model, event: &event::Model) -> Earning {
    Earning {
        verdict: event.verdict,
        duplicate: event.duplicate_of.is_some(),
        severity: report.severity,
        origin: report.origin,
        split: report.split,
    }
}

async fn for_report(
    app: &App,
    actor: &Actor,
    changes: &ChangeSet,
    report: &report::Model,
    input: &ProposePayout,
    amount: Money,
) -> Result<(payout::Model, reporter::Model, Option<event::Model>)> {
    let event = store::event(app, report).await?;
    let mut refusals = rules::check_earning(input.kind, &earning(report, &event));
    if report.reporter_id.is_none() {
        let message = "the report names no reporter: nobody can be paid";
        refusals.push(Refusal::on(RefusalCode::MissingFact, "report", message));
    }
    refusals.extend(rules::check_first(&store::siblings(app, report).await?));
    refusals.extend(multi_platform::stop(app, report).await?);
    let (Some(severity), Some(reporter), true) = (report.severity, report.reporter_id, refusals.is_empty())
    else {
        return Err(Error::Refused(refusals));
    };
    let replaced = replaced(app, actor, report, input).await?;
    let payee = replaced.as_ref().map_or(reporter, |share| share.reporter_id);
    let reporter = store::reporter(app, payee).await?;
    let grid = store::grid_for(app, report.channel_id, amount.unit.code()).await?;
    let Some(grid) = grid else {
        let message =
            format!("no reward grid is in {}: an ADMIN introduces one (createRewardGrid)", amount.unit);
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::MissingFact, "currency", message)]));
    };
    let price = price(app, grid.id, event.id, severity, input.asset_tier).await?;
    let mut row = new_row(app, changes, input.kind, report.channel_id, reporter.id, amount);
    row.report_id = Some(report.id);
    row.severity = Some(severity);
    if let Some(share) = &replaced {
        row.share = share.share;
        // Of a split payout only this share changes.
        row.priced = (share.priced - share.amount).saturating_add(row.amount);
    }
    row.live_key = Some(live_key(event.id, row.share));
    price.set(&mut row);
    Ok((row, reporter, Some(event)))
}

/// What a severity is worth by a version of the grid, for the highest tier that the event affects.
///
/// # Errors
/// Refusals when no product says the tier and `named` does not either, or it says another.
pub(super) async fn price(
    app: &App,
    grid: Uuid,
    event: Uuid,
    severity: Severity,
    named: Option<AssetTier>,
) -> Result<Price> {
    let recorded = store::tier(app, event).await?;
    let refuse = |code, message: String| Error::Refused(vec![Refusal::on(code, "assetTier", message)]);
    let tier = match (recorded, named) {
        (Some(tier), Some(named)) if tier != named => {
            let message = format!("the affected products are {tier}: leave assetTier out");
            return Err(refuse(RefusalCode::Contradiction, message));
        }
        (Some(tier), _) | (None, Some(tier)) => tier,
        (None, None) => {
            let message = "say which products are affected (setAffectedProduct), or send assetTier";
            return Err(refuse(RefusalCode::MissingFact, message.to_owned()));
        }
    };
    let cell = store::cell(app, grid, tier, severity).await?;
    Ok(Price { grid, tier, range: cell.map(|cell| (cell.minimum, cell.maximum)) })
}

impl Price {
    /// Keeps on the payout what it is priced by.
    pub(super) fn set(&self, row: &mut payout::Model) {
        row.grid_id = Some(self.grid);
        row.asset_tier = Some(self.tier);
        row.range_minimum = self.range.map(|(least, _)| least);
        row.range_maximum = self.range.map(|(_, most)| most);
    }
}

/// A bonus or gift: one live bonus of a kind for a reporter and period; of gifts there may be several.
pub(super) fn for_period(
    app: &App,
    changes: &ChangeSet,
    reporter: &reporter::Model,
    kind: PayoutKind,
    period: &str,
    amount: Money,
) -> Result<payout::Model> {
    let Some(channel) = reporter.channel_id else {
        let message = "the reporter is known through no channel: nobody can pay them";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::MissingFact, "reporter", message)]));
    };
    let mut row = new_row(app, changes, kind, channel, reporter.id, amount);
    row.period = Some(period.to_owned());
    row.live_key = (kind != PayoutKind::Gift).then(|| bonus_key(app, reporter, channel, kind, period));
    Ok(row)
}

/// A proposal that nobody has looked at.
pub(super) fn new_row(
    app: &App,
    changes: &ChangeSet,
    kind: PayoutKind,
    channel: Uuid,
    reporter: Uuid,
    amount: Money,
) -> payout::Model {
    payout::Model {
        id: app.ids.next(),
        number: number(app, chrono::Datelike::year(&changes.at())),
        kind,
        channel_id: channel,
        report_id: None,
        reporter_id: reporter,
        period: None,
        bonus_run_id: None,
        amount: amount.minor,
        currency: amount.unit.code().to_owned(),
        priced: amount.minor,
        grid_id: None,
        asset_tier: None,
        severity: None,
        range_minimum: None,
        range_maximum: None,
        state: PayoutState::Proposed,
        held_from: None,
        held_for: None,
        share: None,
        live_key: None,
        proposed_by: changes.actor().to_owned(),
        proposed_at: changes.at(),
        rationale: String::new(),
        split_by: None,
        approved_by: None,
        approved_at: None,
        approved_amount: None,
        approved_severity: None,
        answer_by: None,
        accepted_at: None,
        appealed: false,
        budget_id: None,
        over_budget: 0,
        attempt: 1,
        synced_at: None,
        platform_reference: None,
        paid_at: None,
        paid_by: None,
        paid_reference: None,
        paid_proof: None,
        reversed_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    }
}

/// The channel of a key, which has to exist.
pub(super) async fn channel(app: &App, field: &'static str, id: Uuid) -> Result<channel::Model> {
    crate::channel::store::find(app, id).await.map_err(|error| match error {
        Error::NotFound => {
            let message = "there is no such channel: name one that is configured";
            Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, field, message)])
        }
        other => other,
    })
}
