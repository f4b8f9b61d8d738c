//! What is told to the outside. The row carries ids and states only; content is fetched by who may see it.

/// Type of a message, as integrators subscribe to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A report arrived.
    ReportReceived,
    /// A report got another version or words from its reporter.
    ReportUpdated,
    /// An event's handling status moved.
    EventStatusChanged,
    /// A verdict was given.
    EventVerdictGiven,
    /// An event was scored.
    EventScored,
    /// An event's TLP or embargo changed.
    EventProtectionChanged,
    /// The affected products or customers changed.
    EventAffectedChanged,
    /// A fact about the world was recorded.
    EventWorldFactRecorded,
    /// An assignment was made or answered.
    AssignmentChanged,
    /// Somebody joined or left a response team.
    TeamChanged,
    /// A line's remediation moved.
    RemediationChanged,
    /// A fix was verified.
    VerificationRecorded,
    /// A reply moved.
    ReplyChanged,
    /// An obligation was opened, met or waived.
    ObligationChanged,
    /// A decision was asked for or made.
    DecisionChanged,
    /// A review was recorded or skipped.
    ReviewRecorded,
    /// An action item moved.
    ActionItemChanged,
    /// A message to or from a reporter was written.
    ReporterMessage,
    /// A payout was proposed, or proposed anew.
    PayoutProposed,
    /// A payout was split among several finders.
    PayoutSplit,
    /// A payout was approved.
    PayoutApproved,
    /// A payout was rejected.
    PayoutRejected,
    /// A payout was put on hold.
    PayoutOnHold,
    /// A payout was released from hold or sent again.
    PayoutReleased,
    /// A white hat accepted a payout.
    PayoutAccepted,
    /// A white hat appealed against a payout.
    PayoutAppealed,
    /// An appeal against a payout was dismissed.
    PayoutAppealDismissed,
    /// The platform took a payout.
    PayoutSynced,
    /// A payout was paid.
    PayoutPaid,
    /// Paying a payout failed.
    PayoutFailed,
    /// A payout was cancelled.
    PayoutCancelled,
    /// The payment of a payout was reversed.
    PayoutReversed,
}

impl MessageKind {
    /// The dotted name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReportReceived => "report.received",
            Self::ReportUpdated => "report.updated",
            Self::EventStatusChanged => "event.status_changed",
            Self::EventVerdictGiven => "event.verdict_given",
            Self::EventScored => "event.scored",
            Self::EventProtectionChanged => "event.protection_changed",
            Self::EventAffectedChanged => "event.affected_changed",
            Self::EventWorldFactRecorded => "event.world_fact_recorded",
            Self::AssignmentChanged => "assignment.changed",
            Self::TeamChanged => "team.changed",
            Self::RemediationChanged => "remediation.changed",
            Self::VerificationRecorded => "verification.recorded",
            Self::ReplyChanged => "reply.changed",
            Self::ObligationChanged => "obligation.changed",
            Self::DecisionChanged => "decision.changed",
            Self::ReviewRecorded => "review.recorded",
            Self::ActionItemChanged => "action_item.changed",
            Self::ReporterMessage => "reporter.message",
            Self::PayoutProposed => "payout.proposed",
            Self::PayoutSplit => "payout.split",
            Self::PayoutApproved => "payout.approved",
            Self::PayoutRejected => "payout.rejected",
            Self::PayoutOnHold => "payout.on_hold",
            Self::PayoutReleased => "payout.released",
            Self::PayoutAccepted => "payout.accepted",
            Self::PayoutAppealed => "payout.appealed",
            Self::PayoutAppealDismissed => "payout.appeal_dismissed",
            Self::PayoutSynced => "payout.synced",
            Self::PayoutPaid => "payout.paid",
            Self::PayoutFailed => "payout.failed",
            Self::PayoutCancelled => "payout.cancelled",
            Self::PayoutReversed => "payout.reversed",
        }
    }
}
