//! Closed vocabularies of the domain, each written once: text in the database, value in the schema,
//! variant in the rules.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

macro_rules! vocabulary {
    ($(#[doc = $doc:literal] $name:ident { $(#[doc = $meaning:literal] $variant:ident = $text:literal),+ $(,)? })+) => {$(
        #[doc = $doc]
        #[derive(
            Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumIter, DeriveActiveEnum, Enum,
        )]
        #[sea_orm(rs_type = "String", db_type = "String(StringLen::None)")]
        pub enum $name {
            $(
                #[doc = $meaning]
                #[sea_orm(string_value = $text)]
                #[serde(rename = $text)]
                #[graphql(name = $text)]
                $variant,
            )+
        }

        impl $name {
            /// The text that stands for it in the database, in tokens and in the schema.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

mod advisory;
mod calendar;
mod configuration;
mod deadline;
mod duplicate;
mod figures;
mod hook;
mod mail;
mod multi_platform;
mod notice;
mod payout;
mod picture;
mod search;
mod template;
mod ticket;
mod webhook;

pub use advisory::*;
pub use calendar::*;
pub use configuration::*;
pub use deadline::*;
pub use duplicate::*;
pub use figures::*;
pub use hook::*;
pub use mail::*;
pub use multi_platform::*;
pub use notice::*;
pub use payout::*;
pub use picture::*;
pub use search::*;
pub use template::*;
pub use ticket::*;
pub use webhook::*;

vocabulary! {
    /// Handling status of an event. 漏洞事件处置状态。
    Status {
        /// Received, not looked at yet. 已接收。
        Received = "RECEIVED",
        /// Being analysed. 分析研判。
        Triaging = "TRIAGING",
        /// The reporter was asked for more. 待补充。
        NeedsInformation = "NEEDS_INFORMATION",
        /// Confirmed, being rated. 风险定级。
        Rating = "RATING",
        /// Being fixed. 修复。
        Remediating = "REMEDIATING",
        /// The fix is being verified. 修复验证。
        Verifying = "VERIFYING",
        /// Channels are being answered. 处置反馈。
        Replying = "REPLYING",
        /// Being reviewed. 复盘总结。
        Reviewing = "REVIEWING",
        /// Closed. 已关闭。
        Closed = "CLOSED",
    }

    /// Status as a reporter sees it. 报告人可见的状态。
    PublicStatus {
        /// Received. 已接收。
        Received = "RECEIVED",
        /// Being analysed or rated. 审核中。
        InReview = "IN_REVIEW",
        /// Waiting for your information. 待补充。
        NeedsInformation = "NEEDS_INFORMATION",
        /// Being fixed or verified. 修复中。
        Fixing = "FIXING",
        /// Handled. 已完成。
        Done = "DONE",
    }

    /// Conclusion of the analysis. 研判结论。
    Verdict {
        /// It is a vulnerability of ours. 确认。
        Confirmed = "CONFIRMED",
        /// Known inside before, not published. 内部已知未发布。
        KnownInternally = "KNOWN_INTERNALLY",
        /// It does not exist or cannot be reproduced. 不存在/无法复现。
        NotReproducible = "NOT_REPRODUCIBLE",
        /// The same as an earlier one. 重复。
        Duplicate = "DUPLICATE",
        /// Known before, fixed and published. 内部已知且已发布补丁公告。
        AlreadyFixed = "ALREADY_FIXED",
        /// In a product that is out of support. 已退市产品。
        EndOfLife = "END_OF_LIFE",
        /// Not our product. 非我方产品。
        OtherVendor = "OTHER_VENDOR",
        /// Out of scope. 超出范围。
        OutOfScope = "OUT_OF_SCOPE",
        /// Not a security problem. 非安全问题。
        NotAVulnerability = "NOT_A_VULNERABILITY",
        /// Not enough information to tell. 信息不足。
        InsufficientInformation = "INSUFFICIENT_INFORMATION",
        /// Spam. 垃圾信息。
        Spam = "SPAM",
    }

    /// Level of an event by the five-factor rating, lowest first. 事件等级，由低到高。
    Level {
        /// Below an event, or not rated. 未达事件等级或未定级。
        None = "NONE",
        /// Ordinary. 蓝，一般。
        Blue = "BLUE",
        /// Larger. 黄，较大。
        Yellow = "YELLOW",
        /// Major. 橙，重大。
        Orange = "ORANGE",
        /// Critical. 红，特别重大。
        Red = "RED",
    }

    /// Severity told to the reporter; it prices the bounty. 对报告人公布的严重程度，决定奖励。
    Severity {
        /// Critical. 严重。
        Critical = "CRITICAL",
        /// High. 高危。
        High = "HIGH",
        /// Medium. 中危。
        Medium = "MEDIUM",
        /// Low. 低危。
        Low = "LOW",
    }

    /// Kind of a channel. 渠道类型。
    ChannelKind {
        /// National vulnerability database. 国家级漏洞库。
        NationalDatabase = "NATIONAL_DATABASE",
        /// Regulator. 监管单位。
        Regulator = "REGULATOR",
        /// Bounty platform, own or hosted. 自建或托管SRC平台。
        SrcPlatform = "SRC_PLATFORM",
        /// Customer. 客户。
        Customer = "CUSTOMER",
        /// Civil vulnerability platform. 民间漏洞平台。
        CivilPlatform = "CIVIL_PLATFORM",
        /// Another vendor. 其他厂商。
        Vendor = "VENDOR",
        /// Press and media. 媒体。
        Media = "MEDIA",
        /// Own staff. 内部。
        Internal = "INTERNAL",
    }

    /// Where a report comes from, by its reporter. 报告来源，取决于报告人。
    Origin {
        /// Own staff. 内部。
        Internal = "INTERNAL",
        /// Anybody else. 外部。
        External = "EXTERNAL",
    }

    /// Traffic Light Protocol 2.0. 信息共享级别（TLP 2.0）。
    Tlp {
        /// May be shared freely. 可公开。
        Clear = "CLEAR",
        /// May be shared within the community. 社区内共享。
        Green = "GREEN",
        /// May be shared inside and with clients who need it. 限组织及其客户。
        Amber = "AMBER",
        /// Inside the organisation only; no customer notice. 仅限组织内部，不得通知客户。
        AmberStrict = "AMBER_STRICT",
        /// Named people only. 仅限指定人员。
        Red = "RED",
    }

    /// What the world knows or does, whatever we do. 外部事实。
    WorldFactKind {
        /// The vulnerability is public. 漏洞已公开。
        PubliclyKnown = "PUBLICLY_KNOWN",
        /// An exploit is public. 利用代码已公开。
        ExploitPublic = "EXPLOIT_PUBLIC",
        /// It is exploited in the wild. 在野利用。
        ExploitedInTheWild = "EXPLOITED_IN_THE_WILD",
    }

    /// How a product stands to an event. 产品受影响状态。
    AffectedState {
        /// Nobody has looked yet. 尚未排查。
        NotLookedYet = "NOT_LOOKED_YET",
        /// Affected. 受影响。
        Affected = "AFFECTED",
        /// Not affected, with a reason. 不受影响（须说明原因）。
        NotAffected = "NOT_AFFECTED",
        /// Fixed. 已修复。
        Fixed = "FIXED",
    }

    /// State of a product line's fix. 产品线修复状态。
    RemediationState {
        /// Planned, no fix yet. 计划中。
        Planned = "PLANNED",
        /// Fix plan and patch are submitted. 已提交修复方案与补丁。
        Submitted = "SUBMITTED",
        /// Verification failed. 验证未通过。
        Failed = "FAILED",
        /// Verification passed. 验证通过。
        Passed = "PASSED",
        /// The risk is accepted by decision. 经决定接受风险。
        RiskAccepted = "RISK_ACCEPTED",
    }

    /// Function on a response team. 响应职能。
    Function {
        /// Security. 安全。
        Security = "SECURITY",
        /// Research and development. 研发。
        RAndD = "R_AND_D",
        /// Supply chain. 供应链。
        SupplyChain = "SUPPLY_CHAIN",
        /// Engineering delivery. 工程交付。
        Delivery = "DELIVERY",
        /// Technical service. 技术服务。
        TechnicalService = "TECHNICAL_SERVICE",
        /// Account management. 客户经理。
        AccountManagement = "ACCOUNT_MANAGEMENT",
        /// Legal. 法务。
        Legal = "LEGAL",
        /// Public relations. 公关。
        PublicRelations = "PUBLIC_RELATIONS",
        /// Leading group. 领导小组。
        LeadingGroup = "LEADING_GROUP",
    }

    /// Group of a response team. 响应小组类别。
    TeamGroup {
        /// Executes. 工作小组。
        Working = "WORKING",
        /// Decides. 领导小组。
        Leading = "LEADING",
    }

    /// What brought someone onto a response team. 加入响应小组的原因。
    MemberSource {
        /// A rule: level, public opinion, customers. 按规则自动加入。
        Automatic = "AUTOMATIC",
        /// An assignment. 因任务分派。
        Assignment = "ASSIGNMENT",
        /// Asked to review a reply. 因回复审核。
        Review = "REVIEW",
        /// Added by a person. 人工添加。
        Manual = "MANUAL",
        /// Received or raised the event as TLP:RED. 接收或升级为 TLP:RED 的操作人。
        Actor = "ACTOR",
    }

    /// State of an assignment. 任务状态。
    AssignmentState {
        /// Not answered yet. 待响应。
        Open = "OPEN",
        /// Accepted. 已接受。
        Accepted = "ACCEPTED",
        /// Done. 已完成。
        Done = "DONE",
        /// Declined. 已拒绝。
        Declined = "DECLINED",
    }

    /// What the leading group is asked to decide. 决策事项。
    DecisionKind {
        /// Accept a risk until a date. 接受风险。
        AcceptRisk = "ACCEPT_RISK",
        /// Settle a dispute. 裁决争议。
        SettleDispute = "SETTLE_DISPUTE",
        /// Disclose. 披露。
        Disclose = "DISCLOSE",
        /// Take legal action. 采取法律行动。
        LegalAction = "LEGAL_ACTION",
        /// Make a statement. 发布声明。
        Statement = "STATEMENT",
        /// Give undisclosed content to someone abroad. 向境外报送。
        ReportAbroad = "REPORT_ABROAD",
        /// Declare a severe incident. 认定严重事件。
        SevereIncident = "SEVERE_INCIDENT",
        /// Declare a network incident. 认定网络安全事件。
        NetworkIncident = "NETWORK_INCIDENT",
        /// Contact the police. 报警。
        ContactPolice = "CONTACT_POLICE",
    }

    /// How much undisclosed content may go abroad. 未公开内容向境外提供的范围。
    AbroadExtent {
        /// All of it. 允许。
        Allow = "ALLOW",
        /// Reduced content only. 仅允许精简内容。
        AllowReduced = "ALLOW_REDUCED",
        /// All of it, but only once a regulator or database at home has its report. 境内报送完成后允许。
        AllowAfterDomesticReport = "ALLOW_AFTER_DOMESTIC_REPORT",
        /// Nothing. 不允许。
        Refuse = "REFUSE",
    }

    /// Kind of a reply to a channel. 回复类型。
    ReplyKind {
        /// Acknowledges receipt. 确认收到。
        Acknowledgement = "ACKNOWLEDGEMENT",
        /// Tells the verdict. 研判结论。
        Verdict = "VERDICT",
        /// Tells the plan of the fix. 修复计划。
        FixPlan = "FIX_PLAN",
        /// Tells that the fix is available. 修复完成。
        FixDone = "FIX_DONE",
        /// Reports rectification. 整改报告。
        RectificationReport = "RECTIFICATION_REPORT",
        /// Early warning. 早期预警。
        EarlyWarning = "EARLY_WARNING",
        /// Notification. 通报。
        Notification = "NOTIFICATION",
        /// Final report. 最终报告。
        FinalReport = "FINAL_REPORT",
        /// Answers a follow-up question. 追问答复。
        FollowUp = "FOLLOW_UP",
        /// Thanks the reporter. 致谢。
        Thanks = "THANKS",
        /// Statement. 声明。
        Statement = "STATEMENT",
    }

    /// State of a reply. 回复状态。
    ReplyState {
        /// Being drafted. 草稿。
        Draft = "DRAFT",
        /// Waiting for approval. 审核中。
        InReview = "IN_REVIEW",
        /// Approved, not sent. 已批准。
        Approved = "APPROVED",
        /// Being sent. 发送中。
        Sending = "SENDING",
        /// Sent, with proof. 已发送。
        Sent = "SENT",
        /// Surely not taken. 发送失败。
        Failed = "FAILED",
        /// Cut off after data went out; a person decides. 结果不明，须人工确认。
        Uncertain = "UNCERTAIN",
    }

    /// How a reply left. 回复发送方式。
    ReplyVia {
        /// By e-mail. 邮件。
        Email = "EMAIL",
        /// By webhook to the channel's platform. 通过 Webhook 推送至渠道平台。
        Webhook = "WEBHOOK",
        /// By hand, with proof. 人工提交并留存凭证。
        ByHand = "BY_HAND",
    }

    /// What a reviewer of a reply said. 审核结果。
    ReviewOutcome {
        /// Approved. 批准。
        Approved = "APPROVED",
        /// Sent back to the drafter. 退回。
        Rejected = "REJECTED",
    }

    /// State of an obligation to reply. 回复义务状态。
    ObligationState {
        /// Owed. 未履行。
        Open = "OPEN",
        /// Met by a sent reply. 已履行。
        Met = "MET",
        /// Waived, with a reason. 已豁免。
        Waived = "WAIVED",
    }

    /// Phase that should have caught a vulnerability. 本应发现漏洞的阶段。
    ReviewPhase {
        /// Requirements. 需求。
        Requirements = "REQUIREMENTS",
        /// Design. 设计。
        Design = "DESIGN",
        /// Coding. 编码。
        Coding = "CODING",
        /// Testing. 测试。
        Testing = "TESTING",
        /// Intake of components. 组件引入。
        SupplyChain = "SUPPLY_CHAIN",
        /// Deployment. 部署。
        Deployment = "DEPLOYMENT",
        /// Operations. 运维。
        Operations = "OPERATIONS",
    }

    /// State of an action item. 改进项状态。
    ActionItemState {
        /// To be done. 待办。
        Open = "OPEN",
        /// Done. 已完成。
        Done = "DONE",
        /// Dropped, with a note. 已取消。
        Dropped = "DROPPED",
    }

    /// Who reads a comment. 评论可见范围。
    CommentVisibility {
        /// The people on the event. 内部。
        Internal = "INTERNAL",
        /// Also the reporter. 报告人可见。
        Reporter = "REPORTER",
    }

    /// Tier of an asset in the reward grid. 资产等级。
    AssetTier {
        /// Core. 核心。
        Core = "CORE",
        /// General. 一般。
        General = "GENERAL",
        /// Edge. 边缘。
        Edge = "EDGE",
    }

    /// Product or own service. 产品类别。
    ProductKind {
        /// A product that is delivered. 产品。
        Product = "PRODUCT",
        /// A service that the company runs. 自营服务。
        OwnService = "OWN_SERVICE",
    }

    /// Where a product stands in its life. 产品生命周期。
    Lifecycle {
        /// Not released yet. 研发中。
        InDevelopment = "IN_DEVELOPMENT",
        /// On sale and supported. 在售在维。
        Supported = "SUPPORTED",
        /// No longer sold, still supported. 停售。
        EndOfSale = "END_OF_SALE",
        /// Out of support. 已退市。
        EndOfLife = "END_OF_LIFE",
    }

    /// Library of the MIIT platform that a product belongs to. 工信部漏洞平台专业库。
    RmsvLibrary {
        /// General network products. 通用网络产品。
        General = "GENERAL",
        /// Industrial control. 工业控制产品。
        IndustrialControl = "INDUSTRIAL_CONTROL",
        /// Mobile applications. 移动互联网应用。
        MobileApp = "MOBILE_APP",
        /// Connected vehicles. 车联网。
        ConnectedVehicle = "CONNECTED_VEHICLE",
    }

    /// Whose technical assessment it is. 技术评分来源。
    SeveritySource {
        /// Ours. 我方。
        Ours = "OURS",
        /// Another's. 他方。
        Theirs = "THEIRS",
    }

    /// Qualitative band of a CVSS score. CVSS 定性等级。
    CvssBand {
        /// No impact. 无。
        None = "NONE",
        /// Low. 低。
        Low = "LOW",
        /// Medium. 中。
        Medium = "MEDIUM",
        /// High. 高。
        High = "HIGH",
        /// Critical. 严重。
        Critical = "CRITICAL",
    }

    /// What an indicator of a report is. 报告线索类型。
    IndicatorKind {
        /// CVE number. CVE 编号。
        Cve = "CVE",
        /// CNVD number. CNVD 编号。
        Cnvd = "CNVD",
        /// CNNVD number. CNNVD 编号。
        Cnnvd = "CNNVD",
        /// URL. 链接。
        Url = "URL",
        /// Host name. 主机名。
        Host = "HOST",
        /// IP address. IP 地址。
        IpAddress = "IP_ADDRESS",
        /// Parameter. 参数。
        Parameter = "PARAMETER",
        /// Version. 版本。
        Version = "VERSION",
        /// Product as named by the report. 报告所述产品。
        Product = "PRODUCT",
        /// Weakness as named by the report. 报告所述弱点类型。
        Weakness = "WEAKNESS",
    }

    /// How two events relate. 事件关联类型。
    EventLinkKind {
        /// The other was brought in by a fix of this one. 修复引入的新问题。
        NewProblemOfFix = "NEW_PROBLEM_OF_FIX",
        /// The other fixes what was known inside when this one came. 由另一事件修复。
        FixedBy = "FIXED_BY",
        /// This one also fixes the other. 同时修复另一事件。
        Fixes = "FIXES",
        /// The last report of this one was joined to the other. 最后一份报告已并入另一事件。
        JoinedTo = "JOINED_TO",
        /// They have to do with each other. 相关。
        Related = "RELATED",
    }

    /// Side of an event that somebody may see. 事件的可见面。
    Facet {
        /// All that the team works with. 内容。
        Content = "CONTENT",
        /// What one report's reporter may see. 公开面。
        Public = "PUBLIC",
        /// Number, level and payouts. 奖励。
        Money = "MONEY",
        /// Tickets and the remediation behind them. 工单。
        Tickets = "TICKETS",
    }
}
