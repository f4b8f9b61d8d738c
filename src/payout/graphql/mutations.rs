//! Mutations of payouts, grids and budgets.

use async_graphql::{Context, Object};

use super::money::{BonusRun, Budget, RewardGrid};
use super::objects::Payout;
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app};
use crate::outbox::retrying;
use crate::payload;
use crate::payout::bonus::{self, ComputeBonusRun};
use crate::payout::grid::{self, CreateRewardGrid};
use crate::payout::{
    self, AcceptPayout, AdjustBudget, AppealPayout, ApprovePayout, ConfirmPayout, CreateBudget, FailPayout,
    MarkPayoutPaid, MarkPayoutSynced, PayoutMove, ProposePayout, ResolvePayoutAppeal, SetPayeeAccount,
    SplitPayout,
};

payload! {
    /// A payout after a change. 变更后的奖励。
    PayoutPayload {
        /// The payout as it now is; null when the change was refused. 变更后的奖励；被拒绝时为空。
        payout: Payout
    }
}

payload! {
    /// A budget after a change. 变更后的预算。
    BudgetPayload {
        /// The budget as it now is; null when the change was refused. 变更后的预算；被拒绝时为空。
        budget: Budget
    }
}

payload! {
    /// A reward grid after it was introduced. 新引入的奖励标准。
    RewardGridPayload {
        /// The grid; null when it was refused. 奖励标准；被拒绝时为空。
        reward_grid: RewardGrid
    }
}

payload! {
    /// A bonus run. 奖金计算结果。
    BonusRunPayload {
        /// The run; null when it was refused. 计算结果；被拒绝时为空。
        bonus_run: BonusRun
    }
}

/// Changes of payouts, grids and budgets.
#[derive(Default)]
pub struct PayoutMutation;

/// Changes of payouts, grids and budgets. 奖励、奖励标准与预算变更。
#[Object]
impl PayoutMutation {
    /// Introduces what reports earn from now on. ADMIN.
    /// 引入新版奖励标准（管理员）。
    async fn create_reward_grid(
        &self,
        ctx: &Context<'_>,
        input: CreateRewardGrid,
    ) -> ApiResult<RewardGridPayload> {
        RewardGridPayload::of(retrying(|| grid::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Grants money or points for a period. FINANCE.
    /// 为某一周期拨付预算（财务）。
    async fn create_budget(&self, ctx: &Context<'_>, input: CreateBudget) -> ApiResult<BudgetPayload> {
        BudgetPayload::of(retrying(|| payout::create_budget(app(ctx), actor(ctx), &input)).await)
    }

    /// Grants a budget more, or takes back what is not approved. FINANCE.
    /// 调整预算（财务）。
    async fn adjust_budget(&self, ctx: &Context<'_>, input: AdjustBudget) -> ApiResult<BudgetPayload> {
        BudgetPayload::of(retrying(|| payout::adjust(app(ctx), actor(ctx), &input)).await)
    }

    /// Proposes a payout. ANALYST, and not who is paid or reported it.
    /// 提议奖励（安全运营，且非收款人或报告人）。
    async fn propose_payout(&self, ctx: &Context<'_>, input: ProposePayout) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::propose(app(ctx), actor(ctx), &input)).await)
    }

    /// Splits a proposed payout among several finders; the sum is kept to the last cent. ANALYST.
    /// 将奖励拆分给多名发现人，总额不变（安全运营）。
    async fn split_payout(&self, ctx: &Context<'_>, input: SplitPayout) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::split(app(ctx), actor(ctx), &input)).await)
    }

    /// Approves a payout and reserves it in its budget. ANALYST or FINANCE in range, LEADER beyond range or budget; never who proposed it.
    /// 批准奖励并预留预算：区间内由安全运营或财务，超区间或超预算由领导小组，且非提议人。
    async fn approve_payout(&self, ctx: &Context<'_>, input: ApprovePayout) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::approve(app(ctx), actor(ctx), &input)).await)
    }

    /// Rejects a proposed payout. ANALYST, FINANCE, LEADER.
    /// 拒绝奖励提议（安全运营、财务、领导小组）。
    async fn reject_payout(&self, ctx: &Context<'_>, input: PayoutMove) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::reject(app(ctx), actor(ctx), &input)).await)
    }

    /// Puts a payout on hold. ANALYST, FINANCE, LEADER.
    /// 暂停奖励（安全运营、财务、领导小组）。
    async fn hold_payout(&self, ctx: &Context<'_>, input: PayoutMove) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::hold(app(ctx), actor(ctx), &input)).await)
    }

    /// Lets a held payout go on where it was. ANALYST, LEADER.
    /// 解除暂停（安全运营、领导小组）。
    async fn release_payout(&self, ctx: &Context<'_>, input: PayoutMove) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::release(app(ctx), actor(ctx), &input)).await)
    }

    /// Takes a payout back before it is paid; its budget is given back. ANALYST, LEADER.
    /// 支付前取消奖励并退回预算（安全运营、领导小组）。
    async fn cancel_payout(&self, ctx: &Context<'_>, input: PayoutMove) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::cancel(app(ctx), actor(ctx), &input)).await)
    }

    /// Offers a failed payout to the platform again. ANALYST, FINANCE.
    /// 重新提交支付失败的奖励（安全运营、财务）。
    async fn retry_payout(&self, ctx: &Context<'_>, input: PayoutMove) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::retry(app(ctx), actor(ctx), &input)).await)
    }

    /// Undoes a payment by a reversing entry. LEADER.
    /// 以冲销分录撤销支付（领导小组）。
    async fn reverse_payout(&self, ctx: &Context<'_>, input: PayoutMove) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::reverse(app(ctx), actor(ctx), &input)).await)
    }

    /// Accepts a payout; again changes nothing. Its payee, or their platform.
    /// 接受奖励，重复调用无影响（收款人或其平台）。
    async fn accept_payout(&self, ctx: &Context<'_>, input: AcceptPayout) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::accept(app(ctx), actor(ctx), &input)).await)
    }

    /// Appeals against the severity, once, until `answerBy`. Its payee, or their platform.
    /// 在期限内对严重程度申诉一次（收款人或其平台）。
    async fn appeal_payout(&self, ctx: &Context<'_>, input: AppealPayout) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::appeal(app(ctx), actor(ctx), &input)).await)
    }

    /// Upholds or dismisses an appeal. ANALYST, LEADER, and not who gave the severity.
    /// 处理申诉（安全运营、领导小组，且非原定级人）。
    async fn resolve_payout_appeal(
        &self,
        ctx: &Context<'_>,
        input: ResolvePayoutAppeal,
    ) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::resolve(app(ctx), actor(ctx), &input)).await)
    }

