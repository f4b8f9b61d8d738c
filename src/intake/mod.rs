//! Intake: what arrives through a channel, and who reported it.
//!
//! A report is one arrival. Its title and text are kept as received; what arrives later is a further version. It
//! is recognised again by the channel's own number, else by its Message-ID, else by its content: the same content
//! answers the first report, other content adds a version. A new report opens an event or joins one that a person
//! names, and where the channel asks for it an obligation to reply opens with it, to that channel alone.
//!
//! Reports stay movable until their event has its verdict: a person joins them to another event, or splits one that
//! tells of several vulnerabilities into numbered parts.
//!
//! Reporters are the one place with personal data. A reporter sees the public side of their reports once they are
//! linked to a subject; erasing them ends that and leaves reports and audit as they are.
//!
//! Files of records (another database's export, a spreadsheet) are read by [`import`] and recorded by [`importer`].

pub mod graphql;
pub mod import;
pub mod importer;
pub mod rules;
pub mod store;

mod arrival;
mod public_side;
mod rearrange;
mod receive;
mod reporters;
#[cfg(test)]
mod test_bed;
#[cfg(test)]
mod tests;

pub use arrival::Enclosed;
pub use rearrange::{
    AddToReport, JoinReport, ReportPart, SplitReport, WithdrawReport, add_to_report, join_report,
    split_report, withdraw_report,
};
pub use receive::{
    Arrived, IndicatorInput, ReceiveReport, open_channel, receive_report, receive_with, revise_after_arrival,
};
pub use reporters::{
    EraseReporter, LinkReporter, ReporterInput, SetLeaderboardName, UpdateReporter, erase_reporter,
    link_reporter, set_leaderboard_name, update_reporter,
};

/// Longest title, name, number or reason, in characters.
const SHORT: usize = 2_000;
/// Longest text of a report, in characters.
const LONG: usize = 500_000;
