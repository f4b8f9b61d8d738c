//! Messages about what the installation works with and what fails again and again: who looks after it has to look.

use super::CONFIGURATION;
use crate::outbox::field::Opaque;

messages! {
    /// A ticketing system fails again and again, or a ticket was given up; told at most once a day and system.
    /// 工单系统持续失败，或有工单被放弃；每个系统每天最多提示一次。
    TrackerFailing "tracker.failing" [CONFIGURATION] {
        /// The ticketing system. 工单系统。
        tracker: Opaque<entity::tracker::Entity>,
    }
    /// Proven hooks of a sender are refused, or cannot be carried out; told at most once a day and sender.
    /// 已验证的回调被拒绝或无法执行；每个来源每天最多提示一次。
    HookFailing "hook.failing" [CONFIGURATION] {
        /// The channel whose platform sends them; left out for a ticketing system. 来源平台所属渠道；工单系统的回调省略。
        channel: Option<Opaque<entity::channel::Entity>>,
        /// The ticketing system that sends them; left out for a channel. 来源工单系统；渠道的回调省略。
        tracker: Option<Opaque<entity::tracker::Entity>>,
    }
    /// Mails of a channel's mailbox were not taken; told at most once a day and channel.
    /// 渠道邮箱中有邮件未能接收；每个渠道每天最多提示一次。
    MailLeftOut "mail.left_out" [CONFIGURATION] {
        /// The channel. 渠道。
        channel: Opaque<entity::channel::Entity>,
    }
}
