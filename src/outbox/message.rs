//! The catalogue of messages: what is told to the outside, to whom, and in which form.
//!
//! A message names what changed and says in which state it now is; content is fetched by who may see it. Each
//! type stands here once, with what it means, who may receive it, and its fields. From that follow the types that
//! commands write ([`Message`]), the JSON Schemas and examples ([`MessageKind::schema`]), `docs/WEBHOOKS.md` and
//! the API's `webhookMessageTypes`.
//!
//! Who may receive a type is a list of audiences: a side of the event that has to be theirs to see, and an action
//! that their role has to allow. Any of them suffices.

use entity::vocabulary::{
    ActionItemState, AffectedState, AssignmentState, DeadlineKind, DeadlineState, DecisionKind,
    EndpointState, Facet, Function, GrantState, Level, MemberSource, ObligationState, PayoutKind,
    PayoutState, PublicStatus, RemediationState, ReplyKind, ReplyState, Status, TicketState, Tlp, Verdict,
    WorldFactKind,
};
use serde_json::{Map, Value, json};

use super::field::{Field, Opaque, Tenths};
use crate::auth::policy::Action;

/// Who may receive messages of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience {
    /// The side of the event that has to be theirs to see; none for what is about no event.
    pub facet: Option<Facet>,
    /// What their role has to allow.
    pub action: Action,
}

impl Audience {
    const fn of(facet: Facet, action: Action) -> Self {
        Self { facet: Some(facet), action }
    }

    const fn without_event(action: Action) -> Self {
        Self { facet: None, action }
    }
}

/// A message that a command writes with its change.
pub trait Message {
    /// Its type.
    const KIND: MessageKind;
    /// Its fields.
    fn data(&self) -> Value;
}

/// One field of a type, for its schema and its documentation.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its name in JSON.
    pub name: String,
    /// What it means, in English and Chinese.
    pub description: &'static str,
    /// Whether it is always there.
    pub required: bool,
    /// Its JSON Schema.
    pub schema: Value,
    /// What it may look like.
    pub example: Value,
}

