//! All that may ever stand in an advisory.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::vocabulary::{AffectedState, Justification, Tlp};
use serde::Serialize;
use url::Url;

use super::versions::Span;
use crate::error::{Refusal, RefusalCode};

/// What documents are written from.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Number of the event: the document's id.
    pub(super) number: String,
    /// Title that an analyst wrote.
    pub(super) title: String,
    /// Description that an analyst wrote.
    pub(super) description: String,
    /// Whether the document's own words are Chinese.
    pub(super) chinese: bool,
    /// How far it may be shared.
    pub(super) tlp: Tlp,
    /// Since when it is public; none while it is not.
    pub(super) disclosed_at: Option<DateTime<Utc>>,
    /// Where the document stands.
    pub(super) status: DocumentStatus,
    /// Its versions, oldest first: never empty.
    pub(super) revisions: Vec<Revision>,
    /// CVE numbers of the vulnerability.
    pub(super) cves: Vec<String>,
    /// Weaknesses (`CWE-79`), those of our newest assessment first.
    pub(super) weaknesses: Vec<String>,
    /// Our newest CVSS assessment of each version.
    pub(super) severities: Vec<Severity>,
    /// How products stand to it: never empty.
    pub(super) products: Vec<Product>,
    /// An exploit is public.
    pub(super) exploit_public: bool,
    /// It is exploited.
    pub(super) exploited: Option<Exploited>,
    /// Pages about it.
    pub(super) references: Vec<Url>,
}

/// Where a document stands, as CSAF calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DocumentStatus {
    /// Nothing was published yet.
    Draft,
    /// Published, and likely to change.
    Interim,
    /// The event is closed.
    Final,
}

/// A version of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    /// From 1; 0 is a draft.
    pub(super) number: usize,
    /// When.
    pub(super) at: DateTime<Utc>,
    /// What changed.
    pub(super) summary: &'static str,
}

/// A CVSS assessment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Severity {
    /// 2.0, 3.0, 3.1 or 4.0.
    pub(super) version: String,
    /// The vector.
    pub(super) vector: String,
    /// Base score in tenths.
    pub(super) base: i32,
    /// Its band.
    pub(super) band: &'static str,
}

impl Severity {
    /// The base score as a number of JSON.
    pub(super) fn score(&self) -> serde_json::Number {
        let text = format!("{}.{}", self.base / 10, self.base % 10);
        text.parse().unwrap_or_else(|_| serde_json::Number::from(0))
    }
}

/// Exploitation in the wild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exploited {
    /// When it was recorded.
    pub(super) recorded_at: DateTime<Utc>,
    /// When it was first seen, if that is known.
    pub(super) first_at: Option<DateTime<Utc>>,
}

/// How a product stands to the event.
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// Its key.
    pub(super) key: String,
    /// Its name.
    pub(super) name: String,
    /// Who provides it.
    pub(super) vendor: String,
    /// How it stands.
    pub(super) state: AffectedState,
    /// Why it is not affected.
    pub(super) justification: Option<Justification>,
    /// Affected versions; empty when nobody said.
    pub(super) affected: Vec<Span>,
    /// Fixed versions; empty when there is no fix.
    pub(super) fixed: Vec<Span>,
    /// What can be had against it.
    pub(super) measures: Vec<Measure>,
}

/// Something that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    /// What.
    pub(super) kind: MeasureKind,
    /// In words.
    pub(super) details: String,
    /// Since when.
    pub(super) at: DateTime<Utc>,
    /// Where more is said.
    pub(super) url: Option<Url>,
}

/// What can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MeasureKind {
    /// A release of ours.
    VendorFix,
    /// Something that helps meanwhile.
    Mitigation,
}

impl Facts {
    /// The version: the newest revision's number.
    pub(super) fn version(&self) -> usize {
        self.revisions.last().map_or(0, |revision| revision.number)
    }

    /// When the first version was.
    pub(super) fn first_at(&self) -> String {
        self.revisions.first().map(|revision| instant(revision.at)).unwrap_or_default()
    }

    /// When the newest version was.
    pub(super) fn last_at(&self) -> String {
        self.revisions.last().map(|revision| instant(revision.at)).unwrap_or_default()
    }

    /// English or Chinese words.
    pub(super) fn words<'a>(&self, english: &'a str, chinese: &'a str) -> &'a str {
        if self.chinese { chinese } else { english }
    }

    /// The one CVE number; none when there are none or several.
    pub(super) fn cve(&self) -> Option<&str> {
        match &self.cves[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Name of a file after an id: what CSAF allows in one.
    pub(super) fn file_name(id: &str, ending: &str) -> String {
        let name: String = id
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "+-".contains(c) { c } else { '_' })
            .collect();
        format!("{name}{ending}")
    }

    /// Refuses what cannot say how far it may be shared, while the event is not public.
    pub(super) fn demand_public(&self, form: &str) -> Option<Refusal> {
        self.disclosed_at.is_none().then(|| {
            let message = format!(
                "{form} cannot say how far it may be shared, and the event is not public: that takes TLP:CLEAR, no embargo, \
                 and that the world knows it (recordWorldFact PUBLICLY_KNOWN) or a decision to disclose (askDecision \
                 DISCLOSE); CSAF can be written meanwhile"
            );
            Refusal::new(RefusalCode::NeedsLeader, message)
        })
    }
}

/// A refusal for what a form asks for and the event lacks.
pub(super) fn lacks(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::MissingFact, message)
}

/// An instant as documents write it.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
