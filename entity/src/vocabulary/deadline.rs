//! Vocabularies of clocks: what starts them, from which instant they count, where they stand.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Under which promise or law a clock runs. 时限所依据的承诺或法规。
    Regime {
        /// What a bounty platform promises its reporters. SRC 对报告人的承诺。
        SrcPromise = "SRC_PROMISE",
        /// A notice of a database or regulator. 漏洞库或监管单位的通知。
        Notice = "NOTICE",
        /// RMSV: administration of network product vulnerabilities. 《网络产品安全漏洞管理规定》。
        Rmsv = "RMSV",
        /// Cyber Resilience Act, art. 14: an actively exploited vulnerability. 欧盟《网络弹性法案》第14条：被利用的漏洞。
        CraVulnerability = "CRA_VULNERABILITY",
        /// Cyber Resilience Act, art. 14: a severe incident. 欧盟《网络弹性法案》第14条：严重事件。
        CraIncident = "CRA_INCIDENT",
        /// Reporting of network security incidents. 《国家网络安全事件报告管理办法》。
        CacIncident = "CAC_INCIDENT",
        /// Coordinated disclosure. 协同披露。
        Coordination = "COORDINATION",
        /// What customers are told. 客户通知。
        Customer = "CUSTOMER",
        /// The fix by the event's level. 按事件等级的修复时限。
        Fix = "FIX",
        /// The procedure itself. 处置流程。
        Procedure = "PROCEDURE",
    }

    /// What opens a clock. 时限的触发条件。
    DeadlineTrigger {
        /// A report arrived through a channel. 收到报告。
        ReportReceived = "REPORT_RECEIVED",
        /// A channel asked a follow-up question. 渠道追问。
        QuestionAsked = "QUESTION_ASKED",
        /// A vulnerability of one's own product in the scope of RMSV. 本单位网络产品存在漏洞。
        OwnVulnerability = "OWN_VULNERABILITY",
        /// A vulnerability of a product in the scope of the CRA is exploited. 产品漏洞遭在野利用。
        Exploited = "EXPLOITED",
        /// A severe incident was declared. 认定严重事件。
        SevereIncident = "SEVERE_INCIDENT",
        /// A network incident was declared. 认定网络安全事件。
        NetworkIncident = "NETWORK_INCIDENT",
        /// Customers use an affected product, or are recorded as affected. 客户使用受影响产品或已记录为受影响。
        CustomerAffected = "CUSTOMER_AFFECTED",
        /// The event has a level. 事件已定级。
        Level = "LEVEL",
    }

    /// What a clock waits for. 时限的对象。
    DeadlineKind {
        /// A reply to a channel. 对渠道的回复。
        Reply = "REPLY",
        /// A mitigation. 缓解措施。
        Mitigation = "MITIGATION",
        /// The fix. 修复。
        Fix = "FIX",
        /// The channel's own publication: a reverse clock. 对方公开：反向时限。
        Publication = "PUBLICATION",
        /// What the reporter was asked. 报告人补充信息。
        Information = "INFORMATION",
        /// The decision whether undisclosed content goes abroad. 是否向境外提供的决策。
        Decision = "DECISION",
    }

    /// Where a clock stands. 时限状态。
    DeadlineState {
        /// It runs, or waits for its anchor. 进行中。
        Open = "OPEN",
        /// What it waited for happened, in time or late. 已完成。
        Met = "MET",
        /// It no longer counts. 已免除。
        Waived = "WAIVED",
    }

    /// Instant from which a clock counts. 时限的起算点。
    DeadlineAnchor {
        /// The report was received. 收到报告。
        Received = "RECEIVED",
        /// The date that the notice itself names. 通知自身载明的期限。
        NoticeDate = "NOTICE_DATE",
        /// The first report of the event was received. 首次收到报告。
        FirstReceived = "FIRST_RECEIVED",
        /// The verdict that it is a vulnerability of ours. 研判确认。
        Confirmed = "CONFIRMED",
        /// It was learned of. 获知。
        LearnedOf = "LEARNED_OF",
        /// The first score of the pass. 本轮首次定级。
        LevelSet = "LEVEL_SET",
        /// A corrective or mitigating measure is available. 修复或缓解措施可用。
        MeasureAvailable = "MEASURE_AVAILABLE",
        /// The reply of another rule was submitted. 上一阶段报告已提交。
        PreviousSubmitted = "PREVIOUS_SUBMITTED",
        /// The decision was made. 作出决定。
        DecisionMade = "DECISION_MADE",
        /// Somebody was asked. 提出询问。
        Asked = "ASKED",
    }

    /// Why a clock has no due instant. 暂无期限的原因。
    NoDeadline {
        /// The notice names no date: enter one when there is one. 通知未载明期限，请在获知后录入。
        NoNoticeDate = "NO_NOTICE_DATE",
        /// No corrective or mitigating measure is available yet. 尚无可用的修复或缓解措施。
        NoMeasureYet = "NO_MEASURE_YET",
        /// The reply that it counts from was not submitted yet. 上一阶段报告尚未提交。
        PreviousNotSubmitted = "PREVIOUS_NOT_SUBMITTED",
        /// Nothing sets a time for it. 未规定期限。
        NoTerm = "NO_TERM",
        /// The calendar's days of a year on the way are not entered. 日历缺少所涉年份的数据。
        CalendarWithoutYear = "CALENDAR_WITHOUT_YEAR",
        /// The calendar's working hours are not entered. 日历未录入工作时段。
        CalendarWithoutHours = "CALENDAR_WITHOUT_HOURS",
        /// There is no calendar to count by: name one for the channel. 没有可用日历，请为渠道指定。
        NoCalendar = "NO_CALENDAR",
        /// Its end lies beyond what can be counted. 期限超出可计算范围。
        TooFar = "TOO_FAR",
    }

    /// What a person enters for clocks. 人工录入的时限事实。
    ClockFactKind {
        /// The date by which a notice asks for feedback. 通知要求的反馈期限。
        NoticeDue = "NOTICE_DUE",
        /// When the channel publishes, as agreed with it. 与渠道约定的公开时间。
        Publication = "PUBLICATION",
        /// A follow-up question of a channel. 渠道的追问。
        Question = "QUESTION",
        /// When a vulnerability of one's own product was learned of. 获知自有产品漏洞的时间。
        LearnedVulnerability = "LEARNED_VULNERABILITY",
        /// When its exploitation was learned of. 获知在野利用的时间。
        LearnedExploitation = "LEARNED_EXPLOITATION",
        /// When a severe incident was learned of. 获知严重事件的时间。
        LearnedSevereIncident = "LEARNED_SEVERE_INCIDENT",
        /// When a network incident was learned of. 获知网络安全事件的时间。
        LearnedNetworkIncident = "LEARNED_NETWORK_INCIDENT",
    }

    /// What was learned of, as clocks count from it. 获知的事项。
    LearnedOf {
        /// A vulnerability of one's own product. 自有产品漏洞。
        Vulnerability = "VULNERABILITY",
        /// Its exploitation in the wild. 在野利用。
        Exploitation = "EXPLOITATION",
        /// A severe incident. 严重事件。
        SevereIncident = "SEVERE_INCIDENT",
        /// A network incident. 网络安全事件。
        NetworkIncident = "NETWORK_INCIDENT",
    }
}
