//! The one table: which role may do what, before anything is looked at.
//!
//! Whether the thing acted on may be seen is [`visibility`](super::visibility)'s; whether the act is
//! allowed in its state is each slice's `rules`.

use super::{Actor, Role};
use crate::error::{Error, Result};
use Role::*;

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal [$($role:ident)*];)+) => {
        /// Everything that somebody may or may not do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($(#[doc = $doc])+ $variant,)+ }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name: the mutation's, where there is one.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it means, in words.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// Roles that may do it.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$variant => &[$($role),*],)+ }
            }
        }
    };
}

actions! {
    /// Configure where reports come from.
    CreateChannel "createChannel" [Admin];
    /// Change a channel's settings.
    UpdateChannel "updateChannel" [Admin];
    /// Record or change the company's account on a platform.
    SavePlatformAccount "savePlatformAccount" [Admin];
    /// Remove a platform account.
    RemovePlatformAccount "removePlatformAccount" [Admin];
    /// Tell that a platform account is about to lapse: the schedule's alone.
    AnnounceAccountLapse "announceAccountLapse" [];
    /// Make or replace the secret with which a channel's platform signs its hooks.
    RotateHookSecret "rotateHookSecret" [Admin];
    /// Take no more hooks of a channel's platform.
    RemoveHookSecrets "removeHookSecrets" [Admin];
    /// Make or replace the secret with which a tracker proves its hooks.
    RotateTrackerHookSecret "rotateTrackerHookSecret" [Admin];
    /// Take no more hooks of a tracker.
    RemoveTrackerHookSecrets "removeTrackerHookSecrets" [Admin];
    /// Add a business calendar.
    CreateCalendar "createCalendar" [Admin];
    /// Change a business calendar.
    UpdateCalendar "updateCalendar" [Admin];
    /// Enter the holidays and make-up working days of a year.
    SetCalendarYear "setCalendarYear" [Admin];
    /// Take the days of a file into a business calendar.
    ImportCalendar "importCalendar" [Admin];
    /// Add a product.
    CreateProduct "createProduct" [Admin];
    /// Change a product.
    UpdateProduct "updateProduct" [Admin];
    /// Add a customer.
    CreateCustomer "createCustomer" [Admin];
    /// Change a customer.
    UpdateCustomer "updateCustomer" [Admin];
    /// Say that a customer uses a product.
    LinkCustomer "linkCustomer" [Admin];
    /// Say that a customer no longer uses a product.
    UnlinkCustomer "unlinkCustomer" [Admin];
    /// Put a person on the duty roster.
    AddDuty "addDuty" [Admin];
    /// End a duty early.
    EndDuty "endDuty" [Admin];
    /// Introduce weights and bands for later scores.
    CreateRatingPolicy "createRatingPolicy" [Admin];
    /// Introduce rules by which clocks run.
    CreateDeadlinePolicy "createDeadlinePolicy" [Admin];
    /// Refuse a subject whatever its token says.
    DenyPrincipal "denyPrincipal" [Admin];
    /// Refuse one token for as long as it would last.
    DenyToken "denyToken" [Admin];
    /// End a subject's denial.
    AllowPrincipal "allowPrincipal" [Admin];
    /// Receive a report through a channel.
    ReceiveReport "receiveReport" [Analyst Src];
    /// Add what arrived later to a report.
    AddToReport "addToReport" [Analyst Src Reporter];
    /// Add a file to a report.
    AddAttachment "addAttachment" [Analyst Src Reporter];
    /// Remove a file from a report.
    RemoveAttachment "removeAttachment" [Analyst];
    /// Let the team of an event have a file of a report.
    ReleaseAttachment "releaseAttachment" [Analyst];
    /// Keep a file of a report from the team again.
    RetractAttachment "retractAttachment" [Analyst];
    /// Pass on that a report's finder withdraws it.
    WithdrawReport "withdrawReport" [Analyst Src];
    /// Join a report to another event.
    JoinReport "joinReport" [Analyst];
    /// Split a report into numbered parts.
    SplitReport "splitReport" [Analyst];
    /// Link a reporter to a subject.
    LinkReporter "linkReporter" [Analyst Src];
    /// Change what is known of a reporter.
    UpdateReporter "updateReporter" [Analyst];
    /// Say what identifies what a report is about.
    AddIndicator "addIndicator" [Analyst];
    /// Say what does not identify what a report is about.
    DismissIndicator "dismissIndicator" [Analyst];
    /// Decide whether two reports are the same vulnerability.
    DecideDuplicate "decideDuplicate" [Analyst];
    /// Propose that a finder sent one report to several platforms.
    ProposeMultiPlatform "proposeMultiPlatform" [Analyst];
    /// Decide whether a finder sent one report to several platforms.
    DecideMultiPlatform "decideMultiPlatform" [Analyst Leader];
    /// Appeal against being taken for a finder who sent one report to several platforms.
    AppealMultiPlatform "appealMultiPlatform" [Reporter Src];
    /// Resolve an appeal of a finder who is said to have sent one report to several platforms.
    ResolveMultiPlatformAppeal "resolveMultiPlatformAppeal" [Analyst Leader];
    /// End the hold of payouts of which nobody decided in time: the schedule's alone.
    EndMultiPlatformHold "endMultiPlatformHold" [];
    /// Look whether files are pictures that can be compared: the product's own alone.
    LookAtPictures "lookAtPictures" [];
    /// Weigh the terms by which reports are compared: the schedule's and the importer's alone.
    WeighTerms "weighTerms" [];
    /// Index reports that were recorded before there was an index: the schedule's alone.
    IndexReports "indexReports" [];
    /// Let be found by its words what was recorded before the search: the schedule's alone.
    IndexForSearch "indexForSearch" [];
    /// Erase a reporter's personal data.
    EraseReporter "eraseReporter" [Leader];
    /// Write an event's title, description and steps.
    DescribeEvent "describeEvent" [Analyst];
    /// Start the analysis.
    StartTriage "startTriage" [Analyst];
    /// Ask the reporter for information.
    AskReporter "askReporter" [Analyst];
    /// Go on with the analysis.
    ResumeTriage "resumeTriage" [Analyst];
    /// Give the verdict.
    GiveVerdict "giveVerdict" [Analyst];
    /// Begin the fix.
    StartRemediation "startRemediation" [Analyst];
    /// Begin the review.
    StartReview "startReview" [Analyst];
    /// Return an event to the analysis.
    ReturnToTriage "returnToTriage" [Analyst];
    /// Reopen a closed event.
    ReopenEvent "reopenEvent" [Analyst];
    /// Relate two events.
    LinkEvents "linkEvents" [Analyst];
    /// Rate an event by the five factors.
    ScoreEvent "scoreEvent" [Analyst];
    /// Record a CVSS assessment.
    AssessSeverity "assessSeverity" [Analyst];
    /// Record what the world knows or does.
    RecordWorldFact "recordWorldFact" [Analyst];
    /// Set the Traffic Light Protocol level.
    SetTlp "setTlp" [Analyst Leader];
    /// Set or end the embargo.
    SetEmbargo "setEmbargo" [Analyst Leader];
    /// Say how a product stands to an event.
    SetAffectedProduct "setAffectedProduct" [Analyst Engineer];
    /// Say that a customer is affected.
    AddAffectedCustomer "addAffectedCustomer" [Analyst Support AccountManager];
    /// Give work to a person or team.
    Assign "assign" [Analyst];
    /// Accept, decline or finish one's own assignment.
    AnswerAssignment "answerAssignment" [Analyst Leader Engineer Support AccountManager Legal PublicRelations];
    /// Add someone to the response team.
    AddTeamMember "addTeamMember" [Analyst Leader];
    /// Take someone off the response team.
    RemoveTeamMember "removeTeamMember" [Analyst Leader];
    /// Record the dates that a notice names.
    SetNoticeDate "setNoticeDate" [Analyst];
    /// Correct when something was learned of; to later only a LEADER.
    CorrectLearnedAt "correctLearnedAt" [Analyst Leader];
    /// Record a follow-up question of a channel.
    RecordFollowUpQuestion "recordFollowUpQuestion" [Analyst];
    /// Mark a notice of one's own as read.
    MarkNoticeRead "markNoticeRead" [Admin Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Want the daily e-mail of one's own notices, or not.
    SetNoticeDigest "setNoticeDigest" [Admin Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Tell people of what stands still: the schedule's alone.
    TellTrouble "tellTrouble" [];
    /// Tell people of what is due: the schedule's alone.
    TellDeadline "tellDeadline" [];
    /// Count clocks anew after the policy, a calendar or a channel changed: the schedule's alone.
    RecountDeadlines "recountDeadlines" [];
    /// Ask the leading group for a decision.
    AskDecision "askDecision" [Analyst Engineer Legal PublicRelations];
    /// Record what was decided.
    RecordDecision "recordDecision" [Leader];
    /// Plan a line's fix or record a mitigation.
    PlanFix "planFix" [Analyst Engineer];
    /// Submit fix plan and patch.
    SubmitFix "submitFix" [Analyst Engineer];
    /// Verify a submitted fix.
    VerifyFix "verifyFix" [Analyst];
    /// Apply a decision to accept a line's risk.
    AcceptRisk "acceptRisk" [Analyst];
    /// Tell the leading group that an accepted risk is about to end: the schedule's alone.
    AnnounceRiskExpiry "announceRiskExpiry" [];
    /// Return a line to the fix when its accepted risk has ended: the schedule's alone.
    ExpireRisk "expireRisk" [];
    /// Record the release that carries the fix.
    RecordRelease "recordRelease" [Analyst Engineer];
    /// Draft a reply to a channel.
    DraftReply "draftReply" [Analyst PublicRelations];
    /// Change a reply's draft.
    ReviseReply "reviseReply" [Analyst PublicRelations];
    /// Ask someone to approve a reply.
    RequestReplyReview "requestReplyReview" [Analyst PublicRelations];
    /// Approve a reply or send it back.
    ReviewReply "reviewReply" [Analyst Leader Legal PublicRelations];
    /// Record that a reply was sent, with proof.
    RecordReplySent "recordReplySent" [Analyst];
    /// Add a file that proves that a reply was sent.
    AddReplyProof "addReplyProof" [Analyst];
    /// Send a reply by e-mail or to the channel's platform.
    SendReply "sendReply" [Analyst];
    /// Say what became of a reply of which nobody knows.
    ResolveUncertainReply "resolveUncertainReply" [Analyst];
    /// Call a reply back that waits to be handed over.
    CancelReply "cancelReply" [Analyst];
    /// Say that a reply which came back did not arrive.
    ConfirmNonDelivery "confirmNonDelivery" [Analyst];
    /// Hand a reply over, and settle what came of it: the product's own alone.
    HandOverReply "handOverReply" [];
    /// Acknowledge a report as its channel says: the schedule's alone.
    AcknowledgeReport "acknowledgeReport" [];
    /// Record that an e-mail came back.
    RecordBounce "replies bounce" [Analyst];
    /// Add a reply template.
    CreateReplyTemplate "createReplyTemplate" [Admin];
    /// Give a reply template another text.
    UpdateReplyTemplate "updateReplyTemplate" [Admin];
    /// Say how replies reach a channel without a person.
    SetReplyRoute "setReplyRoute" [Admin];
    /// Waive an obligation to reply.
    WaiveObligation "waiveObligation" [Analyst Leader];
    /// Record the review.
    RecordReview "recordReview" [Analyst];
    /// Close without a review, with a reason.
    SkipReview "skipReview" [Analyst];
    /// Add an action item.
    AddActionItem "addActionItem" [Analyst];
    /// Finish or drop an action item.
    UpdateActionItem "updateActionItem" [Analyst Leader Engineer Support AccountManager Legal PublicRelations];
    /// Comment on an event, for the team.
    Comment "comment" [Analyst Leader Engineer Support AccountManager Legal PublicRelations];
    /// Write to the reporter.
    MessageReporter "messageReporter" [Analyst];
    /// Introduce what reports earn from now on.
    CreateRewardGrid "createRewardGrid" [Admin];
    /// Grant money or points for a period.
    CreateBudget "createBudget" [Finance];
    /// Grant a budget more, or take from it.
    AdjustBudget "adjustBudget" [Finance];
    /// Propose a payout.
    ProposePayout "proposePayout" [Analyst];
    /// Split a proposed payout among several finders.
    SplitPayout "splitPayout" [Analyst];
    /// Approve a payout; a LEADER beyond range or budget.
    ApprovePayout "approvePayout" [Analyst Leader Finance];
    /// Reject a proposed payout.
    RejectPayout "rejectPayout" [Analyst Leader Finance];
    /// Put a payout on hold.
    HoldPayout "holdPayout" [Analyst Leader Finance];
    /// Let a held payout go on.
    ReleasePayout "releasePayout" [Analyst Leader];
    /// Take a payout back before it is paid.
    CancelPayout "cancelPayout" [Analyst Leader];
    /// Accept a payout.
    AcceptPayout "acceptPayout" [Reporter Src];
    /// Appeal against a payout's severity.
    AppealPayout "appealPayout" [Reporter Src];
    /// Uphold or dismiss an appeal.
    ResolvePayoutAppeal "resolvePayoutAppeal" [Analyst Leader];
    /// Say that the platform took a payout.
    MarkPayoutSynced "markPayoutSynced" [Src];
    /// Record a payment by hand, with proof.
    MarkPayoutPaid "markPayoutPaid" [Finance];
    /// Confirm that the platform paid.
    ConfirmPayout "confirmPayout" [Finance Src];
    /// Say that the platform could not pay.
    FailPayout "failPayout" [Finance Src];
    /// Offer a failed payout to the platform again.
    RetryPayout "retryPayout" [Analyst Finance];
    /// Undo a payment by a reversing entry.
    ReversePayout "reversePayout" [Leader];
    /// Say where a payee's money goes.
    SetPayeeAccount "setPayeeAccount" [Finance Reporter Src];
    /// Compute and propose the bonuses of a period.
    ComputeBonusRun "computeBonusRun" [Analyst];
    /// Take the mails of a channel's mailbox.
    TakeMail "intake mail" [Analyst];
    /// Import reports from a file.
    ImportReports "importReports" [Analyst];
    /// Read the events one may see.
    ReadEvents "readEvents" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Be told of what happens on the events one may see, or on the public side of one's own reports.
    FollowEvents "readEventChanges" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor Reporter Src];
    /// Read the reports one may see.
    ReadReports "readReports" [Analyst Leader Auditor Reporter Src];
    /// Read who reported.
    ReadReporters "readReporters" [Analyst Leader Auditor];
    /// Read the files one may see.
    ReadAttachments "readAttachments" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor Reporter Src];
    /// Read reports as received, on events one may see.
    ReadRawReports "readRawReports" [Analyst Leader Auditor];
    /// Look for what stands in what one may see.
    Search "readSearch" [Admin Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor Reporter Src];
    /// Choose whether one is named on leaderboards.
    SetLeaderboardName "setLeaderboardName" [Reporter];
    /// Read figures of what one may see.
    ReadFigures "readFigures" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Finance Auditor];
    /// Read figures of payouts.
    ReadPayoutFigures "readPayoutFigures" [Analyst Leader Finance Auditor];
    /// Read how reporters stand: their own side of it without who they are.
    ReadLeaderboard "readLeaderboard" [Analyst Leader Auditor Reporter Src];
    /// Read which reports may be the same, and what was decided of them.
    ReadDuplicates "readDuplicates" [Analyst Leader Auditor];
    /// Read obligations, replies and their drafts.
    ReadReplies "readReplies" [Analyst Leader Support AccountManager Legal PublicRelations Auditor];
    /// Read reply templates.
    ReadReplyTemplates "readReplyTemplates" [Admin Analyst Leader Legal PublicRelations Auditor];
    /// Take everything that was sent, received and decided on an event out of the product.
    ExportPackage "readPackage" [Analyst Leader Auditor];
    /// Write what may be published of an event as a document.
    ExportAdvisory "readAdvisory" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Read what one was told.
    ReadNotices "readNotices" [Admin Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Read clocks.
    ReadDeadlines "readDeadlines" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Read decisions.
    ReadDecisions "readDecisions" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Read products.
    ReadProducts "readProducts" [Admin Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Read customers.
    ReadCustomers "readCustomers" [Admin Analyst Leader Support AccountManager Auditor];
    /// Read channels.
    ReadChannels "readChannels" [Admin Analyst Leader Legal PublicRelations Auditor];
    /// Make a link under which calendar programs read what one has to do.
    CreateCalendarFeed "createCalendarFeed" [Analyst Leader Engineer Support AccountManager Legal PublicRelations];
    /// End one's own calendar link.
    RevokeCalendarFeed "revokeCalendarFeed" [Analyst Leader Engineer Support AccountManager Legal PublicRelations];
    /// Read business calendars and count by them.
    ReadCalendars "readCalendars" [Admin Analyst Leader Engineer Support AccountManager Legal PublicRelations Finance Auditor];
    /// Read the duty roster.
    ReadDuties "readDuties" [Admin Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor];
    /// Read deadline policies.
    ReadDeadlinePolicies "readDeadlinePolicies" [Admin Analyst Leader Engineer Legal PublicRelations Auditor];
    /// Read rating policies.
    ReadRatingPolicies "readRatingPolicies" [Admin Analyst Leader Engineer Legal PublicRelations Auditor];
    /// Read the payouts one may see.
    ReadPayouts "readPayouts" [Analyst Leader Finance Auditor Reporter Src];
    /// Read how payouts were decided: by whom, why, by which range.
    ReadPayoutDecisions "readPayoutDecisions" [Analyst Leader Finance Auditor];
    /// Follow the changes of payouts.
    ReadPayoutChanges "readPayoutChanges" [Finance Src];
    /// Read the account references of payees.
    ReadPayeeAccounts "readPayeeAccounts" [Finance];
    /// Compare payouts with a platform's statement.
    ReadPayoutReconciliation "readPayoutReconciliation" [Finance];
    /// Read how bonuses were computed.
    ReadBonusRuns "readBonusRuns" [Analyst Leader Auditor];
    /// Read reward grids.
    ReadRewardGrids "readRewardGrids" [Admin Analyst Leader Finance Auditor];
    /// Read budgets and their ledgers.
    ReadBudgets "readBudgets" [Leader Finance Auditor];
    /// Read the audit trail of events and reporters one may see.
    ReadEventAudit "readEventAudit" [Analyst Leader Auditor];
    /// Read the audit trail of the configuration.
    ReadConfigurationAudit "readConfigurationAudit" [Admin Auditor];
    /// Hear how far the audit trail has come: for those alone from whom no event is hidden, since it counts them all.
    ReadAnchors "readAnchors" [Leader Auditor];
    /// Keep the audit trail's newest seal elsewhere: the schedule's alone.
    AnchorTrail "anchorTrail" [];
    /// Add a webhook endpoint, with the grant that it needs.
    CreateWebhookEndpoint "createWebhookEndpoint" [Admin];
    /// Change a webhook endpoint or propose another grant.
    UpdateWebhookEndpoint "updateWebhookEndpoint" [Admin];
    /// Replace a webhook endpoint's secret.
    RotateWebhookSecret "rotateWebhookSecret" [Admin];
    /// Pause deliveries to a webhook endpoint.
    PauseWebhookEndpoint "pauseWebhookEndpoint" [Admin];
    /// Let deliveries to a webhook endpoint go on.
    ResumeWebhookEndpoint "resumeWebhookEndpoint" [Admin];
    /// Send a test message to a webhook endpoint.
    TestWebhookEndpoint "testWebhookEndpoint" [Admin];
    /// Delete a webhook endpoint.
    DeleteWebhookEndpoint "deleteWebhookEndpoint" [Admin];
    /// Confirm a webhook endpoint's grant.
    ConfirmWebhookGrant "confirmWebhookGrant" [Leader];
    /// Take a webhook endpoint's grant away.
    RevokeWebhookGrant "revokeWebhookGrant" [Leader];
    /// Deliver a message to a webhook endpoint again.
    ReplayDelivery "replayDelivery" [Admin Leader];
    /// Deliver what a webhook endpoint missed again.
    ReplayDeliveries "replayDeliveries" [Admin Leader];
    /// Add a ticketing system.
    CreateTracker "createTracker" [Admin];
    /// Change a ticketing system.
    UpdateTracker "updateTracker" [Admin];
    /// Open a ticket for a line's fix.
    OpenTicket "openTicket" [Analyst Engineer];
    /// Link a ticket that is there to a line's fix.
    LinkTicket "linkTicket" [Analyst Engineer];
    /// Try a ticket again, or look at it now.
    RetryTicket "retryTicket" [Analyst Engineer];
    /// Keep a ticket in step no longer.
    UnlinkTicket "unlinkTicket" [Analyst Engineer];
    /// Keep tickets in step with the fixes: the product's own alone.
    SyncTicket "syncTicket" [];
    /// Read ticketing systems.
    ReadTrackers "readTrackers" [Admin Analyst Leader Engineer Auditor Ticketing];
    /// Read the tickets one may see.
    ReadTickets "readTickets" [Analyst Leader Engineer Support AccountManager Legal PublicRelations Auditor Ticketing];
    /// Seal stored secrets with the present key.
    RotateSecretKey "secrets rotate" [Admin];
    /// Read webhook endpoints and how deliveries to them went.
    ReadWebhooks "readWebhooks" [Admin Leader Auditor];
    /// Read which messages webhooks can carry.
    ReadMessageTypes "readMessageTypes" [Admin Analyst Leader Auditor Ticketing Src];
    /// Read which people and services have called.
    ReadPrincipals "readPrincipals" [Admin Auditor];
}

/// Whether the actor's roles allow `action` at all.
pub fn allows(actor: &Actor, action: Action) -> bool {
    actor.has_any(action.roles())
}

/// Demands that the actor's roles allow `action`: the first line of every command.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn require(actor: &Actor, action: Action) -> Result<()> {
    if allows(actor, action) { Ok(()) } else { Err(Error::Forbidden { action: action.name() }) }
}
