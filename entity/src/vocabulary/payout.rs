//! Vocabularies of payouts and budgets.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What a payout is for. 奖励类型。
    PayoutKind {
        /// For a confirmed report from outside. 漏洞奖金。
        Bounty = "BOUNTY",
        /// For a confirmed report of own staff. 内部奖励。
        InternalReward = "INTERNAL_REWARD",
        /// For a reporter's quarter. 季度奖。
        QuarterlyBonus = "QUARTERLY_BONUS",
        /// For a reporter's year. 年度奖。
        AnnualBonus = "ANNUAL_BONUS",
        /// A gift within a period. 礼品。
        Gift = "GIFT",
    }

    /// Where a payout stands. 奖励状态。
    PayoutState {
        /// Proposed, not approved. 已提议。
        Proposed = "PROPOSED",
        /// Approved; the white hat may accept or appeal. 已批准，等待白帽接受或申诉。
        Approved = "APPROVED",
        /// The platform took it. 已同步至平台。
        Synced = "SYNCED",
        /// Paid. 已支付。
        Paid = "PAID",
        /// Not approved. 已拒绝。
        Rejected = "REJECTED",
        /// Stopped until somebody releases it. 已暂停。
        OnHold = "ON_HOLD",
        /// The platform could not pay it. 支付失败。
        Failed = "FAILED",
        /// Taken back before it was paid. 已取消。
        Cancelled = "CANCELLED",
    }

    /// What happened to a payout. 奖励变更类型。
    PayoutChangeKind {
        /// It was proposed, or proposed anew after an appeal. 提议或申诉后重新提议。
        Proposed = "PROPOSED",
        /// It was split among several finders. 拆分。
        Split = "SPLIT",
        /// It was approved. 批准。
        Approved = "APPROVED",
        /// It was rejected. 拒绝。
        Rejected = "REJECTED",
        /// It was put on hold. 暂停。
        OnHold = "ON_HOLD",
        /// It was released from hold, or sent again after a failure. 解除暂停或失败后重试。
        Released = "RELEASED",
        /// The white hat accepted it. 白帽接受。
        Accepted = "ACCEPTED",
        /// The white hat appealed. 白帽申诉。
        Appealed = "APPEALED",
        /// The appeal was dismissed. 申诉被驳回。
        AppealDismissed = "APPEAL_DISMISSED",
        /// The platform took it. 平台已接收。
        Synced = "SYNCED",
        /// It was paid. 支付。
        Paid = "PAID",
        /// Paying it failed. 支付失败。
        Failed = "FAILED",
        /// It was cancelled. 取消。
        Cancelled = "CANCELLED",
        /// Its payment was reversed. 冲销。
        Reversed = "REVERSED",
        /// The platform confirmed a payment that none of ours expected: a person has to look. 平台确认了非预期的支付，须人工核查。
        UnexpectedPayment = "UNEXPECTED_PAYMENT",
    }

    /// Account of a budget's ledger. 预算账户。
    BudgetAccount {
        /// Where granted money comes from; the other side of every grant. 拨款来源。
        Granted = "GRANTED",
        /// May still be approved. 可用。
        Available = "AVAILABLE",
        /// Approved, not paid. 已预留。
        Reserved = "RESERVED",
        /// Paid. 已支出。
        Spent = "SPENT",
    }
}
