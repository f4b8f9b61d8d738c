//! Payouts as the API shows them.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{AssetTier, Facet, Level, PayoutChangeKind, PayoutKind, PayoutState, Severity};
use entity::{budget, channel, payout, payout_appeal, payout_change, report, reporter, reward_grid};

use super::loaders::event_of;
use super::money::{Budget, RewardGrid};
use crate::auth::Role;
use crate::auth::policy::{Action, allows};
use crate::error::Error;
use crate::graphql::errors::ApiResult;
use crate::graphql::scalars::{self, Decimal};
use crate::graphql::{actor, app, loaders};
use crate::intake::graphql::{Report, Reporter};
use crate::money::{Money, Unit};
use crate::multi_platform;
use crate::multi_platform::graphql::PayoutHold;
use crate::payout::rules::{self, Cause, MoveFacts};

/// Money or points for a reporter.
pub struct Payout(pub payout::Model);

impl From<payout::Model> for Payout {
    fn from(row: payout::Model) -> Self {
        Self(row)
    }
}

/// Minor units as a decimal of their currency.
pub(super) fn decimal(currency: &str, minor: i64) -> ApiResult<Decimal> {
    let unit: Unit = currency.parse().map_err(|error| Error::Internal(anyhow::Error::new(error)))?;
    Ok(Decimal(Money { minor, unit }.decimal()))
}

impl Payout {
    /// Whether the caller sees how it was decided: who pays, and who sees the event of its report from inside, or of a
    /// bonus is not its payee.
    async fn inside(&self, ctx: &Context<'_>) -> ApiResult<bool> {
        let actor = actor(ctx);
        if actor.is(Role::Finance) || actor.keys(Facet::Public).is_empty() {
            return Ok(allows(actor, Action::ReadPayoutDecisions));
        }
        let Some(report) = self.0.report_id else {
            return Ok(allows(actor, Action::ReadPayoutDecisions) && !self.is_own(ctx).await?);
        };
        match loaders::lookup::<report::Entity>(ctx, report).await? {
            Some(report) => loaders::inside(ctx, report.event_id, Action::ReadPayoutDecisions).await,
            None => Ok(false),
        }
    }

    fn decimal(&self, minor: i64) -> ApiResult<Decimal> {
        decimal(&self.0.currency, minor)
    }

    /// Whether the caller is who is paid.
    async fn is_own(&self, ctx: &Context<'_>) -> ApiResult<bool> {
        let payee = loaders::lookup::<reporter::Entity>(ctx, self.0.reporter_id).await?;
        Ok(payee.is_some_and(|payee| payee.subject.as_deref() == Some(&*actor(ctx).subject)))
    }

    /// Whether the caller may read what an appeal says: it is about the vulnerability, as the report is.
    async fn says_what_was_found(&self, ctx: &Context<'_>) -> ApiResult<bool> {
        let report = match self.0.report_id {
            Some(report) => loaders::lookup::<report::Entity>(ctx, report).await?,
            None => None,
        };
        Ok(report.is_some() || self.is_own(ctx).await?)
    }

    async fn appeals(&self, ctx: &Context<'_>) -> ApiResult<std::sync::Arc<[payout_appeal::Model]>> {
        loaders::children::<payout_appeal::Entity>(ctx, self.0.id).await
    }
}

