//! The API of payouts, grids and budgets.

mod loaders;
mod money;
mod mutations;
mod objects;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{PayoutChangeKind, PayoutKind, PayoutState};
use entity::{channel, reporter};
use uuid::Uuid;

pub use loaders::of_report;
pub use money::{BonusRun, Budget, BudgetEntry, RewardGrid, RewardGridCell};
pub use mutations::{BonusRunPayload, BudgetPayload, PayoutMutation, PayoutPayload, RewardGridPayload};
pub use objects::{AllowedPayoutMove, Payout, PayoutAppeal, PayoutStep};

use super::cursor;
use super::period::Period;
use super::reconcile::{self, Difference, Span, Statement};
use super::store::{self, PayoutFilter};
use crate::auth::policy::{Action, require};
use crate::error::Error;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, MAX_SIZE, PageInput};
use crate::graphql::scalars::{Decimal, Id};
use crate::graphql::sensitive::{lists_items, touch_report};
use crate::graphql::{actor, app};
use crate::money::Money;

/// Changes in one answer of `payoutChanges`, when no number is asked for.
const CHANGES: i32 = 50;

/// Most lines of a statement in one query.
const STATEMENT_LINES: usize = 500;

/// Which payouts; what is left out does not matter. 奖励筛选条件；省略表示不限。
#[derive(Clone, Debug, Default, InputObject)]
pub struct PayoutFilterInput {
    /// In one of these states. 状态。
    pub state: Option<Vec<PayoutState>>,
    /// Of one of these kinds. 类型。
    pub kind: Option<Vec<PayoutKind>>,
    /// Paid out by this channel. 渠道。
    pub channel: Option<Id<channel::Entity>>,
    /// Of this period: 2026-Q1, 2026, 2026-03. 周期。
    pub period: Option<String>,
    /// To this reporter. 报告人。
    pub reporter: Option<Id<reporter::Entity>>,
}

impl PayoutFilterInput {
    fn read(self) -> ApiResult<PayoutFilter> {
        let period = self.period.map(|period| read_period("filter.period", &period)).transpose()?;
        Ok(PayoutFilter {
            states: self.state.unwrap_or_default(),
            kinds: self.kind.unwrap_or_default(),
            channel: self.channel.map(|id| id.0),
            period: period.map(|period| period.to_string()),
            reporter: self.reporter.map(|id| id.0),
            report: None,
            run: None,
        })
    }
}

fn read_period(field: &str, text: &str) -> ApiResult<Period> {
    text.parse().map_err(|error| Error::bad_input(field, format!("{error}")).into())
}

/// Changes of payouts after a position, in the order in which they were committed. 某位置之后的奖励变更，按提交顺序。
#[derive(SimpleObject)]
pub struct PayoutChanges {
    /// The changes; empty when there is nothing new. 变更；无新内容时为空。
    changes: Vec<PayoutChange>,
    /// Send it as `after` next time. 下次作为 after 传入。
    next_position: String,
    /// Whether there is more at once. 是否还有更多。
    has_more: bool,
}

/// A change of a payout, in its place in the stream. 变更流中的一次奖励变更。
#[derive(SimpleObject)]
pub struct PayoutChange {
    /// Its place, opaque. 位置（不透明）。
    position: String,
    /// What happened. 变更类型。
    kind: PayoutChangeKind,
    /// State before; null for the first. 变更前状态。
    from_state: Option<PayoutState>,
    /// State after. 变更后状态。
    to_state: PayoutState,
    /// When. 时间。
    changed_at: DateTime<Utc>,
    /// The payout as it now is. 奖励当前内容。
    payout: Payout,
}

/// A line of a platform's statement. 平台对账单的一行。
#[derive(Clone, Debug, InputObject)]
pub struct StatementLine {
    /// Our payout's number. 奖励编号。
    pub number: String,
    /// What was paid. 实付金额。
    pub amount: Decimal,
    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    pub currency: String,
    /// The payment's reference; not compared when left out. 支付流水号；省略时不比较。
    pub reference: Option<String>,
}

/// What a comparison with a statement found. 对账结果。
#[derive(SimpleObject)]
pub struct PayoutReconciliation {
    /// Payouts that agree. 一致的笔数。
    agreed: i32,
    /// Paid here, not in the statement. 我方已付而对账单缺失。
    missing: Vec<String>,
    /// In both, otherwise. 双方不一致。
    different: Vec<String>,
    /// In the statement, not paid here. 对账单多出。
    extra: Vec<String>,
}

/// Queries of payouts, grids and budgets.
#[derive(Default)]
pub struct PayoutQuery;

