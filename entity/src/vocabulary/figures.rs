//! Vocabularies of figures: what they are put together by, and what is made from them.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What figures are put together by. 统计分组方式。
    FigureGroup {
        /// Channel: of the event's reports, of the reply or clock, or of the payout. 渠道。
        Channel = "CHANNEL",
        /// Kind of the channel. 渠道类型。
        ChannelKind = "CHANNEL_KIND",
        /// Present level of the event. 当前等级。
        Level = "LEVEL",
        /// Highest level the event ever had. 历史最高等级。
        HighestLevel = "HIGHEST_LEVEL",
        /// Product that is not known to be unaffected; an event with several counts in each. 产品（不含已判定不受影响者），一个事件可计入多个产品。
        Product = "PRODUCT",
        /// Product line, in the same way. 产品线，规则同上。
        Line = "LINE",
        /// Current verdict of the event. 当前研判结论。
        Verdict = "VERDICT",
        /// Handling status of the event. 处置状态。
        Status = "STATUS",
        /// Day, in the period's time zone. 日，按统计时区。
        Day = "DAY",
        /// Week by its Monday, in the period's time zone. 周（以周一日期表示），按统计时区。
        Week = "WEEK",
        /// Month, in the period's time zone. 月，按统计时区。
        Month = "MONTH",
    }

    /// A span of time that is measured. 时长指标。
    TimeMeasure {
        /// From a report's receipt to its acknowledgement. 从收到报告到确认收到。
        Acknowledgement = "ACKNOWLEDGEMENT",
        /// From the beginning of a pass to its verdict. 从本轮开始到研判结论。
        Verdict = "VERDICT",
        /// From the beginning of a pass until every line is verified or its risk accepted. 从本轮开始到全部产品线修复验证通过或接受风险。
        Fix = "FIX",
        /// From when any other reply is owed until it is sent. 从产生其他回复义务到回复发出。
        Reply = "REPLY",
    }

    /// What happened to the payouts that are counted. 奖励统计口径。
    PayoutStage {
        /// They were approved. 已批准。
        Approved = "APPROVED",
        /// They were paid. 已支付。
        Paid = "PAID",
        /// Their payment was reversed. 已冲正。
        Reversed = "REVERSED",
    }

    /// A table of figures. 统计表。
    FigureTable {
        /// Events, with verdicts, duplicates and what was known before. 事件。
        Events = "EVENTS",
        /// Times. 时长。
        Times = "TIMES",
        /// Deadlines. 时限。
        Deadlines = "DEADLINES",
        /// Payouts. 奖励。
        Payouts = "PAYOUTS",
    }

    /// What places on the leaderboard follow from. 排行榜排序依据。
    LeaderboardOrder {
        /// Accepted reports. 采纳报告数。
        Accepted = "ACCEPTED",
        /// Points. 积分。
        Points = "POINTS",
    }

    /// Form of a monthly report. 月报格式。
    MonthlyReportFormat {
        /// Markdown, with its charts as files beside it. Markdown，图表为附带文件。
        Markdown = "MARKDOWN",
        /// One HTML page with its charts inside. 内含图表的单个 HTML 页面。
        Html = "HTML",
        /// PDF. PDF 文件。
        Pdf = "PDF",
    }

    /// Language of a monthly report. 月报语言。
    MonthlyReportLanguage {
        /// Chinese. 中文。
        Zh = "ZH",
        /// English. 英文。
        En = "EN",
    }
}
