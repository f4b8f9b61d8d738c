//! CVSS: the technical severity of a vulnerability. 技术严重性。
//!
//! A strict parser stands in front of the crate that computes the scores: the crate takes an incomplete 3.x
//! vector for one that scores 0.0, and `av:n` for `AV:N`. What passes is kept in its canonical text and scored
//! once.
//!
//! The score of a vector is the one of its most specific metrics: environmental where any environmental metric
//! is defined, else temporal, else base; for 4.0 all that is defined. In 3.1 an environmental score without
//! environmental metrics is not the same: its equation differs from the base one, so 9.6 may become 9.7.

mod compare;
mod metrics;
mod parse;
mod points;

use std::fmt;
use std::str::FromStr;

use async_graphql::Enum;

pub use compare::{Difference, differs};
pub use parse::{CvssError, MAX_BYTES};

use super::rules::Tenths;

/// The versions of CVSS that are read. CVSS 版本。
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
pub enum CvssVersion {
    /// 2.0, still used by CNVD. CNVD 仍在使用。
    #[graphql(name = "CVSS_2_0")]
    V2_0,
    /// 3.0.
    #[graphql(name = "CVSS_3_0")]
    V3_0,
    /// 3.1.
    #[graphql(name = "CVSS_3_1")]
    V3_1,
    /// 4.0.
    #[graphql(name = "CVSS_4_0")]
    V4_0,
}

impl CvssVersion {
    /// Its number: `3.1`.
    pub fn number(self) -> &'static str {
        match self {
            Self::V2_0 => "2.0",
            Self::V3_0 => "3.0",
            Self::V3_1 => "3.1",
            Self::V4_0 => "4.0",
        }
    }
}

impl fmt::Display for CvssVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CVSS {}", self.number())
    }
}

pub use entity::vocabulary::CvssBand as Band;
pub use entity::vocabulary::Severity;

/// The band of `score` on the scale of `version`; 2.0 knows LOW, MEDIUM and HIGH only, as NVD defines them.
pub fn band_of(version: CvssVersion, score: Tenths) -> Band {
    match (version, score.get()) {
        (CvssVersion::V2_0, 0..=39) => Band::Low,
        (CvssVersion::V2_0, 70..) => Band::High,
        (_, 0) => Band::None,
        (_, ..=39) => Band::Low,
        (_, ..=69) => Band::Medium,
        (_, ..=89) => Band::High,
        (_, 90..) => Band::Critical,
    }
}

/// The severity that a band proposes for a confirmed report; nothing for a vector without any impact, which a
/// person has to look at.
pub fn severity_from_band(band: Band) -> Option<Severity> {
    match band {
        Band::None => None,
        Band::Low => Some(Severity::Low),
        Band::Medium => Some(Severity::Medium),
        Band::High => Some(Severity::High),
        Band::Critical => Some(Severity::Critical),
    }
}

/// A complete, valid vector and its scores. Two vectors are equal when they say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    version: CvssVersion,
    canonical: String,
    base_score: Tenths,
    score: Tenths,
}

impl Vector {
    /// Reads a vector: metrics in any order, each at most once, names and values exactly as the specification
    /// writes them, all mandatory ones present. 2.0 has no prefix, the others begin with `CVSS:3.0/`,
    /// `CVSS:3.1/` or `CVSS:4.0/`.
    ///
    /// # Errors
    /// Whatever is not such a vector; the error names the metric and what to send.
    pub fn parse(text: &str) -> Result<Self, CvssError> {
        let metrics = parse::parse(text)?;
        let points = points::points(&metrics);
        Ok(Self {
            version: metrics.version,
            canonical: metrics.to_string(),
            base_score: points.base,
            score: points.full,
        })
    }

    /// The version it is written in.
    pub fn version(&self) -> CvssVersion {
        self.version
    }

    /// The score of the base metrics alone.
    pub fn base_score(&self) -> Tenths {
        self.base_score
    }

    /// The score of everything that is defined: with threat (temporal) and environmental metrics where there are.
    pub fn score(&self) -> Tenths {
        self.score
    }

    /// The band of [`Vector::score`].
    pub fn band(&self) -> Band {
        band_of(self.version, self.score)
    }

    /// Its canonical text: metrics in the order of the specification, those "not defined" left out.
    pub fn as_str(&self) -> &str {
        &self.canonical
    }
}

impl FromStr for Vector {
    type Err = CvssError;

    fn from_str(text: &str) -> Result<Self, CvssError> {
        Self::parse(text)
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

#[cfg(test)]
mod tests;
