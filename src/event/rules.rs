//! The procedure: one table of moves, from which everything else about moves is derived.

mod conditions;

pub use conditions::{LineFacts, MoveFacts, missing, status_by_lines};

use entity::event;
use entity::vocabulary::{Level, PublicStatus, Status};

use crate::auth::policy::Action;
use crate::error::{Refusal, RefusalCode};

/// What causes a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An analyst starts the analysis.
    StartTriage,
    /// An analyst asks the reporter.
    AskReporter,
    /// Information arrived, or an analyst goes on without it.
    ResumeTriage,
    /// A verdict that the event is ours to fix.
    VerdictToFix,
    /// Any other verdict.
    VerdictToAnswer,
    /// An analyst starts the fix.
    StartRemediation,
    /// The lines' states say so.
    Lines,
    /// An analyst starts the review.
    StartReview,
    /// The review was recorded.
    Review,
    /// The review was skipped with a reason.
    SkipReview,
    /// An analyst returns it with a reason.
    ReturnToTriage,
    /// An analyst reopens it with a reason.
    Reopen,
    /// A report or follow-up opened an obligation.
    NewObligation,
    /// Its last report was joined to another event.
    LastReportLeft,
    /// A decision that accepted a line's risk expired: the line is to be fixed again.
    RiskExpired,
}

impl Cause {
    /// The mutation by which a person brings it about; `None` where the procedure does so by itself.
    pub fn mutation(self) -> Option<Action> {
        match self {
            Self::StartTriage => Some(Action::StartTriage),
            Self::AskReporter => Some(Action::AskReporter),
            Self::ResumeTriage => Some(Action::ResumeTriage),
            Self::VerdictToFix | Self::VerdictToAnswer => Some(Action::GiveVerdict),
            Self::StartRemediation => Some(Action::StartRemediation),
            Self::StartReview => Some(Action::StartReview),
            Self::Review => Some(Action::RecordReview),
            Self::SkipReview => Some(Action::SkipReview),
            Self::ReturnToTriage => Some(Action::ReturnToTriage),
            Self::Reopen => Some(Action::ReopenEvent),
            Self::Lines | Self::NewObligation | Self::LastReportLeft | Self::RiskExpired => None,
        }
    }

    /// What brings it about, and what it needs, in both languages: for the documentation.
    pub fn description(self) -> &'static str {
        match self {
            Self::StartTriage => "an analyst starts the analysis 分析员开始研判",
            Self::AskReporter => "an analyst asks the reporter of one of its reports 分析员向报告人提问",
            Self::ResumeTriage => {
                "the information arrives, or an analyst goes on without it 信息已补充，或分析员不再等待"
            }
            Self::VerdictToFix => "the verdict CONFIRMED or KNOWN_INTERNALLY 研判结论为确认或内部已知",
            Self::VerdictToAnswer => {
                "any other verdict; from NEEDS_INFORMATION only INSUFFICIENT_INFORMATION, 72 hours after the question \
                 其他研判结论；待补充状态下仅限提问满七十二小时后的“信息不足”"
            }
            Self::StartRemediation => {
                "a current score, and an R_AND_D assignment that is not declined for each affected line \
                 已评分，且每条受影响产品线均有未被拒绝的研发任务"
            }
            Self::Lines => "the states of the affected lines say so 由各受影响产品线的状态决定",
            Self::StartReview => "every obligation is met or waived 所有回复义务均已履行或豁免",
            Self::Review => "the review is recorded 记录复盘",
            Self::SkipReview => {
                "the review is skipped with a reason: only where the event was never YELLOW or above \
                 说明原因后跳过复盘：仅限历史最高等级低于黄色的事件"
            }
            Self::ReturnToTriage => "an analyst returns it with a reason 分析员说明原因后退回",
            Self::Reopen => "an analyst reopens it with a reason 分析员说明原因后重新打开",
            Self::NewObligation => "a report or a question opens an obligation 新报告或追问产生回复义务",
            Self::LastReportLeft => "its last report was joined to another event 最后一份报告并入其他事件",
            Self::RiskExpired => {
                "the decision that accepted the risk of a line expired 接受某产品线风险的决定到期"
            }
        }
    }
}