macro_rules! messages {
    ($($(#[doc = $doc:literal])+ $kind:ident $name:literal [$($audience:expr),+] {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {
        /// Type of a message, as integrators subscribe to it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum MessageKind { $($(#[doc = $doc])+ $kind,)+ }

        impl MessageKind {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The dotted name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// What it tells, in English and Chinese.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// Who may receive it.
            pub fn audiences(self) -> &'static [Audience] {
                match self { $(Self::$kind => const { &[$($audience),+] },)+ }
            }

            /// Its own fields.
            pub fn fields(self) -> Vec<Described> {
                match self { $(Self::$kind => vec![$(Described {
                    name: camel_case(stringify!($field)),
                    description: concat!($($field_doc),+).trim_ascii(),
                    required: <$type as Field>::REQUIRED,
                    schema: <$type as Field>::schema(),
                    example: <$type as Field>::example(),
                },)*],)+ }
            }
        }

        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $kind { $($(#[doc = $field_doc])+ pub $field: $type,)* }

            impl Message for $kind {
                const KIND: MessageKind = MessageKind::$kind;

                fn data(&self) -> Value {
                    #[allow(unused_mut, reason = "a type may have no field")]
                    let mut data = Map::new();
                    $(if let Some(value) = Field::value(&self.$field) {
                        data.insert(camel_case(stringify!($field)), value);
                    })*
                    Value::Object(data)
                }
            }
        )+
    };
}

/// The team's side.
const fn team(action: Action) -> Audience {
    Audience::of(Facet::Content, action)
}

/// The side of a report's channel and reporter.
const PUBLIC: Audience = Audience::of(Facet::Public, Action::ReadReports);
/// The team that proposes and approves payouts.
const PAYOUT_TEAM: Audience = team(Action::ReadPayouts);
/// Those who pay: of the event they learn its number.
const FINANCE: Audience = Audience::of(Facet::Money, Action::ReadPayouts);
/// Those who see every bonus, which belongs to no event.
const BONUS: Audience = Audience::without_event(Action::ReadBudgets);
/// The channel and the reporter of what is paid for.
const PAYEE: Audience = Audience::of(Facet::Public, Action::ReadPayouts);
/// Those who look after the installation.
const CONFIGURATION: Audience = Audience::without_event(Action::ReadWebhooks);

messages! {
    /// A business calendar changed: what was computed by an older version of it is computed again.
    /// 工作日历变更：按旧版本计算的期限将重新计算。
    CalendarChanged "calendar.changed" [Audience::without_event(Action::ReadCalendars)] {
        /// The calendar. 日历。
        calendar: Opaque<entity::calendar::Entity>,
        /// Its version now. 现版本号。
        version: i32,
    }
    /// A report arrived. 收到报告。
    ReportReceived "report.received" [team(Action::ReadReports), PUBLIC] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
        /// The channel it came through. 报告渠道。
        channel: Opaque<entity::channel::Entity>,
    }
    /// A report got another version. 报告有新版本。
    ReportUpdated "report.updated" [team(Action::ReadReports), PUBLIC] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
        /// Number of its newest version. 最新版本号。
        version: i32,
    }
    /// A report's finder withdrew it. 报告人撤回了报告。
    ReportWithdrawn "report.withdrawn" [team(Action::ReadReports), PUBLIC] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
    }
    /// A file was added to a report. 报告新增附件。
    AttachmentAdded "report.attachment_added" [team(Action::ReadRawReports)] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
        /// The file. 附件。
        attachment: Opaque<entity::attachment::Entity>,
    }
    /// A file was removed from a report. 报告附件被移除。
    AttachmentRemoved "report.attachment_removed" [team(Action::ReadRawReports)] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
        /// The file. 附件。
        attachment: Opaque<entity::attachment::Entity>,
    }
    /// The team was let have a file of a report, or has it no more. 报告附件向团队开放或收回。
    AttachmentReleased "event.attachment_released" [team(Action::ReadEvents)] {
        /// The file. 附件。
        attachment: Opaque<entity::attachment::Entity>,
        /// Whether the team has it. 是否已向团队开放。
        released: bool,
    }
    /// A mail about a report came from somebody else than its reporter. 收到与报告有关、但并非报告人所发的邮件。
    ReportMail "report.mail" [team(Action::ReadRawReports)] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
        /// The mail. 邮件。
        mail: Opaque<entity::inbound_mail::Entity>,
    }
    /// A report was joined to this event. 报告并入本事件。
    ReportJoined "report.joined" [team(Action::ReadReports)] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
    }
    /// What a reporter may know of the handling changed. 报告的公开状态变更。
    ReportStatusChanged "report.status_changed" [PUBLIC] {
        /// Status as a reporter sees it. 报告人可见的状态。
        status: PublicStatus,
    }
    /// An event's handling status moved. 事件处置状态变更。
    EventStatusChanged "event.status_changed" [team(Action::ReadEvents)] {
        /// Status before. 原状态。
        from: Status,
        /// Status now. 现状态。
        to: Status,
    }
    /// A verdict was given. 作出研判结论。
    EventVerdictGiven "event.verdict_given" [team(Action::ReadEvents)] {
        /// The verdict. 研判结论。
        verdict: Verdict,
    }
    /// An event was scored. 事件评分与定级。
    EventScored "event.scored" [team(Action::ReadEvents)] {
        /// The score. 评分记录。
        score: Opaque<entity::score::Entity>,
        /// Its total, rounded to tenths. 总分，保留一位小数。
        total: Tenths,
        /// The level that follows from it. 对应等级。
        level: Level,
    }
    /// An event's TLP level or embargo changed. 共享级别或保密期变更。
    EventProtectionChanged "event.protection_changed" [team(Action::ReadEvents)] {
        /// TLP level now. 现共享级别。
        tlp: Tlp,
        /// Whether an embargo is set. 是否设有保密期。
        embargoed: bool,
    }
    /// How a product stands to the event changed. 产品受影响状态变更。
    EventAffectedChanged "event.affected_changed" [team(Action::ReadEvents)] {
        /// The product. 产品。
        product: Opaque<entity::product::Entity>,
        /// How it stands now. 现状态。
        state: AffectedState,
    }
    /// A customer is affected. 客户受影响。
    EventCustomerAffected "event.customer_affected" [team(Action::ReadCustomers)] {
        /// The customer. 客户。
        customer: Opaque<entity::customer::Entity>,
    }
    /// A fact about the world was recorded. 记录外部事实。
    EventWorldFactRecorded "event.world_fact_recorded" [team(Action::ReadEvents)] {
        /// The fact. 外部事实。
        fact: Opaque<entity::world_fact::Entity>,
        /// Its kind. 类型。
        kind: WorldFactKind,
    }
    /// An assignment was made or answered. 任务分派或响应。
    AssignmentChanged "assignment.changed" [team(Action::ReadEvents)] {
        /// The assignment. 任务。
        assignment: Opaque<entity::assignment::Entity>,
        /// Its function. 职能。
        function: Function,
        /// Where it stands now. 现状态。
        state: AssignmentState,
        /// Whether all who were asked for a line declined. 该产品线是否全部拒绝。
        all_declined: bool,
    }
    /// Somebody joined or left the response team. 响应小组成员变动。
    TeamChanged "team.changed" [team(Action::ReadEvents)] {
        /// The member. 成员。
        member: Opaque<entity::team_member::Entity>,
        /// Whether they are on the team now. 现是否在组。
        present: bool,
        /// Their function; left out when they have none. 职能；无职能时省略。
        function: Option<Function>,
        /// What brought them. 加入原因。
        source: MemberSource,
    }
    /// The fix of a product line moved. 产品线修复状态变更。
    RemediationChanged "remediation.changed" [team(Action::ReadEvents)] {
        /// The remediation. 修复。
        remediation: Opaque<entity::remediation::Entity>,
        /// State before. 原状态。
        from: RemediationState,
        /// State now. 现状态。
        to: RemediationState,
    }
    /// A fix was verified. 修复已验证。
    VerificationRecorded "verification.recorded" [team(Action::ReadEvents)] {
        /// The verification. 验证记录。
        verification: Opaque<entity::verification::Entity>,
        /// The remediation. 修复。
        remediation: Opaque<entity::remediation::Entity>,
        /// Whether it passed. 是否通过。
        passed: bool,
    }
    /// A reply moved. 回复状态变更。
    ReplyChanged "reply.changed" [team(Action::ReadReplies)] {
        /// The reply. 回复。
        reply: Opaque<entity::reply::Entity>,
        /// Its kind. 类型。
        kind: ReplyKind,
        /// Where it stands now. 现状态。
        state: ReplyState,
        /// Whether only the duty roster entitled its approver: the leading group has to be told.
        /// 是否仅凭值班身份批准，须告知领导小组。
        approved_on_duty: bool,
    }
    /// A reply was sent to your channel. 已向您的渠道发送回复。
    ReplySent "reply.sent" [PUBLIC] {
        /// The reply. 回复。
        reply: Opaque<entity::reply::Entity>,
        /// The channel. 渠道。
        channel: Opaque<entity::channel::Entity>,
        /// Its kind. 类型。
        kind: ReplyKind,
    }
    /// A reply that was sent by e-mail came back: somebody has to look. 邮件回复被退回，须人工处理。
    ReplyBounced "reply.bounced" [team(Action::ReadReplies)] {
        /// The reply. 回复。
        reply: Opaque<entity::reply::Entity>,
        /// Its kind. 类型。
        kind: ReplyKind,
    }
    /// An obligation was opened, met or waived. 回复义务产生、履行或豁免。
    ObligationChanged "obligation.changed" [team(Action::ReadReplies)] {
        /// The obligation. 回复义务。
        obligation: Opaque<entity::obligation::Entity>,
        /// Which reply is owed. 应作回复的类型。
        kind: ReplyKind,
        /// Where it stands now. 现状态。
        state: ObligationState,
    }
    /// An account of the company on a channel's platform lapses within 30 days. 渠道平台账号将于30天内到期。
    PlatformAccountLapsing "platform_account.lapsing" [Audience::without_event(Action::ReadChannels)] {
        /// The account. 平台账号。
        account: Opaque<entity::platform_account::Entity>,
        /// Its channel. 渠道。
        channel: Opaque<entity::channel::Entity>,
    }
    /// A clock started, or waits for what it counts from. 时限产生。
    DeadlineOpened "deadline.opened" [team(Action::ReadReplies)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
    }
    /// A clock is counted anew, stands still, runs again, or ceased to count. 时限变更、中止、恢复或免除。
    DeadlineChanged "deadline.changed" [team(Action::ReadReplies)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
        /// Where it stands now. 现状态。
        state: DeadlineState,
    }
    /// Much of a clock's time is over. 时限即将到期。
    DeadlineDueSoon "deadline.due_soon" [team(Action::ReadReplies)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
        /// How much of its time is over, in percent. 已过时间比例（百分比）。
        percent: i32,
    }
    /// A clock's due instant passed. 时限已逾期。
    DeadlineBreached "deadline.breached" [team(Action::ReadReplies)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
    }
    /// What a clock waited for happened, in time or late. 时限已完成。
    DeadlineMet "deadline.met" [team(Action::ReadReplies)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
    }
    /// A decision was asked for or made. 提请或作出决策。
    DecisionChanged "decision.changed" [team(Action::ReadDecisions)] {
        /// The decision. 决策。
        decision: Opaque<entity::decision::Entity>,
        /// What is to be decided. 决策事项。
        kind: DecisionKind,
        /// Whether it is decided. 是否已决定。
        decided: bool,
        /// Whether what was asked for may be done; left out until it is decided. 是否批准；未决定时省略。
        granted: Option<bool>,
        /// Whether the risk that it accepted ends soon. 所接受的风险是否即将到期。
        expiring: bool,
    }
    /// A review was recorded or skipped. 复盘已记录或跳过。
    ReviewRecorded "review.recorded" [team(Action::ReadEvents)] {
        /// The review. 复盘。
        review: Opaque<entity::review::Entity>,
        /// Whether it was skipped. 是否跳过。
        skipped: bool,
    }
    /// An action item moved. 改进项变更。
    ActionItemChanged "action_item.changed" [team(Action::ReadEvents)] {
        /// The action item. 改进项。
        action_item: Opaque<entity::action_item::Entity>,
        /// Where it stands now. 现状态。
        state: ActionItemState,
    }
    /// A message to or from a reporter was written. 与报告人的往来消息。
    ReporterMessage "reporter.message" [team(Action::ReadReports), PUBLIC] {
        /// The message. 消息。
        comment: Opaque<entity::comment::Entity>,
        /// The report it is about. 相关报告。
        report: Opaque<entity::report::Entity>,
        /// Whether the reporter wrote it. 是否由报告人发出。
        from_reporter: bool,
    }
    /// A payout was proposed. 提出奖励。
    PayoutProposed "payout.proposed" [PAYOUT_TEAM, FINANCE, BONUS] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A payout was split among several finders. 奖励在多名发现者间拆分。
    PayoutSplit "payout.split" [PAYOUT_TEAM, FINANCE, BONUS] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A payout was approved. 奖励已批准。
    PayoutApproved "payout.approved" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A payout was rejected. 奖励被驳回。
    PayoutRejected "payout.rejected" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A payout was put on hold. 奖励暂缓发放。
    PayoutOnHold "payout.on_hold" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A payout was released from hold or sent again. 奖励解除暂缓或重新发放。
    PayoutReleased "payout.released" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A white hat accepted a payout. 白帽子接受奖励。
    PayoutAccepted "payout.accepted" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A white hat appealed against a payout. 白帽子对奖励提出申诉。
    PayoutAppealed "payout.appealed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// An appeal against a payout was dismissed. 奖励申诉被驳回。
    PayoutAppealDismissed "payout.appeal_dismissed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// The platform took a payout. 平台已接收奖励。
    PayoutSynced "payout.synced" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A payout was paid. 奖励已支付。
    PayoutPaid "payout.paid" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// Paying a payout failed. 奖励支付失败。
    PayoutFailed "payout.failed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A payout was cancelled. 奖励已取消。
    PayoutCancelled "payout.cancelled" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// The payment of a payout was reversed. 奖励支付已冲销。
    PayoutReversed "payout.reversed" [PAYOUT_TEAM, FINANCE, BONUS, PAYEE] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A platform confirmed a payment that none of ours expected: a person has to look. 平台确认了一笔非预期的支付，须人工核查。
    PayoutUnexpectedPayment "payout.unexpected_payment" [PAYOUT_TEAM, FINANCE, BONUS] {
        /// The payout. 奖励。
        payout: Opaque<entity::payout::Entity>,
        /// Its number. 奖励编号。
        number: String,
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
    /// A ticket was opened, made, refused, given up or unlinked. 工单的创建、关联、拒绝、放弃或解除关联。
    TicketChanged "ticket.changed" [team(Action::ReadTickets), Audience::of(Facet::Tickets, Action::ReadTickets)] {
        /// The ticket. 工单。
        ticket: Opaque<entity::ticket::Entity>,
        /// The fix that it stands for. 对应的产品线修复。
        remediation: Opaque<entity::remediation::Entity>,
        /// Where it stands. 工单状态。
        state: TicketState,
    }
    /// A webhook endpoint or its grant changed: a proposed grant waits for a LEADER.
    /// Webhook 端点或其授权变更；待确认的授权须由领导小组处理。
    WebhookEndpointChanged "webhook.endpoint_changed" [CONFIGURATION] {
        /// The endpoint. 端点。
        endpoint: Opaque<entity::webhook_endpoint::Entity>,
        /// Whether it is delivered to. 端点状态。
        state: EndpointState,
        /// Where its grant stands. 授权状态。
        grant: GrantState,
        /// Whether it was deleted. 是否已删除。
        deleted: bool,
    }
    /// Deliveries to a webhook endpoint were given up after their last attempt: its owner has to look after it.
    /// 端点的部分推送在重试耗尽后已放弃，须由负责人处理。
    WebhookEndpointFailing "webhook.endpoint_failing" [CONFIGURATION] {
        /// The endpoint. 端点。
        endpoint: Opaque<entity::webhook_endpoint::Entity>,
        /// How many were given up now. 本次放弃的数量。
        given_up: i32,
    }
    /// Somebody tests this endpoint; sent to it alone. 端点测试消息，仅发送至该端点。
    WebhookTest "webhook.test" [CONFIGURATION] {
        /// The endpoint. 端点。
        endpoint: Opaque<entity::webhook_endpoint::Entity>,
    }
}

