//! The strict parser.

use std::fmt;

use super::CvssVersion;
use super::metrics::{Metric, metrics};

/// The longest text that is read. The longest valid vector, 4.0 with every metric, has under 250 bytes.
pub const MAX_BYTES: usize = 512;

/// Why a text is no vector, and what to send instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CvssError {
    /// Longer than any vector.
    #[error("the vector has {bytes} bytes: send at most {MAX_BYTES}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It does not begin like a vector of any version.
    #[error(
        "the vector begins with {found:?}: begin with \"CVSS:3.1/\", \"CVSS:4.0/\" or \"CVSS:3.0/\"; \
         a 2.0 vector has no prefix and begins with a metric, such as \"AV:N/\""
    )]
    Version {
        /// Its first component.
        found: String,
    },
    /// A component is not a name, a colon and a value: also an empty one, as after a last slash.
    #[error(
        "{found:?} is not a metric: separate metrics by one \"/\" each and write every one as NAME:VALUE"
    )]
    Component {
        /// The component.
        found: String,
    },
    /// The version has no such metric.
    #[error("{version} has no metric {metric:?}: names are case-sensitive; send only {known}")]
    UnknownMetric {
        /// The vector's version.
        version: CvssVersion,
        /// The name that came.
        metric: String,
        /// The names there are.
        known: String,
    },
    /// The metric has no such value.
    #[error("{metric} has no value {value:?} in {version}: values are case-sensitive; send one of {allowed}")]
    Value {
        /// The vector's version.
        version: CvssVersion,
        /// The metric.
        metric: &'static str,
        /// The value that came.
        value: String,
        /// The values there are.
        allowed: String,
    },
    /// A metric comes twice.
    #[error("{metric} comes more than once: send it once")]
    Duplicate {
        /// The metric.
        metric: &'static str,
    },
    /// Mandatory metrics are missing.
    #[error("{version} needs the metrics {missing}: add them")]
    Missing {
        /// The vector's version.
        version: CvssVersion,
        /// Those that are missing.
        missing: String,
    },
}

/// The defined metrics of a complete vector, in canonical order.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) version: CvssVersion,
    pub(super) defined: Vec<(&'static Metric, &'static str)>,
}

impl Metrics {
    /// The value of a metric, where it is defined.
    pub(super) fn value(&self, name: &str) -> Option<&'static str> {
        self.defined.iter().find(|(metric, _)| metric.name == name).map(|(_, value)| *value)
    }

    /// The same with only the metrics that `keep` accepts.
    pub(super) fn only(&self, keep: impl Fn(&Metric) -> bool) -> Self {
        let defined = self.defined.iter().filter(|(metric, _)| keep(metric)).copied().collect();
        Self { version: self.version, defined }
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(prefix) = prefix(self.version) {
            f.write_str(prefix)?;
            separator = "/";
        }
        for (metric, value) in &self.defined {
            write!(f, "{separator}{}:{value}", metric.name)?;
            separator = "/";
        }
        Ok(())
    }
}

/// What a vector begins with; nothing in 2.0.
fn prefix(version: CvssVersion) -> Option<&'static str> {
    match version {
        CvssVersion::V2_0 => None,
        CvssVersion::V3_0 => Some("CVSS:3.0"),
        CvssVersion::V3_1 => Some("CVSS:3.1"),
        CvssVersion::V4_0 => Some("CVSS:4.0"),
    }
}

pub(super) fn parse(text: &str) -> Result<Metrics, CvssError> {
    if text.len() > MAX_BYTES {
        return Err(CvssError::TooLong { bytes: text.len() });
    }
    let (version, components) = split_version(text)?;
    let known = metrics(version);
    let mut values: Vec<Option<&'static str>> = vec![None; known.len()];
    for component in components.split('/') {
        let (index, value) = read(version, known, component)?;
        if values[index].replace(value).is_some() {
            return Err(CvssError::Duplicate { metric: known[index].name });
        }
    }
    let given = || known.iter().zip(&values);
    let missing: Vec<_> = given()
        .filter(|(metric, value)| metric.is_mandatory() && value.is_none())
        .map(|(metric, _)| metric.name)
        .collect();
    if !missing.is_empty() {
        return Err(CvssError::Missing { version, missing: missing.join(", ") });
    }
    let defined = given()
        .filter_map(|(metric, value)| value.map(|value| (metric, value)))
        .filter(|(metric, value)| !metric.is_undefined(value))
        .collect();
    Ok(Metrics { version, defined })
}

/// Tells the version and what follows its prefix.
fn split_version(text: &str) -> Result<(CvssVersion, &str), CvssError> {
    for version in [CvssVersion::V3_0, CvssVersion::V3_1, CvssVersion::V4_0] {
        let rest = prefix(version).and_then(|prefix| text.strip_prefix(prefix)?.strip_prefix('/'));
        if let Some(rest) = rest {
            return Ok((version, rest));
        }
    }
    let first = text.split('/').next().unwrap_or_default();
    match first.split_once(':') {
        Some((name, _)) if metrics(CvssVersion::V2_0).iter().any(|metric| metric.name == name) => {
            Ok((CvssVersion::V2_0, text))
        }
        _ => Err(CvssError::Version { found: first.to_owned() }),
    }
}

/// Reads one component: the metric's place among the `known` ones, and its value.
fn read(
    version: CvssVersion,
    known: &'static [Metric],
    component: &str,
) -> Result<(usize, &'static str), CvssError> {
    let Some((name, value)) = component.split_once(':') else {
        return Err(CvssError::Component { found: component.to_owned() });
    };
    let Some(index) = known.iter().position(|metric| metric.name == name) else {
        let names: Vec<_> = known.iter().map(|metric| metric.name).collect();
        return Err(CvssError::UnknownMetric { version, metric: name.to_owned(), known: names.join(", ") });
    };
    let metric = &known[index];
    let Some(value) = metric.values.iter().find(|allowed| **allowed == value) else {
        return Err(CvssError::Value {
            version,
            metric: metric.name,
            value: value.to_owned(),
            allowed: metric.values.join(", "),
        });
    };
    Ok((index, value))
}