    /// The platform took a payout, once it was accepted; again changes nothing. SRC.
    /// 平台已接收奖励（已接受后），重复调用无影响（SRC 平台）。
    async fn mark_payout_synced(
        &self,
        ctx: &Context<'_>,
        input: MarkPayoutSynced,
    ) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::mark_synced(app(ctx), actor(ctx), &input)).await)
    }

    /// Records a payment by hand, where the channel has no platform. FINANCE.
    /// 无平台渠道的人工支付登记（财务）。
    async fn mark_payout_paid(&self, ctx: &Context<'_>, input: MarkPayoutPaid) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::mark_paid(app(ctx), actor(ctx), &input)).await)
    }

    /// Confirms that the platform paid; the same again changes nothing, a contradicting one is refused. SRC, FINANCE.
    /// 确认平台已支付；相同确认无影响，矛盾确认被拒绝（SRC 平台、财务）。
    async fn confirm_payout(&self, ctx: &Context<'_>, input: ConfirmPayout) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::confirm(app(ctx), actor(ctx), &input)).await)
    }

    /// The platform could not pay; again changes nothing. SRC, FINANCE.
    /// 平台支付失败，重复调用无影响（SRC 平台、财务）。
    async fn fail_payout(&self, ctx: &Context<'_>, input: FailPayout) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::fail(app(ctx), actor(ctx), &input)).await)
    }

    /// Says where the payee's money goes. The payee, their platform, FINANCE.
    /// 设置收款账户（收款人、其平台、财务）。
    async fn set_payee_account(&self, ctx: &Context<'_>, input: SetPayeeAccount) -> ApiResult<PayoutPayload> {
        PayoutPayload::of(retrying(|| payout::set_payee_account(app(ctx), actor(ctx), &input)).await)
    }

    /// Computes a period's bonuses and proposes them; the same input answers the first run. ANALYST.
    /// 计算并提议某周期奖金；输入相同返回首次结果（安全运营）。
    async fn compute_bonus_run(
        &self,
        ctx: &Context<'_>,
        input: ComputeBonusRun,
    ) -> ApiResult<BonusRunPayload> {
        BonusRunPayload::of(retrying(|| bonus::compute(app(ctx), actor(ctx), &input)).await)
    }
}