/// Dialect of the schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

impl MessageKind {
    /// The type of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Whether it is about an event's inside: its data then name the event.
    pub fn names_event(self) -> bool {
        self.audiences().iter().any(|audience| audience.facet.is_some_and(|facet| facet != Facet::Public))
    }

    /// Whether it goes out to channels and reporters: its data then name their reports.
    pub fn names_reports(self) -> bool {
        self.audiences().iter().any(|audience| audience.facet == Some(Facet::Public))
    }

    /// JSON Schema of a thin delivery of this type.
    pub fn schema(self) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in self.all_fields() {
            let mut schema = field.schema;
            schema["description"] = field.description.into();
            if field.required {
                required.push(Value::from(field.name.clone()));
            }
            properties.insert(field.name, schema);
        }
        json!({
            "$schema": DIALECT,
            "title": self.as_str(),
            "description": self.description(),
            "type": "object",
            "required": ["type", "timestamp", "sequence", "data"],
            "properties": {
                "type": { "const": self.as_str() },
                "timestamp": { "type": "string", "format": "date-time" },
                "sequence": { "type": "integer", "minimum": 1 },
                "data": { "type": "object", "required": required, "properties": properties },
            },
        })
    }

    /// A thin delivery of this type, as it may look.
    pub fn example(self) -> Value {
        let data: Map<_, _> =
            self.all_fields().into_iter().map(|field| (field.name, field.example)).collect();
        json!({ "type": self.as_str(), "timestamp": "2026-03-02T01:00:00Z", "sequence": 1, "data": data })
    }

    /// Its own fields, and those that a delivery adds.
    pub fn all_fields(self) -> Vec<Described> {
        // What is told to the team and to channels alike has the one or the other.
        let both = self.names_event() && self.names_reports();
        let added = |name: &str, description, schema, example| Described {
            name: name.to_owned(),
            description,
            required: !both,
            schema,
            example,
        };
        let mut fields = Vec::new();
        if self.names_event() {
            type Event = Opaque<entity::event::Entity>;
            fields.push(added(
                "event",
                "The event; left out for channels. 事件；发往渠道时省略。",
                Event::schema(),
                Event::example(),
            ));
            fields.push(added(
                "number",
                "Its number; left out for channels. 事件编号；发往渠道时省略。",
                json!({ "type": "string" }),
                "VE-2026-004711".into(),
            ));
        }
        if self.names_reports() {
            type Report = Opaque<entity::report::Entity>;
            let list = json!({ "type": "array", "items": Report::schema() });
            let example = json!([Report::example()]);
            fields.push(added(
                "reports",
                "For channels: their reports that it is about. 发往渠道时：相关的本渠道报告。",
                list,
                example,
            ));
        }
        fields.extend(self.fields());
        fields
    }
}