/// Money or points for a reporter: for a report, or for a period. Its payee and their platform see it from its
/// approval on, without how it was decided. 给报告人的奖励（货币或积分）；收款人及其平台自批准起可见，不含内部决策信息。
#[Object]
impl Payout {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<payout::Entity>(self.0.id)
    }

    /// Number that people and platforms use; it tells no count. 奖励编号。
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// What it is for. 奖励类型。
    async fn kind(&self) -> PayoutKind {
        self.0.kind
    }

    /// Where it stands. 状态。
    async fn state(&self) -> PayoutState {
        self.0.state
    }

    /// How much, exactly; to those outside what was last approved. 金额（精确）；对外为最近批准的金额。
    async fn amount(&self, ctx: &Context<'_>) -> ApiResult<Decimal> {
        let inside = self.inside(ctx).await?;
        let approved = self.0.approved_amount.filter(|_| !inside);
        self.decimal(approved.unwrap_or(self.0.amount))
    }

    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// Period of a bonus or gift; null for a report's payout. 奖金或礼品的周期；报告奖励为空。
    async fn period(&self) -> Option<&str> {
        self.0.period.as_deref()
    }

    /// Severity that priced it, to those outside by the last approval; null for bonuses and gifts.
    /// 定价所依据的严重程度，对外为最近批准时的；奖金与礼品为空。
    async fn severity(&self, ctx: &Context<'_>) -> ApiResult<Option<Severity>> {
        let inside = self.inside(ctx).await?;
        Ok(if inside { self.0.severity } else { self.0.approved_severity })
    }

    /// The report that earned it; null for bonuses and gifts, and to who may not see it.
    /// 对应的报告；奖金与礼品为空，无权查看时为空。
    async fn report(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        let Some(id) = self.0.report_id else { return Ok(None) };
        Ok(loaders::lookup::<report::Entity>(ctx, id).await?.map(Report))
    }

    /// Number of the event; null for bonuses and gifts, and to those outside. 事件编号；奖金与礼品及外部人员为空。
    async fn event_number(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let inside = self.inside(ctx).await?;
        let Some(report) = self.0.report_id.filter(|_| inside) else { return Ok(None) };
        Ok(event_of(ctx, report).await?.map(|(number, _)| number))
    }

    /// Level of the event; null for bonuses and gifts, and to those outside. 事件等级；奖金与礼品及外部人员为空。
    async fn event_level(&self, ctx: &Context<'_>) -> ApiResult<Option<Level>> {
        let inside = self.inside(ctx).await?;
        let Some(report) = self.0.report_id.filter(|_| inside) else { return Ok(None) };
        Ok(event_of(ctx, report).await?.map(|(_, level)| level))
    }

    /// Name of the channel that pays it out. 支付渠道名称。
    async fn channel_name(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        Ok(loaders::lookup::<channel::Entity>(ctx, self.0.channel_id).await?.map(|row| row.name))
    }

    /// Whom it is paid to; null when your roles may not read reporters. 收款报告人；无权查看报告人时为空。
    async fn payee(&self, ctx: &Context<'_>) -> ApiResult<Option<Reporter>> {
        if !allows(actor(ctx), Action::ReadReporters) || !self.inside(ctx).await? {
            return Ok(None);
        }
        Ok(loaders::lookup::<reporter::Entity>(ctx, self.0.reporter_id).await?.map(Reporter))
    }

    /// Reference of the account it goes to; null while unknown, and to everybody but FINANCE and the payee.
    /// 收款账户标识；未知时为空，仅财务与收款人可见。
    async fn payee_account(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let Some(payee) = loaders::lookup::<reporter::Entity>(ctx, self.0.reporter_id).await? else {
            return Ok(None);
        };
        let own = payee.subject.as_deref() == Some(&*actor(ctx).subject);
        let may = own || allows(actor(ctx), Action::ReadPayeeAccounts);
        Ok(payee.payee_account.filter(|_| may))
    }

    /// Version of what is known of the payee, to send with a change of the account; null to those who may set none.
    /// 收款人信息版本，变更收款账户时需提供；无权设置者为空。
    async fn payee_version(&self, ctx: &Context<'_>) -> ApiResult<Option<i32>> {
        if !allows(actor(ctx), Action::SetPayeeAccount) {
            return Ok(None);
        }
        Ok(loaders::lookup::<reporter::Entity>(ctx, self.0.reporter_id).await?.map(|payee| payee.version))
    }

    /// Tier by which it was priced; null for bonuses and gifts, and to those outside. 定价所依据的资产等级；外部人员为空。
    async fn asset_tier(&self, ctx: &Context<'_>) -> ApiResult<Option<AssetTier>> {
        let inside = self.inside(ctx).await?;
        Ok(self.0.asset_tier.filter(|_| inside))
    }

    /// Least that the grid gives; null where no range prices it, and to those outside. 区间下限；无区间或外部人员为空。
    async fn range_minimum(&self, ctx: &Context<'_>) -> ApiResult<Option<Decimal>> {
        let inside = self.inside(ctx).await?;
        self.0.range_minimum.filter(|_| inside).map(|minor| self.decimal(minor)).transpose()
    }

    /// Most that the grid gives; null where no range prices it, and to those outside. 区间上限；无区间或外部人员为空。
    async fn range_maximum(&self, ctx: &Context<'_>) -> ApiResult<Option<Decimal>> {
        let inside = self.inside(ctx).await?;
        self.0.range_maximum.filter(|_| inside).map(|minor| self.decimal(minor)).transpose()
    }

    /// What the range prices: the amount before a split; null to those outside. 拆分前的金额；外部人员为空。
    async fn priced_amount(&self, ctx: &Context<'_>) -> ApiResult<Option<Decimal>> {
        let inside = self.inside(ctx).await?;
        inside.then(|| self.decimal(self.0.priced)).transpose()
    }

    /// Version of the reward grid that priced it; null for bonuses and gifts, and to those outside.
    /// 定价所用的奖励标准版本；外部人员为空。
    async fn reward_grid(&self, ctx: &Context<'_>) -> ApiResult<Option<RewardGrid>> {
        let inside = self.inside(ctx).await?;
        let Some(id) = self.0.grid_id.filter(|_| inside) else { return Ok(None) };
        Ok(loaders::lookup::<reward_grid::Entity>(ctx, id).await?.map(RewardGrid))
    }

    /// Why this amount; null to those outside. 理由；外部人员为空。
    async fn rationale(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        let inside = self.inside(ctx).await?;
        Ok(inside.then_some(&*self.0.rationale))
    }

    /// Subject who proposed it; null to those outside. 提议人；外部人员为空。
    async fn proposed_by(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        let inside = self.inside(ctx).await?;
        Ok(inside.then_some(&*self.0.proposed_by))
    }

    /// When it was proposed. 提议时间。
    async fn proposed_at(&self) -> DateTime<Utc> {
        self.0.proposed_at
    }

    /// Subject who approved it; null until then, and to those outside. 批准人；外部人员为空。
    async fn approved_by(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        let inside = self.inside(ctx).await?;
        Ok(self.0.approved_by.as_deref().filter(|_| inside))
    }

    /// When it was last approved; null before. 最近批准时间。
    async fn approved_at(&self) -> Option<DateTime<Utc>> {
        self.0.approved_at
    }

    /// Until when the white hat may accept or appeal; null while not approved. 接受或申诉的截止时间；未批准时为空。
    async fn answer_by(&self) -> Option<DateTime<Utc>> {
        self.0.answer_by
    }

    /// Whether the white hat accepted: in words, or by silence until `answerBy`. 白帽是否已接受（明示或逾期默认）。
    async fn accepted(&self, ctx: &Context<'_>) -> bool {
        rules::is_accepted(&self.0, app(ctx).clock.now())
    }

    /// When the white hat accepted in words; null by silence. 明示接受时间；默认接受时为空。
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.0.accepted_at
    }

    /// The one appeal; null when there is none. 申诉；没有时为空。
    async fn appeal(&self, ctx: &Context<'_>) -> ApiResult<Option<PayoutAppeal>> {
        let inside = self.inside(ctx).await?;
        let appeals = self.appeals(ctx).await?;
        let Some(row) = appeals.first() else { return Ok(None) };
        Ok(Some(PayoutAppeal::new(row, inside, self.says_what_was_found(ctx).await?)))
    }

    /// That it waits, or was taken back, since its report is taken for one that was sent to several platforms; null when
    /// nobody says so. 因疑似一洞多投而暂缓或取消的情况；无此情况时为空。
    async fn multi_platform(&self, ctx: &Context<'_>) -> ApiResult<Option<PayoutHold>> {
        let readable = self.says_what_was_found(ctx).await?;
        multi_platform::graphql::of_payout(ctx, &self.0, readable).await
    }

    /// The budget it is reserved in or was paid from; null while there is none, or your roles may not read budgets.
    /// 所用预算；尚无或无权查看时为空。
    async fn budget(&self, ctx: &Context<'_>) -> ApiResult<Option<Budget>> {
        let may = allows(actor(ctx), Action::ReadBudgets);
        let Some(id) = self.0.budget_id.filter(|_| may) else { return Ok(None) };
        Ok(loaders::lookup::<budget::Entity>(ctx, id).await?.map(Budget))
    }

    /// Part approved beyond the budget; null when your roles may not read budgets. 超预算批准的部分；无权查看预算时为空。
    async fn over_budget(&self, ctx: &Context<'_>) -> ApiResult<Option<Decimal>> {
        let may = allows(actor(ctx), Action::ReadBudgets);
        may.then(|| self.decimal(self.0.over_budget)).transpose()
    }

    /// Which attempt at the platform holds, from 1; it is named with what the platform says. 当前为第几次提交平台，平台回执须注明。
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// Which share of a split payout it is, from 1; null while it is whole, and to those outside. 拆分份额序号；未拆分或外部人员为空。
    async fn share(&self, ctx: &Context<'_>) -> ApiResult<Option<i32>> {
        let inside = self.inside(ctx).await?;
        Ok(self.0.share.filter(|_| inside))
    }

    /// When the platform took it; null before. 平台接收时间。
    async fn synced_at(&self) -> Option<DateTime<Utc>> {
        self.0.synced_at
    }

    /// The platform's own reference; null when it has none. 平台编号。
    async fn platform_reference(&self) -> Option<&str> {
        self.0.platform_reference.as_deref()
    }

    /// When it was paid, as confirmed; null before. 支付时间。
    async fn paid_at(&self) -> Option<DateTime<Utc>> {
        self.0.paid_at
    }

    /// Reference of the payment; null before. 支付流水号。
    async fn paid_reference(&self) -> Option<&str> {
        self.0.paid_reference.as_deref()
    }

    /// Proof of a payment by hand; null for others, and to those outside. 人工支付凭证；外部人员为空。
    async fn paid_proof(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        let inside = self.inside(ctx).await?;
        Ok(self.0.paid_proof.as_deref().filter(|_| inside))
    }

    /// Subject who confirmed the payment; null before, and to those outside. 确认支付人；外部人员为空。
    async fn paid_by(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        let inside = self.inside(ctx).await?;
        Ok(self.0.paid_by.as_deref().filter(|_| inside))
    }

    /// When its payment was reversed; null when it was not. 冲销时间。
    async fn reversed_at(&self) -> Option<DateTime<Utc>> {
        self.0.reversed_at
    }

    /// What happened to it, oldest first; to those outside from its approval on. 变更历史，由旧到新；外部人员自批准起可见。
    async fn history(&self, ctx: &Context<'_>) -> ApiResult<Vec<PayoutStep>> {
        let inside = self.inside(ctx).await?;
        let rows = loaders::children::<payout_change::Entity>(ctx, self.0.id).await?;
        let readable = inside && self.says_what_was_found(ctx).await?;
        let shown = rows.iter().filter(|row| inside || rules::is_public(row));
        Ok(shown.map(|row| PayoutStep::new(row, inside, readable)).collect())
    }

    /// The moves that its state knows, what each still needs, and whether your roles may make it.
    /// 当前状态允许的流转、尚缺条件及您是否可执行。
    async fn allowed_moves(&self, ctx: &Context<'_>) -> ApiResult<Vec<AllowedPayoutMove>> {
        let channel = loaders::lookup::<channel::Entity>(ctx, self.0.channel_id).await?;
        let facts = MoveFacts {
            has_platform: channel.is_some_and(|channel| rules::has_platform(channel.kind)),
            appeal_open: self.appeals(ctx).await?.iter().any(|appeal| appeal.resolved_at.is_none()),
            now: app(ctx).clock.now(),
        };
        let actor = actor(ctx);
        let moves = rules::moves_of(&self.0).map(|entry| {
            let action = entry.cause.mutation();
            let took_part = [Some(&*self.0.proposed_by), self.0.split_by.as_deref()];
            let proposer = entry.cause == Cause::Approve && took_part.contains(&Some(&*actor.subject));
            AllowedPayoutMove {
                to: entry.to,
                mutation: action.name(),
                viewer_can: allows(actor, action) && !proposer,
                missing: rules::missing(&self.0, entry.cause, &facts)
                    .into_iter()
                    .map(|need| need.message)
                    .collect(),
            }
        });
        Ok(moves.collect())
    }

    /// Whether its payment may be reversed by you: a LEADER, once it is PAID. 您是否可冲销（领导小组，已支付后）。
    async fn viewer_can_reverse(&self, ctx: &Context<'_>) -> bool {
        rules::may_reverse(&self.0) && allows(actor(ctx), Action::ReversePayout)
    }

    /// Version to send with a change. 版本号，变更时需提供。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it last changed. 最近变更时间。
    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }
}

