//! Messages about reports, their mails, and words to and from reporters.

use entity::vocabulary::PublicStatus;

use super::{PUBLIC, team};
use crate::auth::policy::Action;
use crate::outbox::field::Opaque;

messages! {
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
    /// A mail about a report came from somebody else than its reporter, or from their address without a mail server that vouches
    /// for it. 收到与报告有关的邮件，但并非报告人所发，或无法确认确由其发出。
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
    /// A message to or from a reporter was written. 与报告人的往来消息。
    ReporterMessage "reporter.message" [team(Action::ReadReports), PUBLIC] {
        /// The message. 消息。
        comment: Opaque<entity::comment::Entity>,
        /// The report it is about. 相关报告。
        report: Opaque<entity::report::Entity>,
        /// Whether the reporter wrote it. 是否由报告人发出。
        from_reporter: bool,
    }
    /// What identifies the vulnerability of a report was added or dismissed. 报告线索新增或排除。
    ReportIndicatorsChanged "report.indicators_changed" [team(Action::ReadRawReports)] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
    }
}