/// Payouts, reward grids and budgets. 奖励、奖励标准与预算查询。
#[Object]
impl PayoutQuery {
    /// Payouts that you may see, the newest proposal first. 可见的奖励，按提议时间倒序。
    async fn payouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all when left out. 筛选条件。")] filter: Option<PayoutFilterInput>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Payout>> {
        let (app, actor) = (app(ctx), actor(ctx));
        require(actor, Action::ReadPayouts)?;
        let filter = filter.unwrap_or_default().read()?;
        let input = PageInput { first, after, last, before };
        let page = store::page(app, actor, &filter, &input).await?;
        if lists_items(ctx) {
            page.rows.iter().filter_map(|(payout, _)| payout.report_id).for_each(|id| touch_report(ctx, id));
        }
        Ok(Connection::new(page))
    }

    /// Changes of the payouts that you may see, after a position; none is ever left out or comes later at an earlier
    /// position. FINANCE, SRC. 指定位置之后的奖励变更，保证不遗漏（财务、SRC 平台）。
    async fn payout_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "nextPosition of the last answer; from the beginning when left out. 上次返回的 nextPosition；省略则从头开始。"
        )]
        after: Option<String>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out. 条数。")] first: Option<i32>,
    ) -> ApiResult<PayoutChanges> {
        let (app, actor) = (app(ctx), actor(ctx));
        require(actor, Action::ReadPayoutChanges)?;
        let after: i64 = match after.as_deref() {
            None => 0,
            Some(text) => cursor::open(app, text).ok_or_else(|| {
                Error::bad_input("after", "not a position of this stream: send nextPosition of an answer")
            })?,
        };
        let first =
            u16::try_from(first.unwrap_or(CHANGES)).ok().filter(|first| (1..=MAX_SIZE).contains(first));
        let first = first.ok_or_else(|| Error::bad_input("first", format!("send 1 to {MAX_SIZE}")))?;
        let mut placed = store::changes_after(app, actor, after, u64::from(first) + 1).await?;
        let has_more = placed.len() > usize::from(first);
        placed.truncate(first.into());
        let next_position = cursor::seal(app, placed.last().map_or(after, |last| last.position))?;
        placed.iter().filter_map(|placed| placed.payout.report_id).for_each(|id| touch_report(ctx, id));
        let positions =
            placed.iter().map(|placed| cursor::seal(app, placed.position)).collect::<Result<Vec<_>, _>>()?;
        let changes = placed.into_iter().zip(positions).map(|(placed, position)| PayoutChange {
            position,
            kind: placed.change.kind,
            from_state: placed.change.from_state,
            to_state: placed.change.to_state,
            changed_at: placed.change.changed_at,
            payout: placed.payout.into(),
        });
        Ok(PayoutChanges { changes: changes.collect(), next_position, has_more })
    }

    /// Compares the payouts of a channel with its platform's statement, exactly. FINANCE.
    /// 将某渠道的奖励与平台对账单精确比对（财务）。
    async fn payout_reconciliation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the channel. 渠道标识。")] channel: String,
        #[graphql(
            desc = "Only what was paid from then on has to be in the statement. 仅核对此时（含）之后的支付。"
        )]
        from: Option<DateTime<Utc>>,
        #[graphql(
            desc = "Only what was paid before then has to be in the statement. 仅核对此时之前的支付。"
        )]
        until: Option<DateTime<Utc>>,
        #[graphql(
            desc = "What they paid, at most 500 lines: send a longer statement span by span, with from and until. 对账单，最多五百行；更长的对账单请按 from、until 分段提交。"
        )]
        statement: Vec<StatementLine>,
    ) -> ApiResult<PayoutReconciliation> {
        let (app, actor) = (app(ctx), actor(ctx));
        require(actor, Action::ReadPayoutReconciliation)?;
        if statement.len() > STATEMENT_LINES {
            return Err(Error::bad_input("statement", format!("send at most {STATEMENT_LINES} lines")).into());
        }
        let wrong = |error| Error::bad_input("statement", format!("{error}"));
        let line = |line: StatementLine| {
            let paid =
                line.currency.parse().and_then(|unit| Money::parse(&line.amount.0, unit)).map_err(wrong)?;
            Ok::<_, Error>(Statement { number: line.number, paid, reference: line.reference })
        };
        let lines = statement.into_iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let found = reconcile::reconcile(app, actor, &channel, Span { from, until }, &lines).await?;
        let mut answer = PayoutReconciliation {
            agreed: i32::try_from(found.agreed).unwrap_or(i32::MAX),
            missing: Vec::new(),
            different: Vec::new(),
            extra: Vec::new(),
        };
        for difference in found.differences {
            let list = match difference {
                Difference::Missing { .. } => &mut answer.missing,
                Difference::Different { .. } => &mut answer.different,
                Difference::Extra { .. } => &mut answer.extra,
            };
            list.push(difference.to_string());
        }
        Ok(answer)
    }

    /// Versions of the reward grids, the newest first. 奖励标准版本，由新到旧。
    async fn reward_grids(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this channel. 仅该渠道。")] channel: Option<Id<channel::Entity>>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<RewardGrid>> {
        require(actor(ctx), Action::ReadRewardGrids)?;
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(store::grids(app(ctx), channel.map(|id| id.0), &input).await?))
    }

    /// Budgets, the latest recorded first. 预算，按登记时间倒序。
    #[expect(clippy::too_many_arguments, reason = "arguments of a connection stand flat")]
    async fn budgets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this period. 仅该周期。")] period: Option<String>,
        #[graphql(desc = "Only in this currency, or POINTS. 仅该货币或 POINTS。")] currency: Option<String>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Budget>> {
        require(actor(ctx), Action::ReadBudgets)?;
        let period = period.map(|period| read_period("period", &period)).transpose()?;
        let period = period.map(|period| period.to_string());
        let input = PageInput { first, after, last, before };
        let page = store::budgets(app(ctx), period.as_deref(), currency.as_deref(), &input).await?;
        Ok(Connection::new(page))
    }
}

/// The payouts of a reporter that the caller may see, as a connection.
///
/// # Errors
/// Those of the page.
pub async fn of_reporter(
    ctx: &Context<'_>,
    reporter: Uuid,
    input: &PageInput,
) -> ApiResult<Connection<Payout>> {
    let filter = PayoutFilter { reporter: Some(reporter), ..PayoutFilter::default() };
    let page = store::page(app(ctx), actor(ctx), &filter, input).await?;
    if lists_items(ctx) {
        page.rows.iter().filter_map(|(payout, _)| payout.report_id).for_each(|id| touch_report(ctx, id));
    }
    Ok(Connection::new(page))
}