/// A move that a payout's state knows. 奖励当前状态允许的流转。
#[derive(SimpleObject)]
pub struct AllowedPayoutMove {
    /// Where it leads. 目标状态。
    to: PayoutState,
    /// The mutation that makes it. 触发该流转的操作。
    mutation: &'static str,
    /// Whether your roles may make it, and you did not propose it where four eyes are asked for. 您是否可执行。
    viewer_can: bool,
    /// What is still missing; empty when it may be made now. 尚缺的条件；可立即执行时为空。
    missing: Vec<String>,
}

/// A step of a payout. 奖励的一次变更。
#[derive(SimpleObject)]
pub struct PayoutStep {
    /// What happened. 变更类型。
    kind: PayoutChangeKind,
    /// State before; null for the first. 变更前状态。
    from_state: Option<PayoutState>,
    /// State after. 变更后状态。
    to_state: PayoutState,
    /// Why; null where nobody said so, to those outside, and of what resolved an appeal to who may not read the report.
    /// 原因；未说明时及对外部人员为空；申诉处理的原因对无权查看报告者为空。
    reason: Option<String>,
    /// Subject who did it; null to those outside. 操作人；外部人员为空。
    changed_by: Option<String>,
    /// When. 时间。
    changed_at: DateTime<Utc>,
}

