//! Vocabularies of what replies are rendered to, and how they are handed over.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Form of a file that a reply was rendered to. 回复文件格式。
    ReplyFormat {
        /// Plain text. 纯文本。
        Text = "TEXT",
        /// HTML. 网页。
        Html = "HTML",
        /// Word document. Word 文档。
        Docx = "DOCX",
        /// PDF. PDF 文档。
        Pdf = "PDF",
        /// The e-mail as a whole. 完整邮件。
        Mail = "MAIL",
        /// The request to the channel's platform. 推送至渠道平台的请求。
        Json = "JSON",
    }

    /// How reports through a channel are acknowledged. 渠道报告的确认方式。
    Acknowledgement {
        /// A person writes and sends it. 人工撰写并发送。
        ByHand = "BY_HAND",
        /// It is drafted from the template; a person sends it. 按模板自动起草，人工发送。
        Drafted = "DRAFTED",
        /// It is drafted and sent; to who wrote by mail only if a trusted server vouched for them. 按模板自动起草并发送；来信人须经受信任的邮件服务器验证。
        Automatic = "AUTOMATIC",
    }

    /// How much of an event may leave to a channel. 可向渠道提供的信息范围。
    ReplyExtent {
        /// What the channel itself sent, and who we are. 渠道自身提交的信息与我方联系信息。
        Own = "OWN",
        /// Also which products, the verdict, dates and versions: nothing that helps to exploit it. 另含产品、结论、日期与版本。
        Reduced = "REDUCED",
        /// Also what the vulnerability is. 另含漏洞内容。
        Full = "FULL",
    }

    /// Where the handing over of a reply stands. 回复投递状态。
    DispatchState {
        /// Waits for its time; nothing of it went out. 等待投递。
        Waiting = "WAITING",
        /// Its content is going out. 正在传输。
        Handing = "HANDING",
        /// It was taken. 对方已接收。
        Taken = "TAKEN",
        /// It was surely not taken. 确定未被接收。
        Refused = "REFUSED",
        /// Nobody knows; a person decides. 结果不明，须人工确认。
        Uncertain = "UNCERTAIN",
    }
}