/// One row of the move table.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// Current status.
    pub from: Status,
    /// Next status.
    pub to: Status,
    /// What causes it.
    pub cause: Cause,
}

macro_rules! moves {
    ($($from:ident -> $to:ident by $cause:ident;)+) => {
        /// Every move of the procedure.
        pub const MOVES: &[Move] =
            &[$(Move { from: Status::$from, to: Status::$to, cause: Cause::$cause },)+];
    };
}

moves! {
    Received         -> Triaging         by StartTriage;
    Triaging         -> NeedsInformation by AskReporter;
    NeedsInformation -> Triaging         by ResumeTriage;
    Triaging         -> Rating           by VerdictToFix;
    Triaging         -> Replying         by VerdictToAnswer;
    NeedsInformation -> Replying         by VerdictToAnswer;
    Rating           -> Remediating      by StartRemediation;
    Remediating      -> Verifying        by Lines;
    Remediating      -> Replying         by Lines;
    Verifying        -> Remediating      by Lines;
    Verifying        -> Replying         by Lines;
    Replying         -> Reviewing        by StartReview;
    Reviewing        -> Closed           by Review;
    Reviewing        -> Closed           by SkipReview;
    Rating           -> Triaging         by ReturnToTriage;
    Remediating      -> Triaging         by ReturnToTriage;
    Verifying        -> Triaging         by ReturnToTriage;
    Replying         -> Triaging         by ReturnToTriage;
    Reviewing        -> Triaging         by ReturnToTriage;
    Closed           -> Triaging         by Reopen;
    Reviewing        -> Replying         by NewObligation;
    Closed           -> Replying         by NewObligation;
    Received         -> Closed           by LastReportLeft;
    Triaging         -> Closed           by LastReportLeft;
    Verifying        -> Remediating      by RiskExpired;
    Replying         -> Remediating      by RiskExpired;
    Reviewing        -> Remediating      by RiskExpired;
    Closed           -> Remediating      by RiskExpired;
}

/// The moves that the table knows from `from`.
pub fn moves_from(from: Status) -> impl Iterator<Item = &'static Move> {
    MOVES.iter().filter(move |entry| entry.from == from)
}

/// Whether the table knows the move.
pub fn is_move(from: Status, to: Status, cause: Cause) -> bool {
    moves_from(from).any(|entry| entry.to == to && entry.cause == cause)
}

/// Refuses a move that the table does not know, naming those it does.
pub fn not_a_move(event: &event::Model, to: Status) -> Refusal {
    let mut allowed: Vec<_> = moves_from(event.status).map(|entry| entry.to.as_str()).collect();
    // Several causes may lead to one status.
    allowed.sort_unstable();
    allowed.dedup();
    let message = format!(
        "{} cannot go to {} here; from it the procedure goes to: {}",
        event.status,
        to,
        allowed.join(", ")
    );
    Refusal::new(RefusalCode::MoveNotAllowed, message)
}

/// The review may be skipped where nothing ever reached YELLOW, whatever the level is now.
///
/// # Errors
/// A refusal that names the highest level.
pub fn may_skip_review(event: &event::Model) -> Result<(), Refusal> {
    if event.highest_level < Level::Yellow {
        return Ok(());
    }
    let message = format!("the event was {}: record a review (recordReview)", event.highest_level);
    Err(Refusal::new(RefusalCode::MissingFact, message))
}

/// Whether somebody is finding out what the event is.
pub fn is_analysed(status: Status) -> bool {
    matches!(status, Status::Received | Status::Triaging | Status::NeedsInformation)
}

/// What a reporter sees of a status.
pub fn public_status(status: Status) -> PublicStatus {
    match status {
        Status::Received => PublicStatus::Received,
        Status::Triaging | Status::Rating => PublicStatus::InReview,
        Status::NeedsInformation => PublicStatus::NeedsInformation,
        Status::Remediating | Status::Verifying => PublicStatus::Fixing,
        Status::Replying | Status::Reviewing | Status::Closed => PublicStatus::Done,
    }
}

#[cfg(test)]
mod tests;
