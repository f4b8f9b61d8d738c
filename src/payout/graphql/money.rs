//! Grids, budgets and bonus runs as the API shows them.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{AssetTier, BudgetAccount, PayoutKind, Severity};
use entity::{bonus_run, budget, budget_entry, channel, payout, reward_grid, reward_grid_cell};

use super::objects::{Payout, decimal};
use crate::error::Error;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::{self, Decimal};
use crate::graphql::{actor, app, loaders};
use crate::payout::bonus::Differing;
use crate::payout::store::{self, PayoutFilter};

/// A version of what reports earn.
pub struct RewardGrid(pub reward_grid::Model);

impl From<reward_grid::Model> for RewardGrid {
    fn from(row: reward_grid::Model) -> Self {
        Self(row)
    }
}

/// A version of what reports earn; never changed, only followed by the next. 奖励标准版本；不可修改，仅可由新版本取代。
#[Object]
impl RewardGrid {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<reward_grid::Entity>(self.0.id)
    }

    /// Counts up from 1. 版本号，从 1 递增。
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// Name of the channel it is for; null when it is for all without a grid of their own.
    /// 适用渠道名称；适用于没有专属标准的渠道时为空。
    async fn channel_name(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let Some(id) = self.0.channel_id else { return Ok(None) };
        Ok(loaders::lookup::<channel::Entity>(ctx, id).await?.map(|row| row.name))
    }

    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// Ranges by tier and severity. 各等级与严重程度的区间。
    async fn cells(&self, ctx: &Context<'_>) -> ApiResult<Vec<RewardGridCell>> {
        let rows = loaders::children::<reward_grid_cell::Entity>(ctx, self.0.id).await?;
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| (row.asset_tier, row.severity));
        rows.iter().map(|row| RewardGridCell::new(row, &self.0.currency)).collect()
    }

    /// Subject who introduced it. 引入人。
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// From when it is used. 启用时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// The range of one severity in one tier. 某资产等级下某严重程度的奖励区间。
#[derive(SimpleObject)]
pub struct RewardGridCell {
    /// Tier of the asset. 资产等级。
    asset_tier: AssetTier,
    /// Severity told to the reporter. 严重程度。
    severity: Severity,
    /// Least. 下限。
    minimum: Decimal,
    /// Most. 上限。
    maximum: Decimal,
}

impl RewardGridCell {
    fn new(row: &reward_grid_cell::Model, currency: &str) -> ApiResult<Self> {
        Ok(Self {
            asset_tier: row.asset_tier,
            severity: row.severity,
            minimum: decimal(currency, row.minimum)?,
            maximum: decimal(currency, row.maximum)?,
        })
    }
}

/// Money or points for the payouts approved in a period.
pub struct Budget(pub budget::Model);

impl From<budget::Model> for Budget {
    fn from(row: budget::Model) -> Self {
        Self(row)
    }
}

impl Budget {
    fn decimal(&self, minor: i64) -> ApiResult<Decimal> {
        decimal(&self.0.currency, minor)
    }
}

/// Money or points for the payouts approved in a period: granted is available, reserved and spent together.
/// 某一周期内批准奖励所用的预算：拨款等于可用、预留与已支出之和。
#[Object]
impl Budget {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<budget::Entity>(self.0.id)
    }

    /// A year, quarter or month. 周期。
    async fn period(&self) -> &str {
        &self.0.period
    }

    /// Its first day. 首日。
    async fn starts_on(&self) -> NaiveDate {
        self.0.starts_on
    }

    /// Its last day. 末日。
    async fn ends_on(&self) -> NaiveDate {
        self.0.ends_on
    }

    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// Granted. 拨款。
    async fn granted(&self) -> ApiResult<Decimal> {
        self.decimal(self.0.granted)
    }

    /// May still be approved; below zero only by approved overruns. 可用；仅因获批超支而为负。
    async fn available(&self) -> ApiResult<Decimal> {
        self.decimal(self.0.available)
    }

    /// Approved, not paid. 已预留。
    async fn reserved(&self) -> ApiResult<Decimal> {
        self.decimal(self.0.reserved)
    }

    /// Paid. 已支出。
    async fn spent(&self) -> ApiResult<Decimal> {
        self.decimal(self.0.spent)
    }

    /// Approved beyond the budget and not given back. 获批的超支额。
    async fn overrun(&self) -> ApiResult<Decimal> {
        self.decimal(self.0.overrun)
    }

    /// Its ledger, oldest first. 预算分录，由旧到新。
    async fn entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<BudgetEntry>> {
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(store::entries(app(ctx), self.0.id, &input).await?))
    }

    /// Version to send with a change. 版本号，变更时需提供。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// One side of a posting in a budget's ledger.