/// `all_declined` is `allDeclined` in JSON.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut text, word| {
        let mut letters = word.chars();
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        text.push_str(letters.as_str());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dotted_unique_and_found_again() {
        for (at, kind) in MessageKind::ALL.iter().enumerate() {
            assert_eq!(MessageKind::parse(kind.as_str()), Some(*kind));
            assert!(MessageKind::ALL[..at].iter().all(|other| other.as_str() != kind.as_str()), "{kind:?}");
            let parts: Vec<_> = kind.as_str().split('.').collect();
            let word = |part: &&str| part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(parts.len() == 2 && parts.iter().all(word), "{kind:?}");
        }
    }

    #[test]
    fn everything_is_described_in_both_languages() {
        for kind in MessageKind::ALL {
            let texts = kind.all_fields().into_iter().map(|field| field.description);
            for text in texts.chain([kind.description()]) {
                let chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
                assert!(chinese && text.starts_with(|c: char| c.is_ascii_alphabetic()), "{kind:?}: {text}");
            }
        }
    }

    #[test]
    fn data_have_the_fields_of_the_schema() {
        let message = DecisionChanged {
            decision: Opaque::new(uuid::Uuid::nil()),
            kind: DecisionKind::ReportAbroad,
            decided: false,
            granted: None,
            expiring: false,
        };
        let data = message.data();
        assert_eq!(data["kind"], "REPORT_ABROAD");
        assert!(data.get("granted").is_none(), "what is not known is left out: {data}");
        let schema = MessageKind::DecisionChanged.schema();
        let properties = &schema["properties"]["data"]["properties"];
        assert!(data.as_object().unwrap().keys().all(|name| properties.get(name).is_some()));
        assert!(properties["event"].is_object() && properties.get("reports").is_none());
        let required = schema["properties"]["data"]["required"].to_string();
        assert!(required.contains("decided") && !required.contains("granted"), "{required}");
        assert_eq!(MessageKind::DecisionChanged.example()["data"]["granted"], true);
        assert_eq!(camel_case("approved_on_duty"), "approvedOnDuty");
    }
}
