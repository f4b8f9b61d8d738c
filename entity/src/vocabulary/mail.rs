//! Vocabularies of inbound mail and attachments.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What is known of whether a mail's sender is who it says. 发件人真实性。
    MailVerification {
        /// A trusted mail server found that the sender's domain sent it. 受信任的邮件服务器确认由该域名发出。
        Verified = "VERIFIED",
        /// Nobody who is trusted says anything: anybody may have written it. 未经验证，任何人都可能伪造。
        Unverified = "UNVERIFIED",
        /// A trusted mail server found that the sender's domain did not send it. 受信任的邮件服务器判定发件人系伪造。
        Failed = "FAILED",
    }

    /// Why a message to a reporter did not go out by e-mail. 消息未以邮件发出的原因。
    NotMailed {
        /// The reporter did not write by mail. 报告人并非以邮件报告。
        NotByMail = "NOT_BY_MAIL",
        /// No address of theirs is known that mail goes to. 没有可用的报告人邮箱。
        NoAddress = "NO_ADDRESS",
        /// Nothing is set by which mail leaves, or from which address. 未配置发信服务器或发件地址。
        NoMailServer = "NO_MAIL_SERVER",
        /// It may not leave: by its level, an embargo or the way abroad. 因保密级别、保密期或出境限制不得外发。
        Withheld = "WITHHELD",
    }

    /// What an attachment is. 附件类型。
    AttachmentKind {
        /// A file that came with a report. 随报告收到的文件。
        File = "FILE",
        /// A mail as it arrived, to the byte. 邮件原文。
        OriginalMail = "ORIGINAL_MAIL",
    }
}