pub struct BudgetEntry(pub budget_entry::Model);

impl From<budget_entry::Model> for BudgetEntry {
    fn from(row: budget_entry::Model) -> Self {
        Self(row)
    }
}

/// One side of a posting in a budget's ledger; the sides of a posting sum to zero. 预算分录的一方；同一笔记账各方之和为零。
#[Object]
impl BudgetEntry {
    /// What both sides of a posting have in common. 记账编号，同一笔的各方相同。
    async fn posting(&self) -> String {
        self.0.posting_id.to_string()
    }

    /// The account. 账户。
    async fn account(&self) -> BudgetAccount {
        self.0.account
    }

    /// How much, with sign, in the budget's currency. 金额（带符号），以预算货币计。
    async fn amount(&self, ctx: &Context<'_>) -> ApiResult<Option<Decimal>> {
        let budget = loaders::lookup::<budget::Entity>(ctx, self.0.budget_id).await?;
        budget.map(|budget| decimal(&budget.currency, self.0.amount)).transpose()
    }

    /// Number of the payout; null for a grant. 奖励编号；拨款时为空。
    async fn payout_number(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let Some(id) = self.0.payout_id else { return Ok(None) };
        Ok(loaders::lookup::<payout::Entity>(ctx, id).await?.map(|row| row.number))
    }

    /// Subject who caused it. 操作人。
    async fn recorded_by(&self) -> &str {
        &self.0.recorded_by
    }

    /// When. 时间。
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }
}

/// A computation of bonuses.
pub struct BonusRun(pub bonus_run::Model);

impl From<bonus_run::Model> for BonusRun {
    fn from(row: bonus_run::Model) -> Self {
        Self(row)
    }
}

/// A computation of a quarter's or year's bonuses. 季度奖或年度奖的一次计算。
#[Object]
impl BonusRun {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<bonus_run::Entity>(self.0.id)
    }

    /// Quarterly or annual. 季度或年度。
    async fn kind(&self) -> PayoutKind {
        self.0.kind
    }

    /// The period. 周期。
    async fn period(&self) -> &str {
        &self.0.period
    }

    /// Reports that counted. 计入的报告数。
    async fn counted(&self) -> i32 {
        self.0.counted
    }

    /// SHA-256 over policy and counted reports, in hexadecimal: the same input gives the same result.
    /// 规则与计入报告的 SHA-256（十六进制）；输入相同则结果相同。
    async fn input_hash(&self) -> String {
        hex::encode(&self.0.input_hash)
    }

    /// What it proposed, as far as you may see it. 所提议的奖励（可见部分）。
    async fn payouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Payout>> {
        let filter = PayoutFilter { run: Some(self.0.id), ..PayoutFilter::default() };
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(store::page(app(ctx), actor(ctx), &filter, &input).await?))
    }

    /// Bonuses that were live when it was computed, of other amounts than it came to: it proposes no second one beside them.
    /// 计算时已有效、但金额与计算结果不同的奖金；不会再次提议。
    async fn differing(&self, ctx: &Context<'_>) -> ApiResult<Vec<DifferingBonus>> {
        let differing: Vec<Differing> = serde_json::from_value(self.0.differing.clone())
            .map_err(|error| Error::from(anyhow::Error::from(error)))?;
        let payouts = differing.iter().map(|one| loaders::lookup::<payout::Entity>(ctx, one.payout));
        let payouts = futures_util::future::try_join_all(payouts).await?;
        let seen = differing.iter().zip(payouts).filter_map(|(one, payout)| Some((one, payout?)));
        let shown = seen.map(|(one, payout)| {
            let computed = decimal(&self.0.currency, one.computed)?;
            Ok(DifferingBonus { payout: payout.into(), computed })
        });
        shown.collect()
    }

    /// Subject who computed it. 计算人。
    async fn computed_by(&self) -> &str {
        &self.0.computed_by
    }

    /// When. 计算时间。
    async fn computed_at(&self) -> DateTime<Utc> {
        self.0.computed_at
    }
}

/// A bonus that was live when a run came to another amount. 与计算结果金额不同的有效奖金。
#[derive(SimpleObject)]
pub(super) struct DifferingBonus {
    /// The bonus. 奖金。
    payout: Payout,
    /// What the run came to, in its own currency. 计算所得金额（计算所用货币）。
    computed: Decimal,
}
