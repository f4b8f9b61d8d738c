//! What a reader makes of a record.

use chrono::{DateTime, NaiveDate, Utc};

use super::Amount;

/// One record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A record that can become a report.
    Report(Box<ImportedReport>),
    /// A record that cannot.
    Refused(RefusedRecord),
}

/// A record with a number and a title. Texts are UTF-8 with `\n` line ends and without control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportedReport {
    /// The line on which the record starts, counted from 1.
    pub line: u64,
    /// The channel's own number of the report, as received. A file may repeat it.
    pub number: String,
    /// The title on one line.
    pub title: String,
    /// The report for people to read: its description, then every other text under a heading. The
    /// reporter's name is not in it. May be empty.
    pub text: String,
    /// When the channel received it.
    pub received: Option<Moment>,
    /// When the channel published it.
    pub published: Option<Moment>,
    /// The channel's own rating.
    pub severity: Option<ImportedSeverity>,
    /// Whether a product or one installation is concerned.
    pub kind: Option<VulnerabilityKind>,
    /// The reporter, as the channel names them.
    pub reporter_name: Option<String>,
    /// The class of weakness, in the channel's words.
    pub weakness: Option<String>,
    /// Numbers and links that the record's own fields declare, without repeats.
    pub indicators: Vec<Indicator>,
    /// Affected products, in the channel's words, without repeats.
    pub products: Vec<String>,
    /// What the channel paid; a zero is none.
    pub bounty: Option<Amount>,
    /// Every field by name and value in the file's order, also those without a place above.
    pub source: Vec<(String, String)>,
    /// What was odd about the record, for people: values that could not be read, characters removed.
    pub notes: Vec<String>,
}

/// Why a record was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecord {
    /// The line on which the record starts, counted from 1.
    pub line: u64,
    /// The record's number, if it was read before the trouble.
    pub number: Option<String>,
    /// The field at fault, by its name in the file.
    pub field: String,
    /// What is wrong with it and what to do.
    pub reason: String,
}

/// A time as exact as the file gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A calendar day in the channel's time zone.
    Day(NaiveDate),
    /// An instant.
    Instant(DateTime<Utc>),
}

/// A channel's rating, on the scale that CNVD (three grades), CNNVD and CVSS (four) share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportedSeverity {
    /// 超危, 严重.
    Critical,
    /// 高.
    High,
    /// 中.
    Medium,
    /// 低.
    Low,
}

/// CNVD's two kinds of vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VulnerabilityKind {
    /// 通用型: in software or hardware that many run.
    Generic,
    /// 事件型: in one organisation's installation.
    EventType,
}

/// A fact that ties records about the same vulnerability together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// What the value is.
    pub kind: IndicatorKind,
    /// The number in capitals, or the link as received.
    pub value: String,
}

/// Kinds of [`Indicator`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndicatorKind {
    /// A CVE number.
    Cve,
    /// A CNVD number.
    Cnvd,
    /// A CNNVD number.
    Cnnvd,
    /// A Bugtraq number.
    Bugtraq,
    /// A link.
    Url,
}
