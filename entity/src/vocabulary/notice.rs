//! Vocabularies of notices: what people are told personally, and what databases notify of.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What a person is told. 提醒类型。
    NoticeKind {
        /// Much of a clock's time is over. 时限即将到期。
        DueSoon = "DUE_SOON",
        /// The due instant of a clock passed. 时限已逾期。
        Breached = "BREACHED",
        /// A clock cannot be counted since a date or calendar year is not entered. 因日期或日历年份未录入，时限无法计算，请录入。
        Undated = "UNDATED",
        /// A reply was surely not taken and is not tried again. 回复确定未送达，不再重试。
        ReplyFailed = "REPLY_FAILED",
        /// Nobody knows whether a reply arrived: find out and say so. 回复是否送达不明，须查明。
        ReplyUncertain = "REPLY_UNCERTAIN",
        /// The e-mail of a reply came back. 回复邮件被退回。
        ReplyBounced = "REPLY_BOUNCED",
        /// A reply waits for your approval, or for that of somebody with your duty. 有回复待您或与您同岗值守的人员审核。
        ReviewAsked = "REVIEW_ASKED",
        /// An early warning was approved by somebody who is only on duty. 早期预警由当值人员批准。
        ApprovedOnDuty = "APPROVED_ON_DUTY",
        /// A webhook endpoint was disabled since its receiver takes nothing. Webhook 端点因接收方不接收而被停用。
        EndpointDisabled = "ENDPOINT_DISABLED",
        /// The owner of a webhook endpoint is denied or stale: nothing leaves. Webhook 端点负责人被禁止或已过期，推送已停止。
        EndpointOwnerGone = "ENDPOINT_OWNER_GONE",
        /// A ticketing system fails again and again. 工单系统持续失败。
        TrackerFailing = "TRACKER_FAILING",
        /// A ticketing system refuses a ticket or took less than was asked. 工单被拒绝或未按要求保存，须人工处理。
        TicketRefused = "TICKET_REFUSED",
        /// Deliveries to a webhook endpoint were given up: they can be replayed. Webhook 推送多次失败已放弃，可重新推送。
        DeliveriesGivenUp = "DELIVERIES_GIVEN_UP",
        /// Hooks of a channel's platform are refused or cannot be carried out. 渠道平台的回调被拒绝或无法执行。
        ChannelHooksFailing = "CHANNEL_HOOKS_FAILING",
        /// Hooks of a ticketing system are refused or cannot be carried out. 工单系统的回调被拒绝或无法执行。
        TrackerHooksFailing = "TRACKER_HOOKS_FAILING",
        /// Mails of a channel's mailbox were not taken: see those flagged there, and the log. 渠道邮箱中有邮件未能接收，请查看被标记的邮件与日志。
        MailLeftOut = "MAIL_LEFT_OUT",
        /// A mail about a report is not surely its reporter's: it moved nothing. 与报告有关的邮件不能确认为报告人所发，未推动流程，请查看。
        ReportMail = "REPORT_MAIL",
    }

    /// What a database calls the vulnerability that it notifies of. 漏洞库通知中的漏洞类型。
    NoticeType {
        /// In software or hardware that many run: it is published. 通用型，会被公开。
        Generic = "GENERIC",
        /// In one organisation's installation: it is never published. 事件型，不公开。
        EventType = "EVENT_TYPE",
    }

    /// What became of a day's e-mail of notices. 每日提醒邮件的结果。
    DigestState {
        /// Being written, or waiting to be tried again: nothing of it went out. 准备中或等待重试。
        Claimed = "CLAIMED",
        /// Its content is going out. 正在传输。
        Handing = "HANDING",
        /// The mail server took it. 邮件服务器已接收。
        Sent = "SENT",
        /// There was nothing to say. 无内容，未发送。
        Nothing = "NOTHING",
        /// It was surely not taken. 确定未被接收。
        Refused = "REFUSED",
        /// Nobody knows whether it arrived; it is not sent again. 结果不明，不再发送。
        Uncertain = "UNCERTAIN",
    }
}
