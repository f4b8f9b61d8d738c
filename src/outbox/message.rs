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
        }
    }
}
