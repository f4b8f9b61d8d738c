//! Messages about payouts.

use entity::vocabulary::{PayoutKind, PayoutState};

use super::{BONUS, FINANCE, PAYEE, PAYOUT_TEAM};
use crate::outbox::field::Opaque;

macro_rules! payouts {
    ($($(#[doc = $doc:literal])+ $kind:ident $name:literal [$($audience:expr),+];)+) => {
        messages! {$(
            $(#[doc = $doc])+
            $kind $name [$($audience),+] {
                /// The payout. 奖励。
                payout: Opaque<entity::payout::Entity>,
                /// The payout's own number. 奖励编号。
                payout_number: String,
                /// The report that it is for; left out for bonuses and gifts. 对应报告；奖金与礼品省略。
                report: Option<Opaque<entity::report::Entity>>,
                /// Its kind. 类型。
                kind: PayoutKind,
                /// Where it stands now. 现状态。
                state: PayoutState,
                /// Whether it was ever approved: before that no channel and no reporter learns of it.
                /// 是否曾获批准；批准前渠道与报告人均不知情。
                approved: bool,
            }
        )+}
    };
}

payouts! {
    /// A payout was proposed. 提出奖励。
    PayoutProposed "payout.proposed" [PAYOUT_TEAM, FINANCE, BONUS];
    /// A payout was split among several finders. 奖励在多名发现者间拆分。
    PayoutSplit "payout.split" [PAYOUT_TEAM, FINANCE, BONUS];
    /// A payout was approved. 奖励已批准。
    PayoutApproved "payout.approved" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A payout was rejected. 奖励被驳回。
    PayoutRejected "payout.rejected" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A payout was put on hold. 奖励暂缓发放。
    PayoutOnHold "payout.on_hold" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A payout was released from hold or sent again. 奖励解除暂缓或重新发放。
    PayoutReleased "payout.released" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A white hat accepted a payout. 白帽子接受奖励。
    PayoutAccepted "payout.accepted" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A white hat appealed against a payout. 白帽子对奖励提出申诉。
    PayoutAppealed "payout.appealed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// An appeal against a payout was dismissed. 奖励申诉被驳回。
    PayoutAppealDismissed "payout.appeal_dismissed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// The platform took a payout. 平台已接收奖励。
    PayoutSynced "payout.synced" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A payout was paid. 奖励已支付。
    PayoutPaid "payout.paid" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// Paying a payout failed. 奖励支付失败。
    PayoutFailed "payout.failed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A payout was cancelled. 奖励已取消。
    PayoutCancelled "payout.cancelled" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// The payment of a payout was reversed. 奖励支付已冲销。
    PayoutReversed "payout.reversed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE];
    /// A platform confirmed a payment that none of ours expected: a person has to look. 平台确认了一笔非预期的支付，须人工核查。
    PayoutUnexpectedPayment "payout.unexpected_payment" [PAYOUT_TEAM, FINANCE, BONUS];
}