impl PayoutStep {
    fn new(row: &payout_change::Model, inside: bool, readable: bool) -> Self {
        // An appeal that is upheld has the payout proposed anew, in the words that resolved it.
        let of_appeal = matches!(
            row.kind,
            PayoutChangeKind::Appealed | PayoutChangeKind::AppealDismissed | PayoutChangeKind::Proposed
        );
        Self {
            kind: row.kind,
            from_state: row.from_state,
            to_state: row.to_state,
            reason: row.reason.clone().filter(|_| inside && (readable || !of_appeal)),
            changed_by: inside.then(|| row.changed_by.clone()),
            changed_at: row.changed_at,
        }
    }
}

/// The one appeal against a payout's severity. 对奖励所依据严重程度的一次申诉。
#[derive(SimpleObject)]
pub struct PayoutAppeal {
    /// What the white hat says; null to who may not read the report. 申诉理由；无权查看报告时为空。
    grounds: Option<String>,
    /// When it was made. 申诉时间。
    appealed_at: DateTime<Utc>,
    /// Severity appealed against. 申诉前的严重程度。
    severity_before: Severity,
    /// Severity after it; null until it is resolved. 处理后的严重程度；未处理时为空。
    severity_after: Option<Severity>,
    /// Why it was resolved so; null until it is, and to who may not read the report. 处理说明；未处理或无权查看报告时为空。
    resolution: Option<String>,
    /// Subject who resolved it; null until it is, and to those outside. 处理人；外部人员为空。
    resolved_by: Option<String>,
    /// When it was resolved; null until it is. 处理时间；未处理时为空。
    resolved_at: Option<DateTime<Utc>>,
}

impl PayoutAppeal {
    fn new(row: &payout_appeal::Model, inside: bool, readable: bool) -> Self {
        Self {
            grounds: readable.then(|| row.grounds.clone()),
            appealed_at: row.appealed_at,
            severity_before: row.severity_before,
            severity_after: row.severity_after,
            resolution: row.resolution.clone().filter(|_| readable),
            resolved_by: row.resolved_by.clone().filter(|_| inside),
            resolved_at: row.resolved_at,
        }
    }
}
